"""The page about a detector: precision and recall on marked pictures, by the size of faces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from lfrd.evaluation.report.document import Figure, Provenance, Report, Section, Table
from lfrd.evaluation.report.figures import category_figure
from lfrd.evaluation.report.marks import Estimate, share_axis
from lfrd.evaluation.report.style import COLOURS, percent, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHARES: Final = {"recall": "Recall", "precision": "Precision", "average_precision": "Average precision"}


def report(results: Mapping[str, Any], provenance: Provenance) -> Report:
    """results: as `detect_results.results` makes them."""
    return Report(
        title="The detector on marked pictures",
        summary=summary(results),
        sections=[_whole(results), _sizes(results)],
        limits=_limits(results),
        provenance=provenance,
        results=results,
    )


def summary(results: Mapping[str, Any]) -> list[str]:
    """The answer in a few sentences, for the page and for the terminal."""
    sure = percent(results["confidence"])
    if not results["faces"]:
        said = ["No face is there to be found: recall and average precision are not known."]
    else:
        said = [
            f"Recall: {results['found']:,} of {results['faces']:,} faces in {results['pictures']:,} pictures "
            f"were found, {rated(results, 'recall')}, at the score from which the pack takes a face for "
            f"certain, {plain(results['score'])}. In brackets: the interval of {sure} confidence."
        ]
    said.append(
        f"Precision: {results['false']:,} of {results['detections']:,} found faces are none: precision "
        f"{rated(results, 'precision')}; {plain(results['false'] / results['pictures'])} false a picture."
    )
    if results["faces"]:
        said.append(
            f"Average precision at IoU {plain(results['iou'])}: {rated(results, 'average_precision')}."
        )
    return said


def size_rows(results: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Width, faces, found, recall, detections, false, precision, average precision."""
    return [
        (
            _between(row),
            f"{row['faces']:,}",
            f"{row['found']:,}",
            rated(row, "recall"),
            f"{row['detections']:,}",
            f"{row['false']:,}",
            rated(row, "precision"),
            rated(row, "average_precision"),
        )
        for row in results["by_size"]
        if row["faces"] or row["detections"]
    ]


def rated(row: Mapping[str, Any], key: str) -> str:
    """A share with its interval."""
    if row[key] is None:
        return "not known"
    return f"{percent(row[key])} ({percent(row[f'{key}_low'])} to {percent(row[f'{key}_high'])})"


def _whole(results: Mapping[str, Any]) -> Section:
    rows = [
        ("Pictures", f"{results['pictures']:,}"),
        ("Faces to be found", f"{results['faces']:,}"),
        ("of these found", f"{results['found']:,}"),
        ("Recall", rated(results, "recall")),
        ("Found faces, certain", f"{results['detections']:,}"),
        ("of these false", f"{results['false']:,}"),
        ("Precision", rated(results, "precision")),
        ("Average precision", rated(results, "average_precision")),
        ("Faces marked invalid, or too small: left out", f"{results['ignored']:,}"),
        ("Found faces on those, or as small: left out", f"{results['neither']:,}"),
        ("Longer side searched, pixels at the most", f"{results['max_side']:,}"),
    ]
    return Section(
        "All faces",
        [
            "Pictures were searched as frames of a camera are: reduced to the longer side below, never "
            f"enlarged. A found face is a true one where intersection over union is {plain(results['iou'])} "
            "or more. From the highest score down, each takes the free true face that it overlaps most; a "
            "second one on the same face is false. Faces marked invalid, and those narrower than "
            f"{plain(results['least_width'])} pixels, are neither to be found nor false when they are.",
            "Recall and precision stand at the pack's own score. Average precision takes all scores from "
            f"{plain(results['least_score'])} up: it is the area under precision by recall, each recall with "
            "the best precision at it or beyond. Intervals are those of pictures drawn again, for the faces "
            "of one picture are found or lost together.",
        ],
        [Table("Counts and rates", ("", ""), rows)],
        [_curve(results)] if results["curve"] else [],
    )


def _curve(results: Mapping[str, Any]) -> Figure:
    recall, precision = ([point[key] for point in results["curve"]] for key in ("recall", "precision"))

    def draw(axes: Axes) -> None:
        axes.plot(recall, precision, color=COLOURS[0])
        if results["recall"] is not None and results["precision"] is not None:
            axes.plot(results["recall"], results["precision"], color=COLOURS[0], marker="o", linestyle="")
        share_axis(axes)
        axes.set_xlim(0.0, 1.02)
        axes.xaxis.set_major_formatter(percent)
        axes.set_xlabel("Recall: faces found")
        axes.set_ylabel("Precision: found faces that are there")

    return Figure(
        "Precision by recall",
        f"From the strictest score to {plain(results['least_score'])}. The mark is the pack's own score, "
        f"{plain(results['score'])}: recall {rated(results, 'recall')}, precision "
        f"{rated(results, 'precision')}.",
        draw,
    )


def _sizes(results: Mapping[str, Any]) -> Section:
    shown = [row for row in results["by_size"] if row["faces"] or row["detections"]]
    rows = size_rows(results)
    there = Table(
        "Faces that are there",
        ("Width, px", "Faces", "Found", "Recall", "Average precision"),
        [(*row[:4], row[7]) for row in rows],
    )
    found = Table(
        "Found faces, certain",
        ("Width, px", "Found", "False", "Precision"),
        [(row[0], *row[4:7]) for row in rows],
    )
    return Section(
        "By the width of the face",
        ["In pixels of the picture as it is. A false one is counted by its own width."],
        [there, found],
        [
            category_figure(
                {
                    SHARES[key]: [
                        Estimate(
                            f"{_between(row)} px",
                            row[key],
                            0.0 if row[key] is None else row[f"{key}_low"],
                            1.0 if row[key] is None else row[f"{key}_high"],
                        )
                        for row in shown
                    ]
                    for key in ("recall", "precision")
                },
                x_label="Share",
                caption="Recall and precision by the width of the face",
            )
        ]
        if shown
        else [],
    )


def _limits(results: Mapping[str, Any]) -> list[str]:
    return [
        "They hold for pictures like these, and for truths drawn as these were: a detector that is right and "
        "frames more or less of a head than the truth does loses where the two overlap by half.",
        "A face that is not marked and is found counts as false, so precision is at least as good as it says "
        "where a truth is not complete.",
        f"Single pictures, at {results['max_side']:,} pixels. In film a face that is lost in one frame is "
        "often found in the next: lfrd evaluate street counts passages.",
        "Nothing is said by age, sex or skin tone.",
    ]


def _between(row: Mapping[str, Any]) -> str:
    low = plain(row["from"])
    return f"{low} or more" if row["to"] is None else f"{low} to {plain(row['to'])}"
