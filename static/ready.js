// The screen between alerts: is the street protected, who is on post, what has happened, and the way on and off.

import { lastSeen } from "./alerts.js";
import { h, icon, paint, say } from "./dom.js";
import { clock, until, words } from "./words.js";

const text = words.ready;

/**
 * What the screen asks of the page.
 * @typedef {object} Asks
 * @property {() => void} go
 * @property {() => void} leave
 * @property {() => void} signOut
 * @property {(id: string) => void} open
 * @property {() => void} notices
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
    this.cameras = h("section", { class: "panel" });
    this.phone = h("section", { class: "panel" });
    this.history = h("section", { class: "panel history" });
    this.post = h("div", { class: "post" });
  }

  show() {
    if (this.place.contains(this.post)) return;
    this.place.className = "ready";
    this.place.replaceChildren(
      h(
        "div",
        { class: "look" },
        this.top,
        h("div", { class: "hero" }, this.protection, this.age),
        this.waiting,
        h("div", { class: "columns" }, this.history, this.cameras, this.people, this.phone),
      ),
      this.post,
    );
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
    this.#cameras(state, online);
    this.#people(state, online, officer);
    this.#phone(now.signal, Boolean(state?.on_post));
    this.#history(now.book);
    this.#post(now);
  }

  /** @param {number} silence  seconds since the server last said anything */
  tick(silence) {
    say(this.age, this.last?.state ? text.asOf(silence) : "");
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
    paint(this.protection, JSON.stringify([kind, why]), () => [
      icon(kind === "safe" ? "shield" : kind === "bare" ? "warning" : "cut"),
      h("p", {}, h("strong", {}, `${what}:`), " ", h("span", {}, why)),
    ]);
  }

  #standing({ deployment, officers, cameras, protected: safe }) {
    if (!deployment) return ["bare", text.bare, text.noDeployment];
    if (deployment.stage !== "active") return ["bare", text.bare, text.stopped(deployment.stage, deployment.why)];
    if (safe) return ["safe", text.safe, text.safeWhy(cameras.filter((camera) => camera.state === "live").length)];
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

  #cameras(state, online) {
    const cameras = (state?.cameras ?? []).map((camera) => (online ? camera : { name: camera.name, state: "unknown" }));
    paint(this.cameras, JSON.stringify(cameras), () => [
      h("h2", {}, icon("camera"), text.cameras),
      cameras.length
        ? h(
            "ul",
            { class: "lines" },
            ...cameras.map((camera) =>
              h(
                "li",
                { "data-state": camera.state },
                h("span", { class: "name" }, camera.name),
                h(
                  "span",
                  { class: "value" },
                  words.cameraState[camera.state] ?? camera.state,
                  camera.state === "live" && camera.lag !== null && camera.lag !== undefined
                    ? h("small", {}, words.lag(camera.lag))
                    : null,
                ),
                camera.problem ? h("small", { class: "problem" }, camera.problem) : null,
              ),
            ),
          )
        : h("p", { class: "faint" }, text.noCameras),
    ]);
  }

  #people(state, online, officer) {
    const officers = online ? (state?.officers ?? []) : [text.unknown];
    const lost = online ? (state?.unreachable ?? []) : [];
    paint(this.people, JSON.stringify([officers, lost, state?.faces_seen]), () => [
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
        h("strong", {}, (state?.faces_seen ?? 0).toLocaleString("en-GB")),
        h("small", {}, text.facesWhy),
      ),
    ]);
  }

  #phone(signal, onPost) {
    const { phone } = words;
    const sound = !signal.canSound ? phone.soundNever : signal.sound ? phone.soundOn : phone.soundOff;
    const wake = onPost ? (signal.awake ? phone.wakeOn : phone.wakeOff) : null;
    const vibrate = signal.canVibrate ? phone.vibrateOn : phone.vibrateNever;
    paint(this.phone, JSON.stringify([sound, wake, vibrate, signal.notices, this.sure === "out"]), () => [
      h("h2", {}, icon("bell"), text.phone),
      h(
        "ul",
        { class: "lines" },
        ...[sound, wake, vibrate, { granted: phone.noticesOn, denied: phone.noticesOff }[signal.notices]]
          .filter(Boolean)
          .map((line) => h("li", {}, line)),
      ),
      h(
        "div",
        { class: "row" },
        plain("test", phone.test, () => this.ask.test()),
        signal.notices === "default" && plain("notices", phone.noticesButton, () => this.ask.notices()),
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

  #history(book) {
    const lines = book.history().map((entry) => ({ entry, line: this.#line(book, entry) }));
    const key = JSON.stringify(lines.map(({ entry, line }) => [entry.alert.id, line, lastSeen(entry.alert)]));
    paint(this.history, key, () => [
      h("h2", {}, icon("warning"), words.list.heading),
      lines.length
        ? h(
            "ul",
            { class: "entries" },
            ...lines.map(({ entry: { alert }, line }) =>
              h(
                "li",
                {},
                h(
                  "button",
                  { type: "button", "data-key": alert.id, onclick: () => this.ask.open(alert.id) },
                  h("span", { class: "when" }, clock(lastSeen(alert))),
                  h("span", { class: "who" }, [alert.blue && words.list.volunteer, alert.name, alert.nominal].filter(Boolean).join(" · ")),
                  h("span", { class: "where" }, alert.last_camera || alert.camera),
                  h("span", { class: "what", "data-kind": alert.decision || book.standing({ alert }) }, line),
                ),
              ),
            ),
          )
        : h("p", { class: "faint" }, words.list.none),
    ]);
  }

  #line(book, entry) {
    const { alert } = entry;
    const { standing } = words.list;
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
