// The alerts of the box for the operator: who has which, and adjudication at the desk with both pictures.

import { AlertCase } from "./alert-case.js";
import { close, open as connect, send } from "./feed.js";
import { badge, h, heading, notice, paint } from "./parts.js";
import { offers, Queue, standing } from "./queue.js";
import { words } from "./words.js";

const text = words.alerts;
const SHAPES = { waiting: "warning", escalated: "warning", claimed: "person", reviewed: "person", viable: "yes", not_viable: "no", insufficient: "unsure", expired: "off", engaged: "person", outcome: "flag", closed: "closed" };

export async function show(place, desk, id) {
  const queue = new Queue();
  let chosen = id ?? "";
  const strip = h("div", { role: "status" });
  const open = h("ul", { class: "queue", "aria-label": text.open });
  const closed = h("ul", { class: "queue" });
  const older = h("details", { hidden: true }, h("summary", {}, ""), closed);
  const view = new AlertCase(desk, send);

  function choose(alert) {
    chosen = alert.id;
    history.replaceState(null, "", `#alerts/${alert.id}`);
    repaint();
    view.heading.focus();
  }

  function item(alert) {
    const state = standing(alert);
    return h(
      "li",
      {},
      h(
        "button",
        { type: "button", class: `entry ${alert.id === chosen ? "chosen" : ""}`, "data-key": alert.id, "aria-current": alert.id === chosen ? "true" : null, onclick: () => choose(alert) },
        h("span", { class: "entry-head" }, h("strong", {}, alert.nominal), h("span", { class: "age", "data-at": alert.created_at }, words.ago(desk.now() - alert.created_at))),
        h("span", { class: "faint" }, text.at(alert.last_camera || alert.camera, alert.category)),
        badge(`alert-${state}`, SHAPES[state], text.standing(state, alert)),
        alert.blue && badge("blue", "flag", text.blue),
      ),
    );
  }

  function repaint() {
    const { open: now, closed: then } = queue.sorted();
    // None is chosen by itself: each look at a picture is somebody's, and recorded.
    const key = (list) => JSON.stringify([chosen, list]);
    paint(open, key(now), () => (now.length ? now.map(item) : [h("li", { class: "faint" }, text.none)]));
    paint(closed, key(then), () => then.map(item));
    older.hidden = !then.length;
    older.firstChild.textContent = text.closed(then.length);
    const alert = queue.alerts.get(chosen);
    view.update(alert ?? null, alert ? offers(alert, desk.me.name) : []);
    document.title = words.title(text.title(now.filter((each) => ["waiting", "escalated"].includes(standing(each))).length), desk.me.site);
  }

  const news = (kind, line) => strip.replaceChildren(notice(kind, h("p", {}, line)));

  const tick = setInterval(() => {
    for (const age of place.querySelectorAll("[data-at]")) age.textContent = words.ago(desk.now() - Number(age.dataset.at));
  }, 1000);
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
      queue.apply(event);
      repaint();
    },
    caughtUp: repaint,
    change(phase) {
      if (phase === "open") strip.replaceChildren();
      else if (phase === "lost") news("bad", text.lost);
      else if (phase === "connecting") news("info", text.connecting);
    },
    ended: (why) => news("bad", why === "replaced" ? text.replaced : text.revoked),
  });
  return () => {
    clearInterval(tick);
    close();
    view.clear();
  };
}
