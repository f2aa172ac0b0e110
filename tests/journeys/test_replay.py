"""Recorded films through the live pipeline: the listed person is found in time, and nobody else is."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import shutil
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import cv2
import numpy as np
import pytest
import pytest_asyncio

from lfrd.config import parse
from lfrd.evaluation.street import Walker, make_clip
from lfrd.gallery.index import Gallery, GalleryHolder
from lfrd.models import library
from lfrd.replay import Summary, replay
from lfrd.types import F32, U8, Detections, NominalId
from lfrd.watching import Watch, derive, watching
from tests.clips import turned

pytestmark = pytest.mark.journey

A = "stage_person_a"
B = "stage_person_b"
FRONT_ON = 84  # the frame of stage.mp4 from which person A faces the camera, 80 pixels wide
FRAMES_A_SECOND = Fraction(30000, 1001)
IN_TIME = float((FRONT_ON + 30) / FRAMES_A_SECOND)

Locate = Callable[[U8], Detections]
Event = dict[str, Any]


@dataclass
class Replayer:
    """A watchlist enrolled, for several films."""

    watch: Watch

    async def __call__(self, *videos: Path, **analysis: float) -> tuple[list[Event], Summary]:
        """The events but the summary, which is checked to be the last and the only one."""
        events: list[Event] = []
        summary = await replay(list(videos), self.watch, parse({"analysis": analysis}), events.append)
        assert [event["event"] for event in events].index("summary") == len(events) - 1
        assert events.pop() == summary.as_event()
        return events, summary


@asynccontextmanager
async def listing(pack: Path, watchlist: Path) -> AsyncIterator[Replayer]:
    opened = library.open_pack(str(pack), pack.parent)
    async with watching(opened, watchlist, parse({}), lambda done, total: None) as watch:
        yield Replayer(watch)


@pytest.fixture
def people(shared: Path, tmp_path: Path) -> Callable[..., Path]:
    """Makes a watchlist of the named portraits that stand beside the clips."""

    def make(*names: str) -> Path:
        folder = tmp_path / "watchlist"
        folder.mkdir()
        for name in names:
            shutil.copy(shared / "video" / f"{name}.png", folder)
        return folder

    return make


@pytest.fixture
def stage(shared: Path) -> Path:
    return shared / "video" / "stage.mp4"


@pytest.fixture(scope="module")
def field(shared: Path) -> Path:
    return shared / "models" / "field"


def cut(film: Path, path: Path) -> Path:
    """The beginning of a film, as a full disk leaves it."""
    path.write_bytes(film.read_bytes()[:100_000])
    return path


def one_alert(events: list[Event], person: str, by: float) -> Event:
    """The only alert, for this person and in time; sightings are of the same person."""
    alerts = [event for event in events if event["event"] == "alert"]
    assert [alert["person"] for alert in alerts] == [person]
    assert {event["event"] for event in events} <= {"alert", "sighting"}
    assert {event["person"] for event in events} == {person}
    assert alerts[0]["t"] <= by
    return alerts[0]


@pytest.mark.parametrize("rate", [5, 10, 30])
async def test_the_person_on_stage_is_alerted_on_within_a_second_of_facing_the_camera(
    rate: float, stage: Path, field: Path, people: Callable[..., Path]
) -> None:
    async with listing(field, people(A, B)) as replayer:
        events, summary = await replayer(stage, rate=rate)
    alert = one_alert(events, A, IN_TIME)
    assert set(alert) == {"event", "t", "camera", "person", "score", "track", "box"}
    assert alert["camera"] == "stage.mp4"
    x, y, width, height = alert["box"]
    assert 100 < x + width / 2 < 320
    assert 20 < y + height / 2 < 200
    assert summary.frames == 275
    assert summary.analysed == min(275, round(275 / float(FRAMES_A_SECOND) * rate))


async def test_the_builtin_pack_finds_the_person_on_stage_as_well(
    stage: Path, builtin: Path, people: Callable[..., Path]
) -> None:
    async with listing(builtin, people(A, B)) as replayer:
        events, _ = await replayer(stage)
    one_alert(events, A, IN_TIME)


async def test_the_same_film_gives_the_same_alert_every_time(
    stage: Path, field: Path, people: Callable[..., Path]
) -> None:
    alerts = []
    folder = people(A, B)
    for _ in range(3):
        async with listing(field, folder) as replayer:
            alerts.append(one_alert((await replayer(stage))[0], A, IN_TIME))
    for alert in alerts[1:]:
        assert alert["t"] == alerts[0]["t"]
        assert alert["score"] == pytest.approx(alerts[0]["score"], abs=1e-3)
        assert alert["box"] == pytest.approx(alerts[0]["box"], abs=1)


@pytest.mark.parametrize("rate", [10, 30])
async def test_nobody_is_alerted_on_where_only_someone_else_is_listed(
    rate: float, shared: Path, stage: Path, field: Path, people: Callable[..., Path]
) -> None:
    async with listing(field, people(B)) as replayer:
        events, summary = await replayer(stage, shared / "video" / "walking.gif", rate=rate)
    assert events == []
    assert summary.tracks > 5


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def strangers(
    shared: Path, field: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Watch]:
    """A watchlist of a thousand people who are in no film, enrolled once."""
    folder = tmp_path_factory.mktemp("strangers")
    for person in sorted((shared / "faces").iterdir()):
        if person.is_dir():
            (folder / person.name).symlink_to(person)
    async with listing(field, folder) as replayer:
        assert len(replayer.watch.enrolment.gallery) > 900  # a few portraits show several people
        yield replayer.watch


def joined(watch: Watch, other: Watch) -> Watch:
    """One list of everybody on two: their templates, and the threshold for so many."""
    both = Gallery(
        templates(watch.watchlist.current) | templates(other.watchlist.current), dim=watch.inference.dim
    )
    return dataclasses.replace(
        watch, watchlist=GalleryHolder(both), threshold=derive(watch.pack, parse({}), len(both))
    )


def templates(gallery: Gallery) -> dict[NominalId, F32]:
    rows = np.split(gallery._rows, gallery._starts[1:-1])
    return dict(zip(gallery.nominals, rows, strict=True))


async def test_a_thousand_strangers_on_the_list_raise_no_alert(
    shared: Path, stage: Path, strangers: Watch
) -> None:
    for rate in (10, 30):
        events, _ = await Replayer(strangers)(stage, shared / "video" / "walking.gif", rate=rate)
        assert events == []


async def test_one_person_is_found_among_a_thousand_strangers(
    stage: Path, field: Path, strangers: Watch, people: Callable[..., Path]
) -> None:
    async with listing(field, people(A)) as one:
        everybody = Replayer(joined(strangers, one.watch))
        assert len(everybody.watch.watchlist.current) == len(strangers.watchlist.current) + 1
        for rate in (10, 30):
            events, _ = await everybody(stage, rate=rate)
            one_alert(events, A, IN_TIME)


async def test_each_film_is_a_recording_of_its_own(
    stage: Path, field: Path, people: Callable[..., Path]
) -> None:
    async with listing(field, people(A)) as replayer:
        events, summary = await replayer(stage, stage)
    assert [event["event"] for event in events] == ["alert", "alert"]
    assert events[0]["track"] != events[1]["track"]
    assert summary.frames == 550


async def test_a_bad_film_among_good_ones_is_one_error_and_the_others_are_replayed(
    stage: Path, field: Path, tmp_path: Path, people: Callable[..., Path]
) -> None:
    cut_off = await asyncio.to_thread(cut, stage, tmp_path / "bad.mp4")
    async with listing(field, people(A)) as replayer:
        events, summary = await replayer(tmp_path / "gone.mp4", stage, cut_off)
    assert [(event["event"], event["camera"]) for event in events] == [
        ("error", "gone.mp4"),
        ("alert", "stage.mp4"),
        ("error", "bad.mp4"),
    ]
    assert len(summary.problems) == 2


# ---- the same film as others might bring it ---------------------------------------------------------------


def pictures(stage: Path, first: int = 60, last: int = 170) -> Iterator[U8]:
    """Frames of the film in BGR: person A comes into view and faces the camera from FRONT_ON on."""
    with av.open(str(stage)) as container:
        for frame in itertools.islice(container.decode(video=0), first, last):
            yield cast(U8, frame.to_ndarray(format="bgr24"))


def write(
    path: Path,
    frames: Iterable[U8],
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    container: str | None = None,
    ticks: Iterable[int] | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """A film of these frames. ticks: presentation times in frames of 1/29.97 s."""
    with av.open(str(path), "w", format=container) as out:
        track: Any = None
        for picture, tick in zip(frames, ticks or itertools.count(), strict=False):
            if track is None:
                track = cast(
                    Any, out.add_stream(cast(Any, codec), rate=FRAMES_A_SECOND, options=options or {})
                )
                track.height, track.width = picture.shape[:2]
                track.pix_fmt = pix_fmt
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "bgr24").reformat(
                format=pix_fmt
            )
            frame.pts, frame.time_base = tick, 1 / FRAMES_A_SECOND
            out.mux(track.encode(frame))
        out.mux(track.encode(None))
    return path


def resized(frames: Iterable[U8], width: int, height: int) -> Iterator[U8]:
    return (
        np.asarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
        for frame in frames
    )


def irregular() -> Iterator[int]:
    """Ticks of a phone's recording: pauses of up to a fifth of a second, 29.97 frames a second between."""
    at = 0
    for number in itertools.count():
        yield at
        at += 1 if number % 9 else 6


