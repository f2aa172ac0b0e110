"""Where a face will be: constant-velocity Kalman filters for all tracks of a camera at once, in real time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lfrd.types import F32, F64

# All are in face sizes (the square root of a box's area), so that near and far faces behave alike; the last
# column is the logarithm of the size. docs/tracking.md has the measurements behind them.
JITTER = np.array([0.03, 0.03, 0.04])
"""Standard deviation of a detector's box: centre x, centre y in sizes, log size."""
ALLOWED = 2 * JITTER
"""What the gate allows for it: a detector errs badly now and then, and a face left out begins a new track."""
WANDER = np.array([4.0, 4.0, 0.3])
"""How restless a head is: white acceleration, sizes (log size) per second to the power 1.5."""
FIRST_SPEED = np.array([4.0, 2.0, 0.4])
"""Standard deviation of an unknown speed, a second. A walker who crosses the view makes 9 sizes a second
(1.4 m/s, 16 cm); one who comes towards the camera hardly moves and grows."""
DOUBTFUL_JITTER = 2.5
"""A doubtful face's box errs this many times more than a confident one's."""


def measured(boxes: F32) -> F64:
    """boxes: [n, 4], x, y, width, height in pixels. Returns [n, 3]: centre x, centre y, log of the size."""
    wide = boxes.astype(np.float64)
    sides = np.maximum(wide[:, 2:], 1.0)
    return np.concatenate([wide[:, :2] + wide[:, 2:] / 2, np.log(sides).mean(axis=1, keepdims=True)], axis=1)


class Motion:
    """States of n tracks as of each one's last observation; nothing is advanced until it is observed again.

    So a gap of any length is one exact prediction, irregular frame times need no special case, and what a
    missed frame would add to the state's error is never added (what OC-SORT calls observation-centric).
    Axes are independent: per track and axis a position, a speed and their 2 x 2 covariance.
    """

    def __init__(self) -> None:
        self.place: F64 = np.empty((0, 3))  # centre x, centre y (pixels), log size
        self.speed: F64 = np.empty((0, 3))  # the same a second
        self.spread: F64 = np.empty((0, 3, 3))  # per axis: variance of place, covariance, variance of speed
        self.when: F64 = np.empty(0)  # time of the last observation, seconds

    def __len__(self) -> int:
        return len(self.when)

    def begin(self, z: F64, at: float) -> None:
        """Append tracks at the measurements z, [n, 3]."""
        n = len(z)
        unit = _units(z)
        spread = np.zeros((n, 3, 3))
        spread[:, :, 0] = (JITTER * unit) ** 2
        spread[:, :, 2] = (FIRST_SPEED * unit) ** 2
        self.place = np.concatenate([self.place, z])
        self.speed = np.concatenate([self.speed, np.zeros((n, 3))])
        self.spread = np.concatenate([self.spread, spread])
        self.when = np.concatenate([self.when, np.full(n, at)])

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Drop all tracks but these."""
        self.place, self.speed = self.place[rows], self.speed[rows]
        self.spread, self.when = self.spread[rows], self.when[rows]

    def predicted(self, at: float) -> tuple[F64, F64]:
        """Places at the time `at`, [n, 3], and their covariances, [n, 3, 3] laid out as `spread`."""
        dt = (at - self.when)[:, None]
        unit = _units(self.place)
        noise = (WANDER * unit) ** 2
        place = self.place + self.speed * dt
        a, b, c = self.spread[:, :, 0], self.spread[:, :, 1], self.spread[:, :, 2]
        return place, np.stack(
            [a + 2 * dt * b + dt**2 * c + noise * dt**3 / 3, b + dt * c + noise * dt**2 / 2, c + noise * dt],
            axis=2,
        )

    def observe(self, rows: NDArray[np.intp], z: F64, at: float, doubtful: NDArray[np.bool_]) -> None:
        """Correct the tracks `rows` with their measurements z, [len(rows), 3]."""
        place, spread = self.predicted(at)
        place, spread = place[rows], spread[rows]
        r = (JITTER * _units(z)) ** 2 * np.where(doubtful, DOUBTFUL_JITTER**2, 1.0)[:, None]
        a, b, c = spread[:, :, 0], spread[:, :, 1], spread[:, :, 2]
        gain_place, gain_speed = a / (a + r), b / (a + r)
        off = z - place
        self.place[rows] = place + gain_place * off
        self.speed[rows] += gain_speed * off
        self.spread[rows] = np.stack([a * (1 - gain_place), b * (1 - gain_place), c - gain_speed * b], axis=2)
        self.when[rows] = at


def surprise(place: F64, spread: F64, z: F64) -> tuple[F64, F64]:
    """How badly each of m measurements fits each of n predictions.

    Returns two [n, m] arrays: the squared Mahalanobis distance over the three axes, and how vague the
    prediction is (the logarithm of the determinant of its covariance, 0 for one as sharp as a box itself).
    """
    box = ((ALLOWED * _units(z)) ** 2)[None]
    variance = spread[:, None, :, 0] + box
    off = z[None] - place[:, None]
    return (off**2 / variance).sum(axis=2), np.log(variance / box).sum(axis=2)


def _units(z: F64) -> F64:
    """What one 'size' is on each axis: [n, 3], pixels, pixels, 1."""
    size = np.exp(z[:, 2])
    return np.stack([size, size, np.ones_like(size)], axis=1)
