"""People on no list, rules 13 to 15: what is kept of them, searched for in them, and shown of them."""

from __future__ import annotations

import inspect
import re
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import ModuleType

import av
import cv2
import httpx
import msgspec
import numpy as np
import pytest
import typer.main

from lfrd import types, wire
from lfrd.audit import counting, figures, kinds
from lfrd.commands import tree
from lfrd.errors import CorruptError
from lfrd.store.officers import Officers
from lfrd.types import CONSOLE, U8, Detections, Role
from lfrd.vision.pack import parse_manifest
from lfrd.web import desk_record
from lfrd.web.rules import MESSAGES, ROUTES
from tests.journeys.process import PATIENCE, reach, see
from tests.rules.site import Ready, There, ready
from tests.unit.audit.diary import market_day
from tests.unit.models import packs
from tests.unit.record.test_page import page_of, seen

NAMES = ("Street", "Corner")


@pytest.fixture
async def site(
    tmp_path: Path, builtin: Path, street_clip: Path, admiral: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Ready]:
    """Two cameras before which the astronaut walks by once; only the admiral is on the list."""
    async with ready(tmp_path, builtin, street_clip, admiral, monkeypatch, NAMES, paced=False) as made:
        yield made


async def contents(there: There) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table but the audit, the clock, and where sessions stand."""
    async with there.records.db.read() as tx:
        names = {row["name"] for row in await tx.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        left = sorted(names - {"audit", "checkpoint", "site", "session", "receipt"})
        return {table: [tuple(row) for row in await tx.rows(f"SELECT * FROM {table}")] for table in left}


async def test_a_passer_by_is_counted_and_nothing_else_of_them_is_stored_or_joined_between_cameras(
    site: Ready,
) -> None:
    async with site.running() as there:
        phone, kept = there.phone, there.records
        await there.start((await kept.deployments.get(site.deployment)).plan)
        before = await contents(there)
        recorded = len(await kept.audit.records(limit=10_000))
        await see(phone, Street="ended", Corner="ended")
        await reach(phone, lambda: phone.state().faces_seen >= 2)
        after = await contents(there)
        # One person, seen by two cameras, is two tracks: nothing knows that they are the same.
        assert phone.state().faces_seen == 2
        assert phone.events == []
        await kept.deployments.close(site.deployment, there.people.operator)
        await reach(phone, lambda: phone.state().deployment is None)
        await see(phone, Street="off", Corner="off")
        added = (await kept.audit.records(limit=10_000))[recorded:]
        counted = [b for r in added if isinstance(b := kinds.decode(r.body), kinds.Counted)]
        assert {record.what for record in added} <= {"counted", "paused", "resumed", "closed", "destroyed"}
        assert {one.camera: one.faces_seen for one in counted if one.faces_seen} == dict.fromkeys(NAMES, 1)
    assert set(after) == set(before)
    assert [table for table in after if after[table] != before[table]] in ([], ["deployment"])  # its stage


async def test_somebody_who_passed_before_they_were_listed_is_not_found(
    tmp_path: Path, builtin: Path, street_clip: Path, astronaut: Path, admiral: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The astronaut passes while nobody looks for them; then they are listed and the street is empty."""
    film = tmp_path / "street.mp4"
    shutil.copy(street_clip, film)
    async with (
        ready(tmp_path, builtin, film, admiral, monkeypatch, paced=False) as before,
        before.running() as there,
    ):
        await there.start((await there.records.deployments.get(before.deployment)).plan)
        await see(there.phone, Street="ended")
        await reach(there.phone, lambda: there.phone.state().faces_seen == 1)
        await there.records.deployments.close(before.deployment, there.people.operator)
    empty_street(film)
    async with (
        ready(tmp_path, builtin, film, astronaut, monkeypatch, paced=False) as after,
        after.running() as there,
    ):
        await there.start((await there.records.deployments.get(after.deployment)).plan)
        await see(there.phone, Street="ended")
        assert there.phone.events == []
        assert await there.records.alerts.views(after.deployment) == []


