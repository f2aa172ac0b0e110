"""Runs one trial of ways to recognise and prints what came of it as JSON; see docs/recognition.md.

    python -m tools.recognition stills FACES --pack ../shared/models/field --half tune
    python -m tools.recognition street FOLDER... --faces FACES --pack ../shared/models/field --half tune
    python -m tools.recognition several FACES --pack ../shared/models/field --half tune

FACES holds a folder of pictures per person; FOLDER is made of it by `lfrd bench street`. Choose on `--half
tune`, then look at `--half report` once, with `--ways` for those that were chosen: every further look at it
makes it part of the choosing. Templates stay in memory; the output names nobody.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2

from lfrd.errors import LfrdError, MissingError
from lfrd.evaluation.machine import machine
from lfrd.evaluation.searches import Searches
from lfrd.evaluation.street_set import read_set
from lfrd.models import library
from tools.recognition.comparing import compared
from tools.recognition.networks import Networks, open_networks
from tools.recognition.people import cast_of
from tools.recognition.several import several_pictures
from tools.recognition.still_trial import by_quality, searches, see
from tools.recognition.street import see_street, street_searches
from tools.recognition.ways import Way, ways

SPOKEN = 10.0  # seconds between two lines of progress


def stills(networks: Networks, options: argparse.Namespace) -> dict[str, Searches]:
    chosen = _chosen(networks, options.ways)
    cast = cast_of(options.faces, options.half, cohort=options.cohort, leave_out=options.leave_out)
    seen = see(networks, cast, chosen, walks=options.walks, seed=options.seed, progress=_progress())
    found = {name: searches(seen, way) for name, way in chosen.items()}
    return found | {"threshold by quality": by_quality(seen, chosen["product"], found["product"])}


def street(networks: Networks, options: argparse.Namespace) -> dict[str, Searches]:
    chosen = _chosen(networks, options.ways)

    async def see_all() -> dict[str, Searches]:
        streets = [
            await see_street(
                networks,
                read_set(folder),
                options.faces,
                chosen,
                leave_out=options.leave_out,
                progress=_progress(),
            )
            for folder in options.folders
        ]
        return {name: street_searches(networks, streets, way, options.half) for name, way in chosen.items()}

    return asyncio.run(see_all())


def several(networks: Networks, options: argparse.Namespace) -> dict[str, Searches]:
    return several_pictures(
        networks,
        options.faces,
        ways(networks.mirrored)["product"],
        options.half,
        leave_out=options.leave_out,
        walks=options.walks,
        seed=options.seed,
        progress=_progress(),
    )


def outcome(found: Mapping[str, Searches]) -> dict[str, object]:
    """Each way against the first, which is the product's; figures only."""
    first, *others = found
    base = found[first]
    return {
        "entries": base.entries,
        "mated": len(base.own),
        "mated_people": len(set(base.mated.tolist())),
        "non_mated": len(base.top),
        "non_mated_people": len(set(base.non_mated.tolist())),
        "against": first,
        "ways": {
            name: {what: _rounded(value) for what, value in compared(base, found[name]).as_dict().items()}
            for name in others
        },
    }


def _rounded(values: list[float]) -> list[float]:
    return [round(value, 4) for value in values]


def _chosen(networks: Networks, names: list[str] | None) -> dict[str, Way]:
    known = ways(networks.mirrored)
    for name in names or ():
        if name not in known:
            raise MissingError(f"{name}: no such way; there are {', '.join(known)}")
    return {name: way for name, way in known.items() if name == "product" or not names or name in names}


def _progress() -> Callable[[str, int, int], None]:
    spoken = time.monotonic()

    def told(what: str, done: int, of: int) -> None:
        nonlocal spoken
        if time.monotonic() - spoken >= SPOKEN:
            spoken = time.monotonic()
            print(f"{what}: {done} of {of}", file=sys.stderr, flush=True)

    return told


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.recognition", description="Compare ways to recognise on the same searches."
    )
    trials = parser.add_subparsers(required=True)
    for trial in (stills, several, street):
        one = trials.add_parser(trial.__name__)
        one.set_defaults(trial=trial)
        if trial is street:
            one.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="a street set")
            one.add_argument("--faces", type=Path, required=True, help="what the sets were drawn from")
        else:
            one.add_argument("faces", type=Path, metavar="FACES", help="a folder of pictures a person")
            one.add_argument("--walks", type=int, default=2, help="of each probe picture (%(default)s)")
            one.add_argument("--seed", type=int, default=1, help="of the walks (%(default)s)")
        if trial is stills:
            one.add_argument("--cohort", type=int, default=200, help="strangers kept aside (%(default)s)")
        if trial is not several:
            one.add_argument("--ways", nargs="+", metavar="NAME", help="all of them if not given")
        one.add_argument("--pack", default="builtin", help="an installed pack, or a folder (%(default)s)")
        one.add_argument("--half", choices=("tune", "report"), default="tune", help="%(default)s")
        one.add_argument(
            "--leave-out",
            nargs="*",
            default=[],
            metavar="NAME",
            help="folders that show another one's person",
        )
        scratch = Path(tempfile.gettempdir()) / "lfrd-recognition-trial"
        one.add_argument("--data", type=Path, default=scratch, help="installed packs (%(default)s)")
    return parser


def main() -> int:
    options = _parser().parse_args()
    cv2.setNumThreads(1)
    try:
        networks = open_networks(library.open_pack(options.pack, options.data))
        found = options.trial(networks, options)
    except LfrdError as error:
        print(error, file=sys.stderr)
        return 1
    about = {"machine": machine(), "pack": networks.pack.name, "half": options.half}
    print(json.dumps(about | outcome(found), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
