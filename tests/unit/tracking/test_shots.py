"""A track's best shots are kept, fused, begun anew with the face, and wiped."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.tracking.shots import Evidence, Shot
from lfrd.types import F32
from lfrd.vision.template import Template

DIM = 64


class Person:
    """Somebody whose shots scatter around one direction. likeness: cosine of a shot to the person, about."""

    def __init__(self, seed: int, likeness: float = 0.8) -> None:
        self._rng = np.random.default_rng(seed)
        self.direction = self._unit()
        self._likeness = likeness

    def _unit(self) -> F32:
        vector = self._rng.normal(size=DIM).astype(np.float32)
        return np.asarray(vector / np.linalg.norm(vector), np.float32)

    def shot(self, at: float, worth: float = 30.0) -> Shot:
        noise = self._unit()
        vector = self._likeness * self.direction + np.sqrt(1 - self._likeness**2) * noise
        return Shot(Template(vector.astype(np.float32)), worth, at)


def likeness(evidence: Evidence, person: Person) -> float:
    fused = evidence.fused()
    assert fused is not None
    return float(fused.vector @ person.direction)


def test_the_fused_template_is_nearer_to_the_person_than_any_shot() -> None:
    someone, evidence = Person(1), Evidence(10)
    for i in range(10):
        evidence.add(someone.shot(i * 0.2))
    assert len(evidence) == 10
    assert likeness(evidence, someone) > float((evidence.matrix() @ someone.direction).max()) > 0.7


def test_a_shot_weighs_by_the_square_of_its_worth() -> None:
    evidence = Evidence(3, split_below=-1.0)
    for column, worth in ((0, 10.0), (1, 20.0)):
        vector = np.zeros(4, np.float32)
        vector[column] = 1.0
        evidence.add(Shot(Template(vector), worth, column * 1.0))
    fused = evidence.fused()
    assert fused is not None
    np.testing.assert_allclose(fused.vector, np.array([1, 4, 0, 0]) / np.sqrt(17), rtol=1e-6)


def test_shots_that_are_worth_nothing_are_fused_all_the_same() -> None:
    someone, evidence = Person(1), Evidence(10)
    for i in range(5):
        evidence.add(someone.shot(i * 0.2, worth=0.0))
    assert likeness(evidence, someone) > 0.9


def test_no_shots_make_no_template() -> None:
    evidence = Evidence(3)
    assert evidence.fused() is None
    assert evidence.matrix().shape == (0, 0)
    assert len(evidence) == 0


def test_a_better_shot_takes_the_place_of_the_worst_which_is_wiped() -> None:
    someone, evidence = Person(2), Evidence(2)
    good, bad, better = someone.shot(0.0, 30), someone.shot(0.2, 10), someone.shot(0.4, 40)
    evidence.add(good)
    evidence.add(bad)
    assert evidence.wants(40, 0.4)
    assert evidence.add(better) is bad
    assert not bad.template.vector.any()
    assert good.template.vector.any()
    assert better.template.vector.any()


def test_a_worse_shot_is_not_wanted_and_wiped_where_it_comes_all_the_same() -> None:
    someone, evidence = Person(2), Evidence(1, look_seconds=10)
    evidence.add(someone.shot(0.0, 30))
    assert not evidence.wants(20, 0.4)
    worse = someone.shot(0.4, 20)
    assert evidence.add(worse) is worse
    assert not worse.template.vector.any()
    assert len(evidence) == 1


def test_shots_of_one_moment_share_a_place() -> None:
    someone, evidence = Person(3), Evidence(10, spacing=0.15, look_seconds=10)
    evidence.add(someone.shot(0.0, 30))
    assert not evidence.wants(31, 0.1)  # hardly better: not worth embedding
    assert evidence.wants(40, 0.1)
    evidence.add(someone.shot(0.1, 40))
    assert len(evidence) == 1


def test_a_face_that_grows_with_every_frame_still_fills_its_places() -> None:
    someone, evidence = Person(4), Evidence(10, spacing=0.15)
    for i in range(20):
        if evidence.wants(10 * 1.2**i, i * 0.1):
            evidence.add(someone.shot(i * 0.1, 10 * 1.2**i))
    assert len(evidence) >= 8


def test_wipe_overwrites_every_template_even_those_in_doubt() -> None:
    someone, stranger, evidence = Person(5), Person(6), Evidence(5)
    shots = [someone.shot(i * 0.2) for i in range(4)] + [stranger.shot(1.0), stranger.shot(1.2)]
    for shot in shots:
        evidence.add(shot)
    arrays = [shot.template.vector for shot in shots]
    assert all(array.any() for array in arrays)
    evidence.wipe()
    assert not any(array.any() for array in arrays)
    assert len(evidence) == 0
    assert evidence.fused() is None


def test_a_strangers_earlier_shots_do_not_hide_a_wanted_person_on_the_same_track() -> None:
    stranger, wanted, evidence = Person(7), Person(8), Evidence(10)
    before = [stranger.shot(i * 0.2, worth=50) for i in range(10)]
    for shot in before:
        evidence.add(shot)
    for i in range(4):
        evidence.add(wanted.shot(2.0 + i * 0.2, worth=20))
    assert evidence.starts == 1
    assert len(evidence) == 4
    assert likeness(evidence, wanted) > 0.9
    assert abs(likeness(evidence, stranger)) < 0.4
    assert not any(shot.template.vector.any() for shot in before)


def test_a_wanted_persons_earlier_shots_do_not_accuse_a_stranger() -> None:
    stranger, wanted, evidence = Person(7), Person(8), Evidence(10)
    for i in range(10):
        evidence.add(wanted.shot(i * 0.2))
    for i in range(3):
        evidence.add(stranger.shot(2.0 + i * 0.2))
    assert likeness(evidence, stranger) > 0.9
    assert abs(likeness(evidence, wanted)) < 0.4


def test_single_unlucky_frames_reset_nothing_and_count_for_nothing() -> None:
    someone, evidence = Person(9), Evidence(10)
    unlucky = []
    for i in range(8):
        evidence.add(someone.shot(i * 0.4))
        unlucky.append(Person(100 + i).shot(i * 0.4 + 0.2))
        evidence.add(unlucky[-1])
    assert evidence.starts == 0
    assert len(evidence) == 8
    assert likeness(evidence, someone) > 0.9
    assert not any(shot.template.vector.any() for shot in unlucky[:-1])


def test_blurred_frames_that_do_not_resemble_one_another_are_no_person() -> None:
    someone, evidence = Person(10), Evidence(10)
    for i in range(5):
        evidence.add(someone.shot(i * 0.2))
    blurred = [Person(200 + i).shot(1.0 + i * 0.2) for i in range(6)]
    for shot in blurred:
        evidence.add(shot)
    assert evidence.starts == 0
    assert likeness(evidence, someone) > 0.9
    assert not any(shot.template.vector.any() for shot in blurred[:-1])


def test_a_track_full_of_good_shots_still_looks_now_and_then() -> None:
    someone, evidence = Person(11), Evidence(3, look_seconds=0.5)
    for i in range(3):
        evidence.add(someone.shot(i * 0.2, worth=60))
    assert not evidence.wants(5, 0.8)
    assert evidence.wants(5, 0.9)


def test_a_first_doubt_is_followed_up_at_once() -> None:
    someone, stranger, evidence = Person(12), Person(13), Evidence(3, look_seconds=5)
    for i in range(3):
        evidence.add(someone.shot(i * 0.2, worth=60))
    evidence.add(stranger.shot(1.0, worth=5))
    assert evidence.wants(5, 1.2)


def test_a_settled_track_wants_only_a_better_shot_than_all_it_has_or_one_a_second() -> None:
    someone, evidence = Person(14), Evidence(6)
    for i in range(3):
        evidence.add(someone.shot(i * 0.2, worth=10 + 10 * i))
    assert evidence.wants(20, 0.6)
    evidence.judged(alert=False, nearest=0.2, supports_from=0.4)
    assert evidence.settled
    assert not evidence.wants(32, 0.6)
    assert evidence.wants(33, 0.6)
    assert not evidence.wants(1, 1.3)
    assert evidence.wants(1, 1.5)  # a second after the newest


@pytest.mark.parametrize(
    ("alert", "nearest", "supports_from", "settled"),
    [
        (True, 0.6, 0.4, True),
        (False, 0.5, 0.4, False),  # an alert perhaps, with another shot
        (False, 0.39, 0.4, True),
        (False, 0.41, 0.5, False),  # 0.40 is what two people seldom reach: some do here
        (False, 0.39, 0.5, True),
    ],
)
def test_a_verdict_settles_a_track_that_is_found_or_resembles_nobody(
    alert: bool, nearest: float, supports_from: float, settled: bool
) -> None:
    someone, evidence = Person(15), Evidence(6, split_below=0.40)
    for i in range(3):
        evidence.add(someone.shot(i * 0.2))
    evidence.judged(alert, nearest, supports_from)
    assert evidence.settled == settled
    evidence.judged(alert=False, nearest=0.5, supports_from=0.4)
    assert not evidence.settled  # the newest verdict counts


def test_two_shots_settle_nothing() -> None:
    someone, evidence = Person(16), Evidence(6)
    for i in range(2):
        evidence.add(someone.shot(i * 0.2))
    evidence.judged(alert=True, nearest=0.9, supports_from=0.4)
    assert not evidence.settled


def test_what_settled_a_track_is_forgotten_with_its_face_and_doubts_are_followed_up_all_the_same() -> None:
    stranger, wanted, evidence = Person(7), Person(8), Evidence(6)
    for i in range(6):
        evidence.add(stranger.shot(i * 0.2, worth=50))
    evidence.judged(alert=False, nearest=0.1, supports_from=0.4)
    assert evidence.wants(5, 2.0)
    for i in range(3):
        evidence.add(wanted.shot(2.0 + i * 0.2, worth=5))
        assert evidence.wants(5, 2.2 + i * 0.2)
    assert evidence.starts == 1
    assert not evidence.settled
    evidence.judged(alert=True, nearest=0.8, supports_from=0.4)
    evidence.wipe()
    assert not evidence.settled


@given(
    st.integers(3, 6),
    st.lists(st.tuples(st.floats(0, 0.6), st.floats(0.1, 60)), min_size=3, max_size=15),
    st.floats(0, 2),
    st.floats(0.1, 100),
)
def test_a_settled_track_wants_nothing_more_than_before_and_always_what_is_clearly_better_than_its_best(
    most: int, steps: list[tuple[float, float]], later: float, worth: float
) -> None:
    someone, evidence, at = Person(1), Evidence(most, split_below=-1.0), 0.0
    for step, value in steps:
        at += step
        evidence.add(someone.shot(at, value))
    before = evidence.wants(worth, at + later)
    evidence.judged(alert=False, nearest=-2.0, supports_from=0.4)
    assert evidence.settled == (len(evidence) >= 3)
    after = evidence.wants(worth, at + later)
    assert before or not after
    assert evidence.wants(1.31 * max(shot.worth for shot in evidence.shots()), at + later)
    assert evidence.wants(0.0, at + 1.001)


@pytest.mark.parametrize("bad", [{"most": 0}, {"most": 1, "splits_after": 0}])
def test_limits_that_make_no_sense_are_refused(bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Evidence(**bad)


@given(
    st.integers(1, 6),
    st.lists(st.tuples(st.floats(0, 0.6), st.floats(0, 60), st.integers(0, 2)), max_size=25),
)
def test_whatever_comes_what_is_kept_is_bounded_unit_length_and_all_else_is_wiped(
    most: int, steps: list[tuple[float, float, int]]
) -> None:
    people = [Person(seed) for seed in range(3)]
    evidence = Evidence(most)
    shots = []
    at = 0.0
    for step, worth, who in steps:
        at += step
        shots.append(people[who].shot(at, worth))
        evidence.add(shots[-1])
    alive = sum(bool(shot.template.vector.any()) for shot in shots)
    assert len(evidence) <= most
    assert len(evidence) <= alive <= len(evidence) + 2  # two may be in doubt
    if len(evidence):
        np.testing.assert_allclose(np.linalg.norm(evidence.matrix(), axis=1), 1.0, rtol=1e-5)
    evidence.wipe()
    assert not any(shot.template.vector.any() for shot in shots)
