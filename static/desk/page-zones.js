// A camera's zone of recognition, drawn on its still by mouse, finger or keyboard, or typed as numbers.

import { rank } from "./acts.js";
import { blob, get, post } from "./api.js";
import { ask } from "./form.js";
import { button, h, heading, link, notice, refusal, s, say, unique } from "./parts.js";
import { added, area, crossed, MOST, moved, removed, WHOLE } from "./polygon.js";
import { words } from "./words.js";

const text = words.zones;
const STEP = 0.01; // of the picture, a press of an arrow key
const FINE = 0.002; // with Shift

export async function show(place, desk, id, name) {
  const state = await get(`/api/desk/deployments/${id}`);
  const { deployment } = state;
  const camera = deployment.plan.cameras.find((each) => each.name === name);
  if (!camera) {
    place.append(heading(text.heading(name)), notice("warn", h("p", {}, text.noCamera)), h("p", {}, link(`deployments/${id}`, text.back)));
    return undefined;
  }
  const still = await picture(name);
  const planned = !["active", "paused", "suspended"].includes(deployment.stage);
  const editor = new Editor(camera.zone.length ? camera.zone : WHOLE, still);
  const problem = h("div", {});
  const cameras = () => deployment.plan.cameras.map((each) => (each.name === name ? { ...each, zone: editor.corners } : each));

  async function save() {
    problem.replaceChildren();
    const wrong = editor.wrong();
    if (wrong) return problem.replaceChildren(notice("bad", h("p", {}, wrong)));
    try {
      if (planned) await post(`/api/desk/deployments/${id}/plan`, { plan: { ...deployment.plan, cameras: cameras() } });
      else if (!(await amend())) return undefined;
      desk.go(`deployments/${id}`);
      desk.say(text.saved(name));
    } catch (error) {
      problem.replaceChildren(refusal(error));
    }
    return undefined;
  }

  const amend = () =>
    ask({
      title: text.amendTitle(name),
      explain: [text.amendWhy],
      specs: [
        rank(desk.me),
        { name: "reason", label: words.act.reason, kind: "area", required: true },
      ],
      submit: text.amend,
      send: (values) => post(`/api/desk/deployments/${id}/amend`, { ...values, change: { cameras: cameras() } }),
    });

  place.append(
    heading(text.heading(name)),
    h("p", {}, text.explain),
    still.problem ? notice("warn", h("p", {}, text.noStill), h("p", {}, still.problem)) : h("p", { class: "faint" }, text.blurred),
    editor.place,
    problem,
    h("div", { class: "actions" }, button(planned ? text.save : text.amend, save, "main"), link(`deployments/${id}`, text.back)),
  );
  return () => still.url && URL.revokeObjectURL(still.url);
}

async function picture(name) {
  try {
    return { url: URL.createObjectURL(await blob(`/api/desk/cameras/${encodeURIComponent(name)}/still.jpg`)), problem: "" };
  } catch (error) {
    if (!("status" in error)) throw error;
    return { url: "", problem: error.message };
  }
}

class Editor {
  /** @param {[number, number][]} corners  @param {{url: string}} still */
  constructor(corners, still) {
    this.corners = corners;
    this.past = []; // earlier states, for "take back"
    this.chosen = 0;
    this.shape = s("polygon", { class: "zone" });
    this.outside = s("path", { class: "outside", "fill-rule": "evenodd" });
    this.handles = h("div", {});
    this.view = h(
      "div",
      { class: "still" },
      still.url ? h("img", { src: still.url, alt: text.stillAlt }) : h("div", { class: "blank" }),
      s("svg", { viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" }, this.outside, this.shape),
      this.handles,
    );
    this.rows = h("tbody", {});
    this.told = h("p", { class: "faint", role: "status" });
    this.keys = unique("keys");
    this.back = button(text.undo, () => this.#undo());
    this.more = button(text.add, () => this.#add());
    this.less = button(text.remove, () => this.#remove());
    const all = button(text.whole, () => this.#set(WHOLE, 0));
    this.place = h(
      "div",
      { class: "zoned" },
      h("div", {}, this.view, h("p", { class: "why", id: this.keys }, text.keys), h("div", { class: "actions" }, this.more, this.less, this.back, all), this.told),
      h(
        "table",
        { class: "corners" },
        h("caption", {}, text.table),
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, text.corner), h("th", { scope: "col" }, text.left), h("th", { scope: "col" }, text.top))),
        this.rows,
      ),
    );
    this.#build();
  }

  wrong() {
    if (this.corners.length < 3) return text.few;
    if (crossed(this.corners)) return text.crossed;
    return area(this.corners) < 0.01 ? text.small : "";
  }

  #set(corners, chosen = this.chosen) {
    this.past.push(this.corners);
    if (this.past.length > 100) this.past.shift();
    const same = corners.length === this.corners.length;
    this.corners = corners;
    this.chosen = chosen;
    if (same) this.#paint();
    else this.#build();
  }

  #undo() {
    const before = this.past.pop();
    if (!before) return;
    this.corners = before;
    this.chosen = Math.min(this.chosen, before.length - 1);
    this.#build();
  }

  #add() {
    if (this.corners.length >= MOST) return;
    this.#set(added(this.corners, this.chosen), this.chosen + 1);
    this.handles.children[this.chosen].focus();
  }

