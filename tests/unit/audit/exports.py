"""Chains and exports made in memory, with a real signature for each checkpoint, for tests to spoil."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import msgspec

from lfrd.audit import chain, kinds
from lfrd.audit.chain import Checkpoint, Record
from lfrd.audit.export import FORMAT, End, Header, Key, Line, end_bytes, write
from lfrd.sealing.signing import Signer

SITE_KEY = Signer(bytes(range(32)))
NEW_KEY = Signer(bytes(range(1, 33)))
OTHERS_KEY = Signer(bytes(range(2, 34)))
AT = 1_790_000_000.0

STORY: tuple[kinds.AnyBody, ...] = (
    kinds.ServerStarted("1.0", {"no core dumps": True}),
    kinds.UserAdded("u1", "Ådams – “PC 12”", "engagement"),
    kinds.Started("d1"),
    kinds.AlertRaised("d1", 1, "a1", "High Street 1", "wanted", False, 0.6125, 0.5),
    kinds.AlertAdjudicated("d1", "a1", "viable", 1, 4.25),
    kinds.AlertClosed("d1", "a1"),
    kinds.Closed("d1", "ended"),
)


def recorded(
    bodies: Iterable[kinds.AnyBody], signer: Signer = SITE_KEY, every: int = 3
) -> list[Record | Checkpoint]:
    """A whole chain, signed at every third record and at each change of its key (always to NEW_KEY)."""
    lines: list[Record | Checkpoint] = []
    before = chain.START
    begins = kinds.ChainBegan("Market square", "1.0", signer.public_key.hex())
    for seq, body in enumerate((begins, *bodies), start=1):
        text = msgspec.json.encode(body).decode()
        what, deployment = str(body.__struct_config__.tag), getattr(body, "deployment", "")
        before = chain.digest(before, seq, AT + seq, "system", what, deployment, text)
        lines.append(Record(seq, AT + seq, "system", what, deployment, text, before.hex()))
        rotated = isinstance(body, kinds.KeyRotated)
        if rotated or seq % every == 1:
            lines.append(signed(seq, before, signer))
        signer = NEW_KEY if rotated else signer
    return lines


def signed(seq: int, head: bytes, signer: Signer) -> Checkpoint:
    signature = signer.sign(chain.checkpoint_bytes(seq, AT + seq, head))
    return Checkpoint(seq, AT + seq, signer.public_key.hex(), signature.hex())


def rehashed(lines: Sequence[Record | Checkpoint]) -> list[Record | Checkpoint]:
    """What a forger without the site's key can do: every number and hash anew, signatures as they were."""
    done: list[Record | Checkpoint] = []
    before, seq = chain.START, 0
    for line in lines:
        if isinstance(line, Checkpoint):
            done.append(msgspec.structs.replace(line, seq=seq))
            continue
        seq += 1
        before = chain.digest(before, seq, line.at, line.actor, line.what, line.deployment, line.body)
        done.append(msgspec.structs.replace(line, seq=seq, hash=before.hex()))
    return done


def exported(
    lines: Sequence[Record | Checkpoint],
    signer: Signer = SITE_KEY,
    *,
    site: str = "Market square",
    uncounted: int = 0,
) -> list[bytes]:
    """The lines as a file, with the header and the closing statement that they ask for.

    uncounted: checkpoints that the statement leaves out of its count."""
    records = [line for line in lines if isinstance(line, Record)]
    named = [line for line in records if line.what in ("chain_began", "key_rotated")]
    keys = [Key(msgspec.json.decode(line.body)["public_key"], line.seq) for line in named]
    texts = [write(Header(FORMAT, site, AT, keys)), *map(write, lines)]
    digest = hashlib.sha256(b"".join(texts)).digest()
    head = records[-1].hash
    count, checkpoints = len(records), len(lines) - len(records) - uncounted
    signature = signer.sign(end_bytes(count, checkpoints, AT, bytes.fromhex(head), digest))
    key = signer.public_key.hex()
    end: Line = End(count, checkpoints, AT, head, digest.hex(), key, signature.hex())
    return [*texts, write(end)]
