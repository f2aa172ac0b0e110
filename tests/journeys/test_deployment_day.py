"""A day of a small force, by the command line and the phones alone: from the first account to the record."""

from __future__ import annotations

import asyncio
import csv
import datetime
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lfrd import wire
from lfrd.sealing.signing import read_signed
from lfrd.web.rules import ROUTES
from tests.journeys.force import (
    AUDITOR,
    ENGINEER,
    MISSING,
    OPERATOR,
    SUPERINTENDENT,
    WARRANT,
    Force,
    alert_of,
    alerted,
    answer,
    ask,
    filled,
    has,
    moment,
    refusal,
    write_entries,
    write_plan,
)
from tests.journeys.process import PATIENCE, Server, Site, lfrd, passing, reach, see
from tests.phone import Phone

pytestmark = pytest.mark.journey

WANTED, CHILD = "M-2041", "C-0077"
NAME = "Jordan Unmistakable"
"""Of the sought person: nobody may read it who has no business to."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, astronaut: Path, admiral: Path) -> Path:
    return passing(tmp_path_factory.mktemp("clips") / "passing.mp4", astronaut, admiral)


@pytest.fixture
def force(tmp_path: Path, builtin: Path, clip: Path) -> Force:
    site = Site(tmp_path, builtin)
    notice = {"force": "Example Police", "contact": "0300 000 0000", "results": "police.example/lfr"}
    site.configure({"name": "Street", "source": clip, "loop": True}, notice=notice)
    return Force(site)


async def test_a_force_plans_authorises_runs_closes_and_publishes_a_deployment(
    force: Force, astronaut: Path, admiral: Path
) -> None:
    await people_are_appointed(force)
    folder = force.site.folder
    people = write_entries(
        folder / "people",
        [
            {"reference": WANTED, "name": NAME, "pictures": "astronaut.png"},
            {"reference": CHILD, "category": MISSING, "under_18": "yes", "pictures": "admiral.jpg"},
            {"reference": "X-1", "category": "of interest", "pictures": "astronaut.png"},
        ],
        astronaut=astronaut,
        admiral=admiral,
    )
    deployment = await it_is_planned_and_authorised(force)
    await the_list_is_imported_and_what_needs_it_is_approved(force, deployment, people)
    async with force.site.running() as server:
        await it_is_started(force, deployment)
        phone = await server.phone("PC Adams")
        async with phone.connected():
            await officers_answer_alerts(force, deployment, phone)
            await cameras_follow_the_officer(force, deployment, phone)
            await everybody_sees_what_their_role_sees(force, server, deployment, phone)
            await force.done(OPERATOR, "deployment", "close", deployment)
            await reach(phone, lambda: phone.state().deployment is None)
            await see(phone, Street="off")
        await wiped(force, deployment)
        await the_record_fits_what_happened(force, deployment)
        await the_audit_is_taken_away_and_verified(force, deployment)
        await the_list_is_destroyed_and_questions_are_answered(force, deployment)
        server.terminate()
        assert await server.ended() == 0
    assert NAME not in server.out + server.err
    force.site.assert_sound()


async def people_are_appointed(force: Force) -> None:
    """The first authorising officer at the machine; from then on the console names no other."""
    await force.muster()
    (line,) = await force.refused(None, "users", "add", "Supt Second", "--role", "authorising")
    assert "only an authorising officer" in line
    (line,) = await force.refused(OPERATOR, "users", "add", "Supt Third", "--role", "authorising")
    assert "only an authorising officer" in line
    (line,) = await force.refused(SUPERINTENDENT, "users", "add", "Sgt Second", "--role", "operator")
    assert "may not add" in line
    await force.appoint(ENGINEER, "engineer")
    await force.appoint(AUDITOR, "auditor", by=SUPERINTENDENT)
    listed = {one["name"]: one["role"] for one in await force.values(None, "users", "list")}
    assert listed == {
        SUPERINTENDENT: "authorising", OPERATOR: "operator", ENGINEER: "engineer", AUDITOR: "auditor",
    }  # fmt: skip


async def it_is_planned_and_authorised(force: Force) -> str:
    """From the template; as long as fields are empty nobody can put their name to it (rule 1)."""
    template = (await lfrd("deployment", "template")).out
    plan = force.site.folder / "plan.toml"
    plan.write_text(template, encoding="utf-8")
    (line,) = await force.refused(SUPERINTENDENT, "deployment", "new", plan)
    assert "drafted by an operator" in line
    deployment: str = (await force.values(OPERATOR, "deployment", "new", plan))["id"]

    lines = await force.refused(SUPERINTENDENT, "deployment", "authorise", deployment)
    assert [line.partition(":")[0] for line in lines] == [
        *("purpose", "use_case", "place", "necessity", "proportionality"),
        *("documents.policy", "documents.dpia", "documents.equality", "documents.community"),
        *("documents.authorisation", "categories", "starts_at", "ends_at", "cameras"),
    ]
    plan.write_text(filled(template, "Street"), encoding="utf-8")
    await force.done(OPERATOR, "deployment", "edit", deployment, plan)
    assert await lacks(force, deployment) == {"authorising officer", "rank", "watchlist", "ready"}

    (line,) = await force.refused(OPERATOR, "deployment", "authorise", deployment)
    assert "authorised by an authorising officer" in line
    await force.done(SUPERINTENDENT, "deployment", "authorise", deployment, "--reason", "as planned")
    shown = await force.shown(deployment)
    assert shown["stage"] == "authorised"
    (given,) = shown["authorisations"]
    assert (given["name"], given["rank"], given["kind"]) == (SUPERINTENDENT, "Superintendent", "start")
    assert await lacks(force, deployment) == {"watchlist", "ready"}
    return deployment


async def lacks(force: Force, deployment: str) -> set[str]:
    """What a start is refused for: the fields."""
    lines = await force.refused(OPERATOR, "deployment", "start", deployment)
    return {line.partition(":")[0] for line in lines}


async def the_list_is_imported_and_what_needs_it_is_approved(
    force: Force, deployment: str, people: Path
) -> None:
    (line,) = await force.refused(SUPERINTENDENT, "watchlist", "import", people, deployment)
    assert "operator" in line
    done = await force.values(OPERATOR, "watchlist", "import", people, deployment)
    assert (done["listed"], done["waiting"]) == (1, 1)
    assert [(f["line"], f["kind"], f["code"]) for f in done["faults"] if f["kind"] == "refused"] == [
        (4, "refused", "unknown_category")
    ]
    report = await force.values(SUPERINTENDENT, "watchlist", "report", deployment)
    (waiting,) = report["entries_waiting"]
    assert (waiting["reference"], "under_18" in waiting["needs"]) == (CHILD, True)
    entry = str(waiting["entry"])
    (line,) = await force.refused(
        OPERATOR, "watchlist", "approve", entry, "under_18", "--reason", "she is at risk"
    )
    assert "authorising" in line
    for need in waiting["needs"]:
        await force.done(
            SUPERINTENDENT, "watchlist", "approve", entry, need, "--reason", "the child is at risk"
        )
    assert await lacks(force, deployment) == {"ready"}
    await force.done(OPERATOR, "deployment", "ready", deployment)


async def it_is_started(force: Force, deployment: str) -> None:
    """By an operator, beside the server that runs; and once."""
    (line,) = await force.refused(SUPERINTENDENT, "deployment", "start", deployment)
    assert "started by an operator" in line
    await force.done(OPERATOR, "deployment", "start", deployment)
    force.site.deployed = True
    (line,) = await force.refused(OPERATOR, "deployment", "start", deployment)
    assert "it is running" in line
    (segment,) = (await force.shown(deployment))["segments"]
    assert (segment["n"], len(segment["model"])) == (2, 64)


async def officers_answer_alerts(force: Force, deployment: str, phone: Phone) -> None:
    """Both people pass; one is arrested, and the other was, in the end, who they said they were."""
    await reach(phone, lambda: bool(phone.states) and phone.state().deployment is not None)
    assert phone.state().officers == []
    await phone.say(wire.OnPost())
    await alerted(phone, WANTED, CHILD)
    wanted, child = alert_of(phone, WANTED), alert_of(phone, CHILD)
    assert (wanted.name, wanted.category, wanted.instruction) == (NAME, WARRANT, "arrest on the warrant")
    assert child.category == MISSING
    async with phone.http() as http:
        for path in (wanted.probe, wanted.candidate):
            assert (await http.get(path)).headers["content-type"] == "image/jpeg"

    assert await refusal(phone, wire.Engage(wanted.id)) == "not_adjudicated"
    assert await refusal(phone, wire.CloseAlert(wanted.id)) == "outcome_missing"
    await answer(phone, wanted.id, "arrest", arrest_class="warrant")
    await ask(phone, wire.CloseAlert(wanted.id), lambda: has(phone, wanted.id, "closed"))

    await answer(phone, child.id, "confirmed_true")
    await ask(phone, wire.CloseAlert(child.id), lambda: has(phone, child.id, "closed"))
    assert await refusal(phone, wire.Code(child.id, "confirmed_false")) == "correction_missing"
    corrected = wire.Code(child.id, "confirmed_false", correction="the parents say it is another child")
    await ask(phone, corrected, lambda: alert_of(phone, CHILD).outcome == "confirmed_false")


async def cameras_follow_the_officer(force: Force, deployment: str, phone: Phone) -> None:
    """Paused while nobody is on post, active as soon as somebody is (rule 3)."""
    assert (await force.shown(deployment))["stage"] == "active"
    await phone.say(wire.OffPost())
    await reach(phone, lambda: stage(phone) == "paused")
    await see(phone, Street="off")
    shown = await force.shown(deployment)
    assert (shown["stage"], shown["reason"]) == ("paused", "no_officer")
    await phone.say(wire.OnPost())
    await reach(phone, lambda: stage(phone) == "active")
    await see(phone, Street="live")


def stage(phone: Phone) -> str:
    view = phone.state().deployment
    return "" if view is None else view.stage


async def everybody_sees_what_their_role_sees(
    force: Force, server: Server, deployment: str, phone: Phone
) -> None:
    """No route tells an engineer, an auditor or an authorising officer more than their role's (rule 25)."""
    alert = alert_of(phone, WANTED).id
    secrets = {NAME.encode(), WANTED.encode(), CHILD.encode()}
    seen: dict[str, set[str]] = {}
    for name in (ENGINEER, AUDITOR, SUPERINTENDENT, OPERATOR):
        desk = await force.at_desk(server.url, name)
        async with desk.http() as http:
            for rule in ROUTES:
                if rule.method != "GET":
                    continue
                path = address(rule.path, alert=alert, deployment=deployment)
                got = await http.get(path)
                # A machine that other tests keep busy says so on /healthz, with 503.
                assert got.status_code < 500 or path == "/healthz", (path, got.text[:200])
                told = any(secret in got.content for secret in secrets)
                if got.status_code == 200 and (told or got.headers["content-type"].startswith("image/jpeg")):
                    seen.setdefault(name, set()).add(rule.endpoint)
    assert ENGINEER not in seen
    assert AUDITOR not in seen
    # Who approves entries sees their faces, and the street with its faces blurred; no alert.
    assert seen[SUPERINTENDENT] == {"desk_entry_face", "desk_still"}
    assert seen[OPERATOR] == {"desk_entry_face", "desk_still", "probe", "candidate"}


