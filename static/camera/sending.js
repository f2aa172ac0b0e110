// A picture on its way to the box: asked for, offered, sent, lost and offered again, for as long as it is wanted.
//
// The page asks the box once a second how the camera stands. Only while the box wants the picture is a connection
// offered at all; when it wants it no more the connection is closed here as well, and the page waits.

import { Unreachable, get, look, post } from "../desk/api.js";

const TICK = 1000; // ms between two looks
const USED = 60; // looks after which one counts as use: a phone that is a camera is not idle
const LEAVE = 1000; // ms at the most for saying so
const GATHER = 1500; // ms at the most for this browser's own addresses
const SETTLE = 6; // looks until a connection that does not come about is given up
const FIRST_PAUSE = 1; // s before the next try, doubled each time
const LONGEST_PAUSE = 15;
const MOST_BITS = 6_000_000; // a second; browsers would stop at 2.5 million

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Sending {
  /**
   * @param {string} camera
   * @param {MediaStream} stream
   * @param {(news: {state: string, why?: string, who?: string, seconds?: number, seen?: object, stats?: object}) => void} tell
   */
  constructor(camera, stream, tell) {
    this.camera = camera;
    this.tell = tell;
    this.stream = stream;
    this.running = true;
    this.peer = null;
    this.age = 0; // looks since the connection was offered
    this.failures = 0; // in a row
    this.until = 0; // no try before this time
    this.looks = 0;
    this.run();
  }

  /** Another lens: the same connection goes on with its picture. @param {MediaStream} stream */
  async turn(stream) {
    this.stream = stream;
    await this.peer?.getSenders()[0]?.replaceTrack(stream.getVideoTracks()[0]);
  }

  async stop() {
    this.running = false;
    // Told first, so that officers read that it was stopped and not that it was lost. Its lens is closed already.
    if (this.peer) await Promise.race([post(address(this.camera), {}, "DELETE").catch(() => {}), wait(LEAVE)]);
    this.close();
  }

  async run() {
    while (this.running) {
      try {
        await this.step();
      } catch (error) {
        if (!this.running) return;
        this.failed(error);
      }
      await wait(TICK * (0.8 + 0.4 * Math.random())); // so that phones that lost one box do not come back in step
    }
  }

  async step() {
    this.looks += 1;
    const ask = this.looks % USED ? look : get;
    const seen = (await ask("/api/camera")).cameras.find((each) => each.name === this.camera);
    if (!this.running) return;
    if (!seen?.wanted) {
      this.close();
      this.failures = 0;
      this.tell({ state: "waiting", why: seen?.why ?? "not_named" });
    } else if (seen.holder && !seen.mine) {
      this.close();
      this.tell({ state: "taken", who: seen.holder });
    } else if (!this.peer) {
      const seconds = Math.ceil((this.until - Date.now()) / 1000);
      if (seconds > 0) this.tell({ state: "failed", seconds });
      else await this.offer();
    } else await this.watch(seen);
  }

  /** A connection that is there, or on its way. */
  async watch(seen) {
    const state = this.peer.connectionState;
    this.age += 1;
    if (state === "connected" && seen.mine) {
      if (seen.arriving) this.failures = 0;
      this.tell({ state: "sending", seen, stats: await figures(this.peer) });
    } else if (state === "failed" || state === "closed" || this.age > SETTLE) {
      this.failed(new Error("not connected"));
    } else this.tell({ state: "connecting" });
  }

  async offer() {
    this.tell({ state: "connecting" });
    this.age = 0;
    const { ice_servers } = await get("/api/webrtc");
    const peer = (this.peer = new RTCPeerConnection({ iceServers: ice_servers, bundlePolicy: "max-bundle" }));
    const { sender } = peer.addTransceiver(this.stream.getVideoTracks()[0], { direction: "sendonly", streams: [this.stream] });
    await peer.setLocalDescription();
    await gathered(peer);
    const { sdp } = await post(address(this.camera), { sdp: peer.localDescription.sdp });
    if (this.peer !== peer) return; // stopped meanwhile
    await peer.setRemoteDescription({ type: "answer", sdp });
    const settings = sender.getParameters();
    for (const encoding of settings.encodings) encoding.maxBitrate = MOST_BITS;
    settings.degradationPreference = "maintain-resolution";
    await sender.setParameters(settings).catch(() => {}); // as the browser thinks best, then
  }

  failed(error) {
    this.close();
    if (error.code === "not_wanted") return this.tell({ state: "waiting", why: "" });
    if (error.code === "taken") return; // the next look says by whom
    if (error.status === 401) return; // the page shows the sign-in
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.failures) * (1 + 0.2 * Math.random());
    this.failures += 1;
    this.until = Date.now() + pause * 1000;
    this.tell({ state: error instanceof Unreachable ? "lost" : "failed", seconds: Math.ceil(pause) });
  }

  /** Whether there was a connection. */
  close() {
    const peer = this.peer;
    this.peer = null;
    peer?.close();
    return Boolean(peer);
  }
}

const address = (camera) => `/api/camera/${encodeURIComponent(camera)}`;

/** This browser's own addresses are in the offer: nothing more need be exchanged. @param {RTCPeerConnection} peer */
function gathered(peer) {
  if (peer.iceGatheringState === "complete") return undefined;
  const done = new Promise((resolve) => {
    peer.addEventListener("icegatheringstatechange", () => peer.iceGatheringState === "complete" && resolve());
  });
  return Promise.race([done, wait(GATHER)]);
}

/** What this browser knows of what it sends. @param {RTCPeerConnection} peer */
async function figures(peer) {
  const found = { limited: "none", round: null };
  for (const entry of (await peer.getStats()).values()) {
    if (entry.type === "outbound-rtp") found.limited = entry.qualityLimitationReason ?? "none";
    if (entry.type === "candidate-pair" && entry.nominated) found.round = entry.currentRoundTripTime ?? null;
  }
  return found;
}
