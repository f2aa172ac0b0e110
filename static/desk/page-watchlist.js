// A deployment's watchlist: what it holds in numbers, what waits for an approval, and who looks like whom.

import { blob, get, post } from "./api.js";
import { ask } from "./form.js";
import { badge, button, facts, fill, h, heading, link, notice, refusal, section, stageBadge, table } from "./parts.js";
import { words } from "./words.js";

const text = words.list;
const RUNNING = ["active", "paused", "suspended"]; // what the page opens on, else the newest
const FRESH = 24 * 3600; // seconds: an older build is refused at the start

export async function show(place, desk, id) {
  const { deployments } = await get("/api/desk/deployments");
  const held = deployments.filter((each) => !["closed", "destroyed"].includes(each.stage));
  const chosen = deployments.find((each) => each.id === id) ?? held.find((each) => RUNNING.includes(each.stage)) ?? held[0];
  const urls = []; // object URLs of pictures that were shown; let go of with the page
  place.append(heading(chosen ? text.of(chosen.name) : text.heading, chosen && stageBadge(chosen.stage)), chooser(held, chosen) ?? "");
  if (!chosen) {
    place.append(notice("info", h("p", {}, text.noDeployment)));
    return undefined;
  }
  const body = h("div", {});
  place.append(body);
  const again = () => fill(body, async () => build(await get(`/api/desk/deployments/${chosen.id}/watchlist`), desk, urls, again));
  await again();
  return () => urls.forEach((url) => URL.revokeObjectURL(url));
}

const chooser = (held, chosen) =>
  held.length > 1
    ? h(
        "nav",
        { "aria-label": text.which, class: "chips" },
        h("span", {}, `${text.which}:`),
        ...held.map((each) => link(`watchlist/${each.id}`, text.choice(each.name, words.stage[each.stage] ?? each.stage), { "aria-current": each.id === chosen.id ? "page" : null })),
      )
    : null;

function build(state, desk, urls, again) {
  const { summary } = state;
  desk.heard(state.now);
  if (!summary || (summary.importing !== null && !summary.built_at)) return [notice("info", h("p", {}, summary ? text.importing(summary.importing) : text.none), !summary && h("p", {}, text.noneHow))];
  return [
    age(summary, desk.now()),
    section(
      text.numbers,
      facts(
        [
          [text.listed, words.number(summary.listed)],
          [text.waiting, words.number(summary.waiting)],
          [text.refused, words.number(summary.refused)],
          [text.built, words.moment(summary.built_at)],
          [text.source, summary.source],
          [text.importedBy, summary.imported_by],
          [text.digest, h("code", {}, summary.digest)],
        ],
        "short",
      ),
    ),
    section(
      text.composition,
      table(text.composition, [text.category, text.entries], Object.entries(summary.composition).map(([name, n]) => [name, words.number(n)]), { numbers: [1], kind: "narrow" }),
    ),
    section(
      text.refusals,
      h("p", { class: "faint" }, text.refusalsWhy),
      table(text.refusals, [text.reason, text.code, text.entries], Object.entries(summary.reasons).map(([code, n]) => [text.reasons[code] ?? code, h("code", {}, code), words.number(n)]), {
        numbers: [2],
        empty: text.noneRefused,
        kind: "narrow cards",
      }),
    ),
    state.volunteers.length
      ? section(
          text.volunteers,
          h("p", { class: "faint" }, text.volunteersWhy),
          table(text.volunteers, [text.volunteer, text.reference], state.volunteers.map((each) => [words.number(each.number), each.reference]), { kind: "narrow" }),
        )
      : "",
    waiting(state, desk, urls, again),
    pairs(state, urls),
  ];
}

function age(summary, now) {
  const old = now - summary.built_at;
  if (summary.importing !== null) return notice("info", h("p", {}, text.importing(summary.importing)));
  return old > FRESH ? notice("bad", h("p", {}, text.old(old))) : notice("good", h("p", {}, text.fresh(old, FRESH - old)));
}

