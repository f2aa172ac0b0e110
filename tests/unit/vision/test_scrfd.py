from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.types import F32, F64
from lfrd.vision.dense import DenseDetector, Input, UnfitModel
from lfrd.vision.scrfd import decoded
from tests.unit.vision import networks

PREPARED = Input(rgb=True, mean=(127.5, 127.5, 127.5), scale=1 / 128)
NAMES = {1: "score", 4: "bbox", 10: "kps"}


def blank(width: int, height: int) -> dict[str, F32]:
    return {
        f"{name}_{stride}": np.zeros((2 * (width // stride) * (height // stride), last), np.float32)
        for last, name in NAMES.items()
        for stride in (8, 16, 32)
    }


def write(
    outputs: dict[str, F32], width: int, stride: int, anchor: int, box: F64, points: F32, score: float
) -> None:
    """The inverse of the decoder: one face as distances from the cell's corner nearest to its centre."""
    cell = np.floor((box[:2] + box[2:] / 2) / stride)
    row = (int(cell[1]) * (width // stride) + int(cell[0])) * 2 + anchor
    corner = cell * stride
    outputs[f"score_{stride}"][row] = score
    outputs[f"bbox_{stride}"][row] = np.concatenate([corner - box[:2], box[:2] + box[2:] - corner]) / stride
    outputs[f"kps_{stride}"][row] = ((points - corner) / stride).reshape(-1)


@given(
    st.sampled_from([8, 16, 32]),
    st.integers(0, 1),
    st.tuples(st.floats(0, 95.9), st.floats(0, 63.9)),
    st.tuples(st.floats(2, 200), st.floats(2, 200)),
    st.floats(0.3, 1),
    st.lists(st.floats(-50, 150), min_size=10, max_size=10),
)
def test_decoding_undoes_the_encoding_of_any_face(
    stride: int,
    anchor: int,
    centre: tuple[float, float],
    sides: tuple[float, float],
    score: float,
    flat: list[float],
) -> None:
    middle, extent = np.array(centre), np.array(sides)
    box = np.concatenate([middle - extent / 2, extent])
    points = np.array(flat, np.float32).reshape(5, 2)
    outputs = blank(96, 64)
    write(outputs, 96, stride, anchor, box, points, score)
    boxes, found, scores = decoded(outputs, 96, 64, 0.25)
    np.testing.assert_allclose(boxes, box[None], atol=0.01)
    np.testing.assert_allclose(found, points[None], atol=0.01)
    np.testing.assert_allclose(scores, [score], rtol=1e-5)


POINTS = np.array([[20, 20], [30, 20], [25, 25], [21, 30], [29, 30]], np.float32)
BOX = np.array([14, 12, 22, 26], np.float64)


def outputs_with_a_face() -> dict[str, F32]:
    outputs = blank(96, 64)
    write(outputs, 96, 8, 1, BOX, POINTS, 0.8)
    write(outputs, 96, 16, 0, BOX + 0.5, POINTS, 0.6)
    return outputs


@pytest.mark.parametrize("naming", ["named", "numbered", "batched", "any order"])
def test_each_way_that_exports_name_their_outputs_is_read(naming: str) -> None:
    outputs = outputs_with_a_face()
    if naming == "numbered":
        outputs = {str(448 + number): output for number, output in enumerate(outputs.values())}
    elif naming == "batched":
        outputs = {str(448 + number): output[None] for number, output in enumerate(outputs.values())}
    elif naming == "any order":
        outputs = dict(reversed(outputs.items()))
    detector = DenseDetector(networks.runner(networks.answers(outputs)), PREPARED, decoded, nms_iou=0.4)
    found = detector.detect(np.zeros((60, 90, 3), np.uint8), 0.5)
    np.testing.assert_allclose(found.boxes, BOX[None], atol=0.01)
    np.testing.assert_allclose(found.points, POINTS[None], atol=0.01)
    np.testing.assert_allclose(found.scores, [0.8], rtol=1e-5)


def test_the_picture_goes_in_as_red_green_blue_between_minus_one_and_one() -> None:
    image = np.zeros((32, 40, 3), np.uint8)
    image[..., 0] = 255  # blue
    with PREPARED.tensor(image) as (tensor, stretch):
        assert tensor.shape == (1, 3, 32, 64)
        assert stretch == (1.0, 1.0)
        np.testing.assert_allclose(tensor[0, :, 0, 0], [-127.5 / 128, -127.5 / 128, 127.5 / 128], rtol=1e-5)
        np.testing.assert_allclose(tensor[0, :, 0, 63], -127.5 / 128, rtol=1e-5)  # padded with black


def test_a_network_without_points_is_named_as_unfit() -> None:
    outputs = {name: output for name, output in outputs_with_a_face().items() if "kps" not in name}
    with pytest.raises(UnfitModel, match=r"no output of shape \[192, 10\] at stride 8"):
        decoded(outputs, 96, 64, 0.5)
