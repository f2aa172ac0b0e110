"""The headless officer: what it waits for, and what it is told instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from lfrd.errors import NotAllowed
from lfrd.officer import HeadlessOfficer
from lfrd.types import CONSOLE
from tests.unit.web.box import opened


async def test_a_refused_request_is_told_to_who_waits_for_its_event(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        code = await box.services.officers.invite("Headless officer", 1, 60, actor=CONSOLE)
        async with HeadlessOfficer.joined(box.url, code) as officer:
            await officer.go_on_post()
            alert = await box.alert()
            assert (await officer.next_event("alert")).alert.id == alert.alert.id
            await officer.adjudicate(alert.alert.id, "not_viable")
            with pytest.raises(NotAllowed) as caught:
                await officer.next_event("adjudicated")
            assert caught.value.code == "reason_missing"
            await officer.adjudicate(alert.alert.id, "not_viable", "another person")
            assert (await officer.next_event("adjudicated")).alert.decision == "not_viable"
