"""Networks run in worker threads: batched across cameras, wiped after use, never on another provider."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import pytest

from lfrd import inference as inference_module
from lfrd.config import Analysis
from lfrd.config import Inference as Settings
from lfrd.inference import Inference, detection_size, opened, threads_of_opencv
from lfrd.models import library
from lfrd.types import F32, U8, Detections
from lfrd.vision.attention import Region
from lfrd.vision.picture import Picture
from lfrd.vision.quality import Limits
from lfrd.vision.zone import Zone
from lfrd.workers import Urgency
from tests.portraits import portrait

SIZE, DIM = 8, 4


class Nobody:
    """A detector that finds nobody."""

    step: int | None = None

    def detect(self, image: U8, low: float) -> Detections:
        return Detections.none()


class Gauge:
    """A recogniser that notes its batches, and waits at a gate so that requests pile up behind it."""

    size, dim = SIZE, DIM
    template_points = np.zeros((5, 2), np.float32)

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.given: list[F32] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Semaphore(0)

    def embed(self, aligned: U8) -> F32:
        self.entered.release()
        self.gate.wait()
        self.batches.append(len(aligned))
        if aligned.max() == 255:
            raise ValueError("a face that breaks the network")
        vectors = np.repeat(aligned[:, 0, 0, :1].astype(np.float32), DIM, axis=1)
        self.given.append(vectors)
        return vectors


def faces(*values: int) -> U8:
    return np.stack([np.full((SIZE, SIZE, 3), value, np.uint8) for value in values])


@pytest.fixture
async def gauge() -> AsyncIterator[tuple[Inference, Gauge]]:
    recogniser = Gauge()
    inference = Inference(Nobody(), recogniser, 1, 4, high=0.6)
    yield inference, recogniser
    recogniser.gate.set()
    inference.close()


async def test_each_request_gets_its_own_rows_back_whatever_they_were_batched_with(
    gauge: tuple[Inference, Gauge],
) -> None:
    inference, _ = gauge
    answers = await asyncio.gather(*(inference.embed(faces(n, n + 1)) for n in range(1, 40, 2)))
    assert [answer[:, 0].tolist() for answer in answers] == [[n, n + 1] for n in range(1, 40, 2)]


async def test_where_a_part_of_a_request_fails_the_templates_of_the_others_are_overwritten(
    gauge: tuple[Inference, Gauge], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[F32 | Exception] = []
    settle = inference_module._settle

    def noted(future: asyncio.Future[F32], answer: F32 | Exception) -> None:
        answers.append(answer)
        settle(future, answer)

    monkeypatch.setattr(inference_module, "_settle", noted)
    inference, _ = gauge
    with pytest.raises(ValueError, match="breaks the network"):
        await inference.embed(faces(1, 2, 3, 4, 255, 5, 6, 7))
    templates = [answer for answer in answers if not isinstance(answer, Exception)]
    assert len(templates) == 1
    assert not templates[0].any()


async def test_requests_that_wait_share_a_batch_up_to_its_size(gauge: tuple[Inference, Gauge]) -> None:
    inference, recogniser = gauge
    recogniser.gate.clear()
    first = asyncio.create_task(inference.embed(faces(1)))
    await asyncio.to_thread(recogniser.entered.acquire)
    rest = [asyncio.create_task(inference.embed(faces(n))) for n in range(2, 8)]
    await asyncio.sleep(0)
    assert inference.statistics().waiting == 6
    recogniser.gate.set()
    await asyncio.gather(first, *rest)
    assert recogniser.batches == [1, 4, 2]
    counts = inference.statistics()
    assert (counts.embedded, counts.batches, counts.waiting) == (7, 3, 0)


async def test_more_faces_than_a_batch_are_split_and_joined(gauge: tuple[Inference, Gauge]) -> None:
    inference, recogniser = gauge
    answer = await inference.embed(faces(*range(1, 11)))
    assert answer[:, 0].tolist() == list(range(1, 11))
    assert max(recogniser.batches) == 4


async def test_no_face_is_no_call(gauge: tuple[Inference, Gauge]) -> None:
    inference, recogniser = gauge
    assert (await inference.embed(np.empty((0, SIZE, SIZE, 3), np.uint8))).shape == (0, DIM)
    assert recogniser.batches == []


async def test_what_the_network_gave_is_wiped_when_it_has_been_handed_out(
    gauge: tuple[Inference, Gauge],
) -> None:
    inference, recogniser = gauge
    answer = await inference.embed(faces(7, 9))
    assert answer.any()
    assert not recogniser.given[0].any()


async def test_a_cancelled_request_leaves_no_template_behind(gauge: tuple[Inference, Gauge]) -> None:
    inference, recogniser = gauge
    recogniser.gate.clear()
    task = asyncio.create_task(inference.embed(faces(5)))
    await asyncio.to_thread(recogniser.entered.acquire)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    recogniser.gate.set()
    assert (await inference.embed(faces(6)))[0, 0] == 6
    assert not recogniser.given[0].any()


async def test_an_error_reaches_those_of_its_batch_and_the_next_one_works(
    gauge: tuple[Inference, Gauge],
) -> None:
    inference, _ = gauge
    with pytest.raises(ValueError, match="breaks the network"):
        await inference.embed(faces(255))
    assert (await inference.embed(faces(3)))[0, 0] == 3


@pytest.mark.parametrize(
    ("size", "longest", "wanted"),
    [((1920, 1080), 960, (960, 540)), ((640, 360), 960, (640, 360)), ((1080, 1920), 960, (540, 960))],
)
def test_a_picture_is_searched_at_an_even_size_and_never_enlarged(
    size: tuple[int, int], longest: int, wanted: tuple[int, int]
) -> None:
    assert detection_size(size, longest) == wanted
    assert all(side % 2 == 0 for side in detection_size((1919, 1079), 333))


async def test_a_real_pack_finds_a_portrait_s_face_and_knows_it_again(builtin: Path, astronaut: Path) -> None:
    pack = library.open_pack(str(builtin), builtin.parent)
    picture = Picture(portrait(astronaut), planar=False)
    limits = Limits.of(Analysis())
    async with opened(pack, library.networks, Settings(workers=2)) as inference:
        examined = await inference.examine(picture, limits, 960)
        (face,) = [face for face in examined.faces if face.score >= inference.high]
        assert face.quality.refusal is None
        assert face.aligned is not None
        once = await inference.embed(face.aligned[None])
        batch = await inference.embed(np.repeat(face.aligned[None], 3, axis=0))
    assert np.allclose(np.linalg.norm(once, axis=1), 1, atol=1e-5)
    assert np.allclose(batch, once, atol=1e-4)


async def test_a_worker_s_call_of_opencv_stays_in_its_thread(builtin: Path) -> None:
    pack = library.open_pack(str(builtin), builtin.parent)
    with threads_of_opencv(2):
        async with opened(pack, library.networks, Settings(workers=1)) as inference:
            assert await inference.run(Urgency.FRAME, cv2.getNumThreads) == 1
        assert cv2.getNumThreads() == 2


# ---- the part of a view that is searched ----------------------------------------------------------------


@pytest.fixture
async def field(shared: Path, tmp_path: Path) -> AsyncIterator[Inference]:
    pack = library.open_pack(str(shared / "models" / "field"), tmp_path)
    async with opened(pack, library.networks, Settings(workers=1)) as inference:
        yield inference


def street(*people: tuple[Path, int, int, int]) -> Picture:
    """A grey view of 1920 x 1080 with portraits in it: file, left, top, width."""
    view = np.full((1080, 1920, 3), 120, np.uint8)
    for path, left, top, width in people:
        image = portrait(path)
        height = round(image.shape[0] * width / image.shape[1])
        view[top : top + height, left : left + width] = cv2.resize(image, (width, height))
    return Picture(np.asarray(cv2.cvtColor(view, cv2.COLOR_BGR2YUV_I420), np.uint8), planar=True)


LIMITS = Limits.of(Analysis())


async def test_what_is_found_in_a_part_of_the_view_lies_where_it_lies_in_all_of_it(
    field: Inference, astronaut: Path, admiral: Path
) -> None:
    view = street((astronaut, 300, 420, 300), (admiral, 1200, 450, 280))
    for side in (960, 640):
        whole = await field.examine(view, LIMITS, side)
        part = await field.examine(view, LIMITS, side, region=Region(0.1, 0.35, 0.9, 0.75))
        assert len(whole.faces) == len(part.faces) == 2
        # What lies farther off tells a little: the faces are 52 and 100 pixels wide.
        assert np.abs(whole.found.boxes - part.found.boxes).max() < 4
        assert np.abs(whole.found.points - part.found.points).max() < 4
        assert np.array_equal(whole.scene, part.scene)
        assert len(part.cut) == 0


async def test_a_face_that_the_region_cuts_is_no_face_but_its_place_is_told(
    field: Inference, astronaut: Path, admiral: Path
) -> None:
    view = street((astronaut, 300, 420, 300), (admiral, 1200, 450, 280))
    whole = await field.examine(view, LIMITS, 960)
    left = min(whole.faces, key=lambda face: face.box.x)
    edge = (left.box.y + 0.85 * left.box.height) / 1080
    part = await field.examine(view, LIMITS, 960, region=Region(0, 0.2, 0.5, edge - 0.03))
    assert [face.box for face in part.faces] == []
    assert len(part.cut) == 1
    assert abs(float(part.cut.boxes[0, 0]) - left.box.x) < 0.3 * left.box.width


async def test_a_face_at_the_picture_s_edge_is_measured_by_that_and_not_by_the_region_s(
    field: Inference, astronaut: Path
) -> None:
    inside = await field.examine(
        street((astronaut, 300, 420, 300)), LIMITS, 960, region=Region(0, 0.35, 1, 0.7)
    )
    assert [face.quality.cut for face in inside.faces] == [0.0]
    image = street((astronaut, 300, 0, 300))
    (whole,) = (await field.examine(image, LIMITS, 960)).faces
    (part,) = (await field.examine(image, LIMITS, 960, region=Region(0, 0, 1, 0.4))).faces
    assert part.quality.cut == pytest.approx(whole.quality.cut, abs=0.02)


async def test_a_zone_leaves_out_the_places_of_faces_outside_it_too(
    field: Inference, astronaut: Path
) -> None:
    view = street((astronaut, 300, 420, 300))
    found = await field.examine(view, LIMITS, 960)
    edge = (found.faces[0].box.centre[1] + 0.1 * found.faces[0].box.height) / 1080
    region = Region(0, 0.2, 1, edge)
    assert len((await field.examine(view, LIMITS, 960, region=region)).cut) == 1
    elsewhere = Zone([(0.6, 0.1), (0.9, 0.1), (0.9, 0.9), (0.6, 0.9)])
    assert len((await field.examine(view, LIMITS, 960, elsewhere, region=region)).cut) == 0


async def test_a_detector_that_gains_nothing_by_a_part_is_given_all() -> None:
    class Curious(Nobody):
        shapes: ClassVar[list[tuple[int, ...]]] = []

        def detect(self, image: U8, low: float) -> Detections:
            self.shapes.append(image.shape)
            return Detections.none()

    class Stepping(Curious):
        step = 32

    region = Region(0.3, 0.3, 0.5, 0.5)
    for detector in (Curious(), Stepping()):
        inference = Inference(detector, Gauge(), 1, 4, high=0.6)
        await inference.examine(street(), LIMITS, 960, region=region)
        inference.close()
    assert Curious.shapes == [(540, 960, 3), (128, 640, 3)]
