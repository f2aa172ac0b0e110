"""The search bench tells exact searches from approximate ones."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lfrd.bench import search as search_bench
from lfrd.types import F32
from tests.commands import lfrd


def test_every_method_is_timed_at_every_size() -> None:
    seen: list[search_bench.Row] = []
    methods = search_bench.OURS + search_bench.OTHERS
    rows = search_bench.run(
        [60, 200], [16], [1, 4], seconds=0.0, pause=0.0, methods=methods, progress=seen.append
    )
    assert rows == seen
    assert [(r["entries"], r["queries"]) for r in rows if r["method"] == "gallery"] == [
        (60, 1),
        (60, 4),
        (200, 1),
        (200, 4),
    ]
    assert {r["method"] for r in rows} == {"gallery", "product", "usearch_exact", "usearch_hnsw"}
    assert all(0 < r["p50_ms"] <= r["p99_ms"] for r in rows)


def test_a_script_gets_a_list_of_the_products_own_search_and_no_other_unless_it_asks() -> None:
    asked = ["bench", "search", "--entries", "60", "--dim", "16", "--queries", "2", "--json"]
    ours, all_of_them = json.loads(lfrd(*asked).out), json.loads(lfrd(*asked, "--others").out)
    assert [row["method"] for row in ours] == ["gallery"]
    assert {"entries", "dim", "queries", "p50_ms", "p99_ms", "recall"} <= set(ours[0])
    assert (ours[0]["entries"], ours[0]["dim"], ours[0]["queries"], ours[0]["recall"]) == (60, 16, 2, 1.0)
    assert [row["method"] for row in all_of_them] == ["gallery", "product", "usearch_exact", "usearch_hnsw"]


def test_the_gallery_is_exact_among_hard_cases() -> None:
    rows = search_bench.run([5000], [64], [16], seconds=0.0, pause=0.0, methods=["gallery", "usearch_exact"])
    assert [row["recall"] for row in rows] == [1.0, 1.0]


def test_a_search_that_misses_is_seen_to_miss(monkeypatch: pytest.MonkeyPatch) -> None:
    def first_two(templates: F32) -> search_bench.Search:
        return lambda queries: [[0, 1] for _ in queries]

    monkeypatch.setitem(search_bench._METHODS, "wrong", first_two)
    rows = search_bench.run([500], [16], [1], seconds=0.0, pause=0.0, methods=["wrong"])
    assert rows[0]["recall"] < 0.2


def test_templates_hold_clusters_of_people_who_look_alike() -> None:
    templates = search_bench._templates(np.random.default_rng(1), 400, 128)
    assert np.linalg.norm(templates, axis=1) == pytest.approx(np.ones(400), abs=1e-5)
    alike = templates[:8] @ templates[0]
    assert alike[1:].min() > 0.7
    assert abs(float(templates[0] @ templates[399])) < 0.5
