"""Verification on folders of pictures, 1:1: each probe against its own person's entry, and against others'.

An entry is all of a person's pictures in the gallery; a comparison's score is the best over them, as in the
search of a list. A probe without a template is rejected in each of its comparisons, and so is a probe of a
person who could not be enrolled in that with its own: both stay in the count.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lfrd.config import Config
from lfrd.evaluation.acquire import Acquired, OpenBar, Templates, acquired
from lfrd.evaluation.identify import lists_of, require_enrolled
from lfrd.evaluation.people import Cast
from lfrd.evaluation.searches import NO_CANDIDATE
from lfrd.evaluation.sublists import NOBODY, Sublists
from lfrd.evaluation.verification import Comparisons
from lfrd.evaluation.whose import Whose
from lfrd.types import F64
from lfrd.vision.pack import Pack

MOST: Final = 2_000_000
"""Comparisons of two people that are taken; of more, as many of each probe's are drawn."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What the comparisons gave. compared: those in which both sides gave a template. people, enrolled: in
    the gallery. failures: pictures without a template, by folder and reason; probe_failures: probes without.
    others: comparisons of two people that a probe could have had, each; drawn: that it had."""

    comparisons: Comparisons
    compared: Comparisons
    people: int
    enrolled: int
    probe_failures: int
    failures: dict[str, dict[str, int]]
    others: int
    drawn: int
    whose: Whose

    @property
    def fte(self) -> float:
        """Share of the gallery's people who could not be enrolled."""
        return 1 - self.enrolled / self.people


async def verify(
    cast: Cast,
    pack: Pack,
    settings: Config,
    *,
    most: int = MOST,
    seed: int = 1,
    whose: Whose = Whose.CENTRE,
    progress: OpenBar,
) -> Verification:
    """Take everyone's templates, compare, and overwrite the templates. cast: gallery and probes alone.

    most: comparisons of two people at the most. seed: of which they are. whose: of several faces. Raises
    MissingError where nobody can be enrolled, and what `acquired` raises.
    """
    async with acquired(cast, pack, settings, progress, whose=whose) as templates:
        return compared(cast, templates, most=most, seed=seed)


def compared(cast: Cast, templates: Templates, *, most: int = MOST, seed: int = 1) -> Verification:
    """The comparisons of templates that have been taken. Raises MissingError where nobody is enrolled."""
    gallery, probes = templates.gallery, templates.probes
    require_enrolled(cast, gallery)
    place = {name: number for number, name in enumerate(cast.gallery.names)}
    numbers = np.array([place[name] for name in cast.probes.names], np.intp)
    person = numbers[probes.person[probes.counted]]
    with closing(lists_of(gallery, None, len(cast.gallery), len(cast.gallery), seed)) as lists:
        others = max(0, len(lists) - 1)
        drawn = max(1, min(others, most // max(1, len(person)))) if others else 0
        genuine, impostor = _scores(lists, probes, person, drawn, seed)
    by = np.repeat(person, drawn)
    both = np.isfinite(genuine)
    some = np.isfinite(impostor)
    return Verification(
        comparisons=Comparisons(genuine, person, impostor, by),
        compared=Comparisons(genuine[both], person[both], impostor[some], by[some]),
        people=len(cast.gallery),
        enrolled=len(lists),
        probe_failures=int(np.count_nonzero(~probes.acquired[probes.counted])),
        failures={role.value: taken.failures for role, taken in templates.by_role.items()},
        others=others,
        whose=templates.whose,
        drawn=drawn,
    )


def _scores(
    lists: Sublists, probes: Acquired, person: NDArray[np.intp], drawn: int, seed: int
) -> tuple[F64, F64]:
    """To the own entry [probes], and to so many others [probes x drawn]."""
    rng = np.random.default_rng(seed)
    place = lists.places(person)
    genuine = np.full(len(person), NO_CANDIDATE)
    impostor = np.full((len(person), drawn), NO_CANDIDATE)
    queries = probes.vectors[probes.counted]
    try:
        for some, scores in lists.scores(queries):
            for number, (row, own) in enumerate(zip(scores, place[some], strict=True), some.start):
                if not queries[number].any():
                    continue
                if own != NOBODY:
                    genuine[number] = row[own]
                others = rng.choice(len(lists) - (own != NOBODY), drawn, replace=False)
                impostor[number] = row[others + (others >= own) * (own != NOBODY)]
    finally:
        queries.fill(0)
    return genuine, impostor.ravel()
