"""What every source shares: its counts, its buffers, and a life from open to close in one thread."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import av.logging

from lfrd.types import CameraId, Frame
from lfrd.vision.picture import BufferPool, Picture

av.logging.set_level(None)  # FFmpeg's own lines quote addresses together with their credentials

Clock = Callable[[], float]
Wanted = Callable[[float], bool]
"""Called once for each decoded frame with its captured_at: False spares the copy of its pixels."""


@dataclass(slots=True)
class Counts:
    """Counts since the source was opened. decoded = delivered + skipped; what was spared is in neither."""

    decoded: int = 0
    skipped: int = 0
    """Decoded and not wanted: never copied."""
    spared: int = 0
    """Never decoded, while the source was relieved: coded pictures that no other frame is made from."""
    decode_seconds: float = 0.0
    """What the decoder took; reading and waiting for the network are not in it."""
    corrupt: int = 0
    """Frames, packets or pictures that could not be decoded."""


class SourceBase(ABC):
    """One camera from open to close. Opened, iterated and closed in one thread, once.

    `stop`, `wipe`, `relieve` and the attributes may be used from any other.
    """

    live = False  # whether silence is a fault; a recording may show one picture for minutes

    def __init__(self, camera: CameraId, wanted: Wanted, clock: Clock = time.monotonic) -> None:
        self.camera = camera
        self.counts = Counts()
        self.resolution: tuple[int, int] | None = None  # width, height of the newest picture, upright
        self.remark = ""  # one line about what a recording lacked, for people
        self.newest_at: float | None = None  # when the newest frame was decoded, by `clock`
        self.interval: float | None = None  # mean seconds between decoded frames, by `clock`
        self.pool = BufferPool()  # all pictures of this source; keeps none once it is closed
        self._wanted = wanted
        self._clock = clock
        self._stopping = threading.Event()  # set by stop(); looked at between packets
        self._relieved = threading.Event()  # set by relieve(); looked at between packets

    @abstractmethod
    def open(self) -> None:
        """Acquire the device, connection or file. Raises SourceError."""

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]:
        """Frames until the end of a recording, or until stop(). Raises SourceError."""

    @abstractmethod
    def _release(self) -> None:
        """Give back what `open` acquired, as far as it got."""

    def stop(self) -> None:
        """Ask the iteration to end soon: at the latest when the camera next answers or times out."""
        self._stopping.set()

    def relieve(self, on: bool) -> None:
        """Whether frames that no other frame is made from are left out before they are decoded.

        Many cameras send none, and nothing is saved: while `counts.spared` stands still, there is nothing to
        spare. A folder of pictures and a phone never send any.
        """
        if on:
            self._relieved.set()
        else:
            self._relieved.clear()

    def wipe(self) -> None:
        """Overwrite the idle buffers, and every other one as it is released."""
        self.pool.close()

    def close(self) -> None:
        self._stopping.set()
        try:
            self._release()
        finally:
            self.wipe()

    def __enter__(self) -> Self:
        try:
            self.open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _wants(self, captured_at: float) -> bool:
        """Count one decoded frame; whether its pixels are to be copied."""
        self.counts.decoded += 1
        now = self._clock()
        if self.newest_at is not None:
            step = now - self.newest_at
            self.interval = step if self.interval is None else self.interval + (step - self.interval) / 16
        self.newest_at = now
        if self._wanted(captured_at):
            return True
        self.counts.skipped += 1
        return False

    def _frame(self, captured_at: float, picture: Picture) -> Frame:
        """The frame that `_wants` counted last."""
        self.resolution = picture.size
        return Frame(self.camera, self.counts.decoded - 1, captured_at, picture)
