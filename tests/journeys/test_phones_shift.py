"""A shift by thumb with the real server and real cameras: invitation to outcome, over two power cuts."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.journeys.browser import chromium
from tests.journeys.process import PATIENCE, Site, bare_stream, passing
from tests.journeys.thumb import Thumb, thumb
from tests.rtsp_server import RtspServer

pytestmark = pytest.mark.journey

MILLISECONDS = 1000 * PATIENCE
DEAF = re.compile("No connection for .* — you get no alerts")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, astronaut: Path, admiral: Path) -> Path:
    """The astronaut, who is sought, and the admiral, who is not, pass by in turns."""
    return passing(tmp_path_factory.mktemp("clips") / "passing.mp4", astronaut, admiral)


async def back_again(phone: Thumb) -> None:
    """The server answers, and the page has its post again."""
    await phone.hears_of_a_network()
    await expect(phone.page.get_by_text(DEAF)).to_have_count(0, timeout=MILLISECONDS)


async def test_an_officer_goes_from_the_invitation_to_an_arrest_though_the_server_is_killed_twice(
    tmp_path: Path, builtin: Path, astronaut: Path, clip: Path
) -> None:
    site = Site(tmp_path, builtin)
    site.watch_for(**{"M-2041": astronaut})
    stream = bare_stream(clip, tmp_path / "clip.h264")
    async with chromium() as browser:
        with RtspServer(stream) as gate:
            site.configure(
                {"name": "Gate", "source": gate.url, "retry_seconds": 0.5},
                {"name": "Street", "source": clip, "loop": True},
            )
            async with site.running() as server:
                phone = await thumb(browser, await site.invitation("PC 4127 Adams"), "")
                reference = phone.card.locator(".reference")
                await expect(reference).to_have_text("M-2041", timeout=MILLISECONDS)
                await assert_both_pictures(phone)
                await expect(phone.page.get_by_text("Seen at")).to_be_visible()
                await phone.press("I take it")
                await expect(phone.button("Viable")).to_be_enabled()
                server.kill()
                await phone.reads(DEAF)
                await expect(reference).to_have_text("M-2041")
                await assert_both_pictures(phone)

            async with site.running() as server:
                await back_again(phone)
                await phone.press("Viable")
                server.kill()  # before, between or after storing and telling it
                await phone.reads(DEAF)

            async with site.running():
                await back_again(phone)
                await expect(phone.page.get_by_text(re.compile("Recorded: viable"))).to_be_visible()
                await phone.press("Engage")
                await phone.press("Arrest… then choose for what")
                await phone.press("Warrant")
                await phone.reads("Closed: arrest (warrant) — PC 4127 Adams")
                receipts = await phone.receipts()
        assert phone.problems == []
    stored = site.stored()
    told = Counter(event.what for event in stored if event.alert.id == stored[0].alert.id)
    assert {
        what: told[what] for what in ("alert", "claimed", "adjudicated", "engaged", "outcome", "closed")
    } == (dict.fromkeys(("alert", "claimed", "adjudicated", "engaged", "outcome", "closed"), 1))
    assert receipts == [event.seq for event in stored if event.seq <= receipts[-1]]
    site.assert_sound()


async def assert_both_pictures(phone: Thumb) -> None:
    """The live picture and the watchlist's are decoded and in view, side by side."""
    for side in ("live", "list"):
        image = phone.card.locator(f"figure.{side} img")
        await expect(image).to_be_in_viewport(ratio=1)
        assert await image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 50
