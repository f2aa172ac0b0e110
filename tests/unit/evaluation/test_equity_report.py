"""The page by cohort never says more than the sample can tell, and nothing of anybody."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings

from lfrd.config import Config
from lfrd.decision.threshold import Threshold
from lfrd.evaluation.cohorts import Labels
from lfrd.evaluation.equity import Comparison, Question, Verdict, compare
from lfrd.evaluation.equity_report import report_of, summary_of
from lfrd.evaluation.equity_results import results_of
from lfrd.evaluation.equity_trial import Measured, Study, study
from lfrd.evaluation.equity_words import LIMITS, tally_text, verdict_text
from lfrd.evaluation.grouped import Rate, Trials
from lfrd.evaluation.identify import Identification
from lfrd.evaluation.people import Cast, People, Role
from lfrd.evaluation.report.page import html
from lfrd.evaluation.searches import Searches
from lfrd.evaluation.whose import Whose
from lfrd.models import library
from tests.unit.evaluation.test_equity import anything, labels, one, trial

NEVER = re.compile(
    r"\b(no|without|free (of|from)|not any|zero|lacks?) ((statistically )?(significant|measurable) )?"
    r"(bias|imbalance|discrimination|differential|disparity|differences?\b(?! nor))"
    r"|unbiased|not biased|bias-free|\bfair(ly|ness)?\b|equitabl|equally well|same for (all|every)|neutral|"
    r"non-discriminat",
    re.IGNORECASE,
)
"""What nobody may read into a sample that cannot tell."""


@pytest.mark.parametrize(
    "text",
    [
        "There is no bias.",
        "No significant difference was found.",
        "The system is unbiased and fair.",
        "It works equally well for everybody.",
        "free of bias",
        "no statistically significant imbalance",
    ],
)
def test_what_must_never_be_said_is_recognised(text: str) -> None:
    assert NEVER.search(text)


@settings(max_examples=40)
@given(anything())
def test_no_sentence_of_any_verdict_claims_what_was_not_shown(
    drawn: tuple[list[Trials], list[Labels]],
) -> None:
    asked = Question()
    found = compare(*drawn, asked)
    for sentence in [*(verdict_text(comparison, asked) for comparison in found), *tally_text(found)]:
        assert not NEVER.search(sentence), sentence
        assert "nan" not in sentence
        assert "None" not in sentence
    for comparison in found:
        said = verdict_text(comparison, asked)
        if comparison.verdict is Verdict.UNDECIDED:
            assert "the sample cannot tell" in said
            assert "was shown" not in said
            assert "of one another" not in said
        else:
            assert "cannot tell" not in said


def test_the_standing_limits_promise_nothing() -> None:
    assert not NEVER.search(" ".join(LIMITS))


@pytest.mark.parametrize(
    ("comparison", "says"),
    [
        (one(trial((0.9, 0.7, 0.9), 200)), "c, TPIR: a difference was shown: 'c"),
        (
            one(trial((0.9, 0.88), 6000)),
            "Even so all 2 cohorts lie within 5 percentage points of one another.",
        ),
        (one(trial((0.9, 0.9), 1500)), "equivalence within the margin was shown: all 2 cohorts lie within 5"),
        (
            one(trial((0.9, 0.9), 40)),
            "within 5 percentage points could be shown. A true difference had to reach ",
        ),
        (one(trial((0.5, 0.5), 5)), "Even the largest difference was too small to be seen 80 % of the time."),
        (one(trial((0.0, 0.0), 40)), "the sample cannot tell: nobody of any cohort was found."),
        (one(trial((0.9,), 40)), "the sample cannot tell: fewer than two cohorts have enough people."),
        (
            one(trial((0.0, 0.0), 300, rate=Rate.FPIR)),
            "No false alert was seen in any cohort, too few trials",
        ),
        (one(trial((0.02, 0.02), 20000, rate=Rate.FPIR)), "all 2 cohorts lie within a factor of 2"),
    ],
)
def test_each_verdict_has_its_sentence(comparison: Comparison, says: str) -> None:
    assert says in verdict_text(comparison, Question())


def test_equivalence_says_who_was_too_few_to_be_among_them() -> None:
    trials, variable = trial((0.9, 0.9), 1500)
    of = variable.of.copy()
    of[:3], of[3:6] = 2, 3
    (found,) = compare([trials], [labels("c", of.tolist())])
    assert found.verdict is Verdict.EQUIVALENCE
    assert "Cohorts too small to be compared are not among them." in verdict_text(found, Question())


def searches(people: int, rng: np.random.Generator, apart: float) -> tuple[Searches, Labels]:
    """As many listed people as others; of the second half listed people score lower by `apart`."""
    number = np.arange(people)
    second = number >= people // 2
    made = Searches(
        own=rng.normal(0.7 - apart * second, 0.1),
        other=rng.normal(0.3, 0.05, people),
        mated=number,
        top=rng.normal(0.3, 0.05, people),
        non_mated=number + people,
        entries=people,
    )
    return made, labels("group", [*(second.astype(int)), *(second.astype(int))])


def made_study(apart: float, people: int = 240, label: Labels | None = None) -> Study:
    found, variable = searches(people, np.random.default_rng(5), apart)
    identification = Identification(
        searches=found,
        compared=found,
        shorter=(),
        names=tuple(f"secret{number}" for number in range(2 * people)),
        people=people,
        enrolled=people,
        filler=0,
        filler_enrolled=0,
        idle=0,
        own_left_out=False,
        mated_failures=0,
        non_mated_failures=0,
        failures={},
        sizes_left_out=(),
        whose=Whose.CENTRE,
    )
    measured = Measured(
        identification,
        Trials(Rate.FTE, np.zeros(people, np.bool_), np.arange(people)),
        Trials(Rate.FTA, np.zeros(2 * people, np.bool_), np.arange(2 * people)),
    )
    threshold = Threshold(0.5, None, None, False, "given with --threshold")
    return study(measured, [label or variable], threshold, Question())


def page(made: Study, builtin: Path) -> tuple[str, bytes]:
    pack = library.open_pack(str(builtin), builtin.parent)
    folder = People(Role.GALLERY, Path("secret"), ("secret1",), ((),), "0" * 64)
    cast = Cast(folder, replace(folder, role=Role.PROBES))
    results = results_of(made, cast, pack)
    report = report_of(made, results, cast, pack, Config(), [made.comparisons[0].variable])
    return html(report), msgspec.json.encode(results)


def test_a_page_that_cannot_tell_says_so_and_nothing_kinder(builtin: Path) -> None:
    text, results = page(made_study(0.0, people=40), builtin)
    words = re.sub(r"<style.*?</style>|<svg.*?</svg>|<[^>]+>", " ", text, flags=re.DOTALL)
    assert not NEVER.search(words)
    assert "the sample cannot tell" in words
    assert "a difference was shown in 0, equivalence within the margin in 0" in words
    assert b"secret" not in results
    assert "secret" not in text


def test_a_page_with_a_difference_says_at_which_threshold_and_sweeps_the_others(builtin: Path) -> None:
    made = made_study(0.2)
    text, _ = page(made, builtin)
    assert "All rates hold at a threshold of 0.5000 (given with --threshold)." in text
    assert "group, TPIR: a difference was shown" in text
    assert len({glance.threshold for glance in made.glances}) > 3
    assert any(glance.apart for glance in made.glances if glance.rate is Rate.TPIR)
    assert "Other thresholds" in text


def test_what_shows_at_another_threshold_stands_in_the_summary() -> None:
    made = made_study(0.0)
    of = np.concatenate(
        [np.zeros(240, np.intp), np.arange(240) % 2]
    )  # strangers of group 1 look like the list
    shifted = replace(
        made.measured.found.searches,
        top=made.measured.found.searches.top + 0.08 * (np.arange(240) % 2),
    )
    measured = replace(made.measured, found=replace(made.measured.found, searches=shifted))
    again = study(measured, [labels("group", of.tolist())], made.threshold, made.question)
    fpir = next(each for each in again.comparisons if each.rate is Rate.FPIR)
    assert fpir.verdict is Verdict.UNDECIDED
    assert any("lie apart at other thresholds" in line for line in summary_of(again))


def test_cohorts_of_few_people_appear_in_no_page(builtin: Path) -> None:
    of = np.arange(480) % 2
    of[:3] = 2
    made = made_study(0.0, label=Labels("group", ("many", "more", "unicorn"), of.astype(np.intp)))
    text, results = page(made, builtin)
    assert "unicorn" not in text
    assert b"unicorn" not in results
