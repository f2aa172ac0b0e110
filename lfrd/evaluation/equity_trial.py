"""From folders of pictures to trials: whose search found, whose ended in a false alert, who was not taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lfrd.config import Config
from lfrd.decision.threshold import Threshold, points_of, threshold_for
from lfrd.errors import CalibrationError
from lfrd.evaluation.acquire import Acquired, OpenBar, acquired
from lfrd.evaluation.cohorts import Labels
from lfrd.evaluation.equity import Comparison, Glance, Question, compare, glances
from lfrd.evaluation.grouped import Rate, Trials
from lfrd.evaluation.identify import Identification, searched
from lfrd.evaluation.openset import points
from lfrd.evaluation.people import Cast
from lfrd.evaluation.whose import Whose
from lfrd.vision.pack import Pack


@dataclass(frozen=True, slots=True)
class Measured:
    """found: the searches; people's numbers are their places in `found.names`, here as well. enrolment,
    acquisition: failures, by person of the gallery and filler, and by picture of probes and non-mates."""

    found: Identification
    enrolment: Trials = field(repr=False)
    acquisition: Trials = field(repr=False)

    def at(self, threshold: float) -> list[Trials]:
        """Both error rates' trials at a threshold; FPIR only where there are non-mated searches."""
        searches = self.found.searches
        both = [
            Trials(Rate.TPIR, searches.found(threshold), searches.mated),
            Trials(Rate.FPIR, searches.false(threshold), searches.non_mated),
        ]
        return [trials for trials in both if len(trials.hits)]

    def sweep(self, seed: int) -> list[float]:
        """The thresholds, rising, of the FPIRs that all non-mated searches together resolve."""
        return sorted({point.threshold for point in points(self.found.searches, seed=seed)})


@dataclass(frozen=True, slots=True)
class Study:
    """A trial by cohorts: everything compared at one threshold, and looked at over a sweep of them."""

    measured: Measured
    threshold: Threshold
    question: Question
    comparisons: list[Comparison]
    glances: list[Glance]


def study(measured: Measured, variables: Sequence[Labels], threshold: Threshold, question: Question) -> Study:
    """variables: by people's places in `measured.found.names`."""
    rates = [*measured.at(threshold.score), measured.enrolment, measured.acquisition]
    sweep = sorted({threshold.score, *measured.sweep(question.seed)})
    looks = [(score, trials) for score in sweep for trials in measured.at(score)]
    return Study(
        measured,
        threshold,
        question,
        compare(rates, variables, question),
        glances(looks, variables, question),
    )


async def measure(
    cast: Cast, pack: Pack, settings: Config, progress: OpenBar, *, whose: Whose = Whose.CENTRE
) -> Measured:
    """Take everyone's templates, search, and overwrite the templates. whose: which of several faces is taken.
    Raises what `acquired` and `searched` raise."""
    async with acquired(cast, pack, settings, progress, whose=whose) as templates:
        found = searched(cast, templates, sizes=())
        own = {name: place for place, name in enumerate(cast.gallery.names)}
        probes = np.array([own[name] for name in cast.probes.names], np.intp)
        enrolled = [templates.gallery.enrolled]
        if templates.filler is not None:
            enrolled.append(templates.filler.enrolled)
        failed = ~np.concatenate(enrolled)
        pictures = [_pictures(templates.probes, probes)]
        if templates.non_mates is not None:
            last = len(found.names)
            places = np.arange(last - templates.non_mates.people, last, dtype=np.intp)
            pictures.append(_pictures(templates.non_mates, places))
    return Measured(
        found,
        Trials(Rate.FTE, failed, np.arange(len(failed), dtype=np.intp)),
        Trials(Rate.FTA, *(np.concatenate(column) for column in zip(*pictures, strict=True))),
    )


def threshold_of(pack: Pack, fpir: float, entries: int) -> Threshold:
    """The score that the pack's card gives for searches with single pictures on a list of that length, as in
    a deployment: not one chosen with the searches that it is then judged by. Raises CalibrationError."""
    try:
        return threshold_for(points_of(pack.manifest.calibration), fpir, max(1, entries), of="picture")
    except CalibrationError as error:
        raise CalibrationError(
            f"pack '{pack.name}': its card gives no score for FPIR {fpir:g}; calibrate it (lfrd calibrate), "
            "or give a score with --threshold"
        ) from error


def _pictures(taken: Acquired, places: NDArray[np.intp]) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """(failed, person) of each picture that is a search of its own."""
    return ~taken.acquired[taken.counted], places[taken.person[taken.counted]]
