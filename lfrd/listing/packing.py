"""Writes a watchlist's package: a deterministic tar, signed by this site, encrypted with age to another."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import pyrage

from lfrd.errors import CorruptError, LfrdError, MissingError
from lfrd.gallery.reading import PictureRefused, size_of
from lfrd.listing.entries import SourceEntry
from lfrd.listing.manifest import (
    ENTRIES,
    LARGEST_FILE,
    MANIFEST,
    PICTURES,
    SIGNATURE,
    FileInside,
    PackageManifest,
)
from lfrd.sealing.lasting import whole
from lfrd.sealing.signing import Signer
from lfrd.store.entries import Facts

Content = Callable[[], bytes]
"""Reads one file of the package; called twice, so that no more than one is in memory at once."""


@dataclass(frozen=True, slots=True)
class Packed:
    """One entry as it goes into a package. pictures: JPEG, PNG, WebP or BMP files."""

    reference: str
    category: str
    blue: bool
    facts: Facts
    pictures: Sequence[Content] = field(repr=False)


def recipient_of(text: str) -> Any:
    """An age recipient (X25519). Raises MissingError where the text is none."""
    try:
        return pyrage.x25519.Recipient.from_str(text.strip())
    except pyrage.RecipientError:
        raise MissingError(
            "the recipient is not one: it begins with age1, and `lfrd watchlist address` prints it at the "
            "receiving site"
        ) from None


def of_source(entries: Sequence[SourceEntry]) -> Iterator[Packed]:
    """A folder's entries, with their pictures as they are."""
    for entry in entries:
        pictures = [_reader(entry, path) for path in entry.pictures]
        yield Packed(entry.reference, entry.category, entry.blue, entry.facts, pictures)


def write_package(
    path: Path,
    entries: Sequence[Packed],
    *,
    recipient: str,
    signer: Signer,
    created_at: float,
    built_at: float,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> PackageManifest:
    """Write the package as a file that only its owner may read, whole or not at all. Blocks.

    The same entries at the same moment give the same tar; age's encryption differs each time. Raises
    MissingError where the recipient is none or the file cannot be written, or is there already, and
    CorruptError where a picture cannot be read, is none, or changes meanwhile.
    """
    to = recipient_of(recipient)
    contents = _contents(entries)
    files = {}
    for number, (name, read) in enumerate(contents.items(), start=1):
        data = read()
        files[name] = FileInside(len(data), hashlib.sha256(data).hexdigest())
        progress(number, 2 * len(contents))
    manifest = PackageManifest(
        format="lfrd watchlist package 1",
        created_at=created_at,
        built_at=built_at,
        sender=signer.public_key.hex(),
        recipient=recipient.strip(),
        entries=len(entries),
        files=files,
    )
    document = msgspec.json.encode(manifest)

    def fill(tar: tarfile.TarFile) -> None:
        _put(tar, MANIFEST, document)
        _put(tar, SIGNATURE, signer.sign(document))
        for number, (name, read) in enumerate(contents.items(), start=1):
            data = read()
            if hashlib.sha256(data).hexdigest() != files[name].sha256:
                raise CorruptError(path, "the list changed while its package was written; try again")
            _put(tar, name, data)
            progress(len(contents) + number, 2 * len(contents))

    _write(path, to, fill)
    return manifest


def _reader(entry: SourceEntry, path: Path) -> Content:
    def read() -> bytes:
        try:
            if path.stat().st_size > LARGEST_FILE:
                raise CorruptError(path, f"line {entry.line}: larger than {LARGEST_FILE >> 20} MB; reduce it")
            data = path.read_bytes()
            size_of(data)
        except OSError as error:
            raise CorruptError(path, f"line {entry.line}: cannot be read ({error.strerror})") from None
        except PictureRefused as refused:
            raise CorruptError(path, f"line {entry.line}: {refused.advice}") from None
        return data

    return read


def _contents(entries: Sequence[Packed]) -> dict[str, Content]:
    """Every file of the package by name, entries.json first."""
    contents: dict[str, Content] = {}
    rows: list[dict[str, Any]] = []
    for number, entry in enumerate(entries, start=1):
        names = []
        for which, read in enumerate(entry.pictures, start=1):
            name = f"{PICTURES}/{number:06}-{which:02}.{_kind(read())}"
            contents[name] = read
            names.append(name)
        fixed = {"reference": entry.reference, "category": entry.category, "blue": entry.blue}
        rows.append({**fixed, **msgspec.to_builtins(entry.facts), "pictures": names})
    # A line an entry, so that an error at the receiver's names one.
    document = b"[\n" + b",\n".join(msgspec.json.encode(row) for row in rows) + b"\n]\n"
    return {ENTRIES: lambda: document, **contents}


def _kind(data: bytes) -> str:
    """The ending for a file that `size_of` has taken for a picture."""
    kinds = {b"\xff\xd8": "jpg", b"\x89P": "png", b"RI": "webp"}
    return kinds.get(data[:2], "bmp")


def _put(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    about = tarfile.TarInfo(name)  # owner, group and time stay 0: nothing of this machine goes along
    about.size = len(data)
    about.mode = 0o600
    tar.addfile(about, io.BytesIO(data))


def _write(path: Path, to: Any, fill: Callable[[tarfile.TarFile], None]) -> None:
    if path.exists():
        raise MissingError(f"{path}: is there already; name another file")
    try:
        with whole(path, new=True) as file:
            _encrypted(file, to, fill)
    except OSError as error:
        raise MissingError(f"{path}: the package cannot be written ({error.strerror})") from None


def _encrypted(file: BinaryIO, to: Any, fill: Callable[[tarfile.TarFile], None]) -> None:
    """The tar, streamed through age into the file. The tar is made in a thread of its own, behind a pipe."""
    reading, writing = os.pipe()
    failed: list[BaseException] = []

    def make() -> None:
        try:
            with os.fdopen(writing, "wb") as pipe, tarfile.open(fileobj=pipe, mode="w|") as tar:
                fill(tar)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=make, name="package")
    with os.fdopen(reading, "rb") as pipe:
        thread.start()
        try:
            pyrage.encrypt_io(pipe, file, [to])
        finally:
            with suppress(OSError):
                pipe.close()  # a maker that still writes is told so
            thread.join()
    if failed:
        error = failed[0]
        raise error if isinstance(error, LfrdError | OSError) else RuntimeError("packing failed") from error
