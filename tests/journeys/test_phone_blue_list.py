"""The blue list's live trial, whole way: 'walks now' on a phone, a volunteer before a camera, the record."""

from __future__ import annotations

import csv
import functools
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np
import pytest
from msgspec.structs import replace
from playwright.async_api import Browser, expect

from lfrd import app
from lfrd.app import Site, running
from lfrd.audit import kinds
from lfrd.config import Camera, Config, Post, Web
from lfrd.config import Site as SiteTable
from lfrd.inference import opened
from lfrd.models import library
from lfrd.policy.pairing import WINDOW_SECONDS
from lfrd.record.gathering import from_audit
from lfrd.records import records
from lfrd.rehearsal import plan_for, rehearse, write_list
from lfrd.types import SYSTEM, U8
from tests.deployed import invited, quiet
from tests.journeys.browser import chromium
from tests.journeys.officer_page import Phone, scene
from tests.journeys.street import Street

pytestmark = pytest.mark.journey

NAME = "PC 4127 Adams"


BEFORE, AFTER = 15, 25
"""Seconds of an empty street before and after the passage: less than a window in all, so that they walk by in
it however long the page took."""


def walking_by(path: Path, person: Path) -> Path:
    """A drawn street that is empty, until somebody crosses it in a second and a half."""
    rate, wide, high = 12, 640, 360
    portrait = cast(U8, cv2.imread(str(person)))
    portrait = cast(U8, cv2.resize(portrait, None, fx=300 / len(portrait), fy=300 / len(portrait)))
    with av.open(str(path), "w", format="mp4") as out:
        track = out.add_stream("libx264", rate=rate, options={"preset": "veryfast", "crf": "18"})
        track.width, track.height, track.pix_fmt = wide, high, "yuv420p"
        for number in range(-BEFORE * rate, AFTER * rate):
            image = np.full((high, wide, 3), (120, 130, 125), np.uint8)
            if 0 <= number < rate * 3 // 2:
                left = 40 + 8 * number
                image[30:330, left : left + portrait.shape[1]] = portrait
            frame = av.VideoFrame.from_ndarray(image, "bgr24").reformat(format="yuv420p")
            frame.pts, frame.time_base = None, Fraction(1, rate)
            out.mux(track.encode(frame))
        out.mux(track.encode(None))
    return path


