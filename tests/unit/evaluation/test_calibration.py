"""A calibration says what was measured, marks what was not, and lets pass no more than it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.decision.rule import Rule
from lfrd.decision.threshold import expected, points_of, threshold_for
from lfrd.errors import CalibrationError
from lfrd.evaluation.acquire import Acquired
from lfrd.evaluation.calibration import FPIRS, LEAST_PEOPLE, Sample, calibrated
from lfrd.evaluation.calibration_pictures import searched
from lfrd.evaluation.calibration_tracks import reaches
from lfrd.evaluation.looks import Judgement
from lfrd.evaluation.searches import NO_CANDIDATE, Searches
from lfrd.gallery.reading import Reason
from lfrd.types import F64, Candidate, NominalId
from lfrd.vision.pack import Kind, calibration_toml, parse_manifest
from tests.unit.vision.test_pack import GOOD

DIGEST = "d" * 64


def sample(top: F64, people: object = None, own: F64 | None = None, kind: Kind = "picture") -> Sample:
    who = np.arange(len(top)) if people is None else np.asarray(people)
    mates = np.empty(0) if own is None else own
    return Sample(
        kind,
        Searches(
            mates, np.full(len(mates), 0.1), np.arange(len(mates)), np.asarray(top, np.float64), who, 800
        ),
        20,
        "drawn numbers",
        DIGEST,
    )


def scores(seed: int, number: int = 2000) -> F64:
    return np.minimum(np.random.default_rng(seed).gumbel(0.3, 0.03, number), 1.0)


def test_no_more_searches_reach_a_measured_score_than_its_rate_says() -> None:
    top = scores(1)
    made = calibrated(sample(top), seed=1, rounds=50)
    for (fpir, score), reached in zip(made.calibration.points, made.fpir_reached, strict=True):
        assert (top >= score).mean() == reached <= fpir
        assert (top >= score - 0.002).mean() > fpir - 0.01, "no higher than that takes"


def test_a_rate_is_measured_only_where_several_people_stand_behind_it() -> None:
    top = scores(2)
    made = calibrated(sample(top), seed=1, rounds=50)
    assert [fpir for fpir, _ in made.calibration.points] == [0.1, 0.03, 0.01, 0.003]
    assert [fpir for fpir, *_ in made.calibration.extrapolated] == [0.001, 0.0003, 0.0001, 0.00001]
    assert min(made.false_people) >= LEAST_PEOPLE
    again = calibrated(sample(np.repeat(top, 5), np.repeat(np.arange(2000), 5)), seed=1, rounds=50)
    assert [fpir for fpir, _ in again.calibration.points] == [0.1, 0.03, 0.01, 0.003], (
        "not five times as many"
    )


def test_what_is_extrapolated_is_never_below_what_the_data_show() -> None:
    top = scores(3)
    top[7] = 0.95  # one person who is somebody's double
    made = calibrated(sample(top), seed=1, rounds=50).calibration
    beyond = {fpir: score for fpir, score, _, _ in made.extrapolated}
    assert beyond[0.0003] > 0.95, "a rate that 2,000 searches cannot show"
    low = {fpir: low for fpir, _, low, _ in made.extrapolated}
    assert low[0.0003] < 0.6, "the interval says that it may be far less"


def test_a_card_reads_back_as_it_was_written_and_the_threshold_follows_it() -> None:
    made = calibrated(sample(scores(4), own=np.linspace(0.2, 0.9, 500)), seed=1, rounds=50).calibration
    manifest = parse_manifest(GOOD + calibration_toml(made), Path("pack.toml"))
    assert manifest.calibration[1] == made
    points = points_of([made])
    for fpir, score in made.points:
        threshold = threshold_for(points, fpir, 800)
        assert threshold.score == pytest.approx(score)
        assert not threshold.extrapolated
    for fpir, score, _, _ in made.extrapolated:
        threshold = threshold_for(points, fpir, 800)
        assert threshold.score == pytest.approx(score)
        assert threshold.extrapolated
    assert made.tail.startswith("exponential tail of ")
    assert made.mated == 500
    assert [fpir for fpir, _ in made.tpir] == list(FPIRS)


@given(st.integers(0, 50), st.floats(0.0, 0.3), st.booleans())
def test_a_lower_rate_never_has_a_lower_score(seed: int, spread: float, ties: bool) -> None:
    top = np.minimum(0.4 + np.random.default_rng(seed).normal(0, spread + 0.01, 400), 1.0)
    top = np.maximum(np.round(top, 1) if ties else top, -1.0)
    try:
        made = calibrated(sample(top), seed=1, rounds=5).calibration
    except CalibrationError:
        return
    row = [*made.points, *((fpir, score) for fpir, score, _, _ in made.extrapolated)]
    assert [score for _, score in row] == sorted(score for _, score in row)
    assert parse_manifest(GOOD + calibration_toml(made), Path("pack.toml")).calibration[1] == made


@pytest.mark.parametrize(
    ("top", "says"),
    [
        (np.empty(0), "none of 0 pictures of people on no list gave a score"),
        (np.full(50, -np.inf), "none of 50 pictures"),
        (np.full(50, 0.4), "all 50 pictures of people on no list gave one score"),
        (np.linspace(0.1, 0.4, 12), "12 pictures of 12 people on no list do not show an FPIR of 0.1"),
    ],
    ids=["none", "nobody found", "all equal", "few"],
)
def test_too_little_to_calibrate_on_says_so(top: F64, says: str) -> None:
    with pytest.raises(CalibrationError) as refused:
        calibrated(sample(top), seed=1, rounds=5)
    assert str(refused.value).startswith(says)


def test_few_people_give_the_rates_that_they_show_and_nothing_beyond() -> None:
    made = calibrated(sample(scores(5, 60)), seed=1, rounds=50)
    assert [fpir for fpir, _ in made.calibration.points] == [0.1]
    assert made.calibration.extrapolated == ()
    assert made.unmeasured == FPIRS[1:]


def test_one_persons_many_pictures_are_one_person() -> None:
    with pytest.raises(CalibrationError, match="500 pictures of 1 people"):
        calibrated(sample(scores(6, 500), np.zeros(500, np.intp)), seed=1, rounds=5)


def test_scores_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="not a number"):
        sample(np.array([0.1, np.nan]))


@pytest.mark.parametrize("fpirs", [(), (0.0,), (1.0,), (0.1, 2.0)])
def test_a_rate_that_is_none_is_refused(fpirs: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        calibrated(sample(scores(7)), fpirs, seed=1, rounds=5)


def test_the_interval_of_a_measured_score_holds_the_truth_as_often_as_it_says() -> None:
    missed = 0
    for seed in range(80):
        made = calibrated(sample(scores(seed, 1000)), (0.03,), seed=seed, rounds=200).calibration
        (low, high), truth = made.intervals[0], 0.3 - 0.03 * np.log(-np.log1p(-0.03))
        missed += not low <= truth <= high
    assert missed <= 9


def test_the_card_says_of_the_score_what_the_score_was_asked_for() -> None:
    points = points_of([calibrated(sample(scores(8)), seed=1, rounds=50).calibration])
    found = expected(points, threshold_for(points, 0.001, 800).score, 800)
    assert found is not None
    assert found.fpir == pytest.approx(0.001, rel=1e-3)
    assert found.extrapolated


# ---- pictures ------------------------------------------------------------------------------------------


def acquired(vectors: list[list[float]], person: list[int], refused: tuple[int, ...] = ()) -> Acquired:
    rows = np.array(vectors, np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    reasons = tuple(Reason.NO_FACE if row in refused else None for row in range(len(rows)))
    rows[list(refused)] = 0
    return Acquired(rows, np.array(person, np.intp), max(person) + 1, reasons)


def crowd(people: int, each: int, seed: int = 1, noise: float = 0.3) -> tuple[list[list[float]], list[int]]:
    """People far apart from each other, with pictures that are near to each other."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(people, 64))
    vectors = np.repeat(centres, each, axis=0) + noise * random.normal(size=(people * each, 64))
    return vectors.tolist(), np.repeat(np.arange(people), each).tolist()


