"""Passkeys (WebAuthn level 3) for the desk: an option beside the password, bound to the server's name."""

from __future__ import annotations

import ipaddress
import secrets
from collections import OrderedDict
from typing import Any, Final

from msgspec import Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    options_to_json_dict,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from lfrd.errors import NotAllowed
from lfrd.store.officers import NOBODY, Session, SessionId
from lfrd.types import OfficerId
from lfrd.web.answers import Endpoint, Refusal, json, read
from lfrd.web.services import Services
from lfrd.web.sign_in import DeviceKey, Password, begun, device_key, limit

CHALLENGE_SECONDS = 180.0
"""How long somebody may take to touch their authenticator."""
MOST_CHALLENGES = 1024
LARGEST = 16384
"""Bytes of a credential as JSON."""

_NOBODYS = SessionId("")


class Begin(Struct, forbid_unknown_fields=True, frozen=True):
    """The body of POST /api/passkeys/new: whoever finds a desk unlocked adds no passkey of theirs."""

    password: Password


class Add(Struct, forbid_unknown_fields=True, frozen=True):
    """The body of POST /api/passkeys: `PublicKeyCredential.toJSON()`."""

    credential: dict[str, Any]


class Show(Struct, forbid_unknown_fields=True, frozen=True):
    """The body of POST /api/passkeys/sign-in."""

    credential: dict[str, Any]
    device_key: DeviceKey = ""


class Challenges:
    """Challenges that wait for their answer, each good once. `at` is in seconds of a clock that does not go
    back."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[bytes, tuple[SessionId, float]] = OrderedDict()

    def ask(self, session: SessionId, at: float) -> bytes:
        """session: whose passkey is added; `_NOBODYS` where somebody signs in."""
        challenge = secrets.token_bytes(32)
        self._waiting[challenge] = (session, at + CHALLENGE_SECONDS)
        while len(self._waiting) > MOST_CHALLENGES:
            self._waiting.popitem(last=False)
        return challenge

    def answered(self, challenge: bytes, session: SessionId, at: float) -> bool:
        held, until = self._waiting.pop(challenge, (_NOBODYS, 0.0))
        return held == session and at < until


def prepare(app: Starlette) -> None:
    app.state.challenges = Challenges()


# ---- adding and removing one's own ------------------------------------------------------------------------


async def passkey_new(request: Request, services: Services, session: Session | None) -> Response:
    """Options for `navigator.credentials.create`, for whoever gives their password again."""
    assert session is not None
    limit(request, request.app.state.signing_in, services.monotonic())
    body = await read(request, Begin)
    host = _host(request)
    actor = await services.officers.check_password(session.name, body.password)
    kept = await services.officers.passkeys.of(actor.id)
    options = generate_registration_options(
        rp_id=host,
        rp_name=f"lfrd {services.config.site.name}",
        user_id=actor.id.encode(),
        user_name=actor.name,
        challenge=_challenges(request).ask(session.id, services.monotonic()),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,  # then nobody types a name, and none is given away
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=passkey.id) for passkey in kept],
    )
    return json(options_to_json_dict(options))


async def passkey_add(request: Request, services: Services, session: Session | None) -> Response:
    assert session is not None
    body = await read(request, Add, largest=LARGEST)
    try:
        credential = parse_registration_credential_json(body.credential)
        challenge = parse_client_data_json(credential.response.client_data_json).challenge
        if not _challenges(request).answered(challenge, session.id, services.monotonic()):
            raise _not_good()
        verified = verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=_host(request),
            expected_origin=request.headers["origin"],  # which `same_site` has compared with this server
            require_user_verification=True,
        )
    except WebAuthnException:
        raise _not_good() from None
    await services.officers.passkeys.add(
        verified.credential_id, verified.credential_public_key, verified.sign_count, session.actor
    )
    return json({})


async def passkeys(_request: Request, services: Services, session: Session | None) -> Response:
    assert session is not None
    kept = await services.officers.passkeys.of(session.officer)
    return json(
        {
            "passkeys": [
                {"id": bytes_to_base64url(p.id), "created_at": p.created_at, "last_used_at": p.last_used_at}
                for p in kept
            ]
        }
    )


async def passkey_remove(request: Request, services: Services, session: Session | None) -> Response:
    assert session is not None
    try:
        id = base64url_to_bytes(request.path_params["passkey"])
    except ValueError:
        raise NotAllowed("unknown_passkey", "this is no passkey's id") from None
    await services.officers.passkeys.remove(id, session.officer, session.actor)
    return json({})


# ---- signing in -------------------------------------------------------------------------------------------


async def passkey_challenge(request: Request, services: Services, _session: Session | None) -> Response:
    """Options for `navigator.credentials.get`; the same for everybody."""
    limit(request, request.app.state.signing_in, services.monotonic())
    options = generate_authentication_options(
        rp_id=_host(request),
        challenge=_challenges(request).ask(_NOBODYS, services.monotonic()),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return json(options_to_json_dict(options))


async def passkey_sign_in(request: Request, services: Services, _session: Session | None) -> Response:
    limit(request, request.app.state.signing_in, services.monotonic())
    body = await read(request, Show, largest=LARGEST)

    async def token() -> str:
        key = device_key(request, body.device_key)
        officer = await _shown(request, services, body.credential)
        return await services.officers.sign_in_by_passkey(officer, key)

    return await begun(request, services, token(), passkey=403, disabled=403)


async def _shown(request: Request, services: Services, shown: dict[str, Any]) -> OfficerId:
    """Whose passkey it is, once it is verified, counter included. Raises NotAllowed('passkey')."""
    kept = None
    try:
        credential = parse_authentication_credential_json(shown)
        kept = await services.officers.passkeys.find(credential.raw_id)
        challenge = parse_client_data_json(credential.response.client_data_json).challenge
        if kept is None or not _challenges(request).answered(challenge, _NOBODYS, services.monotonic()):
            raise _not_good()
        verified = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=_host(request),
            expected_origin=request.headers["origin"],
            credential_public_key=kept.public_key,
            credential_current_sign_count=kept.sign_count,
            require_user_verification=True,
        )
        if not await services.officers.passkeys.used(kept, verified.new_sign_count):
            raise _not_good()
    except (WebAuthnException, NotAllowed):
        await services.officers.passkeys.failed(OfficerId("") if kept is None else kept.officer, NOBODY)
        raise _not_good() from None
    return kept.officer


def _challenges(request: Request) -> Challenges:
    challenges: Challenges = request.app.state.challenges
    return challenges


def _host(request: Request) -> str:
    """The relying party: the name by which the browser opened the desk. Raises Refusal(409): a passkey is
    bound to a name, and an address is none (Web Authentication, 5.1.3)."""
    host = request.url.hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host
    raise Refusal(409, "passkey_host", "passkeys need the desk to be opened by a name, not by an address")


def _not_good() -> NotAllowed:
    return NotAllowed("passkey", "this passkey was not accepted: try again, or sign in with the password")


ENDPOINTS: Final[dict[str, Endpoint]] = {
    "passkey_new": passkey_new,
    "passkey_add": passkey_add,
    "passkeys": passkeys,
    "passkey_remove": passkey_remove,
    "passkey_challenge": passkey_challenge,
    "passkey_sign_in": passkey_sign_in,
}
