// One camera's live picture in its place on the page. What draws it is fetched when one is first asked for, so
// that the page's first load does not pay for it.

import { h } from "./dom.js";
import { words } from "./words.js";

export class LivePicture {
  constructor() {
    this.camera = ""; // whose picture is wanted; "": nobody's
    this.place = h("div", { class: "scene" });
  }

  /** The picture, once it stands. */
  get element() {
    return this.place.querySelector("camera-preview");
  }

  /**
   * Show this camera's, in the place of another's. Where its script cannot be had, that is said in the place.
   * Whether it stands: not so either where it has been closed, or another one wanted, meanwhile.
   * @param {string} camera  @param {boolean} boxes  around the faces
   */
  async show(camera, boxes = false) {
    this.camera = camera;
    if (this.element) {
      this.element.setAttribute("camera", camera);
      return true;
    }
    try {
      await import("./preview.js");
    } catch {
      if (this.camera === camera) this.place.replaceChildren(h("p", { class: "problem", role: "alert" }, words.live.failed));
      return false;
    }
    if (this.camera !== camera) return false;
    if (!this.element) this.place.replaceChildren(h("camera-preview", { camera, boxes }));
    return true;
  }

  /** No picture is shown or asked for any more. */
  close() {
    this.camera = "";
    this.place.replaceChildren();
  }
}
