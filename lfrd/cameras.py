"""A deployment's cameras: each with its supervisor, its journey, and what people and the audit are told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import structlog

from lfrd.capture.backoff import Backoff
from lfrd.capture.lines import Lines
from lfrd.capture.rate import Ceiling
from lfrd.capture.source import make_source
from lfrd.capture.supervisor import CameraSupervisor
from lfrd.config import Camera, Placed, camera_password
from lfrd.flow import Closed, Latest
from lfrd.inference import Inference, cores
from lfrd.metrics import Metrics, Reading
from lfrd.operation.accounts import Reading as Account
from lfrd.operation.board import Status
from lfrd.operation.governor import Governor, Sample, Seen
from lfrd.operation.load import Load, Shortfall
from lfrd.operation.pace import Pace
from lfrd.operation.relief import Relief
from lfrd.operation.size import Size, sizes
from lfrd.pipeline import Journey, Pipeline
from lfrd.policy.plan import CameraPlan
from lfrd.preview.feed import Feed
from lfrd.types import CameraId, CameraState, Frame
from lfrd.wire import CameraView, State

log = structlog.get_logger(__name__)

STEP_SECONDS = 0.5
"""How often the ceiling of analysed frames is judged."""
NAMED = 3
"""Cameras that are degraded and named; of more the number is told."""
FAILING = frozenset({CameraState.RETRYING, CameraState.STALLED})
"""States of a camera that should be live and is not."""


class Eye:
    """One camera of the deployment in force: who fetches its frames, and the journey that they make."""

    def __init__(
        self,
        camera: Camera,
        placed: Placed,
        pipeline: Pipeline,
        on_change: Callable[[], object],
        planned: CameraPlan,
        lines: Lines | None = None,
        preview: Feed | None = None,
        *,
        ceiling: Ceiling | None = None,
        place: float = 0.0,
    ) -> None:
        """on_change: called in the loop when the camera's state is another. planned: what the deployment's
        authorisation says of it. lines: where phones send their pictures. preview: takes what the live
        picture is made of. ceiling: of its frames that are analysed, where it is live; place: this camera's
        in the period that all share, 0..1."""
        analysis = pipeline.settings.analysis
        self.name = camera.name
        self.live = camera.is_live
        """Whether time passes by itself; not so in a recording that is played as fast as it goes."""
        self.supervisor = CameraSupervisor(
            camera,
            lambda: make_source(
                camera, placed, rate=analysis.rate, ceiling=ceiling, place=place, lines=lines
            ),
            on_change=lambda status: on_change(),
            backoff=_backoff(camera),
        )
        self.journey: Journey = pipeline.journey(
            CameraId(camera.name),
            planned.eye_distance_pixels or camera.eye_distance_pixels,
            zone=planned.zone,
            # A folder's pictures come so slowly that between two of them a person would count as lost.
            interval=1 / (camera.fps or 1.0) if _is_folder(camera, placed) else 0.0,
            preview=preview,
        )
        camera_password(camera, placed)  # a missing one is known before anything starts
        # Whether enough of its frames are analysed: never more than may be.
        self._load = Load(min(analysis.least_rate, analysis.rate), analysis.rate)
        self._relief = Relief()
        self._pace = Pace()  # how many faces pass of late

    async def run(self) -> None:
        """Every frame of the camera's life; the supervisor's `run` fetches them."""
        await self.journey.run(_all_of(self.supervisor.frames), live=self.live)

    @property
    def runs(self) -> bool:
        """Whether frames come, or may come again by themselves."""
        return self.supervisor.status.state not in (CameraState.OFF, CameraState.ENDED)

    def view(self) -> CameraView:
        status = self.supervisor.status
        lag = self.journey.counts.lag if status.state is CameraState.LIVE else None
        return CameraView(self.name, status.state.value, status.problem, lag)

    def reading(self) -> Reading:
        counts = self.supervisor.statistics()
        return Reading(
            self.name,
            self.supervisor.status.state,
            counts.decoded,
            counts.skipped,
            counts.spared,
            counts.dropped,
            counts.corrupt,
            counts.decode_seconds,
        )

    def account(self) -> Account:
        """What the audit is told of it."""
        status, counts = self.supervisor.status, self.journey.counts
        return Account(
            camera=self.name,
            live=status.state is CameraState.LIVE,
            frames=self.supervisor.statistics().decoded,
            analysed=counts.analysed,
            faces_seen=counts.tracks,
            problem=status.problem if status.state in FAILING else "",
            resting=status.state is CameraState.ENDED,
        )

    def pace(self, at: float) -> float | None:
        """Faces a minute of late. at: monotonic seconds."""
        return self._pace.read(at, self.journey.counts.tracks)

    def seen(self) -> Seen:
        """What the box's load is judged by."""
        counts = self.supervisor.statistics()
        live = self.supervisor.status.state is CameraState.LIVE
        lag = self.journey.counts.lag if live else None
        return Seen(counts.decoded - counts.skipped, counts.dropped, lag)

    def adapt(self, at: float, ceiling: float, side: int, *, pressed: bool) -> None:
        """From now on so many frames are analysed, searched at so many pixels. Under pressure, frames that no
        other is made from are left out before they are decoded, while that serves."""
        self.journey.expect(ceiling, side)
        before = self._relief.on
        on = self._relief.update(at, self.supervisor.statistics().fps, ceiling, pressed=pressed)
        if on != before:
            self.supervisor.relieve(on)

    def shortfall(self, at: float) -> Shortfall | None:
        """Where fewer of its frames are analysed than are wanted."""
        if self.supervisor.status.state is not CameraState.LIVE:
            self._load.reset()
            return None
        counts = self.supervisor.statistics()
        return self._load.update(at, counts.decoded + counts.spared, self.journey.counts.analysed)


