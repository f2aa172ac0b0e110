"""The outermost layer: what an answer that finds nobody comes to."""

from __future__ import annotations

import structlog
from starlette.types import Message, Receive, Scope, Send

from lfrd.operation.fault import Fault
from lfrd.web.guard import Guard

SCOPE = {"type": "websocket", "scheme": "ws", "path": "/ws", "headers": []}


async def accepting(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.accept"})


async def failing(scope: Scope, receive: Receive, send: Send) -> None:
    raise OSError("no such file")


async def nothing_comes() -> Message:
    raise AssertionError("nobody reads here")


async def to_nobody(message: Message) -> None:
    raise OSError


async def logged(app: object) -> list[str]:
    guard = Guard(app, Fault(), lambda: 0.0, 0)  # type: ignore[arg-type]
    with structlog.testing.capture_logs() as logs:
        await guard(dict(SCOPE), nothing_comes, to_nobody)
    return [entry["event"] for entry in logs]


async def test_a_phone_that_leaves_before_it_is_answered_is_no_fault() -> None:
    assert await logged(accepting) == []


async def test_a_file_that_cannot_be_read_is_one() -> None:
    assert await logged(failing) == ["request failed"]
