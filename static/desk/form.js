// Forms and dialogs: each control has its label, its hint and the place of its own error beside it.

import { button, h, inWords, refusal, say, unique } from "./parts.js";
import { words } from "./words.js";

/**
 * @typedef {object} Spec  one control
 * @property {string} name  the key of its value, and the path by which the server names it
 * @property {string} label
 * @property {"text"|"area"|"number"|"moment"|"day"|"password"|"select"|"check"|"lines"} [kind]
 * @property {string} [why]  a hint
 * @property {unknown} [value]  "moment": Unix seconds or null; "lines": a list of texts
 * @property {boolean} [required]
 * @property {[string, string][]} [options]  of a select: value and label
 * @property {object} [more]  further properties of the control
 * @property {(input: HTMLElement) => Node} [below]  what stands below the control and follows what is typed
 */

const TYPES = { number: "number", moment: "datetime-local", day: "date", password: "password" };

/** @param {Spec} spec */
export function control(spec) {
  const { name, label, kind = "text", why, value, required, options = [], more = {}, below } = spec;
  const id = unique(name.replaceAll(/\W/g, "-"));
  const error = h("p", { class: "error", id: `${id}-error`, hidden: true });
  const told = [why && `${id}-why`, `${id}-error`].filter(Boolean).join(" ");
  const common = { id, name, "aria-describedby": told, "aria-required": required ? "true" : null, ...more };
  let input;
  if (kind === "area" || kind === "lines") {
    input = h("textarea", { rows: kind === "lines" ? "4" : "3", ...common });
    input.value = kind === "lines" ? (value ?? []).join("\n") : (value ?? "");
  } else if (kind === "select") {
    input = h("select", common, ...options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)));
  } else if (kind === "check") {
    input = h("input", { type: "checkbox", checked: Boolean(value), ...common });
  } else {
    const secret = kind === "password" ? { autocapitalize: "off", spellcheck: "false" } : {}; // shown, it is a text
    input = h("input", { type: TYPES[kind] ?? "text", autocomplete: "off", ...secret, ...common });
    if (value !== null && value !== undefined) input.value = kind === "moment" ? local(value) : String(value);
  }
  const hint = why && h("p", { class: "why", id: `${id}-why` }, why);
  const labelled = h("label", { for: id }, label, required && h("span", { class: "required" }, ` ${words.form.required}`));
  const eye = kind === "password" && shower(input, label);
  const element =
    kind === "check"
      ? h("div", { class: "field check" }, input, h("div", {}, labelled, hint), error)
      : h("div", { class: `field ${kind}` }, labelled, hint, eye ? h("div", { class: "secret" }, input, eye) : input, below?.(input), error);

  return {
    name,
    element,
    input,
    read: () => read(kind, input),
    /** A password that was shown is dots again. */
    hide() {
      if (eye) showing(input, eye, false);
    },
    /** The problem beside the control, "" for none. */
    fault(text) {
      say(error, text);
      error.hidden = !text;
      if (text) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    },
    /** What the page itself can see is wrong. */
    check() {
      if (input.validity?.badInput) return kind === "number" ? words.form.notNumber : words.form.notMoment;
      if (input.validity?.rangeUnderflow || input.validity?.rangeOverflow) return words.form.range(more.min, more.max);
      if (required && kind !== "check" && !input.value.trim()) return words.form.empty;
      if (input.validity && !input.validity.valid) return input.validationMessage;
      return "";
    },
  };
}

/** Whoever types a password may look at it. */
function shower(input, label) {
  const toggle = () => showing(input, eye, eye.getAttribute("aria-pressed") === "false");
  const eye = button(words.form.show, toggle, "", { "aria-pressed": "false", "aria-controls": input.id });
  eye.append(h("span", { class: "unseen" }, ` ${label}`));
  return eye;
}

function showing(input, eye, yes) {
  input.type = yes ? "text" : "password";
  eye.setAttribute("aria-pressed", String(yes));
}

