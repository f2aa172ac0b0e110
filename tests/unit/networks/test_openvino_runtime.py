"""OpenVINO gives the numbers that ONNX Runtime gives, says what it lacks, and reports to nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from onnx import helper, numpy_helper

from lfrd.config import Inference, Precision
from lfrd.errors import CorruptError, ProviderError, SettingError
from lfrd.models import library
from lfrd.networks import onnx_runtime
from lfrd.networks.loading import load
from lfrd.networks.openvino_runtime import Network, computes_bfloat16, require_bfloat16
from tests.conftest import ROOT
from tests.unit.networks import forgetting_child as child

PRECISIONS = pytest.mark.parametrize(
    "precision",
    [
        "float32",
        pytest.param("bfloat16", marks=pytest.mark.skipif(not computes_bfloat16(), reason="not here")),
    ],
)


def made(precision: Precision = "float32", workers: int = 1) -> Network:
    return Network(Path("layers.onnx"), child.layers(), precision, workers)


def test_it_gives_the_numbers_of_onnx_runtime_whatever_the_pictures_size() -> None:
    reference, network = onnx_runtime.Network(Path("layers"), child.layers(), "cpu", 1), made()
    for side in (32, 64, 32):
        picture = child.picture(side)
        wanted, found = reference({"input": picture}), network({"input": picture})
        assert found.keys() == wanted.keys()
        for name, value in wanted.items():
            assert found[name] == pytest.approx(value, rel=1e-6)
            assert found[name].flags.owndata  # it does not lie in OpenVINO's memory
            assert found[name].dtype == np.float32


def test_an_earlier_answer_stays_what_it_was_when_others_follow() -> None:
    network = made()
    first = network({"input": child.picture(64)})["map"]
    before = first.copy()
    network({"input": child.picture(64) * 2})
    network.workspace.forget()
    assert np.array_equal(first, before)


def test_threads_that_call_at_once_while_it_is_emptied_each_get_their_own_answer() -> None:
    network = made(workers=2)
    wanted = {side: float(network({"input": child.picture(side)})["map"].max()) for side in (16, 32, 48, 64)}

    def called(number: int) -> bool:
        side = 16 + 16 * (number % 4)
        if number % 5 == 0:
            network.workspace.forget()
        found = network({"input": child.picture(side)})["map"]
        return found.shape[-1] == side // 2 and float(found.max()) == wanted[side]

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(called, range(200)))


def test_a_file_that_is_no_network_is_one_line_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "torn.onnx"
    with pytest.raises(CorruptError, match=r"torn\.onnx: OpenVINO cannot load it") as caught:
        Network(path, b"\x08\x08\x12\x04torn", "float32", 1)
    assert "\n" not in str(caught.value)


@PRECISIONS
def test_an_input_that_does_not_fit_is_one_line_and_the_next_call_works(precision: Precision) -> None:
    network = made(precision)
    network({"input": child.picture(32)})
    with pytest.raises(CorruptError, match=r"layers\.onnx: does not run") as caught:
        network({"input": np.zeros((1, 5, 8, 8), np.float32)})
    assert "\n" not in str(caught.value)
    network.workspace.forget()
    assert network({"input": child.picture(32)})["map"].shape == (1, child.CHANNELS, 16, 16)


@PRECISIONS
def test_a_call_that_fails_half_way_spoils_none_that_follow(precision: Precision) -> None:
    network = Network(Path("halves.onnx"), halves(), precision, 1)
    picture = np.arange(3 * 32 * 32, dtype=np.float32).reshape(1, 3, 32, 32)
    before = network({"input": picture})["sum"]
    with pytest.raises(CorruptError, match=r"halves\.onnx: does not run"):
        network({"input": np.ones((1, 3, 31, 31), np.float32)})
    network.workspace.forget()
    assert np.array_equal(network({"input": picture})["sum"], before)


def halves() -> bytes:
    """A network that adds a picture to its own half, enlarged again: sides must be even, and it says so only
    when it has come that far."""
    nodes = [
        helper.make_node("MaxPool", ["picture"], ["half"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Resize", ["half", "", "scales"], ["whole"], mode="nearest"),
        helper.make_node("Add", ["picture", "whole"], ["sum"]),
    ]
    shape: child.Shape = [1, 3, "h", "w"]
    scales = numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "scales")
    return child.saved("halves", nodes, {"picture": shape}, {"sum": shape}, [scales])


def test_where_it_is_not_installed_the_command_that_installs_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ProviderError, match=r"'openvino' is not available: .*`make openvino` installs it"):
        made()


def test_a_processor_that_computes_no_bfloat16_is_never_asked_to() -> None:
    require_bfloat16(["WINOGRAD", "FP32", "BF16", "INT8"])
    with pytest.raises(SettingError, match=r"inference\.precision.*bfloat16.*it has: FP32, INT8.*float32"):
        require_bfloat16(["FP32", "INT8"])


def test_a_packs_networks_see_what_they_see_in_onnx_runtime(builtin: Path, astronaut: Path) -> None:
    import cv2

    pack = library.open_pack(str(builtin), builtin.parent)
    ours, theirs = (
        load(pack, library.networks, Inference(provider=provider), 2) for provider in ("openvino", "cpu")
    )
    assert len(ours.workspaces) == len(pack.files)
    picture = np.asarray(cv2.imread(str(astronaut)), np.uint8)
    found, wanted = (one.detector.detect(picture, low=0.3) for one in (ours, theirs))
    assert len(wanted.boxes)
    assert found.boxes == pytest.approx(wanted.boxes, abs=0.1)
    size = theirs.recogniser.size
    crop = np.asarray(cv2.resize(picture, (size, size)), np.uint8)[None]
    assert ours.recogniser.embed(crop) == pytest.approx(theirs.recogniser.embed(crop), abs=1e-4)


def test_it_opens_no_connection_starts_no_process_and_no_thread_and_writes_no_file(tmp_path: Path) -> None:
    """Loaded as its package would have it, it counts its users at an address of its maker's."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.networks.telling_child"],
        cwd=ROOT,
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "ran\n"
    assert list(tmp_path.rglob("*")) == []
