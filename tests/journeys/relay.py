"""A TCP relay between phones and a server, in this process, whose connections can be broken."""

from __future__ import annotations

import abc
import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

Side = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Relay(abc.ABC):
    """Listens for phones and reaches the server for each. `between` hands on what the two send."""

    def __init__(self, port: int) -> None:
        self._port = port  # the server's
        self._open: set[asyncio.StreamWriter] = set()  # both sides of each relayed connection

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """The port on which phones reach it."""
        server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            self.cut()
            await server.wait_closed()

    def cut(self) -> None:
        """Every connection breaks, and what was held for it is lost."""
        for writer in list(self._open):
            writer.transport.abort()

    def admits(self) -> bool:
        """Whether a new connection is let through."""
        return True

    @abc.abstractmethod
    async def between(self, phone: Side, server: Side) -> None:
        """Until both have ended."""

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.admits():
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:  # the server has gone: refused, as the system refuses
            writer.transport.abort()
            return
        self._open |= {writer, back}
        try:
            await self.between((reader, writer), (there, back))
        finally:
            self._open -= {writer, back}
            for side in (writer, back):
                side.close()
                with contextlib.suppress(OSError):
                    await side.wait_closed()
