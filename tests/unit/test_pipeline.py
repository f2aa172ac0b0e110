"""A frame's journey, with real models on a drawn street: who is reported, and what stays of the others."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from lfrd.capture.reading import frames_of
from lfrd.capture.source import recording
from lfrd.config import Config
from lfrd.errors import NotAllowed, SourceError, StoreError
from lfrd.glances import Glances
from lfrd.inference import Examined
from lfrd.metrics import Metrics
from lfrd.models import library
from lfrd.pipeline import Finding, Journey
from lfrd.preview.feed import Feed
from lfrd.tracking.person import Person
from lfrd.tracking.shots import Evidence, Shot
from lfrd.types import F32, U8, AlertId, Box, CameraId, Face, Frame, NominalId, Quality
from lfrd.vision import view
from lfrd.vision.attention import WHOLE, Region
from lfrd.vision.picture import Picture
from lfrd.vision.quality import Limits
from lfrd.vision.template import Template
from lfrd.vision.zone import Zone
from lfrd.watching import Watch, watching
from tests.portraits import portrait

SETTINGS = Config()
CAMERA = CameraId("street")


@pytest.fixture(scope="module")
def watchlist(tmp_path_factory: pytest.TempPathFactory, astronaut: Path) -> Path:
    """The astronaut is listed."""
    folder = tmp_path_factory.mktemp("watchlist")
    shutil.copyfile(astronaut, folder / "astronaut.png")
    return folder


@pytest.fixture
async def watch(builtin: Path, watchlist: Path) -> AsyncIterator[Watch]:
    async with watched(builtin, watchlist) as opened:
        yield opened


@asynccontextmanager
async def watched(builtin: Path, watchlist: Path) -> AsyncIterator[Watch]:
    pack = library.open_pack(str(builtin), builtin.parent)
    async with watching(pack, watchlist, SETTINGS, lambda done, total: None) as opened:
        yield opened


def journey_of(
    watch: Watch,
    found: list[Finding],
    metrics: Metrics | None = None,
    zone: Sequence[tuple[float, float]] = (),
) -> Journey:
    async def report(finding: Finding) -> None:
        found.append(finding)

    return watch.pipeline(SETTINGS, report, metrics or Metrics()).journey(CAMERA, zone=zone)


def is_released(frame: Frame) -> bool:
    try:
        frame.picture.scaled(64, 36)
    except ValueError:
        return True
    return False


async def seen(clip: Path, kept: list[Frame]) -> AsyncIterator[Frame]:
    """A recording's frames, each remembered."""
    async with contextlib.aclosing(frames_of(recording(clip, rate=10))) as frames:
        async for frame in frames:
            kept.append(frame)
            yield frame


@dataclass(frozen=True)
class Walked:
    """What a whole film of the astronaut walking by came to."""

    found: list[Finding]
    metrics: Metrics
    journey: Journey
    given_back: list[bool]
    """Of each of its frames, when the journey had ended."""
    copy: Picture
    """What somebody was given who asked for a frame before the journey began."""


@pytest.fixture(scope="module")
def walked(builtin: Path, watchlist: Path, street_clip: Path) -> Walked:
    """The same for all who look at it: a whole film takes its time."""

    async def walk() -> Walked:
        found: list[Finding] = []
        frames: list[Frame] = []
        metrics = Metrics()
        async with watched(builtin, watchlist) as watch:
            journey = journey_of(watch, found, metrics)
            asked = asyncio.create_task(journey.glances.next())
            await asyncio.sleep(0)
            await journey.run(seen(street_clip, frames), live=False, rests=False)
            given_back = [is_released(frame) for frame in frames]
            return Walked(found, metrics, journey, given_back, await asked)

    return asyncio.run(walk())


