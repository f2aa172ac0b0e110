from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext

from lfrd.capture import browser
from lfrd.capture.base import SourceBase
from lfrd.capture.browser import PhoneSource
from lfrd.capture.lines import Line
from lfrd.capture.rate import every
from lfrd.capture.source import make_source
from lfrd.config import Camera, Config
from lfrd.errors import SettingError, SourceError
from lfrd.types import CameraId, Frame
from tests.clips import drawn, number_in

RATE = 20
Pictures = list[tuple[str, bytes]]


def coded(codec: str, numbers: Iterable[int], width: int = 320, height: int = 240) -> Pictures:
    """Pictures as a browser codes them: the first stands by itself, and each gives one at once."""
    name, options = {
        "H264": ("libx264", {"profile": "baseline", "preset": "veryfast", "tune": "zerolatency"}),
        "VP8": ("libvpx", {"cpu-used": "-6", "deadline": "realtime", "lag-in-frames": "0"}),
    }[codec]
    encoder = VideoCodecContext.create(name, "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, RATE), Fraction(RATE)
    encoder.bit_rate, encoder.gop_size, encoder.options = 1_000_000, 1000, options
    pictures = []
    for at, number in enumerate(numbers):
        frame = av.VideoFrame.from_ndarray(drawn(number, width, height), "bgr24").reformat(format="yuv420p")
        frame.pts, frame.time_base = at, Fraction(1, RATE)
        pictures += [(codec, bytes(packet)) for packet in encoder.encode(frame)]
    return pictures


class Phone:
    """Sends what it is given, from a thread of its own, once it is wanted."""

    def __init__(self, line: Line, pictures: Pictures) -> None:
        self.line = line
        self.hung_up = threading.Event()
        self.on_asked: Callable[[], object] = lambda: None  # called when a key frame is asked for
        self.on_forget: Callable[[], object] = lambda: None  # called when nothing has come for a while
        self._pictures = pictures
        self._thread = threading.Thread(target=self._send)

    def ask_key(self) -> None:
        self.on_asked()

    def forget(self) -> None:
        self.on_forget()

    def hang_up(self) -> None:
        self.hung_up.set()

    def _send(self) -> None:
        while not self.line.attach(self):
            threading.Event().wait(0.001)
        for number, (codec, data) in enumerate(self._pictures):
            self.line.put(self, codec, data, number * 4500)

    @contextmanager
    def sending(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._thread.join()


def opened(line: Line, wanted: Callable[[float], bool] = every, open_seconds: float = 60) -> PhoneSource:
    return PhoneSource(CameraId("roof"), line, wanted, open_seconds=open_seconds)


def patient() -> Line:
    """A line that drops nothing for being late: these tests run on busy machines."""
    return Line(CameraId("roof"), longest_wait=3600)


def seen(source: SourceBase, count: int) -> list[tuple[int, tuple[int, int]]]:
    """The numbers in the next frames, and the frames' sizes; then the source is asked to stop."""
    found = []
    for frame in source:
        image = frame.picture.scaled(*frame.picture.size)
        found.append((number_in(image), frame.picture.size))
        frame.release()
        if len(found) == count:
            source.stop()
    return found


@pytest.mark.parametrize("codec", ["H264", "VP8"])
def test_every_picture_of_a_phone_becomes_a_frame_at_once(codec: str) -> None:
    line = patient()
    with Phone(line, coded(codec, range(10))).sending(), opened(line) as source:
        assert seen(source, 10) == [(number, (320, 240)) for number in range(10)]
    assert (source.counts.decoded, source.counts.skipped, source.counts.corrupt) == (10, 0, 0)
    assert source.counts.decode_seconds > 0


def test_a_phone_that_is_turned_goes_on_in_its_new_size() -> None:
    line = patient()
    pictures = coded("H264", range(3)) + coded("H264", range(3, 6), 240, 320)
    with Phone(line, pictures).sending(), opened(line) as source:
        sizes = [size for _, size in seen(source, 6)]
    assert sizes == [(320, 240)] * 3 + [(240, 320)] * 3
    assert source.resolution == (240, 320)


def test_a_phone_that_comes_with_another_codec_is_decoded_too() -> None:
    line = patient()
    pictures = coded("VP8", range(2)) + coded("H264", range(2, 4))
    with Phone(line, pictures).sending(), opened(line) as source:
        assert [number for number, _ in seen(source, 4)] == [0, 1, 2, 3]


def test_frames_that_are_not_wanted_are_decoded_and_not_copied() -> None:
    line, turns = patient(), itertools.cycle([True, False, False])
    with (
        Phone(line, coded("VP8", range(9))).sending(),
        opened(line, lambda at: next(turns)) as source,
    ):
        assert [number for number, _ in seen(source, 3)] == [0, 3, 6]
    assert (source.counts.decoded, source.counts.skipped) == (7, 4)


def test_a_frames_time_is_that_of_its_arrival_so_that_waiting_counts_as_lag() -> None:
    line = Line(CameraId("roof"), clock=lambda: 77.5, longest_wait=3600)
    with Phone(line, coded("VP8", range(1))).sending(), opened(line) as source:
        frame = next(iter(source))
        assert frame.captured_at == 77.5
        frame.release()


def test_without_a_phone_it_fails_to_open_and_says_what_to_do() -> None:
    line = patient()
    with pytest.raises(SourceError, match=r"no phone sends its picture: open /camera .* press Start"):
        opened(line, open_seconds=0).__enter__()
    assert not line.wanted


@pytest.mark.parametrize("codec", ["H264", "VP8"])
def test_of_a_phone_that_falls_silent_no_picture_is_kept_and_it_goes_on_with_one_that_stands_by_itself(
    codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "STOP_SECONDS", 0.001)
    line, now = patient(), 0.0
    first, more = coded(codec, range(3)), coded(codec, range(3, 5))
    phone = Phone(line, first[:1])
    kept: list[bool] = []  # whether the decoder was, at each time it is said that nothing comes

    def silent() -> None:
        nonlocal now
        kept.append(source._decoder is not None)
        now += 0.4
        if len(kept) == 4:
            for name, data in [first[1], *more]:  # one that builds on what is gone, two that do not
                line.put(phone, name, data, 0)

    phone.on_forget = silent
    source = PhoneSource(CameraId("roof"), line, every, open_seconds=60, clock=lambda: now)
    with phone.sending(), source:
        assert [number for number, _ in seen(source, 3)] == [0, 3, 4]
    assert kept == [True, True, True, False]
    assert source.counts.corrupt == 0


def test_a_phone_that_ends_is_the_cameras_news() -> None:
    line = patient()
    phone = Phone(line, coded("VP8", range(1)))
    with phone.sending(), opened(line) as source:
        frames = iter(source)
        next(frames).release()
        line.closed(phone, "the phone was stopped by hand")
        with pytest.raises(SourceError, match="stopped by hand"):
            next(frames)
    assert not line.wanted


def test_stop_hangs_the_phone_up_while_the_thread_still_waits_for_a_picture() -> None:
    line = patient()
    phone = Phone(line, coded("VP8", range(1)))
    with phone.sending(), opened(line) as source:
        got: list[Frame] = []

        def iterate() -> None:
            got.extend(source)

        reading = threading.Thread(target=iterate)
        reading.start()
        source.stop()
        assert phone.hung_up.wait(60)
        assert not line.wanted
        reading.join(60)
        assert not reading.is_alive()
        for frame in got:
            frame.release()


def test_stop_ends_a_source_that_waits_for_its_first_phone() -> None:
    line = patient()
    source = opened(line, open_seconds=3600)

    def run() -> None:
        with source:
            assert list(source) == []

    opening = threading.Thread(target=run)
    opening.start()
    while not line.wanted:
        threading.Event().wait(0.001)
    source.stop()
    opening.join(60)
    assert not opening.is_alive()


def test_a_stop_before_the_opening_is_not_forgotten() -> None:
    line = patient()
    source = opened(line, open_seconds=3600)
    source.stop()
    with source:
        assert list(source) == []
    assert not line.wanted


def test_frames_that_come_back_after_a_wipe_are_overwritten_and_not_kept() -> None:
    line = patient()
    with Phone(line, coded("VP8", range(2))).sending(), opened(line) as source:
        frame = next(iter(source))
        pixels = frame.picture._pixels
        assert np.any(pixels)
        source.stop()
        source.wipe()
        frame.release()
        assert not np.any(pixels)
        assert line.statistics().waiting == 0


def test_damage_is_counted_and_another_whole_picture_asked_for() -> None:
    line = patient()
    pictures = coded("VP8", range(3))
    pictures[1] = ("VP8", b"\x11\x02")
    phone = Phone(line, pictures)
    with phone.sending(), opened(line) as source:
        phone.on_asked = source.stop
        for frame in source:
            frame.release()
    assert (source.counts.decoded, source.counts.corrupt) == (1, 1)
    assert line.statistics().asked == 1


def test_the_settings_say_phone(tmp_path: Path) -> None:
    camera = Camera(name="roof", source="phone")
    with pytest.raises(SettingError, match="only a running server"):
        make_source(camera, Config().at(tmp_path))
