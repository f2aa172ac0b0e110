"""`lfrd record` as an auditor uses it: on the site, from an export, and after somebody's meddling."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from lfrd import config
from lfrd.audit import kinds
from lfrd.audit.counting import compute
from lfrd.records import records
from lfrd.store.audit import append
from lfrd.types import Actor, OfficerId
from tests.commands import Ended
from tests.commands import beside as lfrd
from tests.unit.audit.diary import market_day

pytestmark = pytest.mark.journey

SETTINGS = """
[site]
name = "Croydon North"

[notice]
force = "Example Police"
contact = "0300 000 0000"
results = "police.example/lfr"
"""


@pytest.fixture
async def site(tmp_path: Path) -> Path:
    """The settings of a site whose audit tells of one day."""
    file = settings(tmp_path / "config.toml", SETTINGS)
    async with records(config.load(file)) as kept:
        await kept.audit.begin("Croydon North", "0.1.0")
        async with kept.db.write() as tx:
            for record in market_day().records:
                body = kinds.decode(record.body)
                if not isinstance(body, kinds.ChainBegan):
                    actor = Actor(OfficerId(record.actor), record.actor)
                    await append(tx, record.at, actor, body)
        await kept.audit.checkpoint()
    return file


def settings(file: Path, text: str) -> Path:
    file.write_text(text, encoding="utf-8")
    return file


async def made(*arguments: str | Path) -> Ended:
    ended = await lfrd("record", *arguments)
    assert ended.code == 0, ended.err
    return ended


async def test_the_record_is_made_in_every_form_and_each_export_is_itself_recorded(site: Path) -> None:
    wanted = compute(market_day().records).deployments[0].total
    page, table = site.parent / "record.html", site.parent / "record.csv"
    told = (await made("-c", site, "--output", page)).out
    assert "record.html: the record, as a page" in told
    assert f"{wanted.faces_seen:,}" in page.read_text(encoding="utf-8")
    await made("Market day", "-c", site, "--format", "csv", "--output", table)
    rows = list(csv.DictReader(io.StringIO(table.read_bytes().decode(), newline="")))
    assert rows[-1]["faces_seen"] == str(wanted.faces_seen)
    read = json.loads((await made("d1", "-c", site, "--json")).out)
    assert read["deployment"]["total"]["alerts"]["raised"] == wanted.alerts.raised
    assert read["basis"]["last_record"] > len(market_day().records)
    notice = (await made("-c", site, "--format", "notice")).out
    assert "Example Police" in notice
    listed = json.loads((await made("--list", "-c", site, "--json")).out)
    assert [(d["id"], d["faces_seen"]) for d in listed] == [("d1", wanted.faces_seen)]
    shown = (await lfrd("audit", "show", "-c", site, "--kind", "exported", "--json")).out
    assert [json.loads(line)["body"]["kind"] for line in shown.splitlines()] == ["record"] * 3 + ["notice"]
    assert not list(site.parent.glob(".*.part"))


async def test_an_export_of_the_audit_gives_the_same_figures_anywhere(site: Path, tmp_path: Path) -> None:
    here = json.loads((await made("d1", "-c", site, "--json")).out)
    export = tmp_path / "audit.jsonl"
    assert (await lfrd("audit", "export", export, "-c", site)).code == 0
    nowhere = tmp_path / "elsewhere"
    nowhere.mkdir()
    ended = await lfrd("record", "d1", "--audit", export, "--json", cwd=nowhere)
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["deployment"] == here["deployment"]
    assert list(nowhere.iterdir()) == []


async def test_no_record_is_made_of_an_audit_that_somebody_changed(site: Path, tmp_path: Path) -> None:
    export, page = tmp_path / "audit.jsonl", tmp_path / "record.html"
    assert (await lfrd("audit", "export", export, "-c", site)).code == 0
    lines = export.read_bytes().splitlines(keepends=True)
    for number, line in enumerate(lines):
        if b"confirmed_false" in line:
            lines[number] = line.replace(b"confirmed_false", b"confirmed_true")
    export.write_bytes(b"".join(lines))
    ended = await lfrd("record", "--audit", export, "--output", page, cwd=tmp_path)
    assert ended.code == 1
    assert "no record is made of an audit that is not whole" in ended.err
    assert "Traceback" not in ended.err
    assert not page.exists()


async def test_what_cannot_be_made_is_one_clear_line(site: Path, tmp_path: Path) -> None:
    for arguments, said in (
        (("nothing", "-c", site), "deployment 'nothing': the audit has none"),
        (("--audit", tmp_path / "gone.jsonl"), "no such file"),
        (("-c", site, "--output", tmp_path / "no" / "such" / "folder.html"), "no such folder"),
        (("-c", site, "--as", "nobody", "--password-file", site), "the name or the password is not right"),
    ):
        ended = await lfrd("record", *arguments, cwd=tmp_path)
        assert ended.code == 1
        assert said in ended.err
        assert len(ended.err.splitlines()) == 1


async def test_a_notice_that_lacks_something_is_refused_and_not_recorded(site: Path) -> None:
    settings(site, "[site]\nname = 'Croydon North'\n")
    ended = await lfrd("record", "-c", site, "--format", "notice")
    assert ended.code == 1
    assert "notice.force: is empty" in ended.err
    assert "exported" not in (await lfrd("audit", "show", "-c", site)).out
