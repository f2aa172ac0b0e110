// <camera-preview camera="NAME" [boxes]>: one camera's live picture over WebRTC, and in words why there is none.
//
// The server blurs every face without an alert before it encodes anything. Nothing is kept here: no frame is
// drawn, recorded or stored, the picture is let go of when it ends, and the connection is closed when the
// element leaves the page or the page is hidden. Imported when a picture is first asked for, so that a page's
// first load does not carry it.

import { provedFetch } from "./device.js";
import { h } from "./dom.js";
import { previewWords as text } from "./preview-words.js";

const GATHER = 1500; // milliseconds to wait for a TURN server's address; without one there is nothing to wait for
const CONNECT = 12_000; // for the first picture
const SHAKY = 4000; // a connection may come back by itself for so long
const STILL = 3000; // without a new picture it is said
const STALE = 10_000; // and then it is begun anew
const AGAIN = [500, 1000, 2000, 4000, 8000]; // before the tries after a loss, times 0.5 to 1.5
const LATER = 4000; // before asking again where the server said no
const TOGETHER = 40; // milliseconds between a picture and its boxes on their way
const MOST_WAITING = 30; // boxes of pictures that are not shown yet: two seconds of them
const LETTERS = 13; // CSS pixels of a box's label, at the least
const STROKE = { plain: "#f4f7fb", alert: "#ffb224", under: "#05070a" };

/** The server's codes, as states. What is not here is a loss. */
const REFUSED = { not_running: "off", too_many: "full", too_often: "full", not_on_post: "post", no_codec: "codec" };
const FINAL = ["codec", "ended"]; // nothing changes these but a new page

/** Who is asked for a way round: of the box, once a page. @type {Promise<RTCIceServer[]> | null} */
let servers = null;

function iceServers() {
  servers ??= provedFetch("/api/webrtc")
    .then(async (answer) => {
      if (!answer.ok) throw new Error(String(answer.status));
      return (await answer.json()).ice_servers;
    })
    .catch((error) => {
      servers = null;
      throw error;
    });
  return servers;
}

function styled() {
  const address = new URL("preview.css", import.meta.url).href;
  if ([...document.styleSheets].some((sheet) => sheet.href === address)) return;
  if (document.head.querySelector("link[data-preview]")) return;
  document.head.append(h("link", { rel: "stylesheet", href: address, "data-preview": true }));
}

/** The connection of one try: from the offer to the first thing that ends it, which is told once. */
class Connection {
  /**
   * @param {string} camera
   * @param {(stream: MediaStream) => void} arrived  @param {(boxes: unknown[]) => void} told
   * @param {(state: string) => void} over  why it ended: a state
   */
  constructor(camera, arrived, told, over) {
    this.camera = camera;
    this.arrived = arrived;
    this.told = told;
    this.over = over;
    this.viewer = "";
    this.closed = false;
    this.timer = 0;
    this.abort = new AbortController();
    /** @type {RTCPeerConnection | null} */
    this.peer = null;
    /** @type {RTCDataChannel | null} */
    this.channel = null;
  }

  async open() {
    if (!globalThis.RTCPeerConnection) return this.end("codec");
    this.timer = setTimeout(() => this.end("unreached"), CONNECT);
    try {
      const around = await iceServers();
      if (this.closed) return;
      const peer = new RTCPeerConnection({ iceServers: around, bundlePolicy: "max-bundle" });
      this.peer = peer;
      const { receiver } = peer.addTransceiver("video", { direction: "recvonly" });
      if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0; // now rather than smoothly
      peer.createDataChannel("", { negotiated: true, id: 0 }); // so that one for boxes can be opened at any time
      peer.addEventListener("track", ({ track }) => this.arrived(new MediaStream([track])));
      peer.addEventListener("connectionstatechange", () => this.changed());
      await peer.setLocalDescription();
      if (around.length) await gathered(peer);
      const answer = await provedFetch("/api/preview", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ camera: this.camera, sdp: peer.localDescription.sdp }),
        signal: this.abort.signal,
      });
      const said = await answer.json().catch(() => ({}));
      if (answer.ok) this.viewer = said.viewer;
      if (this.closed) return this.leave();
      if (!answer.ok) return this.end(answer.status === 401 || answer.status === 403 ? "ended" : REFUSED[said.code] ?? "lost");
      await peer.setRemoteDescription({ type: "answer", sdp: said.sdp });
      // The server's farewell is seen here at once; the connection itself takes seconds to be called lost.
      receiver.transport?.addEventListener("statechange", () => {
        if (["closed", "failed"].includes(receiver.transport.state)) this.end("lost");
      });
    } catch {
      this.end("lost");
    }
  }

  /** The first picture is there. */
  seen() {
    clearTimeout(this.timer);
  }

  changed() {
    const state = this.peer?.connectionState;
    clearTimeout(this.shaky);
    if (state === "failed" || state === "closed") this.end("lost");
    if (state === "disconnected") this.shaky = setTimeout(() => this.end("lost"), SHAKY);
  }

  /** Whether boxes are wanted, from now on. @param {boolean} wanted */
  boxes(wanted) {
    if (wanted === Boolean(this.channel) || !this.peer || this.closed) return;
    if (!wanted) {
      this.channel.close();
      this.channel = null;
      return;
    }
    const channel = this.peer.createDataChannel("boxes", { ordered: false, maxRetransmits: 0 });
    this.channel = channel;
    channel.addEventListener("message", ({ data }) => {
      if (channel === this.channel) this.told(JSON.parse(data));
    });
  }

  end(state) {
    if (this.closed) return;
    this.close();
    this.over(state);
  }

  /** Without telling anybody. */
  close() {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.timer);
    clearTimeout(this.shaky);
    if (!this.viewer) this.abort.abort();
    this.peer?.close();
    this.leave();
  }

  /** Closing has told the server already, if it could be reached; this is for where UDP goes nowhere. */
  leave() {
    if (!this.viewer) return;
    provedFetch(`/api/preview/${this.viewer}`, { method: "DELETE", keepalive: true }).catch(() => {});
    this.viewer = "";
  }
}

