"""The event loop of a process that serves phones."""

from __future__ import annotations

import gc

import pytest

from lfrd import loop


def test_what_was_loaded_before_is_out_of_the_collectors_way_and_what_comes_later_is_not() -> None:
    class Node:
        def __init__(self) -> None:
            self.itself = self

    def among(seen: list[object], what: object) -> bool:
        return any(one is what for one in seen)

    before = Node()

    async def main() -> tuple[bool, bool]:
        later = Node()
        seen = gc.get_objects()
        return among(seen, before), among(seen, later)

    assert loop.run(main()) == (False, True)
    assert gc.get_freeze_count() == 0
    assert among(gc.get_objects(), before)


def test_nothing_stays_set_aside_where_what_runs_fails() -> None:
    async def main() -> None:
        raise OSError("no port")

    with pytest.raises(OSError, match="no port"):
        loop.run(main())
    assert gc.get_freeze_count() == 0
