"""Cells of few people, kept out of what is published: who stands alone in a table can be told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lfrd.evaluation.cohorts import Labels

LEAST_PEOPLE: Final = 5
"""People behind a published cell, at least."""
UNDECLARED, TOGETHER, NOWHERE = -1, -2, -3
"""Instead of a cohort's number: nothing declared; in the pool of small cells; in no table."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Who stands in which row of one variable's table for one rate.

    cohorts: names of the rows that are compared. of: int [people], the number of the person's row, or
    UNDECLARED, TOGETHER, NOWHERE. pooled: cohorts that stand in the pool; with_undeclared: the pool has taken
    in those who declared nothing, since it was too small by itself.
    """

    name: str
    cohorts: tuple[str, ...]
    of: NDArray[np.intp] = field(repr=False)
    pooled: int
    with_undeclared: bool


def cells(
    variables: Sequence[Labels], present: NDArray[np.bool_], least: int = LEAST_PEOPLE
) -> tuple[list[Cells], int]:
    """The rows of each variable's table for the people (bool [people]) behind one rate, and how many people
    stand in none.

    Cohorts of fewer than `least` people are pooled. A pool that is too small by itself takes in whoever
    declared nothing; where even that is too few, its people are left out of every table of this rate, so that
    nobody finds them by subtracting one table from another. Tables of an intersection stand beside those of
    its two variables: of each row and column there, either none or at least `least` people are hidden, or the
    next smallest cell is hidden with them. (The usual rules of statistical disclosure control: primary and
    secondary suppression, as in A. Hundepool and others, Statistical Disclosure Control, Wiley 2012, ch. 4.)
    Raises ValueError for least < 1.
    """
    if least < 1:
        raise ValueError(f"a cell has at least one person, not {least}")
    kept = present.copy()
    while True:
        hidden = [_hidden(labels, kept, least) for labels in variables]
        out = np.zeros(len(kept), np.bool_)
        for pool in hidden:
            if 0 < np.count_nonzero(pool) < least:
                out |= pool
        if not out.any():
            break
        kept &= ~out  # others may be too few without them, so all is looked at again
    made = [_cells(labels, kept, pool) for labels, pool in zip(variables, hidden, strict=True)]
    return made, int(np.count_nonzero(present & ~kept))


def _hidden(labels: Labels, kept: NDArray[np.bool_], least: int) -> NDArray[np.bool_]:
    """Bool [people]: who does not stand in a row of their own cohort."""
    undeclared = kept & (labels.of == UNDECLARED)
    sizes = np.bincount(labels.of[kept & ~undeclared], minlength=max(1, len(labels.cohorts)))
    small = (sizes > 0) & (sizes < least)
    pool: NDArray[np.bool_] = kept & ~undeclared & small[labels.of]
    if labels.sides:
        pool = _hidden_in_lines(labels, kept, pool, undeclared, sizes, least)
    few = np.count_nonzero(undeclared) < least
    if few or 0 < np.count_nonzero(pool) < least:
        pool |= undeclared
    return pool


def _hidden_in_lines(
    labels: Labels,
    kept: NDArray[np.bool_],
    pool: NDArray[np.bool_],
    undeclared: NDArray[np.bool_],
    sizes: NDArray[np.intp],
    least: int,
) -> NDArray[np.bool_]:
    """The pool of an intersection, grown until no line of its table gives away fewer than `least` people."""
    lines = [kept & (side == line) for side in labels.sides for line in range(int(side.max(initial=-1)) + 1)]
    while True:
        for line in lines:
            shown = line & ~pool & ~undeclared
            if 0 < np.count_nonzero(line & ~shown) < least and shown.any():
                there = np.unique(labels.of[shown])
                pool = pool | (kept & (labels.of == there[np.argmin(sizes[there])]))
                break
        else:
            return pool


def _cells(labels: Labels, kept: NDArray[np.bool_], pool: NDArray[np.bool_]) -> Cells:
    shown = kept & ~pool & (labels.of != UNDECLARED)
    numbers = np.unique(labels.of[shown])
    of = np.full(len(kept), NOWHERE, np.intp)
    of[kept & (labels.of == UNDECLARED)] = UNDECLARED
    of[pool] = TOGETHER
    of[shown] = np.searchsorted(numbers, labels.of[shown])
    pooled = labels.of[pool]
    return Cells(
        labels.name,
        tuple(labels.cohorts[number] for number in numbers),
        of,
        len(np.unique(pooled[pooled != UNDECLARED])),
        bool((pooled == UNDECLARED).any()),
    )
