"""`lfrd users`, `invite`, `officers` and `revoke`: who may come in. All work while the server runs."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import urlsplit

import typer

from lfrd import config
from lfrd.commands.acting import AsOption, PasswordFileOption, acting, ask, password_of, read_password
from lfrd.commands.shared import (
    ConfigOption,
    JsonOption,
    counted,
    group,
    print_invitation,
    print_json,
    print_table,
    print_trust,
    shown,
)
from lfrd.errors import NotAllowed
from lfrd.types import CONSOLE, Role

if TYPE_CHECKING:
    from lfrd.config import Placed
    from lfrd.records import Records
    from lfrd.store.officers import Officer

T = TypeVar("T")
CONFIG = Path("config.toml")

app = group("The people who may use this site: one role each.")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="As `lfrd users list` has it.")]
AddressOption = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Address that the browser will open. [default: web.host, web.port]"),
]


@app.command(short_help="Add a person; prints a link to set the password.")
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name or number, as others will see it.")],
    role: Annotated[Role, typer.Option(metavar="ROLE", help=f"One of: {', '.join(Role)}.")],
    rank: Annotated[str, typer.Option(metavar="RANK", help="Named in authorisations.")] = "",
    config_file: ConfigOption = CONFIG,
    address: AddressOption = None,
    hours: Annotated[
        float, typer.Option(metavar="HOURS", min=0.01, max=72, help="How long the link may be used.")
    ] = 24.0,
    as_name: AsOption = None,
    password_file: PasswordFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a person, with a one-time link by which they set their password, or let their phone in.

    The first authorising officer is added at the machine; from then on it takes one (--as) to add another,
    or an auditor.
    """
    placed = config.load(config_file)
    password = password_of(as_name, password_file)

    from lfrd.web.links import box_address, join_link

    base = box_address(placed.config, address)

    async def carry(records: Records) -> str:
        actor = await acting(records.db, as_name, password)
        await records.officers.add(name, role, rank, actor)
        return await records.officers.invite(name, 1, hours * 3600, role=role, actor=actor)

    link = join_link(base, _with(placed, carry), role)
    if as_json:
        print_json({"name": name, "role": role, "link": link, "hours": hours})
        return
    use = "lets their phone in" if role is Role.ENGAGEMENT else "is where they set their password"
    caption = f"{name} is added ({role}). While `lfrd run` runs, this {use}, once, within {hours:g} h"
    print_invitation(link, caption)


@app.command("list", short_help="Everybody, with role and state.")
def list_people(config_file: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """Everybody who may use this site, and who may not any more."""
    everyone = _with(config.load(config_file), lambda records: records.officers.all())
    if as_json:
        print_json(
            [
                {
                    "name": officer.name,
                    "role": officer.role,
                    "rank": officer.rank,
                    "state": _state(officer),
                    "password": officer.has_password,
                    "passkeys": officer.passkeys,
                }
                for officer in everyone
            ]
        )
        return
    print_table(
        ("NAME", "ROLE", "RANK", "STATE", "PASSKEYS"),
        [(o.name, o.role, o.rank, _state(o), o.passkeys) for o in everyone],
    )


@app.command(short_help="Set a password, or make a link to set it.")
def password(
    name: NameArgument,
    link: Annotated[
        bool, typer.Option("--link", help="Make a one-time link instead of asking here.")
    ] = False,
    new_password_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The new password; asked for where not given.")
    ] = None,
    config_file: ConfigOption = CONFIG,
    address: AddressOption = None,
    as_name: AsOption = None,
    password_file: PasswordFileOption = None,
) -> None:
    """Set somebody's password; all that they have signed in ends.

    An authorising officer's or an auditor's is set by themselves (--as with their own name) or by an
    authorising officer.
    """
    placed = config.load(config_file)
    own = password_of(as_name, password_file)
    if link:
        from lfrd.web.links import box_address, join_link

        base = box_address(placed.config, address)

        async def invited(records: Records) -> tuple[str, Role]:
            actor = await acting(records.db, as_name, own)
            officer = await records.officers.find(name)
            code = await records.officers.invite(officer.name, 1, 24 * 3600, role=officer.role, actor=actor)
            return code, officer.role

        code, role = _with(placed, invited)
        print_invitation(join_link(base, code, role), f"For {name}, once, within 24 h")
        return
    new = read_password(new_password_file) if new_password_file is not None else _chosen(name)

    async def carry(records: Records) -> None:
        actor = await acting(records.db, as_name, own)
        officer = await records.officers.find(name)
        await records.officers.set_password(officer.id, new, actor)

    _with(placed, carry)
    print(f"{name}: the password is set")


@app.command(short_help="Nobody signs in as them any more.")
def disable(
    name: NameArgument,
    config_file: ConfigOption = CONFIG,
    as_name: AsOption = None,
    password_file: PasswordFileOption = None,
) -> None:
    """Disable an account: what is signed in ends within a second, and nothing signs in again."""
    own = password_of(as_name, password_file)

    async def carry(records: Records) -> None:
        await records.officers.disable(name, await acting(records.db, as_name, own))

    _with(config.load(config_file), carry)
    print(f"{name}: disabled")


@app.command(short_help="Let a disabled account sign in again.")
def enable(
    name: NameArgument,
    config_file: ConfigOption = CONFIG,
    as_name: AsOption = None,
    password_file: PasswordFileOption = None,
) -> None:
    """Enable an account; an authorising officer's or an auditor's takes an authorising officer (--as)."""
    own = password_of(as_name, password_file)

    async def carry(records: Records) -> None:
        await records.officers.enable(name, await acting(records.db, as_name, own))

    _with(config.load(config_file), carry)
    print(f"{name}: enabled")


