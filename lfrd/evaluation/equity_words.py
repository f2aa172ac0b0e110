"""What a comparison of cohorts came to, in sentences: never more than the sample can tell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from lfrd.evaluation.equity import Comparison, Glance, Pair, Question, Reason, Row, Verdict
from lfrd.evaluation.grouped import Rate
from lfrd.evaluation.likeness import Spread
from lfrd.evaluation.report.style import percent, plain

RATES: Final = {
    Rate.TPIR: "TPIR",
    Rate.FPIR: "FPIR",
    Rate.FTE: "failure to enrol (FTE)",
    Rate.FTA: "failure to acquire (FTA)",
}
NAMED_PAIRS: Final = 3
"""Pairs that a sentence names; tables have more."""

LIMITS: Final = (
    "The figures hold for this pack, this list, these pictures and this threshold. Rates that lie together "
    "at one threshold can lie apart at another: a strict threshold leaves hardly any false alerts in which "
    "an imbalance could show.",
    "'The sample cannot tell' is not an answer in the system's favour, and must not be reported as one. "
    "Who needs an answer plans a larger trial: `lfrd evaluate plan`.",
    "Equivalence is shown within the declared margin and no further. The margin has to be declared before "
    "the trial, by those who answer for it.",
    "Cohorts are what people said of themselves. Nobody's cohort was read from a face. Who declared nothing "
    "is counted and not compared.",
    "A difference between cohorts need not come of the recogniser: their pictures may differ in light, age, "
    "camera or pose. Whoever is wronged by it is wronged all the same.",
    "FPIR depends on who is on the list as well as on who walks by: a cohort that is frequent on the list "
    "meets more people who resemble it. Who was put on it stands in the tables of failures to enrol.",
    "Single photographs were compared, not the passages of people in a street.",
)
"""What every page says of its own reach."""


def threshold_text(score: float, source: str, *, extrapolated: bool) -> str:
    """At which threshold everything holds."""
    more = " It is extrapolated beyond what was measured for the card." if extrapolated else ""
    return f"All rates hold at a threshold of {score:.4f} ({source}).{more}"


def verdict_text(found: Comparison, asked: Question) -> str:
    """The sentence of one variable and one rate: its verdict first."""
    said = f"{found.variable}, {RATES[found.rate]}: {found.verdict.value}"
    if found.reason is not Reason.NONE:
        return f"{said}: {found.reason.value}."
    if found.verdict is Verdict.UNDECIDED:
        within = margin_text(found.rate, asked)
        neither = f"neither a difference nor equivalence within {within} could be shown"
        return f"{said}: {neither}. {_power_text(found, asked)}"
    together = f"all {len(found.cohorts)} cohorts lie within {margin_text(found.rate, asked)} of one another"
    beside = " Cohorts too small to be compared are not among them." if found.pooled else ""
    if found.verdict is Verdict.EQUIVALENCE:
        return f"{said}: {together} (corrected {_p(found.alike_corrected)}).{beside}"
    alpha = 1 - asked.confidence
    shown = sorted((p for p in found.pairs if p.corrected <= alpha), key=lambda pair: pair.corrected)
    named = "; ".join(_pair_text(pair, found.cohorts) for pair in shown[:NAMED_PAIRS])
    more = f"; and {len(shown) - NAMED_PAIRS} pairs more" if len(shown) > NAMED_PAIRS else ""
    small = f" Even so {together}.{beside}" if found.verdict is Verdict.SMALL_DIFFERENCE else ""
    return f"{said}: {named}{more}.{small}"


def tally_text(comparisons: Sequence[Comparison]) -> list[str]:
    """How often each verdict came, and of what the sample cannot tell: a line a variable."""
    differ = sum(one.verdict in (Verdict.DIFFERENCE, Verdict.SMALL_DIFFERENCE) for one in comparisons)
    alike = sum(one.verdict is Verdict.EQUIVALENCE for one in comparisons)
    undecided: dict[str, list[str]] = {}
    for one in comparisons:
        if one.verdict is Verdict.UNDECIDED:
            undecided.setdefault(one.variable, []).append(one.rate.value.upper())
    return [
        f"{len(comparisons):,} comparisons: a difference was shown in {differ:,}, equivalence within the "
        f"margin in {alike:,}, and in {len(comparisons) - differ - alike:,} the sample cannot tell.",
        *(
            f"{variable}: the sample cannot tell whether the cohorts' {_listed(rates)} differ."
            for variable, rates in undecided.items()
        ),
    ]


def glances_text(seen: Sequence[Glance], score: float) -> list[str]:
    """Where, away from the threshold in use, rates lie apart."""
    told: dict[tuple[str, Rate], list[float]] = {}
    for one in seen:
        if one.apart and one.threshold != score:
            told.setdefault((one.variable, one.rate), []).append(one.threshold)
    return [
        f"{variable}, {RATES[rate]}: the cohorts' rates lie apart at other thresholds "
        f"({', '.join(f'{at:.4f}' for at in sorted(thresholds))})."
        for (variable, rate), thresholds in told.items()
    ]


def margin_text(rate: Rate, asked: Question) -> str:
    """The margin of a rate: 5 percentage points, or a factor of 2."""
    if rate is Rate.FPIR:
        return f"a factor of {plain(asked.factor)}"
    return points_text(asked.margin)


def points_text(share: float) -> str:
    """A difference of shares."""
    return f"{signed_points(share)} percentage points"


def spread_text(spread: Spread | None) -> str:
    """A ratio and its interval, for a table's cell."""
    if spread is None:
        return "–"
    seen = "none seen" if math.isnan(spread.ratio) else times_text(spread.ratio)
    return f"{seen} ({times_text(spread.low)} to {times_text(spread.high)})"


