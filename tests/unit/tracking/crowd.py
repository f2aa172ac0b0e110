"""Simulated crowds for the tracker: walkers before a pinhole camera, with all that makes following hard.

`python -m tests.unit.tracking.crowd` prints the table of docs/tracking.md: the tracker beside greedy overlap.
Nothing here draws faces: it makes boxes, as a detector would, and remembers whose each one is.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from lfrd.tracking.tracker import Tracker
from lfrd.types import F64, Detections, TrackId

WIDTH, HEIGHT = 1920, 1080
FOCAL = 2600.0  # pixels: about 40 degrees across
ABOVE = 1.4  # metres from a head up to the camera
HORIZON = 60.0  # row of the horizon
HEAD = (0.16, 0.21)  # metres that a detector's box covers
HIGH, LOW = 0.6, 0.3  # confident from HIGH; the detector reports from LOW


@dataclass(frozen=True)
class Scene:
    """One kind of crowd. groups: groups of one to three that come into view a second, on average."""

    name: str
    groups: float
    crossing: float  # share that walks across the view instead of towards the camera
    shake: bool = False
    seconds: float = 40.0


SCENES = (
    Scene("street", groups=0.5, crossing=0.2),
    Scene("crowd", groups=2.0, crossing=0.2),
    Scene("crossing", groups=1.0, crossing=0.8),
    Scene("shaking pole", groups=1.0, crossing=0.2, shake=True),
)


@dataclass(frozen=True)
class Moment:
    """One analysed frame. who: whose face each row is; -1 where it is nobody's."""

    at: float
    found: Detections
    who: list[int]


@dataclass
class _Walker:
    number: int
    begins: float
    x: float
    z: float
    vx: float
    vz: float
    low: float  # metres that this head is below the usual one
    phase: float
    stride: float
    away: list[tuple[float, float]]  # times in which the head is turned away

    def at(self, t: float, sway: float) -> tuple[float, float, float] | None:
        """Centre column, centre row and depth; None outside the view."""
        age = t - self.begins
        z = self.z + self.vz * age
        if age < 0 or z < 3.0 or z > 16:
            return None
        turn = 0.12 * np.sin(0.7 * age + self.phase)  # nobody walks a straight line
        x = self.x + self.vx * age + turn
        bob = 0.025 * np.sin(2 * np.pi * self.stride * age + self.phase)
        column = WIDTH / 2 + FOCAL * x / z
        row = HORIZON + FOCAL * (ABOVE + self.low + bob) / z + sway
        return (column, row, z) if 0 <= column < WIDTH and 0 <= row < HEIGHT else None


def _walkers(scene: Scene, rng: np.random.Generator) -> list[_Walker]:
    walkers: list[_Walker] = []
    t = -8.0
    while t < scene.seconds:
        t += rng.exponential(1 / scene.groups)
        across = rng.random() < scene.crossing
        pace = rng.normal(1.35, 0.2)
        side = rng.choice((-1.0, 1.0))
        z = rng.uniform(4.5, 11) if across else 15.0
        x = -side * z * WIDTH / FOCAL / 2 if across else rng.uniform(-1, 1) * 0.2 * z
        for k in range(rng.integers(1, 4)):
            turned = [(b, b + rng.uniform(0.2, 0.8)) for b in np.cumsum(rng.exponential(8.0, 4)) + t]
            walkers.append(
                _Walker(
                    number=len(walkers),
                    begins=t + (0.4 * k if across else rng.uniform(0, 0.4)),
                    x=x if across else x + 0.6 * k,
                    z=z + (0.3 * k if across else 0.0),
                    vx=side * pace if across else rng.normal(0, 0.08),
                    vz=rng.normal(0, 0.1) if across else -pace,
                    low=rng.normal(0, 0.09),
                    phase=rng.uniform(0, 6.28),
                    stride=rng.uniform(1.7, 2.1),
                    away=turned,
                )
            )
    return walkers


