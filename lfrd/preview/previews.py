"""The live pictures of a box: which cameras have one, who watches, and that nothing is made for nobody."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from lfrd.config import Config
from lfrd.errors import NotAllowed
from lfrd.flow import Closed, FlowStatistics
from lfrd.inference import DOUBT, Inference
from lfrd.preview.channel import Channel
from lfrd.preview.feed import Feed
from lfrd.preview.reel import Boxes, Mark
from lfrd.preview.standing import Standing
from lfrd.preview.stream import Watching
from lfrd.preview.studio import Studio
from lfrd.types import U8, AlertId, CameraId, Detections
from lfrd.vision.picture import Picture
from lfrd.wire import AlertView

__all__ = ["Boxes", "Closed", "Mark", "Previews", "PreviewsStatistics", "Watching"]


@dataclass(frozen=True, slots=True)
class PreviewsStatistics:
    viewers: int
    limit: int
    encoded: int
    """Pictures, all cameras together."""
    failures: int
    pictures: dict[str, FlowStatistics]
    """By camera: between the journey and the studio."""


class Previews:
    """One a box. Used in the event loop's thread; `run()` stands in the app's TaskGroup.

    Cameras come by `feed` and `start`, which the conductor calls, and go by `stop`.
    """

    def __init__(
        self,
        settings: Config,
        inference: Inference,
        view: Callable[[AlertId], Awaitable[AlertView]],
        clock: Callable[[], float],
    ) -> None:
        """view: an alert as it is (`AlertLog.view`); clock: the alert log's, Unix seconds."""
        self._settings = settings
        self._inference = inference
        self._standing = Standing(view, clock)
        self._studio = Studio()
        self._channels: dict[CameraId, Channel] = {}  # one a camera that ever ran; kept, and empty mostly
        self._running: set[CameraId] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for camera in list(self._running):
            self.stop(camera)
        self._studio.close()

    # ---- what the conductor says -----------------------------------------------------------------------

    def feed(self, camera: CameraId) -> Feed:
        """Where this camera's journey puts its glimpses."""
        channel = self._channels.get(camera)
        if channel is None:
            feed = Feed(camera, self._settings.preview.max_side, self._studio.wake, self._watched)
            channel = self._channels[camera] = Channel(
                feed,
                self._look,
                self._standing.stands,
                high=self._inference.high,
                kilobits=self._settings.preview.kilobits,
                rate=self._settings.analysis.rate,
            )
            self._studio.add(channel)
        return channel.feed

    def _watched(self) -> int:
        return sum(channel.feed.watched for channel in self._channels.values())

    def start(self, camera: CameraId) -> None:
        """The camera runs from now on."""
        self.feed(camera)
        self._running.add(camera)

    def stop(self, camera: CameraId) -> None:
        """It does not: everybody who watches is told. Also for one that does not run."""
        self._running.discard(camera)
        channel = self._channels.get(camera)
        if channel is not None:
            channel.stream.close()
            self._left(channel)

    # ---- what the alerts say ---------------------------------------------------------------------------

    def alerts_changed(self) -> None:
        """Some alert has: whoever was seen because of it may be hidden now."""
        self._standing.look_again()

    async def run(self) -> None:
        """Keep up with the alerts. Does not end by itself; raises StoreError where the store fails."""
        await self._standing.run()

    # ---- what viewers ask for --------------------------------------------------------------------------

    @property
    def viewers(self) -> int:
        return sum(len(channel.stream) for channel in self._channels.values())

    def watch(self, camera: CameraId) -> AbstractContextManager[Watching]:
        """A place at the camera's stream, until the block is left.

        Raises NotAllowed, at the block's beginning: 'not_running' where the camera does not run, 'too_many'
        where `preview.viewers` watch already.
        """
        return self._watching(camera)

    @contextlib.contextmanager
    def _watching(self, camera: CameraId) -> Iterator[Watching]:
        if camera not in self._running:
            raise NotAllowed("not_running", f"camera '{camera}' does not run now: there is no live picture")
        most = self._settings.preview.viewers
        if self.viewers >= most:
            raise NotAllowed("too_many", f"{most} watch already, which is all that preview.viewers allows")
        channel = self._channels[camera]
        watching = channel.stream.join()
        channel.feed.watch(True)
        try:
            yield watching
        finally:
            channel.stream.leave(watching)
            self._left(channel)

    def _left(self, channel: Channel) -> None:
        if not len(channel.stream):
            channel.feed.watch(False)
        if not self.viewers:
            self._standing.forget()

    def statistics(self) -> PreviewsStatistics:
        channels = self._channels.values()
        return PreviewsStatistics(
            self.viewers,
            self._settings.preview.viewers,
            sum(channel.encoded for channel in channels),
            self._studio.failures,
            {channel.feed.camera: channel.feed.statistics() for channel in channels},
        )

    def _look(self, pixels: U8) -> Detections:
        """In the studio's thread: every face of a small picture, doubtful ones too."""
        return self._inference.detect(
            Picture(pixels, planar=False), max(pixels.shape[:2]), self._inference.high * DOUBT
        )
