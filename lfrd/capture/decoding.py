"""Packets into frames: one video track of an opened container, damaged parts skipped and counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from lfrd.capture.base import Counts
from lfrd.capture.pixels import SizeError, check_size


def video_track(container: InputContainer, threads: int) -> VideoStream:
    """The container's first video track, set to decode in `threads` threads; 0 for one a core.

    Several threads cost latency as they work on as many frames at once: not for live cameras. Raises
    SizeError with a text for people, also where there is no track.
    """
    track = next(iter(container.streams.video), None)
    if track is None:
        raise SizeError("it has no video")
    if track.codec_context is None:
        raise SizeError("its video is coded in a way that this installation cannot decode")
    track.thread_count = threads
    track.thread_type = "SLICE" if threads == 1 else "AUTO"
    if track.width and track.height:
        check_size(track.width, track.height)
    return track


def decoded(
    packets: Iterable[Packet[VideoStream]], counts: Counts, stopped: Callable[[], bool]
) -> Iterator[VideoFrame]:
    """The frames that decode; what does not is counted. Holds on to no frame that it has handed over.

    Takes packets and not the container, whose name is an address with credentials, so that no frame of a
    traceback can show it. Raises av.FFmpegError where packets cannot be read.
    """
    for packet in packets:
        if stopped():
            return
        began = time.perf_counter()
        try:
            frames = packet.decode()
        except av.error.EOFError:
            return
        except av.FFmpegError:
            counts.corrupt += 1
            continue
        finally:
            counts.decode_seconds += time.perf_counter() - began
        frames.reverse()
        while frames:
            if frames[-1].is_corrupt:
                counts.corrupt += 1
                frames.pop()
                continue
            yield frames.pop()
