// What reaches an officer who is not looking: sound, vibration, the title, a notification, a screen kept awake.

import { words } from "./words.js";

const REPEAT = 2.4; // seconds between the starts of two alarms
const BUZZ = [350, 120, 350, 120, 700]; // milliseconds on, off, on ...
const ALARM = [
  // pitch in Hz, start and length in seconds: two rising calls, in the band where small speakers are loudest
  [1245, 0, 0.13],
  [1865, 0.14, 0.2],
  [1245, 0.45, 0.13],
  [1865, 0.59, 0.32],
];
const ONCE = [
  [1245, 0, 0.13],
  [1865, 0.14, 0.2],
];
const LOST = [
  [660, 0, 0.25],
  [440, 0.28, 0.45],
];

export class Signal {
  /** @param {() => void} changed  sound or wake lock has come or gone */
  constructor(changed) {
    this.changed = changed;
    this.audio = null; // made in the first touch: browsers refuse it before
    this.ringing = 0; // the repeating alarm's timer, 0 while silent
    this.wanted = false; // the officer is on post: the screen must not go dark
    this.lock = null;
    const touch = () => this.unlock();
    addEventListener("pointerup", touch);
    addEventListener("keydown", touch);
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#awake());
  }

  get canSound() {
    return "AudioContext" in window;
  }

  get sound() {
    return this.audio?.state === "running";
  }

  get canVibrate() {
    return "vibrate" in navigator;
  }

  get awake() {
    return this.lock !== null && !this.lock.released;
  }

  /** "granted", "denied", "default", or "" where the browser has no notifications. */
  get notices() {
    return "Notification" in window && "serviceWorker" in navigator ? Notification.permission : "";
  }

  /** Called within a touch or a key press. */
  unlock() {
    if (!this.canSound || this.sound) return;
    if (!this.audio) {
      this.audio = new AudioContext();
      this.audio.onstatechange = () => this.changed();
    }
    this.audio.resume().catch(() => {});
  }

  /** Keep the screen on from now on, or no longer. */
  onPost(wanted) {
    if (wanted === this.wanted) return;
    this.wanted = wanted;
    this.#awake();
  }

  async #awake() {
    if (!("wakeLock" in navigator)) return;
    if (!this.wanted) {
      await this.lock?.release().catch(() => {});
      this.lock = null;
    } else if (!this.awake && document.visibilityState === "visible") {
      try {
        this.lock = await navigator.wakeLock.request("screen");
        this.lock.onrelease = () => this.changed();
      } catch {
        this.lock = null; // low battery, or not allowed here: the page says so
      }
    }
    this.changed();
  }

  /** Ring until told otherwise, or fall silent. */
  ring(on) {
    if (on === Boolean(this.ringing)) return;
    if (on) {
      this.once(ALARM);
      this.ringing = setInterval(() => this.once(ALARM), REPEAT * 1000);
    } else {
      clearInterval(this.ringing);
      this.ringing = 0;
      if (this.canVibrate) navigator.vibrate(0);
    }
  }

  /** One short call: another alert, while this officer has one in hand. */
  call() {
    this.once(ONCE, [200, 80, 200]);
  }

  /** The link is gone while on post. */
  lost() {
    this.once(LOST, [900]);
  }

  test() {
    this.once(ALARM);
  }

  once(notes, buzz = BUZZ) {
    // Browsers allow vibration only after a first touch, and complain in the console before it.
    if (this.canVibrate && navigator.userActivation?.hasBeenActive !== false) navigator.vibrate(buzz);
    if (!this.sound) return;
    const { audio } = this;
    const now = audio.currentTime + 0.02;
    for (const [pitch, start, length] of notes) {
      const tone = new OscillatorNode(audio, { type: "square", frequency: pitch });
      const gain = new GainNode(audio, { gain: 0 });
      gain.gain.setValueAtTime(0, now + start);
      gain.gain.linearRampToValueAtTime(0.9, now + start + 0.01);
      gain.gain.setValueAtTime(0.9, now + start + length - 0.02);
      gain.gain.linearRampToValueAtTime(0, now + start + length);
      tone.connect(gain).connect(audio.destination);
      tone.start(now + start);
      tone.stop(now + start + length);
    }
  }

  title(waiting) {
    const title = words.title(waiting);
    if (document.title !== title) document.title = title;
  }

  /** For a page in the background. It names nobody: a locked screen shows it to everyone. */
  async notice() {
    if (document.visibilityState === "visible" || this.notices !== "granted") return;
    const worker = await navigator.serviceWorker.getRegistration();
    await worker?.showNotification(words.notice.title, {
      body: words.notice.body,
      tag: "alert",
      renotify: true,
      requireInteraction: true,
      icon: "icon-192.png",
    });
  }
}
