"""The search bench: how fast and how exact each way to search a watchlist is, on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from lfrd.gallery.index import Gallery
from lfrd.types import F32, F64, NominalId

Search = Callable[[F32], list[list[int]]]
"""Queries float32 [q, dim] to the numbers of each query's two nearest nominals."""

COUNT = 2
TIE = 1e-6
"""Scores nearer than this are equal in float32: whichever of the two is named, it was found."""


OURS = ("gallery",)
"""The product's own search."""
OTHERS = ("product", "usearch_exact", "usearch_hnsw")
"""What else was tried."""


class Row(TypedDict):
    """One method at one size; `run` says what the figures are."""

    method: str
    entries: int
    dim: int
    queries: int
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    recall: float


def run(
    entries: Sequence[int] = (1_000, 20_000, 100_000),
    dims: Sequence[int] = (128, 512),
    queries: Sequence[int] = (1, 16),
    seed: int = 1,
    *,
    methods: Sequence[str] = OURS,
    seconds: float = 1.0,
    pause: float = 0.04,
    progress: Callable[[Row], object] = lambda row: None,
) -> list[Row]:
    """Time each method for each size, and compare its answers with an exhaustive float64 search.

    One template a nominal. p50_ms and p99_ms are of one call with all its queries, over about `seconds` of
    calls (at least 10, at most 1,000). cpu_ms: processor time of the whole process a call, the calls standing
    `pause` seconds apart as they do behind a camera; it shows threads that spin after the answer.
    recall: the share of the true two nearest nominals that were named.
    `methods`, of OURS and OTHERS: gallery (what lfrd uses), product (one BLAS product of the whole matrix),
    usearch_exact (its free function, one thread), usearch_hnsw (its approximate index, default settings, one
    thread).
    """
    rows: list[Row] = []
    for n in entries:
        for dim in dims:
            rng = np.random.default_rng([seed, n, dim])
            templates = _templates(rng, n, dim)
            probes = _probes(rng, templates, 10 * max(queries))
            truth = probes.astype(np.float64) @ templates.T.astype(np.float64)
            for method in methods:
                search = _METHODS[method](templates)
                recall = _recall(search, probes, truth)
                for q in queries:
                    times = _time(search, probes, q, seconds)
                    p50, p99 = (1e3 * float(np.quantile(times, p)) for p in (0.5, 0.99))
                    row = Row(
                        method=method,
                        entries=n,
                        dim=dim,
                        queries=q,
                        p50_ms=p50,
                        p99_ms=p99,
                        cpu_ms=_processor_ms(search, probes[:q], pause),
                        recall=recall,
                    )
                    rows.append(row)
                    progress(row)
    return rows


def _templates(rng: np.random.Generator, n: int, dim: int) -> F32:
    """Random unit vectors; one in four lies in a cluster of eight that are as alike as kin (cosine .8)."""
    rows = rng.standard_normal((n, dim), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    for first in range(0, n // 4, 8):
        cluster = rows[first : min(first + 8, n)]
        cluster *= np.float32(0.5)
        cluster += rows[first] * np.float32(2.0)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def _probes(rng: np.random.Generator, templates: F32, count: int) -> F32:
    """Half are listed people at a cosine of about .7, half of those within clusters; half are strangers."""
    n, dim = templates.shape
    listed = np.where(
        np.arange(count) % 4 == 0, rng.integers(0, n, count), rng.integers(0, n // 4 + 1, count)
    )
    noise = rng.standard_normal((count, dim), dtype=np.float32)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    probes = np.where((np.arange(count) % 2 == 0)[:, None], templates[listed] + noise, noise)
    probes /= np.linalg.norm(probes, axis=1, keepdims=True)
    return probes.astype(np.float32)


def _recall(search: Search, probes: F32, truth: F64) -> float:
    wanted = found = 0
    for answer, scores in zip(search(probes), truth, strict=True):
        least = np.partition(scores, -COUNT)[-COUNT]
        wanted += COUNT
        found += sum(bool(scores[i] >= least - TIE) for i in set(answer))
    return found / wanted


def _time(search: Search, probes: F32, q: int, seconds: float) -> NDArray[np.float64]:
    times: list[float] = []
    search(probes[:q])
    end = time.perf_counter() + seconds
    while len(times) < 10 or (len(times) < 1000 and time.perf_counter() < end):
        first = q * len(times) % (len(probes) - q + 1)
        began = time.perf_counter()
        search(probes[first : first + q])
        times.append(time.perf_counter() - began)
    return np.array(times)


def _processor_ms(search: Search, probes: F32, pause: float, calls: int = 10) -> float:
    time.sleep(3 * pause)  # threads that earlier work left spinning come to rest
    began = time.process_time()
    for _ in range(calls):
        search(probes)
        time.sleep(pause)
    return 1e3 * (time.process_time() - began) / calls


def _gallery(templates: F32) -> Search:
    gallery = Gallery(
        {NominalId(str(i)): row for i, row in enumerate(templates[:, None, :])}, dim=templates.shape[1]
    )
    return lambda queries: [[int(c.nominal) for c in found] for found in gallery.search(queries, COUNT)]


def _product(templates: F32) -> Search:
    def search(queries: F32) -> list[list[int]]:
        scores = (templates @ queries.T).T
        best: list[list[int]] = np.argpartition(scores, -COUNT, axis=1)[:, -COUNT:].tolist()
        return best

    return search


def _keys(matches: Any, queries: F32) -> list[list[int]]:
    keys: list[list[int]] = np.asarray(matches.keys).reshape(len(queries), -1).astype(np.int64).tolist()
    return keys


def _usearch_exact(templates: F32) -> Search:
    from usearch.index import search

    return lambda queries: _keys(search(templates, queries, COUNT, exact=True, threads=1), queries)


def _usearch_hnsw(templates: F32) -> Search:
    from usearch.index import Index

    index = Index(ndim=templates.shape[1], metric="cos", dtype="f32")
    index.add(np.arange(len(templates)), templates)
    return lambda queries: _keys(index.search(queries, COUNT, threads=1), queries)


_METHODS: dict[str, Callable[[F32], Search]] = {
    "gallery": _gallery,
    "product": _product,
    "usearch_exact": _usearch_exact,
    "usearch_hnsw": _usearch_hnsw,
}
