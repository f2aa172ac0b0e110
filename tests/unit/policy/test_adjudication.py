"""Who may do what about an alert, and when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.errors import NotAllowed
from lfrd.policy import adjudication as rules
from lfrd.policy.adjudication import CAUTION, Coded, Review, Standing
from lfrd.types import Actor, Decision, OfficerId, Role

ASHA, BEN, CLEO = (Actor(OfficerId(name.lower()), name, Role.ENGAGEMENT) for name in ("Asha", "Ben", "Cleo"))
EXPIRES = 1000.0


def standing(*decisions: tuple[Actor, Decision], **change: Any) -> Standing:
    reviews = tuple(Review(number, by, decision, "why") for number, (by, decision) in enumerate(decisions))
    values: dict[str, Any] = {"blue": False, "expires_at": EXPIRES, "reviews": reviews}
    return Standing(**(values | change))


def refused(code: str, rule: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(NotAllowed) as caught:
        rule(*arguments)
    assert caught.value.code == code
    return str(caught.value)


# ---- the claim ------------------------------------------------------------------------------------------


def test_the_first_claim_wins_and_the_others_are_told_who_has_it() -> None:
    rules.may_claim(standing(), ASHA)
    assert refused("claimed", rules.may_claim, standing(holder=ASHA), BEN) == "Asha has it"


def test_a_claim_is_given_back_by_its_holder_before_they_decide_and_by_nobody_else() -> None:
    rules.may_release(standing(holder=ASHA), ASHA)
    refused("claimed", rules.may_release, standing(holder=ASHA), BEN)
    refused("not_claimed", rules.may_release, standing(), BEN)
    refused("adjudicated", rules.may_release, standing((ASHA, "viable"), holder=ASHA), ASHA)


# ---- adjudication ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("decision", ["not_viable", "insufficient"])
def test_a_decision_against_needs_a_reason(decision: Decision) -> None:
    refused("reason_missing", rules.may_adjudicate, standing(), ASHA, decision, "")
    assert rules.may_adjudicate(standing(), ASHA, decision, "another ear") == 1
    assert rules.may_adjudicate(standing(), ASHA, "viable", "") == 1


def test_what_one_officer_has_claimed_another_does_not_decide() -> None:
    refused("claimed", rules.may_adjudicate, standing(holder=ASHA), BEN, "viable", "")


def test_what_is_decided_is_not_decided_again() -> None:
    decided = standing((ASHA, "viable"), holder=ASHA)
    assert refused("adjudicated", rules.may_adjudicate, decided, BEN, "viable", "") == "Asha has decided"
    refused("adjudicated", rules.may_adjudicate, decided, ASHA, "not_viable", "why")


def test_a_second_reviewer_needs_no_claim_and_may_come_before_the_officer_who_has_it() -> None:
    two = {"reviews_needed": 2, "holder": ASHA}
    assert rules.may_adjudicate(standing((ASHA, "viable"), **two), BEN, "viable", "") == 2
    assert rules.may_adjudicate(standing(**two), BEN, "viable", "") == 1
    assert rules.may_adjudicate(standing((BEN, "viable"), **two), ASHA, "viable", "") == 2


def test_the_officer_who_has_claimed_keeps_their_place_among_two_reviewers() -> None:
    waiting = standing((BEN, "viable"), reviews_needed=2, holder=ASHA)
    refused("claimed", rules.may_adjudicate, waiting, CLEO, "viable", "")


def test_the_same_officer_cannot_review_twice() -> None:
    once = standing((ASHA, "viable"), reviews_needed=2)
    refused("same_reviewer", rules.may_adjudicate, once, ASHA, "viable", "")
    refused("same_reviewer", rules.may_adjudicate, once, ASHA, "not_viable", "why")


def test_only_officers_known_by_name_are_reviewers_where_two_are_needed() -> None:
    for two in (standing(reviews_needed=2), standing((ASHA, "viable"), reviews_needed=2)):
        refused("unnamed", lambda two=two: rules.may_claim(two, BEN, named=False))
        refused("unnamed", lambda two=two: rules.may_adjudicate(two, BEN, "viable", "", named=False))
    rules.may_claim(standing(), BEN, named=False)
    assert rules.may_adjudicate(standing(), BEN, "viable", "", named=False) == 1


def test_a_reviewer_who_knows_the_other_decision_is_blind_no_more() -> None:
    reviews = (Review(1, ASHA, "viable", "", withdrawn=True), Review(2, BEN, "not_viable", "why"))
    disclosed = Standing(blue=False, expires_at=EXPIRES, reviews_needed=2, reviews=reviews, disclosed=True)
    refused("same_reviewer", rules.may_adjudicate, disclosed, ASHA, "viable", "")
    assert rules.may_adjudicate(disclosed, CLEO, "viable", "") == 2


def test_a_decision_that_was_withdrawn_unseen_may_be_given_anew() -> None:
    for needed in (1, 2):
        reviews = (Review(1, ASHA, "viable", "", withdrawn=True),)
        unseen = Standing(blue=False, expires_at=EXPIRES, reviews_needed=needed, reviews=reviews)
        assert rules.may_adjudicate(unseen, ASHA, "not_viable", "why") == 1


def test_no_claim_comes_with_the_first_of_two_reviews() -> None:
    assert rules.claims_with_it(standing())
    assert not rules.claims_with_it(standing(holder=ASHA))
    assert not rules.claims_with_it(standing(reviews_needed=2))


@pytest.mark.parametrize(
    ("first", "second", "joint"),
    [
        ("viable", "viable", "viable"),
        ("viable", "insufficient", "insufficient"),
        ("insufficient", "not_viable", "not_viable"),
        ("not_viable", "viable", "not_viable"),
    ],
)
def test_where_reviewers_disagree_the_more_cautious_decision_counts(
    first: Decision, second: Decision, joint: Decision
) -> None:
    assert standing((ASHA, first), reviews_needed=2).decision is None
    assert standing((ASHA, first), (BEN, second), reviews_needed=2).decision == joint


# ---- withdrawal -----------------------------------------------------------------------------------------


def test_an_officer_withdraws_their_own_decision_with_a_reason_before_an_engagement() -> None:
    decided = standing((ASHA, "viable"))
    assert rules.may_withdraw(decided, ASHA, "wrong card") == decided.reviews[0]
    refused("reason_missing", rules.may_withdraw, decided, ASHA, "")
    refused("not_adjudicated", rules.may_withdraw, decided, BEN, "why")
    refused("engaged", rules.may_withdraw, standing((ASHA, "viable"), engaged_by=BEN), ASHA, "why")


# ---- engagement -----------------------------------------------------------------------------------------


def test_nobody_is_engaged_before_an_adjudication_is_recorded() -> None:
    refused("not_adjudicated", rules.may_engage, standing(holder=ASHA), 0.0)
    rules.may_engage(standing((ASHA, "viable")), 0.0)


@pytest.mark.parametrize("decision", ["not_viable", "insufficient"])
def test_nobody_is_engaged_on_an_alert_that_was_not_found_viable(decision: Decision) -> None:
    refused("not_viable", rules.may_engage, standing((ASHA, decision)), 0.0)


def test_with_a_second_reviewer_one_viable_decision_is_not_enough() -> None:
    message = refused("not_adjudicated", rules.may_engage, standing((ASHA, "viable"), reviews_needed=2), 0.0)
    assert "by 2 officers" in message
    rules.may_engage(standing((ASHA, "viable"), (BEN, "viable"), reviews_needed=2), 0.0)


def test_nobody_is_engaged_after_the_alert_has_expired() -> None:
    viable = standing((ASHA, "viable"))
    rules.may_engage(viable, EXPIRES - 0.001)
    refused("expired", rules.may_engage, viable, EXPIRES)


def test_nobody_is_engaged_for_a_blue_list_alert() -> None:
    refused("blue", rules.may_engage, standing((ASHA, "viable"), blue=True), 0.0)


def test_one_engagement_is_all() -> None:
    message = refused("engaged", rules.may_engage, standing((ASHA, "viable"), engaged_by=BEN), 0.0)
    assert message.startswith("Ben")


# ---- outcome --------------------------------------------------------------------------------------------

ENGAGED = standing((ASHA, "viable"), engaged_by=BEN)


@pytest.mark.parametrize("outcome", rules.ENGAGED_OUTCOMES)
def test_what_comes_of_an_engagement_is_coded_after_one_only(outcome: str) -> None:
    arrest_class = "warrant" if outcome == "arrest" else ""
    rules.may_code(ENGAGED, outcome, arrest_class, "", 0.0)  # type: ignore[arg-type]
    refused("not_engaged", rules.may_code, standing((ASHA, "viable")), outcome, arrest_class, "", 0.0)


def test_no_engagement_is_coded_without_one_only() -> None:
    rules.may_code(standing((ASHA, "not_viable")), "no_engagement", "", "", 0.0)
    refused("engaged", rules.may_code, ENGAGED, "no_engagement", "", "", 0.0)


def test_an_alert_that_waits_for_an_officer_is_not_put_away_unseen() -> None:
    refused("not_adjudicated", rules.may_code, standing(), "no_engagement", "", "", EXPIRES - 1)
    rules.may_code(standing(), "no_engagement", "", "", EXPIRES)
    rules.may_code(standing(blue=True), "no_engagement", "", "", 0.0)


def test_an_arrest_has_a_class_and_nothing_else_has_one() -> None:
    refused("arrest_class", rules.may_code, ENGAGED, "arrest", "", "", 0.0)
    refused("arrest_class", rules.may_code, ENGAGED, "confirmed_true", "warrant", "", 0.0)


def test_an_outcome_is_corrected_with_a_reason_even_after_closing() -> None:
    coded = standing(
        (ASHA, "viable"),
        engaged_by=BEN,
        outcome=Coded(BEN, "confirmed_true", "", ""),
        closed=True,
    )
    assert "Ben" in refused("correction_missing", rules.may_code, coded, "confirmed_false", "", "", 0.0)
    rules.may_code(coded, "confirmed_false", "", "fingerprints", 0.0)
    refused("outcome_missing", rules.may_code, ENGAGED, "confirmed_false", "", "fingerprints", 0.0)


# ---- closing --------------------------------------------------------------------------------------------


def test_the_outcome_is_coded_before_an_alert_can_be_closed() -> None:
    refused("outcome_missing", rules.may_close, standing((ASHA, "not_viable")))
    rules.may_close(standing((ASHA, "not_viable"), outcome=Coded(ASHA, "no_engagement", "", "")))


def test_an_engagement_after_the_outcome_was_coded_asks_for_another_outcome() -> None:
    late = standing((ASHA, "viable"), outcome=Coded(ASHA, "no_engagement", "", ""), engaged_by=BEN)
    refused("outcome_missing", rules.may_close, late)


def test_a_closed_alert_takes_corrections_and_nothing_else() -> None:
    closed = standing((ASHA, "viable"), outcome=Coded(ASHA, "no_engagement", "", ""), closed=True)
    for rule, arguments in (
        (rules.may_claim, (BEN,)),
        (rules.may_release, (BEN,)),
        (rules.may_adjudicate, (BEN, "viable", "")),
        (rules.may_withdraw, (ASHA, "why")),
        (rules.may_engage, (0.0,)),
        (rules.may_close, ()),
    ):
        refused("closed", rule, closed, *arguments)


@given(
    decisions=st.lists(st.sampled_from(CAUTION), max_size=2),
    needed=st.sampled_from([1, 2]),
    blue=st.booleans(),
    at=st.floats(0, 2 * EXPIRES),
)
def test_an_engagement_always_has_as_many_viable_decisions_as_are_needed(
    decisions: list[Decision], needed: int, blue: bool, at: float
) -> None:
    decided = standing(*zip((ASHA, BEN), decisions, strict=False), blue=blue, reviews_needed=needed)
    try:
        rules.may_engage(decided, at)
    except NotAllowed:
        allowed = False
    else:
        allowed = True
    assert allowed == (
        len(decisions) >= needed and set(decisions) == {"viable"} and not blue and at < EXPIRES
    )
