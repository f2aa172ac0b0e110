"""The database: one connection that writes, a few that read, each on a thread of its own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import aiosqlite

from lfrd.errors import BusyError, StoreError
from lfrd.store import files
from lfrd.store.failure import damaged, in_words
from lfrd.store.schema import APPLICATION_ID, LEAST_SQLITE, MIGRATIONS

_EVERY = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 5000",  # ms; only another program, such as a backup, can make it wait
    "PRAGMA temp_store = MEMORY",  # sorting never puts a row into a file of its own
    "PRAGMA trusted_schema = OFF",
)
_WRITER = (
    "PRAGMA synchronous = FULL",  # a commit returns when it is on the disk: an alert survives a power cut
    "PRAGMA secure_delete = ON",  # deleted rows are overwritten with zeros
    "PRAGMA recursive_triggers = ON",  # REPLACE meets the event log's delete trigger too
    "PRAGMA journal_size_limit = 16777216",  # bytes of log kept after a checkpoint
)


class _Hidden(tuple[Any, ...]):
    """A statement's parameters. aiosqlite logs each call at debug level: pictures and tokens stay out."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "(**********)"


class Transaction:
    """What may be done inside `async with db.write()` or `db.read()`, and only there."""

    def __init__(self, connection: aiosqlite.Connection, path: Path, need: int = 0) -> None:
        self._connection = connection
        self._path = path  # named in errors
        self._need = need  # bytes about to be written, named in a full disk's error
        self._over = False  # after the block: a statement would run outside any transaction

    async def rows(self, sql: str, *parameters: Any) -> list[sqlite3.Row]:
        if self._over:
            raise RuntimeError("this transaction is over")
        with in_words(self._path, self._need):
            return list(await self._connection.execute_fetchall(sql, _Hidden(parameters)))

    async def row(self, sql: str, *parameters: Any) -> sqlite3.Row | None:
        """The first row, or None."""
        rows = await self.rows(sql, *parameters)
        return rows[0] if rows else None

    async def execute(self, sql: str, *parameters: Any) -> None:
        await self.rows(sql, *parameters)

    async def execute_each(self, sql: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """The statement once a row, in one trip to the connection's thread."""
        if self._over:
            raise RuntimeError("this transaction is over")
        with in_words(self._path, self._need):
            await self._connection.executemany(sql, _Hidden(rows))

    def end(self) -> None:
        self._over = True


@dataclass(frozen=True, slots=True)
class DatabaseStatistics:
    """Counts since the start: blocks that wrote to their end, blocks that an exception left, views read.
    `waiting`: writers that stand behind the one at work, now."""

    written: int
    raised: int
    read: int
    waiting: int


class Database:
    """Opened with `Database.open`; handed to what keeps something in it."""

    def __init__(
        self,
        path: Path,
        writer: aiosqlite.Connection,
        readers: list[aiosqlite.Connection],
        watcher: aiosqlite.Connection,
        file: int,
        alone: bool,
    ) -> None:
        self.path = path
        self.alone = alone  # whether this process has the folder: it folds the log, and finishes what was cut
        self._writer = writer
        self._watcher = watcher  # writes nothing itself, so that it sees what every other one has committed
        self._file = file  # a descriptor of the file, open for as long as the connections are
        self._turn = asyncio.Lock()  # held by the one transaction that writes; first come, first served
        self._at_work: asyncio.Task[Any] | None = None  # who holds it: a write inside a write is a bug
        self._readers: asyncio.Queue[aiosqlite.Connection] = asyncio.Queue(len(readers))  # those idle
        for reader in readers:
            self._readers.put_nowait(reader)
        self._written = self._raised = self._read = self._waiting = 0

    @classmethod
    @asynccontextmanager
    async def open(
        cls, path: Path, *, beside: bool = False, readers: int = 2, migrations: tuple[str, ...] = MIGRATIONS
    ) -> AsyncIterator[Self]:
        """Open the database file, made with its folder where it is not there, at the newest schema.

        beside: while the server may be running, for a command that adds a row. Where it does run, SQLite's
        own lock takes turns with it, and the schema must be ours as it is.

        Raises BusyError where another process has the folder and `beside` is not asked for, and StoreError
        where the file is damaged, another program's, of a newer schema, or cannot be written.
        """
        if sqlite3.sqlite_version_info < LEAST_SQLITE:
            wanted = ".".join(map(str, LEAST_SQLITE))
            raise StoreError(
                f"SQLite {sqlite3.sqlite_version} is too old; Python must come with {wanted} or newer"
            )
        async with AsyncExitStack() as stack:
            path = files.prepare(path)
            alone = True
            try:
                stack.enter_context(files.locked(path.parent))
            except BusyError:
                if not beside:
                    raise
                alone = False
            file = stack.enter_context(files.held(path))
            with in_words(path):
                writer = await _connect(stack, path, (*_EVERY, *_WRITER))
                version = await _identify(writer, path, len(migrations))
                if alone:
                    await _prove(writer, path)
                    await _migrate(writer, version, migrations)
                elif version < len(migrations):
                    raise StoreError(
                        f"{path}: the lfrd that is running has not brought it to schema {len(migrations)}: "
                        "try again when it has started, or run the same version of both"
                    )
                else:  # the process that has the folder folds the log into the file, and it alone
                    await writer.execute_fetchall("PRAGMA wal_autocheckpoint = 0")
                # Entered last, left first: the writer is the last to close, and folds the log into the file.
                reading = (*_EVERY, "PRAGMA query_only = ON")
                pool = [await _connect(stack, path, reading) for _ in range(readers)]
                watcher = await _connect(stack, path, reading)
            yield cls(path, writer, pool, watcher, file, alone)

    async def version(self) -> int:
        """A number that is another one after any commit, by this process or by one beside it."""
        with in_words(self.path):
            return int(await _value(self._watcher, "PRAGMA data_version"))

    @asynccontextmanager
    async def write(self, need: int = 0) -> AsyncIterator[Transaction]:
        """One transaction: committed, and on the disk, when the block is left; undone when it raises.

        need: bytes about to be written, named in the error when the disk is full. A task that is cancelled
        inside the block undoes it; one that is cancelled while it commits has committed.
        """
        task = asyncio.current_task()
        if task is not None and task is self._at_work:
            raise RuntimeError("a write inside a write would wait for itself")
        self._waiting += 1
        try:
            await self._turn.acquire()
        finally:
            self._waiting -= 1
        self._at_work = task
        transaction = Transaction(self._writer, self.path, need)
        try:
            try:
                await transaction.execute("BEGIN IMMEDIATE")
                yield transaction
                transaction.end()
                with in_words(self.path, need):
                    await self._writer.commit()
                self._written += 1
            except BaseException:
                transaction.end()
                self._raised += 1
                await self._undo(self._writer)
                raise
        finally:
            self._at_work = None
            self._turn.release()

    async def fold_log(self) -> bool:
        """Fold the log into the file and cut it to nothing, so that what was deleted is in neither.

        False where somebody, here or in another process, still reads an older state: try again. Waits for
        its turn among the writers, and never long for a reader, because alerts wait behind it.
        """
        async with self._turn:
            with in_words(self.path):
                await self._writer.execute_fetchall("PRAGMA busy_timeout = 100")
                try:
                    return not await _value(self._writer, "PRAGMA wal_checkpoint(TRUNCATE)")
                finally:
                    await self._writer.execute_fetchall(_EVERY[1])

    async def compact(self) -> None:
        """Write the whole file anew, without any page or part of one that no row uses. Writers wait."""
        async with self._turn:
            with in_words(self.path):
                await self._writer.execute_fetchall("VACUUM")

    async def holds(self, wanted: Sequence[bytes]) -> bool:
        """Whether any of some short byte strings lies in the file or its log, in a row or outside of any."""
        if await asyncio.to_thread(files.contains, self._file, wanted):
            return True
        try:  # SQLite locks the file and never its log: this one may be opened and closed
            with files.held(self.path.with_name(f"{self.path.name}-wal")) as log:
                return await asyncio.to_thread(files.contains, log, wanted)
        except FileNotFoundError:  # no log: it has been folded and removed
            return False

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        """One unchanging view of what is committed; it waits for a free reader, never for the writer."""
        reader = await self._readers.get()
        transaction = Transaction(reader, self.path)
        self._read += 1
        try:
            await transaction.execute("BEGIN")
            yield transaction
        finally:
            transaction.end()
            try:
                await self._undo(reader)
            finally:
                self._readers.put_nowait(reader)

    async def _undo(self, connection: aiosqlite.Connection) -> None:
        """Roll back, if anything is open.

        A statement that its task no longer waits for still runs: the connection's thread cannot be called
        back. Its queue keeps the order, so the rollback comes after that statement and before the next
        transaction's BEGIN, even where this wait is cancelled too.
        """
        with in_words(self.path):
            await connection.rollback()

    def statistics(self) -> DatabaseStatistics:
        return DatabaseStatistics(self._written, self._raised, self._read, self._waiting)


async def _connect(stack: AsyncExitStack, path: Path, pragmas: tuple[str, ...]) -> aiosqlite.Connection:
    # rw, not rwc: SQLite would make a file that is gone anew, with whatever mode the umask leaves.
    # isolation_level None: Python begins no transaction of its own.
    uri = f"{path.as_uri()}?mode=rw"
    opening = aiosqlite.connect(uri, uri=True, isolation_level=None)
    connection = await stack.enter_async_context(_seen_through(opening))
    connection.row_factory = sqlite3.Row
    for pragma in pragmas:
        await connection.execute_fetchall(pragma)
    return connection


@asynccontextmanager
async def _seen_through(opening: aiosqlite.Connection) -> AsyncIterator[aiosqlite.Connection]:
    """The connection, closed at the end of the block.

    A task that is cancelled meanwhile waits for the opening and closes it: aiosqlite would leave the thread
    behind, to answer an event loop that may be gone.
    """
    opened = asyncio.ensure_future(opening.__aenter__())
    try:
        await asyncio.shield(opened)
    except asyncio.CancelledError:
        await asyncio.wait({opened})
        if opened.exception() is None:
            await opening.close()
        raise
    try:
        yield opening
    finally:
        await opening.close()


async def _value(connection: aiosqlite.Connection, sql: str) -> Any:
    rows = list(await connection.execute_fetchall(sql))
    return rows[0][0] if rows else None


async def _identify(writer: aiosqlite.Connection, path: Path, known: int) -> int:
    """The schema's version, 0 in a new file. Refuses a file that is not ours, before anything changes."""
    version = int(await _value(writer, "PRAGMA user_version"))
    mark = await _value(writer, "PRAGMA application_id")
    tables = await _value(writer, "SELECT count(*) FROM sqlite_schema")
    if mark != APPLICATION_ID and (mark or version or tables):
        raise StoreError(f"{path}: another program's database; set site.data to another folder")
    if version > known:
        raise StoreError(
            f"{path}: written by a newer lfrd (schema {version}; this one knows {known}): run that version, "
            "or put an older backup in its place"
        )
    return version


async def _prove(writer: aiosqlite.Connection, path: Path) -> None:
    """The file is whole, and carries a log that readers and the writer share."""
    if await _value(writer, "PRAGMA quick_check(1)") != "ok":
        raise StoreError(damaged(path))
    if await _value(writer, "PRAGMA journal_mode = WAL") != "wal":
        raise StoreError(f"{path}: its file system does not carry a shared log (WAL); use a local disk")


async def _migrate(writer: aiosqlite.Connection, version: int, migrations: tuple[str, ...]) -> None:
    for number, script in enumerate(migrations[version:], start=version + 1):
        # A script that fails leaves its transaction open, and closing the connection undoes it.
        await writer.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;")