class Governing:
    """Sheds analysis before cameras: one size and one ceiling of analysed frames for all live cameras, moved
    as the load moves."""

    def __init__(
        self,
        eyes: Sequence[Eye],
        ceiling: Ceiling,
        inference: Inference,
        metrics: Metrics,
        *,
        sides: tuple[int, int],
    ) -> None:
        """ceiling: the one under which the eyes were made, as it is where there is nothing to complain of.
        sides: pixels of the longer side at which frames are searched then, and at the least."""
        self._eyes = eyes
        self._live = [eye for eye in eyes if eye.live]
        self._ceiling = ceiling
        self._inference = inference
        self._metrics = metrics
        self._told = False  # whether less than the rate is analysed, as the log was last told
        self._top = ceiling.rate
        self._sides = sizes(*sides)
        self._begin()

    def _begin(self) -> None:
        self._governor = Governor(self._top, cores(), len(self._live))
        self._size = Size(self._sides)

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                self.step(time.monotonic(), time.process_time())
                await asyncio.sleep(STEP_SECONDS)
        finally:
            self._metrics.ceiling.set(0)
            self._metrics.side.set(0)

    def step(self, at: float, processor: float) -> None:
        """at: monotonic seconds. processor: seconds of processor time that this process has taken."""
        if not any(eye.runs for eye in self._eyes):  # nobody is on post: what comes then is judged anew
            self._begin()
        governor = self._governor
        if any(eye.runs and not eye.live for eye in self._eyes):
            governor.reset()  # such a recording takes all there is, whatever is left to it
            self._size = Size(self._sides)
        else:
            taken = self._inference.statistics()
            cameras = [eye.seen() for eye in self._live]
            governor.update(Sample(at, taken.frames, taken.waited, processor, cameras))
        side = self._size.update(at, governor)
        self._ceiling.change(at, governor.ceiling)
        self._metrics.ceiling.set(governor.ceiling)
        self._metrics.side.set(side)
        for eye in self._live:
            eye.adapt(at, governor.ceiling, side, pressed=governor.pressed)
        if governor.pressed != self._told:
            self._told = governor.pressed
            tell = log.warning if governor.pressed else log.info
            tell("analysis_lowered" if governor.pressed else "analysis_restored", rate=governor.ceiling)


def status_of(eyes: Sequence[Eye]) -> Status:
    """What the box says of itself now."""
    now = time.monotonic()
    return Status(
        cameras=tuple(eye.view() for eye in eyes),
        degraded=degraded({eye.name: short for eye in eyes if (short := eye.shortfall(now))}),
        faces_seen=sum(eye.journey.counts.tracks for eye in eyes),
        paces={eye.name: eye.pace(now) for eye in eyes},
    )


def degraded(shortfalls: Mapping[str, Shortfall]) -> str:
    """What officers are told of the cameras that are not looked at often enough; nothing where there are
    none. shortfalls: by camera."""
    if not shortfalls:
        return ""
    names = list(shortfalls)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    analysed = sorted(round(short.analysed, 1) for short in shortfalls.values())
    wanted = sorted(round(short.wanted, 1) for short in shortfalls.values())
    return (
        f"{', '.join(names[:NAMED])}{more}: {_span(analysed)} frames a second are analysed, {_span(wanted)} "
        "are wanted: the box has too much to do"
    )


def problems(state: State) -> tuple[str, ...]:
    """What /healthz answers 503 for: cameras that should be live and are not, and overload.

    Told of what phones are shown: `status_of` takes a sample of the load at each call, and anybody may ask
    for /healthz as often as they like.
    """
    again = (
        CameraState.OPENING.value
    )  # with a problem: of the try before, and another try settles nothing yet
    failing = [c for c in state.cameras if c.state in FAILING or (c.state == again and c.problem)]
    found = [f"camera {c.name}: {c.state} {c.problem}".rstrip() for c in failing]
    return (*found, *([state.degraded] if state.degraded else ()))


def _is_folder(camera: Camera, placed: Placed) -> bool:
    return not camera.is_phone and placed.path(camera.source).is_dir()


def _backoff(camera: Camera) -> Backoff | None:
    """A phone can come at any moment, and is heard only while its camera is open: pauses that do not grow."""
    return Backoff(camera.retry_seconds, camera.retry_seconds) if camera.is_phone else None


def _span(sorted_numbers: Sequence[float]) -> str:
    least, most = sorted_numbers[0], sorted_numbers[-1]
    return f"{least:g}" if least == most else f"{least:g} to {most:g}"


async def _all_of(frames: Latest[Frame]) -> AsyncIterator[Frame]:
    while True:
        try:
            yield await frames.take()
        except Closed:
            return
