"""Measured clips in words: the answer in a few sentences, causes of misses, rows for tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lfrd.evaluation.report.style import percent, plain

FACTORS: Final = {
    "by_size": ("Widest face", "px", "Pixels of the largest true face of the passage."),
    "by_pose": (
        "Turned by",
        "",
        "The larger of yaw and pitch of the best face found: 0 is frontal, 1 has the nose under an eye.",
    ),
    "by_light": ("Brightness", "", "Mean of the best face found, 0 to 255."),
    "by_crowd": ("In view at once", "people", "The mean over the passage, who passes included."),
}
"""A table's first heading, its unit, and what it means, by the key in the results."""

CAUSES: Final = {
    "not_detected": "no face of it was followed",
    "small": "too few pixels between the eyes",
    "blurred": "blurred",
    "pose": "turned away",
    "dark": "too dark",
    "bright": "too bright",
    "cut": "cut by the frame's edge",
    "too_few_shots": "too few usable faces for a verdict",
    "broken": "followed as several people",
    "glued": "followed together with somebody else",
    "below_threshold": "the score stayed below the threshold",
    "disagreement": "too few single shots agreed",
    "somebody_nearer": "somebody else on the list was nearer",
    "not_explained": "not explained",
}
PARTS: Final = {
    "detection": "Detection",
    "quality": "Quality",
    "tracking": "Tracking",
    "decision": "Decision",
    "not_explained": "Not explained",
}


def summary(results: Mapping[str, Any]) -> list[str]:
    """The answer in a few sentences, for the page and for the terminal."""
    sure = percent(results["confidence"])
    said = []
    if results["tpir"] is None:
        said.append(
            "Nobody who passes was enrolled: TPIR is not known from these clips. Alerts for strangers are."
        )
    else:
        said.append(
            f"TPIR a passage: {results['found']:,} of {results['sought']:,} passages of "
            f"{results['sought_people']:,} listed people raised the right alert, {rated(results, 'tpir')}, "
            f"on a list of {results['nominals']:,}. In brackets: the interval of {sure} confidence."
        )
    if results["refused"]:
        with_them = results["tpir_refused_as_missed"]
        said.append(
            f"{results['refused']:,} more passages are of listed people of whom not a picture could be "
            f"enrolled; counted as missed, TPIR is {rated(with_them, 'tpir')}."
        )
    false = results["false_alerts"]
    rates = [
        f"{plain(rate['rate'])} {what} ({plain(rate['low'])} to {plain(rate['high'])})"
        for key, what in (("per_1000_tracks", "per 1,000 tracks"), ("per_hour", "per hour of video"))
        if (rate := false[key])["rate"] is not None
    ]
    said.append(
        f"False alerts: {false['count']:,} in {results['tracks']:,} tracks and "
        f"{minutes(results['hours'])} of video" + (f": {', '.join(rates)}." if rates else ".")
    )
    times = results["seconds_to_alert"]
    if times["passages"]:
        said.append(
            f"From the first moment that the face is visible to the alert: {times['median']:.1f} s in half "
            f"of the passages found, {times['p90']:.1f} s in nine of ten."
        )
    missed = results["missed"]
    if missed["count"]:
        lost = ", ".join(
            f"{missed[part]['count']:,} {name.lower()}"
            for part, name in PARTS.items()
            if missed[part]["count"]
        )
        said.append(f"Of {missed['count']:,} passages missed: {lost}.")
    return said + remarks(results)


def remarks(results: Mapping[str, Any]) -> list[str]:
    """What casts doubt on the figures; nothing where all is well."""
    said = []
    again = results["second_look"]
    if again["alerts_that_differ"] or again["tracks"] != results["tracks"]:
        said.append(
            f"The second look, which explains misses, differs from the pipeline in "
            f"{again['alerts_that_differ']:,} alerts ({again['tracks']:,} tracks against "
            f"{results['tracks']:,}): the causes of misses and the rates at other thresholds may be off."
        )
    if again["clips_whose_truth_lies_on_no_face"]:
        said.append(
            f"In {again['clips_whose_truth_lies_on_no_face']:,} clips not one face that was found lies on "
            "a box of the truth: check that it is theirs."
        )
    return said


def miss_rows(results: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Lost to, because, how many, which share of all misses."""
    missed = results["missed"]
    return [
        (name, CAUSES[cause], f"{count:,}", percent(count / missed["count"]))
        for part, name in PARTS.items()
        for cause, count in missed[part]["causes"].items()
    ]


def factor_rows(results: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Group, passages, found, TPIR; groups without a passage are left out."""
    return [
        (
            f"{name} {between(row)} {unit}".strip(),
            f"{row['passages']:,}",
            f"{row['found']:,}",
            rated(row, "tpir"),
        )
        for key, (name, unit, _) in FACTORS.items()
        for row in results[key]
        if row["passages"]
    ]


def rated(row: Mapping[str, Any], key: str) -> str:
    """A share with its interval."""
    if row[key] is None:
        return "not known"
    return f"{percent(row[key])} ({percent(row[f'{key}_low'])} to {percent(row[f'{key}_high'])})"


def per(rate: Mapping[str, float | None]) -> str:
    """Events a unit, with their interval."""
    shown = [plain(value) for value in (rate["rate"], rate["low"], rate["high"]) if value is not None]
    return f"{shown[0]} ({shown[1]} to {shown[2]})" if shown else "not known"


def minutes(hours: float) -> str:
    """1 minute, 2.5 minutes."""
    shown = plain(round(60 * hours, 1))
    return f"{shown} minute" if shown == "1" else f"{shown} minutes"


def between(row: Mapping[str, Any]) -> str:
    """A group's edges."""
    if row["from"] is None:
        return "not known"
    if row["to"] is None:
        return f"{plain(row['from'])} or more"
    return f"{plain(row['from'])} to {plain(row['to'])}"
