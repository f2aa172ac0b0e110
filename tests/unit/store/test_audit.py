from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from lfrd.audit import chain, kinds
from lfrd.audit.export import Broken, verify
from lfrd.errors import SealError
from lfrd.sealing.signing import Signer
from lfrd.sealing.signing import verify as check
from lfrd.store.audit import (
    EVERY_RECORDS,
    EVERY_SECONDS,
    LOOK_SECONDS,
    Audit,
    append,
    head,
    rotate,
    sign_head,
)
from lfrd.store.database import Database
from lfrd.types import CONSOLE, SYSTEM, Actor, OfficerId, Role
from tests.unit.store.conftest import Clock

OLD, NEW = Signer(bytes(range(32))), Signer(bytes(range(1, 33)))
ADAMS = Actor(OfficerId("u1"), "Adams", Role.ENGAGEMENT)


@pytest.fixture
async def db(path: Path) -> AsyncIterator[Database]:
    async with Database.open(path) as db:
        yield db


@pytest.fixture
async def audit(db: Database, clock: Clock) -> Audit:
    audit = Audit(db, clock, OLD)
    await audit.begin("Market square", "1.0")
    return audit


async def lines(audit: Audit) -> list[bytes]:
    return [line async for line in audit.export(CONSOLE)]


async def refusal(audit: Audit, known: dict[int, str] | None = None) -> Broken:
    with pytest.raises(Broken) as caught:
        await audit.verify(OLD.public_key.hex(), known)
    return caught.value


