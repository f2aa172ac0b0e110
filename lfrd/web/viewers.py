"""Who watches which camera now: each viewer a call, limited in number, ended with session, post or camera."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, AsyncExitStack
from dataclasses import dataclass, field
from typing import Final

import structlog
from aiortc import RTCConfiguration, RTCIceServer

from lfrd.audit import kinds
from lfrd.errors import NotAllowed
from lfrd.operation.duty import Duty
from lfrd.operation.fault import Fault
from lfrd.store.audit import Audit
from lfrd.store.sessions import Session, SessionId
from lfrd.types import CameraId, Role
from lfrd.web.calls import Call, Calls
from lfrd.web.limits import Buckets
from lfrd.webrtc.peers import Peer
from lfrd.webrtc.viewer import Ended, Viewer, Watching

_log = structlog.get_logger(__name__)

ON_A_PHONE: Final = 4
"""Pictures of one session at once: the one in sight, and those of pages just left that may linger."""
AT_A_DESK: Final = 32
"""A wall of pictures, twice the cameras of a large site. `preview.viewers` limits all sessions together."""
RATE, BURST = 1.0, 40.0
"""Offers of one session: a whole wall at once, then one a second. Each costs a key and an answer."""

Watch = Callable[[CameraId], AbstractContextManager[Watching]]
"""Begins to watch a camera. Raises NotAllowed: 'not_running', 'too_many'."""


def watch_nothing(camera: CameraId) -> AbstractContextManager[Watching]:
    raise NotAllowed("not_running", f"camera '{camera}' does not run now")


@dataclass(eq=False)
class Place(Call):
    """One who watches."""

    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))


class Viewers(Calls[Place]):
    """Everybody who watches."""

    CLOSED = ("not_running", "the server is starting or stopping: try again")
    ENDED = ("ended", "watching was ended before it began")
    FAILED = "the live picture failed: try again"

    def __init__(
        self,
        watch: Watch,
        settings: RTCConfiguration,
        audit: Audit,
        duty: Duty,
        fault: Fault,
        deployment: Callable[[], Awaitable[str]],
        clock: Callable[[], float],
    ) -> None:
        """deployment: the id of the one that is open, "" for none."""
        super().__init__(audit, fault, clock, Buckets(RATE, BURST))
        self._watch = watch
        self._settings = settings
        self._duty = duty
        self._deployment = deployment
        duty.on_change(self._look)

    @property
    def relays(self) -> list[RTCIceServer]:
        """What browsers are told of, so that they use the same TURN server as the box."""
        return self._settings.iceServers or []

    async def open(self, session: Session, camera: CameraId, offer: str) -> tuple[str, str]:
        """Begin to watch: the viewer's id, and the answer to the offer.

        Raises NotAllowed: 'not_on_post' (an engagement officer's phone shows pictures on post only),
        'too_often', 'too_many', 'not_running', and as `Peer.answer`.
        """
        if self._off_post(session):
            raise NotAllowed("not_on_post", "live pictures are shown to officers on post: go on post first")
        self._count_offer(session)
        most = ON_A_PHONE if session.role is Role.ENGAGEMENT else AT_A_DESK
        if sum(place.session.id == session.id for place in self._calls) >= most:
            raise NotAllowed("too_many", f"at most {most} live pictures at once here: close one")
        place = Place(session, camera)
        return place.id, await self._answered(place, offer)

    def close(self, session: SessionId, viewer: str) -> None:
        """End one of this session's. Raises NotAllowed('unknown_viewer') where it has none such."""
        for place in self._calls:
            if place.id == viewer and place.session.id == session:
                place.end()
                return
        raise NotAllowed("unknown_viewer", "nobody watches under that name (any more)")

    def _off_post(self, session: Session) -> bool:
        return session.role is Role.ENGAGEMENT and not self._duty.is_on(session.id)

    def _look(self) -> None:
        """Somebody came on post or left it."""
        for place in self._calls:
            if self._off_post(place.session):
                place.end()

    async def _attend(self, place: Place, offer: str) -> None:
        camera = place.camera
        async with AsyncExitStack() as stack:
            watching = stack.enter_context(self._watch(camera))
            peer = await stack.enter_async_context(Peer(self._settings))
            viewer = Viewer(peer, watching)
            place.answer.set_result(await viewer.answer(offer))

            async def begin() -> None:
                open_ = await self._deployment()
                watched = kinds.PreviewWatched(open_, camera)
                await stack.enter_async_context(
                    self._recorded(place, watched, lambda seconds: kinds.PreviewLeft(open_, camera, seconds))
                )

            if await viewer.run(begin) is Ended.UNREACHED:
                self._unreached += 1
                _log.warning("viewer_not_reached", camera=camera)
