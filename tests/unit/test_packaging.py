"""What is installed is what is declared, and what is locked lies within the declared bounds."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RUN = [Requirement(text) for text in PROJECT["dependencies"]]
EXTRAS = {name: [Requirement(t) for t in texts] for name, texts in PROJECT["optional-dependencies"].items()}


def locked(name: str) -> dict[str, set[str]]:
    """Versions by package; several where they differ by Python version."""
    pins: dict[str, set[str]] = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if found := re.match(r"([a-z0-9._-]+)==([^ ;\\]+)", line):
            pins.setdefault(found.group(1), set()).add(found.group(2))
    return pins


@pytest.mark.parametrize("wanted", [*RUN, *EXTRAS["openvino"], *EXTRAS["test"]], ids=str)
def test_an_installed_package_lies_within_its_bounds(wanted: Requirement) -> None:
    assert wanted.specifier.contains(version(wanted.name))


@pytest.mark.parametrize(
    ("lock", "requirements"),
    [
        ("requirements.lock", [*RUN, *EXTRAS["demo"]]),
        ("requirements-openvino.lock", [*RUN, *EXTRAS["demo"], *EXTRAS["openvino"]]),
        ("requirements-test.lock", [*RUN, *EXTRAS["demo"], *EXTRAS["openvino"], *EXTRAS["test"]]),
    ],
)
def test_the_lock_pins_every_dependency_within_its_bounds_and_with_digests(
    lock: str, requirements: list[Requirement]
) -> None:
    pins = locked(lock)
    for wanted in requirements:
        name = re.sub(r"[._]+", "-", wanted.name.lower())
        assert name in pins, f"{wanted.name} is not in {lock}; run make lock"
        assert all(wanted.specifier.contains(pin) for pin in pins[name]), f"{wanted}: {pins[name]}"
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert text.count("==") <= text.count("--hash=sha256:")


def test_every_dependency_has_a_lower_and_an_upper_bound() -> None:
    for wanted in [*RUN, *(r for extra in EXTRAS.values() for r in extra)]:
        operators = {part.operator for part in wanted.specifier}
        assert operators in ({">=", "<"}, {"=="}), str(wanted)


def test_no_file_of_the_project_names_a_registry_or_a_machine() -> None:
    suspicious = re.compile(r"--(extra-)?index-url|files\.pythonhosted|/root/|/home/[a-z]+/")
    for path in ROOT.rglob("*"):
        parts = path.relative_to(ROOT).parts
        if path.suffix in {".py", ".md", ".toml", ".lock", ".js", ".css", ".html"} and parts[0] not in {
            ".venv",
            ".git",
        }:
            if path == Path(__file__):
                continue
            assert not suspicious.search(path.read_text(encoding="utf-8")), path


def test_this_python_is_one_that_the_project_promises() -> None:
    assert sys.version_info >= (3, 11)
    assert PROJECT["requires-python"] == ">=3.11"
