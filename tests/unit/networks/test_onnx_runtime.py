"""Networks run where they were asked to, and what a face left in ONNX Runtime's memory is overwritten."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from lfrd import memory
from lfrd.errors import CorruptError, ProviderError
from lfrd.models import library
from lfrd.networks.onnx_runtime import Network, arena
from tests.conftest import ROOT
from tests.journeys.marks import found_in_memory
from tests.unit.networks import forgetting_child as child


def test_a_provider_that_is_not_there_is_an_error_and_never_the_cpu(builtin: Path) -> None:
    assert "CUDAExecutionProvider" not in ort.get_available_providers()
    pack = library.open_pack(str(builtin), builtin.parent)
    path = pack.files["recogniser"]
    with pytest.raises(ProviderError, match=r"'cuda' is not available .*\(it has: .*cpu"):
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


@pytest.mark.skipif(
    not memory.can_overwrite_freed(), reason="this C library does not overwrite what is freed"
)
def test_what_layers_made_of_a_picture_is_nowhere_once_the_workspace_was_emptied() -> None:
    marks = {str(side): child.marks(side) for side in child.SIDES}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.unit.networks.forgetting_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ran\n"
        found = found_in_memory(process.pid, marks)
        assert found[str(child.SIDES[-1])] > 0  # the search works
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"forgotten\n"
        assert found_in_memory(process.pid, marks) == dict.fromkeys(marks, 0)
        process.stdin.write(b"\n")
        process.stdin.flush()
    assert process.returncode == 0
