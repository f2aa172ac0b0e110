"""Live pictures over the real server: who may watch, what ends it, and what the audit says of it."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from aiortc import RTCConfiguration
from aiortc.mediastreams import MediaStreamError

from lfrd.assembly import Office
from lfrd.audit import kinds
from lfrd.config import Webrtc
from lfrd.errors import NotAllowed
from lfrd.types import CONSOLE, Role
from lfrd.web import viewers
from lfrd.web.calls import CallsStatistics
from lfrd.web.viewers import AT_A_DESK, ON_A_PHONE
from lfrd.webrtc.peers import Peer
from tests.phone import Phone
from tests.unit.web.box import Box, opened
from tests.unit.web.calls import PATIENCE, CallScene
from tests.unit.web.staff import person
from tests.watcher import Cameras, Watcher, watcher


@dataclass
class Scene(CallScene):
    box: Box
    cameras: Cameras

    @property
    def office(self) -> Office:
        return self.box.served.office

    async def signed_in(self, role: Role, name: str = "") -> Phone:
        return await person(self.box.services.officers, self.box.url, role, name)

    async def nobody_watches(self) -> None:
        await self.until(lambda: self.statistics.now == 0)
        assert self.cameras.watched == []

    @property
    def statistics(self) -> CallsStatistics:
        return self.box.services.viewers.statistics()

    def post(self, phone: Phone, *, on: bool = True) -> None:
        """The officer goes on post, or off it."""
        session = self.session_of(phone)
        if on:
            self.box.services.duty.take(session, phone.name)
        else:
            self.box.services.duty.off(session)

    def session_of(self, phone: Phone) -> str:
        return self.sessions[phone.cookie]

    sessions: dict[str, str]  # by cookie

    async def officer(self, *, on_post: bool = True) -> Phone:
        phone = await self.signed_in(Role.ENGAGEMENT, f"PC {len(self.sessions)}")
        found = await self.box.services.officers.session(phone.cookie.partition("=")[2])
        assert found is not None
        self.sessions[phone.cookie] = found.id
        if on_post:
            self.post(phone)
        return phone


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    cameras = Cameras("gate")
    async with opened(tmp_path, watch=cameras.watch) as box:
        yield Scene(box, cameras, {})


async def asks(phone: Phone, offer: str, camera: str = "gate") -> httpx.Response:
    async with phone.http() as client:
        return await client.post("/api/preview", json={"camera": camera, "sdp": offer})


@asynccontextmanager
async def watching(phone: Phone, page: Watcher) -> AsyncIterator[str]:
    """The page sees the first picture; the viewer's id."""
    answer = await asks(phone, await page.offer())
    assert answer.status_code == 200, answer.text
    await page.take(answer.json()["sdp"])
    await page.picture()
    yield answer.json()["viewer"]


async def sees_the_end(page: Watcher) -> None:
    async def look() -> None:
        while True:
            await page.picture()

    async with asyncio.timeout(PATIENCE):
        with pytest.raises(MediaStreamError):
            await look()


# ---- watching -------------------------------------------------------------------------------------------


async def test_an_officer_on_post_sees_the_picture_move(scene: Scene) -> None:
    phone = await scene.officer()
    async with watcher() as page, watching(phone, page):
        first = await page.picture()
        pictures = [await page.picture() for _ in range(6)]
        assert any(abs(first.astype(int) - later).max() > 100 for later in pictures)


async def test_an_operator_watches_without_a_post(scene: Scene) -> None:
    operator = await scene.signed_in(Role.OPERATOR)
    async with watcher() as page, watching(operator, page):
        assert scene.statistics == CallsStatistics(1, 1, 0)


