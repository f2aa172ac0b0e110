"""Phones without a page, many in one process: each receipts what comes, fetches pictures as the page does,
and notes when."""

from __future__ import annotations

import asyncio
import itertools
import re
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Origin

from lfrd import wire
from lfrd.errors import LfrdError
from lfrd.web.proof import HEADER, DeviceKey
from lfrd.web.sign_in import session_cookie


@dataclass(slots=True)
class Got:
    """One alert on one phone, Unix seconds. stored: by the server's clock. fetched: both pictures; None until
    they are there."""

    stored: float
    received: float
    fetched: float | None = None


@dataclass(slots=True)
class Log:
    """What one phone was told. events: numbers in the order in which they came. alerts: what came of each, by
    its id."""

    events: list[int] = field(default_factory=list)
    alerts: dict[str, Got] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What all phones were told, compared with one another. lost: events that one phone has and another has
    not; doubled: that came to one phone twice, or out of order."""

    phones: int
    lost: int
    doubled: int


class LightPhone:
    """On post, with a session that stands. `log` fills while `run` does."""

    def __init__(
        self, address: str, name: str, token: str, key: DeviceKey, trust: ssl.SSLContext | None
    ) -> None:
        """address: the server's, http:// or https://. trust: for the second, None for the first."""
        self.name = name
        self.log = Log()
        self.ready = asyncio.Event()  # set when welcomed
        self._address = address
        self._cookie = cookie(token, tls=trust is not None)
        self._key = key
        self._trust = trust
        self._lines = (Line(address, self._cookie, key, trust), Line(address, self._cookie, key, trust))

    async def run(self) -> None:
        """Until cancelled. Raises LfrdError where the server does not want this phone."""
        try:
            async with (
                connect(
                    f"{self._address.replace('http', 'ws', 1)}/ws",
                    additional_headers={"Cookie": self._cookie},
                    origin=Origin(self._address),
                    ssl=self._trust,
                    compression=None,
                ) as socket,
                asyncio.TaskGroup() as group,
            ):
                hello = wire.Hello(wire.PROTOCOL, proof=self._key.prove("WS", "/ws", time.time()))
                await _say(socket, hello)
                beating: asyncio.Task[None] | None = None
                async for text in socket:
                    at = time.time()
                    message = wire.server_decoder.decode(text)
                    if isinstance(message, wire.Event):
                        await _say(socket, wire.Receipt(message.seq))
                        self.log.events.append(message.seq)
                        if message.what == "alert" and message.alert.id not in self.log.alerts:
                            got = self.log.alerts[message.alert.id] = Got(message.alert.created_at, at)
                            group.create_task(self._fetch(message.alert, got))
                    elif isinstance(message, wire.Welcome) and beating is None:
                        await _say(socket, wire.OnPost())
                        beating = group.create_task(_beat(socket, message.heartbeat_seconds))
                        self.ready.set()
        except (OSError, WebSocketException) as error:
            raise LfrdError(f"{self.name}: the connection failed ({error})") from None
        finally:
            for line in self._lines:
                line.close()
        raise LfrdError(f"{self.name}: the server closed the connection")

    async def _fetch(self, alert: wire.AlertView, got: Got) -> None:
        """Both pictures at once, over two connections, as browsers do."""
        paths = (alert.probe, alert.candidate)
        await asyncio.gather(*(line.get(path) for line, path in zip(self._lines, paths, strict=True)))
        got.fetched = time.time()


class Line:
    """An HTTP/1.1 connection that is kept for the next picture. One request at a time."""

    def __init__(self, address: str, cookie: str, key: DeviceKey, trust: ssl.SSLContext | None) -> None:
        parts = urlsplit(address)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._cookie = cookie
        self._key = key
        self._trust = trust
        self._turn = asyncio.Lock()
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, path: str) -> bytes:
        """A picture. Raises LfrdError where it does not come."""
        async with self._turn:
            try:
                try:
                    return await self._asked(path)
                except (asyncio.IncompleteReadError, ConnectionError):
                    if self._open is None:
                        raise
                    self.close()  # the server had closed it in the meantime: as browsers do, once more
                    return await self._asked(path)
            except (OSError, EOFError) as error:
                raise LfrdError(f"{path}: the picture did not come ({error})") from None

    async def _asked(self, path: str) -> bytes:
        if self._open is None:
            self._open = await asyncio.open_connection(self._host, self._port, ssl=self._trust)
        reader, writer = self._open
        target = f"/{path.lstrip('/')}"
        proof = self._key.prove("GET", target, time.time())
        writer.write(
            f"GET {target} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nCookie: {self._cookie}\r\n"
            f"{HEADER}: {proof}\r\n\r\n".encode()
        )
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = re.search(r"\r\ncontent-length: (\d+)", head)
        body = await reader.readexactly(int(length.group(1)) if length else 0)
        if not head.startswith("http/1.1 200 "):
            raise LfrdError(f"{path}: {head.splitlines()[0]}")
        return body

    def close(self) -> None:
        if self._open is not None:
            self._open[1].close()
            self._open = None


def cookie(token: str, *, tls: bool) -> str:
    """The header's value that carries a session's token."""
    return f"{session_cookie(tls=tls)}={token}"


async def _say(socket: ClientConnection, message: wire.FromPhone) -> None:
    await socket.send(wire.encode(message).decode())


async def _beat(socket: ClientConnection, seconds: float) -> None:
    try:
        while True:
            await asyncio.sleep(seconds)
            await _say(socket, wire.Beat())
    except ConnectionClosed:
        return  # whoever reads says so


@asynccontextmanager
async def on_post(phones: Sequence[LightPhone]) -> AsyncIterator[None]:
    """All of them connected and on post while the block runs."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(phone.run(), name=phone.name) for phone in phones]
        try:
            for phone in phones:
                await phone.ready.wait()
            yield
        finally:
            for task in tasks:
                task.cancel()


def delivery(logs: Sequence[Log], last: int) -> Delivery:
    """Compare what the phones were told of events up to number `last`."""
    told = [[seq for seq in log.events if seq <= last] for log in logs]
    everything = set().union(*told)
    doubled = sum(b <= a for events in told for a, b in itertools.pairwise(events))
    return Delivery(len(logs), sum(len(everything - set(events)) for events in told), doubled)
