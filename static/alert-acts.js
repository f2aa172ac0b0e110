// What an officer can do about the alert in front: the lower part of its card, from taking it to its outcome.
//
// The rules are the server's (lfrd/policy/adjudication.py); here stands only which button comes next. What the
// server refuses is shown in its own words.

import { button, plain, row, standing, three } from "./buttons.js";
import { h, paint, replace, say } from "./dom.js";
import { words } from "./words.js";

const text = words.act;
const GUARD = 600; // milliseconds for which new buttons are dead: a second tap was meant for the old ones
const ENGAGED = ["confirmed_true", "confirmed_false", "unconfirmed", "arrest", "other_disposal"];

/**
 * What the card asks of the page.
 * @typedef {object} Asks
 * @property {(request: object) => void} request  about the alert in front, as lfrd/wire.py has it
 * @property {() => void} silence
 * @property {() => void} aside
 * @property {() => void} close
 * @property {(id: string) => void} show
 * @property {() => void} load  the pictures that have not come
 */

export class AlertActs {
  /** @param {Asks} ask */
  constructor(ask) {
    this.ask = ask;
    this.entry = null;
    this.last = null; // what `update` was last told, to paint again after a tap
    /** The question that stands open: {why, request, wording} for a reason, {outcome} or {classes} for a choice. */
    this.step = null;
    this.asked = false; // a request was under way when the card was last painted
    this.guard = 0;
    this.notice = h("p", { class: "notice", role: "status" });
    this.buttons = h("div", { class: "buttons", tabindex: "-1" });
    this.place = h("div", { class: "actions" }, this.notice, this.buttons);
  }

  /** Leave nothing of the alert. */
  clear() {
    this.entry = this.last = this.step = null;
    this.asked = false;
    say(this.notice, "");
    delete this.buttons.dataset.painted;
    replace(this.buttons);
  }

  /**
   * @param {import("./alerts.js").Entry} entry
   * @param {import("./alert-card.js").Now} now  @param {boolean} opened  it has just come to the front
   */
  update(entry, now, opened) {
    if (opened) this.clear();
    const moved = this.last && this.last.standing !== now.standing;
    this.entry = entry;
    this.last = now;
    const answered = this.asked && !entry.sending && !entry.notice;
    this.asked = Boolean(entry.sending);
    if (moved || answered) this.step = null; // the question was about what stood before, or has been answered
    this.#paint(opened);
  }

  /** Built anew only where something about the buttons differs: news of other alerts moves nothing here. */
  #paint(opened = false) {
    const { entry, last } = this;
    say(this.notice, this.#notice(entry.sending ? (last.online ? "sending" : "unsent") : ""));
    const choices = this.#choices().filter(Boolean);
    const held = this.buttons.contains(document.activeElement) ? document.activeElement.textContent : null;
    const key = entry.alert.id + choices.map((choice) => choice.outerHTML).join("");
    if (!paint(this.buttons, key, () => choices)) return;
    this.#guard(held);
    if (held !== null && !opened) (this.buttons.querySelector("textarea") ?? this.buttons).focus({ preventScroll: true });
  }

