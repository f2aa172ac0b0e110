// The people who may use this box: their role, how they sign in, and what stops them.

import { get, post } from "./api.js";
import { ask, tell } from "./form.js";
import { badge, button, fill, h, heading, refusal, table } from "./parts.js";
import { words } from "./words.js";

const text = words.people;

export async function show(place, desk) {
  const problem = h("div", {});
  const list = h("div", {});
  const again = () => fill(list, async () => people(await get("/api/desk/people")));

  function people({ people: everyone, now }) {
    desk.heard(now);
    return table(
      text.heading,
      [text.name, text.role, text.rank, text.state, text.sessions, text.acts],
      everyone.map((each) => [each.name, words.role[each.role], each.rank, state(each, now), each.sessions ? text.devices(each.sessions) : "", buttons(each, now)]),
      { empty: text.nobody, kind: "cards" },
    );
  }

  function buttons(person, now) {
    const act = (name, label, kind = "") => button(label, () => carry(person, name), kind, { "aria-label": text.actOn(label, person.name) });
    return h(
      "div",
      { class: "actions small" },
      !person.disabled_at && button(text.invite, () => invite(person), "", { "aria-label": text.actOn(text.invite, person.name) }),
      person.sessions > 0 && act("revoke", text.revoke),
      person.locked_until > now && act("unlock", text.unlock),
      person.name !== desk.me.name && (person.disabled_at ? act("enable", text.enable) : act("disable", text.disable, "danger")),
    );
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
        { name: "role", label: text.role, kind: "select", options: Object.entries(words.role), value: "engagement" },
        { name: "rank", label: text.rank, more: { maxlength: "60" } },
      ],
      submit: text.add,
      send: (values) => post("/api/desk/people", values),
    });
    if (!done) return;
    await again();
    desk.say(text.added);
  }

  async function invite(person) {
    problem.replaceChildren();
    try {
      const made = await post(`/api/desk/people/${person.id}/invite`);
      const url = URL.createObjectURL(new Blob([made.picture], { type: "image/svg+xml" }));
      await tell(text.invitationFor(person.name), [
        h("p", {}, text.invitationWhy(made.hours)),
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

  place.append(
    heading(text.heading, button(text.add, add, "main")),
    h("p", { class: "faint" }, text.explain),
    problem,
    list,
  );
  await again();
}

async function copy(link, at) {
  try {
    await navigator.clipboard.writeText(link);
    at.textContent = text.copied;
  } catch {
    document.getElementById("invitation").focus(); // selected there: to be copied by hand
  }
}

function state(person, now) {
  if (person.disabled_at) return badge("bad", "no", text.disabled);
  if (person.locked_until > now) return badge("warn", "lock", text.locked(person.locked_until));
  return badge("good", "yes", person.password ? text.password : text.byInvitation);
}
