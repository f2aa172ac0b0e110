"""One try at a camera: a thread that opens its source, hands its frames over, and closes it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from lfrd.capture.source import Source
from lfrd.errors import LfrdError
from lfrd.types import CameraId, Frame

ROOM_SECONDS = 0.1
"""How often a thread that waits for room looks whether it should stop."""


class Session:
    """The thread is a daemon, as a driver or a name server can hold it inside a system call for ever: it can
    be abandoned, and then hands over nothing more.

    make: builds the source, in the thread. deliver: takes each frame. news: called from the thread when the
    source has opened, at the first frame, and at the end. first_sequence: added to each frame's, so that a
    camera's numbers go on across sessions. All attributes may be read from any thread.
    """

    def __init__(
        self,
        camera: CameraId,
        make: Callable[[], Source],
        deliver: Callable[[Frame], object],
        news: Callable[[], object],
        clock: Callable[[], float],
        first_sequence: int = 0,
        room: Callable[[float], bool] | None = None,
        relieved: bool = False,
    ) -> None:
        """room: waits, for at most so many seconds, until a frame can be handed over without another being
        lost; None for a source that does not wait. relieved: what `relieve` would say at the start."""
        self._make = make
        self._deliver = deliver
        self._news = news
        self._clock = clock
        self._first_sequence = first_sequence
        self._room = room
        self._lock = threading.Lock()  # guards _silent together with what is delivered, source, _relieved
        self._silent = False  # abandoned or stopped: later frames are released unseen
        self._relieved = relieved  # what the source is told once it is made
        self.source: Source | None = None  # while and after it runs; None before it is made
        self.opened_at: float | None = None
        self.first_at: float | None = None  # when the first frame was handed over
        self.began_at: float | None = None  # its captured_at
        self.error: LfrdError | None = None  # why it ended; None after stop() or a recording's end
        self.bug: BaseException | None = None  # what no source may raise
        self.ended = False  # the thread has closed the source and has nothing more to do
        self._thread = threading.Thread(target=self._run, name=f"capture {camera}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Hand over nothing more from now on, wipe what is idle, and ask the thread to end."""
        with self._lock:
            self._silent = True
            source = self.source
        if source is not None:
            source.stop()
            source.wipe()

    def relieve(self, on: bool) -> None:
        """As `Source.relieve`."""
        with self._lock:
            self._relieved = on
            if self.source is not None:
                self.source.relieve(on)

    def join(self) -> None:
        """Wait for the thread of an ended session, which has nothing left to do."""
        self._thread.join()

    def _run(self) -> None:
        try:
            source = self._make()
            with self._lock:
                if self._silent:
                    return
                self.source = source
                source.relieve(self._relieved)
            with source:
                self.opened_at = self._clock()
                self._news()
                for frame in source:
                    if not self._hand_over(frame):
                        break
        except LfrdError as error:
            # Its traceback would keep the source's locals, and with them a frame, for as long as the error.
            self.error = error.with_traceback(None)
        except BaseException as bug:
            self.bug = bug
        finally:
            self.ended = True
            self._news()

    def _hand_over(self, frame: Frame) -> bool:
        # Not under the lock: `stop` must never wait for whoever takes the frames.
        while self._room is not None and not self._silent and not self._room(ROOM_SECONDS):
            pass
        with self._lock:
            if self._silent:
                frame.release()
                return False
            frame.sequence += self._first_sequence
            if self.began_at is None:
                self.began_at = frame.captured_at
            self._deliver(frame)
        if self.first_at is None:
            self.first_at = self._clock()
            self._news()
        return True
