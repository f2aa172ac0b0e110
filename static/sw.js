// Keeps the app's own files for an offline start; nothing else is ever put into a cache.

const CACHE = "lfrd-shell-2"; // raise the number when a file leaves the list
const SHELL = [
  "./",
  "app.css",
  "app.js",
  "alert-acts.js",
  "alert-card.js",
  "alerts.js",
  "bars.js",
  "buttons.js",
  "connection.js",
  "device.js",
  "dom.js",
  "join.js",
  "pictures.js",
  "ready.js",
  "signal.js",
  "words.js",
  "manifest.webmanifest",
  "icon.svg",
  "icon-192.png",
].map((path) => new URL(path, self.registration.scope).href);

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(SHELL.map((url) => new Request(url, { cache: "no-cache" })))));
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

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(
    self.clients
      .matchAll({ type: "window", includeUncontrolled: true })
      .then(([open]) => (open ? open.focus() : self.clients.openWindow(self.registration.scope))),
  );
});
