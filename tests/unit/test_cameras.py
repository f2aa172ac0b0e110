"""What officers and /healthz are told of cameras: those that are not live, or not looked at often enough."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any, cast

import pytest
import structlog

from lfrd.cameras import STEP_SECONDS, Governing, degraded, problems
from lfrd.capture.rate import Ceiling
from lfrd.inference import cores
from lfrd.metrics import Metrics
from lfrd.operation.governor import CALM, Seen
from lfrd.operation.load import Shortfall
from lfrd.types import CameraState
from lfrd.wire import CameraView, State


def told(*cameras: CameraView, degraded: str = "") -> tuple[str, ...]:
    return problems(State(protected=False, cameras=[*cameras], on_post=False, officers=[], degraded=degraded))


@pytest.mark.parametrize("state", [CameraState.RETRYING, CameraState.STALLED])
def test_a_camera_that_should_be_live_and_is_not_is_complained_of(state: CameraState) -> None:
    assert told(CameraView("Gate", state, "no answer")) == (f"camera Gate: {state} no answer",)


def test_a_camera_that_failed_is_complained_of_while_it_is_tried_again() -> None:
    assert told(CameraView("Gate", CameraState.OPENING, "no answer")) == ("camera Gate: opening no answer",)


@pytest.mark.parametrize("state", [CameraState.OPENING, CameraState.LIVE, CameraState.OFF, CameraState.ENDED])
def test_a_camera_at_its_first_try_or_at_rest_is_no_problem(state: CameraState) -> None:
    assert told(CameraView("Gate", state)) == ()


def test_overload_stands_beside_the_cameras() -> None:
    assert told(CameraView("Gate", CameraState.LIVE), degraded="Gate: too much") == ("Gate: too much",)


def test_no_camera_that_falls_short_is_nothing_to_tell() -> None:
    assert degraded({}) == ""


def test_officers_are_told_which_camera_is_looked_at_how_often_and_why() -> None:
    assert degraded({"High Street": Shortfall(2.08, 4.0)}) == (
        "High Street: 2.1 frames a second are analysed, 4 are wanted: the box has too much to do"
    )


def test_many_cameras_are_one_sentence() -> None:
    short = {f"Camera {number}": Shortfall(2.0 + number / 10, 4.0) for number in range(1, 11)}
    assert degraded(short) == (
        "Camera 1, Camera 2, Camera 3 and 7 more: 2.1 to 3 frames a second are analysed, 4 are wanted: "
        "the box has too much to do"
    )


def test_what_is_wanted_of_a_slow_camera_is_told_beside_the_others() -> None:
    told = degraded({"Gate": Shortfall(2.0, 4.0), "Folder": Shortfall(0.5, 1.0)})
    assert told == (
        "Gate, Folder: 0.5 to 2 frames a second are analysed, 1 to 4 are wanted: the box has too much to do"
    )


# ---- under pressure -------------------------------------------------------------------------------------


class Camera:
    """What is asked of an `Eye`, as late with its frames as a test says."""

    def __init__(self, *, live: bool = True) -> None:
        self.live = live
        self.runs = True
        self.lag = 0.1
        self.told: list[tuple[float, bool]] = []
        self.side = 0
        self._due = 0

    def seen(self) -> Seen:
        self._due += 5
        return Seen(self._due, 0, self.lag)

    def adapt(self, at: float, ceiling: float, side: int, *, pressed: bool) -> None:
        self.told.append((ceiling, pressed))
        self.side = side


class Governed:
    def __init__(self, *cameras: Camera) -> None:
        self.ceiling = Ceiling(10.0)
        self.metrics = Metrics()
        inference: Any = SimpleNamespace(statistics=lambda: SimpleNamespace(frames=0, waited=0.0))
        self._governing = Governing(
            cast(Any, cameras), self.ceiling, inference, self.metrics, sides=(960, 640)
        )
        self._at = 100.0

    def after(self, seconds: float) -> float:
        for _ in range(round(seconds / STEP_SECONDS)):
            self._at += STEP_SECONDS
            self._governing.step(self._at, 0.0)
        return self.ceiling.rate


def test_the_ceiling_that_all_cameras_share_is_lowered_told_once_and_raised_again() -> None:
    cameras = [Camera(), Camera()]
    box = Governed(*cameras)
    assert box.after(10) == 10.0
    for camera in cameras:
        camera.lag = 5.0
    with structlog.testing.capture_logs() as logs:
        assert box.after(30) < 5.0
        gauge = box.metrics.registry.get_sample_value("lfrd_analysis_ceiling")
        assert gauge == box.ceiling.rate
        assert all(camera.told[-1] == (gauge, True) for camera in cameras)
        assert [camera.side for camera in cameras] == [640, 640]
        for camera in cameras:
            camera.lag = 0.1
        assert box.after(180 + CALM) == 10.0
    assert all(camera.told[-1] == (10.0, False) for camera in cameras)
    assert [camera.side for camera in cameras] == [960, 960]
    assert [one["event"] for one in logs] == ["analysis_lowered", "analysis_restored"]


def test_sizes_between_the_two_that_are_set_are_used_too() -> None:
    camera = Camera()
    box = Governed(camera)
    searched = []
    for lag in (5.0, 0.1):
        camera.lag = lag
        for _ in range(240):
            box.after(STEP_SECONDS)
            searched.append(camera.side)
    assert [side for side, _ in itertools.groupby(searched)] == [960, 768, 640, 768, 960]


def test_while_nobody_is_on_post_nothing_is_learnt() -> None:
    cameras = [Camera() for _ in range(7 * cores())]  # more than are expected to be held
    for camera in cameras:
        camera.runs = False
    box = Governed(*cameras)
    began = box.after(STEP_SECONDS)
    side = cameras[0].side
    assert (began < 10.0, side) == (True, 640)
    assert box.after(120) == began
    assert cameras[0].side == side
    for camera in cameras:
        camera.runs, camera.lag = True, 5.0
    assert box.after(30) < began
    for camera in cameras:
        camera.runs, camera.lag = False, 0.1
    assert box.after(STEP_SECONDS) == began


def test_beside_a_recording_that_is_played_as_fast_as_it_goes_nothing_is_governed() -> None:
    live, fast = Camera(), Camera(live=False)
    live.lag = 5.0
    box = Governed(live, fast)
    assert box.after(30) == 10.0
    fast.runs = False
    assert box.after(30) < 10.0
    assert live.side < 960
    fast.runs = True
    assert box.after(STEP_SECONDS) == 10.0
    assert live.side == 960
    assert fast.told == []
