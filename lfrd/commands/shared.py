"""What the commands have in common: options, the folder of packs, and what they print."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from lfrd import config
from lfrd.commands.bars import Bar
from lfrd.commands.failure import one_line
from lfrd.errors import SettingError

if TYPE_CHECKING:
    from lfrd.vision.pack import Pack

ConfigOption = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The settings' file.")]
PackOption = Annotated[
    str | None,
    typer.Option("--pack", metavar="PACK", help="An installed pack's name, or a folder. [default: builtin]"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Folder of installed packs. [default: $LFRD_DATA or ~/.local/share/lfrd]",
    ),
]
SettingsOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="Its [inference] (but for the pack), [analysis], [tracking] and [decision]. "
        "[default: the defaults]",
    ),
]
PackArgument = Annotated[str, typer.Argument(metavar="PACK", help="An installed pack's name, or a folder.")]
WatchlistFolder = "A folder of pictures a person, or one picture each."

OpenBar = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
"""Opens a progress bar with a title; told (done, total)."""


def group(help_text: str) -> typer.Typer:
    """A group of commands that is completed with `app.add_typer`."""
    return typer.Typer(help=help_text, no_args_is_help=True, rich_markup_mode=None)


def data_folder(chosen: Path | None) -> Path:
    """--data, or $LFRD_DATA, or the user's own folder as freedesktop.org has it."""
    if chosen is not None:
        return chosen.expanduser()
    if os.environ.get("LFRD_DATA"):
        return Path(os.environ["LFRD_DATA"]).expanduser()
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "lfrd"


def open_or_build(name: str | None, data: Path, progress: OpenBar) -> Pack:
    """The named pack; `builtin`, which None stands for, is made first where it is not there yet."""
    from lfrd.models import library

    if name is None or name == library.BUILTIN:
        with progress("Building the builtin model pack, once") as report:
            return library.ensure_builtin(data, share_of(report))
    return library.open_pack(name, data)


def share_of(report: Bar | Callable[[int, int], None]) -> Callable[[float, str], None]:
    """A progress that is told a share (0..1) and what is being done, for a bar that counts."""
    return lambda share, _what: report(round(share * 1000), 1000)


def settings_in(file: Path | None) -> config.Config:
    """What decides how a pack is run and measured, of a settings' file; the defaults for None. Raises what
    reading it does."""
    if file is None:
        return config.Config()
    read = config.load(file).config
    return config.Config(
        inference=read.inference, analysis=read.analysis, tracking=read.tracking, decision=read.decision
    )


def adjusted(
    file: Path | None = None,
    *,
    threshold: float | None = None,
    fpir: float | None = None,
    rate: float | None = None,
    max_side: int | None = None,
) -> config.Config:
    """`settings_in` a file, with those of the command line. Raises typer.BadParameter, naming the option."""
    if threshold is not None and fpir is not None:
        raise typer.BadParameter("--fpir is given as well; keep one of them", param_hint="'--threshold'")
    raw = msgspec.to_builtins(settings_in(file))
    if fpir is not None:
        raw["decision"]["threshold"] = None
    for table, key, value in (
        ("decision", "threshold", threshold),
        ("decision", "fpir", fpir),
        ("analysis", "rate", rate),
        ("analysis", "max_side", max_side),
    ):
        if value is not None:
            raw[table][key] = value
    try:
        return config.parse(raw)
    except SettingError as error:
        option = f"'--{error.key.rpartition('.')[2]}'"
        raise typer.BadParameter(_in_words(error.problem), param_hint=option) from None


def _in_words(problem: str) -> str:
    """ "expected number <= 0.5" as "must be at most 0.5"."""
    found = re.fullmatch(r"expected (?:whole )?number (<=|>=|<|>) ([\d.]+?)(?:\.0)?", problem)
    if found is None:
        return problem
    words = {"<=": "at most", ">=": "at least", "<": "below", ">": "above"}
    return f"must be {words[found[1]]} {found[2]}"


def print_json(value: object) -> None:
    """One JSON document, for people to read as well."""
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Aligned columns, numbers to the right."""
    texts = [list(headings), *([one_line(str(cell)) for cell in row] for row in rows)]
    columns = list(zip(*texts, strict=True))
    widths = [max(map(len, column)) for column in columns]
    right = [all(re.fullmatch(r"-?[\d,.]+", cell) for cell in column[1:]) for column in columns]
    for row in texts:
        cells = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)]
        print("  ".join(cells).rstrip())


def counted(number: int, one: str, many: str = "") -> str:
    """1 alert, 2 alerts, 1,000 people."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def print_trust(link: str, fingerprint: Sequence[str]) -> None:
    """Where a new phone comes to trust this box, before any invitation, and what to compare on it."""
    print_invitation(link, "1. A phone that is new to this box scans this first, to trust it")
    if fingerprint:
        print("   The certificate's SHA-256 fingerprint, to compare with what the phone's settings show:")
        for row in fingerprint:
            print(f"     {row}")
    print(flush=True)


def print_invitation(link: str, caption: str) -> None:
    """A link as text and, on a terminal, as a QR code."""
    if sys.stdout is not None and sys.stdout.isatty():
        import segno

        segno.make(link, error="m").terminal(compact=True)
    print(f"{caption}:\n  {link}", flush=True)


def shown(at: float | None, *, exact: bool = True) -> str:
    """Unix seconds as the box's own time, with its zone; '' for None. exact: to the second."""
    form = "%Y-%m-%d %H:%M:%S %Z" if exact else "%Y-%m-%d %H:%M %Z"
    return "" if at is None else time.strftime(form, time.localtime(at))


def event_line(event: dict[str, Any]) -> None:
    """One event as one line of JSON, seen at once by whoever reads."""
    print(msgspec.json.encode(event).decode(), flush=True)
