"""docs/rules.md is true: each of the thirty rules once, and every test that it names is there and runs."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "rules.md"
_ROW = re.compile(
    r"^\| (?P<number>\d+) \| (?P<text>[^|]+) \| (?P<modules>[^|]+) \| (?P<tests>[^|]+) \|$", re.M
)
_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


class Rule(NamedTuple):
    """One row. modules: paths from the project's folder. tests: path and name."""

    number: int
    text: str
    modules: list[str]
    tests: list[tuple[str, str]]


def rules(page: str) -> list[Rule]:
    return [
        Rule(
            int(row["number"]),
            row["text"].strip(),
            re.findall("`([^`]+)`", row["modules"]),
            _NAMED.findall(row["tests"]),
        )
        for row in _ROW.finditer(page)
    ]


RULES = rules(PAGE.read_text(encoding="utf-8"))
NAMED = sorted({test for rule in RULES for test in rule.tests})


@functools.cache
def problems(path: str) -> dict[str, str]:
    """Every test of a file by its name -> why it never runs; '' where it does."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    off = "the whole file is skipped" if any(map(_switches_off, tree.body)) else ""
    return {
        node.name: off or next((ast.unparse(one) for one in node.decorator_list if _skips(one)), "")
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def _skips(mark: ast.expr) -> bool:
    """pytest.mark.skip and xfail, with or without a reason; skipif(...) depends on something, and is fair."""
    called = mark.func if isinstance(mark, ast.Call) else mark
    return isinstance(called, ast.Attribute) and called.attr in ("skip", "xfail")


def _switches_off(statement: ast.stmt) -> bool:
    """pytestmark = pytest.mark.skip(...), alone or in a list, or a bare pytest.skip(...) in the module."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Call) and _skips(statement.value)
    if not isinstance(statement, ast.Assign):
        return False
    if not any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in statement.targets):
        return False
    return any(_skips(node) for node in ast.walk(statement.value) if isinstance(node, ast.expr))


def test_each_of_the_thirty_rules_stands_in_the_table_once_and_in_order() -> None:
    assert [rule.number for rule in RULES] == list(range(1, 31))
    assert all(rule.text for rule in RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.number))
def test_each_rule_names_the_modules_that_keep_it_and_a_test_that_holds_it(rule: Rule) -> None:
    assert rule.tests
    assert len(set(rule.tests)) == len(rule.tests)
    assert rule.modules
    assert [path for path in rule.modules if not (ROOT / path).exists()] == []


@pytest.mark.parametrize(("path", "name"), NAMED, ids=lambda value: str(value))
def test_every_test_that_the_table_names_is_there_and_not_switched_off(path: str, name: str) -> None:
    assert (ROOT / path).is_file()
    assert name in problems(path)
    assert problems(path)[name] == ""


def test_everything_in_the_last_column_is_a_test() -> None:
    """A name that is misspelt so that it is not read would go unnoticed."""
    for row in _ROW.finditer(PAGE.read_text(encoding="utf-8")):
        assert len(_NAMED.findall(row["tests"])) == row["tests"].count("`") / 2 == row["tests"].count("::")


def test_every_test_under_tests_rules_holds_a_rule_of_the_table() -> None:
    written = {
        (f"tests/rules/{file.name}", name)
        for file in (ROOT / "tests" / "rules").glob("test_*.py")
        for name in problems(f"tests/rules/{file.name}")
    }
    assert written <= set(NAMED)


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("def test_a(): ...", True),
        ("@pytest.mark.journey\nasync def test_a(): ...", True),
        ("@pytest.mark.skipif(WINDOWS, reason='')\ndef test_a(): ...", True),
        ("@pytest.mark.skip\ndef test_a(): ...", False),
        ("@pytest.mark.skip(reason='later')\ndef test_a(): ...", False),
        ("@pytest.mark.xfail(strict=True)\nasync def test_a(): ...", False),
        ("pytestmark = [pytest.mark.journey, pytest.mark.skip]\ndef test_a(): ...", False),
        ("pytest.skip('later', allow_module_level=True)\ndef test_a(): ...", False),
    ],
)
def test_a_test_that_is_switched_off_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, runs: bool
) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "test_a.py").write_text(text, encoding="utf-8")
    problems.cache_clear()
    assert (problems("test_a.py")["test_a"] == "") == runs
    problems.cache_clear()
