"""The site's key: one secret from which the box seals, signs, and is written to by others; and its file."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, Self

import pyrage
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from lfrd.config import Placed
from lfrd.errors import CorruptError, MissingError, SealError, SettingError
from lfrd.sealing.lasting import require_outside, require_own, sync, whole
from lfrd.sealing.sealer import KEY_BYTES, Sealer, wipe
from lfrd.sealing.signing import Signer

MARK = "AGE-SECRET-KEY-1"
"""How the secret begins: it is an age identity (https://age-encryption.org/v1), checksum and all."""

CREDENTIAL = "lfrd-site-key"
"""The key's name among systemd's credentials (LoadCredentialEncrypted=lfrd-site-key:...)."""

_SETTING = "sealing.key_file"
_NEXT = ".next"
"""Behind the file's name while a rotation is under way."""
_LONGEST = 4096
"""Bytes of a key's file at the most."""

_TEXT = """\
# The site key of an lfrd box, {id}. Whoever has it can open all that the box has sealed; without it nobody
# can, not even the box. Keep one copy of this file off the machine, in a safe; it may be printed.
# public key for receipts and the audit: {public_key}
# recipient for watchlist packages: {recipient}
{secret}
"""


class SiteKey:
    """The site's key, with all that follows from it.

    The secret is one age identity (X25519). Packages for this site are encrypted to its `recipient`; the key
    that wraps the deployments' keys and the seed that signs are derived from it (HKDF-SHA256, RFC 5869), each
    under a label of its own. Never printed, never pickled; `reveal` alone gives the secret, for its file.
    """

    __slots__ = ("_wrapping", "id", "identity", "kept", "recipient", "signer", "successor")

    def __init__(self, secret: str) -> None:
        """Raises SealError where the secret is none: its checksum finds a wrong letter."""
        try:
            self.identity = pyrage.x25519.Identity.from_str(secret)
        except pyrage.IdentityError:
            raise SealError("not a site key, or a damaged one") from None
        self.recipient = str(self.identity.to_public())  # "age1...": public
        self.signer = Signer(_derived(secret, "lfrd site 1 signing"))
        self.id = hashlib.sha256(self.signer.public_key).hexdigest()[:16]  # public
        wrapping = bytearray(_derived(secret, "lfrd site 1 wrapping"))
        self._wrapping = Sealer(wrapping)
        wipe(wrapping)
        self.kept: Path | None = None  # the file that it was read from; None for a credential and in tests
        self.successor: SiteKey | None = None  # a rotation's new key, where one lies beside the file

    @classmethod
    def generate(cls) -> Self:
        return cls(str(pyrage.x25519.Identity.generate()))

    def wrap(self, key: bytes | bytearray, context: str) -> bytes:
        """A key, sealed with this one. context: what it is for; it unwraps under the same one only."""
        return self._wrapping.seal(key, f"key/{context}")

    def unwrap(self, wrapped: bytes, context: str) -> bytearray:
        """The key. Whoever gets it wipes it. Raises SealError."""
        return bytearray(self._wrapping.unseal(wrapped, f"key/{context}"))

    def reveal(self) -> str:
        """The secret itself, to be written where only its owner reads."""
        return str(self.identity)

    def __repr__(self) -> str:
        return f"SiteKey({self.id})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a site key is never pickled")


def open_site_key(placed: Placed, *, create: bool, environment: Mapping[str, str] = os.environ) -> SiteKey:
    """The site's key: systemd's credential where there is one, else the file that `sealing.key_file` names.

    create: make the file where it is not there. Only for a box that has sealed nothing yet: see
    `store.keys.Keys.opened`. Raises MissingError, CorruptError, or SettingError where the file lies in the
    data folder, belongs to somebody else, or others may read it.
    """
    folder = environment.get("CREDENTIALS_DIRECTORY")
    if folder and (credential := Path(folder) / CREDENTIAL).exists():
        return _read(credential, guarded=True)
    path = key_path(placed)
    if not path.exists():
        if not create:
            raise MissingError(lost(path))
        _make(path, SiteKey.generate())
    key = _read(path)
    following = _following(path)
    if following.exists():
        with suppress(CorruptError, MissingError, SettingError):  # `adopt` says so if it is the one needed
            key.successor = _read(following)
    return key


def key_path(placed: Placed) -> Path:
    """Where the key's file is, or will be. Raises SettingError where that is inside the data folder."""
    return outside(placed, placed.path(placed.config.sealing.key_file))


def outside(placed: Placed, path: Path) -> Path:
    """A whole path for a key's file. Raises SettingError where it lies in the data folder."""
    path = path.resolve()
    require_outside(path, placed.data, _SETTING, held="key", name="file")
    return path


def lost(path: Path) -> str:
    """What to say where the key's file is gone."""
    return (
        f"{path}: the site key is not there; put its backup in this place (mode 0600), or the file that "
        f"{_SETTING} should name. Without it what was sealed stays closed for good: then move the data "
        "folder away and begin with an empty one"
    )


def write_next(path: Path, key: SiteKey) -> Path:
    """Put a rotation's new key beside the file, on the disk, before anything is sealed with it."""
    following = _following(path)
    following.unlink(missing_ok=True)  # of an earlier rotation that never took place
    _make(following, key)
    return following


def promote(key: SiteKey) -> None:
    """Let a rotation's new key take the old one's place: one step, that has happened or has not."""
    if key.kept is None or not key.kept.name.endswith(_NEXT):
        return
    path = key.kept.with_name(key.kept.name.removesuffix(_NEXT))
    with suppress(FileNotFoundError):  # a process beside has just done it
        key.kept.replace(path)
        sync(path.parent)
    key.kept = path


def write_new(path: Path, key: SiteKey) -> None:
    """Write a key to a file that must not be there yet. Raises SettingError where it is."""
    try:
        _make(path, key)
    except FileExistsError:
        raise SettingError(_SETTING, f"{path} is there already; name a new file") from None


def _following(path: Path) -> Path:
    return path.with_name(path.name + _NEXT)


def _make(path: Path, key: SiteKey) -> None:
    """Write the key's file. FileExistsError where there is one already: two processes never make two keys."""
    text = _TEXT.format(
        id=key.id, public_key=key.signer.public_key.hex(), recipient=key.recipient, secret=key.reveal()
    )
    with whole(path, new=True) as file:
        file.write(text.encode("ascii"))
    key.kept = path


def _read(path: Path, *, guarded: bool = False) -> SiteKey:
    """guarded: systemd has seen to who may read it."""
    try:
        with path.open("rb") as file:
            if not guarded:
                require_own(path, os.fstat(file.fileno()), _SETTING)
            text = file.read(_LONGEST + 1).decode("ascii", "replace")
    except OSError as error:
        raise MissingError(f"{path}: the site key cannot be read ({error.strerror})") from None
    secrets = re.findall(rf"^{MARK}[^\s]*", text, re.M)
    try:
        if len(secrets) != 1 or len(text) > _LONGEST:
            raise SealError("no key")
        key = SiteKey(secrets[0])
    except SealError:
        raise CorruptError(
            path,
            f"not a site key, or a damaged one (one line begins with {MARK}); put its backup in its place",
        ) from None
    key.kept = None if guarded else path
    return key


def _derived(secret: str, label: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=label.encode()).derive(secret.encode())
