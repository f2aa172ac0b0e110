"""A box of its own for every test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.listing import kit


@pytest.fixture
async def site(tmp_path: Path, builtin: Path) -> AsyncIterator[kit.Site]:
    async with kit.site(tmp_path / "box", builtin) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "list"
