"""The page of a trial by cohorts: verdicts, each cohort's rates, other thresholds, and the reach of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lfrd.config import Config
from lfrd.evaluation.equity import Comparison, Question, Verdict
from lfrd.evaluation.equity_thresholds import LABELS, thresholds_section
from lfrd.evaluation.equity_trial import Study
from lfrd.evaluation.equity_words import (
    LIMITS,
    RATES,
    glances_text,
    margin_text,
    p_text,
    row_name,
    signed_points,
    spread_text,
    tally_text,
    threshold_text,
    times_text,
    verdict_text,
)
from lfrd.evaluation.grouped import Rate
from lfrd.evaluation.identify_report import settings_of
from lfrd.evaluation.people import Cast
from lfrd.evaluation.report import figures as drawn
from lfrd.evaluation.report import provenance
from lfrd.evaluation.report.document import Figure, Report, Section, Table
from lfrd.evaluation.report.marks import Estimate
from lfrd.evaluation.report.style import percent
from lfrd.vision.pack import Pack

SHOWN_PAIRS: Final = 6
"""Rows of a table of pairs, the least probable first; the JSON beside the page has all."""
HITS: Final = {
    Rate.TPIR: ("Searches", "Found"),
    Rate.FPIR: ("Searches", "False alerts"),
    Rate.FTE: ("Entries", "Not enrolled"),
    Rate.FTA: ("Pictures", "No template"),
}


def report_of(
    made: Study, results: Mapping[str, Any], cast: Cast, pack: Pack, settings: Config, columns: Sequence[str]
) -> Report:
    """results: what `equity_results.results_of` gives, for the JSON beside the page. columns: the variables
    compared, as they are called."""
    asked = made.question
    return Report(
        title=f"Equity: rates by cohort with {pack.name} {pack.manifest.version}",
        summary=summary_of(made),
        sections=[
            _verdicts(made),
            *(
                _variable(name, [one for one in made.comparisons if one.variable == name], asked)
                for name in columns
            ),
            thresholds_section(made, columns),
            _method(made),
        ],
        limits=[*LIMITS, *_cautions(made)],
        provenance=provenance.of(
            pack,
            [people.as_data() for people in cast],
            asked.seed,
            {
                "threshold": f"{made.threshold.score:.6f}",
                "margin of equivalence": asked.margin,
                "factor of equivalence (FPIR)": asked.factor,
                "confidence": asked.confidence,
                "power": asked.power,
                "least people in a cell": asked.least,
                "which of several faces": made.measured.found.whose,
                **settings_of(settings),
            },
        ),
        results=results,
    )


def summary_of(made: Study) -> list[str]:
    """Where it holds, how often each verdict came, what was shown, and what shows at other thresholds."""
    where = threshold_text(
        made.threshold.score, made.threshold.source, extrapolated=made.threshold.extrapolated
    )
    return [
        where,
        *tally_text(made.comparisons),
        *(
            verdict_text(one, made.question)
            for one in made.comparisons
            if one.verdict is not Verdict.UNDECIDED
        ),
        *glances_text(made.glances, made.threshold.score),
    ]


def _verdicts(made: Study) -> Section:
    asked = made.question
    tests = sum(len(one.pairs) for one in made.comparisons)
    return Section(
        "Verdicts",
        (
            f"Declared before the trial: differences of up to {margin_text(Rate.TPIR, asked)}, and for "
            f"FPIR {margin_text(Rate.FPIR, asked)}, count as equivalent. {tests:,} pairs of cohorts were "
            "compared; p values are corrected for all of them (Holm), so that any difference is claimed "
            f"by chance in at most {percent(1 - asked.confidence)} of such trials.",
        ),
        [
            Table(
                "What was shown",
                ("Variable", "Rate", "Verdict", "p, difference", "p, equivalence", "Visible, points"),
                [
                    (
                        one.variable,
                        one.rate.value.upper(),
                        one.verdict.value + (f" ({one.reason.value})" if one.reason else ""),
                        p_text(min(pair.corrected for pair in one.pairs)) if one.pairs else "–",
                        "–" if one.alike_corrected is None else p_text(one.alike_corrected),
                        "–" if one.visible is None else signed_points(one.visible),
                    )
                    for one in made.comparisons
                ],
                "Visible: the smallest true difference that the trial would have shown between any two "
                f"cohorts {percent(asked.power)} of the time; – where not even the largest.",
            ),
            Table(
                "The highest rate over the lowest",
                (
                    "Variable",
                    "Rate",
                    "Highest / lowest",
                    "Alike cohorts stay below",
                    "Misses: highest / lowest",
                ),
                [
                    (
                        one.variable,
                        one.rate.value.upper(),
                        spread_text(one.ratio),
                        "–" if one.chance_ratio is None else times_text(one.chance_ratio),
                        spread_text(one.miss_ratio),
                    )
                    for one in made.comparisons
                ],
                f"In brackets the {percent(asked.confidence)} interval of the true ratio of the truly "
                "highest to the truly lowest rate, from intervals of all pairs that hold at once. The "
                "ratio as seen is larger than the true one on average, since the two cohorts are picked "
                "for being far apart; the next column says what it stays below in "
                f"{percent(asked.confidence)} of trials where the same people are shuffled among the "
                "cohorts.",
            ),
        ],
    )


def _variable(name: str, comparisons: Sequence[Comparison], asked: Question) -> Section:
    tables, figures = [], []
    for one in comparisons:
        tables.append(_rates(one, asked))
        if one.rate in LABELS and one.pairs:
            tables.append(_pairs(one, asked))
        if one.rate in LABELS and one.cohorts:
            figures.append(_forest(one))
    said = [verdict_text(one, asked) for one in comparisons]
    return Section(name, [*said, *_hidden(comparisons, asked)], tables, figures)


def _rates(one: Comparison, asked: Question) -> Table:
    trials, hits = HITS[one.rate]
    return Table(
        f"{RATES[one.rate]} by {one.variable}",
        ("Cohort", "People", trials, hits, "Share", f"{percent(asked.confidence)} interval"),
        [
            (
                row_name(row, pooled=one.pooled, with_undeclared=one.with_undeclared),
                f"{row.people:,}",
                f"{row.trials:,}",
                f"{row.hits:,}",
                percent(row.share),
                f"{percent(row.low)} to {percent(row.high)}",
            )
            for row in one.rows
        ],
        "Rows in brackets are counted and not compared."
        if any(row.kind != "cohort" for row in one.rows)
        else "",
    )


def _pairs(one: Comparison, asked: Question) -> Table:
    shown = sorted(one.pairs, key=lambda pair: pair.p)[:SHOWN_PAIRS]
    left = len(one.pairs) - len(shown)
    return Table(
        f"{RATES[one.rate]}: cohorts of {one.variable} in pairs",
        ("Pair", "Difference, points", "Interval", "p", "Corrected", "Visible, points"),
        [
            (
                f"{pair.first} less {pair.second}",
                signed_points(pair.difference),
                f"{signed_points(pair.low)} to {signed_points(pair.high)}",
                p_text(pair.p),
                p_text(pair.corrected),
                "–" if pair.visible is None else signed_points(pair.visible),
            )
            for pair in shown
        ],
        f"Intervals hold for all pairs at once with {percent(asked.confidence)} confidence."
        + (f" {left:,} pairs with larger p stand in the JSON beside this page." if left else ""),
    )


def _forest(one: Comparison) -> Figure:
    return drawn.interval_figure(
        [
            Estimate(row.cohort, row.share, row.low, row.high, f"{row.hits:,} of {row.trials:,}")
            for row in one.cohorts
        ],
        x_label=LABELS[one.rate],
        caption=f"{RATES[one.rate]} by {one.variable}",
    )


def _hidden(comparisons: Sequence[Comparison], asked: Question) -> list[str]:
    """What small-cell suppression did to a variable's tables."""
    said = []
    if any(one.pooled for one in comparisons):
        said.append(
            f"For some rates a cohort has fewer than {asked.least} people, or would give away one that "
            "has: such cohorts stand together and are not compared."
        )
    left_out = max((one.left_out for one in comparisons), default=0)
    if left_out:
        said.append(
            f"Where fewer than {asked.least} people would have stood in a cell, they are left out of all "
            f"tables of that rate: {left_out:,} at most."
        )
    return said


