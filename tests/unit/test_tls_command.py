"""`lfrd tls`: what the box presents, a new one, one of one's own, and the authority as a file."""

from __future__ import annotations

import json
import plistlib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lfrd.certificates.authority import make_authority
from lfrd.certificates.keeping import ensure, read_authority, read_box
from lfrd.certificates.names import parse
from lfrd.commands.failure import told
from lfrd.commands.tree import app
from lfrd.errors import LfrdError


class Site:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tls = folder / "tls"
        self.configure()

    def configure(self, text: str = "", tls: str = "") -> None:
        (self.folder / "config.toml").write_text(f'[web]\nhost = "127.0.0.1"\n{text}\n[tls]\n{tls}\n')

    def run(self, *arguments: str | Path) -> str:
        """What it prints. Raises what it fails with."""
        command = [*map(str, arguments), "--config", str(self.folder / "config.toml")]
        result = CliRunner().invoke(app, command)
        if result.exception is not None:
            raise result.exception
        return result.stdout

    def started(self) -> None:
        """What the first start makes."""
        ensure(self.tls, parse(["box7", "localhost", "127.0.0.1"]), 1_790_000_000.0)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def digests(site: Site) -> tuple[str, str]:
    authority, box = read_authority(site.tls), read_box(site.tls)
    assert authority is not None
    assert box is not None
    return authority.digest, box.digest


def together(rows: list[str]) -> str:
    return "".join(rows).replace(" ", "").lower()


def test_show_says_names_end_signer_and_fingerprints(site: Site) -> None:
    site.started()
    facts = json.loads(site.run("tls", "show", "--json"))
    authority, box = digests(site)
    assert facts["source"] == "own"
    assert facts["names"] == ["box7", "localhost", "127.0.0.1"]
    assert (together(facts["authority"]["fingerprint"]), together(facts["fingerprint"])) == (authority, box)
    assert facts["signed_by"] == facts["authority"]["name"]
    said = site.run("tls", "show")
    for row in facts["authority"]["fingerprint"]:
        assert row in said
    assert "PRIVATE" not in said


def test_show_makes_nothing_before_the_first_start(site: Site) -> None:
    with pytest.raises(LfrdError, match="`lfrd run` makes it at its first start"):
        site.run("tls", "show")
    assert not site.tls.exists()


def test_plain_http_has_no_certificate_to_show_or_to_renew(site: Site) -> None:
    site.configure("allow_plain_http = true")
    for command in ("show", "renew"):
        with pytest.raises(LfrdError, match="serves plain HTTP"):
            site.run("tls", command)


def test_renew_makes_a_certificate_by_the_same_authority_and_the_audit_knows(site: Site) -> None:
    site.started()
    before = digests(site)
    assert "takes it within a minute" in site.run("tls", "renew")
    after = digests(site)
    assert after[0] == before[0]
    assert after[1] != before[1]
    audit = site.run("audit", "show", "--json")
    assert "certificate_made" in audit
    assert after[1] in audit
    assert "authority_made" not in audit


def test_renew_authority_says_that_every_phone_has_to_trust_it(site: Site) -> None:
    site.started()
    before = digests(site)
    assert "every phone has to trust it" in site.run("tls", "renew", "--authority")
    after = digests(site)
    assert after[0] != before[0]
    assert after[0] in site.run("audit", "show", "--json")


@pytest.mark.parametrize("suffix", [".crt", ".pem", ".mobileconfig"])
def test_the_authority_is_written_without_its_key(site: Site, suffix: str) -> None:
    site.started()
    output = site.folder / f"authority{suffix}"
    facts = json.loads(site.run("tls", "authority", "--output", output, "--json"))
    found = read_authority(site.tls)
    assert found is not None
    assert together(facts["fingerprint"]) == found.digest
    data = output.read_bytes()
    assert b"PRIVATE" not in data
    if suffix == ".mobileconfig":
        assert plistlib.loads(data)["PayloadContent"][0]["PayloadContent"] == found.der
    else:
        assert data == (found.der if suffix == ".crt" else found.certificate_pem())


def test_another_ending_is_misuse(site: Site) -> None:
    site.started()
    with pytest.raises(SystemExit):
        site.run("tls", "authority", "--output", site.folder / "a.txt")


def written(folder: Path, *names: str) -> tuple[Path, Path]:
    import time

    pair = make_authority(parse(names), time.time()).issue(parse(names), time.time())
    (folder / "cert.pem").write_bytes(pair.certificate_pem())
    (folder / "key.pem").write_bytes(pair.pem())
    return folder / "cert.pem", folder / "key.pem"


def test_bring_checks_and_says_what_to_write_and_changes_nothing(site: Site) -> None:
    certificate, key = written(site.folder, "lfr.force.example")
    before = {path: path.read_bytes() for path in site.folder.iterdir()}
    said = site.run("tls", "bring", certificate, key)
    assert f'certificate = "{certificate}"\nkey = "{key}"' in said
    assert "it is not for 127.0.0.1" in said  # which our links have
    assert {path: path.read_bytes() for path in site.folder.iterdir()} == before


def test_bring_is_content_where_the_links_carry_the_certificates_name(site: Site) -> None:
    certificate, key = written(site.folder, "lfr.force.example")
    site.configure(f'certificate = "{certificate}"\nkey = "{key}"', tls='names = ["lfr.force.example"]')
    facts = json.loads(site.run("tls", "bring", certificate, key, "--json"))
    assert facts["warnings"] == []
    assert facts["in_use"]
    assert json.loads(site.run("tls", "show", "--json"))["source"] == "brought"
    link = json.loads(site.run("invite", "PC 1234", "--json"))
    assert link["link"].startswith("https://lfr.force.example:8443/#join=")
    assert "trust" not in link


def test_bring_refuses_in_one_line(site: Site) -> None:
    certificate, _ = written(site.folder, "lfr.force.example")
    other = site.folder / "other"
    other.mkdir()
    _, key = written(other, "lfr.force.example")
    with pytest.raises(LfrdError, match="and the key do not belong together") as refused:
        site.run("tls", "bring", certificate, key)
    assert told(refused.value) == 1


def test_an_invitation_says_first_where_to_trust_and_what_to_compare(site: Site) -> None:
    site.started()
    facts = json.loads(site.run("invite", "PC 1234", "--json"))
    assert facts["trust"] == "http://127.0.0.1:8080"
    assert together([facts["fingerprint"]]) == digests(site)[0]
    assert "#" not in facts["trust"]
    said = site.run("invite", "PC 1234")
    assert said.index("http://127.0.0.1:8080") < said.index("https://127.0.0.1:8443/#join=")
