"""Who may use which route and which message: one table, which the server enforces and a test walks."""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from starlette.convertors import Convertor
from starlette.routing import compile_path

from lfrd import wire
from lfrd.types import Role


class Open(enum.StrEnum):
    """Who may use what asks for no particular role."""

    PUBLIC = "public"
    """Anybody who reaches the server."""
    SIGNED_IN = "signed in"
    """Whoever has a session that stands, in any role."""
    LOCAL = "local"
    """A program on this machine, or whoever has a session."""


PUBLIC, SIGNED_IN, LOCAL = Open.PUBLIC, Open.SIGNED_IN, Open.LOCAL
Who: TypeAlias = Open | frozenset[Role]


def roles(*role: Role) -> frozenset[Role]:
    """The roles that may use a route; everybody else is refused and the refusal is audited."""
    return frozenset(role)


PICTURES: Final = roles(Role.ENGAGEMENT, Role.OPERATOR)
"""Who sees alerts and the pictures in them."""
DESK: Final = roles(Role.AUTHORISING, Role.OPERATOR, Role.ENGINEER, Role.AUDITOR)
"""Who signs in with a password or a passkey."""
ENGAGEMENT: Final = roles(Role.ENGAGEMENT)
OPERATOR: Final = roles(Role.OPERATOR)
AUTHORISING: Final = roles(Role.AUTHORISING)
AUDITOR: Final = roles(Role.AUDITOR)
RUNS: Final = roles(Role.OPERATOR, Role.AUTHORISING)
"""Who plans, authorises and runs deployments."""
READS: Final = roles(Role.OPERATOR, Role.AUTHORISING, Role.AUDITOR)
"""Who sees deployments and their record."""
RETAINS: Final = roles(Role.AUTHORISING, Role.AUDITOR)
"""Who sees what is kept, what is deleted and why."""
CONNECTS: Final = roles(Role.ENGAGEMENT, Role.OPERATOR, Role.ENGINEER)
"""Whose browsers make WebRTC connections: who watches live pictures, and who lends a phone as a camera."""
WATCHES: Final = roles(Role.OPERATOR, Role.AUTHORISING, Role.ENGINEER)
"""Who sees which phones are connected. What each sees of their receipts, the endpoint decides."""
ENGINEER: Final = roles(Role.ENGINEER)
"""Who makes a phone a camera."""
KEEPS: Final = roles(Role.OPERATOR, Role.ENGINEER, Role.AUTHORISING)
"""Who sees who may sign in. What each may do with whom, the store decides (`store.appointing`)."""
BRINGS: Final = roles(Role.OPERATOR, Role.ENGINEER)
"""Who lets new phones in."""

