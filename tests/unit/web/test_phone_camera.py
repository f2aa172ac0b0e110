"""A phone as a camera over the real server: who may lend one, when it is wanted, and what ends it."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from lfrd import wire
from lfrd.assembly import Office
from lfrd.audit import kinds
from lfrd.capture.lines import Line
from lfrd.config import Camera, Config, Web
from lfrd.operation.board import Status
from lfrd.types import CONSOLE, CameraId, DeploymentId, Role, Stage
from lfrd.web.calls import CallsStatistics
from lfrd.web.server import static_folder
from lfrd.web.services import Services
from lfrd.webrtc.peers import Peer
from tests import office
from tests.phone import Phone
from tests.sender import PageThatSends, page_that_sends
from tests.unit.web.box import Clock
from tests.unit.web.calls import CallScene
from tests.unit.web.staff import person

ROOF = CameraId("Van roof")


@dataclass
class Scene(CallScene):
    served: office.Served
    status: list[Status]
    clock: Clock
    source: object = field(default_factory=object)

    @property
    def office(self) -> Office:
        return self.served.office

    @property
    def services(self) -> Services:
        return self.office.services

    @property
    def line(self) -> Line:
        return self.services.lending.lines.line(ROOF)

    async def engineer(self, name: str = "Eve Marsh") -> Phone:
        return await person(self.services.officers, self.served.bound.url, Role.ENGINEER, name)

    async def ended(self) -> None:
        await self.until(lambda: self.services.lending.holder(ROOF) is None)

    def shown(self, **changes: object) -> None:
        """What the box says of itself from now on."""
        view = {"cameras": (wire.CameraView(ROOF, "off"),), "deployment": None} | changes
        self.status.append(Status(**view))  # type: ignore[arg-type]
        self.services.board.refresh()


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    settings = Config(
        web=Web(host="127.0.0.1", allow_plain_http=True, port=0),
        cameras=[Camera(name=ROOF, source="phone"), Camera(name="Gate", source="rtsp://192.0.2.7/x")],
    )
    status = [Status()]
    static, clock = static_folder(), Clock()
    async with office.served(
        tmp_path, settings, status=lambda: status[-1], static=static, monotonic=clock
    ) as served:
        yield Scene(served, status, clock)


async def lends(phone: Phone, offer: str, camera: str = ROOF) -> httpx.Response:
    async with phone.http() as client:
        return await client.post(f"/api/camera/{camera}", json={"sdp": offer})


async def sends(there: Scene, phone: Phone, page: PageThatSends) -> None:
    """The page's picture reaches the line."""
    before = there.line.statistics().put
    answer = await lends(phone, await page.offer())
    assert answer.status_code == 200, answer.text
    await page.take(answer.json()["sdp"])
    await there.until(lambda: there.line.statistics().put > before)


async def seen(phone: Phone) -> dict[str, object]:
    async with phone.http() as client:
        (camera,) = (await client.get("/api/camera")).json()["cameras"]
    assert isinstance(camera, dict)
    return camera


# ---- the page -------------------------------------------------------------------------------------------


async def test_only_the_page_for_it_may_ask_for_the_camera(scene: Scene) -> None:
    async with httpx.AsyncClient(base_url=scene.served.bound.url) as client:
        policies = {path: (await client.get(path)).headers["permissions-policy"] for path in ("/", "/camera")}
    assert "camera=()" in policies["/"]
    assert "camera=(self)" in policies["/camera"]
    assert "microphone=()" in policies["/camera"]


async def test_only_cameras_that_a_phone_can_be_are_offered(scene: Scene) -> None:
    camera = await seen(await scene.engineer())
    assert camera["name"] == ROOF
    assert (camera["wanted"], camera["holder"], camera["mine"]) == (False, None, False)
    assert (camera["width"], camera["height"], camera["fps"]) == (1920, 1080, 20.0)


