"""The calibrations of a pack.toml replaced, and every other byte of it kept: people's comments as well."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lfrd.errors import CorruptError
from lfrd.models.shelf import changing, described, shelf, writing
from lfrd.sealing.lasting import whole
from lfrd.vision.pack import MANIFEST, Calibration, Pack, calibration_toml, parse_manifest


def calibrate(pack: Pack, added: Sequence[Calibration], data: Path, *, keep: bool = False) -> Pack:
    """Put measurements on the pack's card, in place of those of the same kind; with `keep`, beside them.

    pack.toml is replaced in one step, so that whoever opens the pack meanwhile finds the old card or the new
    one. `Manifest.digest` is of files and numbers, so lists, segments and scores of this pack stay its own.
    Raises CorruptError where the manifest is written in a way that cannot be added to, or has changed since
    `pack` was read, and StoreError where it cannot be written. data: the folder of installed packs.
    """
    path = (pack.folder / MANIFEST).resolve()
    installed = pack.folder.resolve().parent == shelf(data).resolve()
    with changing(data) if installed else nullcontext():
        if described(pack.folder).manifest != pack.manifest:
            raise CorruptError(path, "has changed while the pack was measured; calibrate it anew")
        with writing(path):
            text, before = path.read_bytes().decode("utf-8"), path.stat()
        made = replaced(text, added, path, keep=keep)
        with writing(path), whole(path) as file:
            os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))
            with suppress(PermissionError):  # only root can give a file away, and only root needs to
                os.fchown(file.fileno(), before.st_uid, before.st_gid)
            file.write(made.encode())
        return described(pack.folder)


def replaced(text: str, added: Sequence[Calibration], path: Path, *, keep: bool = False) -> str:
    """A manifest's text with these calibrations. path: only names it in errors. Raises CorruptError."""
    kinds = set() if keep else {one.kind for one in added}
    old = tomllib.loads(text)
    kept = [row for row in old.get("calibration", []) if row.get("kind", "picture") not in kinds]
    lines = text.split("\n")
    tables = [table for table in _tables(text) if table.name == "calibration"]
    rows = old.get("calibration", [])
    if len(tables) != len(rows):
        raise CorruptError(path, "calibration is not written as [[calibration]] tables; write it as these")
    gone: set[int] = set()
    for table, row in zip(tables, rows, strict=True):
        if row.get("kind", "picture") in kinds:
            gone.update(range(table.first, table.last + 1))
    rest = "\n".join(line for number, line in enumerate(lines) if number not in gone)
    newline = "\r\n" if "\r\n" in text else "\n"
    made = rest.rstrip() + newline + "".join(calibration_toml(one) for one in added).replace("\n", newline)
    _require_same(old, made, kept, added, path)
    return made


@dataclass(frozen=True, slots=True)
class _Table:
    """Numbers of the lines of a table: its head, and its last line that is neither empty nor a comment."""

    name: str
    first: int
    last: int


def _tables(text: str) -> Iterator[_Table]:
    """The tables of a TOML text that is known to be good, in order."""
    name, first, last = "", 0, -1
    for number, (line, inside) in enumerate(_lines(text)):
        bare = line.strip()
        if not inside and bare.startswith("["):
            if name:
                yield _Table(name, first, last)
            name, first = bare.partition("#")[0].strip(" \t[]"), number
            last = number
        elif inside or (bare and not bare.startswith("#")):
            last = number
    if name:
        yield _Table(name, first, last)


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it goes on with a value that began on an earlier one: a long text or a list."""
    quotes, depth = "", 0  # the marks of the long text that is open, and lists and inline tables that are
    for line in text.split("\n"):
        yield line, bool(quotes) or depth > 0
        at = 0
        if not quotes and not depth and line.lstrip().startswith("["):
            continue  # a table's head has brackets of its own
        while at < len(line):
            if quotes:
                if quotes == '"""' and line[at] == "\\":
                    at += 2
                elif line.startswith(quotes, at):
                    at += len(quotes)
                    while at < len(line) and line[at] == quotes[0]:  # one or two more belong to the text
                        at += 1
                    quotes = ""
                else:
                    at += 1
                continue
            mark = line[at]
            if mark == "#":
                break
            if line.startswith(('"""', "'''"), at):
                quotes = line[at : at + 3]
                at += 3
            elif mark in "\"'":
                at = _after(line, at)
            else:
                depth += (mark in "[{") - (mark in "]}")
                at += 1


def _after(line: str, at: int) -> int:
    """Where a short text that begins at `at` has ended."""
    mark = line[at]
    at += 1
    while at < len(line) and line[at] != mark:
        at += 2 if mark == '"' and line[at] == "\\" else 1
    return at + 1


def _require_same(
    old: dict[str, Any], made: str, kept: list[Any], added: Sequence[Calibration], path: Path
) -> None:
    """Whatever the text looked like: nothing but calibrations has changed, and they are these."""
    new: dict[str, Any]
    try:
        new = tomllib.loads(made)
        rows = parse_manifest(made, path).calibration[len(kept) :]
    except tomllib.TOMLDecodeError as error:
        raise CorruptError(path, f"a calibration cannot be added to it ({error}); add it by hand") from None
    same = {key: value for key, value in new.items() if key != "calibration"}
    if (
        same != {key: value for key, value in old.items() if key != "calibration"}
        or new["calibration"][: len(kept)] != kept
        or rows != tuple(added)
    ):
        raise CorruptError(path, "a calibration cannot be added to it without other changes; add it by hand")
