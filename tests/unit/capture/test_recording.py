from __future__ import annotations

import itertools
import socket
import struct
from pathlib import Path

import av
import numpy as np
import pytest

from lfrd.capture.base import Clock
from lfrd.capture.pace import Pace
from lfrd.capture.rate import Rate, every
from lfrd.capture.recording import VideoSource
from lfrd.capture.source import Source, make_source, recording
from lfrd.config import Camera, Config
from lfrd.errors import MissingError, SourceError
from lfrd.types import CameraId
from tests.clips import number_in, write_clip

FASTSTART = {"movflags": "faststart"}


def numbers(source: Source) -> list[int]:
    found = []
    with source:
        for frame in source:
            found.append(number_in(frame.picture.scaled(320, 240)))
            frame.release()
    return found


def times(source: Source, count: int) -> list[float]:
    with source:
        return [round(frame.captured_at, 6) for frame in itertools.islice(source, count)]


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("clip.mp4", "libx264", "yuv420p"),
        ("clip.mkv", "libx264", "yuv420p"),
        ("clip.avi", "mjpeg", "yuvj420p"),
        ("clip.gif", "gif", "rgb8"),
        ("clip.webm", "libvpx", "yuv420p"),
    ],
)
def test_every_frame_of_a_video_comes_once_and_in_order(
    tmp_path: Path, name: str, codec: str, pix_fmt: str
) -> None:
    clip = write_clip(tmp_path / name, range(20), codec=codec, pix_fmt=pix_fmt)
    source = recording(clip)
    assert numbers(source) == list(range(20))
    assert source.counts.decoded == 20
    assert source.counts.corrupt == source.counts.skipped == 0
    assert source.resolution == (320, 240)
    assert source.remark == ""


