"""Where the authority and the box's certificate are kept, and when they are made anew.

Each key lies in one file with its certificate and is replaced in one step: however the process or the power
ends, what is in the folder fits together.
"""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from lfrd.audit.kinds import AboutTls, AuthorityMade, CertificateMade
from lfrd.certificates.authority import (
    BACKDATED_SECONDS,
    Authority,
    Pair,
    make_authority,
    names_of,
    read_pair,
)
from lfrd.certificates.names import Names
from lfrd.config import Placed
from lfrd.errors import CorruptError, LfrdError, SettingError
from lfrd.sealing.lasting import require_outside, require_own, whole

AUTHORITY, BOX = "authority.pem", "box.pem"
KEY = "tls.folder"
"""The setting that names the folder."""
WARNED_SECONDS = 365 * 86400.0
"""Before an authority ends, whoever runs the box is told: every phone has to trust the next one."""
_LONGEST = 1 << 16
"""Bytes of a file at the most."""
_ANEW = "`lfrd tls renew --authority` makes a new one, which every phone has to trust anew"

Why: TypeAlias = Literal["first", "renewed", "names"]


@dataclass(frozen=True)
class Certified:
    """What the folder holds now: it fits together, and the certificate may be served."""

    chain: Path
    """The box's key and certificate in one PEM file, as `ssl.SSLContext.load_cert_chain` takes them."""
    authority: Authority
    box: Pair
    made: tuple[AboutTls, ...] = ()
    """For the audit: what was made in this call."""
    problems: tuple[str, ...] = ()
    """What somebody should see to, one line each."""

    @property
    def digest(self) -> str:
        """The authority's: SHA-256, hexadecimal."""
        return self.authority.digest

    @property
    def until(self) -> float:
        """Unix seconds: the end of the box's certificate."""
        return self.box.until

    @property
    def names(self) -> Names:
        return names_of(self.box.certificate)


def folder_of(placed: Placed) -> Path:
    """The folder that `tls.folder` names. Raises SettingError where that lies in the data folder."""
    folder = placed.path(placed.config.tls.folder)
    require_outside(folder, placed.data, KEY, held="keys", name="folder")
    return folder


def ensure(folder: Path, names: Names, now: float) -> Certified:
    """The authority and a certificate of this box; each is made where it is missing, and the certificate is
    renewed in the last third of its life, or where the box has a name that it has not.

    Authorities are never renewed by themselves. now: Unix seconds.
    Raises SettingError where the folder or a file belongs to somebody else or is open to others, or cannot
    be written; CorruptError for a damaged authority; LfrdError for one that has ended, or a clock before it.
    """
    _prepare(folder)
    made: list[AboutTls] = []
    authority = read_authority(folder)
    if authority is None:
        authority = _first_authority(folder, names, now)
        made.append(AuthorityMade(authority.digest))
    if now >= authority.until:
        raise LfrdError(f"the site's certificate authority ended on {_day(authority.until)}; {_ANEW}")
    kept, left_out = authority.split(names)
    box = read_box(folder)
    problems: list[str] = []
    if why := _due(box, authority, kept, now):
        if now < authority.since:
            raise LfrdError(
                f"the clock of this machine says {_day(now)}, before its certificate authority was made "
                f"({_day(authority.since + BACKDATED_SECONDS)}): set the clock"
            )
        box = _issued(folder, authority, kept, now)
        made.append(_recorded(box, why))
    assert box is not None
    if now < box.since:
        problems.append(
            f"the clock of this machine says {_day(now)}, before its certificate begins: set the clock"
        )
    if left_out:
        problems.append(
            f"the authority may not vouch for {', '.join(left_out)}, which this box had not when it was "
            f"made; {_ANEW}"
        )
    if authority.until - now < WARNED_SECONDS:
        problems.append(f"the site's certificate authority ends on {_day(authority.until)}; {_ANEW}")
    return Certified(folder / BOX, authority, box, tuple(made), tuple(problems))


