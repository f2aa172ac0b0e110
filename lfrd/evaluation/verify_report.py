"""The figures and the page of a verification: what `lfrd evaluate verify` prints and writes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lfrd import __version__
from lfrd.config import Config
from lfrd.evaluation import openset, verification
from lfrd.evaluation.bootstrap import METHODS
from lfrd.evaluation.identify_report import failures_table, settings_of, with_interval
from lfrd.evaluation.people import Cast
from lfrd.evaluation.report import figures as drawn
from lfrd.evaluation.report import provenance
from lfrd.evaluation.report.document import Figure, Report, Section, Table
from lfrd.evaluation.report.style import percent, plain
from lfrd.evaluation.verification import DEFAULT_FARS, Eer, TarPoint
from lfrd.evaluation.verify import Verification
from lfrd.vision.pack import Pack

LIMITS_OF_VALIDITY: Final = (
    "These are comparisons of two people at a time. A watchlist compares each face with everybody on it: its "
    "false alerts grow with the list, and lfrd evaluate identify counts them.",
    "The figures hold for pictures like these, taken of people like these, and are of single photographs.",
    "Comparisons share people: the intervals allow for the probe's person, not for the other one, and hold "
    "for these people as the other side.",
    "Nothing is said by age, sex or skin tone: lfrd evaluate equity compares groups who have declared "
    "themselves.",
)


@dataclass(frozen=True, slots=True)
class Figures:
    """A verification's rates with their intervals; compared_*: where both sides gave a template."""

    points: list[TarPoint]
    eer: Eer
    compared_points: list[TarPoint]
    compared_eer: Eer


def figures_of(found: Verification, *, seed: int, confidence: float = 0.95) -> Figures:
    """seed: of the bootstrap. confidence: of each interval, within 0..1."""
    return Figures(
        verification.tar_at_far(found.comparisons, seed=seed, confidence=confidence),
        verification.eer(found.comparisons, seed=seed, confidence=confidence),
        verification.tar_at_far(found.compared, seed=seed, confidence=confidence),
        verification.eer(found.compared, seed=seed, confidence=confidence),
    )


def results_of(
    found: Verification, figures: Figures, cast: Cast, pack: Pack, *, seed: int, confidence: float
) -> dict[str, Any]:
    """For JSON. Shares are 0..1; what is not known is null."""
    comparisons = found.comparisons
    curve = openset.det(comparisons.searches())
    probes = len(comparisons.genuine)
    return {
        "gallery": found.enrolled,
        "genuine": probes,
        "impostor": len(comparisons.impostor),
        "fte": found.fte,
        "fta": found.probe_failures / probes,
        "eer": dataclasses.asdict(figures.eer),
        "points": [dataclasses.asdict(point) for point in figures.points],
        "unresolved_fars": verification.unresolved(comparisons),
        "compared": {
            "genuine": len(found.compared.genuine),
            "impostor": len(found.compared.impostor),
            "eer": dataclasses.asdict(figures.compared_eer),
            "points": [dataclasses.asdict(point) for point in figures.compared_points],
        },
        "others_a_probe": {"possible": found.others, "drawn": found.drawn},
        "people": {"gallery": found.people, "enrolled": found.enrolled},
        "failures": found.failures,
        "whose": found.whose,
        "det": {
            "threshold": curve.threshold.tolist(),
            "far": curve.fpir.tolist(),
            "frr": curve.fnir.tolist(),
        },
        "confidence": confidence,
        "intervals": dict(METHODS),
        "seed": seed,
        "pack": {"name": pack.name, "version": pack.manifest.version, "digest": pack.manifest.digest},
        "data": {people.role.value: {"sha256": people.digest, **people.counts} for people in cast},
        "software": __version__,
    }


