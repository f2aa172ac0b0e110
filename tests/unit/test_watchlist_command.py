"""`lfrd watchlist` does what it says beside a server, and tells what is wrong in one line."""

from __future__ import annotations

import asyncio
import datetime
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lfrd import config
from lfrd.policy.plan import Plan
from lfrd.records import records
from lfrd.types import CONSOLE, Role
from tests.commands import Ended, lfrd
from tests.unit.listing.kit import row, write_csv

PASSWORD = "seven-green-otters-at-dawn"
TODAY = datetime.datetime.now().astimezone().date().isoformat()


async def _make(file: Path) -> None:
    async with records(config.load(file)) as site:
        await site.audit.begin("test", "0")
        for name, role in (("olga", Role.OPERATOR), ("adams", Role.AUTHORISING)):
            officer = await site.officers.add(name, role, "Superintendent", CONSOLE)
            await site.officers.set_password(officer, PASSWORD, CONSOLE)
        operator = await site.officers.check_password("olga", PASSWORD)
        plan = Plan(name="Market day", categories=["wanted on warrant"])
        await site.deployments.draft(plan, operator)


Command = Callable[..., Ended]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory, builtin: Path) -> Path:
    """A site with two people and a deployment: made once, since hashing passwords takes its time."""
    folder = tmp_path_factory.mktemp("fresh")
    file = folder / "config.toml"
    file.write_text(f'[site]\ndata = "data"\n[inference]\npack = "{builtin}"\n')
    (folder / "password").write_text(PASSWORD)
    asyncio.run(_make(file))
    return folder


@pytest.fixture
def box(tmp_path: Path, fresh: Path) -> Path:
    return shutil.copytree(fresh, tmp_path / "box")


@pytest.fixture
def command(box: Path) -> Command:
    def run(*words: str | Path, by: str = "olga", cwd: Path | None = None) -> Ended:
        person = ("--as", by, "--password-file", box / "password") if by else ()
        return lfrd("watchlist", *words, "--config", box / "config.toml", *person, cwd=cwd)

    return run


@pytest.fixture
def people(tmp_path: Path, astronaut: Path, admiral: Path) -> Path:
    folder = tmp_path / "list"
    folder.mkdir()
    shutil.copy(astronaut, folder / "astronaut.png")
    shutil.copy(admiral, folder / "admiral.jpg")
    write_csv(
        folder,
        [
            row("A1", pictures="astronaut.png"),
            row("A2", pictures="admiral.jpg", vulnerable="yes"),
            row("A3", pictures="gone.jpg"),
        ],
    )
    return folder


def test_a_list_is_imported_reported_approved_and_asked_about(
    command: Command, people: Path, tmp_path: Path
) -> None:
    told = command("import", people, "Market day", "--report", tmp_path / "report.csv")
    assert told.code == 0
    assert "line 4: refused (picture_missing): pictures: put the picture into the folder" in told.out
    assert "1 entry waiting for an approval: vulnerable" in told.out
    assert "1 entry will be looked for, 1 waiting, 1 refused" in told.out
    assert "4,A3,refused,picture_missing" in (tmp_path / "report.csv").read_text("utf-8-sig")
    (figures,) = json.loads(command("list", "--json", by="").out)
    assert (figures["name"], figures["listed"], figures["waiting"]) == ("Market day", 1, 1)
    report = json.loads(command("report", "Market day", "--json").out)
    (waiting,) = report["entries_waiting"]
    assert (waiting["reference"], waiting["needs"]) == ("A2", ["vulnerable"])
    reason = ("--reason", "assessed by the safeguarding team")
    mine = command("approve", str(waiting["entry"]), "vulnerable", *reason)
    assert "authorising" in mine.line()
    done = command("approve", str(waiting["entry"]), "vulnerable", *reason, by="adams")
    assert done.out == f"entry {waiting['entry']}: will be looked for\n"
    assert "Market day" in command("asked", "a2", TODAY, by="adams").out
    assert command("asked", "A3", TODAY, by="adams").out == "on no list of this site on that day\n"
    receipt = json.loads(command("destroy", "Market day").out)
    assert receipt["statement"]["destroyed"]["entries"] == 2
    assert "until" in command("asked", "A2", TODAY, by="adams").out


def test_a_list_goes_to_another_site_as_a_package_and_only_from_a_known_sender(
    command: Command, people: Path, tmp_path: Path
) -> None:
    address = json.loads(command("address", "--json", by="").out)
    package = tmp_path / "list.age"
    words = ("export", people, "--to", address["recipient"], "--output", package)
    assert "1 line left out: picture_missing 1" in command(*words).err
    before = package.read_bytes()
    assert "is there already" in command(*words).line()
    assert package.read_bytes() == before
    unknown = command("import", package, "Market day").line()
    assert "is not known here" in unknown
    assert "nothing was changed" in unknown
    trusting = ("import", package, "Market day", "--trust", address["public_key"], "--json")
    done = json.loads(command(*trusting).out)
    assert (done["listed"], done["waiting"], done["refused"]) == (1, 1, 0)
    flipped = bytearray(before)
    flipped[-100] ^= 4
    package.write_bytes(flipped)
    assert "changed or cut short on the way" in command(*trusting).line()
    (figures,) = json.loads(command("list", "--json", by="").out)
    assert figures["digest"] == done["digest"]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("import", "nowhere", "Market day"), "no such folder"),
        (("import", "{people}", "Another day"), "there is no deployment 'Another day'"),
        (("import", "{people}/astronaut.png", "Market day"), "neither a folder nor a package"),
        (("import", "{people}", "Market day", "--trust", "x"), "neither a public key nor a file"),
        (("import", "{people}", "Market day", "--report", "{people}/entries.csv"), "is there already"),
        (("export", "{people}", "--to", "age1x", "--output", "x.age"), "begins with age1"),
        (("export", "Market day", "--to", "age1x", "--output", "x.age"), "begins with age1"),
        (("asked", "N1", "yesterday"), "must be a day"),
        (("approve", "7", "no_need", "--reason", "x"), "must be one of: under_18"),
    ],
)
def test_what_is_wrong_is_one_line(
    command: Command, people: Path, words: tuple[str, ...], problem: str
) -> None:
    ended = command(*(word.replace("{people}", str(people)) for word in words), cwd=people)
    assert problem in ended.line()
    assert ended.code != 0
    assert json.loads(command("list", "--json", by="").out) == []


def test_a_person_must_answer_for_an_import(command: Command, people: Path) -> None:
    assert "add --as NAME" in command("import", people, "Market day", by="").line()


def test_a_wrong_column_changes_nothing(command: Command, people: Path) -> None:
    assert command("import", people, "Market day").code == 0
    before = command("list", "--json", by="").out
    (people / "entries.csv").write_text(
        (people / "entries.csv").read_text().replace("lawful_basis", "basis_in_law")
    )
    assert "line 1: unknown column 'basis_in_law'" in command("import", people, "Market day").line()
    assert command("list", "--json", by="").out == before


def test_the_template_is_printed_without_a_site(tmp_path: Path) -> None:
    ended = lfrd("watchlist", "template", cwd=tmp_path)
    assert ended.out.startswith("reference,category,image_source,")
