"""The live picture of a running journey: nobody is recognised in it, and nothing is made for nobody."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from pathlib import Path

import pytest

from lfrd.capture.reading import frames_of
from lfrd.capture.source import recording
from lfrd.config import Config, Preview
from lfrd.errors import NotAllowed
from lfrd.flow import Closed
from lfrd.gallery.index import Gallery, GalleryHolder
from lfrd.inference import Inference
from lfrd.metrics import Metrics
from lfrd.pipeline import Finding, Journey
from lfrd.preview import channel as channel_module
from lfrd.preview.encoder import Encoder
from lfrd.preview.previews import Previews
from lfrd.types import U8, AlertId, CameraId, Frame
from lfrd.vision.pack import Pack
from lfrd.vision.picture import Picture
from lfrd.watching import pipeline_of
from lfrd.wire import AlertView

STREET = CameraId("street")


async def no_alert(alert: AlertId) -> AlertView:
    raise NotAllowed("unknown_alert", "there is none")


@contextlib.contextmanager
def previews(inference: Inference, **settings: int) -> Iterator[Previews]:
    with Previews(Config(preview=Preview(**settings)), inference, no_alert, lambda: 0.0) as made:
        yield made


def journey(pack: Pack, inference: Inference, live: Previews) -> Journey:
    async def report(finding: Finding) -> None:
        return None

    holder = GalleryHolder(Gallery({}, dim=inference.dim))
    pipeline = pipeline_of(pack, inference, holder, 1.0, Config(), report, Metrics())
    return pipeline.journey(STREET, preview=live.feed(STREET))


class Encoders:
    """Every encoder that was made, and how often each encoded."""

    def __init__(self) -> None:
        self.made: list[Encoder] = []
        self.calls = 0


@pytest.fixture
def encoders(monkeypatch: pytest.MonkeyPatch) -> Encoders:
    noted = Encoders()

    class Noted(Encoder):
        def __init__(self, width: int, height: int, *, kilobits: int, rate: float) -> None:
            super().__init__(width, height, kilobits=kilobits, rate=rate)
            noted.made.append(self)

        def encode(self, picture: U8, ticks: int, *, key: bool) -> object:  # type: ignore[override]
            noted.calls += 1
            return super().encode(picture, ticks, key=key)

    monkeypatch.setattr(channel_module, "Encoder", Noted)
    return noted


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> list[U8]:
    """Every smaller copy that was made for the live picture."""
    from lfrd import inference as inference_module

    made: list[U8] = []
    copied = inference_module._copied

    def noted(picture: Picture, small: U8, wanted: inference_module.Wanted) -> U8 | None:
        pixels = copied(picture, small, wanted)
        if pixels is not None:
            made.append(pixels)
        return pixels

    monkeypatch.setattr(inference_module, "_copied", noted)
    return made


async def paced(clip: Path, live: Previews) -> AsyncGenerator[Frame, None]:
    """A recording's frames, each when the studio has taken the one before."""
    async with contextlib.aclosing(frames_of(recording(clip, rate=10))) as frames:
        async for frame in frames:
            while live.statistics().pictures[STREET].waiting:
                await asyncio.sleep(0.001)
            yield frame


async def test_nobody_watches_and_no_copy_no_encoder_and_no_thread_s_work_is_made(
    pack: Pack, inference: Inference, street_clip: Path, encoders: Encoders, copies: list[U8]
) -> None:
    with previews(inference) as live:
        one = journey(pack, inference, live)
        live.start(STREET)
        await one.run(frames_of(recording(street_clip, rate=10)), live=False, rests=False)
        assert one.counts.analysed > 50
        assert live.statistics().pictures[STREET].put == 0
    assert encoders.made == []
    assert copies == []