def address(pattern: str, **known: str) -> str:
    """A route's address with what this deployment has."""
    for name, value in {
        "camera": "Street", "entry": "1", "receipt": "1", "path:path": "no-such-page", "ticket": "none",
        **known,
    }.items():  # fmt: skip
        pattern = pattern.replace(f"{{{name}}}", value)
    return pattern


async def wiped(force: Force, deployment: str) -> None:
    """Wait until the server has recorded that the list is gone from its memory: all is counted by then."""
    async with asyncio.timeout(PATIENCE):
        while not await audited(force, "memory_wiped", deployment):
            await asyncio.sleep(0.1)  # no phone is told of it


async def audited(force: Force, kind: str, deployment: str) -> list[Any]:
    printed = await force.done(None, "audit", "show", "--kind", kind, "--deployment", deployment, "--json")
    return [json.loads(line) for line in printed.splitlines()]


async def the_record_fits_what_happened(force: Force, deployment: str) -> None:
    """Every figure is that of the events. Who had been dealt with may have come by once more."""
    happened = Counter(event.what for event in force.site.stored())
    told = (await force.values(AUDITOR, "record", deployment))["deployment"]
    total, alerts, outcomes = told["total"], told["total"]["alerts"], told["total"]["outcomes"]
    assert alerts["raised"] == happened["alert"] >= 2
    assert (alerts["true_confirmed"], alerts["false_confirmed"]) == (1, 1)
    assert alerts["undetermined"] == happened["alert"] - 2
    assert alerts["sightings"] == happened["sighting"]
    assert alerts["closed"] == happened["closed"] == 2
    assert outcomes["engagements"] == total["adjudications"]["viable"] == 2
    assert outcomes["arrests_by_class"] == {"warrant": 1}
    assert (outcomes["confirmed_false"], outcomes["corrections"]) == (1, 1)
    assert total["faces_seen"] >= happened["alert"] + happened["sighting"]
    assert total["frames"] >= total["frames_analysed"] > 0
    assert (alerts["false_per_faces"]["events"], alerts["false_per_faces"]["of"]) == (1, total["faces_seen"])
    assert total["times"]["active_seconds"] > 0 < total["times"]["paused_seconds"]
    imported = told["watchlist"]
    assert (imported["listed"], imported["waiting"], imported["reasons"]) == (1, 1, {"unknown_category": 1})
    (segment,) = told["segments"]
    assert (segment["n"], segment["composition"]) == (2, {WARRANT: 1, MISSING: 1})

    folder = force.site.folder
    files = {kind: folder / f"record.{kind}" for kind in ("csv", "html", "notice")}
    for kind, file in files.items():
        await force.done(AUDITOR, "record", deployment, "--format", kind, "--output", file)
    with files["csv"].open(newline="", encoding="utf-8") as opened:
        assert list(csv.DictReader(opened))[-1]["faces_seen"] == str(total["faces_seen"])
    page, notice = (files[kind].read_text(encoding="utf-8") for kind in ("html", "notice"))
    assert f"{total['faces_seen']:,}" in page
    assert "High Street, between station and market" in page
    assert "Example Police" in notice
    for text in (page, notice, files["csv"].read_text(encoding="utf-8"), json.dumps(told)):
        assert not any(secret in text for secret in (NAME, WANTED, CHILD))


