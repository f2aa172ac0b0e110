"""What a phone and the server say to one another over the WebSocket, as JSON objects with a `type`.

The server keeps one numbered log of events. A phone says in `hello` the last number that it has receipted; it
then gets every later event once, in order, and receipts each. It may hold `web.window` events unreceipted;
beyond that the server waits, and after `web.receipt_seconds` closes the socket with 1013 so that the phone
resumes. Pictures are not in messages: an event names them and the phone fetches them over HTTP.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

PROTOCOL = 1

ShortText = Annotated[str, Meta(max_length=500)]
Identifier = Annotated[str, Meta(min_length=1, max_length=64)]


# ---- from the phone -------------------------------------------------------------------------------------


class FromPhone(Struct, tag_field="type", forbid_unknown_fields=True, frozen=True):
    pass


class Hello(FromPhone, tag="hello", frozen=True):
    """First message. resume: the last event number receipted, 0 for all that is still kept."""

    protocol: int
    resume: Annotated[int, Meta(ge=0)] = 0


class OnPost(FromPhone, tag="on_post", frozen=True):
    """The officer stands ready: cameras may run."""


class OffPost(FromPhone, tag="off_post", frozen=True):
    pass


class Beat(FromPhone, tag="beat", frozen=True):
    """Sent every `heartbeat_seconds`; answered with a `beat`."""


class Receipt(FromPhone, tag="receipt", frozen=True):
    """All events up to and with `seq` have reached the phone and are shown."""

    seq: Annotated[int, Meta(ge=0)]


class Claim(FromPhone, tag="claim", frozen=True):
    """'I take this one.' The first claim wins; the others get an error with code `claimed`."""

    alert: Identifier


class Adjudicate(FromPhone, tag="adjudicate", frozen=True):
    """The officer's decision. A reason is asked for with 'not_viable' and 'insufficient'."""

    alert: Identifier
    decision: Literal["viable", "not_viable", "insufficient"]
    reason: ShortText = ""


PhoneMessage = Hello | OnPost | OffPost | Beat | Receipt | Claim | Adjudicate


# ---- to the phone ---------------------------------------------------------------------------------------


class ToPhone(Struct, tag_field="type", frozen=True):
    pass


class AlertView(Struct, frozen=True):
    """All that a phone shows of an alert. Times are Unix seconds; box is x, y, width, height in the frame."""

    id: str
    nominal: str
    score: float
    threshold: float
    camera: str
    seen_at: float
    """When the decisive frame was captured."""
    created_at: float
    """When the alert was stored."""
    quality: dict[str, float]
    """eye_distance (pixels), sharpness, yaw, pitch; of the shot that is shown."""
    probe: str
    """Address of the live picture, relative to the server."""
    candidate: str
    """Address of the watchlist's picture."""
    shots: int
    """How many pictures of the person agreed."""
    sightings: int = 0
    """How often the same person was seen again since."""
    last_camera: str = ""
    last_seen_at: float = 0.0
    claimed_by: str = ""
    """The officer's name; empty while nobody has claimed it."""
    decision: str = ""
    """'viable', 'not_viable', 'insufficient', or empty."""
    decided_by: str = ""
    reason: str = ""
    seconds: float = 0.0
    """From the alert's creation to the decision."""


class Event(ToPhone, tag="event", frozen=True):
    """One numbered event. `alert` is the alert's whole state after it."""

    seq: int
    what: Literal["alert", "sighting", "improved", "claimed", "adjudicated"]
    """improved: a better live picture of the same passage; `alert.probe` is another address then."""
    at: float
    alert: AlertView


class CameraView(Struct, frozen=True):
    name: str
    state: str
    """A CameraState."""
    problem: str = ""
    """One line, without addresses or credentials; empty while the camera is live."""
    lag: float | None = None
    """Seconds between a frame's capture and the end of its analysis; None while not live."""


class State(ToPhone, tag="state", frozen=True):
    """Sent after `welcome` and whenever it changes. Not numbered: only the newest counts."""

    on_post: bool
    """Whether this officer is on post."""
    officers: list[str]
    """Names of the officers on post."""
    cameras: list[CameraView]
    protected: bool
    """True while at least one officer is on post and at least one camera is live."""
    degraded: str = ""
    """Why the box does not keep up, in words; empty while it does."""
    faces_seen: int = 0
    """Tracks counted since the deployment began."""


class Welcome(ToPhone, tag="welcome", frozen=True):
    protocol: int
    site: str
    deployment: str
    officer: str
    latest: int
    """The newest event's number: the phone has caught up when it has receipted this one."""
    heartbeat_seconds: float
    now: float
    """The server's clock, Unix seconds: 'seconds since seen' is then right on a phone whose clock is not."""


class Pulse(ToPhone, tag="beat", frozen=True):
    now: float


class Refused(ToPhone, tag="error", frozen=True):
    """The last request was not carried out. code: claimed, adjudicated, unknown_alert, reason_missing,
    not_on_post, bad_message, protocol."""

    code: str
    message: str
    alert: str = ""


ServerMessage = Event | State | Welcome | Pulse | Refused

phone_decoder: msgspec.json.Decoder[PhoneMessage] = msgspec.json.Decoder(PhoneMessage)
server_decoder: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)
encode = msgspec.json.Encoder().encode

CLOSE_SLOW = 1013
"""The phone owes receipts: it resumes after its last one."""
CLOSE_REVOKED = 4001
"""The session is no longer valid: sign in again."""
CLOSE_REPLACED = 4002
"""The same officer's session has opened a newer connection."""
CLOSE_BAD_MESSAGE = 1008
