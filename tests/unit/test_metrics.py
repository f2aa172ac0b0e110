"""What Prometheus reads: counts, stages and states by camera, and never a name or a score."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from lfrd.metrics import Metrics, Reading
from lfrd.types import CameraState


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
    }


def test_a_camera_is_read_when_the_metrics_are_asked_for() -> None:
    metrics = Metrics()
    reading = Reading("gate", CameraState.LIVE, 100, 60, 40, 3, 2, 0.25)
    metrics.watch(lambda: [reading], lambda: 7)
    found = samples(metrics)
    assert found["lfrd_frames_decoded_total", (("camera", "gate"),)] == 100
    assert found["lfrd_decode_seconds_total", (("camera", "gate"),)] == 0.25
    assert found["lfrd_frames_dropped_total", (("camera", "gate"), ("reason", "not_due"))] == 60
    assert found["lfrd_frames_dropped_total", (("camera", "gate"), ("reason", "spared"))] == 40
    assert found["lfrd_frames_dropped_total", (("camera", "gate"), ("reason", "overtaken"))] == 3
    assert found["lfrd_frames_dropped_total", (("camera", "gate"), ("reason", "unreadable"))] == 2
    assert found["lfrd_phones_connected", ()] == 7
    states = {dict(labels)["state"]: v for (name, labels), v in found.items() if name == "lfrd_camera_state"}
    assert states == {state.value: float(state is CameraState.LIVE) for state in CameraState}


def test_wake_ups_are_counted_by_what_came_of_them() -> None:
    metrics = Metrics()
    metrics.watch_wake_ups(lambda: {"taken": 5, "gone": 1})
    found = samples(metrics)
    assert found["lfrd_wake_ups_total", (("outcome", "taken"),)] == 5
    assert found["lfrd_wake_ups_total", (("outcome", "gone"),)] == 1


def test_live_pictures_are_counted_by_who_sends_them() -> None:
    metrics = Metrics()
    numbers = {"watched": (3, 9, 1), "lent": (1, 2, 0)}
    metrics.watch_pictures(lambda: numbers)
    found = samples(metrics)
    watched, lent = (("kind", "watched"),), (("kind", "lent"),)
    assert (found["lfrd_live_pictures", watched], found["lfrd_live_pictures", lent]) == (3, 1)
    assert found["lfrd_live_pictures_begun_total", watched] == 9
    assert found["lfrd_live_pictures_begun_total", lent] == 2
    assert found["lfrd_live_pictures_unreached_total", watched] == 1
    assert found["lfrd_live_pictures_unreached_total", lent] == 0
    numbers["watched"] = (0, 9, 1)
    assert samples(metrics)["lfrd_live_pictures", watched] == 0


def test_two_sites_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.seen.labels("gate").inc(5)
    assert samples(one)["lfrd_faces_seen_total", (("camera", "gate"),)] == 5
    assert ("lfrd_faces_seen_total", (("camera", "gate"),)) not in samples(other)
