// The screen between alerts: is the street protected, who is on post, what has happened, and the way on and off.

import { AlertList } from "./alert-list.js";
import { BlueList } from "./blue-list.js";
import { CameraList } from "./camera-list.js";
import { h, icon, paint, say } from "./dom.js";
import { isNight, look } from "./look.js";
import { language, languages, until, words } from "./words.js";

const text = words.ready;

/**
 * What the screen asks of the page.
 * @typedef {object} Asks
 * @property {() => void} go
 * @property {() => void} leave
 * @property {() => void} signOut
 * @property {(id: string) => void} open
 * @property {() => void} test
 */

export class ReadyScreen {
  /** @param {HTMLElement} place  @param {Asks} ask */
  constructor(place, ask) {
    this.place = place;
    this.ask = ask;
    this.sure = ""; // "leave" or "out": the question that stands open
    this.last = null;
    this.top = h("header", { class: "top" });
    this.protection = h("section", { class: "protection", "aria-live": "polite" });
    this.age = h("p", { class: "age" });
    this.waiting = h("div", { class: "callout" });
    this.people = h("section", { class: "panel" });
    this.cameras = new CameraList();
    this.phone = h("section", { class: "panel" });
    this.wakeUps = h("div", { class: "wake-ups" }); // filled by wake-ups.js, once that is loaded
    this.history = new AlertList((id) => ask.open(id));
    this.post = h("div", { class: "post" });
    this.blue = new BlueList(() => this.#sheet());
    this.look = null; // what scrolls, once shown
  }

  show() {
    if (this.place.contains(this.post)) return;
    this.place.className = "ready";
    this.look = h(
      "div",
      { class: "look" },
      this.top,
      h("div", { class: "hero" }, this.protection, this.age),
      this.waiting,
      h("div", { class: "columns" }, this.history.place, this.blue.place, this.cameras.place, this.people, this.phone),
    );
    this.place.replaceChildren(this.look, this.blue.sheet, this.post);
  }

  /**
   * @param {{welcome: object|null, state: object|null, online: boolean, now: number, wanted: boolean,
   *   officer: string, book: import("./alerts.js").AlertBook, signal: import("./signal.js").Signal}} now
   */
  update(now) {
    this.last = now;
    const { welcome, state, online, officer } = now;
    this.#top(welcome, state?.deployment, officer, now.now);
    this.#protection(state, online);
    this.#waiting(now.book);
    this.cameras.update(state, online);
    this.blue.update(state, online, Boolean(now.wanted), now.now);
    this.#people(state, online, officer);
    this.#phone(now.signal, Boolean(state?.on_post));
    this.history.update(now.book);
    this.#post(now);
  }

  /** Leave nothing of the session in the page. */
  clear() {
    this.last = null;
    this.sure = "";
    this.cameras.update(null, false);
    this.blue.clear();
    this.history.clear();
    for (const part of [this.top, this.protection, this.waiting, this.people, this.phone, this.post]) paint(part, "", () => []);
  }

  /** @param {number} silence  seconds since the server last said anything  @param {number} now  its clock */
  tick(silence, now) {
    this.blue.tick(now);
    say(this.age, this.last?.state ? text.asOf(silence) : "");
  }

  /** The blue list's sheet stands in the place of all but the way off post. */
  #sheet() {
    if (this.blue.open) this.cameras.close();
    this.look.hidden = this.blue.open;
  }