def simulate(scene: Scene, fps: float, seed: int) -> list[Moment]:
    """The detections of one scene at `fps` frames a second; a frame's time jitters by a fifth of its step."""
    rng = np.random.default_rng(seed)
    walkers = _walkers(scene, rng)
    jolts = np.cumsum(rng.exponential(2.5, 40))
    kicks = rng.normal(0, 70, (40, 2))
    moments = []
    for i in range(int(scene.seconds * fps)):
        at = (i + rng.uniform(-0.1, 0.1)) / fps
        shift = _shake(at, jolts, kicks) if scene.shake else np.zeros(2)
        moments.append(_look(at, walkers, shift, rng))
    return moments


def _shake(t: float, jolts: F64, kicks: F64) -> F64:
    """A pole in the wind, which something strikes now and then, pixels."""
    sway = 4 * np.array([np.sin(8.2 * t), 0.5 * np.sin(6.1 * t + 1)])
    since = t - jolts
    ring = np.where(since >= 0, np.exp(-np.maximum(since, 0) / 0.3) * np.cos(31 * since), 0.0)
    return np.asarray(sway + (ring[:, None] * kicks).sum(axis=0))


def _look(t: float, walkers: Iterable[_Walker], shift: F64, rng: np.random.Generator) -> Moment:
    boxes: list[tuple[float, float, float, float]] = []
    scores: list[float] = []
    who: list[int] = []
    seen = [(w, p) for w in walkers if (p := w.at(t, 0.0)) is not None]
    nearer: list[tuple[float, float, float, float]] = []
    for walker, (column, row, z) in sorted(seen, key=lambda pair: pair[1][2]):
        w, h = FOCAL * HEAD[0] / z, FOCAL * HEAD[1] / z
        box = (column - w / 2 + shift[0], row - h / 2 + shift[1], w, h)
        hidden = max((_covered(box, other) for other in nearer), default=0.0)
        nearer.append((box[0] - 0.1 * w, box[1], 1.2 * w, 2.5 * h))  # shoulders hide as well
        if hidden > 0.45 or rng.random() < 0.04 or any(a <= t < b for a, b in walker.away):
            continue
        score = rng.uniform(LOW, HIGH) if hidden > 0.15 or rng.random() < 0.06 else rng.uniform(0.65, 0.95)
        dx, dy, ds = rng.standard_t(4, 3) * (0.02, 0.02, 0.025)  # a detector errs badly now and then
        w, h = w * np.exp(ds), h * np.exp(ds)
        size = np.sqrt(w * h)
        boxes.append((box[0] + dx * size, box[1] + dy * size, w, h))
        scores.append(score)
        who.append(walker.number)
    for _ in range(rng.poisson(0.03)):
        w = rng.uniform(25, 110)
        boxes.append((rng.uniform(0, WIDTH - w), rng.uniform(0, HEIGHT - w), w, 1.3 * w))
        scores.append(rng.uniform(LOW, 0.75))
        who.append(-1)
    order: list[int] = np.argsort(scores)[::-1].tolist()
    found = detections([boxes[k] for k in order], [scores[k] for k in order])
    return Moment(t, found, [who[k] for k in order])


def _covered(box: tuple[float, float, float, float], by: tuple[float, float, float, float]) -> float:
    w = min(box[0] + box[2], by[0] + by[2]) - max(box[0], by[0])
    h = min(box[1] + box[3], by[1] + by[3]) - max(box[1], by[1])
    return max(w, 0.0) * max(h, 0.0) / (box[2] * box[3])


def detections(boxes: list[tuple[float, float, float, float]], scores: list[float]) -> Detections:
    """Boxes x, y, width, height with five points where a frontal face has them."""
    b = np.array(boxes, np.float32).reshape(-1, 4)
    layout = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.33, 0.78], [0.67, 0.78]], np.float32)
    points = b[:, None, :2] + layout[None] * b[:, None, 2:]
    return Detections(b, points, np.array(scores, np.float32))


Follow = Callable[[Moment], list[TrackId | None]]


def ours(lost: float = 1.0) -> Follow:
    ids = map(TrackId, itertools.count())
    tracker = Tracker(ids=ids, high=HIGH, lost_seconds=lost, longest_seconds=1000, most=500)
    return lambda moment: tracker.update(moment.found, moment.at).tracks


