"""One picture of a camera's view for those who draw its zone, with every face blurred before it leaves."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from lfrd.capture.lines import Lines
from lfrd.capture.session import Session
from lfrd.capture.source import make_source
from lfrd.config import Camera, Placed
from lfrd.errors import NotAllowed, SourceError
from lfrd.glances import Glances
from lfrd.inference import DOUBT, Inference
from lfrd.store.deployments import Deployments
from lfrd.types import CameraId, Frame, Stage
from lfrd.vision.blur import hide
from lfrd.vision.picture import Picture
from lfrd.workers import Urgency

ALLOWED: Final = frozenset({Stage.AUTHORISED, Stage.READY, Stage.ACTIVE, Stage.PAUSED, Stage.SUSPENDED})
"""Stages in which a deployment that names the camera lets a frame of it be decoded."""
LONGEST = 960
"""Pixels of a still's longer side at the most: enough to draw on."""
SEARCHED = (1920, 800)
"""Longer sides at which faces are looked for, in pixels: small ones are seen in the first, near ones in the
second. A smaller picture is enlarged for the first, to twice its size at the most."""
WAIT_SECONDS = 10.0
"""Longest wait for a picture, from the opening of the camera on."""
CLOSING_SECONDS = 2.0
"""Longest wait for the camera to be closed again."""
JPEG_QUALITY = 80


class Stills:
    """Takes stills, one at a time of each camera. Made and used in the event loop's thread."""

    def __init__(
        self,
        placed: Placed,
        inference: Inference,
        deployments: Deployments,
        running: Callable[[CameraId], Glances | None],
        clock: Callable[[], float],
        wait_seconds: float = WAIT_SECONDS,
        lines: Lines | None = None,
    ) -> None:
        """running: where the frames of a camera that runs now can be had; None for one that does not run.
        clock: the Ratchet's now. lines: of phones that are cameras."""
        self._cameras = {CameraId(camera.name): camera for camera in placed.config.cameras}
        self._placed = placed
        self._inference = inference
        self._deployments = deployments
        self._running = running
        self._clock = clock
        self._wait_seconds = wait_seconds
        self._lines = lines
        self._turns: defaultdict[CameraId, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._hanging: dict[CameraId, Session] = {}  # threads that did not close; at most one a camera

    async def take(self, camera: CameraId) -> bytes:
        """A JPEG file, `LONGEST` pixels at the most, in which every face is blurred for good.

        Raises NotAllowed: 'camera' where config.toml names no such camera, 'no_deployment' where no
        deployment that stands authorised names it (nothing is opened then); and SourceError where the camera
        gives no picture.
        """
        settings = self._cameras.get(camera)
        if settings is None:
            raise NotAllowed("camera", f"camera '{camera}': config.toml names no such camera")
        async with self._turns[camera]:
            await self._require_authorised(camera)
            picture = await self._picture(settings)
            try:
                await self._require_authorised(camera)  # revoked while the camera opened
                return await self._inference.run(Urgency.FRAME, blurred, self._inference, picture)
            finally:
                picture.release()

    async def _require_authorised(self, camera: CameraId) -> None:
        """Rule 1: no frame is decoded without an authorisation that names this camera and is not over."""
        now = self._clock()
        for deployment in await self._deployments.all():
            named = camera in {planned.name for planned in deployment.plan.cameras}
            if named and deployment.stage in ALLOWED and not deployment.is_over(now):
                return
        raise NotAllowed(
            "no_deployment",
            f"camera '{camera}': no authorised deployment names it, so no picture of it may be decoded",
        )

    async def _picture(self, camera: Camera) -> Picture:
        """The newest frame, clear. Raises SourceError."""
        name = CameraId(camera.name)
        glances = self._running(name)
        try:
            async with asyncio.timeout(self._wait_seconds):
                if glances is not None:
                    return await glances.next()
                return await self._opened(name, camera)
        except TimeoutError:
            raise SourceError(name, f"no picture within {self._wait_seconds:g} s") from None

    async def _opened(self, name: CameraId, camera: Camera) -> Picture:
        """Open a camera that does not run, for its first frame."""
        hanging = self._hanging.get(name)
        if hanging is not None and not hanging.ended:
            raise SourceError(name, "an earlier try still hangs in the driver or the network")
        visit = _Visit(name)
        session = visit.session = Session(
            name,
            lambda: make_source(camera, self._placed, lines=self._lines),
            visit.deliver,
            visit.news,
            time.monotonic,
            room=visit.room,
        )
        try:
            frame = await visit.frame
            try:
                pixels = await self._inference.run(Urgency.FRAME, frame.picture.scaled, *frame.picture.size)
                return Picture(pixels, planar=False)
            finally:
                frame.release()
        finally:
            session.stop()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(visit.ended.wait(), CLOSING_SECONDS)
            self._hanging.pop(name, None)
            if not session.ended:
                self._hanging[name] = session


class _Visit:
    """What the thread of a camera that is opened for one frame hands over to the loop."""

    def __init__(self, camera: CameraId) -> None:
        self._camera = camera
        self._loop = asyncio.get_running_loop()
        self._handed = False  # the thread has handed its one frame over
        self.session: Session | None = None  # set before the loop hears any news
        self.frame: asyncio.Future[Frame] = self._loop.create_future()
        self.ended = asyncio.Event()  # the source is closed

    def room(self, seconds: float) -> bool:
        """In the thread: whether another frame is wanted; slow to say no."""
        if self._handed:
            time.sleep(seconds)
        return not self._handed

    def deliver(self, frame: Frame) -> None:
        """In the thread."""
        self._handed = True
        try:
            self._loop.call_soon_threadsafe(self._settle, frame)
        except RuntimeError:  # the loop has ended: nobody waits
            frame.release()

    def news(self) -> None:
        """In the thread."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._look)

    def _settle(self, frame: Frame) -> None:
        if self.frame.done():
            frame.release()
        else:
            self.frame.set_result(frame)

    def _look(self) -> None:
        if self.session is None or not self.session.ended:
            return
        self.ended.set()
        if not self._handed and not self.frame.done():  # else the frame is on its way, behind this call
            problem = self.session.error or self.session.bug
            self.frame.set_exception(problem or SourceError(self._camera, "it has no picture"))


def blurred(inference: Inference, picture: Picture) -> bytes:
    """The picture as a JPEG file with every face replaced by coarse squares. Blocks; for worker threads.

    Faces are looked for at two sizes and down to doubtful ones, and once more in what would be sent.
    """
    large = Picture(picture.scaled(*_fitted(picture, SEARCHED[0], enlarge=2.0)), planar=False)
    small = Picture(picture.scaled(*_fitted(picture, LONGEST)), planar=False)
    still = small.scaled(*small.size)
    try:
        low = inference.high * DOUBT
        for side in SEARCHED:
            boxes = inference.detect(large, side, low).boxes
            hide(still, boxes * np.float32(small.width / large.width))
        small.release()
        seen = Picture(still.copy(), planar=False)
        hide(still, inference.detect(seen, LONGEST, low).boxes)
        done, coded = cv2.imencode(".jpg", still, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        assert done, "OpenCV encodes any BGR picture"
        return coded.tobytes()
    finally:
        large.release()
        small.release()
        still.fill(0)


def _fitted(picture: Picture, longest: int, enlarge: float = 1.0) -> tuple[int, int]:
    """Width and height, both even, with the longer side `longest` or `enlarge` times what it is."""
    scale = min(enlarge, longest / max(picture.size))
    return max(2, 2 * round(picture.width * scale / 2)), max(2, 2 * round(picture.height * scale / 2))
