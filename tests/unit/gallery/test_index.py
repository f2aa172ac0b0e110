"""The gallery finds exactly the nearest nominals, and forgets them when told."""

from __future__ import annotations

import pickle
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfrd.gallery.index import BLOCK, PRODUCT, QUERIES, Gallery, GalleryHolder, rows_at_once
from lfrd.types import F32, NominalId


def unit(rng: np.random.Generator, rows: int, dim: int) -> F32:
    drawn = rng.standard_normal((rows, dim)).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    return drawn


def listed(counts: list[int], dim: int, seed: int = 1) -> dict[NominalId, F32]:
    rng = np.random.default_rng(seed)
    return {NominalId(f"n{i}"): unit(rng, count, dim) for i, count in enumerate(counts)}


@settings(max_examples=60)
@given(
    counts=st.lists(st.integers(1, 5), min_size=1, max_size=40),
    dim=st.sampled_from([2, 3, 16, 128]),
    queries=st.integers(1, 40),
    count=st.integers(1, 5),
    seed=st.integers(0, 10_000),
)
def test_search_agrees_with_an_exhaustive_search_in_float64(
    counts: list[int], dim: int, queries: int, count: int, seed: int
) -> None:
    templates = listed(counts, dim, seed)
    probes = unit(np.random.default_rng(seed + 1), queries, dim)
    best = {
        n: (probes.astype(np.float64) @ rows.T.astype(np.float64)).max(axis=1)
        for n, rows in templates.items()
    }
    found = Gallery(templates, dim=dim).search(probes, count)
    assert len(found) == queries
    for q, candidates in enumerate(found):
        assert len(candidates) == min(count, len(counts))
        assert len({c.nominal for c in candidates}) == len(candidates)
        wanted = sorted((scores[q] for scores in best.values()), reverse=True)[: len(candidates)]
        assert [c.score for c in candidates] == pytest.approx(wanted, abs=1e-5)
        assert [c.score for c in candidates] == pytest.approx(
            [best[c.nominal][q] for c in candidates], abs=1e-5
        )


def test_a_search_larger_than_one_block_is_exact() -> None:
    templates = listed([2] * 3000, 128)
    gallery = Gallery(templates, dim=128)
    assert rows_at_once(128, QUERIES) < gallery.pictures
    probes = np.stack([rows[1] for rows in list(templates.values())[::100]])
    assert [found[0].nominal for found in gallery.search(probes, 1)] == list(templates)[::100]


def test_equal_scores_keep_the_order_of_the_list() -> None:
    row = unit(np.random.default_rng(1), 1, 8)
    gallery = Gallery({NominalId("b"): row, NominalId("a"): row}, dim=8)
    assert [c.nominal for c in gallery.search(row)[0]] == ["b", "a"]


def test_scores_are_the_best_over_the_nominals_pictures() -> None:
    templates = listed([1, 3, 2], 16)
    probes = unit(np.random.default_rng(5), 4, 16)
    wanted = (probes @ templates[NominalId("n1")].T).max(axis=1)
    assert Gallery(templates, dim=16).scores(probes, NominalId("n1")) == pytest.approx(wanted, abs=1e-6)


def test_templates_of_any_length_are_brought_to_length_one() -> None:
    row = np.array([[3.0, 4.0]], np.float32)
    found = Gallery({NominalId("a"): row}, dim=2).search(np.array([[0.6, 0.8]], np.float32))
    assert found[0][0].score == pytest.approx(1.0)


def test_an_empty_gallery_finds_nobody() -> None:
    gallery = Gallery({}, dim=4)
    assert (len(gallery), gallery.pictures) == (0, 0)
    assert gallery.search(np.ones((3, 4), np.float32)) == [[], [], []]
    assert gallery.search(np.ones((0, 4), np.float32)) == []
    assert gallery.lookalikes(0.0) == []


def test_its_figures_say_how_many_nominals_and_pictures_are_listed() -> None:
    gallery = Gallery(listed([2, 1, 4], 8), dim=8, revision=7)
    assert (len(gallery), gallery.pictures, gallery.dim, gallery.revision) == (3, 7, 8, 7)
    assert NominalId("n2") in gallery
    assert NominalId("n3") not in gallery


@pytest.mark.parametrize(
    "rows",
    [np.ones((1, 3)), np.ones(4), np.ones((0, 4)), np.zeros((1, 4)), np.full((1, 4), np.nan)],
    ids=["dimension", "one row flat", "no picture", "no length", "not a number"],
)
def test_unfit_templates_are_refused_by_name(rows: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
    with pytest.raises(ValueError, match="'anna'"):
        Gallery({NominalId("anna"): rows.astype(np.float32)}, dim=4)


@pytest.mark.parametrize(
    ("queries", "problem"),
    [(np.ones((1, 3)), "wanted"), (np.ones(4), "wanted"), (np.full((1, 4), np.nan), "finite")],
)
def test_unfit_queries_are_refused(
    queries: np.ndarray[tuple[int, ...], np.dtype[np.float64]], problem: str
) -> None:
    gallery = Gallery(listed([1], 4), dim=4)
    with pytest.raises(ValueError, match=problem):
        gallery.search(queries.astype(np.float32))


def test_a_count_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="count"):
        Gallery(listed([1], 4), dim=4).search(np.ones((1, 4), np.float32), 0)


def test_a_nominal_that_is_not_listed_has_no_scores() -> None:
    with pytest.raises(KeyError):
        Gallery(listed([1], 4), dim=4).scores(np.ones((1, 4), np.float32), NominalId("nobody"))


