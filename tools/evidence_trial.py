"""What a street set's tracks come to at other rates, with other shots, and by other rules.

    python -m tools.evidence_trial FOLDER --pack ../shared/models/field --rates 25 6.25 5 --starts 0 1 2 3

FOLDER is made by `lfrd bench street`. Every frame is looked at once; rates, shots and rules are then tried on
what was seen, which stays in memory. At fewer than all frames a second a clip gives several samples, one from
each of its first frames (`--starts`). A false track alerts for somebody whom it never followed: everybody
walks past the whole list but for themselves. docs/decision.md and docs/tracking.md hold what came of it.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import numpy as np

from lfrd.config import Config
from lfrd.decision.rule import Rule
from lfrd.errors import LfrdError
from lfrd.evaluation.looks import Judgement, Look, Seen, follow, gather, look
from lfrd.evaluation.machine import machine
from lfrd.evaluation.passages import Owners, outcomes, owners
from lfrd.evaluation.street_set import StreetSet, read_set
from lfrd.evaluation.street_trial import share, verdicts
from lfrd.gallery.index import Gallery
from lfrd.metrics import Metrics
from lfrd.models import library
from lfrd.pipeline import Finding
from lfrd.types import TrackId
from lfrd.vision.pack import Pack
from lfrd.watching import derive, watching

FPIRS = (0.1, 0.03, 0.01, 0.003, 0.001)
Judged = dict[TrackId, list[Judgement]]
Found = dict[tuple[int, int, int], bool]
"""Of each sought person's passage, by start, clip and number: whether the right alert was raised."""


def fused_alone(judged: Judged) -> Judged:
    """The same judgements with no shot's score above the fused one's: shots then only support or object."""
    return {
        track: [
            one if one.best is None else replace(one, shot_scores=np.minimum(one.shot_scores, one.best.score))
            for one in made
        ]
        for track, made in judged.items()
    }


@dataclass(frozen=True, slots=True)
class Way:
    """A rule on trial. fused: no shot's score counts above the fused one's. settles: verdicts settle tracks,
    as in the pipeline."""

    name: str
    fused: bool
    settles: bool


WAYS = (
    Way("fused alone", fused=True, settles=False),
    Way("fused or a shot that agrees", fused=False, settles=False),
    Way("the same, and tracks settle", fused=False, settles=True),
)


@dataclass(slots=True)
class Sums:
    """Of one way at one threshold. embedded: faces that became templates. strangers: tracks that follow
    nobody on the list."""

    found: Found = field(default_factory=dict)
    false: int = 0
    tracks: int = 0
    embedded: int = 0
    strangers: int = 0
    strangers_embedded: int = 0


@dataclass(frozen=True, slots=True)
class Sight:
    """What is the same for all settings on trial."""

    looks: Sequence[Sequence[Look]]
    street: StreetSet
    gallery: Gallery
    high: float
    split: float


@dataclass(slots=True)
class Gathering:
    """The tracks of one clip under one rule. judged: with the whole list; non_mated: each without whom it
    follows. embedded: faces of each track that became templates."""

    judged: Judged = field(default_factory=dict)
    non_mated: Judged = field(default_factory=dict)
    embedded: dict[TrackId, int] = field(default_factory=dict)


async def trial(
    pack: Pack,
    street: StreetSet,
    rates: Sequence[float],
    shots: Sequence[int],
    starts: Sequence[int],
    max_side: int,
) -> object:
    async def nowhere(finding: Finding) -> None:
        raise AssertionError("nothing is replayed here")

    async with watching(pack, street.watchlist, Config(), lambda done, total: None) as watch:
        split = watch.pipeline(Config(), nowhere, Metrics()).split_below
        looks = []
        for clip in street.clips:
            looks.append(await look(clip, watch.inference, rate=None, max_side=max_side, least_eyes=8.0))
            print(f"{len(looks)} of {len(street.clips)} clips", file=sys.stderr, flush=True)
        gallery = watch.enrolment.gallery
        sight = Sight(looks, street, gallery, watch.inference.high, split)
        scores = {fpir: derive(pack, _wanting(fpir), len(gallery)).score for fpir in FPIRS}
        return {
            "machine": machine(),
            "nominals": len(gallery),
            "rows": [
                row
                for rate, most in itertools.product(rates, shots)
                for row in compared(sight, _with(rate, most), scores, starts)
            ],
        }


