"""One file over HTTPS: resumed after a break, and kept only with the right size and digest."""

from __future__ import annotations

import errno
import hashlib
import http.client
import ipaddress
import re
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol
from urllib.parse import urlsplit, urlunsplit

from lfrd.errors import DownloadError

CHUNK = 1 << 16
TIMEOUT_SECONDS = 30.0  # without a byte
TRIES = 4  # connections a call: a break is mended by asking for the rest

Arrived = Callable[[str, int], object]
"""Told a file's name and its bytes so far."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to fetch: its name in the target folder, its exact size in bytes, and its SHA-256."""

    name: str
    url: str
    size: int
    sha256: str


class _Answer(Protocol):
    """What is used of a response."""

    status: int
    headers: http.client.HTTPMessage

    def read(self, amount: int) -> bytes: ...


class _BrokenOff(Exception):
    """The connection ended early; what has come is kept, and the rest can be asked for."""


def fetch(
    wanted: Wanted,
    folder: Path,
    arrived: Arrived = lambda name, done: None,
    *,
    timeout_seconds: float = TIMEOUT_SECONDS,
    context: ssl.SSLContext | None = None,
) -> Path:
    """Fetch a file into `folder`, which exists, and return its path.

    What has arrived stands in NAME.part, and a later call goes on from there; NAME appears only when size and
    digest are right. A file that is there already and right is not fetched again. Raises DownloadError; after
    a wrong digest or a wrong size nothing is left behind.
    """
    target, part = folder / wanted.name, folder / f"{wanted.name}.part"
    shown = _redacted(wanted.url)
    with _disk(shown):
        if target.exists() and _digest(target) == wanted.sha256:
            arrived(wanted.name, wanted.size)
            return target
        resumed = part.exists() and part.stat().st_size > 0
        _complete(wanted, part, arrived, timeout_seconds, context)
        if resumed and _digest(part) != wanted.sha256:
            # The beginning may have been of another version of the file: once more, from nothing.
            _forget(part)
            _complete(wanted, part, arrived, timeout_seconds, context)
        found = _digest(part)
        if found != wanted.sha256:
            _forget(part)
            raise DownloadError(
                shown,
                f"not the file that was wanted (SHA-256 {found[:12]}…, wanted {wanted.sha256[:12]}…); "
                "nothing was kept",
            )
        part.replace(target)
        _forget(part)
    return target


