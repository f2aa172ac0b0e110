// Screens without a session: the invitation, and 'open in another tab'.

import { deviceKey } from "./device.js";
import { h, say } from "./dom.js";
import { sentence, words } from "./words.js";

/** The invitation in the address's fragment, which no server and no log sees; it leaves the address bar at once. */
export function takeCode() {
  const code = codeIn(location.hash);
  if (location.hash) history.replaceState(history.state, "", location.pathname + location.search);
  return code;
}

/** The code in "https://…/#join=CODE", in "#join=CODE", or the text itself. */
function codeIn(link) {
  const found = /[#&]join=([^&\s]+)/.exec(link);
  return found ? decodeURIComponent(found[1]) : "";
}

/**
 * Show the form. `joined` is called with the server's answer.
 * @param {HTMLElement} place  @param {string} code  @param {string} message
 * @param {(me: {officer: string, role: string}) => void} joined
 */
export function showJoin(place, code, message, joined) {
  const text = words.join;
  const name = h("input", { id: "name", autocomplete: "off", autocapitalize: "characters", maxlength: "60", enterkeyhint: "go" });
  const link = code ? null : h("input", { id: "code", autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
  const button = h("button", { class: "act take big" }, text.button);
  const notice = h("p", { class: "notice", role: "alert" }, message);
  const refuse = (problem, field) => {
    say(notice, problem);
    field?.setAttribute("aria-invalid", "true");
    field?.focus();
  };

  async function submit(event) {
    event.preventDefault();
    name.removeAttribute("aria-invalid");
    link?.removeAttribute("aria-invalid");
    const invitation = code || codeIn(link.value) || link.value.trim();
    if (!invitation) return refuse(text.codeMissing, link);
    say(notice, "");
    button.disabled = true;
    say(button, text.joining);
    const [problem, field] = await join(invitation, name.value.trim(), joined);
    button.disabled = false;
    say(button, text.button);
    if (problem) refuse(problem, field ? name : null);
  }

  place.className = "join";
  place.replaceChildren(
    h(
      "form",
      { onsubmit: submit, novalidate: true },
      h(
        "div",
        { class: "look" },
        h("h1", {}, text.heading),
        link && h("label", { for: "code" }, text.codeLabel),
        link && h("p", { class: "faint", id: "code-why" }, text.codeExplain),
        link,
        h("label", { for: "name" }, text.label),
        h("p", { class: "faint", id: "name-why" }, text.explain),
        name,
      ),
      h("div", { class: "post" }, notice, button),
    ),
  );
  name.setAttribute("aria-describedby", "name-why");
  link?.setAttribute("aria-describedby", "code-why");
  (link ?? name).focus();
}

/**
 * Without a name it is for the server to say whether the invitation carries one.
 * Returns the problem in words, or "" after `joined`, and whether the name is at fault.
 */
async function join(code, name, joined) {
  const text = words.join;
  let answer;
  try {
    answer = await fetch("api/join", {
      method: "POST",
      credentials: "same-origin",
      cache: "no-store",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ code, name, device_key: await deviceKey() }),
    });
  } catch {
    return [text.network];
  }
  if (answer.ok) {
    joined(await answer.json());
    return [""];
  }
  if (answer.status === 429) return [text.tooMany];
  const { code: reason, message } = await answer.json().catch(() => ({}));
  const said = {
    invitation: text.used,
    name: name ? text.badName : text.missing,
    name_taken: text.taken,
    password_wanted: text.desk,
  };
  const field = reason === "name" || reason === "name_taken";
  return [said[reason] ?? (message ? sentence(message) : text.failed), field];
}

/** This page has been opened elsewhere since. @param {HTMLElement} place  @param {() => void} use */
export function showElsewhere(place, use) {
  const { heading, explain, button } = words.elsewhere;
  showNote(place, heading, explain, h("button", { type: "button", class: "act take big", onclick: use }, button));
}

/** Whoever works at the desk has no post. @param {HTMLElement} place  @param {string} role */
export function showDesk(place, role) {
  const { heading, explain, button } = words.desk;
  showNote(place, heading, explain(role), h("a", { class: "act take big", href: "desk/" }, button));
}

function showNote(place, what, why, action) {
  const heading = h("h1", { tabindex: "-1" }, what);
  place.className = "join";
  place.replaceChildren(h("div", { class: "look" }, heading, h("p", {}, why)), h("div", { class: "post" }, action));
  heading.focus();
}
