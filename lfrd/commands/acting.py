"""Who gives a command: the machine's console, or a person who names themselves and gives their password."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lfrd.errors import MissingError, NotAllowed
from lfrd.types import CONSOLE, Actor

if TYPE_CHECKING:
    from lfrd.store.database import Database

AsOption = Annotated[
    str | None,
    typer.Option(
        "--as", metavar="NAME", help="Who gives this command. [default: the machine's console, where it may]"
    ),
]
PasswordFileOption = Annotated[
    Path | None,
    typer.Option("--password-file", metavar="FILE", help="Their password; asked for where it is not given."),
]

LONGEST = 1024
"""Bytes read of a password's file."""


async def acting(db: Database, name: str | None, password: str | None, *, console: bool = True) -> Actor:
    """The person of that name, once their password is right; the console where no name is given.

    console: whether the console may give this command at all. Raises NotAllowed: 'password', and 'person'
    where a person must be named.
    """
    if name is None:
        if not console:
            raise NotAllowed("person", "a person must answer for this: add --as NAME")
        return CONSOLE

    from lfrd.store.clock import Ratchet
    from lfrd.store.officers import Officers

    clock = await Ratchet.opened(db)  # an account that waits is not opened by setting the clock forward
    return await Officers(db, clock.now).check_password(name, password or "")


def password_of(name: str | None, file: Path | None) -> str | None:
    """The password of who acts, from the file or from a prompt; None where nobody is named."""
    if name is None:
        if file is not None:
            raise typer.BadParameter("needs --as NAME", param_hint="'--password-file'")
        return None
    return read_password(file) if file is not None else ask(f"Password of {name}: ")


def read_password(file: Path) -> str:
    """The file's first line. Raises MissingError where it cannot be read."""
    try:
        with file.open("rb") as opened:
            return opened.read(LONGEST).decode("utf-8", "replace").partition("\n")[0].rstrip("\r")
    except OSError as error:
        raise MissingError(f"{file}: the password cannot be read ({error.strerror})") from None


def ask(prompt: str) -> str:
    """Typed unseen. Raises MissingError where nobody can be asked."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise MissingError("nobody can be asked for a password here: add --password-file FILE")
    return getpass.getpass(prompt)
