"""One rate's trials by cohort: what a person's several trials are worth, and what shuffling people makes."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lfrd.evaluation.likeness import Counts
from lfrd.evaluation.proportions import exact_p
from lfrd.evaluation.small_cells import NOWHERE, Cells
from lfrd.types import F64

LEAST_EVENTS: Final = 10
"""With fewer of the rarer outcome than this nobody can say how far a person's trials agree."""
ROUNDING: Final = 1e-12
"""By which equal differences of shares may seem to differ."""


class Rate(enum.StrEnum):
    """What is compared between cohorts."""

    TPIR = "tpir"
    """Mated searches that found the right person."""
    FPIR = "fpir"
    """Non-mated searches that ended in a false alert."""
    FTE = "fte"
    """People of the gallery who could not be enrolled."""
    FTA = "fta"
    """Probes that gave no template."""


@dataclass(frozen=True, slots=True)
class Trials:
    """What one rate is made of. hits: bool [n]; person: int [n], whose trial it was. Raises ValueError where
    their lengths differ."""

    rate: Rate
    hits: NDArray[np.bool_] = field(repr=False)
    person: NDArray[np.intp] = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.hits) != len(self.person):
            raise ValueError(f"each trial has a person: {len(self.hits)} trials, {len(self.person)} numbers")


class Grouped:
    """The trials of the people who stand in one table, person by person. Groups are numbered as in its Cells:
    cohorts from 0, the pool and the undeclared below."""

    def __init__(self, trials: Trials, cells: Cells) -> None:
        shown = cells.of[trials.person] != NOWHERE
        self.hits = trials.hits[shown]
        self.person = trials.person[shown]
        self.group = cells.of[self.person]  # of each trial
        numbers, row = np.unique(self.person, return_inverse=True)
        self._size = np.bincount(row, minlength=len(numbers))  # trials of each person, float in sums below
        self._found = np.bincount(row[self.hits], minlength=len(numbers))
        self._of = cells.of[numbers]
        self.agreement = self._agreement()

    def raw(self, group: int) -> tuple[int, int, int]:
        """(people, trials, hits)."""
        there = self._of == group
        return int(there.sum()), int(self._size[there].sum()), int(self._found[there].sum())

    def effect(self, group: int) -> float:
        """The design effect, 1 or more: a group's trials are worth 1 / effect of independent ones.

        1 + agreement x (m - 1), with m the trials of a person, each person weighted by their trials (L. Kish,
        Survey Sampling, 1965, section 5.4). 1 for a group of nobody.
        """
        size = self._size[self._of == group]
        return 1 + self.agreement * (float((size**2).sum() / size.sum()) - 1) if len(size) else 1.0

    def worth(self, group: int) -> Counts:
        """Hits and trials as so many independent ones (E. L. Korn and B. I. Graubard, Survey Methodology 24
        (1998), 193-201)."""
        _, trials, hits = self.raw(group)
        effect = self.effect(group)
        return Counts(hits / effect, trials / effect)

    def differ_p(self, a: int, b: int, rounds: int, rng: np.random.Generator) -> float:
        """The p value, two-sided, of both groups being drawn from the same people.

        Where everybody has one trial, Fisher's exact test. Otherwise the same test of labels on people: twice
        the share of shuffles of them between the two groups, each with all their trials, that set the shares
        at least as far apart in the same direction as they were seen, the one seen among them. The numbers of
        `scipy.stats.permutation_test`, for a hundredth of its time.
        """
        (_, n1, k1), (_, n2, k2) = self.raw(a), self.raw(b)
        if k1 + k2 in (0, n1 + n2):
            return 1.0
        if not self.repeated:
            return exact_p(k1, n1, k2, n2)
        shares = self._shuffled([a, b], rounds, rng)
        apart, seen = shares[:, 0] - shares[:, 1], k1 / n1 - k2 / n2
        as_far = int(np.count_nonzero((apart if seen > 0 else -apart) >= abs(seen) - ROUNDING))
        return min(1.0, 2 * (as_far + 1) / (rounds + 1))

    def chance_ratio(self, groups: int, share: float, rounds: int, rng: np.random.Generator) -> float:
        """What the ratio of the largest share to the smallest stays below in `share` (0..1) of shuffles of
        all compared people among the cohorts: how far alike cohorts of these sizes seem apart. math.inf where
        the smallest is 0 that often, or nobody hits."""
        shares = self._shuffled(range(groups), rounds, rng)
        least = shares.min(axis=1)
        ratios = np.full(rounds, np.inf)
        np.divide(shares.max(axis=1), least, out=ratios, where=least > 0)
        return float(np.quantile(ratios, share, method="higher"))

    @property
    def repeated(self) -> bool:
        """Somebody has several trials."""
        return bool((self._size > 1).any())

    def _shuffled(self, groups: Sequence[int], rounds: int, rng: np.random.Generator) -> F64:
        """Float64 [rounds, groups], the shares after the people of these groups are dealt out anew, as many
        to each as it has. People with as many trials and hits are interchangeable, so it is drawn how many of
        each such kind a group gets."""
        there = np.isin(self._of, groups)
        people = np.stack([self._found[there], self._size[there]], axis=1)
        kinds, counts = np.unique(people, axis=0, return_counts=True)
        left = np.tile(counts, (rounds, 1))
        dealt = np.empty_like(left)
        shares = np.empty((rounds, len(groups)))
        for place, group in enumerate(groups):
            wanted = np.full(rounds, np.count_nonzero(self._of == group))
            others = left.sum(axis=1)
            for kind in range(len(kinds)):
                others -= left[:, kind]
                dealt[:, kind] = rng.hypergeometric(left[:, kind], others, wanted)
                wanted -= dealt[:, kind]
            left -= dealt
            shares[:, place] = (dealt @ kinds[:, 0]) / (dealt @ kinds[:, 1])
        return shares

    def _agreement(self) -> float:
        """How far a person's trials agree within their group, 0..1: the correlation of two trials of one
        person, by moments. 1, the careful end, with fewer than LEAST_EVENTS of the rarer outcome."""
        if not self.repeated:
            return 0.0
        if min(int(self.hits.sum()), int((~self.hits).sum())) < LEAST_EVENTS:
            return 1.0
        _, place = np.unique(self._of, return_inverse=True)
        share = (np.bincount(place, self._found) / np.bincount(place, self._size))[place]
        missed = self._size - self._found
        both = (self._found - share * self._size) ** 2  # of all ordered pairs of trials, with themselves
        alone = self._found * (1 - share) ** 2 + missed * share**2
        pairs = share * (1 - share) * self._size * (self._size - 1)
        whole = float(pairs.sum())
        return float(np.clip((both - alone).sum() / whole, 0.0, 1.0)) if whole else 1.0
