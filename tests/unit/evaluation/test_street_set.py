"""A street set is a folder of clips with truth and a list, drawn whole or gone on with, from a seed."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, cast

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.config import Inference as InferenceSettings
from lfrd.errors import BusyError, CorruptError, LfrdError, MissingError
from lfrd.evaluation.scenery import PLAIN, Conditions, Shade, View, shaded
from lfrd.evaluation.street import Walker, frames
from lfrd.evaluation.street_cast import FACES, PAST, REFERENCE, Cutting, Scene, cast_scenes
from lfrd.evaluation.street_plan import Plan, make_plan
from lfrd.evaluation.street_set import StreetSet, describe, make_set, read_set
from lfrd.inference import Inference, opened
from lfrd.models.library import networks, open_pack
from lfrd.types import U8, Box, Detections
from lfrd.vision.picture import Picture
from tests.commands import lfrd
from tests.unit.evaluation.test_street import actor, mask, overlap, where

SIZE = (480, 270)
Locator = Callable[[U8], Detections]


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten drawn people, the first five with two pictures; the second is told apart by its size."""
    folder = tmp_path_factory.mktemp("people")
    for number in range(10):
        person = folder / f"p{number}"
        person.mkdir()
        cv2.imwrite(str(person / "1.png"), mask())
        if number < 5:
            cv2.imwrite(str(person / "2.png"), np.vstack([mask(), mask()[-10:]]))
    return folder


def draw(people: Path, folder: Path, *, locate: Locator = where, **changed: Any) -> StreetSet:
    chosen: dict[str, Any] = {"clips": 2, "seconds": 5.0, "seed": 1, "size": SIZE, "fps": 5.0}
    chosen |= {"sought": 3, "strangers": 3, "nominals": 6, "progress": lambda done, total: None}
    return make_set(people, folder, locate=locate, **chosen | changed)


@pytest.fixture(scope="module")
def made(people: Path, tmp_path_factory: pytest.TempPathFactory) -> StreetSet:
    return draw(people, tmp_path_factory.mktemp("made") / "street")


def scenes(people: Path, *, seed: int = 1, clips: int = 2, seconds: float = 60.0) -> list[Scene]:
    return cast_scenes(small_plan(people, seed), clips, seconds, REFERENCE)


def small_plan(people: Path, seed: int = 1) -> Plan:
    return make_plan(people, lambda path: True, seed=seed, sought=3, strangers=3, nominals=6, crowd=6)


def visible(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file() and "watchlist" not in path.parts}


# ---- what is in a set -------------------------------------------------------------------------------------


def test_a_set_holds_clips_with_their_truth_and_a_watchlist(people: Path, made: StreetSet) -> None:
    assert visible(made.folder) == {
        *("street.json", "clip-01.mp4", "clip-01.json", "clip-02.mp4", "clip-02.json")
    }
    said = json.loads((made.folder / "street.json").read_text())
    assert (said["seed"], said["size"], said["fps"], said["list"]) == (1, [480, 270], 5.0, 6)
    assert said["clips"][1] == {"file": "clip-02.mp4", "truth": "clip-02.json", "seconds": 5.0}
    assert set(said["sought"]) == made.sought
    assert said["strangers"] == 3
    for clip in made.clips:
        with av.open(str(clip)) as container:
            stream = container.streams.video[0]
            assert (stream.width, stream.height, float(stream.average_rate or 0)) == (*SIZE, 5.0)
            assert "High" in str(stream.profile)
            assert sum(1 for _ in container.decode(video=0)) == 25
    assert len(list(made.watchlist.iterdir())) == 6
    for name in made.sought:
        assert (made.watchlist / name / "picture.png").read_bytes() == (people / name / "1.png").read_bytes()


def test_a_set_is_read_as_it_was_made(made: StreetSet) -> None:
    assert read_set(made.folder) == made
    assert [bool(truth.passages) for truth in made.truths] == [True, True]


def test_sought_people_are_listed_with_another_picture_and_strangers_are_not_listed(
    people: Path, made: StreetSet
) -> None:
    listed = {path.name for path in made.watchlist.iterdir()}
    walking = {p.person for truth in made.truths for p in truth.passages}
    assert made.sought <= listed
    assert not (walking - made.sought) & listed
    plan = small_plan(people)
    for walker in (walker for scene in scenes(people) for walker in scene.walkers):
        assert isinstance(walker.picture, Path)
        assert (walker.picture.name == "2.png") == (walker.name in plan.sought)


