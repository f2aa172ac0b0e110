"""What the audit records of cameras and live pictures, of phones that send them or are woken, and of TLS."""

from __future__ import annotations

from lfrd.audit.body import Body


class Counted(Body, tag="counted", frozen=True):
    """What one camera did since the record before it, at most a minute. live: seconds that it was live while
    the deployment was active; down: seconds that it should have been and was not. faces_seen: tracks."""

    deployment: str
    segment: int
    camera: str
    frames: int
    analysed: int
    faces_seen: int
    live: float
    down: float


class StillViewed(Body, tag="still_viewed", frozen=True):
    """A camera's still for drawing zones, with faces blurred."""

    deployment: str
    camera: str


class CameraFailed(Body, tag="camera_failed", frozen=True):
    deployment: str
    camera: str
    problem: str


class CameraBack(Body, tag="camera_back", frozen=True):
    deployment: str
    camera: str


class PreviewWatched(Body, tag="preview_watched", frozen=True):
    """Somebody began to watch a camera's live picture, in which faces without an alert are blurred."""

    deployment: str
    camera: str


class PreviewLeft(Body, tag="preview_left", frozen=True):
    """And ended. seconds: how long it was watched."""

    deployment: str
    camera: str
    seconds: float


class CameraLent(Body, tag="camera_lent", frozen=True):
    """An engineer's phone or laptop began to send its picture as this camera."""

    camera: str


class CameraReturned(Body, tag="camera_returned", frozen=True):
    """And ended."""

    camera: str
    seconds: float


class WakeUpsOn(Body, tag="wake_ups_on", frozen=True):
    """A session's phone may be woken by a push message. name: the push service's host."""

    session: str
    name: str


class WakeUpsOff(Body, tag="wake_ups_off", frozen=True):
    """why: 'left', 'ended' (with its session) or 'gone' (the service no longer knows the phone)."""

    session: str
    why: str


class AuthorityMade(Body, tag="authority_made", frozen=True):
    """The site's own certificate authority. digest: SHA-256 of its certificate, hexadecimal."""

    digest: str


class CertificateMade(Body, tag="certificate_made", frozen=True):
    """A certificate for this box. digest: SHA-256, hexadecimal; until: Unix seconds; names: how many names
    and addresses it holds. why: 'first', 'renewed', 'names' or 'brought'."""

    digest: str
    until: float
    names: int
    why: str
