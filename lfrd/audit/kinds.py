"""What the audit records: one struct for each kind of record, without biometrics and without sought persons.

A record is kept for good, so it names deployments, alerts, cameras, segments and officers by their ids and
never a nominal: who was sought stands in the manifest, and who was seen where is deleted with the alert.
Every figure that is published is computed from these records alone (`audit.figures`).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from lfrd.audit.body import Body as Body
from lfrd.audit.kinds_blue import BluePassage as BluePassage
from lfrd.audit.kinds_blue import BlueWalk as BlueWalk
from lfrd.audit.kinds_blue import Why as Why
from lfrd.audit.kinds_live import (
    AuthorityMade as AuthorityMade,
)
from lfrd.audit.kinds_live import (
    CameraBack as CameraBack,
)
from lfrd.audit.kinds_live import (
    CameraFailed as CameraFailed,
)
from lfrd.audit.kinds_live import (
    CameraLent as CameraLent,
)
from lfrd.audit.kinds_live import (
    CameraReturned as CameraReturned,
)
from lfrd.audit.kinds_live import (
    CertificateMade as CertificateMade,
)
from lfrd.audit.kinds_live import (
    Counted as Counted,
)
from lfrd.audit.kinds_live import (
    PreviewLeft as PreviewLeft,
)
from lfrd.audit.kinds_live import (
    PreviewWatched as PreviewWatched,
)
from lfrd.audit.kinds_live import (
    StillViewed as StillViewed,
)
from lfrd.audit.kinds_live import (
    WakeUpsOff as WakeUpsOff,
)
from lfrd.audit.kinds_live import (
    WakeUpsOn as WakeUpsOn,
)
from lfrd.types import ArrestClass, Decision, Outcome

# ---- the box and its people ----------------------------------------------------------------------------


class ChainBegan(Body, tag="chain_began", frozen=True):
    """The first record. public_key: Ed25519, hexadecimal: what checkpoints are signed with."""

    site: str
    version: str
    public_key: str


class ServerStarted(Body, tag="server_started", frozen=True):
    version: str
    hardening: dict[str, bool] = msgspec.field(default_factory=dict)


class ServerStopped(Body, tag="server_stopped", frozen=True):
    pass


class ClockSetBack(Body, tag="clock_set_back", frozen=True):
    seconds: float


class KeyRotated(Body, tag="key_rotated", frozen=True):
    """From the next record on, checkpoints are signed with this key; the old one signs this record's own."""

    public_key: str


class UserAdded(Body, tag="user_added", frozen=True):
    user: str
    name: str
    role: str
    rank: str = ""


class UserChanged(Body, tag="user_changed", frozen=True):
    """change: 'password_set', 'passkey_added', 'passkey_removed', 'disabled', 'enabled', 'unlocked'."""

    user: str
    change: str


class Invited(Body, tag="invited", frozen=True):
    name: str
    role: str
    hours: float


class SignedIn(Body, tag="signed_in", frozen=True):
    """method: 'invitation', 'password', 'passkey'. bound: whether the session is tied to a device's key."""

    user: str
    session: str
    method: str
    bound: bool


class SignInFailed(Body, tag="sign_in_failed", frozen=True):
    """user: empty where nobody has that name. reason: 'password', 'locked', 'passkey', 'disabled'."""

    user: str
    reason: str


class SessionEnded(Body, tag="session_ended", frozen=True):
    """why: 'left', 'revoked', 'expired', 'disabled'."""

    user: str
    session: str
    why: str


class Refused(Body, tag="refused", frozen=True):
    """What a role does not allow was asked for, or a device's proof was not good. path: the route's pattern
    or the message's kind, never its values."""

    path: str
    code: str


# ---- a deployment's life -------------------------------------------------------------------------------


class Drafted(Body, tag="drafted", frozen=True):
    """plan: policy.plan.Plan as plain values."""

    deployment: str
    plan: dict[str, Any]


class PlanChanged(Body, tag="plan_changed", frozen=True):
    deployment: str
    plan: dict[str, Any]


