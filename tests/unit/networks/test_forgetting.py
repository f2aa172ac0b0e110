"""What a face left in a runtime's memory is overwritten."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lfrd import memory
from tests.conftest import ROOT
from tests.journeys.marks import found_in_memory
from tests.unit.networks import forgetting_child as child


@pytest.mark.skipif(
    not memory.can_overwrite_freed(), reason="this C library does not overwrite what is freed"
)
@pytest.mark.parametrize("runtime", ["onnx_runtime", "openvino_runtime"])
def test_what_layers_made_of_a_picture_is_nowhere_once_the_workspace_was_emptied(runtime: str) -> None:
    marks = {str(side): child.marks(side) for side in child.SIDES}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.unit.networks.forgetting_child", runtime],
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
