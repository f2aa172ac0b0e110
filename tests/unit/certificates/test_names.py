"""What a box is called: by itself, by its interfaces, and by whoever wrote its settings."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from pathlib import Path

import ifaddr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.certificates.names import Names, of_this_box, parse
from lfrd.errors import SettingError


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine called box7, with a network card and what else machines have."""
    adapter = ifaddr.Adapter(
        "eth0",
        "eth0",
        [
            ifaddr.IP("127.0.0.1", 8, "lo"),
            ifaddr.IP("192.168.7.20", 24, "eth0"),
            ifaddr.IP(("fd00::7", 0, 0), 64, "eth0"),
            ifaddr.IP(("fe80::1", 0, 2), 64, "eth0"),
            ifaddr.IP(("2001:db8::5", 0, 0), 64, "eth0"),
        ],
    )
    monkeypatch.setattr(socket, "gethostname", lambda: "Box7")
    monkeypatch.setattr(ifaddr, "get_adapters", lambda: [adapter])


def hosts(folder: Path, text: str) -> Path:
    path = folder / "hosts"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_box_knows_its_name_its_mdns_name_and_what_etc_hosts_has_of_it(tmp_path: Path) -> None:
    file = hosts(
        tmp_path, "127.0.1.1 box7.force.example box7 # box7.old.example\n192.0.2.9 other.force.example\n"
    )
    assert of_this_box(hosts=file).dns == ("box7", "box7.local", "box7.force.example", "localhost")


def test_a_hosts_name_with_a_domain_is_kept_beside_its_first_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "box7.force.example")
    found = of_this_box(hosts=tmp_path / "none")
    assert found.dns == ("box7.force.example", "box7", "box7.local", "localhost")


@pytest.mark.parametrize("name", ["my_box", "", "localhost", "-box", "a" * 64])
def test_a_hosts_name_that_no_browser_opens_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: name)
    assert of_this_box(hosts=tmp_path / "none").dns == ("localhost",)


def test_addresses_are_those_that_stay_and_that_a_browser_can_open(tmp_path: Path) -> None:
    """Not link-local ones of IPv6, and no global ones of it, which change by the day."""
    found = of_this_box(hosts=tmp_path / "none").addresses
    assert list(map(str, found)) == ["127.0.0.1", "::1", "192.168.7.20", "fd00::7"]


def test_further_names_and_addresses_come_from_the_settings_once_each(tmp_path: Path) -> None:
    found = of_this_box(
        ["LFR.Force.Example.", "192.168.7.20", "[2001:db8::5]", "bücher.example"], hosts=tmp_path / "none"
    )
    assert found.dns[-2:] == ("lfr.force.example", "xn--bcher-kva.example")
    assert found.addresses.count(ip_address("192.168.7.20")) == 1
    assert found.addresses[-1] == ip_address("2001:db8::5")


@pytest.mark.parametrize(
    "wrong", ["", "a b", "*.force.example", "https://box", "box:8443", "a..b", "x" * 300]
)
def test_what_is_neither_name_nor_address_is_told_with_the_setting(wrong: str) -> None:
    with pytest.raises(SettingError, match=r"tls\.names: '.*' is neither a name nor an address"):
        of_this_box([wrong])


def test_nothing_leaves_the_machine_to_find_its_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: object) -> None:
        raise AssertionError("a name server was asked")

    for name in ("getfqdn", "gethostbyaddr", "gethostbyname", "getaddrinfo"):
        monkeypatch.setattr(socket, name, asked)
    assert len(of_this_box(hosts=tmp_path / "none")) == 7


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True).filter(
    lambda label: not label.startswith("xn--") and not label.isdigit()
)


@given(
    st.lists(st.lists(LABEL, min_size=1, max_size=4).map(".".join), max_size=6), st.lists(st.ip_addresses())
)
def test_what_is_written_out_is_read_as_the_same(dns: list[str], addresses: list[object]) -> None:
    found = parse([*dns, *map(str, addresses)])
    assert parse(found.words()) == found
    assert found.within(found)
    assert Names((), ()).within(found)
