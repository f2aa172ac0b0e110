"""Open-set identification on folders of pictures: who is searched on which list, and what the searches gave.

Each probe of a listed person is a **mated search**. **Non-mated searches** are those of people on no list
(--non-mates); where there are none, each probe is searched once more on the list without its own person's
entry. A probe without a template (failure to acquire) is a search without a candidate, and the probes of a
person who could not be enrolled (failure to enrol) are searches that cannot succeed: all stay in the count,
as ISO/IEC 19795-1 has it for its generalised rates, because an officer cannot tell why nobody was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lfrd.config import Config
from lfrd.errors import MissingError
from lfrd.evaluation.acquire import Acquired, OpenBar, Templates, acquired
from lfrd.evaluation.people import Cast
from lfrd.evaluation.searches import Searches
from lfrd.evaluation.sublists import NOBODY, Answers, Sublists
from lfrd.evaluation.whose import Whose
from lfrd.gallery.folder import shown
from lfrd.vision.pack import Pack

SIZES: Final = (100, 1_000, 10_000)
"""Lengths of list that are tried where none are asked for and the list is longer."""


@dataclass(frozen=True, slots=True)
class Identification:
    """What the searches gave, and how pictures became searches. Nothing of any face is left in it.

    searches: on the whole list. compared: those of them in which faces were compared: the probe gave a
    template and, in mated ones, the person is on the list. shorter: on lists of fewer people, the shortest
    first. A person's number in any of them is their place in `names`. people, enrolled: in the gallery;
    filler, filler_enrolled likewise. idle: people of the gallery of whom there is no probe. own_left_out: the
    non-mated searches are the probes', on the list without their own person. mated_failures,
    non_mated_failures: searches whose probe gave no template. failures: pictures without a template, by
    folder and reason. sizes_left_out: asked for, and longer than the list came to be after enrolment.
    whose: which of several faces was taken.
    """

    searches: Searches
    compared: Searches
    shorter: tuple[Searches, ...]
    names: tuple[str, ...] = field(repr=False)
    people: int
    enrolled: int
    filler: int
    filler_enrolled: int
    idle: int
    own_left_out: bool
    mated_failures: int
    non_mated_failures: int
    failures: dict[str, dict[str, int]]
    sizes_left_out: tuple[int, ...]
    whose: Whose

    @property
    def fte(self) -> float:
        """Share of the gallery's people who could not be enrolled."""
        return 1 - self.enrolled / self.people


async def identify(
    cast: Cast,
    pack: Pack,
    settings: Config,
    *,
    sizes: Sequence[int] | None = None,
    seed: int = 1,
    whose: Whose = Whose.CENTRE,
    progress: OpenBar,
) -> Identification:
    """Take everyone's templates, search, and overwrite the templates.

    sizes: of the shorter lists; SIZES that are shorter than the whole list if None. seed: of who is on them.
    whose: which of several faces is taken. Raises MissingError where a size is longer than gallery and filler
    together, or nobody can be enrolled, and what `acquired` raises.
    """
    most = len(cast.gallery) + (len(cast.filler) if cast.filler else 0)
    too_long = [size for size in sizes or () if size > most]
    if too_long:
        raise MissingError(
            f"a list of {max(too_long):,} is wanted, and gallery and filler have {most:,} people; give more "
            "people with --filler, or smaller --sizes"
        )
    async with acquired(cast, pack, settings, progress, whose=whose) as templates:
        return searched(cast, templates, sizes=sizes, seed=seed)


