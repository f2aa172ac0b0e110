// What may be done with a deployment, by role and stage: each a button, a question, and the server's answer.

import { post, save } from "./api.js";
import { ask, tell } from "./form.js";
import { button, h, notice, section } from "./parts.js";
import { words } from "./words.js";

const text = words.act;

/** Each act: who may do it, in which stages, what is asked, and whether the deployment waits for it. The server
 * checks all of it again. */
const ACTS = {
  authorise: { role: "authorising", stages: "draft", specs: authorising, statement: true, next: true },
  ready: { role: "operator", stages: "authorised", specs: () => [], next: true },
  start: { role: "operator", stages: "ready", specs: () => [], next: true },
  reauthorise: { role: "authorising", stages: "suspended", specs: authorising, statement: true, next: true },
  extend: {
    role: "authorising",
    stages: "active paused suspended",
    statement: true,
    specs: (deployment, me) => [
      { name: "ends_at", label: text.newEnd, kind: "moment", value: deployment.plan.ends_at, required: true },
      ...authorising(deployment, me),
    ],
  },
  amend: { role: "authorising", stages: "active paused suspended", statement: true, specs: amending },
  passages: {
    role: "operator",
    stages: "active",
    when: (deployment) => deployment.plan.blue_tpir > 0,
    specs: () => [
      { name: "found", label: text.found, kind: "check" },
      { name: "passage", label: text.correct, why: text.correctWhy, more: { maxlength: "32", autocapitalize: "off", spellcheck: "false" } },
    ],
  },
  suspend: { role: "operator authorising", stages: "active paused", specs: reasoned, danger: true },
  close: { role: "operator authorising", stages: "draft authorised ready active paused suspended", specs: () => [], danger: true },
  revoke: {
    role: "authorising operator",
    stages: "draft authorised ready active paused suspended closed",
    danger: true,
    specs: (deployment) => [
      ...reasoned(),
      { name: "confirm", label: text.typeName(deployment.name), why: text.typeNameWhy, required: true, more: { autocapitalize: "off", spellcheck: "false" } },
    ],
  },
};

/** The rank that an authorisation names: the account's, where it has one. */
export function rank(me) {
  const given = me.rank ? { readonly: "" } : { maxlength: "60" };
  return { name: "rank", label: text.rank, why: me.rank ? text.rankWhy : null, value: me.rank, required: true, more: given };
}

function authorising(_deployment, me) {
  return [
    rank(me),
    { name: "reason", label: text.reason, kind: "area", required: true, more: { maxlength: "2000" } },
  ];
}

function reasoned() {
  return [{ name: "reason", label: text.reason, kind: "area", required: true, more: { maxlength: "500" } }];
}

function amending(deployment, me) {
  return [
    { name: "fpir", label: text.fpir, kind: "number", why: text.fpirWhy, more: { min: "0", max: "0.5", step: "any" } },
    { name: "threshold", label: text.threshold, kind: "number", why: text.thresholdWhy, more: { min: "-1", max: "1", step: "any" } },
    ...deployment.plan.cameras.map((camera) => ({
      name: `eye:${camera.name}`,
      label: text.eye(camera.name),
      kind: "number",
      value: camera.eye_distance_pixels,
      more: { min: "0", max: "500", step: "any" },
    })),
    ...authorising(deployment, me),
  ];
}

/** Buttons for what this person may do now. `done` is called after each that was carried out. */
export function acts(deployment, desk, done) {
  const offered = Object.entries(ACTS).filter(
    ([, act]) =>
      act.role.split(" ").includes(desk.me.role) &&
      act.stages.split(" ").includes(deployment.stage) &&
      (act.when === undefined || act.when(deployment)),
  );
  if (!offered.length) return [];
  const make = ([name, act]) =>
    button(text[name].button, () => run(name, act, deployment, desk, done), act.danger ? "danger" : act.next ? "main" : "", { "data-act": name });
  return [section(text.heading, h("div", { class: "actions acts" }, ...offered.map(make)))];
}

async function run(name, act, deployment, desk, done) {
  const told = text[name];
  const answer = await ask({
    title: told.title(deployment.name),
    explain: [...told.explain, ...(act.statement ? [h("p", { class: "statement" }, text.statement(desk.me.name))] : [])],
    specs: act.specs(deployment, desk.me),
    submit: told.button,
    danger: act.danger,
    send: (values) => post(`/api/desk/deployments/${deployment.id}/${name}`, body(name, values, deployment)),
  });
  if (!answer) return;
  if (name === "revoke") await receipt(deployment, answer.receipt);
  desk.say(told.done(deployment.name, answer));
  done();
}

function body(name, values, deployment) {
  if (name !== "amend") return values;
  const { fpir, threshold, rank, reason } = values;
  const before = deployment.plan.cameras;
  const cameras = before.map((camera) => ({ ...camera, eye_distance_pixels: values[`eye:${camera.name}`] }));
  const same = cameras.every((camera, at) => camera.eye_distance_pixels === before[at].eye_distance_pixels);
  return { rank, reason, change: { fpir, threshold, cameras: same ? null : cameras } };
}

/** The signed receipt: shown once, to be saved; the auditor finds it again. */
function receipt(deployment, document) {
  const file = () => save(new Blob([document], { type: "application/json" }), `receipt-${deployment.id}.json`);
  return tell(text.receipt.title, [
    notice("good", h("p", {}, text.receipt.explain(deployment.name))),
    h("pre", { tabindex: "0", "aria-label": text.receipt.title }, pretty(document)),
    h("p", {}, button(text.receipt.save, file, "")),
  ]);
}

export function pretty(document) {
  try {
    return JSON.stringify(JSON.parse(document), null, 2);
  } catch {
    return document;
  }
}
