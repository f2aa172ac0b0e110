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

export class Queue {
  constructor() {
    /** @type {Map<string, object>} */
    this.alerts = new Map();
  }

  /** Take an event's whole state of its alert; an erased one is forgotten. */
  apply({ what, alert }) {
    if (what === "erased") this.alerts.delete(alert.id);
    else this.alerts.set(alert.id, alert);
  }

  clear() {
    this.alerts.clear();
  }

  /** Newest first: those that are not closed, then those that are. */
  sorted() {
    const newest = [...this.alerts.values()].sort((a, b) => b.created_at - a.created_at);
    return { open: newest.filter((alert) => !alert.closed), closed: newest.filter((alert) => alert.closed) };
  }
}
