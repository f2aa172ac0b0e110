"""What a deployment is planned and authorised to be: every field that the authorisation must name."""

from __future__ import annotations

import math
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

Share = Annotated[float, Meta(ge=0, le=1)]
"""A coordinate as a share of the picture's width or height, from the top left corner."""
Text = Annotated[str, Meta(max_length=2000)]
Category = Annotated[str, Meta(min_length=1, max_length=60)]

DOCUMENTS = {
    "policy": "policy",
    "dpia": "data protection impact assessment",
    "equality": "equality impact assessment",
    "community": "community impact assessment",
    "authorisation": "written authorisation",
}
"""Documents whose versions an authorisation names, each with its name in full."""

_LATEST = 253_402_214_400.0  # the last day that a calendar of four digits has, in Unix seconds


class CameraPlan(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One camera of the deployment. zone: the polygon of recognition, three corners or more; faces whose
    centre lies outside are neither compared nor counted."""

    name: Annotated[str, Meta(min_length=1, max_length=60)]
    zone: Annotated[list[tuple[Share, Share]], Meta(max_length=100)] = []
    eye_distance_pixels: Annotated[float, Meta(ge=0, le=500)] | None = None
    """Overrides the camera's and the analysis' own; None leaves them."""

    def __post_init__(self) -> None:
        sides = [side for corner in self.zone for side in corner]
        if not all(map(math.isfinite, (*sides, self.eye_distance_pixels or 0.0))):
            raise ValueError("a number is not finite")


class Plan(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A deployment's plan. A draft may lack anything; `policy.life.missing` says what.

    Times are Unix seconds."""

    name: Annotated[str, Meta(min_length=1, max_length=120)]
    purpose: Text = ""
    use_case: Text = ""
    place: Text = ""
    starts_at: float | None = None
    ends_at: float | None = None
    necessity: Text = ""
    proportionality: Text = ""
    documents: dict[str, Text] = {}
    """Version of each document of DOCUMENTS."""
    cameras: Annotated[list[CameraPlan], Meta(max_length=100)] = []
    categories: Annotated[list[Category], Meta(max_length=100)] = []
    """Categories of watchlist entries that the authorisation allows; entries of others are refused."""
    fpir: Annotated[float, Meta(gt=0, le=0.5)] = 0.001
    """False positive identification rate wanted at the loaded list; the threshold is derived from it."""
    threshold: float | None = None
    """A score set by hand instead."""
    second_review: bool = False
    """Engagement needs a second, blind reviewer."""
    escalate_seconds: Annotated[float, Meta(gt=0, le=3600)] = 20.0
    """An alert that nobody has claimed for so long is escalated."""
    expire_seconds: Annotated[float, Meta(gt=0, le=86400)] = 300.0
    """An alert expires so long after the person was last seen: then nobody engages on it."""
    accepted_false_alerts: Annotated[float, Meta(gt=0, le=1)] = 0.001
    """False alerts a face seen at the most; beyond its control limit the deployment is suspended."""
    blue_tpir: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """Blue-list recognition rate at the least; 0 where no blue list is used."""

    def __post_init__(self) -> None:
        """What the types cannot say. A ValueError here is msgspec's ValidationError in a conversion."""
        for field in ("starts_at", "ends_at"):
            at = getattr(self, field)
            if at is not None and not 0 <= at <= _LATEST:
                raise ValueError(f"{field}: must be a moment from 1970 to 9999")
        if self.threshold is not None and not -1 <= self.threshold <= 1:
            raise ValueError("threshold: must be a score between -1 and 1")
        for document in self.documents:
            if document not in DOCUMENTS:
                raise ValueError(f"documents.{document}: unknown; known here: {', '.join(DOCUMENTS)}")
        numbers = (self.fpir, self.escalate_seconds, self.expire_seconds)
        if not all(map(math.isfinite, (*numbers, self.accepted_false_alerts, self.blue_tpir))):
            raise ValueError("a number is not finite")

    @property
    def without_zones(self) -> Plan:
        """The plan as it was authorised, whatever zones have been drawn in its cameras' views since."""
        bare = [msgspec.structs.replace(camera, zone=[]) for camera in self.cameras]
        return msgspec.structs.replace(self, cameras=bare)


class Change(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an amendment changes of a running deployment; what is None stays as it is.

    A threshold replaces the rate that it was derived from, and a rate replaces a threshold set by hand.
    cameras: the whole list, with zones and least eye distances, in place of the one before."""

    threshold: Annotated[float, Meta(ge=-1, le=1)] | None = None
    fpir: Annotated[float, Meta(gt=0, le=0.5)] | None = None
    cameras: Annotated[list[CameraPlan], Meta(min_length=1)] | None = None

    def applied(self, plan: Plan) -> Plan:
        """The plan as amended. Raises ValueError where threshold and fpir are both given."""
        if self.threshold is not None and self.fpir is not None:
            raise ValueError("a threshold set by hand and a rate to derive it from: keep one")
        if self.threshold is not None:
            plan = msgspec.structs.replace(plan, threshold=self.threshold)
        if self.fpir is not None:
            plan = msgspec.structs.replace(plan, fpir=self.fpir, threshold=None)
        if self.cameras is not None:
            plan = msgspec.structs.replace(plan, cameras=self.cameras)
        return plan
