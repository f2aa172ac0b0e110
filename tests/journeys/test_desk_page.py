"""The desk's pages against the real stores: each role's work, from the first draft to the receipt."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from lfrd import wire
from lfrd.types import AlertId, Role, Stage
from tests.desk import CAMERAS, PASSWORD, desk
from tests.journeys.browser import chromium
from tests.journeys.desk_page import at_the_desk

pytestmark = pytest.mark.journey

PAGES = {
    Role.OPERATOR: "overview wall deployments deployments/new deployments/ID deployments/ID/plan watchlist "
    "alerts record enquiry people",
    Role.AUTHORISING: "overview wall deployments deployments/ID watchlist record retention enquiry people",
    Role.AUDITOR: "overview wall deployments deployments/ID record audit retention enquiry",
    Role.ENGINEER: "overview wall people",
}


async def test_a_plan_goes_from_a_draft_over_the_list_of_what_is_missing_to_its_start(tmp_path: Path) -> None:
    async with chromium() as browser, desk(tmp_path) as there:
        async with at_the_desk(browser, there, Role.OPERATOR) as operator:
            await operator.go("deployments", "Deployments")
            await operator.page.get_by_role("link", name="Draft a deployment").click()
            await operator.heading("Draft a deployment")
            await operator.press("Keep the draft")
            await operator.reads("Fill this in.")
            await expect(operator.page.get_by_label("Name (needed)")).to_be_focused()
            await operator.page.get_by_label("Name (needed)").fill("Evening market")
            await operator.page.get_by_label("False alerts a face seen").fill("7")
            await operator.press("Keep the draft")
            await expect(operator.page.get_by_label("False alerts a face seen")).to_be_focused()
            await operator.page.get_by_label("False alerts a face seen").fill("0.001")
            await operator.shot("plan")
            await operator.press("Keep the draft")
            await operator.heading("Evening market")
            await operator.reads("is empty; say what the deployment is for")
            await operator.shot("draft")

        id = (await there.records.deployments.all())[0].id
        full = await there.drafted(name="Saturday market")
        async with at_the_desk(browser, there, Role.AUTHORISING) as authorising:
            await authorising.go(f"deployments/{id}", "Evening market")
            await authorising.press("Authorise")
            await authorising.dialog.get_by_label("Reason").fill("The plan is bounded.")
            await authorising.dialog.get_by_role("button", name="Authorise").click()
            dialog = authorising.dialog
            await expect(dialog.get_by_role("alert")).to_contain_text(
                "Data protection impact assessment: has no version"
            )
            await authorising.shot("refused")
            await authorising.page.keyboard.press("Escape")
            await authorising.go(f"deployments/{full}", "Saturday market")
            await authorising.press("Authorise")
            rank = authorising.dialog.get_by_label("Your rank")
            await expect(rank).to_have_value("Superintendent")  # as the account has it
            await expect(rank).not_to_be_editable()
            await authorising.dialog.get_by_label("Reason").fill("The plan is bounded.")
            await authorising.shot("authorise")
            await authorising.dialog.get_by_role("button", name="Authorise").click()
            await authorising.reads("Saturday market is authorised.")

        async with at_the_desk(browser, there, Role.OPERATOR) as operator:
            await operator.go(f"deployments/{full}", "Saturday market")
            await operator.reads("watchlist: none; import one for this deployment")
            await there.imported(full)
            for step in ("Make ready", "Start"):
                await operator.page.reload()
                await operator.press(step)
                await operator.dialog.get_by_role("button", name=step).click()
                await expect(operator.dialog).to_have_count(0)
            await operator.reads("Saturday market has started.")
            await operator.shot("deployment")
        assert (await there.records.deployments.get(full)).stage is Stage.ACTIVE


async def test_the_overview_shows_what_stands_and_follows_it(tmp_path: Path) -> None:
    async with (
        chromium() as browser,
        desk(tmp_path) as there,
        at_the_desk(browser, there, Role.OPERATOR) as operator,
    ):
        await operator.reads("No deployment is open")
        await operator.shot("idle")
        await there.started()
        await there.alert()
        await operator.reads("PC 4127 Adams")
        await operator.reads("12,482")
        await operator.shot("overview")
        more = operator.page.get_by_role("link", name="All about this deployment")
        await more.focus()
        await there.alert("W-2042")
        await expect(operator.page.locator(".tile", has_text="Alerts open")).to_contain_text("2")
        await expect(more).to_be_focused()
        await operator.press("Suspend")
        await operator.dialog.get_by_label("Reason").fill("A camera shows the wrong street.")
        await operator.shot("suspend")
        await operator.dialog.get_by_role("button", name="Suspend").click()
        await operator.reads("Stopped until an authorising officer authorises it again.")
        await operator.shot("suspended")


async def test_a_zone_is_drawn_with_the_keyboard_alone(tmp_path: Path) -> None:
    async with chromium() as browser, desk(tmp_path) as there:
        id = await there.authorised()
        async with at_the_desk(browser, there, Role.OPERATOR) as operator:
            await operator.go(f"deployments/{id}/zones/{CAMERAS[0]}", f"Zone of {CAMERAS[0]}")
            await operator.page.get_by_role("button", name=re.compile("^Corner 1:")).focus()
            for key in ("ArrowRight", "ArrowDown", "Shift+ArrowDown", "+"):
                await operator.page.keyboard.press(key)
            await expect(operator.page.get_by_label("Corner 1, per cent from the left")).to_have_value("11.0")
            await expect(operator.page.get_by_role("button", name=re.compile("^Corner 2:"))).to_be_focused()
            await operator.shot("zones")
            await operator.press("Save the zone")
            await operator.reads("5 corners")
            await operator.reads("Zones drawn after the authorisation by Tom Hale.")
        zone = (await there.records.deployments.get(id)).plan.cameras[0].zone
        assert len(zone) == 5
        assert zone[0] == (0.11, 0.312)


async def test_a_zone_whose_sides_cross_is_not_saved(tmp_path: Path) -> None:
    async with chromium() as browser, desk(tmp_path) as there:
        id = await there.drafted()
        async with at_the_desk(browser, there, Role.OPERATOR) as operator:
            await operator.go(f"deployments/{id}/zones/{CAMERAS[0]}", f"Zone of {CAMERAS[0]}")
            await operator.page.get_by_label("Corner 1, per cent from the left").fill("99")
            await operator.page.get_by_label("Corner 2, per cent from the left").fill("1")
            await operator.press("Save the zone")
            await operator.reads("Two sides of the zone cross.")


async def test_special_entries_wait_until_an_authorising_officer_approves_them(tmp_path: Path) -> None:
    async with chromium() as browser, desk(tmp_path) as there:
        id = await there.drafted()
        await there.imported(id)
        async with at_the_desk(browser, there, Role.AUTHORISING) as authorising:
            await authorising.go("watchlist", "Watchlist")
            await authorising.reads("Under 18")
            await authorising.press("Show the picture of W-2046")
            await expect(authorising.page.get_by_alt_text("Watchlist picture of W-2046")).to_be_visible()
            await authorising.press("Compare the pictures of W-2041 and W-2043")
            await expect(authorising.page.get_by_alt_text("Watchlist picture of W-2043")).to_be_visible()
            await authorising.shot("watchlist")
            await authorising.press("Approve: Poor picture, W-2046")
            await authorising.dialog.get_by_label("Reason").fill("It is the only picture there is.")
            await authorising.dialog.get_by_role("button", name="Approve").click()
            await authorising.reads("Approved: W-2046.")
        summary = await there.records.watchlists.summary(id)
        assert summary is not None
        assert summary.waiting == 1


async def test_an_operator_adjudicates_at_the_desk_and_codes_the_outcome(tmp_path: Path) -> None:
    async with chromium() as browser, desk(tmp_path) as there:
        await there.started()
        async with at_the_desk(browser, there, Role.OPERATOR) as operator:
            await operator.go("alerts", "Alerts")
            await operator.reads("No alert is open.")
            await there.alert("W-2041")
            await there.alert("W-2042", CAMERAS[1], score=0.62)
            await operator.page.get_by_role("button", name=re.compile("W-2041")).click()
            await expect(
                operator.page.get_by_alt_text("Live picture from High Street 1")
            ).to_have_js_property("naturalWidth", 240)
            await operator.shot("alerts")
            await operator.press("I take it")
            await operator.reads("Tom Hale has it")
            await operator.press("Not viable")
            await operator.dialog.get_by_label("Reason").fill("Different ears")
            await operator.shot("reason")
            await operator.press("Record")
            await operator.reads("Not viable: code the outcome")
            await operator.press("Code the outcome")
            await operator.shot("outcome")
            await operator.press("Record")
            await operator.press("Close the alert")
            await operator.reads("Closed (1)")
            await operator.shot("closed")


async def test_an_alert_that_an_officer_has_taken_is_theirs_and_a_refusal_stands_beside_it(
    tmp_path: Path,
) -> None:
    async with (
        chromium() as browser,
        desk(tmp_path) as there,
    ):
        await there.started()
        adams, alerts = there.people[Role.ENGAGEMENT], there.office.alerts
        async with at_the_desk(browser, there, Role.OPERATOR) as operator:
            await operator.go("alerts", "Alerts")
            alert = await there.alert("W-2041")
            await operator.page.get_by_role("button", name=re.compile("W-2041")).click()
            await operator.press("Not viable")
            await alerts.carry_out(wire.Claim(alert.id), adams)
            await operator.dialog.get_by_label("Reason").fill("Different ears")
            await operator.press("Record")
            await expect(operator.dialog.get_by_role("alert")).to_have_text("PC 4127 Adams has it")
            await operator.page.keyboard.press("Escape")
            await expect(operator.button("Viable")).to_have_count(0)
            await alerts.carry_out(wire.Release(alert.id), adams)
            await operator.press("Viable")
            await operator.reads("Viable: wait for the engagement")
            await operator.press("Withdraw my decision")
            await operator.dialog.get_by_label("Reason").fill("The wrong alert.")
            await operator.dialog.get_by_role("button", name="Withdraw my decision").click()
            await expect(operator.button("Viable")).to_be_visible()


async def test_a_second_reviewer_at_the_desk_does_not_see_what_the_first_decided(tmp_path: Path) -> None:
    async with chromium() as browser, desk(tmp_path) as there:
        await there.started(second_review=True)
        alert = await there.alert("W-2041")
        adams = there.people[Role.ENGAGEMENT]
        await there.office.alerts.carry_out(wire.Claim(alert.id), adams)
        await there.office.alerts.carry_out(wire.Adjudicate(alert.id, "not_viable", "Wrong age"), adams)
        async with at_the_desk(browser, there, Role.OPERATOR) as operator:
            await operator.go("alerts", "Alerts")
            await operator.page.get_by_role("button", name=re.compile("W-2041")).click()
            await operator.reads("1 of 2 have decided; what they said stays hidden")
            await expect(operator.page.get_by_text("Wrong age")).to_have_count(0)
            await operator.shot("second")
            await operator.press("Viable")
            await operator.reads("Not viable: code the outcome")


async def test_a_passkey_is_added_and_signs_its_person_in(tmp_path: Path) -> None:
    async with chromium() as browser, desk(tmp_path) as there:
        by_name = dataclasses.replace(there, url=there.url.replace("127.0.0.1", "localhost"))
        async with at_the_desk(browser, by_name, Role.AUDITOR) as auditor:
            await authenticator(auditor.page)
            await auditor.page.get_by_role("link", name="Anna Lindqvist").click()
            await auditor.heading("Your account")
            await auditor.press("Add a passkey")
            await auditor.dialog.get_by_label("Password").fill(PASSWORD)
            await auditor.dialog.get_by_role("button", name="Add a passkey").click()
            await auditor.reads("Never")
            await auditor.shot("account")
            await auditor.press("Sign out")
            await auditor.shot("sign-in")
            await auditor.press("Use a passkey")
            await expect(auditor.page.get_by_role("link", name="Anna Lindqvist")).to_be_visible()


async def test_a_revocation_needs_the_name_and_gives_a_receipt_to_save(tmp_path: Path) -> None:
    async with chromium() as browser, desk(tmp_path) as there:
        id = await there.started()
        async with at_the_desk(browser, there, Role.OPERATOR) as operator:
            await operator.press("Revoke")
            dialog = operator.dialog
            await dialog.get_by_label("Reason").fill("Ordered by the chief constable.")
            await dialog.get_by_label("Type the deployment's name").fill("Saturday")
            await dialog.get_by_role("button", name="Revoke").click()
            await expect(dialog.get_by_role("alert")).to_contain_text("nothing has been revoked")
            await dialog.get_by_label("Type the deployment's name").fill("Saturday market")
            await operator.shot("revoke")
            await dialog.get_by_role("button", name="Revoke").click()
            await operator.reads("Receipt of deletion")
            await operator.shot("receipt")
            saved = json.loads(await operator.saves("Save the receipt"))
            assert saved["statement"]["deployment"] == id
        assert (await there.records.deployments.get(id)).destroyed_at is not None


async def test_an_auditor_reads_verifies_and_exports_the_audit(tmp_path: Path) -> None:
    async with chromium() as browser, desk(tmp_path) as there:
        await there.started()
        alert = await there.alert()
        await there.records.retention.hold(
            AlertId(alert.id), there.people[Role.AUTHORISING], "Case 12/26 of the complaints body"
        )
        async with at_the_desk(browser, there, Role.AUDITOR) as auditor:
            await auditor.go("audit", "Audit")
            await auditor.press("Verify now")
            await auditor.reads("The chain is whole")
            await auditor.shot("audit")
            await auditor.page.get_by_label("What").select_option("authorised")
            await auditor.press("Show")
            await auditor.reads("1 record shown")
            assert (await auditor.saves("Save an export")).count("\n") > 10
            await auditor.go("retention", "Retention")
            await auditor.reads("Case 12/26 of the complaints body")
            await auditor.shot("retention")
            await auditor.go("enquiry", "Was somebody listed?")
            await auditor.page.get_by_label("Reference").fill("W-2041")
            await auditor.page.get_by_label("Day").fill("2031-01-01")
            await auditor.press("Look it up")
            await auditor.reads("W-2041 was on 1 watchlist on 2031-01-01.")
            await auditor.shot("enquiry")
            await auditor.go("record", "Record")
            await auditor.reads("False alert rate by faces")
            await auditor.shot("record")
            async with auditor.page.context.expect_page() as opened:
                await auditor.press("Open the record's page")
            await expect((await opened.value).get_by_role("heading", level=1)).to_contain_text(
                "Saturday market"
            )


async def test_an_invitation_sets_a_password_and_signs_its_person_in(tmp_path: Path) -> None:
    async with chromium() as browser, desk(tmp_path) as there:
        async with at_the_desk(browser, there, Role.ENGINEER) as engineer:
            await engineer.go("people", "People")
            await engineer.shot("people")
            await engineer.press("Add a person")
            await engineer.page.get_by_label("Name or collar number").fill("Sgt 88 Iqbal")
            await engineer.page.get_by_label("Role").select_option("operator")
            await engineer.shot("add")
            await engineer.dialog.get_by_role("button", name="Add a person").click()
            await engineer.press("Invite: Sgt 88 Iqbal")
            link = await engineer.page.get_by_label("The same as a link").input_value()
            await engineer.shot("invitation")
        page = await browser.new_page()
        await page.goto(link)
        assert "join" not in page.url
        await page.get_by_label("New password").fill(PASSWORD)
        await page.get_by_label("The same password again").fill(PASSWORD)
        await page.get_by_role("button", name="Set password and sign in").click()
        await expect(page.get_by_role("link", name="Sgt 88 Iqbal")).to_be_visible()


@pytest.mark.parametrize("role", PAGES)
async def test_every_page_of_a_role_fits_a_narrow_screen_at_double_text_and_has_its_landmarks(
    role: Role, tmp_path: Path
) -> None:
    async with chromium() as browser, desk(tmp_path) as there:
        id = await there.started()
        await there.alert()
        planned = await there.drafted(name="Next week")
        async with at_the_desk(browser, there, role) as person:
            await person.page.set_viewport_size({"width": 390, "height": 844})
            for address in PAGES[role].split():
                at = planned if address.endswith("/plan") else id
                await person.page.goto(f"{there.url}/desk#{address.replace('ID', at)}")
                await (
                    person.page.reload()
                )  # another address of the same page alone would leave the old one there
                await expect(person.page.get_by_role("heading", level=1)).to_be_focused()
                assert await person.page.get_by_role("main").count() == 1
                assert await unlabelled(person.page) == []
                for size in ("100%", "200%"):
                    await person.page.evaluate("size => document.documentElement.style.fontSize = size", size)
                    assert await overflowing(person.page) == [], f"{address} at {size}"


async def test_a_page_of_another_role_is_not_shown(tmp_path: Path) -> None:
    async with (
        chromium() as browser,
        desk(tmp_path) as there,
        at_the_desk(browser, there, Role.ENGINEER) as engineer,
    ):
        await engineer.go("alerts", "No such page")
        await expect(engineer.page.get_by_role("link", name="Alerts")).to_have_count(0)


async def test_the_page_is_reached_by_the_skip_link_and_all_of_it_by_the_tab_key(tmp_path: Path) -> None:
    async with (
        chromium() as browser,
        desk(tmp_path) as there,
        at_the_desk(browser, there, Role.OPERATOR) as operator,
    ):
        skip = operator.page.get_by_role("link", name="Skip to the page")
        await expect(skip).not_to_be_in_viewport()
        await skip.focus()
        await expect(skip).to_be_in_viewport()
        await operator.page.keyboard.press("Enter")
        await expect(operator.page.get_by_role("main")).to_be_focused()
        assert operator.page.url.endswith("/desk")


async def test_a_printed_page_says_who_printed_it_and_has_no_buttons(tmp_path: Path) -> None:
    async with chromium() as browser, desk(tmp_path) as there:
        id = await there.authorised()
        async with at_the_desk(browser, there, Role.AUDITOR) as auditor:
            await auditor.go(f"deployments/{id}", "Saturday market")
            await auditor.page.emulate_media(media="print")
            await expect(auditor.page.get_by_text("Printed by Anna Lindqvist, auditor")).to_be_visible()
            await expect(auditor.page.get_by_role("button")).to_have_count(0)
            await expect(auditor.page.get_by_role("navigation")).to_have_count(0)


async def authenticator(page: Page) -> None:
    """A security key in the browser itself, whose owner always consents (WebAuthn, 11)."""
    browser = await page.context.new_cdp_session(page)
    await browser.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    await browser.send("WebAuthn.addVirtualAuthenticator", {"options": options})


async def unlabelled(page: Page) -> list[str]:
    """Controls without an accessible name, which a person who does not see the page could not use."""
    found = await page.evaluate(
        "() => [...document.querySelectorAll('button, input, select, textarea, a, img')]"
        ".filter(e => e.checkVisibility() && !(e.labels?.length || e.ariaLabel || e.textContent.trim()"
        " || (e.tagName === 'IMG' && e.hasAttribute('alt')))).map(e => e.outerHTML)"
    )
    return list(found)


async def overflowing(page: Page) -> list[str]:
    """What reaches past the right edge, and so would have to be scrolled to sideways. Wide tables scroll in
    frames of their own."""
    found = await page.evaluate(
        "() => document.documentElement.scrollWidth <= innerWidth ? [] :"
        " [...document.querySelectorAll('body *')]"
        ".filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll'))"
        ".map(e => e.tagName + '.' + e.className + ': ' + e.textContent.slice(0, 40))"
    )
    return list(found)
