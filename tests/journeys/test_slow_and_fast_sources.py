"""Sources with a time of their own: a film as fast as it goes, and pictures that come once a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import cv2
import pytest

from lfrd import config, wire
from lfrd.app import Site
from lfrd.types import CameraState
from tests.deployed import deployed, invited
from tests.journeys.process import PATIENCE
from tests.phone import Phone
from tests.portraits import portrait

pytestmark = pytest.mark.journey


@asynccontextmanager
async def watched(
    folder: Path, pack: Path, wanted: Path, camera: dict[str, Any]
) -> AsyncIterator[tuple[Site, Phone]]:
    """A site with one camera, one person listed, and an officer on post."""
    web = {"host": "127.0.0.1", "port": 0, "allow_plain_http": True}
    settings = config.parse({"web": web, "cameras": [{"name": "Street", **camera}]})
    async with deployed(folder, settings, pack, {"M-2041": wanted}) as site:
        phone = await Phone.join(site.bound.url, await invited(site), "PC Adams")
        async with phone.connected():
            await phone.say(wire.OnPost())
            yield site, phone


async def test_a_film_as_fast_as_it_goes_is_looked_at_whole_and_alerts(
    tmp_path: Path, street_clip: Path, astronaut: Path, builtin: Path
) -> None:
    camera = {"source": str(street_clip), "paced": False}
    async with watched(tmp_path, builtin, astronaut, camera) as (site, phone):
        await phone.until(lambda: bool(phone.events))
        assert phone.events[0].alert.nominal == "M-2041"
        (eye,) = site.conductor.eyes
        await phone.until(lambda: phone.state().cameras[0].state == CameraState.ENDED)
        counts = eye.supervisor.statistics()
        assert counts.decoded == 175
        assert counts.dropped == 0
        async with asyncio.timeout(PATIENCE):
            while eye.journey.counts.analysed < counts.decoded - counts.skipped:
                await asyncio.sleep(0.05)  # no phone is told of it


async def test_a_folder_of_pictures_one_a_second_follows_who_is_in_them_and_alerts(
    tmp_path: Path, astronaut: Path, builtin: Path
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    picture = portrait(astronaut)
    for number in range(6):
        cv2.imwrite(str(folder / f"{number}.png"), picture[: 500 - number])
    async with watched(tmp_path, builtin, astronaut, {"source": str(folder)}) as (site, phone):
        await phone.until(lambda: bool(phone.events))
        assert phone.events[0].alert.nominal == "M-2041"
        assert site.conductor.eyes[0].journey.counts.tracks == 1
