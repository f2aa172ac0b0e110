"""Fan-out of stored events."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd import wire
from lfrd.operation.hub import Hub


def event(seq: int) -> wire.Event:
    view = wire.AlertView(
        id=f"a{seq}",
        nominal="N-1",
        score=0.7,
        threshold=0.5,
        camera="gate",
        seen_at=1.0,
        created_at=2.0,
        quality={},
        probe="",
        candidate="",
        shots=3,
    )
    return wire.Event(seq=seq, what="alert", at=float(seq), alert=view)


class Log:
    """A list in the place of the store's table, which has tests of its own."""

    def __init__(self, seqs: list[int]) -> None:
        self.events = [event(seq) for seq in seqs]
        self.asked: list[int] = []

    async def after(self, seq: int, limit: int) -> list[wire.Event]:
        self.asked.append(seq)
        return [event for event in self.events if event.seq > seq][:limit]

    def store(self, seq: int) -> wire.Event:
        self.events.append(event(seq))
        return self.events[-1]


async def read_all(hub: Hub, seq: int, limit: int = 10) -> list[int]:
    seqs: list[int] = []
    while lines := await hub.after(seqs[-1] if seqs else seq, limit):
        assert len(lines) <= limit
        seqs += [line.seq for line in lines]
    return seqs


async def test_what_was_stored_before_the_start_is_read_from_the_log() -> None:
    log = Log([1, 2, 3])
    assert await read_all(Hub(log, 3), 0) == [1, 2, 3]
    assert log.asked


async def test_what_was_published_is_read_from_memory_as_the_same_text_for_all() -> None:
    log = Log([])
    hub = Hub(log, 0)
    hub.publish(log.store(1))
    first, second = await hub.after(0, 10), await hub.after(0, 10)
    assert first[0].text is second[0].text
    assert wire.server_decoder.decode(first[0].text) == log.events[0]
    assert not log.asked


async def test_a_publication_wakes_every_subscriber_and_none_that_has_gone() -> None:
    log = Log([])
    hub = Hub(log, 0)
    woken: list[str] = []
    with hub.subscribed(lambda: woken.append("a")):
        with hub.subscribed(lambda: woken.append("b")):
            hub.publish(log.store(1))
        hub.publish(log.store(2))
    hub.publish(log.store(3))
    assert woken == ["a", "b", "a"]


async def test_an_event_that_was_published_already_is_ignored() -> None:
    log = Log([])
    hub = Hub(log, 0)
    woken: list[None] = []
    stored = log.store(1)
    with hub.subscribed(lambda: woken.append(None)):
        hub.publish(stored)
        hub.publish(stored)
    assert len(woken) == 1
    assert await read_all(hub, 0) == [1]


async def test_the_ring_is_bounded_and_what_has_left_it_is_read_from_the_log() -> None:
    log = Log([])
    hub = Hub(log, 0, limit=4)
    for seq in range(1, 11):
        hub.publish(log.store(seq))
    assert hub.statistics().held == 4
    assert await read_all(hub, 0, limit=3) == list(range(1, 11))
    log.asked.clear()
    assert await read_all(hub, 6) == [7, 8, 9, 10]
    assert not log.asked


async def test_an_event_that_was_stored_and_not_published_is_not_lost() -> None:
    log = Log([])
    hub = Hub(log, 0)
    hub.publish(log.store(1))
    log.store(2)
    hub.publish(log.store(3))
    assert hub.statistics().gaps == 1
    assert await read_all(hub, 0) == [1, 2, 3]
    assert await read_all(hub, 1) == [2, 3]


async def test_an_event_is_told_to_nobody_before_it_is_published() -> None:
    log = Log([1])
    hub = Hub(log, 1)
    heard: list[int] = []
    hub.on_publish(lambda event: heard.append(event.seq))
    stored = log.store(2)  # by a command beside the server: it is found and published a moment later
    assert await read_all(hub, 0) == [1]
    hub.publish(stored)
    assert await read_all(hub, 0) == [1, 2]
    assert heard == [2]


async def test_erased_events_are_forgotten_when_asked() -> None:
    log = Log([])
    hub = Hub(log, 0)
    for seq in (1, 2):
        hub.publish(log.store(seq))
    log.events.clear()
    hub.clear()
    assert hub.statistics().held == 0
    assert await read_all(hub, 0) == []
    hub.publish(log.store(3))
    assert await read_all(hub, 2) == [3]


async def test_the_news_that_an_alert_is_erased_takes_what_was_told_of_it_out_of_memory() -> None:
    log = Log([])
    hub = Hub(log, 0)
    for seq in (1, 2):
        hub.publish(log.store(seq))
    erased = wire.Event(seq=3, what="erased", at=3.0, alert=log.events[0].alert)
    log.events = [log.events[1], erased]
    hub.publish(erased)
    assert hub.statistics().held == 1
    assert hub.statistics().gaps == 0
    assert await read_all(hub, 0) == [2, 3]


def test_a_ring_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="limit"):
        Hub(Log([]), 0, limit=0)


@given(
    before=st.integers(0, 8),
    published=st.lists(st.booleans(), max_size=20),
    limit=st.integers(1, 6),
    page=st.integers(1, 5),
    seed=st.integers(0, 1000),
)
async def test_a_reader_gets_every_stored_event_once_in_order_wherever_it_starts(
    before: int, published: list[bool], limit: int, page: int, seed: int
) -> None:
    log = Log(list(range(1, before + 1)))
    hub = Hub(log, before, limit=limit)
    chance = random.Random(seed)
    last = before
    for whether in [*published, True]:
        last += 1
        stored = log.store(last)
        if whether:
            hub.publish(stored)
    start = chance.randint(0, last)
    assert await read_all(hub, start, page) == list(range(start + 1, last + 1))
