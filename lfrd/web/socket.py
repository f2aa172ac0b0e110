"""One phone's WebSocket: reads, sends and watches, as `session_core` says."""

from __future__ import annotations

import asyncio
import contextlib
from typing import NoReturn

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from lfrd import wire
from lfrd.audit import kinds
from lfrd.errors import NotAllowed, StoreError
from lfrd.store.sessions import Session, SessionId
from lfrd.web.services import Services
from lfrd.web.session_core import Close, Do, Greet, Receipted, Refuse, SessionCore

_log = structlog.get_logger()

PAGE = 64
"""Events read at once for a phone that is behind."""
CLOSE_SECONDS = 2.0
"""A phone that takes longer to take its close code is let go without."""
CLOSE_FAULT = 1011
PATH = "/ws"
"""What a device's proof names as its target."""


class _Over(Exception):
    """The connection ends; `close` is None where the phone has gone by itself."""

    def __init__(self, close: Close | None) -> None:
        super().__init__()
        self.close = close


class Connection:
    """A phone with a session that stands. `run()` returns when the connection is over."""

    def __init__(self, websocket: WebSocket, services: Services, session: Session) -> None:
        self._websocket = websocket
        self._services = services
        self._session = session
        web = services.config.web
        self._core = SessionCore(
            session.role, window=web.window, receipt_seconds=web.receipt_seconds, at=services.monotonic()
        )
        self._tick = min(1.0, web.receipt_seconds / 4)  # seconds between looks at what is overdue
        self._started = asyncio.Event()  # set when hello has been answered
        self._wake = asyncio.Event()  # set when there may be something to send
        self._hung = asyncio.Event()  # set by hang_up
        self._farewell: Close | None = None  # what hang_up was told

    @property
    def session_id(self) -> SessionId:
        return self._session.id

    def hang_up(self, code: int, reason: str) -> None:
        """End the connection from outside; the first reason counts."""
        if self._farewell is None:
            self._farewell = Close(code, reason)
            self._hung.set()

    async def run(self) -> None:
        await self._websocket.accept()
        close: Close | None = None
        try:
            with (
                self._services.phones.registered(self),
                self._services.hub.subscribed(self._wake.set),
                self._services.board.subscribed(self._wake.set),
            ):
                close = await self._until_over()
        finally:
            if self._core.receipted:
                self._services.receipts.note(self._session.id, self._core.receipted)
        if close is not None:
            await self._close(close)

    async def _until_over(self) -> Close | None:
        """Runs the three concerns until one of them ends the connection; how it is to be closed."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read(), name="phone reader")
                group.create_task(self._send(), name="phone sender")
                group.create_task(self._watch(), name="phone watchdog")
        except BaseExceptionGroup as errors:
            return self._judge(errors)
        raise AssertionError("a connection ends by an exception")

    def _judge(self, errors: BaseExceptionGroup[BaseException]) -> Close | None:
        """What the first cause asks for; a bug is logged and costs this connection only."""
        over, rest = errors.split(_Over)
        if rest is not None:
            store, bugs = rest.split(StoreError)
            if store is not None:
                for error in _leaves(store):
                    assert isinstance(error, StoreError)
                    self._services.fault.report(error)
            if bugs is not None:
                _log.error("phone's connection failed", session=self._session.id, exc_info=bugs)
            return Close(CLOSE_FAULT, "the server has failed: try again")
        assert over is not None
        closes = [error.close for error in _leaves(over) if isinstance(error, _Over)]
        return closes[0]

    # ---- the three concerns ----------------------------------------------------------------------------

    async def _read(self) -> NoReturn:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                raise _Over(None)
            text = message.get("text") or ""  # a binary message reads as an empty one, which is refused
            now = self._services.monotonic()
            self._services.phones.reach.heard(self._session.id, self._services.clock())
            on_post = self._services.duty.is_on(self._session.id)
            full = not self._core.allowance()
            action = self._core.received(text, on_post=on_post, at=now)
            match action:
                case Greet(resume, proof):
                    await self._prove(proof)
                    await self._greet(resume)
                case Receipted(seq):
                    self._services.phones.reach.receipted(self._session.id, seq, self._services.clock())
                    self._services.receipts.note(self._session.id, seq)
                    if full:  # otherwise nothing waited for this receipt
                        self._wake.set()
                case Refuse(refused, audit):
                    if audit:
                        await self._audit(audit, refused.code)
                    await self._say(refused)
                case Do(request):
                    await self._do(request)
                case Close():
                    raise _Over(action)
            if pause := self._core.pause(self._services.monotonic()):
                await asyncio.sleep(pause)

    async def _send(self) -> NoReturn:
        """State first, the newest only; then events while the window has room."""
        hub, board, duty = self._services.hub, self._services.board, self._services.duty
        shown: tuple[int, bool] | None = None  # the state that the phone has
        looked = -1  # the log holds nothing for this phone up to here
        await self._started.wait()
        while True:
            self._wake.clear()
            on_post = duty.is_on(self._session.id)
            if shown != (board.version, on_post):
                shown = (board.version, on_post)
                await self._say_text(board.text(on_post=on_post))
            latest = hub.latest
            room = self._core.allowance()
            if room and max(self._core.cursor, looked) < latest:
                lines = await hub.after(self._core.cursor, min(room, PAGE))
                for line in lines:
                    if not self._core.may_tell(line.seq, erased=line.erased):
                        self._core.passed(line.seq)
                        continue
                    self._core.sent(line.seq, self._services.monotonic())
                    await self._say_text(line.text)
                if not lines:
                    looked = latest
                continue
            await self._wake.wait()

    async def _watch(self) -> NoReturn:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._tick):
                    await self._hung.wait()
                raise _Over(self._farewell)
            if close := self._core.overdue(self._services.monotonic()):
                if close.code == wire.CLOSE_SLOW:
                    self._services.phones.count_slow()
                raise _Over(close)

    # ---- requests --------------------------------------------------------------------------------------

    async def _prove(self, proof: str) -> None:
        """Before anything is told: a stolen cookie without its device hears nothing."""
        tls = self._websocket.url.scheme == "wss"
        services = self._services
        problem = services.proofs.check(
            self._session.device_key, proof, "WS", PATH, now=services.clock(), tls=tls
        )
        if problem:
            await self._audit(PATH, problem)
            refused = wire.Refused("proof", "this device could not prove that the session is its own")
            raise _Over(Close(wire.CLOSE_PROOF, problem, refused))

    async def _greet(self, resume: int) -> None:
        beginning = await self._services.log.beginning(self._session.created_at)
        latest = self._core.start(resume, self._services.hub.latest, beginning)
        self._services.phones.reach.greeted(self._session.id, self._core.receipted, self._services.clock())
        await self._say(
            wire.Welcome(
                protocol=wire.PROTOCOL,
                site=self._services.config.site.name,
                officer=self._session.name,
                role=self._session.role.value,
                latest=latest,
                heartbeat_seconds=self._services.config.post.heartbeat_seconds,
                now=self._services.clock(),
            )
        )
        self._started.set()

    async def _do(self, request: wire.OnPost | wire.OffPost | wire.Beat | wire.AlertRequest) -> None:
        session, services = self._session, self._services
        match request:
            case wire.OnPost():
                services.duty.take(session.id, session.name)
            case wire.OffPost():
                services.duty.off(session.id)
            case wire.Beat():
                services.duty.heard(session.id)
                await self._say(wire.Pulse(services.clock()))
                self._session = await services.officers.seen(session)
            case _:
                try:
                    await services.alerts.carry_out(request, session.actor)
                except NotAllowed as error:
                    await self._say(wire.Refused(error.code, str(error), request.alert))
        self._wake.set()

    async def _audit(self, path: str, code: str) -> None:
        refusals = self._websocket.app.state.refusals  # one budget a session, over HTTP and here
        if not refusals.take(self._session.id, self._services.monotonic()):
            await self._services.audit.record(kinds.Refused(path, code), self._session.actor)

    # ---- the wire --------------------------------------------------------------------------------------

    async def _say(self, message: wire.ServerMessage) -> None:
        await self._say_text(wire.encode(message).decode())

    async def _say_text(self, text: str) -> None:
        try:
            await self._websocket.send_text(text)
        except (WebSocketDisconnect, RuntimeError):
            # RuntimeError: uvicorn has closed the socket itself, after a ping without answer for instance,
            # and the disconnect has not been read yet.
            raise _Over(None) from None

    async def _close(self, close: Close) -> None:
        """A phone that reads nothing blocks this too: then its socket is closed without a code."""
        with contextlib.suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
            async with asyncio.timeout(CLOSE_SECONDS):
                if close.refused is not None:
                    await self._websocket.send_text(wire.encode(close.refused).decode())
                await self._websocket.close(close.code, close.reason)


def _leaves(errors: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    """The exceptions themselves, in the order in which they were raised."""
    leaves: list[BaseException] = []
    for error in errors.exceptions:
        leaves += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return leaves
