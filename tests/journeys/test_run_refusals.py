"""What `lfrd run` and `lfrd invite` refuse: one line on what, where and what to do, and exit code 1."""

from __future__ import annotations

import re
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lfrd.certificates.keeping import ensure
from lfrd.certificates.names import of_this_box
from tests.commands import beside
from tests.journeys.process import Site, lfrd

pytestmark = pytest.mark.journey


@pytest.fixture
def site(tmp_path: Path, builtin: Path, astronaut: Path) -> Site:
    site = Site(tmp_path, builtin)
    site.watch_for(**{"M-2041": astronaut})
    return site


async def assert_refused(site: Site, *told: str) -> None:
    """One line on standard error that says all of this, exit code 1, and nothing else."""
    ended = await beside("run", "--config", site.config, cwd=site.folder)
    assert ended.code == 1, ended
    assert ended.out == ""
    lines = [line for line in ended.err.splitlines() if not line.endswith(" ...")]  # slow work under way
    assert len(lines) == 1, ended.err
    assert lines[0].startswith("lfrd: ")
    for part in told:
        assert part in lines[0]


async def test_a_port_in_use_is_refused_in_one_line(site: Site) -> None:
    site.configure()
    with socket.create_server(("127.0.0.1", site.port)):
        await assert_refused(site, f"port {site.port}", "in use", "web.port")


async def test_the_port_for_new_phones_in_use_is_refused_in_one_line(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        site.configure(web={"allow_plain_http": False}, tls={"onboarding_port": port})
        await assert_refused(site, f"port {port}", "in use", "tls.onboarding_port")


@pytest.mark.parametrize(
    ("spoilt", "told"),
    [
        (lambda tls: (tls / "authority.pem").chmod(0o644), ["others may use", "chmod 600"]),
        (lambda tls: (tls / "authority.pem").write_text("half"), ["authority.pem", "--authority"]),
        (lambda tls: tls.chmod(0o777), ["others may write", "chmod 700"]),
    ],
    ids=["readable", "damaged", "writable"],
)
async def test_keys_that_cannot_be_relied_on_are_refused_in_one_line(
    site: Site, spoilt: Callable[[Path], object], told: list[str]
) -> None:
    site.configure(web={"allow_plain_http": False}, tls={"onboarding_port": 0})
    ensure(site.folder / "tls", of_this_box(["127.0.0.1"]), time.time())
    spoilt(site.folder / "tls")
    before = {path.name: path.read_bytes() for path in (site.folder / "tls").iterdir()}
    await assert_refused(site, *told)
    assert {path.name: path.read_bytes() for path in (site.folder / "tls").iterdir()} == before


async def test_a_second_server_on_the_same_folder_is_refused_in_one_line(site: Site) -> None:
    site.configure()
    async with site.running() as server:
        site.port = 0
        site.configure()
        await assert_refused(site, str(site.data), f"in use by another lfrd process ({server.process.pid})")
        assert (await server.get("/healthz")).status_code == 200


async def test_a_missing_pack_is_refused_in_one_line(site: Site) -> None:
    site.configure(inference={"pack": "vendor-9"})
    await assert_refused(site, "vendor-9", "lfrd models")


async def test_a_pack_whose_file_was_changed_is_refused_in_one_line(site: Site, builtin: Path) -> None:
    pack = Path(shutil.copytree(builtin, site.folder / "pack"))
    changed = change_one_bit(pack)
    site.configure(inference={"pack": pack})
    await assert_refused(site, str(changed), "SHA-256")


def change_one_bit(pack: Path) -> Path:
    file = max(pack.glob("*.onnx"), key=lambda file: file.stat().st_size)
    data = bytearray(file.read_bytes())
    data[1000] ^= 1
    file.write_bytes(data)
    return file


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("[web]\nprot = 8443\n", ["web.prot", "did you mean 'port'"]),
        ("[web]\nport = 'many'\n", ["web.port", "number"]),
        ("[web\n", ["not valid TOML"]),
        ("[web]\ncertificate = 'a'\nkey = 'b'\nallow_plain_http = true\n", ["web.allow_plain_http"]),
        ("[web]\ncertificate = 'a.pem'\nkey = 'b.pem'\n", ["web.certificate", "a.pem cannot be read"]),
        ("[web]\nport = 8080\n", ["tls.onboarding_port", "another port"]),
        ("[tls]\nnames = ['*.example']\n", ["tls.names", "neither a name nor an address"]),
        ("[tls]\nfolder = 'data/tls'\n", ["tls.folder", "in the data folder"]),
        ("[[cameras]]\nname = 'Gate'\nsource = 'rtsp://u:secret@h/x'\n", ["cameras[0].source", "password"]),
    ],
    ids=["unknown", "type", "toml", "both", "certificate", "ports", "names", "folder", "password"],
)
async def test_a_wrong_setting_is_refused_in_one_line(site: Site, written: str, told: list[str]) -> None:
    site.config.write_text(f"{written}", encoding="utf-8")
    await assert_refused(site, *told)


async def test_a_missing_settings_file_is_refused_in_one_line(site: Site) -> None:
    await assert_refused(site, str(site.config), "lfrd config")


# ---- invitations ----------------------------------------------------------------------------------------


async def test_an_invitation_is_refused_in_one_line_where_there_are_no_settings(site: Site) -> None:
    ended = await lfrd("invite", "PC Adams", "--config", site.config)
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (1, "", 1)


async def test_an_invitation_names_an_address_that_a_phone_can_open(site: Site) -> None:
    site.configure(web={"host": "0.0.0.0", "allow_plain_http": True})
    link = await site.invitation("PC Adams")
    assert "0.0.0.0" not in link
    assert re.match(rf"http://[^/]+:{site.port}/#join=", link)
    site.configure(web={"port": 0})
    for address, told in ([], "--address"), (["--address", "lfrd.local"], "https://"):
        ended = await lfrd("invite", "PC Adams", "--config", site.config, *address)
        assert (ended.code, ended.out, len(ended.err.splitlines())) == (1, "", 1)
        assert told in ended.err
