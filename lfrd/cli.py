"""The command `lfrd`: each sub-command says what went wrong in one line and exits non-zero."""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """The console script. What it needs is imported inside: Ctrl+C is in time from the first moment on."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a name in an alphabet that the terminal lacks
    try:
        from lfrd.commands.tree import run

        code = run()
    except KeyboardInterrupt:
        code = _stopped()
    if not _flushed():
        code = code or 1
    raise SystemExit(code)


def _stopped() -> int:
    from lfrd.commands.failure import STOPPED, say

    say("stopped")
    return STOPPED


def _flushed() -> bool:
    """Write out what is left; where that fails, put standard output aside, or Python would fail as well."""
    stream = sys.__stdout__
    if stream is None or stream.closed:
        return True
    try:
        stream.flush()
    except OSError as error:
        from lfrd.commands.failure import told

        told(error)
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return False
    return True
