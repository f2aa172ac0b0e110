// The form of a plan: all that an authorisation must name. A draft may lack anything but its name.

import { get, post } from "./api.js";
import { control, form } from "./form.js";
import { h, heading } from "./parts.js";
import { words } from "./words.js";

const text = words.deployment;
const EMPTY = {
  name: "", purpose: "", use_case: "", place: "", starts_at: null, ends_at: null, necessity: "", proportionality: "",
  documents: {}, cameras: [], categories: [], fpir: 0.001, threshold: null, second_review: false,
  escalate_seconds: 20, expire_seconds: 300, accepted_false_alerts: 0.001, blue_tpir: 0,
};

export async function show(place, desk, id) {
  const [{ cameras }, state] = await Promise.all([get("/api/desk/cameras"), id ? get(`/api/desk/deployments/${id}`) : null]);
  const plan = state ? state.deployment.plan : EMPTY;
  const { parts, controls } = build(plan, cameras);
  place.append(
    heading(state ? text.editing(plan.name) : text.drafting),
    h("p", { class: "faint" }, text.draftWhy),
    form({
      controls,
      body: parts,
      submit: state ? text.save : text.keep,
      async send(values) {
        const made = await post(id ? `/api/desk/deployments/${id}/plan` : "/api/desk/deployments", { plan: gather(values, plan, cameras) });
        desk.go(`deployments/${id ?? made.id}`);
      },
      cancel: () => desk.go(id ? `deployments/${id}` : "deployments"),
    }),
  );
}

const long = { rows: "4", maxlength: "2000" };

function build(plan, cameras) {
  const at = (name, label, more = {}) => control({ name: `plan.${name}`, label, value: plan[name], ...more });
  const plain = (controls) => controls.map((each) => each.element);
  const group = (legend, controls, why, lay = plain) => h("fieldset", {}, h("legend", {}, legend), why && h("p", { class: "why" }, why), ...lay(controls));
  const groups = [
    [text.what, [
      at("name", text.name, { required: true, more: { maxlength: "120" } }),
      at("place", text.place, { more: { maxlength: "2000" } }),
      at("purpose", text.purpose, { kind: "area", more: long }),
      at("use_case", text.useCase, { why: text.useCaseWhy }),
    ]],
    [text.when, [
      at("starts_at", text.starts, { kind: "moment" }),
      at("ends_at", text.ends, { kind: "moment", why: text.endsWhy }),
    ]],
    [text.grounds, [
      at("necessity", text.necessity, { kind: "area", why: text.necessityWhy, more: long }),
      at("proportionality", text.proportionality, { kind: "area", why: text.proportionalityWhy, more: long }),
    ]],
    [text.documents, Object.entries(words.document).map(([key, label]) =>
      control({ name: `plan.documents.${key}`, label, value: plan.documents[key] ?? "", more: { maxlength: "200" } })), text.documentsWhy],
    [text.cameras, cameras.flatMap((camera) => cameraControls(camera, plan)), cameras.length ? text.camerasWhy : text.noneSetUp, paired],
    [text.watchlist, [at("categories", text.categories, { kind: "lines", why: text.categoriesWhy })]],
    [text.terms, [
      at("fpir", text.fpirLabel, { kind: "number", why: text.fpirWhy, required: true, more: { min: "0", max: "0.5", step: "any" } }),
      at("threshold", text.thresholdLabel, { kind: "number", why: text.thresholdWhy, more: { step: "any" } }),
      at("accepted_false_alerts", text.accepted, { kind: "number", why: text.acceptedWhy, required: true, more: { min: "0", max: "1", step: "any" } }),
      at("blue_tpir", text.blueTpir, { kind: "number", why: text.blueTpirWhy, required: true, more: { min: "0", max: "1", step: "any" } }),
    ]],
    [text.officers, [
      at("second_review", text.secondReview, { kind: "check", why: text.secondReviewWhy }),
      at("escalate_seconds", text.escalateLabel, { kind: "number", required: true, more: { min: "1", max: "3600", step: "any" } }),
      at("expire_seconds", text.expireLabel, { kind: "number", required: true, more: { min: "1", max: "86400", step: "any" } }),
    ]],
  ];
  return { parts: groups.map((each) => group(...each)), controls: groups.flatMap(([, list]) => list) };
}

/** A camera's two controls stand in one row. */
const paired = (controls) =>
  controls.filter((_, at) => at % 2 === 0).map((camera, at) => h("div", { class: "pair" }, camera.element, controls[at * 2 + 1].element));

function cameraControls(camera, plan) {
  const planned = plan.cameras.find((each) => each.name === camera.name);
  return [
    control({ name: `camera:${camera.name}`, label: camera.name, kind: "check", value: Boolean(planned) }),
    control({
      name: `eye:${camera.name}`,
      label: text.eyeLabel(camera.name),
      kind: "number",
      why: text.eyeWhy(camera.eye_distance_pixels),
      value: planned?.eye_distance_pixels ?? null,
      more: { min: "0", max: "500", step: "any" },
    }),
  ];
}

/** The plan that the form says. Zones are drawn elsewhere and stay as they are. */
function gather(values, plan, cameras) {
  const made = { ...plan, documents: {}, cameras: [] };
  for (const [name, value] of Object.entries(values)) {
    const [, first, second] = /^plan\.(\w+)(?:\.(\w+))?$/.exec(name) ?? [];
    if (second) {
      if (value) made.documents[second] = value;
    } else if (first) made[first] = value;
  }
  for (const { name } of cameras) {
    if (!values[`camera:${name}`]) continue;
    const zone = plan.cameras.find((each) => each.name === name)?.zone ?? [];
    made.cameras.push({ name, zone, eye_distance_pixels: values[`eye:${name}`] });
  }
  return made;
}