def greedy_overlap(lost: float = 1.0, least: float = 0.3) -> Follow:
    """The plainest tracker: each confident box takes the free track whose last box it overlaps most."""
    ids: Iterator[TrackId] = map(TrackId, itertools.count())
    live: dict[TrackId, tuple[float, F64]] = {}

    def follow(moment: Moment) -> list[TrackId | None]:
        for track in [k for k, (when, _) in live.items() if moment.at - when > lost]:
            del live[track]
        rows = [tuple(row) for row in moment.found.boxes.astype(float)]
        pairs = sorted(
            ((_iou(row, tuple(box)), i, k) for i, row in enumerate(rows) for k, (_, box) in live.items()),
            reverse=True,
        )
        out: list[TrackId | None] = [None] * len(rows)
        used: set[TrackId] = set()
        for overlap, i, k in pairs:
            if overlap >= least and out[i] is None and k not in used and moment.found.scores[i] >= HIGH:
                out[i] = k
                used.add(k)
        for i, row in enumerate(rows):
            if moment.found.scores[i] >= HIGH:
                mine = out[i] = out[i] if out[i] is not None else next(ids)
                assert mine is not None
                live[mine] = (moment.at, np.array(row))
        return out

    return follow


def _iou(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    both = max(w, 0.0) * max(h, 0.0)
    return both / (a[2] * a[3] + b[2] * b[3] - both)


@dataclass(frozen=True)
class Score:
    """passages: people seen at least three times. switches: times a person's face went to a track that had
    been another person's. fragments: tracks of a passage beyond its first. glued: tracks with two or more
    faces of a second person. carried: share of the people's faces that got a track."""

    passages: int
    switches: int
    fragments: int
    glued: int
    carried: float

    def a_hundred(self) -> tuple[float, float, float]:
        """Switches, fragments and glued tracks a hundred passages."""
        each = 100 / max(self.passages, 1)
        return self.switches * each, self.fragments * each, self.glued * each


def score(moments: Iterable[Moment], follow: Follow) -> Score:
    history: dict[int, list[TrackId]] = {}
    people: dict[TrackId, Counter[int]] = {}
    faces = carried = switches = 0
    for moment in moments:
        for person, track in zip(moment.who, follow(moment), strict=True):
            faces += person >= 0
            if track is None:
                continue
            if person >= 0:
                carried += 1
                mine = history.setdefault(person, [])
                owners = people.get(track, Counter())
                switches += bool(mine) and mine[-1] != track and any(p not in (person, -1) for p in owners)
                mine.append(track)
                people.setdefault(track, Counter())[person] += 1
    passages = [tracks for tracks in history.values() if len(tracks) >= 3]
    return Score(
        passages=len(passages),
        switches=switches,
        fragments=sum(len(set(tracks)) - 1 for tracks in passages),
        glued=sum(len(c) > 1 and c.most_common(2)[1][1] >= 2 for c in people.values()),
        carried=carried / max(faces, 1),
    )


def total(scores: Iterable[Score]) -> Score:
    rows = list(scores)
    return Score(
        sum(s.passages for s in rows),
        sum(s.switches for s in rows),
        sum(s.fragments for s in rows),
        sum(s.glued for s in rows),
        float(np.mean([s.carried for s in rows])),
    )


def main() -> None:
    print("a hundred passages:                        switches  fragments  glued tracks   faces carried")
    for scene, fps in itertools.product(SCENES, (5.0, 10.0, 25.0)):
        for name, make in (("greedy overlap", greedy_overlap), ("tracker", ours)):
            result = total(score(simulate(scene, fps, seed), make()) for seed in range(4))
            switches, fragments, glued = result.a_hundred()
            print(
                f"{scene.name:13} {fps:3.0f}/s {name:15} ({result.passages:4}) "
                f"{switches:9.1f} {fragments:10.1f} {glued:13.1f} {result.carried:14.0%}"
            )


if __name__ == "__main__":
    main()
