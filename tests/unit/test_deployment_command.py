"""`lfrd deployment`: a whole life from the command line, and what is said where a step is refused."""

from __future__ import annotations

import asyncio
import datetime
import json
import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lfrd import config
from lfrd.audit import kinds
from lfrd.commands import deployment, deployment_running, failure
from lfrd.commands.plan_file import LARGEST, TEMPLATE, read_cameras, read_plan, seconds_of
from lfrd.errors import CorruptError, LfrdError, MissingError
from lfrd.models import library
from lfrd.policy.plan import DOCUMENTS, CameraPlan
from lfrd.records import records
from lfrd.sealing.signing import read_signed
from lfrd.store.files import locked
from lfrd.types import CONSOLE, SYSTEM, DeploymentId, Role
from lfrd.vision.pack import calibration_toml
from tests.unit.models import packs
from tests.unit.policy.test_card import MEASURED

PASSWORDS = {"Adams": "correct horse battery 1", "Olsen": "correct horse battery 2"}

PLAN = """
name = "Market day"
purpose = "To find people wanted by the courts"
use_case = "Crime hotspot"
place = "High Street"
starts_at = {starts}
ends_at = {ends}
necessity = "Other means have been tried"
proportionality = "A short list"
categories = ["wanted on warrant"]

[documents]
{documents}

[[cameras]]
name = "High Street 1"
zone = [[0.1, 0.2], [0.9, 0.2], [0.9, 1.0], [0.1, 1.0]]
"""


def iso(hours: float) -> str:
    """A moment so many hours from now."""
    at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=hours)
    return at.isoformat(timespec="seconds")


def plan(starts: float = -1, ends: float = 5) -> str:
    documents = "\n".join(f'{name} = "2.1"' for name in DOCUMENTS)
    return PLAN.format(starts=iso(starts), ends=iso(ends), documents=documents)


@dataclass
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return [line.removeprefix("lfrd: ") for line in self.err.splitlines()]


def make_site(folder: Path) -> None:
    """Settings, a small pack with its card, and the password files of two people."""
    pack = packs.make(folder / "small")
    with (pack / "pack.toml").open("a", encoding="utf-8") as manifest:
        manifest.write(calibration_toml(MEASURED))
    settings = '[inference]\npack = "small"\n[[cameras]]\nname = "High Street 1"\nsource = "clip.mp4"\n'
    (folder / "config.toml").write_text(settings, encoding="utf-8")
    for name, password in PASSWORDS.items():
        (folder / name).write_text(f"{password}\n", encoding="utf-8")


async def staff(placed: config.Placed) -> None:
    async with records(placed) as site:
        adams = await site.officers.add("Adams", Role.AUTHORISING, "Superintendent", CONSOLE)
        await site.officers.set_password(adams, PASSWORDS["Adams"], CONSOLE)
        olsen = await site.officers.add("Olsen", Role.OPERATOR, "", CONSOLE)
        await site.officers.set_password(olsen, PASSWORDS["Olsen"], CONSOLE)