Method: TypeAlias = Literal["GET", "POST", "PUT", "DELETE", "WS"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One route. Everything but a GET must come from our own pages (`origin.same_site`)."""

    method: Method
    path: str
    """A pattern as Starlette has it: /alerts/{alert}/probe.jpg."""
    who: Who
    endpoint: str
    """The name of a function in `server.ENDPOINTS`."""
    proven: bool = True
    """Whether a session must prove that its device asks (`proof`); a ticket was proven when it was issued."""


ROUTES: Final = (
    Rule("GET", "/", PUBLIC, "index"),
    # Signing in and out, and oneself.
    Rule("POST", "/api/join", PUBLIC, "join"),
    Rule("POST", "/api/sign-in", PUBLIC, "sign_in"),
    Rule("POST", "/api/password", DESK, "change_password"),
    Rule("POST", "/api/leave", SIGNED_IN, "leave"),
    Rule("GET", "/api/me", SIGNED_IN, "me"),
    Rule("POST", "/api/ticket", SIGNED_IN, "ticket"),
    Rule("GET", "/t/{ticket}", SIGNED_IN, "redeem", proven=False),
    Rule("POST", "/api/passkeys/challenge", PUBLIC, "passkey_challenge"),
    Rule("POST", "/api/passkeys/sign-in", PUBLIC, "passkey_sign_in"),
    Rule("POST", "/api/passkeys/new", DESK, "passkey_new"),
    Rule("POST", "/api/passkeys", DESK, "passkey_add"),
    Rule("GET", "/api/passkeys", DESK, "passkeys"),
    Rule("DELETE", "/api/passkeys/{passkey}", DESK, "passkey_remove"),
    # Alerts.
    Rule("GET", "/alerts/{alert}/probe.jpg", PICTURES, "probe"),
    Rule("GET", "/alerts/{alert}/candidate.jpg", PICTURES, "candidate"),
    Rule("WS", "/ws", PICTURES, "socket"),
    # The blue list's live trial: an engagement officer says something of it on post only.
    Rule("GET", "/api/passages", PICTURES, "passages"),
    Rule("POST", "/api/passages", PICTURES, "passage_walks"),
    Rule("POST", "/api/passages/{passage}", PICTURES, "passage_says"),
    # Waking a phone that sleeps.
    Rule("GET", "/api/wake-ups", ENGAGEMENT, "wake_ups"),
    Rule("POST", "/api/wake-ups", ENGAGEMENT, "wake_ups_on"),
    Rule("DELETE", "/api/wake-ups", ENGAGEMENT, "wake_ups_off"),
    # Live pictures.
    Rule("POST", "/api/preview", PICTURES, "preview"),
    Rule("DELETE", "/api/preview/{viewer}", PICTURES, "preview_end"),
    Rule("GET", "/api/webrtc", CONNECTS, "webrtc"),
    # A phone as a camera.
    Rule("GET", "/camera", PUBLIC, "phone_camera"),
    Rule("GET", "/api/camera", ENGINEER, "phone_cameras"),
    Rule("POST", "/api/camera/{camera}", ENGINEER, "phone_camera_lend"),
    Rule("DELETE", "/api/camera/{camera}", ENGINEER, "phone_camera_return"),
    # The desk's page and what it asks.
    Rule("GET", "/desk", PUBLIC, "desk"),
    Rule("GET", "/api/desk/me", SIGNED_IN, "desk_me"),
    Rule("GET", "/api/desk/overview", DESK, "desk_overview"),
    Rule("GET", "/api/desk/phones", WATCHES, "desk_phones"),
    Rule("GET", "/api/desk/day", READS, "desk_day"),
    Rule("GET", "/api/desk/site-plan", DESK, "desk_site_plan"),
    Rule("GET", "/api/desk/cameras", RUNS, "desk_cameras"),
    Rule("GET", "/api/desk/cameras/{camera}/still.jpg", RUNS, "desk_still"),
    Rule("GET", "/api/desk/deployments", READS, "desk_deployments"),
    Rule("POST", "/api/desk/deployments", OPERATOR, "desk_draft"),
    Rule("GET", "/api/desk/deployments/{deployment}", READS, "desk_deployment"),
    Rule("POST", "/api/desk/deployments/{deployment}/plan", OPERATOR, "desk_plan"),
    Rule("POST", "/api/desk/deployments/{deployment}/authorise", AUTHORISING, "desk_authorise"),
    Rule("POST", "/api/desk/deployments/{deployment}/ready", OPERATOR, "desk_ready"),
    Rule("POST", "/api/desk/deployments/{deployment}/start", OPERATOR, "desk_start"),
    Rule("POST", "/api/desk/deployments/{deployment}/reauthorise", AUTHORISING, "desk_reauthorise"),
    Rule("POST", "/api/desk/deployments/{deployment}/extend", AUTHORISING, "desk_extend"),
    Rule("POST", "/api/desk/deployments/{deployment}/amend", AUTHORISING, "desk_amend"),
    Rule("POST", "/api/desk/deployments/{deployment}/suspend", RUNS, "desk_suspend"),
    Rule("GET", "/api/desk/deployments/{deployment}/passages", READS, "desk_passages"),
    Rule("POST", "/api/desk/deployments/{deployment}/passages", PICTURES, "desk_passage"),
    Rule("POST", "/api/desk/deployments/{deployment}/close", RUNS, "desk_close"),
    Rule("POST", "/api/desk/deployments/{deployment}/revoke", RUNS, "desk_revoke"),
    Rule("GET", "/api/desk/deployments/{deployment}/watchlist", RUNS, "desk_watchlist"),
    Rule("GET", "/api/desk/entries/{entry}/face.jpg", RUNS, "desk_entry_face"),
    Rule("POST", "/api/desk/entries/{entry}/approve", AUTHORISING, "desk_entry_approve"),
    Rule("GET", "/api/desk/deployments/{deployment}/record", READS, "desk_record"),
    Rule("GET", "/api/desk/deployments/{deployment}/record.json", READS, "desk_record_json"),
    Rule("GET", "/api/desk/deployments/{deployment}/record.csv", READS, "desk_record_csv"),
    Rule("GET", "/api/desk/deployments/{deployment}/record.html", READS, "desk_record_html"),
    Rule("GET", "/api/desk/deployments/{deployment}/notice.html", READS, "desk_notice_html"),
    Rule("GET", "/desk/record.css", PUBLIC, "desk_record_style"),
    Rule("GET", "/api/desk/audit", AUDITOR, "desk_audit"),
    Rule("GET", "/api/desk/audit/verify", AUDITOR, "desk_audit_verify"),
    Rule("GET", "/api/desk/audit/export", AUDITOR, "desk_audit_export"),
    Rule("GET", "/api/desk/audit/checkpoints", AUDITOR, "desk_checkpoints"),
    Rule("POST", "/api/desk/audit/checkpoint", AUDITOR, "desk_checkpoint"),
    Rule("GET", "/api/desk/retention/rules", RETAINS, "desk_retention_rules"),
    Rule("GET", "/api/desk/retention/due", RETAINS, "desk_retention_due"),
    Rule("GET", "/api/desk/holds", RETAINS, "desk_holds"),
    Rule("POST", "/api/desk/holds", AUTHORISING, "desk_hold"),
    Rule("POST", "/api/desk/holds/lift", AUTHORISING, "desk_lift"),
    Rule("GET", "/api/desk/receipts", RETAINS, "desk_receipts"),
    Rule("GET", "/api/desk/receipts/{receipt}", RETAINS, "desk_receipt"),
    Rule("POST", "/api/desk/asked", READS, "desk_asked"),
    Rule("GET", "/api/desk/onboarding", BRINGS, "desk_onboarding"),
    Rule("GET", "/api/desk/people", KEEPS, "desk_people"),
    Rule("POST", "/api/desk/people", KEEPS, "desk_person_add"),
    Rule("POST", "/api/desk/people/shift", KEEPS, "desk_shift_invite"),
    Rule("POST", "/api/desk/people/{officer}/invite", KEEPS, "desk_person_invite"),
    Rule("POST", "/api/desk/people/{officer}/disable", KEEPS, "desk_person_disable"),
    Rule("POST", "/api/desk/people/{officer}/enable", KEEPS, "desk_person_enable"),
    Rule("POST", "/api/desk/people/{officer}/unlock", KEEPS, "desk_person_unlock"),
    Rule("POST", "/api/desk/people/{officer}/revoke", KEEPS, "desk_person_revoke"),
    # The box.
    Rule("GET", "/healthz", PUBLIC, "health"),
    Rule("GET", "/metrics", LOCAL, "metrics"),
    # The pages' own files, at the root as well: a service worker governs only what lies below its address.
    Rule("GET", "/static/{path:path}", PUBLIC, "static"),
    Rule("GET", "/{path:path}", PUBLIC, "static"),
)
"""In this order: the first that fits answers."""


@dataclass(frozen=True, slots=True)
class MessageRule:
    """who: the roles that may send it. on_post: those of them that must stand on post for it."""

    who: frozenset[Role]
    on_post: frozenset[Role] = frozenset()


_POST = MessageRule(PICTURES, on_post=ENGAGEMENT)

MESSAGES: Final[Mapping[type[wire.FromPhone], MessageRule]] = {
    wire.Hello: MessageRule(PICTURES),
    wire.Beat: MessageRule(PICTURES),
    wire.Receipt: MessageRule(PICTURES),
    wire.OnPost: MessageRule(ENGAGEMENT),
    wire.OffPost: MessageRule(ENGAGEMENT),
    wire.Claim: _POST,
    wire.Release: _POST,
    wire.Adjudicate: _POST,
    wire.Withdraw: _POST,
    wire.Engage: MessageRule(ENGAGEMENT, on_post=ENGAGEMENT),
    wire.Code: _POST,
    wire.CloseAlert: _POST,
}


def allows(who: Who, role: Role) -> bool:
    """Whether somebody with a session in this role may."""
    return role in who if isinstance(who, frozenset) else True


def message_refusal(message: type[wire.FromPhone], role: Role, *, on_post: bool) -> str:
    """Why this role may not send this message now, as a code of `wire.Refused`; empty where it may."""
    rule = MESSAGES[message]
    if role not in rule.who:
        return "role"
    return "not_on_post" if role in rule.on_post and not on_post else ""


@functools.cache
def _pattern(path: str) -> tuple[re.Pattern[str], dict[str, Convertor[Any]]]:
    regex, _, convertors = compile_path(path)
    return regex, convertors


def find(method: str, path: str) -> tuple[Rule, dict[str, Any]] | None:
    """The first rule that fits a method and a path, with the values that the path carries."""
    for rule in ROUTES:
        if rule.method == method:
            regex, convertors = _pattern(rule.path)
            if fits := regex.match(path):
                return rule, {name: convertors[name].convert(v) for name, v in fits.groupdict().items()}
    return None