def test_a_summary_counts_what_the_truth_says(made: StreetSet) -> None:
    said = describe(made)
    passages = [passage for truth in made.truths for passage in truth.passages]
    assert sum(clip["passages"] for clip in said["clips"]) == len(passages)
    assert sum(clip["sought"] for clip in said["clips"]) == sum(p.person in made.sought for p in passages)
    assert [clip["bytes"] for clip in said["clips"]] == [clip.stat().st_size for clip in made.clips]
    widths = [box[3] for passage in passages for box in passage.boxes]
    assert said["face_pixels"]["p0"] == min(widths)
    assert said["widest_face_pixels"]["p100"] == max(widths)
    assert said["faces_in_view"] == round(len(widths) / 50, 2)
    json.dumps(said)


def test_an_empty_street_is_summed_up_too(people: Path, tmp_path: Path) -> None:
    said = describe(draw(people, tmp_path / "s", clips=1, sought=0, strangers=0))
    assert said["faces_in_view"] == 0
    assert said["face_pixels"]["p50"] is None


# ---- who comes by, and in what light ----------------------------------------------------------------------


def test_a_seed_casts_the_same_scenes_and_another_seed_others(people: Path) -> None:
    assert scenes(people) == scenes(people)
    assert scenes(people) != scenes(people, seed=2)


def test_the_same_arguments_give_the_same_truth(people: Path, made: StreetSet, tmp_path: Path) -> None:
    assert draw(people, tmp_path / "again").truths == made.truths
    assert draw(people, tmp_path / "other", seed=2).truths != made.truths


def test_nobody_comes_twice_in_a_clip_and_everybody_comes(people: Path) -> None:
    cast = scenes(people)
    for scene in cast:
        names = [walker.name for walker in scene.walkers]
        assert len(names) == len(set(names)) == 6
    assert {w.name for w in scenes(people, clips=3, seconds=5.0)[0].walkers} <= {f"p{n}" for n in range(10)}


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> list[Scene]:
    """Four clips of a minute for which there are people enough, whose pictures nobody opens."""
    folder = tmp_path_factory.mktemp("crowd")
    for number in range(260):
        (folder / f"p{number:03}").mkdir()
        for picture in ("1.jpg", "2.jpg")[: 1 + (number < 60)]:
            (folder / f"p{number:03}" / picture).touch()
    plan = make_plan(folder, lambda path: True, seed=1, sought=50, strangers=200, nominals=60, crowd=250)
    return cast_scenes(plan, 4, 60.0, REFERENCE)


def test_faces_come_in_every_width_distance_and_speed(crowd: Sequence[Scene]) -> None:
    everybody = [walker for scene in crowd for walker in scene.walkers]
    far = [walker.far or 0.0 for walker in everybody]
    near = [walker.near or 0.0 for walker in everybody]
    assert min(far) >= FACES[0]
    assert FACES[1] < max(near) <= FACES[1] * PAST
    assert all(a < b for a, b in zip(far, near, strict=True))
    assert sum(b / a < 1.2 for a, b in zip(far, near, strict=True)) > 0.1 * len(everybody)  # cross
    speeds = [walker.speed or 0.0 for walker in everybody]
    assert min(speeds) < 1 < 2.4 < max(speeds)


def test_people_come_all_through_a_clip_and_the_last_have_time_to_pass(crowd: Sequence[Scene]) -> None:
    for scene in crowd:
        enters = sorted(walker.enter or 0.0 for walker in scene.walkers)
        assert enters[0] < -2
        assert max(np.diff(enters)) < 2
        assert 53 < enters[-1] < 57


def test_no_two_clips_have_the_same_light_or_compression(crowd: Sequence[Scene]) -> None:
    shades = [scene.conditions.shade for scene in crowd]
    assert all(shade is not None and shade.dark < 0.81 < 0.99 < shade.bright for shade in shades)
    assert len({scene.conditions for scene in crowd}) == len(crowd)
    assert max(scene.crf for scene in crowd) - min(scene.crf for scene in crowd) >= 4
    assert all(scene.posts for scene in crowd)


