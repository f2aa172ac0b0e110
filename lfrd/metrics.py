"""What the box counts and times, for Prometheus: never a name, a face or a template."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from lfrd.types import CameraState

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10)


@dataclass(frozen=True, slots=True)
class Reading:
    """One camera's numbers at this moment, as its supervisor knows them."""

    name: str
    state: CameraState
    decoded: int
    skipped: int
    """Not due by analysis.rate, or by the ceiling below it: decoded, never copied."""
    spared: int
    """Never decoded while the box was short of time: no other frame is made from them."""
    dropped: int
    """Due, and replaced by a newer one before a worker was free."""
    unreadable: int
    decode_seconds: float


class Metrics:
    """One registry a process. Counters are incremented where things happen; states are read when asked."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        counter = _maker(self.registry)
        self.analysed = counter("lfrd_frames_analysed", "Frames in which faces were looked for", ["camera"])
        self.faces = counter("lfrd_faces_detected", "Faces found in analysed frames", ["camera"])
        self.refused = counter(
            "lfrd_faces_refused", "Faces not used as evidence, by quality reason", ["camera", "reason"]
        )
        self.seen = counter("lfrd_faces_seen", "Faces seen: tracks, not pictures", ["camera"])
        self.embedded = counter("lfrd_faces_embedded", "Best shots turned into templates", ["camera"])
        self.verdicts = counter("lfrd_verdicts", "Judgements of tracks, by reason", ["reason"])
        self.alerts = counter("lfrd_alerts", "Alerts and sightings stored", ["camera", "kind"])
        self.ceiling = Gauge(
            "lfrd_analysis_ceiling",
            "Frames a second of each camera that may be analysed; below analysis.rate while the box has too "
            "much to do, 0 while no deployment is in force",
            registry=self.registry,
        )
        self.side = Gauge(
            "lfrd_analysis_side",
            "Pixels of the longer side at which live cameras' frames are searched; 0 as above",
            registry=self.registry,
        )
        self.stage = Histogram(
            "lfrd_stage_seconds",
            "Time of each stage of a frame's journey",
            ["stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.alert_latency = Histogram(
            "lfrd_alert_seconds",
            "From the capture of the decisive frame to the stored alert",
            buckets=_SECONDS,
            registry=self.registry,
        )

    def watch(self, cameras: Callable[[], Iterable[Reading]], phones: Callable[[], int]) -> None:
        """Read the cameras' states and the phones' number whenever the metrics are asked for."""
        self.registry.register(_Live(cameras, phones))

    def watch_wake_ups(self, counts: Callable[[], Mapping[str, int]]) -> None:
        """Read what has become of wake-ups, by outcome, whenever the metrics are asked for."""
        self.registry.register(_WakeUps(counts))

    def watch_pictures(self, counts: Callable[[], Mapping[str, tuple[int, int, int]]]) -> None:
        """Read how many live pictures there are now, have begun and did not connect, by kind, whenever the
        metrics are asked for."""
        self.registry.register(_Pictures(counts))

    def render(self) -> bytes:
        return generate_latest(self.registry)


def _maker(registry: CollectorRegistry) -> Callable[[str, str, list[str]], Counter]:
    def make(name: str, help_text: str, labels: list[str]) -> Counter:
        return Counter(name, help_text, labels, registry=registry)

    return make


class _Live(Collector):
    def __init__(self, cameras: Callable[[], Iterable[Reading]], phones: Callable[[], int]) -> None:
        self._cameras = cameras
        self._phones = phones

    def describe(self) -> Iterator[Metric]:
        return iter(())

    def collect(self) -> Iterator[Metric]:
        decoded = CounterMetricFamily("lfrd_frames_decoded", "Frames decoded", labels=["camera"])
        decoding = CounterMetricFamily("lfrd_decode_seconds", "Time spent decoding", labels=["camera"])
        dropped = CounterMetricFamily(
            "lfrd_frames_dropped", "Frames not analysed, by reason", labels=["camera", "reason"]
        )
        state = GaugeMetricFamily("lfrd_camera_state", "1 for the present state", labels=["camera", "state"])
        for reading in self._cameras():
            decoded.add_metric([reading.name], reading.decoded)
            decoding.add_metric([reading.name], reading.decode_seconds)
            dropped.add_metric([reading.name, "not_due"], reading.skipped)
            dropped.add_metric([reading.name, "spared"], reading.spared)
            dropped.add_metric([reading.name, "overtaken"], reading.dropped)
            dropped.add_metric([reading.name, "unreadable"], reading.unreadable)
            for name in CameraState:
                state.add_metric([reading.name, name.value], float(name is reading.state))
        phones = GaugeMetricFamily("lfrd_phones_connected", "Phones with an open connection")
        phones.add_metric([], self._phones())
        yield from (decoded, decoding, dropped, state, phones)


class _WakeUps(Collector):
    def __init__(self, counts: Callable[[], Mapping[str, int]]) -> None:
        self._counts = counts

    def describe(self) -> Iterator[Metric]:
        return iter(())

    def collect(self) -> Iterator[Metric]:
        tries = CounterMetricFamily(
            "lfrd_wake_ups", "Wake-ups of phones, and what push services answered", labels=["outcome"]
        )
        for outcome, count in self._counts().items():
            tries.add_metric([outcome], count)
        yield tries


class _Pictures(Collector):
    def __init__(self, counts: Callable[[], Mapping[str, tuple[int, int, int]]]) -> None:
        self._counts = counts

    def describe(self) -> Iterator[Metric]:
        return iter(())

    def collect(self) -> Iterator[Metric]:
        now = GaugeMetricFamily(
            "lfrd_live_pictures", "Live pictures watched by browsers, or lent by phones", labels=["kind"]
        )
        begun = CounterMetricFamily("lfrd_live_pictures_begun", "Live pictures that began", labels=["kind"])
        unreached = CounterMetricFamily(
            "lfrd_live_pictures_unreached", "Offers that were answered and never connected", labels=["kind"]
        )
        for kind, numbers in self._counts().items():
            now.add_metric([kind], numbers[0])
            begun.add_metric([kind], numbers[1])
            unreached.add_metric([kind], numbers[2])
        yield from (now, begun, unreached)
