"""A browser that sends its picture: coded pictures are handed on as they are whole, and not decoded here.

aiortc would decode in a thread of its own, behind a queue without a limit (2.7 s of lag after 3 s of overload
were measured), and stop that thread by waiting for it in the event loop. `Intake` stands in the place of that
queue: what aiortc has put together goes to the sink at once, and its thread has nothing to do.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import re
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Protocol, Self

from aiortc import RTCConfiguration, RTCRtpReceiver
from aiortc.rtcrtpparameters import RTCRtpCodecCapability

from lfrd.errors import NotAllowed
from lfrd.webrtc.peers import Peer, codecs

START_KILOBITS: Final = 2500
"""What a sender begins with; browsers would begin at 300."""
LEAST_KILOBITS: Final = 400
MOST_KILOBITS: Final = 8000
"""1080p at 20 frames a second, of a street in motion."""
LEVEL: Final = "2a"
"""H.264 level 4.2: 1080p at 60. aiortc says 3.1, at which some phones keep to 13 frames a second of 1080p."""

NOT_WANTED: Final = "this camera is not wanted now"
LOST: Final = "the connection to the phone that sends the picture was lost"
NOT_FOUND: Final = "a phone that wanted to send its picture did not find the way to this box"


class Sink(Protocol):
    """What takes coded pictures (`capture.lines.Line`). Its `attach` says whether they are wanted at all."""

    def attach(self, sender: PhonePicture) -> bool: ...

    def put(self, sender: PhonePicture, codec: str, data: bytes, stamp: int) -> None: ...

    def closed(self, sender: PhonePicture, reason: str) -> None: ...


class Intake(queue.Queue[Any]):
    """Takes the place of aiortc's queue of coded pictures: only the end goes on to its decoder's thread."""

    def __init__(self, sender: PhonePicture, sink: Sink) -> None:
        super().__init__()
        self._sender = sender
        self._sink = sink

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """item: (codec, coded picture), or None for the end."""
        if item is None:
            super().put(None)
            return
        codec, coded = item
        self._sink.put(self._sender, codec.name, coded.data, coded.timestamp)


class PhonePicture:
    """One browser's picture, from its offer to the end of either side. An async context manager.

    `answer` first, then `connected`, then `ended`. Nothing is answered where the sink wants nothing.
    """

    def __init__(self, sink: Sink, settings: RTCConfiguration) -> None:
        self._sink = sink
        self._peer = Peer(settings)
        self._loop = asyncio.get_running_loop()
        self._hung_up = asyncio.Event()
        self._why = ""  # why it was hung up
        self._receiver = self._peer.receives()
        self._key = _with_intake(self._receiver, Intake(self, sink))
        self._unfinished = 0, 0  # what of a picture had come when `forget` was last called; in the loop only
        self._peer.connection.getTransceivers()[0].setCodecPreferences(_preferred())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sink.closed(self, self._why or LOST)
        try:
            await self._peer.__aexit__(kind, error, trace)
        finally:
            _forget(self._receiver)

    async def answer(self, offer: str) -> str:
        """In SDP, as the offer. Raises NotAllowed: 'not_wanted' where nobody takes the picture now, and what
        `Peer.answer` raises."""
        if not self._sink.attach(self):
            raise NotAllowed("not_wanted", NOT_WANTED)
        return _generous(await self._peer.answer(offer))

    async def connected(self) -> bool:
        """Waits until the two have found one another; False where they did not, or it was hung up before."""
        found = asyncio.ensure_future(self._peer.connected())
        await _first(found, asyncio.ensure_future(self._hung_up.wait()))
        if found.done() and not found.cancelled() and found.result():
            return not self._hung_up.is_set()
        self._why = self._why or NOT_FOUND
        return False

    async def ended(self) -> None:
        """Waits until either side has ended."""
        await _first(asyncio.ensure_future(self._peer.ended()), asyncio.ensure_future(self._hung_up.wait()))

    @property
    def hung_up(self) -> bool:
        """Whether this side has ended it."""
        return self._hung_up.is_set()

    # ---- from any thread -----------------------------------------------------------------------------

    def ask_key(self) -> None:
        # aiortc asks the sender with the next packet that comes (RFC 4585, 6.3.1: picture loss indication).
        self._key.set()

    def forget(self) -> None:
        """Called again and again while no picture comes whole. What has come of one stands in aiortc's
        buffer, the last one for good: that it is whole is told by the first packet of the next."""
        self._from_elsewhere(self._look_again)

    def hang_up(self, why: str = NOT_WANTED) -> None:
        """End it. why: one line for people, of the first who does."""
        self._from_elsewhere(self._end, why)

    def _from_elsewhere(self, act: Callable[..., object], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and the connection with it
            self._loop.call_soon_threadsafe(act, *arguments)

    # ---- in the loop -----------------------------------------------------------------------------------

    def _look_again(self) -> None:
        """A picture that grows, over a slow radio, is left to come."""
        before, self._unfinished = self._unfinished, _unfinished(self._receiver)
        if before == self._unfinished:
            _forget(self._receiver)

    def _end(self, why: str) -> None:
        self._why = self._why or why
        self._hung_up.set()


def _with_intake(receiver: RTCRtpReceiver, intake: Intake) -> threading.Event:
    """Have the receiver hand its coded pictures to `intake`; what makes it ask for a key frame.

    Private parts of aiortc 1.16, for want of public ones; tests/unit/webrtc/test_camera.py notices where a
    newer version has others.
    """
    vars(receiver)["_RTCRtpReceiver__decoder_queue"]  # a KeyError, where it has another name by now
    vars(receiver)["_RTCRtpReceiver__decoder_queue"] = intake
    lost: threading.Event = vars(receiver)["_RTCRtpReceiver__decoder_error"]
    return lost


def _unfinished(receiver: RTCRtpReceiver) -> tuple[int, int]:
    """What of a coded picture has come: the number of its first packet, and how many there are."""
    buffer = vars(receiver)["_RTCRtpReceiver__jitter_buffer"]
    return buffer._origin or 0, sum(packet is not None for packet in buffer._packets)


def _forget(receiver: RTCRtpReceiver) -> None:
    """Let go of the coded picture that had not come whole, and begin anew with the next packet. At the end
    too: the connection's parts hold one another, and are freed only when Python next looks for such rings."""
    buffer = vars(receiver)["_RTCRtpReceiver__jitter_buffer"]
    buffer._packets[:] = [None] * buffer.capacity
    buffer._origin = None


def _preferred() -> list[RTCRtpCodecCapability]:
    """H.264, which phones encode in hardware and which costs this box least; VP8 where there is none."""
    return [*codecs("video/H264"), *codecs("video/VP8")]


def _generous(sdp: str) -> str:
    """The answer with what a sender may spend from its first second on, and the level decoded here."""
    lines: list[str] = []
    rates = (
        f"x-google-start-bitrate={START_KILOBITS};x-google-min-bitrate={LEAST_KILOBITS};"
        f"x-google-max-bitrate={MOST_KILOBITS}"
    )
    for line in sdp.splitlines():
        if re.match(r"a=fmtp:\d+ .*profile-level-id=", line):
            line = re.sub(r"(profile-level-id=[0-9a-fA-F]{4})[0-9a-fA-F]{2}", rf"\g<1>{LEVEL}", line)
            line = f"{line};{rates}"
        lines.append(line)
        if coded := re.match(r"a=rtpmap:(\d+) VP8/", line):
            lines.append(f"a=fmtp:{coded[1]} {rates}")
    return "\r\n".join(lines) + "\r\n"


async def _first(*waits: asyncio.Future[Any]) -> None:
    """Until one of them is done; the others are cancelled."""
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
