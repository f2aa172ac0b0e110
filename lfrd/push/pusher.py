"""Sends the wake-ups that the policy asks for: beside the alerts, never in their way."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from lfrd import wire
from lfrd.errors import SealError, StoreError
from lfrd.operation.fault import Fault
from lfrd.push.endpoints import host_of
from lfrd.push.outcome import Answer, Outcome
from lfrd.push.policy import PhoneNow, Policy, WakeUp
from lfrd.push.trouble import Trouble
from lfrd.store.sessions import SessionId
from lfrd.store.wake_ups import Addresses

if TYPE_CHECKING:
    from lfrd.push.line import Ways
    from lfrd.push.sender import Sender

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.5
"""How often it is looked whom to wake; at once where an event has been stored."""
PAUSES = (0.0, 1.0, 3.0, 9.0)
"""Seconds before each try of one wake-up, times `JITTER`; longer where the service asks for it."""
JITTER = (0.5, 1.5)
"""So that the phones of a shift, which failed together, are not tried together again."""


@dataclass(frozen=True, slots=True)
class PusherStatistics:
    wanted: int = 0
    """Wake-ups that the policy asked for, for phones whose wake-ups are on."""
    taken: int = 0
    """Tries that a push service took; whether the phone shows one, no service says."""
    gone: int = 0
    """Tries that ended with a phone forgotten, because its service knows it no more."""
    busy: int = 0
    refused: int = 0
    unreachable: int = 0
    inside: int = 0
    given_up: int = 0
    """Wake-ups that no try delivered while they were of use."""
    under_way: int = 0


class Pusher:
    """`run()` stands in the app's TaskGroup, where wake-ups are on. One wake-up a phone is under way at the
    most: what calls meanwhile only makes it last longer."""

    def __init__(
        self,
        *,
        addresses: Addresses,
        policy: Policy,
        phones: Callable[[], Iterable[PhoneNow]],
        fault: Fault,
        contact: str,
        clock: Callable[[], float],
        ways: Ways | None = None,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """phones: those on post, and those whose post has lapsed lately. clock: Unix seconds that never go
        back."""
        self._addresses = addresses
        self._policy = policy
        self._phones = phones
        self._fault = fault  # hears of a store that fails
        self._contact = contact
        self._clock = clock
        self._ways = ways  # None: the internet's
        self._pause = pause
        self._news = asyncio.Event()  # an event was stored, or somebody asks by hand
        self._asked: list[WakeUp] = []  # by hand
        self._under_way: dict[SessionId, float] = {}  # until when each is of use, Unix seconds
        self._held: dict[SessionId, float] = {}  # until when a service wants to be left alone for this phone
        self._counts = PusherStatistics()
        self.trouble = Trouble()

    def told(self, event: wire.Event) -> None:
        """An event has been stored."""
        self._policy.told(event, self._clock())
        self._news.set()

    def ask(self, wake_up: WakeUp) -> None:
        """Send this one too: a phone that turns wake-ups on is woken once, to see whether it works."""
        self._asked.append(wake_up)
        self._news.set()

    async def run(self) -> None:
        # A site without wake-ups does not even load what could send one (and saves 17 MB of memory).
        from lfrd.push.line import opened
        from lfrd.push.sender import Sender

        key = await self._addresses.key()
        async with opened(self._ways) as line, asyncio.TaskGroup() as group:
            sender = Sender(line, key, self._contact, self._clock)
            while True:
                self._news.clear()
                wake_ups = self._asked + self._policy.look(self._phones(), self._clock())
                self._asked = []
                for wake_up in wake_ups:
                    if wake_up.session not in self._under_way:
                        group.create_task(self._deliver(sender, wake_up.session), name="wake-up")
                    until = max(wake_up.until, self._under_way.get(wake_up.session, 0.0))
                    self._under_way[wake_up.session] = until
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._news.wait()

    async def _deliver(self, sender: Sender, session: SessionId) -> None:
        try:
            await self._try(sender, session)
        except StoreError as error:
            self._fault.report(error)
        except SealError as error:
            log.error("wake_up_not_opened", why=str(error))
        except Exception as error:  # of a library: the alerts, in the same process, go on
            log.error("wake_up_failed", error=type(error).__name__)
        finally:
            del self._under_way[session]

    async def _try(self, sender: Sender, session: SessionId) -> None:
        for number, pause in enumerate(PAUSES):
            wait = max(pause * random.uniform(*JITTER), self._held.get(session, 0.0) - self._clock())  # noqa: S311
            if wait > 0:
                if self._clock() + wait >= self._under_way[session]:
                    break
                await self._pause(wait)
            # Looked up for each try: a session that has ended is not woken any more.
            endpoint = await self._addresses.of(session)
            if endpoint is None:
                self._held.pop(session, None)
                return
            if number == 0:
                self._count("wanted")
            left = self._under_way[session] - self._clock()
            if left <= 0:
                break
            answer = await sender.send(endpoint, ttl=math.ceil(left))
            self._count(answer.outcome.value)
            self.trouble.told(host_of(endpoint), answer.outcome, self._clock())
            if await self._settled(session, endpoint, answer):
                return
        self._count("given_up")
        log.warning("wake_up_given_up", session=session)

    async def _settled(self, session: SessionId, endpoint: str, answer: Answer) -> bool:
        """Whether nothing is to be tried again."""
        match answer.outcome:
            case Outcome.TAKEN:
                self._held.pop(session, None)
            case Outcome.GONE:
                await self._addresses.forget(session, "gone", only=endpoint)
                log.info("wake_ups_gone", session=session, service=host_of(endpoint))
            case Outcome.REFUSED | Outcome.INSIDE:
                log.warning("wake_up_refused", service=host_of(endpoint), outcome=answer.outcome.value)
            case Outcome.BUSY | Outcome.UNREACHABLE:
                if answer.retry_after:
                    self._held[session] = self._clock() + answer.retry_after
                return False
        return True

    def _count(self, name: str) -> None:
        self._counts = replace(self._counts, **{name: getattr(self._counts, name) + 1})

    def statistics(self) -> PusherStatistics:
        return replace(self._counts, under_way=len(self._under_way))
