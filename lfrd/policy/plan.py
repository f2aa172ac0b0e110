"""What a deployment is planned and authorised to be: every field that the authorisation must name."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Share = Annotated[float, Meta(ge=0, le=1)]
"""A coordinate as a share of the picture's width or height, from the top left corner."""
Text = Annotated[str, Meta(max_length=2000)]

DOCUMENTS = ("policy", "dpia", "equality", "community", "authorisation")
"""Documents whose versions an authorisation names: the policy, the data protection impact assessment, the
equality impact assessment, the community impact assessment, and the authorisation itself."""


class CameraPlan(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One camera of the deployment. zone: the polygon of recognition, three corners or more; faces whose
    centre lies outside are neither compared nor counted."""

    name: Annotated[str, Meta(min_length=1, max_length=60)]
    zone: list[tuple[Share, Share]] = []
    eye_distance_pixels: Annotated[float, Meta(ge=0, le=500)] | None = None
    """Overrides the camera's and the analysis' own; None leaves them."""


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
    cameras: list[CameraPlan] = []
    categories: list[Annotated[str, Meta(min_length=1, max_length=60)]] = []
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
