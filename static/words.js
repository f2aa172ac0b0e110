// Every English text that an officer can read on the phone, in one place, and the way to other languages.
//
// Another language is one file more, words-LANGUAGE.js, that exports `words` in the shape of `english` below
// (what it leaves out stays English), and its name in OTHERS. No other file of the phone's holds a word that is
// shown, but for preview-words.js, which the desk shares, and sw.js, which a wake-up starts alone.

/** "4 s", "3 min", "2 h": whole units, never negative. @param {number} seconds */
export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 100) return words.units.s(whole);
  if (whole < 6000) return words.units.min(Math.floor(whole / 60));
  return words.units.h(Math.floor(whole / 3600));
}

/** @param {number} unix seconds; the phone's own time zone */
export const clock = (unix) =>
  new Date(unix * 1000).toLocaleTimeString(words.locale, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** "4 min 05 s" below ten minutes, then as `span`. @param {number} seconds */
export function countdown(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole < 60 || whole >= 600) return span(whole);
  return `${words.units.min(Math.floor(whole / 60))} ${words.units.s(String(whole % 60).padStart(2, "0"))}`;
}

/** "17:00"; with the day where that is another one. @param {number} unix  @param {number} now */
export function until(unix, now) {
  const [then, today] = [unix, now].map((at) => new Date(at * 1000));
  const time = { hour: "2-digit", minute: "2-digit" };
  const day = then.toDateString() === today.toDateString() ? {} : { day: "numeric", month: "short" };
  return then.toLocaleString(words.locale, { ...day, ...time });
}

