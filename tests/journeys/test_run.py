"""`lfrd run`, the whole way: cameras by duty, an alert to its answer, an orderly end, and nothing said."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import cv2
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed

from lfrd import wire
from tests.journeys.process import (
    PATIENCE,
    Server,
    Site,
    bare_stream,
    camera,
    of,
    passing,
    reach,
    see,
)
from tests.phone import Phone
from tests.rtsp_server import RtspServer

pytestmark = pytest.mark.journey

OBSERVED = 1.5
"""Seconds for which nothing may happen: time for a camera that still runs to show itself, not a wait for
anything."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, astronaut: Path) -> Path:
    return passing(tmp_path_factory.mktemp("clips") / "passing.mp4", astronaut)


@pytest.fixture
def site(tmp_path: Path, builtin: Path, astronaut: Path) -> Site:
    site = Site(tmp_path, builtin)
    site.watch_for(**{"M-2041": astronaut})
    return site


async def assert_nothing_is_decoded(server: Server) -> None:
    before = await server.decoded()
    await asyncio.sleep(OBSERVED)
    assert await server.decoded() == before


@contextlib.asynccontextmanager
async def beating(phone: Phone, seconds: float) -> AsyncIterator[None]:
    """Heartbeats, as a phone on post sends them."""

    async def beat() -> None:
        while True:
            await phone.say(wire.Beat())
            await asyncio.sleep(seconds)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
            await task


# ---- an alert's whole way -------------------------------------------------------------------------------


async def test_cameras_run_while_an_officer_is_on_post_and_an_alert_is_seen_claimed_and_decided(
    site: Site, clip: Path
) -> None:
    with RtspServer(bare_stream(clip, site.folder / "clip.h264")) as gate:
        site.configure({"name": "Street", "source": clip, "loop": True}, {"name": "Gate", "source": gate.url})
        async with site.running() as server:
            adams, baker = await asyncio.gather(server.phone("PC Adams"), server.phone("PC Baker"))
            async with adams.connected(), baker.connected():
                await reach(adams, lambda: bool(adams.states))
                assert [view.name for view in adams.state().cameras] == ["Street", "Gate"]
                await see(adams, Street="off", Gate="off")
                assert adams.state().officers == []
                await assert_nothing_is_decoded(server)
                assert await server.decoded() == 0

                await adams.say(wire.OnPost())
                await see(adams, Street="live", Gate="live")
                assert (adams.state().on_post, adams.state().officers) == (True, ["PC Adams"])
                assert adams.state().protected
                await reach(adams, lambda: bool(of(adams, "alert")))
                await an_alert_is_answered(adams, baker)

                await adams.say(wire.OffPost())
                await reach(adams, lambda: adams.state().officers == ["PC Baker"])
                decoded = await server.decoded()
                seen = len(adams.events)
                await reach(adams, lambda: len(adams.events) > seen)  # further sightings: they still run
                assert await server.decoded() > decoded
                assert (camera(adams, "Street").state, camera(adams, "Gate").state) == ("live", "live")

                await baker.say(wire.OffPost())
                await see(baker, Street="off", Gate="off")
                assert not baker.state().protected
                await assert_nothing_is_decoded(server)
            assert {event.alert.camera for event in adams.events} <= {"Street", "Gate"}
            assert await server.metric("lfrd_alerts", kind="alert") == 1
    assert [event.what for event in site.stored()].count("alert") == 1


