"""Somebody who watches a camera: its encoded packets go out as they are, its boxes beside them on request."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol, TypeAlias

import av
import msgspec
from aiortc import RTCDataChannel
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from lfrd.flow import Closed
from lfrd.webrtc.peers import Peer

H264: Final = "video/H264"
"""The only codec: what the camera's one encoder makes. Every browser that an officer has can show it."""
BOXES: Final = "boxes"
"""The label of the data channel that a page opens if it wants to draw where faces are."""
BOXES_SECONDS: Final = 1 / 15
"""No more often than this; a picture that is analysed ten times a second has no more to say."""

Boxes: TypeAlias = Sequence[tuple[int, float, float, float, float, bool]]
"""Track (0 where there is none yet), x, y, width, height as shares of the picture, alerted."""


class Watching(Protocol):
    """What a camera gives to one of those who watch it (`preview.previews`)."""

    async def packet(self) -> av.Packet[Any]:
        """The next H.264 access unit. Raises flow.Closed when the camera stops."""
        ...

    def again(self) -> None:
        """Begin anew, with a key frame as soon as there is one."""
        ...

    def boxes(self) -> Boxes | None:
        """The newest, None before the first picture."""
        ...


class Ended(enum.StrEnum):
    """Why nobody watches any more."""

    UNREACHED = "unreached"
    """The browser did not find the box, nor the box the browser."""
    LEFT = "left"
    """The page closed the connection, or has been silent for half a minute."""
    CAMERA = "camera"
    """The camera stopped."""


class Pictures(MediaStreamTrack):
    """A camera's packets, as the sender asks for them. None goes out before `begun` is set."""

    kind = "video"

    def __init__(self, watching: Watching) -> None:
        super().__init__()
        self._watching = watching
        self.begun = asyncio.Event()
        self.moved = asyncio.Event()  # a picture has gone out; whoever waits for that clears it
        self.over = asyncio.Event()  # the camera has stopped
        self.sent = 0

    async def recv(self) -> av.Packet[Any]:
        await self.begun.wait()
        try:
            packet = await self._watching.packet()
        except Closed:
            self.over.set()
            raise MediaStreamError from None
        self.sent += 1
        self.moved.set()
        return packet


class Viewer:
    """One browser that watches one camera. The peer is the caller's to close."""

    def __init__(self, peer: Peer, watching: Watching) -> None:
        self._peer = peer
        self._watching = watching
        self._pictures = Pictures(watching)
        self._channel: RTCDataChannel | None = None  # the one that the page opened last
        self._asked = asyncio.Event()  # there is one
        peer.connection.on("datachannel", self._opened)

    @property
    def sent(self) -> int:
        """Pictures handed to the connection."""
        return self._pictures.sent

    async def answer(self, offer: str) -> str:
        """As `Peer.answer`; NotAllowed 'no_codec' from a browser without H.264."""
        self._peer.sends(self._pictures, H264)
        return await self._peer.answer(offer)

    async def run(self, begin: Callable[[], Awaitable[None]]) -> Ended:
        """Sends until one of the two sides ends. `begin` is awaited once the browser is there, and before it
        is sent anything."""
        if not await self._peer.connected():
            return Ended.UNREACHED
        await begin()
        self._watching.again()  # connecting took a while: what has waited since is old
        self._pictures.begun.set()
        tasks = [
            asyncio.create_task(self._peer.ended(), name="viewer leaves"),
            asyncio.create_task(self._pictures.over.wait(), name="camera stops"),
            asyncio.create_task(self._tell_boxes(), name="viewer's boxes"),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # a bug in one of them is the caller's news
            return Ended.CAMERA if self._pictures.over.is_set() else Ended.LEFT
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    def _opened(self, channel: RTCDataChannel) -> None:
        """A page opens it when boxes are asked for, closes it when they are not, and may open another."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if channel.label == BOXES:
            self._channel = channel
            self._asked.set()
        else:
            channel.close()

    async def _tell_boxes(self) -> None:
        """While their channel is open: each picture's boxes as it goes out, so that the page can tell by the
        time of their arrival which picture they belong to. None waits behind another."""
        told: tuple[RTCDataChannel, Boxes] | None = None
        while True:
            await self._asked.wait()
            await self._pictures.moved.wait()
            self._pictures.moved.clear()
            channel, boxes = self._channel, self._watching.boxes()
            if channel is None or channel.readyState in ("closing", "closed"):
                self._channel = None
                self._asked.clear()
                continue
            open_ = channel.readyState == "open" and not channel.bufferedAmount
            if open_ and boxes is not None and told != (channel, boxes):
                told = (channel, boxes)
                channel.send(encoded(boxes))
            await asyncio.sleep(BOXES_SECONDS)


def encoded(boxes: Boxes) -> str:
    """[[track, x, y, width, height, alerted], …], shares to four places: a tenth of a pixel."""
    rows = [(track, *(round(share, 4) for share in shares), alerted) for track, *shares, alerted in boxes]
    return msgspec.json.encode(rows).decode()
