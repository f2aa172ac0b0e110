"""The certificate that the server presents: the site's own or one that was brought, and looks after it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import structlog

from lfrd.audit.kinds import AboutTls, CertificateMade
from lfrd.certificates import brought, keeping
from lfrd.certificates.authority import Authority
from lfrd.certificates.names import Names, of_this_box
from lfrd.config import Placed
from lfrd.errors import LfrdError, SettingError

LOOK_SECONDS = 60.0
"""So often is asked whether the certificate is to be renewed or was exchanged, and whether the box has a new
address."""
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2: forward secret, authenticated encryption. TLS 1.3 has no others."""

Record: TypeAlias = Callable[[AboutTls], Awaitable[object]]
"""Writes it into the audit."""

log = structlog.get_logger(__name__)


class Presented:
    """What new connections are shown. Made by `presented`; None stands for plain HTTP."""

    def __init__(self, placed: Placed) -> None:
        self._placed = placed
        self.context = _context()
        self.authority: Authority | None = None  # the site's own; None where a certificate was brought
        self.names = Names((), ())  # that the certificate is for
        self.until = 0.0  # Unix seconds: the certificate's end
        self._loaded = ""  # the digest of the certificate in the context
        self._told: tuple[str, ...] = ()  # problems that are in the log already

    def look(self, now: float) -> list[AboutTls]:
        """Make, renew or read again what is to be presented; returns what was made, for the audit.

        Connections that stand keep what they were shown. now: Unix seconds. Raises SettingError, CorruptError
        and LfrdError; what was presented before is then presented still.
        """
        if self._placed.config.web.certificate:
            return self._look_at_brought(now)
        found = keeping.ensure(keeping.folder_of(self._placed), names_for(self._placed), now)
        self._load(found.box.digest, found.chain, found.chain)
        self.authority, self.names, self.until = found.authority, found.names, found.until
        self._tell(found.problems)
        return list(found.made)

    def _look_at_brought(self, now: float) -> list[AboutTls]:
        certificate, key = brought.paths(self._placed)
        found = brought.read(certificate, key)
        found.refuse(now)
        known = self._loaded
        self._load(found.digest, certificate, key)
        self.names, self.until = found.names, found.until
        self._tell(tuple(found.warnings(now)))
        if found.digest == known:
            return []
        return [CertificateMade(found.digest, found.until, len(found.names), "brought")]

    def _load(self, digest: str, certificate: Path, key: Path) -> None:
        if digest == self._loaded:
            return
        _load(_context(), certificate, key)  # tried apart: what fails must not disturb the one in use
        _load(self.context, certificate, key)
        self._loaded = digest

    def _tell(self, problems: tuple[str, ...]) -> None:
        for problem in problems:
            if problem not in self._told:
                log.warning("certificate", problem=problem)
        self._told = problems

    async def run(self, record: Record, clock: Callable[[], float]) -> None:
        """Look again and again. A problem is told in the log, once; it never ends the server."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look_again(record, clock())

    async def look_again(self, record: Record, now: float) -> None:
        """One look while the server runs."""
        try:
            made = await asyncio.to_thread(self.look, now)
        except LfrdError as error:
            self._tell((str(error),))
            return
        for body in made:
            log.info("certificate_renewed", until=self.until)
            await record(body)


@asynccontextmanager
async def looked_after(
    certificate: Presented | None,
    group: asyncio.TaskGroup,
    record: Record,
    clock: Callable[[], float],
) -> AsyncIterator[None]:
    """What is presented stays fit while the block runs, by a task in the caller's group."""
    if certificate is None:
        yield
        return
    task = group.create_task(certificate.run(record, clock), name="certificate")
    try:
        yield
    finally:
        task.cancel()


def presented(placed: Placed, now: float) -> tuple[Presented | None, list[AboutTls]]:
    """What the settings ask for, ready to be served, and what was made for it; None for plain HTTP.

    Raises SettingError, CorruptError and LfrdError where there is no certificate that can be served.
    """
    if placed.config.web.allow_plain_http:
        return None, []
    found = Presented(placed)
    return found, found.look(now)


def names_for(placed: Placed) -> Names:
    """Under what this box is opened: its own names and addresses, and those of the settings. Raises
    SettingError for one of these that is none."""
    web, tls = placed.config.web, placed.config.tls
    every = web.host in {"0.0.0.0", "::", ""}  # noqa: S104
    return of_this_box([*tls.names, *([] if every else [web.host])])


def _context() -> ssl.SSLContext:
    """TLS 1.2 and 1.3 as browsers of this decade speak it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    return context


def _load(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        # An empty password: a key that wants one is refused instead of asking on the terminal.
        context.load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or "not a PEM file that can be used"
        raise SettingError(
            "web.certificate", f"{certificate} and {key} do not work together ({reason})"
        ) from None
