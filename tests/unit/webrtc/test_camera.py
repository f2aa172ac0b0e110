"""A browser that sends its picture: it reaches the line coded, and nothing is decoded on the way."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from aiortc import RTCConfiguration, rtcrtpreceiver

from lfrd.capture.browser import PhoneSource
from lfrd.capture.lines import Line
from lfrd.capture.rate import every
from lfrd.config import Config, Webrtc
from lfrd.errors import NotAllowed
from lfrd.types import CameraId
from lfrd.webrtc.camera import LEVEL, START_KILOBITS, PhonePicture
from lfrd.webrtc.peers import configuration
from tests.clips import number_in
from tests.sender import page_that_sends

PATIENCE = 30.0


def alone() -> RTCConfiguration:
    return configuration(Webrtc(), Config().at(Path()))


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not done():
            await asyncio.sleep(0.01)


def opened() -> tuple[Line, object]:
    line, source = Line(CameraId("roof"), longest_wait=3600), object()
    line.open(source)
    return line, source


@pytest.mark.parametrize(("codec", "name"), [("", "H264"), ("video/VP8", "VP8")])
async def test_what_a_page_sends_is_decoded_by_the_open_camera_h264_where_it_can(
    codec: str, name: str
) -> None:
    line = Line(CameraId("roof"), longest_wait=3600)
    numbers: list[int] = []

    def look() -> None:
        with PhoneSource(CameraId("roof"), line, every, open_seconds=PATIENCE) as source:
            for frame in source:
                numbers.append(number_in(frame.picture.scaled(*frame.picture.size)))
                frame.release()
                if len(numbers) == 12:
                    source.stop()
            assert source._codec == name

    looking = asyncio.create_task(asyncio.to_thread(look))
    await until(lambda: line.wanted)
    async with page_that_sends(codec) as page:
        async with PhonePicture(line, alone()) as picture:
            await page.take(await picture.answer(await page.offer()))
            assert await picture.connected()
            await looking
            await picture.ended()
        await page.hung_up()
    assert numbers == sorted(numbers)
    assert len(set(numbers)) == 12


async def test_nothing_is_answered_while_the_camera_is_not_open(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(CameraId("roof"))

    async def answered(self: object, offer: str) -> str:
        raise AssertionError("the offer was answered")

    monkeypatch.setattr("lfrd.webrtc.peers.Peer.answer", answered)
    async with page_that_sends() as page, PhonePicture(line, alone()) as picture:
        with pytest.raises(NotAllowed) as refused:
            await picture.answer(await page.offer())
    assert refused.value.code == "not_wanted"


async def test_the_library_decodes_nothing_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what holds our use of its private parts: under another name its own decoder would run."""

    def made(*_: object) -> object:
        raise AssertionError("aiortc made a decoder")

    monkeypatch.setattr(rtcrtpreceiver, "get_decoder", made)
    line, source = opened()
    async with page_that_sends() as page, PhonePicture(line, alone()) as picture:
        await page.take(await picture.answer(await page.offer()))
        await until(lambda: line.statistics().put > 5)
        assert line.take(source, 0) is not None


async def test_a_key_frame_that_is_asked_for_comes() -> None:
    line, source = opened()
    async with page_that_sends() as page, PhonePicture(line, alone()) as picture:
        await page.take(await picture.answer(await page.offer()))
        await until(lambda: line.statistics().put > 5)
        line.damaged(source)
        await until(lambda: line.statistics().waiting > 0)
        coded = line.take(source, 0)
        assert coded is not None
        assert coded.key


async def test_the_page_is_hung_up_on_when_the_camera_closes() -> None:
    line, source = opened()
    async with page_that_sends() as page:
        async with PhonePicture(line, alone()) as picture:
            await page.take(await picture.answer(await page.offer()))
            assert await picture.connected()
            line.shut(source)
            await picture.ended()
        await page.hung_up()


async def test_a_page_that_closes_is_the_lines_news() -> None:
    line, source = opened()
    async with PhonePicture(line, alone()) as picture:
        async with page_that_sends() as page:
            await page.take(await picture.answer(await page.offer()))
            assert await picture.connected()
        async with asyncio.timeout(PATIENCE):
            await picture.ended()
    with pytest.raises(Exception, match="was lost"):
        line.take(source, 0)


async def test_an_offer_of_something_else_is_refused_and_leaves_the_line_free() -> None:
    line, _ = opened()
    with pytest.raises(NotAllowed) as refused:
        async with PhonePicture(line, alone()) as picture:
            await picture.answer("v=0\r\nnot an offer")
    assert refused.value.code == "bad_offer"


async def test_the_answer_lets_the_sender_begin_with_enough_for_a_street() -> None:
    line, _ = opened()
    async with page_that_sends() as page, PhonePicture(line, alone()) as picture:
        lines = (await picture.answer(await page.offer())).split("\r\n")
    coded = next(text.split(":")[1].split()[0] for text in lines if " H264/" in text)
    fmtp = next(text for text in lines if text.startswith(f"a=fmtp:{coded} "))
    assert f"x-google-start-bitrate={START_KILOBITS}" in fmtp
    assert f"{LEVEL};" in fmtp.partition("profile-level-id=42")[2]
    media = next(text for text in lines if text.startswith("m=video"))
    assert media.split()[3] == coded


async def test_no_coded_picture_stays_in_the_library_when_it_is_over() -> None:
    line, _ = opened()
    async with page_that_sends() as page:
        async with PhonePicture(line, alone()) as picture:
            await page.take(await picture.answer(await page.offer()))
            await until(lambda: line.statistics().put > 2)
            buffer = vars(picture._receiver)["_RTCRtpReceiver__jitter_buffer"]
            assert any(buffer._packets)
        assert not any(buffer._packets)


async def test_the_last_picture_of_a_page_that_falls_silent_goes_and_the_next_ones_come() -> None:
    line, source = opened()
    async with page_that_sends() as page, PhonePicture(line, alone()) as picture:
        await page.take(await picture.answer(await page.offer()))
        await until(lambda: line.statistics().put > 2)
        page.track.goes_on.clear()
        buffer = vars(picture._receiver)["_RTCRtpReceiver__jitter_buffer"]
        assert any(buffer._packets), "nobody has told it that its last picture is whole"

        def gone() -> bool:
            while line.take(source, 0):
                pass
            line.forget(source, all_before=True)
            return not any(buffer._packets)

        await until(gone)
        page.track.goes_on.set()
        await until(lambda: line.statistics().waiting > 1)
        coded = line.take(source, 0)
        assert coded is not None
        assert coded.key


async def test_a_picture_that_still_grows_is_left_to_come() -> None:
    """As over a slow radio, on which a picture that stands by itself takes its time."""
    line, _ = opened()
    async with page_that_sends() as page, PhonePicture(line, alone()) as picture:
        await page.take(await picture.answer(await page.offer()))
        await until(lambda: line.statistics().put > 2)
        page.track.goes_on.clear()
        buffer = vars(picture._receiver)["_RTCRtpReceiver__jitter_buffer"]
        picture._look_again()
        (one, *_) = filter(None, buffer._packets)
        buffer._packets[(buffer._origin - 1) % buffer.capacity] = one  # one more has come
        picture._look_again()
        assert any(buffer._packets)
        picture._look_again()
        assert not any(buffer._packets)


async def test_no_thread_stays_behind() -> None:
    before = threading.active_count()
    line, _ = opened()
    async with page_that_sends() as page, PhonePicture(line, alone()) as picture:
        await page.take(await picture.answer(await page.offer()))
        assert await picture.connected()
    gc.collect()
    await until(lambda: threading.active_count() <= before)