  #remove() {
    if (this.corners.length <= 3) return;
    this.#set(removed(this.corners, this.chosen), Math.max(0, this.chosen - 1));
    this.handles.children[this.chosen].focus();
  }

  #build() {
    this.handles.replaceChildren(...this.corners.map((_, at) => this.#handle(at)));
    this.rows.replaceChildren(...this.corners.map((_, at) => this.#row(at)));
    this.#paint();
  }

  #handle(at) {
    const dragged = (event) => {
      const { left, top, width, height } = this.view.getBoundingClientRect();
      this.corners = moved(this.corners, at, (event.clientX - left) / width, (event.clientY - top) / height);
      this.#paint();
    };
    return h(
      "button",
      {
        type: "button",
        class: "handle",
        "aria-describedby": this.keys,
        onfocus: () => this.#choose(at),
        onkeydown: (event) => this.#key(event, at),
        onpointerdown: (event) => {
          this.past.push(this.corners);
          event.currentTarget.setPointerCapture(event.pointerId);
          event.currentTarget.focus();
          event.preventDefault();
        },
        onpointermove: (event) => event.currentTarget.hasPointerCapture(event.pointerId) && dragged(event),
      },
      String(at + 1),
    );
  }

  #key(event, at) {
    const step = event.shiftKey ? FINE : STEP;
    const [dx, dy] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key] ?? [];
    if (event.key === "Delete") this.#remove();
    else if (event.key === "Insert" || event.key === "+") this.#add();
    else if (dx === undefined) return;
    else this.#set(moved(this.corners, at, this.corners[at][0] + dx, this.corners[at][1] + dy), at);
    event.preventDefault();
  }

  #row(at) {
    const number = (axis, label) =>
      h("input", {
        type: "number",
        min: "0",
        max: "100",
        step: "0.1",
        "aria-label": label(at + 1),
        onfocus: () => this.#choose(at),
        onchange: (event) => {
          const share = Number(event.target.value) / 100;
          const [x, y] = this.corners[at];
          if (Number.isFinite(share)) this.#set(moved(this.corners, at, axis ? x : share, axis ? share : y), at);
        },
      });
    return h("tr", {}, h("th", { scope: "row" }, String(at + 1)), h("td", {}, number(0, text.leftOf)), h("td", {}, number(1, text.topOf)));
  }

  #choose(at) {
    this.chosen = at;
    this.#paint();
  }

  #paint() {
    const points = this.corners.map((corner) => corner.join(",")).join(" ");
    this.shape.setAttribute("points", points);
    this.outside.setAttribute("d", `M0 0H1V1H0Z M${this.corners.map((corner) => corner.join(" ")).join("L")}Z`);
    this.corners.forEach(([x, y], at) => {
      const handle = this.handles.children[at];
      handle.style.left = `${x * 100}%`;
      handle.style.top = `${y * 100}%`;
      handle.classList.toggle("chosen", at === this.chosen);
      handle.setAttribute("aria-label", text.handle(at + 1, x, y));
      const [left, top] = this.rows.children[at].querySelectorAll("input");
      if (document.activeElement !== left) left.value = (x * 100).toFixed(1);
      if (document.activeElement !== top) top.value = (y * 100).toFixed(1);
      this.rows.children[at].classList.toggle("chosen", at === this.chosen);
    });
    this.back.disabled = !this.past.length;
    this.more.disabled = this.corners.length >= MOST;
    this.less.disabled = this.corners.length <= 3;
    say(this.told, this.wrong() || text.covers(area(this.corners)));
  }
}
