"""The event loop of a process that serves phones, and what the garbage collector leaves alone there."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """As `asyncio.run`, for a process that serves; a command that reads a row needs none of this.

    What is loaded by now lives as long as the process does. Python's full collections look through all of it
    again, with the loop stopped, unless it is set aside (docs/performance.md also says why the loop is
    asyncio's own). Nothing of a deployment may be loaded yet: cycles
    among what is set aside are not found, and what has to be forgotten would stay.
    """
    gc.collect()
    gc.freeze()
    try:
        return asyncio.run(main)
    finally:
        gc.unfreeze()
