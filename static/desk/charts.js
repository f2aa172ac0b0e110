// The day's charts for the wall: drawings that say in words what they show, and one table with every number.

import { h, s, table } from "./parts.js";
import { words } from "./words.js";

const text = words.wall.day;
const [WIDTH, LEFT, TOP, TALL, BELOW] = [480, 54, 10, 120, 26]; // units of the drawing
const LEAST = 8; // slots on the axis: a day that has just begun is not one broad bar

/** The next round number at or above a count, where an axis ends. */
export function ceiling(value) {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 3, 4, 6, 8, 10].map((step) => step * power).find((round) => round >= value);
}

const clock = (unix) => new Date(unix * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });

/** A quarter's place on the axis, the axis itself, and what is drawn in each place. */
function plot(quarters, most, label, draw, told) {
  const slots = Math.max(LEAST, quarters.length);
  const step = (WIDTH - LEFT - 4) / slots;
  const up = (value) => TOP + TALL * (1 - value / most);
  const drawn = [];
  for (const part of [0, 0.5, 1]) {
    const y = up(most * part);
    drawn.push(s("line", { x1: LEFT, y1: y, x2: WIDTH - 4, y2: y, class: "rule" }));
    if (part === 0 || most * part >= 1) drawn.push(s("text", { x: LEFT - 6, y: y + 5, "text-anchor": "end" }, label(most * part)));
  }
  const every = Math.ceil(slots / 6); // labels, six at the most
  quarters.forEach((quarter, at) => {
    const x = LEFT + step * at;
    if (at % every === 0 && x < WIDTH - 40) drawn.push(s("text", { x, y: TOP + TALL + 19 }, clock(quarter.at)), s("line", { x1: x, y1: TOP + TALL, x2: x, y2: TOP + TALL + 5, class: "rule" }));
    drawn.push(...draw(quarter, x + step * 0.14, step * 0.72, up).filter(Boolean));
  });
  const svg = s("svg", { viewBox: `0 0 ${WIDTH} ${TOP + TALL + BELOW}`, class: "plot", preserveAspectRatio: "xMinYMid meet", role: "img", "aria-label": told });
  svg.append(hatching(), ...drawn);
  return svg;
}

/** Slanting lines: told from plain colour without seeing colour. Drawn in each chart, under one name. */
const hatching = () =>
  s("defs", {}, s("pattern", { id: "wall-hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse" }, s("path", { d: "M-1,1 l2,-2 M0,6 l6,-6 M5,7 l2,-2", class: "hatching" })));

const bar = (x, wide, from, to, kind) => s("rect", { x, y: to, width: Math.max(1, wide), height: Math.max(0, from - to), class: kind });

const figure = (title, value, note, drawing) =>
  h("figure", { class: "chart" }, h("figcaption", {}, h("span", { class: "name" }, title), h("strong", {}, value), note && h("span", { class: "faint" }, note)), drawing);

function faces(figures) {
  const most = ceiling(Math.max(1, ...figures.quarters.map((each) => each.faces_seen)));
  const draw = (quarter, x, wide, up) => [quarter.faces_seen && bar(x, wide, up(0), up(quarter.faces_seen), "bar")];
  return figure(text.faces, words.number(figures.faces_seen), text.facesWhy, plot(figures.quarters, most, words.number, draw, text.facesTold(figures)));
}

function alerts(figures) {
  const most = ceiling(Math.max(1, ...figures.quarters.map((each) => each.alerts)));
  const draw = (quarter, x, wide, up) => {
    const right = quarter.true;
    const known = right + quarter.false;
    return [
      right && bar(x, wide, up(0), up(right), "bar"),
      quarter.false && bar(x, wide, up(right), up(known), "bar false"),
      quarter.false && bar(x, wide, up(right), up(known), "hatched"),
      quarter.alerts > known && bar(x, wide, up(known), up(quarter.alerts), "bar open"),
    ];
  };
  const key = h("p", { class: "key" }, ...["true", "false", "open"].map((kind) => h("span", {}, swatch(kind), text.kind[kind])));
  return h("div", {}, figure(text.alerts, words.number(figures.alerts), text.outcomes(figures), plot(figures.quarters, most, words.number, draw, text.alertsTold(figures))), figures.alerts > 0 && key);
}

function swatch(kind) {
  const svg = s("svg", { viewBox: "0 0 16 16", class: "swatch", "aria-hidden": "true" });
  svg.append(bar(1, 14, 15, 1, kind === "true" ? "bar" : `bar ${kind}`));
  if (kind === "false") svg.append(bar(1, 14, 15, 1, "hatched"));
  return svg;
}

/** A dot at the median, a line up to the slowest. */
function answers(figures) {
  const slowest = Math.max(1, ...figures.quarters.map((each) => each.answers.slowest_seconds ?? 0));
  const most = ceiling(slowest);
  const draw = (quarter, x, wide, up) => {
    const { count, median_seconds: median, slowest_seconds: last } = quarter.answers;
    if (!count) return [];
    const at = x + wide / 2;
    return [
      s("line", { x1: at, y1: up(median), x2: at, y2: up(last), class: "reach" }),
      s("line", { x1: at - 5, y1: up(last), x2: at + 5, y2: up(last), class: "reach" }),
      s("circle", { cx: at, cy: up(median), r: 5, class: "dot" }),
    ];
  };
  const { count, median_seconds: median, slowest_seconds: last } = figures.answers;
  const value = count ? words.short(median) : words.none;
  const note = count ? text.slowest(last) : text.noAnswer;
  return figure(text.answers, value, note, plot(figures.quarters, most, (seconds) => words.span(seconds), draw, text.answersTold(figures)));
}

function numbers(figures) {
  const seconds = (value) => (value === null ? words.none : words.short(value));
  return h(
    "details",
    { class: "numbers" },
    h("summary", { "data-key": "numbers" }, text.table),
    table(
      text.table,
      [text.from, text.faces, text.alerts, text.kind.true, text.kind.false, text.answered, text.median, text.slow],
      figures.quarters.map((each) => [clock(each.at), words.number(each.faces_seen), each.alerts, each.true, each.false, each.answers.count, seconds(each.answers.median_seconds), seconds(each.answers.slowest_seconds)]),
      { numbers: [1, 2, 3, 4, 5, 6, 7] },
    ),
  );
}

/** @param {object} figures  as /api/desk/day has them */
export const dayCharts = (figures) => [h("div", { class: "charts" }, faces(figures), alerts(figures), answers(figures)), numbers(figures)];
