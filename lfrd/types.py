"""The words of lfrd: ids that cannot be mixed up, and the frozen values that pass between its rooms."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NewType, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lfrd.vision.picture import Picture

    U8 = NDArray[np.uint8]
    F32 = NDArray[np.float32]
    F64 = NDArray[np.float64]
else:  # these words are read in annotations alone: who asks for help does not wait for NumPy
    U8 = F32 = F64 = object

CameraId = NewType("CameraId", str)
"""A camera's name as the configuration spells it."""
TrackId = NewType("TrackId", int)
"""One face followed through one camera's view; never reused while the process lives."""
NominalId = NewType("NominalId", str)
"""The reference of a sought person on the watchlist."""
AlertId = NewType("AlertId", str)
OfficerId = NewType("OfficerId", str)
DeploymentId = NewType("DeploymentId", str)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the full-size frame; x, y is the top left corner. May reach past the frame."""

    x: float
    y: float
    width: float
    height: float

    @property
    def centre(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2

    @property
    def area(self) -> float:
        return self.width * self.height

    def grown(self, factor: float) -> Box:
        """The same centre, each side times `factor`."""
        cx, cy = self.centre
        w, h = self.width * factor, self.height * factor
        return Box(cx - w / 2, cy - h / 2, w, h)


@dataclass(slots=True)
class Frame:
    """One decoded picture of one camera.

    `captured_at` is in seconds of the source's own clock: for a live camera the process's monotonic clock at
    the moment the frame left the decoder, for a recording its media time. `sequence` counts decoded frames
    from 0 and has gaps where frames were dropped. Whoever takes a frame from a `Latest` owns it and must
    `release()` it: that hands the picture's buffer back for the next frame to overwrite.
    """

    camera: CameraId
    sequence: int
    captured_at: float
    picture: Picture

    def release(self) -> None:
        self.picture.release()


@dataclass(frozen=True, slots=True)
class Detections:
    """What a detector found in one picture, as arrays with one row a face, in pixels of the full-size frame.

    boxes: float32 [n, 4], x, y, width, height. points: float32 [n, 5, 2], the eye, the other eye, nose tip,
    mouth corner, other mouth corner, left to right as seen in the picture. scores: float32 [n], 0..1,
    highest first.
    """

    boxes: F32
    points: F32
    scores: F32

    def __post_init__(self) -> None:
        n = len(self.scores)
        if self.boxes.shape != (n, 4) or self.points.shape != (n, 5, 2) or self.scores.shape != (n,):
            raise ValueError(
                f"detections disagree: boxes {self.boxes.shape}, points {self.points.shape}, "
                f"scores {self.scores.shape}"
            )

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def none(cls) -> Self:
        import numpy as np

        return cls(np.empty((0, 4), np.float32), np.empty((0, 5, 2), np.float32), np.empty(0, np.float32))

    def __getitem__(self, rows: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Detections:
        return Detections(self.boxes[rows], self.points[rows], self.scores[rows])


class Refusal(enum.StrEnum):
    """Why a face is not used as evidence. Stable codes: metrics, reports and enrolment quote them."""

    SMALL = "small"
    """Fewer pixels between the eyes than the camera's minimum."""
    BLURRED = "blurred"
    """Too little detail at aligned size."""
    POSE = "pose"
    """Turned or tilted too far from the camera."""
    DARK = "dark"
    BRIGHT = "bright"
    CUT = "cut"
    """Cut by the frame's edge."""


