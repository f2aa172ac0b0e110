"""Keeps one camera running while it is wanted: opened, watched, closed and tried again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import structlog

from lfrd.capture.backoff import Backoff
from lfrd.capture.session import Session
from lfrd.capture.source import Source
from lfrd.config import Camera
from lfrd.errors import LfrdError, SourceError
from lfrd.flow import Latest
from lfrd.types import CameraId, CameraState, Frame

log = structlog.get_logger(__name__)

OPENING_SLACK = 1.0
"""Seconds over open_seconds before a thread that is still opening is given up."""
CLOSING_SECONDS = 2.0
"""How long a thread may take to close its source before it is given up."""
STEADY_SECONDS = 10.0
"""A camera that was live for so long begins with the shortest pause again when it fails."""
ABANDONED_LIMIT = 1
"""Threads of one camera that may hang at once; while they do, it is not tried again."""


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """What people are told of a camera. problem: one line, empty while all is well."""

    camera: CameraId
    state: CameraState
    problem: str
    resolution: tuple[int, int] | None
    """Width, height in pixels of the newest picture."""
    since: float
    """When the state began, by the supervisor's clock."""


@dataclass(frozen=True, slots=True)
class CameraStatistics:
    """Counts since the process started. delivered = decoded - skipped; dropped of them were replaced by a
    newer one before anybody took them. spared: never decoded, while the camera was relieved."""

    decoded: int
    skipped: int
    spared: int
    corrupt: int
    decode_seconds: float
    """What the decoder took, all frames together."""
    dropped: int
    opened: int
    failures: int
    abandoned: int
    """Threads given up because they hung, including those that have come back since."""
    hanging: int
    """Threads that hang now."""
    resolution: tuple[int, int] | None
    fps: float
    """Frames decoded a second, a running mean; 0 unless the camera is live."""
    began_at: float | None
    """captured_at of the first frame of the session that runs; None before it, and while none does."""


