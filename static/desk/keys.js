// Shortcuts of the desk: one key each, never taken from a field, a dialog or the browser, and a sheet that lists them.

import { tell } from "./form.js";
import { button, h, table } from "./parts.js";
import { words } from "./words.js";

const text = words.keys;
const OFF = "lfrd-desk-shortcuts-off"; // a single key may be in the way of whoever speaks to their machine (WCAG 2.1.4)
const PREFIX = 1500; // ms in which the key of a page is awaited after `g`

/** @typedef {{key: string, says: string, run: () => void}} Shortcut */

/** @type {Shortcut[]} */
let ofPage = [];
/** @type {Shortcut[]} */
let ofPages = []; // after `g`
let going = 0; // when `g` was pressed, 0 otherwise

const off = () => localStorage.getItem(OFF) === "yes";

/** What the page on screen offers. @param {Shortcut[]} list */
export const offer = (list) => (ofPage = list);

/** The pages that `g` and a key open. @param {Shortcut[]} list */
export const pages = (list) => (ofPages = list);

/** Whether a key belongs to what has the focus, and not to us. */
function taken(event) {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return true;
  if (document.querySelector("dialog[open]")) return true;
  const at = event.target;
  if (!(at instanceof Element) || at.closest("dialog")) return false; // closed: its field has the focus for a frame more
  return at.closest("input, select, textarea, video, [contenteditable], [role='slider']") !== null;
}

export function listen() {
  document.addEventListener("keydown", (event) => {
    const after = going && performance.now() - going < PREFIX;
    going = 0;
    if (taken(event) || (off() && event.key !== "?")) return;
    if (event.key === "?") sheet();
    else if (event.key === "g" && !after && ofPages.length) going = performance.now();
    else {
      const found = (after ? ofPages : ofPage).find((each) => each.key === event.key);
      if (!found) return;
      found.run();
    }
    event.preventDefault();
  });
}

const key = (name) => h("kbd", {}, text.names[name] ?? name);

/** The sheet of all that works here and now. */
export function sheet() {
  const rows = [
    ...ofPage.map((each) => [key(each.key), each.says]),
    ...ofPages.map((each) => [h("span", {}, key("g"), ` ${text.then} `, key(each.key)), text.open(each.says)]),
    [key("Enter"), text.enter],
    [key("?"), text.sheet],
    [key("Tab"), text.tab],
  ];
  const toggle = button("", () => {
    localStorage.setItem(OFF, off() ? "no" : "yes");
    say();
  });
  const say = () => (toggle.textContent = off() ? text.on : text.off);
  say();
  return tell(text.heading, [h("p", {}, text.explain), table(text.heading, [text.key, text.what], rows, { kind: "narrow" }), h("div", { class: "actions" }, toggle)]);
}

/**
 * Move the focus among the elements that fit, by one; from outside to the first, or the last.
 * @param {string} selector  @param {1|-1} by
 */
export function step(place, selector, by) {
  const all = [...place.querySelectorAll(selector)].filter((each) => each.checkVisibility());
  const now = all.indexOf(document.activeElement);
  const next = now < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, now + by));
  all[next]?.focus();
}
