"""When an alert that waits is escalated, and when it expires."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd import wire
from lfrd.operation.escalation import Escalation
from lfrd.store.alerts import OpenAlert
from lfrd.types import AlertId

A = AlertId("a")
NEVER = 1e9


def view(**change: Any) -> wire.AlertView:
    values: dict[str, Any] = {
        "id": "a", "nominal": "N-1", "score": 0.7, "threshold": 0.5, "camera": "gate", "seen_at": 100.0,
        "created_at": 100.0, "quality": {}, "probe": "", "candidate": "", "shots": 3, "expires_at": 400.0,
    }  # fmt: skip
    return wire.AlertView(**(values | change))


def told(escalation: Escalation, what: wire.What, at: float, **change: Any) -> None:
    escalation.told(wire.Event(seq=1, what=what, at=at, alert=view(**change)), 20.0)


def raised() -> Escalation:
    escalation = Escalation()
    told(escalation, "alert", 100.0)
    return escalation


def test_an_alert_that_nobody_has_claimed_in_time_is_escalated() -> None:
    escalation = raised()
    assert escalation.due(119.9) == []
    assert escalation.due(120) == [(A, "escalate")]


def test_it_is_escalated_once() -> None:
    escalation = raised()
    told(escalation, "escalated", 120, escalated=True)
    assert escalation.due(399) == []


def test_a_claim_in_time_prevents_it() -> None:
    escalation = raised()
    told(escalation, "claimed", 110, claimed_by="Asha")
    assert escalation.due(399) == []


def test_a_claim_that_was_given_back_begins_the_time_anew() -> None:
    escalation = raised()
    told(escalation, "claimed", 110, claimed_by="Asha")
    told(escalation, "released", 150)
    assert escalation.due(169) == []
    assert escalation.due(170) == [(A, "escalate")]


def test_a_first_review_is_no_answer_yet_and_a_decision_is() -> None:
    escalation = raised()
    told(escalation, "reviewed", 110, reviews=1, reviews_needed=2)
    assert escalation.due(120) == [(A, "escalate")]
    told(escalation, "adjudicated", 121, decision="viable", reviews=2, reviews_needed=2)
    assert escalation.due(399) == []


def test_an_alert_expires_so_long_after_the_person_was_last_seen() -> None:
    escalation = raised()
    told(escalation, "claimed", 110, claimed_by="Asha")
    told(escalation, "sighting", 300, claimed_by="Asha", expires_at=600.0)
    assert escalation.due(599) == []
    assert escalation.due(600) == [(A, "expire")]


@pytest.mark.parametrize(
    "change",
    [
        {"decision": "not_viable"},
        {"decision": "insufficient"},
        {"engaged_by": "Asha"},
        {"outcome": "no_engagement"},
        {"closed": True},
        {"expired": True},
    ],
)
def test_what_is_over_waits_no_more(change: dict[str, Any]) -> None:
    escalation = raised()
    told(escalation, "adjudicated", 110, **change)
    assert escalation.due(NEVER) == []
    assert len(escalation) == 0


def test_a_deleted_alert_is_forgotten() -> None:
    escalation = raised()
    told(escalation, "erased", 110)
    assert escalation.due(NEVER) == []


def test_a_new_sighting_of_an_expired_alert_lets_it_wait_again() -> None:
    escalation = raised()
    told(escalation, "expired", 400, expired=True)
    told(escalation, "sighting", 500, expires_at=800.0)
    assert escalation.due(519) == []
    assert escalation.due(520) == [(A, "escalate")]
    assert escalation.due(800) == [(A, "expire")]


def test_what_waited_before_a_restart_waits_after_it() -> None:
    escalation = Escalation()
    escalation.restore([OpenAlert(view(), 20.0, 100.0), OpenAlert(view(id="b", expired=True), 20.0, 100.0)])
    assert len(escalation) == 1
    assert escalation.due(120) == [(A, "escalate")]
    assert escalation.expires_at(A) == 400


@given(st.lists(st.tuples(st.sampled_from(["claim", "release", "see"]), st.floats(0, 50)), max_size=20))
def test_an_alert_is_escalated_exactly_when_nobody_has_had_it_for_the_time(
    steps: list[tuple[str, float]],
) -> None:
    escalation, now, claimed, since, expires = raised(), 100.0, False, 100.0, 400.0
    for what, pause in steps:
        now += pause
        if now >= expires:
            break
        assert escalation.due(now) == ([(A, "escalate")] if not claimed and now - since >= 20.0 else [])
        name = "Asha" if claimed else ""
        match what:
            case "claim" if not claimed:
                claimed, name = True, "Asha"
                told(escalation, "claimed", now, claimed_by=name, expires_at=expires)
            case "release" if claimed:
                claimed, since, name = False, now, ""
                told(escalation, "released", now, expires_at=expires)
            case _:
                expires = now + 300
                told(escalation, "sighting", now, claimed_by=name, expires_at=expires)
