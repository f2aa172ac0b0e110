"""Commands of lfrd run to their end, each in a process of its own that need not load lfrd's libraries first.

One process has them loaded and does nothing else: no thread runs in it. Each command is its child, and from
there on as the console script: words, streams, environment and folder of its own, `main()`, an exit code.
Tests about what is loaded, about signals, limits and terminals start Python anew.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LONGEST = 120.0
"""Seconds after which a test fails where it would hang; nothing is expected to take so long."""

_LOADED = multiprocessing.get_context("forkserver")
_LOADED.set_forkserver_preload(["lfrd.commands.tree", "lfrd.app", "lfrd.demo", "lfrd.replay", "lfrd.listing"])


@dataclass(frozen=True)
class Ended:
    """A command that has ended: its exit code and what it printed."""

    code: int
    out: str
    err: str

    def line(self) -> str:
        """The only line on standard error, which is lfrd's own; nothing stands on standard output."""
        assert self.out == ""
        assert self.err.startswith("lfrd: ")
        assert self.err.count("\n") == 1
        return self.err.rstrip("\n")

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


def lfrd(*words: str | Path, environment: Mapping[str, str] | None = None, cwd: Path | None = None) -> Ended:
    """Run a command, and hold it to what is true of every run: no traceback."""
    return program("lfrd", *words, environment=environment, cwd=cwd)


def program(
    module: str, *words: str | Path, environment: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Ended:
    """The same of another module that `python -m` runs."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        process = _LOADED.Process(
            target=_run,
            args=(
                module,
                [*map(str, words)],
                _environment(environment),
                str(cwd or Path.cwd()),
                str(out),
                str(err),
            ),
        )
        process.start()
        process.join(LONGEST)
        if process.exitcode is None:
            process.kill()
            process.join()
        assert process.exitcode is not None
        texts = [path.read_text(encoding="utf-8") for path in (out, err)]
    return _checked(process.exitcode, *texts)


async def beside(
    *words: str | Path, environment: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Ended:
    """The same, while a test's event loop goes on."""
    return await asyncio.to_thread(lfrd, *words, environment=environment, cwd=cwd)


def anew(*words: str | Path, environment: Mapping[str, str] | None = None, **how: Any) -> Ended:
    """The same in a Python that is started for it. how: as `subprocess.run` takes it."""
    done = subprocess.run(
        [sys.executable, "-m", "lfrd", *map(str, words)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        env=_environment(environment),
        timeout=LONGEST,
        check=False,
        **how,
    )
    return _checked(done.returncode, done.stdout, done.stderr)


def _environment(changes: Mapping[str, str] | None) -> dict[str, str]:
    return {**os.environ, "COLUMNS": "80", **(changes or {})}


def _checked(code: int, out: str, err: str) -> Ended:
    assert "Traceback" not in err + out
    return Ended(code, out, err)


def _run(module: str, words: list[str], environment: dict[str, str], folder: str, out: str, err: str) -> None:
    """In the child."""
    for path, mode, number in (
        (os.devnull, os.O_RDONLY, 0),
        (out, os.O_WRONLY | os.O_CREAT, 1),
        (err, os.O_WRONLY | os.O_CREAT, 2),
    ):
        opened = os.open(path, mode, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__")
