"""`lfrd watchlist import`, `export` and `destroy`: what brings lists in, sends them out, and ends them."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lfrd import config
from lfrd.commands.acting import AsOption, PasswordFileOption, acting, password_of
from lfrd.commands.bars import bar
from lfrd.commands.deployment_step import CONFIG, WhichArgument, opened, which_one
from lfrd.commands.failure import note, one_line
from lfrd.commands.shared import ConfigOption, JsonOption, counted, print_json, share_of
from lfrd.errors import LfrdError, MissingError

if TYPE_CHECKING:
    from lfrd.config import Placed
    from lfrd.listing.importing import Imported
    from lfrd.listing.reporting import Fault
    from lfrd.records import Records
    from lfrd.types import Actor

MOST_LINES = 20
"""Of a report on the terminal; the rest is in the file of --report."""

SourceArgument = Annotated[
    Path, typer.Argument(metavar="SOURCE", help="A folder with entries.csv or entries.json, or a package.")
]
ReportOption = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="Write everything found wrong or doubtful there, as CSV."),
]


def import_(
    source: SourceArgument,
    deployment: WhichArgument,
    trust: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY", help="A sender's public key, or a file of them; beside watchlists.senders. Repeat."
        ),
    ] = None,
    report: ReportOption = None,
    name: AsOption = None,
    password_file: PasswordFileOption = None,
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Import a deployment's watchlist, in the place of the one that it has. Who imports is an operator.

    Broken off, the same command goes on where it was. Entries that are refused leave the rest as it is.
    """
    from lfrd import memory
    from lfrd.listing.bringing import trusted
    from lfrd.listing.reporting import write_report

    placed = config.load(config_file)
    memory.harden()
    senders = trusted(trust or [])
    if report is not None and report.exists():
        raise MissingError(f"{report}: is there already; name another file for the report")
    password = password_of(name, password_file)

    async def bringing() -> tuple[Imported, list[Fault]]:
        async with opened(placed) as site:
            actor = await acting(site.db, name, password, console=False)
            return await _bring(site, placed, source, deployment, senders, actor)

    done, found = asyncio.run(bringing())
    if report is not None:
        write_report(report, found)
    print_json(_as_dict(done, found)) if as_json else _print(done, found, report)


async def _bring(
    site: Records, placed: Placed, source: Path, which: str, senders: set[str], actor: Actor
) -> tuple[Imported, list[Fault]]:
    from lfrd.listing.bringing import Origin, bring
    from lfrd.listing.reporting import faults
    from lfrd.readiness import pack_in_use

    deployment = await which_one(site, which)
    with bar("Opening the model pack") as shown:
        pack = await pack_in_use(placed, share_of(shown))
    if isinstance(pack, LfrdError):
        raise pack
    with bar("Importing the watchlist") as shown:
        done = await bring(
            placed,
            site.watchlists,
            deployment.id,
            deployment.plan,
            Origin(source, senders),
            pack,
            site.keys.site_key,
            site.clock.now(),
            actor,
            shown,
        )
    return done, faults(done.source, await site.watchlists.export.findings(deployment.id, actor))


def _as_dict(done: Imported, found: list[Fault]) -> dict[str, Any]:
    from lfrd.listing.reporting import by_code

    summary = done.summary
    return {
        "listed": summary.listed,
        "waiting": summary.waiting,
        "refused": summary.refused,
        "composition": summary.composition,
        "found": by_code(found),
        "pairs": summary.pairs,
        "needs": summary.needs,
        "levels": {name: round(score, 4) for name, score in summary.settings.items()},
        "digest": summary.digest,
        "resumed": done.resumed,
        "faults": [
            {"line": f.line, "reference": f.reference, "kind": f.kind, "code": f.code, "where": f.where}
            for f in found
        ],
    }


