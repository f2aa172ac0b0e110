"""The scores from which two faces of a list are alike, or one, come from the pack's calibration and N."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.errors import CalibrationError
from lfrd.listing.levels import CHANCE, levels
from lfrd.policy.plan import Plan
from lfrd.vision.pack import Calibration, Manifest, MtcnnPart, NamedFile, Pack, RecogniserPart

CARD = Calibration(n=1000, non_mated=8406, data="d", points=((0.1, 0.404), (0.01, 0.468), (0.001, 0.551)))
PLAN = Plan(name="p", fpir=0.001)


def pack(*calibrations: Calibration) -> Pack:
    file = NamedFile(file="f", sha256="0" * 64)
    manifest = Manifest(
        schema=1,
        name="test",
        version="1",
        licence="none",
        origin="a test",
        detector=MtcnnPart(files={"pnet": file, "rnet": file, "onet": file}),
        recogniser=RecogniserPart(
            kind="arcface",
            file="f",
            sha256="0" * 64,
            colour="rgb",
            size=112,
            mean=(0, 0, 0),
            std=(1, 1, 1),
            alignment="arcface-112",
            dim=8,
        ),
        calibration=calibrations,
    )
    return Pack(Path("nowhere"), manifest)


def test_who_raises_the_other_ones_alert_looks_alike() -> None:
    assert levels(pack(CARD), PLAN, 1000).lookalike == pytest.approx(0.551)


def test_one_face_begins_where_a_list_of_strangers_has_a_pair_once_in_ten() -> None:
    found = levels(pack(CARD), PLAN, 1000)
    per_search = 2 * CHANCE / 1000
    decades_beyond = -3.699 - -3.0  # log10 of that FPIR and of the card's strictest
    assert per_search == pytest.approx(10**-3.699, rel=1e-3)
    assert found.same_face == pytest.approx(0.551 - decades_beyond * (0.551 - 0.468), abs=1e-3)


@given(st.integers(1, 100_000), st.floats(1e-6, 0.4))
def test_one_face_is_never_less_than_alike_and_a_longer_list_never_lowers_either(n: int, fpir: float) -> None:
    plan = msgspec.structs.replace(PLAN, fpir=fpir)
    short, long = levels(pack(CARD), plan, n), levels(pack(CARD), plan, 2 * n)
    assert short.lookalike <= short.same_face
    assert (short.lookalike, short.same_face) <= (long.lookalike, long.same_face)


def test_without_calibration_only_a_threshold_set_by_hand_says_so() -> None:
    with pytest.raises(CalibrationError):
        levels(pack(), PLAN, 10)
    found = levels(pack(), msgspec.structs.replace(PLAN, threshold=0.6), 10)
    assert (found.lookalike, found.same_face) == (0.6, 0.6)
