// What the page does by itself waits for the finger: nothing is built anew while something is being pressed.

const SETTLES = 400; // ms after a list has moved in which a press may have been meant for what stood there before

let pressing = false;
const waiting = new Map(); // by name: what is to be painted once the finger is up

const release = () => {
  pressing = false;
  // After the click that follows: it belongs to what was pressed.
  setTimeout(() => {
    if (pressing) return;
    for (const [name, paint] of [...waiting]) {
      waiting.delete(name);
      paint();
    }
  }, 0);
};
addEventListener("pointerdown", () => (pressing = true), true);
addEventListener("pointerup", release, true);
addEventListener("pointercancel", release, true);
addEventListener("blur", release);

/** Paint now, or once nothing is pressed; of several with one name only the newest. */
export function calm(name, paint) {
  if (pressing) waiting.set(name, paint);
  else paint();
}

/** Let go of what waits: the page that asked for it has been left. */
export const forget = () => waiting.clear();

/** Presses on a list that may move under the pointer. */
export class Settled {
  #order = "";
  #at = -Infinity;

  /** @param {string[]} order  what the list shows now, from top to bottom  @param {boolean} live  false while it
   * is still being filled: then nobody has aimed at anything yet */
  shows(order, live) {
    const now = order.join(" ");
    // What is added at the end moves nothing.
    if (live && !now.startsWith(this.#order)) this.#at = performance.now();
    this.#order = now;
  }

  /** Whether a press can have been meant for what it met. A key's "click" has no detail. @param {MouseEvent} event */
  meant(event) {
    return event.detail === 0 || performance.now() - this.#at > SETTLES;
  }
}
