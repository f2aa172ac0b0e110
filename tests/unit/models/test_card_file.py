"""A calibration is put on a pack's card in one step, and nothing else of the card is another."""

from __future__ import annotations

import stat
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.errors import CorruptError, StoreError
from lfrd.models import card_file, library
from lfrd.models.shelf import described
from lfrd.vision.pack import Calibration, calibration_toml, parse_manifest
from tests.unit.models import packs
from tests.unit.policy.test_card import MEASURED
from tests.unit.vision.test_pack import GOOD

PLACE = Path("pack.toml")
TRACKS = msgspec.structs.replace(
    MEASURED,
    kind="track",
    people=240,
    digest="e" * 64,
    intervals=((0.49, 0.51), (0.58, 0.66)),
    extrapolated=((0.0001, 0.7, 0.62, 0.9),),
    tail="exponential tail of 65 scores of 50 people above 0.38",
)
COMMENTED = (
    GOOD.replace('name = "small"', 'name = "small"   # as it is called')
    .replace(
        "[detector]",
        'card = """\nFor tests.\n[[calibration]]\nn = 5 is no table, but a word of the card.\n"""\n\n'
        "# What finds the faces.\n[detector]",
    )
    .replace("points = [[0.1, 0.4], [0.01, 0.5]]", "points = [\n  [0.1, 0.4],  # many\n  [0.01, 0.5],\n]")
    .replace("[[calibration]]\nn = 1000", "# Measured by somebody.\n[[ calibration ]] # first\nn = 1000")
    + "\n# The last word.\n"
)


def calibrations(text: str) -> tuple[Calibration, ...]:
    return parse_manifest(text, PLACE).calibration


def test_a_measurement_takes_the_place_of_those_of_its_kind() -> None:
    (old,) = calibrations(GOOD)
    with_tracks = card_file.replaced(GOOD, [TRACKS], PLACE)
    assert calibrations(with_tracks) == (old, TRACKS)
    newer = msgspec.structs.replace(TRACKS, n=500)
    assert calibrations(card_file.replaced(with_tracks, [newer], PLACE)) == (old, newer)
    assert calibrations(card_file.replaced(with_tracks, [MEASURED], PLACE)) == (TRACKS, MEASURED)
    assert calibrations(card_file.replaced(with_tracks, [MEASURED, newer], PLACE)) == (MEASURED, newer)


def test_with_keep_it_stands_beside_what_is_there() -> None:
    made = card_file.replaced(GOOD, [MEASURED], PLACE, keep=True)
    assert calibrations(made) == (*calibrations(GOOD), MEASURED)


def test_every_other_line_stays_as_it_was_comments_and_long_texts_included() -> None:
    made = card_file.replaced(COMMENTED, [MEASURED], PLACE)
    assert calibrations(made) == (MEASURED,)
    before, _, _ = COMMENTED.partition("[[ calibration ]]")
    assert made.startswith(before)
    assert "# The last word." in made
    assert "n = 5 is no table" in parse_manifest(made, PLACE).card
    assert card_file.replaced(made, [MEASURED], PLACE) == made, "and once more changes nothing"


def test_a_table_between_others_is_taken_out_of_their_middle() -> None:
    detector = GOOD.index("[recogniser]")
    calibration = GOOD.index("[[calibration]]")
    text = GOOD[:detector] + GOOD[calibration:] + "\n" + GOOD[detector:calibration]
    made = card_file.replaced(text, [TRACKS, MEASURED], PLACE)
    assert calibrations(made) == (TRACKS, MEASURED)
    assert parse_manifest(made, PLACE).recogniser == parse_manifest(GOOD, PLACE).recogniser


def test_lines_that_end_as_on_windows_go_on_to() -> None:
    made = card_file.replaced(GOOD.replace("\n", "\r\n"), [MEASURED], PLACE)
    assert calibrations(made) == (MEASURED,)
    assert made.count("\n") == made.count("\r\n")


