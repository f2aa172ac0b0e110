"""Enrolment: watchlist pictures to templates in memory, with a stable reason for each picture refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np

from lfrd.config import Analysis
from lfrd.gallery.folder import Entry, shown
from lfrd.gallery.index import Gallery
from lfrd.gallery.reading import PictureRefused, ReadPicture, Reason, read_picture
from lfrd.types import F32, U8, Box, Face, NominalId, Quality
from lfrd.vision import view
from lfrd.vision.picture import Picture
from lfrd.vision.quality import Limits

Examine = Callable[[Picture], Awaitable[list[Face]]]
"""A picture to its faces, each with its quality, and aligned where that suffices."""
Embed = Callable[[U8], Awaitable[F32]]
"""Aligned faces [n, size, size, 3] to templates float32 [n, dim]."""
Progress = Callable[[int, int], object]
"""Told how many pictures are done, and of how many."""

LIMITS = Limits(eye_distance=20.0, sharpness=0.0, pose=1.0, darkest=0.0, brightest=255.0, cut=1.0)
"""What `examine` should ask of a watchlist picture. Only size refuses: a poor picture of a sought person may
be the only one there is, and is enrolled with a warning."""

DOMINANCE = 2.0
"""A face is the portrait's subject if its box has this many times the area of the next largest. Measured with
YuNet on 1,663 press photographs whose subject stands in the middle: so chosen, all of 1,510 were the subject,
at 1.5 times one of 1,598 was not; 4 times would refuse 296 of them."""
CLEAR = 4.0
"""Below this many times the choice is enrolled with a warning, for a person to check."""

ADVICE = {
    Reason.NO_PICTURE: "no picture is in the folder; add one",
    Reason.NO_FACE: "no face was found; give a portrait from the front",
    Reason.SEVERAL_FACES: "several faces of about one size; cut out the person who is meant",
    Reason.SMALL: "the face is too small; give a picture with more pixels between the eyes",
    Reason.BLURRED: "the face is blurred; give a sharper picture",
    Reason.POSE: "the face is turned away; give a picture from the front",
    Reason.DARK: "the face is too dark; give a lighter picture",
    Reason.BRIGHT: "the face is too bright; give a darker picture",
    Reason.CUT: "the face is cut by the picture's edge; give one that shows all of it",
}
WARNINGS = ADVICE | {
    Reason.SEVERAL_FACES: "the largest of several faces was taken; check that it is the person who is meant"
}


@dataclass(frozen=True, slots=True)
class PictureReport:
    """What became of one picture. `path` is its name within the watchlist; empty where a nominal has none.

    reason: why it was refused; None where it was enrolled. warnings: what is poor about an enrolled one.
    """

    nominal: NominalId
    path: str
    reason: Reason | None
    warnings: tuple[Reason, ...] = ()
    advice: str = ""

    def line(self) -> str:
        what = "enrolled with a warning" if self.reason is None else f"refused ({self.reason})"
        return f"{self.path or self.nominal}: {what}: {self.advice}"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A watchlist enrolled. Nothing of it is on disk; `gallery` holds the templates."""

    gallery: Gallery
    reports: list[PictureReport]
    """One for each picture, in the order of the list."""
    refused: list[NominalId]
    """Nominals without a single usable picture: they will not be found."""
    pictures: dict[NominalId, bytes] = field(repr=False)
    """For each nominal enrolled, a JPEG of its best picture's face to show beside an alert."""

    @property
    def enrolled(self) -> tuple[NominalId, ...]:
        return self.gallery.nominals

    def lines(self) -> Iterator[str]:
        """A line for each picture refused or doubtful, then one for each nominal that will not be found."""
        for report in self.reports:
            if report.reason is not None or report.warnings:
                yield report.line()
        for nominal in self.refused:
            yield f"{nominal}: not on the list: none of the pictures can be used"

    def as_dict(self) -> dict[str, Any]:
        """For JSON; without biometrics."""
        return {
            "nominals": len(self.gallery),
            "pictures": self.gallery.pictures,
            "refused": list(self.refused),
            "reports": [
                {
                    "nominal": report.nominal,
                    "picture": report.path,
                    "reason": report.reason,
                    "warnings": list(report.warnings),
                    "advice": report.advice,
                }
                for report in self.reports
            ],
        }

    def __reduce__(self) -> str:
        raise TypeError("an enrolment is never pickled: it holds people's biometrics")


