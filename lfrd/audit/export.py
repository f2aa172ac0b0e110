"""An export of the audit as lines of JSON, and what it takes to believe one: with no database and no network.

A header names the site and its keys, then come the records, each checkpoint behind its record, and a closing
statement that is signed over how many there are, the last hash and every byte before it.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec
from msgspec import Struct

from lfrd.audit import chain
from lfrd.audit.chain import Checkpoint, Record
from lfrd.errors import LfrdError

FORMAT = 1
LINE_LIMIT = 4 * chain.BODY_LIMIT
"""Bytes of a line at the most; a body within its limit never needs more, quoted twice over."""

Check: TypeAlias = Callable[[bytes, bytes, bytes], bool]
"""(public key, data, signature) -> whether the signature is good, as `sealing.signing.verify`."""

_END = b"lfrd audit export 1\n"


class Key(Struct, frozen=True, forbid_unknown_fields=True):
    """A key in the site's history. since: the record that named it."""

    public_key: str
    since: int


class Header(Struct, frozen=True, forbid_unknown_fields=True, tag_field="line", tag="header"):
    """at: Unix seconds of the export. The keys are also in the records, which are what is believed."""

    format: int
    site: str
    at: float
    keys: list[Key]


class End(Struct, frozen=True, forbid_unknown_fields=True, tag_field="line", tag="end"):
    """The closing statement. head: the last record's hash; digest: SHA-256 of all lines before this one."""

    records: int
    checkpoints: int
    at: float
    head: str
    digest: str
    public_key: str
    signature: str


Line: TypeAlias = Header | Record | Checkpoint | End


def end_bytes(records: int, checkpoints: int, at: float, head: bytes, digest: bytes) -> bytes:
    """What the closing statement's signature covers: the line 'lfrd audit export 1', the number of records,
    that of checkpoints (unsigned, 64 bits), the time (binary64), and both hashes. Numbers big-endian."""
    return _END + struct.pack(">QQd", records, checkpoints, at + 0.0) + head + digest


def write(line: Line) -> bytes:
    """The one way in which a line is written: no spaces, fields in their order, a line end."""
    return msgspec.json.encode(line) + b"\n"


class Broken(LfrdError):
    """A chain that cannot be believed. record: the first one that is wrong; None: the whole."""

    def __init__(self, record: int | None, problem: str) -> None:
        super().__init__(problem if record is None else f"record {record}: {problem}")
        self.record = record
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Verified:
    """What has been found good. signed: the newest record that a checkpoint or the closing statement covers;
    keys: every key, the newest last; at: when it was exported, None for the database itself."""

    site: str
    records: int
    checkpoints: int
    signed: int
    head: str
    keys: list[Key]
    at: float | None = None


class _About(Struct, frozen=True):
    """What any body says, those of a later lfrd too."""

    what: str
    deployment: str = ""
    public_key: str = ""
    site: str = ""


_about = msgspec.json.Decoder(_About)
_line: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


