"""An alert that stands shows its person; in doubt it does not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from lfrd.errors import NotAllowed
from lfrd.preview.standing import REMEMBERED, Standing, stands
from lfrd.types import AlertId
from lfrd.wire import AlertView

NOW = 1000.0
ALERT = AlertView(
    id="a1",
    nominal="n",
    score=0.7,
    threshold=0.6,
    camera="street",
    seen_at=NOW,
    created_at=NOW,
    quality={},
    probe="",
    candidate="",
    shots=3,
    expires_at=NOW + 60,
)
A1 = AlertId("a1")


@pytest.mark.parametrize(
    "change",
    [
        {"decision": "not_viable"},
        {"decision": "insufficient"},
        {"closed": True},
        {"expired": True},
        {"expires_at": NOW},
        {"outcome": "no_engagement"},
        {"blue": True},
        {"engaged_by": "Ada", "outcome": "arrest"},
        {"engaged_by": "Ada", "closed": True},
    ],
)
def test_an_alert_that_officers_need_no_longer_does_not_stand(change: dict[str, Any]) -> None:
    assert stands(ALERT, NOW)
    assert not stands(replace(ALERT, **change), NOW)


@pytest.mark.parametrize(
    "change",
    [{}, {"claimed_by": "Ada"}, {"decision": "viable"}, {"engaged_by": "Ada", "expired": True}],
)
def test_an_alert_stands_while_somebody_decides_and_while_somebody_is_engaged(change: dict[str, Any]) -> None:
    assert stands(replace(ALERT, **change), NOW)


class Log:
    def __init__(self) -> None:
        self.alerts = {A1: ALERT}
        self.now = NOW
        self.read = 0

    async def view(self, alert: AlertId) -> AlertView:
        self.read += 1
        if alert not in self.alerts:
            raise NotAllowed("unknown_alert", "gone")
        return self.alerts[alert]


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_an_alert_is_not_taken_to_stand_before_it_has_been_read() -> None:
    log = Log()
    standing = Standing(log.view, lambda: log.now)
    task = asyncio.create_task(standing.run())
    assert not standing.stands(A1)
    await settled()
    assert standing.stands(A1)
    log.now = ALERT.expires_at
    assert not standing.stands(A1)
    task.cancel()


async def test_what_changes_is_read_again_and_what_was_deleted_stands_no_more() -> None:
    log = Log()
    standing = Standing(log.view, lambda: log.now)
    task = asyncio.create_task(standing.run())
    standing.stands(A1)
    await settled()
    log.alerts[A1] = replace(ALERT, decision="not_viable")
    standing.look_again()
    await settled()
    assert not standing.stands(A1)
    log.alerts[A1] = ALERT
    standing.look_again()
    await settled()
    assert standing.stands(A1)
    del log.alerts[A1]
    standing.look_again()
    await settled()
    assert not standing.stands(A1)
    task.cancel()


async def test_nothing_is_read_while_nobody_asks_and_what_is_known_is_bounded() -> None:
    log = Log()
    standing = Standing(log.view, lambda: log.now)
    task = asyncio.create_task(standing.run())
    standing.look_again()
    await settled()
    assert log.read == 0
    for number in range(2 * REMEMBERED):
        standing.stands(AlertId(str(number)))
    await settled()
    assert len(standing._known) == REMEMBERED
    standing.forget()
    read = log.read
    standing.look_again()
    await settled()
    assert log.read == read
    task.cancel()
