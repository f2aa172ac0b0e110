"""`lfrd demo`: the whole of lfrd on one machine, with nothing to configure and nobody's data.

Two people in the public domain walk down a drawn street; one of them is on the watchlist of a rehearsed
deployment. The database and its key live in a temporary folder and go with the process; the clip and the
model pack are kept for the next time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lfrd import config
from lfrd.app import Progress, Site, running
from lfrd.certificates.authority import Authority
from lfrd.certificates.fingerprint import rows
from lfrd.commands.failure import first_known
from lfrd.errors import BusyError, LfrdError
from lfrd.evaluation.locating import located_by
from lfrd.evaluation.portraits import ADMIRAL, ASTRONAUT
from lfrd.evaluation.portraits import portrait as portrait_of
from lfrd.evaluation.street import demo_clip
from lfrd.gallery.folder import read_folder
from lfrd.inference import opened
from lfrd.models import library
from lfrd.models.shelf import writing
from lfrd.officer import HeadlessOfficer
from lfrd.records import records
from lfrd.rehearsal import plan_for, rehearse, write_list
from lfrd.types import CONSOLE, Role
from lfrd.vision.pack import Pack
from lfrd.web.links import camera_link, join_link
from lfrd.web.serving import reachable
from lfrd.wire import Event

LISTED = "astronaut"
CAMERA = "Drawn street"
WEBCAM = "Webcam"
ENGINEER = "Demonstration engineer"
CLIP = "street-1.mp4"  # the number goes up when the clip is to be made anew
INVITATION_HOURS = 12
PATIENCE_SECONDS = 120.0  # for the first alert; it takes 3 s on two cores


@dataclass(frozen=True, slots=True)
class Serving:
    """The server listens; link: an invitation for phones. trust: where a new phone comes to trust the box
    first, and fingerprint what it is to be compared with; empty in plain HTTP. walks: the person on the list
    walks by without anybody's doing."""

    address: str
    link: str
    trust: str
    fingerprint: list[str]
    walks: bool


@dataclass(frozen=True, slots=True)
class Lendable:
    """A phone or a laptop may be the camera. link: the page for it, with a code that is good once. listed:
    who is on the watchlist. portrait: the picture of the one in the public domain; empty with other lists.
    """

    link: str
    listed: list[str]
    portrait: str


@dataclass(frozen=True, slots=True)
class OnPost:
    """The headless officer has gone on post."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """The alert has reached the headless officer, with both pictures (their sizes in bytes)."""

    event: Event
    probe: int
    candidate: int


@dataclass(frozen=True, slots=True)
class Answered:
    """The headless officer's decision is stored."""

    event: Event


@dataclass(frozen=True, slots=True)
class Ended:
    """The server has been asked to stop."""


News = Serving | Lendable | OnPost | Arrived | Answered | Ended
Tell = Callable[[News], object]


async def run_demo(
    *,
    once: bool,
    host: str,
    port: int,
    plain: bool,
    pack: Pack,
    data: Path,
    progress: Progress,
    tell: Tell,
    webcam: bool = False,
    watchlist: Path | None = None,
) -> None:
    """Set up, serve, and - with `once` - answer the first alert without a phone. plain: HTTP without TLS.

    webcam: a phone or a laptop is the camera, instead of the drawn street. watchlist: a folder of people to
    be found, as `read_folder` takes it, instead of the one in the public domain.
    """
    listed = {LISTED: [portrait_of(*ASTRONAUT)]}
    if watchlist is not None:
        listed = {entry.nominal: list(entry.pictures) for entry in read_folder(watchlist)}
    folder = data / "demo"
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        camera = config.Camera(name=WEBCAM, source=config.PHONE)
        if not webcam:
            clip = await _prepare_clip(folder, pack, progress)
            camera = config.Camera(name=CAMERA, source=str(clip), loop=True)
    with tempfile.TemporaryDirectory(prefix="lfrd-demo-") as temporary:
        place = Path(temporary)
        raw = config.Config(
            site=config.Site(name="Demonstration"),
            web=config.Web(
                host="127.0.0.1" if once else host, port=0 if once else port, allow_plain_http=plain
            ),
            # Kept for the next time, so that a phone that trusts the demonstration goes on doing so.
            tls=config.Tls(folder=str(folder / "tls"), onboarding_port=0 if once else _door(host)),
            cameras=[camera],
        )
        await _rehearse(raw.at(place), listed, pack, progress)
        try:
            async with running(raw.at(place), progress, pack=pack) as site:
                if once:
                    await _answer_once(site, tell)
                    return
                await _announce(site, host, tell, walks=not webcam)
                if webcam:
                    picture = "" if watchlist is not None else str(listed[LISTED][0])
                    await _lendable(site, host, [*listed], picture, tell)
                await _until_asked(tell)
        except* BusyError as group:
            raise BusyError(f"{first_known(group)}; for instance: lfrd demo --port {port + 1}") from None


