"""`lfrd watchlist list`, `report`, `approve`, `asked`, `address`: what is there, and who decides on it."""

from __future__ import annotations

import asyncio
import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lfrd import config
from lfrd.commands.acting import AsOption, PasswordFileOption, acting, password_of
from lfrd.commands.deployment_step import CONFIG, WhichArgument, opened, which_one
from lfrd.commands.failure import one_line
from lfrd.commands.shared import ConfigOption, JsonOption, counted, print_json, print_table, shown

if TYPE_CHECKING:
    from lfrd.store.entries import Asked, EntryState, EntryView, ListSummary, Pair

_PAGE = 500  # entries read at once


def list_(config_file: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """The watchlists of all deployments, in figures. Works while the server runs."""
    placed = config.load(config_file)

    async def reading() -> list[tuple[str, str, ListSummary]]:
        async with opened(placed) as site:
            found: list[tuple[str, str, ListSummary]] = []
            for one in await site.deployments.all():
                summary = await site.watchlists.summary(one.id)
                if summary is not None:
                    found.append((one.id, one.name, summary))
            return found

    lists = asyncio.run(reading())
    if as_json:
        print_json([{"deployment": key, "name": name, **_as_dict(s)} for key, name, s in lists])
        return
    print_table(
        ("DEPLOYMENT", "NAME", "BUILT", "LISTED", "WAITING", "REFUSED"),
        [
            (
                key,
                name,
                _minute(s.built_at) if s.built_at else "unfinished",
                s.listed,
                s.waiting,
                s.refused,
            )
            for key, name, s in lists
        ],
    )


def report(
    deployment: WhichArgument,
    name: AsOption = None,
    password_file: PasswordFileOption = None,
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """One list: its figures, which entries wait for what, and which look alike.

    The audit keeps that you saw it. For operators and authorising officers.
    """
    from lfrd.store.entries import EntryState

    placed = config.load(config_file)
    password = password_of(name, password_file)

    async def reading() -> tuple[ListSummary | None, list[EntryView], list[Pair]]:
        async with opened(placed) as site:
            actor = await acting(site.db, name, password, console=False)
            one = await which_one(site, deployment)
            summary = await site.watchlists.summary(one.id)
            if summary is None or summary.built_at is None:
                return summary, [], []
            waiting: list[EntryView] = []
            while True:
                after = waiting[-1].id if waiting else 0
                page = await site.watchlists.entries(
                    one.id, actor, after=after, limit=_PAGE, state=EntryState.WAITING
                )
                waiting += page
                if len(page) < _PAGE:
                    return summary, waiting, await site.watchlists.pairs(one.id, actor)

    summary, waiting, pairs = asyncio.run(reading())
    if as_json:
        print_json(None if summary is None else {**_as_dict(summary), **_details(waiting, pairs)})
        return
    if summary is None:
        print("no watchlist; `lfrd watchlist import` brings one")
        return
    _print_summary(summary)
    for entry in waiting:
        needs = ", ".join(need for need in entry.needs if need not in entry.approved)
        print(one_line(f"entry {entry.id} ({entry.reference}, {entry.category}): waits for {needs}"))
    for pair in pairs:
        what = "look alike" if pair.kind == "lookalike" else "show the same face"
        print(one_line(f"{pair.references[0]} and {pair.references[1]}: {what}, score {pair.score:.3f}"))


def approve(
    entry: Annotated[
        int, typer.Argument(metavar="ENTRY", help="The number, as `lfrd watchlist report` gives it.")
    ],
    need: Annotated[
        str, typer.Argument(metavar="NEED", help="What is approved: under_18, vulnerable and so on.")
    ],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept for good.")],
    name: AsOption = None,
    password_file: PasswordFileOption = None,
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Approve what an entry needs. For an authorising officer who did not import the list."""
    from lfrd.store.entries import Need

    placed = config.load(config_file)
    if need not in list(Need):
        raise typer.BadParameter(f"must be one of: {', '.join(Need)}", param_hint="'NEED'")
    password = password_of(name, password_file)

    async def approving() -> EntryState:
        async with opened(placed) as site:
            actor = await acting(site.db, name, password, console=False)
            return await site.watchlists.approve(entry, Need(need), actor, reason)

    state = asyncio.run(approving())
    after = "will be looked for" if state == "listed" else "waits for another approval"
    print_json({"entry": entry, "state": state}) if as_json else print(f"entry {entry}: {after}")


def asked(
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="The nominal's reference.")],
    day: Annotated[str, typer.Argument(metavar="DATE", help="YYYY-MM-DD, of this place's own time.")],
    name: AsOption = None,
    password_file: PasswordFileOption = None,
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """On which deployments' watchlists a reference was on a day; also when they have been destroyed.

    The audit keeps that it was asked, without the reference. For auditors, operators, authorising officers.
    """
    try:
        date = datetime.date.fromisoformat(day)
    except ValueError:
        raise typer.BadParameter("must be a day, as 2026-05-17", param_hint="'DATE'") from None
    placed = config.load(config_file)
    password = password_of(name, password_file)

    async def asking() -> list[Asked]:
        async with opened(placed) as site:
            actor = await acting(site.db, name, password, console=False)
            return await site.watchlists.asked(reference, date, actor)

    found = asyncio.run(asking())
    if as_json:
        print_json(
            [
                {
                    "deployment": one.deployment,
                    "name": one.name,
                    "category": one.category,
                    "listed_at": one.listed_at,
                    "destroyed_at": one.destroyed_at,
                }
                for one in found
            ]
        )
        return
    if not found:
        print("on no list of this site on that day")
    for one in found:
        until = "still there" if one.destroyed_at is None else f"until {_minute(one.destroyed_at)}"
        print(
            one_line(f"{one.name} ({one.deployment}): {one.category}, from {_minute(one.listed_at)}, {until}")
        )


def address(config_file: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """What another site needs to send packages here, and to take packages from here: no secrets."""
    placed = config.load(config_file)

    async def reading() -> dict[str, str]:
        async with opened(placed) as site:
            key = site.keys.site_key
            return {"recipient": key.recipient, "public_key": key.signer.public_key.hex()}

    found = asyncio.run(reading())
    if as_json:
        print_json(found)
        return
    print(f"recipient, to be sent to:   {found['recipient']}")
    print(f"public key, to be trusted:  {found['public_key']}")


def _minute(at: float) -> str:
    return shown(at, exact=False)


def _as_dict(summary: ListSummary) -> dict[str, Any]:
    return {
        "built_at": summary.built_at,
        "source": summary.source,
        "pack": summary.pack,
        "listed": summary.listed,
        "waiting": summary.waiting,
        "refused": summary.refused,
        "composition": summary.composition,
        "reasons": summary.reasons,
        "needs": summary.needs,
        "pairs": summary.pairs,
        "levels": summary.settings,
        "digest": summary.digest,
        "importing": summary.importing,
    }


def _details(waiting: list[EntryView], pairs: list[Pair]) -> dict[str, Any]:
    return {
        "entries_waiting": [
            {
                "entry": entry.id,
                "reference": entry.reference,
                "category": entry.category,
                "needs": [need for need in entry.needs if need not in entry.approved],
            }
            for entry in waiting
        ],
        "alike": [
            {"references": list(pair.references), "kind": pair.kind, "score": round(pair.score, 4)}
            for pair in pairs
        ],
    }


def _print_summary(summary: ListSummary) -> None:
    if summary.built_at is None:
        so_far = counted(summary.importing or 0, "entry", "entries")
        print(f"its first import is unfinished ({so_far} so far)")
        return
    print(
        f"built {_minute(summary.built_at)} from a {summary.source}: {summary.listed:,} listed, "
        f"{summary.waiting:,} waiting, {summary.refused:,} refused"
    )
    for category, number in summary.composition.items():
        print(one_line(f"  {category}: {number:,}"))
    for code, number in summary.reasons.items():
        print(f"  refused as {code}: {number:,}")
    levels = summary.settings
    if levels:
        print(
            f"two faces look alike from a score of {levels['lookalike']:.3f}, and count as one person's from "
            f"{levels['same_face']:.3f}"
        )
