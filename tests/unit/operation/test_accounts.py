"""What each camera did, as the audit is told it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lfrd.audit.kinds import CameraBack, CameraFailed
from lfrd.operation.accounts import Accounts, Reading


def reading(live: bool = True, frames: int = 0, faces: int = 0, problem: str = "") -> Reading:
    return Reading("Gate", live, frames, frames // 2, faces, problem)


def test_each_telling_holds_what_happened_since_the_one_before() -> None:
    accounts = Accounts("d", 1, 10.0)
    accounts.note([reading(frames=50, faces=3)], 12.0, wanted=True)
    first = accounts.take()
    accounts.note([reading(frames=80, faces=4)], 13.5, wanted=True)
    second = accounts.take()
    assert [(r.frames, r.analysed, r.faces_seen, r.live, r.down) for r in first] == [(50, 25, 3, 2.0, 0.0)]
    assert [(r.frames, r.analysed, r.faces_seen, r.live, r.down) for r in second] == [(30, 15, 1, 1.5, 0.0)]


def test_a_camera_that_should_run_and_does_not_is_down() -> None:
    accounts = Accounts("d", 1, 0.0)
    accounts.note([reading(live=False)], 4.0, wanted=True)
    assert [(r.live, r.down) for r in accounts.take()] == [(0.0, 4.0)]


def test_a_camera_that_nobody_wants_is_neither_live_nor_down() -> None:
    accounts = Accounts("d", 1, 0.0)
    assert accounts.note([reading(live=False)], 4.0, wanted=False) == []
    assert accounts.take() == []


def test_a_failure_is_recorded_once_and_so_is_its_end() -> None:
    accounts = Accounts("d", 1, 0.0)
    failed = reading(live=False, problem="no answer")
    assert accounts.note([failed], 1.0, wanted=True) == [CameraFailed("d", "Gate", "no answer")]
    assert accounts.note([failed], 2.0, wanted=True) == []
    assert accounts.note([reading(live=False)], 3.0, wanted=True) == []  # it opens again
    assert accounts.note([reading()], 4.0, wanted=True) == [CameraBack("d", "Gate")]
    assert accounts.note([reading()], 5.0, wanted=True) == []


def test_a_clock_that_goes_back_counts_no_time() -> None:
    accounts = Accounts("d", 1, 100.0)
    accounts.note([reading()], 40.0, wanted=True)
    assert accounts.take() == []


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 9), st.booleans(), st.booleans()), max_size=30))
def test_the_tellings_add_up_to_the_totals(steps: list[tuple[int, int, bool, bool]]) -> None:
    accounts, told = Accounts("d", 1, 0.0), []
    frames = faces = 0
    for number, (more, seen, live, take) in enumerate(steps, 1):
        frames, faces = frames + more, faces + seen
        accounts.note([reading(live, frames, faces)], float(number), wanted=True)
        told += accounts.take() if take else []
    told += accounts.take()
    assert sum(r.frames for r in told) == frames
    assert sum(r.faces_seen for r in told) == faces
    assert sum(r.live + r.down for r in told) == len(steps)
