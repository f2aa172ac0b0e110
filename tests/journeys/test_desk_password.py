"""Typing a password at the desk: it can be looked at, and a new one is judged while it is typed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from lfrd.errors import NotAllowed
from lfrd.store.passwords import _COMMON, _RUNS, LEAST, check_strength
from lfrd.types import CONSOLE, Role
from tests.desk import PASSWORD, PEOPLE, Desk, desk
from tests.journeys.browser import chromium
from tests.journeys.desk_page import at_the_desk
from tests.journeys.visitor import Visitor, photograph

pytestmark = pytest.mark.journey

GOOD = "Good enough. Each further word makes it better."
COMMON = "It is one of the passwords that are tried first: choose another."
OWN = "It has your name in it, or is a part of it: choose another."
SHORT = f"Too short: at least {LEAST} characters."


async def test_a_password_can_be_looked_at_while_it_is_typed_and_is_hidden_again_when_it_is_sent(
    tmp_path: Path,
) -> None:
    async with chromium() as browser, desk(tmp_path) as there:
        person = Visitor(await browser.new_page(viewport={"width": 390, "height": 844}))
        await person.page.goto(f"{there.url}/desk")
        await person.page.get_by_label("Name").fill(PEOPLE[Role.OPERATOR][0])
        field, show = person.page.get_by_label("Password"), person.button("Show Password")
        await field.fill("seven tall herons swim")
        await expect(field).to_have_attribute("type", "password")
        box = await show.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44
        for pressed, kind in (("true", "text"), ("false", "password"), ("true", "text")):
            await show.click()
            await expect(show).to_have_attribute("aria-pressed", pressed)
            await expect(field).to_have_attribute("type", kind)
        await expect(field).to_have_attribute("spellcheck", "false")  # some browsers send texts to be checked
        await photograph(person.page, "desk-password-shown")
        await person.press("Sign in")
        await expect(person.page.get_by_role("alert")).to_be_visible()
        await expect(field).to_have_attribute("type", "password")
        await expect(show).to_have_attribute("aria-pressed", "false")
        await field.fill(PASSWORD)
        await person.press("Sign in")
        await expect(person.page.get_by_role("heading", level=1, name="Overview")).to_be_visible()
        assert person.problems == []


async def test_the_meter_says_of_a_first_password_what_is_wrong_with_it_and_sends_it_nowhere(
    tmp_path: Path,
) -> None:
    async with chromium() as browser, desk(tmp_path) as there:
        person = Visitor(await browser.new_page(viewport={"width": 390, "height": 844}))
        await person.page.goto(await invited(there))
        field, bar = person.page.get_by_label("New password"), person.page.locator("meter")
        await expect(field).to_be_focused()
        await expect(bar).to_be_hidden()
        sent: list[str] = []
        person.page.on("request", lambda request: sent.append(request.url))
        for typed, told, worth in (
            ("heron", SHORT, 5),
            ("Manchester2026!", COMMON, 1),
            ("seven tall herons wade", GOOD, 22),
        ):
            await field.fill("")
            await field.press_sequentially(typed)
            await expect(person.page.get_by_role("status").filter(has_text=told)).to_be_visible()
            await expect(bar).to_have_js_property("value", worth)
        assert sent == []
        await photograph(person.page, "desk-password-new")
        await person.page.get_by_label("The same password again").fill("seven tall herons wade")
        await person.press("Set password and sign in")
        await expect(person.page.get_by_role("heading", level=1, name="Overview")).to_be_visible()
        assert person.problems == []


async def test_the_meter_on_ones_own_account_knows_the_name(tmp_path: Path) -> None:
    async with (
        chromium() as browser,
        desk(tmp_path) as there,
        at_the_desk(browser, there, Role.AUDITOR) as auditor,
    ):
        await auditor.go("account", "Your account")
        field = auditor.page.get_by_label("New password")
        status = auditor.page.locator(".strength").get_by_role("status")
        await field.fill("all of anna lindqvist")
        await expect(status).to_have_text(OWN)
        await field.fill("d" * 129)
        await expect(status).to_have_text("Too long: at most 128 characters.")
        await auditor.shot("password")
        await auditor.page.get_by_label("Password so far").fill(PASSWORD)
        await auditor.page.get_by_label("The same password again").fill("d" * 129)
        await auditor.press("Change the password")
        await expect(auditor.page.get_by_role("alert")).to_contain_text("A password has 12 to 128 characters")


async def test_the_meter_judges_as_the_server_does(tmp_path: Path) -> None:
    cases = passwords()
    async with chromium() as browser, desk(tmp_path) as there:
        page = await browser.new_page()
        await page.goto(f"{there.url}/desk")
        shown = await judged(page, cases)
    kept = [verdict(*case) for case in cases]
    assert min(kept.count(each) for each in ("", "short", "long", "name", "common")) > 20
    assert [case for case, one, other in zip(cases, shown, kept, strict=True) if one != other] == []


def passwords() -> list[tuple[str, str]]:
    """Passwords, each with the name of its account: common words and rows of keys, whole, cut, repeated, and
    with all kinds of characters around them."""
    draw = random.Random(7)
    names = ["", "Bob", "Anna Lindqvist", "Strauß", "PC 4127 Adams", "ΟΔΥΣΣΕΥΣ"]
    around = ["", "1", "2026", "!", "_", "-", " ", "é", "½", "Ⅷ", "①", "٣", "😀", "👩‍🚒", "£", "ẞ"]
    words = [*_COMMON, *map(str.title, _COMMON), "heron", "wade", "ｐａｓｓｗｏｒｄ", "Οδός", *names]
    rows = [*_RUNS, *(row[::-1] for row in _RUNS)]

    def piece() -> str:
        if draw.random() < 0.25:
            row = draw.choice(rows)
            start = draw.randrange(len(row))
            return row[start : start + draw.randint(1, 16)]
        return draw.choice(words if draw.random() < 0.7 else around)

    def password() -> str:
        middle = "".join(piece() for _ in range(draw.randint(1, 3))) * draw.choice([1, 1, 1, 2, 3, 9])
        return draw.choice(around) + middle + draw.choice(around) * draw.randint(0, 3)

    return [(password(), draw.choice(names)) for _ in range(4000)]


def verdict(password: str, name: str) -> str:
    """The server's, in the meter's words; "" for a good one."""
    try:
        check_strength(password, name)
    except NotAllowed as refused:
        if "characters" in str(refused):
            return "short" if len(password) < 64 else "long"
        return "name" if "the name" in str(refused) else "common"
    return ""


async def judged(page: Page, cases: list[tuple[str, str]]) -> list[str]:
    """The meter's verdicts, by its own module in the page."""
    found = await page.evaluate(
        "async (cases) => { const { fault } = await import('/desk/strength.js');"
        " return cases.map(([password, name]) => fault(password, name)); }",
        cases,
    )
    return list(found)


async def invited(there: Desk) -> str:
    """The link of an invitation for an operator who has no password yet."""
    officers = there.records.officers
    await officers.add("Sgt 88 Iqbal", Role.OPERATOR, "Sergeant", CONSOLE)
    code = await officers.invite("Sgt 88 Iqbal", 1, 600, role=Role.OPERATOR, actor=CONSOLE)
    return f"{there.url}/desk#join={code}"
