// Keeps the app's own files for an offline start, and wakes the officer; nothing else is ever put into a cache.

const CACHE = "lfrd-shell-3"; // raise the number when a file leaves the list
const SHELL = [
  "./",
  "app.css",
  "alert-acts.js",
  "alert-card.js",
  "alert-list.js",
  "alerts.js",
  "app.js",
  "bars.js",
  "blue-list.js",
  "buttons.js",
  "camera-list.js",
  "connection.js",
  "device.js",
  "dom.js",
  "join.js",
  "live-glance.js",
  "live-picture.js",
  "look.js",
  "pair.js",
  "pictures.js",
  "ready.js",
  "signal.js",
  "wake-ups.js",
  "words.js",
  "zoom.js",
  "manifest.webmanifest",
  "icon.svg",
  "icon-192.png",
].map((path) => new URL(path, self.registration.scope).href);

const TAG = "alert"; // one notification at the most, the page's own among them
const TEXTS = {
  // By language. Not in words.js: a push message starts this file alone.
  en: { title: "Something needs you", body: "Open lfrd." },
};
const TEXT = TEXTS[self.navigator.language.split("-")[0]] ?? TEXTS.en;

self.addEventListener("install", (event) => {
  self.skipWaiting();
  // From the browser's own cache: the page has asked the server for each of these a moment ago.
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(SHELL.map((url) => new Request(url, { cache: "force-cache" })))));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

// The network first, so that an update is seen at once. Sessions, pictures and the socket are not touched.
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = request.url.replace(/[?#].*$/, "");
  if (request.method !== "GET" || !SHELL.includes(address)) return;
  event.respondWith(
    fetch(request).then(
      (answer) => {
        if (answer.ok && !answer.redirected) {
          const copy = answer.clone();
          event.waitUntil(caches.open(CACHE).then((cache) => cache.put(address, copy)));
        }
        return answer;
      },
      () => caches.match(address).then((kept) => kept ?? Response.error()),
    ),
  );
});

// ---- waking the officer: the message is empty, and so is what the locked screen shows ----

self.addEventListener("push", (event) => event.waitUntil(woken()));

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(
    pages().then(([open]) => {
      open?.postMessage({ type: "woken" });
      return open ? open.focus() : self.clients.openWindow(self.registration.scope);
    }),
  );
});

// The browser has another address for this phone. Only the page can tell the server, which wants each request
// signed by the device's key: the officer is called to open it.
self.addEventListener("pushsubscriptionchange", (event) => {
  const applicationServerKey = event.oldSubscription?.options?.applicationServerKey;
  const anew =
    !event.newSubscription && applicationServerKey
      ? self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey }).catch(() => {})
      : Promise.resolve();
  event.waitUntil(anew.then(woken));
});

/** Our officers' pages that are open, not the desk's. */
async function pages() {
  const all = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  return all.filter(({ url }) => url.replace(/[?#].*$/, "") === self.registration.scope);
}

/**
 * Browsers want a notification for every wake-up: WebKit takes the permission away from pages that show none.
 * So one is shown also where the page is in view, without a sound, and taken away again.
 */
async function woken() {
  const open = await pages();
  for (const page of open) page.postMessage({ type: "woken" });
  const seen = open.some((page) => page.visibilityState === "visible" && page.focused);
  await self.registration.showNotification(TEXT.title, {
    body: TEXT.body,
    tag: TAG,
    icon: "icon-192.png",
    silent: seen,
    renotify: !seen,
    requireInteraction: !seen,
  });
  if (seen) for (const notice of await self.registration.getNotifications({ tag: TAG })) notice.close();
}
