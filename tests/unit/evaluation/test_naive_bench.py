"""The plain loop and the pipeline on the same clip: both look at all of it, and find who is in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lfrd.errors import MissingError
from lfrd.evaluation.naive_bench import run
from lfrd.evaluation.plain_loop import PlainLoop
from lfrd.evaluation.street import Walker, make_clip
from lfrd.evaluation.street_set import StreetSet
from lfrd.gallery.index import Gallery
from lfrd.models import library
from lfrd.types import U8, Detections


@pytest.fixture
def street(tmp_path: Path, astronaut: Path, admiral: Path, locate: Callable[[U8], Detections]) -> StreetSet:
    """Three seconds in which two people hurry by; one of them is on the list."""
    clip, listed = tmp_path / "clip-01.mp4", tmp_path / "watchlist"
    walkers = [
        Walker("astronaut", astronaut, enter=-0.2, speed=2.6, far=40, near=110, lane=-0.5),
        Walker("admiral", admiral, enter=-0.2, speed=2.6, far=40, near=110, lane=0.5),
    ]
    truth = make_clip(clip, walkers, seconds=3.0, locate=locate, size=(640, 360), seed=2, posts=0)
    (listed / "astronaut").mkdir(parents=True)
    shutil.copy(astronaut, listed / "astronaut")
    return StreetSet(tmp_path, 2, [clip], [truth], listed, frozenset({"astronaut"}), (640, 360), 25.0, 3.0)


def test_both_see_every_frame_and_find_the_listed_person_and_nobody_else(
    builtin: Path, street: StreetSet
) -> None:
    pack = library.open_pack(str(builtin), builtin.parent)
    result = run(pack, street)
    assert (result["clips"], result["frames"], result["passages"]) == (1, 75, 1)
    assert (result["naive_tpir"], result["lfrd_tpir"]) == (1.0, 1.0)
    assert (result["naive_false_alerts"], result["lfrd_false_alerts"]) == (0, 0)
    assert result["ratio"] == pytest.approx(result["lfrd_fps"] / result["naive_fps"])


def test_what_is_no_video_is_said_so(builtin: Path, tmp_path: Path) -> None:
    pack = library.open_pack(str(builtin), builtin.parent)
    (tmp_path / "clip.mp4").write_bytes(b"no video")
    loop = PlainLoop(pack, library.originals(pack))
    with pytest.raises(MissingError, match=r"clip\.mp4: not a video"):
        loop.run(tmp_path / "clip.mp4", Gallery({}, dim=128), 0.5)
