// Brings this phone to trust the box: asks whether it does, shows the steps for it, and leads on to signing in.
//
// Nothing secret passes here. An invitation stands in a code of its own, which is scanned after this page has
// done its work and is opened under TLS; whatever this page's address carries behind # is thrown away unread.

import { words } from "./words.js";

const AGAIN_MS = 4000; // between two questions whether the phone trusts the box by now
const FILES = { ios: "lfrd-authority.mobileconfig", android: "lfrd-authority.crt", computer: "lfrd-authority.crt" };

if (location.hash) history.replaceState(null, "", location.pathname);

function h(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(key.slice(2), value);
    else if (value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** What this device seems to be; whoever holds it can say otherwise. iPadOS calls itself a Mac with touch. */
function guess() {
  const agent = navigator.userAgent;
  if (/iPhone|iPad|iPod/.test(agent) || (/Macintosh/.test(agent) && navigator.maxTouchPoints > 1)) return "ios";
  return /Android/.test(agent) ? "android" : "computer";
}

/** Whether a connection to the box under TLS comes about. What it answers cannot be read from here. */
async function trusts(secure) {
  try {
    await fetch(`${secure}/healthz`, { mode: "no-cors", cache: "no-store", credentials: "omit" });
    return "trusted";
  } catch {
    // Not trusted, or not there: this page's own server is the same machine.
    const here = await fetch("facts.json", { cache: "no-store" }).catch(() => null);
    return here?.ok ? "not" : "lost";
  }
}

function showState(place, state, secure) {
  if (place.dataset.state === state) return;
  place.dataset.state = state;
  place.className = `state ${state}`;
  const text = words.state;
  if (state === "asking") place.replaceChildren(h("strong", {}, text.asking));
  else place.replaceChildren(h("strong", {}, text[state]), h("p", {}, text[`${state}Why`]));
  if (state === "trusted") place.append(h("a", { class: "act", href: `${secure}/` }, text.open));
}

function showSteps(place, device) {
  place.replaceChildren(
    h("a", { class: "act", href: FILES[device] }, words.download[device]),
    h("ol", {}, ...words.steps[device].map(([step]) => h("li", {}, step))),
  );
}

function chooser(steps) {
  const first = guess();
  showSteps(steps, first);
  const choices = Object.keys(FILES).map((device) =>
    h(
      "label",
      {},
      h("input", { type: "radio", name: "device", value: device, checked: device === first, onchange: () => showSteps(steps, device) }),
      words.device[device],
    ),
  );
  return h("fieldset", {}, h("legend", {}, words.which), ...choices);
}

async function begin(place) {
  document.title = words.title;
  let facts;
  try {
    facts = await (await fetch("facts.json", { cache: "no-store" })).json();
  } catch {
    place.replaceChildren(h("h1", {}, words.title), h("p", {}, words.failed));
    return;
  }
  const state = h("div", { role: "status" });
  const steps = h("div", {});
  const todo = h("section", {}, chooser(steps), steps);
  place.replaceChildren(
    h("h1", {}, words.title),
    h("p", { class: "faint" }, words.lead),
    state,
    todo,
    h("h2", {}, words.fingerprint),
    h("p", { class: "faint" }, words.fingerprintOf(facts.authority)),
    h("p", { class: "fingerprint" }, ...facts.fingerprint.map((row) => h("span", {}, row))),
    h("p", {}, h("strong", {}, words.compareFirst)),
    h("p", { class: "faint" }, words.compareWhy),
    h("h2", {}, words.may),
    h("p", { class: "faint" }, words.mayWhy),
  );
  showState(state, "asking", facts.secure);
  const ask = async () => {
    if (!document.hidden) showState(state, await trusts(facts.secure), facts.secure);
    todo.hidden = state.dataset.state === "trusted";
    if (!todo.hidden) setTimeout(ask, AGAIN_MS);
  };
  ask();
}

begin(document.getElementById("page"));
