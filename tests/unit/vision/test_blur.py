"""A blurred face is found by no detector, matches nobody, and cannot be worked back from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lfrd.config import Inference as Settings
from lfrd.inference import Inference, opened
from lfrd.models import library
from lfrd.types import F32, U8, Detections
from lfrd.vision.blur import hide
from lfrd.vision.picture import Picture
from lfrd.vision.quality import Limits
from tests.portraits import portrait

ANY = Limits(eye_distance=0, sharpness=0, pose=9, darkest=0, brightest=255, cut=1)
"""Every face is aligned, however bad."""
ONE_PERSON = 0.9
"""Cosine between two strangers with the builtin pack, at the most: its card's scores begin above."""


@pytest.fixture
async def inference(builtin: Path) -> AsyncIterator[Inference]:
    pack = library.open_pack(str(builtin), builtin.parent)
    async with opened(pack, library.networks, Settings()) as inference:
        yield inference


def boxes(inference: Inference, image: U8) -> F32:
    found = inference.detect(Picture(image.copy(), planar=False), 1280)
    return np.asarray(found.boxes[found.scores >= inference.high], np.float32)


async def template(inference: Inference, image: U8) -> F32:
    examined = await inference.examine(Picture(image.copy(), planar=False), ANY, 1280)
    aligned = examined.faces[0].aligned
    assert aligned is not None
    vectors = await inference.embed(aligned[None])
    return np.asarray(vectors[0], np.float32)


async def test_after_blur_no_face_is_found_any_more(
    inference: Inference, astronaut: Path, admiral: Path
) -> None:
    for person in (astronaut, admiral):
        image = portrait(person)
        seen = boxes(inference, image)
        assert len(seen) == 1
        hide(image, seen)
        assert len(boxes(inference, image)) == 0


async def test_after_blur_the_recogniser_no_longer_matches_the_person(
    inference: Inference, astronaut: Path, admiral: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where somebody knows where the face was: what is there is less like them than a stranger."""
    for person, other in ((astronaut, admiral), (admiral, astronaut)):
        image = portrait(person)
        true, stranger = await template(inference, image), await template(inference, portrait(other))
        found = inference.detect(Picture(image.copy(), planar=False), 1280)
        hide(image, found.boxes)
        with monkeypatch.context() as known:
            searched = image.copy(), found, Detections.none()
            known.setattr(inference, "_search", lambda *args, was=searched: was)
            hidden = await template(inference, image)
        smaller = cv2.GaussianBlur(portrait(person), (0, 0), 2)
        assert float(true @ await template(inference, np.asarray(smaller, np.uint8))) > ONE_PERSON
        assert float(true @ hidden) < float(true @ stranger) < ONE_PERSON


pictures = hnp.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)))
sides = st.floats(-50, 90, width=32)
faces = st.lists(st.tuples(sides, sides, st.floats(0, 60, width=32), st.floats(0, 60, width=32)), max_size=4)


def rows(drawn: list[tuple[float, ...]]) -> F32:
    return np.array(drawn, np.float32).reshape(-1, 4)


@given(pictures, st.tuples(sides, sides, st.floats(8, 60, width=32), st.floats(8, 60, width=32)))
def test_of_a_face_a_few_rounded_colours_are_left(image: U8, face: tuple[float, ...]) -> None:
    before = image.copy()
    hide(image, rows([face]))
    covered = _covered(image.shape[:2], face)
    colours = np.unique(image[covered].reshape(-1, 3), axis=0)
    assert len(colours) <= 16
    assert set(np.unique(colours)) <= {16, 48, 80, 112, 144, 176, 208, 240}
    grown = _covered(image.shape[:2], face, 1.9, 1)
    assert np.array_equal(image[~grown], before[~grown])


def _covered(
    shape: tuple[int, ...], face: tuple[float, ...], factor: float = 1.0, slack: int = 0
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Pixels within the box, times `factor`, and `slack` around it."""
    x, y, w, h = face
    down, across = np.mgrid[0 : shape[0], 0 : shape[1]]
    return np.asarray(
        (np.abs(across + 0.5 - x - w / 2) < w * factor / 2 + slack)
        & (np.abs(down + 0.5 - y - h / 2) < h * factor / 2 + slack)
    )


@given(pictures, faces)
def test_two_pictures_whose_coarse_colours_agree_are_the_same_afterwards(
    image: U8, drawn: list[tuple[float, ...]]
) -> None:
    """Nothing else gets through: hidden once more, the picture stays as it is."""
    hide(image, rows(drawn[:1]))
    again = image.copy()
    hide(again, rows(drawn[:1]))
    assert np.array_equal(again, image)


def test_noise_around_one_mean_leaves_no_trace_of_its_detail() -> None:
    """Many pictures of one face do not add up to a better one."""
    rng = np.random.default_rng(7)
    hidden = []
    for _ in range(50):
        image = (rng.integers(0, 2, (64, 64, 3)) * 20 + 100).astype(np.uint8)
        hide(image, rows([(16, 16, 32, 32)]))
        hidden.append(image[16:48, 16:48])
    assert all(np.array_equal(one, hidden[0]) for one in hidden)


def test_a_box_that_lies_outside_or_is_none_changes_nothing() -> None:
    image = np.full((20, 30, 3), 77, np.uint8)
    hide(image, rows([(100, 100, 10, 10), (-50, 0, 10, 10), (float("nan"), 0, 5, 5), (0, 0, 0, 0)]))
    hide(image, rows([]))
    assert (image == 77).all()
