"""A live camera: frames as they leave the decoder, stamped with when they came, by the process's clock."""

from __future__ import annotations

import time
from collections.abc import Iterator

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from lfrd.capture.backlog import Backlog
from lfrd.capture.base import Clock, SourceBase, Wanted
from lfrd.capture.decoding import decoded, video_track
from lfrd.capture.origin import Origin
from lfrd.capture.pixels import Pixels, SizeError
from lfrd.errors import SourceError
from lfrd.types import CameraId, Frame


class LiveSource(SourceBase):
    """RTSP or V4L2. `captured_at` is `clock` (monotonic) when the frame left the decoder, less what it stood
    before that because the box reads more slowly than the camera sends (`Backlog`)."""

    live = True

    def __init__(
        self,
        camera: CameraId,
        origin: Origin,
        wanted: Wanted,
        *,
        threads: int = 1,
        clock: Clock = time.monotonic,
    ) -> None:
        super().__init__(camera, wanted, clock)
        self._origin = origin
        self._threads = threads  # FFmpeg's decoder threads; 0 for one a core
        self._pixels = Pixels(self.pool)
        self._container: InputContainer | None = None
        self._track: VideoStream | None = None
        self._backlog = Backlog()
        self._waited = 0.0  # longest wait for a packet since the frame before, seconds

    def open(self) -> None:
        began = self._clock()
        problem = ""
        try:
            self._container = self._origin.open()
            self._track = video_track(self._container, self._threads)
        except SizeError as error:
            problem = str(error)
        except (av.FFmpegError, OSError) as error:
            problem = self._origin.explain(error, self._clock() - began)
        if problem:  # raised out here, so that nothing chains FFmpeg's error, which quotes the address
            raise SourceError(self.camera, problem)

    def __iter__(self) -> Iterator[Frame]:
        assert self._container is not None, "iterated before open"
        assert self._track is not None
        problem = ""
        waiting_since = self._clock()
        try:
            packets = self._waited_for(self._container.demux(self._track))
            for raw in decoded(packets, self.counts, self._stopping.is_set, self._relieved.is_set):
                waiting_since = self._clock()
                stamp = None if raw.pts is None else raw.time
                at = waiting_since - self._backlog.behind(stamp, waiting_since, self._waited)
                self._waited = 0.0
                frame = self._frame(at, self._pixels.picture(raw)) if self._wants(at) else None
                del raw
                if frame is not None:
                    yield frame
        except SizeError as error:
            problem = str(error)
        except (av.FFmpegError, OSError) as error:
            problem = self._origin.explain(error, self._clock() - waiting_since)
        if self._stopping.is_set():
            return
        raise SourceError(self.camera, problem or "the camera ended the stream")

    def _waited_for(self, packets: Iterator[Packet[VideoStream]]) -> Iterator[Packet[VideoStream]]:
        """The packets; how long each let us wait is noted."""
        while True:
            began = self._clock()
            packet = next(packets, None)
            self._waited = max(self._waited, self._clock() - began)
            if packet is None:
                return
            yield packet

    def _release(self) -> None:
        container, self._container, self._track = self._container, None, None
        if container is not None:
            container.close()
