"""Weights are taken from installed packages only when they are the known ones, and no package is imported."""

from __future__ import annotations

import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from lfrd.errors import CorruptError, MissingError
from lfrd.models.builtin.sources import FACE_RESNET, ONET, PNET, RNET, Source

CONTENT = b"weights"
SOURCE = Source("carrier_of_weights", "carrier-of-weights==1.0", "folder/w.bin", sha256(CONTENT).hexdigest())


@pytest.fixture
def carrier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that carries a file of weights and fails when it is imported."""
    package = tmp_path / "carrier_of_weights"
    (package / "folder").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (package / "folder" / "w.bin").write_bytes(CONTENT)
    monkeypatch.syspath_prepend(str(tmp_path))
    return package


def test_a_package_that_is_not_there_is_named_with_what_to_install() -> None:
    with pytest.raises(MissingError, match=r"pip install carrier-of-weights==1\.0"):
        SOURCE.read()


def test_a_module_that_is_no_package_counts_as_not_there() -> None:
    with pytest.raises(MissingError, match="not installed"):
        replace(SOURCE, package="string").read()


def test_the_weights_are_read_without_importing_their_package(carrier: Path) -> None:
    assert SOURCE.read() == CONTENT
    assert SOURCE.package not in sys.modules


def test_a_package_without_its_file_is_to_be_installed_again(carrier: Path) -> None:
    (carrier / "folder" / "w.bin").unlink()
    with pytest.raises(MissingError, match=r"w\.bin: missing from .*--force-reinstall"):
        SOURCE.read()


def test_other_bytes_are_refused_before_they_are_decoded(carrier: Path) -> None:
    (carrier / "folder" / "w.bin").write_bytes(CONTENT + b"!")
    with pytest.raises(CorruptError, match="not the weights") as caught:
        SOURCE.read()
    assert caught.value.path == carrier / "folder" / "w.bin"


@pytest.mark.parametrize("source", [PNET, RNET, ONET, FACE_RESNET], ids=lambda source: source.path)
def test_the_installed_packages_carry_the_known_weights(source: Source) -> None:
    assert source.read()
    assert source.package not in sys.modules
