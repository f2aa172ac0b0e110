"""From a verdict of the pipeline to an alert: the wall's clock, and what the watchlist says of the person."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog

from lfrd.errors import NotAllowed
from lfrd.metrics import Metrics
from lfrd.operation.alerts import Alerts
from lfrd.operation.alerts import Finding as Report
from lfrd.pipeline import Finding
from lfrd.store.watchlists import Watchlists
from lfrd.types import AlertId, DeploymentId, NominalId
from lfrd.wire import Event

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sought:
    """What an officer is told of a nominal. image_date: YYYY-MM-DD, or empty."""

    name: str
    category: str
    instruction: str
    image_date: str
    blue: bool


class Reporter:
    """One deployment's; called by the pipeline with every finding, repeats included."""

    def __init__(
        self,
        *,
        alerts: Alerts,
        watchlists: Watchlists,
        metrics: Metrics,
        deployment: DeploymentId,
        sought: Mapping[NominalId, Sought],
        clock: Callable[[], float],
        resumed: Callable[[], Awaitable[bool]],
    ) -> None:
        """clock: Unix seconds that never go back. resumed: brings a deployment that is paused, although
        cameras are wanted, back to active; False where it cannot. A camera that comes back may find somebody
        before its return has been noticed."""
        self._alerts = alerts
        self._watchlists = watchlists
        self._metrics = metrics
        self._deployment = deployment
        self._sought = sought
        self._clock = clock
        self._resumed = resumed

    async def __call__(self, finding: Finding) -> AlertId | None:
        """The alert that it has raised or belongs to; None where it makes nothing new."""
        now = time.monotonic()
        captured = finding.captured_at if finding.live else now
        sought = self._sought[finding.nominal]
        try:
            candidate = await self._watchlists.candidate(self._deployment, finding.nominal)
        except (NotAllowed, KeyError):  # the watchlist has been destroyed a moment ago
            log.info("finding_after_the_end", camera=finding.camera)
            return None
        report = Report(
            nominal=finding.nominal,
            name=sought.name,
            category=sought.category,
            instruction=sought.instruction,
            image_date=sought.image_date,
            blue=sought.blue,
            score=finding.score,
            threshold=finding.threshold,
            camera=finding.camera,
            track=finding.track,
            seen_at=self._clock() - max(0.0, now - captured),
            captured_monotonic=captured,
            quality={
                "eye_distance": round(finding.quality.eye_distance, 1),
                "sharpness": round(finding.quality.sharpness, 1),
                "yaw": round(finding.quality.yaw, 3),
                "pitch": round(finding.quality.pitch, 3),
            },
            worth=finding.quality.worth,
            shots=finding.shots,
            box=finding.box,
            probe_jpeg=finding.probe_jpeg,
            candidate_jpeg=candidate,
        )
        event = await self._file(report)
        if event is None:
            return None
        if event.what == "alert":
            self._metrics.alert_latency.observe(time.monotonic() - captured)
        self._metrics.alerts.labels(finding.camera, event.what).inc()
        log.info(event.what, alert=event.alert.id, camera=finding.camera)
        return AlertId(event.alert.id)

    async def _file(self, report: Report) -> Event | None:
        for _ in range(2):
            try:
                return await self._alerts.report(report)
            except NotAllowed:
                if not await self._resumed():
                    break
        log.info("finding_after_the_end", camera=report.camera)
        return None
