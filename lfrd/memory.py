"""What the process does so that a passer-by's face does not linger in memory that nobody uses any more.

Buffers that we own are overwritten where they end (pictures, shots, templates). Copies that libraries make
and free - a decoder's frames, a scaled picture, a network's input - are out of our hands, so the C library is
told to overwrite every block at the moment it is freed (glibc's M_PERTURB). Memory is locked, so that no page
of it goes to swap, and no core is dumped. docs/erasure.md weighs the cost.
"""

from __future__ import annotations

import ctypes
import re
import resource
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_M_PERTURB = -6  # malloc.h of glibc
_PR_SET_DUMPABLE = 4  # linux/prctl.h
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4  # bits/mman-linux.h
_CAP_IPC_LOCK = 14  # linux/capability.h


@dataclass(frozen=True, slots=True)
class Hardening:
    """What could be had on this machine; what could not is logged at the start."""

    overwrites_freed: bool
    no_core_dumps: bool
    locked: bool

    def lacks(self) -> list[str]:
        """What could not be had: what follows from it, and what to do, one line each."""
        lines = []
        if not self.overwrites_freed:
            lines.append("freed memory is not overwritten: this C library cannot; run on glibc")
        if not self.no_core_dumps:
            lines.append("a crash may leave a core dump: this system cannot forbid it")
        if not self.locked:
            lines.append(
                "memory may go to swap: it could not be locked; run without swap, or give the service "
                "LimitMEMLOCK=infinity"
            )
        return lines


def harden() -> Hardening:
    """Overwrite freed memory, forbid core dumps and lock memory, as far as this machine allows. For the whole
    process."""
    return Hardening(overwrites_freed=_overwrite_freed(), no_core_dumps=_forbid_core_dumps(), locked=_lock())


def can_overwrite_freed() -> bool:
    """Whether this C library can overwrite what is freed: glibc does, musl and macOS's do not."""
    try:
        return hasattr(ctypes.CDLL(None), "mallopt")
    except OSError:
        return False


def _overwrite_freed() -> bool:
    return can_overwrite_freed() and bool(ctypes.CDLL(None).mallopt(_M_PERTURB, 0x5A))


def _forbid_core_dumps() -> bool:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        prctl = ctypes.CDLL(None).prctl
    except (AttributeError, OSError):
        return False
    return int(prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)) == 0


def _lock() -> bool:
    """Keep every page, also those to come, out of swap, from its first use on.

    Only where no limit stands in the way: under one, a later allocation would fail in the middle of a
    deployment. Pages are locked as they are touched (MCL_ONFAULT): what is only reserved costs nothing.
    """
    if not _may_lock_all():
        return False
    try:
        mlockall = ctypes.CDLL(None).mlockall
    except (AttributeError, OSError):
        return False
    return int(mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT)) == 0


def _may_lock_all() -> bool:
    """Whether there is no limit to locked memory, after taking all that this process may take."""
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    soft, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if hard == resource.RLIM_INFINITY and soft != hard:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (hard, hard))
        soft = hard
    return soft == resource.RLIM_INFINITY or _has_capability(_CAP_IPC_LOCK)


def _has_capability(number: int) -> bool:
    """Whether the process has a capability (Linux)."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    effective = re.search(r"^CapEff:\s*([0-9a-f]+)$", status, re.M)
    return effective is not None and bool(int(effective[1], 16) >> number & 1)
