// The page's shell: who is signed in, which camera this phone is to be, and how it stands.

import { get, onEnded } from "../desk/api.js";
import { button, facts, h, notice, refusal, say } from "../desk/parts.js";
import { endSession, showSignIn, swap, takeCode } from "../desk/signin.js";
import { NoPicture, awake, lenses, openLens } from "./lens.js";
import { Sending } from "./sending.js";
import { words } from "./words.js";

const [top, strip, main, polite] = ["top", "strip", "main", "polite"].map((id) => document.getElementById(id));

let sending = null; // while Start is pressed
let stream = null; // this phone's own picture
let sleep = () => {}; // lets the screen go dark again
let cameras = [];
let page = null; // the parts that change
let who = ""; // the name of whoever is signed in

// ---- signing in and out ---------------------------------------------------------------------------------------

function toSignIn(message, code = "") {
  stop("");
  page = null;
  who = "";
  top.replaceChildren();
  strip.replaceChildren();
  showSignIn(main, { code, message, signedIn: () => begin(), heading: words.signIn });
}

/** @param {string} [code]  of an invitation that was opened: for whoever is not signed in, or says that it be used */
async function begin(code = "") {
  let me;
  try {
    me = await get("/api/desk/me");
    document.title = words.title(me.site);
    who = me.name;
    frame(me);
    if (code) invited(code);
    if (me.role !== "engineer") {
      main.replaceChildren(h("h1", {}, words.notEngineer), h("p", {}, words.notEngineerWhy));
      return;
    }
    ({ cameras } = await get("/api/camera"));
  } catch (error) {
    if (error.status === 401) return toSignIn("", code);
    main.replaceChildren(h("h1", {}, words.heading), refusal(error), button(words.again, () => begin(code)));
    return undefined;
  }
  strip.replaceChildren();
  if (!cameras.length) {
    main.replaceChildren(h("h1", {}, words.noCameras), h("p", {}, words.noCamerasWhy));
    return;
  }
  show();
}

function frame(me) {
  top.replaceChildren(
    h("p", { class: "site" }, h("strong", {}, me.site), " ", h("span", { class: "faint" }, words.signedIn(me.name))),
    h("p", { class: "who" }, button(words.signOut, signOut, "quiet")),
  );
}

async function signOut() {
  await stop("");
  try {
    await endSession();
    toSignIn(words.left);
  } catch (error) {
    strip.replaceChildren(refusal(error));
  }
}

/** An invitation was opened over somebody's page: what this phone sends goes on until they say otherwise. */
async function invited(code) {
  if (await swap(who)) toSignIn("", code);
}

// ---- the page -------------------------------------------------------------------------------------------------

function show() {
  const view = h("video", { autoplay: true, muted: true, playsinline: true, "aria-label": words.view, hidden: true });
  view.muted = true; // the attribute alone does not count where an element is made by script
  const empty = h("p", { class: "empty" }, words.viewOff);
  const camera = select("camera", words.camera, cameras.map((each) => [each.name, each.name]));
  const lens = select("lens", words.lens, []);
  lens.field.hidden = true;
  const state = h("div", { class: "state" });
  const figures = h("div", { class: "figures" });
  const go = button(words.start, () => (stream ? stop(words.stopped) : start()), "main go");
  page = { view, empty, camera, lens, state, figures, go };
  lens.input.addEventListener("change", turn);
  main.replaceChildren(
    h("h1", { tabindex: "-1" }, words.heading),
    h(
      "div",
      { class: "stage" },
      h("div", { class: "view" }, view, empty),
      h("div", { class: "hand" }, state, figures, camera.field, lens.field, go, h("p", { class: "promise" }, words.promise)),
    ),
  );
  lensesKnown();
}

function select(name, label, options) {
  const input = h("select", { id: name, name }, ...options.map(([key, text]) => h("option", { value: key }, text)));
  return { input, field: h("div", { class: "field select" }, h("label", { for: name }, label), input) };
}

/** The lenses by name, with the one in use chosen. Hidden where there is no choice. */
async function lensesKnown() {
  const known = await lenses(words.lensNumber);
  if (!page) return;
  const used = stream?.getVideoTracks()[0]?.getSettings().deviceId ?? "";
  page.lens.input.replaceChildren(...known.map(([key, text]) => h("option", { value: key, selected: key === used }, text)));
  page.lens.field.hidden = known.length < 2;
}

