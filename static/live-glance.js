// A glance at the street from an alert's card: the live picture of the camera that saw the person last, in the
// place of the two pictures, for as long as the alert wants an officer and there is such a picture.

import { h, icon, say } from "./dom.js";
import { LivePicture } from "./live-picture.js";
import { words } from "./words.js";

const text = words.live;

export class LiveGlance {
  /** @param {{shown: (open: boolean) => void, gone: () => void}} tell  gone: the button that had the keyboard */
  constructor(tell) {
    this.tell = tell;
    this.picture = new LivePicture();
    this.camera = ""; // of the alert on the card, where its person was seen last
    this.lost = false; // it was open, and what it needs has gone since
    this.away = h("span", {}, text.look);
    this.back = h("span", {}, text.back);
    const both = h("span", { class: "labels" }, this.away, this.back); // so large as the larger one, always
    this.button = h("button", { type: "button", class: "act glance-button", hidden: true, onclick: () => this.#toggle() }, icon("eye"), both);
    this.closed = h("span", { class: "unseen" });
    this.lack = h("span");
    this.note = h("p", { class: "glance-note", role: "status" }, this.closed, this.lack);
    this.caption = h("p", { class: "name" });
    this.place = h("div", { class: "glance", hidden: true }, this.caption, this.picture.place);
    this.#label();
  }

  get open() {
    return !this.place.hidden;
  }

  /**
   * @param {import("./alerts.js").Entry} entry  @param {import("./alert-card.js").Now} now
   * @param {boolean} opened  the alert has just come to the front
   */
  update(entry, now, opened) {
    if (opened) this.clear();
    const { alert } = entry;
    this.camera = alert.last_camera || alert.camera;
    const offered = isOffered(entry, now);
    const lack = lackOf(this.camera, now);
    if (this.open && (!offered || lack)) {
      this.close();
      this.lost = true;
    }
    this.lost &&= offered && lack !== "";
    say(this.closed, this.lost ? text.closed : "");
    say(this.lack, this.lost ? text.lacks[lack] : "");
    const held = document.activeElement === this.button;
    this.button.hidden = !offered || lack !== "";
    if (held && this.button.hidden) this.tell.gone();
    if (this.open && this.picture.camera !== this.camera) this.#show();
    this.#label();
  }

  /** The two pictures again, which have been in memory all the while. */
  close() {
    if (!this.open) return;
    this.place.hidden = true;
    this.picture.close();
    say(this.caption, "");
    this.#label();
    this.tell.shown(false);
  }

  /** Leave nothing of the alert. */
  clear() {
    this.close();
    this.camera = "";
    this.lost = false;
    this.button.hidden = true;
    for (const part of [this.closed, this.lack]) say(part, "");
    this.#label();
  }

  #toggle() {
    if (this.open) return this.close();
    this.place.hidden = false;
    this.#show();
    this.#label();
    this.tell.shown(true);
    this.place.scrollIntoView({ block: "nearest" }); // where large text has left it outside
  }

  #show() {
    say(this.caption, text.caption(this.camera));
    this.picture.show(this.camera, true);
  }

  #label() {
    const { open, camera } = this;
    this.button.setAttribute("aria-expanded", String(open));
    this.button.setAttribute("aria-label", (open ? text.backName : text.lookName)(camera));
    this.away.classList.toggle("other", open);
    this.back.classList.toggle("other", !open);
  }
}

/** The alert wants an officer, or is this one's; and the server shows its person to officers (docs/preview.md). */
function isOffered({ alert, expired, reviewed }, { standing, officer }) {
  if (alert.blue || (expired && !alert.engaged_by)) return false;
  if (standing === "engaged") return alert.engaged_by === officer;
  if (standing === "decided") return alert.decision === "viable" && (reviewed || alert.claimed_by === officer);
  return ["waiting", "second", "mine", "reviewed"].includes(standing);
}

/** What a live picture of this camera wants: a key of `words.live.lacks`, or "". */
function lackOf(camera, { online, onPost, cameras }) {
  if (!online) return "link";
  if (!onPost) return "post";
  return cameras.some(({ name, state }) => name === camera && state === "live") ? "" : "camera";
}
