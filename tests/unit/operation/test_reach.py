"""Which phone has which alert, as the connections tell it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd import wire
from lfrd.operation.reach import Reach


def event(seq: int, alert: str, at: float = 0.0, what: wire.What = "alert") -> wire.Event:
    view = wire.AlertView(
        id=alert, nominal="", score=0, threshold=0, camera="", seen_at=0, created_at=0, quality={},
        probe="", candidate="", shots=0,
    )  # fmt: skip
    return wire.Event(seq, what, at, view)


def test_a_receipt_times_every_alert_that_it_covers_from_its_storing() -> None:
    reach = Reach()
    reach.greeted("s", 0, 90)
    reach.stored(event(1, "a", 100.0))
    reach.stored(event(2, "a", 101.0, "claimed"))
    reach.stored(event(3, "b", 102.0))
    reach.receipted("s", 3, 102.5)
    assert reach.phones["s"].seconds == {"a": 2.5, "b": 0.5}
    assert (reach.phones["s"].receipted, reach.phones["s"].heard) == (3, 90)


def test_an_alert_beyond_the_receipt_has_not_reached_the_phone() -> None:
    reach = Reach()
    reach.greeted("s", 0, 0)
    reach.stored(event(1, "a", 1.0))
    reach.stored(event(2, "b", 1.0))
    reach.receipted("s", 1, 2.0)
    assert list(reach.phones["s"].seconds) == ["a"]


def test_the_first_receipt_counts_and_a_page_that_is_loaded_again_begins_anew() -> None:
    reach = Reach()
    reach.greeted("s", 0, 0)
    reach.stored(event(1, "a", 1.0))
    reach.receipted("s", 1, 1.4)
    reach.greeted("s", 0, 50)
    assert reach.phones["s"].receipted == 0
    reach.receipted("s", 1, 51)
    assert reach.phones["s"].seconds["a"] == pytest.approx(0.4)


def test_a_deleted_alert_is_forgotten_with_its_times() -> None:
    reach = Reach()
    reach.greeted("s", 0, 0)
    reach.stored(event(1, "a"))
    reach.receipted("s", 1, 1)
    reach.stored(event(2, "a", what="erased"))
    assert reach.phones["s"].seconds == {}


def test_a_phone_that_has_not_said_hello_is_not_known() -> None:
    reach = Reach()
    reach.heard("s", 1)
    reach.receipted("s", 1, 1)
    assert not reach.phones


def test_whose_session_has_ended_is_forgotten() -> None:
    reach = Reach()
    reach.greeted("s", 0, 0)
    reach.greeted("t", 0, 0)
    reach.drop({"s", "never seen"})
    assert list(reach.phones) == ["t"]


@given(st.lists(st.one_of(st.just(-1), st.integers(0, 40)), max_size=80), st.integers(1, 5))
def test_memory_is_bounded_and_no_receipt_takes_anything_back(steps: list[int], remembered: int) -> None:
    reach = Reach(remembered=remembered)
    reach.greeted("s", 0, 0)
    seq = last = 0
    for number, step in enumerate(steps):
        if step < 0:
            seq += 1
            reach.stored(event(seq, f"a{seq}", float(number)))
        else:
            reach.receipted("s", min(step, seq), float(number))
        phone = reach.phones["s"]
        assert phone.receipted >= last
        assert len(phone.seconds) <= remembered
        assert all(int(alert[1:]) <= phone.receipted for alert in phone.seconds)
        last = phone.receipted


def test_nothing_is_remembered_of_no_alert() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Reach(remembered=0)
