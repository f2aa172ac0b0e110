"""Pictures become templates as the product makes them; what gives none has a reason; nothing is left."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from lfrd.config import Analysis, Config
from lfrd.errors import CorruptError
from lfrd.evaluation.acquire import Acquired, acquire_probes, acquired, enrol_people
from lfrd.evaluation.people import People, Progress, Role, read_cast, read_people
from lfrd.evaluation.whose import Whose
from lfrd.gallery.reading import Reason
from lfrd.inference import Inference, opened
from lfrd.models import library
from lfrd.types import F32, U8, NominalId
from lfrd.vision.pack import Pack
from lfrd.watching import enrol_folder
from tests.portraits import portrait


@pytest.fixture(scope="module")
def pack(builtin: Path) -> Pack:
    return library.open_pack(str(builtin), builtin.parent)


@pytest.fixture
async def inference(pack: Pack) -> AsyncIterator[Inference]:
    async with opened(pack, library.networks, Config().inference) as inference:
        yield inference


@contextmanager
def silent(title: str) -> Iterator[Progress]:
    yield lambda done, total: None


def save(path: Path, pixels: U8) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)
    return path


@pytest.fixture
def folder(tmp_path: Path, astronaut: Path, admiral: Path) -> Path:
    """Two people, one with a second picture and its copy, a third of whom nothing can be used."""
    woman, man = portrait(astronaut), portrait(admiral)
    people = tmp_path / "people"
    save(people / "astronaut/1.png", woman)
    save(people / "astronaut/2.png", woman[:, ::-1])
    save(people / "astronaut/3.png", woman[:, ::-1])
    save(people / "admiral/1.jpg", man)
    save(people / "nobody/1.png", np.full((200, 200, 3), 90, np.uint8))
    (people / "nobody/2.jpg").write_bytes(b"%PDF-1.7")
    (people / "nobody/3.jpg").write_bytes(b"")
    (people / "nobody/4.jpg").symlink_to(tmp_path / "nowhere")
    save(people / "nobody/5.png", np.hstack([woman, woman]))
    (people / "empty").mkdir()
    return people


def by_name(people: People, taken: Acquired) -> dict[str, list[Reason | None]]:
    found: dict[str, list[Reason | None]] = {name: [] for name in people.names}
    for (person, _), reason in zip(people.files, taken.reasons, strict=True):
        found[people.names[person]].append(reason)
    return found


async def test_each_picture_gives_a_template_or_a_reason(inference: Inference, folder: Path) -> None:
    people = read_people(folder, Role.GALLERY)
    told: list[tuple[int, int]] = []
    taken = await enrol_people(
        people, inference, Config(), lambda done, of: told.append((done, of)), whose=Whose.CLEAR
    )
    assert by_name(people, taken) == {
        "admiral": [None],
        "astronaut": [None, None, Reason.DUPLICATE_PICTURE],
        "empty": [],
        "nobody": [
            Reason.NO_FACE,
            Reason.NOT_A_PICTURE,
            Reason.UNREADABLE,
            Reason.UNREADABLE,
            Reason.SEVERAL_FACES,
        ],
    }
    assert dict(zip(people.names, taken.enrolled.tolist(), strict=True)) == {
        "admiral": True,
        "astronaut": True,
        "empty": False,
        "nobody": False,
    }
    assert taken.failures["unreadable"] == 2
    assert told[-1] == (8, 8)
    np.testing.assert_allclose(np.linalg.norm(taken.vectors, axis=1), taken.acquired, atol=1e-6)
    assert taken.counted.sum() == 8


async def test_people_are_enrolled_as_on_a_watchlist(inference: Inference, folder: Path) -> None:
    people = read_people(folder, Role.GALLERY)
    taken = await enrol_people(people, inference, Config(), whose=Whose.CLEAR)
    enrolment = await enrol_folder(inference, folder, Config(), lambda done, total: None)
    assert set(enrolment.enrolled) == {
        name for name, listed in zip(people.names, taken.enrolled, strict=True) if listed
    }
    assert [report.reason for report in enrolment.reports if report.path] == list(taken.reasons)
    for name in enrolment.enrolled:
        mine = taken.vectors[(taken.person == people.names.index(name)) & taken.acquired]
        scores = enrolment.gallery.scores(mine, NominalId(name))
        np.testing.assert_allclose(scores, 1.0, atol=1e-5)


async def test_the_face_nearest_the_middle_is_meant_unless_enrolments_rule_is_asked_for(
    inference: Inference, tmp_path: Path, astronaut: Path, admiral: Path
) -> None:
    """A bystander stands at the side, nearer to the camera than the person whom the picture is of."""
    woman, man = portrait(astronaut), portrait(admiral)
    height = min(len(woman), len(man))
    beside = np.hstack([np.zeros((height, woman.shape[1], 3), np.uint8), woman[:height], man[:height]])
    save(tmp_path / "woman/alone.png", woman[:height])
    save(tmp_path / "woman/beside.png", beside)
    people = read_people(tmp_path, Role.PROBES)
    taken = await acquire_probes(people, inference, Config())
    assert taken.reasons == (None, None)
    assert float(taken.vectors[0] @ taken.vectors[1]) > 0.98
    strict = await acquire_probes(people, inference, Config(), whose=Whose.CLEAR)
    assert float(strict.vectors[0] @ strict.vectors[1]) < 0.92, "the bystander's face is clearly the largest"


async def test_a_probe_is_held_to_the_limits_of_live_faces_and_an_entry_is_not(
    inference: Inference, tmp_path: Path, astronaut: Path
) -> None:
    pixels = portrait(astronaut)
    save(tmp_path / "a/dark.png", np.asarray(pixels * 0.12, np.uint8))
    people = read_people(tmp_path, Role.PROBES)
    assert (await enrol_people(people, inference, Config())).reasons == (None,)
    strict = Config(analysis=Analysis(darkest=60.0))
    assert (await acquire_probes(people, inference, strict)).reasons == (Reason.DARK,)
    assert (await acquire_probes(people, inference, Config(analysis=Analysis(darkest=0.0)))).reasons == (
        None,
    )
    near = Config(analysis=Analysis(darkest=0.0, eye_distance_pixels=400.0))
    assert (await acquire_probes(people, inference, near)).reasons == (Reason.SMALL,)


async def test_templates_are_overwritten_when_the_measurement_ends(
    pack: Pack, folder: Path, tmp_path: Path, astronaut: Path
) -> None:
    save(tmp_path / "probes/astronaut/4.png", portrait(astronaut)[8:])
    cast = read_cast(folder, tmp_path / "probes")
    async with acquired(cast, pack, Config(), silent) as templates:
        held = [templates.gallery.vectors, templates.probes.vectors]
        assert all(vectors.any() for vectors in held)
        assert templates.non_mates is None
        assert templates.filler is None
        with pytest.raises(TypeError):
            pickle.dumps(templates.gallery)
        assert "vectors" not in repr(templates)
    assert not any(vectors.any() for vectors in held)


async def test_what_was_taken_is_overwritten_where_a_network_fails(
    inference: Inference, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault injected at the boundary: the third face's call fails."""
    people = read_people(folder, Role.GALLERY)
    embed = inference.embed
    calls = itertools.count(1)
    given: list[F32] = []  # by the calls that others ended before

    async def failing(aligned: U8) -> F32:
        if next(calls) == 3:
            raise CorruptError(Path("recogniser.onnx"), "does not run")
        given.append(await embed(aligned))
        return given[-1]

    monkeypatch.setattr(inference, "embed", failing)
    with pytest.raises(CorruptError, match="does not run"):
        await enrol_people(people, inference, Config())
    assert given
    assert not any(vectors.any() for vectors in given)
