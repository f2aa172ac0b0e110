"""What /healthz complains of: cameras that should be live and are not."""

from __future__ import annotations

import pytest

from lfrd.cameras import problems
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
    assert told(CameraView("Gate", CameraState.LIVE), degraded="Gate: 40 %") == ("Gate: 40 %",)
