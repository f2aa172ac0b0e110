"""What a face left in a runtime's memory is overwritten."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lfrd import memory
from lfrd.networks.openvino_runtime import computes_bfloat16
from tests.conftest import ROOT
from tests.journeys.marks import Marks, found_in_memory
from tests.unit.networks import forgetting_child as child

where_what_is_freed_is_overwritten = pytest.mark.skipif(
    not memory.can_overwrite_freed(), reason="this C library does not overwrite what is freed"
)


@where_what_is_freed_is_overwritten
@pytest.mark.parametrize("runtime", ["onnx_runtime", "openvino_runtime"])
def test_what_layers_made_of_a_picture_is_nowhere_once_the_workspace_was_emptied(runtime: str) -> None:
    assert_forgotten(runtime, {str(side): child.marks(side) for side in child.SIDES})


@where_what_is_freed_is_overwritten
@pytest.mark.skipif(not computes_bfloat16(), reason="this processor does not compute in bfloat16")
def test_rows_of_a_picture_that_kernels_keep_in_bfloat16_are_overwritten_as_well() -> None:
    assert_forgotten("bfloat16", {str(side): child.faint_marks(side) for side in child.SIDES})


def test_no_template_is_left_by_openvino_though_it_is_smaller_than_what_the_c_library_overwrites() -> None:
    marks = {str(side): child.template_marks(side) for side in child.SIDES}
    assert_forgotten("recogniser", marks, is_left=False)


def assert_forgotten(runtime: str, marks: Marks, *, is_left: bool = True) -> None:
    """marks: by the side of the pictures that the child sees. is_left: whether the last one's must be there
    before, or the search does not work."""
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
        assert not is_left or found[str(child.SIDES[-1])] > 0
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"forgotten\n"
        assert found_in_memory(process.pid, marks) == dict.fromkeys(marks, 0)
        process.stdin.write(b"\n")
        process.stdin.flush()
    assert process.returncode == 0
