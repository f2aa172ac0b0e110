"""A picture becomes a tensor in memory that is kept from call to call, and none of it stays there."""

from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfrd.types import F32, U8
from lfrd.vision import dense
from lfrd.vision.dense import DenseDetector, Input
from lfrd.vision.yunet import decoded

BGR = Input(rgb=False, mean=(0, 0, 0), scale=1.0)
RGB = Input(rgb=True, mean=(120.0, 110.5, 100.0), scale=1 / 64)


def picture(height: int, width: int, seed: int = 0) -> U8:
    return np.random.default_rng(seed).integers(1, 256, (height, width, 3)).astype(np.uint8)


def reckoned(image: U8, how: Input) -> F32:
    """The formula of `Input`, on a black canvas."""
    height, width = image.shape[:2]
    canvas = np.zeros((-(-height // 32) * 32, -(-width // 32) * 32, 3), np.float32)
    canvas[:height, :width] = image[..., ::-1] if how.rgb else image
    scaled = (canvas - np.array(how.mean, np.float32)) * np.float32(how.scale)
    return np.asarray(scaled.transpose(2, 0, 1)[None], np.float32)


@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 9), st.sampled_from([BGR, RGB]))
@settings(max_examples=50)
def test_the_tensor_holds_the_picture_and_black_whatever_was_in_it_before(
    height: int, width: int, seed: int, how: Input
) -> None:
    for before in (picture(64, 64), picture(96, 96)):
        with RGB.tensor(before):
            pass
    image = picture(height, width, seed)
    with how.tensor(image) as (tensor, stretch):
        np.testing.assert_allclose(tensor, reckoned(image, how), atol=1e-6)
        assert stretch == (1.0, 1.0)


@pytest.mark.parametrize("how", [BGR, RGB])
@pytest.mark.parametrize("size", [(64, 40), (200, 160)])
def test_a_picture_is_fitted_into_a_fixed_size_with_black_around_it(
    how: Input, size: tuple[int, int]
) -> None:
    w, h = size
    image = picture(60, 100)
    fixed = Input(how.rgb, how.mean, how.scale, size)
    inner = round(100 * min(w / 100, h / 60)), round(60 * min(w / 100, h / 60))
    shrinks = inner[0] < 100
    fitted = cv2.resize(image, inner, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    wanted = np.zeros((h, w, 3), np.uint8)
    wanted[: inner[1], : inner[0]] = fitted
    with fixed.tensor(image) as (tensor, stretch):
        assert tensor.shape == (1, 3, h, w)
        np.testing.assert_allclose(tensor, reckoned(wanted, how)[:, :, :h, :w], atol=1e-6)
        assert stretch == pytest.approx((100 / inner[0], 60 / inner[1]))


def test_the_next_picture_comes_into_the_same_memory_and_one_beside_it_into_other() -> None:
    with BGR.tensor(picture(96, 96)) as (first, _):
        pass
    for height, width in ((96, 96), (33, 70), (32, 96), (64, 64)):
        with BGR.tensor(picture(height, width)) as (second, _):
            assert np.shares_memory(second, first)
            with BGR.tensor(picture(64, 96)) as (third, _):
                assert not np.shares_memory(third, second)


@pytest.mark.parametrize("how", [BGR, RGB, Input(True, (9.0, 8.0, 7.0), 0.5, (96, 64))])
def test_nothing_of_a_picture_stays_in_the_memory_that_is_kept(how: Input) -> None:
    with how.tensor(picture(64, 96)) as (tensor, _):
        assert tensor.any()
    assert not tensor.any()
    with pytest.raises(RuntimeError), how.tensor(picture(64, 96)) as (tensor, _):
        raise RuntimeError
    assert not tensor.any()


def test_a_detector_s_call_leaves_nothing_behind_even_where_its_network_fails() -> None:
    given: list[F32] = []

    def fails(inputs: object) -> dict[str, F32]:
        assert isinstance(inputs, dict)
        given.append(inputs["input"])
        assert given[-1].any()
        raise MemoryError

    for _ in range(2):
        with pytest.raises(MemoryError):
            DenseDetector(fails, BGR, decoded, nms_iou=0.3).detect(picture(64, 96), 0.5)
    assert not any(tensor.any() for tensor in given)


def test_each_thread_has_memory_of_its_own() -> None:
    both = threading.Barrier(2)
    seen: list[F32] = []
    right: list[bool] = []

    def work(seed: int) -> None:
        for number in range(3):
            image = picture(64, 96, seed + number)
            with BGR.tensor(image) as (tensor, _):
                both.wait(timeout=60)
                right.append(np.array_equal(tensor, reckoned(image, BGR)))
                seen.append(tensor)
                both.wait(timeout=60)
            both.wait(timeout=60)  # each has given back before either takes again

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (0, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert right == [True] * 6
    assert len({tensor.ctypes.data for tensor in seen}) == 2


def test_the_largest_memory_is_kept_unless_it_is_too_large() -> None:
    idle = dense._Idle()
    large = idle.take(64, 64)
    small = idle.take(32, 32)
    idle.give(large)
    idle.give(small)
    assert np.shares_memory(idle.take(32, 64), large)
    huge = np.ones(3 * (dense.LARGEST_KEPT + 1), np.float32).reshape(1, 3, 1, -1)
    idle.give(huge)
    assert not huge.any()
    assert not np.shares_memory(idle.take(32, 32), huge)
