"""No published cell has few people behind it, nor can one be had by subtraction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lfrd.evaluation.cohorts import Labels
from lfrd.evaluation.small_cells import NOWHERE, TOGETHER, UNDECLARED, Cells, cells


def variable(*sizes: int, undeclared: int = 0) -> Labels:
    """People in order of their cohorts, those without one last."""
    of = np.repeat(np.arange(len(sizes)), sizes)
    return Labels(
        "v", tuple("abcdefgh"[: len(sizes)]), np.concatenate([of, np.full(undeclared, -1)]).astype(np.intp)
    )


def made(labels: Labels, least: int = 5) -> tuple[Cells, int]:
    (one,), out = cells([labels], np.ones(len(labels.of), np.bool_), least)
    return one, out


def people(cells_: Cells, row: int) -> int:
    return int((cells_.of == row).sum())


def test_cohorts_of_enough_people_stand_by_themselves() -> None:
    one, out = made(variable(5, 8, undeclared=6))
    assert (one.cohorts, one.pooled, out) == (("a", "b"), 0, 0)
    assert [people(one, row) for row in (0, 1, UNDECLARED)] == [5, 8, 6]


def test_small_cohorts_are_pooled() -> None:
    one, out = made(variable(9, 4, 3, 9))
    assert (one.cohorts, one.pooled, one.with_undeclared, out) == (("a", "d"), 2, False, 0)
    assert people(one, TOGETHER) == 7


def test_a_pool_that_is_too_small_takes_in_who_declared_nothing() -> None:
    one, out = made(variable(9, 4, undeclared=30))
    assert (one.cohorts, one.with_undeclared, out) == (("a",), True, 0)
    assert people(one, TOGETHER) == 34
    assert people(one, UNDECLARED) == 0


def test_a_pool_that_stays_too_small_is_left_out_of_every_table() -> None:
    first = variable(9, 9, 2)
    second = variable(20)
    (one, other), out = cells([first, second], np.ones(20, np.bool_))
    assert out == 2
    assert [people(one, row) for row in (0, 1, NOWHERE)] == [9, 9, 2]
    assert [people(other, row) for row in (0, NOWHERE)] == [18, 2]


def test_who_has_no_trial_stands_nowhere() -> None:
    labels = variable(6, 6)
    present = np.ones(12, np.bool_)
    present[0] = False
    (one,), out = cells([labels], present)
    assert (one.of[0], out) == (NOWHERE, 0)


def test_with_nobody_there_are_no_cohorts() -> None:
    (one,), out = cells([variable(6)], np.zeros(6, np.bool_))
    assert (one.cohorts, out) == ((), 0)
    (one,), out = cells([Labels("v", (), np.full(7, -1, np.intp))], np.ones(7, np.bool_))
    assert (one.cohorts, people(one, UNDECLARED)) == ((), 7)


def test_a_cell_of_nobody_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one person"):
        cells([variable(6)], np.ones(6, np.bool_), 0)


@st.composite
def crossed(draw: st.DrawFn) -> tuple[list[Labels], NDArray[np.bool_]]:
    """Two variables and their intersection, with people of whom some declared nothing."""
    count = draw(st.integers(1, 80))
    sides = [
        np.array(draw(st.lists(st.integers(-1, 3), min_size=count, max_size=count)), np.intp)
        for _ in range(2)
    ]
    names = tuple("abcd")
    both = np.where((sides[0] >= 0) & (sides[1] >= 0), sides[0] * 4 + sides[1], -1).astype(np.intp)
    squares = tuple(a + b for a in names for b in names)
    present = np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)), np.bool_)
    variables = [
        Labels("a", names, sides[0]),
        Labels("b", names, sides[1]),
        Labels("both", squares, both, (sides[0], sides[1])),
    ]
    return variables, present


@given(crossed(), st.integers(1, 9))
def test_every_cell_and_all_that_is_hidden_in_a_line_has_enough_people(
    drawn: tuple[list[Labels], NDArray[np.bool_]], least: int
) -> None:
    variables, present = drawn
    tables, out = cells(variables, present, least)
    kept = tables[0].of != NOWHERE
    assert int((present & ~kept).sum()) == out
    for labels, table in zip(variables, tables, strict=True):
        assert ((table.of != NOWHERE) == kept).all()
        for row in range(TOGETHER, len(table.cohorts)):
            assert people(table, row) == 0 or people(table, row) >= least
        for row, cohort in enumerate(table.cohorts):
            assert {labels.cohorts[number] for number in labels.of[table.of == row]} == {cohort}
    cross, square = tables[2], variables[2]
    for side in square.sides:
        for line in range(4):
            there = kept & (side == line)
            hidden = int((there & (cross.of < 0)).sum())
            assert hidden == 0 or hidden >= least or hidden == int(there.sum())
