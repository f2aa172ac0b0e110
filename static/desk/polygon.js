// The arithmetic of a zone: a polygon in shares of a picture's width and height. No page, no network.

/** @typedef {[number, number]} Corner  x and y, 0 to 1, from the top left */

const bound = (share) => Math.min(1, Math.max(0, Math.round(share * 1000) / 1000));

export const WHOLE = [[0, 0], [1, 0], [1, 1], [0, 1]];
export const MOST = 24; // corners

/** @param {Corner[]} corners */
export const moved = (corners, at, x, y) => corners.map((corner, each) => (each === at ? [bound(x), bound(y)] : corner));

/** A new corner halfway to the next one. */
export function added(corners, after) {
  const [a, b] = [corners[after], corners[(after + 1) % corners.length]];
  return [...corners.slice(0, after + 1), [bound((a[0] + b[0]) / 2), bound((a[1] + b[1]) / 2)], ...corners.slice(after + 1)];
}

export const removed = (corners, at) => corners.filter((_, each) => each !== at);

/** Share of the picture that the polygon covers (the shoelace formula). */
export function area(corners) {
  const twice = corners.reduce((sum, [x, y], at) => {
    const [nx, ny] = corners[(at + 1) % corners.length];
    return sum + x * ny - nx * y;
  }, 0);
  return Math.abs(twice) / 2;
}

/** Whether two sides cross, so that inside and outside are not what the eye sees. */
export function crossed(corners) {
  const n = corners.length;
  const side = (at) => [corners[at], corners[(at + 1) % n]];
  for (let first = 0; first < n; first += 1) {
    for (let second = first + 2; second < n; second += 1) {
      if (first === 0 && second === n - 1) continue; // neighbours share a corner
      if (cross(...side(first), ...side(second))) return true;
    }
  }
  return false;
}

const turn = ([ax, ay], [bx, by], [cx, cy]) => Math.sign((bx - ax) * (cy - ay) - (by - ay) * (cx - ax));
const cross = (a, b, c, d) => turn(a, b, c) * turn(a, b, d) < 0 && turn(c, d, a) * turn(c, d, b) < 0;
