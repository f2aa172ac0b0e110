// One deployment: its plan, what it lacks, who authorised what, its segments, and what may be done with it.

import { get } from "./api.js";
import { acts } from "./acts.js";
import { button, facts, h, heading, lines, link, notice, section, stageBadge, table } from "./parts.js";
import { words } from "./words.js";

const text = words.deployment;
const PLANNED = ["draft", "authorised", "ready"]; // before the start
const OPEN = ["active", "paused", "suspended"];

export async function show(place, desk, id) {
  async function look() {
    const state = await get(`/api/desk/deployments/${id}`);
    desk.heard(state.now);
    place.replaceChildren(...build(state, desk, () => look()));
  }
  await look();
}

function build({ deployment, authorisations, zones_drawn_by: drawnBy, segments, missing, next, watchlist }, desk, again) {
  const { plan, id } = deployment;
  const editable = desk.is("operator") && PLANNED.includes(deployment.stage);
  return [
    heading(deployment.name, stageBadge(deployment.stage)),
    h("p", { class: "lead" }, words.stageMeans[deployment.stage], deployment.reason && ` ${words.why[deployment.reason] ?? deployment.reason}`),
    lacking(missing, next),
    editable &&
      h(
        "p",
        { class: "actions" },
        h("a", { href: `#deployments/${id}/plan`, class: `button ${missing.length ? "main" : ""}` }, text.edit),
        deployment.stage !== "draft" && h("span", { class: "why" }, text.editAgain),
      ),
    ...acts(deployment, desk, again),
    section(
      text.plan,
      facts([
        [text.place, plan.place],
        [text.purpose, plan.purpose],
        [text.useCase, plan.use_case],
        [text.starts, words.moment(plan.starts_at)],
        [text.ends, words.moment(plan.ends_at)],
        [text.necessity, plan.necessity],
        [text.proportionality, plan.proportionality],
        [text.categories, plan.categories.join(", ")],
        [text.aim, plan.threshold === null ? text.fpir(plan.fpir) : text.byHand(plan.threshold)],
        [text.secondReview, plan.second_review ? words.yes : words.no],
        [text.escalates, words.span(plan.escalate_seconds)],
        [text.expires, words.span(plan.expire_seconds)],
        [text.accepted, words.rate(plan.accepted_false_alerts)],
        [text.blueTpir, plan.blue_tpir ? words.percent(plan.blue_tpir) : text.noBlue],
        [text.draftedBy, `${deployment.drafted_by}, ${words.moment(deployment.drafted_at)}`],
        deployment.started_at && [text.startedBy, `${deployment.started_by}, ${words.moment(deployment.started_at)}`],
        deployment.closed_at && [text.closedAt, words.moment(deployment.closed_at)],
        deployment.destroyed_at && [text.destroyedAt, words.moment(deployment.destroyed_at)],
      ]),
    ),
    section(
      text.documents,
      table(
        text.documents,
        [text.document, text.version],
        Object.entries(words.document).map(([key, name]) => [name, plan.documents[key] ?? ""]),
        { kind: "narrow" },
      ),
    ),
    section(
      text.cameras,
      table(
        text.cameras,
        [text.camera, text.zone, text.eye],
        plan.cameras.map((camera) => [camera.name, zone(camera, deployment, desk), camera.eye_distance_pixels === null ? text.eyeOwn : words.pixels(camera.eye_distance_pixels)]),
        { empty: text.noCameras, kind: "cards" },
      ),
    ),
    section(
      text.watchlist,
      watchlist
        ? facts([
            [words.list.listed, words.number(watchlist.listed)],
            [words.list.waiting, words.number(watchlist.waiting)],
            [words.list.refused, words.number(watchlist.refused)],
            [words.list.built, words.moment(watchlist.built_at)],
          ], "short")
        : h("p", { class: "faint" }, words.list.none),
      desk.is("operator", "authorising") && h("p", {}, link(`watchlist/${id}`, text.toWatchlist, { class: "alone" })),
    ),
    section(
      text.authorisations,
      table(
        text.authorisations,
        [text.kind, text.who, text.at, text.why],
        authorisations.map((each) => [words.authorisation[each.kind] ?? each.kind, `${each.rank} ${each.name}`, words.moment(each.at), each.reason]),
        { empty: text.notAuthorised, kind: "cards" },
      ),
      drawnBy ? h("p", {}, text.zonesDrawn(drawnBy)) : null,
    ),
    section(
      text.segments,
      h("p", { class: "faint" }, text.segmentsWhy),
      table(
        text.segments,
        [text.segment, text.from, text.threshold, text.n, text.pack, text.authorisedBy, text.why],
        segments.map((each) => [each.number, words.moment(each.at), each.threshold.toFixed(3), words.number(each.n), each.pack, each.authorised_by, each.reason]),
        { empty: text.noSegments, numbers: [2, 3], kind: "cards" },
      ),
    ),
    h("p", { class: "links" }, watchlist?.composition["blue list"] ? link(`blue/${id}`, text.toBlue) : "", " ", link(`record/${id}`, text.toRecord), " ", button(words.print, () => print(), "quiet")),
  ].filter(Boolean);
}

function lacking(missing, next) {
  if (!next) return null;
  if (!missing.length) return notice("good", h("p", {}, text.complete(words.next[next])));
  return notice("warn", h("p", {}, h("strong", {}, text.lacks(words.next[next]))), lines(missing));
}

function zone(camera, deployment, desk) {
  const said = camera.zone.length ? text.corners(camera.zone.length) : text.noZone;
  const to = `deployments/${deployment.id}/zones/${encodeURIComponent(camera.name)}`;
  if (desk.is("operator") && PLANNED.includes(deployment.stage)) return h("span", {}, said, " — ", link(to, text.draw(camera.name)));
  if (desk.is("authorising") && OPEN.includes(deployment.stage)) return h("span", {}, said, " — ", link(to, text.amendZone(camera.name)));
  return said;
}
