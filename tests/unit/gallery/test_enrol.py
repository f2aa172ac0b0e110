"""Enrolment gives each picture a template or a reason, and each nominal a place on the list or a line."""

from __future__ import annotations

import asyncio
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from lfrd.config import Analysis
from lfrd.config import Inference as InferenceSettings
from lfrd.gallery.enrol import LIMITS, Enrolment, display, doubts, enrol, subject
from lfrd.gallery.folder import read_folder
from lfrd.gallery.reading import Reason
from lfrd.inference import opened
from lfrd.models.library import networks, open_pack
from lfrd.types import F32, U8, Box, Face, Quality, Refusal
from lfrd.vision.picture import Picture
from lfrd.vision.quality import Limits

GOOD = Quality(60.0, 300.0, 0.0, 0.0, 0.0, 120.0, 0.0)
BLURRED = Quality(60.0, 2.0, 0.0, 0.0, 0.0, 120.0, 0.0)
SMALL = Quality(9.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, Refusal.SMALL)


def face(width: float = 40.0, quality: Quality = GOOD) -> Face:
    aligned = None if quality.refusal else np.full((112, 112, 3), 7, np.uint8)
    return Face(Box(20, 20, width, width), np.zeros((5, 2), np.float32), 0.9, quality, aligned)


class Desk:
    """Stands in for the networks to say what is wrong with a picture: its top left pixel says what is in it.

    Blue is the person, green what is found: see SCENES.
    """

    SCENES: tuple[Callable[[], list[Face]], ...] = (
        lambda: [face()],
        list,
        lambda: [face(), face(36)],
        lambda: [face(), face(24)],
        lambda: [face(quality=SMALL)],
        lambda: [face(quality=BLURRED)],
    )

    def __init__(self) -> None:
        self.inside = self.most = 0
        self.shown: list[Face] = []
        self.vectors: list[F32] = []
        self.pictures: list[Picture] = []

    async def examine(self, picture: Picture) -> list[Face]:
        self.inside += 1
        self.most = max(self.most, self.inside)
        await asyncio.sleep(0)
        blue, green, _ = (int(value) for value in picture.scaled(*picture.size)[0, 0])
        faces = [] if blue == 127 else self.SCENES[green]()
        for found in faces:
            if found.aligned is not None:
                found.aligned[0, 0, 0] = blue
        self.shown += faces
        self.pictures.append(picture)
        self.inside -= 1
        return faces

    async def embed(self, aligned: U8) -> F32:
        vectors = np.random.default_rng(int(aligned[0, 0, 0, 0])).standard_normal((1, 8)).astype(np.float32)
        self.vectors.append(vectors)
        return vectors


