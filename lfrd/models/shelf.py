"""The folder of packs on this box, and how it is changed without ever showing half a pack.

DATA/models/NAME/ holds a pack. Whatever changes there is made ready beside it, under a name that begins with
a dot, and renamed into place under the shelf's lock.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lfrd.errors import CorruptError, DigestError, MissingError, StoreError
from lfrd.vision.pack import MANIFEST, Pack, parse_manifest

LARGEST_MANIFEST = 1 << 20  # bytes; far above any card, far below what could hurt

Progress = Callable[[float, str], None]
"""Told how much of the whole is done, 0..1, and what is being done."""


def shelf(data: Path) -> Path:
    """The folder of all packs."""
    return data / "models"


def is_name(name: str) -> bool:
    """Whether this can be a pack's folder on the shelf: never a path, never hidden."""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name) is not None


def folders(data: Path) -> list[Path]:
    """The packs' folders, by name; none where there is no shelf yet."""
    try:
        return sorted(path for path in shelf(data).iterdir() if path.is_dir() and is_name(path.name))
    except OSError:
        return []


def described(folder: Path) -> Pack:
    """The pack in a folder by its manifest alone."""
    path = folder / MANIFEST
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_MANIFEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        problem = "no pack.toml in this folder" if folder.is_dir() else "no such folder"
        raise MissingError(f"{folder}: {problem}; a model pack is a folder with a pack.toml") from None
    except OSError as error:
        raise MissingError(f"{path}: cannot be read ({error.strerror})") from None
    if len(content) > LARGEST_MANIFEST:
        raise CorruptError(path, f"larger than {LARGEST_MANIFEST} bytes: not a manifest")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise CorruptError(path, "not UTF-8 text") from None
    return Pack(folder, parse_manifest(text, path))


def checked(folder: Path) -> Pack:
    """The pack in a folder, every file's digest compared."""
    pack = described(folder)
    for role, path in pack.files.items():
        found = digest(path)
        if found != pack.digests[role]:
            raise DigestError(path, pack.digests[role], found)
    return pack


def digest(path: Path) -> str:
    """SHA-256 of a file. Raises MissingError."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise MissingError(f"{path}: no such file, but the pack lists it; install the pack again") from None
    except OSError as error:
        raise MissingError(f"{path}: cannot be read ({error.strerror})") from None


def copy_checked(source: Path, target: Path, wanted: str | None) -> None:
    """Copy a file and compare what was written with its digest; a wrong copy is taken away again. Raises
    MissingError, DigestError or StoreError."""
    if not source.is_file():
        raise MissingError(f"{source}: no such file, but the pack lists it")
    with writing(target):
        shutil.copyfile(source, target)
    if wanted is not None:
        found = digest(target)
        if found != wanted:
            target.unlink()
            raise DigestError(source, wanted, found)


@contextmanager
def changing(data: Path) -> Iterator[None]:
    """Held while the shelf changes; another process waits for it. The lock dies with its process.

    Where a process was killed between putting an old pack aside and the new one in its place, the old one is
    put back first. Raises StoreError where the data folder cannot be written.
    """
    folder = shelf(data)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        handle = (folder / ".lock").open("a")
    with handle:
        with writing(folder):
            fcntl.flock(handle, fcntl.LOCK_EX)
            for aside in folder.glob(".*.old"):
                target = folder / aside.name[1:].removesuffix(".old")
                if not target.exists():
                    aside.rename(target)
        yield


@contextmanager
def staged(name: str, data: Path) -> Iterator[Path]:
    """An empty folder beside the packs, gone afterwards unless it was put in place. Only within `changing`:
    what a killed process left there is cleared first."""
    stage = shelf(data) / f".{name}.new"
    with writing(stage):
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir(parents=True)
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def put_in_place(stage: Path, name: str, data: Path) -> Pack:
    """Make a finished folder the pack of that name. Only within `changing`.

    Nothing is synced: a pack that a power cut has holed is found by its digests when it is opened.
    """
    target, aside = shelf(data) / name, shelf(data) / f".{name}.old"
    with writing(target):
        shutil.rmtree(aside, ignore_errors=True)
        if target.exists():
            target.rename(aside)
        stage.rename(target)
        shutil.rmtree(aside, ignore_errors=True)
    return described(target)


def take_away(name: str, data: Path) -> None:
    """Remove a pack's folder. Only within `changing`."""
    with writing(shelf(data) / name):
        doomed = shelf(data) / f".{name}.new"
        shutil.rmtree(doomed, ignore_errors=True)
        (shelf(data) / name).rename(doomed)
        shutil.rmtree(doomed)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns a disk's refusals into StoreError."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreError(f"{path}: the disk is full; free some space and try again") from None
        raise StoreError(f"{path}: cannot be written ({error.strerror})") from None
