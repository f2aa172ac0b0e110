"""The street, the list and the server that the phone bench measures: a site in a temporary folder."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import hashlib
import json
import ssl
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lfrd import config
from lfrd.certificates.keeping import read_authority, read_box
from lfrd.errors import LfrdError, MissingError
from lfrd.evaluation.cutout import Locate
from lfrd.evaluation.locating import located_by
from lfrd.evaluation.portraits import ADMIRAL, ASTRONAUT, portrait
from lfrd.evaluation.street import Walker, crowd, make_clip
from lfrd.evaluation.street_plan import clear_subject
from lfrd.inference import opened
from lfrd.models import library
from lfrd.records import Records, records
from lfrd.rehearsal import plan_for, rehearse, write_list
from lfrd.types import CONSOLE, Role
from lfrd.vision.pack import Pack
from lfrd.web.proof import DeviceKey, read_key

Bars = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
"""Opens a progress bar with a title; told (done, total)."""

CAMERA = "Drawn street"
SIZE = 960, 540
REPEAT_SECONDS = 1.0
"""So short that whoever comes by again is an alert again; a deployment has minutes."""
EXPIRE_SECONDS = 15.0
"""Alerts go by themselves, so that the hundredth finds a phone like the first did."""
SECONDS_TO_PASS = 7.0
PATIENCE = 60.0
"""Seconds for the server to listen, or to stop."""


@dataclass(frozen=True, slots=True)
class Pass:
    """A phone's session that was made without a page. token: the cookie's value."""

    name: str
    token: str
    key: DeviceKey


@dataclass(frozen=True, slots=True)
class Trust:
    """What phones need before they take the site's certificate."""

    context: ssl.SSLContext
    """Trusts the site's authority, and no other."""
    key: str
    """SHA-256 of the box's public key, in Base64: a browser takes it where nothing can be installed."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A running site. codes: an invitation for each page; passes: a session for each phone without one."""

    address: str
    trust: Trust | None
    """None over plain HTTP."""
    codes: Sequence[str]
    passes: Sequence[Pass]
    listed: int
    apart: float
    """Seconds between two people of the clip."""


@asynccontextmanager
async def scene(
    pack: Pack, *, faces: Path | None, pages: int, phones: int, tls: bool, seed: int, progress: Bars
) -> AsyncIterator[Scene]:
    """Draw the street, list its people, and serve it while the block runs.

    faces: a folder of pictures a person; None for two portraits of installed packages, who pass in turns.
    pages, phones: how many are let in with a page and without. tls: over the site's own authority, as in
    earnest. Raises LfrdErrors.
    """
    with tempfile.TemporaryDirectory(prefix="lfrd-bench-") as temporary:
        folder = Path(temporary)
        clip, settings = folder / "street.mp4", folder / "config.toml"
        settings.write_text(_settings(clip, pack, tls), encoding="utf-8")
        placed = config.load(settings)
        async with opened(pack, library.networks, placed.config.inference) as inference:
            locate = located_by(inference)
            walkers, listed, apart = await asyncio.to_thread(_cast, faces, seed, locate)
            seconds = apart * len(walkers) + SECONDS_TO_PASS
            with progress("Drawing the street") as report:
                await asyncio.to_thread(
                    make_clip,
                    clip,
                    walkers,
                    seconds=seconds,
                    locate=locate,
                    size=SIZE,
                    seed=seed,
                    posts=0,
                    progress=report,
                )
            async with records(placed) as kept:
                plan = plan_for("Phone bench", [CAMERA], kept.clock.now())
                plan = msgspec.structs.replace(plan, escalate_seconds=3600.0, expire_seconds=EXPIRE_SECONDS)
                people = write_list(folder / "people", {name: [path] for name, path in listed.items()})
                with progress("Enrolling the watchlist") as report:
                    await rehearse(kept, placed, pack, inference, plan, people, report)
                codes = [await _invited(kept) for _ in range(pages)]
                passes = [await _signed_in(kept, f"Phone {number}") for number in range(1, phones + 1)]
        async with _server(settings) as address:
            trust = _trust(folder / "tls") if tls else None
            yield Scene(address, trust, codes, passes, len(listed), apart)


