"""Runs a command and writes down masked marks of whatever its cameras see: `python -m` this FILE COMMAND...

COMMAND is `python -m MODULE ARGUMENTS...`, and runs in this process. With KILL_AT in the environment, as
`lfrd.store.erasing.delete_entries` or so, the process is killed when it comes to call that function.
"""

from __future__ import annotations

import importlib
import os
import runpy
import signal
import sys
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from tests.journeys.erasure_child import Marks, listen_in


class Written(Marks):
    """Marks that outlive a kill: each is in the file as soon as it is noted."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def keep(self, kind: str, masked: NDArray[np.uint8]) -> None:
        os.write(self._file, f"{kind}:{masked.tobytes().hex()}\n".encode())


def killed(*arguments: Any, **more: Any) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("not reached")


def kill_at(place: str) -> None:
    """place: module, class if any, and function."""
    parts = place.split(".")
    for length in range(len(parts) - 1, 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:-1]:
            found = getattr(found, part)
        getattr(found, parts[-1])  # that it is there
        setattr(found, parts[-1], killed)
        return
    raise AssertionError(f"no such function: {place}")


if __name__ == "__main__":
    marks_file, _, _, module, *arguments = sys.argv[1:]
    listen_in(Written(marks_file))
    if place := os.environ.get("KILL_AT"):
        kill_at(place)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
