"""Accountability, rules 24 to 30: what is recorded, who may do what, what is published, and what stops it."""

from __future__ import annotations

import ast
import csv
import functools
import io
import json
import time
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

import lfrd
from lfrd import wire
from lfrd.audit import kinds
from lfrd.audit.counting import compute
from lfrd.errors import LfrdError, NotAllowed, NotReady
from lfrd.models import library
from lfrd.operation.alerts import Finding
from lfrd.policy.limits import Control
from lfrd.readiness import facts
from lfrd.record.document import json_text
from lfrd.record.table import csv_text
from lfrd.records import records
from lfrd.rehearsal import cast, plan_for
from lfrd.types import SYSTEM, AlertId, Box, CameraId, DeploymentId, NominalId, Role, Stage, TrackId
from lfrd.vision.pack import calibration_toml
from tests.desk import Desk, desk
from tests.journeys.process import reach, see
from tests.phone import Phone
from tests.rules.site import ready
from tests.unit.audit.diary import market_day
from tests.unit.models import packs
from tests.unit.policy.test_card import MEASURED
from tests.unit.record.test_page import page_of, seen
from tests.unit.test_readiness import settings

# ---- rule 24 -------------------------------------------------------------------------------------------


@functools.cache
def made() -> frozenset[str]:
    """Names that some module of the product calls: of record kinds, those that it makes."""
    found = set()
    for path in Path(lfrd.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func
                found.add(called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", ""))
    return frozenset(found)


@pytest.mark.parametrize("kind", [kind.__name__ for kind in get_args(kinds.AnyBody)])
def test_every_kind_of_access_view_export_change_and_deletion_is_recorded_somewhere(kind: str) -> None:
    assert kind in made()


VIEWS: dict[str, tuple[Role, str, str]] = {
    "the live picture of an alert": (Role.OPERATOR, "/alerts/{alert}/probe.jpg", "picture_viewed"),
    "the list's picture in an alert": (Role.OPERATOR, "/alerts/{alert}/candidate.jpg", "picture_viewed"),
    "who waits on a watchlist": (
        Role.AUTHORISING, "/api/desk/deployments/{deployment}/watchlist", "list_viewed",
    ),
    "a face on a watchlist": (Role.AUTHORISING, "/api/desk/entries/{entry}/face.jpg", "picture_viewed"),
    "a camera's still": (Role.OPERATOR, "/api/desk/cameras/High Street 1/still.jpg", "still_viewed"),
    "the record as JSON": (Role.AUDITOR, "/api/desk/deployments/{deployment}/record.json", "exported"),
    "the record as CSV": (Role.AUDITOR, "/api/desk/deployments/{deployment}/record.csv", "exported"),
    "the record as a page": (Role.AUDITOR, "/api/desk/deployments/{deployment}/record.html", "exported"),
    "the record at the desk": (Role.AUDITOR, "/api/desk/deployments/{deployment}/record", "record_viewed"),
    "the audit": (Role.AUDITOR, "/api/desk/audit/export", "exported"),
    "the audit at the desk": (Role.AUDITOR, "/api/desk/audit", "audit_viewed"),
}  # fmt: skip


@pytest.mark.parametrize("what", VIEWS)
async def test_every_view_of_a_person_and_every_export_is_recorded_with_who_it_was(
    tmp_path: Path, what: str
) -> None:
    role, address, kind = VIEWS[what]
    async with desk(tmp_path) as there:
        deployment = await there.started()
        alert = await there.alert()
        address = address.format(alert=alert.id, deployment=deployment, entry=await an_entry(there))
        before = await newest(there)
        async with there.client(role) as client:
            answer = await client.get(address)
        assert answer.status_code == 200, answer.text
        told = [
            record.what
            for record in await there.records.audit.records(after=before, limit=100)
            if record.actor == there.people[role].id
        ]
        assert kind in told


async def test_who_asks_whether_a_reference_was_listed_is_recorded_and_the_reference_is_not(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as there:
        await there.started()
        before = await newest(there)
        async with there.client(Role.AUDITOR) as client:
            await client.post("/api/desk/asked", json={"reference": "W-2041", "day": "2026-03-14"})
        told = await there.records.audit.records(after=before, limit=100)
        (asked,) = [record for record in told if record.what == "list_asked"]
        assert asked.actor == there.people[Role.AUDITOR].id
        assert "W-2041" not in "".join(record.body for record in told)


async def an_entry(there: Desk) -> int:
    async with there.records.db.read() as tx:
        row = await tx.row("SELECT id FROM entry WHERE state = 'listed' ORDER BY id")
    assert row is not None
    return int(row["id"])


async def newest(there: Desk) -> int:
    (last,) = await there.records.audit.newest(limit=1)
    return last.seq


# ---- rule 25 -------------------------------------------------------------------------------------------

D, E = "/api/desk/deployments/{deployment}", "/api/desk/entries/{entry}"
REASON = {"reason": "because"}
ALERT = "{alert}"
FORBIDDEN: dict[str, tuple[Role, list[tuple[str, str, dict[str, Any] | None]]]] = {
    "an engineer sees no identities": (
        Role.ENGINEER,
        [
            ("GET", "/alerts/{alert}/probe.jpg", None),
            ("GET", "/alerts/{alert}/candidate.jpg", None),
            ("GET", f"{D}/watchlist", None),
            ("GET", f"{E}/face.jpg", None),
            ("GET", "/api/desk/holds", None),
            ("GET", "/api/desk/audit", None),
            ("POST", "/api/desk/asked", {"reference": "W-2041", "day": "2026-03-14"}),
        ],
    ),
    "an operator cannot authorise": (
        Role.OPERATOR,
        [
            ("POST", f"{D}/authorise", {"rank": "Sergeant", **REASON}),
            ("POST", f"{D}/reauthorise", {"rank": "Sergeant", **REASON}),
            ("POST", f"{D}/extend", {"rank": "Sergeant", "ends_at": 4e9, **REASON}),
            ("POST", f"{D}/amend", {"rank": "Sergeant", "change": {"threshold": 0.1}, **REASON}),
            ("POST", f"{E}/approve", {"need": "under_18", **REASON}),
            ("POST", "/api/desk/holds", {"alert": ALERT, **REASON}),
        ],
    ),
    "an authorising officer cannot edit records": (
        Role.AUTHORISING,
        [
            ("POST", "/api/desk/deployments", {"name": "Mine"}),
            ("POST", f"{D}/plan", {"name": "Mine"}),
            ("POST", f"{D}/ready", {}),
            ("POST", f"{D}/start", {}),
            ("GET", "/alerts/{alert}/probe.jpg", None),
        ],
    ),
    "an auditor changes nothing": (
        Role.AUDITOR,
        [
            ("POST", f"{D}/close", REASON),
            ("POST", f"{D}/revoke", {"name": "Saturday market", **REASON}),
            ("POST", "/api/desk/holds", {"alert": ALERT, **REASON}),
            ("POST", "/api/desk/holds/lift", {"alert": ALERT, **REASON}),
            ("GET", "/alerts/{alert}/probe.jpg", None),
        ],
    ),
}


@pytest.mark.parametrize("rule", FORBIDDEN)
async def test_what_a_role_may_not_do_is_refused_changes_nothing_and_is_recorded(
    tmp_path: Path, rule: str
) -> None:
    role, requests = FORBIDDEN[rule]
    async with desk(tmp_path) as there:
        deployment = await there.started()
        alert = (await there.alert()).id
        names = {"alert": alert, "deployment": deployment, "entry": await an_entry(there)}
        async with there.client(role) as client:
            before = await rows(there)
            for method, address, body in requests:
                last = await newest(there)
                if body is not None and body.get("alert") == ALERT:
                    body = {**body, "alert": alert}
                answer = await client.request(method, address.format(**names), json=body)
                assert (answer.status_code, answer.json()["code"]) == (403, "role"), address
                (told,) = await there.records.audit.records(after=last, limit=10)
                assert (told.what, told.actor) == ("refused", there.people[role].id), address
            assert await rows(there) == before


@pytest.mark.parametrize("role", [Role.AUTHORISING, Role.ENGINEER, Role.AUDITOR])
async def test_nobody_but_officers_and_operators_writes_into_the_record_of_an_alert(
    tmp_path: Path, role: Role
) -> None:
    async with desk(tmp_path) as there:
        await there.started()
        await there.alert()
        token = await there.records.officers.sign_in(there.people[role].name, "seven tall herons wade")
        phone = Phone(there.url, f"lfrd={token}", "")
        before = await rows(there)
        async with phone.connected(hello=False):
            assert await phone.closed() == wire.CLOSE_REVOKED
        assert phone.events == []
        assert await rows(there) == before


async def rows(there: Desk) -> dict[str, list[tuple[object, ...]]]:
    """Of every table but the audit, the clock and the sessions."""
    async with there.records.db.read() as tx:
        names = {row["name"] for row in await tx.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        left = sorted(names - {"audit", "checkpoint", "site", "session"})
        return {table: [tuple(row) for row in await tx.rows(f"SELECT * FROM {table}")] for table in left}


# ---- rule 26 -------------------------------------------------------------------------------------------

FIGURES: dict[str, tuple[tuple[str, ...], str, str]] = {
    "date": (("began_at", "ended_at"), "started_at", "14 March 2026"),
    "place": (("place",), "place", "High Street, from the clock tower to the station"),
    "duration": (("active_seconds",), "total.times.active_seconds", "Active"),
    "use case": (("use_case",), "use_case", "Policing a hotspot of violence"),
    "cameras": (("cameras",), "cameras", "North, South"),
    "watchlist size": (("watchlist_size",), "segments.0.n", "10,312"),
    "watchlist composition": (("composition",), "segments.0.composition", "wanted by the courts 9,060"),
    "threshold": (("threshold",), "segments.0.threshold", "0.4200"),
    "model digest": (("model",), "segments.0.model", "abababab"),
    "faces seen": (("faces_seen",), "total.faces_seen", "Faces seen"),
    "alerts": (("alerts",), "total.alerts.raised", "Alerts"),
    "true alerts": (("true_alerts",), "total.alerts.true", "True"),
    "false alerts": (("false_alerts",), "total.alerts.false", "False"),
    "confirmed": (("true_confirmed", "false_confirmed"), "total.alerts.confirmed", "confirmed"),
    "unconfirmed": (("true_unconfirmed", "false_unconfirmed"), "total.alerts.unconfirmed", "unconfirmed"),
    "false alert rate by faces": (
        ("false_per_faces", "false_per_faces_low", "false_per_faces_high", "false_per_faces_of"),
        "total.alerts.false_per_faces.high",
        "false alerts a face seen",
    ),
    "false alert rate by alerts": (
        ("false_per_alerts", "false_per_alerts_low", "false_per_alerts_high", "false_per_alerts_of"),
        "total.alerts.false_per_alerts.high",
        "95 % interval",
    ),
    "blue-list TPIR": (("blue_tpir", "blue_tpir_low", "blue_tpir_high"), "total.blue.tpir.rate", "passages"),
    "engagements": (("engagements",), "total.outcomes.engagements", "Engagements"),
    "arrests": (("arrests",), "total.outcomes.arrests", "Arrests"),
    "other disposals": (("other_disposals",), "total.outcomes.other_disposals", "Other disposals"),
    "outages": (("camera_down_seconds", "camera_failures"), "outages", "Camera South down"),
}
"""What rule 26 names -> columns of the CSV, the key in the JSON document, and words on the page."""


@pytest.mark.parametrize("figure", FIGURES)
def test_the_record_states_each_figure_as_csv_as_json_and_on_the_page(figure: str) -> None:
    columns, key, words = FIGURES[figure]
    diary = market_day()
    figures = compute(diary.records)
    deployment = figures.deployments[0]
    first = next(csv.DictReader(io.StringIO(csv_text(deployment, figures.basis), newline="")))
    assert all(first[column] for column in columns), columns
    value: Any = json.loads(json_text(deployment, figures.basis))
    value = value.get("deployment", value) if "total" not in value else value
    for part in key.split("."):
        value = value[int(part) if part.isdigit() else part]
    assert value not in (None, "", [], {})
    assert words in seen(page_of(diary)).words


# ---- rule 28 -------------------------------------------------------------------------------------------

WITHOUT_TPIR = msgspec.structs.replace(MEASURED, mated=0, tpir=())
CARDS: dict[str, tuple[str, str, str]] = {
    # what is missing: the calibration, the text of the manifest that is replaced, and the word that says it
    "licence": (calibration_toml(MEASURED), 'licence = "MIT"', "names no licence"),
    "origin": (calibration_toml(MEASURED), 'origin = "made for a test"', "names no origin"),
    "data": (
        calibration_toml(msgspec.structs.replace(MEASURED, data="unknown")),
        "",
        "does not say what its calibration was measured on",
    ),
    "FPIR by N": ("", "", "has no calibration"),
    "TPIR by N": (calibration_toml(WITHOUT_TPIR), "", "has no TPIR at any N"),
    "data behind its TPIR": (
        calibration_toml(WITHOUT_TPIR) + calibration_toml(msgspec.structs.replace(MEASURED, data="TBD")),
        "",
        "does not say what its calibration was measured on",
    ),
}


@pytest.mark.parametrize("missing", [None, *CARDS])
async def test_a_model_whose_card_lacks_any_part_starts_nothing_and_says_which(
    tmp_path: Path, missing: str | None
) -> None:
    calibration, blank, says = CARDS[missing] if missing else (calibration_toml(MEASURED), "", "")
    folder = packs.make(tmp_path / "small")
    text = (folder / "pack.toml").read_text(encoding="utf-8") + calibration
    if blank:
        text = text.replace(blank, f'{blank.partition(" ")[0]} = "unknown"')
    (folder / "pack.toml").write_text(text, encoding="utf-8")
    placed = settings(inference={"pack": "small"}).at(tmp_path)
    pack = library.open_pack(str(folder), tmp_path)
    async with records(placed) as kept:
        people = await cast(kept)
        plan = plan_for("Market", ["High Street 1"], kept.clock.now())
        drafted = await kept.deployments.draft(plan, people.operator)
        await kept.deployments.authorise(drafted.id, people.authorising, "", "")
        found = await facts(placed, plan, drafted.id, kept.watchlists, pack, kept.clock.now)
        with pytest.raises(NotReady) as refused:
            await kept.deployments.start(drafted.id, people.operator, found)
    lines = [line for line in refused.value.missing if line.startswith("model pack: ")]
    assert [says in line for line in lines] == ([True] if missing else [])


# ---- rule 29 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", ["false_alert_rate", "blue_tpir"])
async def test_a_deployment_out_of_its_limits_stands_until_it_is_authorised_again(
    tmp_path: Path, limit: str
) -> None:
    """What the audit of real stores tells is what the limits are computed from."""
    async with desk(tmp_path) as there:
        id = await there.started(accepted_false_alerts=0.001, blue_tpir=0.8)
        kept, officer = there.records, there.people[Role.ENGAGEMENT]
        await kept.audit.record(kinds.Counted(id, 1, "High Street 1", 900, 300, 300, 30.0, 0.0), officer)
        if limit == "false_alert_rate":
            for number in range(2041, 2045):
                alert = AlertId((await there.alert(f"W-{number}")).id)
                await kept.alerts.acts.adjudicate(alert, officer, "not_viable", "another man")
                await kept.alerts.acts.code(alert, officer, "no_engagement")
        else:
            for number in range(12):
                await kept.audit.record(kinds.BluePassage(id, 1, f"p{number}", number % 4 == 0), officer)
        breach = (await limits_of(there, id)).breach
        assert breach is not None
        assert breach.reason == limit
        deployments = kept.deployments
        await deployments.suspend(id, there.people[Role.OPERATOR], breach.reason, breach.detail)
        with pytest.raises(NotAllowed, match="suspended until an authorising officer authorises it again"):
            await deployments.resume(id)
        with pytest.raises(NotAllowed):
            await there.alert("W-2046")
        for role in set(Role) - {Role.AUTHORISING}:
            with pytest.raises(LfrdError):
                await deployments.reauthorise(id, there.people[role], "Sergeant", "go on")
        assert (await deployments.get(id)).stage is Stage.SUSPENDED
        await deployments.reauthorise(id, there.people[Role.AUTHORISING], "", "the lens has been cleaned")
        assert (await deployments.get(id)).stage is Stage.ACTIVE
        assert (await limits_of(there, id)).breach is None


@pytest.mark.parametrize("limit", ["false_alert_rate", "blue_tpir"])
async def test_the_server_suspends_what_leaves_its_limits_by_itself(
    tmp_path: Path, builtin: Path, street_clip: Path, admiral: Path, monkeypatch: pytest.MonkeyPatch,
    limit: str,
) -> None:  # fmt: skip
    """Officers on post, cameras live; then alert after alert is found to be false, or a volunteer missed."""
    async with (
        ready(tmp_path, builtin, street_clip, admiral, monkeypatch, blue_tpir=0.8) as site,
        site.running() as there,
    ):
        kept, phone = there.records, there.phone
        await there.start((await kept.deployments.get(site.deployment)).plan)
        await see(phone, Street="live")
        for number in range(12):
            if limit == "blue_tpir":
                passage = kinds.BluePassage(site.deployment, 1, f"p{number}", number % 4 == 0)
                await kept.audit.record(passage, there.people.operator)
            elif number < 4:
                event = await there.site.office.alerts.report(somebody(number))
                assert event is not None
                alert = AlertId(event.alert.id)
                await kept.alerts.acts.adjudicate(alert, there.people.operator, "not_viable", "another man")
                await kept.alerts.acts.code(alert, there.people.operator, "no_engagement")
        await reach(phone, lambda: stage_of(phone) == Stage.SUSPENDED)
        await see(phone, Street="off")
        suspended = await kept.deployments.get(site.deployment)
        assert (suspended.stage, suspended.reason) == (Stage.SUSPENDED, limit)
        (told,) = [r for r in await kept.audit.records(limit=1000) if r.what == "suspended"]
        assert told.actor == SYSTEM.id
        await kept.deployments.reauthorise(site.deployment, there.people.authorising, "", "looked at")
        await see(phone, Street="live")
        await there.looked()
        assert (await kept.deployments.get(site.deployment)).stage is Stage.ACTIVE


def somebody(number: int) -> Finding:
    """An alert for a person of this number."""
    return Finding(
        nominal=NominalId(f"N-{number}"),
        category="rehearsal",
        score=0.97,
        threshold=0.94,
        camera=CameraId("Street"),
        track=TrackId(1000 + number),
        seen_at=time.time(),
        captured_monotonic=time.monotonic(),
        quality={"eye_distance": 40.0, "sharpness": 100.0, "yaw": 0.0, "pitch": 0.0},
        worth=30.0,
        shots=5,
        box=Box(10, 20, 80, 100),
        probe_jpeg=b"\xff\xd8probe",
        candidate_jpeg=b"\xff\xd8candidate",
    )


def stage_of(phone: Phone) -> str:
    shown = phone.state().deployment
    return "" if shown is None else shown.stage


async def limits_of(there: Desk, id: DeploymentId) -> Control:
    """As the server follows them: by the audit's records of this deployment."""
    control = Control(0.001, 0.8)
    for record in await there.records.audit.records(deployment=id, limit=10_000):
        control.feed(kinds.decode(record.body), record.actor)
    return control
