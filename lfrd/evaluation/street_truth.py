"""Who passes in a clip when, as a person notes it or a drawn clip carries it; and that it fits the clip.

JSON, as `street.py` writes it: a list with one passage each,

    [{"person": "A17", "enter": 3.2, "leave": 9.8, "boxes": [[3.2, 611, 300, 41, 52], ...]}, ...]

seconds of the clip, and boxes as (seconds, x, y, width, height) in its pixels, while the face is visible.
`boxes` may be left out; then `enter` and `leave` say when the face is visible. Or CSV, without boxes:

    person,enter,leave
    A17,3.2,9.8
    stranger,0:01:12.5,0:01:20

with times in seconds, or as m:ss or h:mm:ss. Further columns are passed over. Whoever passes belongs in it,
strangers too, under any name that is not on the watchlist.
"""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from lfrd.errors import CorruptError, MissingError
from lfrd.evaluation.counting import SLACK
from lfrd.evaluation.street import Passage, Truth
from lfrd.gallery.folder import reference_of

COLUMNS = ("person", "enter", "leave")
MOST_BYTES = 256 * 2**20
"""Largest truth that is read: an hour of a crowd with boxes in every frame is a tenth of that."""


@dataclass(slots=True)
class Noted(Passage):
    """A passage without boxes. times: first and last moment that the face is visible, seconds of the clip."""

    times: tuple[float, float] = (0.0, 0.0)

    @property
    def enter(self) -> float:
        return self.times[0]

    @property
    def leave(self) -> float:
        return self.times[1]


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording with its truth. size: width, height, pixels; seconds: its length."""

    video: Path
    told: Path
    truth: Truth
    size: tuple[int, int]
    seconds: float


def read_clip(video: Path, told: Path, size: tuple[int, int] | None = None) -> Clip:
    """A clip and its truth, checked against one another. size: that the truth is known to be of.

    Raises MissingError where one of them is not there, and CorruptError where it cannot be used or the truth
    is another clip's: times beyond its end, boxes outside its view.
    """
    found, seconds = _looked_at(video)
    truth = read_noted(told)
    if size is not None and size != found:
        raise CorruptError(
            told, f"is of {_sides(size)} pixels, and the clip {video.name} has {_sides(found)}; give its own"
        )
    for number, passage in enumerate(truth.passages, 1):
        if passage.leave > seconds + SLACK:
            raise CorruptError(
                told,
                f"passage {number} lasts until {passage.leave:g} s, and the clip {video.name} ends at "
                f"{seconds:.1f} s; give the truth of this clip, with seconds from its beginning",
            )
        for at, x, y, width, height in passage.boxes:
            if x >= found[0] or y >= found[1] or x + width <= 0 or y + height <= 0:
                raise CorruptError(
                    told,
                    f"passage {number} has a face at {x:g}, {y:g} ({at:g} s), outside the {_sides(found)} "
                    f"pixels of the clip {video.name}; give the truth of this clip, in its own pixels",
                )
    return Clip(video, told, truth, found, seconds)


def read_noted(path: Path) -> Truth:
    """A truth as JSON or CSV, whichever it is, in the order of appearance.

    Raises MissingError and CorruptError."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise CorruptError(path, f"larger than the {MOST_BYTES >> 20} MB of a truth; give JSON or CSV")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise MissingError(f"{path}: cannot be read ({error.strerror}); give the clip's truth") from error
    except UnicodeDecodeError:
        raise CorruptError(path, "not text; a clip's truth is JSON or CSV") from None
    passages = _of_json(path, text) if text.lstrip()[:1] in ("[", "{") else _of_csv(path, text)
    return Truth(sorted(passages, key=lambda passage: passage.enter))


def _of_json(path: Path, text: str) -> list[Passage]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "nested too deeply"
        raise CorruptError(path, f"not JSON ({where}); write it anew") from None
    if not isinstance(rows, list):
        raise CorruptError(path, "not a list of passages; a clip's truth begins with [")
    return [_passage(path, f"passage {number}", row) for number, row in enumerate(rows, 1)]