def test_wiping_overwrites_every_template_and_searching_is_then_an_error() -> None:
    gallery = Gallery(listed([2, 3], 8), dim=8)
    rows = gallery._rows
    assert rows.any()
    gallery.wipe()
    assert not rows.any()
    with pytest.raises(ValueError, match="wiped"):
        gallery.search(np.ones((1, 8), np.float32))
    with pytest.raises(ValueError, match="wiped"):
        gallery.scores(np.ones((1, 8), np.float32), NominalId("n0"))


def test_a_gallery_shows_no_numbers_and_is_never_pickled() -> None:
    gallery = Gallery(listed([1], 4), dim=4)
    assert repr(gallery) == "Gallery(**********)"
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(gallery)


def test_the_gallery_keeps_its_own_copy_of_the_templates() -> None:
    templates = listed([2], 8)
    probe = templates[NominalId("n0")][:1].copy()
    gallery = Gallery(templates, dim=8)
    templates[NominalId("n0")].fill(0)
    assert gallery.search(probe)[0][0].score == pytest.approx(1.0, abs=1e-6)


@given(dim=st.integers(1, 4096), queries=st.integers(1, QUERIES))
def test_a_block_never_reaches_the_size_at_which_blas_wakes_its_threads(dim: int, queries: int) -> None:
    rows = rows_at_once(dim, queries)
    assert rows >= 1
    assert rows == 1 or (rows * dim * queries <= PRODUCT and rows * dim <= BLOCK)


def test_lookalikes_are_the_pairs_of_nominals_at_or_above_the_score() -> None:
    rng = np.random.default_rng(3)
    templates = {NominalId(f"n{i}"): unit(rng, 1 + i % 3, 64) for i in range(60)}
    twin = templates[NominalId("n5")][:1] + 0.05 * unit(rng, 1, 64)
    templates[NominalId("n40")][0] = twin / np.linalg.norm(twin)
    kin = templates[NominalId("n0")][:1] + 0.8 * unit(rng, 1, 64)
    templates[NominalId("n17")][0] = kin / np.linalg.norm(kin)
    names = list(templates)
    best = {
        (a, b): float((templates[a] @ templates[b].T).max())
        for i, a in enumerate(names)
        for b in names[i + 1 :]
    }
    wanted = sorted(((a, b) for (a, b), score in best.items() if score >= 0.5), key=lambda pair: -best[pair])
    found = Gallery(templates, dim=64).lookalikes(0.5)
    assert [(a, b) for a, b, _ in found] == wanted
    assert found[0][:2] == ("n5", "n40")
    assert [score for _, _, score in found] == pytest.approx([best[a, b] for a, b, _ in found], abs=1e-5)


def test_lookalikes_beyond_the_limit_are_the_lowest() -> None:
    gallery = Gallery(listed([2] * 40, 4), dim=4)
    assert gallery.lookalikes(-1.0, limit=5) == gallery.lookalikes(-1.0)[:5]


def test_a_search_in_flight_keeps_its_revision_and_the_old_one_is_wiped_after_it() -> None:
    old, new = Gallery(listed([1], 4), dim=4), Gallery(listed([2], 4), dim=4, revision=2)
    probe = np.ones((1, 4), np.float32)
    holder = GalleryHolder(old)
    with holder.lease() as first, holder.lease() as second:
        holder.replace(new)
        assert holder.current is new
        assert first is second is old
        assert first.search(probe)[0]
        assert holder.unwiped == 2
        with holder.lease() as later:
            assert later is new
    assert old.is_wiped
    assert not new.is_wiped
    assert holder.unwiped == 1
    assert holder.search(probe)[0][0].nominal == "n0"
    assert holder.scores(probe, NominalId("n0")).shape == (1,)


def test_an_idle_revision_is_wiped_at_once_when_replaced() -> None:
    old = Gallery(listed([1], 4), dim=4)
    GalleryHolder(old).replace(Gallery({}, dim=4, revision=2))
    assert old.is_wiped


def test_a_revision_must_follow_the_one_in_force() -> None:
    holder = GalleryHolder(Gallery({}, dim=4, revision=3))
    with pytest.raises(ValueError, match="revision 3 does not follow 3"):
        holder.replace(Gallery({}, dim=4, revision=3))


def test_closing_wipes_the_newest_revision_after_its_last_search() -> None:
    gallery = Gallery(listed([1], 4), dim=4)
    holder = GalleryHolder(gallery)
    with holder.lease() as leased:
        holder.close()
        assert leased.search(np.ones((1, 4), np.float32))[0]
    assert gallery.is_wiped
    holder.close()
    assert holder.unwiped == 0
    with pytest.raises(ValueError, match="closed"):
        holder.search(np.ones((1, 4), np.float32))


def test_a_lease_that_ends_in_an_error_still_lets_the_revision_be_wiped() -> None:
    gallery = Gallery(listed([1], 4), dim=4)
    holder = GalleryHolder(gallery)
    with pytest.raises(ValueError, match="wanted"):
        holder.search(np.ones((1, 3), np.float32))
    holder.close()
    assert gallery.is_wiped


def test_no_search_from_any_thread_ever_sees_a_wiped_revision() -> None:
    templates = listed([1, 1], 16)
    probe = templates[NominalId("n0")].copy()
    holder = GalleryHolder(Gallery(templates, dim=16))
    scores: list[float] = []
    failures: list[Exception] = []

    def search() -> None:
        try:
            scores.extend(holder.search(probe)[0][0].score for _ in range(300))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for revision in range(2, 200):
        holder.replace(Gallery(templates, dim=16, revision=revision))
    for thread in threads:
        thread.join()
    assert not failures
    assert min(scores) == pytest.approx(1.0, abs=1e-6)
    assert holder.unwiped == 1