def _print(done: Imported, found: list[Fault], report: Path | None) -> None:
    from lfrd.listing.reporting import by_code

    summary = done.summary
    if done.resumed:
        note("lfrd: went on with the import that was broken off")
    if done.changed:
        note("lfrd: an import that was broken off was of another state of the list: begun anew")
    for fault in found[:MOST_LINES]:
        print(one_line(fault.text()))
    if len(found) > MOST_LINES:
        where = f"in {report}" if report is not None else "written to a file by --report FILE"
        print(f"and {len(found) - MOST_LINES:,} more, {where}; in all:")
        for code, number in by_code(found).items():
            print(f"  {code}: {number:,}")
    for kind, number in summary.pairs.items():
        what = "look alike" if kind == "lookalike" else "show the same face"
        print(f"{counted(number, 'pair')} of entries that {what}; `lfrd watchlist report` shows them")
    for need, number in summary.needs.items():
        print(f"{counted(number, 'entry', 'entries')} waiting for an approval: {need}")
    print(
        f"{counted(summary.listed, 'entry', 'entries')} will be looked for, {summary.waiting:,} waiting, "
        f"{summary.refused:,} refused; digest {summary.digest[:16]}"
    )


def export(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A folder with entries.csv, or a deployment.")
    ],
    to: Annotated[
        str,
        typer.Option(
            metavar="RECIPIENT", help="The receiving site's: `lfrd watchlist address` prints it there."
        ),
    ],
    output: Annotated[Path, typer.Option(metavar="FILE", help="The package's file.")],
    report: ReportOption = None,
    name: AsOption = None,
    password_file: PasswordFileOption = None,
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Write a signed package that one other site alone can open. Who exports is an operator.

    From a folder the pictures go as they are; from a deployment the faces that it has enrolled.
    """
    from lfrd import memory

    placed = config.load(config_file)
    memory.harden()
    password = password_of(name, password_file)
    is_folder = Path(source).is_dir()

    async def exporting() -> dict[str, Any]:
        from lfrd.listing.sending import send_folder, send_list

        async with opened(placed) as site:
            actor = await acting(site.db, name, password, console=False)
            now = site.clock.now()
            with bar("Writing the package") as shown:
                where = (site.watchlists, site.keys.site_key, to, output, now, actor, shown)
                if is_folder:
                    sent = await send_folder(Path(source), *where)
                else:
                    deployment = await which_one(site, source)
                    sent = await send_list(deployment.id, *where)
        if report is not None:
            from lfrd.listing.reporting import faults, write_report

            write_report(report, faults(sent.source, []) if sent.source is not None else [])
        codes = Counter(p.code.value for p in sent.source.problems) if sent.source is not None else Counter()
        return {
            "package": str(output),
            "entries": sent.manifest.entries,
            "files": len(sent.manifest.files),
            "left_out": sent.source.wrong_lines if sent.source is not None else 0,
            "reasons": dict(codes),
            "sender": sent.manifest.sender,
        }

    done = asyncio.run(exporting())
    if as_json:
        print_json(done)
        return
    if done["left_out"]:
        reasons = ", ".join(f"{code} {number:,}" for code, number in done["reasons"].items())
        note(f"lfrd: {counted(done['left_out'], 'line')} left out: {reasons}")
    print(one_line(f"{done['package']}: {counted(done['entries'], 'entry', 'entries')}; the receiver needs"))
    print(f"  --trust {done['sender']}")


def destroy(
    deployment: WhichArgument,
    name: AsOption = None,
    password_file: PasswordFileOption = None,
    config_file: ConfigOption = CONFIG,
) -> None:
    """Destroy a deployment's watchlist, key first, and print the signed receipt. The manifest stays."""
    from lfrd.store.list_import import require
    from lfrd.types import Role

    placed = config.load(config_file)
    password = password_of(name, password_file)

    async def destroying() -> str:
        async with opened(placed) as site:
            actor = await acting(site.db, name, password, console=False)
            require(actor, Role.OPERATOR, Role.AUTHORISING, what="destroy a watchlist")
            return await site.destruction.watchlist((await which_one(site, deployment)).id, actor)

    print(asyncio.run(destroying()))
