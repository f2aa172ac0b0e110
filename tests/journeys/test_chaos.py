"""What a street does to a server: cameras die, power fails, disks fill up. No alert is lost or doubled."""

from __future__ import annotations

import asyncio
import contextlib
import random
import resource
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from lfrd import wire
from tests.conftest import unavailable
from tests.journeys.process import (
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
from tests.ports import free_port
from tests.rtsp_server import RtspServer

pytestmark = pytest.mark.journey

RETRYING = {"retry_seconds": 0.2, "retry_longest_seconds": 0.5, "stall_seconds": 2}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, astronaut: Path, admiral: Path) -> Path:
    """The astronaut and the admiral pass by in turns."""
    return passing(tmp_path_factory.mktemp("clips") / "passing.mp4", astronaut, admiral)


@pytest.fixture
def site(tmp_path: Path, builtin: Path, astronaut: Path, admiral: Path) -> Site:
    site = Site(tmp_path, builtin)
    site.watch_for(**{"M-2041": astronaut, "M-2042": admiral})
    return site


# ---- cameras --------------------------------------------------------------------------------------------


async def test_cameras_that_are_dead_or_die_are_shown_while_the_others_go_on_and_come_back_by_themselves(
    site: Site, clip: Path
) -> None:
    stream = bare_stream(clip, site.folder / "clip.h264")
    dead = RtspServer(stream, port=free_port())
    with RtspServer(stream) as gate:
        site.configure(
            {"name": "Street", "source": clip, "loop": True},
            {"name": "Gate", "source": gate.url, **RETRYING},
            {"name": "Dead", "source": dead.url, **RETRYING},
            tracking={"lost_seconds": 0.4},
        )
        async with site.running() as server:
            phone = await server.phone("PC Adams")
            async with phone.connected():
                await phone.say(wire.OnPost())
                await see(phone, Street="live", Gate="live", Dead="retrying")
                assert "refuses the connection" in camera(phone, "Dead").problem
                assert phone.state().protected
                await reach(phone, lambda: len(of(phone, "alert")) == 2)

                gate.kill()
                await see(phone, Street="live", Gate="retrying", Dead="retrying")
                assert camera(phone, "Gate").problem
                await news_from(phone, "Street")
                assert await unhealthy(server) == {"Gate", "Dead"}

                gate.start()
                await see(phone, Gate="live")
                assert camera(phone, "Gate").problem == ""
                await news_from(phone, "Gate")

                with dead:  # whoever was to mount it has done so
                    await see(phone, Street="live", Gate="live", Dead="live")
                    await news_from(phone, "Dead")
            assert len(of(phone, "alert")) == 2
            decoded = [await server.decoded(name) for name in ("Street", "Gate", "Dead")]
            assert all(decoded)


async def news_from(phone: Phone, name: str) -> None:
    """Somebody on the list is seen by this camera from now on."""
    start = len(phone.events)
    await reach(
        phone,
        lambda: any(name in (e.alert.last_camera, e.alert.camera) for e in phone.events[start:]),
    )


async def unhealthy(server: Server) -> set[str]:
    """The cameras that /healthz complains of to a program on this machine."""
    answer = await server.get("/healthz")
    assert answer.status_code == 503
    return {reason.split()[1].rstrip(":") for reason in answer.json()["reasons"] if "camera" in reason}