class Authorised(Body, tag="authorised", frozen=True):
    """kind: 'start', 'resume' (after a suspension), 'extend', 'amend'."""

    deployment: str
    kind: str
    name: str
    rank: str
    reason: str
    plan: dict[str, Any]


class MadeReady(Body, tag="made_ready", frozen=True):
    deployment: str


class Started(Body, tag="started", frozen=True):
    deployment: str


class SegmentBegan(Body, tag="segment_began", frozen=True):
    """Frozen terms. Statistics from here to the next segment stand apart."""

    deployment: str
    segment: int
    threshold: float
    pack: str
    model: str
    n: int
    composition: dict[str, int]
    """Listed entries by category; blue-list entries apart, under 'blue list'."""
    settings: dict[str, Any]
    cameras: list[dict[str, Any]]
    authorised_by: str
    reason: str = ""


class Paused(Body, tag="paused", frozen=True):
    """reason: 'no_officer' or 'degraded'; detail in words."""

    deployment: str
    reason: str
    detail: str = ""


class Resumed(Body, tag="resumed", frozen=True):
    deployment: str


class Suspended(Body, tag="suspended", frozen=True):
    """reason: 'false_alert_rate', 'blue_tpir' or 'ordered'; detail in words."""

    deployment: str
    reason: str
    detail: str = ""


class Closed(Body, tag="closed", frozen=True):
    """reason: 'ended' (its time was up) or 'ordered'."""

    deployment: str
    reason: str


class Revoked(Body, tag="revoked", frozen=True):
    deployment: str
    reason: str


class MemoryWiped(Body, tag="memory_wiped", frozen=True):
    """The server has overwritten the templates and what it held of faces."""

    deployment: str


class Destroyed(Body, tag="destroyed", frozen=True):
    """scope: 'watchlist', or 'all' with alerts. receipt: the signed receipt's id."""

    deployment: str
    scope: str
    entries: int
    pictures: int
    alerts: int
    receipt: str


# ---- watchlists ----------------------------------------------------------------------------------------


class ListImported(Body, tag="list_imported", frozen=True):
    """reasons: refused entries and pictures by stable code. carried: approvals that the list before had for
    the same facts and pictures, and that stand."""

    deployment: str
    source: str
    listed: int
    waiting: int
    refused: int
    reasons: dict[str, int]
    pairs: int
    digest: str
    carried: int = 0


class ImportDiscarded(Body, tag="import_discarded", frozen=True):
    deployment: str


class EntryApproved(Body, tag="entry_approved", frozen=True):
    """entry: the row's number, which says nothing of the person. need: 'under_18' and so on."""

    deployment: str
    entry: int
    need: str
    reason: str


class ListExported(Body, tag="list_exported", frozen=True):
    deployment: str
    entries: int
    recipient: str


class ListAsked(Body, tag="list_asked", frozen=True):
    """Somebody asked whether a reference was on a list. found: on how many lists."""

    found: int


class ListViewed(Body, tag="list_viewed", frozen=True):
    """Entries of the list were shown. part: 'entries', 'pairs' or 'volunteers'."""

    deployment: str
    part: str


# ---- cameras and alerts --------------------------------------------------------------------------------


class AlertRaised(Body, tag="alert_raised", frozen=True):
    """reviews_needed: how many officers must have decided before there is a decision, 1 or 2."""

    deployment: str
    segment: int
    alert: str
    camera: str
    category: str
    blue: bool
    score: float
    threshold: float
    reviews_needed: int = 1


class AlertSighted(Body, tag="alert_sighted", frozen=True):
    deployment: str
    alert: str
    camera: str


class AlertImproved(Body, tag="alert_improved", frozen=True):
    deployment: str
    alert: str
    version: int


class AlertClaimed(Body, tag="alert_claimed", frozen=True):
    deployment: str
    alert: str


class AlertReleased(Body, tag="alert_released", frozen=True):
    deployment: str
    alert: str


class AlertAdjudicated(Body, tag="alert_adjudicated", frozen=True):
    """review: 1 for the first reviewer, 2 for the second, blind one. seconds: since the alert."""

    deployment: str
    alert: str
    decision: Decision
    review: int
    seconds: float


