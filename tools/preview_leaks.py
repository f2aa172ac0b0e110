"""Counts faces that the live picture fails to hide, and prints what came of it as JSON; docs/preview.md has
the figures.

    python -m tools.preview_leaks ../shared/video/stage.mp4 --pack ../shared/models/field
    python -m tools.preview_leaks --faces ../shared/faces --people 60 --pack ../shared/models/field

Clips are searched as they are. With --faces, people of that folder walk through clips that are drawn for it,
twenty in each, and thrown away at the end; their truth says where every face is, found or not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from lfrd.bench.preview_leaks import Leaks, Search, Shown, shown
from lfrd.config import Config
from lfrd.config import Inference as Settings
from lfrd.errors import LfrdError
from lfrd.evaluation.machine import machine
from lfrd.evaluation.street import Truth, crowd, make_clip
from lfrd.inference import opened
from lfrd.models import library
from lfrd.types import U8, Box, Detections
from tools.street_trial import locator

EACH = 20
"""People in a drawn clip."""
THRESHOLDS = (0.2, 0.3, 0.4, 0.5)
"""Similarities: 0.3 to 0.4 is where two pictures of one person begin with the field pack."""


def walkers_at(truth: Truth | None, at: float) -> list[Box]:
    if truth is None:
        return []
    return [
        Box(x, y, w, h)
        for passage in truth.passages
        for t, x, y, w, h in passage.boxes
        if abs(t - at) < 0.005
    ]


async def leaks_of(clip: Path, truth: Truth | None, options: argparse.Namespace) -> Leaks:
    pack = library.open_pack(options.pack, options.data)
    searcher = library.open_pack(options.searcher or options.pack, options.data)
    rng = np.random.default_rng(options.seed)
    clear: dict[float, U8] = {}
    pictures: list[Shown] = []

    def overlook(found: Detections) -> Detections:
        return found[rng.random(len(found)) >= options.miss]

    async with opened(pack, library.networks, Settings()) as inference:
        await shown(
            clip,
            pack,
            inference,
            Config(),
            overlook=overlook,
            take=pictures.append,
            frames=lambda frame: clear.update({frame.captured_at: frame.picture.scaled(*frame.picture.size)}),
        )
    async with opened(searcher, library.networks, Settings()) as inference:
        search = Search(inference)
        times = np.array(sorted(clear))
        for picture in pictures:
            at = float(times[np.abs(times - picture.at).argmin()])
            await search.look(picture, clear[at], walkers_at(truth, at))
    return search.leaks


async def every(options: argparse.Namespace) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as scratch:
        clips: list[tuple[Path, Truth | None]] = [(clip, None) for clip in options.clips]
        if options.faces:
            people = crowd(options.faces, options.people, seed=options.seed)
            for number, start in enumerate(range(0, len(people), EACH)):
                path = Path(scratch) / f"street{number}.mp4"
                part = people[start : start + EACH]
                truth = make_clip(path, part, seconds=14, locate=locator(options.data), seed=number + 1)
                clips.append((path, truth))
        for clip, known in clips:
            leaks = await leaks_of(clip, known, options)
            rows.append({"clip": clip.name} | leaks.as_dict(THRESHOLDS))
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return rows


def main() -> int:
    scratch = Path(tempfile.gettempdir()) / "lfrd-preview-leaks"
    parser = argparse.ArgumentParser(description="Count faces that the live picture fails to hide.")
    parser.add_argument("clips", type=Path, nargs="*", metavar="CLIP", help="recordings to search")
    parser.add_argument("--pack", default="builtin", help="an installed pack, or a folder (%(default)s)")
    parser.add_argument(
        "--searcher", help="the pack that looks for leaks, where it is to be another one than the site's"
    )
    parser.add_argument("--faces", type=Path, help="a folder with a folder of pictures per person, who walk")
    parser.add_argument("--people", type=int, default=60, help="how many of them (%(default)s)")
    parser.add_argument("--seed", type=int, default=4, help="of who walks, and of --miss (%(default)s)")
    parser.add_argument(
        "--miss",
        type=float,
        default=0.0,
        help="share of all faces found, in each look at each picture, that is left out, as if the detector "
        "were that much worse (%(default)s)",
    )
    parser.add_argument("--data", type=Path, default=scratch / "data", help="installed packs (%(default)s)")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    try:
        rows = asyncio.run(every(options))
    except LfrdError as error:
        print(error, file=sys.stderr)
        return 1
    given = {"pack": options.pack, "searcher": options.searcher or options.pack, "miss": options.miss}
    print(json.dumps({"machine": machine()} | given | {"clips": rows}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
