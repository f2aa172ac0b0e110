"""What the benches that play a street set are tested on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lfrd.evaluation.street import Walker, make_clip
from lfrd.evaluation.street_set import StreetSet
from lfrd.types import U8, Detections


@pytest.fixture
def hurried(
    tmp_path: Path, astronaut: Path, admiral: Path, locate: Callable[[U8], Detections]
) -> Callable[[float], StreetSet]:
    """A set of so many seconds in which two people hurry by; one of them is on the list."""

    def draw(seconds: float) -> StreetSet:
        clip, listed = tmp_path / "clip-01.mp4", tmp_path / "watchlist"
        walkers = [
            Walker("astronaut", astronaut, enter=-0.2, speed=2.6, far=40, near=110, lane=-0.5),
            Walker("admiral", admiral, enter=-0.2, speed=2.6, far=40, near=110, lane=0.5),
        ]
        truth = make_clip(clip, walkers, seconds=seconds, locate=locate, size=(640, 360), seed=2, posts=0)
        (listed / "astronaut").mkdir(parents=True)
        shutil.copy(astronaut, listed / "astronaut")
        sought = frozenset({"astronaut"})
        return StreetSet(tmp_path, 2, [clip], [truth], listed, sought, (640, 360), 25.0, seconds)

    return draw
