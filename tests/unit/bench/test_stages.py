"""The stages bench: the limit's arithmetic, and that it counts what the pipeline did. Never a time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.bench.stages import LIMIT, OURS, Round, Work, played, run, summed
from lfrd.bench.stages_bare import FRAMES, Bare, Cost, batch_edges, share_of, together
from lfrd.capture.reading import frames_of
from lfrd.capture.source import recording
from lfrd.config import Config
from lfrd.decision.rule import Rule, Verdict
from lfrd.evaluation.street_set import StreetSet
from lfrd.metrics import Metrics
from lfrd.models import library
from lfrd.pipeline import Finding
from lfrd.types import F32, Candidate, NominalId
from lfrd.watching import watching

COSTS = {"decode": 2.0, "scale": 1.0, "detect": 9.0, "embed": 5.0, "search": 0.5}
WORK = Work(100, analysed=40, embedded=20, batches=10, judged=10, searches=4, clock=0.5, processor=0.75)


def costs(clock: float = 1.0, processor: float = 1.0, ours: float = 70.0) -> dict[str, Cost]:
    """COSTS times so much, and stages outside the limit at `ours`."""
    made = {stage: Cost(ms * clock, ms * processor) for stage, ms in COSTS.items()}
    return made | dict.fromkeys(OURS, Cost(ours, ours))


class CountingRule(Rule):
    judgements = 0

    def judge(
        self, best: Candidate | None, shot_scores: F32, shot_best: Sequence[NominalId | None]
    ) -> Verdict:
        self.judgements += 1
        return super().judge(best, shot_scores, shot_best)


@pytest.fixture
def street(hurried: Callable[[float], StreetSet]) -> StreetSet:
    return hurried(2.0)


def test_the_limit_is_what_the_five_stages_cost_as_often_as_the_pipeline_did_them() -> None:
    made = summed([Round(WORK, costs(processor=2.0))], machine="m", pack="p", clips=1, on=2)
    # A frame: 2 + 0.4 x (1 + 9) + 0.2 x 5 + 0.1 x 0.5 = 7.05 ms of one core; the other stages are left out.
    assert made["limit_fps"] == pytest.approx(2000 / 7.05)
    assert made["pipeline_fps"] == pytest.approx(200)
    assert made["share"] == pytest.approx(200 * 7.05 / 2000)
    assert made["stages"] == {**COSTS, **dict.fromkeys(OURS, 70.0)}
    assert made["batch"] == 2.0
    assert made["busy_cores"] == pytest.approx(1.5)


def test_by_processor_time_an_idle_core_costs_nothing() -> None:
    made = summed([Round(WORK, costs(processor=2.0))], machine="m", pack="p", clips=1, on=2)["processor"]
    assert made["limit_fps"] == pytest.approx(2000 / 14.1)
    assert made["pipeline_fps"] == pytest.approx(100 / (0.75 / 2))
    assert made["share"] == pytest.approx(14.1 * 100 / 750)


def test_the_median_of_the_rounds_counts() -> None:
    rounds = [
        Round(replace(WORK, clock=clock), costs(clock=factor))
        for clock, factor in ((0.4, 3.0), (9.0, 1.0), (0.5, 0.1))
    ]
    made = summed(rounds, machine="m", pack="p", clips=1, on=2)
    assert made["pipeline_fps"] == pytest.approx(200)
    assert made["limit_fps"] == pytest.approx(2000 / 7.05)
    assert made["per_frame"]["embed"] == pytest.approx(0.2)
    assert (made["rounds"], made["frames"]) == (3, 100)


def test_a_street_without_a_face_has_a_limit_too() -> None:
    nobody = Work(frames=100, analysed=40, clock=0.5, processor=0.5)
    empty = costs() | dict.fromkeys(("embed", "search", "judge"), Cost())
    made = summed([Round(nobody, empty)], machine="m", pack="p", clips=1, on=2)
    assert made["limit_fps"] == pytest.approx(2000 / 6)
    assert made["batch"] == 0


@given(st.integers(0, 200), st.floats(0, 16))
def test_batches_hold_each_face_once_and_are_as_large_as_the_pipelines(faces: int, mean: float) -> None:
    edges = batch_edges(faces, mean)
    sizes = [last - first for first, last in edges]
    assert [row for first, last in edges for row in range(first, last)] == list(range(sum(sizes)))
    assert all(sizes)
    assert sum(sizes) <= faces
    assert bool(edges) == bool(faces)
    if edges and 1 <= mean <= faces:
        assert abs(sum(sizes) / len(sizes) - mean) <= 0.5 / len(sizes) + 1e-6


def test_threads_share_the_items_and_each_has_some() -> None:
    assert [list(range(5)[share_of(range(5), number, 2)]) for number in (0, 1)] == [[0, 2, 4], [1, 3]]
    assert [list(range(1)[share_of(range(1), number, 2)]) for number in (0, 1)] == [[0], [0]]


def test_every_pass_is_made_at_least_once_and_its_errors_are_told() -> None:
    made = [0, 0]

    def once(number: int) -> Callable[[], int]:
        def one() -> int:
            made[number] += 1
            return 3

        return one

    assert together([once(0), once(1)], least=0.0).clock > 0
    assert made == [1, 1]
    assert together([lambda: 0], least=60.0) == Cost()
    with pytest.raises(ZeroDivisionError):
        together([once(0), lambda: 1 // 0], least=0.0)


async def test_work_is_what_the_pipeline_says_that_it_did(builtin: Path, street: StreetSet) -> None:
    pack, settings = library.open_pack(str(builtin), builtin.parent), Config()
    searched, work = Metrics(), Work()
    async with watching(pack, street.watchlist, settings, lambda done, total: None) as watch:
        await played(street.clips[0], watch, settings, work)
        once = replace(work)
        source = recording(street.clips[0], rate=settings.analysis.rate)
        pipeline = watch.pipeline(settings, _nothing, searched)
        pipeline.rule = rule = CountingRule(pipeline.rule.threshold, least_shots=3, agreement=0.5)
        journey = pipeline.journey(source.camera)
        before = watch.inference.statistics().embedded
        async with contextlib.aclosing(frames_of(source)) as frames:
            await journey.run(frames, live=False, rests=False)
        embedded = watch.inference.statistics().embedded - before
        assert (once.frames, once.analysed) == (source.counts.decoded, journey.counts.analysed)
        assert once.embedded == embedded > 0
        assert once.judged == rule.judgements > 0
        count = searched.registry.get_sample_value("lfrd_stage_seconds_count", {"stage": "search"})
        assert once.searches == count
        await played(street.clips[0], watch, settings, work)
    assert (work.frames, work.analysed, work.judged) == (100, 2 * once.analysed, 2 * once.judged)


def test_the_bench_measures_every_stage_that_the_pipeline_has(builtin: Path, street: StreetSet) -> None:
    told: list[tuple[int, int]] = []
    result = run(
        library.open_pack(str(builtin), builtin.parent),
        street,
        rounds=2,
        least=0.0,
        progress=lambda done, total: told.append((done, total)),
    )
    assert (result["clips"], result["frames"], result["rounds"]) == (1, 50, 2)
    assert list(result["stages"]) == [*LIMIT, *OURS]
    for by in (result, result["processor"]):
        assert all(ms > 0 for ms in by["stages"].values())
        assert by["share"] == pytest.approx(by["pipeline_fps"] / by["limit_fps"])
    assert result["per_frame"]["decode"] == 1
    assert 0 < result["per_frame"]["detect"] <= 1
    assert told == [(number, 4) for number in (1, 2, 3, 4)]


async def test_samples_are_few_and_wiped_at_the_end(builtin: Path, street: StreetSet) -> None:
    pack, settings = library.open_pack(str(builtin), builtin.parent), Config()
    async with watching(pack, street.watchlist, settings, lambda done, total: None) as watch:
        rule = watch.pipeline(settings, _nothing, Metrics()).rule
        bare = Bare(pack, watch.enrolment.gallery, rule, settings, 2)
    clips = street.clips * 8
    with bare.samples(clips, street.seconds) as samples:
        held = list(samples.frames)
        aligned, vectors = samples.aligned, samples.vectors
        assert 0 < len(held) <= FRAMES
        assert len({round(one.at // street.seconds) for one in held}) > 3, "from several clips"
        assert aligned.any()
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1)
    assert not any(one.small.any() for one in held)
    assert not aligned.any()
    assert not vectors.any()
    for one in held:
        with pytest.raises(ValueError, match="released"):
            one.picture.scaled(64, 36)


async def _nothing(_: Finding) -> None:
    return None
