// The blue list's live trial of one deployment: how many are found, each passage, and what an operator may put right.

import { get, look as ask, post } from "./api.js";
import { badge, button, facts, h, heading, link, notice, refusal, replace, section, stageBadge, table } from "./parts.js";
import { words } from "./words.js";

const text = words.blue;
const EVERY = 2000; // milliseconds between looks
const WORDS = ["found", "missed", "void"];
const MARKS = { found: ["good", "yes"], missed: ["bad", "no"], void: ["info", "flag"], walking: ["info", "flag"] };

export async function show(place, desk, id) {
  const problem = h("div", {});
  const body = h("div", {});
  place.append(problem, body);
  let shown = ""; // what is on screen: a button is not replaced under a finger by the same again
  let timer = 0;
  let over = false;

  async function look(fetch = ask) {
    const { trial, now } = await fetch(`/api/desk/deployments/${id}/passages`);
    desk.heard(now);
    const key = JSON.stringify(trial);
    if (over || key === shown) return;
    shown = key;
    replace(body, ...build(trial)); // the keyboard's focus stays where it is
  }

  async function again() {
    try {
      if (!document.hidden) await look();
    } catch (error) {
      problem.replaceChildren(refusal(error));
    }
    if (!over) timer = setTimeout(again, EVERY);
  }

  async function act(path, values, done) {
    problem.replaceChildren();
    try {
      await post(path, values);
      await look(get);
      desk.say(done);
    } catch (error) {
      problem.replaceChildren(refusal(error));
    }
  }

  function build(trial) {
    const { figures } = trial;
    const may = desk.is("operator") && trial.stage === "active";
    return [
      heading(text.heading, stageBadge(trial.stage)),
      h("p", { class: "lead" }, link(`deployments/${id}`, trial.name), ` · ${text.explain}`),
      section(
        text.rate,
        facts([
          [text.found, text.foundOf(figures.tpir)],
          trial.wanted > 0 && [text.wanted, words.percent(trial.wanted)],
          [text.paired, words.number(figures.paired)],
          [text.corrected, words.number(figures.corrected)],
          [text.voids, words.number(figures.void)],
          [text.alerts, text.alertsOf(figures.alerts, figures.alerts_unpaired)],
        ]),
      ),
      section(text.volunteers, trial.volunteers.length ? numbers(trial, may) : notice("info", h("p", {}, text.nobody))),
      section(
        text.passages,
        table(
          text.passages,
          [text.at, text.who, text.word, text.why, may ? text.correct : ""],
          trial.passages.map((one) => [
            words.moment(one.at),
            one.volunteer ? text.volunteer(one.volunteer) : text.byHand,
            badge(...MARKS[one.word], text.said[one.word]),
            one.by ? text.by(one.by) : (text.reasons[one.why] ?? ""),
            may ? corrections(one) : "",
          ]),
          { empty: text.none, kind: "cards" },
        ),
      ),
    ];
  }

  function numbers(trial, may) {
    if (!may) return h("p", {}, text.numbered(trial.volunteers));
    const walking = trial.passages.filter(({ word }) => word === "walking").map(({ volunteer }) => volunteer);
    const walks = (number) =>
      button(text.walks(number), () => act("/api/passages", { volunteer: number }, text.noted(number)), "", {
        disabled: walking.includes(number),
        "data-key": `v${number}`,
      });
    return h("div", {}, h("p", { class: "faint" }, text.walksWhy), h("div", { class: "actions" }, ...trial.volunteers.map(walks)));
  }

  function corrections(one) {
    const offered = one.word === "walking" ? ["void"] : WORDS.filter((word) => word !== one.word);
    const say = (word) =>
      button(one.word === "walking" ? text.undo : text.said[word], () => act(`/api/passages/${one.passage}`, { word }, text.put), "", {
        "aria-label": text.correctTo(text.said[word], one.volunteer, words.moment(one.at)),
        "data-key": `${one.passage}-${word}`,
      });
    return h("div", { class: "actions small" }, ...offered.map(say));
  }

  await look(get);
  timer = setTimeout(again, EVERY);
  return () => {
    over = true;
    clearTimeout(timer);
  };
}
