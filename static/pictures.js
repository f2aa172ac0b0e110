// The pictures of people: fetched with the session's cookie, held in memory only, and let go of when not shown.

const PAUSES = [1, 2, 4, 8]; // seconds before the tries after the first

/** One address: `state` is "loading", "here", "missing" (may come) or "gone" (the server has deleted it). */
class Held {
  constructor(address, changed) {
    this.address = address;
    this.changed = changed;
    this.state = "loading";
    this.url = "";
    this.abort = new AbortController();
    this.timer = 0;
    this.tries = 0;
    this.load();
  }

  async load() {
    clearTimeout(this.timer);
    this.state = "loading";
    try {
      const answer = await fetch(this.address, {
        credentials: "same-origin",
        cache: "no-store",
        signal: this.abort.signal,
      });
      if (answer.status === 404 || answer.status === 410) {
        this.state = "gone";
      } else if (answer.ok) {
        const blob = await answer.blob();
        if (this.abort.signal.aborted) return;
        this.url = URL.createObjectURL(blob);
        this.state = "here";
      } else {
        throw new Error(String(answer.status));
      }
    } catch {
      if (this.abort.signal.aborted) return;
      this.state = "missing";
      const pause = PAUSES[this.tries];
      this.tries += 1;
      if (pause) this.timer = setTimeout(() => this.load(), pause * 1000);
    }
    this.changed();
  }

  drop() {
    this.abort.abort();
    clearTimeout(this.timer);
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = "";
  }
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
    for (const [address, held] of this.held) {
      if (!wanted.has(address)) {
        held.drop();
        this.held.delete(address);
      }
    }
    for (const address of wanted) {
      if (!this.held.has(address)) this.held.set(address, new Held(address, this.changed));
    }
  }

  /** {state, url} of an address; the url is valid until it is no longer kept. */
  at(address) {
    return this.held.get(address) ?? { state: "missing", url: "" };
  }

  /** Try again what has not come: the connection is back, or the officer asks. */
  retry() {
    for (const held of this.held.values()) {
      if (held.state === "missing") {
        held.tries = 0;
        held.load();
      }
    }
  }

  clear() {
    this.keep([]);
  }
}