async def the_audit_is_taken_away_and_verified(force: Force, deployment: str) -> None:
    """Elsewhere, with nothing of the site but the export and its public key."""
    key = (await force.values(None, "watchlist", "address"))["public_key"]
    here = await force.values(AUDITOR, "record", deployment)
    elsewhere = force.site.folder / "elsewhere"
    elsewhere.mkdir()
    export = elsewhere / "audit.jsonl"
    await force.done(AUDITOR, "audit", "export", export)
    ended = await lfrd("audit", "verify", export, "--public-key", key, "--json", cwd=elsewhere)
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["verified"]
    again = await lfrd("record", deployment, "--audit", export, "--json", cwd=elsewhere)
    assert again.code == 0, again.err
    assert json.loads(again.out)["deployment"] == here["deployment"]
    text = export.read_text(encoding="utf-8")
    assert not any(secret in text for secret in (NAME, WANTED, CHILD))


async def the_list_is_destroyed_and_questions_are_answered(force: Force, deployment: str) -> None:
    (line,) = await force.refused(AUDITOR, "watchlist", "destroy", deployment)
    assert "destroy a watchlist" in line
    receipt = await force.done(OPERATOR, "watchlist", "destroy", deployment)
    key = (await force.values(None, "watchlist", "address"))["public_key"]
    assert read_signed(receipt, bytes.fromhex(key))["remains"] == []
    # A sweep of the server may have been there before the order.
    destroyed = [record["body"] for record in await audited(force, "destroyed", deployment)]
    assert sum(body["entries"] for body in destroyed) == 2
    today = datetime.datetime.now().astimezone().date()
    (found,) = await force.values(AUDITOR, "watchlist", "asked", WANTED, today.isoformat())
    assert (found["deployment"], found["category"]) == (deployment, WARRANT)
    assert found["destroyed_at"] > found["listed_at"]
    for reference, day in ((WANTED, today - datetime.timedelta(days=9)), ("M-9999", today)):
        assert await force.values(AUDITOR, "watchlist", "asked", reference, day.isoformat()) == []
    with force.site.database() as db:
        for table in ("entry", "entry_picture"):
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


