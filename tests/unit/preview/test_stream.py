"""Packets to those who watch: begun with a key frame, never queued, closed when the camera stops."""

from __future__ import annotations

import asyncio
from typing import Any

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext

from lfrd.flow import Closed
from lfrd.preview.encoder import Encoder
from lfrd.preview.reel import Mark
from lfrd.preview.stream import PLACES, Stream
from lfrd.types import U8

BOXES = (Mark(3, 0.1, 0.1, 0.2, 0.2, False),)


def picture(level: int) -> U8:
    return np.full((48, 64, 3), level, np.uint8)


def packets(keys: str) -> list[av.Packet[Any]]:
    """One for each letter: K for a key frame."""
    with Encoder(64, 48, kilobits=200, rate=10) as encoder:
        return [
            encoder.encode(picture(10 * n), 9000 * (n + 1), key=letter == "K")
            for n, letter in enumerate(keys)
        ]


def test_each_picture_becomes_one_packet_and_key_frames_come_where_they_are_asked_for() -> None:
    made = packets("K..K.K")
    assert [packet.is_keyframe for packet in made] == [True, False, False, True, False, True]
    assert [packet.pts for packet in made] == [9000 * n for n in range(1, 7)]
    for packet in made:
        assert bytes(packet)[:4] == b"\0\0\0\1"
        assert (bytes(packet)[4] & 31 == 7) == packet.is_keyframe  # its parameters come first


def test_the_packets_are_constrained_baseline_without_pictures_that_look_ahead() -> None:
    sps = bytes(packets("K")[0])[4:8]
    assert sps[1] == 66
    assert sps[2] & 0x40
    assert all(packet.dts == packet.pts for packet in packets("K....K...."))


def test_a_decoder_gets_each_picture_at_once() -> None:
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.thread_count = 1
    decoder.options = {"flags": "low_delay"}
    for number, packet in enumerate(packets("K....K..")):
        (frame,) = decoder.decode(av.Packet(bytes(packet)))
        assert abs(float(frame.to_ndarray(format="bgr24").mean()) - 10 * number) < 6


def test_a_closed_encoder_encodes_nothing() -> None:
    encoder = Encoder(64, 48, kilobits=200, rate=10)
    encoder.close()
    encoder.close()
    with pytest.raises(ValueError, match="closed"):
        encoder.encode(picture(1), 1, key=True)


async def test_whoever_comes_late_begins_with_a_key_frame() -> None:
    stream, made = Stream(), packets("K..K.")
    first = stream.join()
    stream.put(made[0], ())
    second = stream.join()
    assert stream.joined == 2
    for packet in made[1:]:
        stream.put(packet, BOXES)
    assert (await first.packet()) is made[3]
    assert (await second.packet()) is made[3]
    assert (await second.packet()) is made[4]
    assert second.boxes() == BOXES


async def test_a_viewer_that_is_behind_skips_to_the_next_key_frame_and_holds_nothing_meanwhile() -> None:
    stream, made = Stream(), packets("K" + "." * 20 + "K.")
    slow, quick = stream.join(), stream.join()
    got = []
    for packet in made:
        stream.put(packet, ())
        got.append(await quick.packet())
        assert slow.statistics().waiting <= PLACES
    assert got == made
    assert [await slow.packet(), await slow.packet()] == made[-2:]
    assert slow.statistics().skipped == len(made) - 2


async def test_a_viewer_may_begin_again_with_a_key_frame_that_is_asked_for() -> None:
    """Its browser took a while to connect: what has waited for it since is of the past."""
    stream, made = Stream(), packets("K..K.")
    watching, joined = stream.join(), stream.joined
    for packet in made[:2]:
        stream.put(packet, BOXES)
    watching.again()
    assert stream.joined == joined + 1
    assert watching.statistics().waiting == 0
    for packet in made[2:]:
        stream.put(packet, BOXES)
    assert [await watching.packet() for _ in range(2)] == made[3:]


async def test_no_viewer_waits_for_another() -> None:
    """The packet is the same one for all of them: it was encoded once."""
    stream, (only,) = Stream(), packets("K")
    watchings = [stream.join() for _ in range(10)]
    waiting = [asyncio.create_task(watching.packet()) for watching in watchings]
    await asyncio.sleep(0)
    stream.put(only, ())
    assert all(packet is only for packet in await asyncio.gather(*waiting))


async def test_when_the_camera_stops_everybody_is_told_and_nothing_of_it_is_given_out() -> None:
    stream, made = Stream(), packets("K.")
    one, other = stream.join(), stream.join()
    stream.put(made[0], BOXES)
    waiting = asyncio.create_task(_second(other))
    await asyncio.sleep(0)
    stream.close()
    with pytest.raises(Closed):
        await one.packet()
    with pytest.raises(Closed):
        await waiting
    assert one.boxes() is None
    assert len(stream) == 0


async def _second(watching: Any) -> None:
    await watching.packet()
    await watching.packet()


async def test_whoever_has_left_is_given_nothing_more() -> None:
    stream, (only,) = Stream(), packets("K")
    watching = stream.join()
    stream.leave(watching)
    stream.leave(watching)
    stream.put(only, ())
    with pytest.raises(Closed):
        await watching.packet()
