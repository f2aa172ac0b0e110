"""The blue list's live trial at the desk: numbers, what became of each walk, and what is put right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from lfrd.types import Role
from tests.desk import desk
from tests.journeys.browser import chromium
from tests.journeys.desk_page import at_the_desk

pytestmark = pytest.mark.journey

VOLUNTEER = "W-2048"
"""The one of the list of `tests.desk`."""


async def test_an_operator_follows_the_trial_and_puts_a_passage_right(tmp_path: Path) -> None:
    async with chromium() as browser, desk(tmp_path) as there:
        id = await there.started()
        async with at_the_desk(browser, there, Role.OPERATOR) as operator:
            await operator.go("watchlist", "Watchlist")
            await expect(operator.page.get_by_role("row", name=re.compile(VOLUNTEER))).to_contain_text("1")
            await operator.go(f"deployments/{id}", "Saturday market")
            await operator.page.get_by_role("link", name="Open the blue list's trial").click()
            await operator.heading("Blue list")
            await operator.reads("No passage counts yet")
            await operator.press("1 walks now")
            await expect(operator.button("1 walks now")).to_be_disabled()
            await there.alert(VOLUNTEER, blue=True)
            await operator.reads(re.compile("^1 of 1 found: 100 %"))
            await operator.press("1 walks now")
            await operator.reads("Being tried")
            await operator.page.get_by_role("button", name=re.compile("^Void: volunteer 1")).first.click()
            await operator.page.get_by_role("button", name=re.compile("^Not found: volunteer 1")).last.click()
            await operator.reads(re.compile("^0 of 1 found"))
            await operator.reads("Tom Hale says so")
            await expect(operator.page.locator("main")).not_to_contain_text(VOLUNTEER)
            await operator.shot("blue-list")


async def test_an_auditor_reads_the_trial_and_can_say_nothing_of_it(tmp_path: Path) -> None:
    async with chromium() as browser, desk(tmp_path) as there:
        id = await there.started()
        async with at_the_desk(browser, there, Role.AUDITOR) as auditor:
            await auditor.go(f"blue/{id}", "Blue list")
            await auditor.reads("By number: 1")
            await expect(auditor.page.locator("main").get_by_role("button")).to_have_count(0)
