"""Provenance: what a second person needs, and no name of a file or folder."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import pytest

import lfrd
from lfrd.evaluation.report import provenance
from lfrd.evaluation.report.document import Data
from lfrd.models.shelf import described
from tests.unit.models import packs

DATA = Data("gallery", "ab" * 32, {"people": 3})


def test_it_names_version_machine_pack_files_data_seed_and_settings(tmp_path: Path) -> None:
    pack = described(packs.make(tmp_path / "small"))
    made = provenance.of(
        pack, [DATA], 7, {"sizes": (100, 1000), "mirror": True, "fpir": 0.001}, "lfrd x", on=date(2026, 3, 14)
    )
    assert made.version == lfrd.__version__
    assert "cores" in made.machine
    assert (made.pack, made.pack_digest) == ("small", pack.manifest.digest)
    assert sorted(made.files.values()) == sorted(pack.digests.values())
    assert made.data == (DATA,)
    assert made.seed == 7
    assert made.settings == {"sizes": "100, 1000", "mirror": "yes", "fpir": "0.001"}
    assert made.measured_on == "2026-03-14"


def test_the_command_is_this_process_s_own_without_names_of_files_and_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = described(packs.make(tmp_path / "small"))
    (tmp_path / "jane-doe").mkdir()
    monkeypatch.chdir(tmp_path)
    words = ["identify", "jane-doe", "/srv/jane/probes", "--pack=./small", "--seed", "7"]
    monkeypatch.setattr(sys, "argv", ["/usr/bin/lfrd", "evaluate", *words, "--report", "jane/r.html"])
    made = provenance.of(pack, [DATA], None)
    assert made.command == "lfrd evaluate identify FOLDER FOLDER --pack=FOLDER --seed 7 --report FILE"
    assert "jane" not in repr(made)


def test_a_folder_called_lfrd_does_not_hide_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lfrd").mkdir()
    monkeypatch.chdir(tmp_path)
    assert provenance.without_paths(["lfrd", "evaluate", "plan"]) == "lfrd evaluate plan"
