// The alerts of the box for the operator: who has which, and adjudication at the desk with both pictures.

import { AlertCase } from "./alert-case.js";
import { look as peek } from "./api.js";
import { calm, forget, Settled } from "./calm.js";
import { close, open as connect, send } from "./feed.js";
import { offer, step } from "./keys.js";
import { badge, h, heading, notice, paint } from "./parts.js";
import { need, offers, Queue, standing } from "./queue.js";
import { reach } from "./reach.js";
import { words } from "./words.js";

const text = words.alerts;
const EVERY = 2000; // ms between looks at the phones, while an alert is chosen
const SHAPES = { waiting: "warning", escalated: "warning", claimed: "person", reviewed: "person", viable: "yes", not_viable: "no", insufficient: "unsure", expired: "off", engaged: "person", outcome: "flag", closed: "closed" };

export async function show(place, desk, id) {
  const queue = new Queue();
  const settled = new Settled();
  let chosen = id ?? "";
  let opened = Boolean(id); // by its address: its heading takes the focus once it is there
  let caught = false; // the backlog is in the list: what comes now is new
  let phones = []; // the officers' phones, as last asked
  let left = false;
  const strip = h("div", { role: "status" });
  const open = h("ul", { class: "queue", "aria-label": text.open });
  const closed = h("ul", { class: "queue" });
  const older = h("details", { hidden: true }, h("summary", {}, ""), closed);
  const view = new AlertCase(desk, send);

  function choose(alert, event) {
    if (!settled.meant(event)) {
      desk.say(text.moved); // it moved under the pointer: which one was meant?
      return;
    }
    chosen = alert.id;
    history.replaceState(null, "", `#alerts/${alert.id}`);
    repaint();
    view.heading.focus();
    askPhones();
  }

  async function askPhones() {
    if (!chosen || document.hidden || left) return;
    try {
      ({ phones } = await peek("/api/desk/phones"));
      if (!left) calm("phones", showReach);
    } catch {
      // The connection's own line says that the server is away, and the next look shows what is.
    }
  }

  function showReach() {
    const seq = queue.seqs.get(chosen);
    view.reached(seq === undefined ? null : reach(chosen, seq, phones));
  }

  function item(alert) {
    const state = standing(alert);
    return h(
      "li",
      {},
      h(
        "button",
        { type: "button", class: `entry ${alert.id === chosen ? "chosen" : ""}`, "data-key": alert.id, "aria-current": alert.id === chosen ? "true" : null, "data-step": true, onclick: (event) => choose(alert, event) },
        h("span", { class: "entry-head" }, h("strong", {}, alert.nominal), h("span", { class: "age", "data-at": alert.created_at }, words.ago(desk.now() - alert.created_at))),
        h("span", { class: "faint" }, text.at(alert.last_camera || alert.camera, alert.category)),
        badge(`alert-${state}`, SHAPES[state], text.standing(state, alert)),
        need(alert) < 2 && h("span", { class: "faint until", "data-until": alert.expires_at }, words.wall.expires(alert.expires_at - desk.now())),
        alert.blue && badge("blue", "flag", text.blue),
      ),
    );
  }

  function repaint() {
    const { open: now, closed: then } = queue.sorted();
    settled.shows(now.map((alert) => alert.id), caught);
    // None is chosen by itself: each look at a picture is somebody's, and recorded.
    const key = (list) => JSON.stringify([chosen, list]);
    paint(open, key(now), () => (now.length ? now.map(item) : [h("li", { class: "faint" }, text.none)]));
    paint(closed, key(then), () => then.map(item));
    older.hidden = !then.length;
    older.firstChild.textContent = text.closed(then.length);
    const alert = queue.alerts.get(chosen);
    view.update(alert ?? null, alert ? offers(alert, desk.me.name) : []);
    showReach();
    if (alert && opened) {
      opened = false;
      view.heading.focus();
      askPhones();
    }
    document.title = words.title(text.title(now.filter((each) => ["waiting", "escalated"].includes(standing(each))).length), desk.me.site);
  }

  const news = (kind, line) => strip.replaceChildren(notice(kind, h("p", {}, line)));

  const tick = setInterval(() => {
    for (const age of place.querySelectorAll("[data-at]")) age.textContent = words.ago(desk.now() - Number(age.dataset.at));
    for (const until of place.querySelectorAll("[data-until]")) until.textContent = words.wall.expires(Number(until.dataset.until) - desk.now());
  }, 1000);
  const asking = setInterval(askPhones, EVERY);
  offer([
    { key: "j", says: words.keys.next, run: () => step(open, "[data-step]", 1) },
    { key: "k", says: words.keys.previous, run: () => step(open, "[data-step]", -1) },
    { key: "c", says: words.keys.acts, run: () => view.acts.querySelector("button")?.focus() },
    { key: "Escape", says: words.keys.back, run: () => back() },
  ]);
  /** To the wall where it was opened from there, else to the list. */
  function back() {
    if (desk.from() === "wall") desk.go("wall");
    else (open.querySelector("[aria-current]") ?? open.querySelector("[data-step]"))?.focus();
  }
  place.append(
    heading(text.heading),
    h("p", { class: "faint" }, text.explain),
    strip,
    h("div", { class: "split" }, h("section", { "aria-label": text.heading }, open, older), view.place),
  );
  repaint();
  connect({
    welcome(welcome, anew) {
      desk.heard(welcome.now);
      if (anew) queue.clear();
    },
    event(event) {
      const fresh = queue.apply(event);
      if (fresh && caught) desk.announce(words.wall.fresh(event.alert, queue.sorted().open.filter((alert) => need(alert) === 0).length));
      calm("alerts", repaint);
    },
    caughtUp() {
      caught = true;
      calm("alerts", repaint);
    },
    change(phase) {
      caught = false;
      if (phase === "open") strip.replaceChildren();
      else if (phase === "lost") news("bad", text.lost);
      else if (phase === "connecting") news("info", text.connecting);
    },
    ended: (why) => news("bad", why === "replaced" ? text.replaced : text.revoked),
  });
  return () => {
    left = true;
    forget();
    clearInterval(tick);
    clearInterval(asking);
    close();
    view.clear();
  };
}
