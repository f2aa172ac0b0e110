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

from lfrd.types import ArrestClass, Decision, Outcome

PROTOCOL = 2

ShortText = Annotated[str, Meta(max_length=500)]
Identifier = Annotated[str, Meta(min_length=1, max_length=64)]


# ---- from the phone -------------------------------------------------------------------------------------


class FromPhone(Struct, tag_field="type", forbid_unknown_fields=True, frozen=True):
    pass


class Hello(FromPhone, tag="hello", frozen=True):
    """First message. resume: the last event number receipted, 0 for all that is still kept. proof: that the
    device holds the session's key (web.proof, method WS, path /ws); empty for a session without one."""

    protocol: int
    resume: Annotated[int, Meta(ge=0)] = 0
    proof: ShortText = ""


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


class Release(FromPhone, tag="release", frozen=True):
    """'I cannot take it after all': before the adjudication only."""

    alert: Identifier


class Adjudicate(FromPhone, tag="adjudicate", frozen=True):
    """The officer's decision. A reason is asked for with 'not_viable' and 'insufficient'."""

    alert: Identifier
    decision: Decision
    reason: ShortText = ""


class Withdraw(FromPhone, tag="withdraw", frozen=True):
    """The officer takes their adjudication back, with a reason; before an engagement only. A new record."""

    alert: Identifier
    reason: Annotated[str, Meta(min_length=1, max_length=500)]


class Engage(FromPhone, tag="engage", frozen=True):
    """'I speak to the person.' Only after the adjudication says viable, and before the alert expires."""

    alert: Identifier


class Code(FromPhone, tag="outcome", frozen=True):
    """The outcome. arrest_class goes with 'arrest' and with nothing else. correction: the reason for coding
    an alert again; needed then, and empty the first time."""

    alert: Identifier
    outcome: Outcome
    arrest_class: ArrestClass | Literal[""] = ""
    correction: ShortText = ""


class CloseAlert(FromPhone, tag="close", frozen=True):
    """Put the alert away. Only with an outcome."""

    alert: Identifier


PhoneMessage = (
    Hello
    | OnPost
    | OffPost
    | Beat
    | Receipt
    | Claim
    | Release
    | Adjudicate
    | Withdraw
    | Engage
    | Code
    | CloseAlert
)
AlertRequest = Claim | Release | Adjudicate | Withdraw | Engage | Code | CloseAlert
"""Requests about one alert: only for an officer on post."""


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
    deployment: str = ""
    """The deployment's name."""
    name: str = ""
    """The sought person's name, where the watchlist gives one."""
    category: str = ""
    instruction: str = ""
    """What the watchlist says to do on an alert."""
    image_date: str = ""
    """The day on which the candidate's picture was taken, YYYY-MM-DD."""
    blue: bool = False
    """A volunteer of the blue list: nobody is to be engaged."""
    expires_at: float = 0.0
    """When nobody may engage any more; moves on with each sighting."""
    expired: bool = False
    escalated: bool = False
    """Nobody claimed it in time."""
    sightings: int = 0
    """How often the same person was seen again since."""
    last_camera: str = ""
    last_seen_at: float = 0.0
    claimed_by: str = ""
    """The officer's name; empty while nobody has claimed it."""
    decision: str = ""
    """'viable', 'not_viable', 'insufficient', or empty. With a second reviewer it stays empty until both have
    decided: the second is blind to the first."""
    decided_by: str = ""
    reason: str = ""
    seconds: float = 0.0
    """From the alert's creation to the decision."""
    reviews: int = 0
    """How many have adjudicated."""
    reviews_needed: int = 1
    engaged_by: str = ""
    engaged_at: float = 0.0
    outcome: str = ""
    arrest_class: str = ""
    outcome_by: str = ""
    closed: bool = False


What = Literal[
    "alert",
    "sighting",
    "improved",
    "claimed",
    "released",
    "reviewed",
    "adjudicated",
    "withdrawn",
    "escalated",
    "expired",
    "engaged",
    "outcome",
    "closed",
    "erased",
]
"""improved: a better live picture of the same passage; `alert.probe` is another address then. reviewed: the
first of two reviewers has decided. erased: the alert has been deleted; `alert` carries its id and nothing
else, and a phone forgets all that it has of it."""


class Event(ToPhone, tag="event", frozen=True):
    """One numbered event. `alert` is the alert's whole state after it."""

    seq: int
    what: What
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


class FalseAlertsView(Struct, frozen=True):
    """What the model pack's card lets expect at this list: of the faces of people on no list, one in `one_in`
    raises a false alert. bound: 'over' where more do, 'under' where fewer do, or empty. extrapolated: no
    measurement reaches that far. of_tracks: people walking by were measured, not single pictures."""

    one_in: int
    bound: Literal["", "over", "under"]
    extrapolated: bool
    of_tracks: bool


class DeploymentView(Struct, frozen=True):
    """The deployment that is open. stage: a Stage. why: in words, where it is paused or suspended."""

    id: str
    name: str
    place: str
    stage: str
    why: str
    ends_at: float
    threshold: float
    n: int
    false_alerts: FalseAlertsView | None = None
    """None where the card cannot say."""


class BlueView(Struct, frozen=True):
    """The blue list's live trial: so many passages found, of so many that count, with the interval low..high
    of the rate. walking: how many are being tried now. version: another number where any of it, or a word on
    a passage, is another: then it is time to ask anew (`/api/passages`)."""

    found: int
    passages: int
    low: float
    high: float
    walking: int
    version: int


class State(ToPhone, tag="state", frozen=True):
    """Sent after `welcome` and whenever it changes. Not numbered: only the newest counts."""

    on_post: bool
    """Whether this officer is on post."""
    officers: list[str]
    """Names of the officers on post."""
    cameras: list[CameraView]
    protected: bool
    """True while a deployment is active, at least one officer is on post and at least one camera is live."""
    deployment: DeploymentView | None = None
    """None while no deployment is open."""
    unreachable: list[str] = []
    """Officers on post whose phones have missed two heartbeats."""
    degraded: str = ""
    """Why the box does not keep up, in words; empty while it does."""
    faces_seen: int = 0
    """Tracks counted since the deployment began."""
    blue: BlueView | None = None
    """None while no volunteer of the blue list is looked for."""


class Welcome(ToPhone, tag="welcome", frozen=True):
    protocol: int
    site: str
    officer: str
    role: str
    latest: int
    """The newest event's number: the phone has caught up when it has receipted this one."""
    heartbeat_seconds: float
    now: float
    """The server's clock, Unix seconds: 'seconds since seen' is then right on a phone whose clock is not."""


class Pulse(ToPhone, tag="beat", frozen=True):
    now: float


class Refused(ToPhone, tag="error", frozen=True):
    """The last request was not carried out. code: claimed, adjudicated, unknown_alert, reason_missing,
    not_on_post, role, proof, bad_message, protocol, expired, not_viable, not_adjudicated, engaged,
    same_reviewer, unnamed, blue, arrest_class, correction_missing, outcome_missing, closed, not_claimed,
    not_engaged."""

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
CLOSE_PROOF = 4003
"""The device's proof is missing or not good: take the time of the HTTP answers, and prove again."""
CLOSE_BAD_MESSAGE = 1008
