"""A site with a camera and a deployment that is ready, opened and closed as often as a test likes."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from lfrd import conducting, housekeeping
from lfrd.app import Site, running
from lfrd.config import Analysis, Camera, Config, Placed, Web
from lfrd.config import Site as SiteSettings
from lfrd.inference import opened
from lfrd.models import library
from lfrd.policy.life import Facts
from lfrd.policy.plan import Plan
from lfrd.readiness import facts
from lfrd.records import Records, records
from lfrd.rehearsal import Cast, cast, plan_for, rehearse, write_list
from lfrd.types import DeploymentId, Stage
from lfrd.vision.pack import Pack
from lfrd.wire import OnPost
from tests.deployed import invited, quiet
from tests.journeys.process import PATIENCE, reach
from tests.phone import Phone

LOOKS = 8
"""Looks at the database: by then each of those who look has looked twice."""


@dataclass
class There:
    """The site while it runs, with an officer on post."""

    site: Site
    placed: Placed
    phone: Phone
    people: Cast
    deployment: DeploymentId
    _looks: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    @property
    def records(self) -> Records:
        return self.site.records

    async def start(self, plan: Plan) -> None:
        """Made ready once more where it has been changed, and started."""
        deployments, operator = self.records.deployments, self.people.operator
        if (await deployments.get(self.deployment)).stage is not Stage.READY:
            await deployments.make_ready(self.deployment, operator, await self._facts(plan))
        await deployments.start(self.deployment, operator, await self._facts(plan))

    async def _facts(self, plan: Plan) -> Facts:
        kept = self.records
        return await facts(
            self.placed, plan, self.deployment, kept.watchlists, self.site.pack, kept.clock.now
        )

    async def looked(self) -> None:
        """Returns when the server has looked at what stands in the database since this was called."""
        while not self._looks.locked():
            await self._looks.acquire()
        async with asyncio.timeout(PATIENCE):
            for _ in range(LOOKS):
                await self._looks.acquire()

    def count_looks(self) -> None:
        real = self.records.db.version

        async def version() -> int:
            self._looks.release()
            return await real()

        self.records.db.version = version  # type: ignore[method-assign]


@dataclass
class Ready:
    """What is kept of it while it does not run. settings and pack: what it is opened with the next time."""

    folder: Path
    settings: Config
    pack: Pack
    deployment: DeploymentId
    _officers: Iterator[int] = field(default_factory=itertools.count)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[There]:
        placed = self.settings.at(self.folder)
        async with running(placed, quiet, pack=self.pack) as site:
            phone = await Phone.join(site.bound.url, await invited(site, f"PC {next(self._officers)}"), "")
            there = There(site, placed, phone, await cast(site.records), self.deployment)
            there.count_looks()
            async with phone.connected():
                await phone.say(OnPost())
                await reach(phone, lambda: bool(phone.states) and phone.state().on_post)
                yield there


@asynccontextmanager
async def ready(
    folder: Path,
    pack: Path,
    clip: Path,
    wanted: Path,
    monkeypatch: pytest.MonkeyPatch,
    names: Sequence[str] = ("Street",),
    *,
    paced: bool = True,
    **change: object,
) -> AsyncIterator[Ready]:
    """wanted: the one portrait on the list. names: of cameras that all show the clip, again and again at its
    own speed, or once as fast as it goes (not paced)."""
    for module in (conducting, housekeeping):
        monkeypatch.setattr(module, "LOOK_SECONDS", 0.02)
    cameras = [Camera(name=name, source=str(clip), loop=paced, paced=paced) for name in names]
    settings = Config(
        site=SiteSettings(data="data"),
        web=Web(host="127.0.0.1", allow_plain_http=True, port=0),
        cameras=cameras,
        analysis=Analysis(rate=5.0),  # enough to follow one person, and half the work
    )
    placed = settings.at(folder)
    found = library.open_pack(str(pack), placed.data)
    async with (
        records(placed) as kept,
        opened(found, library.networks, settings.inference) as inference,
    ):
        source = write_list(folder / "people", {"N-1": [wanted]})
        plan = plan_for("Rehearsal", names, kept.clock.now(), hours=4.0)
        plan = msgspec.structs.replace(plan, **change)
        made = await rehearse(kept, placed, found, inference, plan, source, start=False)
    yield Ready(folder, settings, found, made.id)