async def test_a_camera_that_accepts_and_never_answers_holds_up_no_heartbeat_and_no_alert(
    site: Site, clip: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"rtsp://127.0.0.1:{silent.getsockname()[1]}/stream"
        site.configure(
            {"name": "Hole", "source": address, "open_seconds": 4, **RETRYING},
            {"name": "Street", "source": clip, "loop": True},
        )
        async with site.running() as server:
            phone = await server.phone("PC Adams")
            async with phone.connected():
                await phone.say(wire.OnPost())
                await see(phone, Hole="opening")
                beats = 0
                while camera(phone, "Hole").state == "opening":
                    beats += 1
                    await phone.say(wire.Beat())
                    await reach(phone, lambda: len(phone.pulses) == beats)  # noqa: B023
                assert beats >= 20, "the loop stood still while the camera was opened"
                assert "did not answer within" in camera(phone, "Hole").problem
                assert of(phone, "alert"), "and so did the other camera"


# ---- power ----------------------------------------------------------------------------------------------

KILLS = 4


async def test_a_server_killed_again_and_again_loses_no_event_and_files_no_standing_alert_anew(
    site: Site, clip: Path
) -> None:
    site.configure(
        *({"name": name, "source": clip, "loop": True} for name in ("Street", "Gate")),
        tracking={"lost_seconds": 0.3},
        decision={"repeat_seconds": 600},
    )
    chance = random.Random(11)
    phones: list[Phone] = []
    for kill in range(KILLS):
        async with site.running() as server:
            if not phones:
                phones = list(await asyncio.gather(server.phone("PC Adams"), server.phone("PC Baker")))
            quick, slow = phones
            lagging = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                group.create_task(stand(quick, lagging, chance.randrange(2, 4), server, kill % 2 == 0))
                group.create_task(lag(slow, lagging, chance, leaves=kill % 2 == 0))
            assert await server.ended() == -signal.SIGKILL
        site.assert_sound()
    async with site.running():
        async with quick.connected():
            await quick.say(wire.OnPost())
            for alert in {event.alert.id for event in quick.events}:
                await claim(quick, alert)
        assert quick.refused == []
        stored = site.stored()
        for phone in phones:
            async with phone.connected():
                await reach(phone, lambda: phone.seqs[-1:] == [stored[-1].seq])  # noqa: B023
            assert phone.events == stored
            assert phone.again or phone is quick, "the lagging phone resumed nothing: this proves too little"
    assert [event.seq for event in stored] == list(range(1, len(stored) + 1))
    assert sorted(e.alert.nominal for e in stored if e.what == "alert") == ["M-2041", "M-2042"]
    assert sorted(e.alert.nominal for e in stored if e.what == "claimed") == ["M-2041", "M-2042"]
    assert len(stored) > 2 * KILLS


async def stand(phone: Phone, lagging: asyncio.Event, more: int, server: Server, answered: bool) -> None:
    """On post until so many events are there that the other has no receipt for; a claim, and the plug is
    pulled."""
    async with phone.connected():
        await phone.say(wire.OnPost())
        await reach(phone, lagging.is_set)
        wanted = len(phone.events) + more
        await reach(phone, lambda: len(phone.events) >= wanted)
        if answered:
            await claim(phone, phone.events[-1].alert.id)
        else:
            await phone.say(wire.Claim(phone.events[-1].alert.id))
        server.kill()
        await rest(phone)


async def claim(phone: Phone, alert: str) -> None:
    await phone.say(wire.Claim(alert))
    await reach(phone, lambda: any(event.alert.id == alert for event in of(phone, "claimed")))


async def lag(phone: Phone, lagging: asyncio.Event, chance: random.Random, *, leaves: bool) -> None:
    """An event or two, not all receipted; then it is out of reach, or reads on and receipts nothing more."""
    async with phone.connected():
        wanted = len(phone.events) + chance.randrange(1, 3)
        await reach(phone, lambda: len(phone.events) >= wanted, receipts=False)
        await phone.receipt(chance.choice(phone.seqs[-2:]))
        lagging.set()
        if not leaves:
            await rest(phone)


async def rest(phone: Phone) -> None:
    """What was still on its way, until the connection breaks."""
    with pytest.raises(ConnectionClosed):
        await reach(phone, lambda: False, receipts=False)


# ---- disks ----------------------------------------------------------------------------------------------


async def test_a_disk_that_stops_writing_ends_the_server_with_one_line_and_all_that_was_stored(
    site: Site, clip: Path
) -> None:
    site.configure({"name": "Street", "source": clip, "loop": True}, tracking={"lost_seconds": 0.4})
    async with site.running() as server:
        phone = await server.phone("PC Adams")
        async with phone.connected():
            await phone.say(wire.OnPost())
            await reach(phone, lambda: bool(phone.events))
            # No file of the process may grow from here on; for it that is a disk that fails to write.
            log = site.data / "lfrd.sqlite3-wal"
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (log.stat().st_size,) * 2)
            await phone.closed()
        assert "does not read or write" in await one_line(server)
    site.assert_sound()
    assert site.stored()[: len(phone.events)] == phone.events
    await assert_goes_on(site, phone)


@contextlib.contextmanager
def small_disk(place: Path, size: str) -> Iterator[tuple[Path, list[str | Path]]]:
    """A real file system of this size: where the test sees it, and what puts a command onto it."""
    mount = f'mount -t tmpfs -o size={size},mode=700 tmpfs "$0" && echo ready && cat'
    with subprocess.Popen(
        ["unshare", "-rm", "sh", "-c", mount, place],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        if holder.stdout.readline() != "ready\n":
            unavailable("needs a user namespace in which a tmpfs may be mounted (unshare -rm)")
        enter = ["nsenter", f"--target={holder.pid}", "--user", "--mount", "--preserve-credentials"]
        yield Path(f"/proc/{holder.pid}/root") / place.relative_to("/"), [*enter]
        holder.stdin.close()


def fill(file: Path) -> None:
    """Until nothing more goes onto its disk."""
    with file.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        while True:
            stream.write(bytes(1 << 20))
    assert shutil.disk_usage(file.parent).free == 0


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare, of util-linux")
async def test_a_full_disk_ends_the_server_with_one_line_and_room_lets_it_go_on(
    site: Site, clip: Path
) -> None:
    site.configure({"name": "Street", "source": clip, "loop": True}, tracking={"lost_seconds": 0.4})
    site.data.mkdir(mode=0o700)
    with small_disk(site.data, "24m") as (site.disk, site.wrap):
        film = site.disk / "film"
        async with site.running() as server:
            phone = await server.phone("PC Adams")
            async with phone.connected():
                await phone.say(wire.OnPost())
                await reach(phone, lambda: bool(phone.events))
                fill(film)
                await phone.closed()
            assert "no room left" in await one_line(server)
        assert site.stored()[: len(phone.events)] == phone.events
        async with (
            site.starting() as server
        ):  # as its supervisor does at once: nobody is told that all is well
            assert "no room left" in await one_line(server)
            assert server.url == ""
        film.unlink()
        await assert_goes_on(site, phone)
        site.assert_sound()


async def one_line(server: Server) -> str:
    """How a server says that it cannot go on: exit code 1, and one line that is not its log."""
    assert await server.ended() == 1
    lines = [line for line in server.err.splitlines() if not line.startswith("{")]
    assert len(lines) == 1, server.err
    assert str(server.site.data) in lines[0]
    return lines[0]


async def assert_goes_on(site: Site, phone: Phone) -> None:
    """The next start has every event, the phone is given what it lacks, and new ones follow."""
    stored = site.stored()
    async with site.running() as server, phone.connected():
        await phone.say(wire.OnPost())
        await reach(phone, lambda: len(phone.events) > len(stored))
        server.terminate()
        await phone.closed()
        assert await server.ended() == 0
    assert phone.events[: len(stored)] == stored
    assert sorted({e.alert.nominal for e in of(phone, "alert")}) == sorted(
        e.alert.nominal for e in of(phone, "alert")
    )
