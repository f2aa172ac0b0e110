"""`lfrd demo`, the first thing that anybody does with lfrd: one command, no configuration, no network."""

from __future__ import annotations

import asyncio
import codecs
import itertools
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from lfrd import wire
from lfrd.certificates.fingerprint import digest_of, rows
from tests.conftest import ROOT, unavailable
from tests.journeys.process import PATIENCE, lfrd, of, reach
from tests.phone import Phone

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module", autouse=True)
def _portraits(astronaut: Path, admiral: Path) -> None:
    """Skipped where the packages that carry them are not installed."""


async def test_demo_once_prints_the_alert_and_its_answer_and_ends_well(packs: Path) -> None:
    ended = await lfrd("demo", "--once", "--data", packs)
    assert ended.code == 0, ended.err
    assert "ALERT 1" in ended.out
    assert "this is not an identification" in ended.out
    assert re.search(r"listed as +astronaut", ended.out)
    assert "answered: viable by Headless officer" in ended.out
    assert "Traceback" not in ended.err


async def test_demo_once_tells_the_same_in_json(packs: Path) -> None:
    ended = await lfrd("demo", "--once", "--json", "--data", packs)
    assert ended.code == 0, ended.err
    told = [json.loads(line) for line in ended.out.splitlines()]
    assert [event["event"] for event in told] == ["on_post", "alert", "adjudicated"]
    assert told[1]["alert"]["nominal"] == "astronaut"
    assert told[2]["alert"]["decision"] == "viable"


async def test_demo_from_nothing_needs_no_network(tmp_path: Path, alone: list[str]) -> None:
    """The pack is not yet made, the clip not yet drawn, and nothing outside is there to ask (rule 30)."""
    ended = await lfrd("demo", "--once", "--data", tmp_path / "data", wrap=alone)
    assert ended.code == 0, ended.err
    assert "answered: viable" in ended.out


@pytest.fixture
def alone() -> list[str]:
    """What runs a command in a network of its own, which has a loopback and no way out."""
    command = ["unshare", "-rn", "sh", "-c", 'ip link set lo up && exec "$0" "$@"']
    if shutil.which("unshare") is None or subprocess.run([*command, "true"], capture_output=True).returncode:
        unavailable("needs a network namespace of its own (unshare -rn, and ip)")
    return command


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
async def test_demo_shows_a_code_that_a_phone_can_scan_and_ends_when_asked(
    packs: Path, number: signal.Signals
) -> None:
    async with on_terminal("demo", "--host", "127.0.0.1", "--port", "0", "--data", packs) as terminal:
        await terminal.until("Ctrl+C ends it")
        link = next(word for word in terminal.shown.split() if "#join=" in word)
        door = next(word for word in terminal.shown.split() if word.startswith("http://"))
        # In this order: what needs no protection, and then what needs it.
        assert [scanned(code) for code in codes(terminal.shown)] == [door, link]
        url, _, code = link.partition("/#join=")
        assert url.startswith("https://")
        assert f"runs at {url}\n" in terminal.shown
        trust, fingerprint = await trusting(door)
        for row in fingerprint:
            assert row in terminal.shown
        phone = await Phone.join(url, code, "PC Adams", trust)
        async with phone.connected():
            await phone.say(wire.OnPost())
            await reach(phone, lambda: bool(of(phone, "alert")))
            terminal.process.send_signal(number)
            assert await phone.closed() == 1012
        assert await terminal.ended() == 0
    assert "the demonstration's alerts are gone" in terminal.shown
    assert "Traceback" not in terminal.shown


async def test_a_phone_that_trusts_the_demo_goes_on_doing_so_the_next_time(
    tmp_path: Path, packs: Path
) -> None:
    data = tmp_path / "data"
    data.symlink_to(packs)
    seen = []
    for _ in range(2):
        async with on_terminal("demo", "--host", "127.0.0.1", "--port", "0", "--data", data) as terminal:
            await terminal.until("Ctrl+C ends it")
            door = next(word for word in terminal.shown.split() if word.startswith("http://"))
            seen.append((await trusting(door))[1])
    assert seen[0] == seen[1]


async def test_demo_in_plain_http_listens_on_this_machine_alone(packs: Path) -> None:
    async with on_terminal("demo", "--http", "--port", "0", "--data", packs) as terminal:
        await terminal.until("Ctrl+C ends it")
        link = next(word for word in terminal.shown.split() if "#join=" in word)
        assert link.startswith("http://127.0.0.1:")
        assert "fingerprint" not in terminal.shown


