"""Networks run where they were asked to, in one memory, with the same numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from lfrd.errors import CorruptError, ProviderError
from lfrd.models import library
from lfrd.networks.onnx_runtime import Network, arena
from tests.unit.networks import forgetting_child as child


def test_a_provider_that_is_not_there_is_an_error_and_never_the_cpu(builtin: Path) -> None:
    assert "CUDAExecutionProvider" not in ort.get_available_providers()
    pack = library.open_pack(str(builtin), builtin.parent)
    path = pack.files["recogniser"]
    with pytest.raises(ProviderError, match=r"'cuda' is not available: .*\(it has: .*cpu"):
        Network(path, path.read_bytes(), "cuda", 1)


def test_a_file_that_is_no_network_is_one_line_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "torn.onnx"
    with pytest.raises(CorruptError, match=r"torn\.onnx: ONNX Runtime cannot load it") as caught:
        Network(path, b"\x08\x08\x12\x04torn", "cpu", 1)
    assert "\n" not in str(caught.value)


def test_the_arena_is_one_and_gives_the_same_numbers() -> None:
    alone = Network(Path("layers"), child.layers(), "cpu", 1)
    inside = Network(Path("layers"), child.layers(), "cpu", 1, arena())
    assert arena() is arena()
    for side in (32, 64, 32):
        picture = child.picture(side)
        wanted, found = alone({"input": picture}), inside({"input": picture})
        assert found.keys() == wanted.keys()
        for name, value in wanted.items():
            assert np.array_equal(found[name], value)
            assert found[name].flags.owndata  # it does not lie in the arena
