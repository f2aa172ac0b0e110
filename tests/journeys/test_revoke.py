"""A lost phone: one command, and it is signed out, off post, and keeps no camera running (rule 20)."""

from __future__ import annotations

from pathlib import Path

import pytest

from lfrd import wire
from tests.journeys.process import Site, lfrd, passing, reach
from tests.phone import Phone

pytestmark = pytest.mark.journey


async def test_a_lost_phone_is_signed_out_and_off_post_by_one_command(
    tmp_path: Path, builtin: Path, astronaut: Path
) -> None:
    site = Site(tmp_path, builtin)
    site.watch_for(**{"M-2041": astronaut})
    site.configure({"name": "Street", "source": str(passing(tmp_path / "c.mp4", astronaut)), "loop": True})
    async with site.running() as server:
        lost: Phone = await server.phone("PC 4127 Adams")
        other: Phone = await server.phone("PC 5510 Okoro")
        async with other.connected():
            async with lost.connected():
                await lost.say(wire.OnPost())
                await reach(other, lambda: bool(other.states) and other.state().officers == ["PC 4127 Adams"])
                listed = await lfrd("officers", "--config", site.config)
                assert "PC 4127 Adams" in listed.out
                ended = await lfrd("revoke", "pc 4127 adams", "--config", site.config)
                assert ended.code == 0, ended.err
                assert await lost.closed() == wire.CLOSE_REVOKED
            await reach(other, lambda: other.state().officers == [])
        again = await lfrd("revoke", "PC 4127 Adams", "--config", site.config)
        assert again.code == 1
        assert "no phone is signed in under that name" in again.err
