"""The live picture, whole way: the street, the box, an officer's own taps, the pixels that reach the page."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path
from typing import Final, cast

import av
import cv2
import numpy as np
import pytest
from playwright.async_api import expect

from lfrd.types import CONSOLE, U8, Detections, Role
from tests.clips import drawn, number_in
from tests.journeys.live_picture import CAMERA, LivePicture, Scene, opened
from tests.journeys.officer_page import Phone
from tests.journeys.process import PATIENCE
from tests.journeys.visitor import SIZES, Visitor, photograph
from tests.portraits import portrait

pytestmark = pytest.mark.journey

WIDE, HIGH, FPS = 640, 360, 12
TALL = 290
"""Height of the two people, pixels; the frame's number stands above them."""
PERIOD = 72
"""Frames: both sway once, so that the clip goes on where it begins again."""
LISTED, PASSER_BY = "the person on the list", "the passer-by"
SAME: Final = 0.93
"""Correlation of a face's pixels with the clip's from which they are the same (docs/preview.md)."""
OTHER: Final = 0.85
"""And below which they are not."""
PASSWORD = "seven tall herons wade"
"""Of people who exist in these tests only."""


class Street:
    """A clip whose truth is known: each frame has its number in its pixels, and where the two faces are is
    known by that."""

    def __init__(self, path: Path, listed: Path, passer_by: Path, locate: Callable[[U8], Detections]) -> None:
        self.path = path
        people = {LISTED: (portrait(listed), 4.0), PASSER_BY: (portrait(passer_by), 350.0)}
        self._faces: dict[str, tuple[int, int, int, int]] = {}  # in the frame numbered 0
        self._frames: list[U8] = []
        standing = {}
        for name, (picture, left) in people.items():
            small = cast(U8, cv2.resize(picture, None, fx=TALL / len(picture), fy=TALL / len(picture)))
            found = locate(small)
            x, y, w, h = (round(float(side)) for side in found.boxes[int(found.scores.argmax())])
            standing[name] = small, round(left)
            self._faces[name] = x + round(left), y + HIGH - TALL, w, h
        with av.open(str(path), "w", format="mp4") as out:
            track = out.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "crf": "16"})
            track.width, track.height, track.pix_fmt = WIDE, HIGH, "yuv420p"
            for number in range(PERIOD):
                image = drawn(number, WIDE, HIGH)
                for small, left in standing.values():
                    at = left + sway(number)
                    image[HIGH - TALL :, at : at + small.shape[1]] = small
                self._frames.append(image)
                frame = av.VideoFrame.from_ndarray(image, "bgr24").reformat(format="yuv420p")
                frame.pts, frame.time_base = None, Fraction(1, FPS)
                out.mux(track.encode(frame))
            out.mux(track.encode(None))

    def likeness(self, name: str, shown: U8) -> float:
        """Correlation of somebody's face in a picture that was shown with the face in the clip, -1..1."""
        number = number_in(shown)
        x, y, w, h = self._faces[name]
        x += sway(number)
        pair = [
            cv2.cvtColor(cv2.resize(image, (WIDE, HIGH))[y : y + h, x : x + w], cv2.COLOR_BGR2GRAY).ravel()
            for image in (shown, self._frames[number])
        ]
        return float(np.asarray(np.corrcoef(pair))[0, 1])


def sway(number: int) -> int:
    """Pixels to the right."""
    return round(12 - 12 * float(np.cos(2 * np.pi * number / PERIOD)))


@pytest.fixture(scope="module")
def street(
    tmp_path_factory: pytest.TempPathFactory,
    astronaut: Path,
    admiral: Path,
    locate: Callable[[U8], Detections],
) -> Street:
    return Street(tmp_path_factory.mktemp("clips") / "two.mp4", astronaut, admiral, locate)


class Watched:
    """What somebody sees, beside what the street was."""

    def __init__(self, picture: LivePicture, street: Street) -> None:
        self.picture = picture
        self._street = street

    async def likeness(self) -> dict[str, float]:
        shown = await self.picture.pixels()
        return {name: self._street.likeness(name, shown) for name in (LISTED, PASSER_BY)}

    async def until(self, done: Callable[[dict[str, float]], bool]) -> None:
        """Until a picture is as it should be. In none of those before, nor in it, is the passer-by shown."""
        async with asyncio.timeout(PATIENCE):
            while True:
                now = await self.likeness()
                assert now[PASSER_BY] < OTHER
                if done(now):
                    return
                await self.picture.decodes(1)

    async def hides_both(self, pictures: int) -> None:
        """In each of so many."""
        for _ in range(pictures):
            await self.picture.decodes(1)
            assert max((await self.likeness()).values()) < OTHER


