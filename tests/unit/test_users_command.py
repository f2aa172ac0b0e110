"""`lfrd users`, `invite`, `officers` and `revoke`: a site's people, from the machine's command line."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import structlog

from lfrd.commands.failure import FAILED, MISUSED
from lfrd.commands.tree import run

PASSWORD = "seven herons over Whitby"


class Ended(NamedTuple):
    code: int
    out: str
    err: str


class Site:
    """A configuration in a folder of its own, and the commands that are given there, in this process."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, captured: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._patch = patch
        self._captured = captured
        (folder / "config.toml").write_text('[web]\nhost = "127.0.0.1"\nport = 8443\n')
        self.file("password", PASSWORD + "\n")

    def file(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def lfrd(self, *words: str | Path) -> Ended:
        argv = ["lfrd", *map(str, words), "--config", str(self.folder / "config.toml")]
        self._patch.setattr("sys.argv", argv)
        code = run()
        out, err = self._captured.readouterr()
        assert "Traceback" not in err + out
        assert PASSWORD not in err + out
        return Ended(code, out, err)

    def done(self, *words: str | Path) -> str:
        ended = self.lfrd(*words)
        assert (ended.code, ended.err) == (0, "")
        return ended.out

    def refused(self, *words: str | Path) -> str:
        ended = self.lfrd(*words)
        assert ended.code == FAILED
        assert ended.err.count("\n") == 1
        return ended.err

    @property
    def as_ives(self) -> tuple[str | Path, ...]:
        return ("--as", "Insp Ives", "--password-file", self.folder / "password")

    def has_an_authorising_officer(self) -> None:
        self.done("users", "add", "Insp Ives", "--role", "authorising", "--rank", "Inspector")
        self.done("users", "password", "Insp Ives", "--new-password-file", self.folder / "password")


@pytest.fixture
def site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Site]:
    log, events = logging.getLogger(), structlog.get_config()
    handlers, level = list(log.handlers), log.level
    yield Site(tmp_path, monkeypatch, capsys)
    log.handlers[:] = handlers
    log.setLevel(level)
    structlog.configure(**events)


def test_a_person_is_added_with_a_link_to_set_their_password(site: Site) -> None:
    added = json.loads(site.done("users", "add", "Olu", "--role", "operator", "--json"))
    assert added["link"].startswith("https://127.0.0.1:8443/desk/#join=")
    (listed,) = json.loads(site.done("users", "list", "--json"))
    assert listed == {
        "name": "Olu",
        "role": "operator",
        "rank": "",
        "state": "no password yet",
        "password": False,
        "passkeys": 0,
    }


def test_the_first_authorising_officer_is_made_here_and_the_next_by_an_authorising_officer(
    site: Site,
) -> None:
    site.has_an_authorising_officer()
    for role in ("authorising", "auditor"):
        assert "add --as NAME" in site.refused("users", "add", f"New {role}", "--role", role)
        site.done("users", "add", f"New {role}", "--role", role, *site.as_ives)
    assert "authorising officer" in site.refused(
        "users", "password", "New auditor", "--new-password-file", site.folder / "password"
    )


def test_a_wrong_password_gives_no_command(site: Site) -> None:
    site.has_an_authorising_officer()
    wrong = site.file("wrong", "not the password")
    acting = ("--as", "Insp Ives", "--password-file", wrong)
    assert "not right" in site.refused("users", "add", "Eve", "--role", "auditor", *acting)
    missing = ("--as", "Insp Ives", "--password-file", site.folder / "none")
    assert "cannot be read" in site.refused("users", "add", "Eve", "--role", "auditor", *missing)
    assert len(json.loads(site.done("users", "list", "--json"))) == 1


def test_nobody_is_asked_for_a_password_where_nobody_sits(site: Site) -> None:
    site.has_an_authorising_officer()
    assert "--password-file" in site.refused("users", "enable", "Insp Ives", "--as", "Insp Ives")


def test_a_weak_password_is_refused_in_words(site: Site) -> None:
    site.done("users", "add", "Olu", "--role", "operator")
    weak = site.file("weak", "password1234")
    assert "tried first" in site.refused("users", "password", "Olu", "--new-password-file", weak)


def test_an_account_is_disabled_and_enabled(site: Site) -> None:
    site.done("users", "add", "Olu", "--role", "operator")
    assert site.done("users", "disable", "olu") == "olu: disabled\n"
    assert json.loads(site.done("users", "list", "--json"))[0]["state"] == "disabled"
    site.done("users", "enable", "Olu")
    site.done("users", "unlock", "Olu")
    assert "nobody has that name" in site.refused("users", "disable", "Eve")


def test_the_last_authorising_officer_stays(site: Site) -> None:
    site.has_an_authorising_officer()
    assert "only authorising officer" in site.refused("users", "disable", "Insp Ives")


def test_passkeys_are_listed_and_an_unknown_one_is_not_removed(site: Site) -> None:
    site.done("users", "add", "Olu", "--role", "operator")
    assert site.done("users", "passkeys", "Olu", "--json").strip() == "[]"
    assert "0 passkeys" in site.refused("users", "passkeys", "Olu", "--remove", "ab")


def test_an_invitation_is_for_an_engagement_officers_phone_and_for_nobody_else(site: Site) -> None:
    link = json.loads(site.done("invite", "PC 1234", "--json"))["link"]
    assert link.startswith("https://127.0.0.1:8443/#join=")
    site.done("users", "add", "Olu", "--role", "operator")
    assert "one role" in site.refused("invite", "Olu")
    assert "--address" in site.refused("invite", "PC 1", "--address", "box.example")


def test_who_is_signed_in_is_listed_and_revoked(site: Site) -> None:
    assert json.loads(site.done("officers", "--json")) == []
    assert "no phone is signed in" in site.refused("revoke", "PC 1234")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["users", "add", "Eve"], "--role"),
        (["users", "add", "Eve", "--role", "admin"], "--role"),
        (["users", "disable", "Eve", "--password-file", "x"], "--as"),
    ],
)
def test_a_wrong_command_line_is_one_line(site: Site, words: list[str], says: str) -> None:
    ended = site.lfrd(*words)
    assert ended.code == MISUSED
    assert says in ended.err
