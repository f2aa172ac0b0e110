// The full-screen card of one alert: both pictures, the facts, and what the officer can do now.

import { hints } from "./alerts.js";
import { h, icon, paint, replace, say } from "./dom.js";
import { words } from "./words.js";

const text = words.alert;
const GUARD = 600; // milliseconds for which new buttons are dead: a second tap was meant for the old ones

/**
 * What the card asks of the page.
 * @typedef {object} Asks
 * @property {() => void} take
 * @property {(decision: string, reason: string) => void} decide
 * @property {() => void} silence
 * @property {() => void} aside
 * @property {() => void} close
 * @property {(id: string) => void} show
 * @property {() => void} load  the pictures that have not come
 */

export class AlertCard {
  /** @param {HTMLElement} place  @param {import("./pictures.js").Pictures} pictures  @param {Asks} ask */
  constructor(place, pictures, ask) {
    this.place = place;
    this.pictures = pictures;
    this.ask = ask;
    this.id = null; // the alert on show
    this.entry = null;
    this.why = null; // the decision whose reason is being asked for
    this.wording = false; // ... in the officer's own words
    this.last = null; // what `update` was last told, to paint again after a tap
    this.guard = 0;

    this.live = this.#figure("live", text.live);
    this.list = this.#figure("list", text.list);
    this.stack = h("div", { class: "stack" });
    this.heading = h("h1", { id: "card-heading", tabindex: "-1" }, text.heading);
    this.nominal = h("strong");
    this.seen = h("p", { class: "seen" });
    this.sighting = h("p", { class: "sighting" });
    this.score = h("p", { id: "card-score" });
    this.fill = h("span", { class: "fill" });
    this.mark = h("span", { class: "mark" });
    this.meter = h("div", { class: "meter", role: "meter", "aria-label": text.meter }, this.fill, this.mark);
    this.meter.setAttribute("aria-valuemin", "0");
    this.meter.setAttribute("aria-valuemax", "1");
    this.tags = h("ul", { class: "tags" });
    this.notice = h("p", { class: "notice", role: "status" });
    this.actions = h("div", { class: "buttons", tabindex: "-1" });
    place.setAttribute("role", "alertdialog");
    place.setAttribute("aria-modal", "true");
    place.setAttribute("aria-labelledby", "card-heading");
    place.setAttribute("aria-describedby", "card-facts");
    place.replaceChildren(
      this.stack,
      h(
        "div",
        { class: "look" },
        this.heading,
        h("div", { class: "pair" }, this.live.figure, this.list.figure),
        h(
          "div",
          { class: "facts", id: "card-facts" },
          h("div", {}, h("p", { class: "nominal" }, h("span", {}, text.nominal), " ", this.nominal), this.seen, this.sighting),
          h("div", {}, this.score, this.meter, this.tags),
        ),
      ),
      h("div", { class: "actions" }, this.notice, this.actions),
    );
  }

  get shown() {
    return !this.place.hidden;
  }

  /** Close it, and leave nothing of the alert in the page. */
  hide() {
    if (!this.shown) return;
    this.place.hidden = true;
    this.id = this.entry = this.last = null;
    this.#forgetReason();
    for (const { image } of [this.live, this.list]) {
      image.removeAttribute("src");
      image.alt = "";
      image.hidden = true;
    }
    for (const part of [this.nominal, this.seen, this.sighting, this.score, this.notice]) say(part, "");
    for (const part of [this.stack, this.tags]) paint(part, "", () => []);
    this.meter.removeAttribute("aria-valuetext");
    delete this.place.dataset.standing;
  }

