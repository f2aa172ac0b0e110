"""Evidence that agrees alerts; one lucky frame does not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.decision.rule import LUCK, Reason, Rule, Verdict
from lfrd.types import Candidate, NominalId

WANTED, OTHER = NominalId("wanted"), NominalId("other")
RULE = Rule(threshold=0.55, least_shots=3, agreement=0.5)


def judge(score: float, shots: Sequence[tuple[float, NominalId | None]], rule: Rule = RULE) -> Verdict:
    return rule.judge(
        Candidate(WANTED, score), np.array([s for s, _ in shots], np.float32), [n for _, n in shots]
    )


def test_shots_that_agree_with_the_fused_template_alert() -> None:
    verdict = judge(0.7, [(0.6, WANTED)] * 4)
    assert verdict == Verdict(True, Reason.ALERT, 0.7, 1.0)


def test_a_wanted_person_half_of_whose_frames_are_poor_still_alerts() -> None:
    assert judge(0.6, [(0.62, WANTED)] * 5 + [(0.2, OTHER)] * 5).alert


def test_one_lucky_frame_among_strangers_frames_raises_nothing() -> None:
    verdict = judge(0.56, [(0.9, WANTED)] + [(0.1, OTHER)] * 9)
    assert verdict.reason is Reason.DISAGREEMENT
    assert not verdict.alert
    assert verdict.support == pytest.approx(0.1)


def test_fewer_shots_than_asked_for_are_no_verdict_however_high_their_score() -> None:
    assert judge(0.99, [(0.99, WANTED)] * 2).reason is Reason.TOO_FEW_SHOTS


def test_an_alert_is_at_or_above_the_threshold() -> None:
    shots = [(0.5, WANTED)] * 3
    assert judge(0.55, shots).alert
    assert judge(0.5499, shots).reason is Reason.BELOW_THRESHOLD


def test_a_good_shot_that_the_others_agree_with_is_not_drowned_by_them() -> None:
    """Of a walk, one moment shows the face as the reference does; in the mean it would be lost."""
    verdict = judge(0.5, [(0.62, WANTED), *[(0.45, WANTED)] * 4, *[(0.2, OTHER)] * 4])
    assert verdict.alert
    assert verdict.score is not None
    assert 0.6 < verdict.score < 0.62  # the best of nine is partly luck


def test_a_shot_that_is_nearer_to_somebody_else_lends_its_score_to_nobody() -> None:
    verdict = judge(0.5, [(0.62, OTHER), *[(0.45, WANTED)] * 4])
    assert verdict.reason is Reason.BELOW_THRESHOLD
    assert verdict.score == pytest.approx(0.5)


def test_a_single_shot_may_score_lower_than_the_fused_one() -> None:
    assert judge(0.56, [(0.45, WANTED)] * 4).alert


def test_a_shot_that_is_nearer_to_somebody_else_counts_against() -> None:
    assert judge(0.56, [(0.54, OTHER)] * 4).reason is Reason.DISAGREEMENT


def test_an_empty_list_alerts_for_nobody() -> None:
    verdict = RULE.judge(None, np.zeros(3, np.float32), [None, None, None])
    assert verdict == Verdict(False, Reason.BELOW_THRESHOLD, None, 0.0)


def test_a_score_that_is_no_number_alerts_for_nobody() -> None:
    assert not judge(float("nan"), [(0.6, WANTED)] * 4).alert


def test_scores_and_names_must_belong_to_the_same_shots() -> None:
    with pytest.raises(ValueError, match="2 scores for 3 shots"):
        RULE.judge(Candidate(WANTED, 0.6), np.zeros(2, np.float32), [WANTED] * 3)


@pytest.mark.parametrize("bad", [(1.5, 3, 0.5), (0.5, 0, 0.5), (0.5, 3, 1.5)])
def test_settings_without_sense_are_refused(bad: tuple[float, int, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        Rule(*bad)


shots = st.lists(st.tuples(st.floats(-1, 1, width=32), st.sampled_from([WANTED, OTHER, None])), max_size=12)


@given(st.floats(-1, 1), shots, st.floats(-1, 1), st.integers(1, 5), st.floats(0, 1))
def test_an_alert_always_has_score_shots_and_agreement(
    score: float,
    taken: list[tuple[float, NominalId | None]],
    threshold: float,
    least: int,
    agreement: float,
) -> None:
    verdict = judge(score, taken, Rule(threshold, least, agreement))
    assert verdict.alert == (verdict.reason is Reason.ALERT)
    alone = [float(1 - LUCK * (1 - np.float32(shot))) for shot, nominal in taken if nominal == WANTED]
    assert verdict.score is not None
    assert verdict.score == pytest.approx(max([score, *alone]), abs=1e-6)
    reached = verdict.score >= threshold
    assert verdict.alert == (len(taken) >= least and reached and verdict.support >= agreement)
    assert 0 <= verdict.support <= 1


@given(st.floats(0, 1), shots)
def test_one_more_dissenting_shot_never_raises_support(
    score: float, taken: list[tuple[float, NominalId | None]]
) -> None:
    assert judge(score, [*taken, (0.9, OTHER)]).support <= judge(score, taken).support
