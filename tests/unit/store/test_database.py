from __future__ import annotations

import asyncio
import logging
import os
import resource
import shutil
import sqlite3
import stat
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lfrd.errors import BusyError, StoreError
from lfrd.sealing.sitekey import SiteKey
from lfrd.store.database import Database
from lfrd.store.files import LOCK_NAME
from lfrd.store.officers import Officers
from lfrd.store.schema import MIGRATIONS
from lfrd.types import CONSOLE, AlertId
from tests.unit.store.conftest import Clock, Store, contents, new_alert, opened, put

_AN_OFFICER = "INSERT INTO officer (id, name, label, role, created_at) VALUES ('1', 'A', 'a', 'operator', 0)"


async def refusal(path: Path, migrations: tuple[str, ...] = MIGRATIONS) -> str:
    """The one line with which opening this store is refused."""
    with pytest.raises(StoreError) as caught:
        async with Database.open(path, migrations=migrations):
            pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def new_threads_end(before: set[threading.Thread]) -> None:
    """A connection's thread answers its last call a moment before it ends."""
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert set(threading.enumerate()) <= before


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o000)
    yield
    os.umask(before)


async def test_folder_and_files_are_closed_to_other_users_whatever_the_umask(path: Path, umask: None) -> None:
    async with Database.open(path) as db:
        async with db.write() as tx:
            await tx.execute(_AN_OFFICER)
        assert mode(path.parent) == 0o700
        modes = {file.name: mode(file) for file in path.parent.iterdir()}
    assert modes == dict.fromkeys((path.name, f"{path.name}-wal", f"{path.name}-shm", LOCK_NAME), 0o600)


async def test_others_lose_the_right_to_write_to_a_folder_that_was_there(path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o775)
    async with Database.open(path):
        assert mode(path.parent) == 0o755


async def test_a_folder_that_everybody_shares_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o1777)
    assert "other users of this machine may write" in await refusal(path)


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file" / "data") in await refusal(tmp_path / "file" / "data" / "lfrd.sqlite3")


@pytest.mark.parametrize(
    ("pragma", "writer", "reader"),
    [
        ("journal_mode", "wal", "wal"),
        ("synchronous", 2, None),
        ("secure_delete", 1, None),
        ("recursive_triggers", 1, None),
        ("foreign_keys", 1, 1),
        ("busy_timeout", 5000, 5000),
        ("temp_store", 2, 2),
        ("query_only", 0, 1),
    ],
)
async def test_connections_are_set_as_durability_and_erasure_need(
    store: Store, pragma: str, writer: object, reader: object
) -> None:
    async with store.db.write() as tx:
        row = await tx.row(f"PRAGMA {pragma}")
        assert row is not None
        assert row[0] == writer
    async with store.db.read() as tx:
        row = await tx.row(f"PRAGMA {pragma}")
        assert row is not None
        assert reader is None or row[0] == reader


async def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(StoreError):
        async with store.db.read() as tx:
            await tx.execute(_AN_OFFICER)


async def test_what_is_deleted_is_overwritten_in_the_file(
    path: Path, clock: Clock, site_key: SiteKey
) -> None:
    async with opened(path, clock, site_key) as store:
        await store.filed()
        async with store.db.read() as tx:
            row = await tx.row("SELECT sealed FROM picture")
        assert row is not None
        mark = bytes(row["sealed"])[100:140]
    assert mark in contents(path)
    async with Database.open(path) as db, db.write() as tx:
        await tx.execute("DELETE FROM picture")
    assert [file.name for file in path.parent.iterdir() if mark in file.read_bytes()] == []


async def test_a_second_opening_of_the_same_folder_is_refused(path: Path) -> None:
    async with Database.open(path):
        with pytest.raises(BusyError, match=rf"in use by another lfrd process \({os.getpid()}\)"):
            async with Database.open(path):
                pass
    async with Database.open(path):
        pass


