"""Progress on standard error: a bar on a terminal, elsewhere one plain line when it takes a while."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE_SECONDS = 2.0
"""Where there is no terminal, what is over sooner is not worth a line."""


class Bar:
    """Called with (done, total), from any thread; shown from the first call whose total is not 0."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._began: float | None = None  # monotonic, of the first call without a terminal
        self._told = False  # the plain line stands
        self._live = None if not _terminal(sys.stderr) else _Live(title)

    def __call__(self, done: int, total: int) -> None:
        if not total:
            return
        if self._live is not None:
            self._live.show(done, total)
        elif not self._told and done < total:
            now = time.monotonic()
            self._began = now if self._began is None else self._began
            if now - self._began >= PATIENCE_SECONDS:
                self._told = True
                with contextlib.suppress(OSError, ValueError):
                    print(f"{self._title} ...", file=sys.stderr, flush=True)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """While a line is written to standard output: where that is the same terminal, the bar makes way."""
        if self._live is None or not _terminal(sys.stdout):
            yield
            return
        self._live.hide()
        yield  # the next call shows it again

    def close(self) -> None:
        if self._live is not None:
            self._live.hide()


class _Live:
    """A bar of rich's, which is only loaded where there is a terminal."""

    def __init__(self, title: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True, highlight=False),
            transient=True,
            redirect_stdout=False,  # or what is printed meanwhile would go to standard error
        )
        self._task = self._progress.add_task(title, total=None)
        self._shown = False

    def show(self, done: int, total: int) -> None:
        self._progress.update(self._task, completed=min(done, total), total=total)
        if not self._shown:
            self._shown = True
            self._progress.start()

    def hide(self) -> None:
        if self._shown:
            self._shown = False
            self._progress.stop()


@contextmanager
def bar(title: str) -> Iterator[Bar]:
    """A bar for one piece of work; it is gone when the context ends."""
    shown = Bar(title)
    try:
        yield shown
    finally:
        shown.close()


def _terminal(stream: object) -> bool:
    """Whether somebody watches; a closed stream is None to Python."""
    return stream is not None and bool(getattr(stream, "isatty", lambda: False)())
