"""The threshold follows from the card's calibration, and only ever errs on the strict side."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.decision.threshold import (
    RAREST,
    CalibrationPoints,
    by_hand,
    expected,
    lowest_score,
    points_of,
    threshold_for,
)
from lfrd.errors import CalibrationError
from lfrd.vision.pack import Calibration

FIELD = CalibrationPoints(n=1000, non_mated=8406, points=[(0.1, 0.404), (0.01, 0.468), (0.001, 0.551)])


@pytest.mark.parametrize(("fpir", "score"), FIELD.points)
def test_a_calibrated_fpir_at_its_own_size_gives_the_cards_score(fpir: float, score: float) -> None:
    threshold = threshold_for([FIELD], fpir, 1000)
    assert threshold.score == pytest.approx(score)
    assert not threshold.extrapolated


def test_between_two_points_the_score_is_linear_in_the_logarithm() -> None:
    assert threshold_for([FIELD], 10**-2.5, 1000).score == pytest.approx((0.468 + 0.551) / 2)


def test_beyond_the_strictest_point_the_slope_goes_on_and_the_threshold_says_so() -> None:
    threshold = threshold_for([FIELD], 1e-4, 1000)
    assert threshold.score == pytest.approx(0.551 + 0.083)
    assert threshold.extrapolated
    assert "extrapolated" in threshold.source


def test_it_is_never_below_the_cards_lowest_score() -> None:
    assert threshold_for([FIELD], 0.4, 5).score == 0.404


def test_ten_times_the_list_asks_for_a_tenth_of_the_fpir() -> None:
    """NPL's street test: 1/6,000 at N = 10,000 and 1/60,000 at N = 1,000 with one threshold."""
    long, short = threshold_for([FIELD], 1 / 600, 10_000), threshold_for([FIELD], 1 / 6000, 1000)
    assert long.score == pytest.approx(short.score, abs=1e-3)


def test_a_short_list_needs_less() -> None:
    assert threshold_for([FIELD], 0.001, 10).score < threshold_for([FIELD], 0.001, 1000).score


def test_the_measurement_with_the_nearest_size_is_taken() -> None:
    large = CalibrationPoints(n=20_000, non_mated=9000, points=[(0.1, 0.5), (0.01, 0.6), (0.001, 0.7)])
    assert threshold_for([large, FIELD], 0.001, 1200).score < 0.57
    assert threshold_for([large, FIELD], 0.001, 17_000).score == pytest.approx(0.7, abs=0.01)


def test_finer_than_one_in_its_searches_is_extrapolated() -> None:
    coarse = CalibrationPoints(n=1000, non_mated=500, points=FIELD.points)
    assert threshold_for([coarse], 0.001, 1000).extrapolated
    assert not threshold_for([coarse], 0.01, 1000).extrapolated


def test_the_source_says_in_words_where_the_number_comes_from() -> None:
    assert threshold_for([FIELD], 0.001, 17_000).source == (
        "calibration: FPIR 0.001 at N = 17,000, extrapolated from 8,406 searches with single pictures "
        "at N = 1,000"
    )


@pytest.mark.parametrize(("fpir", "n"), [(0.4, 1000), (0.001, 2)])
def test_a_rate_beyond_the_laxest_measured_is_said_to_be_met_with_room(fpir: float, n: int) -> None:
    threshold = threshold_for([FIELD], fpir, n)
    assert threshold.score == 0.404
    assert threshold.source == (
        "calibration: the card's lowest score at N = 1,000 (FPIR 0.1 in 8,406 searches with single "
        f"pictures); FPIR {fpir:g} at N = {n:,} would allow less"
    )


def test_the_laxest_measured_rate_itself_is_no_less_than_asked_for() -> None:
    assert "interpolated" in threshold_for([FIELD], 0.1, 1000).source


def test_no_calibration_says_what_to_do() -> None:
    with pytest.raises(CalibrationError, match=r"no calibration.*decision\.threshold"):
        threshold_for([], 0.001, 1000)
    with pytest.raises(CalibrationError):
        threshold_for([CalibrationPoints(1000, 10, [])], 0.001, 1000)


def test_one_point_alone_says_nothing_about_stricter_rates() -> None:
    single = CalibrationPoints(1000, 8406, [(0.01, 0.468)])
    assert threshold_for([single], 0.05, 1000).score == 0.468
    with pytest.raises(CalibrationError, match="one score only"):
        threshold_for([single], 0.001, 1000)