async def an_alert_is_answered(adams: Phone, baker: Phone) -> None:
    """Both pictures, the first claim wins, one decision; the other officer sees all of it."""
    alert = of(adams, "alert")[0].alert
    assert alert.nominal == "M-2041"
    assert alert.score >= alert.threshold
    assert 0 <= alert.created_at - alert.seen_at < 60
    async with adams.http() as http:
        for path in (alert.probe, alert.candidate):
            answer = await http.get(path)
            assert answer.headers["content-type"] == "image/jpeg"
            picture = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
            assert picture is not None
            assert min(picture.shape[:2]) > 30

    await baker.say(wire.Claim(alert.id))
    await reach(baker, lambda: bool(baker.refused))
    assert baker.refused[-1].code == "not_on_post"
    await baker.say(wire.OnPost())
    await reach(baker, lambda: baker.state().on_post)

    await adams.say(wire.Claim(alert.id))
    await reach(baker, lambda: bool(of(baker, "claimed")))
    assert of(baker, "claimed")[0].alert.claimed_by == "PC Adams"
    await baker.say(wire.Claim(alert.id))
    await reach(baker, lambda: baker.refused[-1].code == "claimed")

    await adams.say(wire.Adjudicate(alert.id, "not_viable"))
    await reach(adams, lambda: bool(adams.refused))
    assert adams.refused[-1].code == "reason_missing"
    await adams.say(wire.Adjudicate(alert.id, "not_viable", "another man"))
    await asyncio.gather(
        *(reach(phone, lambda phone=phone: bool(of(phone, "adjudicated"))) for phone in (adams, baker))  # type: ignore[misc]
    )
    decided = of(baker, "adjudicated")[0].alert
    assert (decided.decision, decided.decided_by, decided.reason) == ("not_viable", "PC Adams", "another man")


async def test_cameras_stop_when_the_only_phone_is_cut_off_for_longer_than_the_grace(
    site: Site, clip: Path
) -> None:
    site.configure(
        {"name": "Street", "source": clip, "loop": True},
        post={"heartbeat_seconds": 0.5, "grace_seconds": 4},
    )
    async with site.running() as server:
        adams, desk = await asyncio.gather(server.phone("PC Adams"), server.phone("Desk"))
        async with desk.connected():
            async with adams.connected(), beating(adams, 0.5):
                await adams.say(wire.OnPost())
                await reach(adams, lambda: bool(of(adams, "alert")))
            await see(desk, Street="live")
            async with adams.connected(), beating(adams, 0.5):
                # Back within the grace: nothing has stopped, and the officer is still on post.
                await reach(adams, lambda: adams.states[-1].on_post)
                await see(adams, Street="live")
            await see(desk, Street="off")
            assert desk.state().officers == []
            await assert_nothing_is_decoded(server)
            states = [view.state for state in desk.states for view in state.cameras]
            assert "off" not in states[states.index("live") : -1], "they stopped before the grace was over"
        stored = site.stored()
        async with adams.connected():
            await reach(adams, lambda: adams.seqs[-1:] == [stored[-1].seq])
        assert adams.events == stored


# ---- the end --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
async def test_a_stopped_server_says_goodbye_closes_its_store_and_goes_on_at_the_next_start(
    site: Site, clip: Path, number: signal.Signals
) -> None:
    site.configure({"name": "Street", "source": clip, "loop": True})
    async with site.running() as server:
        phone = await server.phone("PC Adams")
        async with phone.connected():
            await phone.say(wire.OnPost())
            await reach(phone, lambda: len(phone.events) >= 2)
            server.terminate(number)
            assert await phone.closed() == 1012
        assert await server.ended() == 0
        assert [path.name for path in site.data.glob("*-wal")] == []
        with socket.create_server(("127.0.0.1", site.port)):
            pass
    stored = site.stored()
    shown = len(phone.states)
    async with site.running() as server, phone.connected():
        await reach(phone, lambda: len(phone.states) > shown)
        assert [view.name for view in phone.states[shown].cameras] == ["Street"]
        state = phone.states[shown].deployment
        assert state is not None
        assert state.name == "Croydon North"
        await phone.say(wire.OnPost())
        await reach(phone, lambda: len(phone.events) > len(stored))
    assert phone.events[: len(stored)] == stored
    assert [event.what for event in phone.events].count("alert") == 1
    site.assert_sound()


