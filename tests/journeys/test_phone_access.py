"""The officer's page for every eye, hand and ear: names, focus, contrast, large text, small screens."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.async_api import Browser, Page, expect

from lfrd.web.server import static_folder
from tests.journeys.officer_page import Phone, on_post, scene
from tests.journeys.street import CAMERAS, Street

pytestmark = pytest.mark.journey

NAMED = {"button", "link", "textbox", "meter", "image", "alertdialog"}
"""Roles that mean nothing to a screen reader without a name."""

Look = Callable[[Phone, str], Awaitable[None]]


async def _walk(browser: Browser, there: Street, look: Look) -> None:
    """Through every kind of screen that an officer meets; `look` is called on each with its name."""
    phone = Phone(await browser.new_page(viewport={"width": 390, "height": 844}))
    await phone.page.goto(await there.invitation())
    await expect(phone.page.get_by_label("Collar number")).to_be_focused()
    await look(phone, "join")
    await phone.page.get_by_label("Collar number").fill("PC 4127 Adams")
    await phone.press("Join")
    await expect(phone.button("Go on post")).to_be_enabled()
    await look(phone, "ready")
    await phone.press("Go on post")
    await phone.reads("2 cameras live")
    await look(phone, "post")
    await phone.press("Leave post")
    await look(phone, "leave")
    await phone.press("Stay on post")
    await phone.press("Sign out")
    await look(phone, "sign out")
    await phone.press("Stay signed in")
    other = await there.file("M-1510", CAMERAS[1], score=0.61, eye_distance=18.0, sharpness=21.0)
    await phone.shows(other)
    alert = await there.file("M-2041", name="Alex Sample")
    await phone.reads("1 more waiting")
    await phone.buttons_live()
    await look(phone, "alert")
    await phone.page.get_by_role("button", name=f"Live picture from {CAMERAS[1]}: enlarge").click()
    await look(phone, "large")
    await phone.press("Larger")
    await phone.press("Both pictures")
    await look(phone, "magnified")
    await phone.press("I take it")
    await look(phone, "mine")
    await phone.press("Not viable")
    await look(phone, "reasons")
    await phone.press("Other…")
    await look(phone, "own words")
    await phone.press("Back")
    await phone.press("Wrong age")
    await phone.reads(re.compile("Recorded: not viable"))
    await look(phone, "decided")
    await phone.press("Next alert (1 waiting)")
    await phone.shows(alert)
    await phone.press("I take it")
    await phone.press("Viable")
    await phone.press("Engage")
    await look(phone, "engaged")
    await phone.press("Back to post")
    await look(phone, "alerts")


async def test_every_control_has_a_name_and_no_picture_names_a_person(tmp_path: Path) -> None:
    async def look(phone: Phone, where: str) -> None:
        session = await phone.page.context.new_cdp_session(phone.page)
        tree = await session.send("Accessibility.getFullAXTree")
        nodes = [node for node in tree["nodes"] if not node["ignored"]]
        said = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes]
        seen.update(role for role, _ in said)
        nameless = [role for role, name in said if role in NAMED and not name.strip()]
        assert nameless == [], where
        pictures = [name for role, name in said if role == "image"]
        assert not [name for name in pictures if "Alex" in name or "Sample" in name], where
        double = await phone.page.evaluate(
            "() => { const ids = [...document.querySelectorAll('[id]')].map((one) => one.id);"
            " return ids.filter((id, at) => ids.indexOf(id) !== at); }"
        )
        assert double == [], where
        assert await phone.page.locator("#polite[role=status], #urgent[role=alert]").count() == 2

    seen: set[str] = set()
    async with scene(tmp_path) as (there, browser):
        await _walk(browser, there, look)
    assert seen >= NAMED - {"link"}


async def test_a_screen_reader_hears_the_alert_in_the_order_of_the_screen(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        alert = await there.file("M-2041", name="Alex Sample")
        await phone.shows(alert)
        await phone.buttons_live()
        await expect(phone.page.locator("#urgent")).to_have_text(
            f"Possible match at {CAMERAS[0]}. You decide."
        )
        await expect(phone.card).to_match_aria_snapshot(
            """
            - alertdialog "Possible match — you decide":
              - button "Live picture of High Street 1"
              - paragraph: No other alert waiting
              - heading "Possible match — you decide" [level=1]
              - paragraph: This is not an identification.
              - figure /Live at/:
                - img "Live picture from High Street 1"
                - 'button "Live picture from High Street 1: enlarge"'
              - figure "Watchlist":
                - img "Watchlist picture of M-2041"
                - 'button "Watchlist picture of M-2041: enlarge"'
              - status
              - paragraph:
                - strong: Alex Sample
                - text: Reference M-2041
              - paragraph: "wanted on warrant: Arrest; two officers"
              - paragraph: /Picture taken 17 May 2024/
              - paragraph: /Seen at High Street 1, \\d+ s ago/
              - paragraph: "Score 0.71: 0.11 over the threshold of 0.60"
              - meter "Similarity score"
              - paragraph: /Expires in/
              - list
              - button "I take it"
              - button "Silence"
              - button "Leave to others"
            """
        )


async def test_the_tab_key_goes_through_an_alert_from_top_to_bottom_and_stays_on_it(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        first = await there.file("M-2041")
        await phone.shows(first)
        await there.file("M-1510", CAMERAS[1])
        await phone.reads("1 more waiting")
        await phone.buttons_live()
        await expect(phone.card.get_by_role("heading", level=1)).to_be_focused()
        reached = []
        for _ in range(5):
            await phone.page.keyboard.press("Tab")
            reached.append(await phone.page.evaluate(FOCUSED))
        assert reached[:2] == [
            f"Live picture from {CAMERAS[0]}: enlarge",
            "Watchlist picture of M-2041: enlarge",
        ]
        assert reached[2:5] == ["I take it", "Silence", "Leave to others"]
        assert await phone.page.evaluate("document.querySelector('#screen').inert")
        kept = await phone.page.evaluate(FOCUSED)
        await there.file(first.nominal, CAMERAS[1])
        await phone.reads(re.compile(f"^Seen again at {CAMERAS[1]}"))
        await there.file("M-0877")
        await phone.reads("2 more waiting")
        assert await phone.page.evaluate(FOCUSED) == kept, "news take the keyboard's place from nobody"


FOCUSED = """() => {
  const { activeElement } = document;
  return activeElement.getAttribute("aria-label") ?? activeElement.textContent;
}"""


# ---- sight ----------------------------------------------------------------------------------------------

CONTRAST = """() => {
  const parsed = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parsed(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility({ visibilityProperty: true })) continue;
    if (element.closest(".unseen, noscript, :disabled")) continue;
    const style = getComputedStyle(element);
    const [one, other] = [light(parsed(style.color)), light(behind(element))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const text = walker.currentNode.data.trim();
    if (ratio < (large ? 3 : 4.5)) found.push([text, ratio.toFixed(2), style.color]);
  }
  return found;
}"""
"""Visible texts whose contrast is below WCAG 2.2's 1.4.3, with the ratio."""