async def test_the_page_is_told_why_a_camera_is_not_wanted(scene: Scene) -> None:
    phone = await scene.engineer()
    deployment = office.shown(DeploymentId("d1"))
    paused = wire.DeploymentView("d1", "m", "p", Stage.SUSPENDED.value, "", 4e9, 0.6, 1)
    whys = []
    for changes in (
        {},
        {"deployment": paused},
        {"deployment": deployment, "cameras": ()},
        {"deployment": deployment},
    ):
        scene.shown(**changes)
        whys.append((await seen(phone))["why"])
    assert whys == ["no_deployment", "suspended", "not_named", "no_officer"]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ENGINEER])
async def test_nobody_but_an_engineer_lends_a_phone(scene: Scene, role: Role) -> None:
    phone = await person(scene.services.officers, scene.served.bound.url, role)
    scene.line.open(scene.source)
    assert (await lends(phone, "v=0")).status_code == 403
    async with phone.http() as client:
        assert (await client.get("/api/camera")).status_code == 403
        assert (await client.delete(f"/api/camera/{ROOF}")).status_code == 403


# ---- lending --------------------------------------------------------------------------------------------


async def test_an_offer_is_not_answered_while_nobody_wants_the_picture(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(*_: object) -> object:
        raise AssertionError("a connection was made")

    monkeypatch.setattr("lfrd.web.lending.PhonePicture", made)
    answer = await lends(await scene.engineer(), "v=0")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_wanted")
    assert await scene.audited(kinds.CameraLent) == []


async def test_a_camera_that_is_no_phones_is_not_known_here(scene: Scene) -> None:
    answer = await lends(await scene.engineer(), "v=0", "Gate")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_camera")


async def test_a_phone_sends_and_the_audit_says_from_when_to_when(scene: Scene) -> None:
    phone = await scene.engineer()
    scene.line.open(scene.source)
    async with page_that_sends() as page:
        await sends(scene, phone, page)
        camera = await seen(phone)
        assert (camera["holder"], camera["mine"]) == ("Eve Marsh", True)
        async with phone.http() as client:
            assert (await client.delete(f"/api/camera/{ROOF}")).status_code == 200
        await page.hung_up()
    await scene.ended()
    lent, returned = await scene.audited(kinds.CameraLent, kinds.CameraReturned)
    assert lent == kinds.CameraLent(ROOF)
    assert isinstance(returned, kinds.CameraReturned)
    assert returned.seconds >= 0


async def test_the_phone_is_hung_up_on_when_the_camera_closes(scene: Scene) -> None:
    phone = await scene.engineer()
    scene.line.open(scene.source)
    async with page_that_sends() as page:
        await sends(scene, phone, page)
        scene.line.shut(scene.source)
        await page.hung_up()
    await scene.ended()
    assert (await seen(phone))["wanted"] is False


async def test_a_second_phone_is_refused_and_told_whose_the_first_is(scene: Scene) -> None:
    first, second = await scene.engineer(), await scene.engineer("Sam Reed")
    scene.line.open(scene.source)
    async with page_that_sends() as page, page_that_sends() as other:
        await sends(scene, first, page)
        answer = await lends(second, await other.offer())
        assert (answer.status_code, answer.json()["code"]) == (409, "taken")
        assert answer.json()["message"].startswith("Eve Marsh sends this camera's picture")
        camera = await seen(second)
        assert (camera["holder"], camera["mine"]) == ("Eve Marsh", False)
        async with second.http() as client:
            assert (await client.delete(f"/api/camera/{ROOF}")).status_code == 404


async def test_a_phone_that_was_cut_off_takes_its_own_place_again(scene: Scene) -> None:
    phone = await scene.engineer()
    scene.line.open(scene.source)
    async with page_that_sends() as page, page_that_sends() as again:
        await sends(scene, phone, page)
        await sends(scene, phone, again)
        await page.hung_up()
        assert scene.services.lending.holder(ROOF) is not None


async def test_signing_out_and_being_revoked_end_it(scene: Scene) -> None:
    scene.line.open(scene.source)
    phone = await scene.engineer()
    async with page_that_sends() as page:
        await sends(scene, phone, page)
        async with phone.http() as client:
            await client.post("/api/leave")
        await page.hung_up()
    await scene.ended()
    other = await scene.engineer("Sam Reed")
    async with page_that_sends() as page:
        await sends(scene, other, page)
        holder = scene.services.lending.holder(ROOF)
        assert holder is not None
        await scene.services.officers.revoke(holder.id, CONSOLE)  # as a command beside the server does
        await page.hung_up()
    await scene.ended()


async def test_a_server_that_stops_has_taken_back_every_camera_before_it_says_so(scene: Scene) -> None:
    phone = await scene.engineer()
    scene.line.open(scene.source)
    async with page_that_sends() as page, page_that_sends() as late:
        await sends(scene, phone, page)
        assert scene.services.lending.statistics() == CallsStatistics(1, 1, 0)
        await scene.services.lending.end_all()
        assert len(await scene.audited(kinds.CameraReturned)) == 1
        assert scene.services.lending.statistics() == CallsStatistics(0, 1, 0)
        await page.hung_up()
        answer = await lends(phone, await late.offer())
        assert (answer.status_code, answer.json()["code"]) == (409, "not_wanted")


@pytest.mark.parametrize("kind", [kinds.CameraLent, kinds.CameraReturned])
async def test_a_server_that_stops_while_the_audit_is_written_loses_no_record(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, kind: type[kinds.Body]
) -> None:
    phone = await scene.engineer()
    scene.line.open(scene.source)
    writing, go_on = scene.held_back(kind, monkeypatch)
    async with page_that_sends() as page:
        answer = await lends(phone, await page.offer())
        await page.take(answer.json()["sdp"])
        if kind is kinds.CameraReturned:
            await scene.until(lambda: scene.line.statistics().put > 0)
            scene.line.shut(scene.source)
        await writing.wait()
        stopping = asyncio.create_task(scene.services.lending.end_all())
        await asyncio.sleep(0)  # the end has been asked for, and waits
        go_on.set()
        await stopping
    assert len(await scene.audited(kinds.CameraLent)) == 1
    assert len(await scene.audited(kinds.CameraReturned)) == 1


async def test_a_phone_that_never_connects_is_counted_and_lends_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lfrd.webrtc.camera.Peer", functools.partial(Peer, connect_seconds=0.05))
    phone = await scene.engineer()
    scene.line.open(scene.source)
    async with page_that_sends() as page:
        assert (await lends(phone, await page.offer())).status_code == 200
        await scene.ended()
        assert scene.services.lending.statistics() == CallsStatistics(0, 0, 1)
        scene.line.shut(scene.source)
    assert await scene.audited(kinds.CameraLent, kinds.CameraReturned) == []


async def test_a_phone_that_is_told_to_stop_before_it_connects_is_not_one_that_was_not_reached(
    scene: Scene,
) -> None:
    phone = await scene.engineer()
    scene.line.open(scene.source)
    async with page_that_sends() as page:
        assert (await lends(phone, await page.offer())).status_code == 200
        scene.line.shut(scene.source)
        await scene.ended()
    assert scene.services.lending.statistics() == CallsStatistics(0, 0, 0)


@pytest.mark.parametrize("offer", ["v=0", "", "v=0\r\nm=audio 9 X 0"])
async def test_an_offer_that_is_none_is_refused_and_leaves_the_camera_free(scene: Scene, offer: str) -> None:
    phone = await scene.engineer()
    scene.line.open(scene.source)
    assert (await lends(phone, offer)).status_code == 400
    await scene.ended()
    async with page_that_sends() as page:
        await sends(scene, phone, page)


async def test_a_page_that_tries_without_end_is_slowed_down(scene: Scene) -> None:
    phone = await scene.engineer()
    scene.line.open(scene.source)
    scene.clock.stop()
    statuses = []
    for _ in range(14):
        statuses.append((await lends(phone, "v=0")).status_code)
        await scene.ended()
    assert statuses == [400] * 10 + [429] * 4
