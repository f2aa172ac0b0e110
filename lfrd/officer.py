"""An officer without a phone, over a real WebSocket: for the demonstration, the benches and the tests."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Origin

from lfrd import wire
from lfrd.errors import LfrdError, NotAllowed
from lfrd.types import ArrestClass, Outcome
from lfrd.web.proof import HEADER, DeviceKey


class HeadlessOfficer:
    """Signed in and connected. Events are receipted as they arrive and kept until asked for."""

    def __init__(
        self,
        address: str,
        cookie: str,
        key: DeviceKey,
        connection: ClientConnection,
        welcome: wire.Welcome,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._address = address
        self._cookie = cookie
        self._key = key  # signs each request; gone with the process
        self._connection = connection
        self._welcome = welcome
        self._trust = trust  # whose certificates it takes; None for what this machine trusts
        self._answers: asyncio.Queue[wire.Event | NotAllowed] = asyncio.Queue(1000)  # not asked for yet

    @classmethod
    @asynccontextmanager
    async def joined(
        cls, address: str, code: str, name: str = "", *, trust: ssl.SSLContext | None = None
    ) -> AsyncIterator[HeadlessOfficer]:
        """Use an invitation at `address` and connect. trust: whose certificates are taken, for an address
        that begins with https. Raises LfrdError where the server says no."""
        key = DeviceKey()
        cookie = await asyncio.to_thread(_join, address, code, name, key, trust)
        async with _connected(address, cookie, trust) as connection:
            hello = wire.Hello(protocol=wire.PROTOCOL, proof=key.prove("WS", "/ws", time.time()))
            await connection.send(wire.encode(hello).decode())
            welcome = wire.server_decoder.decode(await connection.recv())
            if not isinstance(welcome, wire.Welcome):
                raise LfrdError(f"{address}: the server did not welcome the officer")
            officer = cls(address, cookie, key, connection, welcome, trust)
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(officer._listen()), group.create_task(officer._beat())]
                try:
                    yield officer
                finally:
                    for task in tasks:
                        task.cancel()

    async def go_on_post(self) -> None:
        await self._send(wire.OnPost())

    async def claim(self, alert: str) -> None:
        await self._send(wire.Claim(alert=alert))

    async def adjudicate(self, alert: str, decision: str, reason: str = "") -> None:
        await self._send(
            msgspec.convert(
                {"type": "adjudicate", "alert": alert, "decision": decision, "reason": reason},
                wire.Adjudicate,
            )
        )

    async def engage(self, alert: str) -> None:
        await self._send(wire.Engage(alert=alert))

    async def code(self, alert: str, outcome: Outcome, arrest_class: ArrestClass | Literal[""] = "") -> None:
        """The outcome of an alert."""
        await self._send(wire.Code(alert=alert, outcome=outcome, arrest_class=arrest_class))

    async def next_event(self, what: str) -> wire.Event:
        """The next event of that kind; others are passed over. Raises NotAllowed for a request refused."""
        while True:
            answer = await self._answers.get()
            if isinstance(answer, NotAllowed):
                raise answer
            if answer.what == what:
                return answer

    async def picture(self, path: str) -> bytes:
        return await asyncio.to_thread(_get, self._address, path, self._cookie, self._key, self._trust)

    async def _listen(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for text in self._connection:
                message = wire.server_decoder.decode(text)
                if isinstance(message, wire.Event):
                    await self._answers.put(message)
                    await self._send(wire.Receipt(seq=message.seq))
                elif isinstance(message, wire.Refused):
                    await self._answers.put(NotAllowed(message.code, message.message))
        raise LfrdError(f"{self._address}: the server closed the connection")

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._welcome.heartbeat_seconds)
            await self._send(wire.Beat())

    async def _send(self, message: wire.FromPhone) -> None:
        with contextlib.suppress(ConnectionClosed):  # `_listen` says so
            await self._connection.send(wire.encode(message).decode())


@asynccontextmanager
async def _connected(
    address: str, cookie: str, trust: ssl.SSLContext | None
) -> AsyncIterator[ClientConnection]:
    try:
        connection = await connect(
            f"{address.replace('http', 'ws', 1)}/ws",
            additional_headers={"Cookie": cookie},
            origin=Origin(address),
            ssl=(trust or True) if address.startswith("https") else None,
        )
    except (OSError, WebSocketException) as error:
        raise LfrdError(f"{address}: no connection ({error})") from None
    async with connection:
        yield connection


def _http(address: str, trust: ssl.SSLContext | None) -> http.client.HTTPConnection:
    parts = urlsplit(address)
    assert parts.hostname is not None
    if parts.scheme == "https":
        return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=30, context=trust)
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)


def _join(address: str, code: str, name: str, key: DeviceKey, trust: ssl.SSLContext | None) -> str:
    connection = _http(address, trust)
    try:
        body = json.dumps({"code": code, "name": name, "device_key": key.public})
        connection.request("POST", "/api/join", body, {"Content-Type": "application/json", "Origin": address})
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        if answer.status != 200:
            raise LfrdError(f"{address}: joining was refused ({answer.status}: {text[:200]})")
        return (answer.getheader("Set-Cookie") or "").split(";")[0]
    finally:
        connection.close()


def _get(address: str, path: str, cookie: str, key: DeviceKey, trust: ssl.SSLContext | None) -> bytes:
    connection = _http(address, trust)
    try:
        headers = {"Cookie": cookie, HEADER: key.prove("GET", path, time.time())}
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise LfrdError(f"{address}{path}: {answer.status}")
        return body
    finally:
        connection.close()
