// Which phones have shown an alert, by what they have receipted. No page, no network, no clock.

/**
 * @typedef {object} Phone  as /api/desk/phones has it
 * @property {string} officer
 * @property {boolean} connected
 * @property {boolean} on_post
 * @property {boolean} silent
 * @property {number|null} heard  seconds ago
 * @property {number|null} receipted
 * @property {boolean} wakes
 * @property {Record<string, number>|null} seconds  by alert
 */

/** Where a phone stands: "ready" (on post and answering), "silent" (on post and not), "aside" (connected, not on
 * post) or "gone". @param {Phone} phone */
export function standing(phone) {
  if (phone.on_post) return phone.silent ? "silent" : "ready";
  return phone.connected ? "aside" : "gone";
}

/**
 * Who has an alert on screen and who has not, of the phones that should: those on post, and those connected.
 * @param {string} alert  @param {number} seq  of the event that made it  @param {Phone[]} phones
 * @returns {{reached: {phone: Phone, seconds: number|null}[], missing: Phone[]}}
 */
export function reach(alert, seq, phones) {
  const reached = [];
  const missing = [];
  for (const phone of phones) {
    if ((phone.receipted ?? 0) >= seq && (phone.on_post || phone.connected)) reached.push({ phone, seconds: phone.seconds?.[alert] ?? null });
    else if (phone.on_post || phone.connected) missing.push(phone);
  }
  return { reached, missing };
}
