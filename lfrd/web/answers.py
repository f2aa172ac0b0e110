"""What the endpoints have in common: reading a JSON body, and answers that a page and a person understand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from lfrd.errors import NotAllowed, NotReady
from lfrd.store.officers import Session
from lfrd.web.services import Services

LARGEST_BODY = 4096
"""Bytes of a posted body, where an endpoint says nothing else."""

Endpoint: TypeAlias = Callable[[Request, Services, Session | None], Awaitable[Response]]
"""Answers a request that the table of rules lets pass. The session is None for a route that is public, and
for a program on this machine."""

T = TypeVar("T")


class Refusal(Exception):
    """Ends a request with an answer. code: stable, for the page; message: one line for the person."""

    def __init__(self, status: int, code: str, message: str, retry_after: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after = retry_after  # seconds; 0 for none

    def answer(self) -> Response:
        response = json({"code": self.code, "message": str(self)}, self.status)
        if self.retry_after:
            response.headers["retry-after"] = str(self.retry_after)
        return response


def json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


async def read(request: Request, kind: type[T], *, largest: int = LARGEST_BODY) -> T:
    """The body as a struct. Raises Refusal: 413 above `largest` bytes, 415 where it is not said to be JSON (a
    form of another site cannot say so), 400 where it is not of that kind."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > largest:
            raise Refusal(413, "too_large", f"a body has at most {largest} bytes here")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refusal(415, "not_json", "a body is JSON here, and its content-type says so")
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise Refusal(400, "bad_message", str(error)[:200]) from None
    except RecursionError:
        raise Refusal(400, "bad_message", "nested too deeply") from None


def not_allowed(error: NotAllowed, statuses: Mapping[str, int] | None = None) -> Response:
    """What a store or a service refuses: {code, message}, and what is missing where it says so.

    statuses: by code; without one 403 for a role or a password, 404 for what is unknown, else 409.
    """
    usual = 403 if error.code in ("role", "password") else 404 if error.code.startswith("unknown") else 409
    answer: dict[str, Any] = {"code": error.code, "message": str(error)}
    if isinstance(error, NotReady):
        answer["missing"] = error.missing
    return json(answer, (statuses or {}).get(error.code, usual))
