"""A digest of measured files: it tells whether two measurements had the same data, and nothing of whose."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def digest_of(files: Iterable[tuple[str, Path]]) -> str:
    """SHA-256, hexadecimal, over each file's name, as given, and contents, in the order given. Blocks. Raises
    OSError."""
    whole = hashlib.sha256()
    for name, path in files:
        with path.open("rb") as file:
            contents = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(f"{name}\0{contents}\n".encode())
    return whole.hexdigest()