def test_a_card_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(CalibrationError, match="contradicts"):
        threshold_for([CalibrationPoints(1000, 100, [(0.1, 0.5), (0.01, 0.4)])], 0.01, 1000)


@pytest.mark.parametrize("points", [[(0.0, 0.5)], [(1.0, 0.5)], [(0.1, 1.5)]])
def test_a_card_with_impossible_numbers_is_refused(points: list[tuple[float, float]]) -> None:
    with pytest.raises(CalibrationError, match="outside"):
        threshold_for([CalibrationPoints(1000, 100, points)], 0.01, 1000)


@pytest.mark.parametrize(("fpir", "n"), [(0.0, 10), (1.0, 10), (0.1, 0)])
def test_a_question_without_sense_is_refused(fpir: float, n: int) -> None:
    with pytest.raises(ValueError, match="must"):
        threshold_for([FIELD], fpir, n)


def test_by_hand_is_taken_as_it_is_and_says_so() -> None:
    threshold = by_hand(0.6)
    assert threshold.score == 0.6
    assert not threshold.extrapolated
    assert "decision.threshold" in threshold.source
    with pytest.raises(CalibrationError):
        by_hand(1.5)


def test_the_lowest_score_of_a_card_is_over_all_its_measurements() -> None:
    assert lowest_score([FIELD]) == 0.404
    assert lowest_score([]) is None


def test_two_points_that_are_all_but_one_say_nothing_of_what_lies_beyond() -> None:
    card = CalibrationPoints(1000, 1000, [(1.0000000000000003e-05, 0.1), (1e-05, 0.5)])
    with pytest.raises(CalibrationError, match="one score only"):
        threshold_for([card], 1e-6, 1000)


@st.composite
def cards(draw: st.DrawFn) -> CalibrationPoints:
    apart = st.lists(
        st.floats(1e-5, 0.5), min_size=2, max_size=5, unique_by=lambda rate: round(math.log(rate), 3)
    )
    rates = draw(apart)
    scores = draw(st.lists(st.floats(0.0, 0.9), min_size=len(rates), max_size=len(rates), unique=True))
    points = list(zip(sorted(rates, reverse=True), sorted(scores), strict=True))
    return CalibrationPoints(draw(st.integers(1, 100_000)), draw(st.integers(1, 100_000)), points)


@given(
    st.lists(cards(), min_size=1, max_size=3),
    st.tuples(st.floats(1e-6, 0.5), st.floats(1e-6, 0.5)),
    st.tuples(st.integers(1, 200_000), st.integers(1, 200_000)),
)
def test_less_fpir_or_a_longer_list_never_lowers_the_threshold(
    measured: list[CalibrationPoints], rates: tuple[float, float], sizes: tuple[int, int]
) -> None:
    laxest = threshold_for(measured, max(rates), min(sizes))
    stricter = threshold_for(measured, min(rates), min(sizes))
    strictest = threshold_for(measured, min(rates), max(sizes))
    assert laxest.score <= stricter.score + 1e-9
    assert stricter.score <= strictest.score + 1e-9
    assert laxest.score >= -1
    assert strictest.score <= 1


# ---- of tracks and of single pictures ------------------------------------------------------------------

TRACKS = CalibrationPoints(
    n=700,
    non_mated=494,
    points=[(0.1, 0.39), (0.03, 0.43), (0.01, 0.45)],
    kind="track",
    beyond=[(0.001, 0.52), (0.0001, 0.58)],
    people=246,
)


def test_what_the_live_decision_sees_is_taken_where_it_was_measured() -> None:
    threshold = threshold_for([FIELD, TRACKS], 0.01, 700)
    assert threshold.score == pytest.approx(0.45)
    assert threshold.source == (
        "calibration: FPIR 0.01 at N = 700, interpolated from 494 searches with tracks of 246 people "
        "at N = 700"
    )
    of_pictures = threshold_for([FIELD, TRACKS], 0.01, 1000, of="picture")
    assert of_pictures.score == pytest.approx(0.468)
    assert "with single pictures" in of_pictures.source


def test_where_one_kind_was_not_measured_the_other_serves() -> None:
    assert threshold_for([FIELD], 0.01, 1000).score == pytest.approx(0.468)
    assert threshold_for([TRACKS], 0.01, 700, of="picture").score == pytest.approx(0.45)


def test_two_pictures_are_told_apart_by_the_lowest_score_of_pictures() -> None:
    assert lowest_score([FIELD, TRACKS]) == 0.404
    assert lowest_score([TRACKS]) == 0.39