@app.command(short_help="End the wait after wrong passwords.")
def unlock(name: NameArgument, config_file: ConfigOption = CONFIG) -> None:
    """End the wait after wrong passwords, which grows with each one."""

    async def carry(records: Records) -> None:
        await records.officers.unlock(name, CONSOLE)

    _with(config.load(config_file), carry)
    print(f"{name}: unlocked")


@app.command(short_help="Somebody's passkeys; remove a lost one.")
def passkeys(
    name: NameArgument,
    remove: Annotated[
        str | None, typer.Option(metavar="ID", help="The beginning of the id of one that is lost.")
    ] = None,
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """List somebody's passkeys, or remove a lost one. They add theirs at the desk."""
    placed = config.load(config_file)

    async def carry(records: Records) -> list[dict[str, Any]]:
        officer = await records.officers.find(name)
        kept = await records.officers.passkeys.of(officer.id)
        if remove is not None:
            chosen = [passkey for passkey in kept if passkey.id.hex().startswith(remove.lower())]
            if len(chosen) != 1:
                problem = f"{remove}: {counted(len(chosen), 'passkey')} of {officer.name} begin so; give more"
                raise NotAllowed("unknown_passkey", problem)
            await records.officers.passkeys.remove(chosen[0].id, officer.id, CONSOLE)
            kept = await records.officers.passkeys.of(officer.id)
        return [{"id": p.id.hex(), "created_at": p.created_at, "last_used_at": p.last_used_at} for p in kept]

    kept = _with(placed, carry)
    if as_json:
        print_json(kept)
        return
    print_table(
        ("ID", "SINCE", "LAST USED"),
        [(str(p["id"])[:16], shown(p["created_at"]), shown(p["last_used_at"])) for p in kept],
    )


def invite(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The officer's name or number, as others will see it.")
    ],
    config_file: ConfigOption = CONFIG,
    address: AddressOption = None,
    hours: Annotated[
        float, typer.Option(metavar="HOURS", min=0.01, max=72, help="How long it may be used.")
    ] = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Make a one-time invitation for an engagement officer's phone: a link, and on a terminal a QR code."""
    placed = config.load(config_file)

    from lfrd.web.links import box_address, join_link

    base = box_address(placed.config, address)
    code = _with(placed, lambda records: records.officers.invite(name, 1, hours * 3600, actor=CONSOLE))
    link = join_link(base, code)
    trust, fingerprint = _trust(placed, address)
    if as_json:
        facts = {"trust": trust, "fingerprint": " ".join(fingerprint)} if trust else {}
        print_json({"name": name, "link": link, "hours": hours, **facts})
        return
    if trust:
        print_trust(trust, fingerprint)
    print_invitation(link, f"{'2. ' if trust else ''}For {name}, once, within {hours:g} h")


def _trust(placed: Placed, address: str | None) -> tuple[str, list[str]]:
    """Where a new phone comes to trust the box, and the fingerprint to compare; nothing where it need not.
    The fingerprint is empty before the server's first start, which makes the authority."""
    from lfrd.certificates.fingerprint import rows
    from lfrd.certificates.keeping import folder_of, read_authority
    from lfrd.web.links import onboarding_address

    link = onboarding_address(placed.config, urlsplit(address).hostname if address else None)
    authority = read_authority(folder_of(placed)) if link else None
    return link, [] if authority is None else rows(authority.digest)


def officers(config_file: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """The browsers that are signed in, by officer. Works while the server runs."""
    sessions = _with(config.load(config_file), lambda records: records.officers.sessions())
    if as_json:
        print_json(
            [
                {"name": s.name, "role": s.role, "since": s.created_at, "last_seen": s.last_seen_at}
                for s in sessions
            ]
        )
        return
    print_table(
        ("OFFICER", "ROLE", "SINCE", "LAST SEEN"),
        [(s.name, s.role, shown(s.created_at), shown(s.last_seen_at)) for s in sessions],
    )


def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The officer, as `lfrd officers` lists them.")],
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """End all of an officer's sessions, as for a lost phone: off post and signed out within a second."""
    ended = _with(config.load(config_file), lambda records: records.officers.revoke_all(name, CONSOLE))
    if as_json:
        print_json({"name": name, "sessions_ended": ended})
    elif ended:
        print(f"{name}: {counted(ended, 'session')} ended; `lfrd invite` lets a phone in again")
    if not ended:
        raise NotAllowed(
            "unknown_officer", f"{name}: no phone is signed in under that name; `lfrd officers` lists them"
        )


def _with(placed: Placed, work: Callable[[Records], Awaitable[T]]) -> T:
    """Do something with what the site keeps, also while the server runs."""
    from lfrd import logs
    from lfrd.records import records

    logs.configure(placed.config.log)

    async def done() -> T:
        async with records(placed, beside=True) as opened:
            return await work(opened)

    return asyncio.run(done())


def _chosen(name: str) -> str:
    """A new password, typed twice."""
    new = ask(f"New password of {name}: ")
    if ask("Once more: ") != new:
        raise NotAllowed("password", "the two passwords differ; nothing was changed")
    return new


def _state(officer: Officer) -> str:
    if officer.disabled_at is not None:
        return "disabled"
    if math.isinf(officer.locked_until):
        return "locked until unlocked"
    if officer.locked_until > time.time():
        return f"locked until {shown(officer.locked_until)}"
    return "" if officer.has_password or officer.role is Role.ENGAGEMENT else "no password yet"
