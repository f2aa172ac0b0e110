"""The page about measured clips: what was found, what was missed and why, by size, pose, light and crowd."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lfrd.evaluation.report.document import Figure, Provenance, Report, Section, Table
from lfrd.evaluation.report.figures import bars_figure, interval_figure
from lfrd.evaluation.report.marks import Estimate, share_axis
from lfrd.evaluation.report.style import COLOURS, plain
from lfrd.evaluation.street_measure import Measured
from lfrd.evaluation.street_words import (
    CAUSES,
    FACTORS,
    PARTS,
    between,
    minutes,
    miss_rows,
    per,
    rated,
    summary,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def report(measured: Measured, results: Mapping[str, Any], provenance: Provenance) -> Report:
    """results: of the same measurement, as `street_results.results` makes them."""
    sections = [_found(measured, results), _missed(results), _factors(results), _thresholds(results)]
    return Report(
        title="Passages in clips",
        summary=summary(results),
        sections=sections,
        limits=_limits(results),
        provenance=provenance,
        results=results,
    )


def _found(measured: Measured, results: Mapping[str, Any]) -> Section:
    rows = [
        ("Passages of listed people", f"{results['sought']:,}"),
        ("of these found", f"{results['found']:,}"),
        ("TPIR", rated(results, "tpir")),
        ("Passages of strangers", f"{results['strangers']:,}"),
        ("Passages of people whom enrolment refused", f"{results['refused']:,}"),
        ("Tracks", f"{results['tracks']:,}"),
        ("Tracks that alerted, once a person", f"{results['alerts']:,}"),
        ("of these for somebody whom they do not show", f"{results['false_alerts']['count']:,}"),
        ("False alerts per 1,000 tracks", per(results["false_alerts"]["per_1000_tracks"])),
        ("False alerts per hour of video", per(results["false_alerts"]["per_hour"])),
        ("Tracks with several people's faces", f"{results['tracking']['tracks_of_several_people']:,}"),
        ("Passages in several tracks", f"{results['tracking']['passages_in_several_tracks']:,}"),
        ("Clips, and their length together", f"{results['clips']:,}, {minutes(results['hours'])}"),
        ("Frames, and how many were analysed", f"{results['frames']:,}, {results['analysed']:,}"),
        ("Threshold", f"{results['threshold']:.3f}"),
    ]
    return Section(
        "What was found",
        [
            "The clips ran through the pipeline that live cameras run through, with the settings below. A "
            "passage is found when an alert for that person comes from a track that has followed that "
            "person's face; where the truth has no boxes, when it comes while the person passes, or half a "
            "second before or after. An alert for anybody who is not there is false, and counted once a "
            "track and person: an officer sees fewer, for repeats are one alert. "
            f"Interval of TPIR: {results['interval'] or 'none'}; of false alerts: exact, of a Poisson rate. "
            f"The threshold: {results['threshold_source']}.",
        ],
        [Table("Counts and rates", ("", ""), rows)],
        [_times(measured, results)] if results["found"] else [],
    )


def _times(measured: Measured, results: Mapping[str, Any]) -> Figure:
    times = sorted(
        one.to_alert
        for clip in measured.clips
        for one in clip.crossings
        if one.sought and one.to_alert is not None
    )
    shares = np.arange(1, len(times) + 1) / results["sought"]

    def draw(axes: Axes) -> None:
        ends = [0.0, *times, times[-1] * 1.05 + 0.2]
        axes.step(ends, [0.0, *shares, shares[-1]], where="post", color=COLOURS[0])
        axes.set_xlim(0, ends[-1])
        share_axis(axes)
        axes.set_xlabel("Seconds from the first moment that the face is visible")
        axes.set_ylabel("Passages that have alerted")

    median, p90 = (results["seconds_to_alert"][key] for key in ("median", "p90"))
    return Figure(
        "Time to the alert",
        f"The share of all sought passages that have alerted by then: half of those found by {median:.1f} s, "
        f"nine in ten by {p90:.1f} s.",
        draw,
        height=3.2,
    )


def _missed(results: Mapping[str, Any]) -> Section:
    missed = results["missed"]
    if not missed["count"]:
        nobody = "Nobody was sought." if results["tpir"] is None else "No passage was missed."
        return Section("What was missed, and why", [nobody])
    bars = {
        f"{PARTS[part]}: {CAUSES[cause]}": count
        for part in PARTS
        for cause, count in missed[part]["causes"].items()
    }
    return Section(
        "What was missed, and why",
        [
            "A second look at the clips says what each miss was lost to, the first hurdle that it did not "
            "pass: detection, if no face of the person was followed; quality, if every face was refused (the "
            "most frequent reason) or too few were left; tracking, if the same faces, followed as one person "
            "and with nobody else's, do give the alert; else the decision.",
        ],
        [Table("Misses", ("Lost to", "Because", "Passages", "Share"), miss_rows(results))],
        [bars_figure(bars, x_label="Passages missed", caption="What misses were lost to")],
    )


def _factors(results: Mapping[str, Any]) -> Section:
    tables, marks = [], []
    for key, (name, unit, meaning) in FACTORS.items():
        rows = [row for row in results[key] if row["passages"]]
        tables.append(
            Table(
                name,
                (f"{name}, {unit}" if unit else name, "Passages", "Found", "TPIR"),
                [
                    (between(row), f"{row['passages']:,}", f"{row['found']:,}", rated(row, "tpir"))
                    for row in rows
                ],
                meaning,
            )
        )
        marks += [
            Estimate(
                f"{name} {between(row)} {unit}".strip(),
                row["tpir"],
                row["tpir_low"],
                row["tpir_high"],
                f"{row['found']:,} of {row['passages']:,}",
            )
            for row in rows
        ]
    if not marks:
        return Section("By size, pose, light and crowd", ["Nobody was sought."])
    return Section(
        "By size, pose, light and crowd",
        [
            "Sought passages only. What hangs together in the clips hangs together here: somebody who walks "
            "in the shade may also be far away. Groups whose intervals overlap are not shown to differ.",
        ],
        tables,
        [interval_figure(marks, caption="TPIR by size, pose, light and crowd")],
    )


def _thresholds(results: Mapping[str, Any]) -> Section:
    rows = []
    for number, row in enumerate(results["thresholds"]):
        wanted = "by hand" if row["fpir"] is None else plain(row["fpir"])
        alerted = "not known"
        if row["fpir_track"] is not None:
            alerted = (
                f"{row['non_mated_alerts']:,}: {plain(row['fpir_track'])} "
                f"({plain(row['fpir_track_low'])} to {plain(row['fpir_track_high'])})"
            )
        rows.append(
            (
                f"{wanted}{' (in use)' if not number else ''}",
                f"{row['threshold']:.3f}",
                rated(row, "tpir"),
                alerted,
            )
        )
    return Section(
        "At other thresholds",
        [
            "The second look judged again. FPIR a track: each track is judged on the list without the people "
            "whom it follows, as a non-mated search of which any alert is false.",
        ],
        [
            Table(
                "By the FPIR that is asked of the pack's card",
                ("FPIR wanted", "Threshold", "TPIR", "FPIR a track"),
                rows,
            )
        ],
    )


def _limits(results: Mapping[str, Any]) -> list[str]:
    tracks = results["second_look"]["tracks"]
    said = [
        "They hold for these clips: this place, light, crowd and camera, and these people. Another place "
        "needs clips of its own.",
        "A drawn clip (lfrd bench street) shows one photograph of each person from all distances. It shows "
        "what is lost to size, motion, cover and compression, and not how well a model does on a street.",
        "Nothing is said by age, sex or skin tone: lfrd evaluate equity does, from a sample made for it.",
        "Time to the alert is that of the passages found; of the others none is known. The way to the phone "
        "is not in it.",
    ]
    if tracks:
        said.append(
            f"{tracks:,} tracks cannot show an FPIR below about {plain(3 / tracks)}: with no false alert at "
            "all, three in so many is what 95 % confidence still allows."
        )
    return said
