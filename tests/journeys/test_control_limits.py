"""Too many false alerts: the deployment suspends itself until it is authorised again (rule 29)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lfrd import wire
from tests.journeys.force import (
    OPERATOR,
    SUPERINTENDENT,
    Force,
    answer,
    ask,
    has,
    write_entries,
    write_plan,
)
from tests.journeys.process import Site, of, passing, reach, see
from tests.phone import Phone

pytestmark = pytest.mark.journey

NOMINAL, VOLUNTEER = "M-2041", "B-0007"


@pytest.fixture
async def force(tmp_path: Path, builtin: Path, astronaut: Path, admiral: Path) -> Force:
    """A started deployment that looks for one person, and for a volunteer of the blue list."""
    site = Site(tmp_path, builtin)
    clip = passing(tmp_path / "passing.mp4", astronaut, admiral)
    site.configure({"name": "Street", "source": clip, "loop": True}, tracking={"lost_seconds": 0.4})
    force = Force(site)
    await force.muster()
    people = write_entries(
        tmp_path / "people",
        [
            {"reference": NOMINAL, "pictures": "astronaut.png"},
            {"reference": VOLUNTEER, "blue": "yes", "pictures": "admiral.jpg"},
        ],
        astronaut=astronaut,
        admiral=admiral,
    )
    plan = write_plan(tmp_path / "plan.toml", "Street")
    await force.begin(await force.authorised(plan, people))
    return force


async def test_a_deployment_with_too_many_false_alerts_suspends_itself_until_it_is_authorised_again(
    force: Force,
) -> None:
    async with force.site.running() as server:
        phone = await server.phone("PC Adams")
        async with phone.connected():
            await phone.say(wire.OnPost())
            false = await false_alerts_are_coded_until_it_is_suspended(phone)
            assert false >= 3, "one false alert, or two, are no evidence"
            await see(phone, Street="off")
            decoded = await server.decoded()
            await everybody_is_told_why(force, phone)
            assert phone.state().on_post
            assert not phone.state().protected
            assert await server.decoded() == decoded
            await only_an_authorising_officer_opens_it_again(force, phone)
            await reach(phone, lambda: stage(phone) == "active")
            await see(phone, Street="live")
            await force.done(OPERATOR, "deployment", "close")
            await reach(phone, lambda: phone.state().deployment is None)
        server.terminate()
        assert await server.ended() == 0
    await the_record_counts_no_volunteer(force, phone, false)


async def false_alerts_are_coded_until_it_is_suspended(phone: Phone) -> int:
    """Volunteers' alerts are called wrong as well, one more each time: they never count (rule 12). Returns
    how many operational alerts were coded false."""
    done: set[str] = set()
    false = volunteers = 0
    while True:
        await reach(phone, lambda: stage(phone) == "suspended" or bool(unanswered(phone, done)))
        if stage(phone) == "suspended":
            return false
        alert = unanswered(phone, done)[0]
        done.add(alert.id)
        if alert.blue:
            volunteers += 1
            await call_wrong(phone, alert.id)
        elif false < volunteers:
            false += 1
            await answer(phone, alert.id, "confirmed_false")
        else:
            done.remove(alert.id)  # the volunteer's turn
            await reach(phone, lambda: any(each.blue for each in unanswered(phone, done)))
            continue
        await ask(phone, wire.CloseAlert(alert.id), lambda: has(phone, alert.id, "closed"))  # noqa: B023


def unanswered(phone: Phone, done: set[str]) -> list[wire.AlertView]:
    """Volunteers first."""
    views = [event.alert for event in of(phone, "alert") if event.alert.id not in done]
    return sorted(views, key=lambda view: not view.blue)


async def call_wrong(phone: Phone, alert: str) -> None:
    refused = wire.Adjudicate(alert, "not_viable", "somebody else")
    await ask(phone, refused, lambda: has(phone, alert, "adjudicated"))
    await ask(phone, wire.Code(alert, "no_engagement"), lambda: has(phone, alert, "outcome"))


def stage(phone: Phone) -> str:
    view = phone.state().deployment if phone.states else None
    return "" if view is None else view.stage


async def everybody_is_told_why(force: Force, phone: Phone) -> None:
    view = phone.state().deployment
    assert view is not None
    assert view.why == "too many false alerts"
    printed = await force.done(None, "deployment", "show")
    assert "suspended (too many false alerts)" in printed
    assert "an authorising officer authorises it again" in printed


async def only_an_authorising_officer_opens_it_again(force: Force, phone: Phone) -> None:
    deployment = (await force.values(None, "deployment", "list"))[0]["id"]
    (line,) = await force.refused(OPERATOR, "deployment", "start", deployment)
    assert "suspended until an authorising officer authorises it again" in line
    (line,) = await force.refused(OPERATOR, "deployment", "resume", "--reason", "it will be fine")
    assert "by an authorising officer" in line
    assert stage(phone) == "suspended"
    await force.done(SUPERINTENDENT, "deployment", "resume", "--reason", "the camera was moved")
    given: list[Any] = (await force.shown(deployment))["authorisations"]
    assert [(one["kind"], one["name"]) for one in given] == [
        ("start", SUPERINTENDENT),
        ("resume", SUPERINTENDENT),
    ]


async def the_record_counts_no_volunteer(force: Force, phone: Phone, false: int) -> None:
    deployment = (await force.values(None, "record"))["deployment"]
    total = deployment["total"]
    raised = of(phone, "alert")
    assert total["alerts"]["raised"] == sum(not event.alert.blue for event in raised)
    assert total["alerts"]["false"] == total["alerts"]["false_confirmed"] == false
    assert total["blue"]["alerts"] == sum(event.alert.blue for event in raised) >= false
    assert total["outcomes"]["no_engagements"] == total["adjudications"]["not_viable"] == 0
    halts = [halt for halt in deployment["halts"] if halt["kind"] == "suspended"]
    assert [halt["reason"] for halt in halts] == ["false_alert_rate"]
    assert halts[0]["detail"].startswith(f"{false} false alerts among")
    assert total["times"]["suspended_seconds"] > 0
