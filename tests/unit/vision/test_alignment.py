from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.types import F32, F64, U8
from lfrd.vision.alignment import ARCFACE_112, align, similarity, usable
from lfrd.vision.picture import Picture


def moved(points: F32, scale: float, degrees: float, dx: float, dy: float) -> F32:
    angle = np.deg2rad(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray(points @ turn.T + (dx, dy), np.float32)


def applied(matrix: F64, points: F32) -> F64:
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2])


similarities = st.tuples(
    st.floats(0.1, 8), st.floats(-180, 180), st.floats(-500, 3000), st.floats(-500, 3000)
)


@given(st.lists(similarities, min_size=1, max_size=5))
def test_a_known_similarity_is_undone_exactly(known: list[tuple[float, float, float, float]]) -> None:
    faces = np.stack([moved(ARCFACE_112, *each) for each in known])
    for face, matrix in zip(faces, similarity(faces, ARCFACE_112), strict=True):
        np.testing.assert_allclose(applied(matrix, face), ARCFACE_112, atol=0.02)


@given(similarities, st.integers(0, 2**32 - 1))
def test_the_aligned_points_do_not_depend_on_where_the_face_was(
    known: tuple[float, float, float, float], seed: int
) -> None:
    noisy = ARCFACE_112 + np.random.default_rng(seed).normal(0, 3, (5, 2)).astype(np.float32)
    there = moved(noisy, *known)
    here, far = similarity(np.stack([noisy, there]), ARCFACE_112)
    np.testing.assert_allclose(applied(far, there), applied(here, noisy), atol=0.05)


@given(st.integers(0, 2**32 - 1))
def test_it_is_the_transform_of_umeyama_s_paper(seed: int) -> None:
    rng = np.random.default_rng(seed)
    face = rng.uniform(0, 200, (5, 2))
    x, y = face - face.mean(0), ARCFACE_112.astype(np.float64) - ARCFACE_112.mean(0, dtype=np.float64)
    u, d, vt = np.linalg.svd(y.T @ x / 5)
    sign = np.diag([1, np.sign(np.linalg.det(u @ vt))])
    turn = u @ sign @ vt
    scale = np.trace(np.diag(d) @ sign) / (x**2).sum(1).mean()
    found = similarity(face[None].astype(np.float32), ARCFACE_112)[0]
    if scale > 0.01:
        np.testing.assert_allclose(found[:, :2], scale * turn, atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 57.0, np.nan, np.inf, 1e30])
def test_points_that_determine_nothing_are_said_to_be_unusable(value: float) -> None:
    faces = np.stack([np.full((5, 2), value, np.float32), ARCFACE_112])
    matrices = similarity(faces, ARCFACE_112)
    assert usable(matrices).tolist() == [False, True]
    picture = Picture(np.full((120, 120, 3), 200, np.uint8), planar=False)
    aligned = align(picture, faces, ARCFACE_112, 112)
    assert not aligned[0].any()
    assert aligned[1].min() == 200


def test_no_faces_give_no_rows() -> None:
    none = np.empty((0, 5, 2), np.float32)
    assert similarity(none, ARCFACE_112).shape == (0, 2, 3)
    picture = Picture(np.zeros((8, 8, 3), np.uint8), planar=False)
    assert align(picture, none, ARCFACE_112, 112).shape == (0, 112, 112, 3)


def waves(height: int, width: int, period: float) -> U8:
    """A smooth pattern in three colours: interpolating it loses little."""
    y, x = np.mgrid[:height, :width] * (2 * np.pi / period)
    channels = [np.sin(x), np.sin(y), np.sin(x + y)]
    return np.stack([127 + 100 * c for c in channels], axis=2).astype(np.uint8)


@pytest.mark.parametrize("scale", [0.6, 1.0, 3.0, 7.0])
def test_a_face_cut_from_its_region_is_the_face_warped_from_the_whole_picture(scale: float) -> None:
    image = waves(900, 1100, 60 * scale)
    points = moved(ARCFACE_112, scale, 12, 150, 60)
    found = align(Picture(image.copy(), planar=False), points[None], ARCFACE_112, 112)[0]
    whole = similarity(points[None], ARCFACE_112)[0]
    expected = cv2.warpAffine(image, whole, (112, 112), flags=cv2.INTER_LINEAR)
    difference = np.abs(found.astype(int) - expected.astype(int))
    assert np.percentile(difference, 99) <= 6
    assert difference.mean() < 1.5


def test_a_large_face_is_averaged_and_not_sampled() -> None:
    rng = np.random.default_rng(3)
    image = rng.integers(0, 256, (1200, 1200, 3), dtype=np.uint8)
    points = moved(ARCFACE_112, 10, 0, 20, 20)
    aligned = align(Picture(image, planar=False), points[None], ARCFACE_112, 112)[0]
    assert aligned.std() < 15  # sampled, noise of standard deviation 74 would stay near 50


def test_what_lies_outside_the_frame_is_black() -> None:
    picture = Picture(np.full((100, 100, 3), 200, np.uint8), planar=False)
    half_out = moved(ARCFACE_112, 1, 0, -56, 0)
    far_out = moved(ARCFACE_112, 1, 0, 5000, 5000)
    aligned = align(picture, np.stack([half_out, far_out]), ARCFACE_112, 112)
    assert aligned[0, 50, :50].max() == 0
    assert aligned[0, 50, 60:].min() == 200
    assert not aligned[1].any()


def test_planar_and_packed_pictures_give_the_same_face(astronaut: Path) -> None:
    image = cv2.imread(str(astronaut))
    assert image is not None
    points = moved(ARCFACE_112, 1.2, 5, 160, 40)[None]
    packed = align(Picture(image.astype(np.uint8), planar=False), points, ARCFACE_112, 112)
    yuv = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420).astype(np.uint8)
    planar = align(Picture(yuv, planar=True), points, ARCFACE_112, 112)
    assert np.abs(packed.astype(int) - planar.astype(int)).mean() < 4


def test_aligning_leaves_the_picture_as_it_was() -> None:
    image = waves(200, 200, 40)
    picture = Picture(image.copy(), planar=False)
    align(picture, moved(ARCFACE_112, 1.5, 0, 10, 10)[None], ARCFACE_112, 112)
    assert np.array_equal(picture.scaled(200, 200), image)
