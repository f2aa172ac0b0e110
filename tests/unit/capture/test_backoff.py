from __future__ import annotations

from lfrd.capture.backoff import JITTER, Backoff


def test_pauses_double_up_to_the_longest() -> None:
    backoff = Backoff(1, 5, chance=lambda: 0.0)
    assert [backoff.failed() for _ in range(5)] == [1, 2, 4, 5, 5]


def test_a_camera_that_worked_begins_with_the_shortest_pause_again() -> None:
    backoff = Backoff(1, 30, chance=lambda: 0.0)
    backoff.failed()
    backoff.worked()
    assert backoff.failed() == 1


def test_pauses_are_stretched_by_chance_so_that_cameras_fall_out_of_step() -> None:
    assert Backoff(1, 30, chance=lambda: 1.0).failed() == 1 + JITTER


def test_a_camera_that_has_failed_for_a_year_still_waits_the_longest_pause() -> None:
    backoff = Backoff(1, 30, chance=lambda: 0.0)
    assert [backoff.failed() for _ in range(100_000)][-1] == 30
