"""The open deployment as the server runs it: paused, amended, over, and wiped from memory after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from lfrd import conducting, config, wire
from lfrd.app import Site
from lfrd.audit import kinds
from lfrd.errors import SettingError
from lfrd.policy.plan import CameraPlan, Change
from lfrd.readiness import facts
from lfrd.rehearsal import cast
from lfrd.store.deployments import Deployment
from lfrd.types import SYSTEM, Stage
from tests.deployed import deployed, invited
from tests.journeys.process import PATIENCE, of, passing, reach, see
from tests.phone import Phone
from tests.ports import free_port

pytestmark = pytest.mark.journey

HALF = [(0.0, 0.0), (0.02, 0.0), (0.02, 0.05), (0.0, 0.05)]
"""A zone in a corner, where nobody walks."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, astronaut: Path) -> Path:
    return passing(tmp_path_factory.mktemp("clips") / "passing.mp4", astronaut)


def settings(source: str) -> config.Config:
    return config.parse(
        {
            "web": {"host": "127.0.0.1", "port": 0, "allow_plain_http": True},
            "post": {"grace_seconds": 600},
            "analysis": {"rate": 6, "max_side": 640},
            "cameras": [{"name": "Street", "source": source, "loop": True, "retry_seconds": 0.1}],
        }
    )


@asynccontextmanager
async def watched(
    folder: Path, pack: Path, portrait: Path, source: str, officer: str = "PC Adams"
) -> AsyncIterator[tuple[Site, Phone]]:
    """A site with an open deployment, and an officer who is connected."""
    async with deployed(folder, settings(source), pack, {"M-2041": portrait}) as site:
        phone = await Phone.join(site.bound.url, await invited(site), officer)
        async with phone.connected():
            yield site, phone


def stage(phone: Phone) -> str:
    view = phone.state().deployment if phone.states else None
    return "none" if view is None else view.stage


Kind = TypeVar("Kind", bound=kinds.Body)


async def audited(site: Site, kind: type[Kind]) -> list[Kind]:
    found = [kinds.decode(record.body) for record in await site.records.audit.records(limit=10_000)]
    return [body for body in found if isinstance(body, kind)]


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not done():
            await asyncio.sleep(0.05)


async def current(site: Site) -> Deployment:
    found = await site.records.deployments.current()
    assert found is not None
    return found


async def test_a_deployment_is_paused_while_no_officer_is_on_post_and_active_while_one_is(
    tmp_path: Path, builtin: Path, astronaut: Path, clip: Path
) -> None:
    async with watched(tmp_path, builtin, astronaut, str(clip)) as (site, phone):
        await reach(phone, lambda: stage(phone) == Stage.PAUSED)
        assert not phone.state().protected
        await phone.say(wire.OnPost())
        await reach(phone, lambda: stage(phone) == Stage.ACTIVE and phone.state().protected)
        await phone.say(wire.OffPost())
        await reach(phone, lambda: stage(phone) == Stage.PAUSED)
        await see(phone, Street="off")
        view = phone.state().deployment
        assert view is not None
        assert view.why == "no officer is on post"
        assert view.false_alerts is not None
        assert view.false_alerts.of_tracks, "the builtin pack's card says it, of people walking by"
        assert {body.reason for body in await audited(site, kinds.Paused)} == {"no_officer"}
        assert await audited(site, kinds.Resumed)


async def test_a_deployment_none_of_whose_cameras_is_live_is_paused_as_degraded(
    tmp_path: Path, builtin: Path, astronaut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conducting, "DEGRADED_SECONDS", 0.5)
    dead = f"rtsp://127.0.0.1:{free_port()}/x"
    async with watched(tmp_path, builtin, astronaut, dead) as (site, phone):
        await phone.say(wire.OnPost())
        await see(phone, Street="retrying")
        deployment = await current(site)
        while (deployment.stage, deployment.reason) != (Stage.PAUSED, "degraded"):
            await phone.read()
            deployment = await current(site)
        assert not phone.state().protected
        assert [body.camera for body in await audited(site, kinds.CameraFailed)] == ["Street"]


