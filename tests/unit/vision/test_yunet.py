from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.types import F32, U8, Detections
from lfrd.vision.dense import MOST, DenseDetector, Input, UnfitModel
from lfrd.vision.yunet import decoded
from tests.unit.vision import networks

BGR = Input(rgb=False, mean=(0, 0, 0), scale=1.0)
SQUARE = np.zeros((640, 640, 3), np.uint8)
SIDES = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}


def blank(width: int, height: int) -> dict[str, F32]:
    return {
        f"{part}_{stride}": np.zeros((1, (width // stride) * (height // stride), sides), np.float32)
        for stride in (8, 16, 32)
        for part, sides in SIDES.items()
    }


def write(outputs: dict[str, F32], width: int, stride: int, box: F32, points: F32, score: float) -> None:
    """The inverse of the decoder: put one face into the cell that its centre lies in."""
    centre = box[:2] + box[2:] / 2
    cell = np.floor(centre / stride)
    row = int(cell[1]) * (width // stride) + int(cell[0])
    outputs[f"cls_{stride}"][0, row] = score
    outputs[f"obj_{stride}"][0, row] = score
    outputs[f"bbox_{stride}"][0, row] = [*(centre / stride - cell), *np.log(box[2:] / stride)]
    outputs[f"kps_{stride}"][0, row] = (points / stride - cell).reshape(-1)


def mapped(raw: Mapping[int, F32]) -> dict[str, F32]:
    """Maps [1, 16, rows, columns] by stride as the outputs of a network with joined heads."""
    return {f"map_{stride}": values for stride, values in raw.items()}


def parted(raw: Mapping[int, F32]) -> dict[str, F32]:
    """The same as the outputs of a network with single heads."""
    outputs: dict[str, F32] = {}
    for stride, values in raw.items():
        flat = values.reshape(1, 16, -1).transpose(0, 2, 1)
        for part, start in (("cls", 0), ("obj", 1), ("bbox", 2), ("kps", 6)):
            outputs[f"{part}_{stride}"] = flat[..., start : start + SIDES[part]]
        for part in ("cls", "obj"):
            exact = 1 / (1 + np.exp(-outputs[f"{part}_{stride}"].astype(np.float64)))
            outputs[f"{part}_{stride}"] = exact.astype(np.float32)
    return outputs


def chance(seed: int, spread: float) -> dict[int, F32]:
    rng = np.random.default_rng(seed)
    return {s: rng.normal(0, spread, (1, 16, 64 // s, 96 // s)).astype(np.float32) for s in (8, 16, 32)}


faces = st.tuples(
    st.sampled_from([8, 16, 32]),
    st.floats(0, 95.9),
    st.floats(0, 63.9),
    st.floats(1, 300),
    st.floats(1, 300),
    st.floats(0.3, 1),
    st.lists(st.floats(-50, 150), min_size=10, max_size=10),
)


@given(faces)
def test_decoding_undoes_the_encoding_of_any_face(
    face: tuple[int, float, float, float, float, float, list[float]],
) -> None:
    stride, cx, cy, w, h, score, flat = face
    box = np.array([cx - w / 2, cy - h / 2, w, h], np.float32)
    points = np.array(flat, np.float32).reshape(5, 2)
    outputs = blank(96, 64)
    centre = np.clip(box[:2] + box[2:] / 2, 0, (95.9, 63.9)).astype(np.float32)
    box[:2] = centre - box[2:] / 2
    write(outputs, 96, stride, box, points, score)
    boxes, found, scores = decoded(outputs, 96, 64, 0.25)
    np.testing.assert_allclose(boxes, box[None], atol=0.02)
    np.testing.assert_allclose(found, points[None], atol=0.01)
    np.testing.assert_allclose(scores, [score], rtol=1e-5)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.5, 3, 20]), st.floats(0, 1))
def test_joined_heads_say_what_single_ones_say(seed: int, spread: float, low: float) -> None:
    raw = chance(seed, spread)
    found = decoded(mapped(raw), 96, 64, low)
    wanted = decoded(parted(raw), 96, 64, low)
    if any(np.isclose(scores, low, rtol=1e-5, atol=0).any() for scores in (found[2], wanted[2])):
        return  # rounding decides
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def test_of_joined_heads_every_cell_can_be_had() -> None:
    raw = chance(1, 30)
    for values, certain in ((raw, 0), ({s: np.full_like(v, 100) for s, v in raw.items()}, 1)):
        _, _, scores = decoded(mapped(values), 96, 64, certain)
        assert len(scores) == 96 + 24 + 6


def test_faces_come_highest_first_and_overlaps_once() -> None:
    outputs = blank(96, 64)
    points = np.array([[20, 20], [30, 20], [25, 25], [21, 30], [29, 30]], np.float32)
    near, far = np.array([15, 15, 20, 20], np.float32), np.array([60, 20, 20, 20], np.float32)
    write(outputs, 96, 8, near, points, 0.7)
    write(outputs, 96, 16, near + 0.5, points, 0.6)
    write(outputs, 96, 8, far, np.add(points, (45, 5), dtype=np.float32), 0.9)
    detector = DenseDetector(networks.runner(networks.answers(outputs)), BGR, decoded, nms_iou=0.3)
    found = detector.detect(np.zeros((64, 96, 3), np.uint8), 0.3)
    np.testing.assert_allclose(found.scores, [0.9, 0.7], rtol=1e-5)
    np.testing.assert_allclose(found.boxes, [far, near], atol=0.01)
    assert len(detector.detect(np.zeros((64, 96, 3), np.uint8), 0.8)) == 1


def test_crossed_points_are_put_in_the_picture_s_order() -> None:
    outputs = blank(96, 64)
    points = np.array([[30, 20], [20, 20], [25, 25], [29, 30], [21, 30]], np.float32)
    write(outputs, 96, 8, np.array([15, 15, 20, 20], np.float32), points, 0.9)
    detector = DenseDetector(networks.runner(networks.answers(outputs)), BGR, decoded, nms_iou=0.3)
    found = detector.detect(np.zeros((64, 96, 3), np.uint8), 0.5).points[0]
    np.testing.assert_allclose(found, points[[1, 0, 2, 4, 3]], atol=0.01)


def test_a_damaged_network_gives_no_face_that_is_not_a_number() -> None:
    outputs = blank(640, 640)
    rng = np.random.default_rng(1)
    for name, output in outputs.items():
        values = [0.9, np.nan] if name.startswith(("cls", "obj")) else [0.9, np.nan, np.inf, -np.inf, 1e9]
        output[:] = rng.choice(values, output.shape)
    wild = [0.9, np.nan, np.inf, -np.inf, 1e9, -1e9]
    maps = {s: rng.choice(wild, (1, 16, 640 // s, 640 // s)).astype(np.float32) for s in (8, 16, 32)}
    for damaged in (outputs, mapped(maps)):
        detector = DenseDetector(lambda _, damaged=damaged: damaged, BGR, decoded, nms_iou=0.3)
        found = detector.detect(SQUARE, 0.0)
        assert np.isfinite(found.boxes).all()
        assert np.isfinite(found.points).all()


def test_more_faces_than_a_picture_can_hold_are_cut_off_at_the_lowest_scores() -> None:
    outputs = blank(640, 640)
    for stride in (8, 16, 32):
        outputs[f"bbox_{stride}"][..., :2] = stride / 64  # off the other strides' centres
        outputs[f"bbox_{stride}"][..., 2:] = -6  # specks, none of which overlap
        outputs[f"cls_{stride}"][:] = outputs[f"obj_{stride}"][:] = 0.3
    outputs["cls_8"][0, ::4] = 1.0
    found = DenseDetector(lambda inputs: outputs, BGR, decoded, nms_iou=0.3).detect(SQUARE, 0.1)
    assert len(found) == MOST
    assert found.scores.min() > 0.5


@pytest.mark.parametrize("lacking", ["cls_8", "kps_32"])
def test_a_network_of_another_kind_is_named_as_such(lacking: str) -> None:
    outputs = blank(96, 64)
    del outputs[lacking]
    with pytest.raises(UnfitModel, match=f"no output {lacking}.*detector.kind"):
        decoded(outputs, 96, 64, 0.5)
    with pytest.raises(UnfitModel, match="for a picture of 128 x 64"):
        decoded(blank(96, 64), 128, 64, 0.5)


def test_joined_heads_of_another_size_are_named_as_such() -> None:
    outputs = mapped(chance(1, 1))
    with pytest.raises(UnfitModel, match=r"output map_8 is \[1, 16, 8, 12\] for a picture of 128 x 64"):
        decoded(outputs, 128, 64, 0.5)
    del outputs["map_16"]
    with pytest.raises(UnfitModel, match="no output cls_16"):
        decoded(outputs, 96, 64, 0.5)


def field(shared: Path, fixed: tuple[int, int] | None = None) -> DenseDetector:
    content = (shared / "models" / "field" / "yunet_n_dynamic.onnx").read_bytes()
    prepared = Input(rgb=False, mean=(0, 0, 0), scale=1.0, fixed_size=fixed)
    return DenseDetector(networks.runner(content), prepared, decoded, nms_iou=0.3)


def portrait(path: Path, side: int = 512) -> U8:
    image = cv2.imread(str(path))
    assert image is not None
    return cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA).astype(np.uint8)


def assert_same_face(one: Detections, other: Detections, within: float) -> None:
    assert len(one) == len(other) == 1
    # Points are what alignment stands on; where the hair ends is less certain.
    np.testing.assert_allclose(one.points, other.points, atol=within)
    np.testing.assert_allclose(one.boxes, other.boxes, atol=3 * within)


def test_the_astronaut_s_face_is_found_where_it_is(shared: Path, astronaut: Path) -> None:
    found = field(shared).detect(portrait(astronaut), 0.6)
    assert len(found) == 1
    left_eye, right_eye, nose, left_mouth, right_mouth = found.points[0]
    assert 150 < left_eye[0] < nose[0] < right_eye[0] < 300
    assert left_mouth[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1]) < 220
    x, y, w, h = found.boxes[0]
    assert ((found.points[0] > (x, y)) & (found.points[0] < (x + w, y + h))).all()


def test_a_side_that_is_no_multiple_of_32_changes_nothing(shared: Path, astronaut: Path) -> None:
    detector, image = field(shared), portrait(astronaut)
    assert_same_face(detector.detect(image, 0.6), detector.detect(image[:411, :397], 0.6), 3)


def test_a_network_of_one_input_size_finds_the_same_face(shared: Path, astronaut: Path) -> None:
    image = portrait(astronaut)[:400]
    free = field(shared).detect(image, 0.6)
    assert_same_face(free, field(shared, (512, 416)).detect(image, 0.6), 0.01)
    # 512 x 400 fits into 640 x 640 at 640 x 500: as if the picture had been scaled first.
    enlarged = cv2.resize(image, (640, 500), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    seen = field(shared).detect(enlarged, 0.6)
    back = Detections(seen.boxes / np.float32(1.25), seen.points / np.float32(1.25), seen.scores)
    assert_same_face(back, field(shared, (640, 640)).detect(image, 0.6), 1)
    assert_same_face(free, field(shared, (320, 256)).detect(image, 0.6), 8)


def test_a_picture_smaller_than_a_cell_has_no_face(shared: Path) -> None:
    assert len(field(shared).detect(np.zeros((1, 3, 3), np.uint8), 0.1)) == 0
