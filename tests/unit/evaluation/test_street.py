"""A street clip shows the people whom its truth names, where and when it says."""

from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np
import pytest

from lfrd.config import Inference as InferenceSettings
from lfrd.errors import CorruptError, MissingError
from lfrd.evaluation.cutout import bust
from lfrd.evaluation.scenery import View
from lfrd.evaluation.street import Passage, Truth, Walker, crowd, demo_clip, frames, make_clip, read_truth
from lfrd.evaluation.walking import Actor, Walk
from lfrd.inference import Inference, opened
from lfrd.models.library import networks, open_pack
from lfrd.types import U8, Box, Detections
from lfrd.vision.picture import Picture

SIZE = (480, 270)


def mask() -> U8:
    """A drawn face: nobody's."""
    picture = np.full((160, 140, 3), (150, 130, 90), np.uint8)
    cv2.ellipse(picture, (70, 150), (60, 40), 0, 0, 360, (60, 60, 160), -1)
    cv2.ellipse(picture, (70, 75), (32, 42), 0, 0, 360, (140, 170, 220), -1)
    for x in (58, 82):
        cv2.circle(picture, (x, 68), 5, (40, 30, 30), -1)
    cv2.line(picture, (60, 95), (80, 95), (60, 60, 160), 3)
    return picture


def where(picture: U8) -> Detections:
    """Says where the drawn face is."""
    boxes = np.array([[40, 35, 60, 80]], np.float32)
    return Detections(boxes, np.zeros((1, 5, 2), np.float32), np.ones(1, np.float32))


def walker(name: str = "a", **changed: float) -> Walker:
    usual = Walker(name, mask(), enter=0.0, speed=1.5, far=20.0, near=45.0, lane=0.0)
    return dataclasses.replace(usual, **changed)  # type: ignore[arg-type]  # numbers only


def overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    shared = max(0.0, width) * max(0.0, height)
    return shared / (a.area + b.area - shared)


def actor(view: View, seed: int = 1, **kept: float) -> Actor:
    rng = np.random.default_rng(seed)
    chosen = {"enter": 0.0, "speed": 1.4, "far": 6.0, "near": 2.0, "lane": 0.0} | kept
    return Actor(bust(mask(), where), Walk(view, rng=rng, **chosen), rng)


def test_the_clip_is_baseline_h264_in_an_mp4_file_with_its_index_in_front(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    make_clip(path, [walker()], seconds=1.0, locate=where, size=SIZE, fps=12.5)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, float(stream.average_rate or 0)) == (*SIZE, 12.5)
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert "Baseline" in str(stream.profile)
        assert sum(1 for _ in container.decode(video=0)) == 12
    data = path.read_bytes()
    first = struct.unpack(">I", data[:4])[0]
    assert data[first + 4 : first + 8] == b"moov"


def test_the_same_seed_gives_the_same_clip_and_another_gives_another(tmp_path: Path) -> None:
    """To the eye: how arrays lie in memory can tell in a sum's last bit, and so in a pixel's last step."""
    pictures, truths = [], []
    for number, seed in enumerate((1, 1, 2)):
        path = tmp_path / f"{number}.mp4"
        truths.append(make_clip(path, [Walker("a", mask())], seconds=1.0, locate=where, size=SIZE, seed=seed))
        with av.open(str(path)) as container:
            shown = [frame.to_ndarray(format="bgr24").astype(int) for frame in container.decode(video=0)]
        pictures.append(np.stack(shown))
    assert truths[0] == truths[1]
    assert np.abs(pictures[0] - pictures[1]).mean() < 0.5
    assert np.abs(pictures[0] - pictures[2]).mean() > 5


