"""Freed memory is overwritten, and the process leaves no core dump: asked of a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, resource, sys
from lfrd import memory
if sys.argv[1] == "hardened":
    hardening = memory.harden()
    if not hardening.overwrites_freed:
        print("unavailable"); raise SystemExit
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
block, guard = libc.malloc(6000), libc.malloc(64)  # the guard keeps the heap from shrinking
ctypes.memset(block, 0x41, 6000)
libc.free(block)
left = ctypes.string_at(block, 6000).count(b"A" * 16)
print(left, resource.getrlimit(resource.RLIMIT_CORE)[0], libc.prctl(3, 0, 0, 0, 0))
"""


def ask(how: str) -> str:
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True
    ).stdout.strip()
    if answer == "unavailable":
        pytest.skip("the C library is not glibc: freed memory cannot be overwritten here")
    return answer


def test_freed_memory_is_overwritten_and_no_core_is_dumped_once_the_process_is_hardened() -> None:
    left, core_limit, dumpable = ask("hardened").split()
    assert (left, core_limit, dumpable) == ("0", "0", "0")


def test_without_hardening_what_was_freed_lies_there_still() -> None:
    """The reason for the setting; should the C library change, this tells us that the test above is blind."""
    assert int(ask("as it comes").split()[0]) > 100
