"""People over the desk's API: who may add and invite whom, and what ends a session."""

from __future__ import annotations

from pathlib import Path

from lfrd.types import Role
from tests.desk import PASSWORD, desk


async def test_each_role_is_told_whom_it_may_add_and_invite(tmp_path: Path) -> None:
    async with (
        desk(tmp_path) as there,
        there.client(Role.OPERATOR) as operator,
        there.client(Role.ENGINEER) as engineer,
        there.client(Role.AUTHORISING) as authorising,
    ):
        seen = (await authorising.get("/api/desk/people")).json()
        assert seen["roles"] == ["authorising", "auditor"]
        assert (await authorising.post("/api/desk/people/shift", json={"uses": 1})).status_code == 403
        seen = (await operator.get("/api/desk/people")).json()
        assert seen["roles"] == ["engagement"]
        assert [person["name"] for person in seen["people"] if person["invite"]] == ["PC 4127 Adams"]
        assert not any(person["keep"] for person in seen["people"])
        seen = (await engineer.get("/api/desk/people")).json()
        assert seen["roles"] == ["operator", "engagement", "engineer"]
        assert "authorising" not in [person["role"] for person in seen["people"] if person["invite"]]
        assert {person["name"]: person["sessions"] for person in seen["people"]}["Tom Hale"] == 1


async def test_an_invitation_leads_to_the_page_of_the_persons_role(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.ENGINEER) as engineer:
        body = {"name": "Sgt 88 Iqbal", "role": "operator", "rank": "Sergeant"}
        id = (await engineer.post("/api/desk/people", json=body)).json()["id"]
        made = (await engineer.post(f"/api/desk/people/{id}/invite")).json()
        page, _, code = made["link"].partition("#join=")
        assert page == "http://desk.test/desk"
        assert made["picture"].startswith("<?xml")
        assert await there.records.officers.first_password(code, PASSWORD)
        shift = (await engineer.post("/api/desk/people/shift", json={"uses": 2})).json()
        page, _, code = shift["link"].partition("#join=")
        assert page == "http://desk.test/"
        assert await there.records.officers.join(code, "PC 1")


async def test_an_engineer_invites_no_auditor(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.ENGINEER) as engineer:
        id = there.people[Role.AUDITOR].id
        answer = await engineer.post(f"/api/desk/people/{id}/invite")
        assert (answer.status_code, answer.json()["code"]) == (403, "role")
        answer = await engineer.post("/api/desk/people", json={"name": "Me", "role": "authorising"})
        assert answer.status_code == 403


async def test_a_person_who_is_disabled_has_no_session_left(tmp_path: Path) -> None:
    async with (
        desk(tmp_path) as there,
        there.client(Role.ENGINEER) as engineer,
        there.client(Role.OPERATOR) as operator,
    ):
        address = f"/api/desk/people/{there.people[Role.OPERATOR].id}"
        assert (await engineer.post(f"{address}/disable")).status_code == 200
        assert (await operator.get("/api/desk/me")).status_code == 401
        assert (await engineer.post(f"{address}/enable")).status_code == 200
        assert (await engineer.post("/api/desk/people/nobody/disable")).status_code == 404


async def test_sessions_are_ended_and_a_locked_account_is_opened(tmp_path: Path) -> None:
    async with (
        desk(tmp_path) as there,
        there.client(Role.ENGINEER) as engineer,
        there.client(Role.OPERATOR) as operator,
    ):
        address = f"/api/desk/people/{there.people[Role.OPERATOR].id}"
        assert (await engineer.post(f"{address}/revoke")).status_code == 200
        assert (await operator.get("/api/desk/me")).status_code == 401
        assert (await engineer.post(f"{address}/unlock")).status_code == 200
