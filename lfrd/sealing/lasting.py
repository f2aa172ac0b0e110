"""Files that last: written whole or not at all, safe from a power cut, and for their owner alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from lfrd.errors import SettingError


@contextmanager
def whole(path: Path, *, new: bool = False) -> Iterator[BinaryIO]:
    """A file (0600) to be filled; it takes its place, in one step, when the block ends well.

    new: FileExistsError where there is one already, so that two processes never make two. Otherwise it takes
    the old one's place. Raises OSError where it cannot be written; what was there then stays as it was.
    """
    half = path.with_name(f".{path.name}.{os.getpid()}.half")
    half.unlink(missing_ok=True)
    try:
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        if new:
            os.link(half, path)
        else:
            half.replace(path)
    finally:
        half.unlink(missing_ok=True)
    sync(path.parent)


def sync(folder: Path) -> None:
    """A changed entry of a folder survives a power cut only when the folder itself has been synced."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def require_outside(path: Path, data: Path, setting: str, *, held: str, name: str) -> None:
    """Raises SettingError, naming the setting, where a whole path of what must never be taken together with
    the data folder lies in it. held, name: what is there, and what to name instead, in words."""
    if path.is_relative_to(data):
        raise SettingError(
            setting, f"{path} lies in the data folder, and whoever takes that would have the {held} as well; "
            f"name a {name} elsewhere"
        )  # fmt: skip


def require_own(path: Path, found: os.stat_result, setting: str) -> None:
    """Raises SettingError, naming the setting, where a file is none, or not ours alone to read and write."""
    if not stat.S_ISREG(found.st_mode):
        raise SettingError(setting, f"{path} is no file")
    if found.st_uid != os.geteuid():
        raise SettingError(setting, f"{path} belongs to another user; it must be lfrd's own")
    if stat.S_IMODE(found.st_mode) & ~0o600:
        raise SettingError(setting, f"others may use {path}; make it lfrd's alone: chmod 600 {path}")
