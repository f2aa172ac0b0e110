"""A headless officer: a phone that joins, keeps its place in the log, and can be cut off at any moment."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager
from typing import Self

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from lfrd import wire
from lfrd.web.proof import HEADER, DeviceKey

PATIENCE = 60.0
"""Seconds without any message after which a test gives up: it fails, where it would hang."""


class Doubled(AssertionError):
    """An event came again although it was receipted, or not in order."""


class Proving(httpx.Auth):
    """Signs each request with the device's key, as static/device.js does."""

    def __init__(self, key: DeviceKey) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        target = request.url.raw_path.decode("ascii")
        request.headers[HEADER] = self._key.prove(request.method, target, time.time())
        yield request


class Phone:
    """One officer's phone.

    `events` holds what is on its screen, each event once. `receipted` survives a cut; what was shown and not
    receipted may come again and is then shown no second time, as the page does it.
    """

    def __init__(
        self,
        url: str,
        cookie: str,
        name: str,
        key: DeviceKey | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self.url = url
        self.name = name
        self.cookie = cookie  # "name=value", as the browser sends it
        self.key = key  # the device's own; None for a session that was made without one
        self.trust = trust  # whose certificates it takes; None in plain HTTP
        self.origin: str | None = url  # of the page that opens the WebSocket
        self.events: list[wire.Event] = []
        self.again = 0  # events that came again because their receipt was not on its way before a cut
        self.receipted = 0
        self.welcome: wire.Welcome | None = None
        self.states: list[wire.State] = []
        self.refused: list[wire.Refused] = []
        self.pulses: list[wire.Pulse] = []
        self._socket: ClientConnection | None = None

    @classmethod
    async def join(cls, url: str, code: str, name: str, trust: ssl.SSLContext | None = None) -> Self:
        """Use an invitation, as the page does."""
        key = DeviceKey()
        async with httpx.AsyncClient(base_url=url, headers={"origin": url}, verify=trust or True) as client:
            body = {"code": code, "name": name, "device_key": key.public}
            answer = await client.post("/api/join", json=body)
        answer.raise_for_status()
        return cls(url, answer.headers["set-cookie"].split(";")[0], answer.json()["officer"], key, trust)

    @classmethod
    async def sign_in(cls, url: str, name: str, password: str) -> Self:
        """Name and password, as the desk does it."""
        key = DeviceKey()
        async with httpx.AsyncClient(base_url=url, headers={"origin": url}) as client:
            body = {"name": name, "password": password, "device_key": key.public}
            answer = await client.post("/api/sign-in", json=body)
        answer.raise_for_status()
        return cls(url, answer.headers["set-cookie"].split(";")[0], answer.json()["officer"], key)

    def proof(self, method: str, target: str) -> str:
        """For one request; empty without a key."""
        return "" if self.key is None else self.key.prove(method, target, time.time())

    @asynccontextmanager
    async def http(self) -> AsyncIterator[httpx.AsyncClient]:
        headers = {"origin": self.url, "cookie": self.cookie}
        auth = None if self.key is None else Proving(self.key)
        verify = self.trust or True
        async with httpx.AsyncClient(base_url=self.url, headers=headers, auth=auth, verify=verify) as client:
            yield client

    @asynccontextmanager
    async def connected(self, *, resume: int | None = None, hello: bool = True) -> AsyncIterator[Self]:
        """A connection, greeted and welcomed; it is cut off at the end of the block without a farewell."""
        async with connect(
            self.url.replace("http", "ws", 1) + "/ws",
            origin=None if self.origin is None else Origin(self.origin),
            additional_headers={"cookie": self.cookie},
            compression=None,
            close_timeout=1,
            ssl=self.trust,
        ) as socket:
            self._socket = socket
            self.welcome = None
            try:
                if hello:
                    place = self.receipted if resume is None else resume
                    await self.say(wire.Hello(wire.PROTOCOL, place, self.proof("WS", "/ws")))
                    await self.until(lambda: self.welcome is not None)
                yield self
            finally:
                self.cut()

    def cut(self) -> None:
        """The network is gone: nothing more is sent, not even a close frame."""
        if self._socket is not None:
            self._socket.transport.abort()
            self._socket = None

    async def say(self, message: wire.FromPhone) -> None:
        assert self._socket is not None
        await self._socket.send(wire.encode(message).decode())

    async def say_raw(self, text: str | bytes) -> None:
        assert self._socket is not None
        await self._socket.send(text)

    async def receipt(self, seq: int | None = None) -> None:
        """Receipt what has come up to `seq`; without it, all that is on the screen."""
        seq = self.events[-1].seq if seq is None else seq
        if seq > self.receipted:
            await self.say(wire.Receipt(seq))
            self.receipted = seq  # also where a cut swallows the receipt: the phone has the event

    async def read(self) -> wire.ServerMessage:
        """The next message, shown. Raises ConnectionClosed."""
        assert self._socket is not None
        async with asyncio.timeout(PATIENCE):
            message = wire.server_decoder.decode(await self._socket.recv())
        match message:
            case wire.Event():
                self._show(message)
            case wire.Welcome():
                self.welcome = message
                if message.latest < self.receipted:  # another log: its numbers mean nothing to us
                    self.receipted = 0
                    self.events.clear()
            case wire.State():
                self.states.append(message)
            case wire.Refused():
                self.refused.append(message)
            case wire.Pulse():
                self.pulses.append(message)
        return message

    def _show(self, event: wire.Event) -> None:
        shown = self.events[-1].seq if self.events else 0
        if event.seq > shown:
            self.events.append(event)
        elif event.seq > self.receipted:
            self.again += 1
        else:
            raise Doubled(f"event {event.seq} came again; {self.receipted} was receipted")

    async def until(self, done: Callable[[], bool], *, receipts: bool = True) -> None:
        """Reads, and receipts each event, until `done`. Raises ConnectionClosed."""
        while not done():
            message = await self.read()
            if isinstance(message, wire.Event) and receipts:
                await self.receipt(message.seq)

    async def caught_up(self, seq: int) -> None:
        await self.until(lambda: bool(self.events) and self.events[-1].seq >= seq)

    async def closed(self) -> int:
        """Reads, without receipts, until the server closes; its close code."""
        try:
            while True:
                await self.read()
        except ConnectionClosed as error:
            return error.rcvd.code if error.rcvd is not None else 1006

    def state(self) -> wire.State:
        return self.states[-1]

    @property
    def seqs(self) -> list[int]:
        return [event.seq for event in self.events]
