"""What a test needs of the system and does not find: a skip, or a failure where all must run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import rtsp_server
from tests.journeys.browser import chromium

SKIPPED, FAILED = pytest.skip.Exception, pytest.fail.Exception
OUTCOMES = [("", SKIPPED), ("1", FAILED)]


@pytest.mark.parametrize(("all_must_run", "outcome"), OUTCOMES)
async def test_a_browser_that_is_not_there_skips_or_fails_where_all_must_run(
    all_must_run: str, outcome: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LFRD_REQUIRE_ALL", all_must_run)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises((SKIPPED, FAILED), match="needs a browser") as caught:  # a skip would skip this test
        async with chromium():
            pass
    assert caught.type is outcome


@pytest.mark.parametrize(("all_must_run", "outcome"), OUTCOMES)
def test_an_rtsp_server_that_is_not_there_skips_or_fails_where_all_must_run(
    all_must_run: str, outcome: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LFRD_REQUIRE_ALL", all_must_run)
    monkeypatch.setattr(rtsp_server, "installed", lambda: False)
    server = rtsp_server.RtspServer(tmp_path / "none.mp4")
    with pytest.raises((SKIPPED, FAILED), match="RTSP server") as caught, server:
        pass
    assert caught.type is outcome
