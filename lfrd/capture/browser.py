"""A phone or a laptop as a camera: coded pictures from its browser, decoded while the camera is open."""

from __future__ import annotations

import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Final

import av
from av.codec.context import Flags
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from lfrd.capture.base import Clock, SourceBase, Wanted
from lfrd.capture.lines import Coded, Gone, Line
from lfrd.capture.pixels import Pixels, SizeError
from lfrd.errors import SourceError
from lfrd.types import CameraId, Frame

NOBODY = "no phone sends its picture: open /camera on one, sign in as an engineer and press Start"
STOP_SECONDS = 0.5
"""How often a thread that waits for a picture looks whether it should stop; `stop` wakes it as well."""
SILENT_SECONDS: Final = 1.0
"""After which nothing is kept of a phone's last picture: somebody on no list may be in it, whose track ends
by then. A phone that goes on begins with a picture that stands by itself."""
DECODERS: Final = {"H264": "h264", "VP8": "vp8"}
"""FFmpeg's own. For VP8 there is libvpx too, which takes longer for the same: docs/phone-camera.md."""
STAMPS = Fraction(1, 90_000)


class PhoneSource(SourceBase):
    """Opened, a phone may send; closed, it is hung up on. `captured_at` is `clock` (monotonic) when the coded
    picture was whole at the box, so that what it waited for the decoder counts as lag."""

    live = True

    def __init__(
        self,
        camera: CameraId,
        line: Line,
        wanted: Wanted,
        *,
        open_seconds: float,
        threads: int = 1,
        clock: Clock = time.monotonic,
    ) -> None:
        """open_seconds: the longest wait for a phone. threads: of the decoder; 0 for one a core."""
        super().__init__(camera, wanted, clock)
        self._line = line
        self._open_seconds = open_seconds
        self._threads = threads
        self._pixels = Pixels(self.pool)
        self._decoder: VideoCodecContext | None = None
        self._codec = ""  # what the decoder is for

    def open(self) -> None:
        if not self._line.open(self):
            raise SourceError(self.camera, "its line is held by another reader that has not closed yet")
        if self._stopping.is_set():  # between `stop` and here: it would not be called again
            self._line.shut(self)
        if not self._line.arrived(self, self._open_seconds) and not self._stopping.is_set():
            raise SourceError(self.camera, NOBODY)

    def __iter__(self) -> Iterator[Frame]:
        problem = ""
        heard_at = self._clock()
        try:
            while not self._stopping.is_set():
                coded = self._line.take(self, STOP_SECONDS)
                if coded is None:
                    self._forget(silent=self._clock() - heard_at)
                    continue
                at, heard_at = coded.at, self._clock()
                frames = self._decoded(coded)
                del coded
                while frames:
                    raw = frames.pop(0)
                    self._line.note(self, raw.width, raw.height, self._clock() - at)
                    frame = self._frame(at, self._pixels.picture(raw)) if self._wants(at) else None
                    del raw
                    if frame is not None:
                        yield frame
        except SizeError as error:
            problem = str(error)
        except Gone as gone:
            problem = str(gone)
        if problem and not self._stopping.is_set():
            raise SourceError(self.camera, problem)

    def stop(self) -> None:
        """The phone is hung up on at once, whatever the thread is doing."""
        super().stop()
        self._line.shut(self)

    def _release(self) -> None:
        self._line.shut(self)
        self._decoder = None

    def _forget(self, *, silent: float) -> None:
        """silent: seconds without a picture. The decoder keeps the last ones, to predict the next from."""
        long = silent >= SILENT_SECONDS
        if long:
            self._decoder = None
        self._line.forget(self, all_before=long)

    def _decoded(self, coded: Coded) -> list[VideoFrame]:
        """The frames of one coded picture: one as a rule, none where it is damaged."""
        began = time.perf_counter()
        try:
            packet = Packet(coded.data)
            packet.pts, packet.time_base = coded.stamp, STAMPS
            frames = self._decoder_for(coded.codec).decode(packet)
        except av.FFmpegError:
            frames = []
            self._damaged()
        finally:
            self.counts.decode_seconds += time.perf_counter() - began
        whole = [frame for frame in frames if not frame.is_corrupt]
        if len(whole) < len(frames):
            self._damaged()
        return whole

    def _damaged(self) -> None:
        self.counts.corrupt += 1
        self._line.damaged(self)

    def _decoder_for(self, codec: str) -> VideoCodecContext:
        if self._decoder is None or self._codec != codec:
            decoder = VideoCodecContext.create(DECODERS[codec], "r")
            assert isinstance(decoder, VideoCodecContext)
            decoder.thread_count = self._threads
            decoder.thread_type = "SLICE" if self._threads == 1 else "AUTO"
            decoder.flags |= Flags.low_delay
            self._decoder, self._codec = decoder, codec
        return self._decoder
