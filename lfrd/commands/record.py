"""`lfrd record`: a deployment's record and its public notice, from this site's audit or from an export."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lfrd import config
from lfrd.commands.acting import AsOption, PasswordFileOption, acting, password_of
from lfrd.commands.shared import ConfigOption, JsonOption, print_json, print_table, shown
from lfrd.errors import LfrdError, MissingError

if TYPE_CHECKING:
    from lfrd.audit.figures import Figures

CONFIG = Path("config.toml")


class Format(StrEnum):
    HTML = "html"
    CSV = "csv"
    JSON = "json"
    NOTICE = "notice"


_WRITTEN = {Format.HTML: "a page", Format.CSV: "CSV", Format.JSON: "JSON", Format.NOTICE: "a page"}


def record(
    deployment: Annotated[
        str | None,
        typer.Argument(
            metavar="DEPLOYMENT", help="Its id, the beginning of one, or its name. [default: the newest]"
        ),
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", help="html and notice: a page that prints on A4; csv, json: data.")
    ] = Format.HTML,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to. [default: printed]")
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option("--audit", metavar="FILE", help="From an export of the audit, without a database."),
    ] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="Show which deployments there are, and end.")
    ] = False,
    config_file: ConfigOption = CONFIG,
    as_name: AsOption = None,
    password_file: PasswordFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a deployment's record: every figure of it is computed from the audit.

    --format notice makes the page that tells the public of the deployment, before and while it runs. Works
    while the server runs, and is itself recorded. With --audit the export is verified first.
    """
    if output is not None and not output.absolute().parent.is_dir():
        raise MissingError(f"{output}: no such folder to write it to")
    form = Format.JSON if as_json else form
    notice = form is Format.NOTICE and not listed
    placed = _placed(config_file, needed=export is None or notice)
    if export is not None:
        figures = _from_export(export)
        text = "" if listed else _made(figures, deployment, form, placed)
    else:
        assert placed is not None
        password = password_of(as_name, password_file)
        figures, text = asyncio.run(
            _from_site(placed, deployment, None if listed else form, as_name, password)
        )
    if listed:
        _print_list(figures, as_json)
    elif output is None:
        print(text, end="")
    else:
        _write(output, text)
        if not as_json:
            print(f"{output}: {'the public notice' if notice else 'the record'}, as {_WRITTEN[form]}")


def _placed(file: Path, *, needed: bool) -> config.Placed | None:
    """The settings; None where there are none and it goes without."""
    if not needed and not file.exists():
        return None
    return config.load(file)


def _from_export(file: Path) -> Figures:
    from lfrd.audit.export import LINE_LIMIT, Broken
    from lfrd.record.gathering import from_export
    from lfrd.sealing.signing import verify

    if not file.is_file():
        raise MissingError(f"{file}: no such file; `lfrd audit export` makes one")
    with file.open("rb") as opened:
        lines: Iterator[bytes] = iter(lambda: opened.readline(LINE_LIMIT + 1), b"")
        try:
            return from_export(lines, verify)
        except Broken as broken:
            raise LfrdError(f"{file}: {broken}; no record is made of an audit that is not whole") from None


async def _from_site(
    placed: config.Placed, deployment: str | None, form: Format | None, name: str | None, password: str | None
) -> tuple[Figures, str]:
    """The figures, and what was made of them in this form; that is then recorded as an export."""
    from lfrd.audit.kinds import Exported
    from lfrd.record.gathering import chosen, from_audit
    from lfrd.records import DATABASE
    from lfrd.store.audit import Audit
    from lfrd.store.clock import Ratchet
    from lfrd.store.database import Database

    path = placed.data / DATABASE
    if not path.exists():
        raise MissingError(f"{path}: no database; look at site.data in the settings, or start lfrd once")
    async with Database.open(path, beside=True) as db:
        actor = await acting(db, name, password)
        audit = Audit(db, (await Ratchet.opened(db)).now)
        figures = await from_audit(audit)
        if form is None:
            return figures, ""
        text = _made(figures, deployment, form, placed)
        kind = "notice" if form is Format.NOTICE else "record"
        await audit.record(Exported(kind, chosen(figures, deployment).id), actor)
    return figures, text


def _made(figures: Figures, wanted: str | None, form: Format, placed: config.Placed | None) -> str:
    from lfrd.record.document import json_text
    from lfrd.record.gathering import chosen
    from lfrd.record.page import Publisher, notice_page, record_page
    from lfrd.record.table import csv_text
    from lfrd.record.words import Clock

    found = chosen(figures, wanted)
    publisher = Publisher(placed.config.site.name, placed.config.notice) if placed else Publisher()
    match form:
        case Format.CSV:
            return csv_text(found, figures.basis)
        case Format.JSON:
            return json_text(found, figures.basis)
        case Format.NOTICE:
            return notice_page(found, publisher, Clock())
        case Format.HTML:
            return record_page(found, figures.basis, publisher, Clock())


def _write(output: Path, text: str) -> None:
    """The whole file or none: what is published must not break off in the middle. newline: CSV brings its own
    line ends."""
    part = output.with_name(f".{output.name}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="")
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)


def _print_list(figures: Figures, as_json: bool) -> None:
    from lfrd.record.document import iso

    if as_json:
        print_json(
            [
                {
                    "id": d.id,
                    "name": d.name,
                    "stage": d.stage,
                    "place": d.place,
                    "started_at": None if d.started_at is None else iso(d.started_at),
                    "ended_at": None if d.ended_at is None else iso(d.ended_at),
                    "faces_seen": d.total.faces_seen,
                    "alerts": d.total.alerts.raised,
                }
                for d in figures.deployments
            ]
        )
        return
    rows = [
        (d.id, d.name, d.stage, shown(d.started_at, exact=False), d.total.faces_seen, d.total.alerts.raised)
        for d in figures.deployments
    ]
    print_table(("ID", "NAME", "STAGE", "STARTED", "FACES SEEN", "ALERTS"), rows)
