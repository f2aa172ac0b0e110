"""Refusals of people who are signed in: each is audited, up to what anybody would make by mistake."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import HTTPConnection

from lfrd.audit import kinds
from lfrd.store.officers import Session
from lfrd.web.answers import Refusal
from lfrd.web.limits import Buckets
from lfrd.web.rules import Rule
from lfrd.web.services import Services

RATE, BURST = 1.0, 60.0
"""Refusals of one session that are audited: a page of ours asks for nothing that its officer may not have,
and the audit, which is kept for good, is not to be filled by one that does."""


def prepare(app: Starlette) -> None:
    app.state.refusals = Buckets(RATE, BURST)


async def note_refusal(
    connection: HTTPConnection, rule: Rule, code: str, session: Session, services: Services
) -> None:
    """Audit a refusal. Raises Refusal(429) where one session makes too many."""
    if connection.app.state.refusals.take(session.id, services.monotonic()):
        raise Refusal(
            429, "too_many", "too many requests that are not allowed: wait a minute", retry_after=60
        )
    await services.audit.record(kinds.Refused(rule.path, code), session.actor)
