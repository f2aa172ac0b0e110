"""Officers and phones at the desk: an officer once, however many phones they have signed in with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from lfrd.types import Role
from tests.desk import PEOPLE, desk
from tests.journeys.browser import chromium
from tests.journeys.desk_page import at_the_desk
from tests.journeys.test_desk_wall import on_post

pytestmark = pytest.mark.journey

BEGUM = "PC 12 Begum"


async def test_the_wall_shows_an_officer_once_and_counts_their_phones(tmp_path: Path) -> None:
    async with chromium() as browser, desk(tmp_path) as there:
        await there.started()
        async with (
            on_post(there, BEGUM, BEGUM) as (first, second),
            at_the_desk(browser, there, Role.OPERATOR) as operator,
        ):
            await operator.go("wall", "Wall")
            officers = operator.page.get_by_role("region", name="Officers and phones")
            row = officers.locator(".phones > li").filter(has_text=BEGUM)
            await expect(row).to_have_count(1)
            await expect(row.get_by_text(BEGUM)).to_have_count(1)
            await expect(row).to_contain_text("2 phones")
            await expect(row.get_by_text(re.compile("^signed in "))).to_have_count(2)

            alert = await there.alert("W-2041")
            queue = operator.page.get_by_role("region", name=re.compile("^Alerts"))
            await expect(queue).to_contain_text("Reached 0 of 3 phones")
            missing = queue.get_by_text(re.compile("^Not reached: "))
            await expect(missing).to_contain_text(f"{BEGUM} (2 phones: connected, not shown yet)")
            await first.caught_up(1)
            await expect(queue).to_contain_text("Reached 1 of 3 phones")
            await expect(missing).to_contain_text(f"{BEGUM} (has it on another phone)")
            await operator.shot("wall-two-phones", wall=True)
            await second.caught_up(1)
            await expect(queue).to_contain_text("Reached 2 of 3 phones")
            await expect(missing).not_to_contain_text(BEGUM)
            await operator.go(f"alerts/{alert.id}", "Alerts")
            reached = operator.page.locator("p.reached")
            await expect(reached).to_have_text(re.compile(rf"^Reached: {BEGUM} [\d.]+ s \(2 phones\)$"))


async def test_the_people_page_says_where_nothing_can_be_done_and_leads_to_ones_own_account(
    tmp_path: Path,
) -> None:
    async with (
        chromium() as browser,
        desk(tmp_path) as there,
        at_the_desk(browser, there, Role.OPERATOR) as operator,
    ):
        await operator.page.set_viewport_size({"width": 390, "height": 844})
        await operator.go("people", "People")
        cards = operator.page.locator("tbody tr")
        await expect(cards).to_have_count(len(PEOPLE))
        for text in await operator.page.locator("td[data-head='What can be done']").all_inner_texts():
            assert text.strip()
        auditor = cards.filter(has_text=PEOPLE[Role.AUDITOR][0])
        await expect(auditor).to_contain_text("Nothing in your role")
        await cards.filter(has_text=PEOPLE[Role.OPERATOR][0]).get_by_role("link", name="Your account").click()
        await operator.heading("Your account")


async def test_a_phones_invitation_leads_to_the_two_steps_of_one_that_is_new(tmp_path: Path) -> None:
    async with (
        chromium() as browser,
        desk(tmp_path) as there,
        at_the_desk(browser, there, Role.ENGINEER) as engineer,
    ):
        steps = engineer.dialog.get_by_role("link", name=re.compile("^Is the phone new to this box"))
        await engineer.go("people", "People")
        await engineer.press(f"Invite: {PEOPLE[Role.OPERATOR][0]}")
        await expect(engineer.dialog).to_be_visible()
        await expect(steps).to_have_count(0)
        await engineer.dialog.get_by_role("button", name="Close").click()
        await engineer.press(f"Invite: {PEOPLE[Role.ENGAGEMENT][0]}")
        await steps.click()
        await engineer.heading("Phones: bring a new one")
        await expect(engineer.dialog).to_have_count(0)


async def test_the_watchlists_page_opens_on_the_running_deployment_and_lets_one_choose(
    tmp_path: Path,
) -> None:
    async with (
        chromium() as browser,
        desk(tmp_path) as there,
        at_the_desk(browser, there, Role.OPERATOR) as operator,
    ):
        await there.drafted(name="Last week")
        await there.drafted(name="Next week")
        await operator.go("watchlist", "Watchlist of Next week")
        await there.started()
        await there.drafted(name="In a month")
        await operator.go("overview", "Overview")
        await operator.go("watchlist", "Watchlist of Saturday market")
        choice = operator.page.get_by_role("navigation", name="Show the list of")
        await expect(choice.get_by_role("link", name="Saturday market (active)")).to_have_attribute(
            "aria-current", "page"
        )
        await operator.shot("watchlist-choice")
        await choice.get_by_role("link", name="In a month (draft)").click()
        await operator.heading("Watchlist of In a month")
