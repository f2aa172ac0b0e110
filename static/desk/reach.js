// Which phones have shown an alert, by what they have receipted. No page, no network, no clock.

/**
 * @typedef {object} Phone  as /api/desk/phones has it
 * @property {string} officer
 * @property {number} since  when it signed in, Unix seconds
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

const BEST = ["ready", "silent", "aside", "gone"];

/**
 * Each officer once, in the order of their first phones; `stands` is where the phone stands that stands best.
 * @param {Phone[]} phones  @returns {{officer: string, stands: string, phones: Phone[]}[]}
 */
export function officers(phones) {
  const found = new Map();
  for (const phone of phones) found.set(phone.officer, [...(found.get(phone.officer) ?? []), phone]);
  return [...found].map(([officer, theirs]) => {
    const stand = theirs.map(standing);
    return { officer, stands: BEST.find((each) => stand.includes(each)), phones: theirs };
  });
}

/**
 * Who has an alert on screen and who has not, of the phones that should: those on post, and those connected.
 * @param {string} alert  @param {number} seq  of the event that made it  @param {Phone[]} phones
 * @returns {{reached: {phone: Phone, seconds: number|null}[], missing: Phone[]}}  phones: an officer may have several
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

/**
 * What `reach` found, by officer: the fastest of the phones that have it, and which have not.
 * @param {ReturnType<typeof reach>} of
 */
export function byOfficer({ reached, missing }) {
  const known = reached.map(({ phone }) => phone.officer);
  return {
    reached: officers(reached.map(({ phone }) => phone)).map(({ officer, phones }) => {
      const seconds = reached.filter(({ phone }) => phone.officer === officer).map((each) => each.seconds);
      const timed = seconds.filter((each) => each !== null);
      return { officer, phones: phones.length, seconds: timed.length ? Math.min(...timed) : null };
    }),
    missing: officers(missing).map(({ officer, phones }) => ({ officer, phones, elsewhere: known.includes(officer) })),
  };
}
