"""What the desk's wall asks beside the overview: the phones, what has reached them, and the day."""

from __future__ import annotations

import time
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from lfrd.operation.posts import SILENT
from lfrd.operation.reach import Known
from lfrd.store.deployments import Deployment
from lfrd.store.officers import Session
from lfrd.types import Role
from lfrd.web import site_plan
from lfrd.web.answers import Endpoint, json
from lfrd.web.services import Services

FORGOTTEN = 3600.0
"""Seconds after which a phone that is neither connected nor on post is no longer shown."""
_SEES_RECEIPTS = (Role.OPERATOR, Role.AUTHORISING)


async def phones(_request: Request, services: Services, session: Session | None) -> Response:
    """The engagement officers' phones: {now, latest, phones, wake_ups}, by officer's name. wake_ups: why
    wake-ups do not reach phones, a line for each push service that fails.

    Each: {officer, since, connected, on_post, silent, heard, receipted, wakes, seconds}; an officer with
    several phones stands there with each of them. since: when it signed in, Unix seconds. heard: seconds
    since it last said anything, None where it has not since the server started; silent: it has missed two
    heartbeats, or has no connection. latest, receipted: numbers of events; None for an engineer, who sees
    connections and nothing of alerts. seconds: by alert, from its storing to this phone's receipt, for an
    operator; None for other roles.
    """
    assert session is not None
    now, reach = services.clock(), services.phones.reach.phones
    counts, alerts = session.role in _SEES_RECEIPTS, session.role is Role.OPERATOR
    on_post = services.duty.sessions()
    silence = SILENT * services.config.post.heartbeat_seconds
    woken = await services.wake_ups.on()
    shown: list[dict[str, Any]] = []
    for each in await services.officers.sessions():
        known = reach.get(each.id)
        connected = services.phones.is_connected(each.id)
        if each.role is not Role.ENGAGEMENT or not (
            connected or each.id in on_post or (known is not None and now - known.heard < FORGOTTEN)
        ):
            continue
        shown.append(
            {
                "officer": each.name,
                "since": each.created_at,
                "connected": connected,
                "on_post": each.id in on_post,
                "silent": not connected or known is None or now - known.heard >= silence,
                "heard": None if known is None else max(0.0, now - known.heard),
                "receipted": _receipted(known) if counts else None,
                "wakes": each.id in woken,
                "seconds": None if not alerts else {} if known is None else known.seconds,
            }
        )
    shown.sort(key=lambda phone: (not phone["on_post"], phone["officer"]))
    return json(
        {
            "now": now,
            "latest": services.hub.latest if counts else None,
            "phones": shown,
            "wake_ups": services.wake_ups.troubles(),
        }
    )


def _receipted(known: Known | None) -> int:
    return 0 if known is None else known.receipted


async def day(_request: Request, services: Services, _session: Session | None) -> Response:
    """{now, deployment, name, figures}: `audit.day.DayFigures` of the open deployment, or of the last one
    that was open today; deployment and figures are None where there was none."""
    chosen = await _of_today(services)
    figures = None if chosen is None else await services.daybook.figures(chosen.id)
    return json(
        {
            "now": services.clock(),
            "deployment": None if chosen is None else chosen.id,
            "name": "" if chosen is None else chosen.name,
            "figures": figures,
        }
    )


async def _of_today(services: Services) -> Deployment | None:
    """today: by the box's own time zone."""
    current = await services.deployments.current()
    if current is not None:
        return current
    local = time.localtime(services.clock())
    midnight = time.mktime((*local[:3], 0, 0, 0, 0, 0, -1))
    closed = [one for one in await services.deployments.all() if one.started_at and one.closed_at]
    today = [one for one in closed if (one.closed_at or 0.0) >= midnight]
    return max(today, key=lambda one: one.closed_at or 0.0, default=None)


ENDPOINTS: Final[dict[str, Endpoint]] = {"desk_phones": phones, "desk_day": day, **site_plan.ENDPOINTS}
