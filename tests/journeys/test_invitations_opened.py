"""An invitation is opened where a page of the box stands already: nobody's session is replaced unasked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from lfrd.types import CONSOLE, Role
from tests.desk import PASSWORD, PEOPLE, Desk, desk
from tests.journeys.browser import chromium
from tests.journeys.desk_page import Person, at_the_desk
from tests.journeys.officer_page import Phone, on_post, scene
from tests.journeys.street import Street

pytestmark = pytest.mark.journey


async def opened(page: Page, link: str) -> None:
    """The link is followed in this tab, as a QR code's is where the browser has the page open already."""
    await page.evaluate("link => { location.href = link; }", link)
    await expect(page).not_to_have_url(re.compile("join"))


async def names(there: Street) -> list[str]:
    return [session.name for session in await there.served.office.records.officers.sessions()]


# ---- the phone ------------------------------------------------------------------------------------------


async def test_it_is_taken_by_a_phone_that_asks_for_one_also_after_one_that_was_used_up(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = Phone(await browser.new_page())
        await phone.page.goto(there.url)
        await expect(phone.page.get_by_label("Invitation link or code")).to_be_visible()
        await opened(phone.page, f"{there.url}/#join=used-up")
        await expect(phone.page.get_by_label("Invitation link or code")).to_have_count(0)
        await phone.page.get_by_label("Collar number").fill("PC 4127 Adams")
        await phone.press("Join")
        await phone.reads(re.compile("^This invitation is used up or has expired"))
        await opened(phone.page, await there.invitation(name="PC 4127 Adams"))
        await expect(phone.page.get_by_text("used up")).to_have_count(0)
        await phone.press("Join")
        await expect(phone.button("Go on post")).to_be_enabled()
        await expect(phone.button("Stay signed in")).to_have_count(0)
        assert phone.problems == []


async def test_whoever_is_signed_in_is_named_and_stays_unless_they_say_otherwise(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        await opened(phone.page, await there.invitation(name="PC Begum"))
        await phone.reads("An invitation was opened here, and PC 4127 Adams is signed in.")
        await phone.reads("You are on post")
        await phone.shot("invitation-over-a-session")
        await phone.press("Stay signed in")
        await expect(phone.page.get_by_text("An invitation was opened here")).to_have_count(0)
        assert await names(there) == ["PC 4127 Adams"]
        await opened(phone.page, await there.invitation(name="PC Begum"))
        await phone.press("Sign out and use it")
        await phone.press("Join")
        await phone.reads(re.compile("^PC Begum"))
        assert await names(there) == ["PC Begum"]
        assert phone.problems == []


async def test_an_open_alert_is_kept_and_the_invitation_waits_for_its_end(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        alert = await there.file("M-2041")
        await phone.shows(alert)
        await phone.press("I take it")
        await opened(phone.page, await there.invitation(name="PC Begum"))
        await phone.reads("An invitation waits: finish the alert first.")
        await phone.shot("invitation-over-an-alert")
        await expect(phone.button("Sign out and use it")).to_have_count(0)
        await phone.shows(alert)
        await phone.press("Viable")
        await phone.press("Nobody engaged: close")
        await phone.press("Back to post")
        await phone.press("Sign out and use it")
        await phone.press("Join")
        await phone.reads(re.compile("^PC Begum"))
        assert await there.stored() == [(alert.id, "PC 4127 Adams", "viable")]


async def test_a_page_that_is_loaded_with_one_names_whoever_is_signed_in(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        newer = Phone(await phone.page.context.new_page())
        await newer.page.goto(await there.invitation(name="PC Begum"))
        await newer.reads("An invitation was opened here, and PC 4127 Adams is signed in.")
        assert await names(there) == ["PC 4127 Adams"]


async def test_without_a_connection_nobody_is_signed_out_and_the_invitation_is_kept(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        invitation = await there.invitation(name="PC Begum")
        there.link.cut()
        await opened(phone.page, invitation)
        await phone.press("Sign out and use it")
        await phone.reads("No connection: the server could not be told. Try again.")
        there.link.mend()
        await phone.hears_of_a_network()
        await expect(phone.page.get_by_text(re.compile("^No connection for"))).to_have_count(0)
        await phone.press("Sign out and use it")
        await phone.press("Join")
        await phone.reads(re.compile("^PC Begum"))


# ---- the desk and the camera's page ---------------------------------------------------------------------


async def password_link(there: Desk, name: str = "Sgt 88 Iqbal", page: str = "desk") -> str:
    await there.records.officers.add(name, Role.OPERATOR, "Sergeant", CONSOLE)
    code = await there.records.officers.invite(name, 1, 600, role=Role.OPERATOR, actor=CONSOLE)
    return f"{there.url}/{page}#join={code}"


async def sets_a_password(person: Person) -> None:
    for label in ("New password", "The same password again"):
        await person.page.get_by_label(label).fill(PASSWORD)
    await person.press("Set password and sign in")


async def test_at_the_desk_whoever_is_signed_in_is_asked_and_their_page_stays(tmp_path: Path) -> None:
    async with (
        chromium() as browser,
        desk(tmp_path) as there,
        at_the_desk(browser, there, Role.OPERATOR) as operator,
    ):
        link = await password_link(there)
        await operator.go("deployments/new", "Draft a deployment")
        await operator.page.get_by_label("Place").fill("Market Square")
        await opened(operator.page, link)
        await expect(operator.dialog).to_contain_text(f"{PEOPLE[Role.OPERATOR][0]} is signed in here.")
        await operator.shot("invitation-over-a-session")
        await operator.dialog.get_by_role("button", name="Cancel").click()
        await expect(operator.page.get_by_label("Place")).to_have_value("Market Square")
        assert operator.page.url.endswith("#deployments/new")
        await opened(operator.page, link)
        await operator.dialog.get_by_role("button", name="Sign out and use it").click()
        await sets_a_password(operator)
        await expect(operator.page.get_by_role("link", name="Sgt 88 Iqbal")).to_be_visible()
        sessions = [session.name for session in await there.records.officers.sessions()]
        assert sessions == ["Sgt 88 Iqbal"]


async def test_a_desk_that_is_loaded_with_one_asks_too(tmp_path: Path) -> None:
    async with (
        chromium() as browser,
        desk(tmp_path) as there,
        at_the_desk(browser, there, Role.AUDITOR) as auditor,
    ):
        await auditor.page.goto("about:blank")
        await auditor.page.goto(await password_link(there))
        await expect(auditor.dialog).to_contain_text(f"{PEOPLE[Role.AUDITOR][0]} is signed in here.")
        await auditor.dialog.get_by_role("button", name="Cancel").click()
        await auditor.heading("Overview")


async def test_the_cameras_page_asks_before_an_invitation_ends_what_it_sends(tmp_path: Path) -> None:
    async with (
        chromium() as browser,
        desk(tmp_path) as there,
        at_the_desk(browser, there, Role.ENGINEER) as engineer,
    ):
        link = await password_link(there, page="camera")
        await engineer.page.goto(f"{there.url}/camera")
        await engineer.reads(f"Signed in: {PEOPLE[Role.ENGINEER][0]}")
        await opened(engineer.page, link)
        await engineer.dialog.get_by_role("button", name="Sign out and use it").click()
        await sets_a_password(engineer)
        await engineer.reads("This page is for system engineers")