class CameraSupervisor:
    """One camera for the life of the process. Made and used in the event loop's thread.

    `frames` is the same flow across reconnects: newest wins, but a recording that is played as fast as it
    goes waits for its frames to be taken. It is closed when a recording has ended or when
    `run` ends; its taker then sees `flow.Closed`. clock: monotonic seconds. pause: sleeps for seconds.
    """

    def __init__(
        self,
        camera: Camera,
        make: Callable[[], Source],
        *,
        on_change: Callable[[CameraStatus], object] = lambda status: None,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep,
        backoff: Backoff | None = None,
    ) -> None:
        self.name = CameraId(camera.name)
        self.frames: Latest[Frame] = Latest(discard=Frame.release)
        self._camera = camera
        self._make = make
        self._on_change = on_change
        self._clock = clock
        self._pause = pause
        self._backoff = backoff or Backoff(camera.retry_seconds, camera.retry_longest_seconds)
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()  # the session has something to tell, or `wanted` has changed
        self._wanted = False
        self._relieved = False  # what each session is told
        self._session: Session | None = None  # the one that runs now
        self._abandoned: list[Session] = []  # threads that hang; at most ABANDONED_LIMIT
        self._state = CameraState.OFF
        self._problem = ""
        self._since = clock()
        self._resolution: tuple[int, int] | None = None
        self._past = _Totals()  # of the sessions that are over
        self._opened = self._failures = self._given_up = 0

    def start(self) -> None:
        """Somebody is on post: the camera may run."""
        self._want(True)

    def stop(self) -> None:
        """Nobody is on post: the camera closes, and what it has buffered is overwritten."""
        self._want(False)

    def relieve(self, on: bool) -> None:
        """From now on, across reconnects: leave out the frames that no other frame is made from before they
        are decoded, where the camera sends any. Frames then come less often, each as good as before.

        It saved something if `statistics().spared` has grown a second later; many cameras send none.
        """
        self._relieved = on
        if self._session is not None:
            self._session.relieve(on)

    def _want(self, wanted: bool) -> None:
        if self._wanted != wanted:
            self._wanted = wanted
            self._news.set()

    @property
    def status(self) -> CameraStatus:
        return CameraStatus(self.name, self._state, self._problem, self._seen(), self._since)

    def statistics(self) -> CameraStatistics:
        totals = self._past + _Totals.of(self._session)
        source = self._session.source if self._session is not None else None
        interval = source.interval if source is not None and self._state is CameraState.LIVE else None
        return CameraStatistics(
            totals.decoded,
            totals.skipped,
            totals.spared,
            totals.corrupt,
            totals.decode_seconds,
            self.frames.statistics().dropped,
            self._opened,
            self._failures,
            self._given_up,
            len(self._hanging()),
            self._seen(),
            1 / interval if interval else 0.0,
            self._session.began_at if self._session is not None else None,
        )

    async def run(self) -> None:
        """Until cancelled, or until a recording has ended. Raises only what is a bug."""
        try:
            while self._state is not CameraState.ENDED:
                if self._wanted:
                    await self._try_once()
                else:
                    self._set(CameraState.OFF)
                    await self._wait(None)
        finally:
            try:
                await self._end()
            finally:
                if self._state is not CameraState.ENDED:
                    self.frames.clear()
                self.frames.close()

    async def _try_once(self) -> None:
        """One session from open to close and, where it failed, the pause after it."""
        problem = await self._session_problem()
        if not problem or not self._wanted:
            return
        self._failures += 1
        seconds = self._backoff.failed()
        self._set(CameraState.RETRYING, problem)
        log.warning("camera_retries", camera=self.name, problem=problem, seconds=round(seconds, 1))
        until = self._clock() + seconds
        while self._wanted and (left := until - self._clock()) > 0:
            await self._wait(left)

    async def _session_problem(self) -> str:
        """Run one session. Returns why it failed; nothing where it ended well or is not wanted any more."""
        if len(self._hanging()) >= ABANDONED_LIMIT:
            return "an earlier try still hangs in the driver or the network; it is not tried again before"
        self._set(CameraState.OPENING, self._problem)
        self._opened += 1
        session = self._session = Session(
            self.name,
            self._make,
            self.frames.put,
            self._tell,
            self._clock,
            self._past.decoded,
            room=None if self._camera.is_live else self.frames.wait_empty,
            relieved=self._relieved,
        )
        problem = await self._watch(session)
        if session.first_at is not None and self._clock() - session.first_at >= STEADY_SECONDS:
            self._backoff.worked()
        whole = session.ended and session.error is None and not problem
        await self._end(keep=whole)
        if session.bug is not None:
            raise session.bug
        if whole:
            self._finish(session)
        return problem

    async def _watch(self, session: Session) -> str:
        """Follow a session until it ends, fails or is not wanted. Returns what is wrong, or nothing."""
        began = self._clock()
        while self._wanted:
            if session.ended:
                return _line(session.error) if session.error is not None else ""
            deadline, problem = self._deadline(session, began)
            if session.first_at is not None:
                self._set(CameraState.LIVE)
            left = None if deadline is None else deadline - self._clock()
            if left is not None and left <= 0:
                if session.opened_at is not None:
                    self._set(CameraState.STALLED, problem)
                return problem
            await self._wait(left)
        return ""

    def _deadline(self, session: Session, began: float) -> tuple[float | None, str]:
        """Until when the next sign of life is due, and what it means if none comes."""
        source = session.source
        if session.opened_at is None or source is None:
            seconds = self._camera.open_seconds
            return began + seconds + OPENING_SLACK, f"did not open within {seconds:g} s"
        if not source.live:
            return None, ""
        seconds = self._camera.stall_seconds
        return (source.newest_at or session.opened_at) + seconds, f"no frame for {seconds:g} s"

    async def _end(self, *, keep: bool = False) -> None:
        """Close the running session, or give its thread up, and leave no picture behind.

        keep: leave the last frame of a recording to its taker.
        """
        session = self._session
        if session is None:
            return
        session.stop()
        if not keep:
            self.frames.clear()
        try:
            deadline = self._clock() + CLOSING_SECONDS
            while not session.ended and (left := deadline - self._clock()) > 0:
                await self._wait(left)
        finally:
            self._session = None
            self._resolution = self._seen_of(session)
            self._past += _Totals.of(session)
            if session.ended:
                session.join()
            else:
                self._given_up += 1
                self._abandoned.append(session)
                log.error("camera_thread_hangs", camera=self.name)

    def _finish(self, session: Session) -> None:
        remark = session.source.remark if session.source is not None else ""
        self._set(CameraState.ENDED, remark)
        log.info("camera_ended", camera=self.name, remark=remark)

    def _tell(self) -> None:
        """Called in the session's thread."""
        try:
            self._loop.call_soon_threadsafe(self._news.set)
        except RuntimeError:
            return  # the loop is closed: a thread that was given up has come back

    async def _wait(self, seconds: float | None) -> None:
        """Until there is news, or for so many seconds."""
        waits: list[asyncio.Task[object]] = [asyncio.create_task(self._news.wait())]
        if seconds is not None:
            waits.append(asyncio.create_task(self._pause(seconds)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self._news.clear()

    def _hanging(self) -> list[Session]:
        self._abandoned = [session for session in self._abandoned if not session.ended]
        return self._abandoned

    def _seen(self) -> tuple[int, int] | None:
        return self._seen_of(self._session)

    def _seen_of(self, session: Session | None) -> tuple[int, int] | None:
        source = session.source if session is not None else None
        return self._resolution if source is None or source.resolution is None else source.resolution

    def _set(self, state: CameraState, problem: str = "") -> None:
        if (state, problem) == (self._state, self._problem):
            return
        if state is not self._state:
            self._since = self._clock()
        self._state, self._problem = state, problem
        log.info("camera_state", camera=self.name, state=state.value, problem=problem)
        self._on_change(self.status)


@dataclass(frozen=True, slots=True)
class _Totals:
    decoded: int = 0
    skipped: int = 0
    spared: int = 0
    corrupt: int = 0
    decode_seconds: float = 0.0

    @classmethod
    def of(cls, session: Session | None) -> _Totals:
        if session is None or session.source is None:
            return cls()
        counts = session.source.counts
        return cls(counts.decoded, counts.skipped, counts.spared, counts.corrupt, counts.decode_seconds)

    def __add__(self, other: _Totals) -> _Totals:
        return _Totals(
            self.decoded + other.decoded,
            self.skipped + other.skipped,
            self.spared + other.spared,
            self.corrupt + other.corrupt,
            self.decode_seconds + other.decode_seconds,
        )


def _line(error: LfrdError) -> str:
    """The error's problem without the camera's name, which stands beside it wherever it is shown."""
    return error.problem if isinstance(error, SourceError) else str(error)
