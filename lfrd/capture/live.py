"""A live camera: frames as they leave the decoder, stamped with the process's monotonic clock."""

from __future__ import annotations

import time
from collections.abc import Iterator

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from lfrd.capture.base import Clock, SourceBase, Wanted
from lfrd.capture.decoding import decoded, video_track
from lfrd.capture.origin import Origin
from lfrd.capture.pixels import Pixels, SizeError
from lfrd.errors import SourceError
from lfrd.types import CameraId, Frame


class LiveSource(SourceBase):
    """RTSP or V4L2. `captured_at` is `clock` (monotonic) when the frame left the decoder."""

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
            packets = self._container.demux(self._track)
            for raw in decoded(packets, self.counts, self._stopping.is_set, self._relieved.is_set):
                at = waiting_since = self._clock()
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

    def _release(self) -> None:
        container, self._container, self._track = self._container, None, None
        if container is not None:
            container.close()
