"""How often the live picture shows a face that it should hide: real packets, decoded and searched again.

    a clip -> the real journey -> the live picture's packets -> decoded -> searched and compared

Each face of the clear frame is the reference for what is found at the same place in the live picture: an
attacker can hold no picture that is more alike.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import av
import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext

from lfrd.capture.reading import frames_of
from lfrd.capture.source import recording
from lfrd.config import Config
from lfrd.flow import Closed
from lfrd.gallery.index import Gallery, GalleryHolder
from lfrd.inference import DOUBT, Inference
from lfrd.metrics import Metrics
from lfrd.pipeline import Finding
from lfrd.preview.channel import Channel
from lfrd.preview.feed import Feed, Glimpse
from lfrd.preview.reel import LEAD_SECONDS
from lfrd.preview.stream import Watching
from lfrd.types import F32, U8, AlertId, Box, CameraId, Detections, Frame
from lfrd.vision.pack import Pack
from lfrd.vision.picture import Picture
from lfrd.vision.quality import Limits
from lfrd.watching import pipeline_of

ENLARGED: Final = 2
"""The live picture is searched at its own size and at this many times that."""
ANY: Final = Limits(eye_distance=0, sharpness=0, pose=9, darkest=0, brightest=255, cut=1)
"""Every face is compared, however bad."""
SMALLEST: Final = 16.0
"""Pixels of the live picture: of smaller faces nothing is said, since four squares by four hide little there
and there is little to hide."""
LIKE_THE_CLEAR_ONE: Final = 0.93
"""Correlation of a face's pixels with those of the clear frame from which it counts as uncovered."""
SAME_PLACE: Final = 1.0
"""Face sizes between a face in the live picture and the clear frame's, at most."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture as a viewer sees it, BGR uint8, and the time of its frame in seconds of the clip."""

    at: float
    pixels: U8


@dataclass(slots=True)
class Leaks:
    """Counts. faces: of the clear frames, `SMALLEST` or larger, that have no alert. uncovered: those whose
    pixels are as they were. found: faces that a detector finds in the live pictures where there is one in
    the clear frame. scores: of each of those, its similarity with that one. walkers, walkers_uncovered: the
    same of faces that the clip's truth knows, whether or not any detector finds them."""

    pictures: int = 0
    faces: int = 0
    uncovered: int = 0
    found: int = 0
    walkers: int = 0
    walkers_uncovered: int = 0
    pictures_uncovered: int = 0
    scores: list[float] = field(default_factory=list)
    pictures_by_score: list[float] = field(default_factory=list)
    """The highest score in each picture in which any was found."""

    def matched(self, score: float) -> int:
        return sum(one >= score for one in self.scores)

    def pictures_matched(self, score: float) -> int:
        """Pictures with at least one face that scores so."""
        return sum(one >= score for one in self.pictures_by_score)

    def as_dict(self, thresholds: Sequence[float]) -> dict[str, Any]:
        return {
            "pictures": self.pictures,
            "faces": self.faces,
            "uncovered": self.uncovered,
            "pictures_uncovered": self.pictures_uncovered,
            "walkers": self.walkers,
            "walkers_uncovered": self.walkers_uncovered,
            "found": self.found,
            "matched": {f"{score:.3f}": self.matched(score) for score in thresholds},
            "pictures_matched": {f"{score:.3f}": self.pictures_matched(score) for score in thresholds},
        }


async def shown(
    clip: Path,
    pack: Pack,
    inference: Inference,
    settings: Config,
    *,
    zone: Sequence[tuple[float, float]] = (),
    watchlist: Gallery | None = None,
    threshold: float = 1.0,
    stands: Callable[[AlertId], bool] = lambda alert: True,
    overlook: Callable[[Detections], Detections] = lambda found: found,
    take: Callable[[Shown], object],
    frames: Callable[[Frame], object] = lambda frame: None,
) -> Channel:
    """Run a clip through the real journey and hand over each live picture, decoded from its packet.

    The studio works in step here, so that no picture is dropped for want of time. watchlist: whoever scores
    `threshold` on it has the alert 'alert', which stands as `stands` says. overlook: leaves faces out of what
    each look has found, as a worse detector would. frames: shown each clear frame.
    """
    channel: Channel
    times: list[float] = []
    feed = _Overlooking(CameraId(clip.name), settings.preview.max_side, lambda: channel.develop(), overlook)
    channel = Channel(
        feed,
        lambda pixels: overlook(
            inference.detect(Picture(pixels, planar=False), max(pixels.shape[:2]), inference.high * DOUBT)
        ),
        stands,
        high=inference.high,
        kilobits=settings.preview.kilobits,
        rate=settings.analysis.rate,
    )

    async def report(finding: Finding) -> AlertId | None:
        return AlertId("alert")

    async def noted(source: AsyncIterator[Frame]) -> AsyncIterator[Frame]:
        async for frame in source:
            times.append(frame.captured_at)
            frames(frame)
            yield frame

    holder = GalleryHolder(watchlist or Gallery({}, dim=inference.dim))
    pipeline = pipeline_of(pack, inference, holder, threshold, settings, report, Metrics())
    journey = pipeline.journey(feed.camera, zone=zone, preview=feed)
    watching = channel.stream.join()
    feed.watch(True)
    viewer = asyncio.create_task(_decode(watching, times, take))
    try:
        async with contextlib.aclosing(frames_of(recording(clip, rate=settings.analysis.rate))) as source:
            await journey.run(noted(source), live=False, rests=False)
        await asyncio.sleep(0)
    finally:
        feed.watch(False)
        channel.stream.close()
        await viewer
        holder.close()
    return channel


