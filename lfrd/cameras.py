"""A deployment's cameras: each with its supervisor, its journey, and what people and the audit are told."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence

from lfrd.capture.backoff import Backoff
from lfrd.capture.lines import Lines
from lfrd.capture.source import Source, make_source
from lfrd.capture.supervisor import CameraSupervisor
from lfrd.config import Camera, Placed, camera_password
from lfrd.flow import Closed, Latest
from lfrd.metrics import Reading
from lfrd.operation.accounts import Reading as Account
from lfrd.operation.board import Status
from lfrd.operation.load import Load
from lfrd.operation.pace import Pace
from lfrd.pipeline import Journey, Pipeline
from lfrd.policy.plan import CameraPlan
from lfrd.preview.feed import Feed
from lfrd.types import CameraId, CameraState, Frame
from lfrd.wire import CameraView, State

KEEPS_UP = 0.7
"""Below this share of its due frames analysed, a camera is said to be degraded."""


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
    ) -> None:
        """on_change: called in the loop when the camera's state is another. planned: what the deployment's
        authorisation says of it. lines: where phones send their pictures. preview: takes what the live
        picture is made of."""

        self.name = camera.name
        self._live = camera.is_live
        self.supervisor = CameraSupervisor(
            camera,
            _opener(camera, placed, lines),
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
        self._load = Load()  # whether analysis keeps up with what is due
        self._pace = Pace()  # how many faces pass of late

    async def run(self) -> None:
        """Every frame of the camera's life; the supervisor's `run` fetches them."""
        await self.journey.run(_all_of(self.supervisor.frames), live=self._live)

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

    def degraded(self, at: float) -> str:
        """Why this camera is not fully looked at, or nothing."""
        if self.supervisor.status.state is not CameraState.LIVE:
            self._load.reset()
            return ""
        counts = self.supervisor.statistics()
        share = self._load.update(at, counts.decoded - counts.skipped, self.journey.counts.analysed)
        if share is None or share >= KEEPS_UP:
            return ""
        return f"{self.name}: {share:.0%} of its frames are analysed"


def status_of(eyes: Sequence[Eye]) -> Status:
    """What the box says of itself now."""
    now = time.monotonic()
    return Status(
        cameras=tuple(eye.view() for eye in eyes),
        degraded="; ".join(text for eye in eyes if (text := eye.degraded(now))),
        faces_seen=sum(eye.journey.counts.tracks for eye in eyes),
        paces={eye.name: eye.pace(now) for eye in eyes},
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


def _opener(camera: Camera, placed: Placed, lines: Lines | None) -> Callable[[], Source]:
    """Makes the camera's source anew at each try. A missing password is known before anything starts."""
    camera_password(camera, placed)
    return lambda: make_source(camera, placed, rate=placed.config.analysis.rate, lines=lines)


async def _all_of(frames: Latest[Frame]) -> AsyncIterator[Frame]:
    while True:
        try:
            yield await frames.take()
        except Closed:
            return
