"""What networks work in, and how it is emptied: what a face left there stays for half a second."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

FORGET_SECONDS = 0.5
"""What a call left is overwritten so many seconds after it at the latest, and one call that is under way."""


class Workspace:
    """Memory that calls into networks share. It can be emptied between calls only: a block that a call under
    way holds keeps all that lies in one piece with it, which are other faces' leavings.
    """

    def __init__(self, empty: Callable[[], None]) -> None:
        """empty: gives all of it back to the C library, which overwrites it (docs/erasure.md). Called in any
        thread, while no call is under way."""
        self._empty = empty
        self._changed = threading.Condition()  # guards the fields below
        self._inside = 0  # calls under way
        self._is_emptied = False  # being emptied, or about to: whoever comes waits
        self._is_used = False  # a call has begun since it was last emptied
        self._failure: Exception | None = None  # why it could not be emptied when it was last tried

    @contextmanager
    def call(self) -> Iterator[None]:
        """One call into a network. At the end of the block it holds no part of this memory any more. Raises
        RuntimeError while what is in it cannot be emptied: rather no call than one that is not forgotten."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_emptied)
            if self._failure is not None:
                raise RuntimeError(f"what faces left in memory cannot be overwritten: {self._failure}")
            self._inside += 1
            self._is_used = True
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                if not self._inside:
                    self._changed.notify_all()

    def forget(self) -> None:
        """Empty it as soon as the calls under way have ended; those to come wait meanwhile. Blocks. Where it
        fails, calls are refused until it has been done."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_emptied)
            if not self._is_used:
                return
            self._is_emptied = True
            self._changed.wait_for(lambda: not self._inside)
        failure: Exception | None = None
        try:
            self._empty()
        except Exception as error:
            failure = error
        with self._changed:
            self._failure = failure
            self._is_used = failure is not None
            self._is_emptied = False
            self._changed.notify_all()


@contextmanager
def forgetting(workspaces: Sequence[Workspace], *, every: float = FORGET_SECONDS) -> Iterator[None]:
    """Empty them `every` so many seconds, in a thread of its own, and once more at the end of the block."""
    ended = threading.Event()

    def forget() -> None:
        while not ended.wait(every):
            for workspace in workspaces:
                workspace.forget()

    thread = threading.Thread(target=forget, name="forgetting", daemon=True)
    if workspaces:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        if workspaces:
            thread.join()
        for workspace in workspaces:
            workspace.forget()