function gathered(peer) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, GATHER);
    peer.addEventListener("icegatheringstatechange", () => {
      if (peer.iceGatheringState !== "complete") return;
      clearTimeout(timer);
      resolve();
    });
  });
}

export class CameraPreview extends HTMLElement {
  static observedAttributes = ["camera", "boxes"];

  constructor() {
    super();
    /** @type {Connection | null} */
    this.connection = null;
    this.tries = 0;
    this.again = 0; // the timer of the next try
    this.beat = 0; // the timer that looks whether pictures still come
    this.frames = 0;
    /** @type {{at: number, boxes: unknown[]}[]} */
    this.waiting = []; // boxes whose picture is not shown yet
    this.watching = false; // whether the next picture is waited for, to draw them
    this.moved = 0; // when the last new picture came, milliseconds
    this.video = h("video", { muted: true, playsinline: true, autoplay: true, "aria-hidden": "true", tabindex: -1 });
    this.video.muted = true; // the attribute alone does not count for an element that a script has made
    this.video.disablePictureInPicture = true;
    this.video.disableRemotePlayback = true;
    this.video.addEventListener("loadeddata", () => this.began());
    this.video.addEventListener("contextmenu", (event) => event.preventDefault());
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.word = h("strong");
    this.hint = h("span");
    this.boxed = h("span"); // a page with little room leaves it out
    this.note = h("p", { class: "preview-note" }, `${text.blurred}. `, this.boxed);
    this.visibility = () => (document.hidden ? this.pause() : this.start());
    this.leaving = () => this.stop();
  }

  /** "connecting", "live", "off", "full", "post", "codec", "lost", "unreached", "ended" or "hidden". */
  get state() {
    return this.getAttribute("state") ?? "";
  }

