"""A source's entries to entries for the store: faces found, templates made, doubts and duplicates noted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from lfrd.config import Config
from lfrd.gallery.enrol import LIMITS, Embed, Examine, Taken, take
from lfrd.gallery.reading import Reason
from lfrd.inference import Inference
from lfrd.listing.entries import SourceEntry
from lfrd.store.entries import Need, NewEntry, NewPicture
from lfrd.types import Face, NominalId
from lfrd.vision.picture import Picture
from lfrd.vision.quality import Limits

MAX_SIDE = 1280
"""Pictures are searched for faces at up to this many pixels."""


class Enroller:
    """Makes batches of entries ready, with at most `concurrency` pictures in memory at once.

    limits: what live faces are held to; a picture that would fail them is doubtful.
    """

    def __init__(self, examine: Examine, embed: Embed, limits: Limits, *, concurrency: int = 4) -> None:
        self._examine = examine
        self._embed = embed
        self.limits = limits
        self._room = asyncio.Semaphore(concurrency)

    @classmethod
    def of(cls, inference: Inference, settings: Config) -> Enroller:
        """As a deployment's own pack sees it."""

        async def examine(picture: Picture) -> list[Face]:
            examined = await inference.examine(picture, LIMITS, MAX_SIDE)
            return [face for face in examined.faces if face.score >= inference.high]

        return cls(examine, inference.embed, Limits.of(settings.analysis), concurrency=2 * inference.workers)

    async def enrol(self, entries: Sequence[SourceEntry], digests: dict[str, str]) -> list[NewEntry]:
        """digests: of the pictures enrolled so far, with the reference of each; this batch's are added. The
        same file counts once on the whole list, under the reference that comes first."""
        taken: list[list[Taken]] = []
        try:
            async with asyncio.TaskGroup() as group:
                waiting = [
                    [group.create_task(self._take(entry, number)) for number in range(len(entry.pictures))]
                    for entry in entries
                ]
            taken = [[task.result() for task in tasks] for tasks in waiting]
        except BaseExceptionGroup as errors:
            _wipe(task.result() for tasks in waiting for task in tasks if _came(task))
            raise errors.exceptions[0] from None  # the first failure speaks for all
        return [_entry(entry, ones, digests) for entry, ones in zip(entries, taken, strict=True)]

    async def _take(self, entry: SourceEntry, number: int) -> Taken:
        async with self._room:
            nominal = NominalId(entry.reference)
            return await take(entry.pictures[number], nominal, self._examine, self._embed, self.limits)


def _entry(entry: SourceEntry, taken: Sequence[Taken], digests: dict[str, str]) -> NewEntry:
    pictures = []
    for number, one in enumerate(taken, start=1):
        reason = one.report.reason
        if reason is None and one.digest in digests:
            one.refuse(Reason.DUPLICATE_PICTURE, "")
            reason = Reason.DUPLICATE_PICTURE
        if reason is None:
            digests[one.digest] = entry.reference
        pictures.append(
            NewPicture(
                number,
                one.digest,
                "" if reason is None else reason.value,
                tuple(warning.value for warning in one.report.warnings),
                one.worth,
                one.display,
                one.template,
            )
        )
    needs = entry.facts.needs
    if _poor(pictures):
        needs = (*needs, Need.LOW_QUALITY)
    return NewEntry(entry.reference, entry.category, entry.blue, entry.facts, pictures, needs)


def _poor(pictures: Sequence[NewPicture]) -> bool:
    """Whether no picture is without doubt, or one may show somebody else."""
    used = [picture for picture in pictures if not picture.reason]
    several = any(Reason.SEVERAL_FACES in picture.warnings for picture in used)
    return bool(used) and (several or all(picture.warnings for picture in used))


def _came(task: asyncio.Task[Taken]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


def _wipe(taken: Iterable[Taken]) -> None:
    for one in taken:
        if one.template is not None:
            one.template.fill(0)