@given(
    st.floats(-5, 5),
    st.floats(1, 60),
    st.floats(0.3, 0.9),
    st.floats(0.9, 1.3),
    st.floats(1, 6),
    st.floats(-1.5, 1.5),
)
def test_light_on_the_pavement_lies_between_shade_and_sun(
    x: float, z: float, dark: float, bright: float, metres: float, slant: float
) -> None:
    light = Shade(dark, bright, metres, slant, 0.5).at(np.array([x]), np.array([z]))
    assert dark <= light[0] <= bright


def middle(conditions: Conditions) -> float:
    """Brightness of the middle of a face that is drawn under these conditions."""
    view = View(*SIZE)
    picture: U8 = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
    one = actor(view)
    one._conditions = conditions
    box = one.draw(picture, view, 2.0, 0.04, np.zeros((SIZE[1], SIZE[0]), np.uint16), 1)
    assert box is not None
    inner = box.grown(0.5)
    rows = slice(int(inner.y), int(inner.y + inner.height))
    return float(picture[rows, int(inner.x) : int(inner.x + inner.width)].mean())


def test_people_are_darker_in_the_shade_and_brighter_in_the_sun() -> None:
    dark, bright = (
        middle(Conditions(Shade(level, level, 3.0, 0.0, 0.0), side_light=0.0)) for level in (0.5, 1.0)
    )
    assert dark == pytest.approx(0.5 * bright, rel=0.05)


def test_the_pavement_shows_where_the_sun_falls_and_the_houses_do_not() -> None:
    view = View(*SIZE)
    grey: U8 = np.full((SIZE[1], SIZE[0], 3), 100, np.uint8)
    lit = shaded(grey, view, Shade(0.5, 1.2, 3.0, 0.2, 0.0))
    assert (lit[: int(view.horizon)] == 100).all()
    ground = lit[150:, SIZE[0] // 2, 0]
    assert ground.min() < 60
    assert ground.max() > 110


def test_a_longer_shutter_blurs_whoever_runs_past() -> None:
    def edges(shutter: float) -> float:
        view = View(960, 540)
        one = actor(view, speed=4.0)
        one._conditions = Conditions(shutter=shutter)
        picture: U8 = np.full((540, 960, 3), 90, np.uint8)
        box = one.draw(picture, view, 0.6, 0.04, np.zeros((540, 960), np.uint16), 1)
        assert box is not None
        part = picture[int(box.y) : int(box.y + box.height), int(box.x) : int(box.x + box.width)]
        return float(cv2.Laplacian(part, cv2.CV_32F).var())

    assert edges(0.9) < 0.7 * edges(0.0)


def test_a_dusky_clip_is_darker_and_a_column_hides_who_is_behind() -> None:
    view = View(*SIZE)
    plain, _ = next(frames(view, [], 1, 25, 1, 0, 0, PLAIN))
    dusk, _ = next(frames(view, [], 1, 25, 1, 0, 0, Conditions(brightness=0.7)))
    assert dusk.mean() == pytest.approx(0.7 * plain.mean(), rel=0.02)
    hidden = [len(list(seen_faces(columns))) for columns in (0, 6)]
    assert hidden[1] < hidden[0]


def seen_faces(columns: int) -> list[Box]:
    view = View(*SIZE)
    walking = actor(view, far=14.0, near=3.0)
    return [box for _, seen in frames(view, [walking], 200, 25, 4, 0, columns) for _, box in seen]


# ---- interrupted, refused ---------------------------------------------------------------------------------


def test_an_interrupted_set_has_nothing_half_written_and_is_gone_on_with(
    people: Path, made: StreetSet, tmp_path: Path
) -> None:
    folder = tmp_path / "street"

    def interrupted(done: int, total: int) -> None:
        if done >= 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw(people, folder, progress=interrupted)
    assert not [path for path in folder.rglob("*") if path.name.endswith(".half")]
    with pytest.raises(MissingError, match="goes on drawing"):
        read_set(folder)
    left = folder / "watchlist" / "p1" / ".picture.png.123.half"
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"left by a process that was killed")
    assert draw(people, folder).truths == made.truths
    assert visible(folder) == visible(made.folder)
    assert not left.exists()


