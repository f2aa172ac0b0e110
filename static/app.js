// The officer's phone: brings connection, alerts, pictures, signals and screens together.

import { AlertBook } from "./alerts.js";
import { AlertCard } from "./alert-card.js";
import { Bars } from "./bars.js";
import { Connection } from "./connection.js";
import { forgetDevice, provedFetch } from "./device.js";
import { say } from "./dom.js";
import { showDesk, showElsewhere, showJoin, takeCode } from "./join.js";
import { isNight, look } from "./look.js";
import { Pictures } from "./pictures.js";
import { ReadyScreen } from "./ready.js";
import { Signal } from "./signal.js";
import { sentence, words } from "./words.js";

const PATIENCE = 5000; // milliseconds that a request over an open connection may stay unanswered
const LINGER = 2500; // milliseconds that 'Closed: ...' stands before the card goes by itself
const SETTLE = 250; // milliseconds that an event may come behind the word that its request has been carried out

const place = (id) => document.getElementById(id);

class App {
  constructor() {
    this.officer = "";
    this.role = "";
    this.invitation = ""; // the code of an invitation that was opened here and has not been used
    this.signedIn = false; // a session is believed to stand, and the ready screen is shown
    this.welcome = null; // the server's last welcome
    this.state = null; // its last state, of this connection
    this.wanted = null; // whether the officer means to be on post; null until the server or a touch has said
    this.settled = false; // the backlog of this connection is on screen, so what rings now is news
    this.assertedOn = 0; // the connection over which the post was last taken without a touch
    this.leaving = false; // the officer is signing out: that the session ends is no news
    this.toldLost = false; // the officer has heard that the link is gone
    this.wakeUps = null; // loaded once a session stands: the first screen does not wait for it
    this.announced = new Set(); // ids of alerts that have been called out
    this.waits = new Set(); // timers that know an alert
    this.book = new AlertBook();
    this.pictures = new Pictures(() => this.refresh());
    this.signal = new Signal(() => this.refresh());
    this.ready = new ReadyScreen(place("screen"), {
      go: () => this.post(true),
      leave: () => this.post(false),
      signOut: () => this.signOut(),
      open: (id) => this.show(id),
      test: () => this.signal.test(),
    });
    this.card = new AlertCard(place("card"), this.pictures, {
      request: (request) => this.request(request),
      silence: () => this.silence(),
      aside: () => this.aside(),
      close: () => this.close(),
      show: (id) => this.show(id),
      load: () => this.load(),
    });
    this.connection = new Connection({
      welcome: (message, anew) => this.welcomed(message, anew),
      state: (message) => this.stated(message),
      event: (message) => this.happened(message),
      refused: (message) => this.refused(message),
      caughtUp: () => this.caughtUp(),
      change: () => this.linkChanged(),
      ended: (why) => this.ended(why),
      session: () => this.session(),
    });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") for (const view of [this.ready.cameras, this.card.glance]) view.close();
      this.assertedOn = 0;
      this.#standReady();
    });
    addEventListener("hashchange", () => this.opened());
    this.bars = new Bars(place("bars"), this.connection, this.signal, {
      stay: () => this.decline(),
      swap: () => this.signOut(),
    });
    setInterval(() => this.tick(), 1000);
  }

  async begin() {
    this.invitation = takeCode() || this.invitation;
    const problem = await this.session();
    if (problem) this.join(this.invitation || problem !== "unproven" ? "" : words.join.unproven);
    else this.enter();
  }

  /** An invitation was opened in the tab that this page stands in. It never takes the place of a session by itself. */
  opened() {
    this.invitation = takeCode() || this.invitation;
    if (!this.invitation) return;
    if (this.officer) this.#offer();
    else this.begin();
  }

  decline() {
    this.invitation = "";
    say(place("polite"), "");
    this.refresh();
  }

  #offer() {
    this.refresh();
    if (this.invitation && this.officer) say(place("polite"), words.bar.invited(this.officer));
  }

  /** "" where the session stands, or nobody can be asked; otherwise why it does not serve: see Connection. */
  async session() {
    try {
      const answer = await provedFetch("api/me");
      if (answer.ok) ({ officer: this.officer, role: this.role } = await answer.json());
      else if (answer.status === 401) return (await answer.json()).code === "session" ? "revoked" : "unproven";
      else if (answer.status === 403) return "revoked";
    } catch {
      // No network: the connection's bar says so.
    }
    return "";
  }

  join(message) {
    this.forget();
    const code = this.invitation;
    if (this.signal.notices === "granted") this.#wakeUps((wakeUps) => wakeUps.forget());
    showJoin(place("screen"), code, message, ({ officer, role }) => {
      if (this.invitation === code) this.invitation = ""; // else another one was opened meanwhile
      this.officer = officer;
      this.role = role;
      this.enter();
    });
    this.refresh();
  }

  enter() {
    if (this.role && this.role !== "engagement") {
      showDesk(place("screen"), this.role);
      this.#offer();
      return;
    }
    this.signedIn = true;
    this.book.officer = this.officer;
    this.ready.show();
    this.connection.start();
    this.#offer();
  }

  /** Nothing of the session stays: no picture, no alert, no place in the log. */
  forget() {
    this.signedIn = false;
    this.connection.stop();
    this.book.clear();
    this.pictures.clear();
    this.announced.clear();
    this.card.hide();
    this.ready.clear();
    for (const timer of this.waits) clearTimeout(timer);
    this.waits.clear();
    this.#hush();
    this.officer = this.role = "";
    this.welcome = this.state = this.wanted = null;
    this.signal.onPost(false);
  }

  #hush() {
    for (const region of ["polite", "urgent"]) say(place(region), "");
  }

  async signOut() {
    this.post(false);
    this.leaving = true;
    try {
      const answer = await provedFetch("api/leave", { method: "POST" });
      if (!answer.ok && answer.status !== 401) throw new Error(String(answer.status));
    } catch {
      this.bars.fail(words.ready.signOutFailed, false);
      return;
    } finally {
      this.leaving = false;
    }
    await forgetDevice();
    this.bars.mend();
    this.join(words.join.left);
  }

  // ---- from the server ----------------------------------------------------------------------------------

  welcomed(message, anew) {
    if (anew) {
      this.book.clear();
      this.pictures.clear();
      this.announced.clear();
    }
    this.welcome = message;
    this.state = null;
    this.settled = false;
    this.officer = this.book.officer = message.officer;
  }

  stated(message) {
    this.state = message;
    this.wanted ??= message.on_post;
    this.#standReady();
    this.signal.onPost(Boolean(this.wanted));
    this.#resend();
    this.refresh();
  }

  /** The post lapsed while this phone was out of reach or asleep: take it again, once the officer can look. */
  #standReady() {
    if (!this.wanted || !this.state || this.onPost || document.visibilityState === "hidden") return;
    if (this.connection.link !== this.assertedOn && this.connection.send({ type: "on_post" })) {
      this.assertedOn = this.connection.link;
    }
  }

  /** What a cut left without an answer, and what the backlog does not show as done, goes out again: the server
   * takes a request once, however often it comes. */
  #resend() {
    if (!this.settled || !this.onPost) return;
    for (const entry of this.book.unsent()) {
      if (entry.sending.link !== this.connection.link) this.#send(entry, entry.sending);
    }
  }

  happened(event) {
    const { book } = this;
    const { what, alert } = event;
    const asked = book.entries.get(alert.id)?.sending;
    book.apply(event, this.connection.now());
    if (what === "erased") {
      this.announced.delete(alert.id);
      this.#hush(); // what is read out names a place and an alert
    }
    if (what === "escalated") this.announced.delete(alert.id);
    const entry = book.entries.get(alert.id);
    if (entry && asked && !entry.sending && asked.then) this.#send(entry, { type: asked.then });
    this.refresh();
    if (what === "closed" && asked?.type === "close") {
      this.#later(LINGER, () => book.front === alert.id && !this.card.asking && this.close());
    }
  }

  refused({ code, message, alert }) {
    const entry = this.book.entries.get(alert);
    if (code === "protocol") this.bars.fail(words.bar.protocol, true);
    else if (entry) {
      entry.sending = null;
      entry.notice = sentence(message);
      if (code === "same_reviewer") entry.reviewed = true;
    }
    this.refresh();
  }

  caughtUp() {
    this.settled = true;
    this.#resend();
    this.refresh();
  }

  linkChanged() {
    if (this.connection.open) {
      this.pictures.retry();
      this.#wakeUps((wakeUps) => wakeUps.look());
      if (this.toldLost) say(place("polite"), words.bar.back);
      this.toldLost = false;
    } else {
      this.settled = false;
      this.book.disconnected();
      if (this.connection.phase === "lost" && this.wanted && !this.toldLost) {
        this.toldLost = true;
        this.signal.lost();
        say(place("urgent"), words.bar.lostSpoken);
      }
    }
    this.refresh();
  }

  /** @param {(wakeUps: import("./wake-ups.js").WakeUps) => Promise<void>} work */
  async #wakeUps(work) {
    try {
      const { WakeUps } = await import("./wake-ups.js");
      this.wakeUps ??= new WakeUps(this.ready.wakeUps, () => this.connection.doubt());
      await work(this.wakeUps);
    } catch {
      // It could not be loaded: the next connection tries again.
    }
  }

  ended(why) {
    if (this.leaving) return;
    if (why === "unproven") {
      this.join(words.join.unproven);
    } else if (why === "revoked") {
      this.join(this.signedIn && this.welcome ? words.join.revoked : "");
    } else {
      this.forget();
      showElsewhere(place("screen"), () => this.begin());
      this.refresh();
    }
  }

  // ---- from the officer ---------------------------------------------------------------------------------

  post(wanted) {
    this.wanted = wanted;
    if (wanted) this.signal.unlock();
    this.signal.onPost(wanted);
    this.connection.send({ type: wanted ? "on_post" : "off_post" });
    this.refresh();
  }

  request(request) {
    const entry = this.book.current;
    if (entry) this.#send(entry, request);
    this.refresh();
  }

  silence() {
    for (const entry of this.book.ringing()) entry.silenced = true;
    this.refresh();
  }

  aside() {
    const entry = this.book.current;
    if (entry) entry.aside = true;
    this.close();
  }

  close() {
    this.book.close();
    this.refresh();
  }

  /** Pictures that have not come, or went when their alert's time was over. */
  load() {
    const { current } = this.book;
    if (current?.expired) current.looking = true;
    this.pictures.retry();
    this.refresh();
  }

  show(id) {
    this.book.show(id);
    this.refresh();
  }

  #send(entry, request) {
    const { link, then, ...message } = request;
    const sending = { ...message, then, link: this.connection.link };
    entry.sending = sending;
    entry.notice = "";
    const later = (wait, f) => this.#later(wait, () => entry.sending === sending && this.connection.open && (f(), this.refresh()));
    const done = () => later(SETTLE, () => this.book.settle(entry));
    if (this.connection.send({ ...message, alert: entry.alert.id }, done)) {
      later(PATIENCE, () => {
        if (this.connection.link !== sending.link) return; // it has gone out again
        entry.sending = null;
        entry.notice = words.act.slow;
      });
    } else {
      sending.link = 0; // of no connection: it goes out with the next
      if (["claim", "release"].includes(message.type)) entry.sending = null;
    }
  }

  /** What is still waited for when the session ends is forgotten with it. */
  #later(wait, f) {
    const timer = setTimeout(() => {
      this.waits.delete(timer);
      f();
    }, wait);
    this.waits.add(timer);
  }

  // ---- to the screen ------------------------------------------------------------------------------------

  get onPost() {
    return Boolean(this.state?.on_post);
  }

  /** Bring the page in line with what is known. Synchronous: an event is receipted after it. */
  refresh() {
    const { book, connection } = this;
    if (this.onPost && this.settled) book.choose(); // not what the backlog first tells, and then that it is over
    this.pictures.keep(book.pictured().flatMap(({ alert }) => [alert.probe, alert.candidate]));
    if (this.signedIn) {
      this.ready.update({
        welcome: this.welcome,
        state: this.state,
        online: connection.open,
        now: connection.now(),
        wanted: this.wanted,
        officer: this.officer,
        book,
        signal: this.signal,
      });
    }
    const front = book.current;
    const modal = Boolean(this.signedIn && front);
    if (modal) {
      this.ready.cameras.close();
      this.card.update(front, {
        standing: book.standing(front),
        others: book.others(),
        online: connection.open,
        onPost: this.onPost,
        cameras: this.state?.cameras ?? [],
        officer: this.officer,
        now: connection.now(),
      });
    } else if (this.card.shown) {
      this.card.hide();
      place("screen").querySelector("h1")?.setAttribute("tabindex", "-1");
      place("screen").querySelector("h1")?.focus();
    }
    place("screen").inert = modal;
    this.#alarm();
    this.bars.update({ signedIn: this.signedIn, onPost: this.onPost, degraded: this.state?.degraded ?? "", invited: this.#invited() });
    this.tick();
  }

  /** Who is signed in where an invitation waits, and whether an alert is to be finished before it can be used. */
  #invited() {
    if (!this.invitation || !this.officer) return null;
    const { book } = this;
    return { officer: this.officer, busy: Boolean(book.current) || book.busy() || book.unfinished().length > 0 };
  }

  #alarm() {
    const { book, signal } = this;
    const ringing = this.signedIn && this.onPost && this.settled ? book.ringing() : [];
    const busy = book.busy();
    const news = ringing.filter(({ alert }) => !this.announced.has(alert.id));
    for (const { alert } of news) this.announced.add(alert.id);
    signal.title(this.signedIn ? book.waiting().length : 0);
    signal.ring(ringing.length > 0 && !busy);
    if (news.length) {
      const { blue, escalated, camera } = news[0].alert;
      const { spoken, spokenBlue, spokenEscalated } = words.alert;
      say(place("urgent"), (blue ? spokenBlue : escalated ? spokenEscalated : spoken)(camera));
      signal.notice();
      if (busy) signal.call();
    }
  }

  /** What changes by itself: ages and silences. */
  tick() {
    const { connection } = this;
    if (this.book.age(connection.now())) {
      say(place("polite"), this.book.current?.expired ? words.alert.expired : "");
      this.refresh();
    }
    if (document.visibilityState === "hidden") return; // nobody looks: paint nothing
    this.bars.tick();
    this.ready.tick(connection.silence(), connection.now());
    this.card.tick(connection.now());
  }
}

document.documentElement.lang = words.locale;
look(isNight());

const app = new App();

addEventListener("error", () => app.bars.fail(words.fault, true));
addEventListener("unhandledrejection", () => app.bars.fail(words.fault, true));

app.begin();
if ("serviceWorker" in navigator) {
  navigator.serviceWorker.register("sw.js", { updateViaCache: "none" }).catch(() => {
    // Not a secure context, or not allowed: the page works without being installed.
  });
}