def compared(
    sight: Sight, settings: Config, scores: dict[float, float], starts: Sequence[int]
) -> Iterable[object]:
    """A row a way. won, lost: passages that it finds and the way before it in `WAYS` does not, and the other
    way about."""
    sums = {(way, fpir): Sums() for way, fpir in itertools.product(WAYS, scores)}
    decision = settings.decision
    for start, (clip, looks) in itertools.product(starts, enumerate(sight.looks)):
        tracks = follow(looks[start:], settings, sight.high)
        owner = owners(sight.street.truths[clip], tracks)
        unsettled = gathering(sight, settings, tracks, owner, None)
        for fpir, score in scores.items():
            rule = Rule(score, decision.least_shots, decision.agreement)
            settled = gathering(sight, settings, tracks, owner, rule)
            for way in WAYS:
                made = settled if way.settles else unsettled
                _add(sums[way, fpir], (start, clip), sight, owner, made, way, rule)
    seconds = sight.street.seconds * len(sight.looks) * len(starts)
    for number, way in enumerate(WAYS):
        yield {
            "rule": way.name,
            "rate": settings.analysis.rate,
            "shots": settings.tracking.shots,
            "fpir": {
                str(fpir): {
                    "score": round(score, 3),
                    "tpir": share(sum(one.found.values()), len(one.found)),
                    "won": sum(one.found[key] > before.found[key] for key in one.found),
                    "lost": sum(one.found[key] < before.found[key] for key in one.found),
                    "false_tracks": share(one.false, one.tracks),
                    "templates_per_second": round(one.embedded / seconds, 1),
                    "templates_per_strangers_track": round(one.strangers_embedded / one.strangers, 2)
                    if one.strangers
                    else None,
                }
                for fpir, score in scores.items()
                for one, before in [(sums[way, fpir], sums[WAYS[max(0, number - 1)], fpir])]
            },
        }


def gathering(
    sight: Sight,
    settings: Config,
    tracks: dict[TrackId, list[Seen]],
    owner: dict[TrackId, Owners],
    rule: Rule | None,
) -> Gathering:
    made = Gathering()
    for track, faces in tracks.items():
        people = {passage.person for passage in owner[track]}
        gathered = gather(faces, sight.gallery, settings, sight.split, rule)
        made.judged[track] = gathered.judgements
        made.embedded[track] = gathered.embedded
        made.non_mated[track] = gather(
            faces, sight.gallery, settings, sight.split, rule, without=people
        ).judgements
    return made


def _add(
    sums: Sums,
    key: tuple[int, int],
    sight: Sight,
    owner: dict[TrackId, Owners],
    made: Gathering,
    way: Way,
    rule: Rule,
) -> None:
    """Count one clip. key: the start, and the clip's number."""
    judged, non_mated = made.judged, made.non_mated
    if way.fused:
        judged, non_mated = fused_alone(judged), fused_alone(non_mated)
    truth, sought = sight.street.truths[key[1]], sight.street.sought
    for number, one in enumerate(outcomes(truth, sought, owner, verdicts(judged, rule))):
        if one.sought:
            sums.found[*key, number] = one.found_at is not None
    sums.false += len({alert.track for alert in verdicts(non_mated, rule)})
    sums.tracks += len(owner)
    sums.embedded += sum(made.embedded.values())
    for track, passages in owner.items():
        if not any(passage.person in sight.gallery for passage in passages):
            sums.strangers += 1
            sums.strangers_embedded += made.embedded[track]


def _wanting(fpir: float) -> Config:
    return msgspec.structs.replace(
        Config(), decision=msgspec.structs.replace(Config().decision, fpir=fpir, threshold=None)
    )


def _with(rate: float, shots: int) -> Config:
    return msgspec.structs.replace(
        Config(),
        analysis=msgspec.structs.replace(Config().analysis, rate=rate),
        tracking=msgspec.structs.replace(Config().tracking, shots=shots),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pack", required=True)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--rates", type=float, nargs="+", default=[25.0, 6.25])
    parser.add_argument("--shots", type=int, nargs="+", default=[Config().tracking.shots])
    parser.add_argument("--starts", type=int, nargs="+", default=[0], help="frames left out of each clip")
    parser.add_argument("--max-side", type=int, default=Config().analysis.max_side)
    options = parser.parse_args()
    try:
        pack = library.open_pack(options.pack, options.data)
        street = read_set(options.folder)
        rows = trial(pack, street, options.rates, options.shots, options.starts, options.max_side)
        print(json.dumps(asyncio.run(rows), indent=1))
    except LfrdError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
