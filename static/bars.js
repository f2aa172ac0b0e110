// What is wrong with this phone or the box, in bars above everything else.

import { h, icon, paint, say } from "./dom.js";
import { words } from "./words.js";

const LATE = 2; // seconds: a first connection that takes longer is shown as lost

const text = words.bar;

export class Bars {
  /**
   * @param {HTMLElement} place  @param {import("./connection.js").Connection} connection
   * @param {import("./signal.js").Signal} signal
   * @param {{stay: () => void, swap: () => void}} ask  about an invitation that was opened over a session
   */
  constructor(place, connection, signal, ask) {
    this.place = place;
    this.connection = connection;
    this.signal = signal;
    this.ask = ask;
    this.silence = h("span"); // counts, so that it is not painted anew each second
    this.last = { signedIn: false, onPost: false, degraded: "", invited: null };
    this.fault = null; // {message, load}: what went wrong on this page, and whether loading it again helps
  }

  /**
   * @param {{signedIn: boolean, onPost: boolean, degraded: string,
   *   invited: {officer: string, busy: boolean}|null}} now  invited: an invitation waits; busy: for an alert's end
   */
  update(now) {
    this.last = now;
    const { connection, signal, fault, ask } = this;
    const { invited } = now;
    const down = now.signedIn && !connection.open && connection.phase !== "ended";
    const lost = down && (connection.phase === "lost" || connection.silence() > LATE);
    const mute = now.signedIn && now.onPost && signal.canSound && !signal.sound;
    const degraded = now.signedIn && connection.open ? now.degraded : "";
    say(this.silence, lost ? text.lost(connection.silence()) : text.connecting);
    paint(this.place, JSON.stringify([down, lost, mute, degraded, fault, invited]), () => [
      down && bar(lost ? "bad" : "quiet", "cut", this.silence, lost && [text.retry, () => connection.doubt()]),
      degraded && bar("warn", "warning", text.degraded(degraded)),
      mute && bar("warn", "quiet", text.sound, [text.soundButton, () => signal.unlock()]),
      invited &&
        bar(
          "quiet",
          "people",
          invited.busy ? text.invitedBusy : text.invited(invited.officer),
          [text.invitedStay, ask.stay],
          !invited.busy && [text.invitedSwap, ask.swap],
        ),
      fault && bar("bad", "warning", fault.message, fault.load && [words.load, () => location.reload()]),
    ]);
  }

  /** Say what went wrong; nothing else is painted, since that may be what failed. */
  fail(message, load) {
    this.fault = { message, load };
    this.update(this.last);
  }

  mend() {
    this.fault = null;
    this.update(this.last);
  }

  tick() {
    this.update(this.last);
  }
}

/** @param {...([string, () => void]|false)} buttons  label and what it does */
function bar(kind, picture, content, ...buttons) {
  return h(
    "div",
    { class: `bar ${kind}` },
    icon(picture),
    h("p", {}, content),
    ...buttons.filter(Boolean).map(([label, press]) => h("button", { type: "button", "data-key": label, onclick: press }, label)),
  );
}
