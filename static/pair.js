// The two pictures of an alert: beside one another, or one at a time, large and in the same place, where a tap
// flips between them. Whatever is magnified is magnified in both.

import { isCleared } from "./alerts.js";
import { h, icon, say } from "./dom.js";
import { clock, words } from "./words.js";
import { Fingers, Zoom } from "./zoom.js";

const text = words.alert;
const DOUBLE = 300; // milliseconds within which a second tap means the whole picture
const STEP = 1.5; // times, for a key or a button
const KEYS = { "+": "in", "=": "in", "-": "out", 0: "whole" };
const ARROWS = { ArrowLeft: [0.15, 0], ArrowRight: [-0.15, 0], ArrowUp: [0, 0.15], ArrowDown: [0, -0.15] };

export class Pair {
  /**
   * @param {import("./pictures.js").Pictures} pictures
   * @param {{load: () => void, enlarged: (large: boolean) => void}} ask  load: the pictures that have not come
   */
  constructor(pictures, ask) {
    this.pictures = pictures;
    this.ask = ask;
    this.zoom = new Zoom();
    this.cleared = false; // the alert is over, and its pictures have left this phone
    this.shown = ""; // "live" or "list": the one that stands alone and large; "": both, side by side
    this.before = ""; // what was shown before the last tap
    this.tapped = -DOUBLE; // when that came, milliseconds of the page
    this.live = this.#figure("live", text.live);
    this.list = this.#figure("list", text.list);
    this.flip = h("button", { type: "button", class: "touch flip", onclick: (event) => this.#tap(event) });
    this.whole = h("button", { type: "button", class: "act whole", onclick: () => this.#zoom("whole") }, icon("whole"), text.whole);
    this.tools = h(
      "div",
      { class: "tools" },
      h("button", { type: "button", class: "act both", onclick: () => this.close() }, icon("both"), h("span", {}, text.both)),
      h("button", { type: "button", class: "act out", "aria-label": text.smaller, onclick: () => this.#zoom("out") }, icon("minus")),
      h("button", { type: "button", class: "act in", "aria-label": text.larger, onclick: () => this.#zoom("in") }, icon("plus")),
    );
    this.spoken = h("p", { class: "unseen", role: "status" });
    const parts = [this.live.figure, this.list.figure, this.flip, this.whole, this.tools, this.spoken];
    this.place = h("div", { class: "pair", onkeydown: (event) => this.#key(event) }, ...parts);
    const frame = ({ target }) => this.#frame(target)?.getBoundingClientRect() ?? null;
    this.fingers = new Fingers(this.place, this.zoom, frame, () => this.#paint());
    this.#paint();
  }

  get large() {
    return this.shown !== "";
  }

  /** @param {import("./alerts.js").Entry} entry  @param {boolean} opened  it has just come to the front */
  update(entry, opened) {
    const { alert } = entry;
    this.cleared = isCleared(entry);
    if (opened) this.#reset();
    this.#picture(this.live, alert.probe, text.liveAlt(alert.camera));
    this.#picture(this.list, alert.candidate, text.listAlt(alert.nominal));
    say(this.live.more, text.liveAt(clock(alert.seen_at)));
    this.#paint();
  }

  /** Leave nothing of the alert. */
  clear() {
    this.#reset();
    for (const { image, enlarge } of [this.live, this.list]) {
      image.removeAttribute("src");
      image.alt = "";
      image.hidden = true;
      enlarge.removeAttribute("aria-label");
    }
    this.flip.removeAttribute("aria-label");
    for (const part of [this.spoken, this.live.more]) say(part, "");
  }

  /** Both again, side by side, and as far magnified; the keyboard is where it was before. */
  close() {
    if (!this.large) return;
    const { enlarge } = this[this.shown];
    this.shown = "";
    this.#paint();
    enlarge.focus({ preventScroll: true });
  }

  #reset() {
    this.zoom.reset();
    this.shown = "";
    this.#paint();
  }

  #open(side, { timeStamp, detail }) {
    if (detail && this.fingers.dragged) return; // keys and screen readers click without a finger
    this.shown = this.before = side;
    this.tapped = timeStamp;
    this.#paint();
    this.flip.focus({ preventScroll: true });
  }

  /** The first of two taps flips at once, so that blinking never waits; the second takes that back. */
  #tap({ timeStamp, detail }) {
    if (detail && this.fingers.dragged) return;
    if (detail && timeStamp - this.tapped < DOUBLE) {
      this.zoom.reset();
      this.shown = this.before;
      this.tapped = -DOUBLE;
    } else {
      this.before = this.shown;
      this.shown = this.shown === "live" ? "list" : "live";
      this.tapped = timeStamp;
    }
    this.#paint();
    say(this.spoken, this[this.shown].image.alt);
  }

  #zoom(how) {
    if (how === "whole") this.zoom.reset();
    else this.zoom.by(how === "in" ? STEP : 1 / STEP);
    const inside = this.whole.contains(document.activeElement);
    this.#paint();
    if (inside && this.whole.hidden) this.live.enlarge.focus({ preventScroll: true });
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = !this.zoom.whole && ARROWS[event.key];
    if (KEYS[event.key]) this.#zoom(KEYS[event.key]);
    else if (arrow) this.zoom.move(...arrow);
    else return;
    event.preventDefault();
    this.#paint();
  }

  #frame(target) {
    const side = this.large ? this[this.shown] : [this.live, this.list].find(({ frame }) => frame.contains(target));
    return (target === this.flip || side?.enlarge === target) ? side.frame : null;
  }

  #figure(kind, label) {
    const image = h("img", { hidden: true, decoding: "async", onerror: () => this.pictures.refuse(image.src) });
    const note = h("span");
    const button = h("button", { type: "button", onclick: () => this.ask.load() }, text.again);
    const blank = h("div", { class: "blank" }, note, button);
    const more = h("small");
    const enlarge = h("button", { type: "button", class: "touch", onclick: (event) => this.#open(kind, event) }, icon("larger"));
    const frame = h("div", { class: "frame" }, image, blank, enlarge);
    const caption = h("figcaption", {}, h("span", {}, label), " ", more, " ", h("small", { class: "hint" }, text.flipHint));
    const figure = h("figure", { class: kind }, caption, frame);
    return { figure, frame, image, note, button, blank, more, enlarge };
  }

  #picture(side, address, description) {
    const { state, url } = this.pictures.at(address);
    const here = state === "here";
    if (here && side.image.getAttribute("src") !== url) side.image.src = url;
    if (!here) side.image.removeAttribute("src");
    side.image.alt = description;
    side.image.hidden = !here;
    side.blank.hidden = here;
    side.button.hidden = state !== "missing" && state !== "broken";
    side.enlarge.setAttribute("aria-label", text.enlarge(description));
    say(side.note, this.cleared ? text.cleared : (text[state] ?? ""));
  }

  #paint() {
    const { large, zoom } = this;
    const { classList } = this.place;
    if (classList.contains("large") !== large) {
      classList.toggle("large", large);
      this.ask.enlarged(large);
    }
    classList.toggle("zoomed", !zoom.whole);
    for (const side of [this.live, this.list]) {
      const { figure, image, enlarge } = side;
      image.style.transform = zoom.transform;
      enlarge.hidden = large || image.hidden;
      figure.classList.toggle("behind", large && side !== this[this.shown]);
    }
    this.flip.hidden = this.tools.hidden = !large;
    this.whole.hidden = large || zoom.whole;
    if (large) this.flip.setAttribute("aria-label", text.flip(this[this.shown].image.alt));
    else say(this.spoken, "");
  }
}
