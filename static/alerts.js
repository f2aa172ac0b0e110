// What this phone knows of the session's alerts, and which one stands in front. No page, no network, no clock.

const FRESH = 15 * 60; // seconds: an unanswered alert older than this, met on loading the page, does not ring

/**
 * One alert as this phone holds it.
 * @typedef {object} Entry
 * @property {object} alert  the server's AlertView after the newest event
 * @property {number} order  grows with each arrival on this phone
 * @property {boolean} aside  left to others on this phone
 * @property {boolean} silenced
 * @property {boolean} old  unanswered, and too long ago when this phone first heard of it
 * @property {null|{type: "claim"|"adjudicate", decision?: string, reason?: string, link: number}} sending
 *   what waits for the server's answer, and over which connection it went; 0 for none yet
 * @property {string} notice  why the last request was not carried out
 */

export class AlertBook {
  constructor() {
    this.officer = ""; // this phone's officer, as events name them
    this.clear();
  }

  clear() {
    /** @type {Map<string, Entry>} */
    this.entries = new Map();
    this.front = null; // the id of the alert on the full-screen card; only the officer's thumb changes it
    this.arrivals = 0;
  }

  /** Take an event's whole state of its alert. Returns its entry. */
  apply(event, now) {
    const { alert } = event;
    let entry = this.entries.get(alert.id);
    if (!entry) {
      this.arrivals += 1;
      entry = { alert, order: this.arrivals, aside: false, silenced: false, old: false, sending: null, notice: "" };
      entry.old = now - lastSeen(alert) > FRESH;
      this.entries.set(alert.id, entry);
    } else if (event.what === "sighting") {
      // The person is in view again: that is new to whoever left the alert to others.
      entry.old = false;
      entry.aside = false;
      entry.silenced = false;
    }
    entry.alert = alert;
    if (alert.decision || (alert.claimed_by && entry.sending?.type === "claim")) {
      entry.sending = null;
      entry.notice = "";
    }
    return entry;
  }

  /** "waiting", "mine", "theirs" or "decided". */
  standing({ alert }) {
    if (alert.decision) return "decided";
    if (!alert.claimed_by) return "waiting";
    return alert.claimed_by === this.officer ? "mine" : "theirs";
  }

  get current() {
    return this.front === null ? null : (this.entries.get(this.front) ?? null);
  }

  /** Alerts that nobody has taken, without the old ones: those not left to others first, newest first. */
  waiting() {
    return [...this.entries.values()]
      .filter((entry) => this.standing(entry) === "waiting" && !entry.old)
      .sort((a, b) => Number(a.aside) - Number(b.aside) || b.order - a.order);
  }

  /** The waiting ones that are not in front. */
  others() {
    return this.waiting().filter((entry) => entry.alert.id !== this.front);
  }

  /** What asks for an officer now and has not been silenced. */
  ringing() {
    return this.waiting().filter((entry) => !entry.aside && !entry.silenced);
  }

  /** All of them, newest first. */
  history() {
    return [...this.entries.values()].sort((a, b) => b.order - a.order);
  }

  /** Where nothing is in front, put there what this officer has taken, or else the newest that waits. */
  choose() {
    if (this.current) return;
    const mine = this.history().find((entry) => this.standing(entry) === "mine");
    const next = mine ?? this.waiting().find((entry) => !entry.aside);
    this.front = next ? next.alert.id : null;
  }

  show(id) {
    if (this.entries.has(id)) this.front = id;
  }

  /** Close the card; `choose` may then put another alert there. */
  close() {
    this.front = null;
  }

  /** The alerts whose pictures may be held in memory: waiting, taken by this officer, or in front. */
  pictured() {
    return [...this.entries.values()].filter((entry) => {
      const standing = this.standing(entry);
      return entry.alert.id === this.front || standing === "mine" || (standing === "waiting" && !entry.old);
    });
  }

  /** A claim is worth something only now; a decision is kept until the server has it. */
  disconnected() {
    for (const entry of this.entries.values()) {
      if (entry.sending?.type === "claim") entry.sending = null;
    }
  }

  unsent() {
    return [...this.entries.values()].filter((entry) => entry.sending?.type === "adjudicate");
  }
}

/** @param {object} alert */
export const lastSeen = (alert) => Math.max(alert.seen_at, alert.last_seen_at);

/** What makes the comparison harder; coarse on purpose, and looser than the server's own refusals. */
export function hints({ quality }) {
  const found = [];
  if (quality.eye_distance < 25) found.push("small");
  if (quality.sharpness < 40) found.push("blurred");
  if (Math.abs(quality.yaw) > 0.35) found.push("turned");
  if (Math.abs(quality.pitch) > 0.45) found.push("tilted");
  return found;
}
