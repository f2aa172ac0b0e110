// The audit: the newest records with filters, the check of the chain in words, checkpoints and the export.

import { blob, get, post, save } from "./api.js";
import { control } from "./form.js";
import { button, fill, h, heading, notice, refusal, section, table } from "./parts.js";
import { words } from "./words.js";

const text = words.audit;
const PAGE = 100; // records asked for at once

export async function show(place, desk) {
  const { deployments } = await get("/api/desk/deployments");
  const verdict = h("div", { role: "status" });
  const list = h("div", {});
  const points = h("div", {});
  const controls = [
    control({ name: "what", label: text.what, kind: "select", options: [["", text.all], ...Object.entries(text.kinds)] }),
    control({ name: "actor", label: text.who, more: { placeholder: text.whoWhy } }),
    control({ name: "deployment", label: text.deployment, kind: "select", options: [["", text.anyDeployment], ...deployments.map((each) => [each.id, each.name])] }),
    control({ name: "until", label: text.until, kind: "moment" }),
  ];

  const names = {}; // of officers, by id
  let records = [];
  async function load(before = "") {
    const asked = new URLSearchParams({ limit: String(PAGE), before: String(before) });
    for (const each of controls) if (each.read()) asked.set(each.name, each.read());
    const answer = await get(`/api/desk/audit?${asked}`);
    Object.assign(names, answer.names);
    records = before ? [...records, ...answer.records] : answer.records;
    return [
      h("p", { class: "faint" }, text.count(records.length)),
      table(text.records, [text.number, text.at, text.who, text.what, text.deployment, text.details], records.map((each) => row(each, names)), { empty: text.noRecords, when: [1], kind: "cards" }),
      answer.more && h("p", {}, button(text.older, () => fill(list, () => load(records.at(-1).seq)))),
    ];
  }

  async function verify() {
    verdict.replaceChildren(notice("info", h("p", {}, text.verifying)));
    await fill(verdict, async () => {
      const answer = await get("/api/desk/audit/verify");
      return answer.ok
        ? notice("good", h("p", {}, h("strong", {}, text.whole(answer.records))), h("p", {}, text.signed(answer.checkpoints, answer.last_checkpoint)))
        : notice("bad", h("p", {}, h("strong", {}, text.broken)), h("p", {}, answer.problem));
    });
  }

  async function download() {
    try {
      save(await blob("/api/desk/audit/export"), `audit-${new Date(desk.now() * 1000).toISOString().slice(0, 10)}.jsonl`);
      verdict.replaceChildren(notice("good", h("p", {}, text.exported)));
    } catch (error) {
      verdict.replaceChildren(refusal(error));
    }
  }

  async function checkpoint() {
    try {
      await post("/api/desk/audit/checkpoint");
      await showPoints();
    } catch (error) {
      verdict.replaceChildren(refusal(error));
    }
  }

  const showPoints = () =>
    fill(points, async () => {
      const { checkpoints } = await get("/api/desk/audit/checkpoints");
      return table(text.checkpoints, [text.number, text.at, text.key], checkpoints.map((each) => [each.seq, words.moment(each.at, true), h("code", {}, each.public_key)]), { empty: text.noCheckpoints, when: [1], kind: "cards" });
    });

  place.append(
    heading(text.heading),
    h("p", { class: "faint" }, text.explain),
    h("div", { class: "actions" }, button(text.verify, verify, "main"), button(text.export, download), button(words.print, () => print(), "quiet")),
    verdict,
    section(
      text.records,
      h(
        "form",
        { class: "filters", onsubmit: (event) => (event.preventDefault(), fill(list, () => load())) },
        ...controls.map((each) => each.element),
        h("div", { class: "actions" }, h("button", { type: "submit" }, text.filter)),
      ),
      list,
    ),
    section(text.checkpoints, h("p", { class: "faint" }, text.checkpointsWhy), points, h("p", {}, button(text.checkpoint, checkpoint))),
  );
  await Promise.all([fill(list, () => load()), showPoints()]);
}

const row = (record, names) => [
  record.seq,
  words.moment(record.at, true),
  record.actor,
  text.kinds[record.what] ?? record.what,
  record.deployment_name || record.deployment,
  details(record.body, names),
];

/** The body's values in one line; what is long opens. */
function details(body, names) {
  const parts = Object.entries(body).filter(([key]) => key !== "what" && key !== "deployment");
  if (!parts.length) return "";
  const plain = (value) => (typeof value === "object" ? JSON.stringify(value) : typeof value === "number" ? Math.round(value * 1000) / 1000 : (names[value] ?? value));
  const short = parts.map(([key, value]) => `${key.replaceAll("_", " ")}: ${plain(value)}`).join("; ");
  if (short.length < 140) return short;
  return h("details", {}, h("summary", {}, `${short.slice(0, 90)}…`), h("pre", {}, JSON.stringify(body, null, 2)));
}
