// Asking the server, each time with the device's proof, and one error for every refusal.

import { provedFetch } from "../device.js";

/** The server's own refusal: its one line, and what is missing where it says so. */
export class Refused extends Error {
  /** @param {number} status  @param {{code?: string, message?: string, missing?: string[]}} said */
  constructor(status, said) {
    const [message, path = ""] = (said.message ?? "").split(/ - at `\$\.?(.*)`$/); // as msgspec names a value
    super(message);
    this.status = status;
    this.code = said.code ?? "";
    this.missing = said.missing ?? [];
    this.field = path; // of the value at fault, such as "plan.name"; "" for none
  }
}

/** No answer: the network or the server is away. */
export class Unreachable extends Error {}

/** Called with the Refused when the session no longer stands. */
let ended = () => {};
export const onEnded = (listener) => (ended = listener);

async function ask(path, options = {}) {
  let answer;
  try {
    answer = await provedFetch(path, options);
  } catch {
    throw new Unreachable();
  }
  if (answer.ok) return answer;
  const refused = new Refused(answer.status, await answer.json().catch(() => ({})));
  if (answer.status === 401) ended(refused);
  throw refused;
}

export const get = async (path) => (await ask(path)).json();

/** What a page asks by itself, again and again: it does not keep an idle session alive. */
export const look = async (path) => (await ask(path, { headers: { "lfrd-background": "1" } })).json();

export async function post(path, body = {}, method = "POST") {
  const options = { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  return (await ask(path, options)).json();
}

/** A picture or a file as a Blob: an <img> or a link could not carry the device's proof. */
export const blob = async (path) => (await ask(path)).blob();

/** Hand a file to the browser's downloads. @param {Blob} content */
export function save(content, name) {
  const url = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the download has begun by then
}

/** Open a page of the server in a tab of its own, with a ticket that is good once. */
export async function openTab(path) {
  const tab = window.open("", "_blank"); // at once, while the browser still sees the click
  try {
    const { url } = await post("/api/ticket", { path });
    if (tab) {
      tab.opener = null;
      tab.location.replace(new URL(url, location.href).href);
    } else location.assign(url);
  } catch (error) {
    tab?.close();
    throw error;
  }
}
