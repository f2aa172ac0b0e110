"""A page's side of a live picture without a browser, and a camera's side without a camera."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from fractions import Fraction
from typing import Any, cast

import av
import numpy as np
from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamTrack

from lfrd.errors import NotAllowed
from lfrd.flow import Closed
from lfrd.types import U8, CameraId
from lfrd.webrtc.peers import Peer
from lfrd.webrtc.viewer import Boxes

WIDE, HIGH, RATE = 320, 180, 12
ON_ONE_NETWORK = RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)


class MovingPicture:
    """A camera of the tests: a bright bar that walks through a dark picture, encoded for one who watches."""

    def __init__(self) -> None:
        self._codec = av.CodecContext.create("libx264", "w")
        self._codec.width, self._codec.height, self._codec.pix_fmt = WIDE, HIGH, "yuv420p"
        self._codec.framerate, self._codec.time_base = Fraction(RATE), Fraction(1, RATE)
        self._codec.options = {"tune": "zerolatency", "preset": "ultrafast", "profile": "baseline"}
        self._numbers = itertools.count()
        self._stopped = asyncio.Event()
        self.seen: Boxes | None = None  # what `boxes` says

    def stop(self) -> None:
        self._stopped.set()

    async def packet(self) -> av.Packet[Any]:
        number = next(self._numbers)
        if number:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1 / RATE):
                    await self._stopped.wait()
        if self._stopped.is_set():
            raise Closed
        image = np.full((HIGH, WIDE, 3), 40, np.uint8)
        left = 10 * number % (WIDE - 40)
        image[:, left : left + 40] = 220
        frame = av.VideoFrame.from_ndarray(image, "bgr24").reformat(format="yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, RATE)
        (packet,) = self._codec.encode(frame)
        return packet

    def again(self) -> None:
        """Nothing has waited: each picture is encoded when it is asked for."""

    def boxes(self) -> Boxes | None:
        return self.seen


class Cameras:
    """What stands for the box's previews: `watch` is what `Viewers` takes."""

    def __init__(self, *names: str, most: int = 100) -> None:
        self.running = set(names)
        self.watched: list[MovingPicture] = []  # now
        self._most = most

    @contextmanager
    def watch(self, camera: CameraId) -> Iterator[MovingPicture]:
        if camera not in self.running:
            raise NotAllowed("not_running", f"camera '{camera}' does not run now")
        if len(self.watched) >= self._most:
            raise NotAllowed("too_many", "as many watch as may")
        picture = MovingPicture()
        self.watched.append(picture)
        try:
            yield picture
        finally:
            self.watched.remove(picture)


class Offering:
    """A page's side of a connection: it offers one picture, takes the answer, and hears when it is over."""

    def __init__(self, connection: RTCPeerConnection, picture: RTCRtpTransceiver, codec: str) -> None:
        """codec: the only one that the page can do; all where empty."""
        self.connection = connection
        if codec:
            known = RTCRtpReceiver.getCapabilities("video")
            assert known is not None
            picture.setCodecPreferences([one for one in known.codecs if one.mimeType == codec])
        self._closed = asyncio.Event()
        connection.on("connectionstatechange", self._changed)

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


class Watcher(Offering):
    """A browser that wants to see."""

    def __init__(self, connection: RTCPeerConnection, *, boxes: bool, codecs: str) -> None:
        transceiver = connection.addTransceiver("video", direction="recvonly")
        super().__init__(connection, transceiver, codecs)
        self._receiver = transceiver.receiver
        self.told: list[Any] = []  # the boxes, as they came
        if boxes:
            channel = self.connection.createDataChannel("boxes", ordered=False, maxRetransmits=0)
            channel.on("message", lambda text: self.told.append(json.loads(text)))

    @property
    def track(self) -> MediaStreamTrack:
        return self._receiver.track

    async def picture(self) -> U8:
        """The next decoded picture, BGR. Raises MediaStreamError when the sender has ended."""
        frame = await self.track.recv()
        assert isinstance(frame, av.VideoFrame)
        return cast(U8, frame.to_ndarray(format="bgr24"))


@asynccontextmanager
async def watcher(*, boxes: bool = False, codecs: str = "") -> AsyncIterator[Watcher]:
    async with Peer(ON_ONE_NETWORK) as peer:  # for its end: aiortc's own leaves tasks behind
        yield Watcher(peer.connection, boxes=boxes, codecs=codecs)
