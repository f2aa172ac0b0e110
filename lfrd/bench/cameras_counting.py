"""What a run of many cameras comes to: passages by media time, latency, what grew, whether it was held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lfrd.bench.cameras_site import CameraRun, Measured, Note
from lfrd.bench.push_phones import Told
from lfrd.evaluation.counting import Hit, Tally
from lfrd.evaluation.street import Passage, Truth
from lfrd.types import Box

POINT = 0.01
"""By which the share of passages found may stay below that of the exhaustive run."""
GROWN_LAG = 0.25
"""Seconds by which a camera's median lag in the last third of a run may exceed the first third's: so much
comes and goes with the number of people in view. A decoder that is too slow by one frame in fifty is found
out within 20 s, since a paced recording's lag counts from when a frame was due."""
GROWN_WAITING = 1.0
"""The same for findings that wait to be filed."""
GROWN_SHARE, GROWN_MB = 0.1, 64.0
"""Share, and MB more, by which memory may grow from the second third to the last of a run that is not long:
buffers and tracks come as people do."""
SLOPE_MB = 60.0
"""MB an hour by which memory may grow in a soak, after its first third."""
STARVED = 0.5
"""Share of the cameras' mean of analysed frames below which one is starved."""


@dataclass(frozen=True, slots=True)
class Played:
    """What one camera plays. seconds: of one pass of its recording. loops: whole passes that were played."""

    truth: Truth
    seconds: float
    loops: int


def until(truth: Truth, seconds: float) -> Truth:
    """Who passes in the first `seconds`, as far as they are seen there."""
    cut = [Passage(one.person, [box for box in one.boxes if box[0] < seconds]) for one in truth.passages]
    return Truth([one for one in cut if one.boxes])


def whole_loops(run: CameraRun, until: float, seconds: float) -> int:
    """Whole passes that a camera has played until then: what is cut off counts for nothing."""
    return max(0, int((until - run.began) // seconds))


def tallied(
    played: Mapping[str, Played],
    began: Mapping[str, float],
    notes: Sequence[Note],
    sought: frozenset[str],
) -> Tally:
    """Count each camera's passages, every pass of its recording by itself, as `counting.Tally` does.

    played, began: by camera. A finding's media time is its decisive frame's captured_at less when its camera
    began. Passes that were not played to the end are left out, with their findings.
    """
    hits: dict[tuple[str, int], list[Hit]] = {}
    for note in notes:
        at = note.at - began[note.camera]
        loop = max(0, int(at // played[note.camera].seconds))
        hit = Hit(note.person, at - loop * played[note.camera].seconds, Box(*note.box))
        hits.setdefault((note.camera, loop), []).append(hit)
    tally = Tally()
    for camera, one in played.items():
        for loop in range(one.loops):
            tally.add(one.truth, sought, hits.get((camera, loop), []))
    return tally


def latencies(notes: Sequence[Note], told: Sequence[Told]) -> list[float]:
    """Seconds from each new alert's decisive frame to its receipt, for each phone that was told of it."""
    captured = {note.alert: note.at for note in notes if note.alert is not None}
    return [
        at - captured[seq]
        for phone in told
        for seq, at in zip(phone.seqs, phone.at, strict=True)
        if seq in captured
    ]


def lost(stored: Sequence[int], told: Sequence[Told]) -> int:
    """Stored events that a phone was not told, counted once a phone."""
    return sum(len(set(stored) - set(phone.seqs)) for phone in told)


def slope(memory: Sequence[tuple[float, float]]) -> float | None:
    """MB an hour, by least squares over what was sampled after the first third of the time; None where that
    is fewer than three samples."""
    if not memory:
        return None
    first, last = memory[0][0], memory[-1][0]
    kept = np.array([sample for sample in memory if sample[0] >= first + (last - first) / 3])
    if len(kept) < 3:
        return None
    hours = (kept[:, 0] - kept[0, 0]) / 3600
    return float(np.polyfit(hours, kept[:, 1], 1)[0])


def later_thirds(memory: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    """Median MB of the second and of the last third of the time; None where one of them has no sample. In the
    first the buffers fill."""
    if not memory:
        return None
    begun, third = memory[0][0], (memory[-1][0] - memory[0][0]) / 3
    second = [mb for at, mb in memory if begun + third <= at < begun + 2 * third]
    last = [mb for at, mb in memory if at >= begun + 2 * third]
    return (float(np.median(second)), float(np.median(last))) if second and last else None


def reasons(
    measured: Measured, found: Tally, exhaustive: Tally, *, events_lost: int, soak: bool
) -> list[str]:
    """Why so many cameras are not held, a sentence each; none where they are.

    Held means: all recordings came to their end, no queue and no memory grew, none of the stored events was
    lost, no camera starved, and TPIR is at most POINT below the exhaustive run's. The shares are compared as
    they are: of fewer than a hundred passages not one may be missed that the exhaustive run has found,
    though one that it has missed makes up for another.
    """
    cameras = measured.cameras
    why: list[str] = []
    if not soak and not measured.ended:
        why.append("Not all recordings came to their end in time.")
    for run in cameras:
        if run.lag_first is None or run.lag_last is None:
            why.append(f"{run.name} was not analysed throughout.")
        elif run.lag_last - run.lag_first > GROWN_LAG:
            why.append(f"{run.name}'s lag grew from {run.lag_first:.2f} to {run.lag_last:.2f} s.")
    first, last = measured.waiting
    if last - first > GROWN_WAITING:
        why.append(f"Findings that wait to be filed grew from {first:.1f} to {last:.1f}.")
    why += _memory(measured, soak)
    mean = sum(run.analysed for run in cameras) / len(cameras)
    why += [
        f"{run.name} starved: {run.analysed} frames analysed, {mean:.0f} in the mean."
        for run in cameras
        if run.analysed < STARVED * mean
    ]
    if found.tpir < exhaustive.tpir - POINT - 1e-9:
        why.append(f"TPIR is {found.tpir:.3f}, the exhaustive run's {exhaustive.tpir:.3f}.")
    if events_lost:
        why.append(f"{events_lost} stored events did not reach a phone.")
    return why


def _memory(measured: Measured, soak: bool) -> list[str]:
    if soak:
        grown = slope(measured.memory)
        return [] if grown is None or grown <= SLOPE_MB else [f"Memory grew by {grown:.0f} MB an hour."]
    parts = later_thirds(measured.memory)
    if parts is None or parts[1] - parts[0] <= GROWN_SHARE * parts[0] + GROWN_MB:
        return []
    return [f"Memory grew from {parts[0]:.0f} to {parts[1]:.0f} MB."]
