"""Faces of one camera become tracks, and tracks end."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfrd.tracking.tracker import Tracker, Update
from lfrd.types import Detections, TrackId
from tests.unit.tracking.crowd import SCENES, Scene, detections, greedy_overlap, ours, score, simulate

SURE, DOUBTFUL = 0.9, 0.4


def make(lost: float = 1.0, longest: float = 60.0, most: int = 50) -> Tracker:
    ids = map(TrackId, itertools.count(1))
    return Tracker(ids=ids, high=0.6, lost_seconds=lost, longest_seconds=longest, most=most)


def face(x: float, y: float = 200.0, size: float = 50.0) -> tuple[float, float, float, float]:
    """A square box by its centre."""
    return x - size / 2, y - size / 2, size, size


def see(tracker: Tracker, at: float, *faces: tuple[float, float, float, float], s: float = SURE) -> Update:
    return tracker.update(detections(list(faces), [s] * len(faces)), at)


def test_one_face_seen_twice_is_one_track_confirmed_at_the_second_time() -> None:
    tracker = make()
    first = see(tracker, 0.0, face(100))
    second = see(tracker, 0.2, face(104))
    assert first.tracks == second.tracks == first.began == second.confirmed == [TrackId(1)]
    assert first.confirmed == second.began == first.ended == second.ended == []


def test_a_face_seen_once_is_never_confirmed() -> None:
    tracker = make()
    see(tracker, 0.0, face(100))
    update = see(tracker, 5.0)
    assert update.ended == [TrackId(1)]
    assert update.confirmed == []


def test_a_doubtful_face_begins_no_track() -> None:
    tracker = make()
    update = see(tracker, 0.0, face(100), s=DOUBTFUL)
    assert update.tracks == [None]
    assert update.began == []
    assert len(tracker) == 0


def test_a_doubtful_face_carries_a_track_and_does_not_confirm_it() -> None:
    tracker = make(lost=0.5)
    see(tracker, 0.0, face(100))
    for at in (0.4, 0.8, 1.2):
        update = see(tracker, at, face(100), s=DOUBTFUL)
        assert update.tracks == [TrackId(1)]
        assert update.confirmed == update.ended == []
    assert see(tracker, 1.6, face(100)).confirmed == [TrackId(1)]


def test_a_confident_face_is_served_before_a_doubtful_one_that_lies_nearer() -> None:
    tracker = make()
    see(tracker, 0.0, face(100))
    see(tracker, 0.2, face(100))
    update = tracker.update(detections([face(106), face(100)], [SURE, DOUBTFUL]), 0.4)
    assert update.tracks == [TrackId(1), None]


@pytest.mark.parametrize("fps", [5, 10, 25])
def test_a_walker_who_crosses_by_more_than_a_face_a_frame_is_one_track(fps: int) -> None:
    tracker = make()
    tracks = {see(tracker, i / fps, face(100 + 300 * i / fps)).tracks[0] for i in range(3 * fps)}
    assert tracks == {TrackId(1)}


@pytest.mark.parametrize("fps", [5, 10, 25])
def test_two_who_cross_and_hide_one_another_keep_their_tracks(fps: int) -> None:
    tracker = make()
    for i in range(4 * fps):
        left, right = face(100 + 80 * i / fps, 200), face(420 - 80 * i / fps, 215)
        hidden = abs(left[0] - right[0]) < 30
        update = see(tracker, i / fps, *([left] if hidden else [left, right]))
        if not hidden:
            assert update.tracks == [TrackId(1), TrackId(2)]


def test_a_walker_behind_a_pillar_comes_out_as_the_same_track() -> None:
    tracker = make()
    for at in np.arange(0, 1.0, 0.1):
        see(tracker, at, face(100 + 150 * at))
    assert see(tracker, 1.7, face(100 + 150 * 1.7)).tracks == [TrackId(1)]


def test_frames_that_come_at_uneven_times_do_not_break_a_track() -> None:
    tracker = make()
    rng = np.random.default_rng(3)
    at = 0.0
    for _ in range(60):
        assert see(tracker, at, face(100 + 200 * at, size=60)).tracks == [TrackId(1)]
        at += rng.uniform(0.02, 0.5)


def test_a_face_of_another_size_in_the_same_place_is_another_track() -> None:
    tracker = make()
    for at in (0.0, 0.1, 0.2):
        see(tracker, at, face(100, size=100))
    assert see(tracker, 0.3, face(100, size=40)).tracks == [TrackId(2)]


def test_a_blow_to_the_camera_moves_all_faces_and_breaks_no_track() -> None:
    tracker = make()
    places = [(100, 200), (260, 220), (400, 190), (520, 260), (700, 240)]
    for at in (0.0, 0.2, 0.4):
        see(tracker, at, *(face(x, y, 40) for x, y in places))
    jolted = [(x + 140, y - 50) for x, y in places]  # as far as one from the next
    for at, now in ((0.6, jolted), (0.8, places)):
        update = see(tracker, at, *(face(x, y, 40) for x, y in now))
        assert update.tracks == [TrackId(k) for k in range(1, 6)]


def test_a_gap_longer_than_lost_seconds_ends_every_track() -> None:
    tracker = make(lost=1.0)
    see(tracker, 0.0, face(100), face(300))
    update = see(tracker, 1.01, face(100))
    assert update.ended == [TrackId(1), TrackId(2)]
    assert update.tracks == update.began == [TrackId(3)]


def test_expire_ends_what_is_overdue_without_a_frame() -> None:
    tracker = make(lost=1.0)
    see(tracker, 0.0, face(100))
    see(tracker, 0.5, face(300))
    assert tracker.expire(1.0) == []
    assert tracker.expire(1.2) == [TrackId(1)]
    assert tracker.expire(1.6) == [TrackId(2)]
    assert len(tracker) == 0


def test_finish_ends_every_track() -> None:
    tracker = make()
    see(tracker, 0.0, face(100), face(300))
    assert tracker.finish() == [TrackId(1), TrackId(2)]
    assert tracker.finish() == []


def test_a_recording_that_starts_again_glues_nobody_to_its_end() -> None:
    tracker = make()
    see(tracker, 10.0, face(100))
    update = see(tracker, 0.0, face(100))
    assert update.ended == [TrackId(1)]
    assert update.tracks == [TrackId(2)]


def test_two_frames_of_the_same_instant_are_one_moment() -> None:
    tracker = make()
    see(tracker, 1.0, face(100))
    assert see(tracker, 1.0, face(101)).tracks == [TrackId(1)]


@pytest.mark.parametrize("at", [math.nan, math.inf])
def test_a_time_that_is_no_number_is_refused(at: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        see(make(), at, face(100))


def test_a_track_older_than_longest_seconds_goes_on_under_a_new_id_and_counts_again() -> None:
    tracker = make(longest=2.0)
    updates = [see(tracker, at / 10, face(100)) for at in range(0, 45, 2)]
    assert [u.ended for u in updates if u.ended] == [[TrackId(1)], [TrackId(2)]]
    assert [u.confirmed for u in updates if u.confirmed] == [[TrackId(1)], [TrackId(2)], [TrackId(3)]]


def test_beyond_most_the_best_scores_have_the_tracks() -> None:
    tracker = make(most=2)
    found = detections([face(100), face(300), face(500)], [0.9, 0.8, 0.7])
    assert tracker.update(found, 0.0).tracks == [TrackId(1), TrackId(2), None]
    assert len(tracker) == 2


def test_nothing_found_and_nothing_followed_is_nothing() -> None:
    assert make().update(Detections.none(), 0.0) == Update([], [], [], [])


@pytest.mark.parametrize("bad", [{"lost": 0.0}, {"longest": 0.0}, {"most": 0}])
def test_limits_that_make_no_sense_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="positive"):
        make(**bad)  # type: ignore[arg-type]


boxes = st.lists(
    st.tuples(
        st.floats(-500, 3000), st.floats(-500, 3000), st.floats(0, 800), st.floats(0, 800), st.floats(0.3, 1)
    ),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-0.5, 3), boxes), max_size=12))
def test_whatever_is_found_each_track_begins_once_ends_once_and_ids_never_return(
    frames: list[tuple[float, list[tuple[float, float, float, float, float]]]],
) -> None:
    tracker = make(most=5, longest=2.0)
    began: list[TrackId] = []
    confirmed: list[TrackId] = []
    ended: list[TrackId] = []
    at = 0.0
    for step, rows in frames:
        at += step
        update = tracker.update(detections([row[:4] for row in rows], [row[4] for row in rows]), at)
        began += update.began
        confirmed += update.confirmed
        ended += update.ended
        carried = [track for track in update.tracks if track is not None]
        assert len(set(carried)) == len(carried) <= len(tracker) <= 5
        assert set(carried) <= set(began) - set(ended)
        assert set(confirmed) <= set(began)
    ended += tracker.finish()
    assert sorted(began) == sorted(ended)
    assert len(set(began)) == len(began)
    assert len(set(confirmed)) == len(confirmed)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_in_a_simulated_crowd_passages_break_and_swap_far_less_than_with_greedy_overlap(scene: Scene) -> None:
    for fps in (5.0, 10.0):
        moments = simulate(scene, fps, seed=7)
        plain, good = score(moments, greedy_overlap()), score(moments, ours())
        assert good.fragments < plain.fragments / 4
        assert good.switches < plain.switches * 0.75
        assert good.carried > 0.95