def renew(folder: Path, names: Names, now: float, *, authority: bool = False) -> Certified:
    """A new certificate now. authority: under a new authority as well, in place of the one there. Raises as
    `ensure` does."""
    _prepare(folder)
    if authority:
        new = make_authority(names, now)
        _write(folder / AUTHORITY, new.pem())
        # Broken off here, `ensure` finds a certificate of another authority and makes one of this.
        box = _issued(folder, new, names, now)
        return Certified(
            folder / BOX,
            new,
            box,
            (AuthorityMade(new.digest), _recorded(box, "first")),
        )
    found = ensure(folder, names, now)
    if found.made:
        return found
    kept, _ = found.authority.split(names)
    box = _issued(folder, found.authority, kept, now)
    return Certified(folder / BOX, found.authority, box, (_recorded(box, "renewed"),), found.problems)


def read_authority(folder: Path) -> Authority | None:
    """The authority there; None before the first start. Raises SettingError and CorruptError."""
    path = folder / AUTHORITY
    text = _read(path)
    if text is None:
        return None
    try:
        authority = Authority(*read_pair(text))
        _ = authority.constraints, authority.name  # as this program makes them
    except Exception:  # ValueError, UnsupportedAlgorithm, ExtensionNotFound: whatever the damage makes of it
        raise CorruptError(
            path, f"not a certificate authority, or a damaged one; put its backup in its place, or {_ANEW}"
        ) from None
    return authority


def read_box(folder: Path) -> Pair | None:
    """The certificate there, whoever signed it; None where there is none, or a damaged one."""
    text = _read(folder / BOX)
    if text is None:
        return None
    try:
        return Pair(*read_pair(text))
    except Exception:  # as above; nothing is lost with it: the next one is made
        return None


def _due(box: Pair | None, authority: Authority, names: Names, now: float) -> Why | Literal[""]:
    """Why a certificate has to be made; nothing where the one there will do."""
    if box is None or not authority.signed(box.certificate):
        return "first"
    if not names.within(names_of(box.certificate)):
        return "names"
    if box.until - now < (box.until - box.since) / 3 and box.until < authority.until:
        return "renewed"
    # Made while the clock was ahead: phones would refuse it until then.
    return "renewed" if authority.since <= now < box.since else ""


def _first_authority(folder: Path, names: Names, now: float) -> Authority:
    authority = make_authority(names, now)
    try:
        _write(folder / AUTHORITY, authority.pem(), new=True)
    except FileExistsError:  # another process was first: its authority is the site's
        found = read_authority(folder)
        assert found is not None
        return found
    return authority


def _issued(folder: Path, authority: Authority, names: Names, now: float) -> Pair:
    box = authority.issue(names, now)
    _write(folder / BOX, box.pem())
    return box


def _recorded(box: Pair, why: Why) -> CertificateMade:
    return CertificateMade(box.digest, box.until, len(names_of(box.certificate)), why)


# ---- files ----------------------------------------------------------------------------------------------


def _prepare(folder: Path) -> None:
    """Make the folder where it is not there. Raises SettingError where it is not ours alone to write."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
    except OSError as error:
        raise SettingError(KEY, f"{folder} cannot be made ({error.strerror})") from None
    if found.st_uid != os.geteuid():
        raise SettingError(KEY, f"{folder} belongs to another user; it must be lfrd's own")
    if stat.S_IMODE(found.st_mode) & 0o022:
        raise SettingError(KEY, f"others may write into {folder}; make it lfrd's alone: chmod 700 {folder}")


def _read(path: Path) -> bytes | None:
    """None where there is no file. Raises SettingError where it is not ours alone to read."""
    try:
        with path.open("rb") as file:
            require_own(path, os.fstat(file.fileno()), KEY)
            return file.read(_LONGEST)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingError(KEY, f"{path} cannot be read ({error.strerror})") from None


def _write(path: Path, text: bytes, *, new: bool = False) -> None:
    """As `whole` does. Raises SettingError where it cannot be written."""
    try:
        with whole(path, new=new) as file:
            file.write(text)
    except FileExistsError:
        raise
    except OSError as error:
        raise SettingError(KEY, f"{path} cannot be written ({error.strerror})") from None


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at))
