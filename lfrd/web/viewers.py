"""Who watches which camera now: each viewer a task, limited in number, ended with session, post or camera."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Final

import structlog
from aiortc import RTCConfiguration, RTCIceServer

from lfrd.audit import kinds
from lfrd.errors import NotAllowed, StoreError
from lfrd.operation.duty import Duty
from lfrd.operation.fault import Fault
from lfrd.store.audit import Audit
from lfrd.store.sessions import Session, SessionId
from lfrd.types import CameraId, Role
from lfrd.web.limits import Buckets
from lfrd.webrtc.peers import Peer, to_the_end
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


@dataclass(frozen=True, slots=True)
class ViewersStatistics:
    watching: int
    """Browsers that are connected or about to be."""
    begun: int
    unreached: int
    """Offers that were answered and never connected: a firewall between phones and box, as a rule."""


@dataclass(eq=False)
class _Place:
    """One who watches, from the offer on."""

    session: Session
    camera: CameraId
    answer: asyncio.Future[str]
    task: asyncio.Task[None] | None = None
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))


class Viewers:
    """Everybody who watches. `run()` must stand in the app's TaskGroup: the viewers live inside it."""

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
        """deployment: the id of the one that is open, "" for none. clock: seconds, monotonic."""
        self._watch = watch
        self._settings = settings
        self._audit = audit
        self._duty = duty
        self._fault = fault  # hears of an audit that cannot be written
        self._deployment = deployment
        self._clock = clock
        self._group: asyncio.TaskGroup | None = None  # while `run` does
        self._places: dict[str, _Place] = {}  # by the viewer's id
        self._offers = Buckets(RATE, BURST)
        self._numbers = itertools.count(1)
        self._begun = self._unreached = 0
        duty.on_change(self._look)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                await asyncio.Event().wait()
            finally:
                self._group = None

    @property
    def relays(self) -> list[RTCIceServer]:
        """What browsers are told of, so that they use the same TURN server as the box."""
        return self._settings.iceServers or []

    # ---- coming and going ------------------------------------------------------------------------------

    async def open(self, session: Session, camera: CameraId, offer: str) -> tuple[str, str]:
        """Begin to watch: the viewer's id, and the answer to the offer.

        Raises NotAllowed: 'not_on_post' (an engagement officer's phone shows pictures on post only),
        'too_often', 'too_many', 'not_running', and as `Peer.answer`.
        """
        self._may(session)
        if self._group is None:
            raise NotAllowed("not_running", "the server is starting or stopping: try again")
        place = _Place(session, camera, asyncio.get_running_loop().create_future())
        self._places[place.id] = place
        place.task = self._group.create_task(self._attend(place, offer), name=f"viewer {next(self._numbers)}")
        place.task.add_done_callback(lambda _task: self._gone(place))
        return place.id, await asyncio.shield(place.answer)

    async def end_all(self) -> None:
        """The server stops: everybody's picture ends, and the audit has its end. Nobody comes after."""
        self._group = None
        tasks = [place.task for place in self._places.values() if place.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _may(self, session: Session) -> None:
        if session.role is Role.ENGAGEMENT and not self._duty.is_on(session.id):
            raise NotAllowed("not_on_post", "live pictures are shown to officers on post: go on post first")
        if wait := self._offers.take(session.id, self._clock()):
            raise NotAllowed("too_often", f"too many tries to watch: wait {wait:.0f} s")
        most = ON_A_PHONE if session.role is Role.ENGAGEMENT else AT_A_DESK
        if sum(place.session.id == session.id for place in self._places.values()) >= most:
            raise NotAllowed("too_many", f"at most {most} live pictures at once here: close one")

    def close(self, session: SessionId, viewer: str) -> None:
        """End one of this session's. Raises NotAllowed('unknown_viewer') where it has none such."""
        place = self._places.get(viewer)
        if place is None or place.session.id != session:
            raise NotAllowed("unknown_viewer", "nobody watches under that name (any more)")
        self._end(place)

    def hang_up(self, session: SessionId) -> None:
        """The session no longer stands: everything that it watches ends now."""
        for place in list(self._places.values()):
            if place.session.id == session:
                self._end(place)

    def sessions(self) -> frozenset[SessionId]:
        """Whose sessions must stand for as long as they watch."""
        return frozenset(place.session.id for place in self._places.values())

    def _look(self) -> None:
        """Somebody came on post or left it."""
        for place in list(self._places.values()):
            if place.session.role is Role.ENGAGEMENT and not self._duty.is_on(place.session.id):
                self._end(place)

    def _end(self, place: _Place) -> None:
        if place.task is not None:
            place.task.cancel()

    def _gone(self, place: _Place) -> None:
        self._places.pop(place.id, None)
        if not place.answer.done():  # ended before there was one
            place.answer.set_exception(NotAllowed("ended", "watching was ended before it began"))
        place.answer.exception()  # looked at, also where the asker has gone meanwhile

    def statistics(self) -> ViewersStatistics:
        return ViewersStatistics(len(self._places), self._begun, self._unreached)

    # ---- one viewer ------------------------------------------------------------------------------------

    async def _attend(self, place: _Place, offer: str) -> None:
        """From the offer to the end. What goes wrong is this viewer's news, but for a store that fails."""
        try:
            with ExitStack() as stack:
                watching = stack.enter_context(self._watch(place.camera))
                async with Peer(self._settings) as peer:
                    viewer = Viewer(peer, watching)
                    place.answer.set_result(await viewer.answer(offer))
                    await self._shown(place, viewer)
        except NotAllowed as error:
            self._refuse(place, error)
        except StoreError as error:
            self._fault.report(error)
        except Exception:
            _log.error("viewer_failed", camera=place.camera, exc_info=True)
            self._refuse(place, NotAllowed("failed", "the live picture failed: try again"))

    def _refuse(self, place: _Place, error: NotAllowed) -> None:
        if not place.answer.done():
            place.answer.set_exception(error)

    async def _shown(self, place: _Place, viewer: Viewer) -> None:
        """The viewer's time, between its two records in the audit."""
        began: float | None = None
        deployment = ""

        async def watched() -> None:
            nonlocal began, deployment
            deployment = await self._deployment()
            await self._record(kinds.PreviewWatched(deployment, place.camera), place.session)
            began = self._clock()
            self._begun += 1

        try:
            if await viewer.run(lambda: to_the_end(watched())) is Ended.UNREACHED:
                self._unreached += 1
                _log.warning("viewer_not_reached", camera=place.camera)
        finally:
            if began is not None:
                seconds = round(self._clock() - began, 1)
                left = kinds.PreviewLeft(deployment, place.camera, seconds)
                await to_the_end(self._record(left, place.session))

    async def _record(self, body: kinds.AnyBody, session: Session) -> None:
        await self._audit.record(body, session.actor)
