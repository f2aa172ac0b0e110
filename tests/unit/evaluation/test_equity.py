"""A known difference is found, none is claimed without one, and what cannot be told is said to be so."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfrd.evaluation.cohorts import Labels
from lfrd.evaluation.equity import Comparison, Question, Reason, Verdict, compare, glances
from lfrd.evaluation.grouped import Rate, Trials
from lfrd.evaluation.proportions import holm
from tests.unit.evaluation.test_grouped import people


def labels(name: str, of: Sequence[int]) -> Labels:
    number = max(of, default=-1) + 1
    return Labels(name, tuple(f"{name}{place}" for place in range(number)), np.array(of, np.intp))


def trial(
    shares: tuple[float, ...], count: int, *, rate: Rate = Rate.TPIR, each: int = 1, seed: int = 1
) -> tuple[Trials, Labels]:
    """count people of each cohort with its true rate, their trials agreeing half of the time."""
    hits, person, of = people(shares, each, count, 0.5, seed)
    return Trials(rate, hits, person), labels("c", of.tolist())


def one(made: tuple[Trials, Labels], question: Question | None = None) -> Comparison:
    (comparison,) = compare([made[0]], [made[1]], question)
    return comparison


@pytest.mark.parametrize("each", [1, 3])
def test_a_known_difference_is_shown(each: int) -> None:
    found = one(trial((0.9, 0.7, 0.9), 200, each=each))
    assert found.verdict is Verdict.DIFFERENCE
    shown = {(pair.first, pair.second) for pair in found.pairs if pair.corrected <= 0.05}
    assert shown == {("c0", "c1"), ("c1", "c2")}
    assert found.ratio is not None
    assert found.ratio.low <= 0.9 / 0.7 <= found.ratio.high
    assert found.ratio.low > 1
    assert found.miss_ratio is not None
    assert found.miss_ratio.low <= 3 <= found.miss_ratio.high
    assert all(
        pair.low <= truth <= pair.high for pair, truth in zip(found.pairs, (0.2, 0.0, -0.2), strict=True)
    )


def test_a_difference_smaller_than_the_margin_is_both() -> None:
    assert one(trial((0.9, 0.88), 6000)).verdict is Verdict.SMALL_DIFFERENCE


def test_alike_cohorts_are_equivalent_only_where_there_are_many_people() -> None:
    assert one(trial((0.9, 0.9, 0.9), 1500)).verdict is Verdict.EQUIVALENCE
    few = one(trial((0.9, 0.9, 0.9), 40))
    assert few.verdict is Verdict.UNDECIDED
    assert few.reason is Reason.NONE
    assert few.visible is not None
    assert few.visible > 0.25


def test_two_pictures_of_each_person_are_not_twice_as_many_people() -> None:
    hits, person, of = people((0.9, 0.9), 1, 300, 0.0, 2)
    twice = Trials(Rate.TPIR, np.repeat(hits, 20), np.repeat(person, 20).astype(np.intp))
    assert one((twice, labels("c", of.tolist()))).verdict is Verdict.UNDECIDED


def test_false_alerts_are_equivalent_within_a_factor_and_not_within_a_margin() -> None:
    assert one(trial((0.02, 0.02), 400, rate=Rate.FPIR)).verdict is Verdict.UNDECIDED
    assert one(trial((0.02, 0.02), 20000, rate=Rate.FPIR)).verdict is Verdict.EQUIVALENCE
    tenfold = one(trial((0.003, 0.03), 3000, rate=Rate.FPIR))
    assert tenfold.verdict is Verdict.DIFFERENCE  # though less than five points


def test_without_any_false_alert_the_sample_cannot_tell_however_large() -> None:
    found = one(trial((0.0, 0.0), 5000, rate=Rate.FPIR))
    assert found.verdict is Verdict.UNDECIDED
    assert found.alike_p == 1.0
    assert found.chance_ratio is None
    assert found.ratio is not None
    assert found.ratio.high == math.inf


def test_where_nobody_is_found_there_is_nothing_to_compare() -> None:
    found = one(trial((0.0, 0.0), 5000))
    assert (found.verdict, found.reason, found.alike_p) == (Verdict.UNDECIDED, Reason.NOBODY_FOUND, None)


def test_where_everybody_is_found_equivalence_takes_people_all_the_same() -> None:
    assert one(trial((1.0, 1.0), 20)).verdict is Verdict.UNDECIDED
    assert one(trial((1.0, 1.0), 400)).verdict is Verdict.EQUIVALENCE


@pytest.mark.parametrize("sizes", [(1,), (30,), (30, 4), (4, 4, 3)])
def test_with_fewer_than_two_cohorts_of_enough_people_nothing_is_compared(sizes: tuple[int, ...]) -> None:
    of = np.repeat(np.arange(len(sizes)), sizes).tolist()
    hits = np.arange(len(of)) % 2 == 0
    found = one((Trials(Rate.TPIR, hits, np.arange(len(of))), labels("c", of)))
    assert (found.verdict, found.reason) == (Verdict.UNDECIDED, Reason.ONE_COHORT)
    assert (found.ratio, found.pairs, found.visible) == (None, (), None)


def test_who_declared_nothing_is_counted_and_not_compared() -> None:
    hits, person, of = people((0.9, 0.9, 0.0), 1, 200, 0.0, 1)
    of[of == 2] = -1
    found = one((Trials(Rate.TPIR, hits, person), labels("c", of.tolist())))
    assert [(row.kind, row.people) for row in found.rows] == [
        ("cohort", 200),
        ("cohort", 200),
        ("undeclared", 200),
    ]
    assert found.verdict is not Verdict.DIFFERENCE
    assert len(found.pairs) == 1


def test_all_tests_of_a_page_are_one_family() -> None:
    of = np.repeat([0, 1], 80)
    hits = np.concatenate([np.arange(80) < 76, np.arange(80) < 65])
    trials = Trials(Rate.TPIR, hits, np.arange(160))
    rng = np.random.default_rng(2)
    others = [labels(name, rng.integers(0, 4, len(of)).tolist()) for name in "xyz"]
    alone = compare([trials], [labels("c", of.tolist())])
    among = compare([trials], [labels("c", of.tolist()), *others])
    assert [one.variable for one in among] == ["c", "x", "y", "z"]
    each = [pair for comparison in among for pair in comparison.pairs]
    assert [pair.corrected for pair in each] == pytest.approx(holm([pair.p for pair in each]))
    assert alone[0].pairs[0].p == among[0].pairs[0].p
    assert (alone[0].verdict, among[0].verdict) == (Verdict.DIFFERENCE, Verdict.UNDECIDED)
    assert (among[0].pairs[0].visible or 1) > (alone[0].pairs[0].visible or 1)


def test_labels_drawn_by_chance_differ_on_no_more_pages_than_they_may() -> None:
    """With real differences between people, and none between cohorts."""
    pages, count = 60, 2400
    claimed = 0
    person = np.repeat(np.arange(count), 2)
    for seed in range(pages):
        rng = np.random.default_rng(seed)
        skill = rng.beta(2, 2, count)
        trials = [
            Trials(rate, rng.random(2 * count) < skill[person], person) for rate in (Rate.TPIR, Rate.FTA)
        ]
        variables = [labels("a", rng.integers(0, 3, count).tolist())]
        found = compare(trials, variables, Question(seed=seed))
        claimed += any(one.verdict in (Verdict.DIFFERENCE, Verdict.SMALL_DIFFERENCE) for one in found)
    assert claimed <= 7  # binomial: more than 7 of 60 at 5 % in 1 of 90 such runs


def test_a_sweep_shows_where_rates_lie_apart() -> None:
    apart, alike = trial((0.05, 0.25), 300, rate=Rate.FPIR), trial((0.01, 0.01), 300, rate=Rate.FPIR)
    seen = glances([(0.4, apart[0]), (0.6, alike[0])], [apart[1]])
    assert [(one.threshold, one.apart) for one in seen] == [(0.4, True), (0.6, False)]


def test_a_sweeps_intervals_widen_with_what_is_looked_at() -> None:
    made, variable = trial((0.05, 0.1), 300, rate=Rate.FPIR)
    alone, *_ = glances([(0.4, made)], [variable])
    among, *_ = glances([(at / 100, made) for at in range(40, 60)], [variable])
    assert alone.ratio is not None
    assert among.ratio is not None
    assert among.ratio.high > alone.ratio.high


def test_the_seed_makes_it_repeatable() -> None:
    made = trial((0.8, 0.7, 0.75), 50, each=3)
    assert one(made) == one(made)


@st.composite
def anything(draw: st.DrawFn) -> tuple[list[Trials], list[Labels]]:
    """Trials of a few people with labels that have nothing to do with them, or everything."""
    count = draw(st.integers(1, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    variables = [
        labels(name, rng.integers(-1, draw(st.integers(1, 5)), count).tolist())
        for name in "ab"[: draw(st.integers(1, 2))]
    ]
    trials = []
    for rate in draw(st.lists(st.sampled_from(list(Rate)), min_size=1, max_size=4, unique=True)):
        person = rng.integers(0, count, draw(st.integers(1, 150)))
        skill = np.where(
            draw(st.booleans()), variables[0].of == 0, draw(st.sampled_from([0.0, 0.02, 0.5, 1.0]))
        )
        trials.append(Trials(rate, rng.random(len(person)) < skill[person], person.astype(np.intp)))
    return trials, variables


@settings(max_examples=40)
@given(anything())
def test_a_verdict_never_says_more_than_its_tests(drawn: tuple[list[Trials], list[Labels]]) -> None:
    asked = Question()
    for found in compare(*drawn, asked):
        differ = any(pair.corrected <= 0.05 for pair in found.pairs)
        assert differ == (found.verdict in (Verdict.DIFFERENCE, Verdict.SMALL_DIFFERENCE))
        if found.verdict in (Verdict.EQUIVALENCE, Verdict.SMALL_DIFFERENCE):
            assert found.alike_corrected is not None
            assert found.alike_corrected <= 0.05
            shares = [row.share for row in found.rows if row.kind == "cohort"]
            if found.rate is Rate.FPIR:
                assert max(shares) < asked.factor * min(shares)
            else:
                assert max(shares) - min(shares) < asked.margin
        for row in found.rows:
            assert row.people >= asked.least
            assert 0 <= row.low <= row.share <= row.high <= 1