def test_what_the_card_extrapolated_is_used_and_said_to_be_that() -> None:
    threshold = threshold_for([TRACKS], 0.001, 700)
    assert threshold.score == pytest.approx(0.52)
    assert threshold.extrapolated
    assert "extrapolated from 494 searches with tracks" in threshold.source
    assert threshold_for([TRACKS], 1e-5, 700).score == pytest.approx(0.64), "and on by its slope"


def test_a_manifests_measurements_are_taken_as_they_stand() -> None:
    row = Calibration(
        n=700,
        non_mated=494,
        data="walkers",
        points=tuple(TRACKS.points),
        kind="track",
        people=246,
        extrapolated=((0.001, 0.52, 0.44, 0.56), (0.0001, 0.58, 0.45, 0.7)),
    )
    assert points_of([row]) == [TRACKS]


# ---- expected false alerts -----------------------------------------------------------------------------


@pytest.mark.parametrize("card", [[FIELD], [TRACKS], [FIELD, TRACKS]])
@pytest.mark.parametrize("fpir", [0.05, 0.01, 0.002, 0.0003])
@pytest.mark.parametrize("n", [700, 1000, 5000])
def test_of_a_derived_score_the_card_expects_what_it_was_derived_for(
    card: list[CalibrationPoints], fpir: float, n: int
) -> None:
    threshold = threshold_for(card, fpir, n)
    found = expected(card, threshold.score, n)
    assert found is not None
    assert found.fpir == pytest.approx(fpir, rel=1e-6)
    assert (found.bound, found.extrapolated) == ("", threshold.extrapolated)


def test_on_a_short_list_the_cards_lowest_score_lets_expect_less_than_was_asked_for() -> None:
    found = expected([FIELD], threshold_for([FIELD], 0.001, 5).score, 5)
    assert found is not None
    assert found.fpir == pytest.approx(1 - 0.9 ** (5 / 1000))
    assert not found.extrapolated


def test_a_score_below_all_that_was_measured_lets_expect_more() -> None:
    found = expected([FIELD], 0.3, 1000)
    assert found is not None
    assert (found.fpir, found.bound) == (0.1, "over")


def test_a_score_far_above_lets_expect_no_less_than_a_card_can_say() -> None:
    found = expected([FIELD], 0.95, 1000)
    assert found is not None
    assert (found.fpir, found.bound, found.extrapolated) == (RAREST, "under", True)


def test_of_a_card_with_one_score_no_more_is_known_than_that_it_is_kept() -> None:
    single = CalibrationPoints(1000, 8406, [(0.01, 0.468)])
    for score, bound in ((0.4, "over"), (0.468, ""), (0.6, "under")):
        found = expected([single], score, 1000)
        assert found is not None
        assert found.fpir == pytest.approx(0.01)
        assert found.bound == bound


def test_a_card_that_cannot_say_expects_nothing() -> None:
    assert expected([], 0.5, 1000) is None
    assert expected([CalibrationPoints(1000, 100, [(0.1, 0.5), (0.01, 0.4)])], 0.5, 1000) is None
    with pytest.raises(ValueError, match="number"):
        expected([FIELD], math.nan, 1000)
    with pytest.raises(ValueError, match="at least 1"):
        expected([FIELD], 0.5, 0)


@given(
    st.lists(cards(), min_size=1, max_size=3),
    st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    st.tuples(st.integers(1, 200_000), st.integers(1, 200_000)),
)
def test_a_higher_score_or_a_shorter_list_never_lets_expect_more_false_alerts(
    measured: list[CalibrationPoints], scores: tuple[float, float], sizes: tuple[int, int]
) -> None:
    few, many = (
        expected(measured, score, n) for score, n in ((max(scores), min(sizes)), (min(scores), max(sizes)))
    )
    assert few is not None
    assert many is not None
    assert few.fpir <= many.fpir * (1 + 1e-6)


@given(st.lists(cards(), min_size=1, max_size=3), st.floats(1e-5, 0.5), st.integers(1, 200_000))
def test_the_threshold_for_what_a_score_lets_expect_is_not_above_that_score(
    measured: list[CalibrationPoints], fpir: float, n: int
) -> None:
    score = threshold_for(measured, fpir, n).score
    found = expected(measured, score, n)
    assert found is not None
    if found.bound == "" and 1e-5 < found.fpir < 0.999:
        assert threshold_for(measured, found.fpir * (1 + 1e-6), n).score <= score + 1e-6