  connectedCallback() {
    styled();
    if (!this.firstChild) {
      const state = h("p", { class: "preview-state", role: "status" }, this.word, this.hint);
      this.append(h("div", { class: "preview-view" }, this.video, this.canvas, state), this.note);
    }
    this.setAttribute("role", "figure");
    this.named();
    document.addEventListener("visibilitychange", this.visibility);
    addEventListener("pagehide", this.leaving);
    this.visibility();
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.visibility);
    removeEventListener("pagehide", this.leaving);
    this.stop();
  }

  attributeChangedCallback(name, old, now) {
    if (old === now || !this.isConnected) return;
    this.named();
    if (name === "boxes") {
      this.connection?.boxes(this.state === "live" && this.hasAttribute("boxes"));
      this.waiting = [];
      this.draw([]);
    } else {
      this.stop();
      this.visibility();
    }
  }

  named() {
    this.setAttribute("aria-label", text.name(this.getAttribute("camera") ?? ""));
    this.boxed.textContent = this.hasAttribute("boxes") ? `${text.boxes}.` : "";
  }

  // ---- the connection ---------------------------------------------------------------------------------

  start() {
    if (this.connection || !this.isConnected || FINAL.includes(this.state)) return;
    clearTimeout(this.again);
    if (this.state === "" || this.state === "hidden") this.say("connecting"); // else what was the matter stays
    this.connection = new Connection(
      this.getAttribute("camera") ?? "",
      (stream) => {
        this.video.srcObject = stream;
        this.video.play().catch(() => {}); // a tab that was hidden meanwhile
      },
      (boxes) => this.told(boxes),
      (state) => this.ended(state),
    );
    this.connection.open();
  }

  began() {
    if (!this.connection) return;
    this.connection.seen();
    this.tries = 0;
    this.frames = 0;
    this.moved = performance.now();
    clearInterval(this.beat);
    this.beat = setInterval(() => this.look(), 500);
    this.say("live");
    this.connection.boxes(this.hasAttribute("boxes"));
  }

  /** A picture that stands still must not be taken for a live one. */
  look() {
    const { totalVideoFrames } = this.video.getVideoPlaybackQuality();
    const now = performance.now();
    if (totalVideoFrames !== this.frames) {
      this.frames = totalVideoFrames;
      this.moved = now;
    }
    const still = now - this.moved;
    if (still > STALE) return this.connection?.end("lost");
    this.toggleAttribute("still", still > STILL);
    this.word.textContent = still > STILL ? text.still(still / 1000) : text.live;
    if (still > STILL) this.draw([]);
  }

  ended(state) {
    this.clear();
    const wasLive = this.state === "live";
    // After a picture that ended the reason is asked for at once: the next answer says it.
    this.say(wasLive && state === "lost" ? "connecting" : state);
    if (FINAL.includes(state)) return;
    const pause = state === "lost" ? AGAIN[Math.min(this.tries, AGAIN.length - 1)] : LATER;
    this.tries += 1;
    this.again = setTimeout(() => this.start(), pause * (0.5 + Math.random()));
  }

  pause() {
    if (FINAL.includes(this.state)) return;
    this.stop();
    this.say("hidden");
  }

  stop() {
    this.connection?.close();
    this.clear();
    this.tries = 0;
    this.removeAttribute("state");
  }

  clear() {
    this.connection = null;
    clearTimeout(this.again);
    clearInterval(this.beat);
    this.removeAttribute("still");
    this.video.srcObject = null; // the last picture goes with it
    this.waiting = [];
    this.draw([]);
  }

  say(state) {
    if (this.state === state) return;
    this.setAttribute("state", state);
    const [word, hint] = text.states[state] ?? [text.live, ""];
    this.word.textContent = word;
    this.hint.textContent = hint;
    this.dispatchEvent(new CustomEvent("state", { bubbles: true, detail: { state, message: word } }));
  }

  // ---- boxes ------------------------------------------------------------------------------------------

  /** Boxes come when their picture does, which is shown a moment later: then they are drawn, and not before. */
  told(boxes) {
    const { video } = this;
    if (!video.requestVideoFrameCallback) return this.draw(boxes);
    this.waiting.push({ at: performance.now(), boxes });
    if (this.waiting.length > MOST_WAITING) this.waiting.shift();
    if (this.watching) return;
    this.watching = true;
    const shown = (_now, { receiveTime }) => {
      if (!this.waiting.length) {
        this.watching = false;
        return;
      }
      const until = (receiveTime ?? performance.now()) + TOGETHER;
      const due = this.waiting.filter(({ at }) => at <= until);
      if (due.length) {
        this.draw(due.at(-1).boxes);
        this.waiting = this.waiting.filter(({ at }) => at > until);
      }
      video.requestVideoFrameCallback(shown);
    };
    video.requestVideoFrameCallback(shown);
  }

  /** @param {[number, number, number, number, number, boolean][]} boxes  track, x, y, width, height, alerted */
  draw(boxes) {
    const { canvas, video } = this;
    const scale = 2;
    const [wide, high] = [video.videoWidth * scale, video.videoHeight * scale];
    if (!boxes.length || !wide) {
      canvas.width = canvas.width; // clears it
      return;
    }
    if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, wide, high);
    // What stands above the picture is drawn in its pixels and seen in the page's: as large on a phone as on a wall.
    const unit = Math.max(1, wide / (canvas.clientWidth || wide));
    const size = Math.max(Math.round(high / 24), LETTERS * unit);
    pen.font = `600 ${size}px system-ui, sans-serif`;
    pen.textBaseline = "bottom";
    for (const [track, x, y, w, height, alerted] of boxes) {
      const box = [x * wide, y * high, w * wide, height * high];
      pen.setLineDash(alerted || track ? [] : [size / 2, size / 3]);
      const line = (alerted ? 3 : 1.5) * unit;
      for (const [colour, thick] of [[STROKE.under, line + 2 * unit], [alerted ? STROKE.alert : STROKE.plain, line]]) {
        pen.strokeStyle = colour;
        pen.lineWidth = thick;
        pen.strokeRect(...box);
      }
      const label = [track || "", alerted ? text.alert : ""].filter(Boolean).join(" · ");
      if (!label) continue;
      const top = Math.max(box[1] - 6, size + 2);
      pen.fillStyle = STROKE.under;
      pen.fillRect(box[0] - 3, top - size, pen.measureText(label).width + 8, size + 2);
      pen.fillStyle = alerted ? STROKE.alert : STROKE.plain;
      pen.fillText(label, box[0], top);
    }
  }
}

customElements.define("camera-preview", CameraPreview);
