"""A box with one person in every role: a real store, the services on it, and the real server."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from lfrd.assembly import Office, make_office, working
from lfrd.audit import kinds
from lfrd.config import Config, Web
from lfrd.operation.board import Status
from lfrd.records import Records, records
from lfrd.store.officers import Officers
from lfrd.types import CONSOLE, Actor, OfficerId, Role
from lfrd.web.proof import DeviceKey, read_key
from lfrd.web.serving import serving
from tests.phone import Phone

PASSWORD = "seven herons over Whitby"
APPOINTER = Actor(OfficerId("appointer"), "Whoever appoints", Role.AUTHORISING)


class Monotonic:
    """Seconds that a test moves, on top of the real ones: for limits and tickets, not for proofs."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self._stopped: float | None = None

    def stop(self) -> None:
        """From now on only the test moves it: what is counted depends on no machine."""
        self._stopped = time.monotonic()

    def __call__(self) -> float:
        return (time.monotonic() if self._stopped is None else self._stopped) + self.ahead


@dataclass
class Staff:
    office: Office
    records: Records
    url: str
    time: Monotonic

    @property
    def officers(self) -> Officers:
        return self.records.officers

    async def person(self, role: Role, name: str = "") -> Phone:
        """Somebody signed in, in this role, with a device's key; without HTTP, and without its limits."""
        return await person(self.officers, self.url, role, name)

    async def audited(self, *kind: type[kinds.Body]) -> list[kinds.AnyBody]:
        async with self.records.db.read() as tx:
            rows = await tx.rows("SELECT body FROM audit ORDER BY seq")
        return [body for row in rows if isinstance(body := kinds.decode(row["body"]), kind)]

    async def contents(self) -> dict[str, list[tuple[object, ...]]]:
        """Every row of every table but the audit's, to see that nothing has changed. When a session was last
        seen is left out, and the clock."""
        async with self.records.db.read() as tx:
            names = await tx.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")
            tables = {row["name"] for row in names} - {"audit", "checkpoint", "site"}
            found = {table: await tx.rows(f"SELECT * FROM {table}") for table in sorted(tables)}
        return {
            table: [tuple(value for key, value in dict(row).items() if key != "last_seen_at") for row in rows]
            for table, rows in found.items()
        }


async def person(officers: Officers, url: str, role: Role, name: str = "") -> Phone:
    """Somebody who is added, where they are not there yet, and signed in with a device's key."""
    key, name = DeviceKey(), name or f"The {role}"
    if role is Role.ENGAGEMENT:
        code = await officers.invite(name, 1, 60, actor=CONSOLE)
        token = await officers.join(code, "", read_key(key.public))
    else:
        by = APPOINTER if role in (Role.AUTHORISING, Role.AUDITOR) else CONSOLE
        officer = await officers.add(name, role, "Inspector", by)
        code = await officers.invite(name, 1, 60, role=role, actor=by)
        token = await officers.first_password(code, PASSWORD, read_key(key.public))
        assert officer
    return Phone(url, f"lfrd={token}", name, key)


def page(folder: Path) -> Path:
    """A folder of pages with one file of each kind."""
    static = folder / "static"
    (static / "desk").mkdir(parents=True, exist_ok=True)
    for name, text in {
        "index.html": "<!doctype html><title>lfrd</title>",
        "app.js": "export {};",
        "app.css": "body { margin: 0 }",
        "sw.js": "self.onfetch = null;",
        "manifest.webmanifest": "{}",
        "long.js": "// the same line again and again\n" * 100,
        "desk/index.html": "<!doctype html><title>the desk</title>",
        ".hidden": "not for anybody",
    }.items():
        (static / name).write_text(text)
    return static


@asynccontextmanager
async def staffed(
    folder: Path,
    *,
    metrics: Callable[[], bytes] = lambda: b"lfrd_up 1\n",
    health: Callable[[], tuple[str, ...]] = lambda: (),
) -> AsyncIterator[Staff]:
    placed = Config(web=Web(host="127.0.0.1", allow_plain_http=True, port=0)).at(folder)
    moved = Monotonic()
    async with records(placed) as opened:
        office = await make_office(
            placed,
            opened,
            status=lambda: Status(()),
            static=page(folder),
            metrics=metrics,
            health=lambda _board: health(),
            monotonic=moved,
        )
        async with working(office) as group, serving(office.app, placed, group) as bound:
            yield Staff(office, opened, bound.url, moved)


@asynccontextmanager
async def visitor(url: str, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody with a browser on this machine, and no session."""
    async with httpx.AsyncClient(base_url=url, headers={"origin": url, **headers}) as client:
        yield client
