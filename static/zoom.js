// How far two pictures are magnified, and which part of them is seen: one magnification for both, so that the
// same part of each face is compared. Arithmetic of the fingers; no page.

const MOST = 6; // times; beyond it a face of this size shows only its blocks
const SLIP = 8; // CSS pixels that a tapping thumb may move; beyond them it drags

/** `x` and `y`: how far the pictures' middle lies from the frame's, in shares of the frame's width and height. */
export class Zoom {
  constructor() {
    this.reset();
  }

  reset() {
    this.scale = 1;
    this.x = this.y = 0;
  }

  /** The whole pictures are seen. */
  get whole() {
    return this.scale === 1;
  }

  get transform() {
    return this.whole ? "none" : `translate(${this.x * 100}%, ${this.y * 100}%) scale(${this.scale})`;
  }

  /** Magnify about a point that stays where it is; shares of the frame from its middle, -0.5 to 0.5. */
  by(factor, atX = 0, atY = 0) {
    const scale = Math.min(MOST, Math.max(1, this.scale * factor));
    const grown = scale / this.scale;
    this.scale = scale;
    this.x = atX - (atX - this.x) * grown;
    this.y = atY - (atY - this.y) * grown;
    this.#hold();
  }

  /** In shares of the frame; never so far that the picture leaves it. */
  move(x, y) {
    this.x += x;
    this.y += y;
    this.#hold();
  }

  #hold() {
    const room = (this.scale - 1) / 2;
    this.x = Math.min(room, Math.max(-room, this.x));
    this.y = Math.min(room, Math.max(-room, this.y));
  }
}

/** Fingers, or a mouse, upon frames: two of them magnify, one moves what is magnified, and a tap is left alone. */
export class Fingers {
  /**
   * @param {HTMLElement} place  @param {Zoom} zoom
   * @param {(event: PointerEvent) => DOMRect | null} frame  that of the picture under the finger
   * @param {() => void} changed
   */
  constructor(place, zoom, frame, changed) {
    this.zoom = zoom;
    this.frame = frame;
    this.changed = changed;
    this.down = new Map(); // fingers on the glass, by pointer: {x, y} in CSS pixels
    this.start = null; // where the first of them came down, with its frame
    this.dragged = false; // they have moved since: what the browser then calls a click is none
    place.addEventListener("pointerdown", (event) => this.#came(event));
    place.addEventListener("pointermove", (event) => this.#moved(event));
    for (const end of ["pointerup", "pointercancel", "pointerleave"]) {
      place.addEventListener(end, (event) => this.down.delete(event.pointerId));
    }
    place.addEventListener("dragstart", (event) => event.preventDefault()); // a mouse would carry the picture away
  }

  #came(event) {
    const frame = this.frame(event);
    if (!frame) return;
    if (this.down.size === 0) {
      this.start = { x: event.clientX, y: event.clientY, frame };
      this.dragged = false;
    }
    this.down.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.down.size > 1) this.dragged = true;
  }

  #moved(event) {
    const was = this.down.get(event.pointerId);
    if (!was) return;
    const is = { x: event.clientX, y: event.clientY };
    const { start, zoom } = this;
    if (Math.hypot(is.x - start.x, is.y - start.y) > SLIP) this.dragged = true;
    if (!this.dragged) return;
    const [other] = [...this.down].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    this.down.set(event.pointerId, is);
    const { frame } = start;
    if (other) {
      const grown = Math.hypot(is.x - other.x, is.y - other.y) / Math.max(1, Math.hypot(was.x - other.x, was.y - other.y));
      const at = (a, b, edge, size) => ((a + b) / 2 - edge) / size - 0.5;
      zoom.by(grown, at(is.x, other.x, frame.left, frame.width), at(is.y, other.y, frame.top, frame.height));
      zoom.move((is.x - was.x) / 2 / frame.width, (is.y - was.y) / 2 / frame.height);
    } else {
      zoom.move((is.x - was.x) / frame.width, (is.y - was.y) / frame.height);
    }
    this.changed();
  }
}