  /**
   * @param {import("./alerts.js").Entry} entry
   * @param {{standing: string, others: import("./alerts.js").Entry[], online: boolean, onPost: boolean,
   *   officer: string, now: number}} now
   */
  update(entry, now) {
    const { alert } = entry;
    const opened = this.id !== alert.id;
    this.entry = entry;
    this.last = now;
    if (opened) {
      this.id = alert.id;
      this.#forgetReason();
      this.place.hidden = false;
    }
    this.place.dataset.standing = now.standing;
    say(this.nominal, alert.nominal);
    say(this.score, text.score(alert));
    this.meter.setAttribute("aria-valuenow", alert.score.toFixed(2));
    this.meter.setAttribute("aria-valuetext", text.score(alert));
    this.fill.style.inlineSize = percent(alert.score);
    this.mark.style.insetInlineStart = percent(alert.threshold);
    const notes = hints(alert);
    paint(this.tags, JSON.stringify([alert.shots, notes]), () => [
      h("li", {}, text.shots(alert.shots)),
      ...notes.map((name) => h("li", { class: "caution" }, icon("warning"), text.hints[name])),
    ]);
    this.#picture(this.live, alert.probe, text.liveAlt(alert.camera));
    this.#picture(this.list, alert.candidate, text.listAlt(alert.nominal));
    this.#stack(now.others);
    this.#act(opened);
    this.tick(now.now);
    if (opened) this.heading.focus({ preventScroll: true });
  }

  /** Only the ages. @param {number} now  the server's clock, Unix seconds */
  tick(now) {
    if (!this.entry) return;
    const { alert } = this.entry;
    say(this.seen, text.seen(alert.camera, now - alert.seen_at));
    this.sighting.hidden = alert.sightings === 0;
    if (alert.sightings) say(this.sighting, text.sighting(alert.sightings, alert.last_camera, now - alert.last_seen_at));
  }