class Clock:
    """The time of day, which a test sets forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@asynccontextmanager
async def box(
    folder: Path, pack: Path, clip: Path, volunteers: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Site, Clock]]:
    """A site with a camera that plays the clip, and a deployment with a list of volunteers alone."""
    clock = Clock()
    monkeypatch.setattr(app, "records", functools.partial(records, wall=clock))
    settings = Config(
        site=SiteTable(name="Croydon North", data="data"),
        web=Web(host="127.0.0.1", port=0, allow_plain_http=True),
        post=Post(heartbeat_seconds=1.0, grace_seconds=600),
        cameras=[Camera(name="Gate", source=str(clip), loop=True)],
    )
    settings = replace(settings, tracking=replace(settings.tracking, lost_seconds=0.4))
    placed = settings.at(folder)
    found = library.open_pack(str(pack), placed.data)
    async with records(placed) as kept, opened(found, library.networks, settings.inference) as inference:
        source = on_the_blue_list(write_list(folder / "people", {k: [v] for k, v in volunteers.items()}))
        plan = replace(plan_for("Market day", ["Gate"], kept.clock.now()), blue_tpir=0.5)
        await rehearse(kept, placed, found, inference, plan, source)
    async with running(placed, quiet, pack=found) as site:
        yield site, clock


def on_the_blue_list(folder: Path) -> Path:
    """All entries are volunteers."""
    file = folder / "entries.csv"
    with file.open(newline="", encoding="utf-8") as source:
        rows = [row | {"blue": "yes"} for row in csv.DictReader(source)]
    with file.open("w", newline="", encoding="utf-8") as target:
        writer = csv.DictWriter(target, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


async def joined(browser: Browser, invitation: str) -> Phone:
    """An officer on post."""
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    phone = Phone(await context.new_page())
    await phone.join(invitation, NAME)
    await phone.press("Go on post")
    return phone


async def test_a_volunteer_who_walks_by_is_found_and_one_who_does_not_come_is_missed(
    tmp_path: Path, builtin: Path, astronaut: Path, admiral: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = walking_by(tmp_path / "walk.mp4", astronaut)
    volunteers = {"B-0001": astronaut, "B-0002": admiral}
    async with (
        chromium() as browser,
        box(tmp_path, builtin, clip, volunteers, monkeypatch) as (site, clock),
    ):
        phone = await joined(browser, f"{site.bound.url}/#join={await invited(site)}")
        await phone.press("Note passages")
        await phone.press("Volunteer 1 walks now")
        await expect(phone.page.get_by_role("alertdialog")).to_have_accessible_name("Blue list: a volunteer")
        await phone.press("Nobody engaged: close")
        await phone.reads(re.compile(r"^1 of 1 found \(\d+–100 %\)$"))
        await expect(phone.page.locator(".passages li")).to_have_count(1)
        await phone.press("Volunteer 2 walks now")
        await expect(phone.button("Volunteer 2 is walking")).to_be_enabled()
        await phone.reads("Volunteer 2 is walking")
        clock.ahead += WINDOW_SECONDS
        await phone.reads(re.compile(r"^1 of 2 found \(\d+–\d+ %\)$"))
        await phone.reads(re.compile("no alert within the time"))
        await phone.shot("blue-list-found")
        assert phone.problems == []
    await the_record_says_the_same(tmp_path)


async def the_record_says_the_same(folder: Path) -> None:
    """By what is stored: the figures of the record, and the audit's own records that they come of."""
    async with records(Config(site=SiteTable(data="data")).at(folder)) as kept:
        deployment = (await kept.deployments.all())[0].id
        figures = await from_audit(kept.audit, deployment)
        stored = await kept.audit.records(limit=10_000, deployment=deployment)
        said = [(record.actor, kinds.decode(record.body)) for record in stored]
    total = figures.deployments[0].total
    assert (total.blue.tpir.events, total.blue.tpir.of, total.blue.paired) == (1, 2, 2)
    assert total.blue.alerts > 0
    assert total.alerts.raised == total.alerts.sightings == total.outcomes.uncoded == 0
    assert total.faces_seen > 0
    walks = [body for _, body in said if isinstance(body, kinds.BlueWalk)]
    words = [(actor, body) for actor, body in said if isinstance(body, kinds.BluePassage)]
    assert [walk.volunteer for walk in walks] == [1, 2]
    assert [walk.passage for walk in walks] == [body.passage for _, body in words]
    assert [(actor, body.found, body.why) for actor, body in words] == [
        (SYSTEM.id, True, "alert"),
        (SYSTEM.id, False, "window"),
    ]
    raised = {body.alert for _, body in said if isinstance(body, kinds.AlertRaised) and body.blue}
    assert words[0][1].alert in raised


# ---- the page, with an office that has no cameras ------------------------------------------------------


async def volunteers(there: Street, number: int) -> None:
    """So many on the list of the open deployment, B-01 and on."""
    async with there.db.write() as tx:
        for each in range(1, number + 1):
            await tx.execute(
                "INSERT INTO entry (deployment, reference, category, blue, state, reasons, needs, digest, "
                "sealed) VALUES (?, ?, 'volunteer', 1, 'listed', '[]', '[]', '', x'00')",
                *(there.served.deployment, f"B-{each:02}"),
            )


async def observing(browser: Browser, there: Street, number: int = 12) -> Phone:
    """An officer on post, before the numbers of so many volunteers."""
    await volunteers(there, number)
    phone = await joined(browser, await there.invitation())
    await phone.press("Note passages")
    await expect(phone.page.locator(".volunteer")).to_have_count(number)
    return phone