class Site:
    """A site with an authorising officer, an operator and a pack with its card; commands given on it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys
        self.model = library.open_pack(str(folder / "small"), folder).manifest.digest
        self.config = folder / "config.toml"
        self.placed = config.load(self.config)

    def file(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    async def listed(self, deployment: str) -> None:
        """A list in the database as an import leaves it, as rows: importing has tests of its own."""
        async with records(self.placed) as site, site.db.write() as tx:
            await tx.execute(
                "INSERT INTO watchlist (deployment, pack, source, begun_at, built_at, digest) "
                "VALUES (?, ?, 'made', 0, ?, 'd')",
                *(deployment, self.model, site.clock.now()),
            )
            await tx.execute(
                "INSERT INTO entry (deployment, reference, category, blue, state, reasons, needs, digest, "
                "sealed) VALUES (?, 'p1', 'wanted on warrant', 0, 'listed', '[]', '[]', '', x'00')",
                deployment,
            )
            await tx.execute(
                "INSERT INTO entry_picture (entry, number, digest, reason, warnings, worth, template) "
                "SELECT id, 1, '', '', '[]', 1, x'00' FROM entry"
            )

    def lfrd(self, *arguments: object, by: str = "") -> Said:
        """One command, with its exit code and what it says, as `commands.tree.run` gives it."""
        person = ["--as", by, "--password-file", str(self.folder / by)] if by else []
        given = [*map(str, arguments), *person]
        if given[0] != "template":
            given += ["--config", str(self.config)]
        self.capsys.readouterr()
        try:
            code = deployment.app(given, standalone_mode=False)
        except LfrdError as error:
            code = failure.told(error)
        said = self.capsys.readouterr()
        return Said(code if isinstance(code, int) else 0, said.out, said.err)

    def drafted(self, text: str = "") -> str:
        said = self.lfrd("new", self.file("plan.toml", text or plan()), "--json", by="Olsen")
        return str(said.json["id"])

    def started(self) -> str:
        drafted = self.drafted()
        asyncio.run(self.listed(drafted))
        assert self.lfrd("authorise", drafted, by="Adams").code == 0
        assert self.lfrd("ready", drafted, by="Olsen").code == 0
        assert self.lfrd("start", drafted, by="Olsen").code == 0
        return drafted


@pytest.fixture(scope="module")
def staffed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with its people, made once: passwords are slow to hash on purpose."""
    folder = tmp_path_factory.mktemp("staffed")
    make_site(folder)
    asyncio.run(staff(config.load(folder / "config.toml")))
    return folder