def poor(stage: Path, path: Path) -> Path:
    return write(path / "poor.mp4", pictures(stage), options={"crf": "32"})


def upside_down(stage: Path, path: Path) -> Path:
    flat = write(path / "flat.mp4", (frame[::-1, ::-1] for frame in pictures(stage)))
    return turned(flat, path / "turned.mp4", 180)


def on_its_side(stage: Path, path: Path) -> Path:
    flat = write(path / "flat.mp4", (np.rot90(frame).copy() for frame in pictures(stage)))
    return turned(flat, path / "turned.mp4", 90)


def full_hd(stage: Path, path: Path) -> Path:
    return write(
        path / "hd.mp4", resized(pictures(stage), 1920, 1080), options={"preset": "ultrafast", "crf": "23"}
    )


def odd_sides(stage: Path, path: Path) -> Path:
    return write(path / "odd.mkv", (frame[:355, :637] for frame in pictures(stage)), pix_fmt="yuv444p")


def variable_rate(stage: Path, path: Path) -> Path:
    return write(path / "phone.mp4", pictures(stage), ticks=irregular())


def transport_stream(stage: Path, path: Path) -> Path:
    return write(path / "stream.ts", pictures(stage), container="mpegts")


def matroska(stage: Path, path: Path) -> Path:
    return write(path / "film.mkv", pictures(stage), codec="libvpx-vp9", options={"cpu-used": "8"})


