"""One camera in the studio: from a glimpse of the street to a packet in which nobody is recognised."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from lfrd.preview.encoder import TICKS, Encoder
from lfrd.preview.feed import Feed, Glimpse
from lfrd.preview.reel import Detect, Reel, Veiled
from lfrd.preview.stream import Stream
from lfrd.types import AlertId, TrackId

KEY_SECONDS: Final = 1.0
"""Between two key frames, at the most; by the camera's clock."""
LONGEST_STEP: Final = 2.0
"""Seconds between two packets' times, at the most: a camera that paused goes on from there."""


class Channel:
    """Made in the loop; `develop` and `wipe` are called in the studio's thread, everything else in the loop.

    `feed` is where the journey puts, `stream` where viewers take.
    """

    def __init__(
        self,
        feed: Feed,
        detect: Detect,
        stands: Callable[[AlertId], bool],
        *,
        high: float,
        kilobits: int,
        rate: float,
    ) -> None:
        """stands: whether an alert does, now. high: `Inference.high`. rate: pictures a second, about."""
        self.feed = feed
        self.stream = Stream()
        self.encoded = 0
        """Pictures encoded since the start: one each, however many watch."""
        self._stands = stands
        self._kilobits = kilobits
        self._rate = rate
        self._loop = asyncio.get_running_loop()
        self._reel = Reel(detect, high=high)
        self._encoder: Encoder | None = None  # open only while somebody watches
        self._visit = -1  # the feed's, that reel and encoder belong to
        self._joined = 0  # viewers who have had their key frame
        self._ticks = 0  # the last packet's time
        self._at: float | None = None  # the last picture's, by the camera's clock
        self._key_at = 0  # the last key frame's, in ticks
        self._clear: frozenset[TrackId] = frozenset()  # who was shown in the last picture

    @property
    def is_open(self) -> bool:
        """Whether it keeps anything."""
        return self._encoder is not None or self._visit >= 0

    def develop(self) -> bool:
        """Do what waits. Whether there was anything."""
        if self._visit >= 0 and (not self.feed.watched or self.feed.visit != self._visit):
            self.wipe()
        glimpses = self.feed.take()
        if glimpses and self._visit < 0:
            self._visit = self.feed.visit
        try:
            for glimpse in glimpses:
                self._put(glimpse)
        finally:
            for glimpse in glimpses:
                glimpse.wipe()
        return bool(glimpses)

    def wipe(self) -> None:
        """Forget what was seen, and close the encoder."""
        self._reel.wipe()
        if self._encoder is not None:
            self._encoder.close()
        self._encoder, self._visit, self._at, self._clear = None, -1, None, frozenset()

    def _put(self, glimpse: Glimpse) -> None:
        cleared = {track for track, alert in glimpse.alerts.items() if self._stands(alert)}
        for veiled in self._reel.put(glimpse, cleared):
            try:
                self._encode(veiled)
            finally:
                veiled.pixels.fill(0)

    def _encode(self, veiled: Veiled) -> None:
        height, width = veiled.pixels.shape[:2]
        if self._encoder is None or self._encoder.size != (width, height):
            self._encoder = Encoder(width, height, kilobits=self._kilobits, rate=self._rate)
            self._at = None
        step = 1 / self._rate if self._at is None else veiled.at - self._at
        self._ticks += max(1, round(min(step, LONGEST_STEP) * TICKS))
        joined = self.stream.joined
        # Whoever was clear and is hidden now leaves no trace in what is predicted from earlier pictures.
        key = (
            self._at is None
            or joined != self._joined
            or self._ticks - self._key_at >= KEY_SECONDS * TICKS
            or not self._clear <= veiled.clear
        )
        packet = self._encoder.encode(veiled.pixels, self._ticks, key=key)
        self.encoded += 1
        self._at, self._clear, self._joined = veiled.at, veiled.clear, joined
        if key:
            self._key_at = self._ticks
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody watches
            self._loop.call_soon_threadsafe(self.stream.put, packet, veiled.boxes)
