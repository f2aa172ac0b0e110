"""`lfrd tls show`, `renew`, `bring` and `authority`: the certificates that phones are shown."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lfrd import config
from lfrd.commands.acting import AsOption, PasswordFileOption, acting, password_of
from lfrd.commands.shared import ConfigOption, JsonOption, group, print_json, shown
from lfrd.errors import LfrdError, MissingError, NotAllowed
from lfrd.types import Role

if TYPE_CHECKING:
    from lfrd.certificates.keeping import Certified

CONFIG = Path("config.toml")
DAY = 86400.0

app = group("The certificates that phones are shown: the site's own, or one of yours.")


@app.command(short_help="Names, end, fingerprint, who signed.")
def show(config_file: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """What the box presents to phones, for how long, and the fingerprint to compare a phone with."""
    placed = config.load(config_file)
    if placed.config.web.allow_plain_http:
        raise LfrdError("this box serves plain HTTP (web.allow_plain_http): there is no certificate")
    facts = _brought_facts(placed) if placed.config.web.certificate else _own_facts(placed)
    if as_json:
        print_json(facts)
        return
    authority = facts.get("authority")
    print(f"signed by    {facts['signed_by']}")
    print(f"names        {', '.join(facts['names'])}")
    print(f"until        {shown(facts['until'], exact=False)} ({facts['days_left']} days)")
    print(f"SHA-256      {facts['fingerprint'][0]}")
    for row in facts["fingerprint"][1:]:
        print(f"             {row}")
    if authority is not None:
        print(f"\nauthority    {authority['name']}: what phones trust, and show under this fingerprint")
        print(f"until        {shown(authority['until'], exact=False)} ({authority['days_left']} days)")
        print(f"SHA-256      {authority['fingerprint'][0]}")
        for row in authority["fingerprint"][1:]:
            print(f"             {row}")
    for problem in facts["problems"]:
        print(f"\nlook: {problem}")


@app.command(short_help="A new certificate now.")
def renew(
    authority: Annotated[
        bool,
        typer.Option("--authority", help="And a new authority: every phone then has to trust it anew."),
    ] = False,
    config_file: ConfigOption = CONFIG,
    name: AsOption = None,
    password_file: PasswordFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a new certificate for the box's names of today. The box does it by itself in time; this is for a
    key that may have been seen by others. A running server takes it within a minute.

    --authority is for an authority whose key may have been seen, or a box that was given another name.
    """
    placed = config.load(config_file)
    _own(placed, "bring the next one by `lfrd tls bring`")
    made = asyncio.run(_renew(placed, authority, name, password_of(name, password_file)))
    if as_json:
        print_json(_certified_facts(made))
        return
    print(f"a new certificate until {shown(made.until, exact=False)} for {', '.join(made.names.words())}")
    if authority:
        print("and a new authority: every phone has to trust it before it can sign in again (`lfrd invite`)")
    print("a running server takes it within a minute")


async def _renew(placed: config.Placed, authority: bool, name: str | None, password: str | None) -> Certified:
    from lfrd.certificates import keeping
    from lfrd.records import records
    from lfrd.web.presented import names_for

    async with records(placed, beside=True) as site:
        actor = await acting(site.db, name, password)
        if actor.role not in (None, Role.ENGINEER):
            raise NotAllowed("role", "a system engineer renews certificates, or the machine's console")
        made = keeping.renew(
            keeping.folder_of(placed), names_for(placed), site.clock.now(), authority=authority
        )
        for body in made.made:
            await site.audit.record(body, actor)
    return made