async def test_the_numbers_name_nobody_and_are_large_enough_for_a_gloved_thumb(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await observing(browser, there)
        for each in await phone.page.locator(".volunteer").all():
            box = await each.bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) >= 64
        assert "B-0" not in await phone.page.locator(".sheet").inner_text()
        await phone.press("Volunteer 7 walks now")
        await expect(phone.button("Volunteer 7 is walking")).to_contain_text("left")
        await there.file("B-07", blue=True)
        await phone.press("Leave to others")
        await phone.reads(re.compile("^1 of 1 found"))
        await phone.press("Volunteer 3 walks now")
        await phone.reads("Volunteer 3 is walking")
        await phone.shot("blue-list")
        assert phone.problems == []


async def test_a_slip_is_undone_and_counts_as_void(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await observing(browser, there)
        await phone.press("Volunteer 4 walks now")
        await phone.press("Undo: volunteer 4 does not walk")
        await phone.reads("No passage counts yet")
        await phone.reads(re.compile("1 passage void"))
        await expect(phone.button("Volunteer 4 walks now")).to_be_enabled()
        await expect(phone.page.locator(".passages li")).to_contain_text("by PC 4127 Adams")


async def test_a_volunteer_who_is_still_walking_is_sent_again_only_where_that_is_meant(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await observing(browser, there)
        await phone.press("Volunteer 4 walks now")
        await phone.press("Volunteer 4 is walking")
        await phone.reads("Volunteer 4 is still being tried. Do they walk through once more?")
        await phone.press("No")
        await expect(phone.button("4 walks again")).to_have_count(0)
        trial = await there.served.office.records.passages.trial()
        assert trial is not None
        assert len(trial.passages) == 1


async def test_an_observer_puts_right_what_the_server_found(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await observing(browser, there)
        await phone.press("Volunteer 4 walks now")
        await phone.reads("Volunteer 4 is walking")  # it is noted: an alert from here on finds them
        await there.file("B-04", blue=True)
        await phone.press("Leave to others")
        await phone.reads(re.compile("^1 of 1 found"))
        await phone.page.get_by_role("button", name=re.compile("^Correct: volunteer 4 at")).click()
        await phone.shot("blue-list-correct")
        await phone.press("Not found")
        await phone.reads(re.compile("^0 of 1 found"))
        trial = await there.served.office.records.passages.trial()
        assert trial is not None
        assert (trial.tally.figures().corrected, trial.passages[0].word) == (1, False)


async def test_nothing_is_noted_while_the_deployment_is_not_active_nor_off_post(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await observing(browser, there)
        there.stands(stage="suspended", why="too few of the blue list are found")
        await expect(phone.button("Volunteer 4 walks now")).to_be_disabled()
        there.stands(stage="active", why="")
        await expect(phone.button("Volunteer 4 walks now")).to_be_enabled()
        await phone.press("Leave post")
        await phone.page.locator(".post .danger").click()
        await expect(phone.page.locator(".sheet")).to_be_hidden()
        await expect(phone.button("Note passages")).to_have_count(0)
        await phone.reads("No passage counts yet")


async def test_without_a_network_nothing_can_be_pressed(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await observing(browser, there)
        there.link.cut()
        await expect(phone.button("Volunteer 4 walks now")).to_be_disabled()
        there.link.mend()
        await phone.hears_of_a_network()
        await expect(phone.button("Volunteer 4 walks now")).to_be_enabled()


async def test_where_no_volunteer_is_listed_the_phone_says_nothing_of_it(tmp_path: Path) -> None:
    async with scene(tmp_path) as (there, browser):
        phone = await joined(browser, await there.invitation())
        await phone.reads("You are on post")
        await expect(phone.page.locator(".blue-list")).to_be_hidden()
        await expect(phone.page.locator(".blue-list")).to_be_empty()
