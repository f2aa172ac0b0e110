"""A deployment planned, authorised, listed and started by made-up people: for the demonstration and tests.

Nothing is passed over: the same steps in the same order by people of the same roles as in earnest, each
recorded in the audit. What is made up is who they are, and that they agree at once.
"""

from __future__ import annotations

import csv
import datetime
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lfrd.config import Placed
from lfrd.inference import Inference
from lfrd.listing.enrolling import Enroller
from lfrd.listing.importing import import_list
from lfrd.listing.reading import COLUMNS
from lfrd.listing.source import read_source
from lfrd.policy.plan import DOCUMENTS, CameraPlan, Plan
from lfrd.readiness import facts
from lfrd.records import Records
from lfrd.store.deployments import Deployment
from lfrd.store.entries import EntryState
from lfrd.types import CONSOLE, Actor, DeploymentId, Role
from lfrd.vision.pack import Pack

CATEGORY = "rehearsal"
WHOLE_VIEW = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]


@dataclass(frozen=True)
class Cast:
    """Who plays: one who authorises, and one who plans and runs."""

    authorising: Actor
    operator: Actor


async def cast(kept: Records) -> Cast:
    """The two made-up people, added where they are not there yet. Their passwords are random and told to
    nobody: whoever needs one sets it."""
    known = {officer.name: officer.actor for officer in await kept.officers.all()}
    people = {}
    for name, role, rank in (
        ("Rehearsal authoriser", Role.AUTHORISING, "Superintendent"),
        ("Rehearsal operator", Role.OPERATOR, "Sergeant"),
    ):
        if name not in known:
            known[name] = Actor(await kept.officers.add(name, role, rank, CONSOLE), name, role)
        people[role] = known[name]
    return Cast(people[Role.AUTHORISING], people[Role.OPERATOR])


def plan_for(name: str, cameras: Sequence[str], now: float, *, hours: float = 12.0) -> Plan:
    """A plan that lacks nothing, from now on, with whole views as zones. now: Unix seconds."""
    return Plan(
        name=name,
        purpose="To try lfrd out with pictures that are public.",
        use_case="rehearsal",
        place="This machine",
        starts_at=now - 60.0,
        ends_at=now + hours * 3600.0,
        necessity="Nothing else shows the whole way from a camera to an officer's decision.",
        proportionality="Only people in the public domain, or who have agreed, are looked for.",
        documents=dict.fromkeys(DOCUMENTS, "rehearsal"),
        cameras=[CameraPlan(name=camera, zone=WHOLE_VIEW) for camera in cameras],
        categories=[CATEGORY],
    )


def write_list(folder: Path, people: Mapping[str, Sequence[Path]]) -> Path:
    """A watchlist's folder as `lfrd watchlist import` takes it: references to their pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "entries.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        for reference, pictures in people.items():
            copies = [f"{reference}-{number}{path.suffix}" for number, path in enumerate(pictures, 1)]
            for copy, path in zip(copies, pictures, strict=True):
                shutil.copyfile(path, folder / copy)
            writer.writerow(
                {
                    "reference": reference,
                    "category": CATEGORY,
                    "image_source": "public domain",
                    "lawful_basis": "rehearsal",
                    "image_date": "2020-01-01",
                    "rationale": "to be found in a rehearsal",
                    "instruction": "Nobody is to be stopped: this is a rehearsal",
                    "pictures": "|".join(copies),
                }
            )
    return folder


async def rehearse(
    kept: Records,
    placed: Placed,
    pack: Pack,
    inference: Inference,
    plan: Plan,
    folder: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    start: bool = True,
) -> Deployment:
    """Draft, authorise, import `folder` as the list, approve what waits, make ready and start. A deployment
    that is open is closed before. Raises what each step raises."""
    people = await cast(kept)
    deployments = kept.deployments
    if (before := await deployments.current()) is not None:
        await deployments.close(before.id, people.operator)
    drafted = await deployments.draft(plan, people.operator)
    await deployments.authorise(drafted.id, people.authorising, "", "a rehearsal")
    today = datetime.datetime.fromtimestamp(kept.clock.now(), datetime.UTC).date()
    await import_list(
        kept.watchlists,
        drafted.id,
        plan,
        read_source(folder, plan.categories, today),
        pack,
        Enroller.of(inference, placed.config),
        people.operator,
        dim=inference.dim,
        progress=progress,
    )
    await _approve_all(kept, drafted.id, people.authorising)
    found = await facts(placed, plan, drafted.id, kept.watchlists, pack, kept.clock.now)
    ready = await deployments.make_ready(drafted.id, people.operator, found)
    return await deployments.start(ready.id, people.operator, found) if start else ready


async def _approve_all(kept: Records, deployment: DeploymentId, actor: Actor) -> None:
    waiting = await kept.watchlists.entries(deployment, actor, limit=10_000, state=EntryState.WAITING)
    for entry in waiting:
        for need in entry.needs:
            await kept.watchlists.approve(entry.id, need, actor, "a rehearsal")