@dataclass(slots=True)
class Taken:
    """A picture on its way: its report and, where it may be enrolled, what it gives.

    digest: SHA-256 of the file, hexadecimal, '' where it could not be read. worth: `Quality.worth`. template:
    float32 [1, dim], which the caller wipes. display: a JPEG file of the face with its surroundings.
    """

    report: PictureReport
    digest: str = ""
    worth: float = 0.0
    template: F32 | None = field(default=None, repr=False)
    display: bytes = field(default=b"", repr=False)

    def refuse(self, reason: Reason, advice: str) -> None:
        if self.template is not None:
            self.template.fill(0)
        self.template, self.display = None, b""
        self.report = PictureReport(self.report.nominal, self.report.path, reason, (), advice)


async def enrol(
    entries: Sequence[Entry],
    examine: Examine,
    embed: Embed,
    *,
    dim: int,
    progress: Progress = lambda done, total: None,
    revision: int = 1,
    wanted: Limits | None = None,
    concurrency: int = 4,
) -> Enrolment:
    """Read, examine and embed every picture; at most `concurrency` of them are in memory at once.

    A picture is refused with a reason, and the rest go on; an error of `examine` or `embed` ends all. A file
    that is on the list twice is enrolled once, under the first. wanted: the limits that live faces are held
    to (the settings' defaults if None); a watchlist picture that would fail them is enrolled with a warning.
    """
    limits = Limits.of(Analysis()) if wanted is None else wanted
    waiting = [(entry.nominal, path) for entry in entries for path in entry.pictures]
    taken = [_untaken(path, nominal) for nominal, path in waiting]
    queue = iter(range(len(waiting)))
    done = 0
    progress(0, len(waiting))

    async def work() -> None:
        nonlocal done
        for number in queue:
            await _take(waiting[number][1], taken[number], examine, embed, limits)
            done += 1
            progress(done, len(waiting))

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(concurrency, len(waiting))):
                group.create_task(work())
        _refuse_duplicates(taken)
        return _gathered(entries, taken, dim, revision)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None  # the first failure speaks for all
    finally:
        for one in taken:
            if one.template is not None:
                one.template.fill(0)


async def take(path: Path, nominal: NominalId, examine: Examine, embed: Embed, limits: Limits) -> Taken:
    """One picture by itself, for whoever keeps what comes of it elsewhere than in a gallery here."""
    one = _untaken(path, nominal)
    await _take(path, one, examine, embed, limits)
    return one


def _untaken(path: Path, nominal: NominalId) -> Taken:
    return Taken(PictureReport(nominal, name_of(path, nominal), None))


def name_of(path: Path, nominal: NominalId) -> str:
    """A picture's name within the watchlist: with its folder where it lies in the person's folder."""
    name = shown(path.name)
    return f"{nominal}/{name}" if shown(path.parent.name) == nominal else name


async def _take(path: Path, one: Taken, examine: Examine, embed: Embed, limits: Limits) -> None:
    try:
        read = await asyncio.to_thread(read_picture, path)
    except PictureRefused as refused:
        one.refuse(refused.reason, refused.advice)
        return
    one.digest = read.digest
    try:
        await _take_face(read, one, examine, embed, limits)
    finally:
        read.picture.release()


async def _take_face(read: ReadPicture, one: Taken, examine: Examine, embed: Embed, limits: Limits) -> None:
    faces, shift = await _faces(read.picture, examine)
    try:
        face = subject(faces)
        if face is None:
            reason = Reason.SEVERAL_FACES if faces else Reason.NO_FACE
            one.refuse(reason, ADVICE[reason])
        elif face.aligned is None:
            reason = Reason(face.quality.refusal or Reason.NO_FACE)
            one.refuse(reason, ADVICE[reason])
        else:
            box = Box(face.box.x - shift[0], face.box.y - shift[1], face.box.width, face.box.height)
            jpeg = await asyncio.to_thread(display, read.picture, box)
            # The last wait: whoever is cancelled in one has no template that nobody would wipe.
            vectors = await embed(face.aligned[None])
            if not np.isfinite(vectors).all() or not vectors.any():
                one.refuse(Reason.NO_FACE, ADVICE[Reason.NO_FACE])
                return
            one.template, one.display = vectors, jpeg
            one.worth = face.quality.worth
            warnings = doubts(face.quality, limits)
            if subject(faces, CLEAR) is None:
                warnings = (Reason.SEVERAL_FACES, *warnings)
            advice = "; ".join(WARNINGS[warning] for warning in warnings)
            one.report = PictureReport(one.report.nominal, one.report.path, None, warnings, advice)
    finally:
        for face in faces:
            face.wipe()


