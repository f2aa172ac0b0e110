// One's own account: the password, and passkeys.

import { get, post, Refused } from "./api.js";
import { ask, control, form } from "./form.js";
import { addPasskey, passkeysWork } from "./passkeys.js";
import { button, fill, h, heading, section, table } from "./parts.js";
import { LEAST, meter } from "./strength.js";
import { words } from "./words.js";

const text = words.account;

export async function show(place, desk) {
  const list = h("div", {});
  const again = () => fill(list, async () => passkeys((await get("/api/passkeys")).passkeys));

  function passkeys(kept) {
    return table(
      text.passkeys,
      [text.added, text.used, text.acts],
      kept.map((each) => [words.moment(each.created_at), words.moment(each.last_used_at) || text.never, button(text.remove, () => remove(each), "danger", { "aria-label": text.removeOf(each.created_at) })]),
      { empty: text.noPasskeys, kind: "cards" },
    );
  }

  async function add() {
    const done = await ask({
      title: text.add,
      explain: [text.addWhy],
      specs: [{ name: "password", label: words.signIn.password, kind: "password", required: true, more: { autocomplete: "current-password", maxlength: "128" } }],
      submit: text.add,
      async send({ password }) {
        try {
          await addPasskey(password);
        } catch (error) {
          throw error instanceof DOMException ? new Refused(0, { message: text.addFailed }) : error;
        }
      },
    });
    if (done) await again();
  }

  async function remove(passkey) {
    const done = await ask({
      title: text.removeOf(passkey.created_at),
      specs: [],
      submit: text.remove,
      danger: true,
      send: () => post(`/api/passkeys/${encodeURIComponent(passkey.id)}`, {}, "DELETE"),
    });
    if (!done) return;
    await again();
    desk.say(text.removed);
  }

  // For password managers, which keep a password by its name.
  const whose = h("input", { autocomplete: "username", value: desk.me.name, hidden: true, readonly: true });
  const password = (name, label, autocomplete, spec = {}) =>
    control({ name, label, kind: "password", required: true, more: { autocomplete, maxlength: "200" }, ...spec });
  const controls = [
    password("old", text.old, "current-password"),
    password("password", words.signIn.newPassword, "new-password", { why: words.signIn.passwordWhy(LEAST), below: (input) => meter(input, desk.me.name) }),
    password("again", words.signIn.again, "new-password"),
  ];
  place.append(
    heading(text.heading),
    section(
      text.change,
      form({
        controls,
        body: [whose, ...controls.map((each) => each.element)],
        submit: text.change,
        async send({ old, password: next, again: repeated }) {
          if (next !== repeated) throw Object.assign(new Refused(0, { message: words.signIn.differ }), { field: "again" });
          await post("/api/password", { old, password: next });
          desk.say(text.changed);
        },
      }),
    ),
    section(text.passkeys, h("p", { class: "faint" }, text.passkeysWhy), list, h("p", {}, passkeysWork() ? button(text.add, add) : text.cannot)),
  );
  await again();
}