async def trusting(door: str) -> tuple[ssl.SSLContext, list[str]]:
    """What a phone has that took the certificate from there, and the fingerprint that it shows."""
    async with httpx.AsyncClient(base_url=door) as client:
        der = (await client.get("/lfrd-authority.crt")).content
    return ssl.create_default_context(cadata=ssl.DER_cert_to_PEM_cert(der)), rows(digest_of(der))


async def test_demo_names_another_port_where_its_own_is_taken(packs: Path) -> None:
    async with on_terminal("demo", "--host", "127.0.0.1", "--port", "0", "--data", packs) as terminal:
        await terminal.until("Ctrl+C ends it")
        port = re.search(r"runs at https://127.0.0.1:(\d+)", terminal.shown)
        assert port is not None
        ended = await lfrd("demo", "--host", "127.0.0.1", "--port", port[1], "--data", packs)
    assert (ended.code, ended.out) == (1, "")
    assert f"lfrd demo --port {int(port[1]) + 1}" in ended.err
    assert len(ended.err.splitlines()) == 1


class Terminal:
    """What stands on the screen of somebody who has typed a command."""

    def __init__(self, process: asyncio.subprocess.Process, screen: int) -> None:
        self.process = process
        self.shown = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")  # a read may end within a sign
        self._screen = screen  # descriptor
        self._news = asyncio.Event()  # there is more on the screen, or never will be
        self._dark = False  # the command has let go of it
        asyncio.get_running_loop().add_reader(screen, self._look)

    def _look(self) -> None:
        try:
            data = os.read(self._screen, 1 << 16)
        except OSError:  # how a pseudo-terminal ends
            data = b""
        if not data:
            self._dark = True
            self.close()
        self.shown += self._decoder.decode(data, final=not data).replace("\r", "")
        self._news.set()

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._screen)

    async def until(self, text: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while text not in self.shown and not self._dark:
                self._news.clear()
                await self._news.wait()
        assert text in self.shown, f"the command ended; it had shown:\n{self.shown}"

    async def ended(self) -> int:
        """The command's exit code, once all that it had to say is on the screen."""
        async with asyncio.timeout(PATIENCE):
            while not self._dark:
                self._news.clear()
                await self._news.wait()
            return await self.process.wait()


@asynccontextmanager
async def on_terminal(*arguments: str | Path) -> AsyncIterator[Terminal]:
    """A command of lfrd whose output goes to a pseudo-terminal; killed where it still runs at the end."""
    ours, theirs = os.openpty()
    try:
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "lfrd", *map(str, arguments)),
                stdin=DEVNULL,
                stdout=theirs,
                stderr=theirs,
                cwd=ROOT,
                env=os.environ | {"TERM": "xterm", "COLUMNS": "200", "LFRD_TRACEBACK": "1"},
            )
        finally:
            os.close(theirs)
        terminal = Terminal(process, ours)
        try:
            yield terminal
        finally:
            terminal.close()
            if process.returncode is None:
                process.kill()
                await process.wait()
    finally:
        os.close(ours)


def codes(shown: str) -> list[list[str]]:
    """The lines of each QR code on a terminal."""
    plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", shown).splitlines()
    found = itertools.groupby(plain, lambda line: bool(line) and set(line) <= set(" ▀▄█"))
    return [list(lines) for drawn, lines in found if drawn]


def scanned(lines: list[str]) -> str:
    """The text of a QR code, read from its half blocks as a camera would read it."""
    width = max(map(len, lines))
    ink = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}
    halves = [[ink[sign][half] for sign in line.ljust(width)] for line in lines for half in (0, 1)]
    light = np.array(halves, np.uint8) * 255  # on a dark terminal, what is printed is the paper
    # A camera that fails at one distance is held at another; OpenCV's reader is a poor one.
    for size in (8, 4, 5, 6, 7, 9, 10, 12):
        picture = cv2.resize(light, None, fx=size, fy=size, interpolation=cv2.INTER_NEAREST)
        edge = 8 * size
        picture = cv2.copyMakeBorder(picture, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=(255,))
        for blurred in (picture, cv2.GaussianBlur(picture, (0, 0), size / 4)):
            if text := cv2.QRCodeDetector().detectAndDecode(blurred)[0]:
                return text
    return ""
