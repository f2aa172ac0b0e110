// What stands now: the open deployment, its officers and cameras, and what this role may do about it.

import { get, look as peek } from "./api.js";
import { acts } from "./acts.js";
import { calm, forget } from "./calm.js";
import { badge, cameraBadge, h, heading, link, notice, refusal, replace, section, stageBadge, table } from "./parts.js";
import { words } from "./words.js";

const EVERY = 2000; // ms between looks; a look is one small answer

const text = words.overview;

export async function show(place, desk) {
  let state = await get("/api/desk/overview");
  desk.heard(state.now);
  const strip = h("div", { class: "overlaid" });
  const [standing, controls, rest] = [0, 1, 2].map(() => h("div", {}));
  place.append(heading(text.heading), strip, standing, controls, rest);
  let painted = "";
  let timer = 0;
  let left = false; // the page has been left: nothing is asked for any more
  let away = 0; // since when the server has not answered, this machine's clock

  function paint() {
    const { deployment } = state;
    const [first, ...others] = deployment ? open(state, desk) : idle(state, desk);
    standing.replaceChildren(first);
    replace(rest, ...others); // the keyboard's focus stays where it is
    // The buttons stay as they are until what they offer changes: a finger may be on one.
    const key = JSON.stringify([deployment?.id, deployment?.stage, deployment?.plan]);
    if (key !== painted) {
      painted = key;
      controls.replaceChildren(...(deployment ? acts(deployment, desk, look) : []));
    }
  }

  async function look() {
    clearTimeout(timer);
    try {
      if (!document.hidden) {
        state = await peek("/api/desk/overview");
        desk.heard(state.now);
        away = 0;
        strip.replaceChildren();
        if (!left) calm("overview", paint);
      }
    } catch (error) {
      away ||= Date.now() / 1000;
      const since = Date.now() / 1000 - away;
      strip.replaceChildren("status" in error ? refusal(error) : notice("bad", h("p", {}, text.stale(since, state.now))));
    }
    if (!left) timer = setTimeout(look, EVERY);
  }

  const back = () => !document.hidden && look();
  document.addEventListener("visibilitychange", back);
  paint();
  timer = setTimeout(look, EVERY);
  return () => {
    left = true;
    forget();
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", back);
  };
}

function open(state, desk) {
  const { deployment, segment } = state;
  const { plan } = deployment;
  return [
    h(
      "section",
      { class: `standing stage-${deployment.stage}`, "aria-label": text.standing },
      h("p", { class: "large" }, stageBadge(deployment.stage), h("span", {}, words.stageMeans[deployment.stage])),
      h("p", {}, h("strong", {}, deployment.name), plan.place ? ` · ${plan.place}` : ""),
      deployment.reason && h("p", {}, words.why[deployment.reason] ?? deployment.reason),
      h("p", {}, timeLeft(plan, desk.now())),
    ),
    state.degraded && notice("warn", h("p", {}, h("strong", {}, text.degraded)), h("p", {}, state.degraded)),
    state.unreachable.length > 0 && notice("warn", h("p", {}, text.unreachable(state.unreachable))),
    h(
      "div",
      { class: "tiles" },
      tile(text.officers, state.officers.length, state.officers.join(", ") || text.nobody, state.officers.length ? "" : "warn"),
      tile(text.faces, state.faces_seen, text.facesWhy),
      state.alerts_open !== null && tile(text.alerts, state.alerts_open, desk.is("operator") ? link("alerts", text.toAlerts, { "data-key": "alerts", class: "alone" }) : text.alertsWhy, state.alerts_open ? "warn" : ""),
      segment && tile(text.n, segment.n, text.nWhy),
      segment && tile(text.threshold, segment.threshold.toFixed(3), text.thresholdWhy(segment.number, segment.pack)),
    ),
    segment && falseAlerts(state.false_alerts),
    section(text.cameras, cameras(state)),
    h("p", {}, link("wall", text.toWall, { "data-key": "wall", class: "alone" }), " · ", link(`deployments/${deployment.id}`, text.more, { "data-key": "more", class: "alone" })),
  ].filter(Boolean);
}

function idle(state, desk) {
  const next = state.coming;
  return [
    h("section", { class: "standing", "aria-label": text.standing }, h("p", { class: "large" }, badge("stage-closed", "closed", text.nothingOpen)), h("p", {}, text.nothingOpenWhy)),
    section(
      text.coming,
      table(
        text.coming,
        [words.deployment.name, words.deployment.stage, words.deployment.starts, words.deployment.ends],
        next.map((each) => [
          desk.is("engineer") ? each.name : link(`deployments/${each.id}`, each.name, { "data-key": each.id }),
          stageBadge(each.stage),
          words.moment(each.starts_at),
          words.moment(each.ends_at),
        ]),
        { empty: text.noneComing, kind: "cards" },
      ),
    ),
    section(text.cameras, cameras(state)),
  ];
}

const cameras = ({ cameras: list, paces }) =>
  table(
    text.cameras,
    [text.camera, text.state, text.lag, words.wall.pace, text.problem],
    list.map((camera) => [
      camera.name,
      cameraBadge(camera.state),
      camera.lag === null ? words.none : words.lag(camera.lag),
      typeof paces[camera.name] === "number" ? words.number(Math.round(paces[camera.name])) : words.none,
      camera.problem,
    ]),
    { empty: text.noCameras, numbers: [2, 3], kind: "cards" },
  );

const tile = (name, value, why, kind = "") =>
  h("div", { class: `tile ${kind}` }, h("p", { class: "name" }, name), h("p", { class: "value" }, words.number(value)), h("p", { class: "faint" }, why));

const falseAlerts = (rate) =>
  h("p", {}, h("strong", {}, rate ? text.falseAlerts(rate) : text.falseAlertsUnknown), " ", h("span", { class: "faint" }, text.falseAlertsWhy(rate)));

function timeLeft(plan, now) {
  if (!plan.ends_at) return text.noEnd;
  const left = plan.ends_at - now;
  const at = words.moment(plan.ends_at);
  return left > 0 ? h("span", { class: left < 900 ? "soon" : "" }, text.left(left, at)) : text.over(at);
}
