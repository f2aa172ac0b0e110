"""`lfrd run` as its users start it: a process with a settings file, a data folder, an address and signals."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import sqlite3
import ssl
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import cv2
import httpx
import msgspec
import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from lfrd import config, wire
from lfrd.certificates.keeping import read_authority
from lfrd.sealing.sealer import Sealer
from lfrd.sealing.sitekey import open_site_key
from lfrd.store.alert_state import erased_view
from lfrd.types import U8
from tests.commands import Ended, program
from tests.conftest import ROOT
from tests.phone import Phone
from tests.ports import free_port

PATIENCE = 120.0
"""Seconds after which a test fails where it would hang; nothing is expected to take so long."""

Table = dict[str, Any]


async def lfrd(*arguments: str | Path, wrap: Sequence[str | Path] = (), cwd: Path = ROOT) -> Ended:
    """Run a command of lfrd to its end. wrap: a command line to run it under, in a Python of its own then."""
    return await _program("lfrd", *arguments, wrap=wrap, cwd=cwd)


async def _program(module: str, *arguments: str | Path, wrap: Sequence[str | Path], cwd: Path) -> Ended:
    if not wrap:
        environment = {"COLUMNS": "200", "LFRD_TRACEBACK": "1"}
        return await asyncio.to_thread(program, module, *arguments, environment=environment, cwd=cwd)
    process = await _start(module, *arguments, wrap=wrap, cwd=cwd)
    try:
        async with asyncio.timeout(PATIENCE):
            out, err = await process.communicate()
    finally:
        await _reap(process)
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


async def _start(module: str, *arguments: str | Path, wrap: Sequence[str | Path], cwd: Path) -> Process:
    command = [*wrap, sys.executable, "-m", module, *arguments]
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = os.environ | {"PYTHONPATH": paths, "COLUMNS": "200", "LFRD_TRACEBACK": "1"}
    environment.pop("ORT_DISABLE_TELEMETRY", None)  # which lfrd has set in this process, and must in that
    return await asyncio.create_subprocess_exec(
        *map(str, command), stdin=DEVNULL, stdout=PIPE, stderr=PIPE, cwd=cwd, env=environment
    )


async def _reap(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


class Server:
    """One life of `lfrd run`, from its printed address on."""

    def __init__(self, process: Process, site: Site) -> None:
        self.process = process
        self.site = site
        self.url = ""
        self._out: list[str] = []
        self._err: list[str] = []
        self._listening = asyncio.Event()  # the address has been printed, or never will be
        self._readers = [asyncio.create_task(self._read_out()), asyncio.create_task(self._read_err())]

    @property
    def out(self) -> str:
        return "".join(self._out)

    @property
    def err(self) -> str:
        return "".join(self._err)

    async def listening(self) -> None:
        await self._listening.wait()
        assert self.url, f"lfrd run ended before it listened:\n{self.err}"

    async def phone(self, name: str) -> Phone:
        """An officer's phone that has joined by `lfrd invite`."""
        code = (await self.site.invitation(name)).rpartition("#join=")[2]
        return await Phone.join(self.url, code, name, self.trust)

    @property
    def trust(self) -> ssl.SSLContext | None:
        """Takes certificates by the site's own authority; None in plain HTTP."""
        if not self.url.startswith("https"):
            return None
        authority = read_authority(self.site.folder / "tls")
        assert authority is not None
        return authority.trusting()

    async def get(self, path: str) -> httpx.Response:
        verify = self.trust or True
        async with httpx.AsyncClient(base_url=self.url, timeout=PATIENCE, verify=verify) as client:
            return await client.get(path)

    async def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that carry these labels."""
        text = (await self.get("/metrics")).text
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name in (name, f"{name}_total") and labels.items() <= sample.labels.items()
        )

    async def decoded(self, camera: str = "") -> float:
        return await self.metric("lfrd_frames_decoded", **({"camera": camera} if camera else {}))

    def kill(self) -> None:
        self.process.kill()

    def terminate(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    async def ended(self) -> int:
        """Wait for the process's end and for the last of what it says; its exit code."""
        async with asyncio.timeout(PATIENCE):
            code = await self.process.wait()
            await asyncio.gather(*self._readers)
        return code

    def events(self) -> list[Table]:
        """What it logged (log.format must be json, which it is where nothing else is set)."""
        return [json.loads(line) for line in self.err.splitlines() if line.startswith("{")]

    async def _read_out(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self._out.append(line.decode())
            if found := re.search(r"listening on (http\S+)", self._out[-1]):
                self.url = found.group(1)
                self._listening.set()
        self._listening.set()

    async def _read_err(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self._err.append(line.decode())


@dataclass
class Site:
    """A folder as an operator lays it out: config.toml, data, the site's key."""

    folder: Path
    pack: Path
    port: int = field(default_factory=free_port)
    wrap: Sequence[str | Path] = ()
    """A command line under which its commands run."""
    disk: Path | None = None
    """Where the test sees the data folder, if that is another place than where the server does."""
    people: dict[str, Path] = field(default_factory=dict)
    """Who is on the watchlist of the next deployment: references to pictures."""
    deployed: bool = False
    """Whether the open deployment is the one that `people` and the settings ask for."""
    changes: dict[str, Any] = field(default_factory=dict)
    """What is another than usual in the next deployment's plan (`policy.plan.Plan`)."""
    _cameras: list[str] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def watch_for(self, **portraits: Path) -> None:
        """Put people on the next deployment's watchlist: reference=picture."""
        self.people |= portraits
        self.deployed = False

    async def deploy(self, **changes: Any) -> None:
        """A deployment by made-up people, authorised and started, with all cameras of the settings.

        Done by `starting` where it has not been: most tests need one and are about something else."""
        what = {"people": self.people, "changes": self.changes | changes}
        ended = await _program(
            "tests.journeys.rehearse",
            *(self.config, msgspec.json.encode(what, enc_hook=str).decode()),
            wrap=self.wrap,
            cwd=ROOT,
        )
        assert ended.code == 0, ended.err
        self.deployed = True

    def configure(self, *cameras: Table, **tables: Table) -> None:
        """Write config.toml. Light on the machine, and patient with phones that a test leaves unread."""
        settings: dict[str, Table] = {
            "site": {"name": "Croydon North", "data": str(self.data)},
            "web": {
                "host": "127.0.0.1",
                "port": self.port,
                "allow_plain_http": True,
                "receipt_seconds": 600,
                "window": 1000,
            },
            "post": {"heartbeat_seconds": 5, "grace_seconds": 600},
            "inference": {"pack": str(self.pack)},
            "analysis": {"rate": 6, "max_side": 640},
            "log": {"format": "json"},
        }
        for name, table in tables.items():
            settings[name] = settings.get(name, {}) | table
        lines: list[str] = []
        for name, table in settings.items():
            lines += [f"[{name}]", *_pairs(table)]
        for camera in cameras:
            lines += ["[[cameras]]", *_pairs(camera)]
        self.config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        names = [table["name"] for table in cameras]
        self.deployed = self.deployed and names == self._cameras
        self._cameras = names

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Server]:
        """`lfrd run`, listening; killed at the end of the block where it still runs.

        However it ends, its users must not have been shown a traceback.
        """
        async with self.starting() as server:
            async with asyncio.timeout(PATIENCE):
                await server.listening()
            yield server

    @asynccontextmanager
    async def starting(self) -> AsyncIterator[Server]:
        """The same from the very start, before it listens."""
        if self.people and self._cameras and not self.deployed:
            await self.deploy()
        process = await _start("lfrd", "run", "--config", self.config, wrap=self.wrap, cwd=self.folder)
        server = Server(process, self)
        try:
            yield server
        finally:
            await _reap(process)
            await server.ended()
        assert "Traceback" not in server.err, server.err

    async def invitation(self, name: str) -> str:
        """The link that `lfrd invite` prints."""
        ended = await lfrd("invite", name, "--config", self.config, wrap=self.wrap, cwd=self.folder)
        assert ended.code == 0, ended.err
        return ended.out.split()[-1]

    def stored(self) -> list[wire.Event]:
        """Every event in the database file, unsealed, in order; also while the server runs."""
        with self.database() as db:
            events = db.execute(
                "SELECT seq, what, at, alert, deployment, body FROM event ORDER BY seq"
            ).fetchall()
            keys = db.execute(
                "SELECT deployment, wrapped FROM deployment_key WHERE purpose = 'alerts'"
            ).fetchall()
        site_key = open_site_key(config.load(self.config), create=False)
        sealers = {of: Sealer(site_key.unwrap(wrapped, f"{of}/alerts")) for of, wrapped in keys}
        decode = msgspec.json.Decoder(wire.AlertView).decode
        return [
            wire.Event(
                seq=seq,
                what=what,
                at=at,
                alert=erased_view(alert)
                if body is None
                else decode(sealers[deployment].unseal(body, f"event/{alert}")),
            )
            for seq, what, at, alert, deployment, body in events
        ]

    @contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        """As any other program opens it; from another file system than ours, as a backup's copy."""
        with tempfile.TemporaryDirectory() as copy:
            folder = self.data
            if self.disk is not None:  # SQLite would follow its path back onto ours
                folder = Path(copy)
                for file in self.disk.glob("lfrd.sqlite3*"):
                    shutil.copyfile(file, folder / file.name)
            with closing(sqlite3.connect(folder / "lfrd.sqlite3")) as db:
                yield db

    def assert_sound(self) -> None:
        with self.database() as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert db.execute("PRAGMA foreign_key_check").fetchall() == []


def _pairs(table: Table) -> Iterator[str]:
    for name, value in table.items():
        # A JSON text, number or truth value is a TOML one too.
        yield f"{name} = {json.dumps(str(value) if isinstance(value, Path) else value)}"


# ---- what phones see ------------------------------------------------------------------------------------


async def reach(phone: Phone, done: Callable[[], bool], *, receipts: bool = True) -> None:
    """Read until `done`; fails with what the phone last saw where that takes too long."""
    try:
        async with asyncio.timeout(PATIENCE):
            await phone.until(done, receipts=receipts)
    except TimeoutError:
        seen = phone.state() if phone.states else None
        raise AssertionError(f"{phone.name} waited in vain; {phone.seqs=} {phone.refused=} {seen}") from None


async def see(phone: Phone, **cameras: str) -> None:
    """Read until the cameras are in these states: Gate="live"."""
    await reach(phone, lambda: all(camera(phone, name).state == state for name, state in cameras.items()))


def camera(phone: Phone, name: str) -> wire.CameraView:
    if not phone.states:
        return wire.CameraView(name, "")
    return next(view for view in phone.state().cameras if view.name == name)


def of(phone: Phone, what: str) -> list[wire.Event]:
    return [event for event in phone.events if event.what == what]


# ---- what cameras see -----------------------------------------------------------------------------------


def passing(path: Path, *portraits: Path) -> Path:
    """A short clip to be looped: each person's head crosses the view in a second and a half, and is gone for
    one. Many passages a minute, which a walk down a street would not give."""
    rate, size = 12, (640, 360)
    with av.open(str(path), "w", format="mp4") as out:
        track = out.add_stream("libx264", rate=rate, options={"preset": "veryfast", "crf": "18"})
        track.width, track.height = size
        track.pix_fmt = "yuv420p"
        for portrait in portraits:
            person = cast(U8, cv2.imread(str(portrait)))
            person = cast(U8, cv2.resize(person, None, fx=300 / len(person), fy=300 / len(person)))
            for number in range(rate * 5 // 2):
                image = np.full((size[1], size[0], 3), (120, 130, 125), np.uint8)
                if number < rate * 3 // 2:
                    left = 40 + 8 * number
                    image[30:330, left : left + person.shape[1]] = person
                frame = av.VideoFrame.from_ndarray(image, "bgr24").reformat(format="yuv420p")
                frame.pts, frame.time_base = None, Fraction(1, rate)
                out.mux(track.encode(frame))
        out.mux(track.encode(None))
    return path


def bare_stream(clip: Path, path: Path) -> Path:
    """The clip as an RTSP camera sends it: bare H.264 with delimited access units (see tests/rtsp_server)."""
    options = {"tune": "zerolatency", "x264-params": "aud=1:keyint=25:scenecut=0:repeat-headers=1"}
    with av.open(str(clip)) as source, av.open(str(path), "w", format="h264") as out:
        picture = source.streams.video[0]
        track = out.add_stream("libx264", rate=25, options=options | {"preset": "veryfast"})
        track.width, track.height, track.pix_fmt = picture.width, picture.height, "yuv420p"
        for number, frame in enumerate(source.decode(picture)):
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(track.encode(frame))
        out.mux(track.encode(None))
    return path