@pytest.mark.parametrize("lost", ["clip-02.mp4", "clip-02.json"])
def test_clips_that_are_there_are_not_drawn_again(
    people: Path, made: StreetSet, tmp_path: Path, lost: str
) -> None:
    folder = tmp_path / "street"
    shutil.copytree(made.folder, folder)
    (folder / lost).unlink()
    before = (folder / "clip-01.mp4").stat().st_mtime_ns
    told: list[tuple[int, int]] = []
    again = draw(people, folder, progress=lambda *at: told.append(at))
    assert again.truths == made.truths
    assert (folder / "clip-01.mp4").stat().st_mtime_ns == before
    assert told[0] == (25, 50)
    assert told[-1] == (50, 50)


def test_a_clip_that_fails_stops_the_others(people: Path, tmp_path: Path) -> None:
    told: list[int] = []

    def failing(done: int, total: int) -> None:
        told.append(done)
        if max(told) >= 5:
            told.append(-total)
        if told.count(-total) == 1:  # once: the other clip could go on
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk is full"):
        draw(people, tmp_path / "street", seconds=60.0, progress=failing)
    assert not list((tmp_path / "street").glob("*.mp4"))


def test_a_picture_that_changed_meanwhile_is_named(people: Path, tmp_path: Path) -> None:
    faces = tmp_path / "people"
    shutil.copytree(people, faces)

    def spoil(done: int, total: int) -> None:
        for picture in faces.rglob("*.png"):
            picture.write_bytes(b"no picture")

    with pytest.raises(CorruptError, match="not a picture"):
        draw(faces, tmp_path / "street", progress=spoil)


def test_a_folder_that_holds_something_else_is_left_alone(
    people: Path, made: StreetSet, tmp_path: Path
) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(MissingError, match="holds something else; give a new folder"):
        draw(people, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
    with pytest.raises(MissingError, match="not a folder"):
        draw(people, tmp_path / "letter.txt")
    with pytest.raises(MissingError, match="holds another street"):
        draw(people, made.folder, seed=2)
    with pytest.raises(MissingError, match="holds another street"):
        draw(people, made.folder, seconds=6.0)


def test_two_processes_do_not_draw_into_one_folder(people: Path, tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with pytest.raises(BusyError, match="another process draws into it"):
            draw(people, tmp_path)
    finally:
        os.close(descriptor)


def nobody(picture: U8) -> Detections:
    return Detections.none()


def test_a_folder_of_faces_that_cannot_serve_is_named_in_one_line(people: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="gone: no such folder"):
        draw(tmp_path / "gone", tmp_path / "street")
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingError, match="empty: nobody is in it"):
        draw(tmp_path / "empty", tmp_path / "street")
    with pytest.raises(MissingError, match="no face was found"):
        draw(people, tmp_path / "street", locate=nobody)
    with pytest.raises(MissingError, match=r"too few for 6 who are sought.* 5 of them with two pictures"):
        draw(people, tmp_path / "street", sought=6)
    with pytest.raises(MissingError, match="too few for"):
        draw(people, tmp_path / "street", strangers=30)
    with pytest.raises(MissingError, match="list of 2 cannot hold 3"):
        draw(people, tmp_path / "street", nominals=2)
    assert not (tmp_path / "street" / "street.json").exists()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"seed": 1, "clips": [], "size": [1, 2], "fps": 1, "sought": []}']
)
def test_a_folder_that_is_no_set_says_so(tmp_path: Path, text: str) -> None:
    with pytest.raises(MissingError, match="no street is in it"):
        read_set(tmp_path)
    (tmp_path / "street.json").write_text(text)
    with pytest.raises(LfrdError, match=r"street\.json: "):
        read_set(tmp_path)


def test_a_picture_is_cut_out_once_for_all_clips(people: Path) -> None:
    cut = Cutting({people / "p1" / "1.png": Box(40, 35, 60, 80)}, 150)
    walker = Walker("p1", people / "p1" / "1.png")
    assert cut(walker).cut is cut(dataclasses.replace(walker, enter=3.0)).cut


# ---- the command ------------------------------------------------------------------------------------------


