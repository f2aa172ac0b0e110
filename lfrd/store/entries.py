"""The words of a watchlist as the store keeps it: an entry's facts, what it needs, and how it is listed."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct

from lfrd.types import F32, DeploymentId, NominalId


class Need(enum.StrEnum):
    """What an authorising officer must approve before an entry is looked for. Stable codes."""

    UNDER_18 = "under_18"
    """The person is, or may be, under 18."""
    VULNERABLE = "vulnerable"
    """The person is vulnerable."""
    THIRD_PARTY = "third_party"
    """The picture is not from a police source."""
    LOW_QUALITY = "low_quality"
    """No picture of the entry is as good as a live face would have to be, or one shows several faces."""
    SAME_FACE = "same_face"
    """Another entry, under another reference, shows so similar a face that it is probably the same."""


FLAGS = (Need.UNDER_18, Need.VULNERABLE, Need.THIRD_PARTY)
"""Needs that stand in the source itself: an approval of them outlasts an import that changes nothing else."""


class EntryState(enum.StrEnum):
    LISTED = "listed"
    """Will be looked for."""
    WAITING = "waiting"
    """Complete, and not looked for until its needs are approved."""
    REFUSED = "refused"
    """None of its pictures can be used."""


class Facts(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What the source says of a nominal and names the person; always sealed at rest. image_date: the day of
    the newest picture, YYYY-MM-DD. instruction: what an officer is to do on an alert."""

    image_source: str
    lawful_basis: str
    image_date: str
    rationale: str
    instruction: str
    name: str = ""
    under_18: bool = False
    vulnerable: bool = False
    third_party: bool = False

    @property
    def needs(self) -> tuple[Need, ...]:
        return tuple(need for need in FLAGS if getattr(self, need.value))

    def __repr__(self) -> str:
        return "Facts(**********)"


def digest_of(
    reference: str, category: str, blue: bool, facts: Facts, pictures: Iterable[tuple[int, str]]
) -> str:
    """SHA-256, hexadecimal, of what the source gave: its facts, and each picture's number and SHA-256."""
    whole = [reference, category, blue, msgspec.to_builtins(facts), list(pictures)]
    return hashlib.sha256(msgspec.json.encode(whole, order="sorted")).hexdigest()


@dataclass(slots=True)
class NewPicture:
    """One picture of an entry that is being imported. digest: SHA-256 of the file, '' where it could not be
    read. reason: why it is refused, else ''. template: float32 [rows, dim], wiped when it has been sealed."""

    number: int
    digest: str
    reason: str = ""
    warnings: tuple[str, ...] = ()
    worth: float = 0.0
    face: bytes = field(default=b"", repr=False)
    template: F32 | None = field(default=None, repr=False)


@dataclass(slots=True)
class NewEntry:
    reference: str
    category: str
    blue: bool
    facts: Facts
    pictures: list[NewPicture]
    needs: tuple[Need, ...] = ()

    @property
    def reasons(self) -> tuple[str, ...]:
        """Codes of the pictures that were refused, each once."""
        return tuple(dict.fromkeys(picture.reason for picture in self.pictures if picture.reason))

    @property
    def state(self) -> EntryState:
        if all(picture.reason for picture in self.pictures):
            return EntryState.REFUSED
        return EntryState.WAITING if self.needs else EntryState.LISTED


@dataclass(frozen=True, slots=True)
class Begun:
    """An import's beginning, or its going on after it was broken off.

    run: whose turn it is; a later beginning ends it. changed: what was there was made from something else,
    and has been thrown away. done: references that are in already. digests: of the pictures enrolled, with
    the reference of each.
    """

    run: str
    resumed: bool
    changed: bool
    done: frozenset[str]
    digests: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two entries, by number and reference, that look alike. kind: 'same_face' or 'lookalike'."""

    first: int
    second: int
    references: tuple[str, str]
    kind: str
    score: float


@dataclass(frozen=True, slots=True)
class ListSummary:
    """A watchlist in figures, without persons.

    pack: digest of the model pack whose templates it has. built_at: Unix seconds; None while its first import
    is unfinished. listed, waiting, refused: entries; refused counts the source's lines that gave none too.
    pictures: of the listed, with a template each. composition: listed entries by category, those of the blue
    list apart. reasons: refusals by code. digest: over the manifest. importing: entries so far of an import
    that is unfinished, None where there is none. settings: what it was built with (the scores from which two
    faces look alike, or the same).
    """

    pack: str
    source: str
    built_at: float | None
    imported_by: str
    listed: int
    pictures: int
    waiting: int
    refused: int
    composition: dict[str, int]
    reasons: dict[str, int]
    needs: dict[str, int]
    pairs: dict[str, int]
    digest: str
    settings: dict[str, float]
    importing: int | None = None


@dataclass(frozen=True, slots=True)
class PictureView:
    """One picture's state: its number in the entry, why it was refused, and what is poor about it."""

    number: int
    reason: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EntryView:
    """An entry as the desk shows it. id: the row's number, which the audit names it by. approved: needs that
    have been approved, with the officer's id."""

    id: int
    reference: str
    category: str
    blue: bool
    state: EntryState
    reasons: tuple[str, ...]
    needs: tuple[Need, ...]
    approved: dict[str, str]
    pictures: tuple[PictureView, ...]
    facts: Facts


@dataclass(frozen=True, slots=True)
class Listed:
    """A nominal that is looked for. templates: float32 [k, dim], which the caller wipes. face_jpeg: the best
    picture's face with its surroundings; b'' where it was not asked for."""

    reference: NominalId
    category: str
    blue: bool
    name: str
    instruction: str
    image_date: str
    templates: F32 = field(repr=False)
    face_jpeg: bytes = field(repr=False)

    def __reduce__(self) -> str:
        raise TypeError("a listed nominal is never pickled: it holds a person's biometrics")


@dataclass(frozen=True, slots=True)
class Asked:
    """A list that a reference was on: from listed_at to destroyed_at (Unix seconds), or still is (None)."""

    deployment: DeploymentId
    name: str
    category: str
    listed_at: float
    destroyed_at: float | None


@dataclass(frozen=True, slots=True)
class Exported:
    """An entry on its way into a package: what the source said, and its pictures as JPEG files."""

    reference: str
    category: str
    blue: bool
    facts: Facts
    faces: list[bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found with an entry. kind: 'waiting' (for the approval of the need `code`),
    'refused' or 'doubtful' (a picture; number from 1)."""

    reference: str = field(repr=False)
    kind: str
    code: str
    picture: int = 0
