"""Ways to watch a running false alert rate, compared by simulation: the table in docs/record.md.

    python -m tools.limits_trial [RUNS]

Time is counted in false alerts that the accepted rate would give: 1 is 1,000 faces at 1 in 1,000.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
from scipy.stats import poisson

from lfrd.policy.limits import ERROR, TIMES_WORSE, excess
from lfrd.types import F64

Rule = Callable[[F64], float]
"""Where false alerts fell -> when the deployment would be suspended; infinite if never."""


def first(places: F64, crossed: object) -> float:
    found = np.flatnonzero(np.asarray(crossed))
    return float(places[found[0]]) if len(found) else np.inf


def each_look(level: float) -> Rule:
    """An exact test at this level after each false alert, as if it were the only one."""
    return lambda places: first(places, poisson.sf(np.arange(len(places)), places) < level)


def spent(places: F64) -> float:
    """The same with the error spread over the looks, 1 / (k (k + 1)) of it on the k-th."""
    k = np.arange(1, len(places) + 1)
    return first(places, poisson.sf(k - 1, places) < ERROR / (k * (k + 1)))


def ratio(*times: float) -> Rule:
    """The likelihood ratio from the start: Wald's sequential test, or a mixture of several."""

    def rule(places: F64) -> float:
        k = np.arange(1, len(places) + 1)
        logs = [k * np.log(t) - (t - 1) * places for t in times]
        return first(places, np.logaddexp.reduce(logs, axis=0) - np.log(len(times)) >= -np.log(ERROR))

    return rule


def cusum(places: F64, times: float = 4.0, height: float = 9.0) -> float:
    """Page's cumulative sum; the height was found by simulation for 100 expected false alerts."""
    total, before = 0.0, 0.0
    for place in places:
        total = max(0.0, total - (times - 1) * (place - before)) + np.log(times)
        before = place
        if total >= height:
            return float(place)
    return np.inf


def chosen(places: F64) -> float:
    crossed = (excess(places[: k + 1]).value * ERROR >= 1.0 for k in range(len(places)))
    return next(
        (float(place) for place, is_crossed in zip(places, crossed, strict=False) if is_crossed), np.inf
    )


RULES: dict[str, Rule] = {
    "95 % interval above the accepted rate": each_look(0.025),
    "exact test at 1 % each time": each_look(0.01),
    "exact test, error spread over the looks": spent,
    "sequential test against 10 times": ratio(10.0),
    "mixture from the start": ratio(*TIMES_WORSE),
    "CUSUM, 4 times, height 9": cusum,
    "chosen: mixture over beginnings too": chosen,
}


def history(rng: np.random.Generator, *parts: tuple[float, float]) -> F64:
    """False alerts of stretches of so many expected ones, each at a multiple of the accepted rate."""
    begun, places = 0.0, []
    for length, times in parts:
        places.append(begun + rng.uniform(0, length, rng.poisson(times * length)))
        begun += length
    return np.sort(np.concatenate(places))


def main(runs: int) -> None:
    rng = np.random.default_rng(2026)
    for length in (10.0, 100.0, 300.0):
        histories = [history(rng, (length, 1.0)) for _ in range(runs if length < 300 else runs // 5)]
        print(f"\nwrongly suspended within {length:g} at the accepted rate")
        for name, rule in RULES.items():
            print(f"  {np.mean([np.isfinite(rule(places)) for places in histories]):.4f}  {name}")
    for title, before in (("at once", 0.0), ("after 50 at the accepted rate", 50.0)):
        for times in (2.0, 3.0, 5.0, 10.0):
            histories = [history(rng, (before, 1.0), (100.0, times)) for _ in range(max(100, runs // 10))]
            print(f"\n{times:g} times the rate, {title}: median delay")
            for name, rule in RULES.items():
                delays = np.array([rule(places) - before for places in histories])
                print(f"  {np.median(delays[delays > 0]):.2f}  {name}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
