"""Every word that an officer reads stands in static/words.js, and another language is one file more."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from lfrd.web.server import static_folder
from tests.journeys.officer_page import Phone, scene
from tests.journeys.street import CAMERAS

pytestmark = pytest.mark.journey

WORDS = (static_folder() / "words.js").read_text()
NONE_YET = "const OTHERS = [];"
TRANSLATED = """
const marked = (text) => `⟦${text}⟧`;
function translated(texts) {
  if (typeof texts === "string") return marked(texts);
  if (typeof texts === "function") return (...given) => marked(texts(...given));
  if (Array.isArray(texts)) return texts.map(translated);
  const inner = Object.entries(texts).map(([key, text]) => [key, key === "locale" ? text : translated(text)]);
  return Object.fromEntries(inner);
}
const { load, ...given } = translated(plain);
export { given as words };
"""
"""A language in which every text is marked, and one is left out."""
DATA = {
    "lfrd",
    "English",
    "Croydon North",
    "Saturday market",
    "High Street",
    "PC 4127 Adams",
    "Alex Sample",
    "M-2041",
    "M-1510",
    *CAMERAS,
    "+",
    "−",
}
"""What the force has named, and signs."""
READ = """() => {
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { parentElement } = walker.currentNode;
    if (!parentElement.closest("script, style, noscript")) texts.push(walker.currentNode.data);
  }
  for (const element of document.body.querySelectorAll("*")) {
    for (const name of ["aria-label", "alt", "title", "placeholder", "aria-valuetext", "aria-description"]) {
      if (element.hasAttribute(name)) texts.push(element.getAttribute(name));
    }
  }
  return [document.title, ...texts].map((text) => text.trim()).filter(Boolean);
}"""


async def _speaks(page: Page) -> None:
    """The page has one more language, xx."""

    async def words(route: Route) -> None:
        await _answer(route, WORDS.replace(NONE_YET, 'const OTHERS = ["xx"];'))

    async def other(route: Route) -> None:
        plain = re.sub(r"export const words = .*", "const plain = english;", WORDS)
        await _answer(route, plain.replace("words.", "plain.") + TRANSLATED)

    assert NONE_YET in WORDS
    await page.route(re.compile(r"/words\.js$"), words)
    await page.route(re.compile(r"/words-xx\.js$"), other)


async def _answer(route: Route, script: str) -> None:
    await route.fulfill(body=script, content_type="text/javascript; charset=utf-8")


async def _unmarked(page: Page) -> list[str]:
    """Texts on the page that no language file has given, but for figures and what the force has named."""
    found: list[str] = await page.evaluate(READ)
    left = []
    for text in found:
        bare = text
        while (shorter := re.sub(r"⟦[^⟦⟧]*⟧", "", bare)) != bare:
            bare = shorter
        for known in sorted(DATA, key=len, reverse=True):
            bare = bare.replace(known, "")
        if re.search(r"[^\W\d_]", bare):
            left.append(text)
    return left


async def test_no_visible_text_stands_outside_the_file_of_words(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        context = await browser.new_context(viewport={"width": 390, "height": 844}, service_workers="block")
        page = await context.new_page()
        phone = Phone(page)
        await _speaks(page)
        await page.goto((await there.invitation()).replace("/#", "/?lang=xx#"))
        name = page.locator("#name")
        await expect(name).to_be_focused()
        assert await _unmarked(page) == []
        await name.fill("PC 4127 Adams")
        await page.locator("form button").click()
        await page.locator("[data-key=go]").click()
        await phone.reads(re.compile("2 cameras"))
        await there.file("M-1510", CAMERAS[1], category="", instruction="", eye_distance=18.0, sharpness=21.0)
        alert = await there.file("M-2041", name="Alex Sample", category="", instruction="")
        await expect(page.locator("#card .thumbs button")).to_have_count(1)
        await phone.buttons_live()
        assert await _unmarked(page) == []
        await page.locator(".pair .touch:visible").first.click()
        assert await _unmarked(page) == []
        await page.locator("#card .act.take").click()
        await page.locator(".act.not_viable").click()
        await phone.buttons_live()
        assert await _unmarked(page) == []
        await page.locator(".act.reason").first.click()
        await expect(page.locator("#card")).to_have_attribute("data-standing", "decided")
        assert await _unmarked(page) == []
        assert (await there.view(alert)).closed is False


async def test_the_address_chooses_the_language_and_a_button_changes_it(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        context = await browser.new_context(viewport={"width": 390, "height": 844}, service_workers="block")
        phone = Phone(await context.new_page())
        await _speaks(phone.page)
        await phone.join(await there.invitation(), "PC 4127 Adams")
        await phone.press("xx")
        await phone.reads("⟦Go on post⟧")
        await phone.page.get_by_role("button", name="English").click()
        await expect(phone.button("Go on post")).to_be_enabled()
        assert await phone.page.locator("html").get_attribute("lang") == "en-GB"


async def test_what_a_translation_leaves_out_stays_english(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        context = await browser.new_context(service_workers="block")
        page = await context.new_page()
        await _speaks(page)
        await page.goto(f"{there.url}/?lang=xx")
        await page.locator("#code").wait_for()
        said = await page.evaluate("import('/words.js').then(({words}) => [words.load, words.fault])")
        assert said[0] == "Load again"
        assert said[1].startswith("⟦")


async def test_a_phone_that_prefers_a_language_that_is_not_there_speaks_english(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        context = await browser.new_context(locale="cy-GB")
        phone = Phone(await context.new_page())
        await phone.join(await there.invitation(), "PC 4127 Adams")
        await phone.reads("No officer on post")
