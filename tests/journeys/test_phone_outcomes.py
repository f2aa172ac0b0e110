"""The officer's page from the decision to the outcome: engagement, second review, expiry, erasure, proofs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace
from playwright.async_api import BrowserContext, expect

from lfrd import wire
from lfrd.types import CONSOLE, AlertId, Role
from tests import office
from tests.journeys.officer_page import Phone, on_post, scene
from tests.journeys.street import Street

pytestmark = pytest.mark.journey

BLIND = replace(office.PLAN, second_review=True)
SHORT = replace(office.PLAN, expire_seconds=4.0)
LOADS = """url => new Promise((done) => {
  Object.assign(new Image(), {onload: () => done(true), onerror: () => done(false), src: url});
})"""
"""Whether an address of a picture, a blob's too, can still be opened by the page."""
PASSWORD = "seven tall herons wade"
"""Of somebody who exists in these tests only."""
SIGN_IN = """async (who) => {
  const headers = {"content-type": "application/json"};
  return (await fetch("/api/sign-in", {method: "POST", headers, body: JSON.stringify(who)})).status;
}"""
SLOW = "{ const now = Date.now; Date.now = () => now() - 3_600_000; }"
"""Sets a page's clock back by an hour."""


async def _found_viable(phone: Phone, there: Street, nominal: str = "M-2041") -> wire.AlertView:
    alert = await there.file(nominal)
    await phone.shows(alert)
    await phone.press("I take it")
    await phone.press("Viable")
    await phone.reads(re.compile("Recorded: viable"))
    return alert


async def _told(there: Street, alert: wire.AlertView) -> list[str]:
    """What has been told of an alert, in order."""
    events = await there.served.office.records.alerts.after(0, 1000)
    return [event.what for event in events if event.alert.id == alert.id]


