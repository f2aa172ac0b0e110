"""`lfrd audit verify`, `export` and `show`: the audit as an auditor reads, takes away and believes it."""

from __future__ import annotations

import asyncio
import datetime
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, get_args

import msgspec
import typer

from lfrd import config
from lfrd.commands.acting import AsOption, PasswordFileOption, acting, password_of
from lfrd.commands.failure import one_line
from lfrd.commands.shared import ConfigOption, JsonOption, counted, event_line, group, print_json, shown
from lfrd.errors import CorruptError, LfrdError, MissingError

if TYPE_CHECKING:
    from lfrd.audit.export import Verified
    from lfrd.store.audit import Audit

CONFIG = Path("config.toml")

app = group("The audit: verify, export, show.")


class Witness(msgspec.Struct, frozen=True):
    """What somebody has kept from earlier: the hash of one record, signed by `public_key`."""

    seq: int
    hash: str
    public_key: str


@app.command(short_help="Whether nothing was changed, left out or cut off.")
def verify(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="An export; without it, this site's own database.")
    ] = None,
    public_key: Annotated[
        str | None,
        typer.Option(
            "--public-key", metavar="KEY", help="The site's public key: 64 hexadecimal digits, or a file."
        ),
    ] = None,
    witness: Annotated[
        list[Path] | None,
        typer.Option("--witness", metavar="FILE", help="An earlier export or receipt that must fit in."),
    ] = None,
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Follow the audit from its first record to its last, every hash and every signature.

    An export needs no database and no network. Says in one line which record is wrong, and how.
    """
    from lfrd.audit.export import Broken

    trusted = _public_key(public_key) if public_key is not None else None
    witnesses = [_witness(path) for path in witness or ()]
    known: dict[int, str] = {}
    for path, kept in zip(witness or (), witnesses, strict=True):
        if known.setdefault(kept.seq, kept.hash) != kept.hash:
            raise LfrdError(f"{path}: another witness knows record {kept.seq} with another hash")
    where = str(file) if file is not None else "the audit"
    try:
        if file is not None:
            found = _verified(file, trusted, known)
        else:
            found = asyncio.run(_verified_here(config.load(config_file), trusted, known))
        history = {key.public_key for key in found.keys}
        for path, kept in zip(witness or (), witnesses, strict=True):
            if kept.public_key not in history:
                raise Broken(None, f"the witness {path} is signed with another site's key")
    except Broken as broken:
        if as_json:
            print_json({"verified": False, "record": broken.record, "problem": broken.problem})
        raise LfrdError(f"{where}: {broken}") from None
    if as_json:
        print_json({"verified": True, "key_given": trusted is not None, **msgspec.to_builtins(found)})
        return
    print(_good(where, found, trusted is not None))


@app.command(short_help="Write the audit to a file that proves itself.")
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; it must not be there yet.")],
    name: AsOption = None,
    password_file: PasswordFileOption = None,
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Write all records and checkpoints as lines of JSON, closed by a signature of the site.

    Whoever has the file can verify it without this site. Works while the server runs; is itself recorded.
    """
    placed = config.load(config_file)
    _database(placed)
    password = password_of(name, password_file)
    # Closed to others, since officers' names are in it; what is there already may be somebody's evidence.
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise MissingError(f"{file}: is there already; name another file for the export") from None
    with os.fdopen(descriptor, "wb") as out:
        try:
            lines = asyncio.run(_export(placed, name, password, out))
        except BaseException:
            file.unlink()
            raise
    if as_json:
        print_json({"file": str(file), "lines": lines})
        return
    print(f"{file}: {counted(lines, 'line')}; verify it anywhere with `lfrd audit verify {file}`")


