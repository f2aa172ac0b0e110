"""What all phones show about the box: one state, encoded when it changes, the newest only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from msgspec.structs import replace

from lfrd import wire
from lfrd.operation.duty import Duty
from lfrd.types import CameraState, Stage


@dataclass(frozen=True, slots=True)
class Status:
    """What the rest of the box says about itself."""

    cameras: tuple[wire.CameraView, ...] = ()
    degraded: str = ""
    """Why it does not keep up, in words; empty while it does."""
    faces_seen: int = 0
    """Tracks counted since the deployment began."""
    paces: Mapping[str, float | None] = field(default_factory=dict)
    """Faces a minute by camera, of late; None where that cannot be said yet. Not shown on phones."""
    deployment: wire.DeploymentView | None = None
    """The one that is open; None while none is."""


class Board:
    """The newest `wire.State`, in the two forms that differ in `on_post`.

    Lags and counters move all the time, so that the box is asked once every `seconds`; who is on post is
    shown at once. A phone compares `version` with the one it has sent: what came between is not its concern.
    """

    def __init__(
        self,
        status: Callable[[], Status],
        duty: Duty,
        *,
        blue: Callable[[], wire.BlueView | None] = lambda: None,
        seconds: float = 1.0,
    ) -> None:
        """blue: how the blue list's live trial stands."""
        self._status = status
        self._blue = blue
        self._duty = duty
        self._seconds = seconds
        self._wakes: list[Callable[[], None]] = []  # one a subscriber
        self._texts: dict[bool, str] = {}  # by on_post; each encoded when first asked for
        self._version = 0
        self._paces: Mapping[str, float | None] = {}  # as the box was last asked
        self._state = self._look()
        duty.on_change(self._somebody_came_or_went)

    @property
    def version(self) -> int:
        return self._version

    @property
    def paces(self) -> Mapping[str, float | None]:
        """Faces a minute by camera: for the desk, and in no message to a phone."""
        return self._paces

    @property
    def state(self) -> wire.State:
        """As an officer who is not on post sees it."""
        return self._state

    def text(self, *, on_post: bool) -> str:
        """The state as it goes over the wire to an officer."""
        if on_post not in self._texts:
            state = self._state
            self._texts[on_post] = wire.encode(replace(state, on_post=on_post)).decode()
        return self._texts[on_post]

    @contextmanager
    def subscribed(self, wake: Callable[[], None]) -> Iterator[None]:
        """`wake` is called, in the loop, when there is a new state; it must only set a flag."""
        self._wakes.append(wake)
        try:
            yield
        finally:
            self._wakes.remove(wake)

    def refresh(self) -> None:
        """Look again now, for instance because a camera's state has changed."""
        state = self._look()
        if state != self._state:
            self._show(state)

    def _somebody_came_or_went(self) -> None:
        # Shown even where the names stay the same: of an officer's two phones one may have lapsed.
        self._show(self._look())

    def _show(self, state: wire.State) -> None:
        self._state = state
        self._texts.clear()
        self._version += 1
        for wake in self._wakes:
            wake()

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            self.refresh()

    def _look(self) -> wire.State:
        status = self._status()
        self._paces = status.paces
        officers = self._duty.present()
        active = status.deployment is not None and status.deployment.stage == Stage.ACTIVE
        live = any(camera.state == CameraState.LIVE for camera in status.cameras)
        return wire.State(
            on_post=False,
            officers=officers,
            cameras=[
                wire.CameraView(
                    camera.name,
                    camera.state,
                    camera.problem,
                    None if camera.lag is None else round(camera.lag, 1),
                )
                for camera in status.cameras
            ],
            protected=active and bool(officers) and live,
            deployment=status.deployment,
            unreachable=self._duty.unreachable(),
            degraded=status.degraded,
            faces_seen=status.faces_seen,
            blue=self._blue(),
        )