def test_nobody_is_searched_on_a_list_that_they_are_on_and_counts_as_a_stranger() -> None:
    faces = acquired(*crowd(40, 3))
    found = searched(faces, faces, size=None, seed=1)
    assert found.entries == 32
    assert found.top.max() < 0.8 < found.own.min()
    assert sorted(set(found.non_mated.tolist())) == list(range(40))
    assert len(found.top) == 4 * 120, "each picture once each time that people are dealt out"
    assert len(found.own) == 20 * 32 * 2, "the picture on the list does not search itself"
    assert found.found(0.5).all()


def test_a_probe_without_a_face_is_no_search_of_a_stranger_and_a_missed_one_of_a_listed_person() -> None:
    vectors, person = crowd(40, 3)
    found = searched(acquired(vectors, person), acquired(vectors, person, (0, 1, 2)), size=None, seed=1)
    assert 0 not in found.non_mated
    assert (found.own[found.mated == 0] == NO_CANDIDATE).all()
    assert not found.found(-1.0)[found.mated == 0].any()


def test_a_person_who_cannot_be_enrolled_is_on_no_list() -> None:
    vectors, person = crowd(40, 2)
    found = searched(acquired(vectors, person, (0, 1)), acquired(vectors, person), size=None, seed=1)
    assert 0 not in found.mated


def test_the_list_has_the_size_that_was_asked_for_and_the_seed_decides_who_is_on_it() -> None:
    faces = acquired(*crowd(40, 2))
    short = searched(faces, faces, size=10, seed=1)
    assert short.entries == 10
    assert np.median(short.top) < np.median(searched(faces, faces, size=32, seed=1).top)
    assert np.array_equal(short.top, searched(faces, faces, size=10, seed=1).top)
    assert not np.array_equal(short.top, searched(faces, faces, size=10, seed=2).top)


@pytest.mark.parametrize(("people", "size"), [(9, None), (40, 33), (40, 0)])
def test_too_few_people_for_the_lists_say_so(people: int, size: int | None) -> None:
    faces = acquired(*crowd(people, 1))
    with pytest.raises(CalibrationError, match=r"people can be enrolled: a list of .* cannot be drawn"):
        searched(faces, faces, size=size, seed=1)


# ---- tracks --------------------------------------------------------------------------------------------


@given(
    st.floats(-1, 1, width=32),
    st.lists(st.tuples(st.floats(-1, 1, width=32), st.booleans()), max_size=6),
    st.sampled_from([0.0, 0.3, 0.5, 2 / 3, 1.0]),
    st.floats(-1, 1),
)
def test_a_track_alerts_at_exactly_the_thresholds_up_to_what_it_reaches(
    fused: float, shots: list[tuple[float, bool]], agreement: float, threshold: float
) -> None:
    me, other = NominalId("p1"), NominalId("p2")
    judgement = Judgement(
        0.0,
        Candidate(me, fused),
        np.array([score for score, _ in shots], np.float32),
        [me if own else other for _, own in shots],
    )
    highest = reaches(judgement, agreement)
    if abs(highest - threshold) < 1e-6:
        return
    assert judgement.verdict(Rule(threshold, 1, agreement)).alert is (threshold < highest)


def test_an_empty_list_is_reached_by_nobody() -> None:
    assert reaches(Judgement(0.0, None, np.zeros(1, np.float32), [None]), 0.5) == NO_CANDIDATE