async def test_a_deployment_ends_itself_and_only_a_new_authorisation_puts_its_end_off(
    force: Force, astronaut: Path
) -> None:
    began = time.time()
    await force.muster()
    # The ends are set by what commands take on this machine as it is now: nothing waits longer than it must.
    pace = 3 + 2 * (time.time() - began)
    folder = force.site.folder
    people = write_entries(
        folder / "people", [{"reference": WANTED, "pictures": "astronaut.png"}], astronaut=astronaut
    )
    plan = write_plan(folder / "first.toml", "Street", ends_at=time.time() + 2.5 * pace)
    first = await force.authorised(plan, people)
    await force.begin(first)
    async with force.site.running() as server:
        phone = await server.phone("PC Adams")
        async with phone.connected():
            await phone.say(wire.OnPost())
            await see(phone, Street="live")
            end = await the_end_is_put_off_by_an_authorisation(force, first, pace)
            later = round(max(end, time.time() + pace) + pace)
            plan = write_plan(folder / "second.toml", "Street", name="Sunday", ends_at=later)
            second = await force.authorised(plan, people)
            await force.done(OPERATOR, "deployment", "ready", second)
            await reach(phone, lambda: phone.state().deployment is None)
            await see(phone, Street="off")
            assert phone.state().on_post
        await force.done(OPERATOR, "deployment", "start", second)
        server.kill()
    ended = await force.shown(first)
    assert (ended["reason"], ended["closed_at"]) == ("ended", end)
    (line,) = await force.refused(SUPERINTENDENT, "deployment", "extend", first, "--until", "2099-01-01")
    assert "cannot be extended: it is" in line
    await asyncio.sleep(max(0.0, later - time.time()))
    async with force.site.running() as server:
        ended = await force.shown(second)
        assert (ended["reason"], ended["closed_at"]) == ("ended", later)
        assert "deployment_ended_while_the_server_was_down" in server.err
        async with phone.connected():
            await phone.say(wire.OnPost())
            await reach(phone, lambda: phone.state().on_post)
            assert phone.state().deployment is None
        assert await server.decoded() == 0


async def the_end_is_put_off_by_an_authorisation(force: Force, deployment: str, seconds: float) -> float:
    """By an authorising officer alone, who answers for it; returns the new end, in Unix seconds."""
    before = (await force.shown(deployment))["plan"]["ends_at"]
    later = ("deployment", "extend", deployment, "--until", moment(before + seconds))
    (line,) = await force.refused(OPERATOR, *later)
    assert "extended by an authorising officer" in line
    assert (await force.shown(deployment))["plan"]["ends_at"] == before
    await force.done(SUPERINTENDENT, *later, "--reason", "the market lasts longer")
    shown = await force.shown(deployment)
    assert [given["kind"] for given in shown["authorisations"]] == ["start", "extend"]
    assert shown["authorisations"][1]["name"] == SUPERINTENDENT
    end: float = shown["plan"]["ends_at"]
    assert end == pytest.approx(before + seconds, abs=1e-3)
    return end