@pytest.fixture
def site(staffed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Site:
    return Site(Path(shutil.copytree(staffed, tmp_path / "site")), capsys)


def test_a_deployment_is_led_from_a_file_to_its_end(site: Site) -> None:
    drafted = site.lfrd("new", site.file("plan.toml", plan()), by="Olsen")
    assert "'Market day': draft; next, an authorising officer authorises it" in drafted.out
    id = drafted.out.split()[0]
    asyncio.run(site.listed(id))
    authorised = site.lfrd("authorise", "Market day", "--reason", "seen the assessment", by="Adams")
    assert (
        f"{id} 'Market day': authorised; next, with zones and list, an operator makes it ready"
        in authorised.out
    )
    assert "ready; next, an operator starts it" in site.lfrd("ready", id[:6], by="Olsen").out
    assert f"{id} 'Market day': active" in site.lfrd("start", id, by="Olsen").out
    assert "suspended (by order)" in site.lfrd("suspend", "--reason", "a look", by="Olsen").out
    assert "'Market day': active" in site.lfrd("resume", "--reason", "looked", by="Adams").out
    end = iso(7)
    later = site.lfrd("extend", "--until", end, "--reason", "still needed", "--json", by="Adams").json
    assert later["plan"]["ends_at"] == seconds_of(end)
    amended = site.lfrd(
        "amend",
        "--fpir",
        "0.000001",
        "--eye-distance",
        "High Street 1=30",
        "--reason",
        "too many",
        by="Adams",
    )
    assert amended.code == 0, amended.err
    shown = site.lfrd("show", "--json").json
    assert [one["kind"] for one in shown["authorisations"]] == ["start", "resume", "extend", "amend"]
    assert {one["rank"] for one in shown["authorisations"]} == {"Superintendent"}
    assert [one["n"] for one in shown["segments"]] == [1, 1]
    assert shown["segments"][0]["threshold"] < shown["segments"][1]["threshold"]
    assert shown["segments"][1]["cameras"][0]["eye_distance_pixels"] == 30
    assert "closed (by order)" in site.lfrd("close", by="Olsen").out
    assert [one["stage"] for one in site.lfrd("list", "--json").json] == ["closed"]
    assert "Market day" in site.lfrd("list").out


def test_the_start_is_refused_with_one_line_for_each_thing_that_is_missing(site: Site) -> None:
    drafted = site.drafted('name = "Empty"')
    said = site.lfrd("start", drafted, by="Olsen")
    assert said.code == failure.FAILED
    assert [line.split(":")[0] for line in said.lines] == [
        "authorising officer", "rank", "purpose", "use_case", "place", "necessity", "proportionality",
        *(f"documents.{name}" for name in DOCUMENTS),
        "categories", "starts_at", "ends_at", "cameras", "watchlist", "ready",
    ]  # fmt: skip
    as_json = site.lfrd("start", drafted, "--json", by="Olsen")
    assert as_json.json == {"error": "not_ready", "missing": said.lines}


def test_show_says_what_the_next_step_lacks(site: Site) -> None:
    drafted = site.drafted(plan().replace("High Street 1", "Elsewhere"))
    assert "next, an authorising officer authorises it" in site.lfrd("show").out
    site.lfrd("authorise", drafted, by="Adams")
    text = site.lfrd("show", drafted).out
    assert "before it can be made ready:" in text
    assert "cameras: 'Elsewhere' is not in config.toml" in text
    assert "watchlist: none" in text
    assert site.lfrd("show", "--json").json["next"] == "made ready"


@pytest.mark.parametrize(
    ("by", "step"),
    [("Olsen", ("authorise",)), ("Adams", ("ready",)), ("Adams", ("start",)), ("Adams", ("edit",))],
)
def test_a_step_by_the_wrong_role_is_refused_in_one_line(site: Site, by: str, step: tuple[str]) -> None:
    drafted = site.drafted()
    file = [site.folder / "plan.toml"] if step == ("edit",) else []
    said = site.lfrd(*step, drafted, *file, by=by)
    assert said.code == failure.FAILED
    assert len(said.lines) == 1
    assert "and by nobody else" in said.err


def test_nobody_acts_without_name_and_password(site: Site) -> None:
    file = site.file("plan.toml", plan())
    nobody = site.lfrd("new", file)
    assert (nobody.code, nobody.lines) == (failure.FAILED, ["a person must answer for this: add --as NAME"])
    site.file("Olsen", "not the password\n")
    wrong = site.lfrd("new", file, by="Olsen")
    assert (wrong.code, len(wrong.lines)) == (failure.FAILED, 1)
    assert "not the password" not in wrong.err
    assert site.lfrd("list", "--json").json == []


def test_an_edit_makes_it_a_draft_again_unless_only_zones_are_drawn(site: Site) -> None:
    drafted = site.drafted()
    site.lfrd("authorise", drafted, by="Adams")
    text = (site.folder / "plan.toml").read_text(encoding="utf-8")
    zone = site.file("zone.toml", text.replace("[0.1, 0.2], ", ""))
    assert "drawn after" not in site.lfrd("show", drafted).out
    assert site.lfrd("edit", drafted, zone, "--json", by="Olsen").json["stage"] == "authorised"
    assert "drawn after the authorisation by Olsen" in site.lfrd("show", drafted).out
    other = site.file("other.toml", text.replace("A short list", "A long list"))
    assert site.lfrd("edit", drafted, other, "--json", by="Olsen").json["stage"] == "draft"


def test_a_deployment_is_named_by_its_id_its_beginning_or_its_name(site: Site) -> None:
    first, second = site.drafted(), site.drafted()
    twice = site.lfrd("show", "Market day")
    assert (twice.code, twice.lines) == (
        failure.FAILED, [f"'Market day' can be {first}, {second}: give one of these ids"],
    )  # fmt: skip
    assert site.lfrd("show", "nowhere").lines == [
        "there is no deployment 'nowhere'; `lfrd deployment list` has all"
    ]
    assert site.lfrd("close", by="Olsen").lines == [
        "no deployment is open: name one of `lfrd deployment list`"
    ]


# ---- revocation ----------------------------------------------------------------------------------------


def test_one_command_revokes_and_gives_a_signed_receipt(site: Site) -> None:
    started = site.started()
    file = site.folder / "receipt.json"
    said = site.lfrd("revoke", "--reason", "ordered by the court", "--receipt", file, by="Adams")
    assert said.code == 0, said.err
    document, note = said.out.rstrip().rsplit("\n", 1)
    assert note == "no server held anything of it in memory"
    assert read_signed(document)["deployment"] == started
    assert file.read_text(encoding="utf-8").rstrip() == document
    assert site.lfrd("show", started, "--json").json["stage"] == "destroyed"
    again = site.lfrd("revoke", started, "--reason", "again", "--receipt", file, by="Adams")
    assert again.lines == [f"{file}: is there already; name another file for the receipt"]


def test_a_revocation_beside_the_server_waits_until_its_memory_is_wiped(site: Site) -> None:
    started = DeploymentId(site.started())
    running, stopped = threading.Event(), threading.Event()

    async def serve() -> None:
        """What the server does, as far as this is about: hold the folder, look, wipe, record."""
        async with records(site.placed) as own:
            running.set()
            while not stopped.is_set():
                one = await own.deployments.get(started)
                if not one.stage.is_open and not await own.deployments.memory_wiped(started):
                    await own.audit.record(kinds.MemoryWiped(started), SYSTEM)
                await asyncio.sleep(0.01)

    server = threading.Thread(target=lambda: asyncio.run(serve()))
    server.start()
    try:
        assert running.wait(20)
        said = site.lfrd("revoke", "--reason", "ordered by the court", "--json", by="Olsen")
    finally:
        stopped.set()
        server.join()
    assert said.code == 0, said.err
    assert said.json["memory_wiped"] is True
    assert said.json["receipt"]["statement"]["deployment"] == started


def test_a_revocation_says_that_the_server_has_not_confirmed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = site.started()
    monkeypatch.setattr(deployment_running, "WIPED_SECONDS", 0.0)
    with locked(site.placed.data):
        said = site.lfrd("revoke", "--reason", "ordered by the court", by="Olsen")
    assert said.code == failure.FAILED
    assert "the server has not confirmed" in said.err
    assert site.lfrd("show", started, "--json").json["stage"] == "destroyed"


# ---- amendments ----------------------------------------------------------------------------------------


def test_an_amendment_replaces_the_cameras_from_a_file(site: Site) -> None:
    site.started()
    file = site.file("cameras.toml", '[[cameras]]\nname = "High Street 1"\nzone = [[0,0],[1,0],[1,1]]\n')
    said = site.lfrd("amend", "--cameras", file, "--reason", "moved", "--json", by="Adams")
    assert said.code == 0, said.err
    assert said.json["plan"]["cameras"][0]["zone"] == [[0, 0], [1, 0], [1, 1]]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--eye-distance", "Elsewhere=30"), "'Elsewhere=30' is not CAMERA=PIXELS"),
        (("--eye-distance", "High Street 1=many"), "is not CAMERA=PIXELS"),
        (("--eye-distance", "High Street 1=nan"), "is not CAMERA=PIXELS"),
        (("--fpir", "0"), "must be above 0 and at most 0.5"),
        (("--fpir", "0.1", "--threshold", "0.5"), "--fpir is given as well"),
    ],
)
def test_an_amendment_that_cannot_be_names_its_option(
    site: Site, options: tuple[str, ...], says: str
) -> None:
    import typer

    site.started()
    with pytest.raises(typer.BadParameter, match=says):
        site.lfrd("amend", *options, "--reason", "so", by="Adams")


