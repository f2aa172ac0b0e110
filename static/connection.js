// The WebSocket to the server: resumes, never shows an event twice, and says honestly when it is deaf.

import { proved } from "./device.js";

const PROTOCOL = 2;
const SLOW = 1013; // we owe receipts: resume at once
const REVOKED = 4001;
const REPLACED = 4002;
const UNPROVEN = 4003; // the device's proof was not good: perhaps only our clock
const FIRST_PAUSE = 0.4; // seconds, before jitter; doubles up to the longest
const LONGEST_PAUSE = 8;
const OPENING = 8; // seconds until a connection that does not open is given up
const PROBE = 2; // seconds that a doubted connection has to prove itself
const SETTLE = 1.5; // seconds without an event after which a backlog with erased ends counts as caught up

const seconds = () => Date.now() / 1000;

/** @typedef {"revoked"|"replaced"|"unproven"} Ended */

/**
 * phase: "idle", "connecting" (never was open), "open", "lost" or "ended". The handlers are called from here
 * and must be synchronous; `event` has the event on screen when it returns, and is receipted then.
 *
 * @typedef {object} Handlers
 * @property {(welcome: object, anew: boolean) => void} welcome  anew: the server's log is another one, and what
 *   this page holds of the old one means nothing in it
 * @property {(state: object) => void} state
 * @property {(event: object) => void} event
 * @property {(refused: object) => void} refused
 * @property {() => void} caughtUp  the backlog of this connection has been applied
 * @property {() => void} change  the phase, or what is known of the link, is different
 * @property {(why: Ended) => void} ended
 * @property {() => Promise<""|Ended>} session  why this phone's session does not serve any more, "" while it may;
 *   asked over HTTP, which sets this device's time by the server's where a proof was refused for it
 */
export class Connection {
  /** @param {Handlers} on  @param {string} url */
  constructor(on, url = new URL("ws", location.href).href.replace(/^http/, "ws").replace(/[#?].*$/, "")) {
    this.on = on;
    this.url = url;
    this.phase = "idle";
    this.heard = seconds(); // when the server last said anything, by the phone's clock
    this.seq = 0; // the last event receipted; kept in memory only, so that a reload asks for everything again
    this.socket = null;
    this.link = 0; // counts connections that were welcomed
    this.latest = 0; // the number at which this connection has caught up
    this.settled = false; // the backlog of this connection has been applied
    this.offset = 0; // the server's clock minus the phone's, seconds
    this.beat = 5; // seconds between heartbeats, from `welcome`
    this.beatSent = 0;
    this.asked = []; // one for each heartbeat without an answer: whom that answer tells that all before it is done
    this.unproven = 0; // connections in a row that were refused for the device's proof
    this.failures = 0; // tries in a row without a welcome: the pause grows with them
    this.timers = { retry: 0, beat: 0, opening: 0, probe: 0, settle: 0 };
    addEventListener("online", () => this.doubt());
    addEventListener("offline", () => this.doubt());
    addEventListener("pageshow", () => this.doubt());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.doubt());
  }

  get open() {
    return this.phase === "open";
  }

  /** The server's clock, Unix seconds. */
  now() {
    return seconds() + this.offset;
  }

  /** How long the server has been silent, seconds. */
  silence() {
    return Math.max(0, seconds() - this.heard);
  }

  start() {
    if (this.phase === "idle" || this.phase === "ended") {
      this.heard = seconds();
      this.#enter("connecting");
      this.#connect();
    }
  }

  /** End it, and forget the place in the log. */
  stop() {
    this.#drop();
    this.seq = 0;
    this.#enter("idle");
  }

  /**
   * True when it was handed to an open connection. The server answers in order: once it has answered a heartbeat
   * that was sent right behind the message, it has carried the message out or refused it, and `done` is called.
   * @param {object} message  @param {() => void} [done]
   */
  send(message, done) {
    if (!this.open || this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    if (done) this.#beat(done);
    return true;
  }

  #beat(done = () => {}) {
    if (!this.send({ type: "beat" })) return;
    this.beatSent = seconds();
    this.asked.push(done);
  }

  /** Something happened that may have cut the link (back from the background, another network): find out now. */
  doubt() {
    if (this.phase === "lost" || this.phase === "connecting") {
      this.failures = 0;
      this.#connect();
    } else if (this.open) {
      this.#pulse();
      const asked = seconds();
      clearTimeout(this.timers.probe);
      this.timers.probe = setTimeout(() => this.open && this.heard < asked && this.#lost(0), PROBE * 1000);
    }
  }

  #enter(phase) {
    if (this.phase === phase) return;
    this.phase = phase;
    this.on.change();
  }

  #drop() {
    for (const timer of Object.values(this.timers)) clearTimeout(timer);
    const socket = this.socket;
    this.socket = null; // the handlers below ignore a socket that is no longer ours
    if (socket && socket.readyState <= WebSocket.OPEN) socket.close();
  }

