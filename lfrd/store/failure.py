"""SQLite's failures in words: what failed, where, and what a person can do about it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lfrd.errors import StoreError

_SPARE = 1 << 20
"""Bytes. An input or output error with less than this left beside what was needed is told as a full disk."""


@contextmanager
def in_words(path: Path, need: int = 0) -> Iterator[None]:
    """Turn what SQLite says about the file or the disk into StoreError.

    need: bytes about to be written, for the message. A statement that is wrong, or that a constraint
    forbids, is a bug of ours and goes through as it is.
    """
    try:
        yield
    except sqlite3.Error as error:
        message = explain(error, path, need)
        if message is None:
            raise
        raise StoreError(message) from error


def explain(error: sqlite3.Error, path: Path, need: int) -> str | None:
    """One line for a person, or None where the error is not about the file or the disk."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    name: str = getattr(error, "sqlite_errorname", "")
    primary = code & 0xFF  # extended result codes keep the kind in the low byte
    if primary == sqlite3.SQLITE_FULL:
        return _full(path, need)
    if primary == sqlite3.SQLITE_IOERR:
        free = _free(path)
        if free is not None and free < need + _SPARE:
            return _full(path, need)
        return f"{path}: the disk does not read or write ({name}); look at its health and the system's log"
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return damaged(path)
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"{path}: another program holds the database; close it"
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return f"{path}: cannot be opened for writing ({name}); check its owner and that the disk is writable"
    return None


def damaged(path: Path) -> str:
    return (
        f"{path}: damaged, or not a database; keep a copy, then put a backup in its place or move it away "
        f"(and {path.name}-wal, if there is one) to begin with an empty one"
    )


def require_room(path: Path, need: int) -> None:
    """Raises StoreError where the disk of `path` has less than `need` bytes left.

    Asked before cameras may run: who starts on a full disk would say that all is well until the first alert.
    """
    free = _free(path)
    if free is not None and free < need:
        raise StoreError(_full(path, need))


def _full(path: Path, need: int) -> str:
    free = _free(path)
    have = "" if free is None else f"; {_size(free)} free"
    want = f" (about {_size(need)} needed{have})" if need else f" ({have.removeprefix('; ')})" if have else ""
    return f"{path}: no room left on its disk{want}; nothing was stored: make room there and start lfrd again"


def _free(path: Path) -> int | None:
    try:
        return shutil.disk_usage(path.parent).free
    except OSError:
        return None


def _size(count: int) -> str:
    """1536 as '2 KiB': rounded up, since it says what is needed."""
    if count < 10 << 20:
        return f"{-(-count // 1024)} KiB"
    return f"{-(-count // (1 << 20))} MiB"
