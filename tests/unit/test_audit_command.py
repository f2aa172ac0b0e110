from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path

import pytest

from lfrd import config
from lfrd.audit import kinds
from lfrd.commands.audit import app, deployment_meant
from lfrd.commands.failure import MISUSED
from lfrd.errors import BusyError, LfrdError, MissingError
from lfrd.records import DATABASE, records
from lfrd.sealing.signing import Signer, signed
from lfrd.store.audit import append, head, rotate
from lfrd.store.files import locked
from lfrd.types import CONSOLE, Actor, OfficerId, Role

ADAMS = Actor(OfficerId("u1"), "Adams", Role.ENGAGEMENT)


class Site:
    """A site with some history, and the commands run on it, each as its own process would."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.config = folder / "config.toml"
        self.config.write_text('[site]\nname = "Market square"\n')
        self.placed = config.load(self.config)
        self.capsys = capsys
        self.public_key = ""
        self.receipt = folder / "receipt.json"

    async def live(self) -> None:
        async with records(self.placed) as site:
            await site.audit.begin("Market square", "1.0")
            await site.audit.record(kinds.UserAdded("u1", "Adams", "engagement"))
            await site.audit.record(kinds.MadeReady("d1"), ADAMS)
            signer = site.keys.site_key.signer
            self.public_key = signer.public_key.hex()
            async with site.db.write() as tx:
                await append(tx, site.clock.now(), ADAMS, kinds.Started("d1"))
                seq, hash_ = await head(tx)
            self.receipt.write_text(
                signed({"kind": "watchlist", "audit": {"seq": seq, "hash": hash_}}, signer)
            )

    async def rotate(self) -> None:
        async with records(self.placed) as site, site.db.write() as tx:
            new = Signer(bytes(range(32)))
            await rotate(tx, site.clock.now(), CONSOLE, site.keys.site_key.signer, new.public_key)

    def lfrd(self, *arguments: object) -> str:
        """What `lfrd audit ...` prints."""
        self.capsys.readouterr()
        app([str(a) for a in arguments] + ["--config", str(self.config)], standalone_mode=False)
        return self.capsys.readouterr().out

    def refusal(self, *arguments: object) -> str:
        """The one line with which `lfrd audit ...` fails."""
        with pytest.raises(LfrdError) as caught:
            self.lfrd(*arguments)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    def export(self, name: str = "audit.jsonl") -> Path:
        file = self.folder / name
        self.lfrd("export", file)
        return file


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Site:
    site = Site(tmp_path, capsys)
    asyncio.run(site.live())
    return site


def test_an_export_is_closed_to_others_and_verifies_where_there_is_no_site(
    site: Site, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = site.export()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "audit.jsonl"
    elsewhere.write_bytes(file.read_bytes())
    app(["verify", str(elsewhere), "--public-key", site.public_key], standalone_mode=False)
    assert "5 records and 3 checkpoints of 'Market square' are as they were written" in (
        site.capsys.readouterr().out
    )


def test_an_export_is_itself_in_the_audit(site: Site) -> None:
    site.export()
    assert "exported" in site.lfrd("show", "--actor", "console")


def test_an_export_never_overwrites_a_file(site: Site) -> None:
    file = site.folder / "audit.jsonl"
    file.write_text("evidence")
    with pytest.raises(MissingError, match="is there already; name another file"):
        site.lfrd("export", file)
    assert file.read_text() == "evidence"


def test_an_export_that_fails_leaves_no_file(site: Site) -> None:
    site.config.with_name("site.key").unlink()
    assert "key" in site.refusal("export", site.folder / "audit.jsonl")
    assert not (site.folder / "audit.jsonl").exists()


def test_a_changed_export_is_refused_in_one_line_that_names_the_record(site: Site) -> None:
    file = site.export()
    file.write_bytes(file.read_bytes().replace(b"Adams", b"Evans"))
    assert site.refusal("verify", file).startswith(f"{file}: record 2: its contents")
    assert site.capsys.readouterr().out == ""
    site.refusal("verify", file, "--json")
    told = json.loads(site.capsys.readouterr().out)
    assert (told["verified"], told["record"]) == (False, 2)


def test_without_a_key_it_says_that_the_export_only_agrees_with_itself(site: Site) -> None:
    file = site.export()
    assert "to know that it is the site's" in site.lfrd("verify", file)
    assert "to know that it is the site's" not in site.lfrd("verify", file, "--public-key", site.public_key)
    told = json.loads(site.lfrd("verify", file, "--json"))
    assert (told["verified"], told["key_given"], told["records"]) == (True, False, 5)


def test_a_wrong_public_key_is_found_as_digits_and_as_a_file(site: Site) -> None:
    file = site.export()
    key = site.folder / "site.pub"
    key.write_text(f"{site.public_key.upper()}\n")
    site.lfrd("verify", file, "--public-key", key)
    key.write_text("ab" * 32)
    assert "another site's, or a forgery" in site.refusal("verify", file, "--public-key", key)
    assert "another site's, or a forgery" in site.refusal("verify", file, "--public-key", "ab" * 32)
    key.write_text("ab")
    assert "64 hexadecimal digits" in site.refusal("verify", file, "--public-key", key)
    assert "nor a file" in site.refusal("verify", file, "--public-key", "nowhere")


def test_the_live_database_is_verified_beside_the_server(site: Site) -> None:
    with locked(site.placed.data), pytest.raises(BusyError), locked(site.placed.data):
        pass
    with locked(site.placed.data):
        said = site.lfrd("verify", "--public-key", site.public_key)
    assert said.startswith("the audit: 4 records and 2 checkpoints of 'Market square'")
    assert "1 newer record is not signed yet" in said


def test_an_earlier_export_is_a_witness(site: Site) -> None:
    earlier = site.export("earlier.jsonl")
    later = site.export("later.jsonl")
    site.lfrd("verify", later, "--witness", earlier)
    site.lfrd("verify", "--witness", earlier, "--witness", later)
    assert "the end was cut off" in site.refusal("verify", earlier, "--witness", later)


def test_a_receipt_is_a_witness(site: Site) -> None:
    file = site.export()
    site.lfrd("verify", file, "--witness", site.receipt)
    document = site.receipt.read_text()
    site.receipt.write_text(document.replace('"seq": 4', '"seq": 3'))
    assert "no witness" in site.refusal("verify", file, "--witness", site.receipt)


def test_a_history_that_the_site_itself_rewrote_is_seen_by_the_witness(site: Site) -> None:
    """The same key, another database: what the holder of key and machine could do."""
    kept = site.export("kept.jsonl")
    for file in site.placed.data.iterdir():
        file.unlink()
    asyncio.run(site.live())
    rewritten = site.export("rewritten.jsonl")
    site.lfrd("verify", rewritten, "--public-key", site.public_key)
    assert "the history was rewritten" in site.refusal("verify", rewritten, "--witness", kept)
    assert "the history was rewritten" in site.refusal("verify", "--witness", kept)


def test_a_witness_of_another_site_is_refused(site: Site) -> None:
    file = site.export()
    statement = json.loads(site.receipt.read_text())["statement"]
    site.receipt.write_text(signed(statement, Signer(bytes(32))))
    assert "signed with another site's key" in site.refusal("verify", file, "--witness", site.receipt)


def test_a_witness_that_is_none_or_is_spoilt_is_refused(site: Site) -> None:
    file = site.export()
    spoilt = site.folder / "spoilt.jsonl"
    spoilt.write_bytes(file.read_bytes()[:-5])
    assert "no witness: record 6: line 10 breaks off" in site.refusal("verify", file, "--witness", spoilt)
    spoilt.write_text('{"a": 1}')
    assert "no witness" in site.refusal("verify", file, "--witness", spoilt)


def test_witnesses_that_contradict_each_other_are_refused(site: Site) -> None:
    file = site.export()
    other = site.folder / "other.json"
    other.write_text(signed({"audit": {"seq": 4, "hash": "0" * 64}}, Signer(bytes(32))))
    said = site.refusal("verify", file, "--witness", site.receipt, "--witness", other)
    assert "another witness knows record 4" in said


def test_a_database_with_a_rotated_key_verifies_by_the_old_key(site: Site) -> None:
    asyncio.run(site.rotate())
    assert "5 records" in site.lfrd("verify", "--public-key", site.public_key)


def test_a_look_at_the_audit_is_recorded_with_who_it_was_and_is_not_part_of_what_is_shown(site: Site) -> None:
    assert "audit_viewed" not in site.lfrd("show")
    (line,) = site.lfrd("show", "--kind", "audit_viewed").splitlines()
    assert "console" in line
    assert site.lfrd("verify").startswith("the audit: ")


def test_records_are_shown_for_people_with_the_officers_name(site: Site) -> None:
    lines = site.lfrd("show").splitlines()
    assert len(lines) == 4
    assert lines[2].split() == ["3", *lines[2].split()[1:4], "Adams", "made_ready", "deployment=d1"]
    assert site.lfrd("show", "--deployment", "d1", "--kind", "started", "--actor", "Adams").count("\n") == 1
    assert site.lfrd("show", "--actor", "u1").count("\n") == 2
    assert site.lfrd("show", "--since", "2199-01-01") == ""
    shown = [json.loads(line) for line in site.lfrd("show", "--json").splitlines()]
    assert [(line["what"], line["name"]) for line in shown][1:3] == [
        ("user_added", "system"),
        ("made_ready", "Adams"),
    ]
    assert shown[2]["body"] == {"what": "made_ready", "deployment": "d1"}


def test_a_kind_that_is_none_is_a_misuse_that_names_those_there_are(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        app(["show", "--kind", "nonsense", "--config", str(site.config)])
    assert caught.value.code == MISUSED
    assert "alert_raised" in capsys.readouterr().err


async def test_records_of_a_deployment_are_found_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("", encoding="utf-8")
    async with records(config.load(tmp_path / "config.toml")) as site:
        for id, name in (("d1", "Market"), ("d2", "Market"), ("e3", "Fair")):
            await site.audit.record(kinds.Drafted(id, {"name": name}))
        assert await deployment_meant(site.audit, "Fair") == "e3"
        assert await deployment_meant(site.audit, "e") == "e3"
        assert await deployment_meant(site.audit, "d2") == "d2"
        with pytest.raises(MissingError, match="'Market' can be d1, d2: give one of these ids"):
            await deployment_meant(site.audit, "Market")
        with pytest.raises(MissingError, match="no deployment 'Parade'"):
            await deployment_meant(site.audit, "Parade")


def test_a_time_that_is_none_is_a_misuse(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        app(["show", "--since", "yesterday", "--config", str(site.config)])
    assert caught.value.code == MISUSED
    assert "is not a time such as" in capsys.readouterr().err


def test_a_look_at_a_site_that_kept_nothing_yet_makes_no_database(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = Site(tmp_path, capsys)
    for command in (["show"], ["verify"], ["export", str(tmp_path / "audit.jsonl")]):
        with pytest.raises(MissingError, match="no database"):
            site.lfrd(*command)
    assert not (site.placed.data / DATABASE).exists()
