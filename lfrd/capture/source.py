"""What a camera's settings stand for: the source that reads it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from lfrd.capture.base import Clock, Counts, Wanted
from lfrd.capture.browser import PhoneSource
from lfrd.capture.folder import FolderSource
from lfrd.capture.lines import Lines
from lfrd.capture.live import LiveSource
from lfrd.capture.origin import DeviceOrigin, RtspOrigin
from lfrd.capture.rate import Ceiling, Rate, Share, every
from lfrd.capture.recording import VideoSource
from lfrd.config import Camera, Placed, camera_password
from lfrd.errors import MissingError, SettingError
from lfrd.types import CameraId, Frame


class Source(Protocol):
    """A context manager that lives in one thread: entering it opens, iterating it gives frames, leaving it
    closes and wipes. Only `stop`, `relieve`, `wipe` and the attributes may be used from other threads.

    Entering and iterating raise SourceError, whose text never holds credentials.
    """

    live: bool
    """Whether silence is a fault; a recording may show one picture for minutes."""
    camera: CameraId
    counts: Counts
    resolution: tuple[int, int] | None
    """Width, height of the newest picture."""
    remark: str
    """One line about what a recording lacked; empty where it was whole."""
    newest_at: float | None
    """When the newest frame was decoded, wanted or not, by the source's clock (monotonic seconds)."""
    interval: float | None
    """Mean seconds between decoded frames, by that clock."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def __iter__(self) -> Iterator[Frame]: ...

    def stop(self) -> None:
        """Ask the iteration to end soon."""
        ...

    def relieve(self, on: bool) -> None:
        """Whether frames that no other frame is made from are left out before they are decoded."""
        ...

    def wipe(self) -> None:
        """Overwrite every idle buffer, and from now on each one that comes back."""
        ...


def make_source(
    camera: Camera,
    placed: Placed,
    *,
    rate: float | None = None,
    ceiling: Ceiling | None = None,
    place: float = 0.0,
    threads: int = 1,
    clock: Clock = time.monotonic,
    environment: Mapping[str, str] = os.environ,
    lines: Lines | None = None,
) -> Source:
    """The source for one [[cameras]] table, not opened yet.

    rate: frames a second that are copied at the most, None for all. ceiling: instead of it, of a camera that
    is live; place: this one's under it (`Share`). threads: of the decoder; 0 for one a core, which suits
    replay; many live cameras want 1 each. lines: where phones send their pictures. Raises
    SettingError where the password that the table names is not there, or nothing here has lines for a phone.
    """
    name = CameraId(camera.name)
    wanted: Wanted = every if rate is None else Rate(rate).due
    if ceiling is not None and camera.is_live:
        wanted = Share(ceiling, place).due
    if camera.is_network:
        origin = RtspOrigin(camera, camera_password(camera, placed, environment))
        return LiveSource(name, origin, wanted, threads=threads, clock=clock)
    if camera.is_device:
        return LiveSource(name, DeviceOrigin(camera), wanted, threads=threads, clock=clock)
    if camera.is_phone:
        if lines is None:
            raise SettingError(
                f'cameras["{name}"].source', "is a phone's, which only a running server reaches"
            )
        line = lines.line(name)
        return PhoneSource(name, line, wanted, open_seconds=camera.open_seconds, threads=threads, clock=clock)
    path = placed.path(camera.source)
    if path.is_dir():
        return FolderSource(
            name, path, wanted, fps=camera.fps or 1.0, loop=camera.loop, paced=camera.paced, clock=clock
        )
    return VideoSource(name, path, wanted, loop=camera.loop, paced=camera.paced, threads=threads, clock=clock)


def recording(
    path: Path, *, name: str = "", rate: float | None = None, threads: int = 0, fps: float = 1.0
) -> Source:
    """A video file or a folder of pictures, once and as fast as it goes: what `lfrd replay` reads.

    name: the camera's; the file's own where empty. fps: of a folder. Raises MissingError at once where
    nothing is at `path`.
    """
    if not path.exists():
        raise MissingError(f"{path}: no such file or folder")
    camera = CameraId(name or path.name)
    wanted: Wanted = every if rate is None else Rate(rate).due
    if path.is_dir():
        return FolderSource(camera, path, wanted, fps=fps)
    return VideoSource(camera, path, wanted, threads=threads)
