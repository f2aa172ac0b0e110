"""What networks work in is emptied between calls: never under one, and only where there was one."""

from __future__ import annotations

import threading
import time

import pytest

from lfrd.networks.workspace import Workspace, forgetting


class Noted:
    """A workspace, and how often it was emptied."""

    def __init__(self) -> None:
        self.emptied = 0
        self.happened = threading.Event()
        self.workspace = Workspace(self.empty)

    def empty(self) -> None:
        self.emptied += 1
        self.happened.set()


@pytest.fixture
def noted() -> Noted:
    return Noted()


def test_what_was_not_used_is_not_emptied_and_what_was_is_emptied_once(noted: Noted) -> None:
    noted.workspace.forget()
    assert noted.emptied == 0
    with noted.workspace.call():
        pass
    noted.workspace.forget()
    noted.workspace.forget()
    assert noted.emptied == 1


def test_it_waits_for_calls_under_way_and_those_that_come_wait_for_it(noted: Noted) -> None:
    order: list[str] = []
    workspace = noted.workspace

    def another() -> None:
        with workspace.call():
            order.append(f"a call after {noted.emptied}")

    with workspace.call():
        forgetter = threading.Thread(target=workspace.forget)
        forgetter.start()
        while forgetter.is_alive() and not workspace._is_emptied:
            time.sleep(0)
        caller = threading.Thread(target=another)
        caller.start()
        order.append(f"the first ends after {noted.emptied}")
    forgetter.join()
    caller.join()
    assert order == ["the first ends after 0", "a call after 1"]


def test_a_call_that_fails_has_ended(noted: Noted) -> None:
    with pytest.raises(ValueError, match="refused"), noted.workspace.call():
        raise ValueError("refused")
    noted.workspace.forget()
    assert noted.emptied == 1


def test_while_it_cannot_be_emptied_calls_are_refused() -> None:
    failures = [MemoryError("no memory")]

    def empty() -> None:
        if failures:
            raise failures.pop()

    workspace = Workspace(empty)
    with workspace.call():
        pass
    workspace.forget()
    with pytest.raises(RuntimeError, match="cannot be overwritten: no memory"), workspace.call():
        pass
    workspace.forget()
    with workspace.call():
        pass


def test_it_is_emptied_again_and_again_while_it_is_used_and_at_the_end(noted: Noted) -> None:
    with forgetting([noted.workspace], every=0.001):
        for _ in range(3):
            noted.happened.clear()
            with noted.workspace.call():
                pass
            noted.happened.wait()
    before = noted.emptied
    with forgetting([noted.workspace], every=1000.0), noted.workspace.call():
        pass
    assert noted.emptied == before + 1


def test_where_there_is_nothing_to_empty_there_is_no_thread() -> None:
    before = threading.active_count()
    with forgetting([]):
        assert threading.active_count() == before