async def test_a_server_stops_at_once_while_a_camera_does_not_answer(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"rtsp://127.0.0.1:{silent.getsockname()[1]}/x"
        site.configure({"name": "Hole", "source": address, "open_seconds": 100})
        async with site.running() as server:
            phone = await server.phone("PC Adams")
            async with phone.connected():
                await phone.say(wire.OnPost())
                await see(phone, Hole="opening")
                server.terminate()
                assert await phone.closed() == 1012
            assert await server.ended() == 0


async def test_a_start_that_takes_long_is_broken_off(site: Site) -> None:
    site.people.clear()
    site.configure(inference={"pack": "builtin"})  # built at the first start, for some ten seconds
    async with site.starting() as server:
        async with asyncio.timeout(PATIENCE):
            while not site.data.exists():
                await asyncio.sleep(0.01)  # nothing tells that the work has begun
        server.terminate()
        assert await server.ended() == 0
        assert server.url == "", "it went on until it listened"


async def test_an_alert_that_nobody_has_answered_outlives_its_deployment(
    site: Site, clip: Path, admiral: Path
) -> None:
    """The person is still in the street, whoever else is sought from now on."""
    site.configure({"name": "Street", "source": clip, "loop": True})
    async with site.running() as server:
        phone = await server.phone("PC Adams")
        async with phone.connected():
            await phone.say(wire.OnPost())
            await reach(phone, lambda: bool(of(phone, "alert")))
        filed = of(phone, "alert")[0].alert
    site.watch_for(**{"M-2042": admiral})
    async with site.running() as server:
        later = await server.phone("PC Okoro")
        async with later.connected():
            await reach(later, lambda: bool(of(later, "alert")))
            assert of(later, "alert")[0].alert.id == filed.id
            async with later.http() as http:
                assert (await http.get(filed.candidate)).status_code == 200
            await later.say(wire.OnPost())
            await later.say(wire.Adjudicate(filed.id, "not_viable", "different person"))
            await reach(later, lambda: bool(of(later, "adjudicated")))


# ---- what stays unsaid ----------------------------------------------------------------------------------

USER, PASSWORD = "view er@gate", "p@ss:wo/rd?%&"
ENCODED = re.compile("|".join(map(re.escape, (USER, PASSWORD, quote(USER, ""), quote(PASSWORD, "")))))


async def test_nothing_of_a_face_and_no_secret_is_said_at_the_most_talkative_level(
    site: Site, clip: Path
) -> None:
    right, wrong = site.folder / "right.txt", site.folder / "wrong.txt"
    right.write_text(f"{PASSWORD}\n")
    wrong.write_text("mistaken-word\n")
    with RtspServer(
        bare_stream(clip, site.folder / "clip.h264"), user=USER, password=PASSWORD, digest=True
    ) as gate:
        site.configure(
            {"name": "Gate", "source": f"{gate.url}?token=hidden-word", "user": USER, "password_file": right},
            {"name": "Yard", "source": gate.url, "user": USER, "password_file": wrong},
            log={"level": "debug"},
        )
        async with site.running() as server:
            code = (await site.invitation("PC Adams")).rpartition("#join=")[2]
            phone = await Phone.join(server.url, code, "PC Adams")
            token = phone.cookie.partition("=")[2]
            async with phone.connected():
                await phone.say(wire.OnPost())
                await see(phone, Yard="retrying")
                await reach(phone, lambda: bool(of(phone, "alert")))
                alert = of(phone, "alert")[0].alert
                async with phone.http() as http:
                    jpegs = [(await http.get(path)).content for path in (alert.probe, alert.candidate)]
                await phone.say(wire.Adjudicate(alert.id, "not_viable", "a reason in their own words"))
                await reach(phone, lambda: bool(of(phone, "adjudicated")))
                await phone.say(wire.OffPost())
                await see(phone, Gate="off", Yard="off")
            server.terminate()
            assert await server.ended() == 0
        said = server.out + server.err
    assert alert.id in said, "the alert's journey was not logged: this test would prove nothing"
    assert "refuses the user or the password" in said
    for secret in (code, token, "mistaken-word", "hidden-word", "M-2041", "a reason in their own words"):
        assert secret not in said
    assert not ENCODED.search(said)
    assert_no_picture(said, jpegs)
    assert not re.search(r"(-?\d+\.\d+(e-?\d+)?[,\s]+){5}", said), "a row of numbers, as of a template"


def assert_no_picture(said: str, jpegs: list[bytes]) -> None:
    """Neither as it is nor as base64, hexadecimal or a bytes' repr."""
    assert all(jpeg.startswith(b"\xff\xd8") for jpeg in jpegs)
    for mark in ("/9j/", "ffd8ff", r"\xff\xd8", "JFIF"):
        assert mark not in said
    assert not re.search(r"[A-Za-z0-9+/]{120,}", said)
