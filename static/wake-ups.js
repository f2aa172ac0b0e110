// What calls an officer who is not looking: this phone woken while it is locked, or, where that cannot be, a
// notification while the page is open behind something else. One choice, on or off, and its state in words.

import { provedFetch } from "./device.js";
import { h, paint } from "./dom.js";
import { clock, sentence, words } from "./words.js";

const ADDRESS = "api/wake-ups";
const TAG = "alert"; // of notifications, as sw.js and signal.js have it
const text = words.wakeUps;

/** @typedef {{enabled: boolean, public_key: string, why_not: string, on: boolean, trouble: string}} Site */

export class WakeUps {
  /** @param {HTMLElement} place  @param {() => void} woken  a wake-up has come while the page is open */
  constructor(place, woken) {
    this.place = place;
    /** @type {Site | null} */
    this.site = null; // as the server last said
    this.problem = ""; // why the last touch led to nothing
    this.busy = false;
    this.told = ""; // the address that the server has taken from this page
    this.wokenAt = 0; // Unix seconds of the last wake-up that this page has seen
    navigator.serviceWorker?.addEventListener("message", ({ data }) => {
      if (data?.type !== "woken") return;
      this.wokenAt = Date.now() / 1000;
      woken();
      this.look();
    });
    document.addEventListener("visibilitychange", () => this.#seen());
    this.#seen();
  }

  /** Ask the server how it stands, and mend what the browser has changed or lost meanwhile. */
  async look() {
    const answer = await this.#ask("GET");
    if (answer?.enabled && possible() === "") await this.#mend();
    this.#paint();
  }

  /** The session is over: the next officer at this phone is not woken for this one. */
  async forget() {
    this.site = null;
    this.told = "";
    this.#paint();
    const subscription = await (await worker())?.pushManager?.getSubscription().catch(() => null);
    await subscription?.unsubscribe().catch(() => {});
  }

  /** Called within a touch: the browser asks the officer. */
  async turnOn() {
    await this.#busily(async () => {
      if ((await Notification.requestPermission()) !== "granted") return;
      const subscription = await this.#subscribe();
      if (subscription) await this.#tell(subscription);
      else this.problem = text.noService;
    });
  }

  /** Where no phone is woken: notifications of the page's own. Called within a touch. */
  async allowNotices() {
    await this.#busily(() => Notification.requestPermission());
  }

  async turnOff() {
    await this.#busily(async () => {
      if (!(await this.#ask("DELETE"))) {
        this.problem = text.noAnswer;
        return;
      }
      const subscription = await (await worker())?.pushManager?.getSubscription();
      await subscription?.unsubscribe().catch(() => {});
    });
  }

  async #busily(work) {
    if (this.busy) return;
    this.busy = true;
    this.problem = "";
    this.#paint();
    try {
      await work();
    } finally {
      this.busy = false;
      this.#paint();
    }
  }

  /** A subscription that stands here belongs to this session: whoever signs out drops it. */
  async #mend() {
    const kept = await (await worker())?.pushManager?.getSubscription().catch(() => null);
    if (!kept && !this.site.on) return;
    const subscription = await this.#subscribe();
    if (subscription && !(this.site.on && subscription.endpoint === this.told)) await this.#tell(subscription);
  }

  /** @returns {Promise<PushSubscription | null>} */
  async #subscribe() {
    const manager = (await worker())?.pushManager;
    if (!manager) return null;
    const applicationServerKey = bytes(this.site.public_key);
    try {
      const kept = await manager.getSubscription();
      if (kept && same(kept.options?.applicationServerKey, applicationServerKey)) return kept;
      await kept?.unsubscribe(); // of a box that had another key
      return await manager.subscribe({ userVisibleOnly: true, applicationServerKey });
    } catch {
      return null; // the phone has no way to its maker's service
    }
  }

  async #tell(subscription) {
    const answer = await this.#ask("POST", { endpoint: subscription.endpoint });
    if (answer) this.told = subscription.endpoint;
    else this.problem ||= text.noAnswer;
  }

  /** The server's answer, null where there is none; what it refuses becomes the problem. @returns {Promise<Site | null>} */
  async #ask(method, body) {
    try {
      const answer = await provedFetch(ADDRESS, {
        method,
        ...(body && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
      });
      const said = await answer.json();
      if (!answer.ok) {
        this.problem = sentence(said.message);
        return null;
      }
      this.site = said;
      return said;
    } catch {
      return null; // no connection: the page's bar says so
    }
  }

  /** What a notification called for is in view now. */
  async #seen() {
    if (document.visibilityState !== "visible") return;
    this.#paint(); // the officer may come back from the browser's settings
    const notices = (await (await worker())?.getNotifications?.({ tag: TAG })) ?? [];
    for (const notice of notices) notice.close();
  }

  #paint() {
    const { site, problem, busy } = this;
    const hindrance = site && (site.enabled ? possible() : "off");
    const on = Boolean(site?.on) && !hindrance;
    const notices = permission();
    paint(this.place, JSON.stringify([site, hindrance, notices, problem, busy, this.wokenAt]), () => {
      if (!site) return [];
      if (hindrance) {
        return [
          h("p", {}, text.not[hindrance]),
          ...steps(hindrance),
          // Said already where that is the hindrance.
          notices && hindrance !== "denied" && h("p", {}, text.notices[notices]),
          notices === "default" && this.#button(text.noticesOn, () => this.allowNotices()),
          h("p", { class: "faint" }, text.instead),
        ];
      }
      return [
        h("p", {}, on ? text.on : text.isOff),
        !on && notices === "granted" && h("p", {}, text.notices.granted),
        h("p", { class: "faint" }, text.explain),
        on && this.wokenAt ? h("p", {}, text.woken(clock(this.wokenAt))) : null,
        on && site.trouble ? h("p", { class: "problem" }, sentence(site.trouble)) : null,
        problem ? h("p", { class: "problem", role: "status" }, problem) : null,
        this.#button(on ? text.turnOff : text.turnOn, () => (on ? this.turnOff() : this.turnOn())),
      ];
    });
  }

  #button(label, onclick) {
    const button = h("button", { type: "button", class: "act plain", "data-key": "wake-ups", onclick }, this.busy ? text.wait : label);
    button.disabled = this.busy;
    return button;
  }
}