def row_name(row: Row, *, pooled: int, with_undeclared: bool) -> str:
    """A row's heading; what stands in brackets is no cohort."""
    if row.kind == "cohort":
        return row.cohort
    if row.kind == "undeclared":
        return "(not declared)"
    if not pooled:
        return "(not declared)"
    return "(small cohorts, and not declared)" if with_undeclared else "(small cohorts together)"


def times_text(ratio: float) -> str:
    """A ratio by itself."""
    return "no limit" if ratio == math.inf else f"{ratio:.2f}"


def p_text(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def signed_points(share: float) -> str:
    """A difference in percentage points, for a table's cell whose heading says so."""
    return plain(float(f"{100 * share:.3g}")).replace("-", "\N{MINUS SIGN}")


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _power_text(found: Comparison, asked: Question) -> str:
    if found.rate in (Rate.FPIR, Rate.FTE, Rate.FTA) and not any(row.hits for row in found.cohorts):
        what = "false alert" if found.rate is Rate.FPIR else "failure"
        none = f"No {what} was seen in any cohort, too few trials to compare rates this small. "
    else:
        none = ""
    seen = f"to be seen {percent(asked.power)} of the time"
    each = [pair.visible for pair in found.pairs if pair.visible is not None]
    if not each:
        return f"{none}Even the largest difference was too small {seen}."
    least, most = min(each), max(each)
    if len(each) < len(found.pairs):
        return (
            f"{none}A true difference had to reach {points_text(least)} at least {seen}, and between some "
            "cohorts even the largest was too small."
        )
    if points_text(least) == points_text(most):
        return f"{none}A true difference had to reach {points_text(most)} {seen}."
    return (
        f"{none}A true difference had to reach {signed_points(least)} to {points_text(most)}, by the "
        f"cohorts' sizes, {seen}."
    )


def _pair_text(pair: Pair, cohorts: Sequence[Row]) -> str:
    shares = {row.cohort: row.share for row in cohorts}
    first, second = sorted((pair.first, pair.second), key=lambda name: -shares[name])
    return (
        f"'{first}' {percent(shares[first])} against '{second}' {percent(shares[second])} "
        f"(corrected {_p(pair.corrected)})"
    )


def _p(p: float | None) -> str:
    if p is None:
        return "p –"
    return f"p {p_text(p)}" if p < 0.001 else f"p = {p_text(p)}"
