"""A deployment's keys: without its row, nothing that it sealed can be opened, by anybody."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from lfrd import config
from lfrd.audit.kinds import KeyRotated
from lfrd.config import Placed
from lfrd.errors import MissingError, NotAllowed, SealError
from lfrd.sealing.sitekey import SiteKey, key_path, open_site_key, promote, write_next
from lfrd.store.audit import Audit
from lfrd.store.database import Database
from lfrd.store.keys import Keys, Purpose
from lfrd.types import SYSTEM, DeploymentId, Stage
from tests.unit.store.conftest import Clock, Store

D1, D2 = DeploymentId("d1"), DeploymentId("d2")


async def seal(keys: Keys, db: Database, deployment: DeploymentId, purpose: Purpose, context: str) -> bytes:
    async with db.read() as tx:
        return (await keys.sealer(tx, deployment, purpose)).seal(b"a face", context)


async def unseal(
    keys: Keys, db: Database, deployment: DeploymentId, purpose: Purpose, sealed: bytes
) -> bytes:
    async with db.read() as tx:
        return (await keys.sealer(tx, deployment, purpose)).unseal(sealed, "alert/1")


async def forget(keys: Keys, db: Database, deployment: DeploymentId, purpose: Purpose) -> None:
    async with db.write() as tx:
        await keys.forget(tx, deployment, purpose)


async def test_each_deployment_and_each_purpose_has_a_key_of_its_own(store: Store) -> None:
    await store.stage(Stage.CLOSED)
    await store.begin("d2")
    sealed = await seal(store.keys, store.db, D1, Purpose.ALERTS, "alert/1")
    assert await unseal(store.keys, store.db, D1, Purpose.ALERTS, sealed) == b"a face"
    for deployment, purpose in ((D1, Purpose.WATCHLIST), (D2, Purpose.ALERTS), (D2, Purpose.WATCHLIST)):
        with pytest.raises(SealError):
            await unseal(store.keys, store.db, deployment, purpose, sealed)


async def test_once_the_key_is_forgotten_nothing_opens_and_nothing_more_is_sealed(store: Store) -> None:
    sealed = await seal(store.keys, store.db, D1, Purpose.ALERTS, "alert/1")
    await forget(store.keys, store.db, D1, Purpose.ALERTS)
    with pytest.raises(NotAllowed, match="has been destroyed") as refused:
        await unseal(store.keys, store.db, D1, Purpose.ALERTS, sealed)
    assert refused.value.code == "destroyed"
    assert await seal(store.keys, store.db, D1, Purpose.WATCHLIST, "entry/1")


async def test_a_key_that_another_process_forgets_is_no_longer_served_here(
    store: Store, path: Path, site_key: SiteKey
) -> None:
    sealed = await seal(store.keys, store.db, D1, Purpose.ALERTS, "alert/1")  # unwrapped, and remembered
    async with Database.open(path, beside=True) as beside:
        others = Keys(beside, site_key)
        await others.adopt()
        await forget(others, beside, D1, Purpose.ALERTS)
    with pytest.raises(NotAllowed):
        await unseal(store.keys, store.db, D1, Purpose.ALERTS, sealed)


async def test_a_key_that_another_process_replaces_is_not_mixed_up_with_the_old_one(
    store: Store, path: Path, site_key: SiteKey
) -> None:
    sealed = await seal(store.keys, store.db, D1, Purpose.ALERTS, "alert/1")
    async with Database.open(path, beside=True) as beside:
        others = Keys(beside, site_key)
        async with beside.write() as tx:
            await others.forget(tx, D1, Purpose.ALERTS)
            await others.renew(tx, D1, Purpose.ALERTS)
    with pytest.raises(SealError):
        await unseal(store.keys, store.db, D1, Purpose.ALERTS, sealed)


async def test_a_key_that_another_process_destroys_is_let_go_of_here_too(store: Store, path: Path) -> None:
    sealed = await seal(store.keys, store.db, D1, Purpose.ALERTS, "alert/1")
    await seal(store.keys, store.db, D1, Purpose.WATCHLIST, "entry/1")
    assert await store.keys.let_go() == 0
    with closing(sqlite3.connect(path)) as beside, beside:
        beside.execute("DELETE FROM deployment_key WHERE purpose = 'watchlist'")
    assert await store.keys.let_go() == 1
    assert await store.keys.let_go() == 0
    assert await unseal(store.keys, store.db, D1, Purpose.ALERTS, sealed) == b"a face"


async def test_a_forgetting_that_is_undone_leaves_the_key(store: Store) -> None:
    sealed = await seal(store.keys, store.db, D1, Purpose.ALERTS, "alert/1")
    with suppress(ZeroDivisionError):
        async with store.db.write() as tx:
            await store.keys.forget(tx, D1, Purpose.ALERTS)
            raise ZeroDivisionError
    assert await unseal(store.keys, store.db, D1, Purpose.ALERTS, sealed) == b"a face"


async def test_a_wrapped_key_in_another_deployments_row_does_not_unwrap(store: Store) -> None:
    await store.stage(Stage.CLOSED)
    await store.begin("d2")
    async with store.db.write() as tx:
        await tx.execute(
            "UPDATE deployment_key SET wrapped = (SELECT wrapped FROM deployment_key "
            "WHERE deployment = 'd1' AND purpose = 'alerts') WHERE deployment = 'd2' AND purpose = 'alerts'"
        )
    with pytest.raises(SealError):
        await seal(store.keys, store.db, D2, Purpose.ALERTS, "alert/1")


async def test_making_keys_twice_changes_none(store: Store) -> None:
    sealed = await seal(store.keys, store.db, D1, Purpose.ALERTS, "alert/1")
    async with store.db.write() as tx:
        await store.keys.create(tx, D1)
    assert await unseal(store.keys, store.db, D1, Purpose.ALERTS, sealed) == b"a face"


async def test_a_copy_of_database_and_log_without_the_site_key_opens_nothing(
    store: Store, path: Path, tmp_path: Path
) -> None:
    """What a thief of the disk has: every byte but the key's."""
    sealed = await seal(store.keys, store.db, D1, Purpose.ALERTS, "alert/1")
    copy = tmp_path / "stolen" / path.name
    copy.parent.mkdir(mode=0o700)
    for end in ("", "-wal"):
        copy.with_name(copy.name + end).write_bytes(path.with_name(path.name + end).read_bytes())
    async with Database.open(copy) as stolen:
        thief = Keys(stolen, SiteKey.generate())
        with pytest.raises(SealError, match=f"sealed with the site key {store.keys.site_key.id}"):
            await thief.adopt()
        with pytest.raises(SealError):
            await unseal(thief, stolen, D1, Purpose.ALERTS, sealed)


