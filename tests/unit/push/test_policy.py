"""Whom to wake and when, over posts, receipts and alerts that a test makes up."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lfrd import wire
from lfrd.push.policy import ANSWER_SECONDS, LAPSED_SECONDS, PAUSE_SECONDS, PhoneNow, Policy, WakeUp
from lfrd.store.sessions import SessionId

GRACE, BEAT = 20.0, 5.0
SILENT = 12.5
A, B = SessionId("a"), SessionId("b")
EXPIRES = 5000.0

ALERT = wire.AlertView(
    id="x1",
    nominal="N-1",
    score=0.7,
    threshold=0.6,
    camera="gate",
    seen_at=0,
    created_at=0,
    quality={},
    probe="",
    candidate="",
    shots=3,
    expires_at=EXPIRES,
)


def policy() -> Policy:
    return Policy(grace_seconds=GRACE, heartbeat_seconds=BEAT)


def happened(seq: int, what: wire.What = "alert", **change: object) -> wire.Event:
    return wire.Event(seq, what, 0.0, replace(ALERT, **change))


def phone(
    session: SessionId = A, silent: float = 1.0, *, connected: bool = True, receipted: int = 0
) -> PhoneNow:
    return PhoneNow(session, silent, connected, receipted)


def away(session: SessionId = A, silent: float = 1.0, receipted: int = 0) -> PhoneNow:
    return phone(session, silent, connected=False, receipted=receipted)


def test_nobody_is_woken_while_nothing_calls() -> None:
    assert policy().look([phone(), away(B)], 100) == []


def test_a_connected_phone_has_time_to_answer_before_it_is_woken() -> None:
    asked = policy()
    asked.told(happened(1), 100)
    assert asked.look([phone()], 100 + ANSWER_SECONDS - 0.1) == []
    assert asked.look([phone()], 100 + ANSWER_SECONDS) == [WakeUp(A, EXPIRES, "alert")]


def test_a_phone_that_is_not_connected_or_not_heard_is_woken_at_once() -> None:
    asked = policy()
    asked.told(happened(1), 100)
    assert [w.session for w in asked.look([away(A), phone(B, SILENT)], 100)] == [A, B]


def test_a_phone_that_has_receipted_the_alert_is_left_alone() -> None:
    asked = policy()
    asked.told(happened(7), 100)
    assert asked.look([phone(receipted=7), away(B, receipted=9)], 150) == []


def test_what_a_phone_has_shown_counts_also_after_its_page_began_anew() -> None:
    asked = policy()
    asked.told(happened(7), 100)
    assert asked.look([phone(receipted=7)], 101) == []
    assert asked.look([phone(receipted=0)], 150) == []


def test_one_alert_wakes_a_phone_once_and_once_more_when_nobody_has_taken_it() -> None:
    asked = policy()
    asked.told(happened(1), 100)
    assert len(asked.look([away()], 100)) == 1
    assert asked.look([away()], 119) == []
    asked.told(happened(2, "sighting", sightings=1), 119)
    assert asked.look([away()], 119) == []
    asked.told(happened(3, "escalated", escalated=True), 120)
    assert len(asked.look([away()], 120)) == 1
    assert asked.look([away()], 200) == []


def test_an_alert_that_is_given_back_or_waits_for_a_second_reviewer_calls_again() -> None:
    asked = policy()
    asked.told(happened(1), 100)
    assert len(asked.look([away()], 100)) == 1
    asked.told(happened(2, "claimed", claimed_by="PC Baker"), 101)
    asked.told(happened(3, "released"), 120)
    assert len(asked.look([away()], 120)) == 1
    asked.told(happened(4, "claimed", claimed_by="PC Baker", reviews_needed=2), 121)
    asked.told(happened(5, "reviewed", reviews=1, reviews_needed=2, claimed_by="PC Baker"), 140)
    assert len(asked.look([away()], 140)) == 1


def test_nobody_is_woken_for_an_alert_that_somebody_has_or_that_is_over() -> None:
    for over in (
        happened(2, "claimed", claimed_by="PC Baker"),
        happened(2, "adjudicated", decision="not_viable"),
        happened(2, "expired", expired=True),
        happened(2, "closed", closed=True),
        happened(2, "erased"),
    ):
        asked = policy()
        asked.told(happened(1), 100)
        asked.told(over, 100.5)
        assert asked.look([away()], 101) == []
        assert len(asked) == 0


def test_nobody_is_woken_for_an_alert_after_its_time() -> None:
    asked = policy()
    asked.told(happened(1, expires_at=110.0), 100)
    assert asked.look([away()], 110) == []


def test_a_wake_up_lasts_as_long_as_the_alert_that_expires_last() -> None:
    asked = policy()
    asked.told(happened(1, expires_at=300.0), 100)
    asked.told(happened(2, id="x2", expires_at=200.0), 100)
    assert asked.look([away()], 100) == [WakeUp(A, 300.0, "alert")]


def test_two_alerts_within_the_pause_wake_a_phone_twice_and_not_at_once() -> None:
    asked = policy()
    asked.told(happened(1), 100)
    assert len(asked.look([away()], 100)) == 1
    asked.told(happened(2, id="x2"), 100)
    assert asked.look([away()], 100 + PAUSE_SECONDS - 0.1) == []
    assert len(asked.look([away()], 100 + PAUSE_SECONDS)) == 1
    assert asked.look([away()], 100 + 3 * PAUSE_SECONDS) == []


def test_a_phone_on_post_that_falls_silent_is_woken_once_before_its_post_lapses() -> None:
    asked = policy()
    assert asked.look([phone(silent=SILENT - 0.1)], 99.9) == []
    (wake_up,) = asked.look([phone(silent=SILENT)], 100)
    assert wake_up.why == "unheard"
    assert asked.look([away(silent=SILENT + 5)], 105) == []
    assert asked.look([away(silent=SILENT + 30)], 130) == []
    # Heard meanwhile, and silent again.
    assert asked.look([phone(silent=0)], 150) == []
    assert len(asked.look([phone(silent=SILENT)], 150 + SILENT)) == 1


def test_a_phone_whose_post_has_lapsed_is_woken_for_alerts_for_some_minutes_only() -> None:
    asked = policy()
    asked.told(happened(1), 100)
    asked.told(happened(2), 100)
    assert len(asked.look([away(silent=GRACE + LAPSED_SECONDS - 1)], 100)) == 1
    assert asked.look([away(B, silent=GRACE + LAPSED_SECONDS)], 100) == []


def test_who_has_left_the_post_is_not_woken() -> None:
    asked = policy()
    asked.told(happened(1), 100)
    assert asked.look([], 100) == []


@dataclass
class World:
    """One phone that sleeps now and then, and alerts that come and go, a step of one second at a time."""

    asked: Policy = field(default_factory=policy)
    now: float = 1000.0
    seq: int = 0
    heard: float = 1000.0
    receipted: int = 0
    open: dict[str, int] = field(default_factory=dict)
    woken: list[float] = field(default_factory=list)

    def step(self, act: str) -> None:
        self.now += 1
        match act:
            case "alert":
                self.seq += 1
                self.open[f"x{self.seq}"] = self.seq
                self.asked.told(happened(self.seq, id=f"x{self.seq}"), self.now)
            case "claim" if self.open:
                self.seq += 1
                alert, _ = self.open.popitem()
                self.asked.told(happened(self.seq, "claimed", id=alert, claimed_by="PC"), self.now)
            case "awake":
                self.heard, self.receipted = self.now, self.seq
        before = (self.receipted, bool(self.open))
        found = self.asked.look([phone(silent=self.now - self.heard, receipted=self.receipted)], self.now)
        for wake_up in found:
            self.woken.append(self.now)
            if wake_up.why == "alert":
                assert before[1]
                assert max(self.open.values()) > self.receipted


ACTS = st.lists(st.sampled_from(["alert", "claim", "awake", "", "", ""]), max_size=120)


@given(acts=ACTS)
@settings(max_examples=80, deadline=None)
def test_a_phone_is_never_woken_twice_within_the_pause_nor_for_what_it_has_shown(acts: list[str]) -> None:
    world = World()
    for act in acts:
        world.step(act)
    gaps = [later - earlier for earlier, later in zip(world.woken, world.woken[1:], strict=False)]
    assert all(gap >= PAUSE_SECONDS for gap in gaps)


@given(acts=ACTS)
@settings(max_examples=80, deadline=None)
def test_a_phone_that_sleeps_while_an_alert_waits_is_woken_for_it_within_the_pause(acts: list[str]) -> None:
    world = World()
    for act in acts:
        world.step(act)
    if len(world.open) and world.now - world.heard < GRACE + LAPSED_SECONDS - 40:
        world.step("alert")
        called = world.now
        for _ in range(int(PAUSE_SECONDS) + 1):
            world.step("")
        assert any(at >= called for at in world.woken)
