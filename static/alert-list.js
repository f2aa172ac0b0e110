// The alerts that this phone knows of: those that wait, the officer's own, and the others'. Those that the
// server has deleted are in none of them.

import { lastSeen } from "./alerts.js";
import { h, icon, paint } from "./dom.js";
import { clock, words } from "./words.js";

const text = words.list;

export class AlertList {
  /** @param {(id: string) => void} open */
  constructor(open) {
    this.open = open;
    this.place = h("section", { class: "panel history", "aria-labelledby": "alerts-heading" });
  }

  /** @param {import("./alerts.js").AlertBook} book */
  update(book) {
    const lines = book.history().map((entry) => {
      const { alert } = entry;
      return { alert, group: group(book, entry), standing: book.standing(entry), line: line(book, entry) };
    });
    const key = JSON.stringify(lines.map((one) => [one.alert.id, one.group, one.line, lastSeen(one.alert), one.alert.last_camera]));
    paint(this.place, key, () => [
      h("h2", { id: "alerts-heading" }, icon("bell"), text.heading),
      lines.length === 0 && h("p", { class: "faint" }, text.none),
      ...this.#group("calling", lines),
      ...this.#group("own", lines, text.ownWhy),
      ...this.#group("others", lines),
    ]);
  }

  clear() {
    paint(this.place, "", () => []);
  }

  #group(name, lines, why = "") {
    const those = lines.filter((one) => one.group === name);
    if (!those.length) return [];
    return [
      h("h3", { id: `alerts-${name}` }, text[name]),
      why && h("p", { class: "faint" }, why),
      h("ul", { class: "entries", "aria-labelledby": `alerts-${name}` }, ...those.map((one) => this.#entry(one))),
    ];
  }

  #entry({ alert, standing, line }) {
    const who = [alert.blue && text.volunteer, alert.name, alert.nominal].filter(Boolean).join(" · ");
    return h(
      "li",
      {},
      h(
        "button",
        { type: "button", "data-key": alert.id, onclick: () => this.open(alert.id) },
        h("span", { class: "when" }, clock(lastSeen(alert))),
        h("span", { class: "who" }, who),
        h("span", { class: "where" }, alert.last_camera || alert.camera),
        h("span", { class: "what", "data-kind": alert.decision || standing }, line),
      ),
    );
  }
}

/** "calling": it wants an officer, in time. "own" and "others": whose it is. */
function group(book, entry) {
  if (["waiting", "second"].includes(book.standing(entry)) && !entry.expired) return "calling";
  return book.isOwn(entry) ? "own" : "others";
}

/** How an alert stands, in one line. */
function line(book, entry) {
  const { alert } = entry;
  const { standing } = text;
  switch (book.standing(entry)) {
    case "closed":
      return standing.closed(words.outcomeOf(alert), alert.outcome_by);
    case "coded":
      return standing.coded(words.outcomeOf(alert), alert.outcome_by);
    case "engaged":
      return book.isSpeaking(entry) ? standing.speaking : standing.engaged(alert.engaged_by);
    case "decided":
      return standing.decided(words.decision[alert.decision] ?? alert.decision, alert.decided_by, alert.reason);
    case "mine":
      return standing.mine;
    case "theirs":
      return standing.theirs(alert.claimed_by);
    case "reviewed":
      return standing.reviewed;
    default:
      if (entry.expired) return standing.expired;
      if (entry.aside) return standing.aside;
      return alert.escalated ? standing.escalated : standing[book.standing(entry)];
  }
}