async def test_an_amendment_splits_the_statistics_and_what_it_says_holds_at_once(
    tmp_path: Path, builtin: Path, astronaut: Path, clip: Path
) -> None:
    async with watched(tmp_path, builtin, astronaut, str(clip)) as (site, phone):
        await phone.say(wire.OnPost())
        await reach(phone, lambda: bool(of(phone, "alert")))
        deployment = await current(site)
        change = Change(cameras=[CameraPlan(name="Street", zone=HALF)])
        kept = site.records
        placed = settings(str(clip)).at(tmp_path)
        found = await facts(
            placed, change.applied(deployment.plan), deployment.id, kept.watchlists, site.pack, kept.clock.now
        )
        authorising = (await cast(kept)).authorising
        await kept.deployments.amend(
            deployment.id, authorising, "Superintendent", change, "a corner only", found
        )
        await until(
            lambda: (
                any(eye.journey.counts.analysed > 20 for eye in site.conductor.eyes)
                and site.conductor.segment_number == 2
            )
        )
        (eye,) = site.conductor.eyes
        assert eye.journey.counts.tracks == 0, "people outside the zone are neither compared nor counted"
        assert [body.segment for body in await audited(site, kinds.SegmentBegan)] == [1, 2]
        counted = await audited(site, kinds.Counted)
        assert sum(body.faces_seen for body in counted if body.segment == 1) > 0
        await reach(phone, lambda: phone.state().faces_seen > 0)  # the deployment's own count goes on


async def test_a_deployment_that_is_closed_leaves_no_template_in_memory_and_decodes_nothing(
    tmp_path: Path, builtin: Path, astronaut: Path, clip: Path
) -> None:
    async with watched(tmp_path, builtin, astronaut, str(clip)) as (site, phone):
        await phone.say(wire.OnPost())
        await see(phone, Street="live")
        (eye,) = site.conductor.eyes
        deployment = await current(site)
        await site.records.deployments.close(deployment.id, SYSTEM)
        await reach(phone, lambda: stage(phone) == "none")
        assert not phone.state().protected
        await until(lambda: site.conductor.eyes == ())
        decoded = eye.supervisor.statistics().decoded
        async with asyncio.timeout(PATIENCE):
            while not await audited(site, kinds.MemoryWiped):
                await asyncio.sleep(0.05)  # no phone is told of it
        assert eye.supervisor.statistics().decoded == decoded


async def test_the_next_start_goes_on_with_the_deployment_and_its_count(
    tmp_path: Path, builtin: Path, astronaut: Path, clip: Path
) -> None:
    async with watched(tmp_path, builtin, astronaut, str(clip)) as (site, phone):
        await phone.say(wire.OnPost())
        await reach(phone, lambda: bool(phone.states) and phone.state().faces_seen >= 2)
        before = await current(site)
    async with watched(tmp_path, builtin, astronaut, str(clip), "PC Baker") as (site, phone):
        assert (await current(site)).id == before.id
        counted = sum(body.faces_seen for body in await audited(site, kinds.Counted))
        await reach(phone, lambda: bool(phone.states) and phone.state().deployment is not None)
        await reach(phone, lambda: phone.state().faces_seen >= 2)
        assert phone.state().faces_seen == counted


async def test_a_start_with_another_model_than_the_open_deployment_is_frozen_to_is_refused(
    tmp_path: Path, builtin: Path, astronaut: Path, clip: Path, shared: Path
) -> None:
    async with watched(tmp_path, builtin, astronaut, str(clip)):
        pass
    other = deployed(tmp_path, settings(str(clip)), shared / "models" / "field", {})
    with pytest.raises(ExceptionGroup) as refused:
        await stay(other)
    assert refused.group_contains(SettingError, match=r"inference\.pack")


async def stay(site: AbstractAsyncContextManager[Site]) -> None:
    async with site, asyncio.timeout(PATIENCE):
        await asyncio.Event().wait()
