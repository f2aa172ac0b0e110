// The desk's shell: who is signed in, which pages their role has, and the page that the address names.

import { get, onEnded } from "./api.js";
import * as keys from "./keys.js";
import { button, h, link, notice, refusal, say } from "./parts.js";
import { words } from "./words.js";
import { endSession, showSignIn, swap, takeCode } from "./signin.js";

/** Every page: the pattern of its address, the roles that may see it, the module that builds it, and its key. */
const PAGES = [
  { at: "overview", name: "overview", roles: "operator authorising auditor engineer", nav: true, key: "o" },
  { at: "wall", name: "wall", roles: "operator authorising auditor engineer", nav: true, key: "w" },
  { at: "deployments", name: "deployments", roles: "operator authorising auditor", nav: true, key: "d" },
  { at: "deployments/new", name: "plan", roles: "operator" },
  { at: "deployments/:id", name: "deployment", roles: "operator authorising auditor" },
  { at: "deployments/:id/plan", name: "plan", roles: "operator" },
  { at: "deployments/:id/zones/:camera", name: "zones", roles: "operator authorising" },
  { at: "blue/:id", name: "blue", roles: "operator authorising auditor" },
  { at: "watchlist", name: "watchlist", roles: "operator authorising", nav: true, key: "l" },
  { at: "watchlist/:id", name: "watchlist", roles: "operator authorising" },
  { at: "alerts", name: "alerts", roles: "operator", nav: true, key: "a" },
  { at: "alerts/:id", name: "alerts", roles: "operator" },
  { at: "record", name: "record", roles: "operator authorising auditor", nav: true, key: "r" },
  { at: "record/:id", name: "record", roles: "operator authorising auditor" },
  { at: "audit", name: "audit", roles: "auditor", nav: true, key: "u" },
  { at: "retention", name: "retention", roles: "auditor authorising", nav: true, key: "t" },
  { at: "enquiry", name: "enquiry", roles: "operator authorising auditor", nav: true, key: "e" },
  { at: "account", name: "account", roles: "operator authorising auditor engineer" },
  { at: "people", name: "people", roles: "operator engineer authorising", nav: true, key: "p" },
  { at: "onboarding", name: "onboarding", roles: "operator engineer", nav: true, key: "n" },
];

const part = (id) => document.getElementById(id);
const [top, strip, main, foot, polite] = ["top", "strip", "main", "foot", "polite"].map(part);

/** What pages are given: who asks, the server's clock, and how to say something. */
const desk = {
  me: null,
  /** The page from which this one was opened, as its address has it; "" for none. */
  from: () => before.split("/")[0],
  offset: 0, // the server's clock minus this machine's, seconds
  now: () => Date.now() / 1000 + desk.offset,
  heard(now) {
    desk.offset = now - Date.now() / 1000;
  },
  is: (...roles) => roles.includes(desk.me?.role),
  go(to) {
    if (location.hash === `#${to}`) show();
    else location.hash = to;
  },
  /** For assistive technology alone: what is on screen already. */
  announce: (text) => say(polite, text),
  /** For assistive technology, and for a short while at the top of the page. */
  say(text) {
    say(polite, text);
    const line = notice("good", h("p", {}, text));
    strip.replaceChildren(line);
    setTimeout(() => line.remove(), 8000);
  },
};

let before = ""; // the address of the page that was shown before this one
let here = "";
let leave = () => {}; // ends what the page on screen has running
let shown = 0; // counts pages: an answer for an earlier one is let go of

function find(address) {
  const parts = address.split("/");
  for (const page of PAGES) {
    const pattern = page.at.split("/");
    if (pattern.length !== parts.length) continue;
    if (pattern.every((each, at) => each.startsWith(":") || each === parts[at])) {
      return [page, parts.filter((_, at) => pattern[at].startsWith(":")).map(decodeURIComponent)];
    }
  }
  return [null, []];
}

const may = (page) => page.roles.split(" ").includes(desk.me.role);

