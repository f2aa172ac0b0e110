"""`lfrd invite`, `officers` and `revoke`: whose phones may come in. All work while the server runs."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Annotated

import typer

from lfrd import config
from lfrd.commands.shared import (
    ConfigOption,
    JsonOption,
    counted,
    print_invitation,
    print_json,
    print_table,
)
from lfrd.errors import NotAllowed

CONFIG = Path("config.toml")


def invite(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The officer's name or number, as others will see it.")
    ],
    config_file: ConfigOption = CONFIG,
    address: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Address that the phone will open. [default: web.host, web.port]"),
    ] = None,
    hours: Annotated[
        float, typer.Option(metavar="HOURS", min=0.01, max=72, help="How long it may be used.")
    ] = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Make a one-time invitation for an officer's phone: a link, and on a terminal a QR code."""
    placed = config.load(config_file)

    from lfrd import logs
    from lfrd.app import invite_officer

    logs.configure(placed.config.log)
    link = asyncio.run(invite_officer(placed, name, hours * 3600, address))
    if as_json:
        print_json({"name": name, "link": link, "hours": hours})
        return
    print_invitation(link, f"For {name}, once, within {hours:g} h")


def officers(config_file: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """The phones that are signed in, by officer. Works while the server runs."""
    placed = config.load(config_file)

    from lfrd import logs
    from lfrd.app import signed_in

    logs.configure(placed.config.log)
    sessions = asyncio.run(signed_in(placed))
    if as_json:
        print_json([{"name": s.name, "since": s.created_at, "last_seen": s.last_seen_at} for s in sessions])
        return
    print_table(
        ("OFFICER", "SINCE", "LAST SEEN"),
        [(s.name, _moment(s.created_at), _moment(s.last_seen_at)) for s in sessions],
    )


def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The officer, as `lfrd officers` lists them.")],
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """End all of an officer's sessions, as for a lost phone: off post and signed out within a second."""
    placed = config.load(config_file)

    from lfrd import logs
    from lfrd.app import revoke_officer

    logs.configure(placed.config.log)
    ended = asyncio.run(revoke_officer(placed, name))
    if as_json:
        print_json({"name": name, "sessions_ended": ended})
    elif ended:
        print(f"{name}: {counted(ended, 'session')} ended; `lfrd invite` lets a phone in again")
    if not ended:
        raise NotAllowed(
            "unknown_officer", f"{name}: no phone is signed in under that name; `lfrd officers` lists them"
        )


def _moment(at: float) -> str:
    """Unix seconds as the box's own time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
