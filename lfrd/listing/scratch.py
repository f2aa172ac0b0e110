"""A private folder for a package's pictures in the clear: in memory where possible, wiped and removed."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lfrd.errors import StoreError

PREFIX = "lfrd-package-"
MEMORY = (Path("/dev/shm"),)  # noqa: S108 - a folder of our own is made in it
"""Where Linux has a file system in memory."""
_LOCK = "lock"
_SPARE = 64 << 20
"""Bytes of room left beside what is needed."""
_PIECE = bytes(1 << 20)


@contextmanager
def scratch(need: int, fallback: Path) -> Iterator[Path]:
    """A new folder (0700) with room for `need` bytes, gone with all that is in it when the block is left.

    In the first of MEMORY that has the room; else in `fallback`, a folder on disk. What processes that were
    killed have left behind in any of them is removed first: its owner's lock went with it. Raises StoreError
    where there is no room.
    """
    places = [place for place in MEMORY if place.is_dir() and os.access(place, os.W_OK)]
    for place in (*places, fallback):
        sweep(place)
    for place in places:
        if shutil.disk_usage(place).free >= need + _SPARE:
            break
    else:
        place = fallback
        if shutil.disk_usage(place).free < need + _SPARE:
            raise StoreError(
                f"{place}: no room for the package's pictures; about {-(-need >> 20)} MiB are needed there"
            )
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield folder
    finally:
        try:
            destroy(folder)
        finally:
            os.close(descriptor)


def sweep(place: Path) -> int:
    """Remove the folders here whose process is gone; returns how many."""
    gone = 0
    with suppress(OSError):
        for folder in place.glob(f"{PREFIX}*"):
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                continue
            with suppress(OSError):
                descriptor = os.open(
                    folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
                )
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    destroy(folder)
                    gone += 1
                finally:
                    os.close(descriptor)
    return gone


def destroy(folder: Path) -> None:
    """Overwrite every file with zeros, then remove everything. On a disk that writes elsewhere (flash, a
    journal) overwriting is best effort; in memory it is not."""
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                _overwrite(Path(parent) / name)
    shutil.rmtree(folder)


def _overwrite(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        left = os.fstat(descriptor).st_size
        while left > 0:
            left -= os.write(descriptor, _PIECE[:left])
    finally:
        os.close(descriptor)
