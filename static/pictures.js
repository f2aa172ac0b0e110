// The pictures of people: fetched with the device's proof, held in memory only, and let go of when not shown.

import { provedFetch } from "./device.js";

const PAUSES = [1, 2, 4, 8]; // seconds before the tries after the first

/** What has come is no picture, or a part of one. */
class Broken extends Error {}

/** One address: `state` is "loading", "here", "missing" (may come), "broken" (came, and cannot be shown) or "gone"
 * (the server has deleted it). */
class Held {
  /** @param {string} shown  an earlier version's object URL, to show until this one has come */
  constructor(address, changed, shown = "") {
    this.address = address;
    this.changed = changed;
    this.state = shown ? "here" : "loading";
    this.url = shown;
    this.abort = new AbortController();
    this.timer = 0;
    this.tries = 0;
    this.load();
  }

  async load() {
    clearTimeout(this.timer);
    if (!this.url) this.state = "loading";
    try {
      const answer = await provedFetch(this.address, { signal: this.abort.signal });
      if (answer.status === 404 || answer.status === 410) {
        this.#let();
        this.state = "gone";
      } else if (answer.ok) {
        const blob = await answer.blob();
        if (this.abort.signal.aborted) return;
        if (!isWhole(answer, blob)) throw new Broken();
        this.#let();
        this.url = URL.createObjectURL(blob);
        this.state = "here";
      } else {
        throw new Error(String(answer.status));
      }
    } catch (problem) {
      if (this.abort.signal.aborted) return;
      if (!this.url) this.state = problem instanceof Broken ? "broken" : "missing";
      this.#later();
    }
    this.changed();
  }

  /** The browser could not show it. */
  refuse() {
    this.#let();
    this.state = "broken";
    this.#later();
    this.changed();
  }

  #later() {
    clearTimeout(this.timer);
    const pause = PAUSES[this.tries];
    this.tries += 1;
    if (pause) this.timer = setTimeout(() => this.load(), pause * 1000);
  }

  #let() {
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = "";
  }

  /** Give the object URL away: from now on it is the taker's to revoke. */
  hand() {
    const { url } = this;
    this.url = "";
    return url;
  }

  drop() {
    this.abort.abort();
    clearTimeout(this.timer);
    this.#let();
  }
}

/** An answer that broke off inside its headers has no body and perhaps no length, and browsers take it for whole. */
function isWhole(answer, blob) {
  const declared = answer.headers.get("content-length");
  return blob.size > 0 && blob.type.startsWith("image/") && (declared === null || blob.size === Number(declared));
}

export class Pictures {
  /** @param {() => void} changed  a picture has come, or will not */
  constructor(changed) {
    this.changed = changed;
    /** @type {Map<string, Held>} */
    this.held = new Map(); // by address; at most two for each alert that is waiting, taken or in front
  }

  /** Hold exactly these addresses: ask for the new ones now, revoke the others. */
  keep(addresses) {
    const wanted = new Set(addresses);
    const earlier = new Map(); // versions of one picture differ behind the question mark
    for (const [address, held] of this.held) {
      if (wanted.has(address)) continue;
      earlier.get(address.split("?")[0])?.drop();
      earlier.set(address.split("?")[0], held);
      this.held.delete(address);
    }
    for (const address of wanted) {
      if (this.held.has(address)) continue;
      const old = earlier.get(address.split("?")[0]);
      this.held.set(address, new Held(address, this.changed, old?.hand()));
    }
    for (const held of earlier.values()) held.drop();
  }

  /** {state, url} of an address; the url is valid until it is no longer kept. */
  at(address) {
    return this.held.get(address) ?? { state: "missing", url: "" };
  }

  /** Try again what has not come: the connection is back, or the officer asks. */
  retry() {
    for (const held of this.held.values()) {
      if (held.state === "missing" || held.state === "broken") {
        held.tries = 0;
        held.load();
      }
    }
  }

  /** An <img> could not show this object URL: perhaps the answer broke off. */
  refuse(url) {
    for (const held of this.held.values()) if (held.url && held.url === url) held.refuse();
  }

  clear() {
    this.keep([]);
  }
}
