"""Live pictures: a page's offer of a WebRTC connection, its end, and what its browser needs to make one."""

from __future__ import annotations

from typing import Annotated, Any, Final

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from lfrd.errors import NotAllowed
from lfrd.store.officers import Session
from lfrd.types import CameraId
from lfrd.web.answers import Endpoint, json, not_allowed, read
from lfrd.web.services import Services
from lfrd.webrtc.peers import LARGEST_OFFER

STATUSES: Final = {"bad_offer": 400, "no_codec": 406, "too_often": 429, "too_many": 503, "no_answer": 504}
"""Of refusals, by their codes; 409 for what may be otherwise in a moment."""


class Offer(Struct, forbid_unknown_fields=True, frozen=True):
    """The body of POST /api/preview. sdp: a browser's offer to receive one picture, and a data channel named
    "boxes" where it wants to draw where faces are."""

    camera: Annotated[str, Meta(min_length=1, max_length=60)]
    sdp: Annotated[str, Meta(min_length=1, max_length=LARGEST_OFFER)]


async def preview(request: Request, services: Services, session: Session | None) -> Response:
    """{viewer, sdp}: what DELETE takes, and the answer."""
    assert session is not None
    body = await read(request, Offer, largest=2 * LARGEST_OFFER)  # line breaks are two bytes each in JSON
    try:
        viewer, sdp = await services.viewers.open(session, CameraId(body.camera), body.sdp)
    except NotAllowed as error:
        return not_allowed(error, STATUSES)
    return json({"viewer": viewer, "sdp": sdp})


async def preview_end(request: Request, services: Services, session: Session | None) -> Response:
    assert session is not None
    services.viewers.close(session.id, request.path_params["viewer"])
    return json({})


async def webrtc(_request: Request, services: Services, _session: Session | None) -> Response:
    """{ice_servers}: as RTCPeerConnection takes them. Empty on one network; else the TURN server with its
    password, which a browser has to know."""
    servers: list[dict[str, Any]] = [
        {"urls": relay.urls, "username": relay.username or "", "credential": relay.credential or ""}
        for relay in services.viewers.relays
    ]
    return json({"ice_servers": servers})


ENDPOINTS: Final[dict[str, Endpoint]] = {"preview": preview, "preview_end": preview_end, "webrtc": webrtc}
