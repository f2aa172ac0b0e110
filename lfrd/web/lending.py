"""Who lends a phone as a camera now: one phone a camera; it ends with its session, camera or server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog
from aiortc import RTCConfiguration

from lfrd.audit import kinds
from lfrd.capture.lines import Line, Lines
from lfrd.errors import NotAllowed, StoreError
from lfrd.operation.fault import Fault
from lfrd.store.audit import Audit
from lfrd.store.sessions import Session, SessionId
from lfrd.types import CameraId
from lfrd.web.limits import Buckets
from lfrd.webrtc.camera import NOT_WANTED, PhonePicture

_log = structlog.get_logger(__name__)

RATE, BURST = 1.0, 10.0
"""Offers of one session: a page tries again with pauses that grow."""
STOPPED: Final = "the phone that sends the picture was stopped by hand"
SIGNED_OUT: Final = "the phone that sends the picture was signed out"


@dataclass(eq=False)
class Lent:
    """A phone that sends, from its offer on."""

    session: Session
    line: Line
    answer: asyncio.Future[str]
    task: asyncio.Task[None] | None = None
    picture: PhonePicture | None = None
    why: str = ""
    """Why it was told to end, until there is a picture that can be told."""

    def end(self, why: str) -> None:
        self.why = self.why or why
        if self.picture is not None:
            self.picture.hang_up(self.why)


class Lending:
    """Every phone that is a camera. `run()` must stand in the app's TaskGroup: they live inside it."""

    def __init__(
        self,
        lines: Lines,
        settings: RTCConfiguration,
        audit: Audit,
        fault: Fault,
        clock: Callable[[], float],
    ) -> None:
        """clock: seconds, monotonic."""
        self.lines = lines
        self._settings = settings
        self._audit = audit
        self._fault = fault  # hears of an audit that cannot be written
        self._clock = clock
        self._group: asyncio.TaskGroup | None = None  # while `run` does
        self._lent: dict[CameraId, Lent] = {}  # the newest of each camera
        self._offers = Buckets(RATE, BURST)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                await asyncio.Event().wait()
            finally:
                self._group = None

    def line(self, camera: CameraId) -> Line:
        """Raises NotAllowed('unknown_camera') where no phone may be this camera."""
        if camera not in self.lines:
            raise NotAllowed("unknown_camera", f"camera '{camera}': no phone sends its picture here")
        return self.lines.line(camera)

    def holder(self, camera: CameraId) -> Session | None:
        """Whose phone sends this camera's picture, or is about to."""
        lent = self._lent.get(camera)
        return None if lent is None else lent.session

    async def lend(self, session: Session, camera: CameraId, offer: str) -> str:
        """Begin to send: the answer to the offer. A phone that was cut off and comes back, in the same
        session, takes its own place again.

        Raises NotAllowed: 'unknown_camera', 'not_wanted' (nothing is answered while the camera is not open:
        no deployment names it, or nobody is on post), 'taken', 'too_often', and as `Peer.answer`.
        """
        line = self.line(camera)
        if not line.wanted or self._group is None:
            raise NotAllowed("not_wanted", NOT_WANTED)
        before = self._lent.get(camera)
        if before is not None and before.session.id != session.id:
            whose = before.session.name
            raise NotAllowed("taken", f"{whose} sends this camera's picture: only one phone can at a time")
        if wait := self._offers.take(session.id, self._clock()):
            raise NotAllowed("too_often", f"too many tries: wait {wait:.0f} s")
        lent = Lent(session, line, asyncio.get_running_loop().create_future())
        self._lent[camera] = lent
        if before is not None:
            before.end(STOPPED)
        lent.task = self._group.create_task(self._attend(lent, offer), name=f"phone {camera}")
        lent.task.add_done_callback(lambda _task: self._gone(lent))
        return await asyncio.shield(lent.answer)

    def give_back(self, session: SessionId, camera: CameraId) -> None:
        """Raises NotAllowed('unknown_camera') where this session does not send it."""
        lent = self._lent.get(camera)
        if lent is None or lent.session.id != session:
            raise NotAllowed("unknown_camera", f"camera '{camera}': this phone does not send its picture")
        lent.end(STOPPED)

    def hang_up(self, session: SessionId) -> None:
        """The session no longer stands."""
        for lent in list(self._lent.values()):
            if lent.session.id == session:
                lent.end(SIGNED_OUT)

    def sessions(self) -> frozenset[SessionId]:
        """Whose sessions must stand for as long as they send."""
        return frozenset(lent.session.id for lent in self._lent.values())

    def _gone(self, lent: Lent) -> None:
        if self._lent.get(lent.line.camera) is lent:
            del self._lent[lent.line.camera]
        if not lent.answer.done():
            lent.answer.set_exception(NotAllowed("not_wanted", NOT_WANTED))
        lent.answer.exception()  # looked at, also where the asker has gone meanwhile

    # ---- one phone -------------------------------------------------------------------------------------

    async def _attend(self, lent: Lent, offer: str) -> None:
        """From the offer to the end. What goes wrong is this phone's news, but for a store that fails."""
        try:
            async with PhonePicture(lent.line, self._settings) as picture:
                lent.picture = picture
                if lent.why:
                    raise NotAllowed("not_wanted", lent.why)
                lent.answer.set_result(await picture.answer(offer))
                if await picture.connected():
                    await self._sent(lent, picture)
        except NotAllowed as error:
            self._refuse(lent, error)
        except StoreError as error:
            self._fault.report(error)
        except Exception:
            _log.error("phone_camera_failed", camera=lent.line.camera, exc_info=True)
            self._refuse(lent, NotAllowed("failed", "the box could not take the picture: try again"))

    def _refuse(self, lent: Lent, error: NotAllowed) -> None:
        if not lent.answer.done():
            lent.answer.set_exception(error)

    async def _sent(self, lent: Lent, picture: PhonePicture) -> None:
        """The phone's time as a camera, between its two records in the audit."""
        camera = lent.line.camera
        await self._audit.record(kinds.CameraLent(camera), lent.session.actor)
        began = self._clock()
        try:
            await picture.ended()
        finally:
            seconds = round(self._clock() - began, 1)
            await self._audit.record(kinds.CameraReturned(camera, seconds), lent.session.actor)
