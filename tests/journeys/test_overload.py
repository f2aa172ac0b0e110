"""A box that cannot keep up says so, drops frames and queues nothing; and says when it has recovered."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from lfrd import config, wire
from lfrd.app import Site
from lfrd.cameras import Eye
from lfrd.inference import Inference
from lfrd.types import CameraState
from tests.clips import write_clip
from tests.deployed import deployed, invited
from tests.phone import Phone

pytestmark = pytest.mark.journey


CAMERAS = 5
FPS = 25
WORKERS = 2
PATIENCE = 120.0
"""Seconds after which a test gives up."""


class Machine:
    """How much slower than this one it is: processor seconds that each frame takes more."""

    def __init__(self) -> None:
        self.more = 0.0

    @contextmanager
    def slowed(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
        examine = Inference._examine

        def examined(inference: Inference, *arguments: Any) -> Any:
            until = time.thread_time() + self.more
            while time.thread_time() < until:
                hashlib.pbkdf2_hmac("sha256", b"", b"", 5000)  # as networks do, it leaves other threads alone
            return examine(inference, *arguments)

        with monkeypatch.context() as patch:
            patch.setattr(Inference, "_examine", examined)
            yield self


def gauge(site: Site, name: str) -> float:
    text = site.metrics.render().decode()
    (family,) = [one for one in text_string_to_metric_families(text) if one.name == name]
    return family.samples[0].value


def frames(eyes: Sequence[Eye]) -> tuple[int, int]:
    """Frames of all cameras that were due so far, and that the cameras gave."""
    readings = [eye.reading() for eye in eyes]
    return sum(r.decoded - r.skipped for r in readings), sum(r.decoded + r.spared for r in readings)


async def test_a_box_with_too_much_to_do_says_so_drops_frames_looks_at_all_cameras_less_often_and_recovers(
    tmp_path: Path, admiral: Path, builtin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Every second frame is one that no other is made from.
    clip = write_clip(tmp_path / "street.mp4", range(250), options={"bf": "1", "b_strategy": "0"})
    settings = config.parse(
        {
            "web": {"host": "127.0.0.1", "port": 0, "allow_plain_http": True},
            "post": {"grace_seconds": 600},  # the phone of this test sends no heartbeats
            "inference": {"workers": WORKERS},
            "analysis": {"max_side": 160, "rate": 5.0, "least_rate": 3.0},
            "cameras": [{"name": f"Street {n}", "source": str(clip), "loop": True} for n in range(CAMERAS)],
        }
    )
    people = {"admiral": admiral}
    machine = Machine()
    with machine.slowed(monkeypatch), structlog.testing.capture_logs() as logs:
        async with deployed(tmp_path, settings, builtin, people) as site, httpx.AsyncClient() as client:
            phone = await Phone.join(site.bound.url, await invited(site), "PC Adams")
            async with phone.connected():
                machine.more = 0.2  # of the 25 frames a second that are due, ten can be looked at
                await phone.say(wire.OnPost())
                await phone.until(lambda: bool(phone.states) and phone.state().degraded != "")
                told = phone.state().degraded
                assert re.fullmatch(
                    r"Street 0, Street 1, Street 2 and 2 more: [\d.]+( to [\d.]+)? frames a second are "
                    r"analysed, 3 are wanted: the box has too much to do",
                    told,
                ), told
                lowered = gauge(site, "lfrd_analysis_ceiling")
                assert 1.0 <= lowered < 3.0

                eyes = site.conductor.eyes
                before = [eye.journey.counts.analysed for eye in eyes]
                due, given = frames(eyes)
                await phone.until(lambda: sum(e.journey.counts.analysed for e in eyes) - sum(before) >= 30)
                analysed = [eye.journey.counts.analysed - n for eye, n in zip(eyes, before, strict=True)]
                assert max(analysed) - min(analysed) <= 3, "each camera is looked at as often as the others"
                more_due, more_given = frames(eyes)
                assert (more_due - due) * FPS / (more_given - given) < 4.0, "what cannot be done is not due"
                assert all(eye.supervisor.status.state is CameraState.LIVE for eye in eyes)
                assert all(eye.supervisor.frames.statistics().waiting <= 1 for eye in eyes)
                assert any(eye.supervisor.frames.statistics().dropped > 0 for eye in eyes)
                health = await client.get(f"{site.bound.url}/healthz")
                assert health.status_code == 503
                assert "Street 0" in health.text

                assert all(eye.reading().spared > 0 for eye in eyes), "what none needs is not decoded"

                machine.more = 0.0
                await phone.until(lambda: phone.state().degraded == "")
                async with asyncio.timeout(PATIENCE):  # how far depends on what else this machine does
                    while gauge(site, "lfrd_analysis_ceiling") < max(3.0, 1.5 * lowered):
                        await asyncio.sleep(0.1)
                assert phone.state().degraded == ""
                assert (await client.get(f"{site.bound.url}/healthz")).status_code == 200
                assert all(eye.supervisor.status.state is CameraState.LIVE for eye in eyes)
    told_in_the_log = [one["event"] for one in logs if one["event"].startswith("analysis_")]
    assert told_in_the_log[:1] == ["analysis_lowered"]
