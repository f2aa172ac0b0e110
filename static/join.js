// Screens without a session: the invitation, and 'open in another tab'.

import { h, say } from "./dom.js";
import { words } from "./words.js";

/** The invitation in the address's fragment, which no server and no log sees; it leaves the address bar at once. */
export function takeCode() {
  const code = codeIn(location.hash);
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  return code;
}

/** The code in "https://…/#join=CODE", in "#join=CODE", or the text itself. */
function codeIn(link) {
  const found = /[#&]join=([^&\s]+)/.exec(link);
  return found ? decodeURIComponent(found[1]) : "";
}

/**
 * Show the form. `joined` is called with the officer's name.
 * @param {HTMLElement} place  @param {string} code  @param {string} message  @param {(officer: string) => void} joined
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
    if (problem) refuse(problem, field && name);
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
      body: JSON.stringify({ code, name }),
    });
  } catch {
    return [text.network];
  }
  if (answer.ok) {
    joined((await answer.json()).officer);
    return [""];
  }
  if (answer.status === 429) return [text.tooMany];
  const { code: reason } = await answer.json().catch(() => ({}));
  const said = { invitation: text.used, name: name ? text.badName : text.missing, name_taken: text.taken };
  return [said[reason] ?? text.failed, answer.status === 422];
}

/** @param {HTMLElement} place  @param {() => void} use */
export function showElsewhere(place, use) {
  const text = words.elsewhere;
  const heading = h("h1", { tabindex: "-1" }, text.heading);
  place.className = "join";
  place.replaceChildren(
    h("div", { class: "look" }, heading, h("p", {}, text.explain)),
    h("div", { class: "post" }, h("button", { type: "button", class: "act take big", onclick: use }, text.button)),
  );
  heading.focus();
}
