"""The officer's page against the real server: joining, alerts as they come, and a link that breaks."""

from __future__ import annotations

import dataclasses
import re
from datetime import datetime
from pathlib import Path

import pytest
from playwright.async_api import expect

from lfrd.types import CONSOLE, AlertId
from tests.journeys.browser import PLAIN_HOST
from tests.journeys.officer_page import Phone, on_post, previewed, scene
from tests.journeys.street import CAMERAS

pytestmark = pytest.mark.journey


async def test_an_officer_joins_goes_on_post_and_decides(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = Phone(await browser.new_page(viewport={"width": 390, "height": 844}))
        await phone.page.goto(await there.invitation())
        await phone.shot("join")
        assert "join" not in phone.page.url
        await phone.page.get_by_label("Collar number").fill("PC 4127 Adams")
        await phone.press("Join")
        await phone.reads("No officer on post")
        await phone.reads("Saturday market · High Street")
        await phone.press("Go on post")
        await phone.reads("2 cameras live")
        await phone.shot("post")

        alert = await there.file("M-2041", name="Alex Sample")
        await phone.shows(alert)
        await expect(phone.page.get_by_role("alertdialog")).to_have_accessible_name(
            "Possible match — you decide"
        )
        await phone.reads(re.compile(r"Seen at High Street 1, [1-9]\d* s ago"))
        await phone.reads("Score 0.71: 0.11 over the threshold of 0.60")
        await phone.reads("This is not an identification.")
        await expect(phone.page).to_have_title("(1) Possible match — lfrd")
        await phone.shot("alert")
        await phone.press("I take it")
        await phone.shot("mine")
        await phone.press("Viable")
        await phone.reads(re.compile(r"Recorded: viable, \d+ s"))
        await phone.shot("recorded")
        assert await there.stored() == [(alert.id, "PC 4127 Adams", "viable")]
        await phone.press("Back to post")
        await phone.reads("viable — PC 4127 Adams")
        await phone.reads("1 alert to finish")
        assert phone.problems == []


async def test_a_better_live_picture_replaces_the_first_one_and_rings_no_second_time(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        alert = await there.file("M-2041", eye_distance=18.0)
        await phone.shows(alert)
        live = phone.card.locator("figure.live img")
        first = await live.get_attribute("src")
        assert first is not None
        await phone.press("Silence")
        better = await there.improve(alert)
        await phone.reads("Score 0.83: 0.23 over the threshold of 0.60")
        await expect(live).not_to_have_attribute("src", first)
        await phone.shows(better)
        await expect(phone.page).to_have_title("(1) Possible match — lfrd")
        assert phone.problems == []
        assert not await phone.page.evaluate(
            "url => new Promise(done => Object.assign(new Image(),"
            " {onload: () => done(true), onerror: () => done(false), src: url}))",
            first,
        )


async def test_what_makes_the_comparison_harder_is_said(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        await there.file("M-0877", score=0.61, eye_distance=18.0, sharpness=21.0)
        await phone.reads("Live face is small")
        await phone.reads("Live picture is blurred")
        await phone.reads(re.compile("only just$"))


async def test_a_second_officer_sees_who_has_the_alert(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        adams = await on_post(browser, there, "PC Adams")
        begum = await on_post(browser, there, "PC Begum")
        alert = await there.file("M-2041")
        await adams.shows(alert)
        await begum.shows(alert)
        await adams.press("I take it")
        await begum.reads("PC Adams has it")
        await begum.buttons_live()
        await expect(begum.button("I take it")).to_be_disabled()
        await begum.shot("theirs")
        await begum.press("Back to post")
        await adams.press("Viable")
        await begum.reads("viable — PC Adams")


async def test_a_cut_connection_is_said_and_resumed_without_loss_or_double(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        first = await there.file("M-2041")
        await phone.shows(first)
        there.link.cut()
        await phone.reads(re.compile("No connection for .* — you get no alerts"))
        await phone.buttons_live()
        await expect(phone.button("I take it")).to_be_disabled()
        await phone.shot("lost")
        second = await there.file("M-1510", CAMERAS[1])
        there.link.mend()
        await phone.hears_of_a_network()
        await phone.reads("1 more waiting")
        await phone.shows(first)
        await phone.press("I take it")
        await phone.press("Viable")
        await phone.press("Next alert (1 waiting)")
        await phone.shows(second)
        await phone.press("Leave to others")
        await expect(phone.page.locator(".entries li")).to_have_count(2)
        await phone.reads("2 cameras live")


async def test_a_decision_made_without_connection_goes_out_when_it_is_back(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        alert = await there.file("M-2041")
        await phone.press("I take it")
        await expect(phone.button("Viable")).to_be_enabled()
        there.link.cut()
        await phone.reads(re.compile("No connection"))
        await phone.press("Viable")
        await phone.reads(re.compile("Not sent yet"))
        assert await there.stored() == []
        there.link.mend()
        await phone.hears_of_a_network()
        await phone.reads(re.compile("Recorded: viable"))
        assert await there.stored() == [(alert.id, "PC 4127 Adams", "viable")]


async def test_a_post_that_lapsed_during_a_cut_is_taken_again(tmp_path: Path) -> None:
    async with scene(tmp_path, grace=1.0) as (there, browser):
        phone = await on_post(browser, there)
        there.link.cut()
        await there.duty.unwanted()
        await phone.reads("No connection: you may be off post")
        there.link.mend()
        await phone.hears_of_a_network()
        await phone.reads("You are on post")


async def test_not_viable_needs_a_reason(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        first, second = await there.file("M-2041"), None
        await phone.press("I take it")
        await phone.press("Not viable")
        await phone.shot("reasons")
        assert await there.stored() == []
        await phone.press("Wrong age")
        await phone.reads(re.compile("Recorded: not viable"))
        await phone.press("Nobody engaged: close")
        await phone.reads("Closed: no engagement — PC 4127 Adams")
        await expect(phone.card).to_be_hidden()

        second = await there.file("M-1510")
        await phone.press("I take it")
        await phone.press("Can't tell")
        await phone.press("Other…")
        await phone.press("Record")
        await phone.reads("Say why, in a few words.")
        await phone.page.get_by_label("Reason in your words").fill("Umbrella in front")
        await phone.press("Record")
        await phone.reads(re.compile("Recorded: can't tell"))
        assert await there.stored() == [
            (first.id, "PC 4127 Adams", "not_viable"),
            (second.id, "PC 4127 Adams", "insufficient"),
        ]
        assert [(await there.view(alert)).reason for alert in (first, second)] == [
            "Wrong age",
            "Umbrella in front",
        ]


async def test_new_alerts_wait_beside_the_one_in_hand_and_move_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        first = await there.file("M-2041")
        await phone.shows(first)
        await expect(phone.button("I take it")).to_be_enabled()
        await expect(phone.card).to_contain_text("No other alert waiting")
        before = await phone.button("I take it").bounding_box()
        second = await there.file("M-0877", CAMERAS[1])
        third = await there.file("M-1510", CAMERAS[1])
        assert (await there.file(first.nominal, CAMERAS[1])).id == first.id  # the same person, seen again
        await phone.reads("2 more waiting")
        await phone.reads(re.compile("Seen again at Market Square"))
        await phone.shows(first)
        assert await phone.button("I take it").bounding_box() == before
        await phone.shot("several")
        await phone.press(f"Show {second.nominal}, {second.camera}")
        await phone.shows(second)
        await phone.press("Leave to others")
        await phone.shows(third)


async def test_the_header_says_in_words_how_the_deployment_stands(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        await phone.reads("2 cameras live")
        ends_at = datetime(2031, 8, 1, 17, 30).astimezone().timestamp()
        there.stands(ends_at=ends_at)
        await phone.reads("Active, ends at 1 Aug, 17:30")
        there.stands(stage="suspended", why="false alert rate above its limit")
        await phone.reads("Suspended: false alert rate above its limit")
        await phone.shot("suspended")
        there.stands(stage="paused", why="no officer is on post")
        await phone.reads("Paused: no officer is on post")
        there.status[0] = dataclasses.replace(there.status[0], deployment=None)
        there.served.office.board.refresh()
        await phone.reads("No deployment is open")


async def test_an_officer_whose_phone_is_silent_is_shown_as_not_reached(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        adams = await on_post(browser, there, "PC Adams")
        begum = await on_post(browser, there, "PC Begum")
        await begum.page.context.close()
        row = adams.page.get_by_role("listitem").filter(has_text="PC Begum")
        await expect(row).to_contain_text("Phone not reached", timeout=30_000)


async def test_the_page_works_on_a_plain_address_where_browsers_have_no_keys(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = Phone(await browser.new_page(viewport={"width": 390, "height": 844}))
        lan = (await there.invitation()).replace("127.0.0.1", PLAIN_HOST)
        await phone.join(lan, "PC 4127 Adams")
        assert not await phone.page.evaluate("isSecureContext || Boolean(crypto.subtle)")
        await phone.press("Go on post")
        await phone.reads("You are on post")
        alert = await there.file("M-2041")
        await phone.shows(alert)
        await phone.press("I take it")
        await phone.press("Viable")
        await phone.reads(re.compile("Recorded: viable"))
        assert phone.problems == []


async def test_ones_own_alerts_stand_apart_until_the_server_deletes_them(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        adams = await on_post(browser, there, "PC Adams")
        begum = await on_post(browser, there, "PC Begum")
        own = await there.file("M-2041", name="Alex Sample")
        await adams.shows(own)
        await adams.press("I take it")
        await adams.press("Not viable")
        await adams.press("Wrong age")
        await adams.press("Nobody engaged: close")
        await expect(adams.card).to_be_hidden()
        await begum.press("Back to post")
        theirs = await there.file("M-1510", CAMERAS[1])
        await begum.shows(theirs)
        await begum.press("I take it")
        await adams.reads("PC Begum has it")
        await adams.press("Back to post")
        waits = await there.file("M-0877")
        await adams.shows(waits)
        await adams.press("Leave to others")
        group = {name: adams.page.get_by_role("list", name=name) for name in ("Waiting", "Yours", "Others")}
        for _ in ("as it came", "loaded again"):
            for name, alert in (("Waiting", waits), ("Yours", own), ("Others", theirs)):
                await expect(group[name].get_by_role("button")).to_have_count(1)
                await expect(group[name]).to_contain_text(alert.nominal)
            await adams.shot("history")
            await adams.page.reload()
            await adams.shows(waits)
            await adams.press("Leave to others")
        await group["Yours"].get_by_role("button").click()
        await adams.reads("Closed: no engagement — PC Adams")
        await adams.press("Next alert (1 waiting)")
        await there.served.office.records.destruction.alerts([AlertId(own.id)], "alert_unacted", CONSOLE)
        await expect(group["Yours"]).to_have_count(0)
        assert "Alex Sample" not in await adams.page.content()


async def test_how_well_the_street_is_protected_is_said_at_a_glance(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        hero = phone.page.locator(".hero")
        await expect(hero).to_contain_text(re.compile("Protected:.*2 cameras live.*1 officer on post.*as of"))
        row = phone.page.get_by_role("listitem").filter(has_text=CAMERAS[0])
        await expect(row).to_contain_text("Live0.2 s behind")
        there.camera_fails(CAMERAS[1], "no answer from the camera")
        await expect(hero).to_contain_text("Protected in part: 1 of 2 cameras live")
        row = phone.page.get_by_role("listitem").filter(has_text=CAMERAS[1])
        await expect(row).to_contain_text(re.compile("Trying again.*no answer from the camera"))
        await phone.shot("one-camera")


async def test_a_person_who_is_seen_again_and_again_is_one_alert_with_its_sightings_in_words(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        alert = await there.file("M-2041")
        await phone.shows(alert)
        await there.file(alert.nominal, CAMERAS[1])
        await phone.reads(re.compile(rf"^Seen again at {CAMERAS[1]}, \d s ago$"))
        await there.file(alert.nominal, CAMERAS[0])
        await phone.reads(re.compile(rf"^Seen again 2 times, last at {CAMERAS[0]}, \d s ago$"))
        await phone.reads(re.compile(r"^Expires in 5 min 00 s|^Expires in 4 min 5\d s"))
        await expect(phone.card).to_contain_text("No other alert waiting")


async def test_a_cameras_live_picture_is_fetched_when_asked_for_and_gives_way_to_an_alert(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as (there, browser):
        context = await browser.new_context(viewport={"width": 390, "height": 844}, service_workers="block")
        phone = Phone(await context.new_page())
        asked = await previewed(phone.page)
        await phone.join(await there.invitation(), "PC 4127 Adams")
        look = phone.button(f"Look through {CAMERAS[1]}")
        await expect(look).to_be_hidden()  # nobody is on post: no camera runs
        await phone.press("Go on post")
        await expect(look).to_have_attribute("aria-expanded", "false")
        assert asked == []
        watched = phone.page.locator(f"html[data-watched='{CAMERAS[1]}']")
        await look.click()
        await expect(watched).to_have_count(1)
        await expect(look).to_have_attribute("aria-expanded", "true")
        await phone.press("Frames around faces")
        await expect(phone.page.locator("camera-preview")).to_have_attribute("boxes", "")
        await phone.press("Close the picture")
        await expect(watched).to_have_count(0)
        await expect(look).to_be_focused()
        await look.click()
        await expect(watched).to_have_count(1)
        alert = await there.file("M-2041")
        await phone.shows(alert)
        await expect(phone.page.locator("camera-preview")).to_have_count(0)
        assert len(asked) == 1
        await phone.press("Leave to others")
        await look.click()
        there.camera_fails(CAMERAS[1], "no answer from the camera")
        await expect(watched).to_have_count(0)
