"""The exhaustive run that the cameras bench keeps beside the clips: what is in it, when it is run anew."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lfrd.bench import cameras_exhaustive
from lfrd.bench.cameras_exhaustive import exhaustive
from lfrd.config import Analysis, Config
from lfrd.evaluation.counting import Hit, Tally
from lfrd.evaluation.street import Walker, make_clip
from lfrd.evaluation.street_set import StreetSet
from lfrd.models import library
from lfrd.types import U8, Box, Detections
from lfrd.watching import watching

THRESHOLD = 0.5


@pytest.fixture
def street(tmp_path: Path, astronaut: Path, locate: Callable[[U8], Detections]) -> StreetSet:
    """Two seconds in which somebody on the list hurries by."""
    clip, listed = tmp_path / "clip-01.mp4", tmp_path / "watchlist"
    walker = Walker("astronaut", astronaut, enter=-0.2, speed=2.6, far=40, near=110, lane=-0.5)
    truth = make_clip(clip, [walker], seconds=2.0, locate=locate, size=(640, 360), seed=2, posts=0)
    (listed / "astronaut").mkdir(parents=True)
    shutil.copy(astronaut, listed / "astronaut")
    return StreetSet(tmp_path, 2, [clip], [truth], listed, frozenset({"astronaut"}), (640, 360), 25.0, 2.0)


class Bench:
    """Calls it as the bench does. ran: clips that were run for the last answer."""

    def __init__(self, builtin: Path, street: StreetSet) -> None:
        self._pack = library.open_pack(str(builtin), builtin.parent)
        self._street = street
        self.ran = 0

    async def __call__(self, settings: Config | None = None, *, stale: bool = False) -> list[Hit]:
        settings, street = settings or Config(), self._street
        self.ran = 0

        def progress(done: int, total: int) -> None:
            self.ran = total

        async with watching(self._pack, street.watchlist, settings, lambda done, total: None) as watch:
            hits = await exhaustive(
                self._pack,
                watch.inference,
                watch.watchlist,
                THRESHOLD,
                street,
                street.clips,
                settings,
                stale=stale,
                progress=progress,
            )
        return hits[street.clips[0]]


def kept(street: StreetSet) -> list[Path]:
    return sorted(street.folder.glob("exhaustive-*.json"))


async def test_what_was_found_is_kept_and_read_again(builtin: Path, street: StreetSet) -> None:
    bench = Bench(builtin, street)
    first = await bench()
    tally = Tally()
    tally.add(street.truths[0], street.sought, first)
    assert (tally.sought, tally.found, tally.false_alerts) == (1, 1, 0)
    assert bench.ran == 1
    assert await bench() == first
    assert bench.ran == 0


async def test_every_frame_is_analysed_at_whatever_rate_the_cameras_will_be(
    builtin: Path, street: StreetSet
) -> None:
    bench = Bench(builtin, street)
    slow = await bench(Config(analysis=Analysis(rate=1.0)))
    assert any(round(hit.at * 25) % 25 for hit in slow), "not only each 25th frame"
    assert await bench() == slow
    assert (bench.ran, len(kept(street))) == (0, 1)


async def test_other_settings_are_a_run_of_their_own(builtin: Path, street: StreetSet) -> None:
    bench = Bench(builtin, street)
    await bench()
    await bench(Config(analysis=Analysis(max_side=320)))
    assert (bench.ran, len(kept(street))) == (1, 2)


async def test_it_is_run_anew_where_the_code_or_the_clip_is_another(
    builtin: Path, street: StreetSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(builtin, street)
    first = await bench()
    monkeypatch.setattr(cameras_exhaustive, "CODE", ("pipeline.py",))
    assert await bench(stale=True) == first
    assert bench.ran == 0
    assert await bench() == first
    assert bench.ran == 1
    with street.clips[0].open("ab") as clip:
        clip.write(b"\0")
    await bench()
    assert bench.ran == 1


async def test_what_is_kept_says_who_was_where_and_nothing_of_a_face(
    builtin: Path, street: StreetSet
) -> None:
    hits = await Bench(builtin, street)()
    (file,) = kept(street)
    said = json.loads(file.read_bytes())
    assert list(said) == [street.clips[0].name]
    (clip,) = said.values()
    assert list(clip) == ["code", "bytes", "found"]
    assert [Hit(person, at, Box(*box)) for person, at, *box in clip["found"]] == hits


async def test_a_damaged_file_is_made_anew(builtin: Path, street: StreetSet) -> None:
    bench = Bench(builtin, street)
    first = await bench()
    kept(street)[0].write_bytes(b"{")
    assert await bench() == first
    assert bench.ran == 1
