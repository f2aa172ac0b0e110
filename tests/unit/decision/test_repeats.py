"""A repeat is a sighting; another person's alert is never swallowed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.decision.repeats import Filing, Known, NewAlert, Repeats, Sighting
from lfrd.types import AlertId, CameraId, NominalId, TrackId

ANNA, BORIS = NominalId("anna"), NominalId("boris")
NORTH, SOUTH = CameraId("north"), CameraId("south")
FIRST = AlertId("first")


def filed(repeats: Repeats, nominal: NominalId, track: int, at: float, camera: CameraId = NORTH) -> Filing:
    return repeats.file(nominal, camera, TrackId(track), at)


def alerted(seconds: float = 300.0) -> Repeats:
    """Anna's alert stands since 0 s, from track 1 in the north."""
    repeats = Repeats(seconds)
    assert filed(repeats, ANNA, 1, 0.0) == NewAlert()
    repeats.attach(ANNA, FIRST)
    return repeats


def test_the_same_track_is_filed_once() -> None:
    repeats = alerted()
    assert filed(repeats, ANNA, 1, 0.2) == Known(FIRST)


def test_a_second_track_within_the_time_is_a_sighting_on_any_camera() -> None:
    repeats = alerted()
    assert filed(repeats, ANNA, 2, 100, SOUTH) == Sighting(FIRST)
    assert filed(repeats, ANNA, 2, 101, SOUTH) == Known(FIRST)


def test_the_same_track_number_on_another_camera_is_another_passage() -> None:
    assert filed(alerted(), ANNA, 1, 10, SOUTH) == Sighting(FIRST)


def test_the_time_runs_from_the_last_sighting() -> None:
    repeats = alerted(300)
    assert filed(repeats, ANNA, 2, 250) == Sighting(FIRST)
    assert filed(repeats, ANNA, 3, 500) == Sighting(FIRST)
    assert filed(repeats, ANNA, 4, 801) == NewAlert()


def test_somebody_who_stays_in_view_is_being_seen() -> None:
    repeats = alerted(300)
    for at in range(0, 1000, 50):
        assert filed(repeats, ANNA, 1, at) == Known(FIRST)
    assert filed(repeats, ANNA, 2, 1200) == Sighting(FIRST)


def test_a_passage_after_the_alert_was_closed_is_a_new_alert_and_the_passage_before_it_is_not() -> None:
    repeats = alerted()
    repeats.forget(FIRST)
    assert filed(repeats, ANNA, 1, 1.0) == Known(FIRST)
    assert filed(repeats, ANNA, 2, 2.0) == NewAlert()


def test_an_alert_that_is_forgotten_with_its_passages_is_raised_anew_by_the_same_track() -> None:
    repeats = alerted()
    repeats.forget(FIRST, passages=True)
    assert filed(repeats, ANNA, 1, 1.0) == NewAlert()


def test_another_deployment_begins_with_nobody_known() -> None:
    repeats = alerted()
    repeats.clear()
    assert len(repeats) == 0
    assert filed(repeats, ANNA, 1, 1.0) == NewAlert()


def test_another_persons_alert_is_not_swallowed_even_from_the_same_track() -> None:
    repeats = alerted()
    assert filed(repeats, BORIS, 1, 0.2) == NewAlert()
    repeats.attach(BORIS, AlertId("second"))
    assert filed(repeats, BORIS, 2, 5) == Sighting(AlertId("second"))
    assert filed(repeats, ANNA, 3, 5) == Sighting(FIRST)


def test_an_alert_that_was_never_stored_swallows_nothing() -> None:
    repeats = Repeats(300)
    assert filed(repeats, ANNA, 1, 0.0) == NewAlert()
    assert filed(repeats, ANNA, 1, 0.2) == NewAlert()
    assert filed(repeats, ANNA, 2, 0.4) == NewAlert()


def test_with_no_repeat_time_each_track_alerts_once() -> None:
    repeats = alerted(0.0)
    assert filed(repeats, ANNA, 1, 0.2) == Known(FIRST)
    assert filed(repeats, ANNA, 2, 5.0) == NewAlert()


def test_a_clock_set_far_back_hides_nobody() -> None:
    repeats = Repeats(300)
    filed(repeats, ANNA, 1, 10_000)
    repeats.attach(ANNA, FIRST)
    assert filed(repeats, ANNA, 2, 0) == NewAlert()


def test_cameras_that_lag_a_little_do_not_turn_back_the_last_sighting() -> None:
    repeats = alerted(10)
    assert filed(repeats, ANNA, 2, 9) == Sighting(FIRST)
    assert filed(repeats, ANNA, 3, 5, SOUTH) == Sighting(FIRST)
    assert filed(repeats, ANNA, 4, 18) == Sighting(FIRST)


def test_stored_alerts_are_taken_up_after_a_restart() -> None:
    repeats = Repeats(300)
    repeats.restore(ANNA, AlertId("older"), 100)
    repeats.restore(ANNA, AlertId("newest"), 900)
    repeats.restore(ANNA, AlertId("middle"), 500)
    assert filed(repeats, ANNA, 1, 1000) == Sighting(AlertId("newest"))
    assert filed(repeats, BORIS, 1, 1000) == NewAlert()


def test_to_attach_what_was_never_filed_is_a_fault() -> None:
    with pytest.raises(KeyError):
        Repeats(300).attach(ANNA, FIRST)


def test_memory_is_bounded_and_the_longest_unseen_is_forgotten_first() -> None:
    repeats = Repeats(1e9, most=3)
    for number in range(5):
        name = NominalId(f"n{number}")
        assert filed(repeats, name, number, number) == NewAlert()
        repeats.attach(name, AlertId(f"a{number}"))
    assert len(repeats) == 3
    assert filed(repeats, NominalId("n0"), 9, 6) == NewAlert()
    assert filed(repeats, NominalId("n4"), 9, 6) == Sighting(AlertId("a4"))


@pytest.mark.parametrize("bad", [(-1.0, 10), (1.0, 0)])
def test_limits_without_sense_are_refused(bad: tuple[float, int]) -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        Repeats(bad[0], most=bad[1])


findings = st.lists(
    st.tuples(st.sampled_from([ANNA, BORIS]), st.sampled_from([NORTH, SOUTH]), st.integers(1, 3)),
    max_size=30,
)


@given(findings, st.floats(0, 100), st.floats(0.1, 50))
def test_each_nominal_is_filed_as_if_it_were_alone(
    seen: list[tuple[NominalId, CameraId, int]], seconds: float, step: float
) -> None:
    def run(only: NominalId | None) -> list[tuple[NominalId, Filing]]:
        repeats = Repeats(seconds)
        out: list[tuple[NominalId, Filing]] = []
        for i, (nominal, camera, track) in enumerate(seen):
            if only is not None and nominal != only:
                continue
            filing = repeats.file(nominal, camera, TrackId(track), i * step)
            if isinstance(filing, NewAlert):
                repeats.attach(nominal, AlertId(f"{nominal}-{i}"))
            out.append((nominal, filing))
        return out

    together = run(None)
    for nominal in (ANNA, BORIS):
        assert [f for f in together if f[0] == nominal] == run(nominal)
    first = dict(reversed(together))
    assert all(isinstance(filing, NewAlert) for filing in first.values())
