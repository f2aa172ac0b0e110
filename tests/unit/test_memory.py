"""Freed memory is overwritten, no core is dumped and nothing goes to swap: asked of a process of its own."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from lfrd.memory import Hardening

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

LOCKING = """
import ctypes, mmap, resource, sys, threading
limit = int(sys.argv[1])
if limit >= 0:
    hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
    limit = limit if hard < 0 else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (limit, limit))
    header, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    ctypes.CDLL(None).capset(header, data)  # as a service without rights of its own
from lfrd import memory
hardening = memory.harden()
blocks = [mmap.mmap(-1, 256 << 20) for _ in range(8)]  # reserved, and a page of each used
for block in blocks:
    block[0] = 1
held = bytearray(b"A" * (8 << 20))
thread = threading.Thread(target=lambda: None)
thread.start()
thread.join()
found = dict(line.split(":") for line in open("/proc/self/status"))
print(hardening.locked, int(found["VmLck"].split()[0]), int(found["VmRSS"].split()[0]), len(held))
"""


def ask(how: str) -> str:
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True
    ).stdout.strip()
    if answer == "unavailable":
        pytest.skip("the C library is not glibc: freed memory cannot be overwritten here")
    return answer


RESERVED = 8 * (256 << 10)  # KiB that LOCKING asks for and hardly uses


def lock(limit: int) -> tuple[bool, int, int]:
    """Whether memory was locked under this limit (bytes; -1: as it comes), and how many KiB of address space
    are locked, and of memory in use."""
    if not sys.platform.startswith("linux"):
        pytest.skip("locking is told by Linux' /proc")
    done = subprocess.run(
        [sys.executable, "-c", LOCKING, str(limit)], capture_output=True, text=True, check=True
    )
    locked, kib, used, held = done.stdout.split()
    assert int(held) == 8 << 20
    return locked == "True", int(kib), int(used)


def test_freed_memory_is_overwritten_and_no_core_is_dumped_once_the_process_is_hardened() -> None:
    left, core_limit, dumpable = ask("hardened").split()
    assert (left, core_limit, dumpable) == ("0", "0", "0")


def test_without_hardening_what_was_freed_lies_there_still() -> None:
    """The reason for the setting; should the C library change, this tells us that the test above is blind."""
    assert int(ask("as it comes").split()[0]) > 100


def test_memory_is_locked_where_the_machine_allows_it_those_pages_that_come_later_too() -> None:
    locked, kib, used = lock(-1)
    if not locked:
        soft, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
        pytest.skip(f"locked memory is limited here to {soft} bytes ({hard} at the most)")
    assert kib > RESERVED
    assert used < RESERVED / 4, "what is only reserved takes no memory"


def test_where_memory_may_not_be_locked_it_is_told_and_no_allocation_fails_for_it() -> None:
    assert lock(1 << 30)[:2] == (False, 0)


def test_what_could_not_be_had_is_said_with_what_to_do() -> None:
    assert Hardening(overwrites_freed=True, no_core_dumps=True, locked=True).lacks() == []
    lines = Hardening(overwrites_freed=False, no_core_dumps=False, locked=False).lacks()
    assert len(lines) == 3
    assert "LimitMEMLOCK=infinity" in lines[2]
