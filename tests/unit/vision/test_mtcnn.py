"""The cascade finds faces, says where their points are, and keeps within its limits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest

from lfrd.models.builtin import graphs
from lfrd.models.builtin.mtcnn_weights import read_onet, read_pnet, read_rnet
from lfrd.types import F32, U8, Detections
from lfrd.vision.adapters import Detector, Runner
from lfrd.vision.mtcnn import MtcnnDetector
from tests.unit.vision.networks import runner


@pytest.fixture(scope="module")
def networks() -> tuple[Runner, Runner, Runner]:
    return (
        runner(graphs.pnet(read_pnet())),
        runner(graphs.rnet(read_rnet())),
        runner(graphs.onet(read_onet())),
    )


@pytest.fixture(scope="module")
def detector(networks: tuple[Runner, Runner, Runner]) -> MtcnnDetector:
    return MtcnnDetector(*networks)


def read(path: Path) -> U8:
    image = cv2.imread(str(path))
    assert image is not None
    return image.astype(np.uint8)


@pytest.fixture(scope="module")
def portrait(astronaut: Path) -> U8:
    """512 x 512 pixels; the eyes at about (203, 100) and (246, 102)."""
    return read(astronaut)


class Counted:
    """A runner that remembers how many pictures each call brought."""

    def __init__(self, run: Runner) -> None:
        self._run = run
        self.calls: list[int] = []

    def __call__(self, inputs: Mapping[str, F32]) -> dict[str, F32]:
        self.calls.append(len(inputs["input"]))
        return self._run(inputs)


def test_a_face_is_found_with_its_points_in_their_places(detector: Detector, portrait: U8) -> None:
    found = detector.detect(portrait, 0.7)
    assert len(found) == 1
    assert found.scores[0] > 0.99
    x, y, width, height = found.boxes[0]
    assert (x, y, x + width, y + height) == pytest.approx((180, 61, 266, 173), abs=8)
    eye, other_eye, nose, corner, other_corner = found.points[0]
    assert eye == pytest.approx((203, 100), abs=3)
    assert other_eye == pytest.approx((246, 102), abs=3)
    assert eye[0] < nose[0] < other_eye[0]
    assert corner[0] < other_corner[0]
    assert eye[1] < nose[1] < corner[1]


def test_the_mirrored_picture_has_the_mirrored_points(detector: Detector, portrait: U8) -> None:
    straight = detector.detect(portrait, 0.7).points[0]
    mirrored = detector.detect(np.ascontiguousarray(portrait[:, ::-1]), 0.7).points[0]
    mirrored = mirrored[[1, 0, 2, 4, 3]]
    mirrored[:, 0] = portrait.shape[1] - 1 - mirrored[:, 0]
    assert np.abs(mirrored - straight).max() < 4
    assert abs((mirrored - straight).mean()) < 1


def test_two_people_are_two_faces_best_first(detector: Detector, portrait: U8, admiral: Path) -> None:
    second = cv2.resize(read(admiral), (430, 512))
    found = detector.detect(np.hstack([portrait, second.astype(np.uint8)]), 0.7)
    assert sorted((found.boxes[:, 0] > 512).tolist()) == [False, True]
    assert found.scores[0] >= found.scores[1]


@pytest.mark.parametrize("width", [1600, 512, 180])
def test_a_face_is_found_at_the_same_place_at_every_size(
    detector: Detector, portrait: U8, width: int
) -> None:
    scaled = cv2.resize(portrait, (width, width), interpolation=cv2.INTER_AREA).astype(np.uint8)
    found = detector.detect(scaled, 0.7)
    assert len(found) == 1
    middle = (found.points[0, 0] + found.points[0, 1]) / 2 * 512 / width
    assert middle == pytest.approx((224, 101), abs=3)


def test_fine_noise_over_a_large_face_is_averaged_and_not_sampled(detector: Detector, portrait: U8) -> None:
    large = cv2.resize(portrait, (2048, 2048)).astype(np.int16)
    grain = np.random.default_rng(4).integers(-110, 111, large.shape, np.int16)
    found = detector.detect(np.clip(large + grain, 0, 255).astype(np.uint8), 0.9)
    assert len(found) == 1
    assert found.points[0, 0] / 4 == pytest.approx((203, 100), abs=3)


def test_a_face_cut_by_the_edge_has_a_box_that_reaches_past_it(detector: Detector, portrait: U8) -> None:
    found = detector.detect(portrait[:, 195:], 0.5)
    assert len(found) >= 1
    assert found.boxes[0, 0] < 0


def test_a_lower_bound_adds_faces_and_keeps_the_others(detector: Detector, portrait: U8) -> None:
    blurred = cv2.GaussianBlur(cv2.resize(portrait, (160, 160)), (0, 0), 1.0).astype(np.uint8)
    few, more = detector.detect(blurred, 0.9), detector.detect(blurred, 0.05)
    assert len(more) > len(few)
    assert set(few.scores.tolist()) <= set(more.scores.tolist())
    assert few.scores.tolist() == sorted(few.scores.tolist(), reverse=True)


@pytest.mark.parametrize("size", [(1, 1), (11, 300), (300, 11), (23, 23), (24, 24), (25, 700)])
def test_a_picture_too_small_for_a_face_has_none(detector: Detector, size: tuple[int, int]) -> None:
    assert len(detector.detect(np.full((*size, 3), 127, np.uint8), 0.0)) == 0


def test_a_stage_that_lets_nothing_through_ends_the_cascade(
    networks: tuple[Runner, Runner, Runner], portrait: U8
) -> None:
    pnet, rnet, onet = (Counted(network) for network in networks)
    assert len(MtcnnDetector(pnet, rnet, onet, thresholds=(1.0, 0.7)).detect(portrait, 0.0)) == 0
    assert (bool(pnet.calls), rnet.calls, onet.calls) == (True, [], [])
    assert len(MtcnnDetector(pnet, rnet, onet, thresholds=(0.6, 1.0)).detect(portrait, 0.0)) == 0
    assert (bool(rnet.calls), onet.calls) == (True, [])
    assert len(MtcnnDetector(pnet, rnet, onet).detect(portrait, 1.1)) == 0
    assert onet.calls


def test_a_noisy_picture_brings_no_more_candidates_than_the_limit(
    networks: tuple[Runner, Runner, Runner],
) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (400, 400, 3), np.uint8)
    pnet, rnet, onet = (Counted(network) for network in networks)
    MtcnnDetector(pnet, rnet, onet, thresholds=(0.0, 0.0), most=100).detect(noise, 0.0)
    assert sum(rnet.calls) <= 100
    assert sum(onet.calls) <= 100
    assert max(rnet.calls) <= 64


def test_the_best_candidates_are_those_kept(networks: tuple[Runner, Runner, Runner], portrait: U8) -> None:
    found = MtcnnDetector(*networks, most=20).detect(portrait, 0.7)
    assert len(found) == 1


def test_pixels_go_into_the_networks_as_the_manifest_says(portrait: U8) -> None:
    seen: list[F32] = []

    def look(inputs: Mapping[str, F32]) -> dict[str, F32]:
        seen.append(inputs["input"].copy())
        rows, columns = (side // 2 for side in inputs["input"].shape[2:])
        return {
            "face": np.zeros((1, 1, rows, columns), np.float32),
            "offsets": np.zeros((1, 4, rows, columns), np.float32),
        }

    blue = np.zeros((48, 48, 3), np.uint8)
    blue[..., 0] = 200
    MtcnnDetector(look, look, look, mean=(10, 20, 30), scale=0.5, colour="rgb").detect(blue, 0.5)
    assert seen[0][0, :, 0, 0].tolist() == [-5, -10, 85]
    seen.clear()
    MtcnnDetector(look, look, look, mean=(10, 20, 30), scale=0.5, colour="bgr").detect(blue, 0.5)
    assert seen[0][0, :, 0, 0].tolist() == [95, -10, -15]


def test_the_callers_picture_is_left_as_it_was(detector: Detector, portrait: U8) -> None:
    before = portrait.copy()
    detector.detect(portrait, 0.7)
    assert (portrait == before).all()


def test_nothing_of_the_picture_stays_in_what_the_networks_were_given(
    networks: tuple[Runner, Runner, Runner], portrait: U8
) -> None:
    given: list[F32] = []

    def keeping(run: Runner) -> Runner:
        def look(inputs: Mapping[str, F32]) -> dict[str, F32]:
            given.append(inputs["input"])
            return run(inputs)

        return look

    MtcnnDetector(*map(keeping, networks)).detect(portrait, 0.7)
    assert len(given) > 5
    assert not any(array.any() for array in given)


@pytest.mark.parametrize("wrong", [{"shrink": 1.0}, {"shrink": 0.0}, {"least_face": 11.0}, {"most": 0}])
def test_numbers_out_of_range_are_refused(
    networks: tuple[Runner, Runner, Runner], wrong: dict[str, float]
) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        MtcnnDetector(*networks, **wrong)  # type: ignore[arg-type]


def test_nearly_every_portrait_has_a_face_in_its_middle(detector: Detector, shared: Path) -> None:
    pictures = [next(iter(sorted(person.iterdir()))) for person in sorted((shared / "faces").iterdir())[::25]]
    found = [detector.detect(read(picture), 0.7) for picture in pictures]
    assert sum(_in_the_middle(faces) for faces in found) >= len(pictures) - 1


def _in_the_middle(faces: Detections) -> bool:
    centres = faces.boxes[:, :2] + faces.boxes[:, 2:] / 2
    return bool((np.abs(centres - 125).max(1) < 40).any())
