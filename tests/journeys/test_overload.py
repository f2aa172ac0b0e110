"""A box that cannot keep up says so, drops frames and queues nothing; and says when it has recovered."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from lfrd import config, wire
from lfrd.inference import Inference
from tests.deployed import deployed, invited
from tests.phone import Phone

pytestmark = pytest.mark.journey


async def test_a_box_that_falls_behind_drops_frames_and_tells_the_phones_until_it_has_recovered(
    tmp_path: Path, street_clip: Path, admiral: Path, builtin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examine, slow = Inference.examine, True

    async def examined(self: Inference, *arguments: Any) -> Any:
        if slow:  # a machine ten times too small
            await asyncio.sleep(1.0)
        return await examine(self, *arguments)

    monkeypatch.setattr(Inference, "examine", examined)
    settings = config.parse(
        {
            "web": {"host": "127.0.0.1", "port": 0, "allow_plain_http": True},
            "analysis": {"max_side": 320},
            "cameras": [{"name": "Street", "source": str(street_clip), "loop": True}],
        }
    )
    slow = False  # enrolment is not what is slow
    people = {"admiral": admiral}
    async with deployed(tmp_path, settings, builtin, people) as site, httpx.AsyncClient() as client:
        phone = await Phone.join(site.bound.url, await invited(site), "PC Adams")
        async with phone.connected():
            await phone.say(wire.OnPost())
            slow = True
            await phone.until(lambda: bool(phone.states) and phone.state().degraded != "")
            assert phone.state().degraded.startswith("Street: ")
            (eye,) = site.conductor.eyes
            assert eye.supervisor.frames.statistics().dropped > 0
            assert eye.supervisor.frames.statistics().waiting <= 1
            health = await client.get(f"{site.bound.url}/healthz")
            assert health.status_code == 503
            assert "Street" in health.text
            slow = False
            await phone.until(lambda: phone.state().degraded == "")
            assert (await client.get(f"{site.bound.url}/healthz")).status_code == 200