def test_an_amendment_without_a_reason_is_refused(site: Site) -> None:
    site.started()
    assert site.lfrd("amend", "--fpir", "0.01", by="Adams").lines == ["reason: is empty; say why"]


# ---- plan files ----------------------------------------------------------------------------------------


def test_the_template_is_a_plan_that_lacks_only_what_is_to_be_filled_in(site: Site) -> None:
    said = site.lfrd("template")
    assert said.out == TEMPLATE
    read = read_plan(site.file("template.toml", said.out))
    assert read.name == "High Street, Saturday"
    filled = "\n".join(line.removeprefix("# ") if "= " in line else line for line in said.out.splitlines())
    filled = filled.replace("# [[cameras]]", "[[cameras]]").replace("threshold = 0.6", "")
    assert read_plan(site.file("filled.toml", filled)).cameras[0].eye_distance_pixels == 24


def test_a_time_without_a_zone_is_the_machines_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        file = tmp_path / "plan.toml"
        file.write_text('name = "A"\nstarts_at = 2026-12-05T10:00:00\nends_at = "2026-12-05T10:00:00Z"\n')
        read = read_plan(file)
        assert read.ends_at is not None
        assert read.starts_at == read.ends_at - 3600
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_plan_that_show_prints_can_be_read_again(site: Site) -> None:
    shown = site.lfrd("show", site.drafted(), "--json").json["plan"]
    file = site.file("plan.json", json.dumps(shown))
    assert read_plan(file) == read_plan(site.folder / "plan.toml")


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.toml", 'purpose = "x"', "name: is missing"),
        ("a.toml", 'name = "A"\npupose = "x"', "line 2: pupose: unknown; did you mean 'purpose'?"),
        ("a.toml", 'name = "A"\nfpir = 2', "line 2: fpir: must be a number at most 0.5"),
        ("a.toml", "name = 3", "line 1: name: must be text, got a whole number"),
        ("a.toml", 'name = "A"\n\nends_at = 2026-12-05', "line 3: ends_at: must be a moment as in"),
        ("a.toml", 'name = "A"\nends_at = "soon"', "line 2: ends_at: must be a moment as in"),
        ("a.toml", 'name = "A"\nends_at = inf', "line 2: ends_at: must be a moment from 1970"),
        ("a.toml", 'name = "A"\n[documents]\npolicy = "1"\ndpai = "1"', "line 4: documents.dpai: unknown"),
        (
            "a.toml",
            'name = "A"\n[[cameras]]\nname = "x"\n[[cameras]]\nname = "y"\nzone = [[0, 0], [2, 0], [1, 1]]',
            "line 6: cameras[1].zone[1][0]: must be a number at most 1",
        ),
        ("a.toml", 'name = "A"\n[[cameras]]\nzone = [[0, 0]]', "line 2: cameras[0].name: is missing"),
        ("a.toml", "name = ", "not valid TOML: "),
        (
            "a.json",
            '{"name": "A",\n "cameras": [{"name": "x", "zon": []}]}',
            "line 2: cameras[0].zon: unknown",
        ),
        ("a.json", '{"name": "A",\n}', "line 2: not valid JSON"),
        ("a.json", "[]", 'must hold one object, {"name": …}'),
        ("a.json", "[" * 100_000, "is nested more deeply than a plan is"),
        ("a.toml", "#" * (LARGEST + 1), "is larger than a plan can be"),
    ],
)
def test_an_error_in_a_plans_file_names_the_field_and_the_line(
    tmp_path: Path, name: str, text: str, says: str
) -> None:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    with pytest.raises(CorruptError) as refused:
        read_plan(file)
    assert str(refused.value).startswith(f"{file}: {says}")
    assert "\n" not in str(refused.value)


def test_a_file_that_is_no_text_or_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="cannot be read"):
        read_plan(tmp_path / "nowhere.toml")
    (tmp_path / "picture.toml").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(CorruptError, match="not UTF-8 text"):
        read_plan(tmp_path / "picture.toml")


def test_a_cameras_file_holds_cameras_only(tmp_path: Path) -> None:
    file = tmp_path / "cameras.toml"
    file.write_text('[[cameras]]\nname = "A"\n', encoding="utf-8")
    assert read_cameras(file) == [CameraPlan(name="A")]
    file.write_text('name = "B"\n[[cameras]]\nname = "A"\n', encoding="utf-8")
    with pytest.raises(CorruptError, match="line 1: name: unknown; known here: cameras"):
        read_cameras(file)
