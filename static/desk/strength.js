// How good a new password is, by the server's rule (lfrd/store/passwords.py): said while it is typed, sent nowhere.

import { h, say } from "./parts.js";
import { words } from "./words.js";

const text = words.strength;
export const LEAST = 12; // characters
const MOST = 128;

const COMMON = [
  ...["administrator", "adminadmin", "changeme", "correcthorse", "correcthorsebatterystaple", "default"],
  ...["facialrecognition", "iloveyou", "letmein", "lfrd", "livefacialrecognition", "password", "passw0rd"],
  ...["p@ssw0rd", "p@ssword", "police", "policeofficer", "qwerty", "qwertyuiop", "secret", "sunshine"],
  ...["superman", "football", "liverpool", "manchester", "trustno1", "welcome", "whatever", "princess"],
];
const ROWS = [
  ...["abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "98765432109876543210"],
  ...["qwertyuiopasdfghjklzxcvbnm", "1q2w3e4r5t6y7u8i9o0p", "qazwsxedcrfvtgbyhnujmikolp"],
];

/**
 * What the server would refuse it for, in its order; "" for nothing.
 * @param {string} password  @param {string} name  of the account, "" where the page does not know it
 * @returns {""|"short"|"long"|"name"|"common"}
 */
export function fault(password, name = "") {
  const characters = count(password);
  if (characters < LEAST) return "short";
  if (characters > MOST) return "long";
  const folded = fold(password);
  const own = fold(name);
  if ((count(own) >= 4 && folded.includes(own)) || own.includes(folded)) return "name";
  return isCommon(folded) ? "common" : "";
}

const count = (password) => [...password.normalize("NFKC")].length;

/** Without spaces, and without what differs by case or width alone. */
function fold(given) {
  // Letter by letter, down and up and down: toLowerCase() alone keeps ß, and ends a word in another sigma.
  const cased = [...given.normalize("NFKC")].map((each) => each.toLowerCase().toUpperCase().toLowerCase()).join("");
  return cased.normalize("NFKC").replaceAll(/\s/g, "");
}

function isCommon(folded) {
  if (/^(.{1,4})\1+.{0,3}$/u.test(folded)) return true;
  const core = folded.replaceAll(/^[^\p{L}\p{Nl}\p{No}]+|[^\p{L}\p{Nl}\p{No}]+$/gu, "");
  const made = (of, word) => of !== "" && of.replaceAll(word, "") === "";
  if (COMMON.some((word) => made(core, word) || made(folded, word))) return true;
  const start = folded.replace(/[^\p{L}\p{N}]+$/u, "").slice(0, LEAST);
  return ROWS.some((row) => row.includes(start) || [...row].reverse().join("").includes(start));
}

/**
 * Below a new password's field: a bar, and what is wrong or right with it, in words. Assistive technology hears the
 * words when they change.
 * @param {HTMLInputElement} input  @param {string} name  of the account, "" where the page does not know it
 */
export function meter(input, name = "") {
  const edge = LEAST - 0.5; // two colours: what is refused, and what is taken
  const bar = h("meter", { min: "0", low: edge, high: edge, optimum: 2 * LEAST, max: 2 * LEAST, "aria-label": text.label });
  const told = h("p", { class: "why", role: "status" });
  function look() {
    const empty = input.value === "";
    const found = fault(input.value, name);
    bar.hidden = empty;
    bar.value = found === "" || found === "short" ? count(input.value) : 1; // of what is tried first, length is worth little
    say(told, empty ? "" : found ? text[found](LEAST, MOST) : text.good);
  }
  input.addEventListener("input", look);
  look();
  return h("div", { class: "strength" }, bar, told);
}
