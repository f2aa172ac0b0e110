// The small parts that every page of the desk is made of: badges, facts, tables, notices, buttons.

import { h } from "../dom.js";
import { words } from "./words.js";

export { h, paint, replace, say } from "../dom.js";

const SHAPES = {
  draft: "M5 19l1-4L16.5 4.5l3 3L9 18zM14 7l3 3",
  authorised: "M12 3l7.5 2.5V12c0 4.5-3 7.5-7.5 9-4.5-1.5-7.5-4.5-7.5-9V5.5zM8.5 12l2.5 2.5 4.5-5",
  ready: "M12 3.5a8.5 8.5 0 1 0 .01 0M12 7.5V12l3 2",
  active: "M7 4.5v15l12-7.5z",
  paused: "M8 5v14M16 5v14",
  suspended: "M8.5 3.5h7l5 5v7l-5 5h-7l-5-5v-7zM8 12h8",
  closed: "M5 5h14v14H5z",
  destroyed: "M6 6l12 12M18 6L6 18",
  yes: "M4 12.5l5.5 5.5L20 6.5",
  no: "M5.5 5.5l13 13M18.5 5.5l-13 13",
  unsure: "M8 9a4 4 0 1 1 5.6 3.7c-1 .5-1.6 1.2-1.6 2.5M12 19.2v.3",
  warning: "M12 4l9.5 16.5h-19zM12 10v5M12 17.7v.3",
  info: "M12 3.5a8.5 8.5 0 1 0 .01 0M12 11v5.5M12 7.6v.3",
  live: "M12 7a5 5 0 1 0 .01 0",
  off: "M12 5a7 7 0 1 0 .01 0M7 17L17 7",
  opening: "M12 4a8 8 0 1 1-8 8",
  person: "M12 12a4 4 0 1 0-.01 0zM4.5 20.5c0-4 3-6.5 7.5-6.5s7.5 2.5 7.5 6.5",
  flag: "M6 21V4h12l-3 4.5 3 4.5H6",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
};
const SPACE = "http://www.w3.org/2000/svg";

/** An element of SVG. */
export function s(name, properties = {}, ...children) {
  const element = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(properties)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

/** A line drawing that stands beside a word, never in its place. @param {keyof typeof SHAPES} name */
export const mark = (name) =>
  s("svg", { viewBox: "0 0 24 24", class: "mark", "aria-hidden": "true" }, s("path", { d: SHAPES[name] ?? SHAPES.info }));

/** A state as shape, colour and word. */
export const badge = (kind, shape, text) => h("span", { class: `badge ${kind}` }, mark(shape), text);
export const stageBadge = (stage) => badge(`stage-${stage}`, stage, words.stage[stage] ?? stage);

const CAMERA_SHAPE = { live: "live", off: "off", ended: "off", opening: "opening", stalled: "warning", retrying: "warning" };
export const cameraBadge = (state) =>
  badge(`camera-${state}`, CAMERA_SHAPE[state] ?? "unsure", words.cameraState[state] ?? state);

/** @param {string} kind  "", "main", "danger"  @param {object} more  further properties */
export const button = (label, onclick, kind = "", more = {}) =>
  h("button", { type: "button", class: kind, onclick, ...more }, label);

export const link = (to, label, more = {}) => h("a", { href: `#${to}`, ...more }, label);

/** Names and values; a value that is empty says so. @param {[string, unknown][]} pairs */
export const facts = (pairs, kind = "") =>
  h(
    "dl",
    { class: `facts ${kind}` },
    ...pairs.filter(Boolean).map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, shown(value)))),
  );

const shown = (value) => (value === "" || value === null || value === undefined ? words.none : value instanceof Node ? value : String(value));

/**
 * A table with a caption. A row is a list of texts or nodes; its first cell heads it.
 * @param {string} caption  @param {string[]} heads  @param {unknown[][]} rows
 * @param {{empty?: string, numbers?: number[], when?: number[], kind?: string}} of  numbers, when: columns; kind:
 *   "cards" where a narrow screen shows a row as a card, "narrow" for few short columns
 */
export function table(caption, heads, rows, { empty = words.nothing, numbers = [], when = [], kind = "" } = {}) {
  if (!rows.length) return h("p", { class: "faint" }, empty);
  const cell = (value, at) => {
    const of = { class: numbers.includes(at) ? "number" : when.includes(at) ? "when" : null, "data-head": heads[at] || null };
    return at === 0 ? h("th", { scope: "row", ...of }, shown(value)) : h("td", of, shown(value));
  };
  return h(
    "div",
    // Wide tables scroll inside their own frame, which the keyboard can reach.
    { class: `scroll ${kind}`, tabindex: "0", role: "region", "aria-label": caption, "data-key": caption },
    h(
      "table",
      {},
      h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, ...heads.map((head, at) => h("th", { scope: "col", class: numbers.includes(at) ? "number" : null }, head)))),
      h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map(cell)))),
    ),
  );
}

/** A box that speaks for itself. @param {"bad"|"warn"|"good"|"info"} kind */
export const notice = (kind, ...content) =>
  h(
    "div",
    { class: `notice ${kind}` },
    mark({ bad: "no", warn: "warning", good: "yes", info: "info" }[kind]),
    h("div", {}, ...content.filter(Boolean)),
  );

/** Why something was refused, in the server's own line, with what is missing as a list. */
export function refusal(error) {
  const text = inWords(error);
  const missing = error.missing ?? [];
  const box = missing.length ? notice("bad", h("p", {}, words.missing), lines(missing)) : notice("bad", h("p", {}, text));
  box.setAttribute("role", "alert");
  return box;
}

/** What is missing, a line each; the server names fields as the plan has them, the page as its form does. */
export const lines = (missing) =>
  h(
    "ul",
    {},
    ...missing.map((line) => {
      const [, field, rest] = /^([a-z_.]+): (.*)$/.exec(line) ?? [];
      return h("li", {}, words.field[field] ? h("strong", {}, `${words.field[field]}: `) : "", words.field[field] ? rest : line);
    }),
  );

export function inWords(error) {
  if ("status" in error && error.message) return error.message[0].toUpperCase() + error.message.slice(1);
  if ("status" in error) return error.status === 403 ? words.forbidden : words.refused(error.status);
  if (error instanceof TypeError || error instanceof ReferenceError) throw error; // a fault of this page
  return words.unreachable;
}

export const section = (title, ...content) => h("section", {}, h("h2", {}, title), ...content);

/** The page's own heading, which takes the focus when a page is opened. */
export const heading = (title, ...beside) =>
  h("div", { class: "heading" }, h("h1", { tabindex: "-1" }, title), ...beside.filter(Boolean));

/** Build a part of a page from an answer; what goes wrong stands in its place. */
export async function fill(place, load) {
  place.setAttribute("aria-busy", "true");
  try {
    const built = await load();
    place.replaceChildren(...[built].flat().filter(Boolean));
  } catch (error) {
    place.replaceChildren(refusal(error));
  } finally {
    place.removeAttribute("aria-busy");
  }
}

let last = 0;
/** An id that no other element has. */
export const unique = (stem) => `${stem}-${(last += 1)}`;