async def test_an_invitation_made_beside_the_running_process_is_good_in_it(store: Store) -> None:
    async with Database.open(store.db.path, beside=True) as db:
        code = await Officers(db, store.clock).invite("PC Adams", 1, 60, actor=CONSOLE)
    assert await Officers(store.db, store.clock).join(code)
    async with store.db.read() as tx:  # what opened beside has not taken the log away at its end
        assert (await tx.rows("SELECT name FROM officer"))[0]["name"] == "PC Adams"
    assert store.db.path.with_name(f"{store.db.path.name}-wal").exists()


async def test_an_opening_beside_nobody_is_an_opening(path: Path, clock: Clock) -> None:
    async with Database.open(path, beside=True) as db:
        await Officers(db, clock).invite("PC Adams", 1, 60, actor=CONSOLE)
        with pytest.raises(BusyError):
            async with Database.open(path):
                pass


async def test_a_newer_program_does_not_change_the_schema_under_the_running_one(store: Store) -> None:
    with pytest.raises(StoreError, match="the lfrd that is running"):
        async with Database.open(store.db.path, beside=True, migrations=(*MIGRATIONS, "SELECT 1")):
            pass
    async with store.db.read() as tx:
        assert tuple((await tx.rows("PRAGMA user_version"))[0]) == (len(MIGRATIONS),)


async def test_a_block_that_raises_leaves_nothing(store: Store) -> None:
    async def fail() -> None:
        async with store.db.write() as tx:
            await tx.execute(_AN_OFFICER)
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        await fail()
    async with store.db.read() as tx:
        assert await tx.rows("SELECT * FROM officer") == []


@pytest.mark.parametrize("cancels", [1, 2])
@pytest.mark.parametrize("turns", range(12))
async def test_a_task_cancelled_at_any_point_leaves_all_or_nothing_and_a_writer_that_works(
    store: Store, turns: int, cancels: int
) -> None:
    filing = asyncio.ensure_future(store.alerts.file(new_alert(store.deployment)))
    for _ in range(turns * turns):
        await asyncio.sleep(0)
    for _ in range(cancels):
        filing.cancel()
        await asyncio.sleep(0)
    following = asyncio.ensure_future(store.alerts.file(new_alert(store.deployment)))
    results = await asyncio.gather(filing, return_exceptions=True)
    assert (await following).what == "alert"
    async with store.db.read() as tx:
        row = await tx.row(
            "SELECT (SELECT count(*) FROM alert), (SELECT count(*) FROM picture), "
            "(SELECT count(*) FROM event), (SELECT max(seq) FROM event)"
        )
    assert row is not None
    assert tuple(row) in ((1, 2, 1, 1), (2, 4, 2, 2))
    if not isinstance(results[0], asyncio.CancelledError):
        assert row[0] == 2


async def test_a_write_inside_a_write_is_a_bug_and_not_a_wait(store: Store) -> None:
    with pytest.raises(RuntimeError, match="inside a write"):
        async with store.db.write(), store.db.write():
            pass
    assert (await store.alerts.file(new_alert(store.deployment))).seq == 1


async def test_a_transaction_is_of_no_use_after_its_block(store: Store) -> None:
    async with store.db.write() as tx:
        pass
    async with store.db.read() as view:
        pass
    with pytest.raises(RuntimeError, match="over"):
        await view.rows("SELECT * FROM picture")
    with pytest.raises(RuntimeError, match="over"):
        await tx.execute("DELETE FROM picture")
    with pytest.raises(RuntimeError, match="over"):
        await tx.execute_each("DELETE FROM picture WHERE alert = ?", [("1",)])


async def test_readers_see_one_state_while_a_writer_goes_on(store: Store) -> None:
    async with store.db.read() as tx:
        before = await tx.row("SELECT count(*) FROM alert")
        await store.alerts.file(new_alert(store.deployment))
        after = await tx.row("SELECT count(*) FROM alert")
    assert before is not None
    assert after is not None
    assert before[0] == after[0] == 0
    assert await store.alerts.latest() == 1


