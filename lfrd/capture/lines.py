"""Where a phone's coded pictures cross from the loop to a camera's thread: newest wins, and none unasked.

What crosses is coded, not decoded: so nothing of a phone's picture is decoded anywhere but in the thread of
an open camera, and what the camera has no time for costs nothing. Coded pictures build on one another, which
is why newest wins in steps: when the oldest has waited too long, all that wait are let go of, and a picture
that stands by itself (a key frame) is asked for.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from lfrd.types import CameraId

LONGEST_WAIT = 0.4
"""Seconds that a coded picture may wait for the decoder before all that wait are dropped."""
MOST_WAITING = 60
"""Coded pictures that may wait, however fast they come."""
ASKING_SECONDS = 0.5
"""Pause between two requests for a key frame: each costs the phone a picture several times the usual size."""


class Sender(Protocol):
    """The phone's side of a line. Both may be called from any thread and never wait."""

    def ask_key(self) -> None:
        """The next picture is to be one that stands by itself."""
        ...

    def forget(self) -> None:
        """No whole picture comes, and this is said again while none does: what there is of one, and does not
        grow, is to go."""
        ...

    def hang_up(self) -> None:
        """Nobody wants the picture any more."""
        ...


class Gone(Exception):
    """The phone has ended; its text says why, for people."""


@dataclass(frozen=True, slots=True)
class Coded:
    """One coded picture. stamp: the sender's time in 1/90000 s. at: when it was whole here, by the line's
    clock. Its repr says nothing of its content."""

    codec: str
    data: bytes
    stamp: int
    key: bool
    at: float

    def __repr__(self) -> str:
        return f"Coded({self.codec}, {len(self.data)} bytes)"


@dataclass(frozen=True, slots=True)
class LineStatistics:
    """Counts since the start. `waiting` is what stands in the buffer now; asked: requests for a key frame."""

    put: int
    taken: int
    dropped: int
    asked: int
    waiting: int
    limit: int


@dataclass(frozen=True, slots=True)
class Arriving:
    """What arrives now, for the phone's page. waited: seconds from whole to decoded, of the newest."""

    width: int
    height: int
    fps: float
    waited: float


