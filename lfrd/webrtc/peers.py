"""One browser at the other end of a WebRTC connection: its offer is answered, its end is waited for.

Nobody outside is asked for anything: no STUN server, no multicast DNS and no look-up of a name; a TURN server
only where `webrtc.turn` names one. docs/webrtc.md says why.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Final, Self

import structlog
from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.exceptions import InvalidStateError, OperationError
from aiortc.mediastreams import MediaStreamTrack
from aiortc.rtcdtlstransport import X509_DIGEST_ALGORITHMS
from aiortc.rtcrtpparameters import RTCRtpCodecCapability
from aiortc.sdp import SessionDescription

from lfrd.config import Placed, Webrtc
from lfrd.config.reading import turn_password
from lfrd.errors import NotAllowed

_log = structlog.get_logger(__name__)

LARGEST_OFFER: Final = 32_768
"""Characters of an offer. Chromium's, with a picture and a data channel, has 7,000."""
ANSWER_SECONDS: Final = 8.0
"""For making an answer; a TURN server that is silent takes five of them."""
CONNECT_SECONDS: Final = 15.0
"""For the two to find one another, and for their keys."""
CLOSE_SECONDS: Final = 5.0
"""For taking leave; what has not closed by then is left behind, and logged."""
MOST_SECTIONS: Final = {"video": 1, "application": 1}
"""What an offer of our pages holds at the most: one picture, and the data channels. There is no sound."""

MOST_CANDIDATES: Final = 32
"""Addresses of a browser that are tried."""

_LOST = ("failed", "closed")


class Relay(RTCIceServer):
    """A TURN server whose password stands in no log and in no traceback."""

    def __repr__(self) -> str:
        return f"Relay({self.urls!r}, credential=**********)"


def relays(settings: Webrtc, placed: Placed) -> list[RTCIceServer]:
    """The TURN server that the settings name, if any. Raises SettingError where its password is missing."""
    if not settings.turn:
        return []
    password = turn_password(settings, placed)
    return [Relay(settings.turn, settings.turn_user or None, password.reveal() if password else None)]


def configuration(settings: Webrtc, placed: Placed) -> RTCConfiguration:
    """For a Peer. Raises SettingError where the TURN password is not there.

    An empty list of servers is meant: without any list aiortc asks one of Google's (RTCIceGatherer).
    """
    return RTCConfiguration(iceServers=relays(settings, placed), bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)


def strip(sdp: str, *, relayed: bool = False) -> str:
    """A browser's description without the addresses that this box must not send to.

    What stays is UDP to a literal address of a private network, and where `relayed` to a public one too, for
    that is where a TURN server may be. Names go (those ending in .local would be asked for by multicast,
    others by DNS), as do other public addresses: a page could have the box send to whomever it names. A
    browser is found without: it comes to the box's own addresses, and is answered where it came from. So the
    list is never complete, and the mark that says it is goes as well: with it a box that has no address to
    try would give up before the browser has come.
    """
    kept: list[str] = []
    candidates = 0
    for line in sdp.replace("\r\n", "\n").split("\n"):
        if line.startswith("a=end-of-candidates"):
            continue
        if line.startswith("a=candidate"):
            if candidates == MOST_CANDIDATES or not _welcome(line, relayed):
                continue
            candidates += 1
        kept.append(line)
    return "\r\n".join(kept)


def _welcome(line: str, relayed: bool) -> bool:
    """line: a=candidate:FOUNDATION COMPONENT TRANSPORT PRIORITY ADDRESS PORT typ KIND …"""
    parts = line.partition(":")[2].split()
    if len(parts) < 8 or parts[2].lower() != "udp":
        return False
    try:
        address = ipaddress.ip_address(parts[4])
    except ValueError:
        return False
    if address.is_multicast or address.is_unspecified or parts[4] == "255.255.255.255" or "%" in parts[4]:
        return False
    return address.is_private or relayed


def codecs(mime_type: str) -> list[RTCRtpCodecCapability]:
    """What may be sent: one codec, with retransmission. Of H.264's profiles Constrained Baseline first, which
    is what cameras' pictures are encoded as; Baseline for browsers that name it only."""
    known = RTCRtpSender.getCapabilities("video").codecs
    chosen = [codec for codec in known if codec.mimeType in (mime_type, "video/rtx")]
    return sorted(chosen, key=lambda codec: codec.parameters.get("profile-level-id", "") == "42001f")


async def to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Await what must not be left half done. A cancellation that comes meanwhile is raised afterwards."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        task.result()
        raise


class _Connection(RTCPeerConnection):
    """aiortc's, with the tasks known that connect the two: one that is still at it when the connection closes
    would start the sender afterwards, and nobody would ever stop that again (aiortc 1.16)."""

    def __init__(self, settings: RTCConfiguration) -> None:
        super().__init__(settings)
        self.connecting: set[asyncio.Task[Any]] = set()

    async def _RTCPeerConnection__connect(self) -> None:  # noqa: N802 - aiortc's private name, as Python has it
        task = asyncio.current_task()
        assert task is not None
        self.connecting.add(task)
        try:
            await super()._RTCPeerConnection__connect()  # type: ignore[misc]
        except InvalidStateError:  # the browser has closed meanwhile
            if self.signalingState != "closed":
                raise
        finally:
            self.connecting.discard(task)


