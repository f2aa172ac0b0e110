"""`lfrd retention`: what is kept and for how long, what is due, legal holds, and receipts of deletions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from lfrd import config
from lfrd.commands.acting import AsOption, PasswordFileOption, acting, password_of
from lfrd.commands.shared import ConfigOption, JsonOption, counted, group, print_json, print_table, shown
from lfrd.errors import MissingError, NotAllowed
from lfrd.types import AlertId

if TYPE_CHECKING:
    from lfrd.records import Records
    from lfrd.store.receipts import Receipt
    from lfrd.store.retention import Due, Hold

CONFIG = Path("config.toml")

AlertArgument = Annotated[str, typer.Argument(metavar="ALERT", help="The alert's id.")]
ReasonOption = Annotated[str, typer.Option(metavar="TEXT", help="Why, in a few words. It is recorded.")]

app = group("What is kept for how long: the table, a dry run, legal holds, receipts.")


@app.command("list", short_help="The table that drives all deletion.")
def list_rules(as_json: JsonOption = False) -> None:
    """How long each kind of data is kept, and what may keep it longer."""
    from lfrd.policy.retention import RETENTION, in_words

    if as_json:
        print_json(list(RETENTION.values()))
        return
    print_table(
        ("RULE", "KEPT", "CEILING", "SINCE", "WHAT"),
        [
            (rule.name, in_words(rule.after), in_words(rule.ceiling) if rule.ceiling else "-",
             rule.since or "-", rule.what)
            for rule in RETENTION.values()
        ],
    )  # fmt: skip
    for rule in RETENTION.values():
        if rule.exception:
            print(f"{rule.name}: longer for {rule.exception}")


@app.command("dry-run", short_help="What the next sweep would delete.")
def dry_run(config_file: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """List what is due, and what a legal hold keeps from it. Deletes nothing."""
    found = asyncio.run(_due(config.load(config_file)))
    if as_json:
        print_json(found)
        return
    print_table(
        ("RULE", "WHAT", "DEPLOYMENT", "ROWS", "DUE SINCE", "KEPT BY"),
        [
            (due.rule, due.subject or "-", due.deployment or "-", due.rows, shown(due.due_at),
             f"hold: {due.hold}" if due.hold else "late: no sweep has run" if due.late else "-")
            for due in found
        ],
    )  # fmt: skip
    held = sum(bool(due.hold) for due in found)
    kept = f", {counted(held, 'alert')} kept by a legal hold" if held else ""
    print(f"{counted(len(found) - held, 'deletion')} due{kept}")


@app.command(short_help="Keep an alert from being deleted.")
def hold(
    alert: AlertArgument,
    reason: ReasonOption,
    name: AsOption = None,
    password_file: PasswordFileOption = None,
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Place a legal hold: the alert is kept until it is lifted. An authorising officer's act."""
    placed, password = config.load(config_file), password_of(name, password_file)
    asyncio.run(_hold(placed, alert, reason, name, password, lift=False))
    if as_json:
        print_json({"alert": alert, "held": True})
        return
    print(f"alert {alert} is kept until `lfrd retention lift` lifts the hold")


@app.command(short_help="End a legal hold.")
def lift(
    alert: AlertArgument,
    reason: ReasonOption,
    name: AsOption = None,
    password_file: PasswordFileOption = None,
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Lift a legal hold: the next sweep deletes the alert if its time is up. An authorising officer's act."""
    placed, password = config.load(config_file), password_of(name, password_file)
    asyncio.run(_hold(placed, alert, reason, name, password, lift=True))
    if as_json:
        print_json({"alert": alert, "held": False})
        return
    print(f"the hold on alert {alert} is lifted")


@app.command(short_help="Legal holds in force, and with --all earlier ones.")
def holds(
    everything: Annotated[bool, typer.Option("--all", help="Those that were lifted too.")] = False,
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Who holds which alert, since when and why."""
    found, names = asyncio.run(_holds(config.load(config_file), everything))
    if as_json:
        print_json(found)
        return
    print_table(
        ("ALERT", "SINCE", "BY", "REASON", "LIFTED"),
        [
            (one.alert, shown(one.at), names.get(one.officer, one.officer), one.reason,
             shown(one.lifted_at) if one.lifted_at else "-")
            for one in found
        ],
    )  # fmt: skip


@app.command("receipts", short_help="Receipts of what was deleted.")
def list_receipts(
    receipt: Annotated[
        str | None, typer.Argument(metavar="[RECEIPT]", help="Print this one's signed document.")
    ] = None,
    deployment: Annotated[str | None, typer.Option(metavar="ID", help="Of this deployment only.")] = None,
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """List the signed receipts, or print one as it was given out."""
    found = asyncio.run(_receipts(config.load(config_file), deployment))
    if receipt is not None:
        document = next((one.document for one in found if one.id == receipt), None)
        if document is None:
            raise NotAllowed(
                "unknown_receipt", f"{receipt}: no such receipt; `lfrd retention receipts` has all"
            )
        print(document)
        return
    if as_json:
        print_json([msgspec.json.decode(one.document) for one in found])
        return
    print_table(
        ("RECEIPT", "TIME", "KIND", "DEPLOYMENT"),
        [(one.id, shown(one.at), one.kind, one.deployment or "-") for one in found],
    )


@asynccontextmanager
async def _opened(placed: config.Placed) -> AsyncIterator[Records]:
    """The site's records, beside the server where it runs. A look makes no database."""
    from lfrd.records import DATABASE, records

    path = placed.data / DATABASE
    if not path.exists():
        raise MissingError(f"{path}: no database; look at site.data in the settings, or start lfrd once")
    async with records(placed, beside=True) as site:
        yield site


async def _due(placed: config.Placed) -> list[Due]:
    async with _opened(placed) as site:
        return await site.retention.due()


async def _hold(
    placed: config.Placed, alert: str, reason: str, name: str | None, password: str | None, *, lift: bool
) -> None:
    async with _opened(placed) as site:
        actor = await acting(site.db, name, password, console=False)
        act = site.retention.lift if lift else site.retention.hold
        await act(AlertId(alert), actor, reason)


async def _holds(placed: config.Placed, everything: bool) -> tuple[list[Hold], dict[str, str]]:
    """The holds, and officers' names by their ids."""
    async with _opened(placed) as site:
        return await site.retention.holds(lifted=everything), await site.audit.names()


async def _receipts(placed: config.Placed, deployment: str | None) -> list[Receipt]:
    from lfrd.store.receipts import kept

    async with _opened(placed) as site:
        return await kept(site.db, deployment)
