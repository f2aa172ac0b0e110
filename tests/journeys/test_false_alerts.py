"""What the model's card lets expect of the threshold stands on the phone and at the desk, marked as it is."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import expect

from lfrd import wire
from lfrd.operation.board import Status
from lfrd.types import Role
from tests import office
from tests.desk import desk
from tests.journeys.browser import chromium
from tests.journeys.desk_page import at_the_desk
from tests.journeys.officer_page import on_post, scene

pytestmark = pytest.mark.journey

MEASURED = wire.FalseAlertsView(one_in=1000, bound="", extrapolated=False, of_tracks=True)
BEYOND = wire.FalseAlertsView(one_in=12_000, bound="", extrapolated=True, of_tracks=False)
LAX = wire.FalseAlertsView(one_in=10, bound="over", extrapolated=False, of_tracks=False)
STRICT = wire.FalseAlertsView(one_in=1_000_000, bound="under", extrapolated=True, of_tracks=True)


async def test_an_officer_reads_how_many_false_alerts_are_to_be_expected(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        await phone.reads("2 cameras live")
        line = phone.page.locator(".figure").filter(has_text="Expected false alerts")
        await expect(line).to_contain_text("Not known")
        await expect(line).to_contain_text("The model's card does not say.")
        for expected, says, why in (
            (MEASURED, "1 in 1,000 faces", "at this list of 812: from the model's card."),
            (BEYOND, "about 1 in 12,000 faces", "at this list of 812: extrapolated from the model's card."),
            (LAX, "more than 1 in 10 faces", "from the model's card."),
            (STRICT, "fewer than 1 in 1,000,000 faces", "extrapolated from the model's card."),
        ):
            there.stands(false_alerts=expected)
            await expect(line.locator("strong")).to_have_text(says)
            await expect(line).to_contain_text(why)
            await line.scroll_into_view_if_needed()
            await phone.shot(f"false-alerts-{expected.one_in}")
        there.status[0] = dataclasses.replace(there.status[0], deployment=None)
        there.served.office.board.refresh()
        await expect(line).to_have_count(0)
        assert phone.problems == []


async def test_the_desk_says_it_beside_the_threshold_and_on_what_it_was_measured(tmp_path: Path) -> None:
    async with (
        chromium() as browser,
        desk(tmp_path) as there,
        at_the_desk(browser, there, Role.OPERATOR) as operator,
    ):
        id = await there.started()
        line = operator.page.get_by_role("paragraph").filter(has_text="Expected false alerts")
        for expected, says, why in (
            (None, "not known", "The model pack's card does not say."),
            (MEASURED, "1 in 1,000 faces at this list", "card: measured on people walking by."),
            (BEYOND, "about 1 in 12,000 faces at this list", "beyond what was measured on single pictures."),
        ):
            there.status[0] = Status(
                deployment=msgspec.structs.replace(office.shown(id), false_alerts=expected)
            )
            there.office.board.refresh()
            await expect(line.locator("strong")).to_have_text(f"Expected false alerts: {says}.")
            await expect(line).to_contain_text(why)
        await operator.shot("false-alerts")
