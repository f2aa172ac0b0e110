"""A site of this process with a rehearsed deployment: for tests that look inside while it runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from lfrd.app import Site, running
from lfrd.config import Config
from lfrd.inference import opened
from lfrd.models import library
from lfrd.records import records
from lfrd.rehearsal import plan_for, rehearse, write_list
from lfrd.types import CONSOLE, Role


@contextmanager
def quiet(_title: str) -> Iterator[Callable[[int, int], None]]:
    yield lambda done, total: None


@asynccontextmanager
async def deployed(
    folder: Path, settings: Config, pack: Path, people: Mapping[str, Path]
) -> AsyncIterator[Site]:
    """people: who is on the list, references to pictures. A deployment is begun where none is open."""
    placed = settings.at(folder)
    found = library.open_pack(str(pack), placed.data)
    async with (
        records(placed) as kept,
        opened(found, library.networks, settings.inference) as inference,
    ):
        if await kept.deployments.current() is None:
            source = write_list(folder / "people", {name: [path] for name, path in people.items()})
            plan = plan_for("Rehearsal", [camera.name for camera in settings.cameras], kept.clock.now())
            await rehearse(kept, placed, found, inference, plan, source)
    async with running(placed, quiet, pack=found) as site:
        yield site


async def invited(site: Site, name: str | None = None) -> str:
    """A code for one phone."""
    return await site.records.officers.invite(name, 1, 600, role=Role.ENGAGEMENT, actor=CONSOLE)