async def test_boxes_come_over_a_channel_that_the_page_opens_and_only_when_they_change(scene: Scene) -> None:
    phone = await scene.officer()
    async with watcher(boxes=True) as page, watching(phone, page):
        (camera,) = scene.cameras.watched
        camera.seen = ((7, 0.25, 0.5, 0.123456, 0.2, False), (0, 0.0, 0.0, 0.1, 0.1, True))
        await scene.until(lambda: bool(page.told))
        assert page.told == [[[7, 0.25, 0.5, 0.1235, 0.2, False], [0, 0.0, 0.0, 0.1, 0.1, True]]]
        camera.seen = ()
        await scene.until(lambda: len(page.told) > 1)
        assert page.told[1:] == [[]]


async def test_each_watcher_is_in_the_audit_when_the_picture_begins_and_when_it_ends(scene: Scene) -> None:
    phone = await scene.officer()
    scene.box.clock.stop()
    async with watcher() as page, watching(phone, page) as viewer:
        assert await scene.audited(kinds.PreviewWatched) == [kinds.PreviewWatched("d1", "gate")]
        scene.box.clock.ahead += 12.34
        async with phone.http() as client:
            assert (await client.delete(f"/api/preview/{viewer}")).status_code == 200
        await scene.nobody_watches()
    assert await scene.audited(kinds.PreviewLeft) == [kinds.PreviewLeft("d1", "gate", 12.3)]


