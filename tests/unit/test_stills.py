"""A camera's view for drawing zones: only under an authorisation, and never with a face."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from lfrd import stills as stills_module
from lfrd.capture.lines import Lines
from lfrd.capture.session import Session
from lfrd.capture.source import Source, make_source
from lfrd.config import Camera, Config, Placed
from lfrd.config import Inference as Settings
from lfrd.errors import MissingError, NotAllowed, SourceError
from lfrd.glances import Glances
from lfrd.inference import Inference, opened
from lfrd.models import library
from lfrd.policy.plan import CameraPlan, Plan
from lfrd.sealing.sitekey import SiteKey
from lfrd.stills import LONGEST, SEARCHED, Stills, _Visit, blurred
from lfrd.store.deployments import Deployments
from lfrd.types import U8, CameraId, DeploymentId, Frame, Role, Stage
from lfrd.vision.part import Part
from lfrd.vision.picture import Picture
from tests.portraits import portrait
from tests.unit.policy.plans import planned
from tests.unit.store.conftest import Clock, Store
from tests.unit.store.conftest import opened as store_opened

STREET = CameraId("street")
ALLOWED = [Stage.AUTHORISED, Stage.READY, Stage.ACTIVE, Stage.PAUSED, Stage.SUSPENDED]


class Scene:
    """A camera that looks at one person, a store, and no deployment."""

    def __init__(self, placed: Placed, store: Store, inference: Inference, operator: Any, boss: Any) -> None:
        self.placed = placed
        self.store = store
        self.inference = inference
        self.operator = operator
        self.authorising = boss
        self.deployments = Deployments(store.db, store.keys, store.clock)
        self.running: dict[CameraId, Glances] = {}
        self.opened: list[str] = []  # cameras that were opened

    def stills(self, wait_seconds: float = 10.0) -> Stills:
        return Stills(
            self.placed, self.inference, self.deployments, self.running.get, self.store.clock, wait_seconds
        )

    async def drafted(self, **change: Any) -> DeploymentId:
        plan: Plan = planned(**{"cameras": [CameraPlan(name="street")], **change})
        return (await self.deployments.draft(plan, self.operator)).id

    async def authorised(self, **change: Any) -> DeploymentId:
        drafted = await self.drafted(**change)
        return (await self.deployments.authorise(drafted, self.authorising, "Inspector", "")).id


@pytest.fixture
async def inference(builtin: Path) -> AsyncIterator[Inference]:
    pack = library.open_pack(str(builtin), builtin.parent)
    async with opened(pack, library.networks, Settings()) as inference:
        yield inference


@pytest.fixture
async def scene(
    tmp_path: Path, astronaut: Path, inference: Inference, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Scene]:
    folder = tmp_path / "street"
    folder.mkdir()
    shutil.copyfile(astronaut, folder / "1.png")
    cameras = [Camera(name=name, source="street") for name in ("street", "alley")]
    placed = Placed(Config(cameras=cameras), tmp_path)
    async with store_opened(tmp_path / "data" / "db", Clock(), SiteKey.generate(), begin=False) as store:
        people = [(await store.phone(role, role)).actor for role in (Role.OPERATOR, Role.AUTHORISING)]
        scene = Scene(placed, store, inference, *people)

        def noted(camera: Camera, placed: Placed, lines: Lines | None) -> Source:
            scene.opened.append(camera.name)
            return make_source(camera, placed)

        monkeypatch.setattr(stills_module, "make_source", noted)
        yield scene


def read(jpeg: bytes) -> U8:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


def faces(inference: Inference, image: U8) -> int:
    found = inference.detect(Picture(image.copy(), planar=False), 1920)
    return int((found.scores >= inference.high).sum())


# ---- rule 1 --------------------------------------------------------------------------------------------


async def test_no_frame_is_decoded_for_a_still_without_a_deployment(scene: Scene) -> None:
    with pytest.raises(NotAllowed, match="no authorised deployment names it") as caught:
        await scene.stills().take(STREET)
    assert caught.value.code == "no_deployment"
    assert scene.opened == []


@pytest.mark.parametrize("stage", list(Stage))
async def test_a_still_is_taken_only_while_a_deployment_stands_authorised(scene: Scene, stage: Stage) -> None:
    await scene.store.stage(stage, await scene.authorised())
    if stage in ALLOWED:
        assert read(await scene.stills().take(STREET)).any()
    else:
        with pytest.raises(NotAllowed):
            await scene.stills().take(STREET)
    assert scene.opened == [STREET] * (stage in ALLOWED)


async def test_a_camera_that_the_authorisation_does_not_name_is_not_opened(scene: Scene) -> None:
    await scene.authorised()
    with pytest.raises(NotAllowed, match="no authorised deployment names it"):
        await scene.stills().take(CameraId("alley"))
    assert scene.opened == []


async def test_a_camera_that_nobody_configured_is_refused(scene: Scene) -> None:
    await scene.authorised()
    with pytest.raises(NotAllowed, match=r"config\.toml names no such camera"):
        await scene.stills().take(CameraId("station"))


async def test_no_still_is_taken_when_the_deployments_time_is_up(scene: Scene) -> None:
    await scene.authorised(ends_at=scene.store.clock() + 60)
    scene.store.clock.now += 60
    with pytest.raises(NotAllowed, match="no authorised deployment names it"):
        await scene.stills().take(STREET)
    assert scene.opened == []


async def test_a_revocation_while_the_camera_opens_gives_no_still(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = await scene.authorised()
    stills = scene.stills()
    opened_for = stills._opened

    async def revoked_meanwhile(name: CameraId, camera: Camera) -> Picture:
        picture = await opened_for(name, camera)
        await scene.store.stage(Stage.CLOSED, deployment)
        pictures.append(picture)
        return picture

    pictures: list[Picture] = []
    monkeypatch.setattr(stills, "_opened", revoked_meanwhile)
    with pytest.raises(NotAllowed):
        await stills.take(STREET)
    with pytest.raises(ValueError, match="released"):
        pictures[0].scaled(8, 8)


# ---- rule 15 -------------------------------------------------------------------------------------------


async def test_every_face_of_a_still_is_blurred_on_the_server(scene: Scene, astronaut: Path) -> None:
    await scene.authorised()
    image = read(await scene.stills().take(STREET))
    assert faces(scene.inference, portrait(astronaut)) == 1
    assert faces(scene.inference, image) == 0


def test_small_and_near_faces_are_blurred_alike(inference: Inference, astronaut: Path, admiral: Path) -> None:
    """One person fills the view, another stands far behind: 30 pixels of 1,920."""
    image = np.full((1080, 1920, 3), 120, np.uint8)
    image[28:1052, 40:1064] = cv2.resize(portrait(astronaut), (1024, 1024))
    small = portrait(admiral)[:400, 50:450]
    image[500:540, 1500:1540] = cv2.resize(small, (40, 40), interpolation=cv2.INTER_AREA)
    assert faces(inference, image) == 2
    still = read(blurred(inference, Picture(image, planar=False)))
    assert still.shape == (540, LONGEST, 3)
    assert faces(inference, still) == 0
    assert faces(inference, cv2.resize(still, (1920, 1080)).astype(np.uint8)) == 0
    plain = cv2.resize(image, (960, 540), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(still - plain)[252:268, 752:768].max() > 40


def test_a_small_picture_is_enlarged_to_look_for_faces_and_sent_as_it_is(
    inference: Inference, astronaut: Path
) -> None:
    image = np.full((240, 320, 3), 120, np.uint8)
    image[100:164, 100:164] = cv2.resize(portrait(astronaut), (64, 64), interpolation=cv2.INTER_AREA)
    still = read(blurred(inference, Picture(image.copy(), planar=False)))
    assert still.shape == image.shape
    changed = np.abs(still.astype(int) - image).max(axis=2) > 40
    assert changed[105:135, 115:145].any()
    assert not changed[200:, :].any()


def test_the_clear_pixels_are_wiped(
    inference: Inference, astronaut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[U8] = []
    scaled = Picture.scaled

    def noted(self: Picture, width: int, height: int, part: Part | None = None) -> U8:
        made.append(scaled(self, width, height, part))
        return made[-1]

    monkeypatch.setattr(Picture, "scaled", noted)
    blurred(inference, Picture(portrait(astronaut), planar=False))
    assert len(made) == 3 + len(SEARCHED) + 1
    assert not any(pixels.any() for pixels in made)


# ---- where the frame comes from ------------------------------------------------------------------------


async def test_a_camera_that_runs_is_not_opened_a_second_time(scene: Scene, admiral: Path) -> None:
    await scene.authorised()
    glances = scene.running[STREET] = Glances(STREET)
    asked = asyncio.create_task(scene.stills().take(STREET))
    frame = Picture(portrait(admiral), planar=False)
    while not glances._asked:
        await asyncio.sleep(0.01)

    async def copy(picture: Picture) -> U8:
        return picture.scaled(*picture.size)

    await glances.show(frame, copy)
    image = read(await asked)
    assert image.shape[0] > image.shape[1]  # the admiral's portrait stands upright
    assert faces(scene.inference, image) == 0
    assert scene.opened == []


async def test_a_running_camera_that_gives_nothing_is_not_waited_for_for_ever(scene: Scene) -> None:
    await scene.authorised()
    scene.running[STREET] = Glances(STREET)
    with pytest.raises(SourceError, match=r"no picture within 0\.01 s"):
        await scene.stills(0.01).take(STREET)


async def test_a_source_that_is_not_there_is_told_in_one_line(scene: Scene) -> None:
    await scene.authorised()
    shutil.rmtree(scene.placed.folder / "street")
    with pytest.raises((SourceError, MissingError)) as caught:
        await scene.stills().take(STREET)
    assert "\n" not in str(caught.value)


async def test_a_source_without_a_picture_is_told_as_that(scene: Scene) -> None:
    await scene.authorised()
    (scene.placed.folder / "street" / "1.png").write_bytes(b"no picture")
    with pytest.raises(SourceError):
        await scene.stills().take(STREET)


class Stuck:
    """A source whose driver does not answer, as no time limit of its own helps against."""

    live = True

    def __init__(self, answer: threading.Event) -> None:
        self._answer = answer

    def __enter__(self) -> Stuck:
        self._answer.wait()
        raise SourceError("street", "gone")

    def __exit__(self, *_: object) -> None:
        pass

    def stop(self) -> None:
        pass

    def relieve(self, on: bool) -> None:
        pass

    def wipe(self) -> None:
        pass


@contextlib.contextmanager
def stuck(monkeypatch: pytest.MonkeyPatch) -> Any:
    answer = threading.Event()
    monkeypatch.setattr(stills_module, "make_source", lambda camera, placed, lines: Stuck(answer))
    monkeypatch.setattr(stills_module, "CLOSING_SECONDS", 0.01)
    try:
        yield answer
    finally:
        answer.set()


async def test_a_driver_that_hangs_is_given_up_and_not_asked_again_while_it_does(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.authorised()
    stills = scene.stills(0.01)
    with stuck(monkeypatch):
        with pytest.raises(SourceError, match="no picture within"):
            await stills.take(STREET)
        with pytest.raises(SourceError, match="an earlier try still hangs"):
            await stills.take(STREET)
    session = stills._hanging[STREET]
    await asyncio.to_thread(session.join)
    with pytest.raises(SourceError, match=r"no picture within|gone"):
        await stills.take(STREET)


def test_a_frame_that_was_handed_over_counts_though_the_end_is_heard_of_first() -> None:
    """The thread of a folder with one picture may be through before the loop has heard of its beginning."""

    async def run() -> Frame:
        visit = _Visit(STREET)
        visit.session = session = Session(STREET, lambda: source, visit.deliver, visit.news, lambda: 0.0)
        session.join()
        return await visit.frame

    one = _OneFrame()
    source: Any = one
    assert asyncio.run(run()) is one.frame


class _OneFrame(Stuck):
    def __init__(self) -> None:
        self.frame = Frame(STREET, 0, 0.0, Picture(np.zeros((2, 2, 3), np.uint8), planar=False))

    def __enter__(self) -> _OneFrame:
        return self

    def __iter__(self) -> Iterator[Frame]:
        yield self.frame


async def test_after_a_still_the_camera_is_closed_and_no_thread_is_left(scene: Scene) -> None:
    await scene.authorised()
    before = set(threading.enumerate())
    await scene.stills().take(STREET)
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert set(threading.enumerate()) <= before
