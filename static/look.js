// The night look: black, dim, and the pictures dimmed too, for eyes that must see into the dark. It is kept with
// the tab's own history entry, so that it outlasts a reload and nothing is stored.

export const isNight = () => Boolean(history.state?.night);

/** @param {boolean} night */
export function look(night) {
  history.replaceState({ ...history.state, night }, "");
  document.documentElement.classList.toggle("night", night);
}
