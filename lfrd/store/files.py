"""The store's folder, file and lock: kept from other users, and used by one process at a time."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lfrd.errors import BusyError, StoreError
from lfrd.sealing.lasting import sync

LOCK_NAME = "lfrd.lock"

_PIECE = 1 << 20  # bytes read at once


def prepare(path: Path) -> Path:
    """Make the database's folder (0700) and file (0600) where they are not there yet; returns its whole path.

    A folder that was there keeps its mode, because it may hold more than the store (`data = "."`), except
    that others lose the right to write to it: they could put another file in the database's place. Raises
    StoreError where that right cannot be taken away, or where folder or file cannot be made.
    """
    try:
        _prepare_folder(path.parent)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        if stat.S_IMODE(path.stat().st_mode) != 0o600:
            path.chmod(0o600)
        return path.absolute()
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be opened for writing ({error.strerror}); check site.data and who owns it"
        ) from None


def _prepare_folder(folder: Path) -> None:
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True)
        sync(folder.parent)
    found = folder.stat()
    if not found.st_mode & 0o022:
        return
    if found.st_uid != os.geteuid() or found.st_mode & stat.S_ISVTX:
        raise StoreError(
            f"{folder}: other users of this machine may write to this folder; set site.data to another"
        )
    folder.chmod(stat.S_IMODE(found.st_mode) & ~0o022)


@contextmanager
def held(path: Path) -> Iterator[int]:
    """A descriptor to read the database's own bytes with, for as long as connections to it are open.

    To close any descriptor of a file gives up every POSIX lock that the process has on it, SQLite's too: a
    command beside the server would then take itself for the last one, and remove the log that the server goes
    on writing (https://www.sqlite.org/howtocorrupt.html, 2.2). So this one is opened before the first
    connection and closed after the last, and the file is never opened again in between.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def contains(descriptor: int, wanted: Sequence[bytes]) -> bool:
    """Whether any of some short byte strings lies in the file. Reads it all, a piece at a time."""
    overlap = max(map(len, wanted), default=1) - 1
    tail, at = b"", 0
    while piece := os.pread(descriptor, _PIECE, at):
        if any(one in tail + piece for one in wanted):
            return True
        at += len(piece)
        tail = (tail + piece)[-overlap:] if overlap else b""
    return False


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for this process. Raises BusyError where another one (or another opening) has it.

    The kernel lets go of the lock with the process, however it dies; the file stays, since removing it would
    let two processes hold locks on two files of one name.
    """
    file = folder / LOCK_NAME
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"{file}: cannot be opened ({error.strerror}); check who owns it") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
            raise BusyError(
                f"{folder}: in use by another lfrd process{f' ({holder})' if holder.isdigit() else ''}; "
                "stop that one, or set site.data to another folder"
            ) from None
        _write_holder(descriptor)
        yield
    finally:
        os.close(descriptor)


def _write_holder(descriptor: int) -> None:
    """The process's number, for the message that the next one shows. A full disk must not stop the start."""
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except OSError:
        return