class AdjudicationWithdrawn(Body, tag="adjudication_withdrawn", frozen=True):
    deployment: str
    alert: str
    review: int


class AlertEscalated(Body, tag="alert_escalated", frozen=True):
    deployment: str
    alert: str


class AlertExpired(Body, tag="alert_expired", frozen=True):
    deployment: str
    alert: str


class Engaged(Body, tag="engaged", frozen=True):
    deployment: str
    alert: str


class OutcomeCoded(Body, tag="outcome_coded", frozen=True):
    """The newest one of an alert counts. correction: whether it corrects an earlier one."""

    deployment: str
    alert: str
    outcome: Outcome
    arrest_class: ArrestClass | str = ""
    correction: bool = False


class AlertClosed(Body, tag="alert_closed", frozen=True):
    deployment: str
    alert: str


# ---- access, export, deletion --------------------------------------------------------------------------


class PictureViewed(Body, tag="picture_viewed", frozen=True):
    """kind: 'probe', 'candidate' or 'entry'. subject: the alert's id or the entry's number."""

    deployment: str
    kind: str
    subject: str


class AuditViewed(Body, tag="audit_viewed", frozen=True):
    """Records of the audit were shown."""


class RecordViewed(Body, tag="record_viewed", frozen=True):
    deployment: str


class Exported(Body, tag="exported", frozen=True):
    """kind: 'audit', 'record', 'notice', 'manifest'."""

    kind: str
    deployment: str = ""


class HoldPlaced(Body, tag="hold_placed", frozen=True):
    alert: str
    reason: str


class HoldLifted(Body, tag="hold_lifted", frozen=True):
    alert: str
    reason: str


class Deleted(Body, tag="deleted", frozen=True):
    """rule: the name of the retention rule. rows: how many, by table. receipt: the signed receipt's id."""

    rule: str
    rows: dict[str, int]
    receipt: str
    deployment: str = ""


AboutSite: TypeAlias = ChainBegan | ServerStarted | ServerStopped | ClockSetBack | KeyRotated
AboutPeople: TypeAlias = UserAdded | UserChanged | Invited | SignedIn | SignInFailed | SessionEnded | Refused
AboutPlan: TypeAlias = Drafted | PlanChanged | Authorised | MadeReady | Started | SegmentBegan
AboutRun: TypeAlias = Paused | Resumed | Suspended | Closed | Revoked | MemoryWiped | Destroyed
AboutList: TypeAlias = ListImported | ImportDiscarded | EntryApproved | ListExported | ListAsked | ListViewed
AboutCameras: TypeAlias = Counted | CameraFailed | CameraBack | StillViewed
AboutSeen: TypeAlias = AlertRaised | AlertSighted | AlertImproved | AlertEscalated | AlertExpired
AboutReview: TypeAlias = AlertClaimed | AlertReleased | AlertAdjudicated | AdjudicationWithdrawn
AboutStreet: TypeAlias = Engaged | OutcomeCoded | AlertClosed | BlueWalk | BluePassage
AboutAccess: TypeAlias = PictureViewed | AuditViewed | RecordViewed | Exported
AboutKept: TypeAlias = HoldPlaced | HoldLifted | Deleted
AboutAlerts: TypeAlias = AboutSeen | AboutReview | AboutStreet
AboutDeployments: TypeAlias = AboutPlan | AboutRun | AboutList | AboutCameras
AboutLive: TypeAlias = PreviewWatched | PreviewLeft | CameraLent | CameraReturned | WakeUpsOn | WakeUpsOff
AboutTls: TypeAlias = AuthorityMade | CertificateMade
AboutBox: TypeAlias = AboutSite | AboutTls | AboutPeople | AboutLive
AnyBody: TypeAlias = AboutBox | AboutDeployments | AboutAlerts | AboutAccess | AboutKept

_decoder: msgspec.json.Decoder[AnyBody] = msgspec.json.Decoder(AnyBody)


def decode(body: str | bytes) -> AnyBody:
    """A record's body. Raises msgspec.DecodeError where it is of no kind that this lfrd knows."""
    return _decoder.decode(body)
