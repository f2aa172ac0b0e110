"""A page that sends its camera's picture, without a browser: numbered pictures, coded and sent by aiortc."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction

import av
from aiortc import RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack

from tests.clips import drawn
from tests.watcher import ON_ONE_NETWORK

RATE = 20


class Numbered(MediaStreamTrack):
    """Pictures of their own numbers."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self.size = (320, 240)
        self._number = 0

    async def recv(self) -> av.VideoFrame:
        await asyncio.sleep(1 / RATE)  # as a camera would; nothing is measured by it
        frame = av.VideoFrame.from_ndarray(drawn(self._number, *self.size), "bgr24")
        frame.pts, frame.time_base = self._number, Fraction(1, RATE)
        self._number += 1
        return frame


class PageThatSends:
    """It offers, takes the answer, and sends until it is closed."""

    def __init__(self, codec: str = "") -> None:
        """codec: the only one that it can do; all where empty."""
        self.connection = RTCPeerConnection(ON_ONE_NETWORK)
        self.track = Numbered()
        transceiver = self.connection.addTransceiver(self.track, direction="sendonly")
        if codec:
            known = RTCRtpSender.getCapabilities("video")
            assert known is not None
            transceiver.setCodecPreferences([one for one in known.codecs if one.mimeType == codec])
        self._closed = asyncio.Event()
        self.connection.on("connectionstatechange", self._changed)

    def _changed(self) -> None:
        if self.connection.connectionState in ("closed", "failed"):
            self._closed.set()

    async def offer(self) -> str:
        await self.connection.setLocalDescription()
        return self.connection.localDescription.sdp

    async def take(self, answer: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def hung_up(self) -> None:
        """Returns when the other side has closed."""
        await self._closed.wait()


@asynccontextmanager
async def page_that_sends(codec: str = "") -> AsyncIterator[PageThatSends]:
    made = PageThatSends(codec)
    try:
        yield made
    finally:
        made.track.stop()
        await made.connection.close()
