"""Where a camera's journey puts what the live picture is made of, and the studio takes it."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from lfrd.flow import FlowStatistics
from lfrd.inference import Wanted
from lfrd.types import U8, AlertId, CameraId, Detections, TrackId

BUSY_SECONDS: Final = 2.0
"""Between two pictures of all cameras together while recognition has no worker to spare: they show that the
cameras live, and little more, because faces are more worth than pictures."""
BUSY_LONGEST: Final = 8.0
"""Between two of one camera, however many are watched: a page that gets none for 10 s begins anew."""
MOST_WAITING: Final = 32
"""Glimpses that wait for the studio, at the most; one of them has pixels."""


@dataclass(slots=True)
class Glimpse:
    """One analysed frame.

    at: seconds of the source's clock. size: width, height of the full-size frame. found: every face in it,
    in its pixels, doubtful ones and those outside the zone of recognition too. tracks: for each row of
    `found` the track that recognition follows it by, None for most doubtful ones and all outside the zone.
    alerts: of the tracks that recognition follows now, those that have raised one. cut: another scene than
    before. pixels: a smaller copy, BGR uint8 [height, width, 3], clear, which whoever has it wipes.
    """

    at: float
    size: tuple[int, int]
    found: Detections
    tracks: list[TrackId | None]
    alerts: Mapping[TrackId, AlertId]
    cut: bool
    pixels: U8 | None

    def wipe(self) -> None:
        if self.pixels is not None:
            self.pixels.fill(0)
            self.pixels = None


class Feed:
    """One camera's. The journey, in the loop, asks `wanted` for each frame, and puts; the studio's thread
    takes. Newest wins for pixels, boxes are kept: what is hidden in a picture depends on its neighbours.
    """

    def __init__(
        self,
        camera: CameraId,
        side: int,
        wake: Callable[[], object],
        watched: Callable[[], int] = lambda: 1,
    ) -> None:
        """wake: called, in the putting thread, when there is something to take, or to end. watched: how many
        cameras are, this one with them."""
        self.camera = camera
        self.visit = 0
        """Counts the times that somebody began to watch: 0 and up. What was gathered in an earlier one is
        not shown in the next."""
        self._side = side
        self._wake = wake
        self._all_watched = watched
        self._watched = False
        self._copied_at = -math.inf  # time of the last frame of which pixels were wanted; in the loop only
        self._lock = threading.Lock()  # guards the fields below, held for a few instructions only
        self._waiting: deque[Glimpse] = deque()
        self._put = self._taken = self._dropped = 0  # those with pixels

    @property
    def watched(self) -> bool:
        return self._watched

    def watch(self, on: bool) -> None:
        """Whether anybody watches. What waits is wiped where nobody does."""
        with self._lock:
            self.visit += on and not self._watched
            self._watched = on
            if not on:
                self._clear()
        self._wake()

    def wanted(self, at: float, *, busy: bool) -> Wanted | None:
        """What is wanted of the frame taken at `at`; None while nobody watches. busy: recognition cannot keep
        up as it is."""
        if not self._watched:
            return None
        pause = min(BUSY_SECONDS * self._all_watched(), BUSY_LONGEST) if busy else 0.0
        with self._lock:
            spare = not 0 <= at - self._copied_at < pause
            pixels = spare and not any(one.pixels is not None for one in self._waiting)
        if pixels:
            self._copied_at = at
        return Wanted(self._side, pixels)

    def put(self, glimpse: Glimpse) -> None:
        """Hand a glimpse over; it is wiped where nobody watches any more. Never waits."""
        with self._lock:
            if not self._watched:
                glimpse.wipe()
                return
            if glimpse.pixels is not None:
                self._put += 1
                for older in self._waiting:
                    self._dropped += older.pixels is not None
                    older.wipe()
            self._waiting.append(glimpse)
            if len(self._waiting) > MOST_WAITING:
                oldest = self._waiting.popleft()
                self._dropped += oldest.pixels is not None
                oldest.wipe()
        self._wake()

    def rest(self) -> None:
        """No frame has come for long: nobody is in view, and nothing that was seen is kept."""
        with self._lock:
            self.visit += self._watched
            self._clear()
        self._wake()

    def take(self) -> list[Glimpse]:
        """All that waits, oldest first; the caller wipes each."""
        with self._lock:
            taken = list(self._waiting)
            self._waiting.clear()
            self._taken += sum(one.pixels is not None for one in taken)
        return taken

    def _clear(self) -> None:
        while self._waiting:
            self._waiting.popleft().wipe()

    def statistics(self) -> FlowStatistics:
        """Of pictures."""
        with self._lock:
            waiting = sum(one.pixels is not None for one in self._waiting)
            return FlowStatistics(self._put, self._taken, self._dropped, waiting, 1)
