"""Rates of cohorts compared: what differs, what is shown to be alike, and what the sample cannot tell."""

from __future__ import annotations

import enum
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from lfrd.evaluation.bootstrap import clustered
from lfrd.evaluation.cohorts import Labels
from lfrd.evaluation.grouped import Grouped, Rate, Trials
from lfrd.evaluation.likeness import (
    Counts,
    Spread,
    alike_p,
    difference,
    pairwise,
    smallest_visible,
    spread_of,
)
from lfrd.evaluation.proportions import holm
from lfrd.evaluation.small_cells import LEAST_PEOPLE, TOGETHER, UNDECLARED, Cells, cells
from lfrd.policy.intervals import Interval

Kind = Literal["cohort", "pool", "undeclared"]
LEAST_SHUFFLES: Final = 9_999
CHANCE_SHUFFLES: Final = 2_000
"""For how far apart alike cohorts seem: a figure to set beside another, not a test."""


class Verdict(enum.StrEnum):
    """All that is ever said of a variable and a rate."""

    DIFFERENCE = "a difference was shown"
    SMALL_DIFFERENCE = "a difference was shown, and it is smaller than the margin"
    EQUIVALENCE = "equivalence within the margin was shown"
    UNDECIDED = "the sample cannot tell"


class Reason(enum.StrEnum):
    """Why nothing could be compared, where that is so."""

    NONE = ""
    ONE_COHORT = "fewer than two cohorts have enough people"
    NOBODY_FOUND = "nobody of any cohort was found"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, declared before anybody looks. margin: the largest difference, 0..1, that counts as
    equivalent; factor: for FPIR instead the largest ratio, > 1, since rates of one in a thousand all lie
    within any margin. confidence: 1 - confidence is the largest chance that any difference is claimed where
    there is none, and the same for equivalence. power: the chance wanted of seeing a difference. least: the
    fewest people in a published cell."""

    margin: float = 0.05
    factor: float = 2.0
    confidence: float = 0.95
    power: float = 0.8
    least: int = LEAST_PEOPLE
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Row:
    """A cohort; the pool of small ones; or who declared nothing, alone ('undeclared') or in the pool. Only
    cohorts are compared. share: NaN of nobody. low, high: its interval, clustered by person."""

    kind: Kind
    cohort: str
    people: int
    trials: int
    hits: int
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Pair:
    """Two cohorts. difference: the first's share less the second's; low, high: its interval, such that those
    of all pairs of the variable hold at once. p: of a test of no difference; corrected: by Holm, for all
    tests made. visible: the smallest difference that this sample would have shown with the power wanted, at
    Holm's first step; None where not even the largest."""

    first: str
    second: str
    difference: float
    low: float
    high: float
    p: float
    corrected: float
    visible: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """One variable by one rate.

    pooled: small cohorts in the pool; with_undeclared: who declared nothing is in it too; left_out: people
    who stand in no table. agreement: how far a person's trials agree, 0..1. ratio: of the largest share to
    the smallest; miss_ratio: for TPIR the same of FNIR. chance_ratio: what the ratio of alike cohorts of
    these sizes stays below, with the question's confidence; None where nobody hits. All three are None with
    fewer than two cohorts. alike_p: of the test that all cohorts lie within the margin; alike_corrected: by
    Holm; None where there is nothing to compare.
    """

    variable: str
    rate: Rate
    rows: tuple[Row, ...]
    pooled: int
    with_undeclared: bool
    left_out: int
    agreement: float
    pairs: tuple[Pair, ...]
    ratio: Spread | None
    miss_ratio: Spread | None
    chance_ratio: float | None
    alike_p: float | None
    alike_corrected: float | None
    verdict: Verdict
    reason: Reason

    @property
    def cohorts(self) -> list[Row]:
        return [row for row in self.rows if row.kind == "cohort"]

    @property
    def visible(self) -> float | None:
        """The smallest difference that would have shown between any two cohorts."""
        each = [pair.visible for pair in self.pairs if pair.visible is not None]
        return max(each) if self.pairs and len(each) == len(self.pairs) else None


@dataclass(frozen=True, slots=True)
class Glance:
    """One variable by one rate at one threshold of a sweep. ratio: its interval holds for all glances at
    once; None with fewer than two cohorts."""

    threshold: float
    variable: str
    rate: Rate
    rows: tuple[Row, ...]
    ratio: Spread | None

    @property
    def apart(self) -> bool:
        """The cohorts' rates are not all the same at this threshold."""
        return self.ratio is not None and self.ratio.low > 1


def compare(
    trials: Sequence[Trials], variables: Sequence[Labels], question: Question | None = None
) -> list[Comparison]:
    """Every variable's cohorts compared by every rate, the verdicts corrected for all that was compared.

    All tests for a difference of one call are one family for Holm's correction, all tests of equivalence
    another. variables: by the numbers that `trials` have for people. Raises ValueError for a margin or a
    factor that is none.
    """
    asked = question or Question()
    tables = list(_tables(trials, variables, asked))
    tests = sum(len(table.pairs) for table in tables)
    # As many shuffles as let the first step of Holm's correction reach a tenth of alpha.
    rounds = max(LEAST_SHUFFLES, math.ceil(20 * tests / (1 - asked.confidence)))
    rng = np.random.default_rng(asked.seed)
    differ = [[table.grouped.differ_p(a, b, rounds, rng) for a, b in table.pairs] for table in tables]
    corrected = iter(holm([p for each in differ for p in each]))
    alike = [table.alike_p() for table in tables]
    alike_corrected = iter(holm([p for p in alike if p is not None]))
    return [
        table.settled(
            [(p, next(corrected)) for p in each],
            None if one is None else (one, next(alike_corrected)),
            table.chance_ratio(rng),
            tests,
        )
        for table, each, one in zip(tables, differ, alike, strict=True)
    ]


