"""The audit and the record over the desk's API."""

from __future__ import annotations

from pathlib import Path

from lfrd.audit import export
from lfrd.sealing.signing import verify
from lfrd.types import AlertId, Role
from tests.desk import desk


async def test_records_come_newest_first_in_pages_and_by_filter(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.AUDITOR) as auditor:
        await there.started()
        page = (await auditor.get("/api/desk/audit", params={"limit": "5"})).json()
        numbers = [record["seq"] for record in page["records"]]
        assert numbers == sorted(numbers, reverse=True)
        assert (len(numbers), page["more"]) == (5, True)
        older = (await auditor.get("/api/desk/audit", params={"before": str(numbers[-1])})).json()
        assert older["records"][0]["seq"] == numbers[-1] - 1
        assert older["more"] is False
        query = {"what": "authorised", "actor": "amara okafor"}
        found = (await auditor.get("/api/desk/audit", params=query)).json()["records"]
        assert [(record["what"], record["actor"]) for record in found] == [("authorised", "Amara Okafor")]
        assert found[0]["deployment_name"] == "Saturday market"
        assert found[0]["body"]["rank"] == "Superintendent"
        early = await auditor.get("/api/desk/audit", params={"until": "5"})
        assert early.json()["records"] == []


async def test_a_query_that_is_no_number_is_refused_in_words(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.AUDITOR) as auditor:
        for wrong in ("-1", "9" * 19, "9" * 20, "9" * 5000):
            answer = await auditor.get("/api/desk/audit", params={"before": wrong})
            assert answer.status_code == 400
            assert answer.json()["message"].startswith("before is a whole number")
        assert (await auditor.get("/api/desk/audit", params={"until": "noon"})).status_code == 400


async def test_the_chain_is_verified_in_words_also_where_it_is_broken(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.AUDITOR) as auditor:
        await there.started()
        assert (await auditor.post("/api/desk/audit/checkpoint")).json() == {"signed": True}
        whole = (await auditor.get("/api/desk/audit/verify")).json()
        newest = (await auditor.get("/api/desk/audit/checkpoints")).json()["checkpoints"][0]
        assert (whole["ok"], whole["last_checkpoint"]) == (True, newest["at"])
        async with there.records.db.write() as tx:
            await tx.execute("DROP TRIGGER audit_stays_as_it_is")
            await tx.execute(
                "UPDATE audit SET body = replace(body, 'Saturday', 'Sunday') WHERE what = 'drafted'"
            )
        broken = (await auditor.get("/api/desk/audit/verify")).json()
        assert broken["ok"] is False
        assert "record" in broken["problem"]


async def test_an_export_is_one_that_can_be_verified_elsewhere(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.AUDITOR) as auditor:
        await there.started()
        exported = (await auditor.get("/api/desk/audit/export")).content
        found = export.verify(exported.splitlines(keepends=True), verify)
        assert found.site == "Ashby town centre"


async def test_the_record_gives_figures_pages_and_files_and_an_export_is_audited(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.AUDITOR) as auditor:
        address = f"/api/desk/deployments/{await there.started()}"
        await there.alert()
        groups = (await auditor.get(f"{address}/record")).json()["groups"]
        assert {"name": "Alerts", "value": "1"} in groups[0]["rows"]
        page = await auditor.get(f"{address}/record.html")
        assert 'href="/desk/record.css"' in page.text
        assert (await auditor.get("/desk/record.css")).headers["content-type"].startswith("text/css")
        assert (await auditor.get(f"{address}/record.json")).json()["deployment"]["name"] == "Saturday market"
        assert "Saturday market" in (await auditor.get(f"{address}/record.csv")).text
        newest = await there.records.audit.newest(limit=2)
        assert {record.what for record in newest} == {"exported"}


async def test_a_notice_that_lacks_a_setting_says_which(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.OPERATOR) as operator:
        answer = await operator.get(f"/api/desk/deployments/{await there.authorised()}/notice.html")
        assert answer.status_code == 409
        assert "notice.force" in answer.json()["message"]


async def test_holds_are_placed_by_the_authorising_officer_and_read_by_the_auditor(tmp_path: Path) -> None:
    async with (
        desk(tmp_path) as there,
        there.client(Role.AUTHORISING) as authorising,
        there.client(Role.AUDITOR) as auditor,
    ):
        await there.started()
        body = {"alert": AlertId((await there.alert()).id), "reason": "Case 12/26"}
        assert (await auditor.post("/api/desk/holds", json=body)).status_code == 403
        assert (await authorising.post("/api/desk/holds", json=body)).status_code == 201
        assert (await authorising.post("/api/desk/holds", json=body)).json()["code"] == "held"
        shown = (await auditor.get("/api/desk/holds")).json()["holds"]
        assert [(hold["officer"], hold["reason"]) for hold in shown] == [("Amara Okafor", "Case 12/26")]
        assert (await authorising.post("/api/desk/holds/lift", json=body)).status_code == 200
        assert (await auditor.get("/api/desk/holds")).json()["holds"][0]["lifted_by"] == "Amara Okafor"
        rules = (await auditor.get("/api/desk/retention/rules")).json()["rules"]
        assert rules[0]["after"] == "24 h after the alert"


async def test_a_closed_deployments_list_is_due_and_its_receipt_is_kept(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.AUDITOR) as auditor:
        id = await there.started()
        await there.records.deployments.close(id, there.people[Role.OPERATOR])
        due = (await auditor.get("/api/desk/retention/due")).json()["due"]
        assert [(one["rule"], one["deployment"], one["rows"]) for one in due] == [
            ("watchlists", "Saturday market", 8)
        ]
        await there.records.retention.sweep()
        kept = (await auditor.get("/api/desk/receipts")).json()["receipts"]
        document = (await auditor.get(f"/api/desk/receipts/{kept[0]['id']}")).json()["document"]
        assert id in document
        assert (await auditor.get("/api/desk/receipts/none")).status_code == 404


async def test_a_reference_is_looked_up_by_day_and_the_audit_does_not_name_it(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.AUDITOR) as auditor:
        await there.started()
        asked = {"reference": "w-2041", "day": "2999-01-01"}
        found = (await auditor.post("/api/desk/asked", json=asked)).json()["lists"]
        assert [(one["deployment"], one["category"]) for one in found] == [
            ("Saturday market", "wanted on warrant")
        ]
        assert (await auditor.post("/api/desk/asked", json={**asked, "day": "1999-01-01"})).json() == {
            "lists": []
        }
        assert (await auditor.post("/api/desk/asked", json={**asked, "day": "soon"})).status_code == 400
        newest = await there.records.audit.newest(limit=1)
        assert newest[0].body == '{"what":"list_asked","found":0}'
