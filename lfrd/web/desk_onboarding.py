"""What the desk shows of a new phone: how it comes to trust this box, before an invitation lets it in."""

from __future__ import annotations

import io
from typing import Final

import segno
from starlette.requests import Request
from starlette.responses import Response

from lfrd.certificates.fingerprint import rows
from lfrd.store.officers import Session
from lfrd.web.answers import Endpoint, json
from lfrd.web.links import onboarding_address
from lfrd.web.services import Services


async def onboarding(request: Request, services: Services, _session: Session | None) -> Response:
    """why: '' where a phone has to trust the site's own authority first; 'plain' or 'brought' where it need
    not; 'closed' where the page for it is switched off. The invitation is made by the routes of people."""
    certificate, config = services.certificate, services.config
    authority = None if certificate is None else certificate.authority
    if certificate is None or authority is None:
        return json({"why": "plain" if certificate is None else "brought"})
    address = onboarding_address(config, request.url.hostname)
    facts = {
        "why": "" if address else "closed",
        "authority": authority.name,
        "fingerprint": rows(authority.digest),
        "until": certificate.until,
        "names": certificate.names.words(),
    }
    return json(facts | ({"link": address, "picture": picture(address)} if address else {}))


def picture(link: str) -> str:
    """A QR code as SVG."""
    drawn = io.BytesIO()
    segno.make(link, error="m").save(drawn, kind="svg", scale=8, border=4, light="#fff", svgclass=None)
    return drawn.getvalue().decode()


ENDPOINTS: Final[dict[str, Endpoint]] = {"desk_onboarding": onboarding}
