"""The wall in a real browser against the real server: what it shows, for whom, and with which keys."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from lfrd import wire
from lfrd.audit import kinds
from lfrd.audit.day import day
from lfrd.types import Role
from tests.desk import CAMERAS, Desk, desk
from tests.journeys.browser import chromium
from tests.journeys.desk_page import Person, at_the_desk
from tests.journeys.test_desk_page import overflowing, unlabelled
from tests.phone import Phone

pytestmark = pytest.mark.journey


@asynccontextmanager
async def on_post(there: Desk, *names: str) -> AsyncIterator[list[Phone]]:
    """Officers whose phones are connected and stand on post; nothing is read of them unless a test does."""
    async with AsyncExitStack() as stack:
        phones = []
        for name in names:
            code = await there.records.officers.invite(name, 1, 600, actor=there.people[Role.OPERATOR])
            phone = await Phone.join(there.url, code, name)
            await stack.enter_async_context(phone.connected())
            await phone.say(wire.OnPost())
            await phone.until(lambda phone=phone: bool(phone.states) and phone.state().on_post)  # type: ignore[misc]
            phones.append(phone)
        yield phones


def entry(person: Person, nominal: str) -> object:
    return person.page.get_by_role("link", name=re.compile(f"^Open the alert {nominal}"))


async def test_an_alert_stands_in_the_queue_within_its_event_with_who_has_it_and_whom_it_has_not_reached(
    tmp_path: Path,
) -> None:
    async with chromium() as browser, desk(tmp_path, drawn=True) as there:
        await there.started()
        async with (
            on_post(there, "PC 12 Begum", "PC 99 Cole") as (begum, cole),
            at_the_desk(browser, there, Role.OPERATOR) as operator,
        ):
            page = operator.page
            await operator.go("wall", "Wall")
            await operator.reads("No alert is open.")
            await operator.shot("wall-quiet", wall=True)
            alert = await there.alert("W-2041")
            queue = page.get_by_role("region", name=re.compile("^Alerts"))
            await expect(queue.get_by_text("Waiting for an officer")).to_be_visible()
            await expect(
                page.get_by_role("status").filter(has_text="New alert at High Street 1")
            ).to_have_count(1)
            await begum.caught_up(1)
            await expect(queue.get_by_text("Reached 1 of 3 phones")).to_be_visible()
            await expect(queue.get_by_text(re.compile(r"Not reached: .*PC 99 Cole"))).to_be_visible()
            officers = page.get_by_role("region", name="Officers and phones")
            await expect(officers.get_by_role("listitem").filter(has_text="PC 99 Cole")).to_contain_text(
                "0 of 1 alert on screen"
            )
            await expect(officers.get_by_role("listitem").filter(has_text="PC 4127 Adams")).to_contain_text(
                "Does not answer"
            )
            cole.cut()  # its network is gone, and its officer stays on post for the grace
            await expect(officers.get_by_role("listitem").filter(has_text="PC 99 Cole")).to_contain_text(
                "Does not answer"
            )
            await there.office.alerts.carry_out(wire.Claim(alert.id), there.people[Role.ENGAGEMENT])
            await expect(queue.get_by_text("PC 4127 Adams has it")).to_be_visible()
            await there.alert("W-2042", CAMERAS[1], score=0.62)
            await expect(queue.get_by_role("heading")).to_have_text("Alerts: 1 waits for an officer")
            await expect(page.get_by_role("link", name=re.compile("^Open the alert"))).to_have_count(2)
            first = page.get_by_role("link", name=re.compile("^Open the alert")).first
            await expect(first).to_contain_text("W-2042")  # what nobody has stands above what somebody has
            await operator.shot("wall", wall=True)


async def test_the_plan_shows_every_camera_with_its_state_in_words_and_where_an_alert_is(
    tmp_path: Path,
) -> None:
    async with chromium() as browser, desk(tmp_path, drawn=True) as there:
        await there.started()
        async with at_the_desk(browser, there, Role.OPERATOR) as operator:
            await operator.go("wall", "Wall")
            plan = operator.page.get_by_role("img", name=re.compile("^The site's cameras"))
            await expect(plan).to_have_accessible_name(
                "The site's cameras: High Street 1, live; Market Square, trying again"
            )
            await expect(plan.locator("image")).to_have_count(1)  # the drawing, from the server
            assert await plan.locator(".cone").count() == 2
            assert await plan.locator("g.camera-live").get_attribute("transform") == "translate(160,372)"
            await there.alert("W-2041")
            await expect(plan.locator("g.alerting")).to_have_count(1)
            await expect(plan.locator("g.alerting")).to_contain_text("1 alert")
            await operator.page.emulate_media(reduced_motion="reduce")
            pulse = plan.locator(".pulse")
            assert await pulse.evaluate("e => getComputedStyle(e).animationName") == "none"


async def test_without_a_drawing_the_site_is_a_schematic_of_all_cameras(tmp_path: Path) -> None:
    async with (
        chromium() as browser,
        desk(tmp_path) as there,
        at_the_desk(browser, there, Role.ENGINEER) as engineer,
    ):
        await engineer.go("wall", "Wall")
        plan = engineer.page.get_by_role("img", name=re.compile("^The site's cameras"))
        for camera in CAMERAS:
            await expect(plan.get_by_text(camera)).to_be_visible()


async def test_the_charts_of_the_day_show_the_audits_numbers(tmp_path: Path) -> None:
    async with chromium() as browser, desk(tmp_path) as there:
        id = await there.started()
        alerts, adams = there.office.alerts, there.people[Role.ENGAGEMENT]
        for seen in (37, 1204):
            counted = kinds.Counted(id, 1, CAMERAS[0], frames=9, analysed=9, faces_seen=seen, live=30, down=0)
            await there.records.audit.record(counted)
        for nominal in ("W-2041", "W-2042", "W-2043"):
            alert = await there.alert(nominal)
            if nominal != "W-2043":
                await alerts.carry_out(wire.Claim(alert.id), adams)
            if nominal == "W-2042":
                await alerts.carry_out(wire.Adjudicate(alert.id, "not_viable", "Different ears"), adams)
        figures = day(await there.records.audit.records(), id)
        assert (figures.faces_seen, figures.alerts, figures.answers.count) == (1241, 3, 2)
        async with at_the_desk(browser, there, Role.AUDITOR) as auditor:
            await auditor.go("wall", "Wall")
            page = auditor.page
            charts = page.get_by_role("region", name="The day: Saturday market")
            await expect(charts.get_by_role("figure").nth(0)).to_contain_text("1,241")
            await expect(charts.get_by_role("figure").nth(1)).to_contain_text("1 not viable, 2 open")
            await expect(charts.get_by_role("figure").nth(2)).to_contain_text("median; the slowest")
            await charts.locator("summary").click()
            cells = await charts.get_by_role("row").last.get_by_role("cell").all_inner_texts()
            last = figures.quarters[-1]
            counts = (last.alerts, last.true, last.false, last.answers.count)
            assert cells[:5] == [f"{last.faces_seen:,}", *map(str, counts)]


async def test_the_keyboard_alone_leads_from_the_wall_over_the_alert_to_its_adjudication(
    tmp_path: Path,
) -> None:
    async with chromium() as browser, desk(tmp_path) as there:
        await there.started()
        await there.alert("W-2041")
        await there.alert("W-2042", CAMERAS[1])
        async with at_the_desk(browser, there, Role.OPERATOR) as operator:
            page, press = operator.page, operator.page.keyboard.press
            await press("g")
            await press("w")
            await operator.heading("Wall")
            await press("?")
            await operator.reads("Switch single keys off")
            await operator.shot("keys")
            await press("Escape")
            await expect(operator.dialog).to_have_count(0)
            await expect(page.get_by_role("link", name=re.compile("^Open the alert"))).to_have_count(2)
            await press("j")
            await expect(page.get_by_role("link", name=re.compile("^Open the alert W-2041"))).to_be_focused()
            await press("j")
            await press("k")
            await press("j")
            focused = page.get_by_role("link", name=re.compile("^Open the alert W-2042"))
            await expect(focused).to_be_focused()
            assert await focused.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
            await press("Enter")
            await expect(page.get_by_role("heading", name="Possible match: W-2042")).to_be_focused()
            await press("c")
            await expect(operator.button("I take it")).to_be_focused()
            await press("Enter")
            await operator.reads("Tom Hale has it")
            await press("c")
            await press("Tab")
            await expect(operator.button("Not viable")).to_be_focused()
            await press("Enter")
            await page.keyboard.type("jk? gw")  # a field takes its keys for itself
            await expect(operator.dialog.get_by_label("Reason")).to_have_value("jk? gw")
            await press("Enter")
            await operator.reads("Not viable: code the outcome")
            await expect(operator.dialog).to_have_count(0)  # Escape is for the dialog as long as it stands
            await press("Escape")
            await operator.heading("Wall")
            await operator.reads("Not viable: code the outcome")


async def test_a_key_that_follows_hard_upon_a_dialog_s_end_is_heard(tmp_path: Path) -> None:
    """The field that was typed into has the focus for one more frame, though its dialog is closed."""
    async with chromium() as browser, desk(tmp_path) as there:
        await there.started()
        await there.alert("W-2041")
        async with at_the_desk(browser, there, Role.OPERATOR) as operator:
            page = operator.page
            await operator.go("wall", "Wall")
            await page.get_by_role("link", name=re.compile("^Open the alert W-2041")).click()
            await operator.press("I take it")
            await operator.press("Not viable")
            await operator.dialog.get_by_label("Reason").fill("Different ears")
            await page.evaluate(
                """() => {
                    const opened = [...document.querySelectorAll("main button")];
                    // As where it was pressed to the end: what was pressed is gone by then.
                    opened.find((each) => each.textContent === "Not viable").remove();
                    document.querySelector("dialog[open]").close();
                    const key = { key: "Escape", bubbles: true, cancelable: true };
                    document.activeElement.dispatchEvent(new KeyboardEvent("keydown", key));
                }"""
            )
            await operator.heading("Wall")


async def test_single_keys_can_be_switched_off(tmp_path: Path) -> None:
    async with (
        chromium() as browser,
        desk(tmp_path) as there,
        at_the_desk(browser, there, Role.ENGINEER) as engineer,
    ):
        await engineer.page.keyboard.press("?")
        await engineer.press("Switch single keys off")
        await engineer.page.keyboard.press("Escape")
        for key in "gw":
            await engineer.page.keyboard.press(key)
        await engineer.heading("Overview")


async def test_the_case_names_the_phones_that_have_the_alert_and_those_that_have_not(tmp_path: Path) -> None:
    async with chromium() as browser, desk(tmp_path) as there:
        await there.started()
        async with (
            on_post(there, "PC 12 Begum") as (begum,),
            at_the_desk(browser, there, Role.OPERATOR) as operator,
        ):
            await there.alert("W-2041")
            await begum.caught_up(1)
            await operator.go("alerts", "Alerts")
            await operator.page.get_by_role("button", name=re.compile("W-2041")).click()
            await operator.reads(r"Reached:")
            case = operator.page.get_by_role("region", name="The chosen alert")
            await expect(case.get_by_text(re.compile(r"PC 12 Begum \d+\.\d s"))).to_be_visible()
            await expect(case.get_by_text("Not reached: PC 4127 Adams (phone not heard yet)")).to_be_visible()
            await operator.shot("reach")


async def test_nothing_is_built_anew_under_a_finger(tmp_path: Path) -> None:
    async with (
        chromium() as browser,
        desk(tmp_path) as there,
    ):
        await there.started()
        async with at_the_desk(browser, there, Role.OPERATOR) as operator:
            page = operator.page
            await operator.go("alerts", "Alerts")
            await there.alert("W-2042")
            target = page.get_by_role("button", name=re.compile("W-2042"))
            box = await target.bounding_box()
            assert box is not None
            await page.mouse.move(box["x"] + 20, box["y"] + 20)
            await page.mouse.down()
            await there.alert("W-2041")
            polite = page.get_by_role("status").filter(has_text="2 alerts wait")
            await expect(polite).to_have_count(1)  # it is said at once ...
            await expect(page.get_by_role("button", name=re.compile("W-2041"))).to_have_count(0)
            await page.mouse.up()
            await operator.reads("Possible match: W-2042")  # ... and the press meets what it was meant for
            await expect(page.get_by_role("button", name=re.compile("W-2041"))).to_have_count(1)


@pytest.mark.parametrize(
    ("role", "sees", "never"),
    [
        (
            Role.AUTHORISING,
            ["1 alert is open. Operators see them.", "PC 4127 Adams", "Time to answer"],
            ["Look"],
        ),
        (Role.AUDITOR, ["1 alert is open. Operators see them.", "Time to answer"], ["Officers and phones"]),
        (Role.ENGINEER, ["PC 4127 Adams", "Trying again"], ["Time to answer", "Alerts", "Controls"]),
    ],
)
async def test_every_role_sees_its_own_part_of_the_wall(
    role: Role, sees: list[str], never: list[str], tmp_path: Path
) -> None:
    async with chromium() as browser, desk(tmp_path) as there:
        await there.started()
        await there.alert("W-2041")
        async with at_the_desk(browser, there, role) as person:
            await person.go("wall", "Wall")
            for text in sees:
                await person.reads(text)
            main = person.page.get_by_role("main")
            for text in ("W-2041", "Person 1", *never):
                await expect(main.get_by_text(text)).to_have_count(0)
            await person.shot(f"wall-{role}", wall=True)


async def test_a_live_picture_is_asked_for_and_let_go_of_camera_by_camera(tmp_path: Path) -> None:
    async with chromium() as browser, desk(tmp_path) as there:
        await there.started()
        async with at_the_desk(browser, there, Role.OPERATOR) as operator:
            await operator.go("wall", "Wall")
            loaded = (
                "() => performance.getEntriesByType('resource').some(e => e.name.endsWith('/preview.js'))"
            )
            assert not await operator.page.evaluate(loaded)  # nobody loads it who does not look
            await operator.press(f"Look at the live picture of {CAMERAS[0]}")
            picture = operator.page.locator(f"camera-preview[camera='{CAMERAS[0]}']")
            await expect(picture).to_be_visible()
            await operator.press("Boxes around faces")
            await expect(picture).to_have_attribute("boxes", "")
            await operator.shot("wall-look", wall=True)
            await operator.page.get_by_role(
                "button", name=f"Close the live picture of {CAMERAS[0]}"
            ).last.click()
            await expect(picture).to_have_count(0)


async def test_the_controls_are_behind_one_press_and_ask_before_they_act(tmp_path: Path) -> None:
    async with chromium() as browser, desk(tmp_path) as there:
        await there.started()
        async with at_the_desk(browser, there, Role.OPERATOR) as operator:
            await operator.go("wall", "Wall")
            await expect(operator.button("Suspend")).not_to_be_visible()
            await operator.page.keyboard.press("c")
            await expect(operator.button("Suspend")).to_be_focused()
            await operator.shot("wall-controls", wall=True)
            await operator.page.keyboard.press("Enter")
            await operator.dialog.get_by_label("Reason").fill("A camera shows the wrong street.")
            await operator.dialog.get_by_role("button", name="Suspend").click()
            await operator.reads("Not protected: Stopped until an authorising officer authorises it again.")


async def test_the_wall_says_that_the_server_does_not_answer_and_comes_back(tmp_path: Path) -> None:
    async with chromium() as browser, desk(tmp_path) as there:
        await there.started()
        async with at_the_desk(browser, there, Role.AUTHORISING) as officer:
            await officer.go("wall", "Wall")
            await officer.page.route("**/api/desk/*", lambda route: route.abort())
            await officer.reads("The server has not answered for")
            await officer.page.unroute("**/api/desk/*")
            await expect(officer.page.get_by_text("The server has not answered for")).to_have_count(0)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUTHORISING, Role.AUDITOR, Role.ENGINEER])
async def test_the_wall_fits_every_screen_at_double_text(role: Role, tmp_path: Path) -> None:
    async with chromium() as browser, desk(tmp_path, drawn=True) as there:
        await there.started()
        await there.alert("W-2041")
        async with at_the_desk(browser, there, role) as person:
            await person.go("wall", "Wall")
            for width, height in ((390, 844), (1440, 900), (1920, 1080)):
                await person.page.set_viewport_size({"width": width, "height": height})
                for size in ("100%", "200%"):
                    await text_size(person.page, size)
                    assert await overflowing(person.page) == [], f"{width} at {size}"
            assert await unlabelled(person.page) == []


async def text_size(page: Page, size: str) -> None:
    await page.evaluate("size => document.documentElement.style.fontSize = size", size)
