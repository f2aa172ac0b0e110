// One alert at the desk: both pictures, what is known, and the acts that are possible now.

import { blob } from "./api.js";
import { ask } from "./form.js";
import { badge, button, facts, h, mark, notice, paint, refusal, say } from "./parts.js";
import { outcomes, standing } from "./queue.js";
import { byOfficer } from "./reach.js";
import { words } from "./words.js";

const text = words.alerts;

function marked(shape, label, onclick) {
  const made = button(label, onclick);
  made.prepend(mark(shape));
  return made;
}

export class AlertCase {
  /** @param {(message: object) => Promise<boolean>} send  a request about an alert, as wire.py has it */
  constructor(desk, send) {
    this.desk = desk;
    this.send = send;
    this.alert = null;
    this.held = new Map(); // object URLs by the address that they were fetched from
    this.heading = h("h2", { tabindex: "-1" });
    this.sides = [this.#side(text.live), this.#side(text.list)];
    this.phones = h("div", {}); // which have it on screen
    this.known = h("div", {});
    this.problem = h("div", {});
    this.volunteer = notice("info", h("p", {}, text.volunteer));
    this.acts = h("div", { class: "actions acts" });
    this.body = h(
      "div",
      { hidden: true },
      this.heading,
      h("p", { class: "caution" }, text.notIdentified),
      h("div", { class: "two" }, ...this.sides.map((side) => side.figure)),
      this.volunteer,
      this.problem,
      this.acts,
      this.phones,
      this.known,
    );
    this.blank = h("p", { class: "faint" }, text.chooseOne);
    this.place = h("section", { class: "case", "aria-label": text.chosen }, this.blank, this.body);
  }

  /** @param {object|null} alert  @param {string[]} offers */
  update(alert, offers) {
    if (alert?.id !== this.alert?.id) {
      this.clear();
      this.problem.replaceChildren();
    }
    this.alert = alert;
    this.body.hidden = !alert;
    this.blank.hidden = Boolean(alert);
    if (!alert) return;
    say(this.heading, text.caseHeading(alert));
    this.volunteer.hidden = !alert.blue;
    this.#picture(this.sides[0], alert.probe, text.liveAlt(alert.camera));
    this.#picture(this.sides[1], alert.candidate, text.listAlt(alert.nominal));
    paint(this.known, JSON.stringify(alert), () => [this.#facts(alert)]);
    paint(this.acts, JSON.stringify([alert.id, offers]), () => this.#buttons(alert, offers));
  }

  /** Which phones have it. @param {ReturnType<typeof import("./reach.js").reach>|null} of  null: not known */
  reached(of) {
    const told = words.wall;
    const officers = of && byOfficer(of);
    const by = of ? officers.reached.map(told.reachedBy).join(", ") || told.noneReached : "";
    const missing = of ? officers.missing.map(told.missed).join(", ") : "";
    paint(this.phones, `${by}|${missing}`, () =>
      of ? [h("p", { class: "reached" }, h("strong", {}, `${told.reached}: `), by), missing && badge("bad", "warning", `${told.missing}: ${missing}`)].filter(Boolean) : [],
    );
  }

  /** Leave no picture in the page. */
  clear() {
    for (const url of this.held.values()) URL.revokeObjectURL(url);
    this.held.clear();
    for (const { image } of this.sides) {
      image.removeAttribute("src");
      image.hidden = true;
    }
  }

  #side(label) {
    const image = h("img", { hidden: true, alt: "" });
    const note = h("p", { class: "faint" });
    return { image, note, address: "", figure: h("figure", {}, h("figcaption", {}, label), h("div", { class: "frame" }, image, note)) };
  }

  async #picture(side, address, alt) {
    side.image.alt = alt;
    if (side.address === address && this.held.has(address)) return;
    side.address = address;
    say(side.note, text.loading);
    side.note.hidden = false;
    try {
      const url = URL.createObjectURL(await blob(address));
      if (side.address !== address) return URL.revokeObjectURL(url);
      const before = side.image.getAttribute("src");
      this.held.set(address, url);
      side.image.src = url;
      side.image.hidden = false;
      side.note.hidden = true;
      if (before) URL.revokeObjectURL(before);
    } catch (error) {
      if (side.address !== address) return undefined;
      side.image.hidden = true;
      say(side.note, error.status === 404 ? text.gone : error.message || text.noPicture);
      side.note.hidden = false;
    }
    return undefined;
  }

  #facts(alert) {
    const when = (at) => (at ? words.moment(at, true) : "");
    const quality = text.quality(alert.quality);
    return facts(
      [
        [text.state, badge(`alert-${standing(alert)}`, "info", text.standing(standing(alert), alert))],
        [text.category, alert.category],
        [text.instruction, alert.instruction],
        [text.score, text.scoreOver(alert.score, alert.threshold)],
        [text.seen, `${alert.camera}, ${when(alert.seen_at)}`],
        alert.sightings > 0 && [text.again, text.sightings(alert.sightings, alert.last_camera, when(alert.last_seen_at))],
        [text.name, alert.name],
        [text.imageDate, alert.image_date ? text.imageAge(alert.image_date, this.desk.now()) : ""],
        [text.pictures, `${text.shots(alert.shots)}${quality ? `; ${quality}` : ""}`],
        alert.decision && [text.decision, text.decided(alert, words.decision[alert.decision])],
        !alert.decision && alert.reviews > 0 && [text.decision, text.reviewed(alert.reviews, alert.reviews_needed)],
        alert.engaged_by && [text.engaged, `${alert.engaged_by}, ${when(alert.engaged_at)}`],
        alert.outcome && [text.outcome, text.outcomeBy(alert)],
        [text.expires, when(alert.expires_at)],
        [text.id, h("code", {}, alert.id)],
      ],
      "short",
    );
  }

  #buttons(alert, offers) {
    const all = {
      claim: () => [button(text.claim, () => this.#send({ type: "claim" }), "main")],
      adjudicate: () => [
        // Three alike: the page leans towards none of them.
        marked("yes", text.viable, () => this.#send({ type: "adjudicate", decision: "viable" })),
        marked("no", text.notViable, () => this.#why("not_viable")),
        marked("unsure", text.insufficient, () => this.#why("insufficient")),
      ],
      release: () => [button(text.release, () => this.#send({ type: "release" }), "quiet")],
      withdraw: () => [button(text.withdraw, () => this.#withdraw())],
      outcome: () => [button(text.code, () => this.#outcome(false), "main")],
      correct: () => [button(text.correct, () => this.#outcome(true))],
      close: () => [button(text.close, () => this.#send({ type: "close" }))],
    };
    const made = offers.flatMap((name) => all[name]());
    return made.length ? made : [notice("info", h("p", {}, alert.closed ? text.done : text.nothing))];
  }

  async #send(message) {
    this.problem.replaceChildren();
    try {
      await this.send({ ...message, alert: this.alert.id });
    } catch (error) {
      this.problem.replaceChildren(refusal(error));
    }
  }

  #why(decision) {
    const { id } = this.alert;
    return ask({
      title: text.whyTitle[decision],
      specs: [{ name: "reason", label: words.act.reason, required: true, more: { maxlength: "500" } }],
      explain: [h("p", { class: "why" }, text.whyExplain[decision])],
      submit: text.record,
      send: ({ reason }) => this.send({ type: "adjudicate", alert: id, decision, reason }),
    });
  }

  #withdraw() {
    const { id } = this.alert;
    return ask({
      title: text.withdraw,
      explain: [text.withdrawWhy],
      specs: [{ name: "reason", label: words.act.reason, kind: "area", required: true, more: { maxlength: "500" } }],
      submit: text.withdraw,
      send: ({ reason }) => this.send({ type: "withdraw", alert: id, reason }),
    });
  }

  #outcome(correction) {
    const { id, blue } = this.alert;
    const names = outcomes(this.alert, Object.keys(words.outcome));
    return ask({
      title: correction ? text.correct : text.code,
      explain: [correction ? text.correctWhy : text.codeWhy, blue ? text.blueWhy : ""].filter(Boolean),
      specs: [
        { name: "outcome", label: text.outcome, kind: "select", options: names.map((name) => [name, words.outcome[name]]), value: this.alert.outcome },
        ...(names.includes("arrest")
          ? [{ name: "arrest_class", label: text.arrestClass, kind: "select", why: text.arrestClassWhy, options: [["", words.none], ...Object.entries(words.arrest)], value: this.alert.arrest_class }]
          : []),
        ...(correction ? [{ name: "correction", label: text.correction, kind: "area", required: true, more: { maxlength: "500" } }] : []),
      ],
      submit: text.record,
      send: (values) => this.send({ type: "outcome", alert: id, ...values }),
    });
  }
}