def draw(path: Path, person: int, scene: int = 0, shade: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.full((80, 80, 3), (person, scene, shade), np.uint8)
    assert cv2.imwrite(str(path), picture)


async def enrolled(folder: Path, desk: Desk | None = None) -> Enrolment:
    desk = desk or Desk()
    return await enrol(read_folder(folder), desk.examine, desk.embed, dim=8)


def reasons(enrolment: Enrolment) -> dict[str, Reason | None]:
    return {report.path: report.reason for report in enrolment.reports}


async def test_each_refused_picture_has_its_reason_and_the_rest_are_enrolled(tmp_path: Path) -> None:
    draw(tmp_path / "anna" / "1.png", 1)
    draw(tmp_path / "anna" / "2.png", 1, shade=1)
    draw(tmp_path / "bert.png", 2, scene=1)
    draw(tmp_path / "carl.png", 3, scene=2)
    draw(tmp_path / "dora.png", 4, scene=4)
    (tmp_path / "emil.jpg").write_bytes(b"%PDF-1.7")
    (tmp_path / "finn").mkdir()
    enrolment = await enrolled(tmp_path)
    assert reasons(enrolment) == {
        "anna/1.png": None,
        "anna/2.png": None,
        "bert.png": Reason.NO_FACE,
        "carl.png": Reason.SEVERAL_FACES,
        "dora.png": Reason.SMALL,
        "emil.jpg": Reason.NOT_A_PICTURE,
        "": Reason.NO_PICTURE,
    }
    assert enrolment.enrolled == ("anna",)
    assert enrolment.refused == ["bert", "carl", "dora", "emil", "finn"]
    assert (len(enrolment.gallery), enrolment.gallery.pictures) == (1, 2)


async def test_the_lines_say_what_is_wrong_and_what_to_do(tmp_path: Path) -> None:
    draw(tmp_path / "anna.png", 1)
    draw(tmp_path / "bert.png", 2, scene=1)
    draw(tmp_path / "carl.png", 3, scene=5)
    assert list((await enrolled(tmp_path)).lines()) == [
        "bert.png: refused (no_face): no face was found; give a portrait from the front",
        "carl.png: enrolled with a warning: the face is blurred; give a sharper picture",
        "bert: not on the list: none of the pictures can be used",
    ]


async def test_a_poor_picture_is_enrolled_with_a_warning(tmp_path: Path) -> None:
    draw(tmp_path / "anna.png", 1, scene=5)
    enrolment = await enrolled(tmp_path)
    assert enrolment.reports[0].warnings == (Reason.BLURRED,)
    assert "anna" in enrolment.gallery


async def test_the_largest_of_several_faces_is_enrolled_with_a_warning(tmp_path: Path) -> None:
    draw(tmp_path / "anna.png", 1, scene=3)
    enrolment = await enrolled(tmp_path)
    assert enrolment.reports[0].warnings == (Reason.SEVERAL_FACES,)
    assert "anna" in enrolment.gallery


async def test_a_file_listed_twice_is_enrolled_once_and_says_where_the_other_is(tmp_path: Path) -> None:
    draw(tmp_path / "anna" / "1.png", 1)
    draw(tmp_path / "anna" / "2.png", 1)
    draw(tmp_path / "bert.png", 1)
    enrolment = await enrolled(tmp_path)
    assert reasons(enrolment) == {
        "anna/1.png": None,
        "anna/2.png": Reason.DUPLICATE_PICTURE,
        "bert.png": Reason.DUPLICATE_PICTURE,
    }
    assert enrolment.reports[1].advice == "the same file as anna/1.png; remove one"
    assert (
        enrolment.reports[2].advice == "the same file as anna/1.png of another person; remove the wrong one"
    )
    assert enrolment.refused == ["bert"]


async def test_a_refused_picture_does_not_make_its_copy_a_duplicate(tmp_path: Path) -> None:
    draw(tmp_path / "anna.png", 1, scene=1)
    draw(tmp_path / "bert.png", 1, scene=1)
    assert set(reasons(await enrolled(tmp_path)).values()) == {Reason.NO_FACE}


async def test_a_face_that_fills_the_picture_is_looked_for_again_with_a_margin(tmp_path: Path) -> None:
    draw(tmp_path / "anna.png", 1)
    sizes: list[tuple[int, int]] = []

    async def examine(picture: Picture) -> list[Face]:
        sizes.append(picture.size)
        return [face(60)] if len(sizes) == 2 else []

    enrolment = await enrol(read_folder(tmp_path), examine, Desk().embed, dim=8)
    assert sizes == [(80, 80), (160, 160)]
    assert enrolment.enrolled == ("anna",)


async def test_at_most_so_many_pictures_are_in_memory_at_once(tmp_path: Path) -> None:
    for number in range(12):
        draw(tmp_path / f"{number}.png", number)
    desk = Desk()
    await enrol(read_folder(tmp_path), desk.examine, desk.embed, dim=8, concurrency=3)
    assert 1 <= desk.most <= 3


async def test_progress_counts_every_picture_once(tmp_path: Path) -> None:
    for number in range(5):
        draw(tmp_path / f"{number}.png", number, scene=number % 2)
    told: list[tuple[int, int]] = []
    desk = Desk()
    await enrol(read_folder(tmp_path), desk.examine, desk.embed, dim=8, progress=lambda *at: told.append(at))
    assert told == [(done, 5) for done in range(6)]


async def test_nothing_but_the_gallery_keeps_a_face_or_a_template(tmp_path: Path) -> None:
    draw(tmp_path / "anna.png", 1)
    draw(tmp_path / "bert.png", 2, scene=3)
    desk = Desk()
    enrolment = await enrolled(tmp_path, desk)
    assert len(enrolment.gallery) == 2
    assert all(found.aligned is None for found in desk.shown)
    assert all(not vectors.any() for vectors in desk.vectors)
    for picture in desk.pictures:
        with pytest.raises(ValueError, match="released"):
            picture.scaled(8, 8)


async def test_a_failing_network_ends_the_enrolment_with_its_own_error_and_wipes_what_was_taken(
    tmp_path: Path,
) -> None:
    for number in range(6):
        draw(tmp_path / f"{number}.png", number)
    desk = Desk()

    async def embed(aligned: U8) -> F32:
        if len(desk.vectors) == 3:
            raise OSError("the accelerator is gone")
        return await desk.embed(aligned)

    with pytest.raises(OSError, match="the accelerator is gone"):
        await enrol(read_folder(tmp_path), desk.examine, embed, dim=8, concurrency=2)
    assert desk.vectors
    assert all(not vectors.any() for vectors in desk.vectors)


async def test_a_template_without_numbers_refuses_its_picture_only(tmp_path: Path) -> None:
    draw(tmp_path / "anna.png", 1)

    async def embed(aligned: U8) -> F32:
        return np.full((1, 8), np.nan, np.float32)

    enrolment = await enrol(read_folder(tmp_path), Desk().examine, embed, dim=8)
    assert reasons(enrolment) == {"anna.png": Reason.NO_FACE}


async def test_the_report_is_json_and_an_enrolment_is_never_pickled_or_shown(tmp_path: Path) -> None:
    draw(tmp_path / "anna.png", 1)
    enrolment = await enrolled(tmp_path)
    told = json.loads(json.dumps(enrolment.as_dict()))
    assert (told["nominals"], told["pictures"], told["refused"]) == (1, 1, [])
    assert told["reports"][0]["reason"] is None
    assert "xff" not in repr(enrolment)
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(enrolment)


async def test_an_empty_list_gives_an_empty_gallery() -> None:
    desk = Desk()
    assert len((await enrol([], desk.examine, desk.embed, dim=8)).gallery) == 0


@pytest.mark.parametrize(
    ("widths", "chosen"), [([], None), ([10], 10), ([40, 28], 40), ([40, 29], None), ([10, 40, 12], 40)]
)
def test_the_subject_has_twice_the_area_of_the_next(widths: list[float], chosen: float | None) -> None:
    found = subject([face(width) for width in widths])
    assert (found and found.box.width) == chosen


def test_doubts_are_the_reasons_that_would_refuse_the_face_live() -> None:
    poor = Quality(60.0, 1.0, 0.9, 0.0, 0.0, 250.0, 0.5)
    assert doubts(poor, Limits.of(Analysis())) == (Reason.CUT, Reason.POSE, Reason.BRIGHT, Reason.BLURRED)
    assert doubts(GOOD, Limits.of(Analysis())) == ()


def test_every_quality_refusal_is_a_reason_too() -> None:
    assert {refusal.value for refusal in Refusal} <= {reason.value for reason in Reason}


@pytest.mark.parametrize("side", [50, 900])
def test_the_picture_to_show_is_a_jpeg_of_the_face_with_its_surroundings(side: int) -> None:
    picture = Picture(np.full((1200, 1600, 3), 90, np.uint8), planar=False)
    shown = cv2.imdecode(np.frombuffer(display(picture, Box(300, 150, side, side)), np.uint8), 1)
    assert shown is not None
    assert shown.shape[0] == pytest.approx(min(360, 1.8 * side), abs=3)


@pytest.mark.shared
async def test_real_portraits_are_enrolled_and_find_their_people(shared: Path, tmp_path: Path) -> None:
    people = [f"p{number:04d}" for number in range(1, 13)]
    watchlist, probes = tmp_path / "watchlist", tmp_path / "probes"
    for person in people:
        pictures = sorted((shared / "faces" / person).iterdir())
        for folder, picture in ((watchlist, pictures[0]), (probes, pictures[-1])):
            (folder / person).mkdir(parents=True)
            (folder / person / picture.name).symlink_to(picture)
    close = cv2.imread(str(shared / "faces" / people[0] / "1.jpg"))
    assert close is not None
    (watchlist / "close").mkdir()
    assert cv2.imwrite(str(watchlist / "close" / "1.png"), close[72:185, 82:170])
    pack = open_pack(str(shared / "models" / "field"), tmp_path)
    async with opened(pack, networks, InferenceSettings(workers=1)) as inference:

        async def examine(picture: Picture) -> list[Face]:
            examined = await inference.examine(picture, LIMITS, 1280)
            return [found for found in examined.faces if found.score >= inference.high]

        listed = await enrol(read_folder(watchlist), examine, inference.embed, dim=inference.dim)
        probed = await enrol(read_folder(probes), examine, inference.embed, dim=inference.dim)
    assert "close" in listed.gallery
    assert listed.gallery.lookalikes(0.6)[0][:2] == ("close", people[0])
    both = [person for person in people if person in listed.gallery and person in probed.gallery]
    assert len(both) >= 7
    hits = 0
    for person in both:
        rows = probed.gallery._rows[probed.enrolled.index(person)][None]
        found = listed.gallery.search(rows, 1)[0][0]
        hits += found.nominal == person or (found.nominal, person) == ("close", people[0])
    assert hits >= len(both) - 1
