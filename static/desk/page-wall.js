// The wall: what stands now on one screen, read from four metres, kept live, and worked with the keyboard alone.

import { acts } from "./acts.js";
import { get, look as peek } from "./api.js";
import { calm, forget } from "./calm.js";
import { dayCharts } from "./charts.js";
import { close, open as connect } from "./feed.js";
import { offer, sheet, step } from "./keys.js";
import { badge, button, cameraBadge, h, link, notice, paint, refusal, say, stageBadge, table } from "./parts.js";
import { need, Queue, standing } from "./queue.js";
import { byOfficer, officers as officersOf, reach, standing as phoneStanding } from "./reach.js";
import { SiteMap } from "./site-map.js";
import { words } from "./words.js";

const EVERY = 2000; // ms between looks at what stands and at the phones
const DAY_EVERY = 30_000; // ms between looks at the day's figures: the audit is told of faces as often
const SHOWN = 6; // alerts on the wall; the rest stand on the alerts' page
const SHAPES = { waiting: "warning", escalated: "warning", claimed: "person", reviewed: "person", viable: "yes", not_viable: "no", insufficient: "unsure", expired: "off", engaged: "person", outcome: "flag" };
const PHONE_SHAPES = { ready: "live", silent: "warning", aside: "person", gone: "off" };
const PHONE_KINDS = { ready: "good", silent: "bad", aside: "faint", gone: "faint" };

const text = words.wall;