async def test_every_text_stands_out_from_what_is_behind_it_by_day_and_by_night(tmp_path: Path) -> None:
    async def look(phone: Phone, where: str) -> None:
        for scheme in ("light", "dark"):
            await phone.page.emulate_media(color_scheme=scheme)
            for night in (False, True):
                await phone.page.evaluate(
                    "on => document.documentElement.classList.toggle('night', on)", night
                )
                assert await phone.page.evaluate(CONTRAST) == [], (where, scheme, night)
        await phone.page.evaluate("document.documentElement.classList.remove('night')")

    async with scene(tmp_path) as (there, browser):
        await _walk(browser, there, look)


async def test_the_night_look_is_far_darker_and_outlasts_a_reload(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        await phone.page.emulate_media(color_scheme="dark")
        await phone.press("Night look")
        alert = await there.file("M-2041", name="Alex Sample")
        await phone.shows(alert)
        await phone.buttons_live()
        night = _brightness(await phone.page.screenshot())
        await phone.shot("night")
        await phone.page.evaluate("document.documentElement.classList.remove('night')")
        dark = _brightness(await phone.page.screenshot())
        assert night < 0.65 * dark
        await phone.page.reload()
        await phone.shows(alert)
        await expect(phone.page.locator("html.night")).to_have_count(1)
        assert await phone.page.evaluate("localStorage.length + sessionStorage.length") == 0


def _brightness(png: bytes) -> float:
    """Mean of a screenshot's light, 0 to 1."""
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    return float(picture.mean()) / 255


async def test_nothing_is_said_by_colour_alone(tmp_path: Path) -> None:
    """Where a colour tells something, a shape, a pattern or a word tells it too."""
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        hero = phone.page.locator(".hero")
        shapes = set()
        for stage, kind in (("active", "safe"), ("suspended", "bare")):
            there.stands(stage=stage)
            await expect(hero).to_have_attribute("data-kind", kind)
            style = await hero.evaluate("hero => getComputedStyle(hero).borderTopStyle")
            shapes.add((style, await hero.locator("path").get_attribute("d")))
        assert len({style for style, _ in shapes}) == len({path for _, path in shapes}) == 2
        there.stands(stage="active")
        await phone.shows(await there.file("M-2041"))
        marked = await phone.card.locator(".excess").evaluate(
            "part => getComputedStyle(part).backgroundImage"
        )
        assert "repeating-linear-gradient" in marked
        await phone.press("I take it")
        await phone.buttons_live()
        styles = [
            await phone.button(name).evaluate("b => getComputedStyle(b).borderTopStyle + b.className")
            for name in ("Viable", "Not viable", "Can't tell")
        ]
        assert len(set(styles)) == 3
        await _seen_by_the_colour_blind(phone)


async def _seen_by_the_colour_blind(phone: Phone) -> None:
    """Screenshots as people with each deficiency see it, where LFRD_SHOTS names a folder for them."""
    if not (folder := os.environ.get("LFRD_SHOTS")):
        return
    session = await phone.page.context.new_cdp_session(phone.page)
    for kind in ("protanopia", "deuteranopia", "tritanopia", "achromatopsia"):
        await session.send("Emulation.setEmulatedVisionDeficiency", {"type": kind})
        await phone.page.screenshot(path=Path(folder) / f"{kind}.png")


async def test_the_bar_shows_the_score_and_the_threshold_where_they_lie(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        await phone.shows(await there.file("M-2041", score=0.75))
        meter = phone.card.get_by_role("meter", name="Similarity score")
        await expect(meter).to_have_attribute("aria-valuetext", "Score 0.75: 0.15 over the threshold of 0.60")
        whole, fill, mark, excess = [
            await part.evaluate("p => { const r = p.getBoundingClientRect(); return [r.left, r.right]; }")
            for part in (meter, *(meter.locator(f".{name}") for name in ("fill", "mark", "excess")))
        ]
        wide = whole[1] - whole[0]
        assert (fill[1] - whole[0]) / wide == pytest.approx(0.75, abs=0.02)
        assert (sum(mark) / 2 - whole[0]) / wide == pytest.approx(0.6, abs=0.02)
        assert excess == pytest.approx([sum(mark) / 2, fill[1]], abs=2)


# ---- size -----------------------------------------------------------------------------------------------

SIDEWAYS = """() => [...document.querySelectorAll("html, body, body *")]
  .filter((part) => part.checkVisibility() && !part.closest(".unseen, .thumbs, .frame, svg"))
  .filter((part) => {
    const { left, right } = part.getBoundingClientRect();
    const wide = part.scrollWidth > part.clientWidth + 1 && part.clientWidth > 0;
    return right > innerWidth + 1 || left < -1 || (wide && getComputedStyle(part).overflowX !== "visible");
  })
  .map((part) => part.className || part.id || part.tagName)"""
"""Parts that stick out of the viewport, or have to be scrolled sideways."""
OUT_OF_REACH = """(least) => [...document.querySelectorAll("button:not([inert] *)")]
  .filter((button) => button.checkVisibility({ visibilityProperty: true }))
  .filter((button) => {
    button.scrollIntoViewIfNeeded();
    const { left, right, top, bottom, width, height } = button.getBoundingClientRect();
    const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    return Math.min(width, height) < least || !button.contains(hit);
  })
  .map((button) => button.getAttribute("aria-label") ?? button.textContent)"""
"""Buttons smaller than a finger, in CSS pixels, or that a finger in their middle would not hit."""
TALL = [(320, 568, 100), (320, 568, 200), (390, 844, 200), (640, 360, 100), (195, 422, 100), (844, 390, 200)]
"""CSS pixels and the text's size in per cent. 195 x 422: 390 x 844 at a browser's zoom of 200 %."""


async def test_no_screen_scrolls_sideways_or_hides_a_button(tmp_path: Path) -> None:
    async def look(phone: Phone, where: str) -> None:
        await phone.buttons_live()
        for width, height, text in TALL:
            await look_at(phone.page, f"{where}, {width}x{height}, {text} %", width, height, text)
        await phone.page.evaluate("document.documentElement.style.fontSize = ''")
        await phone.page.set_viewport_size({"width": 390, "height": 844})

    async def look_at(page: Page, where: str, width: int, height: int, text: int) -> None:
        await page.set_viewport_size({"width": width, "height": height})
        await page.evaluate("size => document.documentElement.style.fontSize = size", f"{text}%")
        assert await page.evaluate(SIDEWAYS) == [], where
        assert await page.evaluate(OUT_OF_REACH, 48 if height > 422 else 44) == [], where
        if folder := os.environ.get("LFRD_SHOTS"):
            await page.screenshot(path=Path(folder) / f"size {where}.png")

    async with scene(tmp_path) as (there, browser):
        await _walk(browser, there, look)


async def test_a_keyboard_on_the_screen_hides_neither_the_words_nor_their_button(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        await phone.shows(await there.file("M-2041"))
        await phone.press("I take it")
        await phone.press("Can't tell")
        await phone.press("Other…")
        content = await phone.page.locator("meta[name=viewport]").get_attribute("content")
        assert "interactive-widget=resizes-content" in (content or "")
        await phone.page.set_viewport_size({"width": 390, "height": 844 - 380})
        await phone.buttons_live()
        area = phone.page.get_by_label("Reason in your words")
        await expect(area).to_be_focused()
        for part in (area, phone.button("Record"), phone.button("Back")):
            await expect(part).to_be_in_viewport(ratio=1)
        await phone.shot_as_it_is("keyboard")


async def test_nothing_lies_under_a_notch_or_the_bar_for_the_thumb(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        session = await phone.page.context.new_cdp_session(phone.page)
        insets = {"top": 47, "left": 20, "right": 20, "bottom": 34}
        await session.send("Emulation.setSafeAreaInsetsOverride", {"insets": insets})
        await phone.shows(await there.file("M-2041"))
        for part in await phone.page.locator("#card button:visible, #card .stack p, #card h1").all():
            box = await part.bounding_box()
            assert box is not None
            assert box["x"] >= 20
            assert box["x"] + box["width"] <= 370
            assert box["y"] >= 47
            assert box["y"] + box["height"] <= 844 - 34


async def test_less_motion_is_shown_to_whoever_asks_for_it(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await on_post(browser, there)
        await phone.shows(await there.file("M-2041"))
        moving = "document.getAnimations().length"
        assert await phone.page.evaluate(moving) == 1
        await phone.page.emulate_media(reduced_motion="reduce")
        assert await phone.page.evaluate(moving) == 0


# ---- on the home screen ---------------------------------------------------------------------------------


async def test_the_page_can_be_put_on_the_home_screen_of_a_phone(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        page = await browser.new_page()
        await page.goto(await there.invitation())
        await page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
        assert await _why_not(page) == []
    manifest = json.loads((static_folder() / "manifest.webmanifest").read_text())
    wanted = {"id": "./", "start_url": "./", "display": "standalone", "orientation": "any", "lang": "en-GB"}
    assert {key: manifest[key] for key in wanted} == wanted
    purposes = {icon["purpose"] for icon in manifest["icons"]}
    assert purposes == {"any", "maskable"}
    for icon in manifest["icons"]:
        if icon["type"] != "image/png":
            continue
        picture = cv2.imread(str(static_folder() / icon["src"]), cv2.IMREAD_UNCHANGED)
        assert picture is not None
        high, wide = picture.shape[:2]
        assert f"{wide}x{high}" == icon["sizes"]
        rows, columns = np.ogrid[:high, :wide]
        outside = (rows - high / 2) ** 2 + (columns - wide / 2) ** 2 > (0.4 * wide) ** 2
        assert len(np.unique(picture[outside], axis=0)) == 1, (
            "a mask of any shape cuts off nothing but ground"
        )


async def _why_not(page: Page) -> list[str]:
    """What the browser itself finds missing for an installation."""
    session = await page.context.new_cdp_session(page)
    manifest = await session.send("Page.getAppManifest")
    assert manifest["errors"] == []
    found = await session.send("Page.getInstallabilityErrors")
    errors = [error["errorId"] for error in found["installabilityErrors"]]
    return [error for error in errors if error != "in-incognito"]
