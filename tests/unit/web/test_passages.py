"""The blue list's live trial over HTTP: who may say what, and what is answered."""

from __future__ import annotations

from pathlib import Path

import httpx

from lfrd.audit import kinds
from lfrd.store.audit import Audit
from lfrd.types import CONSOLE, Role
from tests.desk import desk


async def audited(audit: Audit) -> list[kinds.AnyBody]:
    return [kinds.decode(record.body) for record in await audit.records(limit=10_000)]


async def test_an_operator_notes_a_walk_and_sees_what_becomes_of_it(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.OPERATOR) as operator:
        id = await there.started()
        noted = await operator.post("/api/passages", json={"volunteer": 1})
        assert noted.status_code == 200
        passage = noted.json()["passage"]
        assert noted.json()["until"] > noted.json()["now"]
        trial = (await operator.get("/api/passages")).json()["trial"]
        assert (trial["deployment"], trial["volunteers"]) == (id, [1])
        assert [(one["passage"], one["word"]) for one in trial["passages"]] == [(passage, "walking")]
        refused = await operator.post(f"/api/passages/{passage}", json={"word": "found"})
        assert (refused.status_code, refused.json()["code"]) == (409, "walking")
        await there.alert("W-2048", blue=True)
        await there.office.trial.look()
        (one,) = (await operator.get(f"/api/desk/deployments/{id}/passages")).json()["trial"]["passages"]
        assert (one["word"], one["why"], one["by"]) == ("found", "alert", "")
        assert (await operator.post(f"/api/passages/{passage}", json={"word": "missed"})).status_code == 200
        (one,) = (await operator.get("/api/passages")).json()["trial"]["passages"]
        assert (one["word"], one["by"], one["corrected"]) == ("missed", "Tom Hale", True)


async def test_the_trial_names_no_volunteer(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.OPERATOR) as operator:
        await there.started()
        await operator.post("/api/passages", json={"volunteer": 1})
        await there.alert("W-2048", blue=True)
        await there.office.trial.look()
        text = (await operator.get("/api/passages")).text
        assert "W-2048" not in text
        assert "Person 8" not in text
        view = there.office.board.state.blue
        assert view is not None
        assert (view.found, view.passages, view.walking) == (1, 1, 0)


async def test_an_engagement_officer_says_something_of_it_on_post_only(tmp_path: Path) -> None:
    async with desk(tmp_path) as there:
        await there.started()
        officers = there.records.officers
        token = await officers.join(await officers.invite("PC Begum", 1, 600, actor=CONSOLE))
        session = await officers.session(token)
        assert session is not None
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(there.office.app),
            base_url="http://desk.test",
            headers={"origin": "http://desk.test"},
            cookies={"lfrd": token},
        ) as phone:
            walk: tuple[str, dict[str, object]] = ("/api/passages", {"volunteer": 1})
            for path, body in (walk, ("/api/passages/none", {"word": "void"})):
                refused = await phone.post(path, json=body)
                assert (refused.status_code, refused.json()["code"]) == (409, "not_on_post")
            there.office.duty.take(session.id, session.name)
            assert (await phone.post(walk[0], json=walk[1])).status_code == 200


async def test_what_is_no_volunteer_no_passage_or_no_word_is_refused_in_one_line(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.OPERATOR) as operator:
        assert (await operator.get("/api/passages")).json()["trial"] is None
        refused = await operator.post("/api/passages", json={"volunteer": 1})
        assert (refused.status_code, refused.json()["code"]) == (409, "stage")
        await there.started()
        for path, body, status, code in (
            ("/api/passages", {"volunteer": 7}, 404, "unknown_volunteer"),
            ("/api/passages", {"volunteer": 0}, 400, "bad_message"),
            ("/api/passages/none", {"word": "void"}, 404, "unknown_passage"),
            ("/api/passages/none", {"word": "perhaps"}, 400, "bad_message"),
        ):
            refused = await operator.post(path, json=body)
            assert (refused.status_code, refused.json()["code"]) == (status, code)
        assert not [body for body in await audited(there.records.audit) if isinstance(body, kinds.BlueWalk)]


async def test_who_has_which_number_is_shown_with_the_list_and_audited(tmp_path: Path) -> None:
    async with desk(tmp_path) as there, there.client(Role.AUTHORISING) as authorising:
        id = await there.started()
        answer = await authorising.get(f"/api/desk/deployments/{id}/watchlist")
        assert answer.json()["volunteers"] == [{"number": 1, "reference": "W-2048"}]
        assert kinds.ListViewed(id, "volunteers") in await audited(there.records.audit)
