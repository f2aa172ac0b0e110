"""Delivery to real phones over real sockets: cut anywhere, or many at once, nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import contextlib
import random
from pathlib import Path

import pytest

from lfrd import wire
from lfrd.config import Web
from tests.phone import Phone
from tests.unit.web.box import Box, opened

pytestmark = pytest.mark.journey

CUTS = 40


async def cut_somewhere(phone: Phone, chance: random.Random) -> None:
    """Connects, takes in a few messages, receipts some of them, and is gone."""
    async with phone.connected(hello=False):
        if chance.random() < 0.1:
            return  # before it has said anything
        await phone.say(wire.Hello(wire.PROTOCOL, phone.receipted, phone.proof("WS", "/ws")))
        for _ in range(chance.randrange(8)):
            async with asyncio.timeout(0.05):
                message = await phone.read()
            if isinstance(message, wire.Event) and chance.random() < 0.6:
                await phone.receipt(message.seq)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_phone_cut_at_any_point_misses_nothing_and_sees_nothing_twice(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    async with opened(tmp_path, web=Web(host="127.0.0.1", allow_plain_http=True, port=0, window=3)) as box:
        phone = await box.phone("Asha")
        for _ in range(CUTS):
            for _ in range(chance.randrange(3)):
                await box.alert(nominal=f"N-{chance.randrange(5)}")  # alerts and sightings
            with contextlib.suppress(TimeoutError):  # it had caught up, and is cut while nothing happens
                await cut_somewhere(phone, chance)
        last = await box.alert()
        async with phone.connected():
            await phone.caught_up(last.seq)
        stored = await box.services.log.after(0, 10_000)
    assert phone.events == stored


async def test_a_hundred_phones_receive_each_event_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        phones = [await box.signed_in(f"Officer {number}") for number in range(100)]
        connected = asyncio.Barrier(len(phones) + 1)

        async def stand(phone: Phone) -> None:
            async with phone.connected():
                await connected.wait()
                await phone.caught_up(3)

        async with asyncio.TaskGroup() as group:
            for phone in phones:
                group.create_task(stand(phone))
            await connected.wait()
            events = [await box.alert() for _ in range(3)]
        assert all(phone.events == events for phone in phones)
        statistics = box.services.hub.statistics()
        assert (statistics.from_ring, statistics.from_log) == (300, 0)


async def test_a_phone_that_stops_reading_does_not_delay_the_others(tmp_path: Path) -> None:
    async with opened(tmp_path, web=Web(host="127.0.0.1", allow_plain_http=True, port=0, window=1000)) as box:
        deaf, phone = await box.phone("Asha"), await box.phone("Ben")
        async with deaf.connected(), phone.connected():
            events = await many(box, 200)
            await phone.caught_up(events[-1].seq)
        assert len(phone.events) == 200


async def many(box: Box, count: int) -> list[wire.Event]:
    return [await box.alert() for _ in range(count)]