def searched(
    cast: Cast, templates: Templates, *, sizes: Sequence[int] | None = None, seed: int = 1
) -> Identification:
    """The searches of templates that have been taken. Raises MissingError where nobody is enrolled."""
    gallery, probes, filler, others = (
        templates.gallery,
        templates.probes,
        templates.filler,
        templates.non_mates,
    )
    require_enrolled(cast, gallery)
    numbers = _Numbers(cast)
    mated = numbers.probes[probes.person[probes.counted]]
    with closing(lists_of(gallery, filler, numbers.filler, len(numbers.names), seed)) as lists:
        wanted = sorted(set(SIZES if sizes is None else sizes))
        lengths = [*(size for size in wanted if size < len(lists)), len(lists)]
        answers = _answers(lists, probes, mated, lengths)
        mated_ok = probes.acquired[probes.counted]
        if others is not None:
            non_mated = numbers.non_mates + others.person[others.counted]
            tops = _answers(lists, others, np.full(len(non_mated), NOBODY), lengths).top
            non_mated_ok = others.acquired[others.counted]
        elif len(lists) > 1:
            non_mated, tops, non_mated_ok = mated, answers.top, mated_ok
        else:  # without the only person there is no list to search
            non_mated, tops, non_mated_ok = mated[:0], answers.top[:, :0], mated_ok[:0]
    found = [
        Searches(answers.own, other, mated, top, non_mated, size)
        for size, other, top in zip(lengths, answers.other, tops, strict=True)
    ]
    whole = found.pop()
    compared = np.isfinite(whole.own)
    return Identification(
        searches=whole,
        compared=Searches(
            whole.own[compared],
            whole.other[compared],
            mated[compared],
            whole.top[non_mated_ok],
            non_mated[non_mated_ok],
            whole.entries,
        ),
        shorter=tuple(found),
        names=numbers.names,
        people=len(cast.gallery),
        enrolled=int(np.count_nonzero(gallery.enrolled)),
        filler=0 if filler is None else filler.people,
        filler_enrolled=0 if filler is None else int(np.count_nonzero(filler.enrolled)),
        idle=len(cast.gallery) - len(np.unique(mated)),
        own_left_out=others is None,
        mated_failures=int(np.count_nonzero(~mated_ok)),
        non_mated_failures=int(np.count_nonzero(~non_mated_ok)),
        failures={role.value: taken.failures for role, taken in templates.by_role.items()},
        sizes_left_out=tuple(size for size in sizes or () if size > whole.entries),
        whose=templates.whose,
    )


def require_enrolled(cast: Cast, gallery: Acquired) -> None:
    """Raises MissingError, with the reasons, where there would be nobody to look for."""
    if not gallery.enrolled.any():
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in gallery.failures.items())
        raise MissingError(
            f"gallery {shown(cast.gallery.folder)}: none of its {len(cast.gallery):,} people could be "
            f"enrolled ({reasons}); give portraits from the front"
        )


class _Numbers:
    """One number for each person of all folders: the gallery's, the filler's, then those on no list."""

    def __init__(self, cast: Cast) -> None:
        place = {name: number for number, name in enumerate(cast.gallery.names)}
        self.probes = np.array([place[name] for name in cast.probes.names], np.intp)  # by place in the folder
        self.filler = len(cast.gallery)
        self.non_mates = self.filler + (len(cast.filler) if cast.filler else 0)
        self.names = tuple(
            name
            for people in (cast.gallery, cast.filler, cast.non_mates)
            if people is not None
            for name in people.names
        )


def lists_of(gallery: Acquired, filler: Acquired | None, before: int, people: int, seed: int) -> Sublists:
    """The list and its beginnings, of templates that are copied. The gallery's people have their places in
    the folder as numbers, the filler's theirs with `before` added; people: how many numbers there are."""
    vectors = [gallery.vectors[gallery.acquired]]
    person = [gallery.person[gallery.acquired]]
    if filler is not None:
        vectors.append(filler.vectors[filler.acquired])
        person.append(before + filler.person[filler.acquired])
    together = np.concatenate(vectors)
    try:
        return Sublists(together, np.concatenate(person), people, seed=seed)
    finally:
        for part in (*vectors, together):
            part.fill(0)


def _answers(lists: Sublists, probes: Acquired, own: NDArray[np.intp], sizes: Sequence[int]) -> Answers:
    queries = probes.vectors[probes.counted]
    try:
        return lists.search(queries, own, sizes)
    finally:
        queries.fill(0)
