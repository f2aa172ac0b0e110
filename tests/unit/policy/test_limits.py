"""Control limits (rule 29): they hold what they promise at the accepted rate, and speak up soon beyond it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.audit import kinds
from lfrd.audit.kinds import AnyBody
from lfrd.policy.limits import ERROR, FROM_THE_START, STEP, Control, excess, misses
from lfrd.types import F64

ACCEPTED = 0.001
FACES = 100_000


def false_alerts(rng: np.random.Generator, rate: float, faces: int) -> F64:
    """Where among the faces seen false alerts fall."""
    return np.sort(rng.uniform(0, faces, rng.poisson(rate * faces)))


def suspended_at(faces: F64, accepted: float = ACCEPTED) -> float | None:
    """How many faces had been seen when the limit was crossed; looked at after every false alert."""
    for number in range(1, len(faces) + 1):
        if excess(faces[:number] * accepted).value * ERROR >= 1.0:
            return float(faces[number - 1])
    return None


# ---- what is promised ----------------------------------------------------------------------------------


def test_at_the_accepted_rate_a_deployment_of_100_000_faces_is_wrongly_suspended_with_1_percent_at_most() -> (
    None
):
    rng = np.random.default_rng(29)
    runs = 300
    wrong = sum(suspended_at(false_alerts(rng, ACCEPTED, FACES)) is not None for _ in range(runs))
    # By Ville's inequality 3 are expected at the most; 9 or more would be seen in 1 of 250 tries.
    assert wrong <= 8


def test_at_ten_times_the_accepted_rate_it_is_suspended_within_the_first_faces() -> None:
    rng = np.random.default_rng(29)
    found = [suspended_at(false_alerts(rng, 10 * ACCEPTED, 10_000)) for _ in range(200)]
    stopped = [faces for faces in found if faces is not None]
    assert len(stopped) == 200
    assert np.median(stopped) < 600  # six false alerts
    assert np.quantile(stopped, 0.9) < 1_200


def test_a_rate_that_becomes_bad_late_is_found_soon_as_well() -> None:
    """50,000 good faces do not hide what comes after."""
    rng = np.random.default_rng(30)
    delays = []
    for _ in range(100):
        good = false_alerts(rng, ACCEPTED / 10, 50_000)
        bad = 50_000 + false_alerts(rng, 10 * ACCEPTED, 10_000)
        found = suspended_at(np.concatenate([good, bad]))
        assert found is not None
        delays.append(found - 50_000)
    assert np.median(delays) < 1_500
    assert np.quantile(delays, 0.9) < 2_500


def test_a_blue_list_that_is_found_as_often_as_wanted_is_wrongly_suspended_with_1_percent_at_most() -> None:
    rng = np.random.default_rng(31)
    runs, wrong = 400, 0
    for _ in range(runs):
        results = list(rng.random(200) < 0.85)
        wrong += any(
            misses(results[:number], 0.85).value * ERROR >= 1.0
            for number in range(1, 201)
            if not results[number - 1]
        )
    assert wrong <= 10  # 4 expected at the most


def test_a_blue_list_that_is_found_half_as_often_is_noticed_within_tens_of_passages() -> None:
    rng = np.random.default_rng(32)
    needed = []
    for _ in range(100):
        results = list(rng.random(300) < 0.425)
        needed.append(next(n for n in range(1, 301) if misses(results[:n], 0.85).value * ERROR >= 1.0))
    assert np.median(needed) <= 15
    assert np.quantile(needed, 0.9) <= 30


@given(st.lists(st.floats(0, 200, allow_subnormal=False), max_size=40))
def test_the_evidence_is_the_sum_that_the_formula_says(places: list[float]) -> None:
    positions = np.sort(np.array(places, np.float64))
    if not places:
        assert excess(positions).value == 0.0
        return
    now, total = float(positions[-1]), 0.0
    for number in range(int(now / STEP) + 1):
        begun = number * STEP
        weight = (1 - FROM_THE_START) * (1 / (1 + begun) - 1 / (1 + begun + STEP))
        weight += FROM_THE_START if number == 0 else 0.0
        since = int(np.sum(positions >= begun))
        total += sum(
            weight / 3 * times**since * math.exp(-(times - 1) * (now - begun)) for times in (2, 4, 10)
        )
    assert excess(positions).value == pytest.approx(total, rel=1e-9)


@given(st.lists(st.booleans(), max_size=60), st.floats(0.05, 0.99))
def test_a_further_miss_never_weakens_the_evidence_and_a_find_never_strengthens_it(
    results: list[bool], least: float
) -> None:
    so_far = misses(results, least).value
    assert misses([*results, False], least).value >= so_far * (1 - 1e-9)
    if results:
        unlucky = misses([*results, False], least).value
        assert misses([*results, True], least).value <= unlucky * (1 + 1e-9)


def is_breached(control: Control) -> bool:
    return control.breach is not None


# ---- the control of a deployment -----------------------------------------------------------------------


def test_a_false_alert_rate_beyond_its_limit_suspends_with_the_figures_in_words() -> None:
    control = Control(ACCEPTED, 0.0)
    for number in range(7):
        control.faces(100)
        control.judged(f"a{number}", false=True)
    breach = control.breach
    assert breach is not None
    assert breach.reason == "false_alert_rate"
    assert breach.detail == "7 false alerts among the newest 700 faces seen; accepted is 1 in 1,000"


def test_the_words_tell_recent_faces_from_all_of_them() -> None:
    control = Control(ACCEPTED, 0.0)
    control.faces(40_000)
    for number in range(12):
        control.faces(100)
        control.judged(f"a{number}", false=True)
    assert control.breach is not None
    assert control.breach.detail == (
        "12 false alerts among the newest 1,100 faces seen (12 among 41,200 in all); accepted is 1 in 1,000"
    )


def test_one_false_alert_at_the_very_start_does_not_suspend() -> None:
    control = Control(ACCEPTED, 0.0)
    control.faces(1)
    control.judged("a1", false=True)
    control.judged("a2", false=True)
    assert not is_breached(control)


def test_a_correction_of_an_outcome_takes_a_false_alert_back() -> None:
    control = Control(ACCEPTED, 0.0)
    control.faces(10)
    for number in range(3):
        control.judged(f"a{number}", false=True)
    assert is_breached(control)
    control.judged("a1", false=False)
    assert not is_breached(control)
    assert control.false_alerts == 2
    control.judged("a1", false=True)
    control.judged("a1", false=True)  # told twice, it counts once
    assert control.false_alerts == 3
    assert is_breached(control)


def test_a_blue_list_tpir_below_its_limit_suspends_with_the_figures_in_words() -> None:
    control = Control(ACCEPTED, 0.85)
    for number in range(12):
        control.blue(f"p{number}", found=number % 4 == 0)
        if control.breach:
            break
    assert control.breach is not None
    assert control.breach.reason == "blue_tpir"
    assert control.breach.detail == "2 of the newest 7 blue-list passages found; at least 85% is wanted"


def test_a_passage_found_afterwards_does_not_undo_a_breach() -> None:
    control = Control(ACCEPTED, 0.85)
    for number in range(6):
        control.blue(f"p{number}", found=False)
    assert is_breached(control)
    for number in range(6, 60):
        control.blue(f"p{number}", found=True)
    assert is_breached(control)


def test_faces_seen_afterwards_do_not_undo_a_breach() -> None:
    control = Control(ACCEPTED, 0.0)
    for number in range(4):
        control.judged(f"a{number}", false=True)
    assert is_breached(control)
    control.faces(1_000_000)
    assert is_breached(control)


def test_millions_of_expected_false_alerts_take_no_more_memory_than_thousands() -> None:
    assert excess(np.array([1.0, 1e12])).value < 1.0


def test_without_a_blue_list_nothing_is_asked_of_it() -> None:
    control = Control(ACCEPTED, 0.0)
    for number in range(100):
        control.blue(f"p{number}", found=False)
    assert not is_breached(control)


def test_where_everybody_must_be_found_one_miss_suspends() -> None:
    control = Control(ACCEPTED, 1.0)
    control.blue("p1", found=True)
    assert not is_breached(control)
    control.blue("p2", found=False)
    assert is_breached(control)


def test_a_passage_that_is_corrected_counts_as_corrected() -> None:
    control = Control(ACCEPTED, 1.0)
    control.blue("p1", found=False)
    control.blue("p1", found=True)
    assert not is_breached(control)


def test_a_passage_that_is_void_after_all_counts_no_more() -> None:
    control = Control(ACCEPTED, 1.0)
    control.blue("p1", found=False)
    assert is_breached(control)
    control.blue("p1", found=None)
    assert not is_breached(control)


def test_a_passage_of_an_earlier_run_does_not_come_back_by_being_corrected() -> None:
    control = Control(ACCEPTED, 1.0)
    control.blue("p1", found=True)
    control.restart()
    control.blue("p1", found=False)
    assert not is_breached(control)


def test_rates_that_are_none_are_refused() -> None:
    for accepted, tpir in ((0.0, 0.5), (1.1, 0.5), (0.001, -0.1), (0.001, 1.1)):
        with pytest.raises(ValueError, match="accepted rate"):
            Control(accepted, tpir)


# ---- fed from the audit --------------------------------------------------------------------------------


def fed(*bodies: AnyBody | tuple[AnyBody, str]) -> Control:
    control = Control(ACCEPTED, 0.85)
    feed(control, *bodies)
    return control


def feed(control: Control, *bodies: AnyBody | tuple[AnyBody, str]) -> None:
    for body in bodies:
        control.feed(*body) if isinstance(body, tuple) else control.feed(body, "pc1")


def raised(name: str, *, blue: bool = False, reviews: int = 1) -> AnyBody:
    return kinds.AlertRaised("d1", 1, name, "North", "missing", blue, 0.6, 0.4, reviews)


def judged(name: str, decision: str) -> AnyBody:
    return kinds.AlertAdjudicated("d1", name, decision, 1, 5.0)  # type: ignore[arg-type]


COUNTED = kinds.Counted("d1", 1, "North", 900, 600, 20, 60.0, 0.0)
RENEWED = kinds.Authorised("d1", "resume", "B. Roy", "Chief", "looked at", {})


def test_the_same_limits_follow_from_the_audit_alone() -> None:
    bodies: list[AnyBody] = []
    for number in range(4):
        bodies += [COUNTED, raised(f"a{number}"), judged(f"a{number}", "not_viable")]
    control = fed(*bodies)
    assert (control.faces_seen, control.false_alerts) == (80, 4)
    assert is_breached(control)


def test_alerts_of_the_blue_list_are_no_false_alerts() -> None:
    bodies: list[AnyBody] = [COUNTED]
    for number in range(9):
        bodies += [raised(f"b{number}", blue=True), judged(f"b{number}", "not_viable")]
    assert fed(*bodies).false_alerts == 0


def test_the_first_of_two_reviews_makes_no_false_alert() -> None:
    control = fed(COUNTED, raised("a1", reviews=2), judged("a1", "not_viable"))
    assert control.false_alerts == 0
    feed(control, (judged("a1", "viable"), "pc2"))
    assert control.false_alerts == 1


def test_an_alert_judged_not_viable_and_then_found_true_is_taken_back() -> None:
    control = fed(COUNTED, raised("a1"), judged("a1", "not_viable"))
    assert control.false_alerts == 1
    feed(control, kinds.OutcomeCoded("d1", "a1", "confirmed_true", "", True))
    assert control.false_alerts == 0
    feed(control, kinds.OutcomeCoded("d1", "a1", "confirmed_false", "", True))
    assert control.false_alerts == 1
    feed(control, kinds.AdjudicationWithdrawn("d1", "a1", 1))
    assert control.false_alerts == 1


def test_a_deployment_authorised_again_is_not_suspended_for_what_was_looked_at() -> None:
    bodies: list[AnyBody] = [COUNTED]
    for number in range(5):
        bodies += [raised(f"a{number}"), judged(f"a{number}", "not_viable")]
    control = fed(*bodies)
    assert is_breached(control)
    feed(control, RENEWED)
    assert not is_breached(control)
    assert (control.faces_seen, control.false_alerts) == (0, 0)
    feed(
        control, kinds.OutcomeCoded("d1", "a0", "confirmed_false", "", False)
    )  # known before, counts no more
    assert control.false_alerts == 0
    feed(control, COUNTED, raised("a9"), judged("a9", "not_viable"))
    assert control.false_alerts == 1


def test_an_alert_that_turns_out_false_after_the_renewal_counts_then() -> None:
    control = fed(COUNTED, raised("a1"), RENEWED, judged("a1", "not_viable"))
    assert control.false_alerts == 1


def test_passages_that_the_server_paired_feed_the_limit_and_void_ones_do_not() -> None:
    def missed(number: int, why: kinds.Why) -> list[AnyBody]:
        passage, void = f"p{number}", why == "halted"
        walk = kinds.BlueWalk("d1", 1, passage, 7, 60.0)
        return [walk, kinds.BluePassage("d1", 1, passage, False, void=void, why=why)]

    control = fed(*(body for number in range(20) for body in missed(number, "halted")))
    assert not is_breached(control)
    feed(control, *(body for number in range(20, 40) for body in missed(number, "window")))
    assert control.breach is not None
    assert control.breach.reason == "blue_tpir"
