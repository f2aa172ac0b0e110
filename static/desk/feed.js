// The alerts as they come: one connection for all visits to the page, and an answer to each request.

import { Connection } from "../connection.js";
import { get, Refused } from "./api.js";
import { words } from "./words.js";

const ANSWER = 8000; // ms until a request without an answer is given up

/** @type {{welcome: Function, state?: Function, event: Function, caughtUp: Function, change: Function, ended: Function} | null} */
let on = null; // the page on screen
let connection = null; // made once: it listens to the browser's network for good
const refusals = new Map(); // by alert: how to tell the request that waits that it was refused

const problem = (message, code = "") => new Refused(0, { code, message });

/** Why this session does not serve any more, "" while it may. */
const session = () => get("/api/desk/me").then(() => "", ({ status, code }) => (status !== 401 ? "" : code === "session" ? "revoked" : "unproven"));

/** @param {typeof on} handlers  each is called until `close` */
export function open(handlers) {
  on = handlers;
  connection ??= new Connection({
    welcome: (welcome, anew) => on?.welcome(welcome, anew),
    state: (state) => on?.state?.(state),
    event: (event) => on?.event(event),
    refused: ({ alert, message, code }) => refusals.get(alert)?.(problem(message, code)),
    caughtUp: () => on?.caughtUp(),
    change: () => on?.change(connection.phase),
    ended: (why) => on?.ended(why),
    session,
  });
  connection.start();
}

export function close() {
  on = null;
  connection?.stop();
}

/** Send a request about an alert, as wire.py has it. Rejects with the server's refusal. */
export function send(message) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => settle(reject, problem(words.alerts.noAnswer)), ANSWER);
    const settle = (how, value) => {
      clearTimeout(late);
      refusals.delete(message.alert);
      how(value);
    };
    refusals.set(message.alert, (refused) => settle(reject, refused));
    if (!connection.send(message, () => settle(resolve, true))) settle(reject, problem(words.alerts.offline));
  });
}
