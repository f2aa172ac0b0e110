"""The pusher over a real store and a real push service: tries, retries, forgets, and never in the way."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import structlog

from lfrd import wire
from lfrd.audit import kinds
from lfrd.errors import StoreError
from lfrd.operation.fault import Fault
from lfrd.push import line
from lfrd.push.line import Ways
from lfrd.push.policy import PhoneNow, Policy, WakeUp
from lfrd.push.pusher import Pusher
from lfrd.sealing.sitekey import SiteKey
from lfrd.store.sessions import SessionId
from lfrd.store.wake_ups import Addresses
from tests.push_service import CONTACT, HOST, Answer, PushService, push_service
from tests.unit.push.test_policy import happened
from tests.unit.store.conftest import Clock, Store, opened


@dataclass
class Bench:
    store: Store
    service: PushService
    pusher: Pusher
    fault: Fault
    phones: list[PhoneNow] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    async def sleeper(self, name: str) -> SessionId:
        """An officer on post whose phone sleeps and can be woken."""
        phone = await self.store.phone(name)
        await self.addresses.keep(phone.session, self.service.endpoint(name), HOST, phone.actor)
        self.phones.append(PhoneNow(phone.session, 0.0, False, 0))
        return phone.session

    @property
    def addresses(self) -> Addresses:
        return Addresses(self.store.db, self.store.keys, self.store.clock)

    def alert(self, seq: int = 1) -> wire.Event:
        event = happened(seq, id=f"x{seq}", expires_at=self.store.clock() + 300)
        self.pusher.told(event)
        return event

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not done():
                await asyncio.sleep(0.01)

    @property
    def paths(self) -> list[str]:
        return [taken.path.rpartition("/")[2] for taken in self.service.taken]


@asynccontextmanager
async def bench(folder: Path) -> AsyncIterator[Bench]:
    clock = Clock()
    clock.now = time.time()
    async with (
        opened(folder / "data" / "x.sqlite3", clock, SiteKey.generate()) as store,
        push_service() as service,
    ):
        made: list[Bench] = []

        async def pause(seconds: float) -> None:
            made[0].pauses.append(seconds)
            clock.now += seconds

        fault = Fault()
        pusher = Pusher(
            addresses=Addresses(store.db, store.keys, clock),
            policy=Policy(grace_seconds=20, heartbeat_seconds=5),
            phones=lambda: made[0].phones,
            fault=fault,
            contact=CONTACT,
            clock=clock,
            ways=service.ways,
            pause=pause,
        )
        made.append(Bench(store, service, pusher, fault))
        running = asyncio.create_task(pusher.run())
        try:
            yield made[0]
        finally:
            running.cancel()
            await asyncio.wait([running])
            assert running.cancelled() or running.exception() is None


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path) as at:
        yield at


async def test_a_sleeping_phone_is_woken_by_an_alert_with_a_request_that_says_nothing(at: Bench) -> None:
    await at.sleeper("adams")
    awake = await at.store.phone("PC Baker")  # has no wake-ups
    at.phones.append(PhoneNow(awake.session, 0.0, False, 0))
    at.alert()
    await at.service.count(1)
    (taken,) = at.service.taken
    assert taken.problems == []
    assert 0 < int(taken.headers["ttl"]) <= 300
    await at.until(lambda: at.pusher.statistics().taken == 1)
    assert at.pusher.statistics().wanted == 1


async def test_a_phone_that_its_service_knows_no_more_is_forgotten(at: Bench) -> None:
    session = await at.sleeper("adams")
    at.service.answers = [Answer(410)]
    at.alert()
    await at.until(lambda: at.pusher.statistics().gone == 1 and not at.pusher.statistics().under_way)
    assert await at.addresses.of(session) is None
    assert (await at.store.audited())[-1] == kinds.WakeUpsOff(session, "gone")


async def test_a_busy_service_is_tried_again_after_the_time_that_it_asks_for(at: Bench) -> None:
    await at.sleeper("adams")
    at.service.answers = [Answer(429, {"Retry-After": "40"}), Answer(503), Answer(201)]
    at.alert()
    await at.service.count(3)
    assert at.pauses[0] == pytest.approx(40, abs=1)
    assert 1.5 <= at.pauses[1] <= 4.5
    ttls = [int(taken.headers["ttl"]) for taken in at.service.taken]
    assert ttls[0] > ttls[1] > ttls[2], "it is of use for less and less time"
    await at.until(lambda: not at.pusher.statistics().under_way)
    assert at.pusher.trouble.words() == []


async def test_after_four_tries_it_is_given_up_and_said_in_words(at: Bench) -> None:
    await at.sleeper("adams")
    at.service.answers = [Answer(500), Answer(0), Answer(500), Answer(500)]
    at.alert()
    await at.until(lambda: at.pusher.statistics().given_up == 1)
    assert at.paths == ["adams"] * 4
    (words,) = at.pusher.trouble.words()
    assert words.startswith(f"wake-ups do not reach phones over {HOST} since ")
    assert at.pusher.trouble.words("another.example") == []
    at.alert(2)
    at.store.clock.now += 60
    await at.until(lambda: at.pusher.statistics().taken == 1)
    assert at.pusher.trouble.words() == []


async def test_a_service_that_wants_to_be_left_alone_for_longer_than_the_alert_lasts_is(at: Bench) -> None:
    await at.sleeper("adams")
    at.service.answers = [Answer(503, {"Retry-After": "9999"})]
    at.alert()
    await at.until(lambda: at.pusher.statistics().given_up == 1)
    assert at.paths == ["adams"]
    assert at.pauses == []


async def test_a_refusal_is_not_tried_again_and_keeps_the_address(at: Bench) -> None:
    session = await at.sleeper("adams")
    at.service.answers = [Answer(403), Answer(307, {"Location": f"https://{HOST}/other"})]
    at.alert()
    await at.until(lambda: at.pusher.statistics().refused == 1 and not at.pusher.statistics().under_way)
    assert await at.addresses.of(session) is not None
    (words,) = at.pusher.trouble.words()
    assert "push.contact" in words


async def test_a_session_that_ends_between_two_tries_is_not_woken_any_more(at: Bench) -> None:
    session = await at.sleeper("adams")
    first = asyncio.Event()

    async def pause(_seconds: float) -> None:
        await at.addresses.forget(session, "ended")
        first.set()

    at.pusher._pause = pause
    at.service.answers = [Answer(500)]
    at.alert()
    await first.wait()
    await at.until(lambda: not at.pusher.statistics().under_way)
    assert at.paths == ["adams"]


async def test_one_service_that_hangs_holds_up_nobody_else(
    at: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("adams", "baker", "cole"):
        await at.sleeper(name)
    at.service.answers = [Answer(hang=True)]
    at.alert()
    await at.until(lambda: at.pusher.statistics().taken == 2)
    assert at.pusher.statistics().under_way == 1


async def test_a_whole_shift_is_woken_with_a_bounded_number_of_requests_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "AT_ONCE", 4)
    async with bench(tmp_path) as at:
        for number in range(24):
            await at.sleeper(f"officer{number}")
        at.alert()
        await at.service.count(24)
        assert len(set(at.paths)) == 24
        assert at.service.most <= 4


async def test_one_wake_up_a_phone_is_under_way_and_a_later_call_makes_it_last_longer(at: Bench) -> None:
    session = await at.sleeper("adams")
    at.phones.clear()
    at.service.answers = [Answer(500)]
    now = at.store.clock()
    at.pusher.ask(WakeUp(session, now + 10, "trial"))
    at.pusher.ask(WakeUp(session, now + 200, "alert"))
    await at.until(lambda: at.pusher.statistics().taken == 1)
    assert [int(taken.headers["ttl"]) > 100 for taken in at.service.taken] == [True, True]


async def test_a_store_that_fails_is_reported_to_where_it_ends_the_process(
    at: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await at.sleeper("adams")

    async def fails(*_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(Addresses, "of", fails)
    at.alert()
    await at.until(lambda: at.fault.error is not None)
    assert str(at.fault.error) == "the disk is full"


async def test_no_address_and_no_key_is_ever_logged(at: Bench) -> None:
    await at.sleeper("adams")
    at.service.answers = [Answer(500), Answer(0), Answer(403)]
    with structlog.testing.capture_logs() as logged:
        at.alert()
        await at.until(lambda: at.pusher.statistics().refused == 1 and not at.pusher.statistics().under_way)
    assert logged
    said = repr(logged)
    assert "/wake/" not in said
    assert all(taken.key not in said and str(taken.claims["sub"]) not in said for taken in at.service.taken)


async def test_a_library_that_fails_costs_a_wake_up_and_nothing_else(
    at: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await at.sleeper("adams")

    async def fails(*_: object, **__: object) -> None:
        raise KeyError("a bug")

    with monkeypatch.context() as broken:
        broken.setattr("lfrd.push.sender.webpush_async", fails)
        with structlog.testing.capture_logs() as logged:
            at.alert()
            await at.until(lambda: bool(logged) and not at.pusher.statistics().under_way)
        assert logged[0]["event"] == "wake_up_failed"
    at.store.clock.now += 60
    at.alert(2)
    await at.service.count(1)


def test_the_world_is_the_internet_and_the_systems_certificates_unless_a_test_says_otherwise() -> None:
    assert Ways().resolver is line.Outside
    assert Ways().trust is ssl.create_default_context


def test_a_server_that_wakes_nobody_does_not_even_load_what_could_send() -> None:
    look = "import sys, lfrd.app; print({'aiohttp', 'requests', 'pywebpush'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"
