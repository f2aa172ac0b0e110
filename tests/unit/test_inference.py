"""Networks run in worker threads: batched across cameras, wiped after use, never on another provider."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from lfrd import inference as inference_module
from lfrd.config import Analysis
from lfrd.config import Inference as Settings
from lfrd.errors import CorruptError, ProviderError
from lfrd.inference import Inference, Network, detection_size, opened
from lfrd.models import library
from lfrd.types import F32, U8, Detections
from lfrd.vision.picture import Picture
from lfrd.vision.quality import Limits
from tests.portraits import portrait

SIZE, DIM = 8, 4


class Nobody:
    """A detector that finds nobody."""

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


def test_a_provider_that_is_not_there_is_an_error_and_never_the_cpu(builtin: Path) -> None:
    assert "CUDAExecutionProvider" not in ort.get_available_providers()
    pack = library.open_pack(str(builtin), builtin.parent)
    path = pack.files["recogniser"]
    with pytest.raises(ProviderError, match=r"'cuda' is not available .*\(it has: .*cpu"):
        Network(path, path.read_bytes(), "cuda", 1)


def test_a_file_that_is_no_network_is_one_line_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "torn.onnx"
    with pytest.raises(CorruptError, match=r"torn\.onnx: ONNX Runtime cannot load it") as caught:
        Network(path, b"\x08\x08\x12\x04torn", "cpu", 1)
    assert "\n" not in str(caught.value)


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