/** "" where this browser can be woken, else the key of the words that say why not. */
function possible() {
  if (!window.isSecureContext) return "insecure";
  if (!("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window)) {
    return isApple() && !matchMedia("(display-mode: standalone)").matches ? "install" : "never";
  }
  return Notification.permission === "denied" ? "denied" : "";
}

/** "granted", "denied" or "default"; "" where this page can show no notification. */
const permission = () => (window.isSecureContext && "Notification" in window && "serviceWorker" in navigator ? Notification.permission : "");

/** An iPhone or an iPad, whose browsers have no push before the page is on the home screen. */
const isApple = () =>
  /iP(hone|ad|od)/.test(navigator.userAgent) || (navigator.platform === "MacIntel" && navigator.maxTouchPoints > 1);

const steps = (hindrance) =>
  hindrance === "install" ? [h("ol", {}, ...text.installSteps.map((step) => h("li", {}, step)))] : [];

const worker = async () => (await navigator.serviceWorker?.getRegistration().catch(() => undefined)) ?? null;

/** @param {string} key  base64url */
function bytes(key) {
  const plain = atob(key.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
}

/** @param {ArrayBuffer | null | undefined} kept  @param {Uint8Array} wanted */
function same(kept, wanted) {
  if (!kept) return false;
  const held = new Uint8Array(kept);
  return held.length === wanted.length && held.every((byte, at) => byte === wanted[at]);
}
