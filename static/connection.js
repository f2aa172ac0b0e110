// The WebSocket to the server: resumes, never shows an event twice, and says honestly when it is deaf.

const PROTOCOL = 1;
const SLOW = 1013; // we owe receipts: resume at once
const REVOKED = 4001;
const REPLACED = 4002;
const FIRST_PAUSE = 0.4; // seconds, before jitter; doubles up to the longest
const LONGEST_PAUSE = 8;
const OPENING = 8; // seconds until a connection that does not open is given up
const PROBE = 2; // seconds that a doubted connection has to prove itself
const SETTLE = 1.5; // seconds without an event after which a backlog with erased ends counts as caught up

const seconds = () => Date.now() / 1000;

/**
 * phase: "idle", "connecting" (never was open), "open", "lost" or "ended". The handlers are called from here
 * and must be synchronous; `event` has the event on screen when it returns, and is receipted then.
 *
 * @typedef {object} Handlers
 * @property {(welcome: object) => boolean} welcome  false: what this page holds belongs to another deployment
 *   and has been dropped; everything is asked for again
 * @property {(state: object) => void} state
 * @property {(event: object) => void} event
 * @property {(refused: object) => void} refused
 * @property {() => void} caughtUp  the backlog of this connection has been applied
 * @property {() => void} change  the phase, or what is known of the link, is different
 * @property {(why: "revoked"|"replaced") => void} ended
 * @property {() => Promise<boolean>} signedIn  false once the server refuses this phone's session
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

  /** True when it was handed to an open connection. */
  send(message) {
    if (!this.open || this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
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
    socket.onopen = ours(() => socket.send(JSON.stringify({ type: "hello", protocol: PROTOCOL, resume: this.seq })));
    socket.onmessage = ours((event) => this.#message(event.data));
    socket.onclose = ours((event) => this.#closed(event.code));
    this.timers.opening = setTimeout(() => this.#lost(), OPENING * 1000);
  }

  async #closed(code) {
    if (code === REVOKED || code === REPLACED) {
      this.#drop();
      this.#enter("ended");
      this.on.ended(code === REVOKED ? "revoked" : "replaced");
      return;
    }
    const welcomed = this.open;
    this.#lost(code === SLOW && welcomed ? 0 : undefined);
    // A browser hides why a handshake was refused: ask over HTTP whether the session still stands.
    if (!welcomed && !(await this.on.signedIn()) && this.phase !== "ended" && this.phase !== "idle") {
      this.#drop();
      this.#enter("ended");
      this.on.ended("revoked");
    }
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
    const same = this.on.welcome(message);
    if (!same || this.latest < this.seq) {
      // Another deployment, or a log that began anew: our place in it means nothing there.
      const asked = this.seq;
      this.seq = 0;
      if (asked > 0) {
        this.#connect();
        return;
      }
    }
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
    this.beatSent = seconds();
    this.send({ type: "beat" });
    this.timers.beat = setTimeout(() => this.#pulse(), this.beat * 1000);
  }
}
