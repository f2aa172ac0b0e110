"""Sources that are relieved: what no other frame is made from is left out before it is decoded."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from pathlib import Path

import pytest

from lfrd.capture.rate import every
from lfrd.capture.recording import VideoSource
from lfrd.types import U8, CameraId
from tests.clips import number_in, write_clip

COUNT = 61
THREE_B = "bframes=3:b-adapt=0:b-pyramid=none:scenecut=0:keyint=32"
PYRAMID = "bframes=3:b-adapt=0:b-pyramid=normal:scenecut=0:keyint=32"
NONE = "bframes=0:keyint=32"


def clip(folder: Path, coding: str) -> Path:
    return write_clip(folder / "clip.mp4", range(COUNT), options={"x264-params": coding})


def played(source: VideoSource, switched: Collection[int] = ()) -> dict[int, U8]:
    """Each frame's picture by its number, in the order in which they came. switched: the numbers of frames
    at which the source is relieved, and at the next one no more, and so on."""
    pictures: dict[int, U8] = {}
    on = False
    with source:
        for frame in source:
            picture = frame.picture.scaled(*frame.picture.size)
            frame.release()
            number = number_in(picture)
            pictures[number] = picture
            if number in switched:
                on = not on
                source.relieve(on)
    return pictures


def source_of(path: Path, *, loop: bool = False) -> VideoSource:
    return VideoSource(CameraId("gate"), path, every, loop=loop, threads=1)


@pytest.mark.parametrize(("coding", "apart"), [(THREE_B, 4), (PYRAMID, 2), (NONE, 1)])
def test_a_relieved_source_gives_the_frames_that_others_are_made_from_as_they_are(
    tmp_path: Path, coding: str, apart: int
) -> None:
    path = clip(tmp_path, coding)
    whole = played(source_of(path))
    assert list(whole) == list(range(COUNT))
    source = source_of(path)
    source.relieve(True)
    some = played(source)
    assert list(some) == sorted(some)
    assert set(range(0, 28, apart)) <= set(some)
    assert len(some) <= COUNT / apart + 5, "key frames may stand closer than that"
    assert all((picture == whole[number]).all() for number, picture in some.items())


@pytest.mark.parametrize("coding", [THREE_B, PYRAMID, NONE])
def test_every_coded_picture_is_either_decoded_or_counted_as_spared(tmp_path: Path, coding: str) -> None:
    source = source_of(clip(tmp_path, coding))
    source.relieve(True)
    got = len(played(source))
    assert source.counts.decoded == got
    assert source.counts.spared == COUNT - got
    assert (source.counts.spared == 0) == (coding == NONE), "where there is nothing to spare, it says so"
    assert source.counts.skipped == source.counts.corrupt == 0
    assert source.remark == "", "what was left out on purpose is no damage"


def test_a_source_that_is_relieved_no_more_gives_every_frame_again(tmp_path: Path) -> None:
    source = source_of(clip(tmp_path, THREE_B))
    got = list(played(source, switched=(12, 36)))
    assert got[:13] == list(range(13))
    assert got[-20:] == list(range(COUNT - 20, COUNT))
    between = got[13:-20]
    assert len(between) <= 16
    assert any(later - earlier == 4 for earlier, later in itertools.pairwise(between))
    assert source.counts.decoded + source.counts.spared == COUNT


def test_a_recording_that_loops_stays_relieved_and_counts_honestly(tmp_path: Path) -> None:
    source = source_of(clip(tmp_path, THREE_B), loop=True)
    source.relieve(True)
    rounds = 0
    with source:
        for frame in source:
            number = number_in(frame.picture.scaled(*frame.picture.size))
            frame.release()
            if number == 0:
                rounds += 1
                assert source.counts.decoded - 1 + source.counts.spared == (rounds - 1) * COUNT
            if rounds == 3:
                break
