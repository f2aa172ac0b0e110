"""`lfrd evaluate plan`: how large a trial must be before it may say something."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lfrd.commands.shared import JsonOption, counted, print_json, print_table

FALSE_ALERTS = (0, 1, 2, 5, 10)
"""Allowed in a trial of the FPIR: the more, the longer the trial and the fairer to a system that is good."""


def plan(
    tpir: Annotated[
        float, typer.Option(metavar="SHARE", min=0.01, max=0.999, help="Share found that is expected.")
    ] = 0.9,
    margin: Annotated[
        float, typer.Option(metavar="SHARE", min=0.001, max=0.5, help="How closely it shall be known.")
    ] = 0.05,
    fpir: Annotated[
        float, typer.Option(metavar="SHARE", min=1e-7, max=0.5, help="Below what FPIR shall be shown to lie.")
    ] = 0.001,
    cohorts: Annotated[
        int | None, typer.Option(metavar="N", min=2, max=100, help="Cohorts that shall be compared.")
    ] = None,
    difference: Annotated[
        float,
        typer.Option(metavar="SHARE", min=0.001, max=0.5, help="In TPIR, that shall be seen or ruled out."),
    ] = 0.05,
    power: Annotated[
        float,
        typer.Option(metavar="SHARE", min=0.5, max=0.99, help="How likely a trial shall be to succeed."),
    ] = 0.8,
    passages: Annotated[int, typer.Option(metavar="N", min=1, max=1000, help="By each volunteer.")] = 1,
    agreement: Annotated[
        float,
        typer.Option(metavar="0..1", min=0, max=1, help="How far one volunteer's passages end alike."),
    ] = 0.5,
    confidence: Annotated[
        float, typer.Option(metavar="SHARE", min=0.5, max=0.999, help="Of what is shown.")
    ] = 0.95,
    as_json: JsonOption = False,
) -> None:
    """How many people and passages a trial needs for a wanted certainty. Nothing is measured.

    Shares are written 0.05 for 5 %. Without --cohorts nothing is said about comparing cohorts.
    """
    if cohorts is not None and difference > tpir:
        raise typer.BadParameter(f"must be at most the TPIR, {tpir:g}", param_hint="'--difference'")
    planned = _planned(
        tpir, margin, fpir, cohorts, difference, power, passages, agreement, confidence=confidence
    )
    if as_json:
        print_json(planned)
        return
    _print_found(planned)
    _print_false(planned)
    if planned["cohorts"] is not None:
        _print_cohorts(planned)
    print("\nWhat a trial shows holds for people, cameras and light like its own.")


def _planned(
    tpir: float,
    margin: float,
    fpir: float,
    cohorts: int | None,
    difference: float,
    power: float,
    passages: int,
    agreement: float,
    *,
    confidence: float,
) -> dict[str, Any]:
    from lfrd.evaluation import planning

    independent = planning.passages_for_margin(tpir, margin, confidence=confidence)
    size = planning.independent(independent, passages, agreement)
    trials = []
    for allowed in FALSE_ALERTS:
        searches = planning.searches_for_bound(fpir, errors=allowed, confidence=confidence)
        passing = planning.passing_fpir(searches, allowed, power=power)
        trials.append({"false_alerts": allowed, "searches": searches, "passing_fpir": passing})
    compared = None
    if cohorts is not None:
        pairs, alpha = planning.pairs_of(cohorts), 1 - confidence
        apart = planning.people_for_difference(tpir, difference, power=power, alpha=alpha, pairs=pairs)
        alike = planning.people_for_equivalence(tpir, difference, power=power, alpha=alpha, pairs=pairs)
        compared = {
            "cohorts": cohorts,
            "pairs": pairs,
            "difference": difference,
            "people_each_to_see_it": planning.independent(apart, passages, agreement).people,
            "people_each_to_rule_it_out": planning.independent(alike, passages, agreement).people,
        }
    return {
        "confidence": confidence,
        "power": power,
        "passages_each": passages,
        "agreement": agreement,
        "tpir": {
            "expected": tpir,
            "margin": margin,
            "independent_passages": independent,
            "people": size.people,
            "passages": size.passages,
        },
        "fpir": {"bound": fpir, "trials": trials},
        "cohorts": compared,
    }


def _print_found(planned: dict[str, Any]) -> None:
    found, each = planned["tpir"], planned["passages_each"]
    print("How many are found (TPIR)")
    print(
        f"  To know a rate of about {_percent(found['expected'])} to within {_points(found['margin'])}, with "
        f"{_percent(planned['confidence'])} confidence:"
    )
    print(f"  {_walkers(found['people'], each)}, all of them on the list.")
    if each > 1:
        worth = found["independent_passages"]
        print(
            f"  These {found['passages']:,} passages tell as much as {worth:,} people "
            "who walk past once, since\n  whoever was missed once is likelier to be missed again (agreement "
            f"{planned['agreement']:g}, assumed)."
        )


def _print_false(planned: dict[str, Any]) -> None:
    false = planned["fpir"]
    print("\nHow many others raise a false alert (FPIR)")
    print(
        f"  To show that they are fewer than {_one_in(false['bound'])}, with "
        f"{_percent(planned['confidence'])} confidence: as many different people who are on\n  no list "
        "walk past once each as one row says, with no more false alerts than it says."
    )
    print_table(
        ("  FALSE ALERTS", "PEOPLE", f"{_percent(planned['power'])} OF TRIALS SUCCEED IF THE TRUTH IS"),
        [
            (
                f"{row['false_alerts']}",
                f"{row['searches']:,}",
                f"{_one_in(row['passing_fpir'])} or better",
            )
            for row in false["trials"]
        ],
    )
    print("  Choose the row before the trial. On a list of another length it is another question.")


def _print_cohorts(planned: dict[str, Any]) -> None:
    of = planned["cohorts"]
    number, each = of["cohorts"], planned["passages_each"]
    print(f"\nWhether it finds people of {number} cohorts alike (TPIR)")
    for purpose, key in (
        (f"To see a true difference of {_points(of['difference'])} between two of them", "to_see_it"),
        (f"To show that no two differ by {_points(of['difference'])}, if none does", "to_rule_it_out"),
    ):
        people = of[f"people_each_{key}"]
        print(
            f"  {purpose}, in {_percent(planned['power'])} of trials:\n  {_walkers(people, each)}, in every "
            f"cohort; {people * number:,} in all."
        )
    print(
        f"  This allows for {counted(of['pairs'], 'comparison')}. A smaller trial that shows no difference "
        "has not shown that there is none."
    )


def _walkers(people: int, each: int) -> str:
    times = "once" if each == 1 else f"{each} times"
    return f"{counted(people, 'different person walks', 'different people walk')} past {times} each"


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"


def _points(share: float) -> str:
    number = f"{100 * share:.4g}"
    return f"{number} percentage point{'' if number == '1' else 's'}"


def _one_in(share: float) -> str:
    """1 in 13,400: three digits are as many as a plan has."""
    number = 1 / share
    return f"1 in {float(f'{number:.3g}'):,.0f}" if number >= 100 else f"1 in {number:.3g}"
