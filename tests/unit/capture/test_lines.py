from __future__ import annotations

import threading

import pytest

from lfrd.capture.lines import (
    ASKING_SECONDS,
    LONGEST_WAIT,
    MOST_WAITING,
    Coded,
    Gone,
    Line,
    Lines,
    is_key,
)
from lfrd.types import CameraId

KEY, DELTA = b"\x00key", b"\x01delta"
"""VP8: the lowest bit of the first byte says which."""


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def clock(self) -> float:
        return self.now


class Phone:
    def __init__(self) -> None:
        self.asked = 0
        self.forgot = 0
        self.hung_up = 0

    def ask_key(self) -> None:
        self.asked += 1

    def forget(self) -> None:
        self.forgot += 1

    def hang_up(self) -> None:
        self.hung_up += 1


class Bench:
    """A line that is open, with a phone on it."""

    def __init__(self) -> None:
        self.time = Time()
        self.line = Line(CameraId("roof"), clock=self.time.clock)
        self.source = object()
        self.phone = Phone()
        assert self.line.open(self.source)
        assert self.line.attach(self.phone)
        self._stamp = 0

    def put(self, data: bytes = DELTA, phone: Phone | None = None) -> None:
        self._stamp += 4500
        self.line.put(phone or self.phone, "VP8", data, self._stamp)

    def take(self) -> Coded | None:
        return self.line.take(self.source, 0)


def test_what_is_put_is_taken_in_order() -> None:
    bench = Bench()
    bench.put(KEY)
    bench.put()
    first, second = bench.take(), bench.take()
    assert first is not None
    assert second is not None
    assert (first.data, first.key, first.stamp) == (KEY, True, 4500)
    assert (second.data, second.key, second.stamp) == (DELTA, False, 9000)
    assert bench.take() is None


def test_a_line_is_wanted_only_while_a_source_is_open() -> None:
    line = Line(CameraId("roof"))
    phone, source = Phone(), object()
    wanted = [line.wanted]
    assert not line.attach(phone)
    line.put(phone, "VP8", KEY, 0)
    assert line.statistics().put == 0
    line.open(source)
    wanted.append(line.wanted)
    line.shut(source)
    wanted.append(line.wanted)
    assert wanted == [False, True, False]


def test_the_phone_is_hung_up_on_the_moment_the_source_closes() -> None:
    bench = Bench()
    bench.put(KEY)
    bench.line.shut(bench.source)
    assert bench.phone.hung_up == 1
    assert bench.line.statistics().waiting == 0
    bench.put(KEY)
    assert bench.line.statistics().waiting == 0
    bench.line.shut(bench.source)
    assert bench.phone.hung_up == 1


def test_a_second_source_does_not_take_a_line_that_is_held() -> None:
    bench = Bench()
    assert not bench.line.open(object())
    bench.line.shut(object())
    assert bench.line.wanted
    bench.line.shut(bench.source)
    assert bench.line.open(object())


def test_nothing_is_taken_before_a_picture_that_stands_by_itself_and_one_is_asked_for() -> None:
    bench = Bench()
    bench.put()
    bench.put()
    assert bench.take() is None
    assert bench.phone.asked == 1
    bench.put(KEY)
    assert bench.take() is not None


def test_a_key_frame_is_asked_for_again_after_a_pause_and_not_before() -> None:
    bench = Bench()
    bench.put()
    bench.time.now += ASKING_SECONDS * 0.9
    bench.put()
    assert bench.phone.asked == 1
    bench.time.now += ASKING_SECONDS * 0.2
    bench.put()
    assert bench.phone.asked == 2


def test_when_the_oldest_has_waited_too_long_all_that_wait_are_dropped() -> None:
    bench = Bench()
    bench.put(KEY)
    for _ in range(4):
        bench.time.now += LONGEST_WAIT / 4
        bench.put()
    assert bench.line.statistics().waiting == 5
    bench.time.now += 0.01
    bench.put()
    counts = bench.line.statistics()
    assert (counts.waiting, counts.dropped, bench.phone.asked) == (0, 6, 1)
    bench.put(KEY)
    taken = bench.take()
    assert taken is not None
    assert taken.key


def test_what_has_waited_too_long_is_not_handed_out_either() -> None:
    bench = Bench()
    bench.put(KEY)
    bench.time.now += LONGEST_WAIT + 0.01
    assert bench.take() is None
    assert bench.line.statistics().dropped == 1


def test_a_silent_phone_is_told_to_forget_and_goes_on_where_it_was_while_the_camera_remembers() -> None:
    bench = Bench()
    bench.line.forget(object(), all_before=True)
    assert bench.phone.forgot == 0
    bench.put(KEY)
    assert bench.take() is not None
    bench.line.forget(bench.source, all_before=False)
    assert bench.phone.forgot == 1
    bench.put()
    assert bench.take() is not None
    assert bench.phone.asked == 0