class _Overlooking(Feed):
    """A feed whose journey may overlook faces: recognition's look at them is left out too."""

    def __init__(
        self,
        camera: CameraId,
        side: int,
        wake: Callable[[], object],
        overlook: Callable[[Detections], Detections],
    ) -> None:
        super().__init__(camera, side, wake)
        self._overlook = overlook

    def put(self, glimpse: Glimpse) -> None:
        left = self._overlook(glimpse.found)
        rows = [int(np.flatnonzero((glimpse.found.boxes == box).all(axis=1))[0]) for box in left.boxes]
        glimpse.tracks = [glimpse.tracks[row] for row in rows]
        glimpse.found = left
        super().put(glimpse)


async def _decode(watching: Watching, times: list[float], take: Callable[[Shown], object]) -> None:
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.thread_count = 1
    decoder.options = {"flags": "low_delay"}
    first: int | None = None
    with contextlib.suppress(Closed):
        while True:
            packet = await watching.packet()
            assert packet.pts is not None
            copy: av.Packet[Any] = av.Packet(bytes(packet))
            first = packet.pts if first is None else first
            began = next(at for at in times if at - times[0] >= LEAD_SECONDS - 1e-6)
            at = began + (packet.pts - first) / 90_000
            for frame in decoder.decode(copy):
                take(Shown(at, np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)))


class Search:
    """Counts leaks, picture by picture."""

    def __init__(self, inference: Inference, *, alerted: Callable[[float, Box], bool] | None = None) -> None:
        """alerted: whether the face there is shown on purpose."""
        self.leaks = Leaks()
        self._inference = inference
        self._alerted = alerted or (lambda at, box: False)

    async def look(self, picture: Shown, clear: U8, walkers: Sequence[Box] = ()) -> None:
        """clear: the same frame as it was, BGR, in any size. walkers: the faces known to be in it."""
        leaks, height = self.leaks, picture.pixels.shape[0]
        scale = clear.shape[0] / height
        there = await self._faces(clear, max(clear.shape[:2]))
        kept = [
            row
            for row, box in enumerate(there[0].boxes)
            if min(box[2:]) >= SMALLEST * scale and not self._alerted(picture.at, Box(*map(float, box)))
        ]
        leaks.pictures += 1
        leaks.faces += len(kept)
        uncovered = sum(_uncovered(picture.pixels, clear, there[0].boxes[row]) for row in kept)
        leaks.uncovered += uncovered
        leaks.pictures_uncovered += uncovered > 0
        for box in walkers:
            if min(box.width, box.height) >= SMALLEST * scale and not self._alerted(picture.at, box):
                leaks.walkers += 1
                sides = np.array([box.x, box.y, box.width, box.height], np.float32)
                leaks.walkers_uncovered += _uncovered(picture.pixels, clear, sides)
        best: dict[int, float] = {}
        for factor in (1, ENLARGED):
            size = picture.pixels.shape[1] * factor, height * factor
            pixels = np.asarray(cv2.resize(picture.pixels, size, interpolation=cv2.INTER_CUBIC), np.uint8)
            found, templates = await self._faces(pixels, max(size))
            for box, template in zip(found.boxes / np.float32(factor) * scale, templates, strict=True):
                for row in kept:
                    if _near(box, there[0].boxes[row]):
                        score = float(template @ there[1][row])
                        best[row] = max(best.get(row, -1.0), score)
        leaks.found += len(best)
        leaks.scores += best.values()
        if best:
            leaks.pictures_by_score.append(max(best.values()))

    async def _faces(self, pixels: U8, side: int) -> tuple[Detections, F32]:
        examined = await self._inference.examine(Picture(pixels.copy(), planar=False), ANY, side)
        aligned = [face.aligned for face in examined.faces]
        size = self._inference.size
        crops = [np.zeros((size, size, 3), np.uint8) if one is None else one for one in aligned]
        if not crops:
            return examined.found, np.empty((0, self._inference.dim), np.float32)
        return examined.found, await self._inference.embed(np.stack(crops))


def _near(one: F32, other: F32) -> bool:
    centres = one[:2] + one[2:] / 2 - other[:2] - other[2:] / 2
    side = float(np.sqrt(other[2] * other[3]))
    return bool(np.hypot(*centres) <= SAME_PLACE * side)


def _uncovered(shown: U8, clear: U8, box: F32) -> bool:
    """Whether a face's pixels are those of the clear frame. box: in the clear frame."""
    x, y, w, h = (round(float(value)) for value in box)
    part = clear[max(0, y) : y + h, max(0, x) : x + w]
    scale = shown.shape[0] / clear.shape[0]
    x0, y0 = max(0, round(max(0, x) * scale)), max(0, round(max(0, y) * scale))
    size = round(part.shape[1] * scale), round(part.shape[0] * scale)
    if min(size) < SMALLEST / 2:
        return False
    there = shown[y0 : y0 + size[1], x0 : x0 + size[0]]
    small = cv2.resize(part, (there.shape[1], there.shape[0]), interpolation=cv2.INTER_AREA)
    one, other = (
        np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.float64).ravel() for pixels in (there, small)
    )
    one, other = one - one.mean(), other - other.mean()
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return length > 0 and float(one @ other) / length >= LIKE_THE_CLEAR_ONE
