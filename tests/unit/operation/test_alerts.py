"""Filing, claiming and adjudicating, on a real store."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lfrd import wire
from lfrd.decision.repeats import Repeats
from lfrd.errors import NotAllowed, StoreError
from lfrd.flow import Closed
from lfrd.operation.alerts import Alerts, Finding
from lfrd.operation.hub import Hub
from lfrd.store.alerts import AlertLog
from lfrd.store.database import Database
from lfrd.store.deployments import Deployments, Terms
from lfrd.store.officers import Officers
from lfrd.types import AlertId, Box, CameraId, NominalId, OfficerId, TrackId


def finding(nominal: str = "N-1", camera: str = "gate", track: int = 1, seen_at: float = 1000.0) -> Finding:
    return Finding(
        nominal=NominalId(nominal),
        score=0.7,
        threshold=0.5,
        camera=CameraId(camera),
        track=TrackId(track),
        seen_at=seen_at,
        captured_monotonic=time.monotonic(),
        quality={"eye_distance": 40.0},
        worth=30.0,
        shots=5,
        box=Box(1, 2, 3, 4),
        probe_jpeg=b"\xff\xd8probe",
        candidate_jpeg=b"\xff\xd8candidate",
    )


@dataclasses.dataclass
class Desk:
    alerts: Alerts
    log: AlertLog
    hub: Hub
    officers: Officers
    run: asyncio.Task[None]

    async def officer(self, name: str) -> OfficerId:
        session = await self.officers.session(
            await self.officers.join(await self.officers.invite(None, 1, 60), name)
        )
        assert session is not None
        return session.officer

    async def stored(self) -> list[wire.Event]:
        return await self.log.after(0, 1000)

    async def published(self) -> list[int]:
        return [line.seq for line in await self.hub.after(0, 1000)]


@asynccontextmanager
async def opened(folder: Path, *, limit: int = 256) -> AsyncIterator[Desk]:
    async with Database.open(folder / "lfrd.db") as db:
        terms = Terms(threshold=0.5, model="test", settings={}, nominals=frozenset())
        deployment, _ = await Deployments(db, time.time).resume_or_begin("test", terms)
        log = AlertLog(db, deployment.id, time.time)
        hub = Hub(log, await log.latest())
        alerts = Alerts(log, hub, Repeats(300), deployment.id, limit=limit)
        await alerts.restore(0)
        run = asyncio.create_task(alerts.run())
        try:
            yield Desk(alerts, log, hub, Officers(db, time.time), run)
        finally:
            run.cancel()
            await asyncio.wait({run})


async def test_a_finding_becomes_an_alert_that_is_stored_and_published(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        event = await desk.alerts.report(finding())
        assert event is not None
        assert event.what == "alert"
        assert await desk.stored() == [event]
        assert await desk.published() == [event.seq]
        statistics = desk.alerts.statistics()
        assert statistics.filed == 1
        assert statistics.newest_delay is not None


async def test_two_cameras_that_see_a_nominal_at_once_make_one_alert_and_one_sighting(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        events = await asyncio.gather(
            *(desk.alerts.report(finding(camera=camera, track=track)) for track, camera in enumerate("ab"))
        )
        assert [event.what for event in events if event is not None] == ["alert", "sighting"]
        assert len({event.alert.id for event in events if event is not None}) == 1


async def test_another_nominal_at_the_same_instant_is_an_alert_of_its_own(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        events = await asyncio.gather(
            *(desk.alerts.report(finding(nominal, track=1)) for nominal in ("N-1", "N-2"))
        )
        assert [event.what for event in events if event is not None] == ["alert", "alert"]


async def test_a_track_tells_of_a_nominal_only_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.alerts.report(finding())
        assert await desk.alerts.report(finding(seen_at=1001.0)) is None
        assert len(await desk.stored()) == 1
        assert desk.alerts.statistics().known == 1


async def test_a_clearly_better_picture_of_the_same_passage_replaces_the_one_that_phones_show(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as desk:
        first = await desk.alerts.report(finding())
        assert first is not None
        better = dataclasses.replace(finding(), worth=45.0, probe_jpeg=b"better")
        assert await desk.alerts.report(dataclasses.replace(better, worth=44.0)) is None
        event = await desk.alerts.report(better)
        assert event is not None
        assert (event.what, event.alert.id) == ("improved", first.alert.id)
        assert await desk.alerts.report(dataclasses.replace(better, worth=46.0)) is None
        assert await desk.published() == [first.seq, event.seq]
        assert await desk.log.picture(AlertId(first.alert.id), "probe") == b"better"


async def test_a_picture_is_not_improved_once_the_officer_has_decided(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        first = await desk.alerts.report(finding())
        assert first is not None
        await desk.alerts.adjudicate(AlertId(first.alert.id), await desk.officer("PC Adams"), "viable")
        assert await desk.alerts.report(dataclasses.replace(finding(), worth=90.0)) is None


async def test_a_repeat_after_a_restart_is_still_a_sighting(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        first = await desk.alerts.report(finding())
    async with opened(tmp_path) as desk:
        again = await desk.alerts.report(finding(seen_at=1100.0))
    assert first is not None
    assert again is not None
    assert (again.what, again.alert.id) == ("sighting", first.alert.id)


async def test_a_repeat_of_an_alert_that_was_deleted_is_a_new_alert(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        repeats = Repeats(300)
        repeats.restore(NominalId("N-1"), AlertId("deleted"), 1000.0)
        desk.alerts._repeats = repeats
        event = await desk.alerts.report(finding(seen_at=1001.0))
        assert event is not None
        assert event.what == "alert"


async def test_the_second_claim_is_refused_and_told_who_was_first(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        event = await desk.alerts.report(finding())
        assert event is not None
        asha, ben = await desk.officer("Asha"), await desk.officer("Ben")
        claims = await asyncio.gather(
            *(desk.alerts.claim(AlertId(event.alert.id), officer) for officer in (asha, ben)),
            return_exceptions=True,
        )
        assert isinstance(claims[0], wire.Event)
        assert claims[0].alert.claimed_by == "Asha"
        assert isinstance(claims[1], NotAllowed)
        assert claims[1].code == "claimed"
        assert desk.alerts.statistics().refused == 1


async def test_a_claim_whose_sender_has_gone_is_carried_out_and_published(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        event = await desk.alerts.report(finding())
        assert event is not None
        officer = await desk.officer("Asha")
        claim = asyncio.create_task(desk.alerts.claim(AlertId(event.alert.id), officer))
        woken = asyncio.Event()
        with desk.hub.subscribed(woken.set):
            await asyncio.sleep(0)  # the request is on its way
            claim.cancel()
            await woken.wait()
        assert claim.cancelled()
        assert [event.what for event in await desk.stored()] == ["alert", "claimed"]
        assert len(await desk.published()) == 2


async def test_events_are_published_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    async with opened(tmp_path, limit=2) as desk:
        async with asyncio.TaskGroup() as group:
            for track in range(50):
                group.create_task(desk.alerts.report(finding(f"N-{track}", track=track)))
        assert await desk.published() == [event.seq for event in await desk.stored()]
        assert desk.hub.statistics().gaps == 0


async def test_a_store_that_fails_ends_the_run_and_answers_everybody(tmp_path: Path) -> None:
    class Full(AlertLog):
        """A disk without room, at the store's boundary."""

        async def file(self, alert: object) -> wire.Event:
            raise StoreError("lfrd.db: no room left on its disk")

    async with opened(tmp_path) as desk:
        desk.alerts._log = Full(desk.log._db, desk.log._deployment, time.time)
        reports = [
            asyncio.create_task(desk.alerts.report(finding(f"N-{track}", track=track))) for track in range(3)
        ]
        with pytest.raises(StoreError, match="no room"):
            await desk.run
        errors = await asyncio.gather(*reports, return_exceptions=True)
        assert [type(error) for error in errors] == [StoreError, Closed, Closed]
        with pytest.raises(Closed):
            await desk.alerts.report(finding())


def test_a_findings_repr_shows_no_picture() -> None:
    assert "probe_jpeg" not in repr(finding())
    assert "xff" not in repr(finding())
