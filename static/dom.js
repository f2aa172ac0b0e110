// Making elements, without markup in strings: nothing that the server sends is ever read as HTML.

/**
 * h("button", {class: "big", onclick: f}, "Go") makes an element. A property that is false, null or undefined
 * is left out; one that is true is set empty; a function becomes a listener.
 * @param {string} name
 * @param {Record<string, unknown>} [properties]
 * @param {...(Node|string|null|false|undefined)} children
 */
export function h(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined) continue;
    if (typeof value === "function") element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== false && child !== undefined));
  return element;
}

/** Set an element's text only where it differs: assistive technology then hears changes, not repetitions. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Replace the children and keep the keyboard's focus on the one with the same `data-key`. */
export function replace(parent, ...children) {
  const focused = document.activeElement;
  const key = focused && parent.contains(focused) ? focused.getAttribute("data-key") : null;
  parent.replaceChildren(...children.filter(Boolean));
  if (key) parent.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
}

const PATHS = {
  yes: "M4 12.5l5.5 5.5L20 6.5",
  no: "M5.5 5.5l13 13M18.5 5.5l-13 13",
  unsure: "M8 9a4 4 0 1 1 5.6 3.7c-1 .5-1.6 1.2-1.6 2.5M12 19.2v.3",
  hand: "M5 12h13M12.5 6l6 6-6 6",
  bell: "M6 17V11a6 6 0 0 1 12 0v6l1.5 1.5h-15zM10.5 21.5h3",
  quiet: "M6 17V11a6 6 0 0 1 9-5.2M18 11v6l1.5 1.5H7M10.5 21.5h3M4 3.5l17 17",
  shield: "M12 3l7.5 2.5V12c0 4.5-3 7.5-7.5 9-4.5-1.5-7.5-4.5-7.5-9V5.5z",
  warning: "M12 4l9.5 16.5h-19zM12 10v5M12 17.7v.3",
  camera: "M3 7h12v10H3zM15 11l6-3.5v9l-6-3.5",
  people: "M9 11a3.2 3.2 0 1 0-.01 0zM3 19.5c0-3.5 2.5-5.5 6-5.5s6 2 6 5.5M16 11a2.7 2.7 0 1 0-1.5-5M17 14c2.5.5 4 2.5 4 5.5",
  larger: "M14 4h6v6M20 4l-7 7M10 20H4v-6M4 20l7-7",
  whole: "M5 5h14v14H5zM9 9h6v6H9z",
  both: "M3 5h8v14H3zM13 5h8v14h-8z",
  plus: "M5 12h14M12 5v14",
  minus: "M5 12h14",
  eye: "M2.5 12c2.5-4 5.7-6 9.5-6s7 2 9.5 6c-2.5 4-5.7 6-9.5 6s-7-2-9.5-6zM12 15a3 3 0 1 0-.01 0z",
  phone: "M8 3h8v18H8zM11 18h2",
  link: "M4 9a12 12 0 0 1 16 0M7 12.7a7.5 7.5 0 0 1 10 0M10.2 16.3a3 3 0 0 1 3.6 0M12 19.5v.3",
  cut: "M4 9a12 12 0 0 1 16 0M7 12.7a7.5 7.5 0 0 1 10 0M12 19.5v.3M4 3.5l17 17",
};

/** A line drawing that stands beside a word, never in its place. @param {keyof typeof PATHS} name */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/**
 * A part of the page that is built anew only when `key` differs from the last time: a button that a thumb is
 * already on is never replaced by news that does not concern it. Returns whether it was built.
 */
export function paint(part, key, build) {
  if (part.dataset.painted === key) return false;
  part.dataset.painted = key;
  replace(part, ...build());
  return true;
}
