"""Names of people as they are kept and compared, and the digests of secrets."""

from __future__ import annotations

import hashlib
import unicodedata

from lfrd.errors import NotAllowed

LONGEST_NAME = 60


def clean_name(name: str) -> str:
    """1 to 60 characters that print, composed (NFC), with single spaces. Raises NotAllowed('name').

    What does not print is refused and not dropped: a mark that turns the direction of writing, or a
    character without width, makes one name look like another.
    """
    name = unicodedata.normalize("NFC", name).strip()
    prints = name.isprintable()  # asked before a line break among the spaces becomes one of them
    name = " ".join(name.split())
    if not prints or not 1 <= len(name) <= LONGEST_NAME:
        raise NotAllowed("name", f"a name has 1 to {LONGEST_NAME} characters, all of which print")
    return name


def label(name: str) -> str:
    """What two names have in common that differ by case, width, spaces or spelling of an accent alone."""
    name = " ".join(name.split())
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def digest(secret: str) -> bytes:
    """SHA-256 of a code or a token, of which nothing else is kept.

    They are random enough (256 bits) that nobody guesses one, so looking one up needs no comparison in
    constant time: how long it takes says something of the digest of a guess, and nothing of a code.
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
