"""Faces of people who are on no list stay nowhere: not in memory, not in a file (rule 13 of the domain)."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from lfrd import wire
from lfrd.evaluation.street import Walker, make_clip
from lfrd.types import U8, Detections
from tests.conftest import ROOT
from tests.journeys.marks import found_in_files, found_in_memory, unmasked
from tests.journeys.process import PATIENCE
from tests.phone import Phone
from tests.watcher import watcher

pytestmark = pytest.mark.journey

KINDS = {
    *("pixels as aligned", "pixels as decoded", "pixels as searched"),
    *("template as embedded", "template as kept"),
}
WATCHED_KINDS = {"pixels as glimpsed", "pixels as lit"}
"""Marks of faces in what the live picture is made of."""


@contextmanager
def child(*arguments: Path | str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.journeys.erasure_child", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        with process:
            yield process
    finally:
        process.kill()


@asynccontextmanager
async def looking(url: str, code: str) -> AsyncIterator[None]:
    """Somebody on post looks at the live picture, from its first one to the end of the block."""
    phone = await Phone.join(url, code, "PC Watcher")
    async with phone.connected(), watcher() as page, phone.http() as client:
        await phone.say(wire.OnPost())
        body = {"camera": "street", "sdp": await page.offer()}
        async with asyncio.timeout(PATIENCE):
            while (answer := await client.post("/api/preview", json=body)).status_code == 409:
                await asyncio.sleep(0.02)  # the camera starts with the officer on post
        assert answer.status_code == 200, answer.text
        await page.take(answer.json()["sdp"])

        async def look() -> None:
            while True:
                await page.picture()
                seen.set()

        seen = asyncio.Event()
        task = asyncio.create_task(look())
        try:
            yield
            await seen.wait()
        finally:
            task.cancel()
            await asyncio.wait({task})


def step(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "the site ended before its next step"
    answer: dict[str, Any] = json.loads(line)
    return answer


def proceed(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.fixture(scope="module")
def long_clip(
    tmp_path_factory: pytest.TempPathFactory, astronaut: Path, locate: Callable[[U8], Detections]
) -> Path:
    """The astronaut walks by within some seconds; then the street is empty for a long while."""
    clip = tmp_path_factory.mktemp("clips") / "empty-street.mp4"
    walker = Walker("astronaut", astronaut, enter=0.2, speed=1.1, far=30, near=110, lane=0.0)
    # Longer than a busy machine takes to look through the memory while they are in view, and once more after.
    make_clip(clip, [walker], seconds=40.0, locate=locate, size=(640, 360), seed=3)
    return clip


def test_a_passer_by_leaves_no_pixel_and_no_template_in_memory_or_in_any_file(
    tmp_path: Path, long_clip: Path, admiral: Path, builtin: Path
) -> None:
    data = tmp_path / "data"
    with child(data, long_clip, admiral, builtin) as process:
        in_view = step(process)
        present = found_in_memory(process.pid, unmasked(in_view["marks"]))
        # The search itself works: while the face is in view, its template is there to be found.
        assert present["template as kept"] > 0
        proceed(process)

        passed = step(process)  # the camera runs on, and shows an empty street
        marks = unmasked(passed["marks"])
        assert passed["state"] == "live"
        assert passed["tracks"] >= 1
        assert passed["alerts"] == 0
        assert {kind for kind, noted in marks.items() if len(noted) > 3} == KINDS
        nothing = dict.fromkeys(marks, 0)
        assert found_in_memory(process.pid, marks) == nothing
        proceed(process)

        step(process)  # the camera has ended
        assert found_in_memory(process.pid, marks) == nothing
        proceed(process)

        step(process)  # the site has stopped
        assert found_in_memory(process.pid, marks) == nothing
        assert found_in_files(data, marks) == []
        proceed(process)


async def test_a_passer_by_leaves_nothing_in_memory_though_somebody_watches_meanwhile_and_leaves(
    tmp_path: Path, long_clip: Path, admiral: Path, builtin: Path
) -> None:
    with child(tmp_path / "data", long_clip, admiral, builtin, "WATCHED") as process:
        opened = await asyncio.to_thread(step, process)
        async with looking(opened["url"], opened["code"]):
            proceed(process)
            in_view = await asyncio.to_thread(step, process)
            present = await asyncio.to_thread(found_in_memory, process.pid, unmasked(in_view["marks"]))
            assert present["template as kept"] > 0
            proceed(process)

            passed = await asyncio.to_thread(step, process)  # the street is empty, and still watched
            marks = unmasked(passed["marks"])
            assert (passed["state"], passed["alerts"]) == ("live", 0)
            assert {kind for kind, noted in marks.items() if len(noted) > 3} == KINDS | WATCHED_KINDS
            nothing = dict.fromkeys(marks, 0)
            assert await asyncio.to_thread(found_in_memory, process.pid, marks) == nothing
        proceed(process)

        left = await asyncio.to_thread(step, process)
        assert left["encoded"] > 10
        assert found_in_memory(process.pid, marks) == nothing