@dataclass(slots=True)
class Walk:
    """Follows a chain from its first record, in whatever pieces it comes, and remembers only its end.

    known: hashes that earlier exports or receipts vouch for, by record number.
    """

    check: Check
    known: Mapping[int, str] = field(default_factory=dict)
    site: str = ""
    seq: int = 0
    head: bytes = chain.START
    checkpoints: int = 0
    signed: int = 0
    keys: list[Key] = field(default_factory=list)
    _signing: str = ""  # the key that must sign now
    _rotation: str = ""  # the key that the newest record names, until the old one has signed that record
    _signers: set[str] = field(default_factory=set)  # keys of which a signature has been seen

    def record(self, record: Record) -> None:
        """Raises Broken where this is not the next record, or not what its hash was made of."""
        wanted = self.seq + 1
        if record.seq != wanted:
            moved = record.seq < wanted
            raise Broken(
                wanted,
                f"record {record.seq} stands in its place: "
                + ("that one was repeated or moved" if moved else "it is missing or was moved"),
            )
        self._settled()
        try:
            found = chain.digest(
                self.head, wanted, record.at, record.actor, record.what, record.deployment, record.body
            )
            about = _about.decode(record.body)
        except (ValueError, msgspec.DecodeError, msgspec.ValidationError):
            raise Broken(wanted, "not a record as lfrd writes it") from None
        if found.hex() != record.hash:
            raise Broken(
                wanted,
                "its contents and the hash before it do not give its hash: it was changed, or one was put in "
                "or taken out before it",
            )
        if (about.what, about.deployment) != (record.what, record.deployment):
            raise Broken(wanted, "its body is of another kind or deployment than the record says")
        if self.known.get(wanted, record.hash) != record.hash:
            raise Broken(
                wanted, "not the record that the witness knows under this number: the history was rewritten"
            )
        self.seq, self.head = wanted, found
        if record.what == "chain_began":
            self._begin(about)
        elif record.what == "key_rotated":
            self._rotate(about)

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        """Raises Broken where it is not the chain's own signature over the newest record."""
        if checkpoint.seq != self.seq or not self.seq:
            raise Broken(self.seq + 1, f"a checkpoint of record {checkpoint.seq} stands before it")
        if self.signed == self.seq:
            raise Broken(self.seq, "it has a second checkpoint")
        data = chain.checkpoint_bytes(self.seq, checkpoint.at, self.head)
        self._signature("its checkpoint", checkpoint.public_key, data, checkpoint.signature)
        self.checkpoints += 1
        if self._rotation:
            self._signing, self._rotation = self._rotation, ""

    def end(self, end: End, digest: bytes) -> None:
        """Raises Broken where the closing statement is not about this chain and these bytes."""
        self._settled()
        if end.records != self.seq:
            raise Broken(self.seq + 1, f"the closing statement counts {end.records} records, not {self.seq}")
        if end.checkpoints != self.checkpoints:
            raise Broken(
                None, f"the closing statement counts {end.checkpoints} checkpoints, not {self.checkpoints}"
            )
        if (end.head, end.digest) != (self.head.hex(), digest.hex()):
            raise Broken(None, "the closing statement is about other lines than these")
        data = end_bytes(end.records, end.checkpoints, end.at, self.head, digest)
        self._signature("the closing statement", end.public_key, data, end.signature)

    def finish(self, trusted: str | None = None, at: float | None = None) -> Verified:
        """What was found. trusted: a public key (64 hexadecimal digits) that must be the site's.

        Raises Broken where the chain is not that key's, has no beginning, or ends before what a witness
        knows.
        """
        self._settled()
        if not self.keys:
            raise Broken(None, "no record says with which key this chain began")
        if trusted is not None and trusted not in self._signers:
            raise Broken(
                None,
                f"nothing here is signed with the key {trusted[:16]}…: this is another site's, or a forgery "
                f"(signed with {', '.join(sorted(k[:16] + '…' for k in self._signers)) or 'none'})",
            )
        beyond = [seq for seq in self.known if not 1 <= seq <= self.seq]
        if beyond:
            raise Broken(
                self.seq + 1, f"missing, and the witness knows record {max(beyond)}: the end was cut off"
            )
        return Verified(self.site, self.seq, self.checkpoints, self.signed, self.head.hex(), self.keys, at)

    def _settled(self) -> None:
        if self._rotation:
            raise Broken(self.seq, "it names a new key, and the old one has not signed it")

    def _begin(self, about: _About) -> None:
        if self.keys:
            raise Broken(self.seq, "a second beginning")
        self.site, self._signing = about.site, about.public_key
        self.keys.append(Key(about.public_key, self.seq))

    def _rotate(self, about: _About) -> None:
        if not self.keys:
            raise Broken(self.seq, "a new key, and no record says with which one the chain began")
        self._rotation = about.public_key
        self.keys.append(Key(about.public_key, self.seq))

    def _signature(self, whose: str, public_key: str, data: bytes, signature: str) -> None:
        if not self._signing or public_key != self._signing:
            raise Broken(self.seq, f"{whose} is of the key {public_key[:16]}…, which is not the site's here")
        try:
            good = self.check(bytes.fromhex(public_key), data, bytes.fromhex(signature))
        except ValueError:
            good = False
        if not good:
            raise Broken(
                self.seq,
                f"{whose} has a false signature: it is forged, or records before it were changed and hashed "
                "anew",
            )
        self._signers.add(public_key)
        self.signed = self.seq


def verify(
    lines: Iterable[bytes],
    check: Check,
    *,
    trusted: str | None = None,
    known: Mapping[int, str] | None = None,
) -> Verified:
    """Believe an export, or raise Broken, which says where it is wrong and what.

    lines: as a file gives them, line ends included, in pieces of more than LINE_LIMIT at the most; they are
    read once and none is kept. trusted: the public key that must have signed; without it the export is only
    known to agree with itself. known: see `Walk`.
    """
    walk = Walk(check, known or {})
    hashed = hashlib.sha256()
    header: Header | None = None
    ended: End | None = None
    for number, text in enumerate(lines, start=1):
        if ended is not None:
            raise Broken(walk.seq + 1, "something stands behind the closing statement")
        line = _read(text, number, walk.seq)
        if header is None:
            if not isinstance(line, Header):
                raise Broken(None, "line 1 is not an export's header")
            header = line
        elif isinstance(line, Record):
            walk.record(line)
        elif isinstance(line, Checkpoint):
            walk.checkpoint(line)
        elif isinstance(line, End):
            walk.end(line, hashed.digest())
            ended = line
        else:
            raise Broken(walk.seq + 1, f"line {number} is a second header")
        hashed.update(text)
    if header is None:
        raise Broken(None, "empty")
    if ended is None:
        raise Broken(walk.seq + 1, "missing, and so is the closing statement: the end was cut off")
    found = walk.finish(trusted, ended.at)
    if (header.site, header.at, header.keys) != (found.site, ended.at, found.keys):
        raise Broken(None, "the header names another site, time or keys than the records do")
    return found


def _read(text: bytes, number: int, seq: int) -> Line:
    if len(text) > LINE_LIMIT:
        raise Broken(seq + 1, f"line {number} is longer than any that lfrd writes")
    if not text.endswith(b"\n"):
        raise Broken(seq + 1, f"line {number} breaks off: the end was cut off")
    try:
        line = _line.decode(text)
        same = write(line) == text
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeError):
        same = False
    if not same:
        raise Broken(seq + 1, f"line {number} is not as lfrd writes it")
    if isinstance(line, Header) and line.format != FORMAT:
        raise Broken(None, f"an export of format {line.format}; this lfrd reads {FORMAT}")
    return line
