// The device's key: made in this browser, never leaves it, and signs every request, so that a stolen cookie
// opens nothing. What is signed, and why, stands in lfrd/web/proof.py.
//
// A page without a secure context (plain HTTP to another machine) has no WebCrypto: then there is no key, no
// header is sent, and the server takes the cookie alone only where it serves no TLS itself.

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };
const SIGNING = { name: "ECDSA", hash: "SHA-256" };
const HEADER = "lfrd-proof";
const TIME = "lfrd-time"; // in every answer: the server's clock, Unix milliseconds

/** @type {Promise<CryptoKeyPair | null> | null} */
let pair = null; // of this page, once asked for
let offset = 0; // the server's clock minus ours, milliseconds; set when the server says that our time is wrong

/** This device's public key for signing in (SubjectPublicKeyInfo, base64url); "" where the browser has none. */
export async function deviceKey() {
  if (!globalThis.crypto?.subtle) return "";
  let key = await kept();
  if (!key) {
    key = await crypto.subtle.generateKey(ALGORITHM, false, ["sign"]);
    await keep(key);
    pair = Promise.resolve(key);
  }
  return encoded(await crypto.subtle.exportKey("spki", key.publicKey));
}

/** Forget the key: after signing out, so that the next officer's session has another one. */
export async function forgetDevice() {
  pair = null;
  await keep(null);
}

/**
 * The proof for one request, "" without a key. `path` as it is sent, with its query; a WebSocket's method is WS.
 * @param {string} method  @param {string} path
 */
export async function proved(method, path) {
  const key = await kept();
  if (!key) return "";
  const milliseconds = Date.now() + offset;
  const nonce = encoded(crypto.getRandomValues(new Uint8Array(16)));
  const text = new TextEncoder().encode(["lfrd-proof-1", method, path, milliseconds, nonce].join("\n"));
  const signature = await crypto.subtle.sign(SIGNING, key.privateKey, text);
  return `${milliseconds}.${nonce}.${encoded(signature)}`;
}

/**
 * `fetch` with the cookie and a proof. A device whose clock is wrong takes the server's time and tries once more.
 * @param {string | URL} address  @param {RequestInit} [options]
 */
export async function provedFetch(address, options = {}) {
  const url = new URL(address, location.href);
  const method = (options.method ?? "GET").toUpperCase();
  const ask = async () => {
    const headers = new Headers(options.headers);
    const proof = await proved(method, url.pathname + url.search);
    if (proof) headers.set(HEADER, proof);
    return fetch(url, { credentials: "same-origin", cache: "no-store", ...options, headers });
  };
  const answer = await ask();
  if (answer.status !== 401 || !(await untimely(answer))) return answer;
  return ask();
}

/** Whether an answer says that our time is wrong; then the server's is taken from it. */
async function untimely(answer) {
  const { code } = await answer.clone().json().catch(() => ({}));
  const time = Number(answer.headers.get(TIME));
  if (code !== "proof_time" || !time) return false;
  offset = time - Date.now();
  return true;
}

// ---- where the key stays: IndexedDB holds it as an object that nothing can read the private part of ----

function kept() {
  pair ??= stored("readonly", (store) => store.get("key")).then((key) => key ?? null, () => null);
  return pair;
}

/** A browser that keeps nothing (a private window) has the key until the page is closed. */
async function keep(key) {
  await stored("readwrite", (store) => (key ? store.put(key, "key") : store.delete("key"))).catch(() => {});
}

/** @param {IDBTransactionMode} mode  @param {(store: IDBObjectStore) => IDBRequest} work */
function stored(mode, work) {
  return new Promise((resolve, reject) => {
    if (!globalThis.indexedDB) return reject(new Error("no IndexedDB"));
    const opening = indexedDB.open("lfrd-device", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("device");
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const database = opening.result;
      const request = work(database.transaction("device", mode).objectStore("device"));
      request.transaction.oncomplete = () => resolve(request.result);
      request.transaction.onerror = () => reject(request.error);
      request.transaction.onabort = () => reject(request.error);
      database.close(); // once the transaction is over
    };
  });
}

/** @param {ArrayBuffer | Uint8Array} bytes */
function encoded(bytes) {
  const text = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