def _method(made: Study) -> Section:
    asked = made.question
    return Section(
        "Method",
        (
            "People of the gallery are enrolled as on a watchlist, probes are looked at as a camera's frames "
            "are. A mated search counts as found where the right person's entry is the best by itself and "
            "reaches the threshold; failures to enrol and to acquire stay in the count and are shown by "
            "cohort too. "
            + (
                "The non-mated searches are those of the probes, each on the list without its own person."
                if made.measured.found.own_left_out
                else "The non-mated searches are those of people on no list."
            ),
            "A cohort's interval is clustered by person (bootstrap over people, never narrower than "
            "Wilson's). Two cohorts are tested by Fisher's exact test, or, where people have several "
            "searches, by shuffling people between the two. Intervals of differences and ratios join "
            "Wilson's intervals of both (Newcombe 1998; Zou and Donner 2008) at the number of "
            "independent searches that theirs are worth, and hold for all pairs of a variable at once "
            "(Tukey and Kramer).",
            "Equivalence is shown where two one-sided tests succeed for every pair of a variable's cohorts; "
            "for FPIR on its ratio, since rates of one in a thousand lie within any absolute margin.",
            f"Cells with fewer than {asked.least} people behind them are pooled or left out, so that nobody "
            "can be told apart in a table. The rest stands in docs/equity.md.",
        ),
    )


def _cautions(made: Study) -> list[str]:
    if not made.measured.found.own_left_out:
        return []
    return [
        "No people outside the list were given: false alerts come from the listed people's own pictures. "
        "Give --non-mates for figures that stand by themselves."
    ]
