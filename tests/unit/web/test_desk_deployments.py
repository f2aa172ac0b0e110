"""Deployments over the desk's API: plans, steps, refusals, and revocation."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import msgspec

from lfrd.audit import kinds
from lfrd.types import Role, Stage
from tests.desk import desk, plan

CORNER = [(0.0, 0.0), (0.5, 0.0), (0.0, 0.5)]


async def test_a_plan_is_drafted_changed_and_shown_with_what_is_missing(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.OPERATOR) as operator:
        made = await operator.post("/api/desk/deployments", json={"plan": {"name": "Market"}})
        assert made.status_code == 201
        address = f"/api/desk/deployments/{made.json()['id']}"
        shown = (await operator.get(address)).json()
        assert shown["next"] == "authorise"
        assert "place: is empty; say where the cameras look, as the public notice will" in shown["missing"]
        full = msgspec.to_builtins(plan(there.records.clock.now()))
        assert (await operator.post(f"{address}/plan", json={"plan": full})).status_code == 200
        shown = (await operator.get(address)).json()
        assert (shown["missing"], shown["deployment"]["drafted_by"]) == ([], "Tom Hale")
        listed = (await operator.get("/api/desk/deployments")).json()["deployments"]
        assert [one["name"] for one in listed] == ["Saturday market"]


async def test_a_value_that_is_none_is_named_by_its_path(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.OPERATOR) as operator:
        answer = await operator.post("/api/desk/deployments", json={"plan": {"name": "M", "fpir": 2}})
        assert answer.status_code == 400
        assert answer.json()["message"].endswith("- at `$.plan.fpir`")


async def test_a_step_is_refused_with_all_that_is_missing(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.AUTHORISING) as authorising:
        id = await there.drafted(purpose="", documents={})
        answer = await authorising.post(
            f"/api/desk/deployments/{id}/authorise", json={"rank": "Superintendent", "reason": "Bounded."}
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "not_ready")
        assert len(answer.json()["missing"]) == 6


async def test_an_operator_cannot_authorise_and_an_authorising_officer_cannot_plan(tmp_path: Path) -> None:
    async with (
        desk(tmp_path) as there,
        there.client(Role.OPERATOR) as operator,
        there.client(Role.AUTHORISING) as authorising,
    ):
        address = f"/api/desk/deployments/{await there.drafted()}"
        body = {"rank": "Sergeant", "reason": "Because."}
        assert (await operator.post(f"{address}/authorise", json=body)).status_code == 403
        newest = (await there.records.audit.newest(limit=1))[0]
        assert kinds.decode(newest.body) == kinds.Refused(
            "/api/desk/deployments/{deployment}/authorise", "role"
        )
        answer = await authorising.post(f"{address}/plan", json={"plan": {"name": "Mine"}})
        assert answer.status_code == 403


async def test_a_deployment_goes_through_its_life_over_the_desk(tmp_path: Path) -> None:
    async with (
        desk(tmp_path) as there,
        there.client(Role.OPERATOR) as operator,
        there.client(Role.AUTHORISING) as authorising,
    ):
        id = await there.drafted()
        await there.imported(id)
        signed = {"rank": "Superintendent", "reason": "Bounded."}

        async def step(who: httpx.AsyncClient, name: str, body: dict[str, object]) -> Stage:
            answer = await who.post(f"/api/desk/deployments/{id}/{name}", json=body)
            assert answer.status_code == 200, answer.text
            return Stage(answer.json()["stage"])

        assert await step(authorising, "authorise", dict(signed)) is Stage.AUTHORISED
        assert await step(operator, "ready", {}) is Stage.READY
        assert await step(operator, "start", {}) is Stage.ACTIVE
        change = {"threshold": 0.7, "fpir": None, "cameras": None}
        assert await step(authorising, "amend", {**signed, "change": change}) is Stage.ACTIVE
        assert await step(operator, "suspend", {"reason": "Wrong street."}) is Stage.SUSPENDED
        assert await step(authorising, "reauthorise", dict(signed)) is Stage.ACTIVE
        ends_at = there.records.clock.now() + 9 * 3600
        assert await step(authorising, "extend", {**signed, "ends_at": ends_at}) is Stage.ACTIVE
        shown = (await operator.get(f"/api/desk/deployments/{id}")).json()
        assert [segment["threshold"] for segment in shown["segments"]] == [0.6, 0.7]
        assert [a["kind"] for a in shown["authorisations"]] == ["start", "amend", "resume", "extend"]
        assert shown["deployment"]["plan"]["ends_at"] == ends_at
        assert await step(operator, "close", {}) is Stage.CLOSED


async def test_the_desk_says_who_drew_zones_after_the_authorisation(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.AUTHORISING) as authorising:
        id, operator = await there.authorised(), there.people[Role.OPERATOR]
        address = f"/api/desk/deployments/{id}"
        assert (await authorising.get(address)).json()["zones_drawn_by"] == ""
        made = (await there.records.deployments.get(id)).plan
        cameras = [msgspec.structs.replace(camera, zone=CORNER) for camera in made.cameras]
        drawn = msgspec.structs.replace(made, cameras=cameras)
        await there.records.deployments.change(id, drawn, operator)
        assert (await authorising.get(address)).json()["zones_drawn_by"] == operator.name


async def test_an_amendment_with_two_thresholds_changes_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.AUTHORISING) as authorising:
        id = await there.started()
        change = {"threshold": 0.7, "fpir": 0.01}
        body = {"rank": "Superintendent", "reason": "Both.", "change": change}
        answer = await authorising.post(f"/api/desk/deployments/{id}/amend", json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "change")
        assert len(await there.records.deployments.segments(id)) == 1


async def test_a_revocation_without_the_name_deletes_nothing_and_with_it_gives_the_receipt(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as there, there.client(Role.OPERATOR) as operator:
        id = await there.started()
        address = f"/api/desk/deployments/{id}/revoke"
        answer = await operator.post(address, json={"reason": "Ordered.", "confirm": "saturday"})
        assert (answer.status_code, answer.json()["code"]) == (409, "confirm")
        assert (await there.records.deployments.get(id)).stage is Stage.ACTIVE
        answer = await operator.post(address, json={"reason": "Ordered.", "confirm": "Saturday market"})
        assert json.loads(answer.json()["receipt"])["statement"]["deployment"] == id
        assert await there.records.watchlists.summary(id) is None


async def test_an_unknown_deployment_is_said_to_be_unknown(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.AUDITOR) as auditor:
        assert (await auditor.get("/api/desk/deployments/nothing")).status_code == 404
        assert (await auditor.get("/api/desk/deployments/nothing/record")).status_code == 404
