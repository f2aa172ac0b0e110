"""Who takes which part in the trial: by a digest of the name, so that nobody ever changes sides."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lfrd.gallery.folder import read_folder

Half = Literal["tune", "report"]
"""Settings are chosen on the probes of one half of the people, and looked at once on those of the other."""


@dataclass(frozen=True, slots=True)
class Cast:
    """listed: each person's first picture. probes: the pictures that are searched, by person; where somebody
    has several, not the listed one. cohort: pictures of people who are neither listed nor searched."""

    listed: dict[str, Path]
    probes: dict[str, list[Path]]
    cohort: dict[str, Path]


def half_of(name: str) -> Half:
    return "tune" if _number("half", name) % 2 else "report"


def cast_of(faces: Path, half: Half, *, cohort: int, leave_out: Collection[str]) -> Cast:
    """leave_out: people whom another folder shows too. Raises what `read_folder` does."""
    people: dict[str, Sequence[Path]] = {
        entry.nominal: entry.pictures
        for entry in read_folder(faces)
        if entry.pictures and entry.nominal not in leave_out
    }
    alone = sorted((name for name, pictures in people.items() if len(pictures) == 1), key=_cohort_order)
    strangers = set(alone[:cohort])
    return Cast(
        {name: pictures[0] for name, pictures in people.items() if name not in strangers},
        {
            name: list(pictures[1:] or pictures)
            for name, pictures in people.items()
            if name not in strangers and half_of(name) == half
        },
        {name: people[name][0] for name in sorted(strangers)},
    )


def _cohort_order(name: str) -> int:
    return _number("cohort", name)


def _number(what: str, name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{what}:{name}".encode()).digest()[:8], "big")
