"""Pictures of a measurement to templates, by the product's own way from a file to a template, in memory only.

People on the list are enrolled as a watchlist is (`lfrd.gallery.enrol`). A probe goes the same way, with two
differences, both the live pipeline's: it is looked at with the settings of a camera's frames, and a face that
those would not compare (too small, turned, blurred, dark, bright, cut) gives no template. Everything else is
shared: the margin around pictures that are cut close (a camera's frame never is), alignment, recogniser.

Where a picture shows several faces, `Whose` says which of them is meant. A probe without a template is a
**failure to acquire**, with enrolment's reason.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from lfrd.config import Config
from lfrd.evaluation.people import Cast, People, Progress, Role
from lfrd.evaluation.whose import Whose
from lfrd.gallery.enrol import LIMITS, Examine, take
from lfrd.gallery.reading import Reason
from lfrd.inference import Inference, opened
from lfrd.models import library
from lfrd.types import F32, Face, NominalId
from lfrd.vision.pack import Pack
from lfrd.vision.picture import Picture
from lfrd.vision.quality import Limits
from lfrd.watching import ENROL_MAX_SIDE

OpenBar = Callable[[str], AbstractContextManager[Progress]]
"""Opens a progress bar with a title."""

AHEAD = 4
"""Pictures in memory for each worker thread: while one is examined others are read and embedded."""


@dataclass(frozen=True, slots=True)
class Acquired:
    """One row a picture, in the order of the folder. Whoever made it wipes it.

    vectors: float32 [n, dim], rows of length 1, zeros where there is no template. person: int [n], the
    picture's person by their place in the folder. people: how many that are, with those without a picture.
    reasons: why a picture gives no template; None where it gives one. A picture that is in the folder twice
    is taken once, as in enrolment; the second has the reason duplicate_picture.
    """

    vectors: F32 = field(repr=False)
    person: NDArray[np.intp]
    people: int
    reasons: tuple[Reason | None, ...]

    @property
    def acquired(self) -> NDArray[np.bool_]:
        """Bool [n]: the picture gave a template."""
        return np.array([reason is None for reason in self.reasons], np.bool_)

    @property
    def counted(self) -> NDArray[np.bool_]:
        """Bool [n]: the picture is a search of its own: all but those that are there twice."""
        return np.array([reason is not Reason.DUPLICATE_PICTURE for reason in self.reasons], np.bool_)

    @property
    def enrolled(self) -> NDArray[np.bool_]:
        """Bool [people]: the person has at least one template."""
        return np.bincount(self.person[self.acquired], minlength=self.people) > 0

    @property
    def failures(self) -> dict[str, int]:
        """Pictures without a template by reason, the most frequent reason first."""
        return dict(Counter(reason.value for reason in self.reasons if reason is not None).most_common())

    def wipe(self) -> None:
        """Overwrite every template in place."""
        self.vectors.fill(0)

    def __reduce__(self) -> str:
        raise TypeError("templates are never pickled: they are people's biometrics")


@dataclass(frozen=True, slots=True)
class Templates:
    """Everybody's of a measurement, for as long as `acquired` is open."""

    by_role: Mapping[Role, Acquired]
    whose: Whose = Whose.CENTRE

    @property
    def gallery(self) -> Acquired:
        return self.by_role[Role.GALLERY]

    @property
    def probes(self) -> Acquired:
        return self.by_role[Role.PROBES]

    @property
    def non_mates(self) -> Acquired | None:
        return self.by_role.get(Role.NON_MATES)

    @property
    def filler(self) -> Acquired | None:
        return self.by_role.get(Role.FILLER)


@asynccontextmanager
async def acquired(
    cast: Cast, pack: Pack, settings: Config, progress: OpenBar, *, whose: Whose = Whose.CENTRE
) -> AsyncIterator[Templates]:
    """Take the templates of all folders with a pack; they are overwritten when the context ends.

    One face is embedded at a time: in larger calls, which the clock puts together, scores would differ in
    their last digits from run to run. Raises what `lfrd.inference.opened` raises.
    """
    taken: dict[Role, Acquired] = {}
    steady = msgspec.structs.replace(settings.inference, batch=1)
    with ExitStack() as stack:
        async with opened(pack, library.networks, steady) as inference:
            for people in cast:
                listed = people.role in (Role.GALLERY, Role.FILLER)
                how = enrol_people if listed else acquire_probes
                with progress(f"Looking for faces: {people.role}") as report:
                    one = await how(people, inference, settings, report, whose=whose)
                stack.callback(one.wipe)
                taken[people.role] = one
        yield Templates(taken, whose)


async def enrol_people(
    people: People,
    inference: Inference,
    settings: Config,
    progress: Progress = lambda done, total: None,
    *,
    whose: Whose = Whose.CENTRE,
) -> Acquired:
    """Everyone's templates as a watchlist of them would have. Raises what `inference` raises."""
    examine = _examine(inference, LIMITS, ENROL_MAX_SIDE, whose)
    return await _acquire(people, inference, settings, examine, progress)


async def acquire_probes(
    people: People,
    inference: Inference,
    settings: Config,
    progress: Progress = lambda done, total: None,
    *,
    whose: Whose = Whose.CENTRE,
) -> Acquired:
    """A template of each picture as of a face before a camera. Raises what `inference` raises."""
    examine = _examine(inference, Limits.of(settings.analysis), settings.analysis.max_side, whose)
    return await _acquire(people, inference, settings, examine, progress)


async def _acquire(
    people: People, inference: Inference, settings: Config, examine: Examine, progress: Progress
) -> Acquired:
    files = list(people.files)
    vectors = np.zeros((len(files), inference.dim), np.float32)
    reasons: list[Reason | None] = [None] * len(files)
    first: dict[str, int] = {}
    fresh = []
    for row, (_, file) in enumerate(files):
        if file.digest and first.setdefault(file.digest, row) != row:
            reasons[row] = Reason.DUPLICATE_PICTURE
        else:
            fresh.append(row)
    queue = iter(fresh)
    live = Limits.of(settings.analysis)
    done = 0
    progress(0, len(fresh))

    async def work() -> None:
        nonlocal done
        for row in queue:
            person, file = files[row]
            one = await take(file.path, NominalId(people.names[person]), examine, inference.embed, live)
            reasons[row] = one.report.reason
            if one.template is not None:
                # As `Gallery` and `Template` bring theirs to length 1.
                np.divide(
                    one.template, np.sqrt(np.vecdot(one.template, one.template))[:, None], vectors[row, None]
                )
                one.template.fill(0)
            done += 1
            progress(done, len(fresh))

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(AHEAD * inference.workers, len(fresh))):
                group.create_task(work())
    except BaseExceptionGroup as errors:
        vectors.fill(0)
        raise errors.exceptions[0] from None  # the first failure speaks for all
    except BaseException:
        vectors.fill(0)
        raise
    owners = np.array([person for person, _ in files], np.intp)
    return Acquired(vectors, owners, len(people), tuple(reasons))


def _examine(inference: Inference, limits: Limits, max_side: int, whose: Whose) -> Examine:
    async def examine(picture: Picture) -> list[Face]:
        examined = await inference.examine(picture, limits, max_side)
        faces = [face for face in examined.faces if face.score >= inference.high]
        if whose is Whose.CLEAR or len(faces) < 2:
            return faces
        middle = np.array(picture.size) / 2
        faces.sort(key=lambda face: float(np.hypot(*(np.array(face.box.centre) - middle))))
        for other in faces[1:]:
            other.wipe()
        return faces[:1]

    return examine