function read(kind, input) {
  if (kind === "check") return input.checked;
  if (kind === "lines") return input.value.split("\n").map((line) => line.trim()).filter(Boolean);
  if (kind === "number") return input.value === "" ? null : Number(input.value);
  if (kind === "moment") return input.value ? new Date(input.value).getTime() / 1000 : null;
  if (kind === "password") return input.value;
  return input.value.trim();
}

/** Unix seconds as a datetime-local control writes them, in the browser's time zone. */
function local(unix) {
  const at = new Date(unix * 1000);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/**
 * A form. `send` gets the values by name; what it throws is shown beside the control that the server names, or
 * above the button. `body` may lay the controls out; by default they stand one below the other.
 * @param {{controls: ReturnType<typeof control>[], body?: Node[], submit: string, danger?: boolean,
 *   send: (values: Record<string, unknown>) => Promise<void>, cancel?: () => void}} of
 */
export function form({ controls, body, submit, danger = false, send, cancel }) {
  const problem = h("div", { class: "problem" });
  const go = h("button", { type: "submit", class: danger ? "danger" : "main" }, submit);

  async function submitted(event) {
    event.preventDefault();
    problem.replaceChildren();
    for (const each of controls) each.hide();
    const wrong = controls.filter((each) => {
      const text = each.check();
      each.fault(text);
      return text;
    });
    if (wrong.length) {
      wrong[0].input.focus();
      return;
    }
    go.disabled = true;
    say(go, words.form.sending);
    try {
      await send(Object.fromEntries(controls.map((each) => [each.name, each.read()])));
    } catch (error) {
      const at = error.field && controls.find((each) => error.field === each.name || error.field.startsWith(`${each.name}.`));
      if (at) {
        at.fault(inWords(error));
        at.input.focus();
      } else {
        problem.replaceChildren(refusal(error));
        problem.scrollIntoView({ block: "nearest" });
      }
    } finally {
      go.disabled = false;
      say(go, submit);
    }
  }

  return h(
    "form",
    { novalidate: true, onsubmit: submitted },
    ...(body ?? controls.map((each) => each.element)),
    problem,
    h("div", { class: "actions" }, go, cancel && button(words.form.cancel, cancel)),
  );
}

/**
 * A question in a dialog. Resolves with what `send` returned, or null when it was left.
 * @param {{title: string, explain?: (string|Node)[], specs: Spec[], submit: string, danger?: boolean,
 *   check?: (values: Record<string, unknown>) => string, send: (values: Record<string, unknown>) => Promise<unknown>}} of
 */
export function ask({ title, explain = [], specs, submit, danger, send }) {
  return new Promise((resolve) => {
    const id = unique("dialog");
    let result = null;
    const dialog = h("dialog", { "aria-labelledby": id, onclose: () => (dialog.remove(), resolve(result)) });
    const controls = specs.map(control);
    dialog.append(
      h("h2", { id }, title),
      ...explain.map((each) => (typeof each === "string" ? h("p", {}, each) : each)),
      form({
        controls,
        submit,
        danger,
        cancel: () => dialog.close(),
        async send(values) {
          result = (await send(values)) ?? true;
          dialog.close();
        },
      }),
    );
    document.body.append(dialog);
    dialog.showModal();
    (controls[0]?.input ?? dialog.querySelector("button")).focus();
  });
}

/** A dialog that shows something and is closed. */
export function tell(title, content, close = words.form.close) {
  return new Promise((resolve) => {
    const id = unique("dialog");
    const dialog = h("dialog", { "aria-labelledby": id, onclose: () => (dialog.remove(), resolve()) });
    dialog.append(h("h2", { id, tabindex: "-1" }, title), ...content, h("div", { class: "actions" }, button(close, () => dialog.close(), "main")));
    document.body.append(dialog);
    dialog.showModal();
  });
}