def hevc_of_ten_bits(stage: Path, path: Path) -> Path:
    return write(
        path / "ten.mp4",
        pictures(stage),
        codec="libx265",
        pix_fmt="yuv420p10le",
        options={"preset": "ultrafast", "x265-params": "log-level=none"},
    )


def recorder_that_leaves_out_frames(stage: Path, path: Path) -> Path:
    ticks = (number for number in itertools.count() if number % 3)
    return write(path / "gaps.avi", pictures(stage), codec="mjpeg", pix_fmt="yuvj420p", ticks=ticks)


def motion_jpeg(stage: Path, path: Path) -> Path:
    return write(path / "cctv.avi", pictures(stage), codec="mjpeg", pix_fmt="yuvj420p")


def pictures_in_a_folder(stage: Path, path: Path) -> Path:
    folder = path / "stills"
    folder.mkdir()
    for number, frame in enumerate(itertools.islice(pictures(stage), 0, None, 3)):
        assert cv2.imwrite(str(folder / f"{number}.jpg"), frame)
    return folder


@pytest.mark.parametrize(
    "made",
    [
        poor,
        upside_down,
        on_its_side,
        full_hd,
        odd_sides,
        variable_rate,
        transport_stream,
        matroska,
        hevc_of_ten_bits,
        motion_jpeg,
        recorder_that_leaves_out_frames,
        pictures_in_a_folder,
    ],
    ids=lambda made: made.__name__,
)
async def test_the_person_on_stage_is_found_in_whatever_form_the_film_comes(
    made: Callable[[Path, Path], Path], stage: Path, field: Path, tmp_path: Path, people: Callable[..., Path]
) -> None:
    film = made(stage, tmp_path)
    async with listing(field, people(A, B)) as replayer:
        events, summary = await replayer(film)
    # A folder is taken as one picture a second; the films with pauses last longer.
    late = {"stills": 60.0, "phone.mp4": 3.5, "gaps.avi": 3.5}.get(
        film.name, IN_TIME - 60 / float(FRAMES_A_SECOND)
    )
    alert = one_alert(events, A, late)
    assert alert["camera"] == film.name
    assert not summary.problems


