"""What was measured with, gathered: version, machine, pack, data, seed, settings and the command."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import lfrd
from lfrd.evaluation.machine import machine
from lfrd.evaluation.report.document import Data, Provenance
from lfrd.vision.pack import Pack


def of(
    pack: Pack,
    data: Iterable[Data],
    seed: int | None,
    settings: Mapping[str, object] | None = None,
    command: str | Sequence[str] | None = None,
    *,
    on: date | None = None,
) -> Provenance:
    """The provenance of what this process measures. settings: those that matter to the figures, written out
    as text. command: the words typed, `lfrd` included; None: this process's own. Names of files and folders
    in it are left out: they may be people's. on: the day; None: today, UTC."""
    typed = ["lfrd", *sys.argv[1:]] if command is None else command
    manifest = pack.manifest
    return Provenance(
        version=lfrd.__version__,
        machine=machine(),
        command=without_paths(shlex.split(typed) if isinstance(typed, str) else typed),
        pack=manifest.name,
        pack_version=manifest.version,
        pack_digest=manifest.digest,
        files={named.file: named.sha256 for named in manifest.files.values()},
        data=tuple(data),
        seed=seed,
        measured_on=(on or datetime.now(UTC).date()).isoformat(),
        settings={key: _text(value) for key, value in (settings or {}).items()},
    )


def without_paths(words: Sequence[str]) -> str:
    """A command line with FOLDER or FILE in place of each of them: whatever is there, or has a slash."""
    return shlex.join([*(Path(word).name for word in words[:1]), *map(_told, words[1:])])


def _told(word: str) -> str:
    option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
    path = Path(value)
    if value and (path.exists() or "/" in value or "\\" in value):
        value = "FILE" if path.is_file() or path.suffix else "FOLDER"
    return f"{option}{equals}{value}"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (tuple, list)):
        return ", ".join(map(_text, value))
    return str(value)
