"""Turning a phone's wake-ups on and off over the real server, with a push service of our own behind it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lfrd import wire
from lfrd.audit import kinds
from lfrd.config import Push
from lfrd.types import CONSOLE
from tests.phone import Phone
from tests.push_service import CONTACT, HOST, Answer, PushService, push_service
from tests.unit.push.test_endpoints import REFUSED
from tests.unit.web.box import Box, opened

ON = Push(enabled=True, contact=CONTACT, services=[HOST])


@dataclass
class Site:
    box: Box
    service: PushService

    async def addresses(self) -> frozenset[str]:
        return frozenset(await self.box.services.wake_ups.on())

    async def woken(self, name: str) -> Phone:
        """A phone whose wake-ups are on, and whose trial has been taken."""
        phone = await self.box.phone(name)
        before = len(self.service.taken)
        assert (await turn_on(phone, self.service.endpoint(name.partition(" ")[0]))).status_code == 200
        await self.service.count(before + 1)
        return phone

    async def settled(self) -> None:
        async with asyncio.timeout(30):
            while self.box.services.wake_ups.pusher.statistics().under_way:
                await asyncio.sleep(0.01)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with push_service() as service, opened(tmp_path, push=ON, ways=service.ways) as box:
        yield Site(box, service)


async def state(phone: Phone) -> dict[str, Any]:
    async with phone.http() as http:
        answer = await http.get("/api/wake-ups")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def turn_on(phone: Phone, endpoint: str) -> Any:
    async with phone.http() as http:
        return await http.post("/api/wake-ups", json={"endpoint": endpoint})


async def test_a_site_wakes_nobody_unless_its_settings_say_so(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        phone = await box.phone("Adams")
        assert await state(phone) == {
            "enabled": False,
            "public_key": "",
            "why_not": "off",
            "on": False,
            "trouble": "",
        }
        answer = await turn_on(phone, "https://fcm.googleapis.com/fcm/send/a")
        assert (answer.status_code, answer.json()["code"]) == (409, "wake_ups_off")
        assert box.services.wake_ups.pusher.statistics().wanted == 0
        async with box.served.office.records.db.read() as tx:
            assert not await tx.rows("SELECT 1 FROM wake_up_key")
            assert not await tx.rows("SELECT 1 FROM wake_up")


async def test_a_phone_turns_wake_ups_on_is_tried_at_once_and_turns_them_off(site: Site) -> None:
    phone = await site.box.phone("Adams")
    before = await state(phone)
    assert before["enabled"]
    assert not before["on"]
    assert len(base64.urlsafe_b64decode(before["public_key"] + "=")) == 65
    after = (await turn_on(phone, site.service.endpoint("adams"))).json()
    assert after == {**before, "on": True}
    await site.service.count(1)
    (trial,) = site.service.taken
    assert trial.problems == []
    assert trial.key == before["public_key"], "the browser believes wake-ups of this key alone"
    # The same address again, as each start of the page sends it: no second trial.
    assert (await turn_on(phone, site.service.endpoint("adams"))).status_code == 200
    async with phone.http() as http:
        assert (await http.delete("/api/wake-ups")).json() == before
    await site.settled()
    assert len(site.service.taken) == 1


async def test_an_alert_wakes_the_phone_on_post_that_sleeps_and_no_other(site: Site) -> None:
    asleep, off = await site.woken("Adams"), await site.woken("Baker")
    awake = await site.woken("Cole")
    site.box.clock.stop()  # nobody falls silent however long the machine takes
    async with asleep.connected() as phone:
        await phone.say(wire.OnPost())
        await phone.until(lambda: bool(phone.states) and phone.state().on_post)
    async with awake.connected() as phone:
        await phone.say(wire.OnPost())
        await phone.until(lambda: bool(phone.states) and phone.state().on_post)
        event = await site.box.alert()
        await phone.caught_up(event.seq)
        await site.service.count(4)
        await site.settled()
    assert site.service.taken[3].path == "/wake/Adams"
    assert len(site.service.taken) == 4
    assert off.events == []


async def test_the_box_is_not_sent_anywhere_else(tmp_path: Path) -> None:
    settings = Push(enabled=True, contact=CONTACT)
    async with push_service() as service, opened(tmp_path, push=settings, ways=service.ways) as box:
        phone = await box.phone("Adams")
        for endpoint, code in REFUSED.items():
            box.clock.ahead += 20
            answer = await turn_on(phone, endpoint)
            assert answer.status_code in (400, 409), endpoint
            assert answer.json()["code"] in (code, "bad_message"), endpoint
        assert not (await state(phone))["on"]
        assert service.taken == []


async def test_one_session_cannot_make_the_box_call_a_push_service_as_often_as_it_likes(site: Site) -> None:
    phone = await site.box.phone("Adams")
    site.box.clock.stop()
    statuses = [(await turn_on(phone, site.service.endpoint(str(n)))).status_code for n in range(14)]
    assert statuses == [200] * 12 + [429] * 2
    await site.settled()
    site.box.clock.ahead += 10
    assert (await turn_on(phone, site.service.endpoint("last"))).status_code == 200


async def test_signing_out_and_revoking_take_the_address_with_them(site: Site) -> None:
    left, lost = await site.woken("Adams"), await site.woken("Baker")
    async with left.http() as http:
        assert (await http.post("/api/leave")).status_code == 200
    assert len(await site.addresses()) == 1
    await site.box.services.officers.revoke_all("Baker", CONSOLE)
    assert await site.addresses() == frozenset()
    async with lost.http() as http:
        assert (await http.get("/api/wake-ups")).status_code == 401


async def test_trouble_is_told_on_the_phone_and_for_the_desk_in_words(site: Site) -> None:
    site.service.answers = [Answer(403)]
    phone = await site.box.phone("Adams")
    await turn_on(phone, site.service.endpoint())
    await site.service.count(1)
    await site.settled()
    found = (await state(phone))["trouble"]
    assert found.startswith(f"wake-ups do not reach phones over {HOST} since ")
    assert site.box.services.wake_ups.troubles() == [found]


async def test_turning_on_and_off_is_audited_with_the_service_and_without_the_address(site: Site) -> None:
    phone = await site.woken("Adams")
    async with phone.http() as http:
        await http.delete("/api/wake-ups")
    async with site.box.served.office.records.db.read() as tx:
        rows = [row["body"] for row in await tx.rows("SELECT body FROM audit ORDER BY seq")]
    bodies = [
        body for body in map(kinds.decode, rows) if isinstance(body, kinds.WakeUpsOn | kinds.WakeUpsOff)
    ]
    assert [type(body) for body in bodies] == [kinds.WakeUpsOn, kinds.WakeUpsOff]
    assert isinstance(bodies[0], kinds.WakeUpsOn)
    assert bodies[0].name == HOST
    assert isinstance(bodies[1], kinds.WakeUpsOff)
    assert bodies[1].why == "left"
    assert not any("/wake/" in row for row in rows)


async def test_a_body_that_is_none_is_refused(site: Site) -> None:
    phone = await site.box.phone("Adams")
    async with phone.http() as http:
        bodies: list[object] = [{}, {"endpoint": 5}, {"endpoint": ""}, {"endpoint": "x", "keys": {}}, []]
        for body in bodies:
            assert (await http.post("/api/wake-ups", json=body)).status_code == 400
        assert (await http.post("/api/wake-ups", content=b"x" * 5000)).status_code == 413
