"""An import enrols, stores, compares the list with itself, and is in force whole or not at all."""

from __future__ import annotations

from pathlib import Path

from tests.unit.listing import kit
from tests.unit.listing.kit import Site, people, write_csv


async def test_a_list_is_imported_with_everyone_who_can_be_looked_for(site: Site, folder: Path) -> None:
    write_csv(folder, people(folder, 5))
    done = await site.bring(folder)
    assert (done.summary.listed, done.summary.waiting, done.summary.refused) == (5, 0, 0)
    assert done.summary.built_at == kit.NOW
    listed = await site.watchlists.listed(site.deployment)
    assert [one.reference for one in listed] == ["N1", "N2", "N3", "N4", "N5"]
    assert listed[0].templates.shape == (1, kit.DIM)
    assert listed[0].face_jpeg[:3] == b"\xff\xd8\xff"
    assert listed[0].instruction == "arrest on the warrant"
