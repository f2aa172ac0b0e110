"""The builtin pack's networks, for the live picture."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lfrd.config import Inference as Settings
from lfrd.inference import Inference, opened
from lfrd.models import library
from lfrd.vision.pack import Pack


@pytest.fixture
def pack(builtin: Path) -> Pack:
    return library.open_pack(str(builtin), builtin.parent)


@pytest.fixture
async def inference(pack: Pack) -> AsyncIterator[Inference]:
    async with opened(pack, library.networks, Settings()) as inference:
        yield inference