async def _faces(picture: Picture, examine: Examine) -> tuple[list[Face], tuple[int, int]]:
    """The faces, and how far the picture that they were found in reaches beyond this one, in pixels.

    Detectors learn from heads with surroundings and miss a face that fills the picture, as in a passport
    photograph cut close; with a margin around it they find it.
    """
    faces = await examine(picture)
    if faces:
        return faces, (0, 0)
    width, height = picture.size
    margin = width // 2, height // 2
    wide = await asyncio.to_thread(_with_margin, picture, margin)
    try:
        return await examine(wide), margin
    finally:
        wide.release()


def _with_margin(picture: Picture, margin: tuple[int, int]) -> Picture:
    pixels = picture.scaled(*picture.size)
    x, y = margin
    grey = (127, 127, 127)
    wide = cast(U8, cv2.copyMakeBorder(pixels, y, y, x, x, cv2.BORDER_CONSTANT, value=grey))
    pixels.fill(0)
    return Picture(wide, planar=False)


def subject(faces: Sequence[Face], times: float = DOMINANCE) -> Face | None:
    """The face that a portrait is of: the only one, or one with `times` the area of the next largest; None
    where none has."""
    by_area = sorted(faces, key=lambda face: face.box.area, reverse=True)
    if len(by_area) > 1 and by_area[0].box.area < times * by_area[1].box.area:
        return None
    return by_area[0] if by_area else None


def doubts(quality: Quality, limits: Limits) -> tuple[Reason, ...]:
    """What would keep this face from being compared, were it seen live."""
    turned = max(abs(quality.yaw), abs(quality.pitch), abs(quality.roll))
    tests = {
        Reason.CUT: quality.cut > limits.cut,
        Reason.POSE: turned > limits.pose,
        Reason.DARK: quality.exposure < limits.darkest,
        Reason.BRIGHT: quality.exposure > limits.brightest,
        Reason.BLURRED: quality.sharpness < limits.sharpness,
    }
    return tuple(reason for reason, holds in tests.items() if holds)


def display(picture: Picture, box: Box) -> bytes:
    """The candidate's picture as an alert shows it: a JPEG file of the face with its surroundings."""
    shown = view.cut(picture, box)
    try:
        return view.jpeg(shown)
    finally:
        shown.fill(0)


def _refuse_duplicates(taken: list[Taken]) -> None:
    first: dict[str, Taken] = {}
    for one in taken:
        if not one.digest or one.report.reason is not None:
            continue
        earlier = first.setdefault(one.digest, one)
        if earlier is one:
            continue
        if earlier.report.nominal == one.report.nominal:
            advice = f"the same file as {earlier.report.path}; remove one"
        else:
            advice = f"the same file as {earlier.report.path} of another person; remove the wrong one"
        one.refuse(Reason.DUPLICATE_PICTURE, advice)


def _gathered(entries: Sequence[Entry], taken: list[Taken], dim: int, revision: int) -> Enrolment:
    good: dict[NominalId, list[Taken]] = {entry.nominal: [] for entry in entries}
    reports = [one.report for one in taken]
    for one in taken:
        if one.template is not None:
            good[one.report.nominal].append(one)
    reports += [
        PictureReport(entry.nominal, "", Reason.NO_PICTURE, (), ADVICE[Reason.NO_PICTURE])
        for entry in entries
        if not entry.pictures
    ]
    templates: dict[NominalId, F32] = {}
    pictures: dict[NominalId, bytes] = {}
    try:
        for nominal, ones in good.items():
            if ones:
                templates[nominal] = np.concatenate(
                    [one.template for one in ones if one.template is not None]
                )
                pictures[nominal] = max(ones, key=lambda one: one.worth).display
        gallery = Gallery(templates, dim=dim, revision=revision)
    finally:
        for rows in templates.values():
            rows.fill(0)
    return Enrolment(gallery, reports, [nominal for nominal, ones in good.items() if not ones], pictures)
