"""`lfrd key`: what others may know of the site's key, and a new one in its place."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from lfrd import config
from lfrd.commands import keys
from lfrd.config import Placed
from lfrd.errors import BusyError, LfrdError, MissingError, NotAllowed, SettingError
from lfrd.records import records
from lfrd.sealing.sitekey import CREDENTIAL, SiteKey, open_site_key, write_new
from lfrd.store.files import locked


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings of a site that has been started once."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    path = tmp_path / "config.toml"
    path.write_text("", encoding="utf-8")
    asyncio.run(opened(config.load(path)))
    return path


async def opened(placed: Placed) -> str:
    async with records(placed) as site:
        return site.keys.site_key.id


def test_show_prints_what_others_may_know_and_not_the_key(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = open_site_key(config.load(file), create=False)
    keys.show(file, as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "id": key.id,
        "public_key": key.signer.public_key.hex(),
        "recipient": key.recipient,
        "kept": str(file.parent / "site.key"),
    }
    keys.show(file)
    said = capsys.readouterr().out
    assert key.recipient in said
    assert "AGE-SECRET-KEY" not in said


def test_show_makes_no_key(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("", encoding="utf-8")
    with pytest.raises(MissingError, match="the site key is not there"):
        keys.show(tmp_path / "config.toml")
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


def test_rotate_puts_a_new_key_in_the_files_place(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = asyncio.run(opened(config.load(file)))
    keys.rotate(config_file=file, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["old"] == old
    assert told["id"] == asyncio.run(opened(config.load(file))) != old
    keys.rotate(config_file=file)
    assert f"site key {told['id']} is replaced by" in capsys.readouterr().out
    assert sorted(path.name for path in file.parent.iterdir()) == ["config.toml", "data", "site.key"]


def test_rotate_waits_for_the_server_to_be_stopped(file: Path) -> None:
    before = (file.parent / "site.key").read_bytes()
    with locked(file.parent / "data"), pytest.raises(BusyError, match="stop that one"):
        keys.rotate(config_file=file)
    assert (file.parent / "site.key").read_bytes() == before
    assert not (file.parent / "site.key.next").exists()


def test_a_key_from_systemd_is_rotated_into_a_file_for_its_owner_to_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "config.toml"
    file.write_text("", encoding="utf-8")
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    first = SiteKey.generate()
    write_new(credentials / CREDENTIAL, first)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert asyncio.run(opened(config.load(file))) == first.id
    with pytest.raises(NotAllowed, match="add --into FILE"):
        keys.rotate(config_file=file)
    with pytest.raises(SettingError, match="lies in the data folder"):
        keys.rotate(into=tmp_path / "data" / "new", config_file=file)
    keys.rotate(into=tmp_path / "new", config_file=file)
    assert "put it into the credential" in capsys.readouterr().out
    with pytest.raises(LfrdError, match="in its place"):
        asyncio.run(opened(config.load(file)))
    (tmp_path / "new").replace(credentials / CREDENTIAL)
    assert asyncio.run(opened(config.load(file))) != first.id
    assert not (tmp_path / "site.key").exists()


def test_into_is_refused_where_the_key_is_a_file(file: Path) -> None:
    with pytest.raises(NotAllowed, match="leave --into out"):
        keys.rotate(into=file.parent / "new", config_file=file)