async def test_an_alert_goes_from_the_invitation_to_its_outcome_and_is_closed(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        alert = await there.file("M-2041", name="Alex Sample")
        await phone.shows(alert)
        await phone.press("I take it")
        await phone.press("Viable")
        await phone.reads("This is not an identification. Engage when you speak to the person.")
        await phone.press("Engage")
        await phone.reads("You are speaking to them")
        await phone.shot("engaged")
        await phone.press("Arrest… then choose for what")
        await phone.shot("class")
        await phone.press("Warrant")
        await phone.reads("Closed: arrest (warrant) — PC 4127 Adams")
        await phone.shot("closed")
        await expect(phone.card).to_be_hidden()
        await phone.reads("arrest (warrant) — PC 4127 Adams")
        stored = await there.view(alert)
        assert (stored.outcome, stored.arrest_class, stored.closed) == ("arrest", "warrant", True)
        assert await _told(there, alert) == [
            "alert",
            "claimed",
            "adjudicated",
            *("engaged", "outcome", "closed"),
        ]
        assert phone.problems == []


async def test_the_card_says_all_that_an_officer_decides_by(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        alert = await there.file("M-2041", name="Alex Sample", eye_distance=18.0)
        await phone.shows(alert)
        for said in (
            "Alex Sample",
            "wanted on warrant: Arrest; two officers",
            "This is not an identification.",
            "Live face is small",
            "5 pictures agree",
            re.compile(r"^Picture taken 17 May 2024, \d+ years?( \d+ months?)? old$"),
            re.compile(r"^at \d\d:\d\d:\d\d$"),
            re.compile(r"^Expires in 4 min \d\d s$"),
        ):
            await phone.reads(said)
        dialog = phone.page.get_by_role("alertdialog")
        await expect(dialog).to_have_accessible_description(re.compile("not an identification.*Alex Sample"))


async def test_engagement_is_impossible_before_adjudication(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        alert = await there.file("M-2041")
        await phone.shows(alert)
        engage = phone.button("Engage")
        await expect(engage).to_have_count(0)
        await phone.press("I take it")
        await expect(phone.button("Viable")).to_be_enabled()
        await expect(engage).to_have_count(0)
        await phone.press("Can't tell")
        await phone.press("Person gone")
        await phone.reads(re.compile("Recorded: can't tell"))
        await expect(engage).to_have_count(0)


async def test_neither_reviewer_sees_the_others_decision_before_both_have_decided(tmp_path: Path) -> None:
    async with scene(tmp_path, plan=BLIND) as (there, browser):
        adams = await on_post(browser, there, "PC Adams", named=True)
        begum = await on_post(browser, there, "PC Begum", named=True)
        alert = await there.file("M-2041")
        for phone in (adams, begum):
            await phone.shows(alert)
        await adams.press("I take it")
        await begum.reads("PC Adams has it. A second officer must decide too, alone.")
        await adams.press("Not viable")
        await adams.press("Different person")
        for phone in (adams, begum):
            await phone.reads(re.compile("^First review given; waiting for a second officer"))
            for hidden in ("Recorded: not viable", "Different person", "PC Adams decided"):
                await expect(phone.page.get_by_text(hidden)).to_have_count(0)
        await begum.shot("second")
        await begum.press("Viable")
        for phone in (adams, begum):
            await phone.reads(re.compile("Recorded: not viable"))
            await phone.reads(re.compile("PC Adams and PC Begum decided: Different person"))
            await expect(phone.button("Engage")).to_have_count(0)
        assert await there.stored() == [
            (alert.id, "PC Adams", "not_viable"),
            (alert.id, "PC Begum", "viable"),
        ]


async def test_a_first_review_that_a_cut_held_back_is_sent_and_known_as_ones_own(tmp_path: Path) -> None:
    async with scene(tmp_path, plan=BLIND) as (there, browser):
        phone = await on_post(browser, there, named=True)
        alert = await there.file("M-2041")
        await phone.press("I take it")
        await expect(phone.button("Viable")).to_be_enabled()
        there.link.cut()
        await phone.reads(re.compile("No connection"))
        await phone.press("Viable")
        await phone.reads(re.compile("Not sent yet"))
        there.link.mend()
        await phone.hears_of_a_network()
        await phone.reads("Yours is recorded. Say nothing of it until both have decided.")
        assert await there.stored() == [(alert.id, "PC 4127 Adams", "viable")]


async def test_expiry_disables_engagement_until_the_person_is_seen_again(tmp_path: Path) -> None:
    async with scene(tmp_path, plan=SHORT) as (there, browser):
        phone = await on_post(browser, there)
        alert = await _found_viable(phone, there)
        await phone.reads(re.compile(r"^Expires in \d s$"))
        await phone.reads(re.compile("^Expired: seen too long ago"))
        await phone.buttons_live()
        await expect(phone.button("Engage")).to_be_disabled()
        await phone.shot("expired")
        await there.file(alert.nominal, "Market Square")
        await phone.reads(re.compile(r"^Expires in \d s$"))
        await expect(phone.button("Engage")).to_be_enabled()


async def test_an_alert_that_nobody_claims_is_shown_as_escalated_and_calls_again(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        alert = await there.file("M-2041")
        await phone.shows(alert)
        await phone.press("Leave to others")
        await expect(phone.card).to_be_hidden()
        event = await there.served.office.records.alerts.acts.escalate(AlertId(alert.id))
        assert event is not None
        there.served.office.hub.publish(event)
        await phone.reads("Escalated: nobody has claimed this.")
        await phone.shows(alert)
        await phone.shot("escalated")


async def test_a_volunteer_of_the_blue_list_is_marked_and_never_engaged(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        alert = await there.file("B-07", category="volunteer", instruction="", blue=True)
        await phone.shows(alert)
        await expect(phone.page.get_by_role("alertdialog")).to_have_accessible_name("Blue list: a volunteer")
        await phone.reads("A test, not an identification. Nobody is engaged.")
        await phone.shot("blue")
        await phone.press("I take it")
        await phone.press("Viable")
        await phone.reads(re.compile("Recorded: viable"))
        await expect(phone.button("Engage")).to_have_count(0)
        await phone.press("Nobody engaged: close")
        await phone.reads("Closed: no engagement — PC 4127 Adams")


async def test_an_erased_alert_leaves_the_screen_and_the_memory_at_once(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        other = await there.file("M-0877", "Market Square", name="Kim Other")
        await phone.shows(other)
        alert = await there.file("M-2041", name="Alex Sample")
        await phone.press(f"Show {alert.nominal}, {alert.camera}")
        await phone.shows(alert)
        await phone.press("I take it")
        await phone.press("Not viable")
        await phone.press("Other…")
        await phone.page.get_by_label("Reason in your words").fill("Not Alex Sample")
        pictures = await phone.card.locator("figure img").evaluate_all("all => all.map((one) => one.src)")
        assert [await phone.page.evaluate(LOADS, picture) for picture in pictures] == [True, True]
        await there.served.office.records.destruction.alerts([AlertId(alert.id)], "alert_unacted", CONSOLE)
        await phone.shows(other)
        left = await phone.page.content()
        for trace in (alert.id, alert.nominal, "Alex Sample", *pictures):
            assert trace not in left
        assert [await phone.page.evaluate(LOADS, picture) for picture in pictures] == [False, False]
        assert phone.problems == []


async def test_a_refused_step_shows_the_servers_words_on_the_card(tmp_path: Path) -> None:
    async with scene(tmp_path, plan=BLIND) as (there, browser):
        phone = await on_post(browser, there, named=True)
        alert = await there.file("M-2041")
        await phone.press("I take it")
        await phone.press("Viable")
        await phone.reads("Yours is recorded. Say nothing of it until both have decided.")
        await phone.page.reload()  # the page no longer knows whose the first review is, and is not told
        await phone.shows(alert)
        await phone.press("Not viable")
        await phone.press("Wrong age")
        await phone.reads("You have decided: the second reviewer must be another officer.")
        await phone.shot("refused")
        assert await there.stored() == [(alert.id, "PC 4127 Adams", "viable")]


async def test_who_joined_by_a_shifts_invitation_is_told_why_they_are_no_reviewer_of_two(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path, plan=BLIND) as (there, browser):
        phone = await on_post(browser, there)
        alert = await there.file("M-2041")
        await phone.shows(alert)
        await phone.press("I take it")
        await phone.reads(
            "Two reviewers are needed who are known by name: join with an invitation in your own name."
        )
        assert await there.stored() == []


async def test_a_decision_is_withdrawn_with_a_reason_and_given_anew(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        alert = await _found_viable(phone, there)
        await phone.press("Withdraw")
        await phone.press("Looked again")
        await phone.reads("You have it. Compare, then decide.")
        assert (await there.view(alert)).decision == ""
        await phone.press("Not viable")
        await phone.press("Wrong age")
        await phone.reads(re.compile("Recorded: not viable"))
        assert await _told(there, alert) == ["alert", "claimed", "adjudicated", "withdrawn", "adjudicated"]


async def test_an_outcome_is_corrected_with_a_reason_after_the_alert_is_closed(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        alert = await _found_viable(phone, there)
        await phone.press("Engage")
        await phone.press("Confirmed true it is the person sought")
        await phone.press("Correct")
        await phone.press("Confirmed false it is somebody else")
        await phone.reads("Why is it corrected?")
        await phone.press("Other…")
        await phone.page.get_by_label("Reason in your words").fill("Twin brother")
        await phone.press("Record")
        await phone.reads("Closed: confirmed false — PC 4127 Adams")
        assert (await there.view(alert)).outcome == "confirmed_false"
        assert (await _told(there, alert))[-3:] == ["outcome", "closed", "outcome"]


async def test_an_alert_given_back_waits_for_the_others_again(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        adams = await on_post(browser, there, "PC Adams")
        begum = await on_post(browser, there, "PC Begum")
        await there.file("M-2041")
        await adams.press("I take it")
        await begum.reads("PC Adams has it")
        await adams.press("Give back")
        await expect(begum.button("I take it")).to_be_enabled()


async def test_what_is_left_open_is_offered_again_and_finished(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        await _found_viable(phone, there)
        await phone.press("Engage")
        await phone.press("Back to post")
        await phone.reads("You are speaking to them: outcome missing")
        await phone.page.reload()
        await phone.reads("1 alert to finish")
        await phone.press("Open")
        await phone.press("Unconfirmed who it is stayed open")
        await phone.reads("Closed: unconfirmed — PC 4127 Adams")


async def test_a_stolen_cookie_in_another_browser_is_told_so_and_sees_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        alert = await there.file("M-2041", name="Alex Sample")
        await phone.shows(alert)
        thief = Phone(await (await _with_the_cookies_of(phone.page.context)).new_page())
        await thief.page.goto(there.url)
        await thief.reads(re.compile("^This session belongs to another device"))
        await thief.shot("stolen")
        left = await thief.page.content()
        assert alert.nominal not in left
        assert "Alex Sample" not in left
        assert (await thief.page.request.get(f"{there.url}{alert.probe}")).status == 401
        await phone.press("I take it")
        await expect(phone.button("Viable")).to_be_enabled()


async def _with_the_cookies_of(context: BrowserContext) -> BrowserContext:
    assert context.browser is not None
    other = await context.browser.new_context(viewport={"width": 390, "height": 844})
    await other.add_cookies([{**cookie} for cookie in await context.cookies()])  # type: ignore[typeddict-item]
    return other


async def test_a_phone_whose_clock_is_wrong_proves_itself_by_the_servers_time(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = Phone(await browser.new_page(viewport={"width": 390, "height": 844}))
        await phone.page.add_init_script(SLOW)
        await phone.join(await there.invitation(), "PC 4127 Adams")
        await phone.press("Go on post")
        alert = await there.file("M-2041")
        await phone.shows(alert)
        await phone.reads(re.compile(r"Seen at High Street 1, \d s ago"))
        there.link.cut()
        await phone.reads(re.compile("No connection"))
        await phone.page.evaluate(SLOW)  # and an hour more, which only the next connection's proof can show
        there.link.mend()
        await phone.hears_of_a_network()
        await phone.reads(re.compile(r"Seen at High Street 1, \d+ s ago"))
        await expect(phone.button("I take it")).to_be_enabled()


async def test_whoever_works_at_the_desk_is_sent_there(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        officers = there.served.office.records.officers
        hale = await officers.add("Sgt Hale", Role.OPERATOR, "Sergeant", CONSOLE)
        await officers.set_password(hale, PASSWORD, CONSOLE)
        phone = Phone(await browser.new_page(viewport={"width": 390, "height": 844}))
        await phone.page.goto(there.url)
        signed_in = await phone.page.evaluate(SIGN_IN, {"name": "Sgt Hale", "password": PASSWORD})
        assert signed_in == 200
        await phone.page.reload()
        await phone.reads("Signed in for the desk")
        await expect(phone.page.get_by_role("link", name="Open the desk")).to_be_visible()
