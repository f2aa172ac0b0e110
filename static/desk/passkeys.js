// Passkeys (WebAuthn): what the browser does between the server's options and its check.

import { deviceKey } from "../device.js";
import { post } from "./api.js";

/** Whether this browser can read the server's options; only over HTTPS, or on this machine. */
export const passkeysWork = () => Boolean(globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON);

/** Rejects with a DOMException where the person declines or the time is over. */
export async function signInByPasskey() {
  const options = await post("/api/passkeys/challenge");
  const credential = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  await post("/api/passkeys/sign-in", { credential: credential.toJSON(), device_key: await deviceKey() });
}

/** @param {string} password  the person's own, given again */
export async function addPasskey(password) {
  const options = await post("/api/passkeys/new", { password });
  const credential = await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
  await post("/api/passkeys", { credential: credential.toJSON() });
}
