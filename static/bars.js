// What is wrong with this phone or the box, in bars above everything else.

import { h, icon, paint, say } from "./dom.js";
import { words } from "./words.js";

const LATE = 2; // seconds: a first connection that takes longer is shown as lost

const text = words.bar;

export class Bars {
  /**
   * @param {HTMLElement} place  @param {import("./connection.js").Connection} connection
   * @param {import("./signal.js").Signal} signal
   */
  constructor(place, connection, signal) {
    this.place = place;
    this.connection = connection;
    this.signal = signal;
    this.silence = h("span"); // counts, so that it is not painted anew each second
    this.last = { signedIn: false, onPost: false, degraded: "" };
    this.fault = null; // {message, load}: what went wrong on this page, and whether loading it again helps
  }

  /** @param {{signedIn: boolean, onPost: boolean, degraded: string}} now */
  update(now) {
    this.last = now;
    const { connection, signal, fault } = this;
    const down = now.signedIn && !connection.open && connection.phase !== "ended";
    const lost = down && (connection.phase === "lost" || connection.silence() > LATE);
    const mute = now.signedIn && now.onPost && signal.canSound && !signal.sound;
    const degraded = now.signedIn && connection.open ? now.degraded : "";
    say(this.silence, lost ? text.lost(connection.silence()) : text.connecting);
    paint(this.place, JSON.stringify([down, lost, mute, degraded, fault]), () => [
      down && bar(lost ? "bad" : "quiet", "cut", this.silence, lost && text.retry, () => connection.doubt()),
      degraded && bar("warn", "warning", text.degraded(degraded)),
      mute && bar("warn", "quiet", text.sound, text.soundButton, () => signal.unlock()),
      fault && bar("bad", "warning", fault.message, fault.load && words.load, () => location.reload()),
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

function bar(kind, picture, content, label, press) {
  return h(
    "div",
    { class: `bar ${kind}` },
    icon(picture),
    h("p", {}, content),
    label && h("button", { type: "button", onclick: press }, label),
  );
}
