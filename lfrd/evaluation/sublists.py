"""The list of a measurement as one matrix in an order drawn once; its beginnings are the shorter lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lfrd.evaluation.searches import NO_CANDIDATE
from lfrd.types import F32, F64

QUERIES: Final = 256
"""Searches in one matrix product: with 20,000 people on the list its scores take 20 MB."""

NOBODY: Final = -1
"""For the own entry of a probe whose person is on no list."""


@dataclass(frozen=True, slots=True)
class Answers:
    """own: float64 [q], each query's score to its own person's entry; NO_CANDIDATE where there is none.
    other: float64 [sizes, q], its highest score to anybody else on a list that has its own person's entry;
    top: float64 [sizes, q], its highest score on a list of the same length without that entry."""

    own: F64
    other: F64
    top: F64


class Sublists:
    """People's templates, and lists of the first so many of them. Whoever makes it closes it.

    vectors: float32 [n, dim], rows of length 1, copied; person: int [n], whose they are, by numbers from 0 on
    below `people`. Whoever has no row is on no list. As in `lfrd.gallery.index.Gallery` a person's score is
    the best over their pictures, and every one is compared; tests hold the two to the same candidates.
    """

    def __init__(self, vectors: F32, person: NDArray[np.intp], people: int, *, seed: int) -> None:
        listed = np.random.default_rng(seed).permutation(np.unique(person))
        self._place = np.full(people, NOBODY, np.intp)  # person -> place in the order
        self._place[listed] = np.arange(len(listed))
        rows = np.argsort(self._place[person], kind="stable")
        self._vectors: F32 = vectors[rows]
        # A person's rows stand together; those of the list's i-th begin at _starts[i].
        self._starts = np.searchsorted(self._place[person][rows], np.arange(len(listed)))

    def __len__(self) -> int:
        """How many people have an entry."""
        return len(self._starts)

    def search(self, queries: F32, own: NDArray[np.intp], sizes: Sequence[int]) -> Answers:
        """Every query on lists of each size, which are 1 to len(self).

        queries: float32 [q, dim], rows of length 1, or zeros for a search without a template, which has no
        candidate. own: int [q], the query's person, NOBODY for people on no list. The list of `size` is the
        first `size` people of the order; where a query's own person is not among them they take the last
        place. Without the own entry it is the first `size` others, one fewer where the list has no more.
        """
        place = self.places(own)
        count = len(queries)
        answers = Answers(
            np.full(count, NO_CANDIDATE),
            np.full((len(sizes), count), NO_CANDIDATE),
            np.full((len(sizes), count), NO_CANDIDATE),
        )
        for some, scores in self.scores(queries):
            self._answer(scores, place[some], sizes, answers, some)
        blank = ~queries.any(axis=1)
        for column in (answers.own, answers.other.T, answers.top.T):
            column[blank] = NO_CANDIDATE
        return answers

    def scores(self, queries: F32) -> Iterator[tuple[slice, F32]]:
        """Which queries, and their scores to everyone, float32 [some, people], in the order of the list. They
        are overwritten as the next ones are asked for."""
        for begin in range(0, len(queries) if len(self) else 0, QUERIES):
            some = slice(begin, min(begin + QUERIES, len(queries)))
            products = queries[some] @ self._vectors.T
            scores: F32 = np.maximum.reduceat(products, self._starts, axis=1)
            try:
                yield some, scores
            finally:
                scores.fill(0)
                products.fill(0)

    def places(self, person: NDArray[np.intp]) -> NDArray[np.intp]:
        """Where in the order people stand; NOBODY for those without an entry, and for NOBODY."""
        return np.where(person == NOBODY, NOBODY, self._place[person])

    def _answer(
        self, scores: F32, place: NDArray[np.intp], sizes: Sequence[int], answers: Answers, some: slice
    ) -> None:
        """A block's answers. The own entries are struck out of its scores."""
        listed = np.flatnonzero(place != NOBODY)
        answers.own[some.start + listed] = scores[listed, place[listed]]
        scores[listed, place[listed]] = NO_CANDIDATE
        for number, size in enumerate(sizes):
            fewer = scores[:, : size - 1].max(axis=1, initial=NO_CANDIDATE)
            first = np.maximum(fewer, scores[:, size - 1])
            more = np.maximum(first, scores[:, size]) if size < len(self) else first
            answers.other[number, some] = np.where(place < size, first, fewer)
            answers.top[number, some] = np.where((place != NOBODY) & (place < size), more, first)

    def close(self) -> None:
        """Overwrite every template in place."""
        self._vectors.fill(0)

    def __reduce__(self) -> str:
        raise TypeError("templates are never pickled: they are people's biometrics")
