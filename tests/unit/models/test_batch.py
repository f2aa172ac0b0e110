from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lfrd.models.batch import FixedBatchError, make_batch_dynamic
from tests.unit.vision import networks


@pytest.mark.parametrize("shape_as", ["initializer", "constant"])
def test_a_network_for_one_face_takes_many_and_gives_the_same(shape_as: str) -> None:
    original = networks.recogniser(batch=1, shape_as=shape_as)
    faces = np.random.default_rng(1).normal(size=(16, 3, 16, 16)).astype(np.float32)
    one_by_one = [networks.runner(original)({"input": faces[i : i + 1]})["template"] for i in range(16)]
    together = networks.runner(make_batch_dynamic(original))({"input": faces})["template"]
    np.testing.assert_allclose(together, np.concatenate(one_by_one), atol=1e-6)


def test_a_network_for_many_faces_is_left_as_it_is() -> None:
    original = networks.recogniser(batch="n")
    assert make_batch_dynamic(original) is original
    rewritten = make_batch_dynamic(networks.recogniser(batch=1))
    assert make_batch_dynamic(rewritten) is rewritten


def test_a_network_that_mixes_its_batch_is_refused() -> None:
    with pytest.raises(FixedBatchError, match="do not give what they give one by one"):
        make_batch_dynamic(networks.of_one_picture_only())


@pytest.mark.parametrize("content", [b"", b"not a network", networks.recogniser(batch=1)[:-40]])
def test_bytes_that_are_no_network_are_refused(content: bytes) -> None:
    with pytest.raises(FixedBatchError):
        make_batch_dynamic(content)


def test_the_field_recogniser_gives_sixteen_faces_what_it_gives_each(shared: Path) -> None:
    original = (shared / "models" / "field" / "mobilefacenet_128.onnx").read_bytes()
    faces = np.random.default_rng(1).normal(size=(16, 3, 112, 112)).astype(np.float32)
    run = networks.runner(original)
    one_by_one = np.concatenate([run({"input": faces[i : i + 1]})["output0"] for i in range(16)])
    together = networks.runner(make_batch_dynamic(original))({"input": faces})["output0"]
    np.testing.assert_allclose(together, one_by_one, atol=1e-5)
