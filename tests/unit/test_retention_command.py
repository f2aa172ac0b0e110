"""`lfrd retention`: the table, what is due, who holds what, and receipts."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from lfrd import config
from lfrd.commands import retention
from lfrd.config import Placed
from lfrd.errors import MissingError, NotAllowed
from lfrd.policy.retention import RETENTION
from lfrd.records import records
from lfrd.sealing.signing import read_signed
from lfrd.types import CONSOLE, Role
from tests.office import open_deployment

PASSWORD = "correct horse battery 1"


async def prepare(placed: Placed) -> None:
    """A site with an authorising officer, a closed deployment and an old alert, all as rows."""
    async with records(placed) as site:
        officer = await site.officers.add("Ames", Role.AUTHORISING, "Inspector", CONSOLE)
        await site.officers.set_password(officer, PASSWORD, CONSOLE)
        deployment = await open_deployment(site)
        async with site.db.write() as tx:
            await tx.execute(
                "INSERT INTO alert (id, deployment, segment, camera, category, blue, seen_at, created_at, "
                "last_seen_at, sealed) VALUES ('a1', ?, 1, 'c', 'k', 0, 0, 0, 0, x'00')",
                deployment,
            )
            await tx.execute("UPDATE deployment SET stage = 'closed', closed_at = 0")


async def sweep(placed: Placed) -> None:
    async with records(placed) as site:
        await site.retention.sweep()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text("", encoding="utf-8")
    (tmp_path / "password").write_text(PASSWORD, encoding="utf-8")
    asyncio.run(prepare(config.load(path)))
    return path


def test_list_prints_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    retention.list_rules()
    said = capsys.readouterr().out
    assert all(name in said for name in RETENTION)
    retention.list_rules(as_json=True)
    assert [rule["name"] for rule in json.loads(capsys.readouterr().out)] == list(RETENTION)


def test_the_dry_run_shows_what_is_due_and_what_a_hold_keeps(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    retention.dry_run(file)
    said = capsys.readouterr().out
    assert "2 deletions due" in said
    assert "late" in said
    retention.hold("a1", "complaint 17", "Ames", file.parent / "password", file)
    assert "is kept until" in capsys.readouterr().out
    retention.dry_run(file)
    assert "hold: complaint 17" in capsys.readouterr().out
    asyncio.run(sweep(config.load(file)))
    retention.dry_run(file, as_json=True)
    (due,) = json.loads(capsys.readouterr().out)
    assert (due["subject"], due["hold"], due["late"]) == ("a1", "complaint 17", True)


def test_holds_are_listed_by_name_and_lifted_by_an_authorising_officer(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    password = file.parent / "password"
    retention.hold("a1", "complaint 17", "Ames", password, file)
    capsys.readouterr()
    retention.holds(config_file=file)
    said = capsys.readouterr().out
    assert "Ames" in said
    assert "complaint 17" in said
    retention.lift("a1", "settled", "Ames", password, file, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"alert": "a1", "held": False}
    retention.holds(config_file=file, as_json=True)
    assert json.loads(capsys.readouterr().out) == []
    retention.holds(everything=True, config_file=file, as_json=True)
    assert json.loads(capsys.readouterr().out)[0]["lifted_reason"] == "settled"


def test_the_console_alone_holds_nothing(file: Path) -> None:
    with pytest.raises(NotAllowed, match="add --as NAME"):
        retention.hold("a1", "complaint 17", config_file=file)


def test_receipts_are_listed_and_printed_as_they_were_given_out(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(sweep(config.load(file)))
    retention.list_receipts(config_file=file, as_json=True)
    listed = json.loads(capsys.readouterr().out)
    assert {document["statement"]["kind"] for document in listed} == {"alerts", "watchlist"}
    wanted = listed[0]["statement"]["receipt"]
    retention.list_receipts(wanted, config_file=file)
    assert read_signed(capsys.readouterr().out)["receipt"] == wanted
    retention.list_receipts(deployment="another", config_file=file)
    assert wanted not in capsys.readouterr().out
    with pytest.raises(NotAllowed, match="no such receipt"):
        retention.list_receipts("nothing", config_file=file)


def test_a_look_makes_no_database(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("", encoding="utf-8")
    with pytest.raises(MissingError, match="no database"):
        retention.dry_run(tmp_path / "config.toml")
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]
