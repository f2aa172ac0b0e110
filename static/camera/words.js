// Every English text of the page on which a phone becomes a camera, in one place.

const rounded = (n) => n.toLocaleString("en-GB", { maximumFractionDigits: n < 10 ? 1 : 0 });

export const words = {
  title: (site) => [site, "Phone as a camera", "lfrd"].filter(Boolean).join(" — "),
  heading: "Phone as a camera",
  signedIn: (name) => `Signed in: ${name}`,
  signIn: "Sign in to make this phone a camera",
  signOut: "Sign out",
  left: "You are signed out.",
  ended: "Your session has ended: nothing is sent any more. Sign in to go on.",
  again: "Try again",

  notEngineer: "This page is for system engineers",
  notEngineerWhy: "Whoever sets up cameras makes a phone one. Sign out here and let an engineer sign in.",

  promise:
    "The picture goes straight to this site's box and nowhere else. It is compared and gone: nothing of it is kept, on this phone or there, unless it raises an alert. No sound is sent.",
  noCameras: "No camera is set up for a phone",
  noCamerasWhy: "Add a camera with source = \"phone\" to config.toml and start lfrd again.",

  camera: "Camera that this phone is to be",
  lens: "Lens",
  lensNumber: (n) => `Lens ${n}`,
  start: "Start",
  stop: "Stop",
  view: "What this phone sees",
  viewOff: "Press Start, then point the phone at the street: faces towards it, light behind it, held still.",

  opening: "Opening the camera…",
  connecting: "Connecting to the box…",
  sending: (camera) => `Sending: this phone is the camera ${camera} now`,
  waiting: "Waiting: nothing leaves this phone",
  waitingMore: "It begins by itself.",
  stopped: "Stopped: nothing is sent",

  /** Why the box does not want the picture now. */
  why: {
    no_deployment: "No deployment is open.",
    suspended: "The deployment is suspended.",
    not_named: "The open deployment does not use this camera.",
    no_officer: "Nobody is on post.",
    "": "The box is about to open this camera.",
  },

  taken: (who) => `${who} sends this camera's picture`,
  takenMore: "Only one phone can be this camera at a time. This one takes over by itself when the other stops.",
  lost: (seconds) => `The box cannot be reached. Trying again in ${seconds} s.`,
  lostMore: "Check that this phone is on the site's network.",
  failed: (seconds) => `The picture did not get through. Trying again in ${seconds} s.`,
  failedMore: "If it stays so, a firewall between this phone and the box keeps UDP out.",
  muted: "This phone has put its camera on hold",
  mutedMore: "Bring this page to the front, and close other apps that use the camera.",

  arrives: "Arrives",
  size: (width, height, fps) => `${width} × ${height}, ${Math.round(fps)} pictures a second`,
  nothingYet: "Nothing yet",
  lag: "Lag on the box",
  seconds: (n) => (n < 0.1 ? "under 0.1 s" : `${rounded(n)} s`),
  round: "Network, there and back",
  milliseconds: (n) => `${Math.round(n * 1000)} ms`,
  dropped: "Not decoded in time",
  count: (n) => rounded(n),
  limited: "This phone limits it",
  /** WebRTC's qualityLimitationReason. */
  limits: { cpu: "its processor is at its limit", bandwidth: "the network is at its limit", other: "for a reason it does not give" },
  none: "—",

  /** Problems with the phone's own camera, by the name of the browser's error. */
  fault: {
    insecure: ["This address is not secure", "Browsers give the camera to pages over HTTPS only, and to localhost. Open this page with https://."],
    NotAllowedError: ["The browser may not use the camera", "Allow the camera for this address in the browser's settings (the sign beside the address), then press Start."],
    NotFoundError: ["This device has no camera", "Connect one, then press Start."],
    NotReadableError: ["The camera is in use", "Another app or page holds it. Close that, then press Start."],
    OverconstrainedError: ["This lens is not there any more", "Choose another one, then press Start."],
    ended: ["The camera was taken away", "The system or another app has ended it. Press Start."],
    other: ["The camera did not open", "Press Start to try again; if it stays so, restart the browser."],
  },
};
