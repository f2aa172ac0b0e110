"""The pages' own files, compressed once.

Only these are ever compressed: they hold no secret. An answer that holds one beside text that a stranger can
choose gives it away by its length when it is compressed (BREACH).
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response

_TEXT = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
}
"""Kinds that are compressed."""
_KINDS = _TEXT | {".png": "image/png", ".ico": "image/x-icon", ".woff2": "font/woff2"}
LARGEST = 4 * 1024 * 1024
"""Bytes of one file. A folder's files are held in memory: it is ours, and its size is known."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A file as it was read. gzipped: None where it is not smaller."""

    changed: tuple[int, int]  # time of change in ns, and size: read again where they are others
    plain: bytes
    gzipped: bytes | None
    digest: str


class Files:
    """A folder's files by their path. Nothing outside the folder is served, and nothing that is hidden."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, _Held] = {}  # by path; only of files that are there

    async def answer(self, path: str, headers: Headers) -> Response:
        """The file; 304 where the browser has it. Raises HTTPException(404)."""
        path = f"{path}index.html" if not path or path.endswith("/") else path
        kind = _KINDS.get(PurePosixPath(path).suffix)
        if kind is None or any(part.startswith(".") or not part for part in path.split("/")):
            raise HTTPException(404)
        held = await asyncio.to_thread(self._read, path)
        zipped = held.gzipped is not None and _takes_gzip(headers.get("accept-encoding", ""))
        # Two encodings are two representations: each has a tag of its own (RFC 9110, 8.8.3).
        tag = f'"{held.digest}{"-gzip" if zipped else ""}"'
        fixed = {"etag": tag, "cache-control": "no-cache"}  # asked for again each time, sent when it changed
        if held.gzipped is not None:
            fixed["vary"] = "Accept-Encoding"
        if tag in (t.strip().removeprefix("W/") for t in headers.get("if-none-match", "").split(",")):
            return Response(status_code=304, headers=fixed)
        if zipped:
            fixed["content-encoding"] = "gzip"
        body = held.gzipped if zipped and held.gzipped is not None else held.plain
        return Response(body, headers=fixed | {"content-type": kind})

    def _read(self, path: str) -> _Held:
        file = self._folder / path
        try:
            if not file.resolve().is_relative_to(self._folder.resolve()) or not file.is_file():
                raise HTTPException(404)
            facts = file.stat()
            changed = (facts.st_mtime_ns, facts.st_size)
            held = self._held.get(path)
            if held is not None and held.changed == changed:
                return held
            if facts.st_size > LARGEST:
                raise HTTPException(404)
            plain = file.read_bytes()
        except (OSError, ValueError):  # gone meanwhile; a name that no file can have
            raise HTTPException(404) from None
        gzipped = gzip.compress(plain, 9, mtime=0) if file.suffix in _TEXT else plain
        smaller = gzipped if len(gzipped) < len(plain) else None
        held = _Held(changed, plain, smaller, hashlib.sha256(plain).hexdigest()[:32])
        self._held[path] = held
        return held


def _takes_gzip(accepted: str) -> bool:
    """Whether a browser takes gzip (RFC 9110, 12.5.3)."""
    for choice in accepted.lower().split(","):
        name, _, quality = choice.partition(";")
        if name.strip() in ("gzip", "*"):
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
