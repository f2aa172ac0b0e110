"""What is destroyed can be opened by nobody, lies in no file, and is proved by a receipt."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import pytest

from lfrd.audit.kinds import Deleted, Destroyed, Revoked
from lfrd.errors import NotAllowed, SealError, StoreError
from lfrd.sealing.sealer import Sealer
from lfrd.sealing.signing import read_signed
from lfrd.sealing.sitekey import SiteKey
from lfrd.store import erasing, receipts
from lfrd.store.database import Database, Transaction
from lfrd.store.destruction import Destruction
from lfrd.store.keys import Keys, Purpose
from lfrd.store.retention import Retention
from lfrd.types import SYSTEM, Actor, AlertId, DeploymentId, OfficerId, Role, Stage
from tests.unit.store.conftest import Clock, Store, opened
from tests.unit.store.police import MARKS, counts, found_in, list_people, raise_alerts

AUTHORISING = Actor(OfficerId("inspector"), "Inspector Ames", Role.AUTHORISING)
OF_LISTS = ("entry", "entry_picture", "pair", "approval", "watchlist")
OF_ALERTS = tuple(table for table in erasing.OF_ALERT if table != "event")


async def at_once(_seconds: float) -> None:
    """A pause that does not wait."""


def destruction(store: Store, pause: Callable[[float], Awaitable[None]] = at_once) -> Destruction:
    return Destruction(store.db, store.keys, store.clock, pause)


async def deployment_row(store: Store) -> sqlite3.Row:
    async with store.db.read() as tx:
        row = await tx.row("SELECT * FROM deployment WHERE id = ?", store.deployment)
    assert row is not None
    return row


async def sealed_rows(store: Store) -> list[bytes]:
    """All ciphertexts and wrapped keys that the store holds."""
    async with store.db.read() as tx:
        rows = await tx.rows(
            "SELECT sealed FROM entry UNION ALL SELECT face FROM entry_picture "
            "UNION ALL SELECT template FROM entry_picture UNION ALL SELECT sealed FROM alert "
            "UNION ALL SELECT sealed FROM picture UNION ALL SELECT body FROM event WHERE body IS NOT NULL "
            "UNION ALL SELECT wrapped FROM deployment_key"
        )
    return [bytes(row[0]) for row in rows]


def pieces(sealed: list[bytes]) -> list[bytes]:
    """Sixteen bytes out of every 256 of each: any of them found is a part that was left."""
    return [one[start : start + 16] for one in sealed for start in range(0, len(one) - 16, 256)]


async def test_after_the_destruction_of_a_watchlist_nothing_of_it_lies_in_any_file(
    store: Store, path: Path
) -> None:
    await list_people(store, 60)
    sealed = pieces(await sealed_rows(store))
    assert found_in(path.parent, sealed)
    assert not found_in(path.parent, MARKS), "what is kept is sealed"
    await store.stage(Stage.CLOSED)
    document = await destruction(store).watchlist(store.deployment, AUTHORISING)
    async with store.db.read() as tx:
        rows = await tx.rows("SELECT wrapped FROM deployment_key")
    kept = [bytes(row["wrapped"]) for row in rows]  # for alerts
    assert found_in(path.parent, [one for one in sealed if not any(one in key for key in kept)]) == []
    assert await counts(store, *OF_LISTS) == dict.fromkeys(OF_LISTS, 0)
    statement = read_signed(document, store.keys.site_key.signer.public_key)
    assert statement["destroyed"] == {"entries": 60, "pictures": 60, "alerts": 0}
    assert statement["verified"] == ["keys", "rows", "log", "file"]
    assert statement["remains"] == []


async def test_what_remains_of_a_watchlist_is_the_manifest_without_biometrics(store: Store) -> None:
    await list_people(store, 3)
    await store.stage(Stage.CLOSED)
    store.clock.now += 60
    await destruction(store).watchlist(store.deployment, AUTHORISING)
    async with store.db.read() as tx:
        rows = await tx.rows("SELECT reference, destroyed_at FROM manifest ORDER BY reference")
    assert [tuple(row) for row in rows] == [(f"N{n}", store.clock.now) for n in range(3)]
    row = await deployment_row(store)
    assert (row["stage"], row["destroyed_at"], row["destroying"]) == ("destroyed", store.clock.now, "")


async def test_a_destroyed_watchlist_does_not_open_from_a_copy_that_was_taken_before(
    store: Store, path: Path, tmp_path: Path, site_key: SiteKey
) -> None:
    """The rows of a copy with the files of today: whoever kept the ciphertext kept nothing."""
    await list_people(store, 1)
    async with store.db.read() as tx:
        row = await tx.row("SELECT sealed FROM entry")
    assert row is not None
    await store.stage(Stage.CLOSED)
    await destruction(store).watchlist(store.deployment, AUTHORISING)
    copy = tmp_path / "copy" / path.name
    copy.parent.mkdir(mode=0o700)
    for end in ("", "-wal"):
        copy.with_name(copy.name + end).write_bytes(path.with_name(path.name + end).read_bytes())
    async with Database.open(copy) as db:
        keys = Keys(db, site_key)
        await keys.adopt()
        async with db.read() as tx:
            with pytest.raises(NotAllowed, match="destroyed"):
                await keys.sealer(tx, store.deployment, Purpose.WATCHLIST)
            sealer = await keys.sealer(tx, store.deployment, Purpose.ALERTS)
    with pytest.raises(SealError):
        sealer.unseal(bytes(row["sealed"]), f"entry/{store.deployment}/N0")


async def test_a_row_swapped_with_another_does_not_open(store: Store) -> None:
    await list_people(store, 2)
    async with store.db.read() as tx:
        sealer: Sealer = await store.keys.sealer(tx, store.deployment, Purpose.WATCHLIST)
        rows = await tx.rows("SELECT reference, sealed FROM entry ORDER BY id")
    first, second = rows
    assert sealer.unseal(first["sealed"], f"entry/{store.deployment}/{first['reference']}")
    with pytest.raises(SealError):
        sealer.unseal(second["sealed"], f"entry/{store.deployment}/{first['reference']}")


async def test_revocation_deletes_input_templates_alerts_and_outputs_and_gives_a_signed_receipt(
    store: Store, path: Path
) -> None:
    await list_people(store, 5)
    phone = await store.phone("PC Adams")
    alerts = await raise_alerts(store, 3)
    await store.acts.adjudicate(alerts[0], phone.actor, "not_viable", "another person")
    sealed = pieces(await sealed_rows(store))
    document = await destruction(store).everything(store.deployment, AUTHORISING, "ordered by the court")
    assert found_in(path.parent, [*sealed, *MARKS]) == []
    tables = (*OF_LISTS, *OF_ALERTS, "deployment_key")
    assert await counts(store, *tables) == dict.fromkeys(tables, 0)
    statement = read_signed(document, store.keys.site_key.signer.public_key)
    assert statement["destroyed"] == {"entries": 5, "pictures": 11, "alerts": 3}
    assert statement["kept_under_hold"] == 0
    assert (await deployment_row(store))["stage"] == "destroyed"
    audited = await store.audited()
    assert audited[-2:] == [
        Revoked(store.deployment, "ordered by the court"),
        Destroyed(store.deployment, "all", 5, 11, 3, statement["receipt"]),
    ]
    assert "court" not in document
    assert "Ames" not in document
    assert [kept.document for kept in await receipts.kept(store.db, store.deployment)] == [document]


async def test_the_receipt_bears_witness_to_the_audit_before_it(store: Store) -> None:
    document = await destruction(store).everything(store.deployment, AUTHORISING, "ordered")
    async with store.db.read() as tx:
        newest = await tx.row("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
    assert newest is not None
    assert read_signed(document)["audit"] == {"seq": newest["seq"], "hash": newest["hash"].hex()}


async def test_each_deleted_alert_leaves_an_event_without_a_body(store: Store) -> None:
    alerts = await raise_alerts(store, 2)
    await destruction(store).everything(store.deployment, AUTHORISING, "ordered")
    async with store.db.read() as tx:
        rows = await tx.rows("SELECT alert, what, body FROM event ORDER BY seq")
    assert sorted(tuple(row) for row in rows) == sorted((alert, "erased", None) for alert in alerts)


async def test_a_revocation_asked_for_again_gives_the_same_receipt(store: Store) -> None:
    await list_people(store, 2)
    first = await destruction(store).everything(store.deployment, AUTHORISING, "ordered")
    assert await destruction(store).everything(store.deployment, AUTHORISING, "ordered") == first


@pytest.mark.parametrize("scope", ["everything", "watchlist"])
async def test_whoever_orders_a_destruction_that_another_has_just_ordered_gets_the_one_receipt(
    store: Store, scope: str
) -> None:
    await list_people(store, 30)
    if scope == "watchlist":
        await store.stage(Stage.CLOSED)
    here, there = destruction(store), destruction(store)

    def order(by: Destruction) -> Awaitable[str]:
        if scope == "watchlist":
            return by.watchlist(store.deployment, AUTHORISING)
        return by.everything(store.deployment, AUTHORISING, "ordered")

    first, second, third = await asyncio.gather(order(here), order(there), order(here))
    assert first == second == third
    assert read_signed(first)["destroyed"]["entries"] == 30


async def test_an_order_that_another_one_overtakes_before_it_is_written_down_gets_that_ones_receipt(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await list_people(store, 3)
    write, first = store.db.write, list[str]()

    @asynccontextmanager
    async def overtaken(need: int = 0) -> AsyncIterator[Transaction]:
        monkeypatch.undo()
        first.append(await destruction(store).everything(store.deployment, AUTHORISING, "ordered"))
        async with write(need) as tx:
            yield tx

    monkeypatch.setattr(store.db, "write", overtaken)
    assert await destruction(store).everything(store.deployment, AUTHORISING, "ordered") == first[0]
    assert len(await receipts.kept(store.db)) == 1


async def test_a_hold_keeps_its_alert_through_a_revocation_and_the_receipt_says_so(
    store: Store, path: Path
) -> None:
    alerts = await raise_alerts(store, 2)
    retention = Retention(store.db, store.keys, destruction(store), store.clock)
    await retention.hold(alerts[0], AUTHORISING, "complaint 17")
    document = await destruction(store).everything(store.deployment, AUTHORISING, "ordered")
    assert read_signed(document)["kept_under_hold"] == 1
    assert read_signed(document)["destroyed"]["alerts"] == 1
    assert await store.alerts.picture(alerts[0], "probe", AUTHORISING) is not None
    assert await counts(store, "alert") == {"alert": 1}
    store.clock.now += 1
    await retention.lift(alerts[0], AUTHORISING, "complaint settled")
    assert [due.rule for due in await retention.due()] == ["alerts_revoked"]
    await retention.sweep()
    assert await counts(store, "alert", "picture", "deployment_key") == {
        "alert": 0, "picture": 0, "deployment_key": 0,
    }  # fmt: skip
    assert found_in(path.parent, MARKS) == []


async def test_an_open_deployments_watchlist_is_not_destroyed_by_itself(store: Store) -> None:
    await list_people(store, 2)
    with pytest.raises(NotAllowed, match="close it, or revoke it"):
        await destruction(store).watchlist(store.deployment, AUTHORISING)
    assert await counts(store, "entry", "deployment_key") == {"entry": 2, "deployment_key": 2}


async def test_a_deployment_that_has_not_started_may_have_another_list_after_the_first(store: Store) -> None:
    await list_people(store, 2)
    await store.stage(Stage.DRAFT)
    await destruction(store).watchlist(store.deployment, AUTHORISING)
    assert (await deployment_row(store))["stage"] == "draft"
    store.clock.now += 1
    await list_people(store, 1)
    assert await counts(store, "entry") == {"entry": 1}


async def test_a_deployment_that_is_not_there_is_refused(store: Store) -> None:
    for ordered in (
        destruction(store).watchlist(DeploymentId("d9"), AUTHORISING),
        destruction(store).everything(DeploymentId("d9"), AUTHORISING, "ordered"),
    ):
        with pytest.raises(NotAllowed) as refused:
            await ordered
        assert refused.value.code == "unknown_deployment"


async def test_other_deployments_keep_what_is_theirs(store: Store) -> None:
    await list_people(store, 2)
    kept = await raise_alerts(store, 1)
    await store.stage(Stage.CLOSED)
    await store.begin("d2")
    await list_people(store, 3)
    await raise_alerts(store, 2)
    await destruction(store).everything(DeploymentId("d2"), AUTHORISING, "ordered")
    assert await counts(store, "entry", "alert", "deployment_key") == {
        "entry": 2, "alert": 1, "deployment_key": 2,
    }  # fmt: skip
    assert await store.alerts.picture(kept[0], "candidate", AUTHORISING) is not None


async def test_alerts_are_deleted_with_a_receipt_and_their_key_goes_with_the_last_of_an_ended_deployment(
    store: Store,
) -> None:
    alerts = await raise_alerts(store, 3)
    done = destruction(store)
    document = await done.alerts(alerts[:1], "alerts", AUTHORISING)
    statement = read_signed(document, store.keys.site_key.signer.public_key)
    assert statement["deleted"]["alert"] == 1
    assert statement["deleted"]["picture"] == 2
    deleted = (await store.audited())[-1]
    assert isinstance(deleted, Deleted)
    assert (deleted.rule, deleted.receipt) == ("alerts", statement["receipt"])
    assert await done.alerts(alerts[:1], "alerts", AUTHORISING) == "", "it is gone"
    await store.stage(Stage.CLOSED)
    await done.alerts(alerts[1:2], "alerts", AUTHORISING)
    assert await counts(store, "deployment_key") == {"deployment_key": 2}
    await done.alerts(alerts[2:], "alerts", AUTHORISING)
    async with store.db.read() as tx:
        assert not await store.keys.has(tx, store.deployment, Purpose.ALERTS)


async def test_deleted_alerts_lie_in_no_file_though_their_key_lives_on(store: Store, path: Path) -> None:
    alerts = await raise_alerts(store, 4)
    async with store.db.read() as tx:
        rows = await tx.rows(
            "SELECT sealed FROM alert UNION ALL SELECT sealed FROM picture UNION ALL SELECT body FROM event"
        )
    sealed = pieces([bytes(row[0]) for row in rows])
    assert found_in(path.parent, sealed)
    await destruction(store).alerts(alerts, "alerts", AUTHORISING)
    assert found_in(path.parent, sealed) == []


async def test_while_another_program_reads_the_receipt_says_what_remains_and_the_rest_follows(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lfrd.store.destruction._TRIES", 3)
    await list_people(store, 3)
    await store.stage(Stage.CLOSED)
    waited: list[float] = []

    async def pause(seconds: float) -> None:
        waited.append(seconds)

    done = destruction(store, pause)
    with closing(sqlite3.connect(path)) as backup:
        backup.execute("BEGIN")
        backup.execute("SELECT count(*) FROM entry").fetchone()
        document = await done.watchlist(store.deployment, AUTHORISING)
        statement = read_signed(document)
        assert waited == [0.25] * 3
        assert statement["verified"] == ["keys", "rows"]
        assert "another program is reading" in statement["remains"][0]
        assert await done.finish() == []
        backup.rollback()
    (second,) = await done.finish()
    assert read_signed(second)["completes"] == statement["receipt"]
    assert (await deployment_row(store))["destroying"] == ""
    assert await done.finish() == []


async def test_a_reader_that_ends_in_time_is_waited_for(store: Store, path: Path) -> None:
    await list_people(store, 3)
    await store.stage(Stage.CLOSED)
    with closing(sqlite3.connect(path)) as backup:
        backup.execute("BEGIN")
        backup.execute("SELECT count(*) FROM entry").fetchone()

        async def pause(_seconds: float) -> None:
            backup.rollback()

        document = await destruction(store, pause).watchlist(store.deployment, AUTHORISING)
    assert read_signed(document)["remains"] == []


async def test_a_crash_after_any_statement_is_finished_at_the_next_start(
    path: Path, clock: Clock, site_key: SiteKey
) -> None:
    """Every second statement of a destruction fails in turn, as if the process had ended there."""
    for deadly in range(1, 200, 2):
        folder = path.parent / str(deadly)
        file = folder / path.name
        async with opened(file, clock, site_key) as store:
            await list_people(store, 3, size=100)
            await raise_alerts(store, 2)
            sealed = pieces(await sealed_rows(store))
            left = Dying(store, deadly)
            with suppress(Died):
                await Destruction(store.db, store.keys, clock, at_once).everything(
                    store.deployment, AUTHORISING, "ordered"
                )
            survived = left.statements >= 0
            left.heal()
            begun = bool((await deployment_row(store))["destroying"])
        async with opened(file, clock, site_key, begin=False) as store:
            documents = await Destruction(store.db, store.keys, clock, at_once).finish()
            assert len(documents) == begun
            if begun or survived:
                tables = (*OF_LISTS, *OF_ALERTS, "deployment_key")
                assert await counts(store, *tables) == dict.fromkeys(tables, 0)
                assert len(await receipts.kept(store.db)) == 1
                assert found_in(folder, sealed) == []
                if begun:
                    assert read_signed(documents[0])["destroyed"] == {
                        "entries": 3, "pictures": 7, "alerts": 2,
                    }  # fmt: skip
                    assert read_signed(documents[0])["interrupted"] is True
            else:
                assert await counts(store, "entry", "deployment_key") == {"entry": 3, "deployment_key": 2}
        if survived:
            assert deadly > 20
            return
    raise AssertionError("a destruction took more statements than were tried")


class Died(BaseException):
    """The process has ended, as far as the code under test can tell."""


class Dying:
    """Ends the process, as it were, at its n-th statement."""

    def __init__(self, store: Store, statements: int) -> None:
        self.statements = statements
        self._writer = store.db._writer
        self._real = self._writer.execute_fetchall
        setattr(self._writer, "execute_fetchall", self._count)  # noqa: B010 - a method, on purpose

    async def _count(self, *args: object) -> object:
        self.statements -= 1
        if self.statements < 0:
            raise Died
        return await self._real(*args)

    def heal(self) -> None:
        setattr(self._writer, "execute_fetchall", self._real)  # noqa: B010 - a method, on purpose


async def test_a_revocation_that_died_before_a_key_was_lost_is_carried_out_at_the_next_start(
    store: Store,
) -> None:
    await list_people(store, 2)
    async with store.db.write() as tx:  # what `Deployments.revoke` commits first
        await tx.execute("UPDATE deployment SET stage = 'closed', reason = 'revoked', closed_at = 1")
    (document,) = await destruction(store).finish()
    assert read_signed(document)["kind"] == "everything"
    assert await counts(store, "entry", "deployment_key") == {"entry": 0, "deployment_key": 0}


async def test_a_key_that_lies_in_an_unused_part_of_the_file_is_found_and_compacted_away(
    store: Store, path: Path
) -> None:
    """An SQLite that does not overwrite: as if somebody had built one without secure_delete."""
    async with store.db.read() as tx:
        row = await tx.row("SELECT wrapped FROM deployment_key WHERE purpose = 'watchlist'")
    assert row is not None
    async with store.db.write() as tx:
        await tx.execute("CREATE TABLE junk (a)")
        await tx.execute("INSERT INTO junk VALUES (?)", row["wrapped"])
    await store.db._writer.execute_fetchall("PRAGMA secure_delete = OFF")
    async with store.db.write() as tx:
        await tx.execute("DELETE FROM junk")
    await store.db.fold_log()
    await store.db._writer.execute_fetchall("PRAGMA secure_delete = ON")
    assert found_in(path.parent, [row["wrapped"]])
    await store.stage(Stage.CLOSED)
    document = await destruction(store).watchlist(store.deployment, AUTHORISING)
    assert read_signed(document)["remains"] == []
    assert found_in(path.parent, [row["wrapped"]]) == []


async def test_a_file_that_cannot_be_compacted_is_told_in_the_receipt(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_self: Database) -> None:
        raise StoreError("no room")

    monkeypatch.setattr(Database, "compact", full)
    await store.stage(Stage.CLOSED)
    async with store.db.write() as tx:
        await tx.execute(
            "UPDATE deployment SET destroying = ?",
            '{"scope":"watchlist","receipt":"r1","actor":"a","began_at":1.0}',
        )
        await store.keys.forget(tx, store.deployment, Purpose.WATCHLIST)
    (document,) = await destruction(store).finish()
    assert "could not be compacted" in read_signed(document)["remains"][0]


async def test_every_table_that_hangs_on_an_alert_or_an_entry_is_deleted_with_it(store: Store) -> None:
    """A new table must be put into `erasing`, or its rows would keep the alert from going."""
    async with store.db.read() as tx:
        tables = [row["name"] for row in await tx.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        for table in tables:
            for key in await tx.rows(f"SELECT * FROM pragma_foreign_key_list('{table}')"):
                if key["table"] in ("alert", "adjudication", "withdrawal", "engagement", "outcome"):
                    assert table in erasing.OF_ALERT, table
                if key["table"] in ("entry", "entry_picture", "pair", "approval"):
                    assert table in erasing.OF_ENTRY, table


async def test_what_is_still_there_at_the_end_is_no_receipt_and_the_next_start_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await list_people(store, 2)
    await store.stage(Stage.CLOSED)
    real = Database.fold_log

    async def and_somebody_adds_an_entry(db: Database) -> bool:
        async with db.write() as tx:
            await tx.execute(
                "INSERT INTO entry (deployment, reference, category, blue, state, reasons, needs, digest, "
                "sealed) VALUES ('d1', 'N9', 'wanted', 0, 'listed', '[]', '[]', 'd', x'00')"
            )
        return await real(db)

    with monkeypatch.context() as patch:
        patch.setattr(Database, "fold_log", and_somebody_adds_an_entry)
        with pytest.raises(StoreError, match="left 1 rows; start lfrd again"):
            await destruction(store).watchlist(store.deployment, AUTHORISING)
    assert await receipts.kept(store.db) == []
    assert len(await destruction(store).finish()) == 1
    assert await counts(store, "entry") == {"entry": 0}


async def test_an_alert_under_hold_is_not_deleted_though_somebody_asks_for_it(store: Store) -> None:
    held, free = await raise_alerts(store, 2)
    done = destruction(store)
    await Retention(store.db, store.keys, done, store.clock).hold(held, AUTHORISING, "complaint 17")
    assert await done.alerts([held], "alerts", AUTHORISING) == ""
    assert read_signed(await done.alerts([held, free], "alerts", AUTHORISING))["deleted"]["alert"] == 1
    assert await store.alerts.picture(held, "probe", AUTHORISING) is not None


async def test_a_large_list_is_deleted_in_pieces_that_let_others_write(store: Store) -> None:
    await list_people(store, 1201, size=10)
    await store.stage(Stage.CLOSED)
    before = store.db.statistics().written
    document = await destruction(store).watchlist(store.deployment, AUTHORISING)
    assert store.db.statistics().written - before >= 5  # order, three pieces, a look, the receipt
    assert read_signed(document)["destroyed"]["entries"] == 1201


async def test_an_alert_that_is_not_there_is_no_deletion(store: Store) -> None:
    assert await destruction(store).alerts([AlertId(os.urandom(4).hex())], "alerts", AUTHORISING) == ""
    assert await receipts.kept(store.db) == []


async def test_a_command_beside_the_server_destroys_and_leaves_what_was_cut_off_to_the_server(
    store: Store, path: Path, site_key: SiteKey
) -> None:
    await list_people(store, 3)
    sealed = pieces(await sealed_rows(store))
    async with Database.open(path, beside=True) as db:
        keys = Keys(db, site_key)
        await keys.adopt()
        beside = Destruction(db, keys, store.clock, at_once)
        document = await beside.everything(store.deployment, AUTHORISING, "ordered")
        assert read_signed(document)["remains"] == []
        assert found_in(path.parent, sealed) == []
        async with store.db.write() as tx:
            await tx.execute(
                "UPDATE deployment SET destroying = ?",
                '{"scope":"everything","receipt":"r1","actor":"a","began_at":1.0}',
            )
        assert await beside.finish() == []
    assert len(await destruction(store).finish()) == 1


async def test_after_a_destruction_a_command_beside_the_server_still_sees_that_it_is_not_alone(
    store: Store, path: Path
) -> None:
    await list_people(store, 3)
    await store.stage(Stage.CLOSED)
    await destruction(store).watchlist(store.deployment, AUTHORISING)
    assert await deployments_seen_beside(path) == 1  # at its end it would remove a log that nobody uses
    await store.begin("d2", "Next market day")
    assert await deployments_seen_beside(path) == 2


async def deployments_seen_beside(path: Path) -> int:
    """How many deployments another process finds, which opens the database and closes it again."""
    look = (
        "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); "
        "print(db.execute('SELECT count(*) FROM deployment').fetchone()[0]); db.close()"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", look, str(path), stdout=PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0
    return int(out)


async def test_two_destructions_of_one_deployment_at_once_end_in_one_receipt(store: Store) -> None:
    """The sweep meets a closed deployment while somebody revokes it."""
    await list_people(store, 1201, size=10)
    await raise_alerts(store, 2)
    await store.stage(Stage.CLOSED)
    one, other = destruction(store), destruction(store)
    documents = await asyncio.gather(
        one.watchlist(store.deployment, AUTHORISING),
        other.everything(store.deployment, AUTHORISING, "ordered"),
    )
    tables = (*OF_LISTS, *OF_ALERTS, "deployment_key")
    assert await counts(store, *tables) == dict.fromkeys(tables, 0)
    assert (await deployment_row(store))["destroying"] == ""
    statement = read_signed(documents[1])
    assert statement["kind"] == "everything"
    assert statement["destroyed"] == {"entries": 1201, "pictures": 1205, "alerts": 2}
    assert len(await receipts.kept(store.db)) == 1


async def held_at_its_second_piece(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> tuple[asyncio.Event, asyncio.Event]:
    """A destruction of more than one piece stands still there: the first event tells of it, the second lets
    it go on."""
    await list_people(store, 601, size=10)
    there, goes_on = asyncio.Event(), asyncio.Event()
    some, calls = Destruction._delete_some, 0

    async def waits(self: Destruction, deployment: DeploymentId, mark: Any) -> bool:
        nonlocal calls
        calls += 1
        if calls == 2:
            there.set()
            await goes_on.wait()
        return await some(self, deployment, mark)

    monkeypatch.setattr(Destruction, "_delete_some", waits)
    return there, goes_on


async def test_an_order_that_is_being_carried_out_is_left_alone_by_the_sweep(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, goes_on = await held_at_its_second_piece(store, monkeypatch)
    by = destruction(store)
    order = asyncio.create_task(by.everything(store.deployment, AUTHORISING, "ordered"))
    await there.wait()
    assert await by.finish() == []
    goes_on.set()
    statement = read_signed(await order)
    assert (statement["interrupted"], statement["by"]) == (False, AUTHORISING.id)
    assert len(await receipts.kept(store.db)) == 1


async def test_a_list_whose_time_is_up_while_somebody_revokes_it_goes_by_their_order(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, goes_on = await held_at_its_second_piece(store, monkeypatch)
    await store.stage(Stage.CLOSED)
    by = destruction(store)
    order = asyncio.create_task(by.everything(store.deployment, AUTHORISING, "ordered"))
    await there.wait()
    await by.watchlist(store.deployment, SYSTEM)
    goes_on.set()
    statement = read_signed(await order)
    assert (statement["kind"], statement["by"]) == ("everything", AUTHORISING.id)
    assert statement["destroyed"]["entries"] == 601


async def test_the_sweep_leaves_a_list_alone_that_somebody_is_destroying(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_due(tx: Transaction) -> set[str]:
        return {store.deployment}

    there, goes_on = await held_at_its_second_piece(store, monkeypatch)
    await store.stage(Stage.CLOSED)
    by = destruction(store)
    order = asyncio.create_task(by.everything(store.deployment, AUTHORISING, "ordered"))
    await there.wait()
    with pytest.raises(NotAllowed, match="is being destroyed"):
        await by.watchlist(store.deployment, SYSTEM, is_due)
    goes_on.set()
    assert read_signed(await order)["by"] == AUTHORISING.id


async def test_an_order_that_takes_over_a_half_done_one_counts_what_both_destroyed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first stops with half of the entries gone: their pictures and the alerts' are on one receipt. It
    has lost a key that the second cannot look for, so that the file is written anew."""
    compacted = []
    compact = store.db.compact

    async def noted() -> None:
        compacted.append(True)
        await compact()

    monkeypatch.setattr(store.db, "compact", noted)
    await list_people(store, 601, size=10)
    await raise_alerts(store, 2)
    await store.stage(Stage.CLOSED)
    delete, calls = erasing.delete_entries, 0

    async def fails_the_second_time(tx: Transaction, deployment: DeploymentId, at_most: int) -> int:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise StoreError("the disk is full")
        return await delete(tx, deployment, at_most)

    monkeypatch.setattr(erasing, "delete_entries", fails_the_second_time)
    with pytest.raises(StoreError):
        await destruction(store).watchlist(store.deployment, AUTHORISING)
    assert await counts(store, "entry") == {"entry": 101}
    document = await destruction(store).everything(store.deployment, AUTHORISING, "ordered")
    statement = read_signed(document)
    assert statement["destroyed"] == {"entries": 601, "pictures": 605, "alerts": 2}
    assert (statement["interrupted"], compacted) == (False, [True])
