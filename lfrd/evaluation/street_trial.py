"""A street trial: sought people and strangers walk through drawn clips; what the pipeline says is counted.

    make_plan, draw (street_plan.py) -> run (the real pipeline) -> Result

What drawn clips cannot show stands in `street.py`; what was measured with them, in docs/accuracy.md.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from scipy.stats import binomtest

from lfrd.capture.reading import frames_of
from lfrd.capture.source import recording
from lfrd.config import Config
from lfrd.decision.rule import Rule
from lfrd.evaluation.looks import Judgement, follow, gather, look
from lfrd.evaluation.passages import Raised, loss, outcomes, owners, wrong
from lfrd.evaluation.street import Truth
from lfrd.evaluation.street_plan import Plan
from lfrd.metrics import Metrics
from lfrd.pipeline import Finding, Pipeline
from lfrd.types import NominalId, TrackId
from lfrd.vision.attention import Attention
from lfrd.vision.pack import Pack
from lfrd.watching import Progress, Watch, derive, watching


@dataclass(slots=True)
class Row:
    """One threshold. found: sought passages of `Result.sought`; wrong: tracks that raised an alert for
    somebody who was not there; non_mated: tracks that did on the list without whom they followed."""

    fpir: float | None
    score: float
    found: int = 0
    wrong: int = 0
    non_mated: int = 0


@dataclass(slots=True)
class Result:
    """What a trial came to. The pipeline's own counts are of its alerts; the rows' are of verdicts made again
    at other thresholds from the same templates."""

    pack: str
    nominals: int
    threshold: float
    seed: int
    refused: int = 0
    """Sought people whom enrolment refused: their passages are left out."""
    sought: int = 0
    """Passages of sought people who are on the list: what TPIR divides by."""
    strangers: int = 0
    found: int = 0
    losses: Counter[str] = field(default_factory=Counter)
    seconds_to_alert: list[float] = field(default_factory=list)
    """From the first moment that a face is visible, for each passage found."""
    tracks: int = 0
    wrong: int = 0
    glued: int = 0
    """Tracks with more than one person's faces."""
    broken: int = 0
    """Passages that are the most of several tracks."""
    differ: int = 0
    """Alerts that the pipeline and the evidence judged again did not raise at the same moment: 0, or the rows
    below are not to be trusted."""
    rows: list[Row] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For JSON. Shares stand with their count and the 95 % interval of Wilson's."""
        times = self.seconds_to_alert
        return {
            "pack": self.pack,
            "nominals": self.nominals,
            "threshold": round(self.threshold, 4),
            "seed": self.seed,
            "refused_at_enrolment": self.refused,
            "tpir": share(self.found, self.sought),
            "lost": dict(self.losses.most_common()),
            "wrong_alerts_per_track": share(self.wrong, self.tracks),
            "strangers": self.strangers,
            "seconds_to_alert": {
                str(quantile): round(float(np.quantile(times, quantile)), 2) if times else None
                for quantile in (0.5, 0.9)
            },
            "tracks": self.tracks,
            "tracks_of_several_people": self.glued,
            "passages_in_several_tracks": self.broken,
            "alerts_that_differ": self.differ,
            "thresholds": [
                {
                    "fpir": row.fpir,
                    "score": round(row.score, 4),
                    "tpir": share(row.found, self.sought),
                    "wrong_alerts_per_track": share(row.wrong, self.tracks),
                    "fpir_per_track": share(row.non_mated, self.tracks),
                }
                for row in self.rows
            ],
        }


def share(count: int, of: int) -> dict[str, float | int | list[float] | None]:
    """A share with its count and interval; null where there was nothing to count."""
    if not of:
        return {"count": count, "of": of, "share": None, "interval": None}
    bounds = binomtest(count, of).proportion_ci(method="wilson")
    interval = [round(float(bound), 5) for bound in (bounds.low, bounds.high)]
    return {"count": count, "of": of, "share": round(count / of, 5), "interval": interval}


async def run(
    plan: Plan,
    clips: Iterator[tuple[Path, Truth]],
    pack: Pack,
    settings: Config,
    *,
    fpirs: Sequence[float] = (),
    progress: Progress = lambda done, total: None,
) -> Result:
    """Run the pipeline over the clips of a plan (see `draw`) and count.

    fpirs: further rates to derive thresholds for and count by. progress: clips, and of how many.
    """
    async with _watching(plan, pack, settings) as watch:
        listed = frozenset(watch.enrolment.enrolled)
        result = Result(
            pack=pack.name,
            nominals=len(listed),
            threshold=watch.threshold.score,
            seed=plan.seed,
            refused=len(plan.sought - listed),
            rows=[Row(watch.threshold.fpir, watch.threshold.score)]
            + [
                Row(fpir, score)
                for fpir, score in scores_for(pack, settings, fpirs, watch.enrolment.gallery.pictures)
            ],
        )
        for done, (clip, truth) in enumerate(clips):
            progress(done, len(plan.clips))
            await _add(result, clip, truth, plan.sought & listed, plan.sought - listed, watch, settings)
    progress(len(plan.clips), len(plan.clips))
    return result