@app.command(short_help="Check a certificate of your own.")
def bring(
    certificate: Annotated[
        Path, typer.Argument(metavar="CERT", help="PEM: the server's certificate, then each one's issuer.")
    ],
    key: Annotated[Path, typer.Argument(metavar="KEY", help="PEM: its private key, without a password.")],
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Check that a certificate and its key can be served: that they belong together, that the chain is whole
    and in order, that it is valid now and for this box's names; and say what phones will make of it.

    Nothing is copied: config.toml names the files, and whoever renews them writes them there. A running
    server takes a new file within a minute.
    """
    from lfrd.certificates import brought
    from lfrd.web.links import handed_out

    placed = config.load(config_file)
    found, now = brought.tried(certificate, key), time.time()
    refusals = list(found.refusals(now))
    if refusals:
        raise LfrdError("; ".join(f"{certificate} {refusal}" for refusal in refusals))
    warnings = list(found.warnings(now, handed_out(placed.config)))
    used = brought.paths(placed) == (certificate.resolve(), key.resolve())
    if as_json:
        print_json({**_facts_of(found), "warnings": warnings, "in_use": used})
        return
    print(f"{certificate}: for {', '.join(found.names.words())}, until {shown(found.until, exact=False)}")
    print(f"phones take it where they trust {found.root}")
    for warning in warnings:
        print(f"look: {warning}")
    if used:
        print("config.toml names it already; a running server takes it within a minute")
        return
    print(f"\nTo use it, write into {config_file} and start the server anew:\n\n[web]")
    print(f'certificate = "{certificate.resolve()}"\nkey = "{key.resolve()}"')


@app.command("authority", short_help="The authority's certificate, as a file.")
def export(
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="Ending .crt (DER), .pem, or .mobileconfig."),
    ],
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Write the authority's certificate to a file, to carry it to phones by a way that nobody can tamper
    with: device management, a cable, a stick. Never its key.
    """
    from lfrd.certificates.keeping import folder_of, read_authority
    from lfrd.certificates.profile import profile

    placed = config.load(config_file)
    _own(placed, "phones need none of this site's")
    found = read_authority(folder_of(placed))
    if found is None:
        raise MissingError("there is no authority yet; `lfrd run` makes it at its first start")
    kinds = {".crt": found.der, ".pem": found.certificate_pem(), ".mobileconfig": profile(found)}
    data = kinds.get(output.suffix.lower())
    if data is None:
        raise typer.BadParameter(f"must end in {', '.join(kinds)}", param_hint="'--output'")
    try:
        output.write_bytes(data)
    except OSError as error:
        raise LfrdError(f"{output}: cannot be written ({error.strerror})") from None
    facts = _authority_facts(found)
    if as_json:
        print_json({"file": str(output), **facts})
        return
    print(f"{output}: {found.name}\nSHA-256 {facts['fingerprint'][0]}")
    for row in facts["fingerprint"][1:]:
        print(f"        {row}")


def _own(placed: config.Placed, otherwise: str) -> None:
    """Raises LfrdError where the site's own authority is not in use."""
    if placed.config.web.allow_plain_http:
        raise LfrdError("this box serves plain HTTP (web.allow_plain_http): there is no certificate")
    if placed.config.web.certificate:
        raise LfrdError(f"this box presents a certificate that was brought (web.certificate): {otherwise}")


def _own_facts(placed: config.Placed) -> dict[str, Any]:
    from lfrd.certificates import keeping
    from lfrd.certificates.authority import names_of
    from lfrd.web.presented import names_for

    folder = keeping.folder_of(placed)
    authority, box = keeping.read_authority(folder), keeping.read_box(folder)
    if authority is None or box is None:
        raise MissingError(f"{folder}: no certificate yet; `lfrd run` makes it at its first start")
    problems = []
    if not names_for(placed).within(names_of(box.certificate)):
        problems.append(
            "the box has a name or address that the certificate has not; a running server adds it"
        )
    return _certified_facts(keeping.Certified(folder, authority, box, (), tuple(problems)))


def _certified_facts(found: Certified) -> dict[str, Any]:
    from lfrd.certificates.fingerprint import rows

    return {
        "source": "own",
        "signed_by": found.authority.name,
        "names": found.names.words(),
        "until": found.until,
        "days_left": _days(found.until),
        "fingerprint": rows(found.box.digest),
        "authority": _authority_facts(found.authority),
        "problems": list(found.problems),
    }


def _authority_facts(authority: Any) -> dict[str, Any]:
    from lfrd.certificates.fingerprint import rows

    return {
        "name": authority.name,
        "until": authority.until,
        "days_left": _days(authority.until),
        "fingerprint": rows(authority.digest),
    }


def _brought_facts(placed: config.Placed) -> dict[str, Any]:
    from lfrd.certificates import brought
    from lfrd.web.links import handed_out

    found, now = brought.read(*brought.paths(placed)), time.time()
    problems = [*found.refusals(now), *found.warnings(now, handed_out(placed.config))]
    return {**_facts_of(found), "source": "brought", "problems": problems}


def _facts_of(found: Any) -> dict[str, Any]:
    from lfrd.certificates.fingerprint import rows

    return {
        "signed_by": found.issuer,
        "root": found.root,
        "names": found.names.words(),
        "until": found.until,
        "days_left": _days(found.until),
        "fingerprint": rows(found.digest),
    }


def _days(until: float) -> int:
    return int((until - time.time()) // DAY)
