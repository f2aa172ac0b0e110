"""Runs a street trial and prints what came of it as JSON; docs/accuracy.md holds the figures.

    python -m tools.street_trial FACES --pack ../shared/models/field --seed 1 --half report

FACES holds a folder of pictures per person. Sought people have two pictures or more: the first is on the
watchlist, another one walks. Clips are drawn at the first call (about a second a walker) and kept in the
folder CLIPS, where they stay until you delete them: they show the people of FACES.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

import cv2

from lfrd.config import Config, load
from lfrd.errors import LfrdError
from lfrd.evaluation.cutout import Locate
from lfrd.evaluation.locating import located_with
from lfrd.evaluation.machine import machine
from lfrd.evaluation.street_plan import clear_subject, draw, make_plan
from lfrd.evaluation.street_trial import run
from lfrd.models import library

FPIRS = (0.1, 0.03, 0.01, 0.003, 0.001, 0.0001)


def locator(data: Path) -> Locate:
    """The builtin pack's detector, whichever pack is on trial: all walk in the same clips."""
    return located_with(library.ensure_builtin(data, lambda share, what: None))


def trial(options: argparse.Namespace) -> dict[str, object]:
    locate = locator(options.data)
    settings = load(options.config).config if options.config else Config()
    pack = library.open_pack(options.pack, options.data)
    plan = make_plan(
        options.faces,
        clear_subject(locate),
        seed=options.seed,
        half=options.half,
        sought=options.sought,
        strangers=options.strangers,
        nominals=options.nominals,
        leave_out=options.leave_out,
    )
    began = time.perf_counter()

    def progress(done: int, total: int) -> None:
        print(f"{time.perf_counter() - began:6.0f} s: {done} of {total} clips", file=sys.stderr, flush=True)

    clips = draw(plan, options.clips, locate)
    result = asyncio.run(run(plan, clips, pack, settings, fpirs=FPIRS, progress=progress))
    return {"machine": machine(), "half": options.half} | result.as_dict()


def main() -> int:
    scratch = Path(tempfile.gettempdir()) / "lfrd-street-trial"
    parser = argparse.ArgumentParser(description="Count what the pipeline finds in drawn street clips.")
    parser.add_argument(
        "faces", type=Path, metavar="FACES", help="a folder with a folder of pictures per person"
    )
    parser.add_argument("--pack", default="builtin", help="an installed pack, or a folder (%(default)s)")
    parser.add_argument("--config", type=Path, help="settings; the defaults if not given")
    parser.add_argument("--seed", type=int, default=1, help="of who walks, and how (%(default)s)")
    parser.add_argument(
        "--half",
        choices=("all", "tune", "report"),
        default="all",
        help="which people may walk: choose settings on one half, report on the other (%(default)s)",
    )
    parser.add_argument("--sought", type=int, default=100, help="passages of listed people (%(default)s)")
    parser.add_argument("--strangers", type=int, default=100, help="passages of others (%(default)s)")
    parser.add_argument("--nominals", type=int, default=900, help="people on the list (%(default)s)")
    parser.add_argument(
        "--leave-out", nargs="*", default=[], metavar="NAME", help="folders that show another one's person"
    )
    parser.add_argument("--clips", type=Path, default=scratch / "clips", help="kept clips (%(default)s)")
    parser.add_argument("--data", type=Path, default=scratch / "data", help="installed packs (%(default)s)")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    try:
        print(json.dumps(trial(options), indent=2))
    except LfrdError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
