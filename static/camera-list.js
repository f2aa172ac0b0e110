// The cameras: how each stands, and on request what one sees now, with the faces hidden by the server.

import { plain } from "./buttons.js";
import { h, icon, say } from "./dom.js";
import { LivePicture } from "./live-picture.js";
import { words } from "./words.js";

const text = words.ready;

export class CameraList {
  constructor() {
    this.rows = new Map(); // by camera: a row is changed, never replaced, since a thumb may be on its button
    this.watched = ""; // the camera whose picture is open
    this.none = h("p", { class: "faint" }, text.noCameras);
    this.list = h("ul", { class: "lines" });
    this.caption = h("p", { class: "name" });
    this.picture = new LivePicture();
    this.boxes = plain(text.boxes, null, () => this.#box());
    const shut = plain(text.unwatch, null, () => this.#leave());
    const buttons = h("div", { class: "row" }, this.boxes, shut);
    this.view = h("div", { class: "viewer", role: "group", hidden: true }, this.caption, this.picture.place, buttons);
    this.place = h("section", { class: "panel" }, h("h2", {}, icon("camera"), text.cameras), this.none, this.list, this.view);
  }

  /** @param {object|null} state  the server's last  @param {boolean} online */
  update(state, online) {
    const cameras = (state?.cameras ?? []).map((camera) => (online ? camera : { name: camera.name, state: "unknown" }));
    const names = cameras.map(({ name }) => name);
    if (names.join("\n") !== [...this.rows.keys()].join("\n")) {
      this.rows = new Map(names.map((name) => [name, this.rows.get(name) ?? this.#row(name)]));
      this.list.replaceChildren(...[...this.rows.values()].map((row) => row.item));
    }
    this.none.hidden = names.length > 0;
    const onPost = Boolean(online && state?.on_post);
    for (const camera of cameras) this.#say(this.rows.get(camera.name), camera, onPost);
    const watched = cameras.find(({ name }) => name === this.watched);
    if (this.watched && !(onPost && watched?.state === "live")) this.close();
  }

  /** No picture is shown or asked for any more. */
  close() {
    if (!this.watched) return;
    this.watched = "";
    this.view.hidden = true;
    this.picture.close();
    say(this.caption, "");
    for (const row of this.rows.values()) row.watch.setAttribute("aria-expanded", "false");
  }

  #row(name) {
    const state = h("span");
    const lag = h("small");
    const problem = h("small", { class: "problem" });
    const watch = h(
      "button",
      { type: "button", class: "act watch", "aria-expanded": "false", "aria-label": text.watchName(name), onclick: () => this.#toggle(name) },
      icon("eye"),
      h("span", {}, text.watch),
    );
    const said = h("span", { class: "value" }, state, lag);
    return { item: h("li", {}, h("span", { class: "name" }, name), said, watch, problem), state, lag, problem, watch };
  }

  #say(row, camera, onPost) {
    const live = camera.state === "live";
    row.item.dataset.state = camera.state;
    say(row.state, words.cameraState[camera.state] ?? camera.state);
    say(row.lag, live && typeof camera.lag === "number" ? words.lag(camera.lag) : "");
    say(row.problem, camera.problem ?? "");
    row.problem.hidden = !camera.problem;
    row.watch.hidden = !(live && onPost);
  }

  #toggle(name) {
    if (this.watched === name) this.close();
    else this.#watch(name);
  }

  async #watch(name) {
    this.close();
    this.watched = name;
    this.rows.get(name).watch.setAttribute("aria-expanded", "true");
    this.view.hidden = false;
    this.view.setAttribute("aria-label", name);
    this.boxes.hidden = true;
    say(this.caption, name);
    if (!(await this.picture.show(name))) return;
    this.boxes.setAttribute("aria-pressed", "false");
    this.boxes.hidden = false;
    this.view.scrollIntoView({ block: "nearest" });
  }

  /** Frames around the faces, with their tracks' numbers: only where somebody asks for them. */
  #box() {
    const on = this.picture.element.toggleAttribute("boxes");
    this.boxes.setAttribute("aria-pressed", String(on));
  }

  #leave() {
    const { watch } = this.rows.get(this.watched);
    this.close();
    watch.focus();
  }
}
