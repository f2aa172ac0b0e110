from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest

from lfrd.models.batch import make_batch_dynamic
from lfrd.types import F32, U8
from lfrd.vision.adapters import Runner
from lfrd.vision.alignment import ARCFACE_112
from lfrd.vision.dense import UnfitModel
from lfrd.vision.recognition import ArcfaceRecogniser
from tests.unit.vision import networks


def made(run: Runner, *, rgb: bool = True, mirror: bool = False, dim: int = 8) -> ArcfaceRecogniser:
    return ArcfaceRecogniser(
        run,
        size=16,
        dim=dim,
        rgb=rgb,
        mean=(10, 20, 30),
        std=(1, 2, 4),
        mirror=mirror,
        template_points=np.divide(ARCFACE_112, 7, dtype=np.float32),
    )


def noise(n: int, seed: int = 5) -> U8:
    return np.random.default_rng(seed).integers(0, 256, (n, 16, 16, 3), dtype=np.uint8)


def test_every_template_has_length_one_and_its_face_s_place() -> None:
    recogniser = made(networks.runner(networks.recogniser()))
    faces = noise(5)
    together = recogniser.embed(faces)
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, rtol=1e-6)
    one_by_one = np.concatenate([recogniser.embed(face[None]) for face in faces])
    np.testing.assert_allclose(together, one_by_one, atol=1e-6)


def test_no_faces_do_not_trouble_the_network() -> None:
    def never(inputs: Mapping[str, F32]) -> dict[str, F32]:
        raise AssertionError("the network was run")

    assert made(never).embed(noise(0)).shape == (0, 8)


@pytest.mark.parametrize("rgb", [True, False])
def test_channels_are_ordered_and_scaled_as_the_model_wants(rgb: bool) -> None:
    seen: list[F32] = []

    def watch(inputs: Mapping[str, F32]) -> dict[str, F32]:
        seen.append(inputs["input"].copy())
        return {"template": np.ones((len(inputs["input"]), 8), np.float32)}

    blue, green, red = 50, 60, 70
    made(watch, rgb=rgb).embed(np.full((1, 16, 16, 3), (blue, green, red), np.uint8))
    first, last = (red, blue) if rgb else (blue, red)
    expected = [(first - 10) / 1, (green - 20) / 2, (last - 30) / 4]
    np.testing.assert_allclose(seen[0][0, :, 3, 3], expected, rtol=1e-6)


def test_with_mirror_a_face_and_its_mirror_image_have_one_template() -> None:
    recogniser = made(networks.runner(networks.recogniser()), mirror=True)
    faces = noise(3)
    one, other = recogniser.embed(faces), recogniser.embed(faces[:, :, ::-1])
    np.testing.assert_allclose(one, other, atol=1e-5)
    plain = made(networks.runner(networks.recogniser()))
    assert np.abs(plain.embed(faces) - plain.embed(faces[:, :, ::-1])).max() > 0.01


def test_mirrored_outputs_are_summed_before_they_are_normalised() -> None:
    raw = np.array([[3, 0, 0], [0, 4, 0]], np.float32)  # a face, then its mirror image
    recogniser = made(lambda inputs: {"template": raw.copy()}, mirror=True, dim=3)
    np.testing.assert_allclose(recogniser.embed(noise(1)), [[0.6, 0.8, 0]], rtol=1e-6)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_face_without_direction_is_like_nobody(value: float) -> None:
    def gives(inputs: Mapping[str, F32]) -> dict[str, F32]:
        out = np.ones((len(inputs["input"]), 8), np.float32)
        out[0] = value
        return {"template": out}

    vectors = made(gives).embed(noise(2))
    assert not vectors[0].any()
    np.testing.assert_allclose(np.linalg.norm(vectors[1]), 1, rtol=1e-6)


def test_a_network_of_other_dimensions_is_named_as_unfit() -> None:
    recogniser = made(networks.runner(networks.recogniser(dim=12)), dim=8)
    with pytest.raises(UnfitModel, match=r"for 2 faces the network gives \[2, 12\], not \[2, 8\]"):
        recogniser.embed(noise(2))
    with pytest.raises(ValueError, match="faces must be"):
        recogniser.embed(np.zeros((1, 20, 20, 3), np.uint8))


def test_what_went_into_the_network_is_overwritten() -> None:
    kept: list[F32] = []

    def keep(inputs: Mapping[str, F32]) -> dict[str, F32]:
        kept.append(inputs["input"])
        return {"template": np.ones((len(inputs["input"]), 8), np.float32)}

    made(keep).embed(noise(2))
    assert not kept[0].any()


def test_the_field_recogniser_tells_the_astronaut_from_noise(shared: Path, astronaut: Path) -> None:
    content = (shared / "models" / "field" / "mobilefacenet_128.onnx").read_bytes()
    recogniser = ArcfaceRecogniser(
        networks.runner(make_batch_dynamic(content)),
        size=112,
        dim=128,
        rgb=True,
        mean=(123.675, 116.28, 103.53),
        std=(58.395, 57.12, 57.375),
        mirror=False,
        template_points=ARCFACE_112,
    )
    image = cv2.imread(str(astronaut))
    assert image is not None
    face = cv2.resize(image[60:172, 168:280], (112, 112))
    brighter = np.clip(face.astype(int) + 12, 0, 255)
    faces = np.stack([face, brighter, np.random.default_rng(1).integers(0, 256, face.shape)]).astype(np.uint8)
    same, brightened, other = recogniser.embed(faces)
    assert same @ brightened > 0.9
    assert same @ other < 0.5
