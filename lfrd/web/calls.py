"""Calls: browsers at the other end of WebRTC connections, each held as a task from its offer to its end."""

from __future__ import annotations

import abc
import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import ClassVar, Generic, TypeVar

import structlog

from lfrd.audit import kinds
from lfrd.errors import NotAllowed, StoreError
from lfrd.operation.fault import Fault
from lfrd.store.audit import Audit
from lfrd.store.sessions import Session, SessionId
from lfrd.types import CameraId
from lfrd.web.limits import Buckets
from lfrd.webrtc.peers import to_the_end

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CallsStatistics:
    now: int
    """Browsers that are connected or about to be."""
    begun: int
    unreached: int
    """Offers that were answered and never connected: a firewall between phones and box, as a rule."""


@dataclass(eq=False)
class Call:
    """One browser, from its offer on."""

    session: Session
    camera: CameraId
    answer: asyncio.Future[str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    task: asyncio.Task[None] | None = None

    def end(self) -> None:
        """Have it end; it is gone a little later."""
        if self.task is not None:
            self.task.cancel()

    def refuse(self, error: NotAllowed) -> None:
        """Where it has not been answered yet."""
        if not self.answer.done():
            self.answer.set_exception(error)


C = TypeVar("C", bound=Call)


class Calls(abc.ABC, Generic[C]):
    """All calls of one kind. `run()` must stand in the app's TaskGroup: they live inside it."""

    CLOSED: ClassVar[tuple[str, str]]
    """Code and words of the refusal while `run` does not."""
    ENDED: ClassVar[tuple[str, str]]
    """Of a call that ended before it was answered."""
    FAILED: ClassVar[str]
    """Words for one that a fault of ours ended."""

    def __init__(self, audit: Audit, fault: Fault, clock: Callable[[], float], offers: Buckets) -> None:
        """clock: seconds, monotonic. offers: how often one session may call."""
        self._audit = audit
        self._fault = fault  # hears of an audit that cannot be written
        self._clock = clock
        self._offers = offers
        self._group: asyncio.TaskGroup | None = None  # while `run` does
        self._calls: list[C] = []  # the newest last
        self._begun = self._unreached = 0

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                await asyncio.Event().wait()
            finally:
                self._group = None

    async def end_all(self) -> None:
        """The server stops: every call ends, and the audit has its end. Nobody comes after."""
        self._group = None
        tasks = [call.task for call in self._calls if call.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def hang_up(self, session: SessionId) -> None:
        """The session no longer stands: every call of it ends now."""
        for call in self._calls:
            if call.session.id == session:
                call.end()

    def sessions(self) -> frozenset[SessionId]:
        """Whose sessions must stand for as long as their calls last."""
        return frozenset(call.session.id for call in self._calls)

    def statistics(self) -> CallsStatistics:
        return CallsStatistics(len(self._calls), self._begun, self._unreached)

    # ---- for the two kinds -----------------------------------------------------------------------------

    def _count_offer(self, session: Session) -> None:
        """Raises NotAllowed('too_often')."""
        if wait := self._offers.take(session.id, self._clock()):
            raise NotAllowed("too_often", f"too many tries: wait {wait:.0f} s")

    async def _answered(self, call: C, offer: str) -> str:
        """Hold the call from now on; the answer to its offer. Raises NotAllowed: CLOSED, ENDED, 'failed', and
        as `_attend`."""
        if self._group is None:
            raise NotAllowed(*self.CLOSED)
        self._calls.append(call)
        name = f"{type(self).__name__} {call.camera}"
        call.task = self._group.create_task(self._held(call, offer), name=name)
        call.task.add_done_callback(lambda _task: self._gone(call))
        return await asyncio.shield(call.answer)

    @abc.abstractmethod
    async def _attend(self, call: C, offer: str) -> None:
        """Answer the offer (`call.answer`), and return when one of the two sides has ended. Raises NotAllowed
        where there is no call, and StoreError."""

    @asynccontextmanager
    async def _recorded(
        self, call: C, begins: kinds.AnyBody, ends: Callable[[float], kinds.AnyBody]
    ) -> AsyncIterator[None]:
        """The call's time, between its two records in the audit; neither is lost to a cancellation.

        ends: makes the second, told the seconds since the first.
        """
        began: float | None = None

        async def begin() -> None:
            nonlocal began
            await self._audit.record(begins, call.session.actor)
            began = self._clock()
            self._begun += 1

        async def end(since: float) -> None:
            await self._audit.record(ends(round(self._clock() - since, 1)), call.session.actor)

        try:
            await to_the_end(begin())
            yield
        finally:
            if began is not None:
                await to_the_end(end(began))

    # ---- one call --------------------------------------------------------------------------------------

    async def _held(self, call: C, offer: str) -> None:
        """From the offer to the end. What goes wrong is this call's news, but for a store that fails."""
        try:
            await self._attend(call, offer)
        except NotAllowed as error:
            call.refuse(error)
        except StoreError as error:
            self._fault.report(error)
        except Exception:
            _log.error("call_failed", kind=type(self).__name__, camera=call.camera, exc_info=True)
            call.refuse(NotAllowed("failed", self.FAILED))

    def _gone(self, call: C) -> None:
        self._calls.remove(call)
        call.refuse(NotAllowed(*self.ENDED))
        call.answer.exception()  # looked at, also where the asker has gone meanwhile