def report_of(
    found: Verification,
    figures: Figures,
    results: Mapping[str, Any],
    cast: Cast,
    pack: Pack,
    settings: Config,
    *,
    seed: int,
    confidence: float,
) -> Report:
    """results: what `results_of` gives, for the JSON beside the page."""
    comparisons = found.comparisons
    columns = ("FAR wanted", "Score", "Accepted", "FAR reached", "TAR")
    methods = sorted({point.tar_method for point in figures.points} | {p.far_method for p in figures.points})
    note = "; ".join(METHODS[method] for method in methods)
    tables = [
        Table(
            "True accepts at each false accept rate",
            columns,
            [_row(point) for point in figures.points],
            f"Intervals: {percent(confidence)}; {note}." if note else "",
        ),
        Table(
            "The same where both sides gave a template",
            columns,
            [_row(point) for point in figures.compared_points],
            f"A second figure, of {len(found.compared.genuine):,} genuine and "
            f"{len(found.compared.impostor):,} impostor comparisons.",
        ),
    ]
    counts = [
        ("People in the gallery", f"{found.people:,}"),
        ("not enrolled (FTE)", f"{found.people - found.enrolled:,} ({percent(found.fte)})"),
        ("Genuine comparisons, one a probe", f"{len(comparisons.genuine):,}"),
        ("without a template (FTA)", f"{found.probe_failures:,}"),
        ("Impostor comparisons", f"{len(comparisons.impostor):,}"),
        ("of those possible, a probe", f"{found.drawn:,} of {found.others:,}"),
    ]
    failures = failures_table(found.failures)
    return Report(
        title=f"Verification by {pack.name} {pack.manifest.version}",
        summary=_summary(found, figures),
        sections=[
            Section(
                "Accepted, and rejected",
                (),
                [table for table in tables if table.rows],
                _curves(found, figures),
            ),
            Section(
                "From pictures to comparisons",
                (),
                [Table("Counts", ("What", "How many"), counts), *([failures] if failures.rows else [])],
            ),
            Section(
                "Method",
                (
                    "Each probe is compared with its own person's entry in the gallery (genuine) and with "
                    "those of others (impostor); an entry's score is the best over the person's pictures. "
                    "Pictures become templates as in lfrd evaluate identify: the gallery's by enrolment, "
                    "probes by the live limits.",
                    "A comparison without a template on one side is a rejection and stays in the count, as "
                    "in the generalised rates of ISO/IEC 19795-1. At the equal error rate as many genuine "
                    "comparisons are rejected as impostor ones accepted.",
                ),
            ),
        ],
        limits=LIMITS_OF_VALIDITY,
        provenance=provenance.of(
            pack,
            [people.as_data() for people in cast],
            seed,
            {
                "confidence": confidence,
                "comparisons of a probe with others": found.drawn,
                **settings_of(settings),
            },
        ),
        results=results,
    )


def _summary(found: Verification, figures: Figures) -> list[str]:
    said = []
    if figures.points:
        strictest = min(figures.points, key=lambda point: point.far_reached)
        said.append(
            f"{percent(strictest.tar)} of {len(found.comparisons.genuine):,} genuine comparisons are "
            f"accepted ({percent(strictest.tar_low)} to {percent(strictest.tar_high)}) at the threshold that "
            f"accepts {strictest.accepted:,} of {len(found.comparisons.impostor):,} impostor comparisons."
        )
    else:
        said.append(
            "There are too few comparisons of two people, or none has a score: no threshold can be chosen."
        )
    if math.isfinite(figures.eer.rate):
        said.append(
            f"The equal error rate of all comparisons is {percent(figures.eer.rate)} "
            f"({percent(figures.eer.low)} to {percent(figures.eer.high)})."
        )
    if math.isfinite(figures.compared_eer.rate):
        said.append(
            f"Where both sides gave a template the equal error rate is {percent(figures.compared_eer.rate)} "
            f"({percent(figures.compared_eer.low)} to {percent(figures.compared_eer.high)})."
        )
    said.append(
        f"{found.people - found.enrolled:,} of {found.people:,} people could not be enrolled, and "
        f"{found.probe_failures:,} probe pictures gave no template; both count as rejections."
    )
    unresolved = verification.unresolved(found.comparisons, DEFAULT_FARS)
    if unresolved:
        said.append(
            f"Too few comparisons of two people for FAR {', '.join(plain(far) for far in unresolved)}: left "
            "out."
        )
    return said


def _curves(found: Verification, figures: Figures) -> list[Figure]:
    searches = found.comparisons.searches()
    curve = openset.det(searches)
    if not len(curve.threshold):
        return []
    bins = openset.histograms(searches)
    marks = {f"FAR {plain(p.far)}": p.threshold for p in figures.points if p.far in (0.01, 0.001, 0.0001)}
    both = openset.det(found.compared.searches())
    curves = {"all comparisons": curve, "where both sides gave a template": both}
    return [
        drawn.roc_figure({name: (one.fpir, 1 - one.fnir) for name, one in curves.items() if len(one.fpir)}),
        drawn.histogram_figure(bins.edges, {"genuine": bins.mated, "impostor": bins.non_mated}, marks=marks),
    ]


def _row(point: TarPoint) -> tuple[str, ...]:
    return (
        plain(point.far),
        f"{point.threshold:.4f}",
        f"{point.accepted:,}",
        f"{plain(point.far_reached)} ({plain(point.far_low)} to {plain(point.far_high)})",
        with_interval(point.tar, point.tar_low, point.tar_high),
    )