  #figure(kind, label) {
    const image = h("img", { hidden: true, decoding: "async" });
    const note = h("span");
    const button = h("button", { type: "button", onclick: () => this.ask.load() }, text.again);
    const blank = h("div", { class: "blank" }, note, button);
    const figure = h("figure", { class: kind }, h("figcaption", {}, label), h("div", { class: "frame" }, image, blank));
    return { figure, image, note, button, blank };
  }

  #picture(side, address, description) {
    const { state, url } = this.pictures.at(address);
    const here = state === "here";
    if (here && side.image.getAttribute("src") !== url) side.image.src = url;
    if (!here) side.image.removeAttribute("src");
    side.image.alt = description;
    side.image.hidden = !here;
    side.blank.hidden = here;
    side.button.hidden = state !== "missing";
    say(side.note, state === "loading" ? text.loading : state === "gone" ? text.gone : text.missing);
  }

  /** The bar is always there, so that nothing below it moves when another alert arrives. */
  #stack(others) {
    const key = JSON.stringify(others.map(({ alert }) => [alert.id, this.pictures.at(alert.probe).url]));
    this.stack.classList.toggle("some", others.length > 0);
    paint(this.stack, key, () => [
      h("p", {}, others.length > 0 && icon("bell"), others.length ? text.more(others.length) : text.only),
      h(
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
            state === "here" ? h("img", { src: url, alt: "" }) : icon("people"),
          );
        }),
      ),
    ]);
  }

  /** Repaint the actions if what can be done is different from what is on screen. */
  #act(opened = false) {
    const { entry, last } = this;
    const { alert, sending } = entry;
    const busy = sending ? (last.online ? "sending" : "unsent") : "";
    const next = last.others.filter((other) => !other.aside).length;
    const key = JSON.stringify([
      alert.id,
      last.standing,
      busy,
      last.standing === "waiting" && [last.online, last.onPost, entry.silenced],
      last.standing === "mine" && [this.why, this.wording, last.onPost],
      last.standing === "theirs" && alert.claimed_by,
      alert.decision && [alert.decided_by, alert.reason],
      last.standing !== "waiting" && last.standing !== "mine" && [next, last.onPost],
    ]);
    say(this.notice, this.#notice(busy));
    const inside = this.actions.contains(document.activeElement);
    const painted = paint(this.actions, key, () => this.#buttons(Boolean(busy), next));
    if (!painted) return;
    this.#guard();
    if (inside && !opened) (this.actions.querySelector("textarea") ?? this.actions).focus({ preventScroll: true });
  }

  #notice(busy) {
    const { entry, last } = this;
    if (busy) return busy === "sending" ? text.sending : text.unsent;
    if (last.standing === "waiting") {
      if (!last.online) return text.offline;
      if (!last.onPost) return text.offPost;
    }
    if (entry.notice) return entry.notice;
    return last.standing === "mine" && !this.why ? text.mine : "";
  }

  #buttons(busy, next) {
    const { entry, last } = this;
    if (last.standing === "waiting") {
      return [
        button("take", text.take, "hand", this.ask.take, busy || !last.online || !last.onPost),
        h(
          "div",
          { class: "row" },
          button("plain", entry.silenced ? text.silenced : text.silence, entry.silenced ? "quiet" : "bell", this.ask.silence, entry.silenced),
          button("plain", text.aside, "people", this.ask.aside),
        ),
      ];
    }
    if (last.standing === "mine") {
      if (this.wording) return this.#ownWords(busy);
      if (this.why) return this.#reasons(busy);
      return [
        button("viable", text.viable, "yes", () => this.ask.decide("viable", ""), busy),
        h(
          "div",
          { class: "row" },
          button("not_viable", text.notViable, "no", () => this.#asking("not_viable"), busy),
          button("insufficient", text.insufficient, "unsure", () => this.#asking("insufficient"), busy),
        ),
      ];
    }
    const close = button(
      "plain",
      next ? text.next(next) : last.onPost ? text.close : text.closeOff,
      next ? "bell" : "hand",
      this.ask.close,
    );
    const { alert } = entry;
    if (last.standing === "theirs") {
      return [
        h("p", { class: "outcome" }, icon("people"), h("strong", {}, text.theirs(alert.claimed_by)), text.theirsWhy),
        button("take", text.take, "hand", this.ask.take, true),
        close,
      ];
    }
    const recorded = text.recorded(words.decision[alert.decision] ?? alert.decision, alert.seconds);
    const mine = alert.decided_by === last.officer;
    return [
      h(
        "p",
        { class: "outcome", role: "status" },
        icon(alert.decision === "viable" ? "yes" : alert.decision === "not_viable" ? "no" : "unsure"),
        h("strong", {}, recorded),
        mine ? (alert.decision === "viable" ? text.viableNext : alert.reason) : text.decidedBy(alert.decided_by),
        !mine && alert.reason ? `: ${alert.reason}` : "",
      ),
      close,
    ];
  }

  #reasons(busy) {
    return [
      h("h2", {}, this.why === "not_viable" ? text.whyNot : text.whyUnsure),
      h(
        "div",
        { class: "grid" },
        ...text.reasons[this.why].map((reason) =>
          button("reason", reason, null, () => this.ask.decide(this.why, reason), busy),
        ),
        button("reason", text.other, null, () => this.#asking(this.why, true), busy),
        button("plain", text.back, null, () => this.#asking(null), busy),
      ),
    ];
  }

  #ownWords(busy) {
    const area = h("textarea", { id: "reason", rows: "2", maxlength: "500", enterkeyhint: "done" });
    const record = () => {
      const reason = area.value.trim();
      if (reason) {
        this.ask.decide(this.why, reason);
      } else {
        say(this.notice, text.otherMissing);
        area.setAttribute("aria-invalid", "true");
        area.focus();
      }
    };
    return [
      h("label", { for: "reason" }, text.otherLabel),
      area,
      h(
        "div",
        { class: "row" },
        button("plain", text.back, null, () => this.#asking(this.why), busy),
        button(this.why, text.record, "yes", record, busy),
      ),
    ];
  }

  #asking(decision, wording = false) {
    this.why = decision;
    this.wording = wording;
    this.#act();
  }

  #forgetReason() {
    this.why = null;
    this.wording = false;
    delete this.actions.dataset.painted;
    replace(this.actions);
  }

  #guard() {
    clearTimeout(this.guard);
    const live = [...this.actions.querySelectorAll("button:not([disabled])")];
    for (const each of live) each.disabled = true;
    this.actions.classList.add("guarded");
    this.guard = setTimeout(() => {
      for (const each of live) each.disabled = false;
      this.actions.classList.remove("guarded");
    }, GUARD);
  }
}

function button(kind, label, picture, onclick, disabled = false) {
  return h("button", { type: "button", class: `act ${kind}`, onclick, disabled }, picture && icon(picture), h("span", {}, label));
}

const percent = (share) => `${Math.min(100, Math.max(0, share * 100)).toFixed(1)}%`;