  #top(welcome, deployment, officer, now) {
    const ends = deployment?.ends_at ? text.ends(until(deployment.ends_at, now)) : "";
    const stage = deployment && (words.stage[deployment.stage] ?? deployment.stage);
    paint(this.top, JSON.stringify([welcome?.site, deployment?.name, deployment?.place, stage, ends, officer]), () => [
      h("h1", {}, welcome?.site || words.name),
      h("p", {}, officer),
      deployment && h("p", { class: "deployment" }, h("strong", {}, deployment.name), ` · ${deployment.place}`),
      deployment && h("p", {}, [stage, ends].filter(Boolean).join(", ")),
    ]);
  }

  #protection(state, online) {
    const [kind, what, why] = online && state ? this.#standing(state) : ["unknown", text.unknown, text.unknownWhy];
    this.protection.parentElement.dataset.kind = kind;
    const held = kind === "safe" || kind === "part";
    const more = held ? text.safeMore(state.officers.length, state.unreachable.length) : "";
    paint(this.protection, JSON.stringify([kind, why, more]), () => [
      icon(held ? "shield" : kind === "bare" ? "warning" : "cut"),
      h("p", {}, h("strong", {}, `${what}:`), " ", h("span", {}, why), more && h("span", {}, more)),
    ]);
  }

  #standing({ deployment, officers, cameras, protected: safe }) {
    if (!deployment) return ["bare", text.bare, text.noDeployment];
    if (deployment.stage !== "active") return ["bare", text.bare, text.stopped(deployment.stage, deployment.why)];
    if (safe) {
      const live = cameras.filter((camera) => camera.state === "live").length;
      const part = live < cameras.length;
      return [part ? "part" : "safe", part ? text.part : text.safe, text.safeWhy(live, cameras.length)];
    }
    return ["bare", text.bare, officers.length ? text.noCamera : text.noOfficer];
  }

  /** What wants an officer; where nothing does, what this officer has left open. */
  #waiting(book) {
    const waiting = book.waiting();
    const unfinished = book.unfinished();
    const [first] = waiting.length ? waiting : unfinished;
    const said = waiting.length ? words.list.waiting(waiting.length) : words.list.unfinished(unfinished.length);
    this.waiting.hidden = !first;
    paint(this.waiting, JSON.stringify([first && said, first?.alert.id]), () =>
      first
        ? [
            h("p", {}, icon(waiting.length ? "bell" : "warning"), said),
            h("button", { type: "button", class: "act take", onclick: () => this.ask.open(first.alert.id) }, words.list.open),
          ]
        : [],
    );
  }

  #people(state, online, officer) {
    const officers = online ? (state?.officers ?? []) : [text.unknown];
    const lost = online ? (state?.unreachable ?? []) : [];
    const open = state?.deployment;
    const rate = open?.false_alerts;
    paint(this.people, JSON.stringify([officers, lost, state?.faces_seen, open?.n, rate]), () => [
      h("h2", {}, icon("people"), text.officers),
      h(
        "ul",
        { class: "lines" },
        ...(officers.length ? officers : [text.nobody]).map((name) =>
          h(
            "li",
            {},
            h("span", { class: "name" }, name === officer ? text.you(name) : name),
            lost.includes(name) && h("span", { class: "problem" }, text.unreachable),
          ),
        ),
      ),
      h(
        "p",
        { class: "figure" },
        h("span", {}, text.faces),
        h("strong", {}, (state?.faces_seen ?? 0).toLocaleString(words.locale)),
        h("small", {}, text.facesWhy),
      ),
      open &&
        h(
          "p",
          { class: "figure" },
          h("span", {}, text.falseAlerts),
          h("strong", {}, rate ? text.falseAlertsOf(rate) : text.falseAlertsUnknown),
          h("small", {}, text.falseAlertsWhy(open.n, rate)),
        ),
    ]);
  }

  #phone(signal, onPost) {
    const { phone } = words;
    const sound = !signal.canSound ? phone.soundNever : signal.sound ? phone.soundOn : phone.soundOff;
    const wake = onPost ? (signal.awake ? phone.wakeOn : phone.wakeOff) : null;
    const vibrate = signal.canVibrate ? phone.vibrateOn : phone.vibrateNever;
    paint(this.phone, JSON.stringify([sound, wake, vibrate, this.sure === "out", isNight()]), () => [
      h("h2", {}, icon("phone"), text.phone),
      h(
        "ul",
        { class: "lines" },
        ...[sound, wake, vibrate].filter(Boolean).map((line) => h("li", {}, line)),
      ),
      this.wakeUps,
      h(
        "div",
        { class: "row" },
        plain("test", phone.test, () => this.ask.test()),
        plain("night", isNight() ? phone.day : phone.night, () => this.#night()),
        ...languages.filter((other) => other !== language).map((other) => plain(other, named(other), () => location.replace(`?lang=${other}`))),
        this.sure !== "out" && plain("out", text.signOut, () => this.#ask("out")),
      ),
      this.sure === "out" &&
        h(
          "div",
          { class: "question", role: "group", "aria-label": text.signOutAsk },
          h("p", {}, text.signOutAsk),
          h(
            "div",
            { class: "row" },
            plain("out-stay", text.signOutStay, () => this.#ask("")),
            plain("out-sure", text.signOutSure, () => this.ask.signOut(), "act danger"),
          ),
        ),
    ]);
  }

  #post({ state, online, wanted }) {
    const onPost = Boolean(state?.on_post);
    const here = onPost ? (online ? "on" : "doubtful") : wanted && online ? "going" : "off";
    const kind = this.sure === "leave" && here === "on" ? "sure" : here;
    paint(this.post, JSON.stringify([kind, online]), () => {
      if (kind === "sure") {
        return [
          h("p", {}, text.leaveAsk),
          h(
            "div",
            { class: "row" },
            plain("leave", text.leaveSure, () => this.#leave(), "act danger"),
            plain("stay", text.stay, () => this.#ask(""), "act take"),
          ),
        ];
      }
      if (kind === "doubtful") return [h("p", { class: "doubtful" }, icon("cut"), text.doubtful)];
      if (kind === "on") {
        return [h("p", { class: "on" }, icon("yes"), text.onPost), plain("leave", text.leave, () => this.#ask("leave"))];
      }
      const go = plain("go", kind === "going" ? text.going : text.go, () => this.ask.go(), "act take big");
      go.disabled = !online;
      return [h("p", {}, text.offPost), go];
    });
  }

  #night() {
    look(!isNight());
    this.update(this.last);
  }

  #leave() {
    this.sure = "";
    this.ask.leave();
  }

  #ask(question) {
    this.sure = question;
    this.update(this.last);
  }
}

function plain(key, label, onclick, kind = "act plain") {
  return h("button", { type: "button", class: kind, "data-key": key, onclick }, label);
}

/** A language's name in itself. */
const named = (language) => new Intl.DisplayNames([language], { type: "language" }).of(language);
