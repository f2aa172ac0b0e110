"""The plain loop and the pipeline on the same clip: both look at all of it, and find who is in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lfrd.bench.naive import run
from lfrd.bench.plain_loop import PlainLoop
from lfrd.errors import MissingError
from lfrd.evaluation.street_set import StreetSet
from lfrd.gallery.index import Gallery
from lfrd.models import library


@pytest.fixture
def street(hurried: Callable[[float], StreetSet]) -> StreetSet:
    return hurried(3.0)


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
