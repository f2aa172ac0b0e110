"""A phone that is a camera until the server stops: what the audit and the metrics say of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lfrd import config, wire
from lfrd.app import Site
from lfrd.audit import kinds
from lfrd.records import records
from lfrd.types import CameraId, Role
from tests.deployed import deployed, invited
from tests.phone import Phone
from tests.sender import PageThatSends, page_that_sends
from tests.unit.web.staff import person

pytestmark = pytest.mark.journey

CAMERA = CameraId("Van roof")
PATIENCE = 60.0
ENDS = (kinds.CameraLent, kinds.CameraReturned, kinds.ServerStopped)
SETTINGS = config.parse(
    {
        "web": {"host": "127.0.0.1", "port": 0, "allow_plain_http": True},
        "post": {"grace_seconds": 600},
        "cameras": [{"name": CAMERA, "source": "phone"}],
    }
)


@asynccontextmanager
async def lending(folder: Path, builtin: Path, astronaut: Path) -> AsyncIterator[Site]:
    """A site to which a phone sends; at the end the site stops first."""
    async with page_that_sends() as page:
        async with deployed(folder, SETTINGS, builtin, {"M-2041": astronaut}) as site:
            officer = await Phone.join(site.bound.url, await invited(site), "PC Adams")
            async with officer.connected():
                await officer.say(wire.OnPost())
                await sends(site, page)
            yield site
        await page.hung_up()


async def test_the_camera_is_returned_in_the_audit_before_the_server_says_that_it_stopped(
    tmp_path: Path, builtin: Path, astronaut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with lending(tmp_path, builtin, astronaut) as site:
        slow_disk(site, monkeypatch)
    async with records(SETTINGS.at(tmp_path)) as kept:
        told = [kinds.decode(record.body) for record in await kept.audit.records(limit=10_000)]
    assert [type(body) for body in told if isinstance(body, ENDS)] == list(ENDS)


async def test_a_camera_that_is_lent_stands_in_the_metrics(
    tmp_path: Path, builtin: Path, astronaut: Path
) -> None:
    async with lending(tmp_path, builtin, astronaut) as site:
        told = site.metrics.render().decode().splitlines()
    assert 'lfrd_live_pictures{kind="lent"} 1.0' in told
    assert 'lfrd_live_pictures_begun_total{kind="lent"} 1.0' in told
    assert 'lfrd_live_pictures{kind="watched"} 0.0' in told


def slow_disk(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The camera's return comes to be written when the cameras have stopped, and the server is about to."""
    record = site.records.audit.record
    (conducting,) = (task for task in asyncio.all_tasks() if task.get_name() == "conductor")

    async def late(body: kinds.AnyBody, *rest: object) -> object:
        if isinstance(body, kinds.CameraReturned):
            await asyncio.wait([conducting])
            for _ in range(100):
                await asyncio.sleep(0)  # what waits for nothing goes first
        return await record(body, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(site.records.audit, "record", late)


async def sends(site: Site, page: PageThatSends) -> None:
    """An engineer's page, until its picture reaches the camera."""
    line = site.office.services.lending.line(CAMERA)
    engineer = await person(site.records.officers, site.bound.url, Role.ENGINEER, "Eve Marsh")
    async with asyncio.timeout(PATIENCE):
        while not line.wanted:
            await asyncio.sleep(0.01)
        async with engineer.http() as client:
            answer = await client.post(f"/api/camera/{CAMERA}", json={"sdp": await page.offer()})
        await page.take(answer.json()["sdp"])
        while not (line.statistics().put and site.office.services.lending.statistics().begun):
            await asyncio.sleep(0.01)