async function show() {
  if (!desk.me) return;
  leave();
  leave = () => {};
  keys.offer([]);
  const turn = (shown += 1);
  const address = location.hash.slice(1) || "overview";
  if (address !== here) [before, here] = [here, address];
  const [page, values] = find(address);
  say(polite, "");
  for (const each of top.querySelectorAll("nav a")) {
    if (each.getAttribute("href") === `#${address.split("/")[0]}`) each.setAttribute("aria-current", "page");
    else each.removeAttribute("aria-current");
  }
  if (!page || !may(page)) {
    main.replaceChildren(h("h1", { tabindex: "-1" }, words.notHere), h("p", {}, words.notHereWhy), h("p", {}, link("overview", words.nav.overview)));
  } else {
    try {
      const module = await import(`./page-${page.name}.js`);
      const place = h("div", { class: `page ${page.name}` });
      const stop = await module.show(place, desk, ...values);
      if (turn !== shown) {
        stop?.();
        return;
      }
      leave = stop ?? leave;
      main.replaceChildren(place);
    } catch (error) {
      if (turn !== shown) return;
      main.replaceChildren(h("h1", { tabindex: "-1" }, words.nav[page.name] ?? words.desk), refusal(error), button(words.again, show));
    }
  }
  const title = main.querySelector("h1");
  document.title = words.title(title?.textContent ?? "", desk.me.site);
  title?.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function frame() {
  const pages = PAGES.filter((page) => page.nav && may(page));
  keys.pages(pages.map((page) => ({ key: page.key, says: words.nav[page.name], run: () => desk.go(page.at) })));
  top.replaceChildren(
    h("p", { class: "site" }, h("strong", {}, desk.me.site), " ", h("span", { class: "faint" }, words.desk)),
    h(
      "nav",
      { "aria-label": words.pages },
      h("ul", {}, ...pages.map((page) => h("li", {}, link(page.at, words.nav[page.name])))),
    ),
    h(
      "p",
      { class: "who" },
      h("span", {}, link("account", desk.me.name), " ", h("span", { class: "faint" }, words.role[desk.me.role])),
      button(words.signOut, signOut, "quiet"),
    ),
  );
  foot.replaceChildren(
    h("p", { class: "faint" }, words.zone(Intl.DateTimeFormat().resolvedOptions().timeZone)),
    h("p", { class: "printed" }, words.printedBy(desk.me.name, words.role[desk.me.role], desk.me.site), h("span", { id: "printed-at" })),
  );
}

async function signOut() {
  try {
    await endSession();
    toSignIn(words.signIn.left);
  } catch (error) {
    strip.replaceChildren(refusal(error));
  }
}

/** An invitation was opened over somebody's page, which stays as it is until they say otherwise. */
async function invited(code) {
  if (here) history.replaceState(null, "", `#${here}`);
  if (!(await swap(desk.me.name))) return;
  history.replaceState(null, "", location.pathname);
  toSignIn("", code);
}

function toSignIn(message, code = "") {
  leave();
  leave = () => {};
  shown += 1;
  desk.me = null;
  keys.offer([]);
  keys.pages([]);
  for (const each of [top, strip, foot]) each.replaceChildren();
  for (const dialog of document.querySelectorAll("dialog")) dialog.remove();
  document.title = words.title(words.signIn.heading, words.desk);
  showSignIn(main, { code, message, signedIn: () => begin() });
}

/** @param {string} [code]  of an invitation that was opened, for whoever is not signed in */
async function begin(code = "") {
  try {
    desk.me = await get("/api/desk/me");
  } catch (error) {
    if (error.status === 401) return toSignIn("", code);
    main.replaceChildren(h("h1", {}, words.desk), refusal(error), button(words.again, () => begin(code)));
    return undefined;
  }
  desk.heard(desk.me.now);
  strip.replaceChildren();
  frame();
  if (!PAGES.some(may)) {
    main.replaceChildren(h("h1", { tabindex: "-1" }, words.phoneRole), h("p", {}, words.phoneRoleWhy), h("p", {}, h("a", { href: "/" }, words.phonePage)));
  } else {
    show();
  }
  return code && invited(code);
}

say(part("skip"), words.skip);
part("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address names the page: it must not become #main
  main.focus();
});
addEventListener("hashchange", () => {
  const code = takeCode();
  if (code) (desk.me ? invited : begin)(code);
  else show();
});
addEventListener("beforeprint", () => {
  say(part("printed-at") ?? polite, words.moment(desk.now()));
  for (const closed of main.querySelectorAll("details:not([open])")) closed.open = true; // paper does not open
});
keys.listen();
onEnded(() => desk.me && toSignIn(words.signIn.ended));

begin(takeCode());