async def test_rotation_wraps_every_key_anew_and_the_audit_tells_of_it(store: Store, path: Path) -> None:
    old = store.keys.site_key
    await Audit(store.db, store.clock, old.signer).begin("site", "0")
    sealed = await seal(store.keys, store.db, D1, Purpose.ALERTS, "alert/1")
    new = SiteKey.generate()
    assert await store.keys.rotate(new, SYSTEM, store.clock()) == 2
    assert await unseal(store.keys, store.db, D1, Purpose.ALERTS, sealed) == b"a face"
    assert (await store.audited())[-1] == KeyRotated(new.signer.public_key.hex())
    async with store.db.read() as tx:
        checkpoint = await tx.row("SELECT * FROM checkpoint ORDER BY seq DESC")
        newest = await tx.row("SELECT max(seq) FROM audit")
    assert checkpoint is not None
    assert newest is not None
    assert checkpoint["seq"] == newest[0]
    assert checkpoint["public_key"] == old.signer.public_key
    with pytest.raises(SealError, match=f"put {new.id} in its place"):
        await Keys(store.db, old).adopt()
    again = Keys(store.db, new)
    await again.adopt()
    assert await unseal(again, store.db, D1, Purpose.ALERTS, sealed) == b"a face"


async def test_a_rotation_that_meets_a_damaged_key_changes_nothing(store: Store) -> None:
    await Audit(store.db, store.clock, store.keys.site_key.signer).begin("site", "0")
    sealed = await seal(store.keys, store.db, D1, Purpose.ALERTS, "alert/1")
    async with store.db.write() as tx:
        await tx.execute("UPDATE deployment_key SET wrapped = zeroblob(61) WHERE purpose = 'watchlist'")
    with pytest.raises(SealError):
        await store.keys.rotate(SiteKey.generate(), SYSTEM, store.clock())
    await store.keys.adopt()
    assert await unseal(store.keys, store.db, D1, Purpose.ALERTS, sealed) == b"a face"


