"""A site in a process of its own, for test_erasure: it runs and remembers marks of what it saw.

A mark is a few bytes of a passer-by's pixels or template, kept XORed so that the memory in which it is kept
is never itself what the search finds. What the site does is not changed, only noted on the way. Speaks one
line of JSON per step on standard output, and waits for a line on standard input. With WATCHED as its last
argument it says first where its live picture can be watched.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import sys
from collections import deque
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lfrd import config, logs
from lfrd.inference import Inference
from lfrd.officer import HeadlessOfficer
from lfrd.preview import reel
from lfrd.preview.feed import Glimpse
from lfrd.preview.reel import Reel, Veiled
from lfrd.tracking.shots import Evidence, Shot
from lfrd.types import F32, U8, Box, CameraState, TrackId
from lfrd.vision.picture import Picture
from tests.deployed import deployed, invited
from tests.journeys.marks import MASK
from tests.journeys.process import PATIENCE

MARK = 40  # bytes of a mark: long enough to be nobody else's
MOST = 12  # marks of one kind: the newest, which nothing has had cause to overwrite yet
SEVERAL = 4  # of the first templates some are not kept: better ones follow
INSIDE = slice(40, 60)  # of a template: an allocator overwrites the first few bytes of what is freed


class Marks:
    """Masked copies of what passed through, by kind; made without any plain copy on the way."""

    def __init__(self) -> None:
        self.kinds: dict[str, deque[NDArray[np.uint8]]] = {}

    def note(self, kind: str, data: NDArray[Any]) -> None:
        kept = self.kinds.setdefault(kind, deque(maxlen=MOST))
        flat = data.reshape(-1).view(np.uint8)[:MARK] if data.flags.c_contiguous else None
        if flat is None or len(flat) < MARK:
            return
        masked = np.empty(MARK, np.uint8)
        np.bitwise_xor(flat, MASK, out=masked)
        if len(np.unique(masked)) >= MARK // 3:  # a flat stretch of wall would be found anywhere
            kept.append(masked)
            self.keep(kind, masked)

    def keep(self, kind: str, masked: NDArray[np.uint8]) -> None:
        """Told of each mark, for those who must know it after the process's end."""

    def as_hex(self) -> dict[str, list[str]]:
        return {kind: [mark.tobytes().hex() for mark in marks] for kind, marks in self.kinds.items()}


def listen_in(marks: Marks) -> None:
    """Note what the inference is given and what it gives, as it passes."""
    examine, embed, add = Inference.examine, Inference.embed, Evidence.add
    put, lifted = Reel.put, reel.lifted  # type: ignore[attr-defined]

    async def noting_examine(self: Inference, picture: Picture, *rest: Any) -> Any:
        examined = await examine(self, picture, *rest)
        for face in examined.faces:
            x, y = (int(v) for v in face.box.centre)
            row = picture._pixels[min(max(y, 0), picture.height - 1)]
            start = min(max(x - MARK // 2, 0), picture.width - MARK)
            marks.note("pixels as decoded", row[start : start + MARK])
            colours, _ = picture.crop(Box(x - 10, y, 20, 2))
            marks.note("pixels as searched", colours[0])
            colours.fill(0)
        return examined

    at = [0, 0]  # the newest face's centre in the live picture, pixels

    def around(rows: U8) -> U8:
        x, y = at
        start = min(max(x - MARK // 2, 0), rows.shape[1] - MARK)
        return rows[min(max(y, 0), len(rows) - 1), start : start + MARK]

    def noting_put(self: Reel, glimpse: Glimpse, cleared: Set[TrackId]) -> Iterator[Veiled]:
        if glimpse.pixels is not None:
            for x, y, w, h in glimpse.found.boxes * (glimpse.pixels.shape[1] / glimpse.size[0]):
                at[:] = int(x + w / 2), int(y + h / 2)
                marks.note("pixels as glimpsed", around(glimpse.pixels))
        yield from put(self, glimpse, cleared)

    def noting_lifted(pixels: U8) -> U8:
        bright = lifted(pixels)
        marks.note("pixels as lit", around(bright))
        return bright

    async def noting_embed(self: Inference, aligned: U8) -> F32:
        for face in aligned:
            marks.note("pixels as aligned", face[face.shape[0] // 2, 20:60])
        vectors = await embed(self, aligned)
        for vector in vectors:
            marks.note("template as embedded", vector[INSIDE])
        return vectors

    def noting_add(self: Evidence, shot: Shot) -> Shot | None:
        marks.note("template as kept", shot.template.vector[INSIDE])
        return add(self, shot)

    Reel.put = noting_put  # type: ignore[method-assign]
    reel.lifted = noting_lifted  # type: ignore[attr-defined, assignment]
    Inference.examine = noting_examine  # type: ignore[method-assign, assignment]
    Inference.embed = noting_embed  # type: ignore[method-assign]
    Evidence.add = noting_add  # type: ignore[method-assign]


async def say(**step: Any) -> None:
    """Tell the test where we are and wait for its word; the site goes on meanwhile."""
    await asyncio.to_thread(halt, **step)


def halt(**step: Any) -> None:
    """The same, and the site's loop stands still meanwhile: who is in view stays so."""
    print(json.dumps(step), flush=True)
    sys.stdin.readline()


async def main(data: Path, clip: Path, portrait: Path, pack: Path, *, watched: bool) -> None:
    marks = Marks()
    logs.configure(config.Log(level="warning"))
    raw = config.parse(
        {
            "site": {"data": str(data)},
            "web": {"host": "127.0.0.1", "port": 0, "allow_plain_http": True},
            "cameras": [{"name": "street", "source": str(clip)}],
        }
    )

    async with deployed(data.parent, raw, pack, {"admiral": portrait}) as site:
        # The site has forbidden that others look into its memory; this test is to look.
        ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
        listen_in(marks)
        code = await invited(site, "PC Test")
        async with HeadlessOfficer.joined(site.bound.url, code) as officer:
            if watched:
                await say(step="open", url=site.bound.url, code=await invited(site, "PC Watcher"))
            await officer.go_on_post()
            while not site.conductor.eyes:  # the deployment is being put in force
                await asyncio.sleep(0.01)
            eye = site.conductor.eyes[0]
            awaited = ("template as kept", "pixels as lit") if watched else ("template as kept",)
            async with asyncio.timeout(PATIENCE):
                while not eye.journey._people or any(
                    len(marks.kinds.get(kind, ())) < SEVERAL for kind in awaited
                ):
                    await asyncio.sleep(0.01)
            halt(step="in view", marks=marks.as_hex())
            async with asyncio.timeout(PATIENCE):
                while eye.journey._people:
                    await asyncio.sleep(0.05)
            await asyncio.sleep(1.0)  # rule 13: nothing stays longer than 1 s after the track has ended
            counts = eye.journey.counts
            await say(
                step="passed",
                marks=marks.as_hex(),
                state=eye.supervisor.status.state,
                tracks=counts.tracks,
                alerts=await site.records.alerts.latest(),
            )
            if watched:
                while any(channel.is_open for channel in site.previews._channels.values()):
                    await asyncio.sleep(0.01)
                await say(step="left", marks=marks.as_hex(), encoded=site.previews.statistics().encoded)
            while eye.supervisor.status.state is not CameraState.ENDED:
                await asyncio.sleep(0.05)
            await say(step="ended", marks=marks.as_hex())
    await say(step="stopped", marks=marks.as_hex())


if __name__ == "__main__":
    asyncio.run(main(*(Path(argument) for argument in sys.argv[1:5]), watched="WATCHED" in sys.argv[5:]))
