"""A page that sends its camera's picture, without a browser: numbered pictures, coded and sent by aiortc."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction

import av
from aiortc import RTCPeerConnection
from aiortc.mediastreams import MediaStreamTrack

from tests.clips import drawn
from tests.watcher import ON_ONE_NETWORK, Offering

RATE = 20


class Numbered(MediaStreamTrack):
    """Pictures of their own numbers."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self.size = (320, 240)
        self.goes_on = asyncio.Event()  # cleared: the phone falls silent, its connection stands
        self.goes_on.set()
        self._number = 0

    async def recv(self) -> av.VideoFrame:
        await asyncio.sleep(1 / RATE)  # as a camera would; nothing is measured by it
        await self.goes_on.wait()
        frame = av.VideoFrame.from_ndarray(drawn(self._number, *self.size), "bgr24")
        frame.pts, frame.time_base = self._number, Fraction(1, RATE)
        self._number += 1
        return frame


class PageThatSends(Offering):
    """It sends until it is closed."""

    def __init__(self, codec: str = "") -> None:
        connection = RTCPeerConnection(ON_ONE_NETWORK)
        self.track = Numbered()
        super().__init__(connection, connection.addTransceiver(self.track, direction="sendonly"), codec)


@asynccontextmanager
async def page_that_sends(codec: str = "") -> AsyncIterator[PageThatSends]:
    made = PageThatSends(codec)
    try:
        yield made
    finally:
        made.track.stop()
        await made.connection.close()
