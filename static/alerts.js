// What this phone knows of the alerts, and which one stands in front. No page, no network, no clock.

/**
 * One alert as this phone holds it.
 * @typedef {object} Entry
 * @property {object} alert  the server's AlertView after the newest event
 * @property {number} order  grows with each arrival on this phone
 * @property {boolean} aside  left to others on this phone
 * @property {boolean} silenced
 * @property {boolean} expired  nobody may be engaged on it, until the person is seen again
 * @property {boolean} looking  the officer has asked for its pictures again after it expired
 * @property {boolean} reviewed  this officer's decision is among those given; the server tells nobody whose
 *   they are before the last one, so that only this phone and its officer know
 * @property {null|Request} sending  what waits for the server's answer
 * @property {string} notice  why the last request was not carried out
 */

/**
 * @typedef {object} Request  what was asked of the server, as lfrd/wire.py has it, and on which connection
 * @property {string} type
 * @property {number} link  0: of no connection yet
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

  /** Take an event's whole state of its alert. An erased one is forgotten with all that was known of it. */
  apply({ what, alert }, now) {
    if (what === "erased") {
      this.entries.delete(alert.id);
      if (this.front === alert.id) this.front = null;
      return;
    }
    let entry = this.entries.get(alert.id);
    if (!entry) {
      this.arrivals += 1;
      const order = this.arrivals;
      entry = { alert, order, aside: false, silenced: false, looking: false, reviewed: false, sending: null, notice: "" };
      this.entries.set(alert.id, entry);
    } else if (what === "sighting" || what === "escalated") {
      // In view again, or nobody has answered: news to whoever left the alert to others.
      entry.aside = false;
      entry.silenced = false;
    }
    entry.alert = alert;
    entry.expired = hasExpired(alert, now);
    entry.looking &&= entry.expired;
    if (alert.decision) entry.reviewed = alert.decided_by.split(" and ").includes(this.officer);
    else if (!alert.reviews) entry.reviewed = false;
    if (entry.sending && this.#isDone(entry.sending, what, alert)) {
      if (what === "withdrawn") entry.reviewed = false;
      entry.sending = null;
      entry.notice = "";
    }
  }

  /** The server has carried a request out, of which no event need tell. */
  settle(entry) {
    if (entry.sending.type === "adjudicate") entry.reviewed = true;
    if (entry.sending.type === "withdraw") entry.reviewed = false;
    entry.sending = null;
    entry.notice = "";
  }

  /** Whether an event says that a request has been carried out, or that another officer was faster. */
  #isDone(request, what, alert) {
    switch (request.type) {
      case "claim":
        return Boolean(alert.claimed_by);
      case "release":
        return alert.claimed_by !== this.officer;
      case "adjudicate":
        return Boolean(alert.decision);
      case "withdraw":
        return what === "withdrawn" && !alert.decision;
      case "engage":
        return Boolean(alert.engaged_by);
      case "outcome":
        return what === "outcome" && alert.outcome === request.outcome && alert.outcome_by === this.officer;
      default:
        return alert.closed;
    }
  }

  /** Time passes: whether that has ended (or, by a clock set right, begun) an alert's time. */
  age(now) {
    let changed = false;
    for (const entry of this.entries.values()) {
      const expired = hasExpired(entry.alert, now);
      changed ||= expired !== entry.expired;
      entry.expired = expired;
    }
    return changed;
  }

  /**
   * "waiting": nobody has it. "mine": this officer has it and is to decide. "theirs": another officer does.
   * "second": a second reviewer is wanted. "reviewed": this officer has decided, another one has yet to.
   * "decided", "engaged", "coded" (with an outcome), "closed".
   */
  standing({ alert, reviewed }) {
    if (alert.closed) return "closed";
    if (alert.outcome) return "coded";
    if (alert.engaged_by) return "engaged";
    if (alert.decision) return "decided";
    if (reviewed) return "reviewed";
    if (alert.claimed_by === this.officer) return "mine";
    if (alert.reviews_needed > 1 && (alert.claimed_by || alert.reviews)) return "second";
    return alert.claimed_by ? "theirs" : "waiting";
  }

  get current() {
    return this.front === null ? null : (this.entries.get(this.front) ?? null);
  }

  /** Alerts that want an officer, and are in time: those not left to others first, newest first. */
  waiting() {
    return [...this.entries.values()]
      .filter((entry) => ["waiting", "second"].includes(this.standing(entry)) && !entry.expired)
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

  /** This officer has one in hand, or is speaking to somebody: other alerts call once and do not ring on. */
  busy() {
    return this.history().some((entry) => this.standing(entry) === "mine" || this.isSpeaking(entry));
  }

  isSpeaking(entry) {
    return this.standing(entry) === "engaged" && entry.alert.engaged_by === this.officer;
  }

  /** What this officer has decided on or engaged in, and nobody has closed. */
  unfinished() {
    return this.history().filter((entry) => {
      const { alert } = entry;
      const own = entry.reviewed || alert.engaged_by === this.officer || alert.outcome_by === this.officer;
      return own && ["decided", "engaged", "coded"].includes(this.standing(entry));
    });
  }

  /** This officer has taken it, decided on it, engaged on it or coded it. */
  isOwn({ alert, reviewed }) {
    const { claimed_by, engaged_by, outcome_by } = alert;
    return reviewed || [claimed_by, engaged_by, outcome_by].includes(this.officer);
  }

  /** All of them, newest first. */
  history() {
    return [...this.entries.values()].sort((a, b) => b.order - a.order);
  }

  /** Where nothing is in front, put there what this officer has taken, or else the newest that waits. */
  choose() {
    if (this.current) return;
    const mine = this.history().find((entry) => this.standing(entry) === "mine" && !entry.expired);
    const next = mine ?? this.waiting().find((entry) => !entry.aside);
    this.front = next ? next.alert.id : null;
  }

  show(id) {
    if (!this.entries.has(id)) return;
    this.close();
    this.front = id;
  }

  /** Close the card; `choose` may then put another alert there. */
  close() {
    if (this.current) this.current.looking = false;
    this.front = null;
  }

  /** The alerts whose pictures may be held in memory: waiting, taken by this officer, or in front; and in time. */
  pictured() {
    return [...this.entries.values()].filter((entry) => {
      if (isCleared(entry)) return false;
      return entry.alert.id === this.front || ["waiting", "second", "mine"].includes(this.standing(entry));
    });
  }

  /** Taking an alert or giving it back is worth something only now; what was decided is kept for the server. */
  disconnected() {
    for (const entry of this.entries.values()) {
      if (["claim", "release"].includes(entry.sending?.type)) entry.sending = null;
    }
  }

  unsent() {
    return [...this.entries.values()].filter((entry) => entry.sending);
  }
}

/** @param {object} alert */
export const lastSeen = (alert) => Math.max(alert.seen_at, alert.last_seen_at);

/** Its pictures went when its time was over: nobody is engaged on it, and nobody has asked for them since. */
export const isCleared = ({ alert, expired, looking }) => expired && !alert.engaged_by && !looking;

const hasExpired = (alert, now) => alert.expired || (alert.expires_at > 0 && now >= alert.expires_at);

/** What makes the comparison harder; coarse on purpose, and looser than the server's own refusals. */
export function hints({ quality }) {
  const found = [];
  if (quality.eye_distance < 25) found.push("small");
  if (quality.sharpness < 40) found.push("blurred");
  if (Math.abs(quality.yaw) > 0.35) found.push("turned");
  if (Math.abs(quality.pitch) > 0.45) found.push("tilted");
  return found;
}
