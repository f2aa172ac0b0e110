"""A phone's own wake-ups: whether the site has them, and turning them on and off for this session."""

from __future__ import annotations

import math
from typing import Annotated, Final

from msgspec import Meta, Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from lfrd.push.endpoints import LONGEST
from lfrd.store.officers import Session
from lfrd.web.answers import Endpoint, Refusal, json, read
from lfrd.web.limits import Buckets
from lfrd.web.services import Services

RATE, BURST = 0.1, 12.0
"""Addresses that one session may give, a page once: a new one is tried at once, and the audit,
which is kept for good, hears of each phone that is turned on and off."""


class Subscribed(Struct, forbid_unknown_fields=True, frozen=True):
    """The body of POST /api/wake-ups: what the browser's PushSubscription has for an endpoint. Its keys, for
    contents, are not asked for."""

    endpoint: Annotated[str, Meta(min_length=1, max_length=LONGEST)]


def prepare(app: Starlette) -> None:
    app.state.waking = Buckets(RATE, BURST)


async def state(_request: Request, services: Services, session: Session | None) -> Response:
    """enabled, public_key (base64url), why_not ('off' or ''), on, trouble (a line in words, or '')."""
    assert session is not None
    return await _state(services, session)


async def turn_on(request: Request, services: Services, session: Session | None) -> Response:
    assert session is not None
    if wait := request.app.state.waking.take(session.id, services.monotonic()):
        seconds = math.ceil(wait)
        message = f"wake-ups were turned on too often: wait {seconds} s"
        raise Refusal(429, "too_many", message, retry_after=seconds)
    body = await read(request, Subscribed)
    await services.wake_ups.turn_on(session, body.endpoint)
    return await _state(services, session)


async def turn_off(_request: Request, services: Services, session: Session | None) -> Response:
    assert session is not None
    await services.wake_ups.turn_off(session)
    return await _state(services, session)


async def _state(services: Services, session: Session) -> Response:
    wake_ups = services.wake_ups
    return json(
        {
            "enabled": wake_ups.enabled,
            "public_key": wake_ups.public_key,
            "why_not": wake_ups.why_not,
            "on": await wake_ups.is_on(session),
            "trouble": await wake_ups.trouble(session),
        }
    )


ENDPOINTS: Final[dict[str, Endpoint]] = {
    "wake_ups": state,
    "wake_ups_on": turn_on,
    "wake_ups_off": turn_off,
}
