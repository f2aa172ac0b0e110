"""A recorded video: once or in a loop, at its own speed or as fast as it decodes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from lfrd.capture.base import Clock, SourceBase, Wanted
from lfrd.capture.decoding import decoded, video_track
from lfrd.capture.pace import Pace
from lfrd.capture.pixels import Pixels, SizeError
from lfrd.capture.timeline import Timeline
from lfrd.errors import SourceError
from lfrd.types import CameraId, Frame

USUAL_RATE = 25
"""Frames a second where the file does not say."""
LEAST_SHARE = 0.95
"""Of the frames that the container lists; edit lists leave out a few of them rightly."""


class VideoSource(SourceBase):
    """A file. `captured_at` is media time from 0 when unpaced. When paced it is when the frame was due, by
    `clock`: a recording that runs behind, because decoding is too slow, shows it as lag, as a queue in a live
    camera would. Media time goes on across loops.

    A damaged part is skipped and counted; a damaged end ends the recording with a `remark`.
    """

    def __init__(
        self,
        camera: CameraId,
        path: Path,
        wanted: Wanted,
        *,
        loop: bool = False,
        paced: bool = False,
        threads: int = 0,
        clock: Clock = time.monotonic,
        pace: Pace | None = None,
    ) -> None:
        super().__init__(camera, wanted, clock)
        self.path = path
        self._loop = loop
        self._pace = pace or (Pace(clock, self._stopping.wait) if paced else None)
        self._threads = threads  # FFmpeg's decoder threads; 0 for one a core
        self._pixels = Pixels(self.pool)
        self._container: InputContainer | None = None
        self._track: VideoStream | None = None

    def open(self) -> None:
        problem = ""
        try:
            self._container = av.open(str(self.path), mode="r")
            self._track = video_track(self._container, self._threads)
        except SizeError as error:
            problem = str(error)
        except (av.FFmpegError, OSError) as error:
            problem = _explain(error, self.path)
        if problem:
            raise SourceError(self.camera, f"{self.path}: {problem}")

    def __iter__(self) -> Iterator[Frame]:
        assert self._track is not None, "iterated before open"
        timeline = Timeline(1 / float(self._track.average_rate or USUAL_RATE))
        while True:
            before = self.counts.decoded
            yield from self._once(timeline)
            if self._stopping.is_set():
                return
            if self.counts.decoded == before:
                raise SourceError(self.camera, f"{self.path}: no frame of it can be decoded")
            if not self._loop:
                return
            self._release()
            self.open()

    def _once(self, timeline: Timeline) -> Iterator[Frame]:
        assert self._container is not None
        assert self._track is not None
        # An AVI file lists the frames that its recorder left out as well.
        promised = 0 if self._container.format.name == "avi" else self._track.frames
        before, corrupt = self._read, self.counts.corrupt
        problem = ""
        try:
            packets = self._container.demux(self._track)
            for raw in decoded(packets, self.counts, self._stopping.is_set, self._relieved.is_set):
                at = timeline.at(None if raw.pts is None else raw.time)
                if self._pace is not None:
                    if not self._pace.reach(at):
                        return
                    at = self._pace.due(at)
                frame = self._frame(at, self._pixels.picture(raw)) if self._wants(at) else None
                del raw
                if frame is not None:
                    yield frame
        except SizeError as error:
            problem = str(error)
        except (av.FFmpegError, OSError):
            self.counts.corrupt += 1
        if problem:
            raise SourceError(self.camera, f"{self.path}: {problem}")
        got = self._read - before
        short = got < promised * LEAST_SHARE
        if not self._stopping.is_set() and got and (short or self.counts.corrupt > corrupt):
            self.counts.corrupt = max(self.counts.corrupt, corrupt + promised - got)
            of = f" of {promised}" if got < promised else ""
            self.remark = f"{self.path.name} is damaged: {got}{of} frames could be read"

    @property
    def _read(self) -> int:
        """Frames that were there, whether or not they were decoded."""
        return self.counts.decoded + self.counts.spared

    def _release(self) -> None:
        container, self._container, self._track = self._container, None, None
        if container is not None:
            container.close()


def _explain(error: Exception, path: Path) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, PermissionError):
        return "may not be read by this user"
    try:
        if path.stat().st_size == 0:
            return "is empty"
    except OSError:
        return "cannot be read"
    return "is not a video that can be read (damaged, cut off, or another kind of file)"
