"""The air between phones and server: a TCP relay that can fall silent, be slow, break, or lose pictures.

`street.Link` breaks cleanly, as when a router is switched off. Here is what Wi-Fi does in a street: nothing
comes through and nobody says so, and what was sent arrives later or never.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal, Self

from tests.journeys.relay import Relay, Side

Pictures = Literal["come", "wait", "break"]
"""Answers to GET /alerts/...: handed on; held until they may come; cut off after their first bytes."""
FIRST_BYTES = 3000
"""Of a picture's answer, its headers included, that come before it breaks off."""


class Radio(Relay):
    """Relays what phones and the server send, in order, as far as `up` and `down` are set.

    What is held is handed on when the air clears, as TCP does by sending again; a phone that has given the
    connection up by then has closed it, and the rest is lost.
    """

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.up = asyncio.Event()  # from phones to the server: set while it comes through
        self.down = asyncio.Event()
        self.pictures: Pictures = "come"
        self._changed = asyncio.Condition()
        self.mend()

    @classmethod
    @asynccontextmanager
    async def to(cls, port: int) -> AsyncIterator[tuple[Self, str]]:
        """The air in front of the server on that port, and the address under which pages reach it."""
        radio = cls(port)
        async with radio.listening() as here:
            try:
                yield radio, f"http://127.0.0.1:{here}"
            finally:
                await radio.let_pictures("come")
                radio.mend()

    def fade(self, *, up: bool = True, down: bool = True) -> None:
        """Nothing comes through any more, one way or both, and nobody is told."""
        if up:
            self.up.clear()
        if down:
            self.down.clear()

    def mend(self) -> None:
        self.up.set()
        self.down.set()

    async def let_pictures(self, how: Pictures) -> None:
        async with self._changed:
            self.pictures = how
            self._changed.notify_all()

    async def between(self, phone: Side, server: Side) -> None:
        wanted = asyncio.Event()  # the request on the way is for a picture
        async with asyncio.TaskGroup() as group:
            group.create_task(self._send(phone[0], server[1], wanted))
            group.create_task(self._answer(server[0], phone[1], wanted))

    async def _send(
        self, reader: asyncio.StreamReader, back: asyncio.StreamWriter, wanted: asyncio.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                (wanted.set if data.startswith(b"GET /alerts/") else wanted.clear)()
                await self.up.wait()
                back.write(data)
                await back.drain()
        back.close()

    async def _answer(
        self, there: asyncio.StreamReader, writer: asyncio.StreamWriter, wanted: asyncio.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await there.read(1 << 16):
                await self.down.wait()
                if wanted.is_set() and self.pictures != "come":
                    async with self._changed:
                        await self._changed.wait_for(lambda: self.pictures != "wait")
                    if self.pictures == "break":
                        writer.write(data[:FIRST_BYTES])
                        await writer.drain()
                        writer.transport.abort()
                        return
                writer.write(data)
                await writer.drain()
        writer.close()
