"""The builtin pack appears complete or not at all, and is the same every time."""

from __future__ import annotations

import errno
import hashlib
import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lfrd.errors import CorruptError, MissingError, StoreError
from lfrd.models.builtin import convert
from lfrd.models.builtin.card import CALIBRATIONS
from lfrd.models.builtin.convert import build
from lfrd.vision.pack import Manifest, parse_manifest

FILES = {"pack.toml", "pnet.onnx", "rnet.onnx", "onet.onnx", "recogniser.onnx"}
ROOT = Path(__file__).resolve().parents[3]


def quietly(share: float, what: str) -> None:
    pass


def contents(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def manifest(folder: Path) -> Manifest:
    return parse_manifest((folder / "pack.toml").read_text(encoding="utf-8"), folder / "pack.toml")


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "packs" / "builtin"
    build(folder, quietly)
    return folder


def test_the_pack_holds_four_networks_and_a_manifest_with_their_digests(pack: Path) -> None:
    found = contents(pack)
    assert set(found) == FILES
    described = manifest(pack)
    assert described.name == "builtin"
    assert {named.file: named.sha256 for named in described.files.values()} == {
        name: digest for name, digest in found.items() if name.endswith(".onnx")
    }


def test_the_card_says_what_was_measured_and_that_the_pack_is_weak(pack: Path) -> None:
    described = manifest(pack)
    assert described.calibration == CALIBRATIONS
    assert [row.kind for row in CALIBRATIONS] == ["picture", "track"]
    assert all(row.extrapolated and row.tail for row in CALIBRATIONS)
    assert "Weaker than the zoo's pack" in described.card
    for row in CALIBRATIONS:
        assert f"{row.tpir[0][1]:.3f} at FPIR {row.tpir[0][0]:g}" in described.card


def test_the_five_points_lie_in_the_aligned_face_left_to_right(pack: Path) -> None:
    points = manifest(pack).recogniser.template_points
    assert ((points > 0) & (points < 150)).all()
    assert points[0, 0] < points[2, 0] < points[1, 0]
    assert points[3, 0] < points[4, 0]


def test_a_second_build_gives_the_same_bytes_and_replaces_the_first(pack: Path, tmp_path: Path) -> None:
    folder = tmp_path / "builtin"
    folder.mkdir()
    (folder / "left over").write_text("from another version")
    build(folder, quietly)
    assert contents(folder) == contents(pack)
    assert {path.name for path in tmp_path.iterdir()} == {"builtin", ".builtin.lock"}


def test_progress_rises_from_0_to_1_and_says_what_is_done(tmp_path: Path) -> None:
    said: list[tuple[float, str]] = []
    build(tmp_path / "builtin", lambda share, what: said.append((share, what)))
    shares = [share for share, _ in said]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert all(what for _, what in said)


def test_a_killed_build_leaves_no_pack_and_the_next_one_cleans_up(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path; from lfrd.models.builtin.convert import build\n"
        "def die(share, what):\n"
        "    if share > 0.3: os.kill(os.getpid(), signal.SIGKILL)\n"
        "build(Path(sys.argv[1]), die)"
    )
    folder = tmp_path / "builtin"
    died = subprocess.run([sys.executable, "-c", program, str(folder)], cwd=ROOT, timeout=120, check=False)
    assert died.returncode == -signal.SIGKILL
    assert not folder.exists()
    assert (tmp_path / ".builtin.building" / "onet.onnx").exists()
    build(folder, quietly)
    assert set(contents(folder)) == FILES
    assert {path.name for path in tmp_path.iterdir()} == {"builtin", ".builtin.lock"}


def test_a_build_that_fails_leaves_the_older_pack_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "builtin"
    folder.mkdir()
    (folder / "pack.toml").write_text("older")

    def fail(share: float, what: str) -> None:
        if share > 0.3:
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        build(folder, fail)
    assert (folder / "pack.toml").read_text() == "older"
    assert {path.name for path in tmp_path.iterdir()} == {"builtin", ".builtin.lock"}


def test_a_full_disk_is_one_line_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"No space left on device.*free some space"):
        build(tmp_path / "builtin", quietly)
    assert not (tmp_path / "builtin").exists()


def test_a_runtime_that_computes_something_else_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convert, "TOLERANCE", 0.0)
    with pytest.raises(CorruptError, match="other values in ONNX Runtime than in NumPy"):
        build(tmp_path / "builtin", quietly)
    assert not (tmp_path / "builtin").exists()


def test_without_the_package_of_weights_nothing_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingError, match=r"needs the package mtcnn==1\.0\.0.*pip install mtcnn==1\.0\.0"):
        build(tmp_path / "builtin", quietly)
    assert not (tmp_path / "builtin").exists()
