"""Who lends a phone as a camera now: one phone a camera; it ends with its session, camera or server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiortc import RTCConfiguration

from lfrd.audit import kinds
from lfrd.capture.lines import Line, Lines
from lfrd.errors import NotAllowed
from lfrd.operation.fault import Fault
from lfrd.store.audit import Audit
from lfrd.store.sessions import Session, SessionId
from lfrd.types import CameraId
from lfrd.web.calls import Call, Calls
from lfrd.web.limits import Buckets
from lfrd.webrtc.camera import NOT_WANTED, PhonePicture

RATE, BURST = 1.0, 10.0
"""Offers of one session: a page tries again with pauses that grow."""
STOPPED: Final = "the phone that sends the picture was stopped by hand"
SIGNED_OUT: Final = "the phone that sends the picture was signed out"


@dataclass(eq=False)
class Lent(Call):
    """A phone that sends."""

    picture: PhonePicture | None = None
    why: str = ""
    """Why it was told to end, until there is a picture that can be told."""

    def end(self, why: str = SIGNED_OUT) -> None:
        self.why = self.why or why
        if self.picture is not None:
            self.picture.hang_up(self.why)


class Lending(Calls[Lent]):
    """Every phone that is a camera."""

    CLOSED = ENDED = ("not_wanted", NOT_WANTED)
    FAILED = "the box could not take the picture: try again"

    def __init__(
        self,
        lines: Lines,
        settings: RTCConfiguration,
        audit: Audit,
        fault: Fault,
        clock: Callable[[], float],
    ) -> None:
        super().__init__(audit, fault, clock, Buckets(RATE, BURST))
        self.lines = lines
        self._settings = settings

    def line(self, camera: CameraId) -> Line:
        """Raises NotAllowed('unknown_camera') where no phone may be this camera."""
        if camera not in self.lines:
            raise NotAllowed("unknown_camera", f"camera '{camera}': no phone sends its picture here")
        return self.lines.line(camera)

    def holder(self, camera: CameraId) -> Session | None:
        """Whose phone sends this camera's picture, or is about to."""
        lent = self._newest(camera)
        return None if lent is None else lent.session

    def _newest(self, camera: CameraId) -> Lent | None:
        return next((lent for lent in reversed(self._calls) if lent.camera == camera), None)

    async def lend(self, session: Session, camera: CameraId, offer: str) -> str:
        """Begin to send: the answer to the offer. A phone that was cut off and comes back, in the same
        session, takes its own place again.

        Raises NotAllowed: 'unknown_camera', 'not_wanted' (nothing is answered while the camera is not open:
        no deployment names it, or nobody is on post), 'taken', 'too_often', and as `Peer.answer`.
        """
        if not self.line(camera).wanted:
            raise NotAllowed("not_wanted", NOT_WANTED)
        before = self._newest(camera)
        if before is not None and before.session.id != session.id:
            whose = before.session.name
            raise NotAllowed("taken", f"{whose} sends this camera's picture: only one phone can at a time")
        self._count_offer(session)
        if before is not None:
            before.end(STOPPED)
        return await self._answered(Lent(session, camera), offer)

    def give_back(self, session: SessionId, camera: CameraId) -> None:
        """Raises NotAllowed('unknown_camera') where this session does not send it."""
        lent = self._newest(camera)
        if lent is None or lent.session.id != session:
            raise NotAllowed("unknown_camera", f"camera '{camera}': this phone does not send its picture")
        lent.end(STOPPED)

    async def _attend(self, lent: Lent, offer: str) -> None:
        camera = lent.camera
        async with PhonePicture(self.line(camera), self._settings) as picture:
            lent.picture = picture
            if lent.why:
                raise NotAllowed("not_wanted", lent.why)
            lent.answer.set_result(await picture.answer(offer))
            if not await picture.connected():
                self._unreached += not picture.hung_up
                return
            lends = kinds.CameraLent(camera)
            async with self._recorded(lent, lends, lambda seconds: kinds.CameraReturned(camera, seconds)):
                await picture.ended()
