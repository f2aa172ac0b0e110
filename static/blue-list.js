// The blue list's live trial: an observer says which volunteer walks now, and the server whether they were found.

import { plain } from "./buttons.js";
import { provedFetch } from "./device.js";
import { h, icon, paint, say } from "./dom.js";
import { clock, sentence, span, words } from "./words.js";

const text = words.blueList;
const NEWEST = 12; // passages that the sheet shows
const RETRY = 2; // seconds after which a question that had no answer is asked again

export class BlueList {
  /** @param {() => void} shown  called when the sheet has been opened or closed */
  constructor(shown) {
    this.shown = shown;
    this.open = false;
    this.now = { state: null, online: false, wanted: false, at: 0 };
    this.trial = null; // what the server last said of volunteers and passages
    this.version = -1; // of `trial`, as `state.blue` counts it
    this.asking = false;
    this.askedAt = 0; // when the server was last asked, by its clock
    this.pause = -1; // seconds that must have passed since; below 0: none
    this.asked = ""; // the volunteer, or the passage, about which a question stands open
    this.sending = ""; // what has been pressed and is not answered yet
    this.left = []; // passages that are being tried, each with the places that say how long
    this.place = h("section", { class: "panel blue-list" });
    this.heading = h("h1", { tabindex: "-1" }, text.heading);
    this.rate = h("div", { class: "rate", "aria-live": "polite" });
    this.problem = h("p", { class: "problem", role: "alert" });
    this.numbers = h("div", { class: "volunteers" });
    this.question = h("div", {});
    this.walking = h("ul", { class: "lines walking" });
    this.passages = h("ul", { class: "lines passages" });
    this.sheet = h(
      "div",
      { class: "look sheet", hidden: true },
      h("header", { class: "top" }, this.heading, h("button", { type: "button", class: "act back", onclick: () => this.close() }, text.back)),
      this.rate,
      this.problem,
      this.walking,
      this.numbers,
      this.question,
      h("section", { class: "panel" }, h("h2", {}, icon("eye"), text.newest), this.passages),
      h("p", { class: "faint" }, text.explain),
    );
  }

  /**
   * @param {object|null} state  the server's last; null until it has said how things stand
   * @param {boolean} online  @param {boolean} wanted  whether the officer means to be on post  @param {number} at
   */
  update(state, online, wanted, at) {
    this.now = { state, online, wanted, at };
    const blue = state?.blue ?? null;
    this.place.hidden = !blue;
    const onPost = Boolean(state?.on_post);
    paint(this.place, JSON.stringify([blue?.found, blue?.passages, blue?.low, blue?.high, onPost]), () =>
      blue
        ? [
            h("h2", {}, icon("people"), text.heading),
            h("p", {}, text.rate(blue)),
            onPost && h("button", { type: "button", class: "act", "data-key": "open", onclick: () => this.#show() }, text.open),
          ]
        : [],
    );
    if (this.open && (!wanted || (state && !blue))) this.close(); // a network that is gone leaves it as it is
    if (!this.open) return;
    this.#paint();
    this.tick(at);
  }

  /** @param {number} at  the server's clock */
  tick(at) {
    this.now.at = at;
    if (!this.open) return;
    const { state, online } = this.now;
    if (online && state?.blue && state.blue.version !== this.version && at - this.askedAt > this.pause) this.#look();
    for (const [name, part] of this.left) {
      const one = this.trial?.passages.find(({ passage }) => passage === name);
      if (one) for (const each of part) say(each, text.left(span(Math.min(one.until - at, one.until - one.at))));
    }
  }

  close() {
    if (!this.open) return;
    this.open = false;
    this.asked = this.sending = "";
    this.sheet.hidden = true;
    this.shown();
    this.place.querySelector("button")?.focus();
  }

  /** Leave nothing of the session in the page. */
  clear() {
    this.close();
    this.trial = null;
    this.version = -1;
    this.update(null, false, false, 0);
    this.#paint();
  }

  #show() {
    this.open = true;
    this.version = -1;
    say(this.problem, "");
    this.sheet.hidden = false;
    this.shown();
    this.heading.focus();
    this.#refresh();
  }

  #refresh() {
    const { state, online, wanted, at } = this.now;
    this.update(state, online, wanted, at);
  }

  // ---- asking the server --------------------------------------------------------------------------------

