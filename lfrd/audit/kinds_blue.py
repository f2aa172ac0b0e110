"""What the audit records of the blue list's live trial: who was sent through, and whether they were found."""

from __future__ import annotations

from typing import Literal

from lfrd.audit.body import Body

Why = Literal["", "alert", "window", "again", "halted"]
"""Why a passage counts as it does. Empty: an observer says so. The server's own words, by pairing: 'alert',
theirs came within the window; 'window', none came until it closed; 'again', none had come when the same
volunteer was sent once more; 'halted', the deployment did not stay active under the same terms until then."""


class BlueWalk(Body, tag="blue_walk", frozen=True):
    """An observer said that a volunteer walks now.

    volunteer: their number, from 1, by the order of references on the list; which reference that is stands on
    the list alone. seconds: how long their alert may take."""

    deployment: str
    segment: int
    passage: str
    volunteer: int
    seconds: float


class BluePassage(Body, tag="blue_passage", frozen=True):
    """A word on a passage of a volunteer of the blue list; the newest one counts.

    segment: the one in which they walked. void: they did not walk through, or it could not be tried; then
    `found` says nothing. alert: by which the server found it."""

    deployment: str
    segment: int
    passage: str
    found: bool
    void: bool = False
    alert: str = ""
    why: Why = ""