function waiting(state, desk, urls, again) {
  const list = state.waiting;
  return section(
    text.waitingHeading(state.summary.waiting),
    h("p", { class: "faint" }, desk.is("authorising") ? text.approveWhy : text.waitWhy),
    list.length
      ? h("ul", { class: "entries" }, ...list.map((entry) => h("li", {}, ...entryParts(entry, desk, urls, again))))
      : h("p", { class: "faint" }, text.noneWaiting),
    state.summary.waiting > list.length && h("p", { class: "faint" }, text.shown(list.length, state.summary.waiting)),
  );
}

function entryParts(entry, desk, urls, again) {
  return [
    h("div", { class: "entry-head" }, h("strong", {}, entry.reference), " ", h("span", {}, entry.category), entry.blue && badge("blue", "flag", text.blue)),
    facts(
      [
        [text.name, entry.facts.name],
        [text.lawful, entry.facts.lawful_basis],
        [text.imageSource, entry.facts.image_source],
        [text.imageDate, entry.facts.image_date],
        [text.rationale, entry.facts.rationale],
        [text.instruction, entry.facts.instruction],
      ],
      "short",
    ),
    h(
      "ul",
      { class: "needs" },
      ...entry.needs.map((need) => {
        const given = entry.approved[need];
        return h(
          "li",
          {},
          badge(given ? "good" : "warn", given ? "yes" : "flag", text.needs[need] ?? need),
          given
            ? h("span", { class: "faint" }, text.approvedBy(given))
            : desk.is("authorising") && button(text.approve, () => approve(entry, need, desk, again), "", { "aria-label": text.approveOf(text.needs[need] ?? need, entry.reference) }),
        );
      }),
    ),
    pictureButton(entry, urls),
  ];
}

async function approve(entry, need, desk, again) {
  const done = await ask({
    title: text.approveTitle(entry.reference),
    explain: [text.needs[need] ?? need, text.approveExplain],
    specs: [{ name: "reason", label: words.act.reason, kind: "area", required: true, more: { maxlength: "500" } }],
    submit: text.approve,
    send: (values) => post(`/api/desk/entries/${entry.id}/approve`, { need, reason: values.reason }),
  });
  if (!done) return;
  await again();
  desk.say(text.approvedNow(entry.reference));
}

const address = (entry) => `/api/desk/entries/${entry}/face.jpg`;

/** A picture is shown only when it is asked for: each view is a record in the audit. */
function pictureButton(entry, urls) {
  const place = h("div", { class: "ask-picture" });
  place.append(
    button(text.showPicture, async () => {
      try {
        place.replaceChildren(await image(address(entry.id), text.pictureOf(entry.reference), urls));
      } catch (error) {
        place.append(refusal(error));
      }
    }, "", { "aria-label": text.showPictureOf(entry.reference) }),
  );
  return place;
}

async function image(path, alt, urls) {
  const url = URL.createObjectURL(await blob(path));
  urls.push(url);
  return h("img", { src: url, alt });
}

function pairs(state, urls) {
  const shown = (pair, place) =>
    button(text.compare, async () => {
      try {
        const both = await Promise.all(
          [pair.first, pair.second].map(async (entry, at) =>
            h("figure", {}, await image(address(entry), text.pictureOf(pair.references[at]), urls), h("figcaption", {}, pair.references[at])),
          ),
        );
        place.replaceChildren(h("div", { class: "two" }, ...both));
      } catch (error) {
        place.replaceChildren(refusal(error));
      }
    }, "", { "aria-label": text.compareOf(...pair.references) });
  return section(
    text.pairs(state.pairs.length),
    h("p", { class: "faint" }, text.pairsWhy),
    state.pairs.length
      ? h(
          "ul",
          { class: "entries" },
          ...state.pairs.map((pair) => {
            const place = h("div", {});
            return h(
              "li",
              {},
              h("div", { class: "entry-head" }, h("strong", {}, text.and(...pair.references)), badge(pair.kind === "same_face" ? "bad" : "warn", "warning", text.kind[pair.kind] ?? pair.kind), h("span", { class: "faint" }, text.score(pair.score))),
              place,
              shown(pair, place),
            );
          }),
        )
      : h("p", { class: "faint" }, text.noPairs),
  );
}
