"""What went wrong, as the one line that a person reads and the exit code that a script reads."""

from __future__ import annotations

import errno
import os
import sys
import traceback

from lfrd.errors import LfrdError

FAILED = 1
"""Exit code: what was asked for could not be done."""
MISUSED = 2
"""Exit code: the command line itself is wrong."""
BUG = 70
"""Exit code: lfrd is at fault (EX_SOFTWARE of sysexits.h)."""
STOPPED = 130
"""Exit code: Ctrl+C, as shells have it (128 + SIGINT)."""

TRACEBACK = "LFRD_TRACEBACK"
"""Environment variable with which an error of lfrd's own shows all of itself."""


def first_known(group: BaseExceptionGroup[BaseException]) -> LfrdError | OSError | None:
    """The error in a group that has words for people; None where there is none."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            known = first_known(error)
            if known is not None:
                return known
        elif isinstance(error, LfrdError | OSError):
            return error
    return None


def told(error: BaseException) -> int:
    """Say on standard error what happened, and return the exit code. Silent where a reader has gone."""
    if isinstance(error, BaseExceptionGroup):
        error = first_known(error) or error
    if isinstance(error, LfrdError):
        say(str(error))
        return FAILED
    if isinstance(error, BrokenPipeError):  # whoever read our output has read enough, as `head` does
        return FAILED
    if isinstance(error, OSError):
        say(explained(error))
        return FAILED
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    say(f"an error of lfrd's own, {type(error).__name__}{_place(error)}; with {TRACEBACK}=1 it shows itself")
    return BUG


def explained(error: OSError) -> str:
    """The system's refusal in words, with the file that it is about."""
    what = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else error.strerror or str(error)
    return f"{os.fsdecode(error.filename)}: {what}" if error.filename else what


def say(problem: str) -> None:
    """What went wrong, in one line on standard error."""
    note(f"lfrd: {problem}")


def note(text: str) -> None:
    """One line on standard error. A line that nobody can read any more is lost, and nothing else."""
    try:
        print(one_line(text), file=sys.stderr, flush=True)
    except (OSError, ValueError):
        sys.stderr = None  # or the interpreter would try once more as it ends


def one_line(text: str) -> str:
    """Text as any terminal can carry it: what cannot be shown, line ends too, is spelt out (\\n, \\x1b)."""
    shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in shown)


def _place(error: BaseException) -> str:
    """Where lfrd was; never the error's own text, which could quote anything."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if f"{os.sep}lfrd{os.sep}" in frame.filename]
    if not ours:
        return ""
    return f" in {ours[-1].filename.rpartition(f'{os.sep}lfrd{os.sep}')[2]}, line {ours[-1].lineno}"