/** "17 May 2024". @param {string} date  YYYY-MM-DD */
const calendar = (date) =>
  new Date(`${date}T12:00:00Z`).toLocaleDateString(words.locale, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

/** How long a day lies back: "2 years 6 months", "3 months", "12 days". @param {string} date  @param {number} now */
export function age(date, now) {
  const [then, today] = [new Date(`${date}T00:00:00Z`), new Date(now * 1000)];
  let months = (today.getUTCFullYear() - then.getUTCFullYear()) * 12 + today.getUTCMonth() - then.getUTCMonth();
  if (today.getUTCDate() < then.getUTCDate()) months -= 1;
  const { day, month, year } = words.units;
  if (months < 1) return day(Math.max(0, Math.floor((today - then) / 86_400_000)));
  const [years, rest] = [Math.floor(months / 12), months % 12];
  return [years && year(years), rest && month(rest)].filter(Boolean).join(" ");
}

/** The server's one line as a sentence: it begins small and has no full stop. */
export const sentence = (line) => line.charAt(0).toUpperCase() + line.slice(1) + (/[.!?]$/.test(line) ? "" : ".");

const count = (n, one, many) => `${n} ${n === 1 ? one : many}`;
const score = (x) => x.toFixed(2);

const english = {
  locale: "en-GB",
  units: {
    s: (n) => `${n} s`,
    min: (n) => `${n} min`,
    h: (n) => `${n} h`,
    day: (n) => count(n, "day", "days"),
    month: (n) => count(n, "month", "months"),
    year: (n) => count(n, "year", "years"),
  },

  name: "lfrd",
  fault: "This page has met a fault. Load it again; if it comes back, tell the operator.",
  load: "Load again",

  join: {
    heading: "Join the deployment",
    explain: "It goes on record with every decision you make. If the invitation is in your name, leave it empty.",
    label: "Collar number or name",
    missing: "This invitation is in nobody's name: enter your collar number.",
    button: "Join",
    joining: "Joining…",
    codeLabel: "Invitation link or code",
    codeExplain: "Scan the operator's QR code with the camera, or paste its link here.",
    codeMissing: "Paste the invitation, or scan the QR code again.",
    used: "This invitation is used up or has expired. Ask the operator for a new QR code.",
    badName: "The server cannot use this name. Use letters and numbers, 60 characters at the most.",
    taken: "Somebody has joined with this name. Add your collar number, or ask for an invitation in your name.",
    tooMany: "Too many attempts. Wait a minute, then try again.",
    network: "No connection to the server. Stay on this page and try again.",
    failed: "The server did not accept this. Ask the operator for a new QR code.",
    desk: "This link is for the desk, not for a phone. Ask the operator for the phone's QR code.",
    unproven:
      "This session belongs to another device, and this one cannot prove to be it: nothing is shown here. Ask the operator for a new QR code.",
    revoked: "Your access to this deployment has ended. Ask the operator for a new QR code.",
    left: "You have left. This phone keeps no pictures.",
  },

  elsewhere: {
    heading: "Open in another tab",
    explain: "Alerts now arrive in the tab or phone that you opened last. This one gets none.",
    button: "Use this one instead",
  },

  desk: {
    heading: "Signed in for the desk",
    explain: (role) => `This browser is signed in as ${role}. Going on post with a phone is for engagement officers.`,
    button: "Open the desk",
  },

  bar: {
    connecting: "Connecting…",
    lost: (seconds) => `No connection for ${span(seconds)} — you get no alerts`,
    lostSpoken: "No connection. You get no alerts.",
    back: "Connected again.",
    retry: "Try now",
    sound: "Sound is off until you touch the screen",
    soundButton: "Turn sound on",
    degraded: (why) => `Not keeping up: ${why}`,
    protocol: "This page is older than the server.",
    invited: (officer) => `An invitation was opened here, and ${officer} is signed in.`,
    invitedBusy: "An invitation waits: finish the alert first.",
    invitedStay: "Stay signed in",
    invitedSwap: "Sign out and use it",
  },

  ready: {
    unknown: "Not known",
    unknownWhy: "No connection to the server",
    safe: "Protected",
    part: "Protected in part",
    safeWhy: (live, all) => (live < all ? `${live} of ${count(all, "camera", "cameras")} live` : `${count(all, "camera", "cameras")} live`),
    safeMore: (officers, unreachable) =>
      `${count(officers, "officer", "officers")} on post${unreachable ? `, ${count(unreachable, "phone", "phones")} not reached` : ""}`,
    bare: "Not protected",
    noOfficer: "No officer on post",
    noCamera: "No camera is live yet",
    noDeployment: "No deployment is open",
    stopped: (stage, why) => `${words.stage[stage] ?? stage}${why ? `: ${why}` : ""}`,
    ends: (time) => `ends at ${time}`,
    asOf: (seconds) => `as of ${span(seconds)} ago`,
    onPost: "You are on post",
    doubtful: "No connection: you may be off post",
    offPost: "You are not on post: alerts are not shown to you",
    go: "Go on post",
    going: "Going on post…",
    leave: "Leave post",
    leaveAsk: "Leave post? Without an officer on post the cameras stop.",
    leaveSure: "Leave post",
    stay: "Stay on post",
    cameras: "Cameras",
    noCameras: "No camera is set up.",
    watch: "Look",
    watchName: (camera) => `Look through ${camera}`,
    boxes: "Frames around faces",
    unwatch: "Close the picture",
    officers: "Officers on post",
    nobody: "Nobody",
    faces: "Faces seen",
    facesWhy: "People followed through a camera's view since the start; only the number is kept.",
    falseAlerts: "Expected false alerts",
    falseAlertsOf: ({ one_in, bound, extrapolated }) =>
      `${{ over: "more than ", under: "fewer than " }[bound] ?? (extrapolated ? "about " : "")}1 in ${one_in.toLocaleString(words.locale)} faces`,
    falseAlertsUnknown: "Not known",
    falseAlertsWhy: (n, rate) =>
      rate
        ? `Of people on no list, at this list of ${n.toLocaleString(words.locale)}: ${rate.extrapolated ? "extrapolated from" : "from"} the model's card.`
        : "The model's card does not say.",
    unreachable: "Phone not reached",
    you: (name) => `${name} (you)`,
    phone: "This phone",
    signOut: "Sign out",
    signOutAsk: "Sign out and clear this phone?",
    signOutSure: "Sign out",
    signOutStay: "Stay signed in",
    signOutFailed: "No connection: the server could not be told. Try again.",
  },

  blueList: {
    heading: "Blue list",
    open: "Note passages",
    back: "Back to post",
    rate: ({ found, passages, low, high }) =>
      passages ? `${found} of ${passages} found (${Math.round(100 * low)}–${Math.round(100 * high)} %)` : "No passage counts yet",
    apart: "None of this counts as operational.",
    void: (n) => `${count(n, "passage", "passages")} void.`,
    unpaired: (n) => `${count(n, "alert", "alerts")} without a passage.`,
    explain:
      "Press a volunteer's number as they set out, before a camera sees them. The server finds out whether their alert comes within a minute; you need not look.",
    volunteer: (number) => `Volunteer ${number}`,
    walks: "walks now",
    walksNow: (number) => `Volunteer ${number} walks now`,
    walking: (number) => `Volunteer ${number} is walking`,
    left: (time) => `${time} left`,
    sending: "Noting…",
    undo: "Undo",
    undoOf: (number) => `Undo: volunteer ${number} does not walk`,
    againAsk: (number) => `Volunteer ${number} is still being tried. Do they walk through once more?`,
    again: (number) => `${number} walks again`,
    no: "No",
    newest: "Newest passages",
    none: "None yet.",
    byHand: "Noted by hand",
    word: { found: "Found", missed: "Not found", void: "Void" },
    why: {
      alert: "",
      window: "no alert within the time",
      again: "no alert before they walked again",
      halted: "the deployment did not go on",
    },
    by: (name) => `by ${name}`,
    correct: "Correct",
    correctOf: (number, time) => `Correct: volunteer ${number} at ${time}`,
    correctTo: { found: "Found", missed: "Not found", void: "Did not walk through" },
    failed: "Not noted: no answer from the server. Try again.",
  },

  stage: {
    draft: "Draft",
    authorised: "Authorised",
    ready: "Ready",
    active: "Active",
    paused: "Paused",
    suspended: "Suspended",
    closed: "Closed",
    destroyed: "Destroyed",
  },

  cameraState: {
    off: "Off",
    opening: "Opening",
    live: "Live",
    stalled: "No picture",
    retrying: "Trying again",
    ended: "Ended",
    unknown: "Not known",
  },
  lag: (seconds) => `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s behind`,

  phone: {
    soundOn: "Sound is on",
    soundOff: "Sound is off: touch the screen",
    soundNever: "This phone plays no sound",
    wakeOn: "Screen stays on",
    wakeOff: "Screen may go dark: keep it awake",
    vibrateOn: "Vibrates",
    vibrateNever: "No vibration on this phone: rely on sound",
    test: "Test the alarm",
    night: "Night look",
    day: "Day look",
  },

  wakeUps: {
    on: "Wake-ups are on: a notification comes when an alert waits, also while this phone is locked.",
    isOff: "Wake-ups are off: a locked phone hears of no alert.",
    explain:
      "A wake-up says only that something waits. It goes over the internet, through the push service of this phone's maker, who learns when this phone was woken and nothing of what waits.",
    turnOn: "Turn wake-ups on",
    turnOff: "Turn wake-ups off",
    wait: "One moment…",
    notices: {
      granted: "Notifications are on: one comes when an alert waits while lfrd is open behind something else.",
      default: "Notifications are off: you hear of no alert while lfrd is open behind something else.",
      denied: "Notifications are blocked for this page. Allow them in the browser's settings for this site.",
    },
    noticesOn: "Turn notifications on",
    woken: (time) => `A wake-up last reached this phone at ${time}.`,
    noService:
      "This phone could not reach its maker's push service. That needs the internet: mobile data or another Wi-Fi. Without it wake-ups do not work.",
    noAnswer: "No answer from the server. Try again.",
    instead: "Keep lfrd open and the screen on while you are on post.",
    not: {
      off: "Wake-ups are off at this site: nothing leaves it. A locked phone hears of no alert.",
      insecure: "Wake-ups need a trusted connection: follow the site's steps for its certificate, then load this page again.",
      never: "This browser cannot be woken. A locked phone hears of no alert.",
      denied:
        "Wake-ups need notifications, which are blocked for this page. Allow them in the browser's settings for this site, then load this page again.",
      install: "An iPhone or iPad can be woken once lfrd is on its home screen:",
    },
    installSteps: [
      "Open this page in Safari and tap the Share button.",
      "Tap Add to Home Screen, then Add.",
      "Ask the operator for a new QR code. Open lfrd from the home screen and paste its link there.",
      "Turn wake-ups on in This phone.",
    ],
  },

  alert: {
    heading: "Possible match — you decide",
    caution: "This is not an identification.",
    blueHeading: "Blue list: a volunteer",
    blueCaution: "A test, not an identification. Nobody is engaged.",
    spoken: (camera) => `Possible match at ${camera}. You decide.`,
    spokenBlue: (camera) => `Volunteer of the blue list at ${camera}. Nobody is engaged.`,
    spokenEscalated: (camera) => `Nobody has claimed the alert at ${camera}.`,
    live: "Live",
    liveAt: (time) => `at ${time}`,
    list: "Watchlist",
    taken: (date, now) => `Picture taken ${calendar(date)}, ${age(date, now)} old`,
    takenUnknown: "Picture of unknown date",
    liveAlt: (camera) => `Live picture from ${camera}`,
    listAlt: (nominal) => `Watchlist picture of ${nominal}`,
    loading: "Loading…",
    missing: "Picture not here yet",
    broken: "The picture could not be shown: try again",
    gone: "Picture deleted",
    cleared: "Expired: cleared from this phone",
    again: "Load picture",
    enlarge: (description) => `${description}: enlarge`,
    flip: (description) => `${description}: show the other picture`,
    flipHint: "tap to flip",
    both: "Both pictures",
    larger: "Larger",
    smaller: "Smaller",
    whole: "Whole pictures",
    nominal: "Reference",
    seen: (camera, seconds) => `Seen at ${camera}, ${span(seconds)} ago`,
    sighting: (times, camera, seconds) =>
      `Seen again${times > 1 ? ` ${times} times, last` : ""} at ${camera}, ${span(seconds)} ago`,
    expires: (seconds) => `Expires in ${countdown(seconds)}`,
    expired: "Expired: seen too long ago. Nobody may be engaged until there is a new sighting.",
    escalated: "Escalated: nobody has claimed this.",
    shots: (n) => count(n, "picture agrees", "pictures agree"),
    score: (alert) => {
      const over = alert.score - alert.threshold;
      const slight = over < 0.1 * (1 - alert.threshold);
      return `Score ${score(alert.score)}: ${score(Math.max(0, over))} over the threshold of ${score(alert.threshold)}${
        slight ? " — only just" : ""
      }`;
    },
    meter: "Similarity score",
    hints: {
      small: "Live face is small",
      blurred: "Live picture is blurred",
      turned: "Face is turned away",
      tilted: "Face is tilted",
    },
    clear: "Live picture is good",
    more: (n) => `${n} more waiting`,
    only: "No other alert waiting",
    show: (alert) => `Show ${alert.nominal}, ${alert.camera}`,
  },

  live: {
    look: "Live picture",
    lookName: (camera) => `Live picture of ${camera}`,
    back: "Back to the pictures",
    backName: (camera) => `Back to the pictures from the live picture of ${camera}`,
    caption: (camera) => `Live: ${camera}`,
    closed: "The live picture is closed: ",
    /** Where the button stood: two or three short words. */
    lacks: { link: "No connection", post: "Not on post", camera: "Camera not live" },
    failed: "The picture cannot be shown on this phone.",
  },

  act: {
    take: "I take it",
    giveBack: "Give back",
    silence: "Silence",
    silenced: "Silenced",
    aside: "Leave to others",
    viable: "Viable",
    notViable: "Not viable",
    insufficient: "Can't tell",
    engage: "Engage",
    nobody: "Nobody engaged: close",
    withdraw: "Withdraw",
    correct: "Correct",
    record: "Record",
    recordOutcome: "Record outcome",
    closeAlert: "Close alert",
    back: "Back",
    next: (n) => `Next alert (${n} waiting)`,
    close: "Back to post",
    closeOff: "Back",

    mine: "You have it. Compare, then decide.",
    mineOfTwo: "Two officers decide, each alone. Compare, then decide.",
    second: "First review given; waiting for a second officer. Decide alone.",
    secondWanted: (name) => `${name} has it. A second officer must decide too, alone.`,
    reviewed: "First review given; waiting for a second officer",
    reviewedWhy: "Yours is recorded. Say nothing of it until both have decided.",
    theirs: (name) => `${name} has it`,
    theirsWhy: "Nothing for you to do, unless they ask for help.",
    decidedBy: (name) => `${name} decided`,
    recorded: (what, seconds) => `Recorded: ${what}, ${span(seconds)}`,
    viableNext: "This is not an identification. Engage when you speak to the person.",
    speaking: "You are speaking to them",
    speakingWhy: "What came of it? Choosing closes the alert.",
    theySpeak: (name) => `${name} is speaking to them`,
    outcomeHeading: "What came of it?",
    classHeading: "Arrested for what?",
    correctHeading: "What is right?",
    coded: (what, name) => `Recorded: ${what} — ${name}`,
    closed: (what, name) => `Closed: ${what} — ${name}`,
    codedWhy: "The alert is still open.",
    closedWhy: "A correction is a new record; this one stays.",
    sending: "Sending…",
    unsent: "Not sent yet: it goes out as soon as there is a connection.",
    offline: "No connection: you cannot do this now.",
    slow: "No answer from the server yet. Try again.",
    offPost: "Go on post to act on this alert.",

    why: {
      not_viable: "Why not viable?",
      insufficient: "Why can't you tell?",
      withdraw: "Why do you withdraw it?",
      correct: "Why is it corrected?",
    },
    reasons: {
      not_viable: ["Different person", "Wrong age", "Different features", "Known: someone else"],
      insufficient: ["Poor live picture", "Poor watchlist picture", "Face covered", "Person gone"],
      withdraw: ["Looked again", "Pressed by mistake", "New information"],
      correct: ["Pressed by mistake", "Identity found later", "Changed in custody"],
    },
    other: "Other…",
    otherLabel: "Reason in your words",
    otherMissing: "Say why, in a few words.",
  },

  decision: { viable: "viable", not_viable: "not viable", insufficient: "can't tell" },

  outcome: {
    confirmed_true: ["Confirmed true", "it is the person sought"],
    confirmed_false: ["Confirmed false", "it is somebody else"],
    unconfirmed: ["Unconfirmed", "who it is stayed open"],
    arrest: ["Arrest…", "then choose for what"],
    other_disposal: ["Other disposal", "reported, warned, helped"],
    no_engagement: ["No engagement", "nobody was spoken to"],
  },
  arrestClass: {
    warrant: "Warrant",
    offence: "Offence",
    breach: "Breach of condition",
    other: "Other ground",
  },
  /** "arrest (warrant)", "confirmed true". */
  outcomeOf: ({ outcome, arrest_class }) =>
    outcome === "arrest"
      ? `arrest (${(words.arrestClass[arrest_class] ?? arrest_class).toLowerCase()})`
      : (words.outcome[outcome]?.[0] ?? outcome).toLowerCase(),

  list: {
    heading: "Alerts",
    none: "No alert yet.",
    calling: "Waiting",
    own: "Yours",
    ownWhy: "Taken, decided or engaged by you. Each goes when the server deletes it.",
    others: "Others",
    waiting: (n) => `${count(n, "alert", "alerts")} waiting`,
    unfinished: (n) => `${count(n, "alert", "alerts")} to finish`,
    open: "Open",
    volunteer: "Volunteer",
    standing: {
      waiting: "Waiting for an officer",
      escalated: "Escalated: nobody has claimed it",
      expired: "Expired: nobody took it",
      aside: "Waiting — left to others",
      mine: "You have it",
      second: "Waiting for a second officer",
      reviewed: "First review given; waiting for a second officer",
      theirs: (name) => `${name} has it`,
      decided: (decision, name, reason) => `${decision} — ${name}${reason ? `: ${reason}` : ""}`,
      speaking: "You are speaking to them: outcome missing",
      engaged: (name) => `${name} is speaking to them`,
      coded: (what, name) => `${what} — ${name}: not closed`,
      closed: (what, name) => `${what} — ${name}`,
    },
  },

  title: (waiting) => (waiting ? `(${waiting}) Possible match — lfrd` : "lfrd"),
  notice: { title: "Possible match — you decide", body: "Open lfrd to see it." },
};

// ---- other languages ----

const OTHERS = []; // "cy" stands for words-cy.js

/** What the address asks for (?lang=cy), or else the first that the browser prefers and we have. */
function chosen() {
  const asked = [new URLSearchParams(location.search).get("lang"), ...navigator.languages];
  const found = asked.filter(Boolean).map((tag) => tag.split("-")[0]);
  return found.find((tag) => tag === "en" || OTHERS.includes(tag)) ?? "en";
}

/** A translation, and English where it says nothing. */
function over(ours, theirs) {
  const whole = Object.entries(ours).map(([key, text]) => {
    const other = theirs?.[key];
    const nested = typeof text === "object" && !Array.isArray(text);
    return [key, nested ? over(text, other) : (other ?? text)];
  });
  return Object.fromEntries(whole);
}

export const languages = ["en", ...OTHERS];
export const language = chosen();

/** @type {typeof english} */
export const words = language === "en" ? english : over(english, (await import(`./words-${language}.js`)).words);
