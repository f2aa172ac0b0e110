"""Marks: bytes that are looked for in a process's memory and in every file, where they must not be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

MASK = 0xA5
"""What masked marks are XORed with, so that where they are kept is not what a search finds."""

Marks = Mapping[str, Sequence[bytes]]
"""By kind, in words."""


def unmasked(marks: Mapping[str, Sequence[str]]) -> dict[str, list[bytes]]:
    return {kind: [bytes(b ^ MASK for b in bytes.fromhex(m)) for m in found] for kind, found in marks.items()}


def pieces(data: bytes, size: int = 16, every: int = 256) -> list[bytes]:
    """Pieces of something larger: a part of it is found too."""
    return [data[at : at + size] for at in range(0, max(1, len(data) - size), every)]


def memory_of(pid: int) -> Iterator[bytes]:
    """Every writable part of a process's memory, in pieces that overlap a little."""
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in maps:
            span, access, *_ = line.split()
            if not access.startswith("rw"):  # what cannot be written cannot hold what was seen
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            step = 1 << 20
            for at in range(start, end, step):
                try:
                    memory.seek(at)
                    piece = memory.read(min(end, at + step + 64) - at)
                except (OSError, ValueError):
                    continue
                if np.frombuffer(piece, np.uint8).any():  # most of what is reserved was never touched
                    yield piece


def found_in_memory(pid: int, marks: Marks) -> dict[str, int]:
    """How many marks of each kind are somewhere in the process's memory. Raises PermissionError."""
    return _found(memory_of(pid), marks)


def counted_in_files(marks: Marks, *folders: Path) -> dict[str, int]:
    """How many marks of each kind are in any file of these folders."""
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return _found((path.read_bytes() for path in files), marks)


def found_in_files(folder: Path, marks: Marks) -> list[str]:
    """Which files of a folder hold marks, and of what kind."""
    return [
        f"{path.name}: {kind}"
        for path in folder.rglob("*")
        if path.is_file()
        for kind, wanted in marks.items()
        if any(mark in path.read_bytes() for mark in wanted)
    ]


def _found(places: Iterable[bytes], marks: Marks) -> dict[str, int]:
    seen: dict[str, set[bytes]] = {kind: set() for kind in marks}
    for place in places:
        for kind, wanted in marks.items():
            seen[kind].update(mark for mark in wanted if mark not in seen[kind] and mark in place)
    return {kind: len(found) for kind, found in seen.items()}