  #connect() {
    this.#drop();
    let socket;
    try {
      socket = new WebSocket(this.url);
    } catch {
      this.#lost();
      return;
    }
    this.socket = socket;
    const ours = (f) => (event) => this.socket === socket && f(event);
    socket.onopen = ours(() => this.#hello(socket));
    socket.onmessage = ours((event) => this.#message(event.data));
    socket.onclose = ours((event) => this.#closed(event.code));
    this.timers.opening = setTimeout(() => this.#lost(), OPENING * 1000);
  }

  async #hello(socket) {
    const proof = await proved("WS", new URL(this.url).pathname);
    if (this.socket !== socket || socket.readyState !== WebSocket.OPEN) return;
    socket.send(JSON.stringify({ type: "hello", protocol: PROTOCOL, resume: this.seq, proof }));
  }

  async #closed(code) {
    if (code === REVOKED || code === REPLACED) return this.#end(code === REVOKED ? "revoked" : "replaced");
    if (code === UNPROVEN) this.unproven += 1;
    if (this.unproven > 1) return this.#end("unproven");
    const welcomed = this.open;
    // A browser hides why a handshake was refused, and its clock may be wrong: ask over HTTP, and wait for that.
    this.#lost(code === UNPROVEN ? LONGEST_PAUSE : code === SLOW && welcomed ? 0 : undefined);
    const why = welcomed ? "" : await this.on.session();
    if (this.phase === "ended" || this.phase === "idle") return undefined;
    if (why) return this.#end(why);
    if (code === UNPROVEN && !this.open) this.#connect();
    return undefined;
  }

  /** @param {Ended} why */
  #end(why) {
    this.#drop();
    this.unproven = 0;
    this.#enter("ended");
    this.on.ended(why);
  }

  /** @param {number} [pause] seconds until the next try; by default it grows, with jitter */
  #lost(pause) {
    this.#drop();
    const grown = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.failures);
    this.failures += 1;
    const wait = pause ?? grown * (0.5 + Math.random() / 2);
    this.timers.retry = setTimeout(() => this.#connect(), wait * 1000);
    if (this.phase !== "connecting") this.#enter("lost");
  }

  #message(text) {
    this.heard = seconds();
    const message = JSON.parse(text);
    switch (message.type) {
      case "welcome":
        this.#welcome(message);
        break;
      case "event":
        this.#event(message);
        break;
      case "state":
        this.on.state(message);
        break;
      case "beat":
        // The answer was written about half a round trip ago.
        this.offset = message.now - (this.beatSent + this.heard) / 2;
        this.asked.shift()?.();
        break;
      case "error":
        this.on.refused(message);
        break;
    }
  }

  #welcome(message) {
    clearTimeout(this.timers.opening);
    this.failures = 0;
    this.offset = message.now - this.heard;
    this.beat = message.heartbeat_seconds;
    this.latest = message.latest;
    this.settled = false;
    this.asked = [];
    this.unproven = 0;
    const anew = this.latest < this.seq; // a log that began anew: our place means nothing there
    if (anew) this.seq = 0;
    this.on.welcome(message, anew);
    this.beatSent = 0;
    this.link += 1;
    this.#enter("open");
    this.#pulse();
    this.#settle();
  }

  #event(message) {
    if (message.seq > this.seq) {
      // Only what is on screen is receipted: a fault in between leaves the event owed, and the server knows.
      try {
        this.on.event(message);
      } catch (fault) {
        this.#lost(5); // and ask for it again
        throw fault;
      }
      this.seq = message.seq;
    }
    this.send({ type: "receipt", seq: this.seq });
    this.#settle();
  }

  #settle() {
    if (this.settled) return;
    clearTimeout(this.timers.settle);
    const done = () => {
      this.settled = true;
      this.on.caughtUp();
    };
    if (this.seq >= this.latest) done();
    else this.timers.settle = setTimeout(done, SETTLE * 1000);
  }

  /** Heartbeats go out off post as well: they are how the phone notices that the link is dead. */
  #pulse() {
    clearTimeout(this.timers.beat);
    if (!this.open) return;
    // Measured from the last heartbeat, not from the last word: timers sleep in a background tab.
    if (this.beatSent > this.heard && seconds() - this.beatSent > this.beat * 0.9) {
      this.#lost(0);
      return;
    }
    this.#beat();
    this.timers.beat = setTimeout(() => this.#pulse(), this.beat * 1000);
  }
}
