// What the desk knows of the alerts, by the newest event of each. No page, no network, no clock.

/** Where an alert stands: what is asked of the people at the desk and in the street. */
export function standing(alert) {
  if (alert.closed) return "closed";
  if (alert.outcome) return "outcome";
  if (alert.engaged_by) return "engaged";
  if (alert.decision) return alert.decision;
  if (alert.reviews > 0) return "reviewed";
  if (alert.expired) return "expired";
  if (alert.claimed_by) return "claimed";
  return alert.escalated ? "escalated" : "waiting";
}

/** What may be done at the desk. The server decides; this only leaves out buttons that cannot work. */
export function offers(alert, me) {
  if (alert.closed) return ["correct"];
  const mine = alert.claimed_by === me;
  const free = !alert.claimed_by;
  const can = [];
  if (!alert.decision) {
    if (free) can.push("claim");
    if (mine || free || alert.reviews_needed > 1) can.push("adjudicate");
    if (mine) can.push("release");
  } else if (alert.decided_by.includes(me) && !alert.engaged_by && !alert.outcome) can.push("withdraw");
  if (alert.outcome) can.push("close", "correct");
  else if (alert.decision || alert.expired || alert.blue) can.push("outcome");
  return can;
}

/** Outcomes that can be coded: an engagement has one, and without one there was none. */
export const outcomes = (alert, all) => all.filter((name) => (name === "no_engagement") !== Boolean(alert.engaged_by));

/** What an alert asks of people: 0 somebody to take it, 1 the one who has it, 2 its outcome and its closing. */
export function need(alert) {
  const state = standing(alert);
  if (state === "waiting" || state === "escalated") return 0;
  return ["claimed", "reviewed", "viable", "engaged"].includes(state) ? 1 : 2;
}

export class Queue {
  constructor() {
    /** @type {Map<string, object>} */
    this.alerts = new Map();
    /** @type {Map<string, number>} */
    this.seqs = new Map(); // by alert: the event that made it, which a phone that has the alert has receipted
  }

  /** Take an event's whole state of its alert; an erased one is forgotten. Returns whether it is a new one. */
  apply({ seq, what, alert }) {
    if (what === "erased") {
      this.seqs.delete(alert.id);
      this.alerts.delete(alert.id);
      return false;
    }
    const fresh = !this.alerts.has(alert.id);
    if (fresh) this.seqs.set(alert.id, seq);
    this.alerts.set(alert.id, alert);
    return fresh;
  }

  clear() {
    this.alerts.clear();
    this.seqs.clear();
  }

  /** Open: by what they ask for, the longest waiting first. Closed: the newest first. */
  sorted() {
    const all = [...this.alerts.values()];
    const oldest = (a, b) => a.created_at - b.created_at;
    return {
      open: all.filter((alert) => !alert.closed).sort((a, b) => need(a) - need(b) || oldest(a, b)),
      closed: all.filter((alert) => alert.closed).sort((a, b) => oldest(b, a)),
    };
  }
}
