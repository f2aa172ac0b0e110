"""Processes beside a bench, told and asked by lines of JSON, so that what is measured has one of its own."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from lfrd.errors import LfrdError

PATIENCE = 120.0
"""Seconds for a child to answer."""


@asynccontextmanager
async def child(module: str, *arguments: str) -> AsyncIterator[Process]:
    """`python -m MODULE ARGUMENTS` while the block runs, then killed. What it says on standard error is kept
    for `answer`: it is to be a few lines at the most, or it would wait for a reader."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        limit=1 << 26,  # bytes of a line: what five hundred phones were told
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def tell(process: Process, value: object) -> None:
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(value) + b"\n")


async def answer(process: Process, who: str, *, patience: float = PATIENCE) -> bytes:
    """Its next line. who: 'the phones', for errors. Raises LfrdError with the child's last words where it has
    ended, or where it says nothing for `patience` seconds."""
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(patience):
            line = await process.stdout.readline()
    except TimeoutError:
        raise LfrdError(f"{who} did not answer within {patience:g} s") from None
    if not line:
        said = (await process.stderr.read()).decode("utf-8", "replace").strip()
        raise LfrdError(f"the process of {who} ended: {said.splitlines()[-1] if said else 'it said nothing'}")
    return line