@contextlib.asynccontextmanager
async def _watching(plan: Plan, pack: Pack, settings: Config) -> AsyncIterator[Watch]:
    with tempfile.TemporaryDirectory(prefix="lfrd-trial-") as temporary:
        folder = Path(temporary)
        for name, picture in plan.listed.items():
            (folder / f"{name}{picture.suffix}").symlink_to(picture.absolute())
        async with watching(pack, folder, settings, lambda done, total: None) as watch:
            yield watch


def scores_for(
    pack: Pack, settings: Config, fpirs: Sequence[float], pictures: int
) -> Iterator[tuple[float, float]]:
    """The score for each of these rates on a list of so many pictures. Raises CalibrationError."""
    for fpir in fpirs:
        decision = msgspec.structs.replace(settings.decision, fpir=fpir, threshold=None)
        changed = msgspec.structs.replace(settings, decision=decision)
        yield fpir, derive(pack, changed, pictures).score


async def _add(
    result: Result,
    clip: Path,
    truth: Truth,
    sought: frozenset[str],
    refused: frozenset[str],
    watch: Watch,
    settings: Config,
) -> None:
    """Count one clip: first the pipeline's alerts, then the same evidence at every row's threshold."""
    raised: list[Raised] = []

    async def report(finding: Finding) -> None:
        raised.append(Raised(finding.nominal, finding.track, finding.captured_at, finding.score))

    pipeline = watch.pipeline(settings, report, Metrics())
    await play(clip, pipeline)
    looks = await look(
        clip,
        watch.inference,
        rate=settings.analysis.rate,
        max_side=settings.analysis.max_side,
        least_eyes=settings.analysis.eye_distance_pixels,
        attention=Attention.of(settings),
    )
    tracks = follow(looks, settings, watch.inference.high)
    owner = owners(truth, tracks)
    with watch.watchlist.lease() as gallery:

        def judge(rule: Rule, *, without_own: bool = False) -> dict[TrackId, list[Judgement]]:
            """without_own: each track on the list without the people whom it follows."""
            return {
                track: gather(
                    seen,
                    gallery,
                    settings,
                    pipeline.split_below,
                    rule,
                    without={passage.person for passage in owner[track]} if without_own else (),
                ).judgements
                for track, seen in tracks.items()
            }

        judged = judge(pipeline.rule)
        for row in result.rows:
            rule = _rule(row.score, settings)
            made = verdicts(judge(rule), rule)
            found = outcomes(truth, sought, owner, made)
            row.found += sum(one.sought and one.found_at is not None for one in found)
            row.wrong += len(wrong(made, owner))
            strangers = verdicts(judge(rule, without_own=True), rule)
            row.non_mated += len({alert.track for alert in strangers})
    for one in outcomes(truth, sought, owner, raised):
        if one.passage.person in refused:
            continue
        result.broken += len(one.tracks) > 1
        if not one.sought:
            result.strangers += 1
            continue
        result.sought += 1
        if one.seconds_to_alert is None:
            result.losses[loss(one, tracks, judged, pipeline.rule)] += 1
        else:
            result.found += 1
            result.seconds_to_alert.append(one.seconds_to_alert)
    result.differ += len(_first(raised) ^ _first(verdicts(judged, pipeline.rule)))
    result.tracks += len(tracks)
    result.wrong += len(wrong(raised, owner))
    result.glued += sum(len(people) > 1 for people in owner.values())


def _first(raised: Sequence[Raised]) -> set[tuple[TrackId, NominalId, float]]:
    """When each track first alerted for each nominal."""
    first: dict[tuple[TrackId, NominalId], float] = {}
    for alert in raised:
        first.setdefault((alert.track, alert.nominal), alert.at)
    return {(track, nominal, at) for (track, nominal), at in first.items()}


async def play(clip: Path, pipeline: Pipeline) -> int:
    """As `lfrd replay` does, but that every finding is told, repeats included. Frames that were decoded."""
    source = recording(clip, rate=pipeline.settings.analysis.rate)
    async with contextlib.aclosing(frames_of(source)) as frames:
        await pipeline.journey(source.camera).run(frames, live=False, rests=False)
    return source.counts.decoded


def _rule(score: float, settings: Config) -> Rule:
    return Rule(score, settings.decision.least_shots, settings.decision.agreement)


def verdicts(judged: Mapping[TrackId, Sequence[Judgement]], rule: Rule) -> list[Raised]:
    """Each judgement that is an alert under this rule."""
    raised = []
    for track, made in judged.items():
        for one in made:
            verdict = one.verdict(rule)
            if verdict.alert and one.best is not None and verdict.score is not None:
                raised.append(Raised(one.best.nominal, track, one.at, verdict.score))
    return raised
