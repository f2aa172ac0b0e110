"""Walks of volunteers and what decides them: plain values in order of time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.policy.pairing import Halted, Happening, Seen, Sent, Verdict, Walk, decide

WALK = Walk(volunteer=7, at=100.0, until=160.0)

happenings = st.lists(
    st.one_of(
        st.builds(Seen, st.integers(6, 8), st.sampled_from(("a", "b")), st.floats(100, 200)),
        st.builds(Sent, st.integers(6, 8), st.floats(100, 200)),
        st.builds(Halted, st.floats(100, 200)),
    ),
    max_size=8,
).map(lambda found: sorted(found, key=lambda one: one.at))


@pytest.mark.parametrize(
    ("after", "now", "verdict"),
    [
        ([], 159.9, None),
        ([], 160.0, Verdict(False, "window")),
        ([Seen(7, "a", 159.9)], 159.9, Verdict(True, "alert", "a")),
        ([Seen(7, "a", 160.0)], 160.0, Verdict(False, "window")),
        ([Seen(8, "a", 120.0)], 130.0, None),
        ([Seen(8, "a", 120.0)], 160.0, Verdict(False, "window")),
        ([Sent(7, 120.0), Seen(7, "a", 121.0)], 130.0, Verdict(False, "again")),
        ([Sent(8, 120.0), Seen(7, "a", 121.0)], 130.0, Verdict(True, "alert", "a")),
        ([Seen(7, "a", 110.0), Sent(7, 120.0)], 130.0, Verdict(True, "alert", "a")),
        ([Halted(120.0), Seen(7, "a", 121.0)], 130.0, Verdict(False, "halted")),
        ([Seen(7, "a", 110.0), Halted(120.0)], 130.0, Verdict(True, "alert", "a")),
        ([Halted(161.0)], 170.0, Verdict(False, "window")),
    ],
)
def test_the_first_that_decides_decides(after: list[Happening], now: float, verdict: Verdict | None) -> None:
    assert decide(WALK, after, now) == verdict


def test_only_a_walk_that_a_halt_broke_off_does_not_count() -> None:
    assert Verdict(False, "halted").void
    assert not any(Verdict(False, why).void for why in ("alert", "window", "again"))


@given(after=happenings, now=st.floats(100, 200), more=happenings, later=st.floats(0, 100))
def test_a_verdict_stays_whatever_happens_later(
    after: list[Happening], now: float, more: list[Happening], later: float
) -> None:
    known = [one for one in after if one.at <= now]
    verdict = decide(WALK, known, now)
    if verdict is not None:
        following = [one for one in more if one.at >= now]
        assert decide(WALK, known + following, now + later) == verdict


@given(after=happenings, times=st.lists(st.floats(100, 200), min_size=1, max_size=4, unique=True))
def test_a_sighting_finds_one_walk_at_the_most(after: list[Happening], times: list[float]) -> None:
    """Each walk of a volunteer ends the one before."""
    walks = [Walk(7, at, at + 60.0) for at in sorted(times)]
    sightings = [one for one in after if isinstance(one, Seen)]
    found = 0
    for number, walk in enumerate(walks):
        ahead: list[Happening] = [one for one in sightings if one.at >= walk.at]
        ahead += [Sent(7, later.at) for later in walks[number + 1 :]]
        ahead.sort(key=lambda one: (one.at, isinstance(one, Seen)))
        verdict = decide(walk, ahead, 1000.0)
        assert verdict is not None
        found += verdict.found
    assert found <= sum(one.volunteer == 7 for one in sightings)


@given(after=happenings)
def test_every_walk_is_decided_once_its_window_has_closed(after: list[Happening]) -> None:
    assert decide(WALK, after, WALK.until) is not None
