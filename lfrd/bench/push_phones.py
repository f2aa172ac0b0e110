"""Phones in a process of their own, for the push bench: each notes when an event reached it, and receipts it.

`python -m lfrd.bench.push_phones COUNT` prints the devices' public keys, reads `Orders`, prints a line
when all of them are on post, reads the number of the last event, and prints what each phone was told. Its
lines are JSON. The kernel's monotonic clock is one for all processes of a machine: times can be compared.

A phone here is leaner than `light_phones.LightPhone`, because hundreds of them share the processor with the
server that is measured: it notes the time as soon as bytes are there, before anything is done with those of
any other phone, and reads of a message only what a receipt needs.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ssl
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.typing import Origin
from websockets.uri import parse_uri

from lfrd import wire
from lfrd.bench.light_phones import cookie
from lfrd.errors import LfrdError
from lfrd.web.proof import DeviceKey

AT_ONCE = 16
"""Connections that are being opened at the same time."""
PATIENCE = 20.0
"""Seconds to wait for what has not come when all is sent; what comes later counts as lost."""


class Orders(msgspec.Struct):
    """authority: the certificate to trust, PEM; empty without TLS. tokens: a session's for each key."""

    address: str
    authority: str
    tokens: list[str]


class Told(msgspec.Struct, array_like=True):
    """One phone's events in the order in which they came: numbers, and seconds of the monotonic clock."""

    seqs: list[int]
    at: list[float]


class _Message(msgspec.Struct):
    """Of `wire.ServerMessage`, what a phone without a page has to know."""

    type: str
    seq: int = 0
    on_post: bool = False
    heartbeat_seconds: float = 0.0


_read = msgspec.json.Decoder(_Message).decode


class Phone(asyncio.Protocol):
    """One phone on one connection. A connection that ends is not opened again: what it misses is lost."""

    def __init__(self, address: str, token: str, key: DeviceKey, heard: asyncio.Event) -> None:
        """heard: set with each event."""
        self._heard = heard
        self.on_post: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.told = Told([], [])
        self._key = key
        self._cookie = cookie(token, tls=address.startswith("https"))
        uri = parse_uri(f"{address.replace('http', 'ws', 1)}/ws")
        self._web = ClientProtocol(uri, origin=Origin(address))  # bytes to frames and back, without I/O
        self._transport: asyncio.Transport | None = None
        self._beating: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        request = self._web.connect()
        request.headers["Cookie"] = self._cookie
        self._web.send_request(request)
        self._flush()

    def data_received(self, data: bytes) -> None:
        at = time.monotonic()
        asyncio.get_running_loop().call_soon(self._take, data, at)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._beating is not None:
            self._beating.cancel()
        if not self.on_post.done():
            self.on_post.set_exception(LfrdError("the server closed a phone's connection"))

    def hang_up(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _take(self, data: bytes, at: float) -> None:
        self._web.receive_data(data)
        for event in self._web.events_received():
            if isinstance(event, Response):
                self._greet()
            elif isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self._hear(_read(bytes(event.data)), at)
        self._flush()

    def _greet(self) -> None:
        if isinstance(self._web.handshake_exc, InvalidHandshake):
            self.hang_up()
            return
        self._say(wire.Hello(wire.PROTOCOL, proof=self._key.prove("WS", "/ws", time.time())))

    def _hear(self, message: _Message, at: float) -> None:
        match message.type:
            case "event":
                self._say(wire.Receipt(message.seq))
                self.told.seqs.append(message.seq)
                self.told.at.append(at)
                self._heard.set()
            case "welcome":
                self._say(wire.OnPost())
                self._beat(message.heartbeat_seconds, first=True)
            case "state" if message.on_post and not self.on_post.done():
                self.on_post.set_result(None)

    def _beat(self, seconds: float, *, first: bool = False) -> None:
        if not first and self._transport is not None:
            self._say(wire.Beat())
            self._flush()
        self._beating = asyncio.get_running_loop().call_later(seconds, self._beat, seconds)

    def _say(self, message: wire.FromPhone) -> None:
        self._web.send_text(wire.encode(message))

    def _flush(self) -> None:
        if self._transport is not None and (data := b"".join(self._web.data_to_send())):
            self._transport.write(data)


@asynccontextmanager
async def on_post(
    orders: Orders, keys: Sequence[DeviceKey], heard: asyncio.Event
) -> AsyncIterator[list[Phone]]:
    """All of them connected and on post while the block runs. heard: set with each event that one is told.

    Raises LfrdError where the server does not want one of them, OSError where there is none."""
    trust = ssl.create_default_context(cadata=orders.authority) if orders.authority else None
    where = parse_uri(orders.address.replace("http", "ws", 1))
    turn = asyncio.Semaphore(AT_ONCE)
    loop = asyncio.get_running_loop()
    phones: list[Phone] = []

    async def one(token: str, key: DeviceKey) -> None:
        async with turn:
            _, phone = await loop.create_connection(
                lambda: Phone(orders.address, token, key, heard), where.host, where.port, ssl=trust
            )
            phones.append(phone)
            await phone.on_post

    try:
        await asyncio.gather(*map(one, orders.tokens, keys))
        yield phones
    finally:
        for phone in phones:
            phone.hang_up()


async def _main(count: int) -> None:
    keys = [DeviceKey() for _ in range(count)]
    _print([key.public for key in keys])
    orders = msgspec.json.decode(await _line(), type=Orders)
    heard = asyncio.Event()
    async with on_post(orders, keys, heard) as phones:
        # A pause of the collector would be taken for one of the server's.
        gc.collect()
        gc.disable()
        _print("on post")
        last = int(await _line())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while any(phone.told.seqs[-1:] != [last] for phone in phones):
                    heard.clear()
                    await heard.wait()
        _print([phone.told for phone in phones])


def _print(value: object) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
    sys.stdout.flush()


async def _line() -> bytes:
    return await asyncio.to_thread(sys.stdin.buffer.readline)


if __name__ == "__main__":
    try:
        asyncio.run(_main(int(sys.argv[1])))
    except (LfrdError, OSError) as error:
        sys.exit(str(error))
