"""One table says how long everything is kept."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.policy.retention import DAY, RETENTION, TYING, in_words, of_alert
from lfrd.types import Outcome


@pytest.mark.parametrize("outcome", [None, "confirmed_false", "unconfirmed", "no_engagement"])
def test_an_alert_that_nothing_came_of_is_due_after_24_hours(outcome: str | None) -> None:
    assert of_alert(outcome, revoked=False).due_at(1000.0) == 1000.0 + 24 * 3600


@pytest.mark.parametrize("outcome", sorted(TYING))
def test_an_alert_tied_to_an_outcome_is_due_after_31_days(outcome: str) -> None:
    assert of_alert(outcome, revoked=False).due_at(1000.0) == 1000.0 + 31 * DAY


@given(st.none() | st.sampled_from(get_args(Outcome)), st.booleans())
def test_no_alert_is_kept_for_longer_than_31_days(outcome: str | None, revoked: bool) -> None:
    rule = of_alert(outcome, revoked=revoked)
    assert rule.after is not None
    assert rule.ceiling is not None
    assert rule.after <= rule.ceiling <= 31 * DAY
    assert "hold" in rule.exception


@pytest.mark.parametrize("outcome", [None, *get_args(Outcome)])
def test_after_a_revocation_an_alert_is_due_at_once_whatever_came_of_it(outcome: str | None) -> None:
    assert of_alert(outcome, revoked=True).after == 0


def test_images_and_templates_are_due_when_the_deployment_has_ended_and_late_after_24_hours() -> None:
    rule = RETENTION["watchlists"]
    assert rule.due_at(1000.0) == 1000.0
    assert not rule.is_late(1000.0, 1000.0 + DAY)
    assert rule.is_late(1000.0, 1001.0 + DAY)
    assert rule.exception == ""


def test_what_is_no_outcome_is_refused() -> None:
    with pytest.raises(ValueError, match="'arrested' is no outcome"):
        of_alert("arrested", revoked=False)


def test_every_rule_names_what_it_keeps_and_when_its_time_begins() -> None:
    for name, rule in RETENTION.items():
        assert rule.name == name
        assert rule.what
        assert bool(rule.since) == (rule.after is not None)
        assert rule.ceiling is None or (rule.after is not None and rule.after <= rule.ceiling)


def test_what_stays_is_never_due() -> None:
    assert RETENTION["audit"].due_at(0.0) is None
    assert not RETENTION["audit"].is_late(0.0, 1e12)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "kept"), (0.0, "at once"), (3600.0, "1 h"), (DAY, "24 h"), (31 * DAY, "31 days")],
)
def test_times_are_said_in_words(seconds: float | None, words: str) -> None:
    assert in_words(seconds) == words