async def test_no_picture_goes_out_before_the_audit_has_its_record(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = await scene.officer()
    asked, written = scene.held_back(kinds.PreviewWatched, monkeypatch)
    async with watcher() as page:
        answer = await asks(phone, await page.offer())
        await page.take(answer.json()["sdp"])
        await asked.wait()
        looking = asyncio.create_task(page.picture())
        done, _ = await asyncio.wait([looking], timeout=0.3)
        assert not done
        written.set()
        await looking


# ---- who may, and how many ------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.AUTHORISING, Role.AUDITOR, Role.ENGINEER])
async def test_who_sees_no_alerts_sees_no_live_picture(scene: Scene, role: Role) -> None:
    somebody = await scene.signed_in(role)
    async with watcher() as page:
        answer = await asks(somebody, await page.offer())
    assert (answer.status_code, answer.json()["code"]) == (403, "role")
    assert await scene.audited(kinds.Refused) == [kinds.Refused("/api/preview", "role")]


async def test_an_officer_who_is_not_on_post_is_told_so(scene: Scene) -> None:
    phone = await scene.officer(on_post=False)
    async with watcher() as page:
        answer = await asks(phone, await page.offer())
    assert (answer.status_code, answer.json()["code"]) == (409, "not_on_post")


async def test_a_camera_that_does_not_run_has_no_picture(scene: Scene) -> None:
    phone = await scene.officer()
    async with watcher() as page:
        answer = await asks(phone, await page.offer(), "cellar")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_running")
    await scene.nobody_watches()


async def test_more_than_the_box_allows_do_not_watch(tmp_path: Path) -> None:
    cameras = Cameras("gate", most=1)
    async with opened(tmp_path, watch=cameras.watch) as box:
        scene = Scene(box, cameras, {})
        first, second = await scene.officer(), await scene.officer()
        async with watcher() as page, watching(first, page), watcher() as late:
            answer = await asks(second, await late.offer())
            assert (answer.status_code, answer.json()["code"]) == (503, "too_many")


async def test_one_session_watches_a_few_pictures_at_once(scene: Scene) -> None:
    phone = await scene.officer()
    async with watcher() as page:
        offer = await page.offer()
        answers = [await asks(phone, offer) for _ in range(ON_A_PHONE + 1)]
    assert [answer.status_code for answer in answers] == [200] * ON_A_PHONE + [503]
    assert ON_A_PHONE < AT_A_DESK


async def test_a_session_that_asks_without_end_is_slowed(scene: Scene) -> None:
    phone = await scene.officer()
    scene.box.clock.stop()
    codes = [(await asks(phone, "x", "cellar")).status_code for _ in range(int(viewers.BURST) + 1)]
    assert codes == [409] * int(viewers.BURST) + [429]


@pytest.mark.parametrize(("offer", "status"), [("hello", 400), ("v=0\r\nm=video", 400), ("x" * 40_000, 400)])
async def test_a_damaged_offer_is_refused_in_words(scene: Scene, offer: str, status: int) -> None:
    phone = await scene.officer()
    answer = await asks(phone, offer)
    assert answer.status_code == status
    assert answer.json()["code"] in ("bad_offer", "bad_message")
    await scene.nobody_watches()


async def test_a_body_that_is_too_large_is_not_read(scene: Scene) -> None:
    phone = await scene.officer()
    assert (await asks(phone, "x" * 100_000)).status_code == 413


async def test_a_browser_without_h264_is_told_that_it_cannot(scene: Scene) -> None:
    phone = await scene.officer()
    async with watcher(codecs="video/VP8") as page:
        answer = await asks(phone, await page.offer())
    assert (answer.status_code, answer.json()["code"]) == (406, "no_codec")
    await scene.nobody_watches()


async def test_what_browsers_need_to_know_is_nothing_on_one_network(scene: Scene) -> None:
    phone = await scene.officer()
    async with phone.http() as client:
        assert (await client.get("/api/webrtc")).json() == {"ice_servers": []}


async def test_browsers_are_told_of_the_turn_server_that_is_set(tmp_path: Path) -> None:
    (tmp_path / "turn").write_text("open sesame\n")
    relay = Webrtc(turn="turn:relay.example", turn_user="box", turn_password_file="turn")
    async with opened(tmp_path, webrtc=relay) as box:
        scene = Scene(box, Cameras(), {})
        for role in (Role.ENGAGEMENT, Role.OPERATOR, Role.ENGINEER):
            async with (await scene.signed_in(role)).http() as client:
                (told,) = (await client.get("/api/webrtc")).json()["ice_servers"]
            assert told == {"urls": "turn:relay.example", "username": "box", "credential": "open sesame"}


# ---- what ends it ---------------------------------------------------------------------------------------


async def test_the_picture_ends_when_the_officer_leaves_the_post(scene: Scene) -> None:
    phone = await scene.officer()
    async with watcher() as page, watching(phone, page):
        scene.post(phone, on=False)
        await sees_the_end(page)
    await scene.nobody_watches()


async def test_an_operators_picture_does_not_end_with_somebodys_post(scene: Scene) -> None:
    operator, phone = await scene.signed_in(Role.OPERATOR), await scene.officer()
    async with watcher() as page, watching(operator, page):
        scene.post(phone, on=False)
        for _ in range(3):
            await page.picture()
        assert scene.statistics.now == 1


@pytest.mark.parametrize("role", [Role.ENGAGEMENT, Role.OPERATOR])
async def test_the_picture_ends_when_the_session_is_revoked(scene: Scene, role: Role) -> None:
    phone = await scene.officer() if role is Role.ENGAGEMENT else await scene.signed_in(role)
    officers = scene.box.services.officers
    async with watcher() as page, watching(phone, page):
        assert await officers.revoke_all(phone.name, CONSOLE) > 0
        await sees_the_end(page)
    await scene.nobody_watches()


async def test_the_picture_ends_when_the_officer_signs_out(scene: Scene) -> None:
    phone = await scene.officer()
    async with watcher() as page, watching(phone, page):
        async with phone.http() as client:
            assert (await client.post("/api/leave")).status_code == 200
        await sees_the_end(page)
    await scene.nobody_watches()


async def test_the_picture_ends_with_its_camera(scene: Scene) -> None:
    phone = await scene.officer()
    async with watcher() as page, watching(phone, page):
        scene.cameras.watched[0].stop()
        await page.hung_up()
    await scene.nobody_watches()


async def test_the_picture_ends_when_its_page_closes(scene: Scene) -> None:
    phone = await scene.officer()
    async with watcher() as page, watching(phone, page):
        pass
    await scene.nobody_watches()
    assert len(await scene.audited(kinds.PreviewLeft)) == 1


@pytest.mark.parametrize("kind", [kinds.PreviewWatched, kinds.PreviewLeft])
async def test_an_end_that_comes_while_the_audit_is_written_loses_no_record(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, kind: type[kinds.Body]
) -> None:
    """A page that goes closes its connection and says DELETE: two ends of one picture."""
    phone = await scene.officer()
    writing, go_on = scene.held_back(kind, monkeypatch)
    async with watcher() as page:
        answer = await asks(phone, await page.offer())
        await page.take(answer.json()["sdp"])
        if kind is kinds.PreviewLeft:
            await page.picture()
            scene.cameras.watched[0].stop()
        await writing.wait()
        async with phone.http() as client:
            await client.delete(f"/api/preview/{answer.json()['viewer']}")
        go_on.set()
        await scene.nobody_watches()
    assert len(await scene.audited(kinds.PreviewWatched)) == 1
    assert len(await scene.audited(kinds.PreviewLeft)) == 1


async def test_only_who_watches_ends_it(scene: Scene) -> None:
    phone, other = await scene.officer(), await scene.officer()
    async with watcher() as page, watching(phone, page) as viewer:
        async with other.http() as client:
            answer = await client.delete(f"/api/preview/{viewer}")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_viewer")
        assert scene.statistics.now == 1


async def test_the_picture_ends_with_the_server_and_the_audit_has_its_end(tmp_path: Path) -> None:
    cameras = Cameras("gate")
    async with watcher() as page:
        async with opened(tmp_path, watch=cameras.watch) as box:
            scene = Scene(box, cameras, {})
            phone = await scene.officer()
            async with watching(phone, page):
                pass
        await sees_the_end(page)
    assert cameras.watched == []
    async with opened(tmp_path, watch=cameras.watch) as box:
        assert len(await Scene(box, cameras, {}).audited(kinds.PreviewLeft)) == 1


async def test_a_server_that_stops_has_ended_every_picture_before_it_says_so(scene: Scene) -> None:
    phone = await scene.officer()
    async with watcher() as page, watching(phone, page):
        await scene.box.services.viewers.end_all()
        assert len(await scene.audited(kinds.PreviewLeft)) == 1
        async with watcher() as late:
            answer = await asks(phone, await late.offer())
        assert (answer.status_code, answer.json()["code"]) == (409, "not_running")


async def test_an_offer_that_never_connects_is_counted_and_no_watching(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewers, "Peer", functools.partial(Peer, connect_seconds=0.05))
    phone = await scene.officer()
    async with watcher() as page:
        assert (await asks(phone, await page.offer())).status_code == 200
        await scene.nobody_watches()
    assert scene.statistics == CallsStatistics(0, 0, 1)
    assert await scene.audited(kinds.PreviewWatched, kinds.PreviewLeft) == []


async def test_a_fault_of_one_viewer_costs_that_viewer_only(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone, other = await scene.officer(), await scene.officer()
    async with watcher() as page, watching(phone, page):
        with monkeypatch.context() as patched:
            patched.setattr(viewers, "Peer", None)
            async with watcher() as late:
                answer = await asks(other, await late.offer())
        assert (answer.status_code, answer.json()["code"]) == (409, "failed")
        await page.picture()


async def test_nobody_watches_before_the_server_runs(scene: Scene) -> None:
    services = scene.box.services
    alone = viewers.Viewers(
        scene.cameras.watch,
        RTCConfiguration(iceServers=[]),
        services.audit,
        services.duty,
        services.fault,
        lambda: asyncio.sleep(0, ""),
        services.monotonic,
    )
    operator = await scene.signed_in(Role.OPERATOR)
    session = await services.officers.session(operator.cookie.partition("=")[2])
    assert session is not None
    with pytest.raises(NotAllowed, match="starting or stopping"):
        await alone.open(session, "gate", "v=0")  # type: ignore[arg-type]