  #notice(busy) {
    const { entry, last, step } = this;
    const { alert } = entry;
    if (busy) return busy === "sending" ? text.sending : text.unsent;
    if (last.standing === "waiting" && !last.online) return text.offline;
    if (!last.onPost && last.standing !== "closed") return text.offPost;
    if (entry.notice) return entry.notice;
    if (step) return "";
    if (last.standing === "mine") return alert.reviews ? text.second : alert.reviews_needed > 1 ? text.mineOfTwo : text.mine;
    if (last.standing === "second") return alert.reviews ? text.second : text.secondWanted(alert.claimed_by);
    return "";
  }

  /** How many others wait, to be offered in place of the way back. */
  #next() {
    return this.last.others.filter((other) => !other.aside).length;
  }

  #choices() {
    const { step, last } = this;
    if (step?.wording) return this.#ownWords();
    if (step?.why) return this.#reasons();
    if (step?.classes) return this.#classes();
    if (step?.outcome) return this.#outcomes(text.correctHeading);
    switch (last.standing) {
      case "waiting":
        return this.#waiting();
      case "mine":
        return this.#deciding(this.#act("plain", text.giveBack, null, { type: "release" }, !last.online));
      case "second":
        return this.#deciding(plain(text.aside, null, this.ask.aside));
      case "reviewed":
        return [standing("people", text.reviewed, text.reviewedWhy), row(this.#withdraw(), this.#back())];
      case "theirs":
        return this.#theirs();
      case "decided":
        return this.#decided();
      case "engaged":
        return this.#engaged();
      case "coded":
        return this.#coded();
      default:
        return this.#closed();
    }
  }

  // ---- by where the alert stands ----------------------------------------------------------------------

  #waiting() {
    const { entry, last } = this;
    const aside = plain(text.aside, "people", this.ask.aside);
    if (entry.alert.blue) {
      return [this.#nobody("take", "yes"), row(this.#take("plain"), aside)];
    }
    const { silenced } = entry;
    const silence = button("plain", silenced ? text.silenced : text.silence, silenced ? "quiet" : "bell", this.ask.silence, silenced);
    const quiet = entry.expired || !last.onPost;
    return [this.#take("take"), row(entry.expired ? this.#nobody("plain") : silence, quiet ? this.#back() : aside)];
  }

  #deciding(last) {
    const asked = (decision) => ({ why: decision, request: { type: "adjudicate", decision } });
    return [
      this.#act("viable", text.viable, "yes", { type: "adjudicate", decision: "viable" }),
      three(
        this.#question("not_viable", text.notViable, "no", asked("not_viable")),
        this.#question("insufficient", text.insufficient, "unsure", asked("insufficient")),
        last,
      ),
    ];
  }

  #theirs() {
    const { alert } = this.entry;
    return [standing("people", text.theirs(alert.claimed_by), text.theirsWhy), this.#take("take", true), this.#back()];
  }

  #decided() {
    const { alert, reviewed, expired } = this.entry;
    const viable = alert.decision === "viable";
    const sign = viable ? "yes" : alert.decision === "not_viable" ? "no" : "unsure";
    const by = reviewed && alert.reviews_needed < 2 ? "" : text.decidedBy(alert.decided_by);
    const said = [by, alert.reason].filter(Boolean).join(": ");
    const note = viable ? [said, alert.blue ? "" : text.viableNext].filter(Boolean).join(". ") : said;
    const recorded = standing(sign, text.recorded(words.decision[alert.decision] ?? alert.decision, alert.seconds), note);
    const withdraw = reviewed && this.#withdraw();
    if (!viable || alert.blue) return [recorded, this.#nobody("take", "yes"), row(withdraw, this.#back())];
    return [
      recorded,
      this.#act("take", text.engage, "hand", { type: "engage" }, expired),
      three(this.#nobody("plain"), withdraw, this.#back()),
    ];
  }

  #engaged() {
    const { alert } = this.entry;
    if (alert.engaged_by !== this.last.officer) {
      return [
        standing("people", text.theySpeak(alert.engaged_by), text.theirsWhy),
        row(this.#question("plain", text.recordOutcome, null, { outcome: true }), this.#back()),
      ];
    }
    return [standing("people", text.speaking, text.speakingWhy), ...this.#outcomes("", this.#back())];
  }

  #coded() {
    const { alert } = this.entry;
    return [
      standing("yes", text.coded(words.outcomeOf(alert), alert.outcome_by), text.codedWhy),
      this.#act("take", text.closeAlert, "yes", { type: "close" }),
      row(this.#correct(), this.#back()),
    ];
  }

  #closed() {
    const { alert } = this.entry;
    return [
      standing("yes", text.closed(words.outcomeOf(alert), alert.outcome_by), text.closedWhy),
      row(this.#correct(), this.#back()),
    ];
  }

  // ---- questions: which outcome, of what class, and why -----------------------------------------------

  /** Only what fits: somebody was engaged or nobody was. */
  #outcomes(heading, last = this.#cancel()) {
    const { alert } = this.entry;
    const correcting = Boolean(alert.outcome);
    const choice = (name) => {
      if (name === "arrest") return { classes: true };
      return correcting ? { why: "correct", request: { type: "outcome", outcome: name } } : null;
    };
    const offered = alert.engaged_by ? ENGAGED : ["no_engagement"];
    return [
      heading && h("h2", {}, alert.outcome ? heading : text.outcomeHeading),
      h(
        "div",
        { class: "grid" },
        ...offered.map((name) => {
          const [label, more] = words.outcome[name];
          const next = choice(name);
          const made = next
            ? this.#question("result", label, null, next)
            : this.#act("result", label, null, { type: "outcome", outcome: name, then: "close" });
          made.append(h("small", {}, more));
          return made;
        }),
        last,
      ),
    ];
  }

  #classes() {
    const correcting = Boolean(this.entry.alert.outcome);
    return [
      h("h2", {}, text.classHeading),
      h(
        "div",
        { class: "grid" },
        ...Object.entries(words.arrestClass).map(([name, label]) => {
          const request = { type: "outcome", outcome: "arrest", arrest_class: name };
          return correcting
            ? this.#question("result", label, null, { why: "correct", request })
            : this.#act("result", label, null, { ...request, then: "close" });
        }),
        this.#cancel(),
      ),
    ];
  }

  #reasons() {
    const { step } = this;
    return [
      h("h2", {}, text.why[step.why]),
      h(
        "div",
        { class: "grid" },
        ...text.reasons[step.why].map((reason) => this.#act("reason", reason, null, because(step, reason))),
        this.#question("reason", text.other, null, { ...step, wording: true }),
        this.#cancel(),
      ),
    ];
  }

  #ownWords() {
    const { step } = this;
    const area = h("textarea", { id: "reason", rows: "2", maxlength: "500", enterkeyhint: "done" });
    const record = () => {
      const reason = area.value.trim();
      if (reason) {
        this.#send(because(step, reason));
      } else {
        say(this.notice, text.otherMissing);
        area.setAttribute("aria-invalid", "true");
        area.focus();
      }
    };
    const back = plain(text.back, null, () => this.#asking({ ...step, wording: false }));
    return [
      h("label", { for: "reason" }, text.otherLabel),
      area,
      row(back, button(step.why, text.record, "yes", record, this.#dead())),
    ];
  }

  // ---- buttons ----------------------------------------------------------------------------------------

  #take(kind, dead = false) {
    return this.#act(kind, text.take, "hand", { type: "claim" }, dead || !this.last.online);
  }

  /** Coding 'no engagement' and closing are one tap: nothing more is asked, and it can be corrected. */
  #nobody(kind, picture = null) {
    return this.#act(kind, text.nobody, picture, { type: "outcome", outcome: "no_engagement", then: "close" });
  }

  #withdraw() {
    return this.#question("plain", text.withdraw, null, { why: "withdraw", request: { type: "withdraw" } });
  }

  /** Where nobody was engaged there is no other outcome. */
  #correct() {
    return this.entry.alert.engaged_by && this.#question("plain", text.correct, null, { outcome: true });
  }

  #back() {
    const next = this.#next();
    const label = next ? text.next(next) : this.last.onPost ? text.close : text.closeOff;
    return plain(label, next ? "bell" : null, this.ask.close);
  }

  #cancel() {
    return plain(text.back, null, () => this.#asking(null));
  }

  #dead() {
    return Boolean(this.entry.sending) || !this.last.onPost;
  }

  /** Sends a request. */
  #act(kind, label, picture, request, dead = false) {
    return button(kind, label, picture, () => this.#send(request), dead || this.#dead());
  }

  /** Asks something first. */
  #question(kind, label, picture, step) {
    return button(kind, label, picture, () => this.#asking(step), this.#dead());
  }

  /** The question stays open until it is answered: a refusal is then read beside it. */
  #send(request) {
    if (this.step?.wording) this.step = { ...this.step, wording: false };
    this.ask.request(request);
  }

  #asking(step) {
    this.step = step;
    this.entry.notice = "";
    this.#paint();
  }

  /** @param {string|null} held  the words on the button that had the keyboard, which comes back to it */
  #guard(held) {
    clearTimeout(this.guard);
    const live = [...this.buttons.querySelectorAll("button:not([disabled])")];
    for (const each of live) each.disabled = true;
    this.buttons.classList.add("guarded");
    this.guard = setTimeout(() => {
      for (const each of live) each.disabled = false;
      this.buttons.classList.remove("guarded");
      if (document.activeElement === this.buttons) live.find((each) => each.textContent === held)?.focus({ preventScroll: true });
    }, GUARD);
  }
}

/** The request with its reason, which the server calls a correction where an outcome is coded again. */
function because({ why, request }, reason) {
  return { ...request, [why === "correct" ? "correction" : "reason"]: reason };
}