async def test_a_command_beside_a_rotation_is_told_to_start_again(store: Store, site_key: SiteKey) -> None:
    await Audit(store.db, store.clock, site_key.signer).begin("site", "0")
    beside = Keys(store.db, site_key)
    await beside.adopt()
    await store.keys.rotate(SiteKey.generate(), SYSTEM, store.clock())
    with pytest.raises(SealError, match="exchanged meanwhile"):
        await seal(beside, store.db, D1, Purpose.ALERTS, "alert/1")
    async with store.db.write() as tx:
        with pytest.raises(SealError, match="exchanged meanwhile"):
            await beside.renew(tx, D2, Purpose.ALERTS)


@pytest.fixture
def placed(tmp_path: Path) -> Placed:
    return config.parse({}).at(tmp_path)


async def test_the_first_start_makes_a_key_and_a_lost_one_is_never_replaced(placed: Placed) -> None:
    database = placed.data / "lfrd.sqlite3"
    async with Database.open(database) as db:
        first = (await Keys.opened(db, placed)).site_key
        assert (await Keys.opened(db, placed)).site_key.id == first.id
    key_path(placed).unlink()
    async with Database.open(database) as db:
        with pytest.raises(MissingError, match="put its backup in this place"):
            await Keys.opened(db, placed)
    assert not key_path(placed).exists()


async def test_another_key_in_the_files_place_is_named_with_the_one_that_is_needed(placed: Placed) -> None:
    database = placed.data / "lfrd.sqlite3"
    async with Database.open(database) as db:
        first = (await Keys.opened(db, placed)).site_key
    key_path(placed).unlink()
    other = open_site_key(placed, create=True, environment={})
    async with Database.open(database) as db:
        with pytest.raises(SealError, match=f"site key {first.id}, and the one here .* is {other.id}"):
            await Keys.opened(db, placed)


@pytest.mark.parametrize("crash", ["before the file", "before the commit", "before the swap", "never"])
async def test_a_rotation_cut_off_anywhere_leaves_a_key_that_opens_everything(
    placed: Placed, clock: Clock, crash: str
) -> None:
    database = placed.data / "lfrd.sqlite3"
    new = SiteKey.generate()
    async with Database.open(database) as db:
        keys = await Keys.opened(db, placed)
        await Audit(db, clock, keys.site_key.signer).begin("site", "0")
        store = Store(db, keys, clock)
        await store.begin()
        sealed = await seal(keys, db, D1, Purpose.ALERTS, "alert/1")
        old = keys.site_key.id
        if crash != "before the file":
            write_next(key_path(placed), new)
        if crash in ("before the swap", "never"):
            await keys.rotate(new, SYSTEM, clock())
        if crash == "never":
            promote(new)
    rotated = crash in ("before the swap", "never")
    for _ in range(2):
        async with Database.open(database) as db:
            keys = await Keys.opened(db, placed)
            assert keys.site_key.id == (new.id if rotated else old)
            assert await unseal(keys, db, D1, Purpose.ALERTS, sealed) == b"a face"
    assert key_path(placed).with_name("site.key.next").exists() == (crash == "before the commit")


async def test_no_key_lies_in_the_clear_in_any_file(store: Store, path: Path, site_key: SiteKey) -> None:
    async with store.db.read() as tx:
        rows = await tx.rows("SELECT deployment, purpose, wrapped FROM deployment_key")
    keys = [bytes(site_key.unwrap(r["wrapped"], f"{r['deployment']}/{r['purpose']}")) for r in rows]
    assert len(keys) == 2
    for file in path.parent.iterdir():
        content = file.read_bytes()
        assert not any(key in content for key in keys)
    with closing(sqlite3.connect(os.fspath(path))) as plain:
        assert plain.execute("SELECT count(*) FROM deployment_key").fetchone() == (2,)