@app.command(short_help="Print records for people.")
def show(
    deployment: Annotated[
        str | None, typer.Option(metavar="ID", help="Its id, the beginning of one, or its name.")
    ] = None,
    kind: Annotated[str | None, typer.Option(metavar="KIND", help="Of this kind: alert_raised ...")] = None,
    actor: Annotated[str | None, typer.Option(metavar="NAME", help="By this officer, name or id.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="From 2026-05-01, or 2026-05-01T14:30, on.")
    ] = None,
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Print the audit's records, the oldest first. Works while the server runs; is itself recorded."""
    from lfrd.audit.kinds import AnyBody

    known = sorted(str(kind.__struct_config__.tag) for kind in get_args(AnyBody))
    begin = _moment(since) if since is not None else None
    if kind is not None and kind not in known:
        raise typer.BadParameter(f"must be one of: {', '.join(known)}", param_hint="'--kind'")
    asyncio.run(_show(config.load(config_file), deployment, kind, actor, begin, as_json))


def _verified(file: Path, trusted: str | None, known: dict[int, str]) -> Verified:
    from lfrd.audit.export import LINE_LIMIT
    from lfrd.audit.export import verify as verify_lines
    from lfrd.sealing.signing import verify as check

    with file.open("rb") as opened:  # a line without an end is not read to the memory's end
        lines: Iterator[bytes] = iter(lambda: opened.readline(LINE_LIMIT + 1), b"")
        return verify_lines(lines, check, trusted=trusted, known=known)


async def _verified_here(placed: config.Placed, trusted: str | None, known: dict[int, str]) -> Verified:
    async with _audit(placed) as audit:
        return await audit.verify(trusted, known)


def _good(where: str, found: Verified, key_given: bool) -> str:
    said = (
        f"{where}: {counted(found.records, 'record')} and {counted(found.checkpoints, 'checkpoint')} of "
        f"'{found.site}' are as they were written"
    )
    if found.at is not None:
        said += f", exported {shown(found.at)}"
    elif found.signed < found.records:
        newer = found.records - found.signed
        said += f"; {counted(newer, 'newer record')} {'is' if newer == 1 else 'are'} not signed yet"
    if not key_given:
        said += (
            f"; signed with {found.keys[-1].public_key}: compare it, or give it as --public-key, to know "
            "that it is the site's"
        )
    return one_line(said)


def _public_key(given: str) -> str:
    """64 hexadecimal digits in lower case, as given or as the file holds them."""
    if _is_key(given.lower()):
        return given.lower()
    path = Path(given)
    try:
        text = path.read_bytes()[:1000].decode("ascii").strip().lower()
    except FileNotFoundError:
        raise MissingError(f"--public-key: '{given}' is neither 64 hexadecimal digits nor a file") from None
    except UnicodeDecodeError:
        text = ""
    if not _is_key(text):
        raise CorruptError(path, "not a public key: it holds other things than 64 hexadecimal digits")
    return text


def _is_key(text: str) -> bool:
    return len(text) == 64 and set(text) <= set("0123456789abcdef")


def _witness(path: Path) -> Witness:
    """What an earlier export, or a signed receipt, knows of the audit's history.

    Raises LfrdError where its own signatures are not good.
    """
    from lfrd.audit.export import Broken
    from lfrd.sealing.signing import read_signed

    with path.open("rb") as opened:
        is_export = opened.read(16) == b'{"line":"header"'
    if is_export:
        try:
            found = _verified(path, None, {})
        except Broken as broken:
            raise LfrdError(f"{path}: no witness: {broken}") from None
        return Witness(found.records, found.head, found.keys[-1].public_key)
    document = path.read_bytes()
    try:
        audit: Any = read_signed(document).get("audit")
        key = msgspec.json.decode(document)["public_key"]
        return msgspec.convert({**audit, "public_key": key}, Witness)
    except (LfrdError, TypeError, msgspec.ValidationError):
        raise CorruptError(path, "no witness: neither an export of the audit nor a signed receipt") from None


@asynccontextmanager
async def _audit(placed: config.Placed) -> AsyncIterator[Audit]:
    """The audit of a site that may be running, to be read: the site's key need not be here."""
    from lfrd.store.audit import Audit
    from lfrd.store.database import Database

    async with Database.open(_database(placed), beside=True) as db:
        yield Audit(db, time.time)


def _database(placed: config.Placed) -> Path:
    """Raises MissingError where nothing has been kept yet: a look makes no database."""
    from lfrd.records import DATABASE

    path = placed.data / DATABASE
    if not path.exists():
        raise MissingError(f"{path}: no database; look at site.data in the settings, or start lfrd once")
    return path


async def _export(placed: config.Placed, name: str | None, password: str | None, out: IO[bytes]) -> int:
    from lfrd.records import records

    lines = 0
    async with records(placed, beside=True) as site:
        actor = await acting(site.db, name, password)
        async for line in site.audit.export(actor):
            out.write(line)
            lines += 1
    return lines


async def _show(
    placed: config.Placed,
    deployment: str | None,
    kind: str | None,
    actor: str | None,
    since: float | None,
    as_json: bool,
) -> None:
    from lfrd.audit.kinds import AuditViewed
    from lfrd.store.audit import Audit
    from lfrd.store.clock import Ratchet
    from lfrd.store.database import Database
    from lfrd.types import CONSOLE

    async with Database.open(_database(placed), beside=True) as db:
        audit = Audit(db, (await Ratchet.opened(db)).now)
        names = await audit.names()
        by = next((id for id, name in names.items() if name == actor), actor)
        if deployment is not None:
            deployment = await deployment_meant(audit, deployment)
        if not await audit.newest(limit=1):  # not begun: there is nothing to show
            return
        after, viewed = 0, await audit.record(AuditViewed(), CONSOLE)  # before anything is shown
        while records := await audit.records(after, 1000, deployment, what=kind, actor=by, since=since):
            for record in records:
                if record.seq >= viewed:
                    return
                body = msgspec.json.decode(record.body)
                name = names.get(record.actor, record.actor)
                if as_json:
                    event_line({**msgspec.to_builtins(record), "name": name, "body": body})
                    continue
                said = " ".join(f"{key}={_value(value)}" for key, value in body.items() if key != "what")
                line = f"{record.seq:>7}  {shown(record.at)}  {name:<16}  {record.what:<20}  {said}"
                print(one_line(line.rstrip()))
            after = records[-1].seq


async def deployment_meant(audit: Audit, which: str) -> str:
    """The id of the deployment that is meant by its id, the beginning of it, or its name: as the audit itself
    tells of it, so that one that is gone is found too. Raises MissingError where none is, or several are."""
    if await audit.records(limit=1, deployment=which):
        return which
    drafted: dict[str, str] = {}
    after = 0
    while records := await audit.records(after, what="drafted"):
        drafted |= {one.deployment: msgspec.json.decode(one.body)["plan"]["name"] for one in records}
        after = records[-1].seq
    for meant in (
        [id for id, name in drafted.items() if name == which],
        [id for id in drafted if which and id.startswith(which)],
    ):
        if len(meant) == 1:
            return meant[0]
        if meant:
            raise MissingError(f"'{which}' can be {', '.join(meant)}: give one of these ids")
    raise MissingError(f"the audit tells of no deployment '{which}'; see `lfrd deployment list`")


def _value(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _moment(text: str) -> float:
    """Unix seconds of a time that a person writes: the box's own time where no offset stands."""
    try:
        return datetime.datetime.fromisoformat(text).astimezone().timestamp()
    except ValueError:
        raise typer.BadParameter(
            f"'{text}' is not a time such as 2026-05-01 or 2026-05-01T14:30", param_hint="'--since'"
        ) from None
