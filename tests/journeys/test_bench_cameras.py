"""`lfrd bench cameras`, whole: a site, recordings that pass as cameras, phones, and figures that add up."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lfrd.config import Config
from lfrd.evaluation.street import Walker, make_clip
from lfrd.networks.openvino_runtime import computes_bfloat16
from lfrd.types import U8, Detections
from tests.journeys.process import lfrd

pytestmark = pytest.mark.journey

SECONDS = 4.0


@pytest.fixture
def street(tmp_path: Path, astronaut: Path, admiral: Path, locate: Callable[[U8], Detections]) -> Path:
    """A set as `lfrd bench street` leaves it: one clip, in which one of two people is on the list."""
    walkers = [
        Walker("astronaut", astronaut, enter=-0.2, speed=2.0, far=40, near=110, lane=-0.5),
        Walker("admiral", admiral, enter=-0.2, speed=2.0, far=40, near=110, lane=0.5),
    ]
    size = (640, 360)
    truth = make_clip(
        tmp_path / "clip-01.mp4", walkers, seconds=SECONDS, locate=locate, size=size, seed=2, posts=0
    )
    truth.save(tmp_path / "clip-01.json")
    described: dict[str, Any] = {
        "seed": 2,
        "size": size,
        "fps": 25.0,
        "clips": [{"file": "clip-01.mp4", "truth": "clip-01.json", "seconds": SECONDS}],
        "sought": ["astronaut"],
    }
    (tmp_path / "street.json").write_text(json.dumps(described), encoding="utf-8")
    (tmp_path / "watchlist" / "astronaut").mkdir(parents=True)
    shutil.copy(astronaut, tmp_path / "watchlist" / "astronaut")
    return tmp_path


async def bench(street: Path, builtin: Path, *how: str) -> dict[str, Any]:
    ended = await lfrd("bench", "cameras", street, "--pack", builtin, "--phones", "2", *how, "--json")
    assert ended.code == 0, ended.err
    found: dict[str, Any] = json.loads(ended.out)
    return found


async def test_cameras_are_counted_against_the_truth_and_an_exhaustive_run(
    builtin: Path, street: Path
) -> None:
    found = await bench(street, builtin, "--count", "2")
    assert (found["cameras"], found["passages"], found["found_exhaustive"]) == (2, 2, 2)
    assert found["frames_decoded"] == 2 * SECONDS * 25
    assert found["frames_due"] == pytest.approx(2 * SECONDS * Config().analysis.rate, abs=2)
    assert 0 < found["frames_analysed"] <= found["frames_due"] - found["frames_dropped"]
    assert 0 < found["found"] <= 2
    assert found["held"] is (found["why_not"] == [])
    assert (found["phones"], found["lost"]) == (2, 0)
    assert found["alerts"] >= 1
    assert 0 < found["latency_ms"]["p50"] <= found["latency_ms"]["p95"] <= found["latency_ms"]["p99"]
    assert found["cpu_cores"] > 0
    assert found["sides"] == {str(Config().analysis.max_side): 1.0}
    assert found["peak_rss_mb"] > 0


async def test_a_soak_plays_a_shortened_clip_again_and_again(builtin: Path, street: Path) -> None:
    found = await bench(street, builtin, "--count", "1", "--seconds", "2", "--minutes", "0.15")
    assert found["frames_decoded"] > 2 * SECONDS * 25
    assert found["passages"] >= 4
    assert found["found"] <= found["passages"]
    assert found["rss_slope_mb_hour"] is not None
    assert found["lost"] == 0


async def test_a_whole_site_finds_in_openvino_whom_it_finds_in_full_precision(
    builtin: Path, street: Path, tmp_path: Path
) -> None:
    precision = "bfloat16" if computes_bfloat16() else "float32"
    config = tmp_path / "config.toml"
    config.write_text(f'[inference]\nprovider = "openvino"\nprecision = "{precision}"\n')
    found = await bench(street, builtin, "--count", "1", "--config", str(config))
    assert (found["found"], found["found_exhaustive"], found["lost"]) == (1, 1, 0)
