"""What each camera did, as the audit is told it: differences since the last telling, time live or down."""

from __future__ import annotations

from dataclasses import dataclass

from lfrd.audit.kinds import AnyBody, CameraBack, CameraFailed, Counted


@dataclass(frozen=True, slots=True)
class Reading:
    """One camera at one moment. frames, analysed, faces_seen: totals since it was made. problem: one line,
    empty while nothing is wrong with it."""

    camera: str
    live: bool
    frames: int
    analysed: int
    faces_seen: int
    problem: str = ""
    resting: bool = False
    """Neither live nor down: a recording that has been played to its end."""


@dataclass(slots=True)
class _Account:
    """One camera's: totals as they were told, and seconds that have not been told yet."""

    frames: int = 0
    analysed: int = 0
    faces_seen: int = 0
    live: float = 0.0
    down: float = 0.0
    failed: bool = False


class Accounts:
    """Fed every second or so with all cameras of a segment; `take` gives the records and begins anew.

    Time between two readings is counted by what the camera was at the later one. wanted: whether cameras
    should run; while they should not, a camera that is off is neither live nor down.
    """

    def __init__(self, deployment: str, segment: int, at: float) -> None:
        """at: monotonic seconds, of the same clock as all that follow."""
        self._deployment = deployment
        self._segment = segment
        self._at = at
        self._accounts: dict[str, _Account] = {}  # by camera
        self._readings: dict[str, Reading] = {}  # the newest of each

    def note(self, readings: list[Reading], at: float, *, wanted: bool) -> list[AnyBody]:
        """What is to be recorded at once: cameras that have failed, or are back."""
        passed, self._at = max(0.0, at - self._at), max(at, self._at)
        news: list[AnyBody] = []
        for reading in readings:
            account = self._accounts.setdefault(reading.camera, _Account())
            self._readings[reading.camera] = reading
            if not wanted or reading.resting:
                continue
            if reading.live:
                account.live += passed
            else:
                account.down += passed
            if reading.problem and not account.failed:
                account.failed = True
                news.append(CameraFailed(self._deployment, reading.camera, reading.problem))
            elif reading.live and account.failed:
                account.failed = False
                news.append(CameraBack(self._deployment, reading.camera))
        return news

    def take(self) -> list[Counted]:
        """What has not been told yet, one record a camera that did or missed anything."""
        told = []
        for camera, reading in self._readings.items():
            account = self._accounts[camera]
            record = Counted(
                deployment=self._deployment,
                segment=self._segment,
                camera=camera,
                frames=reading.frames - account.frames,
                analysed=reading.analysed - account.analysed,
                faces_seen=reading.faces_seen - account.faces_seen,
                live=round(account.live, 3),
                down=round(account.down, 3),
            )
            if record.frames or record.live or record.down or record.faces_seen:
                told.append(record)
            account.frames, account.analysed = reading.frames, reading.analysed
            account.faces_seen = reading.faces_seen
            account.live = account.down = 0.0
        return told
