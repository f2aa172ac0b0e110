"""What is gathered from looks is what the pipeline gathers, template for template."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lfrd.config import Config
from lfrd.decision.rule import Rule
from lfrd.evaluation.looks import Seen, follow, gather, look
from lfrd.evaluation.street import Walker, make_clip
from lfrd.evaluation.street_trial import play
from lfrd.gallery.index import Gallery
from lfrd.metrics import Metrics
from lfrd.models import library
from lfrd.pipeline import Finding
from lfrd.types import F32, U8, Box, Detections, NominalId, Quality
from lfrd.vision.attention import Attention
from lfrd.watching import watching

SETTINGS = Config()


async def test_the_pipeline_makes_as_many_templates_as_are_gathered_from_looks_under_its_rule(
    tmp_path: Path, astronaut: Path, admiral: Path, builtin: Path, locate: Callable[[U8], Detections]
) -> None:
    walkers = [
        Walker("astronaut", astronaut, enter=-1.0, speed=1.5, far=45, near=110, lane=-0.3),
        Walker("admiral", admiral, enter=-0.5, speed=1.5, far=45, near=110, lane=0.4),
    ]
    clip = tmp_path / "street.mp4"
    make_clip(clip, walkers, seconds=4.0, locate=locate, size=(640, 360), seed=3)
    listed = tmp_path / "listed"
    listed.mkdir()
    (listed / f"astronaut{astronaut.suffix}").symlink_to(astronaut)
    alerts: list[tuple[NominalId, float]] = []

    async def report(finding: Finding) -> None:
        alerts.append((finding.nominal, finding.captured_at))

    metrics = Metrics()
    pack = library.open_pack(str(builtin), builtin.parent)
    async with watching(pack, listed, SETTINGS, lambda done, total: None) as watch:
        pipeline = watch.pipeline(SETTINGS, report, metrics)
        await play(clip, pipeline)
        made = sum(
            sample.value
            for family in metrics.embedded.collect()
            for sample in family.samples
            if sample.name.endswith("_total")
        )
        analysis = SETTINGS.analysis
        looks = await look(
            clip,
            watch.inference,
            rate=analysis.rate,
            max_side=analysis.max_side,
            attention=Attention.of(SETTINGS),
        )
        tracks = follow(looks, SETTINGS, watch.inference.high)
        with watch.watchlist.lease() as gallery:

            def embedded(rule: Rule | None) -> int:
                return sum(
                    gather(seen, gallery, SETTINGS, pipeline.split_below, rule).embedded
                    for seen in tracks.values()
                )

            assert embedded(pipeline.rule) == made
            assert embedded(None) > made
    assert {nominal for nominal, _ in alerts} == {"astronaut"}


def unit(*numbers: float) -> F32:
    vector = np.array(numbers, np.float32)
    return vector / np.float32(np.linalg.norm(vector))


def walk(template: F32, worths: list[float]) -> list[Seen]:
    """A face a fifth of a second, as good as these."""
    return [
        Seen(0.2 * n, Box(0, 0, 50, 50), Quality(worth, 60.0, 0, 0, 0, 100.0, 0.0), None, template)
        for n, worth in enumerate(worths)
    ]


@pytest.mark.parametrize(
    ("likeness", "worths", "embedded"),
    [
        (0.9, [20.0] * 5, 3),  # found with three
        (0.55, [20.0] * 5, 5),  # not quite: the next shot may do
        (0.1, [20.0] * 5, 3),  # nobody on the list
        (0.1, [20.0] * 16, 5),  # one a second all the same
        (0.1, [10.0, 10.0, 10.0, 10.5, 11.5, 12.0, 13.0], 5),  # and whatever is better by a tenth
    ],
)
def test_what_a_verdict_settles_makes_fewer_templates(
    likeness: float, worths: list[float], embedded: int
) -> None:
    gallery = Gallery({NominalId("ada"): unit(1, 0, 0)[None]}, dim=3)
    faces = walk(unit(likeness, math.sqrt(1 - likeness**2), 0), worths)
    rule = Rule(0.6, least_shots=3, agreement=0.5)  # a single shot supports from 0.48
    assert gather(faces, gallery, SETTINGS, 0.5, rule).embedded == embedded
    assert gather(faces, gallery, SETTINGS, 0.5, None).embedded >= embedded
    # Without her on the list there is nobody to be like, and nothing to settle.
    nobody = gather(faces, gallery, SETTINGS, 0.5, rule, without={"ada"})
    assert nobody.embedded == gather(faces, gallery, SETTINGS, 0.5, None).embedded
    assert all(one.best is None for one in nobody.judgements)