@dataclass(frozen=True, slots=True)
class Quality:
    """How fit one face is for recognition.

    eye_distance: pixels of the full-size frame between the eyes. sharpness: variance of the Laplacian of the
    grey face at aligned size (0 and up). yaw, pitch, roll: -1..1 each, 0 is frontal, measured from the five
    points (a proportion, not degrees). exposure: mean of the grey aligned face, 0..255. cut: the share of
    the face's box that lies outside the frame, 0..1. `refusal` is None where the face may be used.
    """

    eye_distance: float
    sharpness: float
    yaw: float
    pitch: float
    roll: float
    exposure: float
    cut: float
    refusal: Refusal | None = None

    @property
    def worth(self) -> float:
        """A rank for best shots, 0 and up: larger is better. Comparable within one camera only."""
        frontal = max(0.0, 1.0 - abs(self.yaw)) * max(0.0, 1.0 - 0.5 * abs(self.pitch))
        detail = min(1.0, self.sharpness / 60.0)  # usable faces lie between 6 and 100
        return min(self.eye_distance, 60.0) * frontal * (0.5 + 0.5 * detail)


@dataclass(frozen=True, slots=True)
class Candidate:
    """The watchlist's nearest nominal to a template. score: cosine similarity, -1..1."""

    nominal: NominalId
    score: float


@dataclass(slots=True)
class Face:
    """One detected face. points: float32 [5, 2] in pixels of the full-size frame, as in `Detections`.

    aligned: the face warped to the recogniser's size, BGR uint8 [size, size, 3]; None where quality refused
    it, and after it has been embedded and wiped.
    """

    box: Box
    points: F32
    score: float
    quality: Quality
    aligned: U8 | None

    def wipe(self) -> None:
        if self.aligned is not None:
            self.aligned.fill(0)
            self.aligned = None


class CameraState(enum.StrEnum):
    OFF = "off"
    """Nobody is on post: not opened, nothing decoded."""
    OPENING = "opening"
    LIVE = "live"
    STALLED = "stalled"
    """Open, but no frame for longer than `stall_seconds`."""
    RETRYING = "retrying"
    """Failed; waits before the next try."""
    ENDED = "ended"
    """A recording that has been played to its end."""


Decision = Literal["viable", "not_viable", "insufficient"]
"""An officer's adjudication of an alert."""

Outcome = Literal[
    "confirmed_true", "confirmed_false", "unconfirmed", "no_engagement", "arrest", "other_disposal"
]
"""What came of an alert, coded before it can be closed. An arrest is a confirmed true alert, with a class."""

ArrestClass = Literal["warrant", "offence", "breach", "other"]
"""Why somebody was arrested: wanted on a warrant, for an offence, for the breach of a condition."""


class Role(enum.StrEnum):
    """What a person may do here: one each, because the same hand must not authorise, operate and check."""

    AUTHORISING = "authorising"
    """Authorises deployments, amendments and special entries; edits no record."""
    OPERATOR = "operator"
    """Plans and runs a deployment at the desk; cannot authorise it."""
    ENGAGEMENT = "engagement"
    """Stands on post with a phone: gets alerts, adjudicates, engages, codes the outcome."""
    ENGINEER = "engineer"
    """Looks after cameras, models and accounts; sees no identities."""
    AUDITOR = "auditor"
    """Reads the audit, the manifest and the record; changes nothing."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, for the audit. role: None for the process itself and for the machine's console."""

    id: OfficerId
    name: str
    role: Role | None = None


SYSTEM = Actor(OfficerId("system"), "lfrd")
"""What the server does by itself: ends, sweeps, pauses."""
CONSOLE = Actor(OfficerId("console"), "the machine's console")
"""Whoever has the machine's command line, where nobody signs in."""


class Stage(enum.StrEnum):
    """Where a deployment is in its life."""

    DRAFT = "draft"
    AUTHORISED = "authorised"
    READY = "ready"
    ACTIVE = "active"
    PAUSED = "paused"
    """Open, and nobody is looked for: no officer on post, or degraded."""
    SUSPENDED = "suspended"
    """Stopped until an authorising officer authorises it again."""
    CLOSED = "closed"
    DESTROYED = "destroyed"

    @property
    def is_open(self) -> bool:
        """Whether the deployment has been started and has not ended."""
        return self in (Stage.ACTIVE, Stage.PAUSED, Stage.SUSPENDED)
