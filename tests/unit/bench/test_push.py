"""What the push bench makes of its measurements, and what it says where phones are not let in."""

from __future__ import annotations

import msgspec
import pytest

from lfrd.bench.children import answer, tell
from lfrd.bench.push import THEY, Sent, phones, row
from lfrd.bench.push_phones import Orders, Told
from lfrd.errors import LfrdError

SENT = Sent(filed={1: 10.0, 2: 20.0}, stored={1: 10.25, 2: 20.25}, processor=0.1)


def test_the_time_is_taken_from_the_commit_and_from_the_cameras_report() -> None:
    found = row([1, 2], SENT, [Told([1, 2], [10.3, 20.3]), Told([1, 2], [10.3, 20.3])], tls=True)
    assert (found["phones"], found["alerts"], found["tls"]) == (2, 2, True)
    assert (found["p50_ms"], found["p99_ms"]) == (50.0, 50.0)
    assert found["filed_ms"] == {"p50": 300.0, "p99": 300.0}
    assert found["cpu_ms"] == 50.0
    assert (found["lost"], found["doubled"]) == (0, 0)


def test_one_late_phone_in_a_hundred_is_in_the_99th_percentile() -> None:
    told = [Told([1], [10.26])] * 98 + [Told([1], [10.35])] * 2
    found = row([1], SENT, told, tls=True)
    assert (found["p50_ms"], found["p99_ms"]) == (10.0, 100.0)


def test_what_the_store_has_and_a_phone_has_not_is_lost_also_where_no_other_phone_has_it() -> None:
    found = row([1, 2], SENT, [Told([1], [10.3])], tls=True)
    assert (found["lost"], found["doubled"]) == (1, 0)
    assert row([1, 2], SENT, [Told([1], [10.3]), Told([], [])], tls=True)["lost"] == 3


def test_an_event_that_comes_again_or_out_of_order_is_doubled_and_not_lost() -> None:
    again, crossed = Told([1, 1, 2], [10.3, 10.4, 20.3]), Told([2, 1], [20.3, 20.4])
    found = row([1, 2], SENT, [again, crossed], tls=True)
    assert (found["lost"], found["doubled"]) == (0, 2)


def test_phones_that_were_told_nothing_are_an_error_and_no_figure() -> None:
    with pytest.raises(LfrdError, match="no phone was told"):
        row([1], SENT, [Told([], [])], tls=True)


async def test_a_server_that_is_not_there_is_said_in_one_line() -> None:
    async with phones(1) as there:
        assert len(msgspec.json.decode(await answer(there, THEY))) == 1
        tell(there, Orders("http://127.0.0.1:1", "", ["token"]))
        with pytest.raises(LfrdError, match=r"ended: \[Errno \d+\] Connect call failed") as caught:
            await answer(there, THEY)
    assert "\n" not in str(caught.value)
