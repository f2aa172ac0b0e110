"""A copy of a running camera's next frame, for those who ask: the camera is not opened a second time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from lfrd.errors import SourceError
from lfrd.types import U8, CameraId
from lfrd.vision.picture import Picture

Copy = Callable[[Picture], Awaitable[U8]]
"""Copies a picture's pixels as BGR, in a worker thread."""


class Glances:
    """One camera's. Used in the event loop's thread."""

    def __init__(self, camera: CameraId) -> None:
        self._camera = camera
        self._asked: list[asyncio.Future[Picture]] = []  # one each who waits; callers bound how many

    async def next(self) -> Picture:
        """A copy of the next frame, as clear as it is: whoever asked for it blurs and releases it.

        Waits for as long as no frame comes. Raises SourceError where the camera is stopped meanwhile.
        """
        coming: asyncio.Future[Picture] = asyncio.get_running_loop().create_future()
        self._asked.append(coming)
        try:
            return await coming
        except asyncio.CancelledError:
            if coming.done() and not coming.cancelled() and coming.exception() is None:
                coming.result().release()  # it has come in this very moment, and nobody takes it
            raise

    async def show(self, picture: Picture, copy: Copy) -> None:
        """Give each who waits a copy of this frame."""
        while self._asked:
            pixels = Picture(await copy(picture), planar=False)
            coming = self._asked.pop()
            if coming.done():  # they did not wait any longer
                pixels.release()
            else:
                coming.set_result(pixels)

    def stop(self) -> None:
        """No frame will come."""
        while self._asked:
            coming = self._asked.pop()
            if not coming.done():
                coming.set_exception(SourceError(self._camera, "it has just been stopped"))
