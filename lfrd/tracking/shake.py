"""How far the camera itself has moved between two frames, read from the faces."""

from __future__ import annotations

import numpy as np

from lfrd.types import F64

LEAST = 4
"""Predictions, and faces, from which a common movement may be read: three people may well stop together."""
MAJORITY = 0.6
"""Share of the predictions that must find a face under the movement."""
STILL = 0.4
"""Where more of them than this find one without it, nothing has moved: the filters absorb small sway."""
REACH = 4.0
"""Longest movement, in face sizes."""
TOLERANCE, GROWTH = 0.2, 1.5
"""A face is found within so many sizes of where it should be, and so many more for each second that the
prediction reaches ahead."""
ALIKE = 0.25
"""Largest difference in log size of a face found: a blow to the camera does not change sizes."""
VOTERS = 16
"""Predictions and faces looked at, at most: the work grows with the fourth power."""


def common_shift(place: F64, z: F64, seconds: float) -> F64:
    """The movement of the whole picture since the last frame, [3]: x, y in pixels, 0. Zeros where none.

    place: [n, 3], where the faces of the last frame should be now; z: [m, 3], the confident faces of this
    one, best first (both centre x, centre y, log size). seconds: how far the predictions reach ahead.

    Every pair of a prediction and a face of like size proposes a movement. The one under which most
    predictions find a face wins, if it explains a majority and standing still does not; its supporters'
    median is returned. Voting finds a jolt longer than the distance between two people, which the median of
    the nearest pairs (associate, shift, associate again) does not.
    """
    place, z = place[:VOTERS], z[:VOTERS]
    if len(place) < LEAST or len(z) < LEAST:
        return np.zeros(3)
    size = np.exp(place[:, 2])[:, None]
    tolerance = (TOLERANCE + GROWTH * seconds) * size
    off = z[None, :, :2] - place[:, None, :2]
    alike = np.abs(z[None, :, 2] - place[:, None, 2]) < ALIKE
    proposed = alike & (np.linalg.norm(off, axis=2) < REACH * size)
    shifts = np.concatenate([np.zeros((1, 2)), off[proposed]])
    found = (np.linalg.norm(off[None] - shifts[:, None, None], axis=3) < tolerance) & alike
    agree = found.any(axis=2).sum(axis=1)
    best = int(agree.argmax())
    if agree[best] < max(LEAST, MAJORITY * len(place)) or agree[0] > STILL * len(place):
        return np.zeros(3)
    return np.append(np.median(off[found[best]], axis=0), 0.0)