async def test_an_officer_sees_the_person_of_an_alert_until_it_is_not_viable_and_nobody_else(
    tmp_path: Path, builtin: Path, astronaut: Path, street: Street
) -> None:
    async with opened(tmp_path, builtin, astronaut, street.path) as scene, scene.phone() as phone:
        page = phone.page
        await phone.reads("M-2041")
        await phone.press("Leave to others")

        await phone.press(f"Look through {CAMERA}")
        picture = LivePicture(page.locator(".viewer camera-preview"))
        await picture.is_in("live")
        await expect(page.get_by_role("figure", name=f"Live picture of {CAMERA}")).to_be_visible()
        await picture.says("Faces without an alert are blurred")
        await picture.moves()
        watched = Watched(picture, street)
        await watched.until(lambda now: now[LISTED] > SAME)
        await photograph(page, "live-alert", cut=SIZES)

        await phone.press("Frames around faces")
        await picture.is_boxed()
        await photograph(page, "live-boxes", cut=SIZES)
        await phone.press("Frames around faces")
        await picture.decodes(3)
        assert await picture.painted() == 0

        await says_not_viable(phone)
        await expect(picture.element).to_have_count(0)  # the alert has the whole screen
        await scene.nobody_watches()
        await phone.press("Back to post")
        await phone.press(f"Look through {CAMERA}")
        await picture.is_in("live")
        await watched.hides_both(PERIOD // 4)
        await photograph(page, "live-hidden", cut=SIZES)

        await phone.press("Close the picture")
        await expect(picture.element).to_have_count(0)
        await scene.nobody_watches()


async def test_an_officer_looks_for_the_person_on_the_alerts_card_and_has_the_pictures_back(
    tmp_path: Path, builtin: Path, astronaut: Path, street: Street
) -> None:
    async with opened(tmp_path, builtin, astronaut, street.path) as scene, scene.phone() as phone:
        await phone.press("I take it")
        await phone.reads("You have it. Compare, then decide.")
        pair = phone.card.locator(".pair img")
        await expect(pair).to_have_count(2)
        held = [await image.get_attribute("src") for image in await pair.all()]
        await scene.nobody_watches()

        await phone.press(f"Live picture of {CAMERA}")
        picture = LivePicture(phone.card.locator("camera-preview"))
        await picture.is_in("live")
        await expect(pair.first).to_be_hidden()
        await picture.says("Faces without an alert are blurred")
        await picture.is_boxed()
        watched = Watched(picture, street)
        await watched.until(lambda now: now[LISTED] > SAME)
        await photograph(phone.page, "live-card", cut=SIZES)

        await phone.press(f"Back to the pictures from the live picture of {CAMERA}")
        await expect(picture.element).to_have_count(0)
        await expect(pair.first).to_be_visible()
        assert [await image.get_attribute("src") for image in await pair.all()] == held
        await scene.nobody_watches()

        await phone.press(f"Live picture of {CAMERA}")
        await picture.is_in("live")
        for name, said in (("Viable", "Recorded: viable"), ("Engage", "You are speaking to them")):
            await phone.press(name)
            await phone.reads(re.compile(said))
        await watched.until(lambda now: now[LISTED] > SAME)
        await photograph(phone.page, "live-engaged", cut=SIZES)
        await phone.press("Confirmed false it is somebody else")
        await phone.reads(re.compile("Closed: confirmed false"))
        await expect(picture.element).to_have_count(0)
        await scene.nobody_watches()


async def test_the_wall_hides_a_person_while_it_watches_once_an_officer_has_said_not_viable(
    tmp_path: Path, builtin: Path, astronaut: Path, street: Street
) -> None:
    async with (
        opened(tmp_path, builtin, astronaut, street.path) as scene,
        scene.phone() as officer,
        at_the_wall(scene, "Tom Hale") as operator,
    ):
        page = operator.page
        await officer.press("Leave to others")
        await operator.press(f"Look at the live picture of {CAMERA}")
        picture = LivePicture(page.locator("camera-preview"))
        await picture.is_in("live")
        await picture.moves()
        watched = Watched(picture, street)
        await watched.until(lambda now: now[LISTED] > SAME)
        assert await picture.painted() == 0

        await operator.press("Boxes around faces")
        await picture.is_boxed()
        await photograph(page, "wall-boxes", cut=SIZES)
        await operator.press("Boxes around faces")
        await picture.decodes(3)
        assert await picture.painted() == 0
        await watched.until(lambda now: now[LISTED] > SAME)

        await says_not_viable(officer)
        await picture.decodes(PERIOD // 6)  # what was on its way to the browser before that
        await watched.until(lambda now: now[LISTED] < OTHER)
        await watched.hides_both(PERIOD // 4)
        await photograph(page, "wall-hidden", cut=SIZES)

        await page.keyboard.press("c")
        await operator.press("Suspend")
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Reason").fill("The camera shows the wrong street.")
        await dialog.get_by_role("button", name="Suspend").click()
        await picture.is_in("off")
        await picture.says("Camera off")
        assert await picture.is_let_go_of()
        await photograph(page, "wall-off", cut=SIZES)
        await scene.nobody_watches()


async def says_not_viable(officer: Phone) -> None:
    """By the officer's own taps, from the list of alerts."""
    # Not by a thumb: where nobody has taken the alert for long, its card has come up again over the list.
    await officer.page.get_by_role("button", name=re.compile("M-2041")).first.dispatch_event("click")
    await officer.press("I take it")
    await officer.press("Not viable")
    await officer.press("Different person")
    await officer.reads(re.compile("Recorded: not viable"))


@asynccontextmanager
async def at_the_wall(scene: Scene, name: str) -> AsyncIterator[Visitor]:
    """An operator of that name before the desk's wall. The page meets no fault until the block is left."""
    officers = scene.site.records.officers
    await officers.set_password(
        await officers.add(name, Role.OPERATOR, "Sergeant", CONSOLE), PASSWORD, CONSOLE
    )
    async with await scene.browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        operator = Visitor(await context.new_page())
        await operator.page.goto(f"{scene.site.bound.url}/desk")
        await operator.page.get_by_label("Name").fill(name)
        await operator.page.get_by_label("Password").fill(PASSWORD)
        await operator.press("Sign in")
        await operator.page.get_by_role("link", name="Wall", exact=True).first.click()
        await expect(operator.page.get_by_role("heading", level=1, name="Wall")).to_be_attached()
        yield operator
        assert operator.problems == []