async def test_ten_viewers_get_the_same_packets_each_picture_encoded_once(
    pack: Pack, inference: Inference, street_clip: Path, encoders: Encoders, copies: list[U8]
) -> None:
    got: list[list[int]] = [[] for _ in range(10)]

    async def view(number: int) -> None:
        with contextlib.suppress(Closed), live.watch(STREET) as watching:
            first = await watching.packet()
            assert first.is_keyframe
            got[number].append(id(first))
            kept.append(first)
            while True:
                packet = await watching.packet()
                got[number].append(id(packet))
                kept.append(packet)

    kept: list[object] = []
    with previews(inference) as live:
        one = journey(pack, inference, live)
        live.start(STREET)
        viewers = [asyncio.create_task(view(number)) for number in range(10)]
        await asyncio.sleep(0)
        assert live.viewers == 10
        await one.run(paced(street_clip, live), live=False, rests=False)
        while live.statistics().pictures[STREET].waiting:
            await asyncio.sleep(0.001)
        await asyncio.to_thread(live._studio.close)  # what it has taken it makes to the end
        live.stop(STREET)
        await asyncio.gather(*viewers)
        assert live.viewers == 0
        assert live.statistics().encoded == encoders.calls > 20
        assert live.statistics().failures == 0
    assert len(encoders.made) == 1
    assert all(each == got[0] for each in got)
    assert len(got[0]) == encoders.calls
    assert copies
    assert not any(pixels.any() for pixels in copies)


async def test_when_the_last_viewer_leaves_everything_is_wiped_and_the_encoder_is_closed(
    pack: Pack, inference: Inference, street_clip: Path, encoders: Encoders, copies: list[U8]
) -> None:
    with previews(inference) as live:
        one = journey(pack, inference, live)
        live.start(STREET)
        (channel,) = live._channels.values()

        async def frames() -> AsyncIterator[Frame]:
            number = 0
            with contextlib.ExitStack() as stack:
                watching = stack.enter_context(live.watch(STREET))
                async with contextlib.aclosing(paced(street_clip, live)) as source:
                    async for frame in source:
                        yield frame
                        number += 1
                        if number == 20:
                            await watching.packet()
                            stack.close()

        await one.run(frames(), live=False, rests=False)
        while channel.is_open:
            await asyncio.sleep(0.001)
        made = len(copies)
        assert 10 < made <= 21
        assert not any(pixels.any() for pixels in copies)
        assert [encoder._context for encoder in encoders.made] == [None]
        with live.watch(STREET):
            assert live.feed(STREET).wanted(0.0, busy=False) is not None


async def test_a_camera_that_does_not_run_is_not_watched_and_no_more_than_allowed_watch(
    inference: Inference,
) -> None:
    with previews(inference, viewers=2) as live, contextlib.ExitStack() as stack:
        with pytest.raises(NotAllowed, match="does not run now") as caught, live.watch(STREET):
            pass
        assert caught.value.code == "not_running"
        live.start(STREET)
        for _ in range(2):
            stack.enter_context(live.watch(STREET))
        with pytest.raises(NotAllowed, match="which is all") as caught, live.watch(STREET):
            pass
        assert caught.value.code == "too_many"
        assert live.viewers == 2
        stack.close()
        assert live.viewers == 0


async def test_nobody_watches_where_nobody_may(inference: Inference) -> None:
    with previews(inference, viewers=0) as live:
        live.start(STREET)
        with pytest.raises(NotAllowed) as caught, live.watch(STREET):
            pass
        assert caught.value.code == "too_many"


async def test_whoever_watches_a_camera_that_stops_is_told(inference: Inference) -> None:
    with previews(inference) as live:
        live.start(STREET)
        with live.watch(STREET) as watching:
            waiting = asyncio.create_task(watching.packet())
            await asyncio.sleep(0)
            live.stop(STREET)
            with pytest.raises(Closed):
                await waiting
        with pytest.raises(NotAllowed), live.watch(STREET):
            pass


async def test_at_the_end_no_thread_is_left(inference: Inference) -> None:
    before = set(threading.enumerate())
    with previews(inference) as live:
        live.start(STREET)
        assert any(thread.name == "preview" for thread in threading.enumerate())
    assert set(threading.enumerate()) <= before


async def test_a_failing_look_is_the_picture_s_news_alone_and_no_packet_comes_of_it(
    pack: Pack, inference: Inference, street_clip: Path, copies: list[U8], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(picture: Picture, max_side: int, low: float | None = None) -> object:
        raise RuntimeError("no more memory")

    monkeypatch.setattr(inference, "detect", fails)
    with previews(inference) as live:
        one = journey(pack, inference, live)
        live.start(STREET)
        with live.watch(STREET):
            await one.run(paced(street_clip, live), live=False, rests=False)
            assert one.counts.analysed > 50
            assert live.statistics().failures > 0
            assert live.statistics().encoded == 0
    assert not any(pixels.any() for pixels in copies)
