"""`lfrd bench push`, whole: a site, phones in another process, and every alert on every phone."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from lfrd.bench.push_phones import Orders, on_post
from lfrd.bench.push_site import push_site
from lfrd.errors import LfrdError
from lfrd.web.proof import DeviceKey
from tests.journeys.process import PATIENCE, lfrd

pytestmark = pytest.mark.journey


@pytest.mark.parametrize("how", [[], ["--http"]], ids=["tls", "http"])
async def test_the_push_bench_counts_every_alert_on_every_phone(how: list[str]) -> None:
    ended = await lfrd("bench", "push", "--phones", "1", "--phones", "3", "--alerts", "4", *how, "--json")
    assert ended.code == 0, ended.err
    rows = json.loads(ended.out)
    assert [(row["phones"], row["alerts"]) for row in rows] == [(1, 4), (3, 4)]
    for row in rows:
        assert (row["lost"], row["doubled"], row["tls"]) == (0, 0, not how)
        assert 0 < row["p50_ms"] <= row["p99_ms"]
        assert row["filed_ms"]["p50"] > row["p50_ms"]


async def test_phones_come_with_the_key_that_their_session_was_made_for(tmp_path: Path) -> None:
    async with push_site(tmp_path, seed=1, tls=True) as site:
        keys, heard = [DeviceKey(), DeviceKey()], asyncio.Event()
        tokens = await site.signed_in([key.public for key in keys])
        async with on_post(Orders(site.address, site.authority, tokens), keys, heard) as phones:
            assert len(phones) == 2
            assert site.office.duty.present() == ["Officer 1", "Officer 2"]
        with pytest.raises(LfrdError, match="closed a phone's connection"):
            async with on_post(Orders(site.address, site.authority, tokens[:1]), keys[1:], heard):
                raise AssertionError("another device's key must not do")


async def test_phones_receipt_what_they_are_told(tmp_path: Path) -> None:
    async with push_site(tmp_path, seed=1, tls=False) as site:
        keys = [DeviceKey()]
        tokens = await site.signed_in([key.public for key in keys])
        async with on_post(Orders(site.address, "", tokens), keys, asyncio.Event()):
            event = await site.office.alerts.report(site.file())
            assert event is not None
            async with asyncio.timeout(PATIENCE):
                while site.office.receipts.statistics().noted == 0:
                    await asyncio.sleep(0.02)
            (known,) = site.office.phones.reach.phones.values()
            assert known.receipted == event.seq
