// This device's own camera: opened as large as the box asks for, named in words where it fails, kept awake.

/** Why the camera is not to be had, as a key of words.fault. */
export class NoPicture extends Error {
  constructor(fault) {
    super(fault);
    this.fault = fault;
  }
}

/**
 * The picture of one lens. Rejects with NoPicture.
 * @param {string} device  "" for the one that looks away from whoever holds the phone
 * @param {{width: number, height: number, fps: number}} wanted
 */
export async function openLens(device, { width, height, fps }) {
  if (!globalThis.isSecureContext || !navigator.mediaDevices) throw new NoPicture("insecure");
  const lens = device ? { deviceId: { exact: device } } : { facingMode: { ideal: "environment" } };
  const size = { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: fps } };
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { ...lens, ...size } });
    const [track] = stream.getVideoTracks();
    // Faces are small: rather fewer pictures than softer ones.
    if ("contentHint" in track) track.contentHint = "detail";
    return stream;
  } catch (error) {
    throw new NoPicture(["NotAllowedError", "NotFoundError", "NotReadableError", "OverconstrainedError"].includes(error.name) ? error.name : "other");
  }
}

/** What there is to choose from; browsers tell it once the camera may be used. @returns {Promise<[string, string][]>} */
export async function lenses(nameless) {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  const seeing = devices.filter((device) => device.kind === "videoinput" && device.deviceId);
  return seeing.map((device, at) => [device.deviceId, device.label || nameless(at + 1)]);
}

/** Keeps the screen on, for a phone whose screen goes dark sends no picture. Returns what lets it sleep again. */
export function awake() {
  let lock = null;
  let wanted = true;
  const ask = async () => {
    if (!wanted || document.visibilityState !== "visible" || !navigator.wakeLock) return;
    try {
      const got = await navigator.wakeLock.request("screen");
      if (wanted) lock = got;
      else got.release();
    } catch {
      lock = null; // a low battery: the phone's decision
    }
  };
  document.addEventListener("visibilitychange", ask);
  ask();
  return () => {
    wanted = false;
    document.removeEventListener("visibilitychange", ask);
    lock?.release();
  };
}
