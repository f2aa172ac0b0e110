// The deployment's record: the figures as they stand in the audit, the page that prints, and the files.

import { blob, get, openTab, save } from "./api.js";
import { button, facts, fill, h, heading, link, notice, refusal, section, stageBadge } from "./parts.js";
import { words } from "./words.js";

const text = words.record;

export async function show(place, desk, id) {
  const { deployments } = await get("/api/desk/deployments");
  const begun = deployments.filter((each) => each.started_at);
  const chosen = deployments.find((each) => each.id === id) ?? begun[0];
  place.append(heading(text.heading, chosen && stageBadge(chosen.stage)), h("p", { class: "faint" }, text.explain));
  if (!chosen) {
    place.append(notice("info", h("p", {}, text.none)));
    return;
  }
  const body = h("div", {});
  place.append(
    h("nav", { class: "chips", "aria-label": text.which }, ...begun.map((each) => link(`record/${each.id}`, each.name, { "aria-current": each.id === chosen.id ? "page" : null }))),
    section(text.files, files(chosen)),
    body,
  );
  await fill(body, async () => figures(await get(`/api/desk/deployments/${chosen.id}/record`)));
}

function files(deployment) {
  const problem = h("div", {});
  const at = `/api/desk/deployments/${deployment.id}`;
  const safely = (work) => async () => {
    problem.replaceChildren();
    try {
      await work();
    } catch (error) {
      problem.replaceChildren(refusal(error));
    }
  };
  const download = (kind, name) => safely(async () => save(await blob(`${at}/${kind}`), name));
  return h(
    "div",
    {},
    h(
      "div",
      { class: "actions" },
      button(text.page, safely(() => openTab(`${at}/record.html`)), "main"),
      button(text.notice, safely(() => openTab(`${at}/notice.html`))),
      button(text.csv, download("record.csv", `record-${deployment.id}.csv`)),
      button(text.json, download("record.json", `record-${deployment.id}.json`)),
    ),
    problem,
  );
}

/** The server gives rows of name and value: the desk computes no figure of its own. */
function figures({ groups }) {
  return groups.map((group) =>
    section(
      group.title,
      facts(group.rows.map((row) => [row.name, row.value])),
    ),
  );
}