def test_a_listed_person_who_walks_by_is_reported_with_a_picture_to_show(walked: Walked) -> None:
    assert walked.found
    assert {finding.nominal for finding in walked.found} == {"astronaut"}
    first = walked.found[0]
    assert first.shots >= SETTINGS.decision.least_shots
    assert first.score >= first.threshold
    assert 0 < first.captured_at < 7
    shown = cv2.imdecode(np.frombuffer(first.probe_jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert shown.shape[0] <= view.HEIGHT
    assert "probe_jpeg" not in repr(first)
    assert walked.journey.counts.tracks == 1
    assert walked.metrics.registry.get_sample_value("lfrd_faces_seen_total", {"camera": CAMERA}) == 1


def test_further_findings_of_a_passage_come_with_ever_better_pictures(walked: Walked) -> None:
    worths = [finding.quality.worth for finding in walked.found]
    assert len(worths) > 1
    assert worths == sorted(worths)


async def test_a_film_that_breaks_off_is_followed_to_its_last_good_frame(
    watch: Watch, street_clip: Path
) -> None:
    async def torn() -> AsyncIterator[Frame]:
        async with contextlib.aclosing(frames_of(recording(street_clip, rate=10))) as frames:
            async for frame in frames:
                yield frame
                if frame.captured_at > 4.0:
                    raise SourceError("street", "the file is damaged here")

    journey = journey_of(watch, [])
    with pytest.raises(SourceError, match="damaged here"):
        await journey.run(torn(), live=False, rests=False)
    assert journey.counts.analysed == 42


def test_who_stays_in_view_is_reported_again_now_and_then() -> None:
    person, anna = Person(Evidence(4)), NominalId("anna")
    told = [at for at in range(30) if person.is_news(anna, float(at))]
    assert told == [0, 5, 10, 15, 20, 25]
    assert person.is_news(NominalId("boris"), 29.0)


def test_every_frame_is_given_back_and_no_person_is_kept_at_the_end(walked: Walked) -> None:
    assert len(walked.given_back) > 50
    assert all(walked.given_back)
    assert walked.journey._people == {}


async def test_who_is_in_view_is_forgotten_when_no_frame_comes_any_more(
    watch: Watch, street_clip: Path
) -> None:
    """A camera that stalls, or stops with the last officer's post, must not keep whom it saw last."""
    journey = journey_of(watch, [])
    at_rest = asyncio.Event()

    async def until_somebody_is_followed() -> AsyncIterator[Frame]:
        async with contextlib.aclosing(frames_of(recording(street_clip, rate=10))) as frames:
            async for frame in frames:
                yield frame
                if journey._people:
                    break
        await at_rest.wait()

    task = asyncio.create_task(journey.run(until_somebody_is_followed(), live=True))
    while not journey._people:
        await asyncio.sleep(0.01)
    templates = [shot for person in journey._people.values() for shot in [person.evidence]]
    while journey._people:
        await asyncio.sleep(0.01)
    assert all(len(evidence) == 0 for evidence in templates)
    at_rest.set()
    await task


async def test_a_store_that_fails_ends_the_journey(watch: Watch, street_clip: Path) -> None:
    async def report(finding: Finding) -> None:
        raise StoreError("disk full")

    frames: list[Frame] = []
    journey = watch.pipeline(SETTINGS, report, Metrics()).journey(CAMERA)
    with pytest.raises(ExceptionGroup) as caught:
        await journey.run(seen(street_clip, frames), live=False, rests=False)
    assert caught.group_contains(StoreError)
    assert journey._people == {}


async def test_a_journey_that_is_cancelled_leaves_no_frame_and_no_crop_on_its_way(
    watch: Watch, street_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of the frames that were examined and stood before the one at work."""
    at_work, crops = asyncio.Event(), list[U8]()
    examine = watch.inference.examine

    async def noted(*args: Any) -> Examined:
        examined = await examine(*args)
        crops.extend(face.aligned for face in examined.faces if face.aligned is not None)
        return examined

    async def report(finding: Finding) -> None:
        at_work.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(watch.inference, "examine", noted)
    frames: list[Frame] = []
    journey = watch.pipeline(SETTINGS, report, Metrics()).journey(CAMERA)
    task = asyncio.create_task(journey.run(seen(street_clip, frames), live=False, rests=False))
    await at_work.wait()
    while not journey._in_order.statistics().waiting:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert all(is_released(frame) for frame in frames)
    assert crops
    assert not any(crop.any() for crop in crops)


async def test_a_journey_that_is_cancelled_forgets_whom_it_followed(watch: Watch, street_clip: Path) -> None:
    journey = journey_of(watch, [])
    task = asyncio.create_task(
        journey.run(frames_of(recording(street_clip, rate=10)), live=False, rests=False)
    )
    while not journey._people:
        await asyncio.sleep(0.01)
    people = list(journey._people.values())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert journey._people == {}
    assert all(person.view is None and len(person.evidence) == 0 for person in people)


async def test_an_empty_watchlist_compares_nobody(builtin: Path, street_clip: Path, watch: Watch) -> None:
    watch.watchlist.replace(
        type(watch.watchlist.current)(
            {}, dim=watch.inference.dim, revision=watch.watchlist.current.revision + 1
        )
    )
    found: list[Finding] = []
    journey = journey_of(watch, found)
    await journey.run(frames_of(recording(street_clip, rate=5)), live=False, rests=False)
    assert found == []
    assert journey.counts.tracks == 1


# ---- the zone of recognition ----------------------------------------------------------------------------

ALL = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
FOOT = [(0.0, 0.9), (1.0, 0.9), (1.0, 1.0), (0.0, 1.0)]
"""The lowest tenth of the view, where nobody's face comes."""


async def test_a_face_outside_the_zone_is_neither_compared_nor_counted(
    watch: Watch, street_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The listed person walks by. No crop of them is ever made: none is measured, embedded or followed."""
    examine, examined = watch.inference.examine, list[Examined]()

    async def noted(*args: Any) -> Examined:
        examined.append(await examine(*args))
        return examined[-1]

    monkeypatch.setattr(watch.inference, "examine", noted)
    embedded = watch.inference.statistics().embedded
    found: list[Finding] = []
    metrics = Metrics()
    journey = journey_of(watch, found, metrics, FOOT)
    await journey.run(frames_of(recording(street_clip, rate=5)), live=False, rests=False)
    assert len(examined) == journey.counts.analysed > 25
    assert not any(one.faces or len(one.found) for one in examined)
    assert found == []
    assert watch.inference.statistics().embedded == embedded
    assert (journey.counts.faces, journey.counts.tracks) == (0, 0)
    assert not metrics.registry.get_sample_value("lfrd_faces_seen_total", {"camera": CAMERA})


async def test_a_face_inside_the_zone_is_compared_and_counted(watch: Watch, street_clip: Path) -> None:
    found: list[Finding] = []
    journey = journey_of(watch, found, zone=ALL)
    await journey.run(frames_of(recording(street_clip, rate=5)), live=False, rests=False)
    assert {finding.nominal for finding in found} == {"astronaut"}
    assert journey.counts.tracks == 1


async def test_of_two_people_side_by_side_only_the_one_inside_the_zone_is_cut_out(
    watch: Watch, astronaut: Path, admiral: Path
) -> None:
    left, right = (cv2.resize(portrait(person), (512, 512)) for person in (astronaut, admiral))
    picture = Picture(np.hstack([left, right]), planar=False)
    halves = {
        0: [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)],
        512: [(0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)],
    }
    limits = Limits.of(SETTINGS.analysis)
    assert len((await watch.inference.examine(picture, limits, 1280)).faces) == 2
    for start, half in halves.items():
        examined = await watch.inference.examine(picture, limits, 1280, Zone(half))
        assert len(examined.found) == len(examined.faces) == 1
        assert start < examined.faces[0].box.centre[0] < start + 512


async def test_a_zone_that_is_none_is_refused_before_anything_runs(watch: Watch) -> None:
    with pytest.raises(NotAllowed, match="crosses or touches itself"):
        journey_of(watch, [], zone=[(0.1, 0.1), (0.9, 0.9), (0.9, 0.1), (0.1, 0.9)])


# ---- the part of the view that is searched --------------------------------------------------------------


async def regions_of(
    watch: Watch, clip: Path, monkeypatch: pytest.MonkeyPatch, *, preview: Feed | None = None
) -> list[Region]:
    """Of each frame at 6.25 a second."""
    examine, regions = watch.inference.examine, list[Region]()

    async def noted(*args: Any) -> Examined:
        regions.append(args[-1])
        return await examine(*args)

    async def report(finding: Finding) -> None:
        pass

    with monkeypatch.context() as known:
        known.setattr(watch.inference, "examine", noted)
        journey = watch.pipeline(SETTINGS, report, Metrics()).journey(CAMERA, preview=preview)
        await journey.run(frames_of(recording(clip, rate=6.25)), live=False, rests=False)
    return regions


async def test_between_looks_at_the_whole_view_a_part_is_searched_and_the_same_each_time(
    watch: Watch, street_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    regions = await regions_of(watch, street_clip, monkeypatch)
    whole = [number for number, region in enumerate(regions) if region == WHOLE]
    assert whole[0] == 0
    assert all(later - one <= 4 for one, later in pairwise(whole))
    assert len(whole) < 0.8 * len(regions)
    assert await regions_of(watch, street_clip, monkeypatch) == regions


async def test_while_somebody_watches_the_whole_view_is_searched(
    watch: Watch, street_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Feed(CAMERA, 320, lambda: None)
    feed.watch(True)
    regions = await regions_of(watch, street_clip, monkeypatch, preview=feed)
    assert regions == [WHOLE] * len(regions)
    for glimpse in feed.take():
        glimpse.wipe()


def test_a_running_camera_gives_a_copy_of_its_next_frame(walked: Walked) -> None:
    assert walked.copy.size == (960, 540)
    assert walked.copy.scaled(960, 540).any()
    assert all(walked.given_back)


async def test_who_waits_for_a_frame_of_a_camera_that_stops_is_told(watch: Watch) -> None:
    async def none() -> AsyncIterator[Frame]:
        for frame in list[Frame]():
            yield frame

    journey = journey_of(watch, [])
    asked = asyncio.create_task(journey.glances.next())
    await asyncio.sleep(0)
    await journey.run(none(), live=False)
    await asyncio.wait([asked], timeout=5)
    assert asked.done()
    with pytest.raises(SourceError, match="has just been stopped"):
        await asked


async def test_who_no_longer_waits_leaves_no_copy_behind() -> None:
    made: list[U8] = []

    async def copy(picture: Picture) -> U8:
        made.append(np.full((4, 4, 3), 200, np.uint8))
        asked.cancel()
        await asyncio.sleep(0)
        return made[-1]

    glances = Glances(CAMERA)
    asked = asyncio.create_task(glances.next())
    await asyncio.sleep(0)
    await glances.show(Picture(np.zeros((4, 4, 3), np.uint8), planar=False), copy)
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert not made[0].any()


async def test_a_copy_that_comes_as_its_taker_gives_up_is_overwritten() -> None:
    pixels = np.full((4, 4, 3), 200, np.uint8)

    async def copy(picture: Picture) -> U8:
        return pixels

    glances = Glances(CAMERA)
    asked = asyncio.create_task(glances.next())
    await asyncio.sleep(0)
    await glances.show(Picture(np.zeros((4, 4, 3), np.uint8), planar=False), copy)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert not pixels.any()


# ---- what is kept to show ---------------------------------------------------------------------------------


def face(eye_distance: float, x: float) -> Face:
    quality = Quality(eye_distance, 50.0, 0.0, 0.0, 0.0, 120.0, 0.0)
    return Face(Box(x, 10, 20, 20), np.zeros((5, 2), np.float32), 0.9, quality, None)


def unit(*values: float) -> F32:
    return np.array(values, np.float32)


def test_the_best_shot_is_shown_and_a_worse_one_does_not_replace_it() -> None:
    person = Person(Evidence(4))
    pixels = np.zeros((60, 120, 3), np.uint8)
    pixels[:, :60] = 50
    pixels[:, 60:] = 200
    picture = Picture(pixels, planar=False)
    for at, (eyes, x) in enumerate([(20.0, 20.0), (40.0, 80.0), (30.0, 20.0)]):
        shown = face(eyes, x)
        person.add(Shot(Template(unit(1, 0.01 * at)), shown.quality.worth, float(at)), shown, picture)
    assert person.view is not None
    assert person.view.mean() > 150
    assert person.quality is not None
    assert person.quality.eye_distance == 40.0


def test_when_the_track_turns_out_to_be_another_person_the_first_one_s_picture_is_wiped() -> None:
    person = Person(Evidence(4, splits_after=2))
    picture = Picture(np.full((60, 120, 3), 90, np.uint8), planar=False)
    for at in range(3):
        shown = face(40.0, 20.0)
        person.add(Shot(Template(unit(1, 0)), shown.quality.worth, float(at)), shown, picture)
    first_view = person.view
    assert first_view is not None
    person.alert = AlertId("a1")  # of the first one: the live picture must not show the second for it
    for at in range(3, 6):
        shown = face(25.0, 80.0)
        person.add(Shot(Template(unit(0, 1)), shown.quality.worth, float(at)), shown, picture)
    assert not first_view.any()
    assert not person.alert
    assert person.quality is not None
    assert person.quality.eye_distance == 25.0
