"""Opens a watchlist's package: decrypted into a private folder, taken only as a known sender signed it."""

from __future__ import annotations

import hashlib
import os
import tarfile
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyrage

from lfrd.errors import MissingError
from lfrd.listing.manifest import (
    LARGEST_MANIFEST,
    MANIFEST,
    PICTURES,
    SIGNATURE,
    PackageError,
    PackageManifest,
    check_age,
    read_manifest,
)
from lfrd.listing.scratch import scratch
from lfrd.sealing.signing import verify
from lfrd.sealing.sitekey import SiteKey

_PIECE = 1 << 20
_AROUND = 2048
"""Bytes of a tar around each file at the most: its header, what fills its last block, and the tar's end."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A package's content in a private folder. digest: SHA-256 of its manifest, hexadecimal."""

    folder: Path
    manifest: PackageManifest
    digest: str

    @property
    def what(self) -> str:
        """Where the list is from, for the audit."""
        return f"package of {hashlib.sha256(bytes.fromhex(self.manifest.sender)).hexdigest()[:16]}"


def is_package(path: Path) -> bool:
    """Whether a file begins as age's do; a folder is none."""
    try:
        with path.open("rb") as file:
            return file.read(21) == b"age-encryption.org/v1"
    except OSError:
        return False


@contextmanager
def unpacked(
    path: Path, site_key: SiteKey, senders: Collection[str], now: float, fallback: Path
) -> Iterator[Unpacked]:
    """The package's content, for as long as the block lasts; overwritten and removed after it. Blocks.

    senders: public keys (hexadecimal) whose packages are taken. now: Unix seconds. fallback: a folder on disk
    for machines without one in memory. The manifest and its signature come first in the tar and are checked
    before anything else is looked at; then each file must be the next one that the manifest names, byte for
    byte, and nothing may be left over. Raises PackageError where anything is not so, MissingError where the
    file cannot be read, and StoreError where there is no room.
    """
    try:
        size = path.stat().st_size
        file = path.open("rb")
    except OSError as error:
        raise MissingError(f"{path}: cannot be read ({error.strerror})") from None
    with file, scratch(size, fallback) as folder:
        with _decrypted(file, site_key) as stream:
            manifest, digest = _take(stream, folder, site_key, senders, now)
        yield Unpacked(folder, manifest, digest)


@contextmanager
def _decrypted(file: BinaryIO, site_key: SiteKey) -> Iterator[BinaryIO]:
    """What age gives, as a stream from a thread of its own. At the block's end the file must have been whole:
    age vouches for each piece by itself, and for the last one only as the last."""
    reading, writing = os.pipe()
    failed: list[BaseException] = []

    def decrypt() -> None:
        try:
            with os.fdopen(writing, "wb") as pipe:
                pyrage.decrypt_io(file, pipe, [site_key.identity])
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=decrypt, name="package")
    problem: BaseException | None = None
    with os.fdopen(reading, "rb") as stream:
        thread.start()
        try:
            yield stream
        except (PackageError, tarfile.TarError, EOFError) as error:
            problem = error
        finally:
            with suppress(OSError):
                stream.close()  # who still writes is told so
            thread.join()
    cause = failed[0] if failed else None
    if cause is not None and not isinstance(cause, BrokenPipeError):
        # Where decrypting failed, what the tar lacked was only its consequence.
        raise PackageError(_in_words(cause)) from None
    if isinstance(problem, PackageError):
        raise problem
    if problem is not None or cause is not None:
        raise PackageError("it holds no list as lfrd writes them; ask for a new one")


def _in_words(cause: BaseException) -> str:
    if "No matching keys" in str(cause):
        return (
            "it is encrypted to another site, or its beginning is damaged; `lfrd watchlist address` prints "
            "what the sender must encrypt to"
        )
    if isinstance(cause, pyrage.DecryptError):
        return "it is damaged, cut short, or no package at all; copy it again"
    if isinstance(cause, OSError) and cause.errno is not None:
        return f"it cannot be read ({cause.strerror})"
    return "it was changed or cut short on the way; copy it again"


class _Limited:
    """A stream that gives so many bytes and no more: neither a tar nor its headers grow beyond what is
    allowed so far."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._stream = stream
        self.left = limit  # bytes that may still come

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self.left -= len(data)
        if self.left < 0:
            raise PackageError("there is more in it than its manifest names")
        return data


def _take(
    stream: BinaryIO, folder: Path, site_key: SiteKey, senders: Collection[str], now: float
) -> tuple[PackageManifest, str]:
    limited = _Limited(stream, LARGEST_MANIFEST + 64 * _AROUND)
    with tarfile.open(fileobj=limited, mode="r|") as tar:  # type: ignore[call-overload]  # read is all it needs
        members = iter(tar)
        document = _content(tar, _next(members, MANIFEST), LARGEST_MANIFEST)
        signature = _content(tar, _next(members, SIGNATURE), 64)
        manifest = read_manifest(document)
        if manifest.sender not in senders:
            raise PackageError(
                f"the sender {manifest.sender} is not known here; if it is the right one, give it with "
                "--trust or in watchlists.senders"
            )
        if not verify(bytes.fromhex(manifest.sender), document, signature):
            raise PackageError("its signature does not fit: it was changed after it was signed")
        if manifest.recipient != site_key.recipient:
            raise PackageError(
                "it was made for another site, and passed on; ask its sender for one of your own"
            )
        check_age(manifest, now)
        limited.left = manifest.size + (len(manifest.files) + 64) * _AROUND
        (folder / PICTURES).mkdir(mode=0o700)
        for name, about in manifest.files.items():
            _keep(tar, _next(members, name), folder / name, about.size, about.sha256)
        if next(members, None) is not None:
            raise PackageError("there is more in it than its manifest names")
    while limited.read(_PIECE):  # to the last piece, which says that it is the last
        pass
    return manifest, hashlib.sha256(document).hexdigest()


def _next(members: Iterator[tarfile.TarInfo], name: str) -> tarfile.TarInfo:
    """The next member, which must be the plain file of that name: names are never taken from the tar."""
    member = next(members, None)
    if member is None:
        raise PackageError("a file that its manifest names is not in it")
    if member.name != name or not member.isreg() or member.issparse():
        raise PackageError("there is something in it that does not belong into a package")
    return member


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo, most: int) -> bytes:
    if member.size > most:
        raise PackageError("it is larger than any watchlist")
    data: bytes = _opened(tar, member).read(most)
    return data


def _keep(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path, size: int, sha256: str) -> None:
    if member.size != size:
        raise PackageError("a file in it is not the one that was signed")
    hashed = hashlib.sha256()
    source = _opened(tar, member)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while piece := source.read(_PIECE):
            hashed.update(piece)
            file.write(piece)
    if hashed.hexdigest() != sha256:
        raise PackageError("a file in it is not the one that was signed")


def _opened(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Any:
    source = tar.extractfile(member)
    if source is None:
        raise PackageError("there is something in it that does not belong into a package")
    return source
