// The full-screen card of one alert: both pictures, the facts, and below them what the officer can do now.

import { AlertActs } from "./alert-acts.js";
import { hints } from "./alerts.js";
import { h, icon, paint, say } from "./dom.js";
import { LiveGlance } from "./live-glance.js";
import { Pair } from "./pair.js";
import { words } from "./words.js";

const text = words.alert;

/**
 * @typedef {object} Now  what the card must know beside the alert
 * @property {string} standing  as `AlertBook` has it
 * @property {import("./alerts.js").Entry[]} others  what waits beside it
 * @property {boolean} online
 * @property {boolean} onPost
 * @property {{name: string, state: string}[]} cameras  as the server has told of them last
 * @property {string} officer
 * @property {number} now  the server's clock, Unix seconds
 */

export class AlertCard {
  /**
   * @param {HTMLElement} place  @param {import("./pictures.js").Pictures} pictures
   * @param {import("./alert-acts.js").Asks} ask
   */
  constructor(place, pictures, ask) {
    this.place = place;
    this.pictures = pictures;
    this.ask = ask;
    this.acts = new AlertActs(ask);
    this.entry = null; // the alert on show

    this.pair = new Pair(pictures, {
      load: () => ask.load(),
      enlarged: (large) => this.look.classList.toggle("enlarged", large),
    });
    this.sight = h("div", { class: "sight" }); // the pair, or in its place a glance at the street
    this.glance = new LiveGlance({
      shown: (open) => this.sight.classList.toggle("living", open),
      gone: () => this.heading.focus({ preventScroll: true }),
    });
    this.sight.append(this.pair.place, this.glance.place);
    this.queue = h("div", { class: "queue" });
    this.stack = h("div", { class: "stack" }, this.glance.button, this.glance.note, this.queue);
    this.heading = h("h1", { id: "card-heading", tabindex: "-1" });
    this.caution = h("p", { class: "caution", id: "card-caution" });
    this.name = h("strong");
    this.reference = h("span", { class: "reference" });
    this.todo = h("p", { class: "todo" });
    this.taken = h("p", { class: "taken" });
    this.seen = h("p", { class: "seen" });
    this.sighting = h("p", { class: "sighting" });
    this.time = h("p", { class: "time" });
    this.escalated = h("p", { class: "escalated" }, icon("bell"), text.escalated);
    this.score = h("p", { id: "card-score" });
    this.fill = h("span", { class: "fill" });
    this.mark = h("span", { class: "mark" });
    this.excess = h("span", { class: "excess" });
    this.meter = h("div", { class: "meter", role: "meter", "aria-label": text.meter }, this.fill, this.excess, this.mark);
    this.meter.setAttribute("aria-valuemin", "0");
    this.meter.setAttribute("aria-valuemax", "1");
    this.tags = h("ul", { class: "tags" });
    this.facts = h(
      "div",
      { class: "facts", id: "card-facts" },
      h(
        "div",
        {},
        h("p", { class: "nominal" }, this.name, " ", h("span", {}, text.nominal, " ", this.reference)),
        this.todo,
        this.taken,
        this.seen,
        this.sighting,
        this.escalated,
      ),
      h("div", {}, this.score, this.meter, this.time, this.tags),
    );
    this.look = h("div", { class: "look" }, h("div", { class: "what" }, this.heading, this.caution), this.sight, this.facts);
    place.setAttribute("role", "alertdialog");
    place.setAttribute("aria-modal", "true");
    place.setAttribute("aria-labelledby", "card-heading");
    place.setAttribute("aria-describedby", "card-caution card-facts");
    place.addEventListener("keydown", ({ key }) => key === "Escape" && (this.glance.open ? this.glance : this.pair).close());
    place.replaceChildren(this.stack, this.look, this.acts.place);
  }

  get shown() {
    return !this.place.hidden;
  }

  /** A question stands open on it. */
  get asking() {
    return this.acts.step !== null;
  }

