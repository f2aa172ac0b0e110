"""The drawing of the site for the desk's wall: a file of the box, served as an image and as nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from lfrd.errors import SettingError
from lfrd.store.officers import Session
from lfrd.web.answers import Endpoint, Refusal
from lfrd.web.services import Services

LARGEST = 8 * 1024 * 1024
"""Bytes of the file."""
SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""An SVG file may hold scripts and addresses: opened by itself it runs none and fetches nothing."""
_AS_IMAGE = ("", "empty", "image")
"""What a browser may want it for (Sec-Fetch-Dest): a page's script or an <img>, never a page of its own."""
_BEFORE = ((b"<?", b"?>"), (b"<!--", b"-->"), (b"<!DOCTYPE", b">"))
"""What may stand before an XML document's first element: how each begins and ends."""


def kind_of(content: bytes) -> str:
    """The media type of a drawing by its first bytes; empty where it is neither PNG, JPEG nor SVG."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "image/svg+xml" if _first_element(content[:65536]).startswith((b"<svg ", b"<svg>")) else ""


def _first_element(content: bytes) -> bytes:
    """An XML document from its first element on, with spaces for line breaks and tabs."""
    rest = content.removeprefix(b"\xef\xbb\xbf").translate(bytes.maketrans(b"\r\n\t", b"   ")).lstrip()
    while end := next((end for begin, end in _BEFORE if rest.startswith(begin)), None):
        rest = rest.partition(end)[2].lstrip()
    return rest


def drawing(path: Path) -> tuple[bytes, str]:
    """The file and its media type. Raises SettingError('site.plan')."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise SettingError("site.plan", f"{path} cannot be read ({error.strerror})") from None
    if len(content) > LARGEST:
        raise SettingError("site.plan", f"{path} has more than {LARGEST >> 20} MiB; draw it smaller")
    if not (kind := kind_of(content)):
        raise SettingError("site.plan", f"{path} is neither a PNG, a JPEG nor an SVG file")
    return content, kind


async def site_plan(request: Request, services: Services, _session: Session | None) -> Response:
    """The drawing. 404 'no_plan' where none is set, 409 'setting' where the file cannot be used."""
    if services.plan is None:
        raise Refusal(404, "no_plan", "config.toml names no drawing of the site (site.plan)")
    if request.headers.get("sec-fetch-dest", "") not in _AS_IMAGE:
        raise Refusal(403, "as_image", "the drawing is shown at the desk, and not by itself")
    try:
        content, kind = await asyncio.to_thread(drawing, services.plan)
    except SettingError as error:
        raise Refusal(409, "setting", str(error)) from None
    headers = {"content-security-policy": SANDBOX, "content-disposition": "inline"}
    return Response(content, media_type=kind, headers=headers)


ENDPOINTS: Final[dict[str, Endpoint]] = {"desk_site_plan": site_plan}
