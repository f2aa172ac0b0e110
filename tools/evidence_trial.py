"""What a street set's tracks come to at other rates, with other shots, and by the fused template alone.

    python -m tools.evidence_trial FOLDER --pack ../shared/models/field --rates 25 6.25 5 --shots 6 10

FOLDER is made by `lfrd bench street`. Every frame is looked at once; rates, shots and both rules are then
tried on what was seen, which stays in memory. A false track alerts for somebody whom it never followed:
everybody walks past the whole list but for themselves. docs/decision.md holds what came of it.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from lfrd.config import Config
from lfrd.decision.rule import Rule
from lfrd.errors import LfrdError
from lfrd.evaluation.looks import Judgement, Look, follow, judgements, look
from lfrd.evaluation.machine import machine
from lfrd.evaluation.passages import outcomes, owners
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


def fused_alone(judged: Judged) -> Judged:
    """The same judgements with no shot's score above the fused one's: shots then only support or object."""
    return {
        track: [
            one if one.best is None else replace(one, shot_scores=np.minimum(one.shot_scores, one.best.score))
            for one in made
        ]
        for track, made in judged.items()
    }


async def trial(pack: Pack, street: StreetSet, rates: Sequence[float], shots: Sequence[int]) -> object:
    async def nowhere(finding: Finding) -> None:
        raise AssertionError("nothing is replayed here")

    async with watching(pack, street.watchlist, Config(), lambda done, total: None) as watch:
        split = watch.pipeline(Config(), nowhere, Metrics()).split_below
        looks = []
        for clip in street.clips:
            looks.append(await look(clip, watch.inference, rate=None, max_side=960, least_eyes=8.0))
            print(f"{len(looks)} of {len(street.clips)} clips", file=sys.stderr, flush=True)
        gallery = watch.enrolment.gallery
        scores = {fpir: derive(pack, _wanting(fpir), len(gallery)).score for fpir in FPIRS}
        return {
            "machine": machine(),
            "nominals": len(gallery),
            "rows": [
                row
                for rate, most in itertools.product(rates, shots)
                for row in compared(
                    looks, street, gallery, _with(rate, most), watch.inference.high, split, scores
                )
            ],
        }


def compared(
    looks: Sequence[Sequence[Look]],
    street: StreetSet,
    gallery: Gallery,
    settings: Config,
    high: float,
    split: float,
    scores: dict[float, float],
) -> Iterable[object]:
    """A row a rule. embedded: judgements a second of film, as good as the shots that became templates."""
    rules = {"fused alone": fused_alone, "fused or a shot that agrees": lambda judged: judged}
    found = {name: dict.fromkeys(scores, 0) for name in rules}
    false = {name: dict.fromkeys(scores, 0) for name in rules}
    sought = tracks = made = 0
    for seen, truth in zip(looks, street.truths, strict=True):
        followed = follow(seen, settings, high)
        owner = owners(truth, followed)
        judged: Judged = {}
        strangers: Judged = {}
        for track, faces in followed.items():
            people = {passage.person for passage in owner[track]}
            judged[track] = judgements(faces, gallery, settings, split)
            strangers[track] = judgements(faces, gallery, settings, split, without=people)
        tracks += len(followed)
        made += sum(map(len, judged.values()))
        sought += sum(passage.person in street.sought for passage in truth.passages)
        for (name, of), (fpir, score) in itertools.product(rules.items(), scores.items()):
            rule = Rule(score, settings.decision.least_shots, settings.decision.agreement)
            raised = verdicts(of(judged), rule)
            passages = outcomes(truth, street.sought, owner, raised)
            found[name][fpir] += sum(one.sought and one.found_at is not None for one in passages)
            false[name][fpir] += len({one.track for one in verdicts(of(strangers), rule)})
    seconds = street.seconds * len(looks)
    for name in rules:
        yield {
            "rule": name,
            "rate": settings.analysis.rate,
            "shots": settings.tracking.shots,
            "judged_per_second": round(made / seconds, 1),
            "fpir": {
                str(fpir): {
                    "score": round(score, 3),
                    "tpir": share(found[name][fpir], sought),
                    "false_tracks": share(false[name][fpir], tracks),
                }
                for fpir, score in scores.items()
            },
        }


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
    options = parser.parse_args()
    try:
        pack = library.open_pack(options.pack, options.data)
        print(
            json.dumps(
                asyncio.run(trial(pack, read_set(options.folder), options.rates, options.shots)), indent=1
            )
        )
    except LfrdError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
