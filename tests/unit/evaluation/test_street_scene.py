"""Whose alert is right, and what each miss was lost to: one clip at a time, with templates made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lfrd.config import Config
from lfrd.decision.rule import Rule
from lfrd.evaluation.looks import Seen
from lfrd.evaluation.street import Passage, Truth
from lfrd.evaluation.street_scene import Alert, Crossing, Scene, crowd
from lfrd.evaluation.street_truth import Noted
from lfrd.gallery.index import Gallery
from lfrd.types import F32, Box, NominalId, Quality, Refusal, TrackId

GOOD = Quality(30.0, 40.0, 0.1, -0.2, 0.0, 120.0, 0.0)
ONE, TWO = TrackId(1), TrackId(2)
A, B, C = np.eye(3, dtype=np.float32)
GALLERY = Gallery({NominalId("a"): A[None], NominalId("b"): B[None]}, dim=3)
RULE = Rule(threshold=0.8, least_shots=3, agreement=0.5)
TIMES = [0.0, 0.2, 0.4, 0.6, 0.8]


def like(person: F32, score: float) -> F32:
    """A template with that score to a person, and none to anybody else listed."""
    return np.asarray(score * person + np.sqrt(1 - score**2) * C, np.float32)


def faces(template: F32, x: float = 10, times: list[float] = TIMES, why: Refusal | None = None) -> list[Seen]:
    return [Seen(at, Box(x, 10, 40, 50), GOOD, why, template.copy()) for at in times]


def passage(person: str, x: float = 10, times: list[float] = TIMES) -> Passage:
    return Passage(person, [(at, x, 10.0, 40.0, 50.0) for at in times])


def alert(person: str, track: TrackId, at: float, x: float = 10) -> Alert:
    return Alert(NominalId(person), track, at, 0.9, Box(x, 10, 40, 50))


def scene(passages: list[Passage], tracks: dict[TrackId, list[Seen]]) -> Scene:
    return Scene(Truth(passages), tracks, GALLERY, Config(), RULE, split_below=0.3)


def crossed(made: Scene, raised: list[Alert], refused: frozenset[str] = frozenset()) -> list[Crossing]:
    numbers: dict[str, int] = {}
    listed = frozenset({"a", "b"})
    return [made.crossing(one, raised, listed, refused, numbers) for one in made.truth.passages]


def cause(tracks: dict[TrackId, list[Seen]], passages: list[Passage] | None = None) -> str | None:
    return crossed(scene(passages or [passage("a")], tracks), [])[0].cause


def test_the_right_alert_finds_its_passage_and_the_time_runs_from_the_first_visible_moment() -> None:
    made = scene([passage("a", times=[1.0, 1.2, 1.4])], {ONE: faces(like(A, 0.95), times=[1.0, 1.2, 1.4])})
    (one,) = crossed(made, [alert("a", ONE, 1.4), alert("a", ONE, 1.2)])
    assert (one.sought, one.cause) == (True, None)
    assert one.to_alert == pytest.approx(0.2)
    assert (one.width, one.turned, one.exposure, one.tracks) == (40, 0.2, 120, 1)


def test_pose_and_light_are_those_of_the_best_usable_face() -> None:
    poor = Quality(30.0, 40.0, 0.6, 0.0, 0.0, 50.0, 0.0)
    large = Quality(60.0, 90.0, 0.0, 0.0, 0.0, 200.0, 0.0)
    kinds = [(poor, None), (GOOD, None), (poor, None), (large, Refusal.BLURRED)]
    held = [
        replace(face, quality=quality, refusal=why)
        for face, (quality, why) in zip(faces(like(A, 0.95)), kinds, strict=False)
    ]
    (one,) = crossed(scene([passage("a")], {ONE: held}), [])
    assert (one.turned, one.exposure) == (0.2, 120)


def test_an_alert_for_whoever_is_not_there_is_false_and_finds_nobody() -> None:
    made = scene([passage("a"), passage("b", x=300)], {ONE: faces(like(A, 0.95))})
    wrong = [alert("b", ONE, 0.4), alert("c", ONE, 0.4), alert("a", TWO, 0.4, x=600)]
    assert [made.is_right(one) for one in wrong] == [False] * 3
    assert all(one.to_alert is None for one in crossed(made, wrong))


def test_an_alert_on_the_right_face_counts_though_the_second_look_has_no_such_track() -> None:
    made = scene([passage("a")], {})
    assert made.is_right(alert("a", TWO, 0.4))
    assert not made.is_right(alert("a", TWO, 2.0))


def test_an_alert_for_one_of_two_people_on_one_track_is_right() -> None:
    both = faces(like(A, 0.95), times=[0.0, 0.2, 0.4]) + faces(like(B, 0.95), x=100, times=[0.6, 0.8])
    made = scene([passage("a"), passage("b", x=100)], {ONE: both})
    assert made.is_right(alert("b", ONE, 0.8, x=100))
    assert made.is_right(alert("a", ONE, 0.8, x=100))  # the track's earlier person


def test_without_boxes_an_alert_counts_while_the_person_passes_or_half_a_second_beside() -> None:
    made = scene([Noted("a", [], (2.0, 4.0))], {ONE: faces(like(A, 0.95))})
    assert [made.is_right(alert("a", ONE, at)) for at in (1.4, 1.6, 3.0, 4.4, 4.6)] == [
        False,
        True,
        True,
        True,
        False,
    ]
    assert not made.is_right(alert("b", ONE, 3.0))
    (missed,) = crossed(made, [])
    assert (missed.cause, missed.width, missed.turned) == ("not_explained", None, None)


def test_a_stranger_and_somebody_whom_enrolment_refused_are_not_sought() -> None:
    made = scene([passage("x"), passage("r", x=300), passage("x", x=600)], {})
    strange, refused, again = crossed(made, [], frozenset({"r"}))
    assert (strange.sought, strange.refused, strange.cause) == (False, False, None)
    assert (refused.sought, refused.refused) == (False, True)
    assert strange.person == again.person != refused.person


def test_a_face_that_no_track_holds_was_not_detected() -> None:
    assert cause({}) == "not_detected"
    assert cause({ONE: faces(like(A, 0.95), x=300)}) == "not_detected"


def test_faces_that_are_all_refused_are_lost_to_the_most_frequent_reason() -> None:
    poor = faces(like(A, 0.95), times=TIMES[:2], why=Refusal.SMALL)
    assert cause({ONE: poor + faces(like(A, 0.95), times=TIMES[2:], why=Refusal.BLURRED)}) == "blurred"


def test_too_few_usable_faces_are_no_fault_of_tracking() -> None:
    usable = faces(like(A, 0.95), times=TIMES[:2])
    assert cause({ONE: usable + faces(like(A, 0.95), times=TIMES[2:], why=Refusal.POSE)}) == "too_few_shots"


def test_a_passage_that_would_alert_as_one_track_was_broken() -> None:
    split = {ONE: faces(like(A, 0.95), times=TIMES[:2]), TWO: faces(like(A, 0.95), times=TIMES[2:4])}
    assert cause(split) == "broken"


def test_a_passage_that_would_alert_alone_was_glued() -> None:
    # Too few of either person's faces to begin anew, and the mean of both is neither.
    late = [round(at + 1, 1) for at in TIMES]
    mixed = faces(like(B, 0.99), x=100) + faces(like(A, 0.82), times=late)
    held = [replace(face, quality=replace(GOOD, eye_distance=15.0)) for face in mixed[5:]]
    people = [passage("a", times=late), passage("b", x=100)]
    made = Scene(Truth(people), {ONE: mixed[:5] + held}, GALLERY, Config(), RULE, split_below=-1.0)
    assert crossed(made, [])[0].cause == "glued"


def test_the_decision_s_own_reasons() -> None:
    assert cause({ONE: faces(like(A, 0.6))}) == "below_threshold"
    assert cause({ONE: faces(like(B, 0.95))}) == "somebody_nearer"
    # The mean is the person's; most single shots are nearer to somebody else.
    shots = [*[np.asarray([0.66, 0.68, 0.3], np.float32)] * 3, like(A, 0.99), like(A, 0.99)]
    made = [
        Seen(at, Box(10, 10, 40, 50), GOOD, None, shot / np.linalg.norm(shot))
        for at, shot in zip(TIMES, shots, strict=True)
    ]
    assert cause({ONE: made}) == "disagreement"


def test_a_miss_that_the_second_look_does_not_see_is_not_explained() -> None:
    assert cause({ONE: faces(like(A, 0.95))}) == "not_explained"


def test_another_threshold_finds_others_and_a_track_is_searched_without_its_own_person() -> None:
    made = scene(
        [passage("a"), passage("x", x=300)], {ONE: faces(like(A, 0.6)), TWO: faces(like(B, 0.5), x=300)}
    )
    rows = [made.row(score, frozenset({"a", "b"})) for score in (0.45, 0.55, 0.8)]
    assert [row.found for row in rows] == [[True, False], [True, False], [False, False]]
    # The stranger looks like b by 0.5; a's own track, without a on the list, like nobody.
    assert [row.non_mated for row in rows] == [1, 0, 0]


def test_without_boxes_a_track_is_searched_without_all_who_pass_meanwhile() -> None:
    made = scene([Noted("a", [], (0.0, 1.0))], {ONE: faces(like(A, 0.9))})
    assert made.row(0.8, frozenset({"a", "b"})).non_mated == 0
    made = scene([Noted("a", [], (10.0, 11.0))], {ONE: faces(like(A, 0.9))})
    assert made.row(0.8, frozenset({"a", "b"})).non_mated == 1


def test_the_crowd_is_who_is_in_view_on_average_over_the_passage() -> None:
    one, whole, half, none = (
        Noted(name, [], times)
        for name, times in (("a", (2.0, 4.0)), ("b", (0.0, 9.0)), ("c", (3.0, 5.0)), ("d", (6.0, 7.0)))
    )
    assert crowd(one, [one, whole, half, none]) == pytest.approx(2.5)
    assert crowd(one, [one]) == 1
    moment = Noted("e", [], (3.5, 3.5))
    assert crowd(moment, [one, whole, half, none, moment]) == 4
