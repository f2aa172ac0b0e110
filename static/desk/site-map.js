// The site with its cameras: over its drawing, or as a schematic where there is none, so that it is never empty.

import { blob } from "./api.js";
import { h, s } from "./parts.js";
import { words } from "./words.js";

const text = words.wall;
const WIDE = 1000; // units across; the height follows the drawing's shape
const TALL = 460; // where there is no drawing
const VIEW = 150; // how far a cone of view reaches
const ANGLE = 32; // degrees to either side of where a camera looks
const SIZE = 26; // of a camera's sign

/** Each state has a shape of its own: a disc, a ring, a triangle, a crossed ring. */
const SHAPE = { live: "live", opening: "ring", stalled: "warn", retrying: "warn", off: "off", ended: "off" };

function sign(kind) {
  if (kind === "live") return [s("circle", { r: SIZE, class: "sign" }), s("path", { d: "M-12,-8 h14 v16 h-14z M2,0 l12,-8 v16z", class: "within" })];
  if (kind === "warn") return [s("path", { d: `M0,${-SIZE - 4} L${SIZE + 4},${SIZE - 2} H${-SIZE - 4}Z`, class: "sign" }), s("path", { d: "M0,-11 v14 M0,11 v1", class: "within" })];
  if (kind === "ring") return [s("circle", { r: SIZE, class: "sign dashed" })];
  return [s("circle", { r: SIZE, class: "sign hollow" }), s("path", { d: "M-17,17 L17,-17", class: "within" })];
}

/** The field of view, from the camera outwards. @param {number} facing  degrees clockwise from straight up */
function cone(facing) {
  const point = (degrees) => {
    const turn = (degrees * Math.PI) / 180;
    return `${(VIEW * Math.sin(turn)).toFixed(1)},${(-VIEW * Math.cos(turn)).toFixed(1)}`;
  };
  return s("path", { d: `M0,0 L${point(facing - ANGLE)} A${VIEW},${VIEW} 0 0 1 ${point(facing + ANGLE)}Z`, class: "cone" });
}

/** Where a camera without a place stands: along the middle of the site, in the order of the settings. */
export function placed(cameras) {
  const without = cameras.filter((camera) => camera.at.length !== 2);
  return cameras.map((camera) => (camera.at.length === 2 ? camera.at : [(without.indexOf(camera) + 1) / (without.length + 1), 0.5]));
}

export class SiteMap {
  constructor() {
    this.tall = TALL;
    this.drawing = null; // the image's element, once it has been fetched
    this.url = "";
    this.svg = s("svg", { class: "map", role: "img" });
    this.note = h("p", { class: "faint" });
    this.place = h("div", { class: "site-map" }, this.svg, this.note);
    this.last = "";
  }

  /** Fetch the site's drawing; what is wrong with it stands below the map, and the schematic takes its place. */
  async load(there) {
    if (!there) return;
    try {
      this.url = URL.createObjectURL(await blob("/api/desk/site-plan"));
      const image = new Image();
      image.src = this.url;
      await image.decode();
      this.tall = image.naturalWidth ? (WIDE * image.naturalHeight) / image.naturalWidth : TALL;
      this.drawing = s("image", { href: this.url, x: 0, y: 0, width: WIDE, height: this.tall, class: "drawing" });
    } catch (error) {
      this.note.textContent = error.message || text.noPlan;
    }
    this.last = "";
  }

  /**
   * @param {{name: string, at: number[], facing: number|null}[]} cameras  as the settings have them
   * @param {Map<string, {state: string}>} states  of those in the deployment
   * @param {Map<string, number>} alerts  how many wait, by camera
   */
  show(cameras, states, alerts) {
    const facts = cameras.map((camera) => ({ ...camera, state: states.get(camera.name)?.state ?? "off", alerts: alerts.get(camera.name) ?? 0 }));
    const key = JSON.stringify([facts, Boolean(this.drawing)]);
    if (key === this.last) return;
    this.last = key;
    this.svg.setAttribute("viewBox", `0 0 ${WIDE} ${this.tall}`);
    this.svg.setAttribute("aria-label", text.mapTold(facts));
    const places = placed(cameras);
    const marks = facts.map((camera, at) => this.#camera(camera, places[at]));
    this.svg.replaceChildren(...(this.drawing ? [this.drawing] : schematic(places, this.tall)), ...marks);
  }

  #camera(camera, [across, down]) {
    const [x, y] = [across * WIDE, down * this.tall];
    const kind = SHAPE[camera.state] ?? "off";
    const group = s("g", { transform: `translate(${x},${y})`, class: `camera-${camera.state} ${camera.alerts ? "alerting" : ""}` });
    if (camera.facing !== null && camera.at.length === 2) group.append(cone(camera.facing));
    if (camera.alerts) group.append(s("circle", { r: SIZE + 14, class: "pulse" }));
    group.append(...sign(kind));
    const anchor = across < 0.12 ? "start" : across > 0.88 ? "end" : "middle";
    const above = down > 0.82;
    const lines = [camera.name, camera.alerts ? text.alertsAt(camera.alerts) : kind === "live" ? "" : (words.cameraState[camera.state] ?? camera.state)].filter(Boolean);
    lines.forEach((line, at) => {
      const dy = above ? -SIZE - 20 - (lines.length - 1 - at) * 36 : SIZE + 42 + at * 36;
      const dx = anchor === "start" ? -SIZE : anchor === "end" ? SIZE : 0;
      group.append(s("text", { x: dx, y: dy, "text-anchor": anchor, class: at ? "state" : "name" }, line));
    });
    return group;
  }

  /** Leave nothing of the drawing behind. */
  clear() {
    if (this.url) URL.revokeObjectURL(this.url);
  }
}

/** A street with its kerbs: the ground on which cameras stand that nobody has drawn. */
function schematic(places, tall) {
  const lines = [s("rect", { x: 4, y: 4, width: WIDE - 8, height: tall - 8, rx: 12, class: "ground" })];
  for (const share of [0.25, 0.5, 0.75]) {
    lines.push(s("line", { x1: 4, y1: tall * share, x2: WIDE - 4, y2: tall * share, class: "grid" }), s("line", { x1: WIDE * share, y1: 4, x2: WIDE * share, y2: tall - 4, class: "grid" }));
  }
  return places.length ? lines : [...lines, s("text", { x: WIDE / 2, y: tall / 2, "text-anchor": "middle", class: "state" }, words.overview.noCameras)];
}
