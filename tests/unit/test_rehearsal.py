"""What a rehearsal writes is what an import reads."""

from __future__ import annotations

import datetime
from pathlib import Path

from lfrd.listing.source import read_source
from lfrd.rehearsal import CATEGORY, write_list
from tests.unit.listing.kit import draw


def test_a_rehearsed_list_is_read_with_every_picture_of_each_person(tmp_path: Path) -> None:
    pictures = [tmp_path / f"{number}.png" for number in range(3)]
    for number, path in enumerate(pictures):
        draw(path, number)
    folder = write_list(tmp_path / "list", {"N1": pictures[:2], "N2": pictures[2:]})
    source = read_source(folder, [CATEGORY], datetime.date(2025, 10, 9))
    assert source.problems == []
    assert [(entry.reference, len(entry.pictures)) for entry in source.entries] == [("N1", 2), ("N2", 1)]
