"""The record as data: CSV for spreadsheets and JSON for programs say the same, under names that stay."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from lfrd.audit import kinds
from lfrd.audit.counting import compute
from lfrd.audit.figures import DeploymentFigures, Figures
from lfrd.record.document import document, json_text
from lfrd.record.table import COLUMNS, csv_text
from tests.unit.audit.diary import Diary, market_day


def day() -> tuple[Figures, DeploymentFigures]:
    figures = compute(market_day().records)
    return figures, figures.deployments[0]


def table(figures: Figures, number: int = 0) -> list[dict[str, str]]:
    text = csv_text(figures.deployments[number], figures.basis)
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_csv_has_a_row_for_each_segment_and_one_for_the_whole() -> None:
    figures, deployment = day()
    rows = table(figures)
    assert [row["segment"] for row in rows] == ["1", "2", "total"]
    assert [int(row["faces_seen"]) for row in rows[:2]] == [s.counts.faces_seen for s in deployment.segments]
    assert int(rows[2]["faces_seen"]) == deployment.total.faces_seen
    assert sum(int(row["alerts"]) for row in rows[:2]) == int(rows[2]["alerts"]) == 5
    assert (rows[0]["threshold"], rows[1]["threshold"], rows[2]["threshold"]) == ("0.42", "0.45", "")


def test_the_csv_states_each_rate_with_its_counts_interval_and_method() -> None:
    figures, deployment = day()
    total = table(figures)[-1]
    rate = deployment.total.alerts.false_per_faces
    assert float(total["false_per_faces"]) == rate.rate
    assert (float(total["false_per_faces_low"]), float(total["false_per_faces_high"])) == (
        rate.low,
        rate.high,
    )
    assert int(total["false_per_faces_events"]) == rate.events
    assert (total["false_per_faces_method"], total["false_per_alerts_method"]) == ("poisson", "wilson")
    assert total["audit_hash"] == figures.basis.last_hash


def test_the_columns_of_the_csv_are_the_ones_that_were_promised() -> None:
    """Programs read them by name and place: they may be added to at the end, and nothing else."""
    promised = """
        deployment name stage place use_case purpose authorising_officer authorising_rank documents
        accepted_false_alerts blue_tpir_wanted segment began_at ended_at threshold pack model
        watchlist_size composition cameras amendment active_seconds paused_seconds suspended_seconds
        interrupted_seconds faces_seen frames frames_analysed frames_not_analysed camera_down_seconds
        camera_failures alerts true_alerts false_alerts true_confirmed true_unconfirmed false_confirmed
        false_unconfirmed undetermined sightings escalated expired viable not_viable insufficient
        adjudication_median_seconds adjudication_p90_seconds answer_median_seconds answer_p90_seconds
        engagements arrests arrests_warrant arrests_offence arrests_breach arrests_other other_disposals
        no_engagements unresolved uncoded corrections blue_alerts false_per_faces false_per_faces_events
        false_per_faces_of false_per_faces_low false_per_faces_high false_per_faces_method
        false_per_faces_confidence false_per_alerts false_per_alerts_events false_per_alerts_of
        false_per_alerts_low false_per_alerts_high false_per_alerts_method false_per_alerts_confidence
        blue_tpir blue_tpir_events blue_tpir_of blue_tpir_low blue_tpir_high blue_tpir_method
        blue_tpir_confidence audit_records audit_hash as_of_at blue_paired blue_corrected blue_void
        blue_alerts_unpaired
    """
    assert list(COLUMNS[: len(promised.split())]) == promised.split()
    assert len(set(COLUMNS)) == len(COLUMNS)


def test_a_name_that_a_spreadsheet_would_run_is_made_harmless() -> None:
    diary = Diary()
    diary.start(name="=cmd|'/c calc'!A1", place='@home, "the\nsquare"')
    row = table(compute(diary.records))[0]
    assert row["name"] == "'=cmd|'/c calc'!A1"
    assert row["place"] == '\'@home, "the\nsquare"'


def test_the_json_carries_every_figure_under_its_own_name_and_times_as_iso_8601() -> None:
    figures, deployment = day()
    read = json.loads(json_text(deployment, figures.basis))
    assert read["format"] == "lfrd-record-1"
    assert read["deployment"]["started_at"] == "2026-03-14T09:00:00.000Z"
    assert read["deployment"]["total"]["faces_seen"] == deployment.total.faces_seen
    assert read["deployment"]["segments"][1]["counts"]["alerts"]["raised"] == 2
    assert read["deployment"]["segments"][0]["composition"]["blue list"] == 12
    assert read["deployment"]["halts"][0]["from_at"].startswith("2026-03-14T11:10:06")
    assert read["basis"]["last_hash"] == figures.basis.last_hash
    assert set(read["deployment"]) == set(DeploymentFigures.__struct_fields__)


def test_both_say_the_same_of_a_deployment_that_nobody_started() -> None:
    diary = Diary()
    diary.add(kinds.Drafted("d9", {"name": "Only a plan"}))
    figures = compute(diary.records)
    (row,) = table(figures)
    assert (row["segment"], row["faces_seen"], row["false_per_faces"]) == ("total", "0", "")
    read = document(figures.deployments[0], figures.basis)
    assert read["deployment"]["started_at"] is None
    assert read["deployment"]["total"]["alerts"]["false_per_faces"]["high"] is None


def test_no_biometrics_and_no_sought_person_can_be_in_a_record() -> None:
    figures, deployment = day()
    keys: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            keys.update(value)
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    walk(document(deployment, figures.basis))
    assert not keys & {"reference", "nominal", "person", "picture", "template", "score", "alert", "probe"}
    assert deployment.total.alerts.raised == 5  # a day with alerts, not an empty one
