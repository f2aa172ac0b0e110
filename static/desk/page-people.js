// The people who may use this box: their role, how they sign in, and what stops them.

import { get, post } from "./api.js";
import { ask, tell } from "./form.js";
import { badge, button, fill, h, heading, link, notice, refusal, table } from "./parts.js";
import { words } from "./words.js";

const text = words.people;

export async function show(place, desk) {
  const problem = h("div", {});
  const list = h("div", {});
  let roles = []; // that this person may add
  const again = () => fill(list, async () => people(await get("/api/desk/people")));

  function people({ people: everyone, roles: named, now }) {
    desk.heard(now);
    roles = named;
    return table(
      text.heading,
      [text.name, text.role, text.rank, text.state, text.sessions, text.acts],
      everyone.map((each) => [each.name, words.role[each.role], each.rank, state(each, now), each.sessions ? text.devices(each.sessions) : "", buttons(each, now)]),
      { empty: text.nobody, kind: "cards" },
    );
  }

  function buttons(person, now) {
    const act = (name, label, kind = "") => button(label, () => carry(person, name), kind, { "aria-label": text.actOn(label, person.name) });
    const offered = [
      person.invite && !person.disabled_at && button(text.invite, () => invite(person), "", { "aria-label": text.actOn(text.invite, person.name) }),
      person.keep && person.sessions > 0 && act("revoke", text.revoke),
      person.keep && locked(person, now) && act("unlock", text.unlock),
      person.name !== desk.me.name && (person.disabled_at ? person.invite && act("enable", text.enable) : person.keep && act("disable", text.disable, "danger")),
    ].filter(Boolean);
    if (person.name === desk.me.name) offered.push(link("account", text.own));
    return offered.length ? h("div", { class: "actions small" }, ...offered) : h("span", { class: "faint" }, text.noActs);
  }

  async function carry(person, name) {
    problem.replaceChildren();
    const told = text.sure[name];
    try {
      if (told) {
        const done = await ask({ title: told.title(person.name), explain: [told.explain], specs: [], submit: told.button, danger: true, send: () => post(`/api/desk/people/${person.id}/${name}`) });
        if (!done) return;
      } else await post(`/api/desk/people/${person.id}/${name}`);
      await again();
      desk.say(text.done[name](person.name));
    } catch (error) {
      problem.replaceChildren(refusal(error));
    }
  }

  async function add() {
    const done = await ask({
      title: text.add,
      explain: [text.addWhy],
      specs: [
        { name: "name", label: text.nameLabel, why: text.nameWhy, required: true, more: { maxlength: "60", autocapitalize: "off" } },
        { name: "role", label: text.role, kind: "select", options: roles.map((role) => [role, words.role[role]]), value: roles.includes("engagement") ? "engagement" : roles[0] },
        { name: "rank", label: text.rank, more: { maxlength: "60" } },
      ],
      submit: text.add,
      send: (values) => post("/api/desk/people", values),
    });
    if (!done) return;
    await again();
    desk.say(text.added);
  }

  const invite = (person) => invited(text.invitationFor(person.name), text.invitationWhy, () => post(`/api/desk/people/${person.id}/invite`), person.role === "engagement");

  async function shift() {
    let uses = 0;
    const chosen = await ask({
      title: text.shift,
      explain: [text.shiftWhy],
      specs: [{ name: "uses", label: text.shiftUses, kind: "number", value: 10, required: true, more: { min: "1", max: "100", step: "1" } }],
      submit: text.shift,
      send: (values) => ((uses = values.uses), Promise.resolve(true)),
    });
    if (chosen) await invited(text.shift, (hours) => text.shiftFor(uses, hours), () => post("/api/desk/people/shift", { uses }), true);
  }

  /** Make an invitation and show it, once. phone: it lets a phone in, which may never have been here. */
  async function invited(title, why, make, phone) {
    problem.replaceChildren();
    try {
      const made = await make();
      const url = URL.createObjectURL(new Blob([made.picture], { type: "image/svg+xml" }));
      await tell(title, [
        h("p", {}, why(made.hours)),
        opens(made.link),
        phone && h("p", {}, link("onboarding", text.isNew, { onclick: (event) => event.currentTarget.closest("dialog").close() })),
        h("img", { class: "qr", src: url, alt: text.qrAlt }),
        h("p", {}, h("label", { for: "invitation" }, text.invitationLink)),
        h("input", { id: "invitation", readonly: true, value: made.link, onfocus: (event) => event.target.select() }),
        h("p", {}, button(text.copy, (event) => copy(made.link, event.currentTarget))),
      ]);
      URL.revokeObjectURL(url);
    } catch (error) {
      problem.replaceChildren(refusal(error));
    }
  }

  const forShift = button(text.shift, shift);
  place.append(
    heading(text.heading, h("div", { class: "actions" }, forShift, button(text.add, add, "main"))),
    h("p", { class: "faint" }, text.explain),
    problem,
    list,
  );
  await again();
  if (!roles.includes("engagement")) forShift.remove(); // an authorising officer lets no phone in
}

/** Where the link leads: a phone cannot open an address that a machine has for itself. */
function opens(link) {
  const { hostname, origin } = new URL(link);
  const alone = hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
  return alone ? notice("warn", h("p", {}, text.invitationAlone(origin))) : h("p", { class: "faint" }, text.invitationOpens(origin));
}

async function copy(link, at) {
  try {
    await navigator.clipboard.writeText(link);
    at.textContent = text.copied;
  } catch {
    document.getElementById("invitation").focus(); // selected there: to be copied by hand
  }
}

/** locked_until: null where only the console opens it. */
const locked = (person, now) => person.locked_until === null || person.locked_until > now;

function state(person, now) {
  if (person.disabled_at) return badge("bad", "no", text.disabled);
  if (locked(person, now)) return badge("warn", "lock", text.locked(person.locked_until));
  return badge("good", "yes", person.passkeys ? text.passkeys(person.passkeys) : person.password ? text.password : person.role === "engagement" ? text.byInvitation : text.noPassword);
}
