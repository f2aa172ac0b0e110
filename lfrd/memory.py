"""What the process does so that a passer-by's face does not linger in memory that nobody uses any more.

Buffers that we own are overwritten where they end (pictures, shots, templates). Copies that libraries make
and free - a decoder's frames, a scaled picture, a network's input - are out of our hands, so the C library is
told to overwrite every block at the moment it is freed (glibc's M_PERTURB). docs/erasure.md weighs the cost.
"""

from __future__ import annotations

import ctypes
import resource
from dataclasses import dataclass

_M_PERTURB = -6  # malloc.h of glibc
_PR_SET_DUMPABLE = 4  # linux/prctl.h


@dataclass(frozen=True, slots=True)
class Hardening:
    """What could be had on this machine; what could not is logged at the start."""

    overwrites_freed: bool
    no_core_dumps: bool


def harden() -> Hardening:
    """Overwrite freed memory and forbid core dumps, as far as this machine allows. For the whole process."""
    return Hardening(overwrites_freed=_overwrite_freed(), no_core_dumps=_forbid_core_dumps())


def _overwrite_freed() -> bool:
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # not glibc: musl, macOS
        return False
    return bool(mallopt(_M_PERTURB, 0x5A))


def _forbid_core_dumps() -> bool:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        prctl = ctypes.CDLL(None).prctl
    except (AttributeError, OSError):
        return False
    return int(prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)) == 0
