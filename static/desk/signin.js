// Without a session: name and password, a passkey where the browser has one, or an invitation's first password.

import { deviceKey, forgetDevice } from "../device.js";
import { post } from "./api.js";
import { ask, control, form } from "./form.js";
import { passkeysWork, signInByPasskey } from "./passkeys.js";
import { button, h, notice, refusal } from "./parts.js";
import { LEAST, meter } from "./strength.js";
import { words } from "./words.js";

const text = words.signIn;

/** The invitation in the address's fragment, which no server and no log sees; it leaves the address bar at once. */
export function takeCode() {
  const found = /[#&]join=([^&\s]+)/.exec(location.hash);
  if (!found) return "";
  history.replaceState(null, "", location.pathname + location.search);
  return decodeURIComponent(found[1]);
}

/** End the session, and forget the key that it was bound to. */
export async function endSession() {
  await post("/api/leave");
  await forgetDevice();
}

/**
 * An invitation was opened where somebody is signed in: it never takes their place by itself. Resolves with true
 * once their session has ended, and with null where they stay.
 * @param {string} name
 */
export const swap = (name) =>
  ask({ title: text.invited, explain: [text.invitedWhy(name)], specs: [], submit: text.invitedSwap, danger: true, send: () => endSession().then(() => true) });

/**
 * @param {HTMLElement} place
 * @param {{code: string, message: string, signedIn: () => void, heading?: string}} of  heading: of another page's
 */
export function showSignIn(place, { code, message, signedIn, heading = text.heading }) {
  const controls = code ? joinControls() : signInControls();
  const content = form({
    controls,
    submit: code ? text.join : text.button,
    async send(values) {
      if (code && values.password !== values.again) throw fault("again", text.differ);
      const device_key = await deviceKey();
      if (code) await post("/api/join", { code, password: values.password, device_key });
      else await post("/api/sign-in", { ...values, device_key });
      signedIn();
    },
  });
  const problem = h("div", {});
  async function passkey() {
    try {
      await signInByPasskey();
    } catch (error) {
      problem.replaceChildren("status" in error ? refusal(error) : notice("bad", h("p", {}, text.passkeyFailed)));
      return;
    }
    signedIn();
  }
  place.replaceChildren(
    h(
      "div",
      { class: "signin" },
      h("h1", { tabindex: "-1" }, code ? text.joinHeading : heading),
      message && notice("info", h("p", {}, message)),
      code && h("p", {}, text.joinExplain),
      content,
      !code && passkeysWork() && h("div", { class: "actions" }, button(text.passkey, passkey)),
      problem,
      !code && h("p", { class: "faint" }, text.forgotten),
      code && h("p", {}, button(text.haveAccount, () => showSignIn(place, { code: "", message: "", signedIn, heading }), "quiet")),
    ),
  );
  controls[0].input.focus();
}

const signInControls = () => [
  control({ name: "name", label: text.name, required: true, more: { autocomplete: "username", autocapitalize: "off", spellcheck: "false", maxlength: "60" } }),
  control({ name: "password", label: text.password, kind: "password", required: true, more: { autocomplete: "current-password", maxlength: "200" } }),
];

const joinControls = () => [
  control({ name: "password", label: text.newPassword, kind: "password", why: text.passwordWhy(LEAST), required: true, more: { autocomplete: "new-password", maxlength: "200" }, below: (input) => meter(input) }),
  control({ name: "again", label: text.again, kind: "password", required: true, more: { autocomplete: "new-password", maxlength: "200" } }),
];

/** A problem that the page itself finds, in the shape of the server's. */
const fault = (field, message) => Object.assign(new Error(message), { status: 0, field });
