"""A process that starts a rehearsed deployment in a site's data folder and ends: `python -m` CONFIG WHAT.

WHAT is JSON: people (references to pictures) and changes (of `policy.plan.Plan`).
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from lfrd import config
from lfrd.errors import LfrdError
from lfrd.inference import opened
from lfrd.models import library
from lfrd.policy.plan import Plan
from lfrd.readiness import pack_in_use
from lfrd.records import records
from lfrd.rehearsal import plan_for, rehearse, write_list


async def main(config_file: Path, people: dict[str, str], changes: dict[str, Any]) -> None:
    placed = config.load(config_file)
    pack = await pack_in_use(placed)
    if isinstance(pack, LfrdError):
        raise pack
    with tempfile.TemporaryDirectory() as folder:
        source = write_list(Path(folder), {name: [Path(path)] for name, path in people.items()})
        async with (
            records(placed) as kept,
            opened(pack, library.networks, placed.config.inference) as inference,
        ):
            cameras = [camera.name for camera in placed.config.cameras]
            plan = plan_for(placed.config.site.name, cameras, kept.clock.now())
            plan = msgspec.convert(msgspec.to_builtins(plan) | changes, Plan)
            await rehearse(kept, placed, pack, inference, plan, source)


if __name__ == "__main__":
    what = msgspec.json.decode(sys.argv[2])
    asyncio.run(main(Path(sys.argv[1]), what["people"], what["changes"]))
