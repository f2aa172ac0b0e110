"""The desk's page, who sits at it, what stands now, and the cameras of the box with their stills."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from lfrd import __version__
from lfrd.audit import kinds
from lfrd.store.officers import Session
from lfrd.types import CameraId, Role, Stage
from lfrd.web import (
    desk_audit,
    desk_deployments,
    desk_onboarding,
    desk_people,
    desk_record,
    desk_retention,
    desk_wall,
    desk_watchlists,
)
from lfrd.web.answers import Endpoint, Refusal, json
from lfrd.web.desk_words import as_deployment, names_of
from lfrd.web.services import Services

_PLANNED = (Stage.DRAFT, Stage.AUTHORISED, Stage.READY)
_SEES_ALERTS = (Role.OPERATOR, Role.AUTHORISING, Role.AUDITOR)


async def page(request: Request, _services: Services, _session: Session | None) -> Response:
    answer: Response = await request.app.state.files.answer("desk/index.html", request.headers)
    return answer


async def me(_request: Request, services: Services, session: Session | None) -> Response:
    """Also for engagement officers, who learn here that their work is on the phone."""
    assert session is not None
    return json(
        {
            "name": session.name,
            "role": session.role,
            "rank": session.rank,
            "site": services.config.site.name,
            "version": __version__,
            "now": services.clock(),
        }
    )


async def overview(_request: Request, services: Services, session: Session | None) -> Response:
    """What stands now. alerts_open: None for roles that do not see alerts, not even how many.

    paces: faces a minute by camera, None while a camera has just begun. site: whether there is a drawing, and
    where each camera of config.toml stands on it (at: shares 0..1 or empty; facing: degrees or None)."""
    assert session is not None
    view = services.board.state
    deployment = await services.deployments.current()
    names = await names_of(services)
    coming = [] if deployment else [d for d in await services.deployments.all() if d.stage in _PLANNED]
    segments = [] if deployment is None else await services.deployments.segments(deployment.id)
    alerts = None
    if deployment is not None and session.role in _SEES_ALERTS:
        alerts = sum(not view.closed for view in await services.log.views(deployment.id))
    return json(
        {
            "now": services.clock(),
            "deployment": None if deployment is None else as_deployment(deployment, names),
            "segment": _terms(segments),
            "false_alerts": None if view.deployment is None else view.deployment.false_alerts,
            "coming": [
                {
                    "id": one.id,
                    "name": one.name,
                    "stage": one.stage,
                    "starts_at": one.plan.starts_at,
                    "ends_at": one.plan.ends_at,
                }
                for one in coming
            ],
            "officers": view.officers,
            "unreachable": view.unreachable,
            "cameras": view.cameras,
            "degraded": view.degraded,
            "faces_seen": view.faces_seen,
            "paces": services.board.paces,
            "site": {
                "plan": services.plan is not None,
                "cameras": [
                    {"name": camera.name, "at": camera.at, "facing": camera.facing}
                    for camera in services.config.cameras
                ],
            },
            "alerts_open": alerts,
        }
    )


def _terms(segments: list[desk_deployments.Segment]) -> dict[str, object] | None:
    if not segments:
        return None
    last = segments[-1]
    return {"number": last.number, "threshold": last.threshold, "n": last.n, "pack": last.pack}


async def cameras(_request: Request, services: Services, _session: Session | None) -> Response:
    """The cameras that config.toml names; never their addresses."""
    return json(
        {
            "cameras": [
                {"name": camera.name, "eye_distance_pixels": camera.eye_distance_pixels}
                for camera in services.config.cameras
            ]
        }
    )


async def still(request: Request, services: Services, session: Session | None) -> Response:
    """A camera's view as a JPEG file, every face in it blurred, for drawing a zone."""
    assert session is not None
    name = request.path_params["camera"]
    if name not in {camera.name for camera in services.config.cameras}:
        raise Refusal(404, "unknown_camera", f"camera '{name}': config.toml names no such camera")
    deployment = await services.deployments.current()
    jpeg = await services.still(CameraId(name))
    await services.audit.record(
        kinds.StillViewed("" if deployment is None else deployment.id, name), session.actor
    )
    return Response(jpeg, media_type="image/jpeg")


ENDPOINTS: Final[dict[str, Endpoint]] = {
    "desk": page,
    "desk_me": me,
    "desk_overview": overview,
    "desk_cameras": cameras,
    "desk_still": still,
    **desk_deployments.ENDPOINTS,
    **desk_watchlists.ENDPOINTS,
    **desk_record.ENDPOINTS,
    **desk_audit.ENDPOINTS,
    **desk_retention.ENDPOINTS,
    **desk_people.ENDPOINTS,
    **desk_onboarding.ENDPOINTS,
    **desk_wall.ENDPOINTS,
}
"""For `server.ENDPOINTS`; the rules stand in `rules.ROUTES`."""
