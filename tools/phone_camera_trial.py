"""What arrives of a phone's picture, and how old it is, also where the box cannot keep up.

    python -m tools.phone_camera_trial CLIP [--size 1280x720] [--fps 20] [--seconds 15] [--slow 0]

From a checkout. Chromium plays CLIP through its fake lens on the page /camera, over WebRTC on the loopback,
to the real server; no models run. Once a second: size, pictures a second, the longest that a coded picture
waited for the decoder, and what was dropped. --slow: milliseconds that each picture is made to take longer,
as on a box that does too much.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import tempfile
import threading
import time
from pathlib import Path

import av

from lfrd.capture.browser import PhoneSource
from lfrd.capture.lines import Line
from lfrd.config import Camera, Config, Web
from lfrd.errors import SourceError
from lfrd.operation.board import Status
from lfrd.types import CONSOLE, CameraId, Role
from lfrd.web.server import static_folder
from tests.journeys.browser import chromium
from tests.office import served

CAMERA, NAME, PASSWORD = CameraId("Lens"), "Trial", "seven tall herons wade"
FRAMES = 60  # of the clip: they are held uncompressed


class Box:
    """The camera's thread, which only decodes, and notes how old what it decodes is."""

    def __init__(self, line: Line, slow: float) -> None:
        self.waits: list[float] = []  # seconds, since they were last looked at
        self.first = threading.Event()  # the first picture has been decoded
        self.began = time.monotonic()
        self.source = PhoneSource(CAMERA, line, lambda at: True, open_seconds=120)
        self._slow = slow
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self.began = time.monotonic()
        with contextlib.suppress(SourceError), self.source:  # how it ends when the phone is revoked
            for frame in self.source:
                now = time.monotonic()
                if not self.first.is_set():
                    print(f"wanted, then the first picture decoded after {now - self.began:.2f} s")
                    self.first.set()
                self.waits.append(now - frame.captured_at)
                frame.release()
                time.sleep(self._slow)


def lens(clip: Path, path: Path, width: int, height: int, fps: int) -> None:
    """YUV4MPEG2, which Chromium's fake lens plays."""
    with av.open(str(clip)) as given, path.open("wb") as out:
        out.write(f"YUV4MPEG2 W{width} H{height} F{fps}:1 Ip A1:1 C420jpeg\n".encode())
        for number, frame in enumerate(given.decode(video=0)):
            if number == FRAMES:
                break
            scaled = frame.reformat(width=width, height=height, format="yuv420p")
            out.write(b"FRAME\n" + scaled.to_ndarray().tobytes())


async def trial(clip: Path, width: int, height: int, fps: int, seconds: int, slow: float) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        lens(clip, folder / "lens.y4m", width, height, fps)
        settings = Config(
            web=Web(host="127.0.0.1", allow_plain_http=True, port=0),
            cameras=[Camera(name=CAMERA, source="phone", width=width, height=height, fps=fps)],
        )
        fake = (
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            f"--use-file-for-fake-video-capture={folder / 'lens.y4m'}",
        )
        async with (
            served(folder, settings, status=Status, static=static_folder()) as site,
            chromium(*fake) as browser,
        ):
            officers, lending = site.office.records.officers, site.office.services.lending
            await officers.set_password(
                await officers.add(NAME, Role.ENGINEER, "", CONSOLE), PASSWORD, CONSOLE
            )
            line = lending.line(CAMERA)
            box = Box(line, slow)
            page = await (await browser.new_context(permissions=["camera"])).new_page()
            await page.goto(f"{site.bound.url}/camera")
            await page.get_by_label("Name").fill(NAME)
            await page.get_by_label("Password").fill(PASSWORD)
            await page.get_by_role("button", name="Sign in", exact=True).click()
            await page.get_by_role("button", name="Start", exact=True).click()
            await page.get_by_text("Waiting").first.wait_for()
            box.thread.start()
            try:
                await _watched(box, line, seconds)
                revoked = time.monotonic()
                (session,) = await officers.sessions()
                await officers.revoke(session.id, CONSOLE)
                await asyncio.to_thread(box.thread.join)
                print(f"revoked: hung up after {time.monotonic() - revoked:.2f} s")
            finally:
                box.source.stop()
                await asyncio.to_thread(box.thread.join)


async def _watched(box: Box, line: Line, seconds: int) -> None:
    longest = 0.0
    await asyncio.to_thread(box.first.wait)
    print("  s  size        fps  waited  decoded  dropped  asked")
    for second in range(1, seconds + 1):
        await asyncio.sleep(1)
        waits, box.waits = box.waits, []
        longest = max(longest, *waits) if waits else longest
        arriving, counts = line.arriving, line.statistics()
        size = f"{arriving.width}x{arriving.height}" if arriving else "-"
        waited = f"{1000 * max(waits):4.0f} ms" if waits else "-"
        lost = f"{counts.dropped:8} {counts.asked:6}"
        print(f"{second:3}  {size:10} {len(waits):4}  {waited:>7} {counts.taken:8} {lost}")
    print(f"longest wait of all: {1000 * longest:.0f} ms")


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--fps", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--slow", type=float, default=0.0)
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    asyncio.run(trial(given.clip, width, height, given.fps, given.seconds, given.slow / 1000))


if __name__ == "__main__":
    main()
