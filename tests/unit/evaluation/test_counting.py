"""Counting alerts against the truth: who was found, and who was taken for somebody else."""

from __future__ import annotations

import pytest

from lfrd.evaluation.counting import Hit, Tally
from lfrd.evaluation.street import Passage, Truth
from lfrd.types import Box

HERE, THERE = (100.0, 100.0, 50.0, 60.0), (400.0, 100.0, 50.0, 60.0)
TRUTH = Truth(
    [
        Passage("A", [(1.0, *HERE), (2.0, *HERE)]),
        Passage("B", [(1.0, *THERE), (2.0, *THERE)]),
        Passage("A", [(9.0, *HERE), (10.0, *HERE)]),
    ]
)
SOUGHT = frozenset({"A"})


def counted(*hits: Hit) -> tuple[int, int, int]:
    tally = Tally()
    tally.add(TRUTH, SOUGHT, hits)
    return tally.sought, tally.found, tally.false_alerts


def test_each_passage_of_a_sought_person_counts_and_is_found_once() -> None:
    first = Hit("A", 1.5, Box(*HERE))
    assert counted() == (2, 0, 0)
    assert counted(first, first) == (2, 1, 0)
    assert counted(first, Hit("A", 9.5, Box(*HERE))) == (2, 2, 0)


@pytest.mark.parametrize(
    "hit",
    [
        Hit("A", 1.5, Box(*THERE)),  # on another's face
        Hit("A", 5.0, Box(*HERE)),  # while nobody is there
        Hit("C", 1.5, Box(*HERE)),  # somebody who never came
        Hit("B", 1.5, Box(*THERE)),  # rightly named, but nobody looks for them
    ],
)
def test_an_alert_on_a_face_that_is_not_the_sought_persons_is_false(hit: Hit) -> None:
    assert counted(hit) == (2, 0, 1)
    assert counted(hit, hit) == (2, 0, 1)  # once a person and clip


def test_clips_are_added_up_and_no_passage_is_no_share() -> None:
    tally = Tally()
    assert tally.tpir == 0
    tally.add(TRUTH, SOUGHT, [Hit("A", 1.5, Box(*HERE))])
    tally.add(TRUTH, SOUGHT, [])
    assert (tally.sought, tally.found, tally.tpir) == (4, 1, 0.25)
