"""A frame's journey to an alert, told in one place.

    frames -> examine (worker) -> follow -> embed best shots (worker) -> compare -> judge -> report

Two tasks a camera: one has frames examined, the other follows faces through them, so that the next frame is
examined while the shots of this one become templates. Between them stand a few frames at the most; before
them, `Latest` drops what is not taken in time. Recordings run through the same code and wait instead, with
as many frames examined at once as there are workers.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from lfrd.config import Config
from lfrd.decision.rule import Rule
from lfrd.errors import SourceError
from lfrd.flow import Bounded, Closed, with_pauses
from lfrd.gallery.index import GalleryHolder
from lfrd.gallery.verdicts import judge
from lfrd.glances import Glances
from lfrd.inference import Examined, Inference, Overview, Wanted
from lfrd.metrics import Metrics
from lfrd.preview.feed import Feed, Glimpse
from lfrd.tracking.cuts import Cuts
from lfrd.tracking.person import Person
from lfrd.tracking.shots import Evidence, Shot
from lfrd.tracking.tracker import Tracker
from lfrd.types import U8, AlertId, Box, CameraId, Face, Frame, NominalId, Quality, TrackId
from lfrd.vision import view
from lfrd.vision.attention import Attention, Region
from lfrd.vision.picture import Picture
from lfrd.vision.quality import Limits
from lfrd.vision.template import Template
from lfrd.vision.zone import Zone
from lfrd.workers import Urgency

MISSED = 2.5
"""A track outlives so many frames' time without its face."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict that says 'alert', with what an officer will be shown of it.

    captured_at: of the decisive frame; the process's monotonic clock where `live`, else the recording's own.
    """

    nominal: NominalId
    score: float
    threshold: float
    camera: CameraId
    track: TrackId
    captured_at: float
    live: bool
    quality: Quality
    shots: int
    box: Box
    probe_jpeg: bytes = field(repr=False)


Report = Callable[[Finding], Awaitable[AlertId | None]]
"""Told of every finding, repeats included: whether it is an alert or a sighting is decided there. Returns the
alert that it belongs to; None where it made nothing new."""


@dataclass(slots=True)
class Counts:
    """One camera's numbers since the start."""

    analysed: int = 0
    faces: int = 0
    tracks: int = 0
    lag: float | None = None
    """Seconds from a frame's capture to the end of its analysis, of the newest one; live cameras only."""


class Chosen(NamedTuple):
    """A face of the frame at hand that is to become evidence."""

    track: TrackId
    person: Person
    face: Face


class _Underway(NamedTuple):
    """A frame that is being examined, or has been, and is not followed yet."""

    frame: Frame
    examined: asyncio.Task[Examined]

    def done(self) -> Examined | None:
        """What was found, once `examined` has ended; None where it failed."""
        if self.examined.cancelled() or self.examined.exception() is not None:
            return None
        return self.examined.result()

    def let_go(self) -> None:
        """Give the frame's buffer back, and overwrite the crops that were made of it. Once `examined` has
        ended."""
        self.frame.release()
        examined = self.done()
        if examined is None:
            return
        for face in examined.faces:
            face.wipe()
        if examined.overview is not None:
            examined.overview.wipe()


class Pipeline:
    """The journey for all cameras of a box: what they share; what each has of its own is in `Journey`."""

    def __init__(
        self,
        *,
        inference: Inference,
        watchlist: GalleryHolder,
        rule: Rule,
        settings: Config,
        report: Report,
        metrics: Metrics,
        track_ids: Iterator[TrackId],
        split_below: float,
    ) -> None:
        """split_below: cosine under which two shots of one track are two people; belongs to the model."""
        self.inference = inference
        self.watchlist = watchlist
        self.rule = rule
        self.settings = settings
        self.report = report
        self.metrics = metrics
        self.track_ids = track_ids
        self.split_below = split_below

    def journey(
        self,
        camera: CameraId,
        eye_distance_pixels: float | None = None,
        *,
        zone: Sequence[tuple[float, float]] = (),
        interval: float = 0.0,
        preview: Feed | None = None,
    ) -> Journey:
        """zone: corners of the zone of recognition (`vision.zone`); none for the whole view. interval:
        seconds between two frames of this source, where it is known to be slow. preview: takes what the live
        picture is made of, while somebody watches.

        Raises NotAllowed('zone') where the corners make no zone.
        """
        return Journey(self, camera, eye_distance_pixels, Zone(zone) if zone else None, interval, preview)


