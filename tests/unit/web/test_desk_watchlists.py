"""Watchlists over the desk's API: figures, approvals, pairs, and the audit of each look."""

from __future__ import annotations

from pathlib import Path

import pytest

from lfrd.audit import kinds
from lfrd.types import Role
from tests.desk import cartoon, desk


async def test_a_list_shows_what_waits_and_who_look_alike_and_each_look_is_audited(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.AUTHORISING) as authorising:
        id = await there.drafted()
        address = f"/api/desk/deployments/{id}/watchlist"
        assert (await authorising.get(address)).json()["summary"] is None
        await there.imported(id)
        shown = (await authorising.get(address)).json()
        assert shown["summary"]["imported_by"] == "Tom Hale"
        assert shown["summary"]["reasons"] == {"missing_lawful_basis": 1, "no_face": 1, "unknown_category": 1}
        assert {entry["reference"]: entry["needs"] for entry in shown["waiting"]} == {
            "W-2045": ["under_18", "third_party"],
            "W-2046": ["low_quality"],
        }
        assert [pair["references"] for pair in shown["pairs"]] == [["W-2041", "W-2043"]]
        entry = shown["waiting"][0]["id"]
        face = await authorising.get(f"/api/desk/entries/{entry}/face.jpg")
        assert face.content == cartoon(5)
        seen = [kinds.decode(record.body) for record in await there.records.audit.records()]
        assert kinds.ListViewed(id, "entries") in seen
        assert kinds.ListViewed(id, "pairs") in seen
        assert kinds.PictureViewed(id, "entry", str(entry)) in seen


async def test_an_approval_needs_a_reason_and_the_authorising_role(tmp_path: Path) -> None:
    async with (
        desk(tmp_path) as there,
        there.client(Role.OPERATOR) as operator,
        there.client(Role.AUTHORISING) as authorising,
    ):
        id = await there.drafted()
        await there.imported(id)
        shown = (await operator.get(f"/api/desk/deployments/{id}/watchlist")).json()
        entry = next(each for each in shown["waiting"] if each["reference"] == "W-2046")
        address, body = f"/api/desk/entries/{entry['id']}/approve", {"need": "low_quality", "reason": ""}
        assert (await authorising.post(address, json=body)).json()["code"] == "no_reason"
        body["reason"] = "The only picture there is."
        assert (await operator.post(address, json=body)).status_code == 403
        assert (await authorising.post(address, json=body)).json() == {"state": "listed"}
        answer = await authorising.post(address, json={**body, "need": "left_handed"})
        assert answer.status_code == 400


@pytest.mark.parametrize("number", ["0", "none", "-1", "9" * 18, "9" * 30, "9" * 5000, "٣"])
async def test_a_number_that_no_entry_has_is_unknown_and_no_fault_of_the_servers(
    tmp_path: Path, number: str
) -> None:
    async with desk(tmp_path) as there, there.client(Role.AUTHORISING) as authorising:
        answer = await authorising.get(f"/api/desk/entries/{number}/face.jpg")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_entry")
        body = {"need": "under_18", "reason": "court order"}
        answer = await authorising.post(f"/api/desk/entries/{number}/approve", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_entry")


@pytest.mark.parametrize("day", ["0001-01-01", "1969-12-31", "9999-12-31"])
async def test_a_question_about_a_day_on_which_there_was_no_list_is_refused_in_words(
    tmp_path: Path, day: str
) -> None:
    async with desk(tmp_path) as there, there.client(Role.AUDITOR) as auditor:
        answer = await auditor.post("/api/desk/asked", json={"reference": "W-2041", "day": day})
        assert (answer.status_code, answer.json()["code"]) == (409, "day")


async def test_engineers_and_auditors_see_no_watchlist(tmp_path: Path) -> None:
    async with (
        desk(tmp_path) as there,
        there.client(Role.ENGINEER) as engineer,
        there.client(Role.AUDITOR) as auditor,
    ):
        address = f"/api/desk/deployments/{await there.drafted()}/watchlist"
        assert (await engineer.get(address)).status_code == 403
        assert (await auditor.get(address)).status_code == 403
        assert (await auditor.get("/api/desk/entries/1/face.jpg")).status_code == 403
        newest = (await there.records.audit.newest(limit=1))[0]
        assert kinds.decode(newest.body) == kinds.Refused("/api/desk/entries/{entry}/face.jpg", "role")
