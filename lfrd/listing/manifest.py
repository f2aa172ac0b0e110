"""A package's manifest: what is in it, by whom and for whom; signed, and read before anything else is."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from lfrd.errors import LfrdError

MANIFEST, SIGNATURE, ENTRIES, PICTURES = "manifest.json", "manifest.sig", "entries.json", "pictures"

FRESH_SECONDS = 24 * 3600.0
"""A build older than this is refused (rule 7)."""
_AHEAD_SECONDS = 300.0
"""How far the sender's clock may be ahead of ours."""
LARGEST_MANIFEST = 64 << 20
LARGEST_FILE = 64 << 20
"""Bytes: what a picture may have (`gallery.reading.MOST_BYTES`), and entries.json (`reading.MOST_BYTES`)."""
MOST_FILES = 500_000
MOST_BYTES = 16 << 30
"""Of a package unpacked."""

Hex32 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
_NAME = re.compile(r"entries\.json|pictures/[0-9]{6}-[0-9]{2}\.(jpg|png|webp|bmp)")
"""The only names of files: made by the sender's lfrd, with nothing of the source's own names in them."""


class PackageError(LfrdError):
    """A package that is not taken. Nothing was changed."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"package: {problem}; nothing was changed")


class FileInside(Struct, frozen=True, forbid_unknown_fields=True):
    """size: bytes. sha256: of the file, hexadecimal."""

    size: Annotated[int, Meta(ge=0, le=LARGEST_FILE)]
    sha256: Hex32


class PackageManifest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """manifest.json. Times are Unix seconds: created_at of the package, built_at of the list in it. sender:
    Ed25519 public key, hexadecimal, whose signature over this file's bytes is manifest.sig (64 bytes).
    recipient: whom it is encrypted to; a signed package cannot be passed on to a third site as if it had been
    made for it."""

    format: Literal["lfrd watchlist package 1"]
    created_at: float
    built_at: float
    sender: Hex32
    recipient: Annotated[str, Meta(max_length=200)]
    entries: Annotated[int, Meta(ge=1)]
    files: dict[str, FileInside]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files.values())


def read_manifest(data: bytes) -> PackageManifest:
    """Raises PackageError where it is none, or names files that a package does not have."""
    try:
        manifest = msgspec.json.decode(data, type=PackageManifest)
    except msgspec.DecodeError:
        raise PackageError("its manifest is not one that this lfrd knows; ask for a new one") from None
    if ENTRIES not in manifest.files or not all(map(_NAME.fullmatch, manifest.files)):
        raise PackageError("its manifest names files that do not belong into a package")
    if len(manifest.files) > MOST_FILES or manifest.size > MOST_BYTES:
        raise PackageError("it is larger than any watchlist")
    return manifest


def check_age(manifest: PackageManifest, now: float) -> None:
    """Raises PackageError where the list was built more than 24 h ago, or after now. now: Unix seconds."""
    for moment in (manifest.built_at, manifest.created_at):
        if not moment <= now + _AHEAD_SECONDS:
            raise PackageError(
                "it was made after this machine's time; set the clocks right here and at the sender's"
            )
        if now - moment > FRESH_SECONDS:
            raise PackageError(
                f"it was built {(now - moment) / 3600:.0f} h ago, and no build older than 24 h is used; "
                "ask for a new one"
            )
