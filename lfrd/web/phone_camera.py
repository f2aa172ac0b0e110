"""The page on which an engineer makes a phone a camera, what it asks, and how each such camera stands."""

from __future__ import annotations

from typing import Annotated, Any, Final

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from lfrd.config import Camera
from lfrd.errors import NotAllowed
from lfrd.store.officers import Session
from lfrd.types import CameraId, Stage
from lfrd.web.answers import Endpoint, json, not_allowed, read
from lfrd.web.preview import STATUSES
from lfrd.web.services import Services
from lfrd.webrtc.peers import LARGEST_OFFER

WIDTH, HEIGHT, FPS = 1920, 1080, 20.0
"""What a phone is asked for where the camera's table says nothing: see docs/phone-camera.md."""


class Offer(Struct, forbid_unknown_fields=True, frozen=True):
    """The body of POST /api/camera/{camera}."""

    sdp: Annotated[str, Meta(min_length=1, max_length=LARGEST_OFFER)]


async def page(request: Request, _services: Services, _session: Session | None) -> Response:
    answer: Response = await request.app.state.files.answer("camera/index.html", request.headers)
    return answer


async def cameras(_request: Request, services: Services, session: Session | None) -> Response:
    """Every camera that a phone can be, and how it stands. No alert and no name but of who lends a phone."""
    assert session is not None
    return json(
        {
            "site": services.config.site.name,
            "cameras": [
                _as_seen(camera, services, session) for camera in services.config.cameras if camera.is_phone
            ],
        }
    )


def _as_seen(camera: Camera, services: Services, session: Session) -> dict[str, Any]:
    lending, name = services.lending, CameraId(camera.name)
    line, holder = lending.line(name), lending.holder(name)
    arriving = line.arriving
    counts = line.statistics()
    return {
        "name": camera.name,
        "wanted": line.wanted,
        "why": "" if line.wanted else _why_not(camera.name, services),
        "holder": None if holder is None else holder.name,
        "mine": holder is not None and holder.id == session.id,
        "width": camera.width or WIDTH,
        "height": camera.height or HEIGHT,
        "fps": camera.fps or FPS,
        "dropped": counts.dropped,
        "lag": next((seen.lag for seen in services.board.state.cameras if seen.name == camera.name), None),
        "arriving": None
        if arriving is None
        else {"width": arriving.width, "height": arriving.height, "fps": round(arriving.fps, 1)},
    }


def _why_not(name: str, services: Services) -> str:
    """Why a camera is not open, as a code: the page has the words. '' where it is about to be."""
    state = services.board.state
    if state.deployment is None:
        return "no_deployment"
    if state.deployment.stage == Stage.SUSPENDED:
        return "suspended"
    if name not in {camera.name for camera in state.cameras}:
        return "not_named"
    return "" if state.officers else "no_officer"


async def lend(request: Request, services: Services, session: Session | None) -> Response:
    """{sdp}: the answer to the page's offer."""
    assert session is not None
    body = await read(request, Offer, largest=2 * LARGEST_OFFER)  # line breaks are two bytes each in JSON
    camera = CameraId(request.path_params["camera"])
    try:
        return json({"sdp": await services.lending.lend(session, camera, body.sdp)})
    except NotAllowed as error:
        return not_allowed(error, STATUSES)


async def give_back(request: Request, services: Services, session: Session | None) -> Response:
    assert session is not None
    services.lending.give_back(session.id, CameraId(request.path_params["camera"]))
    return json({})


ENDPOINTS: Final[dict[str, Endpoint]] = {
    "phone_camera": page,
    "phone_cameras": cameras,
    "phone_camera_lend": lend,
    "phone_camera_return": give_back,
}
