from __future__ import annotations

import threading
from pathlib import Path

from lfrd.capture.rate import every
from lfrd.capture.recording import VideoSource
from lfrd.capture.session import Session
from lfrd.capture.source import Source
from lfrd.types import CameraId, Frame
from tests.clips import write_clip

GATE = CameraId("gate")


def test_a_source_that_is_made_after_the_stop_is_never_opened(tmp_path: Path) -> None:
    class Guarded(VideoSource):
        opened = False

        def open(self) -> None:
            self.opened = True
            super().open()

    source = Guarded(GATE, write_clip(tmp_path / "clip.mp4"), every)
    may_make = threading.Event()

    def make() -> Source:
        may_make.wait()
        return source

    session = Session(GATE, make, Frame.release, lambda: None, lambda: 0.0)
    session.stop()
    may_make.set()
    session.join()
    assert session.ended
    assert not source.opened, "nobody is on post"


def test_a_session_plays_a_recording_to_its_end_and_tells_of_each_step(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", range(5))
    frames: list[int] = []
    news = 0

    def deliver(frame: Frame) -> None:
        frames.append(frame.sequence)
        frame.release()

    def tell() -> None:
        nonlocal news
        news += 1

    session = Session(GATE, lambda: VideoSource(GATE, clip, every), deliver, tell, lambda: 7.0, 100)
    session.join()
    assert frames == [100, 101, 102, 103, 104]
    assert news == 3, "opened, first frame, end"
    assert (session.opened_at, session.first_at, session.ended) == (7.0, 7.0, True)
    assert session.began_at == 0.0, "its first frame's own time"
    assert session.error is None
    assert session.bug is None


def test_what_is_wrong_is_kept_without_the_locals_of_the_thread(tmp_path: Path) -> None:
    session = Session(
        GATE,
        lambda: VideoSource(GATE, tmp_path / "none.mp4", every),
        Frame.release,
        lambda: None,
        lambda: 0.0,
    )
    session.join()
    assert "no such file" in str(session.error)
    assert session.error is not None
    assert session.error.__traceback__ is None