def test_the_command_draws_and_tells_and_draws_nothing_twice(
    astronaut: Path, admiral: Path, packs: Path, tmp_path: Path
) -> None:
    faces = portraits(tmp_path / "faces", astronaut, admiral)
    words: list[str | Path] = [
        "bench",
        "street",
        "--faces",
        faces,
        "--out",
        tmp_path / "street",
        "--data",
        packs,
    ]
    words += ["--clips", "1", "--seconds", "5", "--size", "320x180"]
    words += ["--sought", "1", "--strangers", "1", "--list", "1"]
    ended = lfrd(*words, "--json")
    assert (ended.code, json.loads(ended.out)["drawn"]) == (0, 125)
    again = lfrd(*words)
    assert again.code == 0
    assert "all was there" in again.out
    refused = lfrd(*words, "--seed", "2")
    assert refused.code == 1
    assert "holds another street" in refused.line()
    wrong = lfrd(*words, "--size", "1920")
    assert wrong.code == 2
    assert "like 1920x1080" in wrong.line()


def portraits(folder: Path, astronaut: Path, admiral: Path) -> Path:
    """Two people, the first with two pictures: the second is the first, mirrored."""
    for name, picture in (("astronaut", astronaut), ("admiral", admiral)):
        (folder / name).mkdir(parents=True)
        shutil.copy(picture, folder / name / f"1{picture.suffix}")
    mirrored = cv2.flip(cast(U8, cv2.imread(str(astronaut))), 1)
    cv2.imwrite(str(folder / "astronaut" / "2.png"), mirrored)
    return folder


# ---- faces are where the truth says ------------------------------------------------------------------------


def overlaps(made: StreetSet, locate: Locator, least: float, every: int) -> list[float]:
    """Of each face of the truth with the nearest one found, in one frame of `every`; least: its width."""
    found = []
    for clip, truth in zip(made.clips, made.truths, strict=True):
        with av.open(str(clip)) as container:
            for number, frame in enumerate(container.decode(video=0)):
                wanted = [
                    Box(*box[1:])
                    for passage in truth.passages
                    for box in passage.boxes
                    if round(box[0] * made.fps) == number and box[3] >= least
                ]
                if number % every or not wanted:
                    continue
                faces = locate(cast(U8, frame.to_ndarray(format="bgr24"))).boxes
                seen = [Box(*(float(side) for side in row)) for row in faces]
                found += [max((overlap(box, other) for other in seen), default=0.0) for box in wanted]
    return found


def test_a_detector_finds_portraits_where_the_truth_says(
    astronaut: Path, admiral: Path, locate: Locator, tmp_path: Path
) -> None:
    faces = portraits(tmp_path / "faces", astronaut, admiral)
    made = draw(
        faces,
        tmp_path / "street",
        locate=locate,
        clips=1,
        seconds=7.0,
        seed=2,
        size=(960, 540),
        fps=25.0,
        sought=1,
        strangers=1,
        nominals=1,
    )
    assert {passage.person for passage in made.truths[0].passages} == {"astronaut", "admiral"}
    assert made.sought == {"astronaut"}
    found = overlaps(made, locate, 30.0, 10)
    assert len(found) > 5
    assert np.median(found) > 0.7


@pytest.fixture
async def field(shared: Path, tmp_path: Path) -> AsyncIterator[Inference]:
    pack = open_pack(str(shared / "models" / "field"), tmp_path)
    async with opened(pack, networks, InferenceSettings(workers=1)) as inference:
        yield inference


@pytest.mark.shared
async def test_a_detector_finds_a_crowd_in_uneven_light_where_the_truth_says(
    shared: Path, tmp_path: Path, field: Inference
) -> None:
    def find(image: U8) -> Detections:
        found = field.detect(Picture(image.copy(), planar=False), max(image.shape[:2]))
        return found[found.scores >= field.high]

    made = draw(
        shared / "faces",
        tmp_path / "street",
        locate=find,
        clips=1,
        size=(960, 540),
        fps=25.0,
        sought=6,
        strangers=6,
        nominals=20,
    )
    found = overlaps(made, find, 20.0, 10)
    assert len(found) > 12
    assert np.median(found) > 0.7
    assert np.mean(np.array(found) > 0.4) > 0.8