def empty_street(film: Path) -> None:
    with av.open(str(film), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for _ in range(25):
            frame = av.VideoFrame.from_ndarray(np.full((360, 640, 3), 120, np.uint8), format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


# ---- rule 14 -------------------------------------------------------------------------------------------

DEMOGRAPHIC = re.compile(
    r"(?<![a-z])(ages?|gender|sex|race|racial|ethnic\w*|demographics?|emotion\w*|skin|religio\w*)(?![a-z])"
)


def names_in(module: ModuleType) -> set[str]:
    """Every class of this module and every field of it."""
    found = set()
    for name, one in vars(module).items():
        if inspect.isclass(one) and one.__module__ == module.__name__:
            found |= {name, *getattr(one, "__annotations__", {})}
    return found


@pytest.mark.parametrize("module", [types, wire, kinds, figures], ids=lambda module: module.__name__)
def test_no_age_sex_or_origin_of_anybody_is_inferred_told_or_counted(module: ModuleType) -> None:
    named = {re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name).lower() for name in names_in(module)}
    assert len(named) > 20
    assert not [name for name in named if DEMOGRAPHIC.search(name)]


@pytest.mark.parametrize("part", ["demographics", "age", "attributes"])
def test_a_pack_with_a_network_beside_detector_and_recogniser_is_refused(part: str) -> None:
    text = packs.manifest({"detector": b"d", "recogniser": b"r"})
    assert set(parse_manifest(text, Path("pack.toml")).files) == {"detector", "recogniser"}
    with pytest.raises(CorruptError, match=part):
        parse_manifest(f'{text}\n[{part}]\nfile = "a.onnx"\nsha256 = "{"0" * 64}"\n', Path("pack.toml"))


def test_no_command_route_or_message_searches_for_a_face() -> None:
    """A face comes in by a camera of the deployment, or by a watchlist's import, and in no other way."""
    group = typer.main.get_command(tree.app)
    commands = set(group.commands)  # type: ignore[attr-defined]
    assert not {name for name in commands if re.search("search|find|identify|probe|match", name)}
    assert not [
        rule.path
        for rule in ROUTES
        if rule.method in ("POST", "PUT") and re.search("search|find|identify|probe|match|face", rule.path)
    ]
    for message in MESSAGES:
        for field in msgspec.structs.fields(message):
            assert field.name not in ("jpeg", "picture", "image", "face", "template"), message


def test_faces_seen_says_that_it_counts_tracks() -> None:
    said = seen(page_of(market_day())).words
    assert "Faces seen (tracks)" in said
    assert "Tracks: a face followed through one camera's view. Somebody who passes twice" in said
    assert "tracks" in (figures.Counts.__doc__ or "")
    assert "Faces seen (tracks)" in {row.name for row in desk_record._rows(whole_day())}


def whole_day() -> figures.Counts:
    return counting.compute(market_day().records).deployments[0].total


# ---- rule 15 -------------------------------------------------------------------------------------------

SHOWS = re.compile("jpg|png|mjpeg|stream|video|preview|rtc")
VIEWS = {"/api/desk/cameras/{camera}/still.jpg", "/api/preview", "/api/preview/{viewer}"}
"""Routes that give a camera's view: none shows a face without an alert that stands. The live picture's pixels
are looked into by tests/unit/preview/test_leaks.py and tests/journeys/test_preview.py."""
WAYS = {"/api/webrtc"}
"""Tells how browsers are reached, and shows nothing."""
OF_ALERTS = {"/alerts/{alert}/probe.jpg", "/alerts/{alert}/candidate.jpg"}
OF_LISTS = {"/api/desk/entries/{entry}/face.jpg", "/api/desk/entries/{entry:int}/face.jpg"}


def test_no_route_gives_a_cameras_view_but_still_and_live_picture_whose_faces_are_hidden() -> None:
    pictures = {rule.path for rule in ROUTES if SHOWS.search(rule.path)}
    assert pictures - OF_LISTS == VIEWS | OF_ALERTS | WAYS


async def test_a_client_never_receives_the_clear_face_of_somebody_without_an_alert(
    tmp_path: Path, builtin: Path, street_clip: Path, admiral: Path, monkeypatch: pytest.MonkeyPatch,
    locate: Callable[[U8], Detections],
) -> None:  # fmt: skip
    """The still of a running camera before which the astronaut stands, as the desk gets it."""
    film = tmp_path / "standing.mp4"
    face = standing(street_clip, film, locate)
    async with ready(tmp_path, builtin, film, admiral, monkeypatch) as site, site.running() as there:
        await there.start((await there.records.deployments.get(site.deployment)).plan)
        await see(there.phone, Street="live")
        token = await signed_in(there.records.officers, there)
        async with httpx.AsyncClient(
            base_url=there.site.bound.url, cookies={"lfrd": token}, timeout=PATIENCE
        ) as client:
            answer = await client.get("/api/desk/cameras/Street/still.jpg")
        assert answer.status_code == 200, answer.text
    decoded = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    shown = decoded.astype(np.uint8)
    assert shown.shape == face.shape
    assert len(locate(face)) == 1
    assert len(locate(shown)) == 0


def standing(clip: Path, film: Path, locate: Callable[[U8], Detections]) -> U8:
    """A film of one frame of the clip, in which a face is found, again and again. Returns that frame."""
    with av.open(str(clip)) as container:
        frames = [f.to_ndarray(format="bgr24").astype(np.uint8) for f in container.decode(video=0)]
    frame: U8 = next(f for f in reversed(frames) if len(locate(f)) == 1)
    with av.open(str(film), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "10"})
        stream.height, stream.width, stream.pix_fmt = frame.shape[0], frame.shape[1], "yuv420p"
        for _ in range(50):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="bgr24")))
        container.mux(stream.encode())
    return frame


async def signed_in(officers: Officers, there: There) -> str:
    """The operator's session at the desk."""
    code = await officers.invite("Rehearsal operator", 1, 60, role=Role.OPERATOR, actor=CONSOLE)
    return await officers.first_password(code, "seven tall herons wade")
