"""`lfrd bench phone`, whole: a street, a server, a browser, and figures that add up."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import unavailable
from tests.journeys.browser import BROWSERS
from tests.journeys.process import lfrd

pytestmark = pytest.mark.journey

STAGES = ["frame_to_stored", "stored_to_received", "received_to_fetched", "fetched_to_painted"]


async def test_the_phone_bench_measures_alerts_on_pages_and_loses_none_on_the_phones_beside_them(
    builtin: Path, astronaut: Path, admiral: Path
) -> None:
    if not any(map(shutil.which, BROWSERS)):
        unavailable("needs a browser: apt install chromium")
    ended = await lfrd("bench", "phone", "--alerts", "2", "--phones", "5", "--pack", builtin, "--json")
    assert ended.code == 0, ended.err
    report = json.loads(ended.out)
    assert report["tls"] is True
    assert (report["phones"], report["pages"]) == (5, 3)
    assert report["alerts"] >= 2
    assert report["delivery"] == {"lost": 0, "doubled": 0}
    assert list(report["stages"]) == STAGES
    assert all(stage["p50"] >= 0 for stage in report["stages"].values())
    assert (
        report["latency_ms"]["p95"]
        >= report["latency_ms"]["p50"]
        > report["stages"]["frame_to_stored"]["p50"]
    )
    assert report["clock_error_ms"] < report["latency_ms"]["p50"]
    first = report["first_load"]
    assert first["hosts"] == ["127.0.0.1"]
    assert 20_000 < first["bytes"] < 100_000
    assert first["interactive_ms"] > 0