def check_address(url: str) -> None:
    """Refuse an address that is not HTTPS (HTTP is allowed to this machine itself), or that holds a user or
    password. Raises DownloadError."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise DownloadError(url, "not an address") from None
    shown = _redacted(url)
    if parts.username is not None or parts.password is not None:
        raise DownloadError(shown, "an address with a user or password is refused; they would show in logs")
    if parts.scheme not in ("https", "http") or not host:
        raise DownloadError(shown, "must begin with https://")
    if parts.scheme == "http" and not _is_loopback(host):
        raise DownloadError(shown, "refused: plain HTTP is only allowed to this machine; use https://")


class _CarefulRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        check_address(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _complete(
    wanted: Wanted, part: Path, arrived: Arrived, timeout_seconds: float, context: ssl.SSLContext | None
) -> None:
    """Ask until the part has the wanted size. Asks again after a break as long as bytes came since."""
    shown = _redacted(wanted.url)
    before = -1
    for _ in range(TRIES):
        have = part.stat().st_size if part.exists() else 0
        if have == wanted.size:
            return
        if have > wanted.size:
            _forget(part)
            have = 0
        if have == before:
            break
        before = have
        try:
            _ask(wanted, part, have, arrived, timeout_seconds, context)
        except _BrokenOff:
            continue
        return
    raise DownloadError(
        shown,
        f"the connection ended after {part.stat().st_size if part.exists() else 0} of {wanted.size} bytes; "
        "run it again to go on from there",
    )


def _ask(
    wanted: Wanted,
    part: Path,
    have: int,
    arrived: Arrived,
    timeout_seconds: float,
    context: ssl.SSLContext | None,
) -> None:
    """One request, for all of the file or for the bytes after `have`."""
    tag = _etag_file(part)
    headers = {"Accept-Encoding": "identity", "User-Agent": "lfrd"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if tag.exists():
            headers["If-Range"] = tag.read_text(encoding="ascii")
    try:
        with _opened(wanted.url, headers, timeout_seconds, context) as answer:
            at = have if answer.status == 206 and _starts_at(answer, have) else 0
            if answer.status == 206 and at != have:
                _forget(part)
                raise _BrokenOff
            etag = answer.headers.get("ETag", "")
            # A weak tag cannot vouch for bytes (RFC 9110, 13.1.5).
            if re.fullmatch(r'"[\x21\x23-\x7e]*"', etag):
                tag.write_text(etag, encoding="ascii")
            else:
                tag.unlink(missing_ok=True)
            _receive(answer, wanted, part, at, arrived)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 416 and have:
                _forget(part)  # the server's file is shorter than our part: not the same file
                raise _BrokenOff from None
        raise DownloadError(_redacted(wanted.url), _refusal(error.code)) from None


def _receive(answer: _Answer, wanted: Wanted, part: Path, at: int, arrived: Arrived) -> None:
    shown = _redacted(wanted.url)
    with part.open("r+b" if at else "wb") as file:
        file.seek(at)
        arrived(wanted.name, at)
        while True:
            try:
                chunk = answer.read(CHUNK)
            except (OSError, http.client.HTTPException):
                raise _BrokenOff from None
            if not chunk:
                break
            at += len(chunk)
            if at > wanted.size:
                _forget(part)
                raise DownloadError(shown, f"longer than the {wanted.size} bytes that it should have")
            file.write(chunk)
            arrived(wanted.name, at)
    if at < wanted.size:
        raise _BrokenOff


@contextmanager
def _opened(
    url: str, headers: dict[str, str], timeout_seconds: float, context: ssl.SSLContext | None
) -> Iterator[_Answer]:
    """A response to be read, with what can go wrong before it in words. HTTPError passes."""
    check_address(url)
    shown = _redacted(url)
    opener = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=context or ssl.create_default_context()), _CarefulRedirects()
    )
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the address has been checked
    try:
        response = opener.open(request, timeout=timeout_seconds)
    except urllib.error.HTTPError:
        raise
    except urllib.error.URLError as error:
        raise DownloadError(shown, _reason(error.reason)) from None
    except (OSError, http.client.HTTPException) as error:
        raise DownloadError(shown, _reason(error)) from None
    with response:
        yield response


def _reason(error: object) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: the server's certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"TLS: no secure connection ({error.reason or 'handshake failed'})"
    if isinstance(error, socket.gaierror):
        return "the name cannot be looked up: no network, or no such host"
    if isinstance(error, TimeoutError):
        return "no answer in time; try again later"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there (connection refused)"
    if isinstance(error, OSError):
        return f"no connection ({error.strerror or type(error).__name__})"
    if isinstance(error, http.client.HTTPException):
        return f"the server's answer is not HTTP ({type(error).__name__})"
    return f"no connection ({error})"


def _refusal(status: int) -> str:
    if 300 <= status < 400:
        return f"redirects to where it must not ({status})"
    if status in (404, 410):
        return f"no such file on the server ({status})"
    if status in (401, 403, 407):
        return f"the server refuses access ({status})"
    if status >= 500:
        return f"the server failed ({status}); try again later"
    return f"the server answered {status}"


def _starts_at(answer: _Answer, have: int) -> bool:
    return re.match(rf"bytes {have}-", answer.headers.get("Content-Range", "")) is not None


@contextmanager
def _disk(shown: str) -> Iterator[None]:
    """Turns this machine's own refusals to write into DownloadError."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DownloadError(shown, "the disk is full; free some space and run it again") from None
        raise DownloadError(shown, f"{error.filename}: cannot be written ({error.strerror})") from None


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _etag_file(part).unlink(missing_ok=True)


def _etag_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.etag")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _redacted(url: str) -> str:
    """The address without user, password, query and fragment."""
    try:
        parts = urlsplit(url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    except ValueError:
        return "address"
