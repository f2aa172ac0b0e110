"""`lfrd demo`: the whole of lfrd on one machine, with nothing to configure and nobody's data.

Two people in the public domain walk down a drawn street; one of them is on the watchlist of a rehearsed
deployment. The database and its key live in a temporary folder and go with the process; the clip and the
model pack are kept for the next time.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lfrd import config
from lfrd.app import Progress, Site, running
from lfrd.commands.failure import first_known
from lfrd.errors import BusyError, LfrdError, MissingError
from lfrd.evaluation.street import demo_clip
from lfrd.inference import opened
from lfrd.models import library
from lfrd.models.shelf import writing
from lfrd.officer import HeadlessOfficer
from lfrd.records import records
from lfrd.rehearsal import plan_for, rehearse, write_list
from lfrd.types import CONSOLE, U8, Detections, Role
from lfrd.vision.pack import Pack
from lfrd.vision.picture import Picture
from lfrd.web.links import join_link
from lfrd.web.serving import reachable
from lfrd.wire import Event

ASTRONAUT = ("skimage", "data/astronaut.png")
ADMIRAL = ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg")
LISTED = "astronaut"
CAMERA = "Drawn street"
CLIP = "street-1.mp4"  # the number goes up when the clip is to be made anew
INVITATION_HOURS = 12
PATIENCE_SECONDS = 120.0  # for the first alert; it takes 3 s on two cores


@dataclass(frozen=True, slots=True)
class Serving:
    """The server listens; link: an invitation for phones."""

    address: str
    link: str


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


News = Serving | OnPost | Arrived | Answered | Ended
Tell = Callable[[News], object]


async def run_demo(
    *, once: bool, host: str, port: int, pack: Pack, data: Path, progress: Progress, tell: Tell
) -> None:
    """Set up, serve, and - with `once` - answer the first alert without a phone."""
    folder = data / "demo"
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        clip = await _prepare_clip(folder, pack, progress)
    with tempfile.TemporaryDirectory(prefix="lfrd-demo-") as temporary:
        place = Path(temporary)
        raw = config.Config(
            site=config.Site(name="Demonstration"),
            web=config.Web(
                host="127.0.0.1" if once else host, port=0 if once else port, allow_plain_http=True
            ),
            cameras=[config.Camera(name=CAMERA, source=str(clip), loop=True)],
        )
        await _rehearse(raw.at(place), pack, progress)
        try:
            async with running(raw.at(place), progress, pack=pack) as site:
                await (_answer_once(site, tell) if once else _serve(site, host, tell))
        except* BusyError as group:
            raise BusyError(f"{first_known(group)}; for instance: lfrd demo --port {port + 1}") from None


async def _rehearse(placed: config.Placed, pack: Pack, progress: Progress) -> None:
    """Plan, authorise, list and start the deployment that the server then finds open."""
    people = write_list(placed.folder / "people", {LISTED: [_portrait(*ASTRONAUT)]})
    async with (
        records(placed) as kept,
        opened(pack, library.networks, placed.config.inference) as inference,
    ):
        plan = plan_for("Demonstration", [CAMERA], kept.clock.now())
        with progress("Enrolling the watchlist") as report:
            await rehearse(kept, placed, pack, inference, plan, people, report)


async def _serve(site: Site, host: str, tell: Tell) -> None:
    address = f"http://{reachable(host)}:{site.bound.port}"
    code = await _invited(site, None, 20, INVITATION_HOURS * 3600)
    tell(Serving(address, join_link(address, code)))
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    tell(Ended())


async def _answer_once(site: Site, tell: Tell) -> None:
    """A headless officer over a real WebSocket: joins, goes on post, gets the alert, decides."""
    code = await _invited(site, "Headless officer", 1, 600)
    async with HeadlessOfficer.joined(site.bound.url, code) as officer:
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


async def _invited(site: Site, name: str | None, uses: int, seconds: float) -> str:
    return await site.records.officers.invite(name, uses, seconds, role=Role.ENGAGEMENT, actor=CONSOLE)


async def _prepare_clip(folder: Path, pack: Pack, progress: Progress) -> Path:
    clip = folder / CLIP
    if clip.exists():
        return clip
    portraits = (_portrait(*ASTRONAUT), _portrait(*ADMIRAL))
    async with opened(pack, library.networks, config.Inference()) as inference:

        def locate(image: U8) -> Detections:
            found = inference.detect(Picture(image.copy(), planar=False), max(image.shape[:2]))
            return found[found.scores >= inference.high]

        unfinished = folder / f"making-{os.getpid()}.mp4"
        try:
            with progress("Drawing the street clip") as report:
                await asyncio.to_thread(demo_clip, unfinished, portraits, locate, report)
            unfinished.replace(clip)
        finally:
            unfinished.unlink(missing_ok=True)
    return clip


def _portrait(package: str, path: str) -> Path:
    spec = importlib.util.find_spec(package)
    places = spec.submodule_search_locations if spec is not None else None
    found = Path(places[0]) / path if places else None
    if found is None or not found.exists():
        raise MissingError(
            f"the demonstration needs a portrait from the package {package}; pip install lfrd[demo]"
        )
    return found
