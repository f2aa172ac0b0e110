"""What the wall asks: phones with what has reached them, the day's figures, and the drawing of the site."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import httpx
import pytest

from lfrd import wire
from lfrd.audit import kinds
from lfrd.errors import SettingError
from lfrd.types import Role
from lfrd.web.server import make_app
from lfrd.web.site_plan import LARGEST, drawing, kind_of
from tests.desk import CAMERAS, Desk, desk
from tests.phone import Phone

SVG = (
    b'<?xml version="1.0"?>\n<!-- the site --><svg xmlns="http://www.w3.org/2000/svg" width="9" height="5"/>'
)
PNG = b"\x89PNG\r\n\x1a\nand so on"


async def joined(there: Desk, name: str) -> Phone:
    code = await there.records.officers.invite(name, 1, 600, actor=there.people[Role.OPERATOR])
    return await Phone.join(there.url, code, name)


async def phones(client: httpx.AsyncClient) -> dict[str, dict[str, object]]:
    answer = (await client.get("/api/desk/phones")).json()
    return {phone["officer"]: phone for phone in answer["phones"]}


async def test_the_operator_sees_which_phone_has_receipted_which_alert_and_how_soon(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.OPERATOR) as client:
        await there.started()
        begum, cole = await joined(there, "PC Begum"), await joined(there, "PC Cole")
        async with begum.connected(), cole.connected():
            for phone in (begum, cole):
                await phone.say(wire.OnPost())
                await phone.until(lambda phone=phone: phone.states[-1:] and phone.state().on_post)  # type: ignore[misc]
            alert = await there.alert()
            await begum.caught_up(1)
            await begum.say(wire.Beat())
            await begum.until(lambda: bool(begum.pulses))  # the receipt before it has been read
            seen = await phones(client)
            assert (await client.get("/api/desk/phones")).json()["latest"] == 1
            assert seen["PC Begum"]["receipted"] == 1
            seconds = seen["PC Begum"]["seconds"]
            assert isinstance(seconds, dict)
            assert seconds[alert.id] >= 0
            assert (seen["PC Cole"]["receipted"], seen["PC Cole"]["seconds"]) == (0, {})
            assert seen["PC Cole"]["connected"] is seen["PC Cole"]["on_post"] is True
        async with begum.connected(resume=1):
            assert (await phones(client))["PC Begum"]["receipted"] == 1


async def test_an_officer_on_post_whose_phone_has_gone_is_silent_and_stays_named(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.OPERATOR) as client:
        await there.started()
        cole = await joined(there, "PC Cole")
        async with cole.connected():
            await cole.say(wire.OnPost())
            await cole.until(lambda: bool(cole.states) and cole.state().on_post)
            assert (await phones(client))["PC Cole"]["silent"] is False
        while there.office.phones.statistics().connected:
            await cole_has_gone(there)
        seen = (await phones(client))["PC Cole"]
        assert (seen["connected"], seen["on_post"], seen["silent"]) == (False, True, True)
        session = next(s for s in await there.records.officers.sessions() if s.name == "PC Cole")
        there.office.duty.off(session.id)
        assert (await phones(client))["PC Cole"]["on_post"] is False
        await there.records.officers.revoke_all("PC Cole", there.people[Role.OPERATOR])
        await there.office.phones.sweep()
        assert "PC Cole" not in await phones(client)
        assert session.id not in there.office.phones.reach.phones


async def cole_has_gone(there: Desk) -> None:
    """One turn of everything that waits: the server learns of a cut by reading."""
    await there.office.phones.sweep()


async def test_each_phone_of_an_officer_is_told_apart_by_when_it_signed_in(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.OPERATOR) as client:
        first, second = await joined(there, "PC Cole"), await joined(there, "PC Cole")
        async with first.connected(), second.connected():
            shown = (await client.get("/api/desk/phones")).json()["phones"]
            standing = [each for each in await there.records.officers.sessions() if each.name == "PC Cole"]
            assert [phone["officer"] for phone in shown] == ["PC Cole"] * 2
            assert [phone["since"] for phone in shown] == [each.created_at for each in standing]


@pytest.mark.parametrize(
    ("role", "counts", "alerts"),
    [(Role.OPERATOR, True, True), (Role.AUTHORISING, True, False), (Role.ENGINEER, False, False)],
)
async def test_each_role_is_told_of_receipts_what_it_may_see_and_no_more(
    role: Role, counts: bool, alerts: bool, tmp_path: Path
) -> None:
    async with desk(tmp_path) as there, there.client(role) as client:
        await there.started()
        alert = await there.alert()
        answer = await client.get("/api/desk/phones")
        [phone] = answer.json()["phones"]
        assert phone["officer"] == "PC 4127 Adams"
        assert phone["on_post"]
        assert (answer.json()["latest"] is not None) == (phone["receipted"] is not None) == counts
        assert (phone["seconds"] is not None) == alerts
        assert alert.id not in answer.text
        assert alert.nominal not in answer.text


async def test_a_desk_that_is_connected_is_no_phone(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.OPERATOR) as client:
        operator = await Phone.sign_in(there.url, "Tom Hale", "seven tall herons wade")
        async with operator.connected():
            assert await phones(client) == {}


async def test_the_day_is_that_of_the_open_deployment_and_follows_the_audit(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.AUDITOR) as client:
        assert (await client.get("/api/desk/day")).json()["figures"] is None
        id = await there.started()
        alert = await there.alert()
        counted = kinds.Counted(id, 1, CAMERAS[0], frames=100, analysed=90, faces_seen=37, live=30, down=0)
        await there.records.audit.record(counted)
        seen = (await client.get("/api/desk/day")).json()
        assert (seen["deployment"], seen["name"]) == (id, "Saturday market")
        assert (seen["figures"]["faces_seen"], seen["figures"]["outcomes"]) == (37, {"open": 1})
        adams = there.people[Role.ENGAGEMENT]
        await there.office.alerts.carry_out(wire.Claim(alert.id), adams)
        await there.records.audit.record(counted)
        seen = (await client.get("/api/desk/day")).json()["figures"]
        assert seen["faces_seen"] == 74
        assert seen["answers"]["count"] == 1
        await there.records.deployments.close(id, there.people[Role.OPERATOR])
        assert (await client.get("/api/desk/day")).json()["deployment"] == id  # the last one of today
        assert seen["alerts"] == 1


async def test_an_engineer_does_not_see_the_days_alerts(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.ENGINEER) as client:
        assert (await client.get("/api/desk/day")).status_code == 403


@pytest.mark.parametrize(("content", "kind"), [(SVG, "image/svg+xml"), (PNG, "image/png")])
async def test_the_drawing_is_served_as_an_image_that_can_run_nothing(
    content: bytes, kind: str, tmp_path: Path
) -> None:
    async with desk(tmp_path) as there, there.client(Role.ENGINEER) as client:
        assert (await client.get("/api/desk/site-plan")).json()["code"] == "no_plan"
        path = tmp_path / "plan.svg"
        path.write_bytes(content)
        with_plan = httpx.ASGITransport(make_app(dataclasses.replace(there.office.services, plan=path)))
        async with httpx.AsyncClient(
            transport=with_plan, base_url="http://desk.test", cookies=client.cookies
        ) as engineer:
            answer = await engineer.get("/api/desk/site-plan")
            assert (answer.content, answer.headers["content-type"]) == (content, kind)
            assert answer.headers["content-security-policy"].endswith("; sandbox")
            assert answer.headers["x-content-type-options"] == "nosniff"
            for wanted in ("document", "iframe", "object"):
                answer = await engineer.get("/api/desk/site-plan", headers={"sec-fetch-dest": wanted})
                assert answer.json()["code"] == "as_image"
            path.write_bytes(b"<html><svg></svg></html>")
            answer = await engineer.get("/api/desk/site-plan")
            assert answer.status_code == 409
            assert "is neither a PNG, a JPEG nor an SVG file" in answer.json()["message"]


def test_a_drawing_that_is_missing_or_too_large_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"site\.plan: .*none\.png cannot be read \(No such file"):
        drawing(tmp_path / "none.png")
    large = tmp_path / "large.png"
    large.write_bytes(PNG + bytes(LARGEST))
    with pytest.raises(SettingError, match="has more than 8 MiB; draw it smaller"):
        drawing(large)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"\xef\xbb\xbf <svg\n viewBox='0 0 1 1'/>", "image/svg+xml"),
        (b"<!DOCTYPE svg>\n<!-- a --><!-- b --><svg>", "image/svg+xml"),
        (b"<!-- <svg> -->", ""),
        (b"<!-- never closed <svg>", ""),
        (b"<svgx>", ""),
        (b"", ""),
    ],
)
def test_a_drawing_is_known_by_its_first_bytes(content: bytes, kind: str) -> None:
    assert kind_of(content) == kind


async def test_the_overview_says_where_cameras_stand_and_how_many_faces_pass(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.ENGINEER) as client:
        seen = (await client.get("/api/desk/overview")).json()
        assert seen["site"]["plan"] is False
        assert [camera["name"] for camera in seen["site"]["cameras"]] == list(CAMERAS)
        assert set(seen["paces"]) == set(CAMERAS)