class Peer:
    """One connection, from the offer to the end. An async context manager: it is closed once, at its exit.

    First what is sent and received is declared (`sends`, `receives`), then the offer is answered; the answer
    holds the box's own addresses, so nothing more need be exchanged.
    """

    def __init__(self, settings: RTCConfiguration, *, connect_seconds: float = CONNECT_SECONDS) -> None:
        self._relayed = bool(settings.iceServers)
        self._connect_seconds = connect_seconds
        self.connection = _Connection(settings)
        self._settled = asyncio.Event()  # connected, failed or closed
        self._lost = asyncio.Event()  # failed or closed
        self.connection.on("connectionstatechange", self._changed)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await to_the_end(self._close())

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                connecting = set(self.connection.connecting)
                for task in connecting:
                    task.cancel()
                if connecting:
                    await asyncio.wait(connecting)
                await self.connection.close()
        except TimeoutError:
            _log.warning("webrtc_connection_did_not_close", seconds=CLOSE_SECONDS)
        self._changed()

    def _changed(self) -> None:
        state = self.connection.connectionState
        if state == "connected" or state in _LOST:
            self._settled.set()
        if state in _LOST:
            self._lost.set()

    # ---- before the answer -----------------------------------------------------------------------------

    def sends(self, track: MediaStreamTrack, mime_type: str) -> RTCRtpSender:
        """Send this picture, as this codec and no other. Said before `answer`: what aiortc is told after it
        has read the offer changes nothing, and packets would go out under another codec's name."""
        transceiver = self.connection.addTransceiver(track, direction="sendonly")
        transceiver.setCodecPreferences(codecs(mime_type))
        return transceiver.sender

    def receives(self) -> RTCRtpReceiver:
        """Take a picture; the receiver's `track` is there once the offer has been answered."""
        return self.connection.addTransceiver("video", direction="recvonly").receiver

    # ---- the connection --------------------------------------------------------------------------------

    async def answer(self, offer: str) -> str:
        """The answer to a browser's offer, both in SDP.

        Raises NotAllowed: 'bad_offer' where it is none, or of more than one picture; 'no_codec' where the
        browser cannot do what `sends` asks for; 'no_answer' where it takes too long.
        """
        offer = self._checked(offer)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self.connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
                await self.connection.setLocalDescription()
        except OperationError:
            raise NotAllowed("no_codec", "this browser cannot show the picture as it is sent here") from None
        except TimeoutError:
            raise NotAllowed("no_answer", "the box could not make a connection in time: try again") from None
        except Exception as error:
            raise _bad_offer(type(error).__name__) from None
        return self.connection.localDescription.sdp

    def _checked(self, offer: str) -> str:
        """The offer, stripped, if it is one of our pages' kind. aiortc's parser raises whatever its lines
        happen to run into, and what it lets pass it asserts later, in a task of its own."""
        if len(offer) > LARGEST_OFFER:
            raise _bad_offer("too long")
        offer = strip(offer, relayed=self._relayed)
        try:
            description = SessionDescription.parse(offer)
        except Exception as error:
            raise _bad_offer(type(error).__name__) from None
        found: dict[str, int] = {}
        for media in description.media:
            found[media.kind] = found.get(media.kind, 0) + 1
            if found[media.kind] > MOST_SECTIONS.get(media.kind, 0):
                raise _bad_offer(f"too much of '{media.kind[:20]}'")
            prints = media.dtls.fingerprints if media.dtls else []
            if not {known.algorithm.lower() for known in prints} & set(X509_DIGEST_ALGORITHMS):
                raise _bad_offer("no fingerprint")
        if not found.get("video"):
            raise _bad_offer("no picture")
        names = [media.rtp.muxId for media in description.media]
        bundled = [group.items for group in description.group if group.semantic == "BUNDLE"]
        if not all(names) or len(set(names)) < len(names) or bundled != [names]:
            raise _bad_offer("its parts do not share one connection")
        return offer

    async def connected(self) -> bool:
        """Waits until the two have found one another; False where that failed, or took too long."""
        try:
            async with asyncio.timeout(self._connect_seconds):
                await self._settled.wait()
        except TimeoutError:
            return False
        return not self._lost.is_set()

    async def ended(self) -> None:
        """Returns once the other side has closed or been lost: at once where its page closes, after about
        half a minute where it falls silent (RFC 7675: consent, asked for every five seconds, six times)."""
        await self._lost.wait()

    def statistics(self) -> dict[str, Any]:
        """What stands where, for tests and logs; no address and no key."""
        return {"state": self.connection.connectionState, "relayed": self._relayed}


def _bad_offer(problem: str) -> NotAllowed:
    return NotAllowed("bad_offer", f"this is not an offer of a WebRTC connection ({problem})")
