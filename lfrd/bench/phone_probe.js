// Put into the officer's page before its own scripts: notes when an alert comes over the WebSocket, when its
// pictures have been fetched, and when both are painted, all in Unix milliseconds by the browser's clock.
//
// Painted is what the browser says of the card's two pictures by Element Timing: the time at which the frame
// that first shows them was presented. Only an alert that finds no other card open is measured: one that
// arrives beside another waits for a thumb, by design.

(() => {
  const now = () => performance.timeOrigin + performance.now();
  const measured = []; // one record an alert, until taken
  let open = null; // the alert whose pictures are awaited
  let came = 0; // alerts so far, those beside another card included
  let interactive = 0; // when the form had the focus

  const Plain = globalThis.WebSocket;
  globalThis.WebSocket = class extends Plain {
    constructor(...address) {
      super(...address);
      this.addEventListener("message", ({ data }) => heard(data, now()));
    }
  };

  function heard(data, at) {
    if (!data.startsWith('{"type":"event"')) return;
    const { what, alert } = JSON.parse(data);
    if (what !== "alert") return;
    came += 1;
    if (open || !document.getElementById("card").hidden) return;
    const { id, seen_at, created_at, probe, candidate } = alert;
    open = { alert: id, seen_at, created_at, received: at, wanted: [probe, candidate], fetched: 0, painted: {} };
  }

  const observe = (type, note) => new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({ type });

  observe("resource", (entry) => {
    if (!open?.wanted.some((address) => entry.name.endsWith(address))) return;
    open.fetched = Math.max(open.fetched, performance.timeOrigin + entry.responseEnd);
  });

  observe("element", ({ identifier, renderTime }) => {
    const at = performance.timeOrigin + renderTime;
    if (!open || renderTime === 0 || at < open.received) return;
    open.painted[identifier] ??= at;
    const { live, list } = open.painted;
    if (!live || !list) return;
    const { wanted, painted, ...record } = open;
    open = null;
    // A fetch may be reported behind the paint that needed it.
    const fetched = () => Math.max(record.fetched, ...performance.getEntriesByType("resource")
      .filter(({ name }) => wanted.some((address) => name.endsWith(address)))
      .map(({ responseEnd }) => performance.timeOrigin + responseEnd));
    measured.push({ ...record, fetched: fetched(), painted: Math.max(live, list) });
    performance.clearResourceTimings();
  });

  new MutationObserver(() => {
    for (const side of ["live", "list"]) {
      const picture = document.querySelector(`#card figure.${side} img`);
      if (picture && !picture.hasAttribute("elementtiming")) picture.setAttribute("elementtiming", side);
    }
  }).observe(document, { childList: true, subtree: true });

  addEventListener("focusin", () => (interactive ||= now()), { once: true });

  globalThis.lfrdBench = {
    now,
    take: () => measured.splice(0),
    seen: () => ({ came, open: open !== null }),
    drop: () => (open = null),
    load: () => interactive - performance.timeOrigin,
  };
})();