# ---- people who walk down a drawn street ------------------------------------------------------------------


@pytest.fixture(scope="module")
def walkers(
    tmp_path_factory: pytest.TempPathFactory, astronaut: Path, admiral: Path, locate: Locate
) -> Callable[..., Path]:
    """A clip in which the astronaut and the admiral walk by, as far as they are named; drawn once."""
    folder = tmp_path_factory.mktemp("streets")

    def make(*names: str) -> Path:
        clip = folder / f"{' '.join(names)}.mp4"
        if clip.exists():
            return clip
        everyone = {
            "astronaut": Walker("astronaut", astronaut, enter=0.0, speed=1.3, far=30, near=110, lane=-0.4),
            "admiral": Walker("admiral", admiral, enter=0.2, speed=1.3, far=30, near=110, lane=0.4),
        }
        make_clip(
            clip,
            [everyone[name] for name in names],
            seconds=7.0,
            locate=locate,
            size=(960, 540),
            seed=3,
        )
        return clip

    return make


@pytest.fixture
def listed(tmp_path: Path, astronaut: Path, admiral: Path) -> Callable[..., Path]:
    def make(*names: str) -> Path:
        folder = tmp_path / "listed"
        folder.mkdir()
        for name, portrait in (("astronaut", astronaut), ("admiral", admiral)):
            if name in names:
                shutil.copy(portrait, folder / f"{name}{portrait.suffix}")
        return folder

    return make


@pytest.mark.parametrize(
    ("on_the_list", "in_the_street", "alerted"),
    [
        (["astronaut"], ["admiral"], []),
        (["astronaut"], ["admiral", "astronaut"], ["astronaut"]),
        (["admiral"], ["admiral", "astronaut"], ["admiral"]),
        (["admiral", "astronaut"], ["admiral", "astronaut"], ["admiral", "astronaut"]),
    ],
    ids=["a stranger alone", "the first of two", "the second of two", "both"],
)
@pytest.mark.parametrize("which", ["builtin", "field"])
async def test_in_a_street_those_listed_are_alerted_on_once_and_nobody_else(
    which: str,
    on_the_list: list[str],
    in_the_street: list[str],
    alerted: list[str],
    request: pytest.FixtureRequest,
    walkers: Callable[..., Path],
    listed: Callable[..., Path],
) -> None:
    pack = request.getfixturevalue(which)
    clip = walkers(*in_the_street)
    async with listing(pack, listed(*on_the_list)) as replayer:
        events, _ = await replayer(clip)
    assert sorted(event["person"] for event in events if event["event"] == "alert") == alerted
    assert {event["person"] for event in events} == set(alerted)
