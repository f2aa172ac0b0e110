"""The page of an identification: the answer, how it was come by, tables, curves, and what it does not say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lfrd.config import Config
from lfrd.evaluation import openset
from lfrd.evaluation.bootstrap import METHODS
from lfrd.evaluation.identify import Identification
from lfrd.evaluation.identify_results import Figures
from lfrd.evaluation.openset import DEFAULT_FPIRS, Point
from lfrd.evaluation.people import Cast
from lfrd.evaluation.report import figures as drawn
from lfrd.evaluation.report import provenance
from lfrd.evaluation.report.document import Report, Section, Table
from lfrd.evaluation.report.style import percent, plain
from lfrd.evaluation.whose import WHOSE_WORDS
from lfrd.gallery.enrol import LIMITS
from lfrd.vision.pack import Pack
from lfrd.watching import ENROL_MAX_SIDE

SHOWN_SIZES: Final = (0.1, 0.01, 0.001)
"""FPIRs whose TPIR is drawn over the length of the list."""

RATES: Final = ("FPIR wanted", "Score", "False", "FPIR reached", "TPIR", "FNIR")

LIMITS_OF_VALIDITY: Final = (
    "These are single photographs. On a street a template is made of several frames of a moving person, and "
    "judged again and again: lfrd evaluate street measures that, and the scores of the two differ.",
    "The figures hold for pictures like these, taken of people like these. They say nothing of other light, "
    "distances, cameras or ages of pictures, nor of this pack on any street.",
    "Nothing is said by age, sex or skin tone, and equal rates must not be inferred: lfrd evaluate equity "
    "compares groups who have declared themselves.",
    "Each threshold in the main table was chosen with the same non-mated searches that it is judged by. What "
    "a threshold from elsewhere comes to stands in the table of the pack's card.",
    "The intervals say what drawing other people of the same kind would change. They do not allow for "
    "another list, nor for pictures that lie in the wrong person's folder.",
    "The same file in two folders is refused. A copy that was cut, scaled or compressed anew is not seen: "
    "it would be found like no picture that a camera takes.",
)


def report_of(
    found: Identification,
    figures: Figures,
    results: Mapping[str, Any],
    cast: Cast,
    pack: Pack,
    settings: Config,
    *,
    seed: int,
    confidence: float,
) -> Report:
    """results: what `identify_results.results_of` gives, for the JSON beside the page."""
    searches = found.searches
    return Report(
        title=f"Identification by {pack.name} {pack.manifest.version}",
        summary=_summary(found, figures, confidence),
        sections=[
            _rates(found, figures, confidence),
            _acquisition(found),
            *([_sizes(figures)] if len(figures.by_size) > 1 else []),
            *([_card(figures)] if figures.card and len(searches.top) else []),
            _scores(found, figures),
            _method(found, settings),
        ],
        limits=[*LIMITS_OF_VALIDITY, *_cautions(found, figures)],
        provenance=provenance.of(
            pack,
            [people.as_data() for people in cast],
            seed,
            {"confidence": confidence, **settings_of(settings)},
        ),
        results=results,
    )


def settings_of(settings: Config) -> dict[str, object]:
    """What decides which faces are compared, as provenance."""
    analysis = settings.analysis
    return {
        "enrolment: pixels of the longer side": ENROL_MAX_SIDE,
        "enrolment: least pixels between the eyes": LIMITS.eye_distance,
        "analysis.max_side": analysis.max_side,
        "analysis.eye_distance_pixels": analysis.eye_distance_pixels,
        "analysis.sharpness": analysis.sharpness,
        "analysis.pose": analysis.pose,
        "analysis.darkest": analysis.darkest,
        "analysis.brightest": analysis.brightest,
        "analysis.cut": analysis.cut,
        "inference.provider": settings.inference.provider,
        "inference.precision": settings.inference.precision,
    }


def failures_table(failures: Mapping[str, Mapping[str, int]]) -> Table:
    """Pictures without a template, a row for each folder and reason."""
    return Table(
        "Pictures without a template",
        ("Folder", "Reason", "Pictures"),
        [
            (folder, reason, f"{count:,}")
            for folder, reasons in failures.items()
            for reason, count in reasons.items()
        ],
        "Reasons are enrolment's codes. several_faces: none is clearly the largest (with `--whose clear`); "
        "pose, small, blurred, dark, bright, cut: the limits that live faces are held to; "
        "duplicate_picture: the same file is there already and is taken once.",
    )


def _summary(found: Identification, figures: Figures, confidence: float) -> list[str]:
    searches = found.searches
    said = []
    if figures.points:
        strictest = min(figures.points, key=lambda point: point.fpir_reached)
        said.append(
            f"On a list of {searches.entries:,} people, {percent(strictest.tpir)} of the searches of listed "
            f"people found them ({percent(confidence)} interval {percent(strictest.tpir_low)} to "
            f"{percent(strictest.tpir_high)}) at the threshold that let {strictest.false:,} of "
            f"{len(searches.top):,} searches of {_strangers(found)} end in a false alert."
        )
    else:
        said.append(
            "There are too few searches of people who are not on the list, or none has a candidate: no "
            "threshold can be chosen, and how many are found at one is not known."
        )
    if figures.rank1 is not None:
        said.append(
            f"The right person was the nearest in {percent(figures.rank1)} of {len(searches.own):,} "
            "searches, whatever the score."
        )
    said.append(
        f"{found.people - found.enrolled:,} of {found.people:,} people could not be enrolled, and "
        f"{found.mated_failures:,} of {len(searches.own):,} pictures of them gave no template to search "
        "with. Both count as misses."
    )
    if figures.compared_points:
        strictest = min(figures.compared_points, key=lambda point: point.fpir_reached)
        said.append(
            f"Where faces were compared, {percent(strictest.tpir)} of {len(found.compared.own):,} searches "
            f"found the person at the threshold that let {strictest.false:,} of {len(found.compared.top):,} "
            "others end in a false alert."
        )
    unresolved = openset.unresolved_text(searches, DEFAULT_FPIRS)
    return [*said, unresolved] if unresolved else said


def _rates(found: Identification, figures: Figures, confidence: float) -> Section:
    methods = {point.tpir_method for point in figures.points} | {
        point.fpir_method for point in figures.points
    }
    tables = [
        Table(
            "Recognition at each false positive rate",
            RATES,
            [_row(point) for point in figures.points],
            f"Intervals: {percent(confidence)}; "
            + "; ".join(METHODS[method] for method in sorted(methods))
            + "."
            if methods
            else "",
        ),
        Table(
            "The same where faces were compared",
            RATES,
            [_row(point) for point in figures.compared_points],
            f"A second figure, of {len(found.compared.own):,} mated and {len(found.compared.top):,} "
            "non-mated searches: without people who could not be enrolled and pictures that gave no "
            "template. It says what the recogniser does with faces it is given, not what a system finds.",
        ),
    ]
    curves = {
        "all searches": openset.det(found.searches),
        "where faces were compared": openset.det(found.compared),
    }
    curves = {name: curve for name, curve in curves.items() if len(curve.threshold)}
    points = {"all searches": figures.points, "where faces were compared": figures.compared_points}
    shown = [drawn.det_figure(curves, points, entries=found.searches.entries)] if curves else []
    return Section("Found, and left alone", (), [table for table in tables if table.rows], shown)


def _acquisition(found: Identification) -> Section:
    mated, non_mated = len(found.searches.own), len(found.searches.top)
    rows = [
        ("Gallery: people", f"{found.people:,}"),
        ("not enrolled (FTE)", f"{found.people - found.enrolled:,} ({percent(found.fte)})"),
        *([("Filler: people", f"{found.filler:,}")] if found.filler else []),
        *([("not enrolled", f"{found.filler - found.filler_enrolled:,}")] if found.filler else []),
        ("On the list", f"{found.searches.entries:,}"),
        ("Mated searches", f"{mated:,}"),
        ("without a template (FTA)", _of(found.mated_failures, mated)),
        ("Non-mated searches", f"{non_mated:,}"),
        ("without a template (FTA)", _of(found.non_mated_failures, non_mated)),
    ]
    failures = failures_table(found.failures)
    return Section(
        "From pictures to searches",
        (),
        [Table("Counts", ("What", "How many"), rows), *([failures] if failures.rows else [])],
    )


def _sizes(figures: Figures) -> Section:
    rows = [
        (f"{searches.entries:,}", *_row(point))
        for searches, points in figures.by_size
        for point in points
        if point.fpir in SHOWN_SIZES
    ]
    series = {
        f"FPIR {plain(fpir)}": [
            (searches.entries, point.tpir, point.tpir_low, point.tpir_high)
            for searches, points in figures.by_size
            for point in points
            if point.fpir == fpir
        ]
        for fpir in SHOWN_SIZES
    }
    series = {name: line for name, line in series.items() if line}
    return Section(
        "By the length of the list",
        (
            "Shorter lists are the first so many people of one order, drawn at random: each is part of the "
            "next. A searched person who is not among them takes the place of the last.",
        ),
        [Table("Recognition by length", ("People", *RATES), rows)],
        [drawn.tpir_by_size_figure(series)] if series else [],
    )


def _card(figures: Figures) -> Section:
    rows = [
        _row(one.point, plain(one.fpir) + (" (extrapolated)" if one.extrapolated else ""))
        for one in figures.card
    ]
    return Section(
        "Does the pack's card hold here?",
        (
            "The scores that the pack's card gives for single pictures and a list of this length, and what "
            "came of them in these searches. No threshold was chosen by them. Where the interval of the FPIR "
            "lies above the one wanted, the card promises too much for pictures like these. Where the card "
            "was measured with these very pictures, it says nothing that it holds.",
        ),
        [
            Table(
                "At the card's scores",
                RATES,
                rows,
            )
        ],
    )


def _scores(found: Identification, figures: Figures) -> Section:
    bins = openset.histograms(found.searches)
    if not bins.mated.sum() + bins.non_mated.sum():
        return Section("Scores", ("No search had a score.",))
    marks = {f"FPIR {plain(p.fpir)}": p.threshold for p in figures.points if p.fpir in SHOWN_SIZES}
    return Section(
        "Scores",
        (
            f"Mated searches by their score to the own person's entry, {bins.mated_without:,} without one "
            f"left out; non-mated searches by their highest score, {bins.non_mated_without:,} without one "
            "left out.",
        ),
        (),
        [drawn.histogram_figure(bins.edges, {"mated": bins.mated, "non-mated": bins.non_mated}, marks=marks)],
    )


def _method(found: Identification, settings: Config) -> Section:
    return Section(
        "Method",
        (
            "Each person of the gallery, and of the filler, is enrolled as on a watchlist, with its margin "
            "around close pictures and its least size; a person's score is the best over their pictures. "
            f"Everywhere {WHOSE_WORDS[found.whose]}.",
            "Each probe picture is looked at as a camera's frame is, and its face compared only where it "
            f"keeps the live limits ({settings.analysis.eye_distance_pixels:g} pixels between the eyes, and "
            "the others among this measurement's settings). A picture whose face does not gives a search "
            "without a candidate.",
            "Mated searches are those of the probes. "
            + (
                "Non-mated searches are the same pictures, each on the list without its own person's entry: "
                "they share people with the list and with the mated searches, and tell less than pictures of "
                "as many other people would."
                if found.own_left_out
                else "Non-mated searches are those of people on no list."
            ),
            "A listed person is found where their entry is the best by itself and reaches the threshold "
            "(TPIR); a search of anybody else is false where any entry reaches it (FPIR). FNIR is 1 - TPIR. "
            "Failures to acquire and to enrol stay in the count, as in the generalised rates of ISO/IEC "
            "19795-1. The threshold of a wanted FPIR lies midway between the lowest score that it lets "
            "through and the next below; of equal scores none is let through where not all may be.",
        ),
    )


def _cautions(found: Identification, figures: Figures) -> list[str]:
    said = []
    if found.own_left_out:
        said.append(
            "No people outside the list were given: the false positive rates come from the listed people's "
            "own pictures. Give --non-mates for figures that stand by themselves."
        )
    if figures.alike:
        said.append(
            f"{figures.alike:,} searches of {_strangers(found)} score as high as half of the listed people's "
            "own do. Look whether one person lies in two folders, under two names: each such pair passes for "
            "the worst of errors."
        )
    if found.idle:
        said.append(
            f"{found.idle:,} people of the gallery have no probe and stand for others on the list only."
        )
    if found.sizes_left_out:
        left = ", ".join(f"{size:,}" for size in found.sizes_left_out)
        said.append(f"Lists of {left} were asked for; after enrolment there were not enough people.")
    return said


def _row(point: Point, wanted: str = "") -> tuple[str, ...]:
    """The cells of RATES. wanted: instead of the point's own FPIR."""
    return (
        wanted or ("" if point.fpir is None else plain(point.fpir)),
        f"{point.threshold:.4f}",
        f"{point.false:,}",
        f"{plain(point.fpir_reached)} ({plain(point.fpir_low)} to {plain(point.fpir_high)})",
        with_interval(point.tpir, point.tpir_low, point.tpir_high),
        whole(point.fnir),
    )


def whole(share: float) -> str:
    """A percentage that a narrow column does not part from its sign."""
    return percent(share).replace(" ", "\N{NO-BREAK SPACE}")


def with_interval(share: float, low: float, high: float) -> str:
    """76.8 % (72.6 to 80.5)."""
    return f"{whole(share)} ({plain(100 * low)} to {plain(100 * high)})"


def _of(count: int, total: int) -> str:
    return f"{count:,} ({percent(count / total)})" if total else f"{count:,}"


def _strangers(found: Identification) -> str:
    return "listed people on the list without them" if found.own_left_out else "people on no list"