const wanted = () => cameras.find((each) => each.name === page.camera.input.value);

// ---- starting and stopping ------------------------------------------------------------------------------------

async function start() {
  page.go.disabled = true;
  told("info", words.opening);
  try {
    await see(page.lens.field.hidden ? "" : page.lens.input.value);
  } catch (error) {
    if (!(error instanceof NoPicture)) throw error;
    const [head, more] = words.fault[error.fault];
    told("bad", head, more);
    return;
  } finally {
    if (page) page.go.disabled = false;
  }
  if (!page) return; // signed out meanwhile
  sleep = awake();
  page.camera.field.hidden = true;
  say(page.go, words.stop);
  page.go.classList.replace("main", "danger");
  sending = new Sending(page.camera.input.value, stream, heard);
}

/** Open a lens and show what it sees. */
async function see(device) {
  end(stream);
  stream = await openLens(device, wanted());
  const [track] = stream.getVideoTracks();
  track.addEventListener("ended", () => stop(...words.fault.ended));
  track.addEventListener("mute", () => told("warn", words.muted, words.mutedMore));
  page.view.srcObject = stream;
  page.view.hidden = false;
  page.empty.hidden = true;
  // A mirror for whoever looks at the own picture: only a lens on the back shows things as they stand.
  page.view.classList.toggle("mirror", track.getSettings().facingMode === "user");
  await lensesKnown();
}

async function turn() {
  if (!stream) return;
  try {
    await see(page.lens.input.value);
    await sending?.turn(stream);
  } catch (error) {
    if (!(error instanceof NoPicture)) throw error;
    await stop(...words.fault[error.fault]);
  }
}

function end(some) {
  for (const track of some?.getTracks() ?? []) track.stop();
}

async function stop(head, more = "") {
  const before = sending;
  sending = null;
  end(stream);
  stream = null;
  sleep();
  sleep = () => {};
  if (page) {
    page.view.srcObject = null;
    page.view.hidden = true;
    page.empty.hidden = false;
    page.camera.field.hidden = false;
    page.figures.replaceChildren();
    say(page.go, words.start);
    page.go.classList.replace("danger", "main");
    if (head) told(more ? "bad" : "info", head, more);
  }
  await before?.stop();
}

// ---- how it stands --------------------------------------------------------------------------------------------

const STATES = {
  connecting: () => ["info", words.connecting],
  sending: ({ seen }) => ["good", words.sending(seen.name)],
  waiting: ({ why }) => ["warn", words.waiting, `${words.why[why] ?? words.why[""]} ${words.waitingMore}`],
  taken: ({ who }) => ["warn", words.taken(who), words.takenMore],
  lost: ({ seconds }) => ["bad", words.lost(seconds), words.lostMore],
  failed: ({ seconds }) => ["bad", words.failed(seconds), words.failedMore],
};

function heard(news) {
  if (!page || !sending) return;
  const [track] = stream?.getVideoTracks() ?? [];
  if (track?.muted) told("warn", words.muted, words.mutedMore);
  else told(...STATES[news.state](news));
  page.figures.replaceChildren(...(news.state === "sending" ? [measured(news)] : []));
}

function measured({ seen, stats }) {
  const { arriving } = seen;
  return facts([
    [words.arrives, arriving ? words.size(arriving.width, arriving.height, arriving.fps) : words.nothingYet],
    [words.lag, seen.lag === null ? words.none : words.seconds(seen.lag)],
    [words.round, stats.round === null ? words.none : words.milliseconds(stats.round)],
    seen.dropped ? [words.dropped, words.count(seen.dropped)] : null,
    words.limits[stats.limited] ? [words.limited, words.limits[stats.limited]] : null,
  ]);
}

/** The state in words, said aloud only where it has changed. */
function told(kind, head, more = "") {
  const key = [kind, head, more].join("|");
  if (page.state.dataset.told === key) return;
  page.state.dataset.told = key;
  page.state.replaceChildren(notice(kind, h("p", {}, h("strong", {}, head)), more && h("p", {}, more)));
  say(polite, `${head}. ${more}`);
}

onEnded(() => page && toSignIn(words.ended));
addEventListener("pagehide", () => sending?.close());

addEventListener("hashchange", () => {
  const code = takeCode();
  if (code) (who ? invited : begin)(code);
});
begin(takeCode());