class Line:
    """One camera's line. What takes a `holder` belongs to the camera's thread, which passes itself; the rest
    to whoever speaks with the phone. Everything may be called from any thread."""

    def __init__(
        self,
        camera: CameraId,
        *,
        clock: Callable[[], float] = time.monotonic,
        longest_wait: float = LONGEST_WAIT,
    ) -> None:
        self.camera = camera
        self._clock = clock
        self._longest = longest_wait
        self._changed = threading.Condition()  # guards all below; held for a few instructions only
        self._holder: object | None = None  # the source that is open
        self._sender: Sender | None = None  # the phone that sends; only while a source is open
        self._gone = ""  # why the last phone went, until another comes
        self._waiting: deque[Coded] = deque()
        self._needs_key = True  # what comes is dropped until one stands by itself
        self._asked_at: float | None = None
        self._arriving: Arriving | None = None
        self._seen_at: float | None = None  # when the newest was noted
        self._put = self._taken = self._dropped = self._asked = 0

    # ---- the camera's side ---------------------------------------------------------------------------

    def open(self, holder: object) -> bool:
        """Want pictures from now on. False while another source wants them."""
        with self._changed:
            if self._holder is not None:
                return False
            self._holder = holder
            self._gone = ""
            return True

    def shut(self, holder: object) -> None:
        """Want none any more: what waits is let go of, and the phone is told. Safe to call twice."""
        with self._changed:
            if self._holder is not holder:
                return
            self._holder = None
            sender, self._sender = self._sender, None
            self._reset()
            self._changed.notify_all()
        if sender is not None:
            sender.hang_up()

    def arrived(self, holder: object, seconds: float) -> bool:
        """Block until a picture that stands by itself waits, for at most so long; whether one does."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._holder is not holder, seconds)
            return bool(self._waiting) and self._holder is holder

    def take(self, holder: object, seconds: float) -> Coded | None:
        """The oldest of what waits, blocking for at most so long; None where nothing came or the line is
        shut. Raises Gone where the phone has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._gone or self._holder is not holder, seconds)
            if self._holder is not holder:
                return None
            if self._gone:
                raise Gone(self._gone)
            asks = self._let_go_of_the_late()
            coded = self._waiting.popleft() if self._waiting else None
            if coded is not None:
                self._taken += 1
        _call(asks)
        return coded

    def damaged(self, holder: object) -> None:
        """What was taken could not be decoded: what builds on it is of no use either."""
        with self._changed:
            asks = self._start_over() if self._holder is holder else ()
        _call(asks)

    def forget(self, holder: object, *, all_before: bool) -> None:
        """Nothing has come for a while. all_before: the camera has let go of what it decoded last, so that
        only a picture that stands by itself is of use next."""
        asks: Iterable[Callable[[], None]] = ()
        with self._changed:
            sender = self._sender
            if self._holder is not holder or sender is None:
                return
            stands = self._needs_key or (bool(self._waiting) and self._waiting[0].key)
            if all_before and not stands:
                asks = self._start_over()
        sender.forget()
        _call(asks)

    def note(self, holder: object, width: int, height: int, waited: float) -> None:
        """A picture has been decoded."""
        with self._changed:
            if self._holder is not holder:
                return
            now, fps = self._clock(), 0.0
            if self._seen_at is not None and now > self._seen_at:
                fps = 1 / (now - self._seen_at)
                if self._arriving is not None and self._arriving.fps:
                    # Steps and not rates are averaged: two pictures in a burst would count as a thousand a
                    # second.
                    before = 1 / self._arriving.fps
                    fps = 1 / (before + (1 / fps - before) / 16)
            self._seen_at = now
            self._arriving = Arriving(width, height, fps, waited)

    # ---- the phone's side ----------------------------------------------------------------------------

    @property
    def wanted(self) -> bool:
        """Whether a camera is open for this line. Nothing may be asked of a phone while none is."""
        return self._holder is not None

    @property
    def arriving(self) -> Arriving | None:
        """What arrives now; None before the first decoded picture of a phone."""
        return self._arriving

    def attach(self, sender: Sender) -> bool:
        """Send from now on; a phone that did so before is told to hang up. False where nobody wants it."""
        with self._changed:
            if self._holder is None:
                return False
            before, self._sender = self._sender, sender
            self._reset()
        if before is not None and before is not sender:
            before.hang_up()
        return True

    def put(self, sender: Sender, codec: str, data: bytes, stamp: int) -> None:
        """One whole coded picture. Never waits; what nobody wants is dropped."""
        key = is_key(codec, data)
        asks: Iterable[Callable[[], None]] = ()
        with self._changed:
            if self._sender is not sender:
                return
            self._put += 1
            asks = self._let_go_of_the_late()
            if self._needs_key and not key:
                self._dropped += 1
                asks = asks or self._ask()
            else:
                self._needs_key = False
                self._waiting.append(Coded(codec, data, stamp, key, self._clock()))
                self._changed.notify_all()
        _call(asks)

    def closed(self, sender: Sender, reason: str) -> None:
        """The phone has ended. reason: one line for people."""
        with self._changed:
            if self._sender is not sender:
                return
            self._sender = None
            self._reset()
            self._gone = reason
            self._changed.notify_all()

    def statistics(self) -> LineStatistics:
        with self._changed:
            return LineStatistics(
                self._put, self._taken, self._dropped, self._asked, len(self._waiting), MOST_WAITING
            )

    # ---- under the lock ------------------------------------------------------------------------------

    def _reset(self) -> None:
        self._dropped += len(self._waiting)
        self._waiting.clear()
        self._needs_key = True
        self._asked_at = self._arriving = self._seen_at = None
        self._gone = ""

    def _let_go_of_the_late(self) -> Iterable[Callable[[], None]]:
        """Newest wins."""
        if not self._waiting:
            return ()
        late = self._clock() - self._waiting[0].at > self._longest
        return self._start_over() if late or len(self._waiting) >= MOST_WAITING else ()

    def _start_over(self) -> Iterable[Callable[[], None]]:
        self._dropped += len(self._waiting)
        self._waiting.clear()
        self._needs_key = True
        return self._ask()

    def _ask(self) -> Iterable[Callable[[], None]]:
        """What to call outside the lock: the sender takes locks of its own."""
        now = self._clock()
        if self._sender is None or (self._asked_at is not None and now - self._asked_at < ASKING_SECONDS):
            return ()
        self._asked_at = now
        self._asked += 1
        return (self._sender.ask_key,)


class Lines:
    """A box's lines by camera: one for each camera whose picture a phone sends."""

    def __init__(self, cameras: Iterable[CameraId], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._lines = {camera: Line(camera, clock=clock) for camera in cameras}

    def line(self, camera: CameraId) -> Line:
        """Raises KeyError where no phone may send this camera's picture."""
        return self._lines[camera]

    def all(self) -> tuple[Line, ...]:
        return tuple(self._lines.values())

    def __contains__(self, camera: object) -> bool:
        return camera in self._lines


def is_key(codec: str, data: bytes) -> bool:
    """Whether a coded picture stands by itself.

    codec: "VP8" (RFC 6386, 9.1: the lowest bit of a key frame is 0) or "H264" (ITU-T H.264, annex B: a slice
    of an IDR picture is a NAL unit of type 5).
    """
    if codec == "VP8":
        return bool(data) and not data[0] & 1
    start = data.find(b"\0\0\1")
    while 0 <= start < len(data) - 3:
        kind = data[start + 3] & 0x1F
        if kind in (1, 5):
            return kind == 5
        start = data.find(b"\0\0\1", start + 3)
    return False


def _call(asks: Iterable[Callable[[], None]]) -> None:
    for ask in asks:
        ask()