def test_progress_counts_the_frames(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    make_clip(
        tmp_path / "clip.mp4",
        [walker()],
        seconds=0.4,
        locate=where,
        size=SIZE,
        progress=lambda *at: told.append(at),
    )
    assert told == [(done, 10) for done in range(11)]


def test_the_face_is_drawn_where_the_box_says() -> None:
    view = View(*SIZE)
    blank = next(picture for picture, _ in frames(view, [], 1, 25, 1, 0))
    owner = np.zeros((SIZE[1], SIZE[0]), np.uint16)
    drawn = blank.copy()
    box = actor(view).draw(drawn, view, 2.0, 0.04, owner, 1)
    assert box is not None
    inner = box.grown(0.5)
    rows = slice(int(inner.y), int(inner.y + inner.height))
    columns = slice(int(inner.x), int(inner.x + inner.width))
    assert (owner[rows, columns] == 1).all()
    reddish = drawn[rows, columns].reshape(-1, 3).astype(int).mean(axis=0)
    assert reddish[2] > reddish[0] + 40
    assert (drawn[owner == 0][:100] == blank[owner == 0][:100]).all()


def test_people_come_nearer_and_leave_at_a_side() -> None:
    view = View(*SIZE)
    boxes = [box for _, seen in frames(view, [actor(view)], 150, 25, 1, 0) for _, box in seen]
    widths = [box.width for box in boxes]
    assert widths == sorted(widths)
    assert widths[-1] > 1.8 * widths[0]
    assert min(boxes[-1].centre[0], SIZE[0] - boxes[-1].centre[0]) < 0.2 * SIZE[0]


def test_a_face_behind_another_person_is_not_in_the_truth() -> None:
    view = View(*SIZE)
    alone = actor(view, 1, far=6.0, near=3.0)
    front = actor(view, 1, far=4.0, near=2.0)
    for one in (alone, front):
        one.walk._points[:, 0] = 0.0
        one.walk.height = 1.7
    front.walk.height = 1.76
    _, seen = list(frames(view, [alone, front], 20, 25, 1, 0))[-1]
    assert [index for index, _ in seen] == [1]


def test_nobody_is_drawn_before_or_after_their_walk() -> None:
    view = View(*SIZE)
    one = actor(view, enter=5.0)
    assert one.walk.at(4.99) is None
    assert one.walk.at(5.0) is not None
    assert one.walk.at(5.0 + one.walk.seconds + 0.01) is None
    assert [seen for _, seen in frames(view, [one], 3, 25, 1, 0)] == [[], [], []]


def test_setting_one_value_of_a_walk_leaves_the_drawn_ones_as_they_were(tmp_path: Path) -> None:
    def first_width(given: Walker) -> float:
        truth = make_clip(tmp_path / "c.mp4", [given], seconds=3.0, locate=where, size=SIZE, fps=5, posts=0)
        return truth.passages[0].boxes[0][3]

    near = Walker("a", mask(), enter=0.0, near=60.0)
    other = Walker("a", mask(), enter=0.0, near=61.0)
    assert first_width(near) == pytest.approx(first_width(other), abs=1.0)


def test_truth_is_json_and_comes_back(tmp_path: Path) -> None:
    truth = Truth([Passage("a", [(0.2, 1.0, 2.0, 30.0, 40.0), (0.4, 2.0, 2.0, 31.0, 41.0)])])
    assert truth.as_json() == [
        {
            "person": "a",
            "enter": 0.2,
            "leave": 0.4,
            "boxes": [[0.2, 1.0, 2.0, 30.0, 40.0], [0.4, 2.0, 2.0, 31.0, 41.0]],
        }
    ]
    truth.save(tmp_path / "truth.json")
    assert json.loads((tmp_path / "truth.json").read_text()) == truth.as_json()
    assert read_truth(tmp_path / "truth.json") == truth


@pytest.mark.parametrize(
    "text", ["", "[", '{"a": 1}', '[{"person": "a"}]', '[{"person": "a", "boxes": [[1]]}]']
)
def test_a_file_that_is_no_truth_says_so(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(CorruptError, match="not a clip's truth"):
        read_truth(tmp_path / "t.json")


def test_a_truth_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="cannot be read"):
        read_truth(tmp_path / "t.json")


def test_portraits_that_cannot_serve_are_named(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    clip = tmp_path / "clip.mp4"
    with pytest.raises(MissingError, match=r"gone\.png: no such picture"):
        make_clip(clip, [Walker("a", tmp_path / "gone.png")], seconds=1, locate=where, size=SIZE)
    with pytest.raises(CorruptError, match=r"text\.png: not a picture"):
        make_clip(clip, [Walker("a", tmp_path / "text.png")], seconds=1, locate=where, size=SIZE)
    with pytest.raises(CorruptError, match="a: no face was found"):
        make_clip(clip, [walker()], seconds=1, locate=lambda picture: Detections.none(), size=SIZE)


def test_who_walks_twice_is_cut_out_of_their_portrait_once(tmp_path: Path) -> None:
    asked: list[U8] = []

    def noted(picture: U8) -> Detections:
        asked.append(picture)
        return where(picture)

    portrait = mask()
    walkers = [Walker("a", portrait, enter=-1.0), Walker("a again", portrait, enter=0.0), walker("b")]
    truth = make_clip(tmp_path / "clip.mp4", walkers, seconds=2.0, locate=noted, size=SIZE, fps=5, posts=0)
    assert len(asked) == 2
    assert {passage.person for passage in truth.passages} == {"a", "a again", "b"}


def test_odd_sides_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="even"):
        make_clip(tmp_path / "clip.mp4", [walker()], seconds=1, locate=where, size=(481, 270))


def test_a_crowd_is_drawn_from_a_folder_by_seed(tmp_path: Path) -> None:
    for person in "abcdef":
        (tmp_path / person).mkdir()
        for number in "12":
            (tmp_path / person / f"{number}.png").touch()
    first, again, other = (crowd(tmp_path, 4, seed=seed) for seed in (1, 1, 2))
    assert [w.name for w in first] == [w.name for w in again]
    assert [w.name for w in first] != [w.name for w in other]
    assert len({w.name for w in first}) == 4
    assert {Path(str(w.picture)).name for w in first} == {"2.png"}
    with pytest.raises(MissingError, match="6 people are in it, and 7 are wanted"):
        crowd(tmp_path, 7, seed=1)


def test_a_walker_shows_no_pixels() -> None:
    assert "array" not in repr(walker())


@pytest.fixture
async def field(shared: Path, tmp_path: Path) -> AsyncIterator[Inference]:
    pack = open_pack(str(shared / "models" / "field"), tmp_path)
    async with opened(pack, networks, InferenceSettings(workers=1)) as inference:
        yield inference


def agreement(path: Path, truth: Truth, inference: Inference, every: int, fps: float) -> list[float]:
    """The overlap of each box of the truth with the nearest face found, in one frame of `every`."""
    overlaps = []
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            wanted = [
                Box(*box[1:])
                for passage in truth.passages
                for box in passage.boxes
                if round(box[0] * fps) == number
            ]
            if number % every or not wanted:
                continue
            picture = Picture(cast(U8, frame.to_ndarray(format="bgr24")), planar=False)
            found = inference.detect(picture, max(picture.size))
            sure = [
                Box(*(float(side) for side in row)) for row in found.boxes[found.scores >= inference.high]
            ]
            overlaps += [max((overlap(box, other) for other in sure), default=0.0) for box in wanted]
    return overlaps


@pytest.mark.shared
async def test_a_detector_finds_the_crowds_faces_where_the_truth_says(
    shared: Path, tmp_path: Path, field: Inference
) -> None:
    def locate(image: U8) -> Detections:
        found = field.detect(Picture(image.copy(), planar=False), max(image.shape[:2]))
        return found[found.scores >= field.high]

    walkers = crowd(shared / "faces", 6, seed=4)
    path = tmp_path / "crowd.mp4"
    truth = make_clip(path, walkers, seconds=4.0, locate=locate, size=(960, 540), fps=12.5, seed=4, posts=1)
    overlaps = agreement(path, truth, field, every=4, fps=12.5)
    assert len(overlaps) > 10
    assert np.median(overlaps) > 0.7
    assert np.mean(np.array(overlaps) > 0.4) > 0.8


@pytest.mark.journey
@pytest.mark.shared
async def test_the_demo_shows_each_of_two_people_twice(
    field: Inference, tmp_path: Path, astronaut: Path, admiral: Path
) -> None:
    def locate(image: U8) -> Detections:
        return field.detect(Picture(image.copy(), planar=False), max(image.shape[:2]))

    path = tmp_path / "demo.mp4"
    truth = demo_clip(path, [astronaut, admiral], locate)
    assert [p.person for p in truth.passages] == ["astronaut", "grace_hopper"] * 2
    first, second, third, fourth = truth.passages
    assert first.leave < second.enter
    assert third.enter < fourth.enter < third.leave
    assert all(max(box[3] for box in passage.boxes) > 75 for passage in truth.passages)
    overlaps = agreement(path, truth, field, every=20, fps=25)
    assert np.median(overlaps) > 0.7