  /** Close it, and leave nothing of the alert in the page. */
  hide() {
    if (!this.shown) return;
    this.place.hidden = true;
    this.entry = null;
    this.acts.clear();
    this.pair.clear();
    this.glance.clear();
    const { name, reference, todo, taken, seen, sighting, time, score } = this;
    const said = [name, reference, todo, taken, seen, sighting, time, score];
    for (const part of said) say(part, "");
    for (const part of [this.queue, this.tags]) paint(part, "", () => []);
    for (const value of ["aria-valuenow", "aria-valuetext"]) this.meter.removeAttribute(value);
    delete this.place.dataset.standing;
  }

  /** @param {import("./alerts.js").Entry} entry  @param {Now} now */
  update(entry, now) {
    const { alert } = entry;
    const opened = this.entry?.alert.id !== alert.id;
    this.entry = entry;
    this.place.hidden = false;
    this.place.dataset.standing = now.standing;
    this.place.classList.toggle("blue", alert.blue);
    say(this.heading, alert.blue ? text.blueHeading : text.heading);
    say(this.caution, alert.blue ? text.blueCaution : text.caution);
    say(this.name, alert.name);
    this.name.hidden = !alert.name;
    say(this.reference, alert.nominal);
    const todo = [alert.category, alert.instruction].filter(Boolean);
    this.todo.hidden = todo.length === 0;
    say(this.todo, todo.join(": "));
    this.escalated.hidden = !alert.escalated || now.standing !== "waiting";
    say(this.score, text.score(alert));
    this.meter.setAttribute("aria-valuenow", alert.score.toFixed(2));
    this.meter.setAttribute("aria-valuetext", text.score(alert));
    this.fill.style.inlineSize = percent(alert.score);
    this.excess.style.insetInlineStart = percent(alert.threshold);
    this.excess.style.inlineSize = percent(alert.score - alert.threshold);
    this.mark.style.insetInlineStart = percent(alert.threshold);
    this.#tags(alert);
    this.pair.update(entry, opened);
    this.glance.update(entry, now, opened);
    say(this.taken, alert.image_date ? text.taken(alert.image_date, now.now) : text.takenUnknown);
    this.#stack(now.others);
    this.acts.update(entry, now, opened);
    this.tick(now.now);
    if (opened) this.heading.focus({ preventScroll: true });
  }

  /** Only what moves with time. @param {number} now  the server's clock, Unix seconds */
  tick(now) {
    if (!this.entry) return;
    const { alert, expired } = this.entry;
    say(this.seen, text.seen(alert.camera, now - alert.seen_at));
    this.sighting.hidden = alert.sightings === 0;
    if (alert.sightings) say(this.sighting, text.sighting(alert.sightings, alert.last_camera, now - alert.last_seen_at));
    const over = alert.blue || alert.engaged_by || alert.outcome || alert.closed || !["", "viable"].includes(alert.decision);
    this.time.hidden = Boolean(over) || !alert.expires_at;
    this.time.classList.toggle("over", expired);
    say(this.time, expired ? text.expired : text.expires(alert.expires_at - now));
  }

  #tags(alert) {
    const notes = hints(alert);
    paint(this.tags, JSON.stringify([alert.shots, notes]), () => [
      h("li", {}, text.shots(alert.shots)),
      notes.length === 0 && h("li", {}, text.clear),
      ...notes.map((name) => h("li", { class: "caution" }, icon("warning"), text.hints[name])),
    ]);
  }

  /** The bar is always there, so that nothing below it moves when another alert arrives. */
  #stack(others) {
    const key = JSON.stringify(others.map(({ alert }) => [alert.id, this.pictures.at(alert.probe).url]));
    this.stack.classList.toggle("some", others.length > 0);
    paint(this.queue, key, () => [
      h("p", {}, others.length > 0 && icon("bell"), others.length ? text.more(others.length) : text.only),
      others.length > 0 && h(
        "div",
        { class: "thumbs" },
        ...others.map(({ alert }) => {
          const { state, url } = this.pictures.at(alert.probe);
          return h(
            "button",
            {
              type: "button",
              "data-key": alert.id,
              "aria-label": text.show(alert),
              onclick: () => this.ask.show(alert.id),
            },
            state === "here" ? h("img", { src: url, alt: "", onerror: () => this.pictures.refuse(url) }) : icon("people"),
          );
        }),
      ),
    ]);
  }
}

const percent = (share) => `${Math.min(100, Math.max(0, share * 100)).toFixed(1)}%`;
