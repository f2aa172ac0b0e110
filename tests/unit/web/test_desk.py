"""The desk's page, its overview and the cameras' stills."""

from __future__ import annotations

from pathlib import Path

import pytest

from lfrd.audit import kinds
from lfrd.types import Role
from tests.desk import CAMERAS, Desk, desk, street_view


async def audited(there: Desk) -> list[kinds.AnyBody]:
    return [kinds.decode(record.body) for record in await there.records.audit.records()]


async def test_the_page_is_there_for_anybody_and_answers_nothing_without_a_session(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.OPERATOR) as client:
        client.cookies.clear()
        page = await client.get("/desk")
        assert page.status_code == 200
        assert "script-src 'self'; style-src 'self'" in page.headers["content-security-policy"]
        assert (await client.get("/api/desk/me")).status_code == 401
        assert (await client.get("/api/desk/overview")).json()["code"] == "session"


async def test_an_engagement_officer_learns_who_they_are_and_nothing_else(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.OPERATOR) as client:
        code = await there.records.officers.invite("PC 4127 Adams", 1, 60, actor=there.people[Role.OPERATOR])
        client.cookies.set("lfrd", await there.records.officers.join(code))
        assert (await client.get("/api/desk/me")).json()["role"] == "engagement"
        assert (await client.get("/api/desk/overview")).status_code == 403


@pytest.mark.parametrize(
    ("role", "alerts"), [(Role.OPERATOR, 1), (Role.AUTHORISING, 1), (Role.AUDITOR, 1), (Role.ENGINEER, None)]
)
async def test_an_engineer_does_not_see_even_how_many_alerts_there_are(
    role: Role, alerts: int | None, tmp_path: Path
) -> None:
    async with desk(tmp_path) as there, there.client(role) as client:
        await there.started()
        await there.alert()
        seen = (await client.get("/api/desk/overview")).json()
        assert seen["alerts_open"] == alerts
        assert seen["deployment"]["stage"] == "active"
        assert seen["segment"] == {"number": 1, "threshold": 0.6, "n": 5, "pack": "field"}
        assert seen["officers"] == ["PC 4127 Adams"]


async def test_an_overview_without_an_open_deployment_shows_what_is_planned(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.OPERATOR) as client:
        await there.drafted(name="Next week")
        seen = (await client.get("/api/desk/overview")).json()
        assert seen["deployment"] is None
        assert [one["name"] for one in seen["coming"]] == ["Next week"]


async def test_cameras_are_named_without_their_addresses(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.OPERATOR) as client:
        text = (await client.get("/api/desk/cameras")).text
        assert all(name in text for name in CAMERAS)
        assert "192.0.2.7" not in text


async def test_each_still_is_a_record_in_the_audit(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.OPERATOR) as client:
        id = await there.started()
        answer = await client.get(f"/api/desk/cameras/{CAMERAS[0]}/still.jpg")
        assert answer.content == street_view()
        assert kinds.StillViewed(id, CAMERAS[0]) in await audited(there)
        unknown = await client.get("/api/desk/cameras/Elsewhere/still.jpg")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_camera")
