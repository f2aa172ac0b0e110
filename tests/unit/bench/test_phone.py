"""What the phone bench makes of its measurements: percentiles, clocks compared, deliveries compared."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.bench.light_phones import LightPhone, Log, delivery, on_post
from lfrd.bench.phone import percentiles
from lfrd.bench.phone_pages import compared, server_clock
from lfrd.bench.phone_street import _cast, _signed_in, _trust
from lfrd.errors import MissingError
from lfrd.types import U8, Detections
from tests.desk import desk


def test_the_99th_percentile_is_given_from_a_hundred_measurements_on() -> None:
    assert percentiles([0.010] * 99) == {"p50": 10.0, "p95": 10.0}
    assert percentiles([n / 1000 for n in range(1, 102)]) == {"p50": 51.0, "p95": 96.0, "p99": 100.0}


@given(ahead=st.floats(-100, 100), steps=st.floats(0, 0.01))
async def test_a_clock_that_is_ahead_is_found_to_be_so_within_the_error_that_is_named(
    ahead: float, steps: float
) -> None:
    async def read() -> float:
        shown = time.time() + ahead
        return shown - (shown % steps if steps > 1e-6 else 0.0)

    offset = await compared(read, resolution=steps)
    assert abs(offset.ahead - ahead) <= offset.error + 1e-6
    assert offset.error < 0.1


@pytest.mark.parametrize("tls", [True, False])
async def test_a_phone_without_a_page_gets_alerts_and_pictures_over_the_sites_authority_and_without(
    tls: bool, tmp_path: Path
) -> None:
    async with desk(tmp_path, tls=tls) as there:
        await there.started()
        context = _trust(tmp_path / "tls").context if tls else None
        one = await _signed_in(there.records, "Phone 1")
        phone = LightPhone(there.url, one.name, one.token, one.key, context)
        async with on_post([phone]), asyncio.timeout(60):
            alert = await there.alert()
            while not (got := phone.log.alerts.get(alert.id)) or got.fetched is None:
                await asyncio.sleep(0.01)
        assert there.url.startswith("https" if tls else "http:")
        assert (await server_clock(there.url, context)).error < 1


def test_phones_that_were_told_the_same_have_lost_and_doubled_nothing() -> None:
    told = delivery([Log([1, 2, 3]), Log([1, 2, 3, 4])], last=3)
    assert (told.phones, told.lost, told.doubled) == (2, 0, 0)


def test_an_event_that_another_phone_has_is_lost_and_one_that_comes_again_is_doubled() -> None:
    told = delivery([Log([1, 2, 3]), Log([1, 3]), Log([1, 2, 2, 3]), Log([2, 1, 3])], last=3)
    assert (told.lost, told.doubled) == (1, 2)


def test_a_folder_without_people_is_said_in_one_line(tmp_path: Path) -> None:
    def nobody(image: U8) -> Detections:
        raise AssertionError("nothing to look at")

    with pytest.raises(MissingError, match="nobody in it"):
        _cast(tmp_path, 1, nobody)
