"""docs/asvs.md is true: every requirement has a state, and every test that it names is there and runs."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

import httpx
import pytest

from lfrd.types import CONSOLE
from tests.unit.test_rules import ROOT, problems
from tests.unit.web.staff import staffed

PAGE = (ROOT / "docs" / "asvs.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.M)
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
ROWS = ROW.findall(PAGE)
TESTS = sorted({test for row in ROWS for test in NAMED.findall(row[3])})


def test_every_row_is_read_and_stands_once_and_in_order() -> None:
    numbers = [tuple(map(int, row[0].split("."))) for row in ROWS]
    assert len(numbers) == len(re.findall(r"^\| \d", PAGE, re.M))
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(("number", "asked", "state", "held"), ROWS, ids=[row[0] for row in ROWS])
def test_what_is_met_has_a_test_and_what_is_not_says_why(
    number: str, asked: str, state: str, held: str
) -> None:
    assert state in ("met", "in part", "not met", "not applicable")
    named = NAMED.findall(held)
    assert len(named) == held.count("::")
    if state == "met":
        assert named
        assert NAMED.sub("", held).strip() == ""
    else:
        assert len(NAMED.sub("", held).strip()) > 15


@pytest.mark.parametrize(("path", "name"), TESTS, ids=lambda value: str(value))
def test_every_test_that_the_table_names_is_there_and_not_switched_off(path: str, name: str) -> None:
    assert (ROOT / path).is_file()
    assert problems(path).get(name) == ""


async def test_a_session_token_has_256_bits_of_the_systems_randomness(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`secrets`, and nothing that the box knows, makes it."""
    drawn: list[str] = []
    draw = secrets.token_urlsafe

    def watched(size: int) -> str:
        assert size * 8 >= 256
        drawn.append(draw(size))
        return drawn[-1]

    async with staffed(tmp_path) as staff:
        code = await staff.officers.invite("PC Adams", 1, 60, actor=CONSOLE)
        monkeypatch.setattr(secrets, "token_urlsafe", watched)
        assert await staff.officers.join(code) in drawn


def test_no_page_stands_in_the_way_of_pasting_a_password() -> None:
    scripts = {path: path.read_text(encoding="utf-8") for path in (ROOT / "static").rglob("*.js")}
    for path, text in scripts.items():
        assert not re.search(r"[\"']paste[\"']|onpaste", text), path
    for kind in ("current-password", "new-password"):
        assert any(kind in text for text in scripts.values())


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "x-real-ip", "x-forwarded-host"])
async def test_a_forwarded_address_makes_nobody_local(tmp_path: Path, header: str) -> None:
    async with staffed(tmp_path) as staff:
        transport = httpx.ASGITransport(staff.office.app, client=("192.0.2.9", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            answer = await client.get("/metrics", headers={header: "127.0.0.1"})
    assert answer.status_code == 401