def _passage(path: Path, where: str, row: Any) -> Passage:
    person = row.get("person") if isinstance(row, dict) else None
    if not isinstance(person, str) or not person:
        raise CorruptError(path, f"{where}: no person; name who passes")
    boxes = row.get("boxes") or []
    if not isinstance(boxes, list):
        raise CorruptError(path, f"{where}: boxes are no list; leave them out, or list them")
    if not boxes:
        times = _times(path, where, row.get("enter"), row.get("leave"))
        return Noted(reference_of(person), [], times)
    return Passage(reference_of(person), sorted(_box(path, where, box) for box in boxes))


def _box(path: Path, where: str, box: Any) -> tuple[float, float, float, float, float]:
    values = [_number(value) for value in box] if isinstance(box, list) else []
    if len(values) != 5 or any(math.isnan(v) for v in values) or min(values[0], *values[3:]) < 0:
        raise CorruptError(path, f"{where}: a box is five numbers: seconds, x, y, width, height")
    at, x, y, width, height = values
    return at, x, y, width, height


def _of_csv(path: Path, text: str) -> list[Passage]:
    lines = csv.reader(io.StringIO(text))
    passages: list[Passage] = []
    try:
        heads = [head.strip().casefold() for head in next(lines, [])]
        lacking = [column for column in COLUMNS if column not in heads]
        if lacking:
            raise CorruptError(
                path, f"no column '{lacking[0]}'; the first line of a truth in CSV is {','.join(COLUMNS)}"
            )
        for row in lines:
            cells = dict(zip(heads, (cell.strip() for cell in row), strict=False))
            if not any(cells.values()):
                continue
            where = f"line {lines.line_num}"
            if not cells.get("person"):
                raise CorruptError(path, f"{where}: no person; name who passes")
            times = _times(path, where, *(_clock(cells.get(column, "")) for column in COLUMNS[1:]))
            passages.append(Noted(reference_of(cells["person"]), [], times))
    except csv.Error as error:
        raise CorruptError(path, f"line {lines.line_num}: not CSV ({error}); write it anew") from None
    return passages


def _times(path: Path, where: str, enter: Any, leave: Any) -> tuple[float, float]:
    first, last = _number(enter), _number(leave)
    if math.isnan(first) or math.isnan(last) or first < 0:
        raise CorruptError(path, f"{where}: enter and leave must be seconds of the clip, like 12.5")
    if last < first:
        raise CorruptError(path, f"{where}: leaves at {last:g} s, before it enters at {first:g} s")
    return first, last


def _clock(text: str) -> float:
    """Seconds of 12.5, 1:02.5 or 1:00:02.5; NaN for what is neither."""
    parts = text.split(":")
    values = [_number(part) for part in parts]
    if not 1 <= len(values) <= 3 or any(not value >= 0 for value in values):
        return math.nan
    if any(value >= 60 for value in values[1:]) or any(value % 1 for value in values[:-1]):
        return math.nan
    seconds = 0.0
    for value in values:
        seconds = 60 * seconds + value
    return seconds


def _number(value: Any) -> float:
    """NaN for what is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return math.nan
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return math.nan
    return number if math.isfinite(number) else math.nan


def _looked_at(video: Path) -> tuple[tuple[int, int], float]:
    """A recording's size and length, by its first frame and what it says of itself.

    Raises MissingError and CorruptError.
    """
    if not video.exists():
        raise MissingError(f"{video}: no such file; give a recorded clip")
    try:
        with av.open(str(video)) as container:
            track = container.streams.video[0]
            frame = next(container.decode(track))
            size = frame.width, frame.height
            if round(frame.rotation / 90) % 2:  # a telephone's, held upright: the pipeline turns it
                size = size[1], size[0]
            length = (container.duration or 0) / av.time_base
            if not length and track.duration and track.time_base:
                length = float(track.duration * track.time_base)
    except (av.FFmpegError, OSError, IndexError, StopIteration):
        raise CorruptError(video, "not a video that can be read; give a recorded clip") from None
    if length <= 0:
        raise CorruptError(video, "does not say how long it is; copy it into an MP4 file first")
    return size, length


def _sides(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"
