"""The house stands as docs/developers.md says: who may import whom, and what guards it."""

from __future__ import annotations

import ast
import itertools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "lfrd"

# Lower storeys never import higher ones. Resources do not import one another.
STOREYS: list[set[str]] = [
    {"types", "errors", "config", "wire"},
    {"vision", "tracking", "decision", "policy", "audit"},
    {"flow", "loop", "workers", "networks", "memory", "logs", "metrics", "sealing", "certificates"},
    {"capture", "inference", "gallery", "store", "models", "webrtc"},
    {
        "pipeline",
        "glances",
        "stills",
        "operation",
        "web",
        "evaluation",
        "bench",
        "watching",
        "cameras",
        "listing",
        "record",
        "readiness",
        "records",
        "conducting",
        "assembly",
        "housekeeping",
        "rehearsal",
        "reporting",
        "preview",
        "push",
    },
    {"replay", "app", "officer", "demo", "commands", "cli", "__main__"},
]
RESOURCES = STOREYS[3]
STOREY = {room: number for number, rooms in enumerate(STOREYS) for room in rooms}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """The rooms of lfrd that a module imports, those for type checking only left out."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            return
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "lfrd":
            parts = node.module.split(".")[1:]
            found.update([parts[0]] if parts else [alias.name for alias in node.names])
        if isinstance(node, ast.Import):
            found.update(a.name.split(".")[1] for a in node.names if a.name.startswith("lfrd."))
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found - {"__version__"}


MODULES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_its_own_storey_and_lower_ones(path: Path) -> None:
    room = room_of(path)
    assert room in STOREY, f"{room} has no storey in this test's table"
    for other in imports(path) - {room}:
        assert other in STOREY, f"{room} imports {other}, which has no storey"
        assert STOREY[other] <= STOREY[room], f"{room} imports {other}, which stands above it"
        if room in RESOURCES and other in RESOURCES:
            raise AssertionError(f"{room} imports {other}: resources do not import one another")


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_opens_by_saying_what_it_is_for_and_fits_in_the_head(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), "no docstring"
    assert len(text.splitlines()) <= 450


@pytest.mark.parametrize("room", ["vision", "tracking", "decision", "policy", "audit"])
def test_pure_rooms_read_no_clock_and_open_no_file(room: str) -> None:
    forbidden = re.compile(
        r"\b(time\.(time|monotonic|perf_counter|sleep)|datetime\.now|open\(|asyncio|sqlite3|socket)\b"
    )
    for path in (PACKAGE / room).rglob("*.py"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            code = line.split("#")[0]
            assert not forbidden.search(code), f"{path.name}:{number}: {line.strip()}"


def test_nothing_in_the_repository_is_a_photograph() -> None:
    """Pictures in docs are drawn; photographs would be faces."""
    left_out = {"data", "demo-data", "build", "dist"}
    tops = [top for top in ROOT.iterdir() if not top.name.startswith(".") and top.name not in left_out]
    for path in itertools.chain(tops, *(top.rglob("*") for top in tops)):
        parts = path.relative_to(ROOT).parts
        if path.suffix.lower() in {".jpg", ".jpeg", ".webp", ".mp4", ".gif", ".npy", ".npz", ".onnx"}:
            raise AssertionError(f"{path.relative_to(ROOT)} does not belong in the repository")
        if path.suffix.lower() == ".png":
            assert parts[0] in {"docs", "static"}, f"{path.relative_to(ROOT)}: an unexpected picture"
