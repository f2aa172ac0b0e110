"""Viewings of pictures: audited before the picture is shown, many in one transaction, none lost."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lfrd.audit import kinds
from lfrd.store.database import Database
from lfrd.store.viewings import Viewings
from lfrd.types import Actor, AlertId, DeploymentId, OfficerId, Role

OFFICERS = [Actor(OfficerId(f"o{number}"), f"PC {number}", Role.ENGAGEMENT) for number in range(50)]


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database.open(tmp_path / "lfrd.sqlite3") as db:
        yield db


def seen(kind: str) -> kinds.PictureViewed:
    return kinds.PictureViewed(DeploymentId("d1"), kind, AlertId("a1"))


async def audited(db: Database) -> list[str]:
    async with db.read() as tx:
        return [row["actor"] for row in await tx.rows("SELECT actor FROM audit ORDER BY seq")]


async def test_fifty_phones_that_look_at_once_are_each_recorded_in_few_transactions(db: Database) -> None:
    viewings = Viewings(db, lambda: 1.0)
    await asyncio.gather(
        *(viewings.record(one, seen(kind)) for one in OFFICERS for kind in ("probe", "candidate"))
    )
    assert sorted(await audited(db)) == sorted(one.id for one in OFFICERS for _ in range(2))
    statistics = viewings.statistics()
    assert (statistics.stored, statistics.waiting) == (100, 0)
    assert statistics.transactions <= 2


async def test_a_viewing_is_on_the_disk_when_its_record_returns(db: Database) -> None:
    viewings = Viewings(db, lambda: 1.0)

    async def look(one: Actor) -> None:
        await viewings.record(one, seen("probe"))
        assert one.id in await audited(db)

    await asyncio.gather(*map(look, OFFICERS[:8]))


async def test_a_transaction_takes_no_more_than_its_limit_and_the_rest_comes_after_it(db: Database) -> None:
    viewings = Viewings(db, lambda: 1.0, limit=4)
    await asyncio.gather(*(viewings.record(one, seen("probe")) for one in OFFICERS[:10]))
    assert await audited(db) == [one.id for one in OFFICERS[:10]]
    assert viewings.statistics().transactions >= 3
    with pytest.raises(ValueError, match="at least 1"):
        Viewings(db, lambda: 1.0, limit=0)


async def test_whoever_hangs_up_while_storing_takes_nobody_else_along(db: Database) -> None:
    viewings = Viewings(db, lambda: 1.0)
    async with db.write():  # all of them wait for the disk, the first with the turn
        looks = [asyncio.create_task(viewings.record(one, seen("probe"))) for one in OFFICERS[:6]]
        while viewings.statistics().waiting < 6:
            await asyncio.sleep(0)
        looks[0].cancel()
        looks[3].cancel()
        await asyncio.wait([looks[0], looks[3]])
    await asyncio.gather(*looks, return_exceptions=True)
    assert await audited(db) == [one.id for number, one in enumerate(OFFICERS[:6]) if number not in (0, 3)]
    assert viewings.statistics().waiting == 0


async def test_a_disk_that_refuses_refuses_everybody_who_would_have_been_shown_a_picture(
    db: Database,
) -> None:
    viewings = Viewings(db, lambda: 1.0)
    async with db.write() as tx:
        await tx.execute("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT raise(ABORT, 'full'); END")
    answers = await asyncio.gather(
        *(viewings.record(one, seen("probe")) for one in OFFICERS[:5]), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [sqlite3.IntegrityError] * 5
    assert await audited(db) == []
    assert viewings.statistics().waiting == 0
