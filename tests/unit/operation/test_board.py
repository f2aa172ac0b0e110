"""The state that all phones show."""

from __future__ import annotations

import pytest

from lfrd import wire
from lfrd.operation.board import Board, Status
from lfrd.operation.duty import Duty
from lfrd.operation.posts import Posts
from lfrd.types import CameraState, Stage


def deployment(stage: Stage) -> wire.DeploymentView:
    return wire.DeploymentView("d1", "Market day", "High Street", stage.value, "", 2e9, 0.42, 1000)


class Desk:
    def __init__(self) -> None:
        self.now = 100.0
        self.deployment: wire.DeploymentView | None = deployment(Stage.ACTIVE)
        self.status = Status(deployment=self.deployment)
        self.duty = Duty(Posts(20, 4), lambda: self.now)
        self.board = Board(lambda: self.status, self.duty)

    def camera(self, state: CameraState, lag: float | None = None) -> None:
        self.status = Status((wire.CameraView("gate", state, "", lag),), deployment=self.deployment)
        self.board.refresh()

    def shown(self, *, on_post: bool = False) -> wire.State:
        state = wire.server_decoder.decode(self.board.text(on_post=on_post))
        assert isinstance(state, wire.State)
        return state


async def test_a_place_is_protected_while_an_officer_is_on_post_and_a_camera_is_live() -> None:
    desk = Desk()
    assert not desk.shown().protected
    desk.camera(CameraState.LIVE)
    assert not desk.shown().protected
    desk.duty.take("a", "Asha")
    assert desk.shown().protected
    desk.camera(CameraState.STALLED)
    assert not desk.shown().protected


@pytest.mark.parametrize("stage", [None, Stage.PAUSED, Stage.SUSPENDED])
async def test_nothing_is_protected_while_no_deployment_is_active(stage: Stage | None) -> None:
    desk = Desk()
    desk.duty.take("a", "Asha")
    desk.camera(CameraState.LIVE)
    assert desk.shown().protected
    desk.deployment = None if stage is None else deployment(stage)
    desk.camera(CameraState.LIVE)
    assert not desk.shown().protected
    assert desk.shown(on_post=True).deployment == desk.deployment


async def test_phone_unreachable_is_shown_to_the_others() -> None:
    desk = Desk()
    desk.duty.take("a", "Asha")
    desk.now += 9
    desk.duty.take("b", "Ben")
    desk.now += 2
    desk.board.refresh()
    assert desk.shown().unreachable == ["Asha"]
    assert desk.shown().officers == ["Asha", "Ben"]


async def test_the_officer_on_post_and_the_others_see_the_same_state_but_for_their_own_post() -> None:
    desk = Desk()
    desk.duty.take("a", "Asha")
    mine, theirs = desk.shown(on_post=True), desk.shown(on_post=False)
    assert (mine.on_post, theirs.on_post) == (True, False)
    assert mine.officers == theirs.officers == ["Asha"]


async def test_subscribers_are_woken_by_a_change_and_not_by_a_look() -> None:
    desk = Desk()
    woken: list[int] = []
    with desk.board.subscribed(lambda: woken.append(desk.board.version)):
        desk.board.refresh()
        assert woken == []
        desk.camera(CameraState.OPENING)
        desk.camera(CameraState.OPENING)
        assert woken == [1]
    desk.camera(CameraState.LIVE)
    assert woken == [1]


async def test_a_lag_that_trembles_is_not_a_change() -> None:
    desk = Desk()
    desk.camera(CameraState.LIVE, 0.21)
    version = desk.board.version
    desk.camera(CameraState.LIVE, 0.19)
    assert desk.board.version == version
    assert desk.shown().cameras[0].lag == 0.2


async def test_an_officers_second_phone_that_lapses_is_told() -> None:
    desk = Desk()
    desk.duty.take("a", "Asha")
    desk.duty.take("b", "Asha")
    woken: list[None] = []
    with desk.board.subscribed(lambda: woken.append(None)):
        desk.duty.off("b")
    assert len(woken) == 1


async def test_a_text_is_encoded_once_for_all_phones() -> None:
    board = Desk().board
    assert board.text(on_post=True) is board.text(on_post=True)