def meddle(path: Path, *statements: str) -> None:
    """What somebody with the file and without the key can do: the triggers are only in lfrd's way."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for (trigger,) in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            connection.execute(statement)


async def test_a_record_is_kept_in_the_transaction_of_what_it_tells(db: Database, audit: Audit) -> None:
    async def fails() -> None:
        async with db.write() as tx:
            await append(tx, 5.0, ADAMS, kinds.MadeReady("d1"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    assert len(await audit.records()) == 1
    async with db.write() as tx:
        assert await append(tx, 5.0, ADAMS, kinds.MadeReady("d1")) == 2
        assert await append(tx, 5.0, ADAMS, kinds.Started("d1")) == 3
    assert [(r.seq, r.actor, r.what, r.deployment) for r in await audit.records(after=1)] == [
        (2, "u1", "made_ready", "d1"),
        (3, "u1", "started", "d1"),
    ]


async def test_every_record_carries_the_hash_of_the_one_before_it(audit: Audit) -> None:
    for n in range(5):
        await audit.record(kinds.ListAsked(n), ADAMS)
    before = chain.START
    for r in await audit.records():
        before = chain.digest(before, r.seq, r.at, r.actor, r.what, r.deployment, r.body)
        assert r.hash == before.hex()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'u2' WHERE seq = 2",
        "UPDATE audit SET seq = 9 WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 3",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit SELECT seq, at, 'u2', what, deployment, body, hash FROM audit",
        "REPLACE INTO audit SELECT seq, at, 'u2', what, deployment, body, hash FROM audit WHERE seq = 3",
        "INSERT OR IGNORE INTO audit SELECT 9, at, actor, what, deployment, body, hash FROM audit LIMIT 1",
        "INSERT INTO audit SELECT NULL, at, actor, what, deployment, body, hash FROM audit WHERE seq = 3",
        "INSERT INTO audit SELECT seq, at, actor, what, deployment, body, hash FROM audit WHERE true "
        "ON CONFLICT DO UPDATE SET actor = 'u2'",
        "UPDATE checkpoint SET at = 0",
        "DELETE FROM checkpoint",
        "INSERT OR REPLACE INTO checkpoint SELECT seq, 0, public_key, signature FROM checkpoint",
        "INSERT INTO checkpoint SELECT seq - 1, 0, public_key, signature FROM checkpoint WHERE seq = 3",
    ],
)
@pytest.mark.parametrize("recursive", [True, False], ids=["lfrd's connection", "a plain connection"])
async def test_the_audit_is_only_ever_added_to(
    path: Path, db: Database, audit: Audit, statement: str, recursive: bool
) -> None:
    await audit.record(kinds.ListAsked(1), ADAMS)
    await audit.record(kinds.ListAsked(2), ADAMS)
    await audit.checkpoint()
    before = await audit.records()

    async def run() -> None:
        if recursive:
            async with db.write() as tx:
                await tx.execute(statement)
        else:
            with closing(sqlite3.connect(path)) as plain, plain:
                plain.execute(statement)

    with pytest.raises(sqlite3.IntegrityError, match=r"the audit is|a checkpoint is"):
        await run()
    assert await audit.records() == before
    assert (await audit.verify()).signed == 3


async def test_a_command_beside_the_server_continues_the_one_chain(
    path: Path, audit: Audit, clock: Clock
) -> None:
    async with Database.open(path, beside=True) as db:
        beside = Audit(db, clock)

        async def several(writer: Audit) -> None:
            for n in range(20):
                await writer.record(kinds.ListAsked(n), CONSOLE)

        await asyncio.gather(several(audit), several(beside))
        assert (await beside.verify(OLD.public_key.hex())).records == 41


async def test_a_body_beyond_the_limit_is_refused(db: Database) -> None:
    with pytest.raises(ValueError, match="the limit"):
        async with db.write() as tx:
            await append(tx, 0, SYSTEM, kinds.HoldPlaced("a1", "x" * chain.BODY_LIMIT))


async def test_the_chain_begins_once_and_is_signed_from_its_first_record(db: Database, clock: Clock) -> None:
    audit = Audit(db, clock, OLD)
    await audit.begin("Market square", "1.0")
    await audit.begin("Market square", "1.1")
    assert [r.what for r in await audit.records()] == ["chain_began"]
    found = await audit.verify(OLD.public_key.hex())
    assert (found.site, found.signed) == ("Market square", 1)


async def test_a_site_key_that_is_not_the_chains_is_refused(db: Database, audit: Audit, clock: Clock) -> None:
    other = Audit(db, clock, NEW)
    await other.record(kinds.ListAsked(1), ADAMS)
    for step in (other.begin("Market square", "1.0"), other.checkpoint(), lines(other)):
        with pytest.raises(SealError, match="put the right one in its place"):
            await step
    with pytest.raises(SealError, match="not open here"):
        await Audit(db, clock).checkpoint()


async def test_nothing_is_signed_before_the_chain_has_begun(db: Database, clock: Clock) -> None:
    audit = Audit(db, clock, OLD)
    assert await audit.checkpoint() is None
    await audit.record(kinds.ListAsked(1), ADAMS)
    with pytest.raises(SealError, match="has not begun"):
        await audit.checkpoint()


async def test_a_checkpoint_is_made_once_a_minute_while_there_is_something_to_sign(
    audit: Audit, clock: Clock
) -> None:
    assert await audit.checkpoint_if_due() is None
    await audit.record(kinds.ListAsked(1), ADAMS)
    clock.now += EVERY_SECONDS - 1
    await audit.record(kinds.ListAsked(2), ADAMS)
    assert await audit.checkpoint_if_due() is None
    clock.now += 1
    made = await audit.checkpoint_if_due()
    assert made is not None
    assert made.seq == 3
    assert await audit.checkpoint_if_due() is None


async def test_a_checkpoint_is_made_every_thousand_records(db: Database, audit: Audit, clock: Clock) -> None:
    async with db.write() as tx:
        for n in range(EVERY_RECORDS - 1):
            await append(tx, clock(), ADAMS, kinds.ListAsked(n))
    assert await audit.checkpoint_if_due() is None
    await audit.record(kinds.ListAsked(0), ADAMS)
    assert await audit.checkpoint_if_due() is not None


@pytest.mark.parametrize(
    "body", [kinds.Started("d1"), kinds.Suspended("d1", "ordered"), kinds.Revoked("d1", "")]
)
async def test_a_checkpoint_follows_each_change_of_a_deployments_stage(
    db: Database, audit: Audit, body: kinds.AnyBody
) -> None:
    async with db.write() as tx:
        await append(tx, 1.0, ADAMS, body)
    assert await audit.checkpoint_if_due() is not None


async def test_the_stop_is_signed_in_its_own_transaction(audit: Audit) -> None:
    await audit.record(kinds.ListAsked(1), ADAMS)
    await audit.record(kinds.ServerStopped())
    assert (await audit.verify()).signed == 3


async def test_while_the_server_runs_it_looks_once_a_second(audit: Audit) -> None:
    looks: list[float] = []

    async def pause(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 2:
            await audit.record(kinds.ListAsked(1), ADAMS)
            audit_clock.now += EVERY_SECONDS
        if len(looks) == 4:
            raise asyncio.CancelledError

    audit_clock: Clock = audit._clock  # type: ignore[assignment]
    with pytest.raises(asyncio.CancelledError):
        await audit.run(pause)
    assert looks == [LOOK_SECONDS] * 4
    assert (await audit.verify()).signed == 2


async def test_an_export_is_itself_recorded_and_verifies_without_the_database(
    audit: Audit, clock: Clock
) -> None:
    for n in range(2500):
        if n % 500 == 0:
            await audit.checkpoint()
        if n % 25 == 0:
            await audit.record(kinds.ListAsked(n), ADAMS)
    exported = await lines(audit)
    found = verify(exported, check, trusted=OLD.public_key.hex())
    assert found.at == clock.now
    newest = (await audit.records())[-1]
    assert (newest.seq, newest.what, newest.actor) == (found.records, "exported", "console")
    assert newest.hash == found.head
    here = await audit.verify(OLD.public_key.hex(), {found.records: found.head})
    assert (here.records, here.signed) == (found.records, found.records)


async def test_records_are_read_by_deployment_kind_actor_and_time(audit: Audit, clock: Clock) -> None:
    await audit.record(kinds.MadeReady("d1"), ADAMS)
    clock.now += 60
    await audit.record(kinds.Started("d1"))
    await audit.record(kinds.MadeReady("d2"))

    async def seqs(**asked: object) -> list[int]:
        return [r.seq for r in await audit.records(**asked)]  # type: ignore[arg-type]

    assert await seqs() == [1, 2, 3, 4]
    assert await seqs(deployment="d1") == [2, 3]
    assert await seqs(what="made_ready") == [2, 4]
    assert await seqs(actor="u1") == [2]
    assert await seqs(since=clock.now) == [3, 4]
    assert await seqs(after=2, limit=1) == [3]
    assert await seqs(deployment="d1", what="made_ready", actor="u2") == []


async def test_the_newest_records_are_read_backwards_page_by_page(audit: Audit, clock: Clock) -> None:
    await audit.record(kinds.MadeReady("d1"), ADAMS)
    clock.now += 60
    await audit.record(kinds.Started("d1"))
    await audit.record(kinds.MadeReady("d2"), ADAMS)

    async def seqs(**asked: object) -> list[int]:
        return [r.seq for r in await audit.newest(**asked)]  # type: ignore[arg-type]

    assert await seqs() == [4, 3, 2, 1]
    assert await seqs(limit=2) == [4, 3]
    assert await seqs(before=3, limit=1) == [2]
    assert await seqs(deployment="d1") == [3, 2]
    assert await seqs(what="made_ready", actor="u1") == [4, 2]
    assert await seqs(until=clock.now - 1) == [2, 1]


async def test_the_newest_checkpoints_are_read_backwards(audit: Audit) -> None:
    await audit.record(kinds.Started("d1"))
    await audit.record(kinds.ListAsked(1), ADAMS)
    assert [c.seq for c in await audit.checkpoints(5)] == [2, 1]
    assert [c.seq for c in await audit.checkpoints(1)] == [2]


async def test_officers_are_named_as_they_were_when_they_were_added(audit: Audit) -> None:
    await audit.record(kinds.UserAdded("u1", "Adams", "engagement"))
    assert await audit.names() == {"u1": "Adams"}


async def test_a_rotated_key_signs_from_the_next_record_on(db: Database, audit: Audit, clock: Clock) -> None:
    await audit.record(kinds.ListAsked(1), ADAMS)
    async with db.write() as tx:
        await rotate(tx, clock(), CONSOLE, OLD, NEW.public_key)
    await audit.record(kinds.ListAsked(2), ADAMS)
    with pytest.raises(SealError, match="start lfrd again after a rotation"):
        await audit.checkpoint()
    renewed = Audit(db, clock, NEW)
    await renewed.begin("Market square", "1.0")
    exported = await lines(renewed)
    for signer in (OLD, NEW):
        found = verify(exported, check, trusted=signer.public_key.hex())
    assert [key.since for key in found.keys] == [1, 3]
    assert (await renewed.verify(NEW.public_key.hex())).records == found.records


async def test_the_head_that_a_receipt_quotes_is_a_witness(db: Database, audit: Audit) -> None:
    async with db.write() as tx:
        await append(tx, 1.0, ADAMS, kinds.Revoked("d1", "ordered"))
        seq, hash_ = await head(tx)
    assert (await audit.verify(None, {seq: hash_})).records == 2
    assert (await refusal(audit, {seq: "0" * 64})).record == seq
    assert "the end was cut off" in str(await refusal(audit, {seq + 1: hash_}))


async def test_the_head_of_an_empty_audit_is_nothing(db: Database) -> None:
    async with db.read() as tx:
        assert await head(tx) == (0, "")


@pytest.mark.parametrize(
    ("statement", "record", "words"),
    [
        ("UPDATE audit SET body = replace(body, '3', '4') WHERE seq = 4", 4, "it was changed"),
        ("UPDATE audit SET at = at + 1 WHERE seq = 4", 4, "it was changed"),
        ("UPDATE audit SET deployment = 'd7' WHERE seq = 4", 4, "it was changed"),
        ("DELETE FROM audit WHERE seq = 4", 4, "missing"),
        ("DELETE FROM audit WHERE seq >= 5", 5, "the end was cut off"),
        ("UPDATE checkpoint SET signature = zeroblob(64) WHERE seq = 6", 6, "false signature"),
        ("UPDATE checkpoint SET at = at + 1 WHERE seq = 6", 6, "false signature"),
        ("UPDATE checkpoint SET public_key = zeroblob(32) WHERE seq = 6", 6, "not the site's"),
        ("UPDATE checkpoint SET seq = 5 WHERE seq = 6", 5, "false signature"),
    ],
)
async def test_who_meddles_with_the_file_is_found_in_the_running_database(
    path: Path, audit: Audit, statement: str, record: int, words: str
) -> None:
    for n in range(1, 6):
        await audit.record(kinds.ListAsked(n), ADAMS)
    await audit.checkpoint()
    assert (await audit.verify(OLD.public_key.hex())).records == 6
    meddle(path, statement)
    broken = await refusal(audit)
    assert broken.record == record
    assert words in str(broken)


async def test_an_export_of_a_chain_with_a_spoilt_beginning_is_refused(path: Path, audit: Audit) -> None:
    meddle(path, "UPDATE audit SET body = '{}' WHERE seq = 1")
    with pytest.raises(Broken, match="record 1: it should name the chain's key"):
        await lines(audit)


async def test_the_keys_are_found_without_reading_the_whole_chain(db: Database, audit: Audit) -> None:
    async with db.read() as tx:
        plan = await tx.rows(
            "EXPLAIN QUERY PLAN SELECT seq, body FROM audit "
            "WHERE what IN ('chain_began', 'key_rotated') ORDER BY seq"
        )
    assert "audit_of_keys" in str([tuple(row) for row in plan])


async def test_a_head_is_signed_once(db: Database, audit: Audit) -> None:
    async with db.write() as tx:
        await append(tx, 1.0, ADAMS, kinds.ListAsked(1))
        assert await sign_head(tx, 1.0, OLD) is not None
        assert await sign_head(tx, 1.0, OLD) is None
