"""What the routes ask of wake-ups: whether this site has them, and a phone's own on and off."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import asdict
from typing import Self

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lfrd.config import Push
from lfrd.errors import NotAllowed
from lfrd.push import endpoints
from lfrd.push.policy import WakeUp
from lfrd.push.pusher import Pusher
from lfrd.store.sessions import Session, SessionId
from lfrd.store.wake_ups import Addresses

TRIAL_SECONDS = 60.0
"""How long the first wake-up is worth delivering: the officer has the phone in hand."""


class WakeUps:
    """A site's wake-ups. Off, unless the settings turn them on: then nothing is stored or sent either."""

    def __init__(
        self,
        settings: Push,
        addresses: Addresses,
        pusher: Pusher,
        clock: Callable[[], float],
        public_key: str,
    ) -> None:
        """Use `opened`."""
        self.enabled = settings.enabled
        self.public_key = public_key  # what browsers subscribe with: 65 bytes, base64url; "" where it is off
        self.pusher = pusher  # runs only where wake-ups are enabled
        self._services = settings.services
        self._addresses = addresses
        self._clock = clock  # Unix seconds

    @classmethod
    async def opened(
        cls, settings: Push, addresses: Addresses, pusher: Pusher, clock: Callable[[], float]
    ) -> Self:
        """With the site's key, which is made at the first start with wake-ups. Raises SealError."""
        public = b""
        if settings.enabled:
            key = (await addresses.key()).public_key()
            public = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return cls(settings, addresses, pusher, clock, base64.urlsafe_b64encode(public).rstrip(b"=").decode())

    @property
    def why_not(self) -> str:
        """A code for the page: 'off' where this site has no wake-ups; empty where it has."""
        return "" if self.enabled else "off"

    async def is_on(self, session: Session) -> bool:
        return self.enabled and await self._addresses.of(session.id) is not None

    async def on(self) -> frozenset[SessionId]:
        """The sessions whose phones can be woken."""
        return await self._addresses.sessions() if self.enabled else frozenset()

    async def turn_on(self, session: Session, endpoint: str) -> None:
        """This session's phone is woken there from now on. One that is new is tried at once, so that a
        firewall is noticed now and not at an alert.

        Raises NotAllowed: 'wake_ups_off', 'session', and as `endpoints.check`.
        """
        if not self.enabled:
            raise NotAllowed("wake_ups_off", "this site does not wake phones (push.enabled)")
        endpoints.check(endpoint, self._services)
        if await self._addresses.keep(session.id, endpoint, endpoints.host_of(endpoint), session.actor):
            self.pusher.ask(WakeUp(session.id, self._clock() + TRIAL_SECONDS, "trial"))

    async def turn_off(self, session: Session) -> None:
        await self._addresses.forget(session.id, "left", session.actor)

    async def trouble(self, session: Session) -> str:
        """Why wake-ups do not reach this phone, as far as its service says; empty where they do."""
        endpoint = await self._addresses.of(session.id)
        return "; ".join(self.pusher.trouble.words(endpoints.host_of(endpoint))) if endpoint else ""

    def troubles(self) -> list[str]:
        """The same for the desk, one line a push service."""
        return self.pusher.trouble.words() if self.enabled else []

    def counts(self) -> dict[str, int]:
        """What has been wanted and what came of it, since the start, by the names of `PusherStatistics`."""
        counts = asdict(self.pusher.statistics())
        del counts["under_way"]
        return counts
