"""One command stops a running deployment and deletes all of it, on the disk, in memory and on the phones."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest

from lfrd import config, wire
from lfrd.gallery.index import Gallery
from lfrd.sealing.sealer import Sealer
from lfrd.sealing.signing import read_signed
from lfrd.sealing.sitekey import open_site_key
from tests.journeys.force import (
    SUPERINTENDENT,
    Force,
    alert_of,
    alerted,
    ask,
    has,
    write_entries,
    write_plan,
)
from tests.journeys.marks import counted_in_files, found_in_memory, pieces
from tests.journeys.process import Server, Site, of, passing, reach, see
from tests.phone import Phone

pytestmark = pytest.mark.journey

ASTRONAUT, ADMIRAL = "M-2041", "M-2042"
NAME = "Jordan Unmistakable"
RATIONALE = "lives, it is said, in the house with the green gate"


@pytest.fixture
def force(tmp_path: Path, builtin: Path, astronaut: Path, admiral: Path) -> Force:
    site = Site(tmp_path, builtin)
    clip = passing(tmp_path / "passing.mp4", astronaut, admiral)
    site.configure({"name": "Street", "source": clip, "loop": True})
    return Force(site)


async def test_a_revocation_beside_the_running_server_stops_it_and_leaves_nothing_anywhere(
    force: Force, astronaut: Path, admiral: Path
) -> None:
    site = force.site
    deployment = await it_runs(force, astronaut, admiral)
    async with site.running() as server:
        adams, baker = await asyncio.gather(server.phone("PC Adams"), server.phone("PC Baker"))
        async with adams.connected():
            await adams.say(wire.OnPost())
            await alerted(adams, ASTRONAUT, ADMIRAL)
            alert = alert_of(adams, ASTRONAUT).id
            await ask(adams, wire.Adjudicate(alert, "viable"), lambda: has(adams, alert, "adjudicated"))
            await a_lost_phone_is_closed_everywhere(force, baker, adams)
            marks = await marks_of(site, deployment, adams)
            before = counted_in_files(marks, site.data)
            # A page of the database ends within one here and there: that one is found in two halves.
            assert before["sealed"] > 0.9 * len(marks["sealed"]), "the search itself finds too little"
            assert before | {"sealed": 0} == dict.fromkeys(marks, 0), "something lies open on the disk"
            held = {"template": marks.pop("gallery"), "picture": marks["picture"][::20]}
            in_memory = searched(server, held)
            assert in_memory is None or in_memory["template"] == len(held["template"]) > 0

            file = site.folder / "receipt.json"
            told = await force.values(
                SUPERINTENDENT, "deployment", "revoke", "--reason", "unlawful", "--receipt", file
            )
            assert told["memory_wiped"] is True
            await everything_is_gone_from_the_phone(adams)
            assert counted_in_files(marks, site.data) == dict.fromkeys(marks, 0)
            assert searched(server, held) in (None, dict.fromkeys(held, 0))
        receipt = file.read_text(encoding="utf-8")
        await the_receipt_and_the_audit_tell_of_it(force, deployment, receipt, adams)
        server.terminate()
        assert await server.ended() == 0
    assert NAME not in server.out + server.err
    await the_next_start_knows_of_nothing(force, adams)


async def it_runs(force: Force, astronaut: Path, admiral: Path) -> str:
    """A started deployment that looks for two people; its id."""
    await force.muster()
    people = write_entries(
        force.site.folder / "people",
        [
            {"reference": ASTRONAUT, "name": NAME, "rationale": RATIONALE, "pictures": "astronaut.png"},
            {"reference": ADMIRAL, "name": NAME, "rationale": RATIONALE, "pictures": "admiral.jpg"},
        ],
        astronaut=astronaut,
        admiral=admiral,
    )
    deployment = await force.authorised(write_plan(force.site.folder / "plan.toml", "Street"), people)
    await force.begin(deployment)
    return deployment


async def a_lost_phone_is_closed_everywhere(force: Force, lost: Phone, other: Phone) -> None:
    """Its connection, its pictures and its place on post; the others go on (rule 20)."""
    alert = alert_of(other, ASTRONAUT)
    async with lost.connected(), lost.http() as http:
        await lost.say(wire.OnPost())
        await reach(other, lambda: other.state().officers == ["PC Adams", "PC Baker"])
        assert (await http.get(alert.probe)).status_code == 200
        await force.done(None, "revoke", "PC Baker")
        assert await lost.closed() == wire.CLOSE_REVOKED
        assert (await http.get(alert.probe)).status_code == 401
    await reach(other, lambda: other.state().officers == ["PC Adams"])
    listed = await force.values(None, "officers")
    assert [one["name"] for one in listed] == ["PC Adams"]
    async with other.http() as http:
        assert (await http.get(alert.probe)).status_code == 200


async def marks_of(site: Site, deployment: str, phone: Phone) -> dict[str, list[bytes]]:
    """What may be nowhere afterwards: names and texts, pictures and templates, and what they were sealed to.
    gallery: the templates as they are compared."""
    with site.database() as db:
        keys = dict(db.execute("SELECT purpose, wrapped FROM deployment_key"))
        pictures = db.execute(
            "SELECT reference, number, face, template FROM entry_picture JOIN entry ON entry.id = entry"
        ).fetchall()
        others = db.execute(
            "SELECT sealed FROM entry UNION ALL SELECT sealed FROM picture "
            "UNION ALL SELECT sealed FROM alert UNION ALL SELECT body FROM event"
        ).fetchall()
    site_key = open_site_key(config.load(site.config), create=False)
    sealer = Sealer(site_key.unwrap(keys["watchlist"], f"{deployment}/watchlist"))
    marks: dict[str, list[bytes]] = {
        "name": [NAME.encode(), RATIONALE.encode()],
        "picture": [],
        "template": [],
        "gallery": [],
        "sealed": [key[:16] for key in keys.values()],
    }
    for reference, number, face, template in pictures:
        place = f"entry-picture/{deployment}/{reference}/{number}"
        marks["picture"] += pieces(sealer.unseal(face, f"{place}/face")[700:])
        vector = np.frombuffer(sealer.unseal(template, f"{place}/template"), "<f4")[None]
        marks["template"] += pieces(vector.tobytes())
        with_length_1 = Gallery({reference: vector}, dim=vector.shape[1])._rows
        marks["gallery"] += pieces(with_length_1.tobytes())
        marks["sealed"] += pieces(face) + pieces(template)
    for (sealed,) in others:
        marks["sealed"] += pieces(sealed)
    async with phone.http() as http:
        for view in {event.alert.nominal: event.alert for event in phone.events}.values():
            for path in (view.probe, view.candidate):
                marks["picture"] += pieces((await http.get(path)).content[700:])
    return marks


def searched(server: Server, marks: dict[str, list[bytes]]) -> dict[str, int] | None:
    """What of the marks is in the server's memory; None where this machine lets nobody look."""
    try:
        return found_in_memory(server.process.pid, marks)
    except PermissionError:
        return None