  async #look() {
    if (this.asking) return;
    this.asking = true;
    this.askedAt = this.now.at;
    this.pause = RETRY; // unless there is an answer
    const { version } = this.now.state.blue;
    try {
      const answer = await provedFetch("api/passages", { headers: { "lfrd-background": "1" } });
      if (answer.ok) {
        this.trial = (await answer.json()).trial;
        this.version = version;
        this.pause = -1;
      }
    } catch {
      // No network: the connection's bar says so, and the next second or the one after it asks again.
    }
    this.asking = false;
    if (this.open) this.#refresh();
  }

  /** @param {string} what  the key of what was pressed  @param {string} path  @param {object} body */
  async #say(what, path, body) {
    if (this.sending) return;
    this.sending = what;
    this.asked = "";
    say(this.problem, "");
    this.#refresh();
    try {
      const options = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
      const answer = await provedFetch(path, options);
      if (!answer.ok) say(this.problem, sentence((await answer.json().catch(() => ({}))).message ?? text.failed));
    } catch {
      say(this.problem, text.failed);
    }
    this.sending = "";
    this.version = -1;
    if (this.open) this.#refresh();
  }

  #walks(volunteer) {
    return this.#say(`v${volunteer}`, "api/passages", { volunteer });
  }

  #word(passage, word) {
    return this.#say(passage, `api/passages/${passage}`, { word });
  }

  // ---- to the screen ------------------------------------------------------------------------------------

  #paint() {
    const { state, online } = this.now;
    const { passages = [], volunteers = [], figures } = this.trial ?? {};
    const walking = passages.filter(({ word }) => word === "walking");
    const may = online && Boolean(state?.on_post) && state.deployment?.stage === "active" && !this.sending;
    paint(this.rate, JSON.stringify([state?.blue?.found, state?.blue?.passages, state?.blue?.low, figures?.void, figures?.alerts_unpaired]), () => {
      if (!state?.blue) return [];
      const more = figures ? [figures.void && text.void(figures.void), figures.alerts_unpaired && text.unpaired(figures.alerts_unpaired)] : [];
      return [h("p", { class: "large" }, text.rate(state.blue)), h("p", { class: "faint" }, [text.apart, ...more.filter(Boolean)].join(" "))];
    });
    const key = JSON.stringify([walking.map(({ passage }) => passage), may, this.asked, this.sending]);
    paint(this.walking, key, () => walking.map((one) => this.#walk(one, may)));
    paint(this.numbers, JSON.stringify([volunteers, key]), () => volunteers.map((number) => this.#number(number, walking, may)));
    paint(this.question, key, () => this.#again(walking, may));
    const newest = passages.filter(({ word }) => word !== "walking").slice(0, NEWEST);
    paint(this.passages, JSON.stringify([newest, may, this.asked]), () =>
      newest.length ? newest.map((one) => this.#passage(one, may)) : [h("li", { class: "faint" }, text.none)],
    );
    this.left = walking.map(({ passage }) => [passage, [...this.sheet.querySelectorAll(`[data-left="${CSS.escape(passage)}"]`)]]);
  }

  #walk({ passage, volunteer }, may) {
    const undo = plain(text.undo, null, () => this.#word(passage, "void"));
    undo.disabled = !may;
    undo.dataset.key = `undo-${passage}`;
    undo.setAttribute("aria-label", text.undoOf(volunteer));
    return h("li", {}, h("span", { class: "name" }, text.walking(volunteer)), h("span", { class: "value", "data-left": passage }), undo);
  }

  #number(number, walking, may) {
    const on = walking.find(({ volunteer }) => volunteer === number);
    return h(
      "button",
      {
        type: "button",
        class: on ? "act volunteer on" : "act volunteer",
        "data-key": `v${number}`,
        disabled: !may,
        "aria-label": on ? text.walking(number) : text.walksNow(number),
        onclick: () => (on ? this.#ask(`v${number}`) : this.#walks(number)),
      },
      h("strong", {}, String(number)),
      on ? h("small", { "data-left": on.passage }) : h("small", {}, this.sending === `v${number}` ? text.sending : text.walks),
    );
  }

  /** A volunteer who is still being tried is sent again only where that is meant. */
  #again(walking, may) {
    const on = walking.find(({ volunteer }) => this.asked === `v${volunteer}`);
    if (!on) return [];
    const yes = plain(text.again(on.volunteer), null, () => this.#walks(on.volunteer));
    yes.disabled = !may;
    return [
      h(
        "div",
        { class: "question", role: "group", "aria-label": text.againAsk(on.volunteer) },
        h("p", {}, text.againAsk(on.volunteer)),
        h("div", { class: "row" }, yes, plain(text.no, null, () => this.#ask(""))),
      ),
    ];
  }

  #passage(one, may) {
    const { passage, volunteer, at, word, why, by } = one;
    const asked = this.asked === passage;
    const others = Object.keys(text.correctTo).filter((each) => each !== word);
    const correct = plain(text.correct, null, () => this.#ask(asked ? "" : passage));
    correct.disabled = !may;
    correct.dataset.key = `correct-${passage}`;
    correct.setAttribute("aria-expanded", String(asked));
    correct.setAttribute("aria-label", text.correctOf(volunteer, clock(at)));
    return h(
      "li",
      { "data-word": word },
      h("span", { class: "name" }, volunteer ? text.volunteer(volunteer) : text.byHand),
      h("span", { class: "value" }, icon({ found: "yes", missed: "no", void: "minus" }[word]), text.word[word]),
      correct,
      h("small", {}, [clock(at), by ? text.by(by) : text.why[why]].filter(Boolean).join(" · ")),
      asked && h("div", { class: "row" }, ...others.map((each) => plain(text.correctTo[each], null, () => this.#word(passage, each)))),
    );
  }

  #ask(about) {
    this.asked = about;
    this.#refresh();
  }
}
