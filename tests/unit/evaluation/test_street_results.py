"""Measured clips come to the figures worked out by hand, in numbers, in words and as a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lfrd.evaluation.bootstrap import METHODS
from lfrd.evaluation.report import page
from lfrd.evaluation.report.document import Data, Provenance
from lfrd.evaluation.street_measure import ClipResult, Measured
from lfrd.evaluation.street_report import report
from lfrd.evaluation.street_results import results
from lfrd.evaluation.street_scene import CAUSES, Crossing, Row
from lfrd.evaluation.street_words import CAUSES as WORDS
from lfrd.evaluation.street_words import PARTS, summary
from lfrd.policy.intervals import poisson, wilson

PROVENANCE = Provenance(
    "0", "a machine", "lfrd evaluate street", "pack", "1", "ab", {}, [Data("clips", "cd", {})], 1
)


def crossing(
    person: int,
    to_alert: float | None = None,
    cause: str | None = None,
    *,
    sought: bool = True,
    refused: bool = False,
    width: float | None = 90.0,
    turned: float | None = 0.15,
    crowd: float = 2.5,
    tracks: int = 1,
) -> Crossing:
    return Crossing(person, sought, refused, to_alert, cause, tracks, width, turned, 100.0, crowd)


def clip(crossings: list[Crossing], *, false: int = 0, differ: int = 0, strayed: bool = False) -> ClipResult:
    found = [one.to_alert is not None for one in crossings]
    return ClipResult(
        seconds=360.0,
        frames=9000,
        analysed=2250,
        tracks=50,
        alerts=sum(found) + false,
        false=false,
        glued=1,
        looked=50,
        differ=differ,
        strayed=strayed,
        crossings=crossings,
        rows=[Row(found, false), Row([True] * len(crossings), 5)],
    )


def measured(*clips: ClipResult) -> Measured:
    return Measured(800, 3, "calibration", [(0.001, 0.55), (0.1, 0.4)], list(clips))


TWO_CLIPS = measured(
    clip(
        [
            crossing(0, 1.0),
            crossing(1, 3.0, width=50.0),
            crossing(2, None, "below_threshold", width=50.0, tracks=2),
            crossing(3, None, None, sought=False),
        ],
        false=1,
    ),
    clip([crossing(4, 2.0), crossing(5, None, "small", width=30.0), crossing(6, sought=False, refused=True)]),
)


def made(of: Measured = TWO_CLIPS) -> dict[str, Any]:
    return results(of, seed=1)


def test_passages_of_people_who_came_once_have_wilson_s_interval() -> None:
    got = made()
    assert (got["sought"], got["sought_people"], got["found"], got["strangers"], got["refused"]) == (
        5,
        5,
        3,
        1,
        1,
    )
    assert got["tpir"] == pytest.approx(0.6)
    assert (got["tpir_low"], got["tpir_high"]) == wilson(3, 5)
    assert got["interval"] == METHODS["wilson"]
    assert got["tpir_refused_as_missed"]["tpir"] == pytest.approx(0.5)


def test_passages_of_people_who_came_several_times_are_no_independent_trials() -> None:
    crossings = [crossing(number % 10, 1.0 if number % 10 < 6 else None) for number in range(40)]
    got = made(measured(clip(crossings)))
    assert got["tpir"] == pytest.approx(0.6)
    assert got["interval"] == METHODS["clustered"]
    low, high = wilson(24, 40)
    assert got["tpir_high"] - got["tpir_low"] > 1.4 * (high - low)


def test_false_alerts_are_told_by_tracks_and_by_hours_with_poisson_s_interval() -> None:
    got = made()["false_alerts"]
    assert got["count"] == 1
    assert got["per_1000_tracks"]["rate"] == pytest.approx(10.0)  # one in 100 tracks
    assert got["per_hour"]["rate"] == pytest.approx(5.0)  # one in twelve minutes
    assert (got["per_hour"]["low"], got["per_hour"]["high"]) == poisson(1, 0.2)


def test_times_and_misses_are_of_sought_passages_only() -> None:
    got = made()
    assert got["seconds_to_alert"] == {"passages": 3, "median": 2.0, "p90": pytest.approx(2.8)}
    assert got["missed"]["count"] == 2
    assert got["missed"]["decision"] == {"count": 1, "causes": {"below_threshold": 1}}
    assert got["missed"]["quality"] == {"count": 1, "causes": {"small": 1}}
    assert got["tracking"] == {"tracks_of_several_people": 2, "passages_in_several_tracks": 1}


def test_groups_by_size_hold_each_sought_passage_once_and_what_is_not_known_apart() -> None:
    rows = {(row["from"], row["to"]): (row["passages"], row["found"]) for row in made()["by_size"]}
    assert rows[(0, 40)] == (1, 0)
    assert rows[(40, 60)] == (2, 1)
    assert rows[(80, 100)] == (2, 2)
    assert rows[(140, None)] == (0, 0)
    edge = made(measured(clip([crossing(0, 1.0, width=60.0)])))
    assert [row["from"] for row in edge["by_size"] if row["passages"]] == [60]
    unknown = made(measured(clip([crossing(0, 1.0, width=None, turned=None)])))
    for key in ("by_size", "by_pose"):
        assert unknown[key][-1]["from"] is None
        assert unknown[key][-1]["passages"] == 1
    for key in ("by_size", "by_pose", "by_light", "by_crowd"):
        assert sum(row["passages"] for row in made()[key]) == 5


def test_other_thresholds_have_both_rates() -> None:
    use, lax = made()["thresholds"]
    assert (use["fpir"], use["tpir"], use["non_mated_alerts"]) == (0.001, pytest.approx(0.6), 1)
    assert (lax["tpir"], lax["fpir_track"]) == (1.0, pytest.approx(0.1))
    assert (lax["fpir_track_low"], lax["fpir_track_high"]) == wilson(10, 100)


def test_nobody_sought_means_that_tpir_is_not_known_rather_than_0() -> None:
    of = measured(clip([crossing(0, sought=False)]))
    got = made(of)
    assert (got["tpir"], got["tpir_low"], got["interval"]) == (None, None, None)
    assert got["seconds_to_alert"]["median"] is None
    assert got["false_alerts"]["per_1000_tracks"]["rate"] == 0
    assert any("TPIR is not known" in line for line in summary(got))
    assert "TPIR is not known" in page.html(report(of, got, PROVENANCE))


def test_nothing_followed_means_that_the_rate_by_tracks_is_not_known() -> None:
    empty = ClipResult(60.0, 10, 10, 0, 0, 0, 0, 0, 0, False, [], [Row([], 0), Row([], 0)])
    got = made(measured(empty))
    assert got["false_alerts"]["per_1000_tracks"] == {"rate": None, "low": None, "high": None}
    assert got["thresholds"][0]["fpir_track"] is None
    assert page.html(report(measured(empty), got, PROVENANCE))


def test_the_same_seed_gives_the_same_figures() -> None:
    assert json.dumps(made()) == json.dumps(made())


def test_doubts_about_the_second_look_and_the_truth_stand_in_the_summary() -> None:
    assert not any("second look" in line for line in summary(made()))
    doubtful = made(measured(clip([crossing(0, 1.0)], differ=2, strayed=True)))
    said = " ".join(summary(doubtful))
    assert "differs from the pipeline in 2 alerts" in said
    assert "not one face that was found lies on a box of the truth" in said


def test_every_cause_has_words() -> None:
    assert {str(cause) for among in CAUSES.values() for cause in among} == WORDS.keys()
    assert CAUSES.keys() == PARTS.keys()


def test_the_page_has_each_figure_and_is_written_with_its_results(tmp_path: Path) -> None:
    got = made()
    page.write(report(TWO_CLIPS, got, PROVENANCE), tmp_path / "street.html")
    html = (tmp_path / "street.html").read_text(encoding="utf-8")
    for words in (
        "60 % (",
        "the score stayed below the threshold",
        "Widest face 40 to 60 px",
        "10 (0.253 to",
    ):
        assert words in html
    beside = json.loads((tmp_path / "street.json").read_text(encoding="utf-8"))
    assert beside["results"]["tpir"] == pytest.approx(0.6)