async def _rehearse(
    placed: config.Placed, listed: Mapping[str, Sequence[Path]], pack: Pack, progress: Progress
) -> None:
    """Plan, authorise, list and start the deployment that the server then finds open."""
    people = write_list(placed.folder / "people", listed)
    async with (
        records(placed) as kept,
        opened(pack, library.networks, placed.config.inference) as inference,
    ):
        plan = plan_for("Demonstration", [camera.name for camera in placed.config.cameras], kept.clock.now())
        with progress("Enrolling the watchlist") as report:
            await rehearse(kept, placed, pack, inference, plan, people, report)


async def _announce(site: Site, host: str, tell: Tell, *, walks: bool) -> None:
    seen = reachable(host)
    address = replace(site.bound, host=seen).url
    trust = "" if site.door is None else replace(site.door, host=seen).url
    authority = _authority(site)
    code = await _invited(site, None, 20, INVITATION_HOURS * 3600)
    fingerprint = [] if authority is None else rows(authority.digest)
    tell(Serving(address, join_link(address, code), trust, fingerprint, walks))


async def _lendable(site: Site, host: str, listed: list[str], picture: str, tell: Tell) -> None:
    officers, seen = site.records.officers, reachable(host)
    await officers.add(ENGINEER, Role.ENGINEER, "", CONSOLE)
    code = await officers.invite(ENGINEER, 1, INVITATION_HOURS * 3600, role=Role.ENGINEER, actor=CONSOLE)
    # Another name for the same machine: there one browser can be the officer and the engineer, each with a
    # session of its own.
    address = replace(site.bound, host="localhost" if seen == "127.0.0.1" else seen).url
    tell(Lendable(camera_link(address, code), listed, picture))


async def _until_asked(tell: Tell) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    tell(Ended())


async def _answer_once(site: Site, tell: Tell) -> None:
    """A headless officer over a real WebSocket: joins, goes on post, gets the alert, decides."""
    code = await _invited(site, "Headless officer", 1, 600)
    authority = _authority(site)
    trust = None if authority is None else authority.trusting()
    async with HeadlessOfficer.joined(site.bound.url, code, trust=trust) as officer:
        await officer.go_on_post()
        tell(OnPost())
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                event = await officer.next_event("alert")
        except TimeoutError:
            raise LfrdError(
                f"no alert within {PATIENCE_SECONDS:g} s, though the person on the list walks by every 14 s; "
                "`lfrd models verify` checks the pack"
            ) from None
        probe, candidate = (
            await officer.picture(event.alert.probe),
            await officer.picture(event.alert.candidate),
        )
        tell(Arrived(event, len(probe), len(candidate)))
        await officer.claim(event.alert.id)
        await officer.adjudicate(event.alert.id, "viable")
        tell(Answered(await officer.next_event("adjudicated")))


def _authority(site: Site) -> Authority | None:
    certificate = site.office.services.certificate
    return None if certificate is None else certificate.authority


def _door(host: str) -> int:
    """A port for the page by which phones come to trust the demonstration: the usual one where it is free."""
    for port in (config.Tls().onboarding_port, 0):
        with contextlib.suppress(OSError), socket.create_server((host, port), family=_family(host)) as tried:
            return int(tried.getsockname()[1])
    return 0


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


async def _invited(site: Site, name: str | None, uses: int, seconds: float) -> str:
    return await site.records.officers.invite(name, uses, seconds, role=Role.ENGAGEMENT, actor=CONSOLE)


async def _prepare_clip(folder: Path, pack: Pack, progress: Progress) -> Path:
    clip = folder / CLIP
    if clip.exists():
        return clip
    portraits = (portrait_of(*ASTRONAUT), portrait_of(*ADMIRAL))
    async with opened(pack, library.networks, config.Inference()) as inference:
        unfinished = folder / f"making-{os.getpid()}.mp4"
        try:
            with progress("Drawing the street clip") as report:
                await asyncio.to_thread(demo_clip, unfinished, portraits, located_by(inference), report)
            unfinished.replace(clip)
        finally:
            unfinished.unlink(missing_ok=True)
    return clip
