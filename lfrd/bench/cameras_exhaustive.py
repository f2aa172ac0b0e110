"""The exhaustive run that the cameras bench is held against: the same pipeline, every frame, nothing dropped.

What it found is kept beside the clips, in FOLDER/exhaustive-KEY.json: who was found when and where, without
scores and templates. KEY stands for the pack, the list, the threshold and the settings.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

import lfrd
from lfrd.config import Config
from lfrd.evaluation.counting import Hit
from lfrd.evaluation.street_set import StreetSet
from lfrd.evaluation.street_trial import play
from lfrd.gallery.index import GalleryHolder
from lfrd.inference import Inference
from lfrd.metrics import Metrics
from lfrd.pipeline import Finding
from lfrd.sealing.lasting import whole
from lfrd.types import Box
from lfrd.vision.pack import Pack
from lfrd.watching import Progress, pipeline_of

EVERY = 120.0
"""`analysis.rate` at which each frame of any clip is due."""
CODE = ("vision", "tracking", "decision", "gallery", "capture", "pipeline.py", "inference.py")
"""What decides who is found: where a line of it has changed, what was kept is not taken any more."""


class Kept(msgspec.Struct):
    """Of one clip. code: digest of CODE when it was run. bytes: the clip's size. found: (person, seconds, x,
    y, width, height)."""

    code: str
    bytes: int
    found: list[tuple[str, float, float, float, float, float]]


async def exhaustive(
    pack: Pack,
    inference: Inference,
    watchlist: GalleryHolder,
    threshold: float,
    street: StreetSet,
    clips: Sequence[Path],
    settings: Config,
    *,
    stale: bool = False,
    progress: Progress = lambda done, total: None,
) -> dict[Path, list[Hit]]:
    """What is found in each of the clips, from the file where it is there, and run and kept where not.

    stale: take what was kept although the code is another by now. Raises what the pipeline raises.
    """
    file = street.folder / f"exhaustive-{_key(pack, threshold, street, settings)}.json"
    code = _code()
    kept = _read(file)

    def is_good(clip: Path) -> bool:
        known = kept.get(clip.name)
        return known is not None and known.bytes == clip.stat().st_size and (stale or known.code == code)

    missing = [clip for clip in clips if not is_good(clip)]
    every = msgspec.structs.replace(settings.analysis, rate=EVERY, whole_view_seconds=0)
    settings = msgspec.structs.replace(settings, analysis=every)
    for number, clip in enumerate(missing):
        progress(number, len(missing))
        found = await _found(pack, inference, watchlist, threshold, clip, settings)
        kept[clip.name] = Kept(code, clip.stat().st_size, found)
        with whole(file) as out:
            out.write(msgspec.json.encode(kept))
    return {
        clip: [Hit(person, at, Box(*box)) for person, at, *box in kept[clip.name].found] for clip in clips
    }


async def _found(
    pack: Pack, inference: Inference, watchlist: GalleryHolder, threshold: float, clip: Path, settings: Config
) -> list[tuple[str, float, float, float, float, float]]:
    found: list[tuple[str, float, float, float, float, float]] = []

    async def hear(finding: Finding) -> None:
        sides = (finding.box.x, finding.box.y, finding.box.width, finding.box.height)
        found.append((finding.nominal, finding.captured_at, *sides))

    await play(clip, pipeline_of(pack, inference, watchlist, threshold, settings, hear, Metrics()))
    return found


def _key(pack: Pack, threshold: float, street: StreetSet, settings: Config) -> str:
    listed = sorted(
        (path.relative_to(street.watchlist).as_posix(), path.stat().st_size)
        for path in street.watchlist.rglob("*")
        if path.is_file()
    )
    tables: dict[str, Any] = msgspec.to_builtins(
        {"analysis": settings.analysis, "tracking": settings.tracking, "decision": settings.decision}
    )
    for name in ("rate", "least_rate", "least_side", "whole_view_seconds"):  # nothing is shed in it
        del tables["analysis"][name]
    del tables["decision"]["repeat_seconds"]
    said = json.dumps([pack.manifest.digest, threshold, listed, tables, street.seconds], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _code() -> str:
    root = Path(lfrd.__file__).parent
    digest = hashlib.sha256()
    for name in CODE:
        path = root / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _read(file: Path) -> dict[str, Kept]:
    """By the clip's name. Nothing where there is no file, or one that cannot be read: it is run anew."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Kept])
    except (OSError, msgspec.DecodeError):
        return {}
