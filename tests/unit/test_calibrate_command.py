"""`lfrd calibrate`: what it measures goes onto the card, and what it cannot measure it says in one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from lfrd.config import Config
from lfrd.errors import CalibrationError
from lfrd.evaluation.calibration_tracks import of_street
from lfrd.evaluation.cutout import Locate
from lfrd.evaluation.searches import NO_CANDIDATE
from lfrd.evaluation.street import Walker, make_clip
from lfrd.evaluation.street_set import StreetSet
from lfrd.models import library
from tests.commands import lfrd
from tests.unit.models import packs as small_packs


@pytest.fixture(scope="module")
def crowd(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ninety people, a third of them with several pictures."""
    folder = tmp_path_factory.mktemp("crowd")
    everyone = sorted((shared / "faces").iterdir())
    for person in [*everyone[:30], *everyone[600:660]]:
        (folder / person.name).symlink_to(person)
    return folder


def uncalibrated(shared: Path, folder: Path) -> Path:
    """The field pack without any calibration on its card."""
    shutil.copytree(shared / "models" / "field", folder)
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    text = (folder / "pack.toml").read_text(encoding="utf-8")
    (folder / "pack.toml").write_text(text.partition("[[calibration]]")[0], encoding="utf-8")
    return folder


def test_a_pack_without_a_card_is_measured_and_may_then_be_used(
    shared: Path, crowd: Path, tmp_path: Path
) -> None:
    folder = uncalibrated(shared, tmp_path / "field")
    before = library.open_pack(str(folder), tmp_path)
    asked = ("calibrate", "--faces", crowd, "--pack", folder, "--fpir", "0.1", "--about", "ninety people")
    ended = lfrd(*asked, "--json")
    assert ended.code == 0
    (row,) = json.loads(ended.out)["calibrations"]
    assert (row["kind"], row["data"], row["lists"]) == ("picture", "ninety people", 20)
    assert 0 < row["points"][0]["fpir_reached"] <= 0.1
    assert row["points"][0]["low"] <= row["points"][0]["threshold"] <= row["points"][0]["high"]
    assert 0.3 < row["tpir"][0]["tpir"] <= 1
    assert not any(name in ended.out for name in ("p0001", "p0030", str(crowd))), "nobody is named"
    assert library.open_pack(str(folder), tmp_path).manifest.calibration == (), "nothing was written"

    ended = lfrd(*asked, "--write")
    assert ended.code == 0
    assert "written to the card of field" in ended.out
    after = library.open_pack(str(folder), tmp_path).manifest
    assert after.digest == before.manifest.digest
    (written,) = after.calibration
    assert written.points == ((0.1, row["points"][0]["threshold"]),), "the same seed gives the same"
    assert written.digest == row["digest"]
    text = (folder / "pack.toml").read_text(encoding="utf-8")
    assert "# an aligned face in, a template out" in text


def test_without_write_the_tables_are_printed_to_be_added_by_hand(
    shared: Path, crowd: Path, tmp_path: Path
) -> None:
    ended = lfrd("calibrate", "--faces", crowd, "--pack", shared / "models" / "field", "--data", tmp_path)
    assert ended.code == 0
    assert "Not written: --write" in ended.out
    assert "\n[[calibration]]\nn = " in ended.out
    assert "too few people to say anything of FPIR" in ended.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "give --faces, --street or both"),
        (["--faces", ".", "--fpir", "1.5"], "must lie between 0 and 1"),
        (["--faces", ".", "--about", " "], "say in a few words"),
        (["--faces", ".", "--size", "0"], "--size"),
    ],
)
def test_a_command_line_without_sense_is_refused(words: list[str], says: str, tmp_path: Path) -> None:
    ended = lfrd("calibrate", *words, "--data", tmp_path)
    assert ended.code == 2
    assert says in ended.line()


def test_what_cannot_be_calibrated_on_is_said_in_one_line(
    packs: Path, tmp_path: Path, astronaut: Path, admiral: Path
) -> None:
    asked = ("calibrate", "--pack", "builtin", "--data", packs, "--faces")
    assert "no such folder" in lfrd(*asked, tmp_path / "nowhere").line()
    for name, picture in (("a", astronaut), ("b", admiral)):
        (tmp_path / "people" / name).mkdir(parents=True)
        shutil.copy(picture, tmp_path / "people" / name)
    assert "--leave-out c: " in lfrd(*asked, tmp_path / "people", "--leave-out", "c").line()
    ended = lfrd(*asked, tmp_path / "people")
    assert ended.code == 1
    assert "2 people can be enrolled: a list of 1 cannot be drawn" in ended.line()
    assert "no street is in it" in lfrd(*asked[:-1], "--street", tmp_path).line()


async def test_a_track_is_searched_without_whom_it_follows_and_a_passage_with(
    packs: Path, locate: Locate, astronaut: Path, admiral: Path, tmp_path: Path
) -> None:
    """One person walks by, who is on the list with another man."""
    pack = library.open_pack("builtin", packs)
    (tmp_path / "watchlist").mkdir()
    shutil.copy(astronaut, tmp_path / "watchlist" / "astronaut.png")
    shutil.copy(admiral, tmp_path / "watchlist" / "admiral.jpg")
    clip = tmp_path / "clip-01.mp4"
    walker = Walker("astronaut", astronaut, enter=0.2, speed=1.3, far=30, near=110, lane=0.0)
    truth = make_clip(clip, [walker], seconds=6.0, locate=locate, size=(960, 540), seed=3)
    truth.save(tmp_path / "clip-01.json")
    street = StreetSet(
        tmp_path,
        3,
        [clip],
        [truth],
        tmp_path / "watchlist",
        frozenset({"astronaut"}),
        (960, 540),
        25.0,
        6.0,
    )
    sample = await of_street(pack, street, Config(), about="one walker")
    searches = sample.searches
    assert (sample.kind, sample.lists, searches.entries) == ("track", 1, 2)
    assert (len(searches.own), searches.own.max() > 0.95) == (1, True)
    assert len(searches.top) == len(searches.non_mated) >= 1
    assert searches.top.max() < searches.own.max() - 0.02, "the other man is not who walks by"
    assert set(searches.non_mated.tolist()) <= set(searches.mated.tolist()), "the cluster is the person"

    alone = await of_street(pack, street, Config(), about="one walker", left_out=["admiral"])
    assert (alone.searches.entries, alone.digest) == (1, sample.digest)
    assert (alone.searches.top == NO_CANDIDATE).all(), "nobody is left on the list"
    gone = await of_street(pack, street, Config(), about="one walker", left_out=["astronaut"])
    assert len(gone.searches.top) == len(gone.searches.own) == 0


async def test_tracks_need_scores_of_single_pictures_first(tmp_path: Path) -> None:
    pack = library.open_pack(str(small_packs.make(tmp_path / "small")), tmp_path)
    street = StreetSet(tmp_path, 1, [], [], tmp_path, frozenset(), (960, 540), 25.0, 1.0)
    with pytest.raises(CalibrationError, match="give --faces as well"):
        await of_street(pack, street, Config(), about="nobody")
