// Every English text that an officer can read on the phone, in one place.

/** "4 s", "3 min", "2 h": whole units, never negative. @param {number} seconds */
export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 100) return `${whole} s`;
  if (whole < 6000) return `${Math.floor(whole / 60)} min`;
  return `${Math.floor(whole / 3600)} h`;
}

/** @param {number} unix seconds; the phone's own time zone */
export const clock = (unix) =>
  new Date(unix * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

const count = (n, one, many) => `${n} ${n === 1 ? one : many}`;
const score = (x) => x.toFixed(2);

export const words = {
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
    revoked: "Your access to this deployment has ended. Ask the operator for a new QR code.",
    left: "You have left. This phone keeps no pictures.",
  },

  elsewhere: {
    heading: "Open in another tab",
    explain: "Alerts now arrive in the tab or phone that you opened last. This one gets none.",
    button: "Use this one instead",
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
  },

  ready: {
    unknown: "Not known",
    unknownWhy: "No connection to the server",
    safe: "Protected",
    safeWhy: (cameras) => `${count(cameras, "camera", "cameras")} live`,
    bare: "Not protected",
    noOfficer: "No officer on post",
    noCamera: "No camera is live yet",
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
    officers: "Officers on post",
    nobody: "Nobody",
    faces: "Faces seen",
    facesWhy: "People followed through a camera's view since the start; only the number is kept.",
    you: (name) => `${name} (you)`,
    phone: "This phone",
    signOut: "Sign out",
    signOutAsk: "Sign out and clear this phone?",
    signOutSure: "Sign out",
    signOutStay: "Stay signed in",
    signOutFailed: "No connection: the server could not be told. Try again.",
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
    noticesOn: "Notifications are on",
    noticesButton: "Turn notifications on",
    noticesOff: "Notifications are blocked in this browser",
    test: "Test the alarm",
  },

  alert: {
    heading: "Possible match — you decide",
    spoken: (camera) => `Possible match at ${camera}. You decide.`,
    live: "Live",
    list: "Watchlist",
    liveAlt: (camera) => `Live picture from ${camera}`,
    listAlt: (nominal) => `Watchlist picture of ${nominal}`,
    loading: "Loading…",
    missing: "Picture not here yet",
    gone: "Picture deleted",
    again: "Load picture",
    nominal: "Reference",
    seen: (camera, seconds) => `Seen at ${camera}, ${span(seconds)} ago`,
    sighting: (times, camera, seconds) =>
      `Seen again${times > 1 ? ` ${times} times, last` : ""} at ${camera}, ${span(seconds)} ago`,
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
    more: (n) => `${n} more waiting`,
    only: "No other alert waiting",
    show: (alert) => `Show ${alert.nominal}, ${alert.camera}`,
    take: "I take it",
    silence: "Silence",
    silenced: "Silenced",
    aside: "Leave to others",
    viable: "Viable",
    notViable: "Not viable",
    insufficient: "Can't tell",
    mine: "You have it. Compare, then decide.",
    whyNot: "Why not viable?",
    whyUnsure: "Why can't you tell?",
    reasons: {
      not_viable: ["Different person", "Wrong age", "Different features", "Known: someone else"],
      insufficient: ["Poor live picture", "Poor watchlist picture", "Face covered", "Person gone"],
    },
    other: "Other…",
    otherLabel: "Reason in your words",
    otherMissing: "Say why, in a few words.",
    record: "Record",
    back: "Back",
    sending: "Sending…",
    unsent: "Not sent yet: it goes out as soon as there is a connection.",
    offline: "No connection: you cannot take it now.",
    slow: "No answer from the server yet. Try again.",
    offPost: "Go on post to answer this alert.",
    theirs: (name) => `${name} has it`,
    theirsWhy: "Nothing for you to do, unless they ask for help.",
    decidedBy: (name) => `${name} decided`,
    recorded: (what, seconds) => `Recorded: ${what}, ${span(seconds)}`,
    viableNext: "This is not an identification. Speak to the person before anything else.",
    next: (n) => `Next alert (${n} waiting)`,
    close: "Back to post",
    closeOff: "Back",
    refused: {
      claimed: "Another officer was faster.",
      adjudicated: "This alert is already decided.",
      unknown_alert: "The server no longer has this alert.",
      reason_missing: "The server asks for a reason.",
      not_on_post: "You are not on post: go on post first.",
    },
  },

  decision: { viable: "viable", not_viable: "not viable", insufficient: "can't tell" },

  list: {
    heading: "Alerts",
    none: "No alert yet.",
    waiting: (n) => `${count(n, "alert", "alerts")} waiting`,
    open: "Open",
    standing: {
      waiting: "Waiting for an officer",
      old: "Nobody took it",
      aside: "Waiting — left to others",
      mine: "You have it",
      theirs: (name) => `${name} has it`,
      decided: (decision, name, reason) => `${decision} — ${name}${reason ? `: ${reason}` : ""}`,
    },
  },

  title: (waiting) => (waiting ? `(${waiting}) Possible match — lfrd` : "lfrd"),
  notice: { title: "Possible match — you decide", body: "Open lfrd to see it." },
};