export async function show(place, desk) {
  const seesAlerts = desk.is("operator");
  const seesNumber = desk.is("operator", "authorising", "auditor"); // how many alerts are open
  const acting = desk.is("operator", "authorising");
  const seesPhones = desk.is("operator", "authorising", "engineer");
  const seesDay = desk.is("operator", "authorising", "auditor");
  const queue = new Queue();
  const map = new SiteMap();
  let state = await get("/api/desk/overview");
  let phones = [];
  let asleep = []; // why wake-ups do not reach phones that sleep, in lines
  let left = false; // the page has been left: nothing is asked for any more
  let away = 0; // since when the server has not answered, this machine's clock
  let latest = null; // number of the newest event; null for roles that see none
  let caught = false; // the backlog is on the wall: what comes now is new
  let soon = 0;
  const timers = new Set();
  desk.heard(state.now);

  const part = (name, ...content) => h("section", { class: `w-${name}`, "aria-labelledby": `w-${name}` }, ...content);
  const title = (name, label) => h("h2", { id: `w-${name}` }, label);
  const [strip, feedStrip, head, alerts, officers, cameras, day, pictures] = Array.from({ length: 8 }, () => h("div", {}));
  const alertsTitle = title("alerts", text.queue(0));
  const dayTitle = title("day", text.day.heading(""));
  const clock = h("p", { class: "clock", "aria-label": text.clock });
  const controls = h("div", {});
  const fill = document.fullscreenEnabled ? button(text.fill, full, "quiet", { "data-key": "fill" }) : null;
  place.append(
    h(
      "div",
      { class: "w-head" },
      h("h1", { tabindex: "-1", class: "unseen" }, text.heading),
      head,
      clock,
      h("div", { class: "actions small" }, acting && h("details", { class: "controls" }, h("summary", { class: "button", "data-key": "controls" }, text.controls), controls), fill, button(text.keys, sheet, "quiet")),
    ),
    h("div", { class: "overlaid" }, feedStrip, strip),
    h(
      "div",
      { class: "w-grid" },
      seesNumber && part("alerts", alertsTitle, alerts),
      h("div", { class: "w-middle" }, part("map", title("map", text.map), map.place), h("div", { class: "w-pictures", role: "region", "aria-label": text.pictures }, pictures)),
      h("div", { class: "w-side" }, seesPhones && part("officers", title("officers", text.officers), officers), part("cameras", title("cameras", words.overview.cameras), cameras)),
    ),
    seesDay ? part("day", dayTitle, day) : "",
  );

  // ---- what is asked, again and again ----------------------------------------------------------------------

  function again(ms, ask) {
    const turn = async () => {
      timers.delete(timer);
      if (!document.hidden) await ask();
      if (!left) again(ms, ask);
    };
    const timer = setTimeout(turn, ms);
    timers.add(timer);
  }

  async function asked(path, take) {
    try {
      const answer = await peek(path);
      if (left) return;
      away = 0;
      strip.replaceChildren();
      take(answer);
    } catch (error) {
      if (left) return;
      away ||= Date.now() / 1000;
      strip.replaceChildren("status" in error ? refusal(error) : notice("bad", h("p", {}, words.overview.stale(Date.now() / 1000 - away, state.now))));
    }
  }

  const look = () =>
    asked("/api/desk/overview", (answer) => {
      state = answer;
      desk.heard(answer.now);
      calm("wall", repaint);
    });
  const askPhones = () =>
    asked("/api/desk/phones", (answer) => {
      phones = answer.phones;
      asleep = answer.wake_ups;
      latest = answer.latest;
      calm("wall", repaint);
    });
  const askDay = () => asked("/api/desk/day", (answer) => calm("day", () => repaintDay(answer)));
  /** What an event has changed is asked for at once, and once for several. */
  function atOnce() {
    clearTimeout(soon);
    soon = setTimeout(() => {
      if (left) return;
      if (seesPhones) askPhones();
      if (seesDay) askDay();
    }, 300);
  }

  // ---- what is shown ---------------------------------------------------------------------------------------

  function repaint() {
    const { deployment } = state;
    const on = isProtected(state);
    paint(head, JSON.stringify([deployment?.id, deployment?.stage, deployment?.reason, on, state.degraded, state.officers.length]), () => [
      h("p", { class: "w-standing" }, deployment ? stageBadge(deployment.stage) : badge("stage-closed", "closed", words.overview.nothingOpen), badge(on ? "good" : "bad", on ? "yes" : "warning", on ? text.protected : `${text.unprotected}: ${text.whyNot(state)}`)),
      deployment && h("p", {}, h("strong", {}, deployment.name), deployment.plan.place ? ` · ${deployment.plan.place} ` : " ", h("span", { class: "w-left" })),
      state.degraded && h("p", { class: "soon" }, `${words.overview.degraded} ${state.degraded}`),
    ].filter(Boolean));
    paint(controls, JSON.stringify([deployment?.id, deployment?.stage, deployment?.plan]), () => {
      const made = deployment ? acts(deployment, desk, look) : [];
      return made.length ? made : [h("p", { class: "faint" }, text.noControls)];
    });
    repaintAlerts();
    paint(officers, JSON.stringify([phones.map((phone) => ({ ...phone, heard: phoneStanding(phone) === "ready" || phone.heard === null ? null : Math.floor(phone.heard), seconds: 0 })), latest, queue.alerts.size, asleep]), () => [...asleep.map((line) => h("p", {}, badge("bad", "warning", line))), phoneList()]);
    repaintCameras();
    map.show(state.site.cameras, new Map(state.cameras.map((camera) => [camera.name, camera])), waitingBy());
    tick();
  }

  function repaintAlerts() {
    if (!seesAlerts) {
      const n = state.alerts_open ?? 0; // none while no deployment is open
      paint(alerts, String(n), () => [h("p", {}, n ? text.onlyNumber(n) : text.queueEmpty)]);
      return;
    }
    const { open } = queue.sorted();
    say(alertsTitle, text.queue(open.filter((alert) => need(alert) === 0).length));
    const entry = (alert) => {
      const of = reach(alert.id, queue.seqs.get(alert.id) ?? 0, phones);
      return { alert, reached: of.reached.length, all: of.reached.length + of.missing.length, missed: byOfficer(of).missing.map(text.missed) };
    };
    const list = open.slice(0, SHOWN).map(entry);
    const key = JSON.stringify(list);
    paint(alerts, key + open.length, () => [
      list.length ? h("ol", { class: "queue" }, ...list.map(item)) : h("p", { class: "faint" }, text.queueEmpty),
      open.length > SHOWN && h("p", {}, link("alerts", text.more(open.length - SHOWN), { "data-key": "more" })),
    ].filter(Boolean));
  }

  function item({ alert, reached, all, missed }) {
    const stands = standing(alert);
    return h(
      "li",
      { class: need(alert) === 0 ? "urgent" : "" },
      h(
        "a",
        { href: `#alerts/${alert.id}`, class: "entry", "data-key": alert.id, "data-step": true, "aria-label": text.openAlert(alert) },
        h("span", { class: "entry-head" }, h("strong", {}, alert.nominal), h("span", {}, words.alerts.at(alert.last_camera || alert.camera, alert.category))),
        h("span", { class: "entry-head" }, badge(`alert-${stands}`, SHAPES[stands], words.alerts.standing(stands, alert)), h("span", { class: "age", "data-at": alert.created_at, "data-said": need(alert) === 0 ? "waited" : "age" })),
        h("span", { class: "entry-head reached" }, h("span", {}, text.reachedOf(reached, all)), need(alert) < 2 && h("span", { class: "until", "data-until": alert.expires_at })),
        missed.length > 0 && badge("bad", "warning", `${text.missing}: ${missed.join(", ")}`),
        alert.blue && badge("blue", "flag", words.alerts.blue),
      ),
    );
  }

  /** How many alerts ask for somebody, by the camera where they were seen last. */
  function waitingBy() {
    const found = new Map();
    for (const alert of queue.sorted().open) {
      if (need(alert) > 1) continue;
      const at = alert.last_camera || alert.camera;
      found.set(at, (found.get(at) ?? 0) + 1);
    }
    return found;
  }

  /** An officer is one row, whatever number of phones they have signed in with. */
  function phoneList() {
    if (!phones.length) return h("p", { class: "faint" }, text.noPhones);
    const badgeOf = (stands) => badge(PHONE_KINDS[stands], PHONE_SHAPES[stands], text.phone[stands]);
    return h(
      "ul",
      { class: "phones" },
      ...officersOf(phones).map(({ officer, stands, phones: theirs }) => {
        if (theirs.length === 1) return h("li", {}, h("strong", {}, officer), badgeOf(stands), told(theirs[0]));
        const each = theirs.map((phone) => h("li", {}, h("span", {}, text.since(phone.since)), badgeOf(phoneStanding(phone)), told(phone)));
        return h("li", {}, h("strong", {}, officer), h("span", { class: "faint" }, text.several(theirs.length)), badgeOf(stands), h("ul", {}, ...each));
      }),
    );
  }

  /** What else there is to say of a phone. */
  function told(phone) {
    const stands = phoneStanding(phone);
    const asked = queue.sorted().open.filter((alert) => need(alert) < 2);
    const has = asked.filter((alert) => phone.receipted >= queue.seqs.get(alert.id)).length;
    const behind = !seesAlerts && latest !== null && phone.connected && phone.receipted < latest ? latest - phone.receipted : 0;
    const more = [phone.on_post && has < asked.length && text.onScreen(has, asked.length), stands !== "ready" && text.heard(phone.heard), behind > 0 && text.behind(behind), stands !== "ready" && phone.wakes && text.wakes].filter(Boolean).join(", ");
    return more && h("span", { class: "faint" }, more);
  }

  function repaintCameras() {
    const rows = state.cameras.map((camera) => ({ ...camera, pace: state.paces[camera.name] ?? null, open: looks.has(camera.name) }));
    paint(cameras, JSON.stringify(rows), () => [
      table(
        words.overview.cameras,
        [words.overview.camera, words.overview.state, text.lag, text.pace, ...(seesAlerts ? [text.picture] : [])],
        rows.map((camera) => [
          camera.name,
          h("div", {}, cameraBadge(camera.state), camera.problem && h("p", { class: "faint" }, camera.problem)),
          camera.lag === null ? words.none : words.lag(camera.lag),
          camera.pace === null ? words.none : words.number(Math.round(camera.pace)),
          ...(seesAlerts ? [button(camera.open ? text.closeLook : text.look, () => toggle(camera.name), "", { "data-key": `look ${camera.name}`, "aria-pressed": camera.open ? "true" : "false", "aria-label": camera.open ? text.stopLooking(camera.name) : text.lookAt(camera.name) })] : []),
        ]),
        { empty: words.overview.noCameras, numbers: [2, 3], kind: "cards" },
      ),
    ]);
  }

  function repaintDay({ figures, name }) {
    if (left) return;
    say(dayTitle, text.day.heading(name));
    const open = day.querySelector("details")?.open;
    paint(day, JSON.stringify(figures), () => (figures && figures.quarters.length ? dayCharts(figures) : [h("p", { class: "faint" }, text.day.none)]));
    if (open) day.querySelector("details").open = true;
  }

  // ---- live pictures, on demand ------------------------------------------------------------------------------

  const looks = new Map(); // by camera: its picture's element
  async function toggle(camera) {
    const shown = looks.get(camera);
    if (shown) {
      looks.delete(camera);
      shown.remove();
    } else {
      try {
        await import("../preview.js"); // only now: nobody loads it who does not look
        if (left) return;
        const preview = document.createElement("camera-preview");
        preview.setAttribute("camera", camera);
        const boxes = button(text.boxes, () => boxes.setAttribute("aria-pressed", String(preview.toggleAttribute("boxes"))), "", { "aria-pressed": "false" });
        const framed = h("figure", { class: "look" }, preview, h("figcaption", { class: "actions small" }, h("strong", {}, camera), boxes, button(text.closeLook, () => toggle(camera), "", { "aria-label": text.stopLooking(camera) })));
        looks.set(camera, framed);
        pictures.append(framed);
      } catch {
        pictures.append(notice("info", h("p", {}, text.noLook)));
      }
    }
    repaintCameras();
  }

  // ---- time, keys, the screen --------------------------------------------------------------------------------

  function tick() {
    const now = desk.now();
    say(clock, new Date(now * 1000).toLocaleTimeString("en-GB"));
    for (const each of place.querySelectorAll("[data-at]")) say(each, text[each.dataset.said](now - Number(each.dataset.at)));
    for (const each of place.querySelectorAll("[data-until]")) say(each, text.expires(Number(each.dataset.until) - now));
    const until = state.deployment?.plan.ends_at;
    const over = place.querySelector(".w-left");
    if (over && until) {
      say(over, `· ${text.left(until - now)}`);
      over.classList.toggle("soon", until - now < 900);
    }
  }

  let lock = null; // keeps the screen from going dark
  async function awake() {
    try {
      lock = document.visibilityState === "visible" ? await navigator.wakeLock?.request("screen") : lock;
    } catch {
      lock = null; // without HTTPS there is none
    }
  }

  function full() {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen();
  }
  const filled = () => fill && say(fill, document.fullscreenElement ? text.unfill : text.fill);
  document.addEventListener("fullscreenchange", filled);
  document.addEventListener("visibilitychange", awake);
  awake();

  offer([
    ...(seesAlerts
      ? [
          { key: "j", says: words.keys.next, run: () => step(alerts, "[data-step]", 1) },
          { key: "k", says: words.keys.previous, run: () => step(alerts, "[data-step]", -1) },
        ]
      : []),
    ...(fill ? [{ key: "f", says: words.keys.full, run: full }] : []),
    ...(acting ? [{ key: "c", says: text.controls, run: () => toControls(place) }] : []),
  ]);

  if (seesAlerts) {
    connect({
      welcome(welcome, anew) {
        desk.heard(welcome.now);
        if (anew) queue.clear();
      },
      state: () => look(), // somebody came or went, or a camera's state is another
      event(event) {
        const fresh = queue.apply(event);
        if (fresh && caught) desk.announce(text.fresh(event.alert, queue.sorted().open.filter((alert) => need(alert) === 0).length));
        calm("wall", repaint);
        atOnce();
      },
      caughtUp() {
        caught = true;
        calm("wall", repaint);
      },
      change(phase) {
        caught = false;
        const line = phase === "lost" ? words.alerts.lost : phase === "connecting" ? words.alerts.connecting : "";
        feedStrip.replaceChildren(...(line ? [notice(phase === "lost" ? "bad" : "info", h("p", {}, line))] : []));
      },
      ended: (why) => feedStrip.replaceChildren(notice("bad", h("p", {}, why === "replaced" ? words.alerts.replaced : words.alerts.revoked))),
    });
  }
  repaint();
  const ticking = setInterval(tick, 1000);
  map.load(state.site.plan).then(() => left || repaint());
  if (seesPhones) askPhones();
  if (seesDay) askDay();
  again(EVERY, look);
  if (seesPhones) again(EVERY, askPhones);
  if (seesDay) again(DAY_EVERY, askDay);

  return () => {
    left = true;
    forget();
    clearInterval(ticking);
    clearTimeout(soon);
    for (const timer of timers) clearTimeout(timer);
    document.removeEventListener("fullscreenchange", filled);
    document.removeEventListener("visibilitychange", awake);
    lock?.release();
    for (const shown of looks.values()) shown.remove(); // each ends its connection
    map.clear();
    if (seesAlerts) close();
  };
}

/** As phones are told it. */
const isProtected = (state) => state.deployment?.stage === "active" && state.officers.length > 0 && state.cameras.some((camera) => camera.state === "live");

function toControls(place) {
  const details = place.querySelector("details.controls");
  details.open = true;
  (details.querySelector("button") ?? details.querySelector("summary")).focus();
}
