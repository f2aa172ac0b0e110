// The buttons of an alert's card, large enough for a gloved thumb, and the line that says how it stands.

import { h, icon } from "./dom.js";

/** @param {string} kind  its looks  @param {string|null} picture  an icon beside the word */
export function button(kind, label, picture, onclick, disabled = false) {
  return h("button", { type: "button", class: `act ${kind}`, onclick, disabled }, picture && icon(picture), h("span", {}, label));
}

export const plain = (label, picture, onclick) => button("plain", label, picture, onclick);

/** Side by side; what is not offered is left out. */
export const row = (...buttons) => h("div", { class: "row" }, ...buttons.filter(Boolean));

/** Three, which fit side by side on a phone. */
export const three = (...buttons) => h("div", { class: "row three" }, ...buttons.filter(Boolean));

export function standing(picture, what, why) {
  return h("p", { class: "outcome", role: "status" }, icon(picture), h("strong", {}, what), why && h("span", {}, why));
}
