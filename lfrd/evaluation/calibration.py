"""Scores of searches to a [[calibration]] of the pack's card: measured as far as they go, then extrapolated.

What is measured must be what the decision sees. A track's score is that of its fused template, or of its best
shot that agrees, over all of its judgements: neither is that of one picture. So both are measured, and kept
apart (`kind`): `calibration_pictures` and `calibration_tracks` make the samples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lfrd.errors import CalibrationError
from lfrd.evaluation.openset import threshold_of
from lfrd.evaluation.searches import Searches
from lfrd.evaluation.tail import Tail, fitted
from lfrd.types import F64
from lfrd.vision.pack import Calibration, Kind

FPIRS: Final = (0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001, 0.00001)
"""What a card gives scores for. Between them it is read off (`decision.threshold`); a list of 10,000 at the
default rate needs the last but one of a list of 1,000."""
LEAST_PEOPLE: Final = 3
"""Whose searches must end in a false alert for a rate to count as measured. One person who resembles somebody
does so in every picture of theirs and on every list."""
PLACES: Final = 4
"""Decimals of a score on the card, rounded up: never more false alerts than measured."""
ROUNDS: Final = 1000


@dataclass(frozen=True, slots=True)
class Sample:
    """Searches of one kind. data, digest: as on the card. lists: over which the searches were made."""

    kind: Kind
    searches: Searches
    lists: int
    data: str
    digest: str


@dataclass(frozen=True, slots=True)
class Calibrated:
    """calibration: for the card. false_people: of each of its points, how many people a false alert was for.
    fpir_reached: of each, the share of searches that reach its score. tail: None where nothing was asked for
    beyond the points, or too few people stand in it for that."""

    calibration: Calibration
    false_people: tuple[int, ...]
    fpir_reached: tuple[float, ...]
    tail: Tail | None
    unmeasured: tuple[float, ...]
    """Wanted rates of which nothing can be said."""


def calibrated(
    sample: Sample, fpirs: Sequence[float] = FPIRS, *, seed: int, rounds: int = ROUNDS
) -> Calibrated:
    """The score for each FPIR, with its 95 % interval by people drawn again.

    A rate is measured where `LEAST_PEOPLE` people at least have a false alert at its score. A rarer one is
    extrapolated (`tail.fitted`), but never below what the data show: the score that keeps it among these
    searches, and for a rate that they cannot show, the highest of them.

    Raises CalibrationError where no rate is measured, ValueError for an FPIR that is not within (0, 1).
    """
    if not fpirs or not all(0 < fpir < 1 for fpir in fpirs):
        raise ValueError("each FPIR lies between 0 and 1, both left out")
    wanted = sorted(set(fpirs), reverse=True)
    searches = sample.searches
    top, people = searches.top, searches.non_mated
    points: list[tuple[float, float]] = []
    false: list[tuple[int, float]] = []
    for fpir in wanted:
        score = threshold_of(top, fpir) if len(top) else None
        if score is None:
            break
        score = _up(score)
        reached = top >= score
        behind = len(np.unique(people[reached]))
        if behind < LEAST_PEOPLE:
            break
        points.append((fpir, score))
        false.append((behind, float(reached.mean())))
    if not points:
        raise CalibrationError(_too_few(sample, wanted[0]))
    spans = _intervals(top, people, [fpir for fpir, _ in points], seed=seed, rounds=rounds)
    beyond = wanted[len(points) :]
    tail = fitted(top, people, beyond, seed=seed, rounds=rounds) if beyond else None
    extrapolated: list[tuple[float, float, float, float]] = []
    least = points[-1][1]
    for fpir in beyond if tail is not None else ():
        assert tail is not None
        estimate = tail.estimates[fpir]
        shown = threshold_of(top, fpir)
        floor = math.nextafter(float(top.max()), math.inf) if shown is None else shown
        least = min(1.0, _up(max(estimate.score, floor, least)))
        low, high = _down(min(estimate.low, least)), min(1.0, _up(max(estimate.high, least)))
        extrapolated.append((fpir, least, low, high))
    scores = [*points, *((fpir, score) for fpir, score, _, _ in extrapolated)]
    mated = len(searches.own)
    return Calibrated(
        Calibration(
            n=searches.entries,
            non_mated=len(top),
            data=sample.data,
            points=tuple(points),
            kind=sample.kind,
            people=len(np.unique(people)),
            lists=sample.lists,
            digest=sample.digest,
            intervals=tuple(
                (min(_down(low), score), max(min(1.0, _up(high)), score))
                for (low, high), (_, score) in zip(spans, points, strict=True)
            ),
            extrapolated=tuple(extrapolated),
            tail=tail.in_words() if extrapolated and tail is not None else "",
            mated=mated,
            tpir=tuple((fpir, _share(searches.found(score))) for fpir, score in scores) if mated else (),
        ),
        tuple(count for count, _ in false),
        tuple(share for _, share in false),
        tail,
        () if extrapolated else tuple(beyond),
    )


def _too_few(sample: Sample, laxest: float) -> str:
    top = sample.searches.top
    people = len(np.unique(sample.searches.non_mated))
    what = "tracks" if sample.kind == "track" else "pictures"
    with_score = int(np.isfinite(top).sum())
    if not with_score:
        return f"none of {len(top):,} {what} of people on no list gave a score: nothing can be calibrated"
    if len(np.unique(top[np.isfinite(top)])) == 1:
        return f"all {with_score:,} {what} of people on no list gave one score: nothing can be calibrated"
    return (
        f"{len(top):,} {what} of {people:,} people on no list do not show an FPIR of {laxest:g}: "
        f"{LEAST_PEOPLE} people must have a false alert there; give pictures of some hundred people"
    )


def _intervals(
    top: F64, people: NDArray[np.intp], fpirs: Sequence[float], *, seed: int, rounds: int
) -> list[tuple[float, float]]:
    """The percentile interval of the score for each FPIR, people drawn again with all their searches.

    Of the searches, ordered from the highest score, the one is taken at which their weights pass the share.
    """
    order = np.argsort(-top, kind="stable")
    _, index = np.unique(people, return_inverse=True)
    number = int(index.max()) + 1
    most = min(len(top), math.ceil(4 * max(fpirs) * len(top)) + 1)  # further down no draw comes
    scores, owners = np.maximum(top[order[:most]], -1.0), index[order[:most]]
    searches = np.bincount(index, minlength=number)
    generator = np.random.default_rng(seed)
    drawn = np.empty((rounds, len(fpirs)))
    for turn in range(rounds):
        times = generator.multinomial(number, np.full(number, 1 / number))
        passed = np.cumsum(times[owners])
        place = np.searchsorted(passed, np.array(fpirs) * (times @ searches), side="right")
        drawn[turn] = scores[np.minimum(place, most - 1)]
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    return list(zip(low.tolist(), high.tolist(), strict=True))


def _share(hits: NDArray[np.bool_]) -> float:
    return round(float(np.count_nonzero(hits) / len(hits)), PLACES)


def _up(score: float) -> float:
    """The next number of `PLACES` decimals that is not below it."""
    near = round(score, PLACES)
    return near if near >= score else round(near + 10**-PLACES, PLACES)


def _down(score: float) -> float:
    return -_up(-score)
