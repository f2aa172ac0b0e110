"""Rule 15: in the packets that leave, decoded again, nobody without an alert is found or recognised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from lfrd.bench.preview_leaks import Leaks, Search, Shown, shown
from lfrd.config import Config
from lfrd.config import Inference as Settings
from lfrd.evaluation.street import Walker, make_clip
from lfrd.gallery.index import Gallery
from lfrd.inference import Inference, opened
from lfrd.models import library
from lfrd.preview import reel as reel_module
from lfrd.types import F32, U8, AlertId, Detections, NominalId
from lfrd.vision.pack import Pack
from lfrd.vision.picture import Picture
from lfrd.vision.quality import Limits
from tests.portraits import portrait

ONE_PERSON = 0.9
"""Cosine between two strangers with the builtin pack, at the most: its card's scores begin above."""
FOOT = [(0.0, 0.9), (1.0, 0.9), (1.0, 1.0), (0.0, 1.0)]
"""A zone of recognition in which nobody's face comes."""
ANY = Limits(eye_distance=0, sharpness=0, pose=9, darkest=0, brightest=255, cut=1)


@pytest.fixture(scope="session")
def hurried_clip(
    tmp_path_factory: pytest.TempPathFactory,
    astronaut: Path,
    admiral: Path,
    locate: Callable[[U8], Detections],
) -> Path:
    """Two people hurry by, close to the camera; the last of it is an empty street."""
    clip = tmp_path_factory.mktemp("clips") / "hurried.mp4"
    walkers = [
        Walker("astronaut", astronaut, enter=-0.5, speed=3.0, far=40, near=130, lane=-0.6),
        Walker("admiral", admiral, enter=0.0, speed=2.6, far=40, near=120, lane=0.6),
    ]
    make_clip(clip, walkers, seconds=2.4, locate=locate, size=(960, 540), seed=5)
    return clip


async def searched(
    clip: Path,
    pack: Pack,
    inference: Inference,
    *,
    zone: Sequence[tuple[float, float]] = (),
    overlook: Callable[[Detections], Detections] = lambda found: found,
) -> Leaks:
    pictures: list[Shown] = []
    clear: dict[float, U8] = {}
    await shown(
        clip,
        pack,
        inference,
        Config(),
        zone=zone,
        overlook=overlook,
        take=pictures.append,
        frames=lambda frame: clear.update({frame.captured_at: frame.picture.scaled(*frame.picture.size)}),
    )
    search = Search(inference)
    for picture in pictures:
        at = min(clear, key=lambda one: abs(one - picture.at))
        await search.look(picture, clear[at])
    return search.leaks


def assert_nobody(leaks: Leaks) -> None:
    assert leaks.pictures > 8
    assert leaks.faces > 10
    assert leaks.uncovered == 0
    assert leaks.matched(ONE_PERSON) == 0


async def test_without_the_veil_the_search_would_find_everybody(
    hurried_clip: Path, pack: Pack, inference: Inference, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the tests below show something."""
    monkeypatch.setattr(reel_module, "cover", lambda pixels, boxes: None)
    leaks = await searched(hurried_clip, pack, inference)
    assert leaks.uncovered > 0.7 * leaks.faces
    assert leaks.matched(ONE_PERSON) > 0.5 * leaks.faces


async def test_nobody_who_hurries_by_is_recognised(
    hurried_clip: Path, pack: Pack, inference: Inference
) -> None:
    assert_nobody(await searched(hurried_clip, pack, inference))


async def test_nobody_outside_the_zone_of_recognition_is_recognised(
    hurried_clip: Path, pack: Pack, inference: Inference
) -> None:
    assert_nobody(await searched(hurried_clip, pack, inference, zone=FOOT))


async def test_nobody_is_recognised_though_the_detector_misses_a_third_of_all_faces(
    hurried_clip: Path, pack: Pack, inference: Inference
) -> None:
    """In each of the two looks at each picture."""
    rng = np.random.default_rng(1)
    leaks = await searched(
        hurried_clip, pack, inference, overlook=lambda found: found[rng.random(len(found)) > 1 / 3]
    )
    assert_nobody(leaks)


async def test_who_has_an_alert_is_shown_until_it_stands_no_more(
    street_clip: Path, astronaut: Path, pack: Pack, inference: Inference
) -> None:
    standing = True
    pictures: list[tuple[Shown, bool]] = []
    clear: dict[float, U8] = {}

    def take(picture: Shown) -> None:
        nonlocal standing
        pictures.append((picture, standing))
        if picture.at >= 3.4:
            standing = False  # an officer has said 'not viable'

    listed = Gallery(
        {NominalId("astronaut"): (await template(inference, astronaut))[None]}, dim=inference.dim
    )
    await shown(
        street_clip,
        pack,
        inference,
        Config(),
        watchlist=listed,
        threshold=0.94,
        stands=lambda alert: alert == AlertId("alert") and standing,
        take=take,
        frames=lambda frame: clear.update({frame.captured_at: frame.picture.scaled(*frame.picture.size)}),
    )
    counts = {True: 0, False: 0}
    for stood in (True, False):
        search = Search(inference)
        for picture, then in pictures:
            if then == stood and 2.6 <= picture.at < 4.4:
                at = min(clear, key=lambda one: abs(one - picture.at))
                await search.look(picture, clear[at])
        assert search.leaks.faces > 2, "a busy machine shows fewer pictures"
        counts[stood] = search.leaks.matched(ONE_PERSON)
    assert counts[True] > 2
    assert counts[False] == 0


async def template(inference: Inference, path: Path) -> F32:
    examined = await inference.examine(Picture(portrait(path), planar=False), ANY, 1280)
    aligned = examined.faces[0].aligned
    assert aligned is not None
    vectors = await inference.embed(aligned[None])
    return np.asarray(vectors[0], np.float32)


async def test_nobody_is_recognised_with_the_field_pack_either(shared: Path, hurried_clip: Path) -> None:
    """What a real film leaks with it: docs/preview.md."""
    pack = library.open_pack(str(shared / "models" / "field"), shared)
    async with opened(pack, library.networks, Settings()) as inference:
        leaks = await searched(hurried_clip, pack, inference)
    assert leaks.faces > 10
    assert leaks.uncovered == 0
    assert leaks.matched(0.3) == 0