def _trust(folder: Path) -> Trust:
    """From what the server has made at its start."""
    authority, box = read_authority(folder), read_box(folder)
    assert authority is not None
    assert box is not None
    public = box.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Trust(authority.trusting(), base64.b64encode(hashlib.sha256(public).digest()).decode())


def _settings(clip: Path, pack: Pack, tls: bool) -> str:
    """config.toml. What JSON writes of a text, a number or a truth value, TOML reads."""
    tables: dict[str, dict[str, str | int | float | bool]] = {
        "site": {"name": "Phone bench", "data": "data"},
        "web": {"host": "127.0.0.1", "port": 0, "allow_plain_http": not tls},
        "tls": {"onboarding_port": 0},
        "post": {"grace_seconds": 600.0},
        "inference": {"pack": str(pack.folder)},
        "decision": {"repeat_seconds": REPEAT_SECONDS},
        "log": {"level": "error"},
        "[cameras]": {"name": CAMERA, "source": str(clip), "loop": True},
    }
    lines: list[str] = []
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _cast(faces: Path | None, seed: int, locate: Locate) -> tuple[list[Walker], dict[str, Path], float]:
    """Who walks, who is listed with which picture, and the seconds from one to the next."""
    if faces is None:
        pair = [portrait(*ASTRONAUT), portrait(*ADMIRAL)]
        apart, count = 4.5, 6  # whoever comes again has been out of view for longer than REPEAT_SECONDS
        people = [Walker(path.stem, path) for path in pair] * (count // 2)
        listed = {path.stem: path for path in pair}
    else:
        apart, count = 1.6, 20
        clear = clear_subject(locate)
        people, listed = [], {}
        for walker in crowd(faces, min(3 * count, _people_in(faces)), seed=seed):
            first = min(p for p in (faces / walker.name).iterdir() if not p.name.startswith("."))
            assert isinstance(walker.picture, Path)
            if clear(first) and clear(walker.picture):
                people.append(walker)
                listed[walker.name] = first
            if len(people) == count:
                break
        if not people:
            raise MissingError(f"{faces}: nobody in it has a picture that shows one face clearly")
    walkers = [
        dataclasses.replace(
            person, enter=apart * number, speed=1.3, far=30.0, near=105.0, lane=(-0.4, 0.4)[number % 2]
        )
        for number, person in enumerate(people)
    ]
    return walkers, listed, apart


def _people_in(folder: Path) -> int:
    return sum(path.is_dir() for path in folder.iterdir()) if folder.is_dir() else 0


async def _invited(kept: Records) -> str:
    return await kept.officers.invite(None, 1, 3600, role=Role.ENGAGEMENT, actor=CONSOLE)


async def _signed_in(kept: Records, name: str) -> Pass:
    """Past the limit of sign-ins from one address, which fifty phones on one machine would meet."""
    key = DeviceKey()
    return Pass(name, await kept.officers.join(await _invited(kept), name, read_key(key.public)), key)


@asynccontextmanager
async def _server(settings: Path) -> AsyncIterator[str]:
    """`lfrd run` as a process of its own, as in earnest. Raises LfrdError where it ends by itself."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lfrd", "run", "--json", "--config", str(settings)),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
    )
    said = asyncio.create_task(_last_lines(process))
    try:
        yield await _listening(process, said)
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(PATIENCE):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        await said


async def _listening(process: Process, said: asyncio.Task[str]) -> str:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            line = await process.stdout.readline()
    except TimeoutError:
        raise LfrdError(f"the server did not listen within {PATIENCE:g} s") from None
    if not line:
        raise LfrdError(f"the server ended before it listened: {(await said).strip() or 'it said nothing'}")
    return str(json.loads(line)["address"])


async def _last_lines(process: Process) -> str:
    """What it says on standard error, read so that it never waits; the newest 2,000 characters."""
    assert process.stderr is not None
    kept = ""
    async for line in process.stderr:
        kept = (kept + line.decode("utf-8", "replace"))[-2000:]
    return kept