def glances(
    trials: Sequence[tuple[float, Trials]], variables: Sequence[Labels], question: Question | None = None
) -> list[Glance]:
    """Rates at several thresholds, each with the ratio of its largest to its smallest: intervals only, wide
    enough to hold for all of them at once (Bonferroni). trials: with their thresholds."""
    asked = question or Question()
    tables = [(at, table) for at, one in trials for table in _tables([one], variables, asked)]
    each = 1 - (1 - asked.confidence) / max(1, sum(bool(table.pairs) for _, table in tables))
    return [
        Glance(
            at,
            table.cells.name,
            table.rate,
            table.rows(),
            spread_of(table.worth, each) if table.pairs else None,
        )
        for at, table in tables
    ]


def _tables(trials: Sequence[Trials], variables: Sequence[Labels], asked: Question) -> Iterator[_Table]:
    """Variable by variable."""
    suppressed = []
    for one in trials:
        present = np.zeros(max((len(labels.of) for labels in variables), default=0), np.bool_)
        present[one.person] = True
        suppressed.append((one, *cells(variables, present, asked.least)))
    for number in range(len(variables)):
        for one, made, left_out in suppressed:
            yield _Table(one, made[number], left_out, asked)


class _Table:
    """One variable by one rate, before the verdict."""

    def __init__(self, trials: Trials, made: Cells, left_out: int, asked: Question) -> None:
        self.rate = trials.rate
        self.cells = made
        self.grouped = Grouped(trials, made)
        self.pairs = list(itertools.combinations(range(len(made.cohorts)), 2))
        self.worth: list[Counts] = [self.grouped.worth(group) for group in range(len(made.cohorts))]
        self._left_out = left_out
        self._asked = asked

    @property
    def reason(self) -> Reason:
        if not self.pairs:
            return Reason.ONE_COHORT
        nobody = self.rate is Rate.TPIR and not any(counts.hits for counts in self.worth)
        return Reason.NOBODY_FOUND if nobody else Reason.NONE

    def alike_p(self) -> float | None:
        """Of equivalence; None where there is nothing to compare."""
        if self.reason:
            return None
        if self.rate is Rate.FPIR:
            return alike_p(self.worth, self._asked.factor, factor=True)
        return alike_p(self.worth, self._asked.margin)

    def chance_ratio(self, rng: np.random.Generator) -> float | None:
        if not self.pairs or not any(counts.hits for counts in self.worth):
            return None
        return self.grouped.chance_ratio(len(self.worth), self._asked.confidence, CHANCE_SHUFFLES, rng)

    def rows(self) -> tuple[Row, ...]:
        all_rows: list[tuple[Kind, str, int]] = [
            *(("cohort", name, group) for group, name in enumerate(self.cells.cohorts)),
            ("pool", "", TOGETHER),
            ("undeclared", "", UNDECLARED),
        ]
        return tuple(self._row(*row) for row in all_rows if self.grouped.raw(row[2])[0])

    def settled(
        self,
        tested: Sequence[tuple[float, float]],
        alike: tuple[float, float] | None,
        chance_ratio: float | None,
        tests: int,
    ) -> Comparison:
        """The whole of it. tested: (p, corrected) of each pair; alike: likewise of equivalence."""
        asked = self._asked
        alpha = 1 - asked.confidence
        spreads = [
            spread_of(counts, asked.confidence) if self.pairs else None
            for counts in (self.worth, [one.others for one in self.worth])
        ]
        return Comparison(
            variable=self.cells.name,
            rate=self.rate,
            rows=self.rows(),
            pooled=self.cells.pooled,
            with_undeclared=self.cells.with_undeclared,
            left_out=self._left_out,
            agreement=self.grouped.agreement,
            pairs=tuple(self._pair(a, b, *ps, tests) for (a, b), ps in zip(self.pairs, tested, strict=True)),
            ratio=spreads[0],
            miss_ratio=spreads[1] if self.rate is Rate.TPIR else None,
            chance_ratio=chance_ratio,
            alike_p=alike[0] if alike else None,
            alike_corrected=alike[1] if alike else None,
            verdict=_verdict(
                differ=any(corrected <= alpha for _, corrected in tested),
                alike=alike is not None and alike[1] <= alpha,
            ),
            reason=self.reason,
        )

    def _row(self, kind: Kind, name: str, group: int) -> Row:
        people, trials, hits = self.grouped.raw(group)
        there = self.grouped.group == group
        low, high = clustered(
            self.grouped.hits[there],
            self.grouped.person[there],
            seed=self._asked.seed,
            confidence=self._asked.confidence,
        )
        return Row(kind, name, people, trials, hits, hits / trials if trials else math.nan, low, high)

    def _pair(self, a: int, b: int, p: float, corrected: float, tests: int) -> Pair:
        one, other = self.worth[a], self.worth[b]
        apart: Interval = difference(one, other, pairwise(len(self.worth), self._asked.confidence))
        return Pair(
            self.cells.cohorts[a],
            self.cells.cohorts[b],
            one.share - other.share,
            apart.low,
            apart.high,
            p,
            corrected,
            smallest_visible(
                (one.hits + other.hits) / (one.n + other.n),
                one.n,
                other.n,
                power=self._asked.power,
                alpha=(1 - self._asked.confidence) / tests,
            ),
        )


def _verdict(*, differ: bool, alike: bool) -> Verdict:
    if differ:
        return Verdict.SMALL_DIFFERENCE if alike else Verdict.DIFFERENCE
    return Verdict.EQUIVALENCE if alike else Verdict.UNDECIDED