def test_after_all_is_forgotten_nothing_is_taken_before_a_picture_that_stands_by_itself() -> None:
    bench = Bench()
    bench.put(KEY)
    assert bench.take() is not None
    bench.put()  # came while the camera was about to forget
    for _ in range(3):
        bench.line.forget(bench.source, all_before=True)
    assert bench.phone.asked == 1
    bench.put()
    assert bench.take() is None
    bench.put(KEY)
    bench.line.forget(bench.source, all_before=True)
    taken = bench.take()
    assert taken is not None
    assert taken.key


def test_however_slow_the_taker_is_nothing_that_it_gets_is_old() -> None:
    """Twenty pictures a second for a minute, three taken a second; a key frame comes 0.1 s after it is asked
    for."""
    bench = Bench()
    bench.put(KEY)
    ages: list[float] = []
    keys_due: list[int] = []
    asked = 0
    for step in range(1200):
        bench.time.now += 0.05
        key = bool(keys_due) and keys_due[0] <= step
        if key:
            keys_due.pop(0)
        bench.put(KEY if key else DELTA)
        if bench.phone.asked > asked:
            asked = bench.phone.asked
            keys_due.append(step + 2)
        if step % 7 == 0 and (taken := bench.take()) is not None:
            ages.append(bench.time.now - taken.at)
    assert max(ages) <= LONGEST_WAIT + 1e-6
    assert len(ages) > 60
    assert bench.line.statistics().waiting <= LONGEST_WAIT / 0.05 + 1


def test_the_number_that_waits_has_a_limit_however_fast_they_come() -> None:
    bench = Bench()
    bench.put(KEY)
    for _ in range(3 * MOST_WAITING):
        bench.put()
        assert bench.line.statistics().waiting <= MOST_WAITING


def test_after_a_damaged_picture_the_next_taken_stands_by_itself() -> None:
    bench = Bench()
    bench.put(KEY)
    bench.take()
    bench.put()
    bench.line.damaged(bench.source)
    bench.put()
    assert bench.take() is None
    assert bench.phone.asked == 1
    bench.put(KEY)
    assert bench.take() is not None


def test_a_phone_that_has_ended_is_told_of_with_its_reason() -> None:
    bench = Bench()
    bench.put(KEY)
    bench.line.closed(bench.phone, "it was stopped")
    with pytest.raises(Gone, match="it was stopped"):
        bench.take()


def test_a_newer_phone_takes_the_place_of_an_older_one_which_is_heard_no_more() -> None:
    bench = Bench()
    other = Phone()
    bench.put(KEY)
    assert bench.line.attach(other)
    assert bench.phone.hung_up == 1
    bench.put(KEY)
    bench.line.closed(bench.phone, "lost")
    assert bench.take() is None
    bench.put(KEY, other)
    assert bench.take() is not None


def test_a_thread_that_waits_is_woken_when_the_line_is_shut() -> None:
    bench = Bench()
    got: list[Coded | None] = []
    waiting = threading.Thread(target=lambda: got.append(bench.line.take(bench.source, 60)))
    waiting.start()
    bench.line.shut(bench.source)
    waiting.join(60)
    assert got == [None]


def test_what_arrives_is_measured_in_pictures_a_second() -> None:
    bench = Bench()
    for _ in range(100):
        bench.time.now += 0.05
        bench.line.note(bench.source, 1280, 720, 0.02)
    arriving = bench.line.arriving
    assert arriving is not None
    assert (arriving.width, arriving.height, arriving.waited) == (1280, 720, 0.02)
    assert arriving.fps == pytest.approx(20)


def test_what_arrived_is_not_shown_once_the_line_is_shut() -> None:
    bench = Bench()
    bench.line.note(bench.source, 1280, 720, 0.02)
    bench.line.shut(bench.source)
    assert bench.line.arriving is None


def test_only_cameras_of_phones_have_lines() -> None:
    lines = Lines([CameraId("roof")])
    assert lines.line(CameraId("roof")).camera == "roof"
    assert CameraId("roof") in lines
    assert CameraId("gate") not in lines
    with pytest.raises(KeyError):
        lines.line(CameraId("gate"))


def test_a_coded_picture_does_not_show_its_content() -> None:
    assert "secret" not in repr(Coded("VP8", b"secret", 0, True, 0.0))


@pytest.mark.parametrize(
    ("codec", "data", "key"),
    [
        ("VP8", b"\x10\x02", True),
        ("VP8", b"\x11\x02", False),
        ("VP8", b"", False),
        ("H264", b"\0\0\0\1\x67sps\0\0\0\1\x68pps\0\0\0\1\x65idr", True),
        ("H264", b"\0\0\0\1\x65idr", True),
        ("H264", b"\0\0\0\1\x41slice", False),
        ("H264", b"\0\0\0\1\x06sei\0\0\0\1\x61slice\0\0\0\1\x65", False),
        ("H264", b"\0\0\0\1\x67sps", False),
        ("H264", b"\0\0\1", False),
        ("H264", b"", False),
    ],
)
def test_a_picture_that_stands_by_itself_is_known_by_its_first_bytes(
    codec: str, data: bytes, key: bool
) -> None:
    assert is_key(codec, data) is key
