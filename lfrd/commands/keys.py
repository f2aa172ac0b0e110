"""`lfrd key show` and `rotate`: the site's key, which seals and signs, and a new one in its place."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from lfrd import config
from lfrd.commands.acting import AsOption, PasswordFileOption, acting, password_of
from lfrd.commands.shared import ConfigOption, JsonOption, counted, group, print_json
from lfrd.errors import NotAllowed
from lfrd.types import Role

CONFIG = Path("config.toml")

app = group("The site's key: what it is called, and a new one in its place.")


@app.command(short_help="The key's id, public key and recipient.")
def show(config_file: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """What others may know of the site's key; never the key itself.

    The public key verifies receipts and the audit. Watchlist packages are encrypted to the recipient.
    """
    from lfrd.sealing.sitekey import open_site_key

    key = open_site_key(config.load(config_file), create=False)
    facts = {
        "id": key.id,
        "public_key": key.signer.public_key.hex(),
        "recipient": key.recipient,
        "kept": str(key.kept) if key.kept else "systemd credential",
    }
    if as_json:
        print_json(facts)
        return
    for name, fact in facts.items():
        print(f"{name.replace('_', ' '):<12}{fact}")


@app.command(short_help="Seal everything under a new site key.")
def rotate(
    into: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where the key is systemd's credential: a file for the new one."),
    ] = None,
    name: AsOption = None,
    password_file: PasswordFileOption = None,
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Make a new site key, and wrap the keys of all deployments with it. The server must be stopped.

    Whatever happens meanwhile, the key in the file's place opens everything. The old key opens nothing here
    any more; keep it for as long as there are backups from its time.
    """
    placed = config.load(config_file)
    password = password_of(name, password_file)
    wrapped, facts = asyncio.run(_rotate(placed, into, name, password))
    if as_json:
        print_json({**facts, "wrapped": wrapped})
        return
    print(f"site key {facts['old']} is replaced by {facts['id']}; {counted(wrapped, 'key')} wrapped anew")
    print(f"it is in {facts['kept']}: keep a copy off this machine")
    if into is not None:
        print("put it into the credential lfrd-site-key before lfrd is started, then delete the file")


async def _rotate(
    placed: config.Placed, into: Path | None, name: str | None, password: str | None
) -> tuple[int, dict[str, str]]:
    from lfrd.records import records
    from lfrd.sealing import sitekey

    async with records(placed) as site:
        actor = await acting(site.db, name, password)
        if actor.role not in (None, Role.ENGINEER):
            raise NotAllowed("role", "a system engineer rotates the site key, or the machine's console")
        old, new = site.keys.site_key, sitekey.SiteKey.generate()
        if old.kept is None and into is None:
            raise NotAllowed("credential", "the site key is systemd's credential: add --into FILE")
        if old.kept is not None and into is not None:
            raise NotAllowed("credential", f"the site key is a file, {old.kept}: leave --into out")
        if into is not None:
            sitekey.write_new(sitekey.outside(placed, into), new)
        elif old.kept is not None:
            sitekey.write_next(old.kept, new)
        wrapped = await site.keys.rotate(new, actor, site.clock.now())
        sitekey.promote(new)
        await site.db.fold_log()  # what the old key wrapped is in no file any more
        return wrapped, {"old": old.id, "id": new.id, "kept": str(new.kept)}
