"""A file with a secret is there whole or not at all, and nobody else may use it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lfrd.errors import SettingError
from lfrd.sealing.lasting import require_own, whole


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secret"


def put(
    path: Path, text: bytes, *, new: bool = False, meanwhile: Callable[[], object] = lambda: None
) -> None:
    with whole(path, new=new) as file:
        file.write(text)
        meanwhile()


def fail() -> None:
    raise BufferError


def test_a_file_that_is_filled_takes_the_old_ones_place_for_its_owner_alone(path: Path) -> None:
    for text in (b"first", b"second"):
        with whole(path) as file:
            file.write(text)
            assert not path.exists() or path.read_bytes() == b"first"
        assert path.read_bytes() == text
        assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_block_that_fails_leaves_what_was_there_and_nothing_half(path: Path) -> None:
    put(path, b"first")
    with pytest.raises(BufferError):
        put(path, b"seco", meanwhile=fail)
    assert path.read_bytes() == b"first"
    assert list(path.parent.iterdir()) == [path]


def test_a_new_file_takes_nobodys_place(path: Path) -> None:
    with pytest.raises(FileExistsError):
        put(path, b"second", new=True, meanwhile=lambda: path.write_bytes(b"another process was first"))
    assert path.read_bytes() == b"another process was first"
    assert list(path.parent.iterdir()) == [path]


def test_what_a_killed_process_of_the_same_number_left_is_in_nobodys_way(path: Path) -> None:
    path.with_name(f".{path.name}.{os.getpid()}.half").write_bytes(b"hal")
    put(path, b"whole", new=True)
    assert path.read_bytes() == b"whole"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o700])
def test_a_file_that_others_may_use_is_refused(path: Path, mode: int) -> None:
    path.touch()
    path.chmod(mode)
    with pytest.raises(SettingError, match=r"site\.key: others may use .*chmod 600"):
        require_own(path, path.stat(), "site.key")


def test_what_is_no_file_or_anothers_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingError, match="is no file"):
        require_own(path.parent, path.parent.stat(), "site.key")
    path.touch(0o600)
    require_own(path, path.stat(), "site.key")
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(SettingError, match="belongs to another user"):
        require_own(path, path.stat(), "site.key")
