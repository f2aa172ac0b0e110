"""Every buffer of a decoder's frame pool filled anew before long, so that none goes on showing a passer-by.

FFmpeg hands out the buffer that came back last. One that a stream needed once and needs no more (it is
relieved of its B frames, or has fewer of them for a while) sinks to the bottom of the pool and keeps its
picture for as long as the camera runs. FFmpeg does not let us into its pool; but whoever holds a frame keeps
its buffer out of it, and then the pool must reach deeper.
"""

from __future__ import annotations

from collections import deque

from av.video.frame import VideoFrame

LATE = 12
"""Frames after which a buffer that was not filled anew counts as left behind: half a second of most cameras.
A larger pool is given two more than it has buffers."""
MOST = 8
"""Frames held at the most: H.264 streams keep four or so in flight, and those of several threads more."""
SPARED = 3
"""Held from the first spared frame on, before any buffer is seen to be left behind."""


class Turnover:
    """One decoder's: sees each frame that it gives, and holds the newest ones, as few as keep all buffers in
    use. Frames are only held, never changed: others are still made from them."""

    def __init__(self) -> None:
        self._held: deque[VideoFrame] = deque()
        self._hold = 0  # how many
        self._last: dict[int, int] = {}  # by each buffer's address: the number of the newest frame in it
        self._size = (0, 0)  # pixels; with another size FFmpeg begins another pool, and frees the old one
        self._number = 0
        self._patient_until = 0  # frame number; what was done last must show first

    def spared(self) -> None:
        """A frame was not decoded, for which a buffer had been needed until now."""
        self._hold = max(self._hold, SPARED)

    def passed(self, frame: VideoFrame) -> VideoFrame:
        """The same frame, seen."""
        if (frame.width, frame.height) != self._size:
            self._size = frame.width, frame.height
            self._last.clear()
        self._number += 1
        self._last[frame.planes[0].buffer_ptr] = self._number
        known = len(self._last)
        left_behind = self._number - min(self._last.values())
        if left_behind > max(LATE, known + 2) and self._number >= self._patient_until and self._hold < MOST:
            self._hold += 1
            self._patient_until = self._number + known
        self._held.append(frame)
        while len(self._held) > self._hold:
            self._held.popleft()
        return frame
