// Every text of a live picture, shared by the phone and the desk: words.js of neither holds them.

const at = (seconds) => `${Math.max(1, Math.round(seconds))} s`;

export const previewWords = {
  name: (camera) => `Live picture of ${camera}`,
  blurred: "Faces without an alert are blurred",
  boxes: "With boxes around faces: the number is the track's",
  live: "Live",
  /** By state, for which there is no picture: [what is the matter, what happens next]. */
  states: {
    connecting: ["Connecting…", ""],
    off: ["Camera off", "Cameras run while a deployment is active and an officer is on post."],
    full: ["Too many are watching", "Asks again by itself."],
    post: ["Not on post", "Live pictures are for officers on post."],
    codec: ["No live picture in this browser", "It cannot show H.264 video. Use another browser."],
    lost: ["Connection lost", "Tries again by itself."],
    unreached: ["The box cannot be reached for pictures", "A firewall may keep UDP from it. Tries again by itself."],
    ended: ["Signed out", "Sign in to see live pictures."],
    hidden: ["Paused", ""],
  },
  still: (seconds) => `No new picture for ${at(seconds)}`,
  alert: "alert",
};
