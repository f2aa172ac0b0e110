"""Weights are read as the networks' authors wrote them; what is not such a file is refused, never misread."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lfrd.errors import CorruptError
from lfrd.models.builtin import mtcnn_weights
from lfrd.models.builtin.dlib import FaceResNet, parse
from lfrd.models.builtin.mtcnn_weights import arrange
from lfrd.models.builtin.sources import FACE_RESNET

HERE = Path("weights.dat")


@pytest.fixture(scope="module")
def dat() -> bytes:
    return FACE_RESNET.read()


@pytest.fixture(scope="module")
def network(dat: bytes) -> FaceResNet:
    return parse(dat, HERE)


def test_the_face_network_has_fourteen_blocks_of_which_four_and_one_halve(network: FaceResNet) -> None:
    widths = [block.second.kernel.shape[0] for block in network.blocks]
    assert widths == [32] * 3 + [64] * 4 + [128] * 3 + [256] * 4
    assert [number for number, block in enumerate(network.blocks) if block.down] == [3, 7, 10, 13]
    assert network.stem.kernel.shape == (32, 3, 7, 7)
    assert network.dense.shape == (256, 128)


def test_every_number_of_the_face_network_is_finite_and_of_a_weights_size(network: FaceResNet) -> None:
    layers = [network.stem, *(side for block in network.blocks for side in (block.first, block.second))]
    for layer in layers:
        for array in (layer.kernel, layer.bias, layer.gamma, layer.beta):
            assert np.isfinite(array).all()
            assert np.abs(array).max() < 1000
    assert np.abs(network.dense).max() < 10


def test_a_file_cut_short_anywhere_is_corrupt(dat: bytes) -> None:
    for end in (0, 1, 340, 400, 19_300, 200_000, 10_000_000, len(dat) - 200, len(dat) - 131_120):
        with pytest.raises(CorruptError, match=r"weights\.dat: not dlib's face ResNet"):
            parse(dat[:end], HERE)


def test_a_layer_of_another_shape_is_corrupt(dat: bytes) -> None:
    # Behind the first convolution's numbers stand its filters, rows, columns, strides and paddings.
    wanted = bytes.fromhex("01200107010701020102")
    assert wanted in dat
    with pytest.raises(CorruptError, match=r"a convolution \(32, 7, 5,"):
        parse(dat.replace(wanted, bytes.fromhex("01200107010501020102"), 1), HERE)


def test_bytes_that_are_no_integer_are_corrupt(dat: bytes) -> None:
    at = dat.index(b"\x05con_4") + 6
    with pytest.raises(CorruptError, match="no integer at byte"):
        parse(dat[:at] + b"\x0f" + dat[at + 1 :], HERE)
    with pytest.raises(CorruptError, match="no tensor before byte"):
        parse(dat[:at] + b"\x01\x07" + dat[at + 2 :], HERE)


def arrays() -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """A small network in Keras order: a convolution, a dense layer, and two heads."""
    rng = np.random.default_rng(3)
    shapes: list[tuple[int, ...]] = [(2, 2, 3, 4), (4,), (1, 1, 4), (36, 5), (5,), (5,)]
    shapes += [(5, 4), (4,), (5, 2), (2,)]
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


TRUNK = ((2, 2, 3, 4), (36, 5))


def test_kernels_are_turned_to_channels_first() -> None:
    given = arrays()
    stage = arrange(given, TRUNK, points=False, origin=HERE)
    first, dense = stage.trunk
    assert first.kernel[3, 2, 1, 0] == given[0][1, 0, 2, 3]
    assert stage.points is None
    # Matlab's order: columns, rows, channels. Ours: channels, rows, columns.
    column, row, channel = 2, 1, 3
    theirs, ours = (column * 3 + row) * 4 + channel, (channel * 3 + row) * 3 + column
    assert (dense.kernel[:, ours] == given[3][theirs]).all()
    assert (stage.face.kernel == given[8].T).all()


def test_an_array_too_few_too_many_or_of_another_shape_is_corrupt() -> None:
    for wrong in (arrays()[:-1], [*arrays(), np.zeros(1, np.float32)], [arrays()[1], *arrays()[1:]]):
        with pytest.raises(CorruptError, match=r"weights\.dat: "):
            arrange(wrong, TRUNK, points=False, origin=HERE)


def test_doubles_in_place_of_floats_are_corrupt() -> None:
    first, *others = arrays()
    with pytest.raises(CorruptError, match="float64"):
        arrange([first.astype(np.float64), *others], TRUNK, points=False, origin=HERE)


def test_the_three_stages_have_their_heads() -> None:
    for read, width, points in (
        (mtcnn_weights.read_pnet, 32, False),
        (mtcnn_weights.read_rnet, 128, False),
        (mtcnn_weights.read_onet, 256, True),
    ):
        stage = read()
        assert stage.offsets.kernel.shape[:2] == (4, width)
        assert stage.face.kernel.shape[:2] == (2, width)
        assert (stage.points is not None) is points
