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
from lfrd.capture.turnover import Turnover


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
    packets: Iterable[Packet[VideoStream]],
    counts: Counts,
    stopped: Callable[[], bool],
    relieved: Callable[[], bool],
) -> Iterator[VideoFrame]:
    """The frames that decode; what does not is counted. Holds on to those that `Turnover` asks for.

    relieved: whether pictures that no other is made from are to be left out (H.264's non-reference pictures,
    B frames as a rule). FFmpeg leaves them out before it decodes anything of them, and whatever comes after
    is the same with and without, so that this may change at any packet. How many they are is exact with one
    thread; with several, those that are at work when the stream begins or ends may go uncounted.

    Takes packets and not the container, whose name is an address with credentials, so that no frame of a
    traceback can show it. Raises av.FFmpegError where packets cannot be read.
    """
    sparing = begun = False
    turnover = Turnover()
    for packet in packets:
        if stopped():
            return
        if relieved() is not sparing:
            sparing = not sparing
            packet.stream.codec_context.skip_frame = "NONREF" if sparing else "DEFAULT"
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
        # Before its first frame a decoder gives nothing because it waits, for a key frame or for the frames
        # that are shown earlier.
        begun = begun or bool(frames)
        if sparing and begun and not frames and packet.size:
            counts.spared += 1
            turnover.spared()
        frames.reverse()
        while frames:
            if frames[-1].is_corrupt:
                counts.corrupt += 1
                frames.pop()
                continue
            yield turnover.passed(frames.pop())
