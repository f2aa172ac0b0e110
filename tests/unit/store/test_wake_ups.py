"""Where phones are woken: sealed, one a session, and gone with it."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from lfrd.audit import kinds
from lfrd.config import SignIn
from lfrd.errors import NotAllowed, SealError
from lfrd.sealing.sitekey import SiteKey
from lfrd.store.audit import Audit
from lfrd.store.housekeeping import delete
from lfrd.store.sessions import SessionId, Sessions
from lfrd.store.wake_ups import Addresses
from lfrd.types import CONSOLE, SYSTEM
from tests.unit.store.conftest import Clock, Phone, Store, opened

HOST = "push.example.org"
ADDRESS = f"https://{HOST}/wake/dXz-APA91b-marked-address"


def addresses(store: Store) -> Addresses:
    return Addresses(store.db, store.keys, store.clock)


def sessions(store: Store) -> Sessions:
    return Sessions(store.db, store.clock, SignIn())


async def woken(store: Store, name: str = "PC Adams", endpoint: str = ADDRESS) -> Phone:
    phone = await store.phone(name)
    assert await addresses(store).keep(phone.session, endpoint, HOST, phone.actor)
    return phone


async def raw(path: Path) -> bytes:
    """Every byte of the database's files."""
    return b"".join(file.read_bytes() for file in path.parent.iterdir() if file.is_file())


async def test_an_address_is_kept_and_found_by_its_session_alone(store: Store) -> None:
    phone = await woken(store)
    other = await store.phone("PC Baker")
    assert await addresses(store).of(phone.session) == ADDRESS
    assert await addresses(store).of(other.session) is None
    assert await addresses(store).sessions() == {phone.session}
    assert kinds.WakeUpsOn(phone.session, HOST) in await store.audited()


async def test_neither_the_address_nor_the_sites_key_can_be_read_in_the_files(
    store: Store, path: Path
) -> None:
    await woken(store)
    key = await addresses(store).key()
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    secret = key.private_numbers().private_value.to_bytes(32, "big")
    found = await raw(path)
    for text in (ADDRESS.encode(), b"dXz-APA91b", base64.b64encode(ADDRESS.encode()), private, secret):
        assert text not in found
    assert HOST.encode() in found, "the audit says which push service it is"


async def test_an_address_does_not_open_in_another_sessions_row(store: Store) -> None:
    phone, other = await woken(store), await woken(store, "PC Baker", ADDRESS + "2")
    async with store.db.write() as tx:
        row = await tx.row("SELECT sealed FROM wake_up WHERE session = ?", phone.session)
        assert row is not None
        await tx.execute("UPDATE wake_up SET sealed = ? WHERE session = ?", row["sealed"], other.session)
    with pytest.raises(SealError):
        await addresses(store).of(other.session)


async def test_a_new_address_takes_the_old_ones_place_and_the_same_one_changes_nothing(store: Store) -> None:
    phone = await woken(store)
    before = len(await store.audited())
    assert not await addresses(store).keep(phone.session, ADDRESS, HOST, phone.actor)
    assert await addresses(store).keep(phone.session, ADDRESS + "2", HOST, phone.actor)
    assert await addresses(store).of(phone.session) == ADDRESS + "2"
    assert len(await store.audited()) == before


async def test_it_goes_with_its_session_in_every_way_in_which_one_ends(store: Store, clock: Clock) -> None:
    ended = sessions(store)
    left, lost, late = [await woken(store, name) for name in ("PC Adams", "PC Baker", "PC Cole")]
    await ended.revoke(left.session, left.actor)
    await ended.revoke_all("PC Baker", CONSOLE)
    assert await addresses(store).sessions() == {late.session}
    clock.now = 1e10
    assert await addresses(store).of(late.session) is None, "its time is up, also before it is swept"
    await ended.expire()
    assert await addresses(store).sessions() == frozenset()
    offs = [body for body in await store.audited() if isinstance(body, kinds.WakeUpsOff)]
    assert offs == [kinds.WakeUpsOff(phone.session, "ended") for phone in (left, lost, late)]


async def test_an_ended_session_gets_no_address_any_more(store: Store) -> None:
    phone = await store.phone("PC Adams")
    await sessions(store).revoke(phone.session, phone.actor)
    with pytest.raises(NotAllowed, match="sign in again"):
        await addresses(store).keep(phone.session, ADDRESS, HOST, phone.actor)
    with pytest.raises(NotAllowed):
        await addresses(store).keep(SessionId("nobody"), ADDRESS, HOST, phone.actor)


async def test_it_is_forgotten_once_and_the_audit_says_why(store: Store) -> None:
    phone = await woken(store)
    assert not await addresses(store).forget(phone.session, "gone", only=ADDRESS + "2")
    assert await addresses(store).forget(phone.session, "gone", only=ADDRESS)
    assert not await addresses(store).forget(phone.session, "left", phone.actor)
    assert (await store.audited())[-1] == kinds.WakeUpsOff(phone.session, "gone")


async def test_the_sites_key_is_made_once_and_stays(
    store: Store, path: Path, clock: Clock, site_key: SiteKey
) -> None:
    first = await addresses(store).key()
    assert public(await addresses(store).key()) == public(first)


async def test_the_sites_key_outlives_a_restart(path: Path, clock: Clock, site_key: SiteKey) -> None:
    async with opened(path, clock, site_key) as store:
        first = public(await addresses(store).key())
    async with opened(path, clock, site_key, begin=False) as store:
        assert public(await addresses(store).key()) == first


async def test_a_rotation_of_the_site_key_wraps_what_wakes_phones_anew(
    path: Path, clock: Clock, site_key: SiteKey
) -> None:
    new = SiteKey.generate()
    async with opened(path, clock, site_key) as store:
        await Audit(store.db, clock, site_key.signer).begin("site", "1")
        phone = await woken(store)
        first = public(await addresses(store).key())
        await store.keys.rotate(new, SYSTEM, clock())
        assert await addresses(store).of(phone.session) == ADDRESS
    async with opened(path, clock, new, begin=False) as store:
        assert await addresses(store).of(phone.session) == ADDRESS
        assert public(await addresses(store).key()) == first


async def test_housekeeping_leaves_a_session_whose_address_is_still_there_to_its_end(
    store: Store, clock: Clock
) -> None:
    """After a long time without power sessions have run out that nobody has ended yet."""
    phone = await woken(store)
    clock.now = 1e11
    async with store.db.write() as tx:
        await delete(tx, "sessions", clock.now)
    await sessions(store).expire()
    async with store.db.write() as tx:
        assert await tx.row("SELECT 1 FROM session WHERE id = ?", phone.session)
        await delete(tx, "sessions", clock.now)
        assert not await tx.row("SELECT 1 FROM session WHERE id = ?", phone.session)


def public(key: object) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)  # type: ignore[attr-defined, no-any-return]
