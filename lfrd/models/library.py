"""The packs that are installed on this box: opened, put in, checked and taken out, never half of one.

DATA/models/NAME/ holds a pack: its pack.toml and the files that it lists. Whatever changes there is made ready
beside it, under a name that begins with a dot, and renamed into place under the library's lock.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lfrd.errors import CorruptError, DigestError, LfrdError, MissingError, StoreError
from lfrd.models.builtin import convert
from lfrd.vision.pack import MANIFEST, Pack, parse_manifest

BUILTIN = "builtin"
"""The pack that is made from installed packages; no other may take its name."""

LARGEST_MANIFEST = 1 << 20  # bytes; far above any card, far below what could hurt

BuildProgress = Callable[[str, float], object]
"""Told what is being made, and the share of all that is done, 0..1."""


@dataclass(frozen=True, slots=True)
class Installed:
    """One folder under DATA/models: the pack, or the reason why it is none."""

    name: str
    folder: Path
    pack: Pack | None
    problem: str | None


def shelf(data: Path) -> Path:
    """The folder of all packs."""
    return data / "models"


def open_pack(name_or_folder: str, data: Path) -> Pack:
    """An installed pack by name, or one in any folder; every file's digest is checked.

    A value with a path separator, or that names a folder with a pack.toml, is a folder. Raises MissingError,
    CorruptError (the manifest) or DigestError (another or a damaged file).
    """
    return _checked(_locate(name_or_folder, data))


def read_network(pack: Pack, role: str) -> bytes:
    """The bytes of one network, for a session to load: those that were checked, not those that lie there a
    moment later. Raises MissingError or DigestError."""
    path, wanted = pack.files[role], pack.digests[role]
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MissingError(f"{path}: cannot be read ({error.strerror}); install the pack again") from None
    found = hashlib.sha256(content).hexdigest()
    if found != wanted:
        raise DigestError(path, wanted, found)
    return content


def installed(data: Path) -> list[Installed]:
    """Every pack on this box, by name. Manifests are read; the files' digests are `verify`'s to check."""
    found = []
    for folder in _folders(data):
        try:
            pack = _described(folder)
        except LfrdError as error:
            found.append(Installed(folder.name, folder, None, str(error)))
        else:
            found.append(Installed(folder.name, folder, pack, None))
    return found


def install_folder(source: Path, data: Path) -> Pack:
    """Copy a pack into the library under its manifest's name, in place of an earlier one of that name.

    Only the listed files are taken, and nothing can be seen before every digest is right. Raises
    MissingError, CorruptError, DigestError, or StoreError (a full disk).
    """
    pack = _described(source)
    if pack.name == BUILTIN:
        raise CorruptError(source / MANIFEST, f"name: '{BUILTIN}' is kept for the pack that lfrd makes itself")
    with library_lock(data), _staged(pack.name, data) as stage:
        for role, path in pack.files.items():
            copy_checked(path, stage / path.name, pack.digests[role])
        copy_checked(source / MANIFEST, stage / MANIFEST, None)
        return put_in_place(stage, pack.name, data)


def ensure_builtin(data: Path, progress: BuildProgress) -> Pack:
    """The builtin pack, made first where it is not there or not whole.

    Two processes may ask at once: one makes it, the other waits and finds it. Raises MissingError or
    CorruptError (the packages that it is made from), or StoreError.
    """
    target = shelf(data) / BUILTIN
    try:
        return _checked(target)
    except LfrdError:
        pass
    with library_lock(data):
        try:
            return _checked(target)
        except LfrdError:
            pass
        with _staged(BUILTIN, data) as stage:
            convert.build(stage, progress)
            _checked(stage)
            return put_in_place(stage, BUILTIN, data)


def remove(name: str, data: Path) -> None:
    """Take a pack out of the library. Raises MissingError where there is none of that name."""
    with library_lock(data):
        target = shelf(data) / name
        if not _is_name(name) or not target.is_dir():
            raise _unknown(name, data)
        aside = shelf(data) / f".{name}.old"
        shutil.rmtree(aside, ignore_errors=True)
        target.rename(aside)
        shutil.rmtree(aside)


@contextmanager
def library_lock(data: Path) -> Iterator[None]:
    """Held while the library changes; another process waits for it. Raises StoreError where the data folder
    cannot be written."""
    folder = shelf(data)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        handle = (folder / ".lock").open("a")
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def put_in_place(stage: Path, name: str, data: Path) -> Pack:
    """Make a finished folder the pack of that name. Only under the library's lock."""
    target, aside = shelf(data) / name, shelf(data) / f".{name}.old"
    with writing(target):
        shutil.rmtree(aside, ignore_errors=True)
        if target.exists():
            target.rename(aside)
        stage.rename(target)
        shutil.rmtree(aside, ignore_errors=True)
    return _described(target)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns a disk's refusals into StoreError."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreError(f"{path}: the disk is full; free some space and try again") from None
        raise StoreError(f"{path}: cannot be written ({error.strerror})") from None


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


def _locate(name_or_folder: str, data: Path) -> Path:
    folder = Path(name_or_folder).expanduser()
    if "/" in name_or_folder or "\\" in name_or_folder or (folder / MANIFEST).is_file():
        return folder
    target = shelf(data) / name_or_folder
    if not _is_name(name_or_folder) or not target.is_dir():
        raise _unknown(name_or_folder, data)
    return target


def _unknown(name: str, data: Path) -> MissingError:
    names = [folder.name for folder in _folders(data)]
    there = f"installed: {', '.join(names)}" if names else "none is installed"
    return MissingError(
        f"model pack '{name}' is not installed in {shelf(data)} ({there}); "
        "`lfrd models install zoo` or `lfrd models install FOLDER` installs one"
    )


def _is_name(name: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name) is not None


def _folders(data: Path) -> list[Path]:
    try:
        return sorted(path for path in shelf(data).iterdir() if path.is_dir() and _is_name(path.name))
    except OSError:
        return []


def _described(folder: Path) -> Pack:
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


def _checked(folder: Path) -> Pack:
    """The pack in a folder, every file's digest compared."""
    pack = _described(folder)
    for role, path in pack.files.items():
        found = digest(path)
        if found != pack.digests[role]:
            raise DigestError(path, pack.digests[role], found)
    return pack


@contextmanager
def _staged(name: str, data: Path) -> Iterator[Path]:
    """An empty folder beside the packs, gone afterwards unless it was put in place. Only under the lock: what
    a killed process left there is cleared first."""
    stage = shelf(data) / f".{name}.new"
    with writing(stage):
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir(parents=True)
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)
