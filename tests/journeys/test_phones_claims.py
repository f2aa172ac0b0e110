"""Several officers, one alert, the same instant: exactly one has it, and the others read who."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.journeys.officer_page import scene
from tests.journeys.radio import Radio
from tests.journeys.thumb import thumb

pytestmark = pytest.mark.journey

ALERTS = 5


async def test_of_two_officers_who_claim_at_the_same_instant_one_has_it_and_the_other_reads_who(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as (there, browser), Radio.to(there.served.bound.port) as (radio, address):
        adams, begum = [
            await thumb(browser, f"{address}/#join={await there.served.invite()}", name)
            for name in ("PC Adams", "PC Begum")
        ]
        for number in range(ALERTS):
            alert = await there.file(f"M-{number}")
            for phone in (adams, begum):
                await phone.shows(alert)
                await expect(phone.button("I take it")).to_be_enabled()
            radio.fade(down=False)  # both have tapped before either's claim arrives
            for phone in (adams, begum):
                await phone.press("I take it")
            radio.mend()
            for phone, other in ((adams, "PC Begum"), (begum, "PC Adams")):
                mine = phone.card.get_by_role("button", name="Viable", exact=True)
                theirs = phone.card.get_by_text(f"{other} has it")
                await expect(mine.or_(theirs).first).to_be_visible()
            owner = (await there.view(alert)).claimed_by
            winner, loser = (adams, begum) if owner == "PC Adams" else (begum, adams)
            await loser.reads(f"{owner} has it")
            await loser.buttons_live()
            await expect(loser.button("I take it")).to_be_disabled()
            await expect(loser.button("Viable")).to_have_count(0)
            await winner.press("Viable")
            await winner.reads(re.compile("Recorded: viable"))
            await winner.press("Back to post")
            await loser.press("Back to post")
        events = await there.served.office.records.alerts.after(0, 1000)
        claims = [event.alert.id for event in events if event.what == "claimed"]
        assert len(claims) == len(set(claims)) == ALERTS
        for phone in (adams, begum):
            assert await phone.receipts() == [event.seq for event in events]
            assert phone.problems == []