@given(
    card=st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    data=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
)
def test_whatever_the_card_says_in_words_is_kept(card: str, data: str) -> None:
    added = msgspec.structs.replace(MEASURED, data=data)
    said = calibration_toml(msgspec.structs.replace(MEASURED, data=card or "-")).split("data = ")[1]
    text = GOOD.replace("[detector]", f"card = {said.partition(chr(10))[0]}\n[detector]", 1)
    made = card_file.replaced(text, [added], PLACE)
    assert parse_manifest(made, PLACE).card == (card or "-")
    assert calibrations(made) == (added,)


@pytest.mark.parametrize(
    "text",
    [
        GOOD.partition("[[calibration]]")[0].replace(
            "[detector]",
            'calibration = [{n = 5, non_mated = 9, data = "d", points = [[0.1, 0.4]]}]\n[detector]',
        ),
        GOOD.replace("[[calibration]]", '[["calibration"]]'),
    ],
    ids=["in one line", "quoted"],
)
def test_a_manifest_that_is_written_in_another_way_is_refused_and_not_spoilt(text: str) -> None:
    assert parse_manifest(text, PLACE).calibration
    with pytest.raises(CorruptError, match=r"calibration is not written as \[\[calibration\]\] tables"):
        card_file.replaced(text, [MEASURED], PLACE)


def test_a_folders_card_is_written_with_its_files_digests_and_rights_as_they_were(tmp_path: Path) -> None:
    folder = packs.make(tmp_path / "small")
    (folder / "pack.toml").chmod(0o640)
    before = library.open_pack(str(folder), tmp_path)
    made = card_file.calibrate(before, [MEASURED], tmp_path)
    assert made.manifest.calibration == (MEASURED,)
    assert made.manifest.digest == before.manifest.digest, "the model is the same"
    assert library.open_pack(str(folder), tmp_path) == made
    assert stat.S_IMODE((folder / "pack.toml").stat().st_mode) == 0o640
    assert sorted(path.name for path in folder.iterdir()) == ["detector.onnx", "pack.toml", "recogniser.onnx"]


def test_an_installed_packs_card_is_written_too(tmp_path: Path) -> None:
    packs.make(tmp_path / "small")
    library.install_folder(tmp_path / "small", tmp_path / "data")
    pack = library.open_pack("small", tmp_path / "data")
    card_file.calibrate(pack, [MEASURED, TRACKS], tmp_path / "data")
    assert library.open_pack("small", tmp_path / "data").manifest.calibration == (MEASURED, TRACKS)
    assert described(tmp_path / "small").manifest.calibration == ()


def test_a_link_to_a_manifest_stays_one(tmp_path: Path) -> None:
    folder = packs.make(tmp_path / "small")
    (folder / "pack.toml").rename(tmp_path / "elsewhere.toml")
    (folder / "pack.toml").symlink_to(tmp_path / "elsewhere.toml")
    card_file.calibrate(library.open_pack(str(folder), tmp_path), [MEASURED], tmp_path)
    assert (folder / "pack.toml").is_symlink()
    assert "[[calibration]]" in (tmp_path / "elsewhere.toml").read_text(encoding="utf-8")


def test_a_card_that_has_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    folder = packs.make(tmp_path / "small")
    pack = library.open_pack(str(folder), tmp_path)
    other = (folder / "pack.toml").read_text(encoding="utf-8") + calibration_toml(TRACKS)
    (folder / "pack.toml").write_text(other, encoding="utf-8")
    with pytest.raises(CorruptError, match="has changed while the pack was measured"):
        card_file.calibrate(pack, [MEASURED], tmp_path)
    assert (folder / "pack.toml").read_text(encoding="utf-8") == other


def test_a_disk_that_is_full_leaves_the_card_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = packs.make(tmp_path / "small")
    pack = library.open_pack(str(folder), tmp_path)
    before = (folder / "pack.toml").read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError, match="disk is full"):
        card_file.calibrate(pack, [MEASURED], tmp_path)
    assert (folder / "pack.toml").read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == ["detector.onnx", "pack.toml", "recogniser.onnx"]