async def everything_is_gone_from_the_phone(phone: Phone) -> None:
    """Told to drop each alert; no camera, no deployment, and no picture for whoever still has its address."""
    views = {event.alert.id: event.alert for event in phone.events if event.alert.probe}
    await reach(phone, lambda: {event.alert.id for event in of(phone, "erased")} >= set(views))
    await reach(phone, lambda: phone.state().deployment is None)
    await see(phone, Street="off")
    erased = phone.events.index(of(phone, "erased")[0])
    assert {event.what for event in phone.events[erased:]} == {"erased"}
    assert all(event.alert.nominal == event.alert.name == "" for event in phone.events[erased:])
    async with phone.http() as http:
        for view in views.values():
            for path in (view.probe, view.candidate):
                assert (await http.get(path)).status_code == 404


async def the_receipt_and_the_audit_tell_of_it(
    force: Force, deployment: str, receipt: str, phone: Phone
) -> None:
    key = (await force.values(None, "watchlist", "address"))["public_key"]
    statement = read_signed(receipt, bytes.fromhex(key))
    alerts = {event.alert.id for event in of(phone, "erased")}
    assert statement["destroyed"]["entries"] == 2
    assert statement["destroyed"]["alerts"] == len(alerts)
    assert statement["remains"] == []
    shown = await force.shown(deployment)
    assert (shown["stage"], shown["reason"]) == ("destroyed", "revoked")
    printed = await force.done(None, "audit", "show", "--deployment", deployment, "--json")
    told = [json.loads(line)["what"] for line in printed.splitlines()]
    assert {"destroyed", "memory_wiped"} <= set(told[told.index("revoked") :])
    assert (await force.values(None, "audit", "verify", "--public-key", key))["verified"]
    with force.site.database() as db:
        for table in ("entry", "entry_picture", "alert", "picture", "deployment_key", "adjudication"):
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


async def the_next_start_knows_of_nothing(force: Force, phone: Phone) -> None:
    states = len(phone.states)
    async with force.site.running() as server, phone.connected():
        await phone.say(wire.OnPost())
        await reach(phone, lambda: len(phone.states) > states and phone.state().on_post)
        assert phone.state().deployment is None
        assert await server.decoded() == 0
        server.terminate()
        assert await phone.closed() == 1012
        assert await server.ended() == 0
    force.site.assert_sound()
