"""Who is on post, and until when."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lfrd.operation.posts import REMEMBERED_SECONDS, Posts

GRACE, BEAT = 20.0, 4.0


def test_nobody_is_on_post_at_the_beginning() -> None:
    posts = Posts(GRACE, BEAT)
    assert posts.present(0) == []
    assert not posts.cameras_wanted(0)
    assert posts.next_change(0) is None


def test_an_officer_who_is_lost_stays_on_post_until_the_grace_has_passed() -> None:
    posts = Posts(GRACE, BEAT)
    posts.take("a", "Asha", 100)
    assert posts.next_change(100) == 120
    assert posts.cameras_wanted(119.9)
    assert not posts.cameras_wanted(120)
    assert posts.present(120) == []


def test_a_heartbeat_extends_the_post() -> None:
    posts = Posts(GRACE, BEAT)
    posts.take("a", "Asha", 100)
    assert posts.heard("a", 110)
    assert posts.is_on("a", 129)
    assert posts.next_change(129) == 130


def test_a_heartbeat_after_the_grace_does_not_bring_the_post_back() -> None:
    posts = Posts(GRACE, BEAT)
    posts.take("a", "Asha", 100)
    assert not posts.heard("a", 120)
    assert not posts.cameras_wanted(120)


def test_a_heartbeat_of_somebody_off_post_changes_nothing() -> None:
    posts = Posts(GRACE, BEAT)
    assert not posts.heard("a", 0)
    assert posts.present(0) == []


def test_leaving_is_immediate() -> None:
    posts = Posts(GRACE, BEAT)
    posts.take("a", "Asha", 100)
    posts.off("a", 101)
    assert not posts.cameras_wanted(101)


def test_one_officer_of_two_keeps_the_cameras_running() -> None:
    posts = Posts(GRACE, BEAT)
    posts.take("a", "Asha", 100)
    posts.take("b", "Ben", 110)
    assert posts.present(115) == ["Asha", "Ben"]
    assert posts.next_change(115) == 120
    assert posts.present(125) == ["Ben"]
    assert posts.cameras_wanted(129)
    assert not posts.cameras_wanted(130)


def test_an_officer_with_two_phones_counts_once_and_stays_while_one_is_heard() -> None:
    posts = Posts(GRACE, BEAT)
    posts.take("a", "Asha", 100)
    posts.take("b", "Asha", 100)
    posts.off("a", 101)
    assert posts.present(102) == ["Asha"]
    assert posts.sessions(102) == {"b"}


def test_a_clock_that_goes_back_extends_nothing() -> None:
    posts = Posts(GRACE, BEAT)
    posts.take("a", "Asha", 100)
    assert not posts.cameras_wanted(120)
    assert not posts.cameras_wanted(101)


def test_an_officer_whose_phone_has_missed_two_heartbeats_is_unreachable_and_still_on_post() -> None:
    posts = Posts(GRACE, BEAT)
    posts.take("a", "Asha", 100)
    assert posts.unreachable(109.9) == []
    assert posts.unreachable(110) == ["Asha"]
    assert posts.present(110) == ["Asha"]
    posts.heard("a", 111)
    assert posts.unreachable(112) == []


def test_an_officer_is_reachable_while_one_of_their_phones_is() -> None:
    posts = Posts(GRACE, BEAT)
    posts.take("a", "Asha", 100)
    posts.take("b", "Asha", 109)
    assert posts.unreachable(111) == []
    assert posts.unreachable(119) == ["Asha"]


def test_whoever_has_lost_their_post_is_not_shown_as_unreachable() -> None:
    posts = Posts(GRACE, BEAT)
    posts.take("a", "Asha", 100)
    assert posts.unreachable(120) == []


steps = st.lists(
    st.tuples(
        st.sampled_from(["take", "heard", "off"]),
        st.sampled_from(["a", "b", "c"]),
        st.floats(0, 30, allow_nan=False),
    ),
    max_size=30,
)


@given(steps)
def test_cameras_are_wanted_exactly_while_somebody_was_heard_within_the_grace(
    given_steps: list[tuple[str, str, float]],
) -> None:
    posts = Posts(GRACE, BEAT)
    heard: dict[str, float] = {}  # by session, as the rule says it
    now = 0.0
    for what, who, pause in given_steps:
        now += pause
        on = who in heard and now < heard[who] + GRACE
        match what:
            case "take":
                posts.take(who, who, now)
                heard[who] = now
            case "heard":
                assert posts.heard(who, now) == on
                if on:
                    heard[who] = now
            case _:
                posts.off(who, now)
                heard.pop(who, None)
        present = sorted(name for name, at in heard.items() if now < at + GRACE)
        assert posts.present(now) == present
        assert posts.cameras_wanted(now) == bool(present)
        lapses = [at + GRACE for at in heard.values() if now < at + GRACE]
        assert posts.next_change(now) == min(lapses, default=None)


def test_who_has_fallen_silent_is_told_of_beyond_the_grace_and_who_has_left_is_not() -> None:
    posts = Posts(GRACE, BEAT)
    for session in ("a", "b", "c"):
        posts.take(session, session, 100)
    posts.heard("b", 110)
    posts.off("c", 111)
    assert posts.silences(115) == {"a": 15, "b": 5}
    posts.take("d", "d", 130)  # which clears away what is long over, and nothing else
    assert posts.silences(130) == {"a": 30, "b": 20, "d": 0}
    assert posts.sessions(130) == {"d"}
    assert posts.silences(100 + REMEMBERED_SECONDS) == {
        "b": REMEMBERED_SECONDS - 10,
        "d": REMEMBERED_SECONDS - 30,
    }