def test_a_recordings_frames_carry_media_time_and_their_number(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", range(5), stamps=(50, 51, 52, 60, 61))
    with recording(clip, name="high street") as source:
        frames = list(source)
    assert [round(frame.captured_at, 6) for frame in frames] == [0, 0.04, 0.08, 0.4, 0.44]
    assert [frame.sequence for frame in frames] == [0, 1, 2, 3, 4]
    assert {frame.camera for frame in frames} == {"high street"}


def test_media_time_goes_on_when_a_recording_loops(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", range(3))
    source = VideoSource(CameraId("c"), clip, every, loop=True)
    assert times(source, 7) == [0, 0.04, 0.08, 0.12, 0.16, 0.2, 0.24]


def test_frames_that_are_not_wanted_are_decoded_but_never_copied(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", range(50))
    source = recording(clip, rate=5)
    assert numbers(source) == list(range(0, 50, 5))
    assert (source.counts.decoded, source.counts.skipped) == (50, 40)


def test_a_paced_recording_waits_for_its_media_time_and_is_stamped_with_the_clock(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", range(4))
    now, waits = 1000.0, []

    def wait(seconds: float) -> bool:
        nonlocal now
        now += seconds
        waits.append(round(seconds, 6))
        return False

    clock: Clock = lambda: now  # noqa: E731
    source = VideoSource(CameraId("c"), clip, every, clock=clock, pace=Pace(clock, wait))
    assert times(source, 4) == [1000, 1000.04, 1000.08, 1000.12]
    assert waits == [0.04, 0.04, 0.04]


def test_a_paced_recording_that_runs_behind_says_when_its_frames_were_due(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", range(4))
    now = 1000.0

    def slow(at: float) -> bool:
        nonlocal now
        now += 0.1  # what comes after the decoder takes longer than a frame lasts
        return True

    clock: Clock = lambda: now  # noqa: E731
    source = VideoSource(CameraId("c"), clip, slow, clock=clock, pace=Pace(clock, lambda seconds: False))
    assert times(source, 4) == [1000, 1000.04, 1000.08, 1000.12]
    assert now == pytest.approx(1000.4)


def test_a_paced_recording_that_is_stopped_does_not_wait_on(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", range(2), stamps=(0, 25 * 50))
    source = VideoSource(CameraId("c"), clip, every, paced=True)
    with source:
        frames = iter(source)
        next(frames).release()
        source.stop()
        assert list(frames) == []


def test_a_change_of_resolution_in_the_middle_is_followed(tmp_path: Path) -> None:
    parts = [
        write_clip(tmp_path / f"{size[0]}.ts", range(first, first + 10), size=size)
        for first, size in ((0, (320, 240)), (10, (640, 480)))
    ]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    source = recording(joined)
    found, sizes = [], []
    with source:
        for frame in source:
            found.append((frame.captured_at, number_in(frame.picture.scaled(320, 240))))
            sizes.append(frame.picture.size)
            frame.release()
    assert [number for _, number in found] == list(range(20))
    assert [at for at, _ in found] == sorted(at for at, _ in found)
    assert sizes == [(320, 240)] * 10 + [(640, 480)] * 10
    assert source.resolution == (640, 480)


def test_a_recording_that_was_cut_off_gives_its_good_frames_and_says_so(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", range(60), muxer=FASTSTART)
    data = clip.read_bytes()
    clip.write_bytes(data[: len(data) * 7 // 10])
    source = recording(clip)
    good = numbers(source)
    assert 10 < len(good) < 60
    assert good == list(range(len(good)))
    assert source.counts.corrupt == 60 - len(good)
    assert source.remark == f"clip.mp4 is damaged: {len(good)} of 60 frames could be read"


def test_a_damaged_middle_costs_its_frames_only(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.avi", range(20), codec="mjpeg", pix_fmt="yuvj420p")
    data = bytearray(clip.read_bytes())
    start = data.index(b"\xff\xd8", len(data) // 2)
    data[start : start + 600] = bytes(600)
    clip.write_bytes(data)
    source = recording(clip)
    good = numbers(source)
    assert good[0] == 0
    assert good[-1] == 19
    assert source.counts.corrupt >= 1
    assert "clip.avi is damaged" in source.remark


def test_frames_larger_than_the_limit_are_refused_with_a_clear_line(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "wide.avi", [0], size=(8200, 64), codec="mjpeg", pix_fmt="yuvj420p")
    with pytest.raises(SourceError, match="8200 x 64 pixels; at most 8192 a side"), recording(clip):
        pass


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as out:
        track = out.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame(format="s16", layout="mono", samples=800)
        frame.sample_rate = 8000
        out.mux(track.encode(frame))
    with pytest.raises(SourceError, match="it has no video"), recording(path):
        pass


def broken(folder: Path, kind: str) -> tuple[Path, str]:
    path = folder / "clip.mp4"
    match kind:
        case "empty":
            path.write_bytes(b"")
            return path, "is empty"
        case "text":
            path.write_text("Minutes of the meeting\n" * 100)
            return path, "is not a video that can be read"
        case "cut off before its index":
            write_clip(path)
            data = path.read_bytes()  # how long it is depends on the encoder's threads, and so on the machine
            path.write_bytes(data[: data.index(b"moov") - 4])
            return path, "is not a video that can be read"
        case "cut off after its index":
            write_clip(path, muxer=FASTSTART)
            data = path.read_bytes()
            path.write_bytes(data[: data.index(b"mdat") + 4])
            return path, "no frame of it can be decoded"
        case _:
            return path, "no such file"


@pytest.mark.parametrize(
    "kind",
    [
        "missing",
        "empty",
        "text",
        "cut off before its index",
        "cut off after its index",
    ],
)
def test_a_file_that_is_no_video_is_one_clear_line(
    tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path, problem = broken(tmp_path, kind)
    source = VideoSource(CameraId("yard"), path, every)
    with pytest.raises(SourceError) as caught, source:
        list(source)
    assert str(caught.value).startswith(f"camera 'yard': {path}: {problem}")
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", ""), "FFmpeg's own lines must not show"


@pytest.mark.parametrize("name", ["list.m3u8", "stream.mp4"])
def test_a_playlist_that_calls_itself_a_video_does_not_reach_the_network(tmp_path: Path, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        path = tmp_path / name
        address = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{address}\n#EXT-X-ENDLIST\n")
        with pytest.raises(SourceError), recording(path) as source:
            list(source)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_bottom_up_video_comes_upright(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.avi", [0b101], codec="rawvideo", pix_fmt="bgr24")
    data = bytearray(clip.read_bytes())
    height = data.index(b"strf") + 16  # of BITMAPINFOHEADER: below zero for top down
    assert struct.unpack_from("<i", data, height) == (-240,)
    struct.pack_into("<i", data, height, 240)
    clip.write_bytes(data)
    with recording(clip) as source:
        (frame,) = source
        image = frame.picture.scaled(320, 240)
    assert number_in(np.ascontiguousarray(image[::-1])) == 0b101


def test_replay_learns_of_a_missing_file_before_it_starts(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no such file or folder"):
        recording(tmp_path / "nothing.mp4")


def test_a_cameras_relative_path_starts_at_the_configurations_folder(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", range(3))
    camera = Camera(name="gate", source="clip.mp4", paced=False)
    assert numbers(make_source(camera, Config().at(tmp_path))) == [0, 1, 2]


def test_pictures_are_overwritten_as_they_are_given_back_before_and_after_the_source_is_closed(
    tmp_path: Path,
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", range(3))
    source = VideoSource(CameraId("c"), clip, every)
    with source:
        first, second, _ = source
        buffers = [frame.picture._pixels for frame in (first, second)]
        first.release()
        assert not buffers[0].any(), "an idle buffer of a source that runs"
    second.release()
    assert not buffers[1].any(), "a buffer that came back later"


def test_the_shared_clip_gives_its_275_frames(shared: Path) -> None:
    source = recording(shared / "video" / "stage.mp4")
    with source:
        last = 0.0
        for frame in source:
            last = frame.captured_at
            frame.release()
    assert source.counts.decoded == 275
    assert last == pytest.approx(274 / 29.97, abs=0.01)


def test_the_rate_of_analysis_gives_the_same_frames_each_time(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", range(60), rate=30)
    runs = [numbers(VideoSource(CameraId("c"), clip, Rate(8).due, threads=n)) for n in (1, 0)]
    assert runs[0] == runs[1]
    assert len(runs[0]) == 16
