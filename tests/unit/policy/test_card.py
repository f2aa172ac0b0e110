"""A model pack's card: without licence, data, FPIR and TPIR by N there is no live use."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from lfrd.errors import CorruptError
from lfrd.models import measured
from lfrd.models.builtin import card as builtin
from lfrd.models.zoo import manifest as zoo
from lfrd.policy.card import lacks
from lfrd.vision.pack import Calibration, Manifest, calibration_toml, parse_manifest
from tests.unit.models.packs import manifest as small

PLACE = Path("pack.toml")
MEASURED = Calibration(
    n=1000,
    non_mated=5000,
    data="other people's pictures",
    points=((0.01, 0.5), (0.001, 0.6)),
    mated=300,
    tpir=((0.01, 0.9), (0.001, 0.8)),
)


def pack(text: str = "") -> Manifest:
    return parse_manifest(small({"detector": b"d", "recogniser": b"r"}) + text, PLACE)


def lacking(manifest: Manifest) -> list[str]:
    return list(lacks(manifest, measured.calibrations(manifest)))


def test_a_card_with_licence_data_fpir_and_tpir_by_n_allows_live_use() -> None:
    assert lacking(pack(calibration_toml(MEASURED))) == []


def test_a_model_without_its_card_refuses_live_use() -> None:
    (line,) = lacking(pack())
    assert line.startswith("the card of 'small' has no calibration; ")


def test_a_card_without_tpir_refuses_live_use() -> None:
    (line,) = lacking(pack(calibration_toml(msgspec.structs.replace(MEASURED, mated=0, tpir=()))))
    assert line.startswith("the card of 'small' has no TPIR at any N; ")


@pytest.mark.parametrize(
    ("change", "says"),
    [({"licence": "unknown"}, "names no licence"), ({"origin": " ? "}, "names no origin")],
)
def test_a_card_without_licence_or_origin_refuses_live_use(change: dict[str, str], says: str) -> None:
    (line,) = lacking(msgspec.structs.replace(pack(calibration_toml(MEASURED)), **change))
    assert says in line


def test_a_card_that_does_not_say_what_it_was_measured_on_refuses_live_use() -> None:
    (line,) = lacking(pack(calibration_toml(msgspec.structs.replace(MEASURED, data="TBD"))))
    assert "does not say what its calibration was measured on" in line


def test_the_builtin_packs_card_allows_live_use() -> None:
    digests = {f"{name}.onnx": "0" * 64 for name in ("pnet", "rnet", "onet", "recogniser")}
    made = parse_manifest(builtin.manifest(digests), PLACE)
    assert lacking(made) == []
    assert made.calibration == builtin.CALIBRATIONS


def test_the_zoos_pack_has_no_calibration_and_refuses_live_use() -> None:
    assert len(lacking(zoo())) == 1


def test_a_measurement_of_the_field_pack_stands_in_for_what_its_manifest_leaves_out(shared: Path) -> None:
    place = shared / "models" / "field" / "pack.toml"
    manifest = parse_manifest(place.read_text(encoding="utf-8"), place)
    assert lacking(manifest) == []
    (row,) = measured.calibrations(manifest)
    assert (row.n, row.mated, row.tpir) == (1000, 3827, ((0.01, 0.923), (0.001, 0.811)))
    assert row.points == manifest.calibration[0].points
    other = msgspec.structs.replace(
        manifest, recogniser=msgspec.structs.replace(manifest.recogniser, size=96)
    )
    assert len(lacking(other)) == 1, "a measurement is of one digest"


def test_a_measurement_goes_through_the_manifest_and_back() -> None:
    assert pack(calibration_toml(MEASURED)).calibration == (MEASURED,)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"mated": 0}, "goes with mated"),
        ({"tpir": ()}, "goes with mated"),
        ({"tpir": ((0.01, 1.2),)}, "each TPIR between 0 and 1"),
        ({"tpir": ((0.0, 0.9),)}, "each FPIR must be above 0"),
        ({"tpir": ((0.001, 0.8), (0.01, 0.9))}, "FPIR must fall"),
        ({"tpir": ((0.01, 0.8), (0.001, 0.9))}, "a lower FPIR cannot have a higher TPIR"),
        ({"tpir": ((0.01, float("nan")),)}, "each TPIR between 0 and 1"),
    ],
)
def test_a_tpir_that_cannot_be_is_refused(change: dict[str, object], says: str) -> None:
    text = calibration_toml(msgspec.structs.replace(MEASURED, **change))
    with pytest.raises(CorruptError, match=says):
        pack(text)