async def test_statistics_count_what_was_written_undone_read_and_waits(store: Store) -> None:
    start = store.db.statistics()
    async with store.db.write():
        waiting = asyncio.ensure_future(store.alerts.file(new_alert(store.deployment)))
        await asyncio.sleep(0)
        assert store.db.statistics().waiting == 1
    await waiting
    await store.alerts.latest()
    with pytest.raises(ZeroDivisionError):
        async with store.db.write():
            raise ZeroDivisionError
    end = store.db.statistics()
    assert (end.written - start.written, end.raised - start.raised) == (2, 1)
    assert (end.read - start.read, end.waiting) == (1, 0)


async def test_the_most_talkative_log_shows_no_picture_and_no_token(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    officers = Officers(store.db, store.clock)
    token = await officers.join(await officers.invite(None, 1, 60, actor=CONSOLE), "PC Baker")
    alert = new_alert(store.deployment, probe_jpeg=b"\xff\xd8 a face " * 100)
    await store.alerts.file(alert)
    await officers.session(token)
    text = "\n".join(record.getMessage() for record in caplog.records)
    assert "INSERT INTO picture" in text  # aiosqlite does log its calls
    assert "a face" not in text
    assert "PC Baker" not in text


async def test_a_newer_schema_is_refused_and_left_alone(path: Path) -> None:
    async with Database.open(path, migrations=(*MIGRATIONS, "CREATE TABLE later (a TEXT) STRICT")):
        pass
    assert f"schema {len(MIGRATIONS) + 1}; this one knows {len(MIGRATIONS)}" in await refusal(path)


async def officers(db: Database) -> list[str]:
    async with db.read() as tx:
        return [row["name"] for row in await tx.rows("SELECT name FROM officer")]


async def test_an_older_schema_is_brought_up_and_keeps_its_rows(path: Path) -> None:
    async with Database.open(path) as db, db.write() as tx:
        await tx.execute(_AN_OFFICER)
    longer = (*MIGRATIONS, "ALTER TABLE officer ADD COLUMN station TEXT NOT NULL DEFAULT ''")
    for _ in range(2):  # the second opening finds nothing left to do
        async with Database.open(path, migrations=longer) as db:
            assert await officers(db) == ["A"]


async def test_a_migration_that_fails_half_way_changes_nothing(path: Path) -> None:
    async with Database.open(path) as db, db.write() as tx:
        await tx.execute(_AN_OFFICER)
    with pytest.raises(sqlite3.OperationalError):
        async with Database.open(
            path, migrations=(*MIGRATIONS, "CREATE TABLE half (a); CREATE TABLE half (a)")
        ):
            pass
    async with Database.open(path) as db, db.read() as tx:
        assert await officers(db) == ["A"]
        assert await tx.rows("SELECT 1 FROM sqlite_schema WHERE name = 'half'") == []


async def test_another_programs_database_is_refused_and_left_alone(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE t (a)")
    other.commit()
    other.close()
    before = contents(path)
    assert "another program's database" in await refusal(path)
    assert contents(path) == before


async def test_a_file_that_is_no_database_is_refused_with_what_to_do(path: Path) -> None:
    put(path, b"not a database, and longer than the header of one would be: " * 20)
    message = await refusal(path)
    assert message.startswith(f"{path}: damaged, or not a database; ")
    assert "backup" in message


async def test_a_database_damaged_in_its_middle_is_refused_at_the_start(
    path: Path, clock: Clock, site_key: SiteKey
) -> None:
    async with opened(path, clock, site_key) as store:
        for _ in range(20):
            await store.filed(size=20_000)
    data = bytearray(contents(path))
    page = 4096
    for start in range(4 * page, 12 * page, page):
        data[start : start + 200] = b"\xa5" * 200
    put(path, bytes(data))
    assert "damaged" in await refusal(path)


async def test_a_log_cut_at_any_byte_opens_with_whole_alerts_only(
    path: Path, clock: Clock, site_key: SiteKey, tmp_path: Path
) -> None:
    """What a power cut leaves: the file as it was at the last checkpoint, and some of the log."""
    wal = path.with_name(f"{path.name}-wal")
    async with opened(path, clock, site_key) as store:
        ends = [wal.stat().st_size]
        for _ in range(4):
            await store.filed(size=6_000)
            ends.append(wal.stat().st_size)
        main, tail = contents(path), contents(wal)
    assert len(set(ends)) == 5, "each alert must have reached the log before `file` returned"
    for cut in sorted({*ends, *(end - 1 for end in ends[1:]), *range(ends[0], ends[-1], 4999)}):
        copy = tmp_path / f"cut{cut}" / path.name
        put(copy, main)
        put(copy.with_name(wal.name), tail[:cut])
        whole = sum(end <= cut for end in ends) - 1
        async with opened(copy, clock, site_key, begin=False, readers=1) as store:
            events = await store.alerts.after(0, 100)
            assert [event.seq for event in events] == list(range(1, whole + 1))
            for event in events:
                assert await store.alerts.picture(AlertId(event.alert.id), "probe", CONSOLE)
                assert await store.alerts.picture(AlertId(event.alert.id), "candidate", CONSOLE)
            assert len(await store.audited()) == whole * 3
        shutil.rmtree(copy.parent)


async def test_opening_and_closing_leaves_no_descriptor_and_no_thread(path: Path) -> None:
    async with Database.open(path):  # what is made once, such as the loop's own pipes, is made here
        pass
    threads = set(threading.enumerate())
    before = descriptors()
    for _ in range(5):
        async with Database.open(path) as db:
            await officers(db)
            assert descriptors() > before
    await new_threads_end(threads)
    assert descriptors() == before


async def test_a_refused_opening_leaves_no_descriptor_and_no_thread(path: Path) -> None:
    put(path, b"not a database" * 100)
    await refusal(path)
    threads = set(threading.enumerate())
    before = descriptors()
    for _ in range(5):
        await refusal(path)
    await new_threads_end(threads)
    assert descriptors() == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_a_disk_that_fills_up_refuses_the_alert_and_takes_it_when_there_is_room(
    small_disk: Path, clock: Clock, site_key: SiteKey
) -> None:
    path = small_disk / "lfrd.sqlite3"
    ballast = small_disk / "ballast"
    async with opened(path, clock, site_key) as store:
        log = store.alerts
        alert = new_alert(store.deployment, size=30_000)
        kept = [await log.file(alert)]
        free = shutil.disk_usage(small_disk).free
        ballast.write_bytes(bytes(free - 40_960))
        with pytest.raises(
            StoreError, match=r"no room left on its disk \(about 123 KiB needed; \d+ KiB free\)"
        ):
            await log.file(alert)
        assert await log.after(0, 10) == kept
        ballast.unlink()
        kept.append(await log.file(alert))
        ballast.write_bytes(
            bytes(shutil.disk_usage(small_disk).free)
        )  # full to the last byte while it closes
    ballast.unlink()
    async with opened(path, clock, site_key, begin=False) as store:
        assert await store.alerts.after(0, 10) == kept
        picture = await store.alerts.picture(AlertId(kept[0].alert.id), "candidate", CONSOLE)
        assert picture == alert.candidate_jpeg


async def test_a_disk_that_is_full_at_the_start_is_told_in_one_line(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes(shutil.disk_usage(small_disk).free))
    assert "no room left on its disk" in await refusal(small_disk / "lfrd.sqlite3")


async def test_a_disk_that_refuses_to_write_is_told_and_nothing_is_half_written(store: Store) -> None:
    kept = await store.alerts.file(new_alert(store.deployment))
    wal = store.db.path.with_name(f"{store.db.path.name}-wal")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size + 4096, before[1]))
    try:
        with pytest.raises(StoreError, match="the disk does not read or write"):
            await store.alerts.file(new_alert(store.deployment, size=50_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert await store.alerts.after(0, 10) == [kept]
    assert (await store.alerts.file(new_alert(store.deployment, size=50_000))).seq == 2