class Journey:
    """One camera's frames, in order of time."""

    def __init__(
        self,
        shared: Pipeline,
        camera: CameraId,
        eye_distance_pixels: float | None,
        zone: Zone | None,
        interval: float,
        preview: Feed | None,
    ) -> None:
        settings = shared.settings
        self.camera = camera
        self.counts = Counts()
        self.glances = Glances(camera)
        self._shared = shared
        self._preview = preview
        self._interval = interval
        self._max_side = settings.analysis.max_side  # pixels at which frames are searched; see `expect`
        self._limits = Limits.of(settings.analysis, eye_distance_pixels)
        self._zone = zone  # faces outside are dropped where they are found: no crop, no track, no count
        self._tracker = Tracker(
            ids=shared.track_ids,
            high=shared.inference.high,
            lost_seconds=self._lost_seconds(settings.analysis.rate),
            longest_seconds=settings.tracking.longest_seconds,
            most=settings.tracking.most,
        )
        self._cuts = Cuts()
        self._attention = Attention.of(settings, None if zone is None else zone.bounds)
        self._scenes = Cuts()  # for the attention, which is told of a frame before that is followed
        self._live = False  # see `run`
        self._people: dict[TrackId, Person] = {}  # bounded by tracking.most
        self._underway: deque[_Underway] = deque()  # all that is examined and not followed yet
        self._in_order: Bounded[_Underway | None] = Bounded(1)  # for `_follow_all`; None for a pause

    def expect(self, rate: float, max_side: int) -> None:
        """From now on so many frames a second are analysed, at so many pixels on their longer side."""
        self._tracker.lost_seconds = self._lost_seconds(rate)
        self._max_side = max_side

    def _lost_seconds(self, rate: float) -> float:
        """Not below the time of a missed frame: at one frame a second nobody could be followed otherwise."""
        return max(self._shared.settings.tracking.lost_seconds, MISSED * max(self._interval, 1 / rate))

    async def run(self, frames: AsyncIterator[Frame], *, live: bool, rests: bool = True) -> None:
        """Analyse frames until they end. Once only.

        live: capture times are the process's monotonic clock. rests: everybody is forgotten when no frame
        comes for as long as a track may be lost; not so where the frames are simply slow to read. An error
        of the source is raised after its good frames have been followed to the end.
        """
        self._live = live
        at_once = 1 if live else self._shared.inference.workers
        self._in_order = Bounded(at_once)
        try:
            async with asyncio.TaskGroup() as group:
                examining = group.create_task(
                    self._examine_all(frames, rests, at_once, group), name=f"examine {self.camera}"
                )
                group.create_task(self._follow_all(), name=f"follow {self.camera}")
        finally:
            self._forget(self._tracker.finish())
            while self._underway:  # an error or a cancellation has ended both tasks
                self._underway.popleft().let_go()
            self.glances.stop()
            if self._preview is not None:
                self._preview.rest()
        if (error := examining.result()) is not None:
            raise error

    async def _examine_all(
        self, frames: AsyncIterator[Frame], rests: bool, at_once: int, group: asyncio.TaskGroup
    ) -> SourceError | None:
        failed: SourceError | None = None
        running: deque[_Underway] = deque()
        try:
            idle = (lambda: self._tracker.lost_seconds) if rests else None
            paused = with_pauses(frames, idle, Frame.release)
            async with contextlib.aclosing(paused) as coming:
                async for frame in coming:
                    if frame is None:
                        self._attention.forget()
                        await self._in_order.put(None)
                        continue
                    wanted = self._wanted(frame.captured_at)
                    region = self._attention.region(
                        frame.captured_at, frame.picture.size, everything=wanted is not None
                    )
                    one = _Underway(frame, group.create_task(self._examine(frame, wanted, region)))
                    self._underway.append(one)
                    running.append(one)
                    await self._in_order.put(one)
                    if len(running) == at_once:  # the next frame is asked for when it can be examined
                        oldest = running.popleft()
                        await asyncio.wait([oldest.examined])
                        self._learn(oldest)
        except SourceError as error:
            failed = error
        await self._in_order.close()
        return failed

    def _learn(self, one: _Underway) -> None:
        """Where the next faces are to be looked for. Told in order of time, and at the same moment each time
        that a recording is played, as it would not be by `_follow`, which waits for templates."""
        examined = one.done()
        if examined is None:
            return
        frame = one.frame
        if self._scenes.cut(examined.scene):
            self._attention.forget()
        self._attention.note(frame.captured_at, frame.picture.size, examined.found, examined.cut)

    async def _examine(self, frame: Frame, wanted: Wanted | None, region: Region) -> Examined:
        """Find the faces of one frame."""
        await self.glances.show(frame.picture, self._copied)
        with self._shared.metrics.stage.labels("examine").time():
            return await self._shared.inference.examine(
                frame.picture,
                self._limits,
                self._max_side,
                self._zone,
                wanted,
                region,
            )

    def _wanted(self, at: float) -> Wanted | None:
        """What the live picture asks of the frame taken at `at`; nothing while nobody watches."""
        if self._preview is None:
            return None
        return self._preview.wanted(at, busy=self._shared.inference.is_busy)

    async def _copied(self, picture: Picture) -> U8:
        return await self._shared.inference.run(Urgency.FRAME, picture.scaled, *picture.size)

    async def _follow_all(self) -> None:
        while True:
            try:
                one = await self._in_order.take()
            except Closed:
                return
            if one is None:
                self._rest()
                continue
            await self._follow(one.frame, await one.examined)
            self._underway.popleft().let_go()
            if self._live:
                self.counts.lag = time.monotonic() - one.frame.captured_at

    def _rest(self) -> None:
        """No frame came for as long as a track may be lost: nobody is in view."""
        self.counts.lag = None
        self._forget(self._tracker.finish())
        if self._preview is not None:
            self._preview.rest()

    async def _follow(self, frame: Frame, examined: Examined) -> None:
        """Faces to tracks, the best of them to templates, templates to verdicts."""
        cut = self._cuts.cut(examined.scene)
        if cut:
            self._forget(self._tracker.finish())
        with self._shared.metrics.stage.labels("track").time():
            update = self._tracker.update(examined.found, frame.captured_at)
        self._count(examined, len(update.confirmed))
        self._forget(update.ended)
        if examined.overview is not None:
            self._show(frame, cut, examined.overview, update.tracks)
        chosen: list[Chosen] = []
        for track, face in zip(update.tracks, examined.faces, strict=True):
            if track is None or face.aligned is None or face.score < self._shared.inference.high:
                continue
            person = self._people.get(track)
            if person is None:
                person = self._people[track] = Person(
                    Evidence(self._shared.settings.tracking.shots, split_below=self._shared.split_below)
                )
            if person.evidence.wants(face.quality.worth, frame.captured_at):
                chosen.append(Chosen(track, person, face))
        if chosen:
            await self._embed(frame, chosen)
            await self._compare(frame.captured_at, chosen)

    def _show(self, frame: Frame, cut: bool, overview: Overview, followed: list[TrackId | None]) -> None:
        """Hand over what the live picture is made of. An alert of this frame counts from the next one on."""
        if self._preview is None:
            return
        tracks: list[TrackId | None] = [None] * len(overview.found)
        for row, track in zip(overview.rows, followed, strict=True):
            tracks[row] = track
        alerts = {track: one.alert for track, one in self._people.items() if one.alert is not None}
        pixels, overview.pixels = overview.pixels, None
        self._preview.put(
            Glimpse(
                frame.captured_at,
                frame.picture.size,
                overview.found,
                tracks,
                alerts,
                cut,
                pixels,
            )
        )

    async def _embed(self, frame: Frame, chosen: list[Chosen]) -> None:
        aligned = np.stack([one.face.aligned for one in chosen if one.face.aligned is not None])
        try:
            with self._shared.metrics.stage.labels("embed").time():
                vectors = await self._shared.inference.embed(aligned)
        finally:
            aligned.fill(0)
        self._shared.metrics.embedded.labels(self.camera).inc(len(chosen))
        for (_, person, face), vector in zip(chosen, vectors, strict=True):
            if not vector.any():  # the network saw nothing that has a direction: no evidence of anybody
                continue
            person.add(Shot(Template(vector), face.quality.worth, frame.captured_at), face, frame.picture)
        vectors.fill(0)

    async def _compare(self, at: float, chosen: list[Chosen]) -> None:
        ready = [
            one
            for one in chosen
            # A face that resembles none of the track's is perhaps another person's: no alert shows them.
            if len(one.person.evidence) >= self._shared.rule.least_shots and not one.person.evidence.doubts
        ]
        if not ready or not len(self._shared.watchlist.current):
            return
        metrics = self._shared.metrics
        with self._shared.watchlist.lease() as gallery, metrics.stage.labels("search").time():
            verdicts = await self._shared.inference.run(
                Urgency.VERDICT,
                judge,
                gallery,
                self._shared.rule,
                [one.person.evidence for one in ready],
            )
        for one, (best, verdict) in zip(ready, verdicts, strict=True):
            metrics.verdicts.labels(verdict.reason.value).inc()
            if not verdict.alert or best is None or verdict.score is None:
                continue
            if one.person.is_news(best.nominal, at):
                with metrics.stage.labels("report").time():
                    await self._report(at, one, best.nominal, verdict.score)

    async def _report(self, at: float, seen: Chosen, nominal: NominalId, score: float) -> None:
        person = seen.person
        if person.view is None or person.quality is None:
            return  # evidence that has just begun anew, and nothing of it to show yet
        jpeg = await self._shared.inference.run(Urgency.ALERT, view.jpeg, person.view)
        alert = await self._shared.report(
            Finding(
                nominal=nominal,
                score=score,
                threshold=self._shared.rule.threshold,
                camera=self.camera,
                track=seen.track,
                captured_at=at,
                live=self._live,
                quality=person.quality,
                shots=len(person.evidence),
                box=seen.face.box,
                probe_jpeg=jpeg,
            )
        )
        person.alert = alert or person.alert

    def _count(self, examined: Examined, confirmed: int) -> None:
        metrics = self._shared.metrics
        metrics.analysed.labels(self.camera).inc()
        certain = 0
        for face in examined.faces:
            if face.score < self._shared.inference.high:
                continue
            certain += 1
            if face.quality.refusal is not None:
                metrics.refused.labels(self.camera, face.quality.refusal.value).inc()
        metrics.faces.labels(self.camera).inc(certain)
        metrics.seen.labels(self.camera).inc(confirmed)
        self.counts.analysed += 1
        self.counts.faces += certain
        self.counts.tracks += confirmed

    def _forget(self, ended: list[TrackId]) -> None:
        """Tracks have ended: their crops and templates are overwritten. Alerts have their own pictures."""
        for track in ended:
            person = self._people.pop(track, None)
            if person is not None:
                person.wipe()
