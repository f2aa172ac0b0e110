"""An import enrols, stores, compares the list with itself, and is in force whole or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from lfrd.audit.kinds import ListImported, decode
from lfrd.errors import CalibrationError, NotAllowed
from lfrd.listing.importing import import_list
from lfrd.store.destruction import Destruction
from lfrd.store.entries import EntryState, Need
from lfrd.types import F32, U8, Actor
from tests.unit.listing import kit
from tests.unit.listing.kit import (
    OPERATOR,
    OTHER_OPERATOR,
    PLAN,
    SUPERINTENDENT,
    Site,
    draw,
    people,
    row,
    write_csv,
)


async def needs_of(site: Site) -> dict[str, tuple[EntryState, tuple[Need, ...]]]:
    views = await site.watchlists.entries(site.deployment, OPERATOR)
    return {view.reference: (view.state, view.needs) for view in views}


async def references(site: Site) -> list[str]:
    return [one.reference for one in await site.watchlists.listed(site.deployment)]


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
    assert all(not vector.any() for vector in site.eyes.vectors)


async def test_the_import_is_audited_with_counts_and_without_references(site: Site, folder: Path) -> None:
    rows = people(folder, 3)
    draw(folder / "N3.png", 3, kit.NOBODY)
    write_csv(folder, [*rows, row("N4", category="anyone")])
    await site.bring(folder)
    (text,) = await site.audit("list_imported")
    body = decode(text)
    assert isinstance(body, ListImported)
    assert (body.listed, body.waiting, body.refused, body.pairs) == (2, 0, 2, 0)
    assert body.reasons == {"no_face": 1, "picture_missing": 1, "unknown_category": 1}
    assert "N1" not in text


async def test_one_face_its_quality_and_duplicates_are_checked_and_each_refused_picture_has_a_stable_code(
    site: Site, folder: Path
) -> None:
    scenes = [kit.CLEAR, kit.NOBODY, kit.TWO_FACES, kit.SMALL]
    rows = []
    for number, scene in enumerate(scenes, start=1):
        draw(folder / f"N{number}.png", number, scene)
        rows.append(row(f"N{number}"))
    (folder / "N5.png").write_bytes(b"%PDF-1.7")
    shutil.copy(folder / "N1.png", folder / "N6.png")
    write_csv(folder, [*rows, row("N5"), row("N6")])
    await site.bring(folder)
    views = await site.watchlists.entries(site.deployment, OPERATOR)
    assert {view.reference: view.reasons for view in views} == {
        "N1": (),
        "N2": ("no_face",),
        "N3": ("several_faces",),
        "N4": ("small",),
        "N5": ("not_a_picture",),
        "N6": ("duplicate_picture",),
    }
    assert await references(site) == ["N1"]


async def test_under_18_vulnerable_and_third_party_entries_wait_for_an_approval(
    site: Site, folder: Path
) -> None:
    rows = people(folder, 4)
    rows[0]["under_18"] = rows[1]["vulnerable"] = rows[2]["third_party"] = "yes"
    write_csv(folder, rows)
    await site.bring(folder)
    assert await needs_of(site) == {
        "N1": (EntryState.WAITING, (Need.UNDER_18,)),
        "N2": (EntryState.WAITING, (Need.VULNERABLE,)),
        "N3": (EntryState.WAITING, (Need.THIRD_PARTY,)),
        "N4": (EntryState.LISTED, ()),
    }
    assert await references(site) == ["N4"]


async def test_low_quality_waits_unless_another_picture_is_good(site: Site, folder: Path) -> None:
    draw(folder / "poor.png", 1, kit.TURNED)
    draw(folder / "both" / "1.png", 2, kit.TURNED)
    draw(folder / "both" / "2.png", 2, shade=1)
    draw(folder / "behind" / "1.png", 3)
    draw(folder / "behind" / "2.png", 3, kit.ANOTHER_BEHIND)
    write_csv(
        folder,
        [row("N1", pictures="poor.png"), row("N2", pictures="both"), row("N3", pictures="behind")],
    )
    await site.bring(folder)
    assert await needs_of(site) == {
        "N1": (EntryState.WAITING, (Need.LOW_QUALITY,)),
        "N2": (EntryState.LISTED, ()),
        "N3": (EntryState.WAITING, (Need.LOW_QUALITY,)),
    }


async def test_the_same_face_under_two_nominals_waits_for_an_approval_of_both(
    site: Site, folder: Path
) -> None:
    rows = people(folder, 3)
    draw(folder / "N4.png", 2, shade=9)
    write_csv(folder, [*rows, row("N4")])
    done = await site.bring(folder)
    assert done.summary.pairs == {"same_face": 1}
    (pair,) = await site.watchlists.pairs(site.deployment, OPERATOR)
    assert (pair.references, pair.kind) == (("N2", "N4"), "same_face")
    assert pair.score >= done.levels.same_face
    assert await references(site) == ["N1", "N3"]
    for number in (pair.first, pair.second):
        await site.watchlists.approve(number, Need.SAME_FACE, SUPERINTENDENT, "twins, both wanted")
    assert await references(site) == ["N1", "N2", "N3", "N4"]


async def test_entries_that_look_alike_are_reported_before_the_deployment_and_stay_listed(
    site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = people(folder, 2)
    draw(folder / "N3.png", 2, shade=9)
    write_csv(folder, [*rows, row("N3")])
    plan = msgspec.structs.replace(PLAN, threshold=0.5)
    embed = site.eyes.embed

    async def kin(aligned: U8) -> F32:
        """Of one family: alike, but not one face."""
        rows = await embed(aligned)
        if aligned[0, 0, 0, 2] == 9:
            rows += 1.1 * (await embed(aligned * 0 + 77))
        return rows

    monkeypatch.setattr(site.eyes, "embed", kin)
    done = await site.bring(folder, plan=plan)
    assert done.levels.lookalike == 0.5
    (pair,) = await site.watchlists.pairs(site.deployment, OPERATOR, kind="lookalike")
    assert 0.5 <= pair.score < done.levels.same_face
    assert await references(site) == ["N1", "N2", "N3"]


async def test_an_import_that_was_broken_off_goes_on_and_gives_the_same_list(
    site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = people(folder, 11)
    shutil.copy(folder / "N1.png", folder / "N11.png")
    write_csv(folder, rows)
    embed = site.eyes.embed

    async def failing(aligned: U8) -> F32:
        if len(site.eyes.vectors) == 6:
            raise OSError("the accelerator is gone")
        return await embed(aligned)

    monkeypatch.setattr(site.eyes, "embed", failing)
    with pytest.raises(OSError, match="accelerator"):
        await site.bring(folder)
    summary = await site.watchlists.summary(site.deployment)
    assert summary is not None
    assert (summary.built_at, summary.listed, summary.importing) == (None, 0, 4)
    assert await site.watchlists.listed(site.deployment) == []
    monkeypatch.setattr(site.eyes, "embed", embed)
    seen = site.eyes.seen
    done = await site.bring(folder)
    assert done.resumed
    assert site.eyes.seen - seen == 7
    assert await references(site) == [f"N{number}" for number in range(1, 11)]
    again = await site.bring(folder)
    assert not again.resumed
    assert again.summary.digest == done.summary.digest
    assert again.summary.reasons == done.summary.reasons == {"duplicate_picture": 1}


async def broken_off(site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import that ends before its list is compared with itself."""
    with monkeypatch.context() as patch:
        patch.setattr(site.watchlists.importing, "finish", None)
        with pytest.raises(TypeError):
            await site.bring(folder)


@pytest.mark.parametrize("what", ["file", "picture", "categories", "person", "day"])
async def test_an_import_of_a_changed_source_begins_anew(
    site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    rows = people(folder, 3)
    write_csv(folder, rows)
    await broken_off(site, folder, monkeypatch)
    plan, actor = PLAN, OPERATOR
    if what == "file":
        rows[0]["rationale"] = "another"
        write_csv(folder, rows)
    elif what == "picture":
        draw(folder / "N2.png", 9, shade=200)
    elif what == "categories":
        plan = msgspec.structs.replace(PLAN, categories=["wanted on warrant"])
    elif what == "person":
        actor = OTHER_OPERATOR
    else:
        site.clock.now += 24 * 3600
    done = await site.bring(folder, actor, plan)
    assert (done.resumed, done.changed) == (False, True)
    assert await references(site) == ["N1", "N2", "N3"]
    assert await site.count("SELECT count(*) FROM entry") == 3
    assert await site.audit("import_discarded") == [
        f'{{"what":"import_discarded","deployment":"{site.deployment}"}}'
    ]


async def test_importing_again_replaces_the_whole_list_only_when_it_is_complete(
    site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_csv(folder, people(folder, 3))
    first = await site.bring(folder)
    write_csv(folder, [*people(folder, 2), row("N9", pictures="N9.png")])
    draw(folder / "N9.png", 9)
    await broken_off(site, folder, monkeypatch)
    assert await references(site) == ["N1", "N2", "N3"]
    summary = await site.watchlists.summary(site.deployment)
    assert summary is not None
    assert (summary.digest, summary.importing) == (first.summary.digest, 3)
    await site.bring(folder)
    assert await references(site) == ["N1", "N2", "N9"]
    for table in ("entry", "entry_picture"):
        assert await site.count(f"SELECT count(*) FROM {table}") == 3


async def test_a_later_import_takes_over_from_one_that_still_runs(
    site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_csv(folder, people(folder, 9))
    enrol_first = site.eyes.examine
    other: list[str] = []

    async def meanwhile(picture: object) -> object:
        if not other:
            other.append("begun")
            await site.watchlists.importing.begin(
                site.deployment, pack="p", source="folder", basis="b", actor=OTHER_OPERATOR
            )
        return await enrol_first(picture)  # type: ignore[arg-type]

    monkeypatch.setattr(site.eyes, "examine", meanwhile)
    with pytest.raises(NotAllowed, match="another import"):
        await site.bring(folder)


async def test_a_list_on_which_nobody_can_be_looked_for_changes_nothing(site: Site, folder: Path) -> None:
    write_csv(folder, people(folder, 2))
    await site.bring(folder)
    draw(folder / "N1.png", 1, kit.NOBODY)
    write_csv(folder, [row("N1")])
    with pytest.raises(NotAllowed, match="stays as it was"):
        await site.bring(folder)
    write_csv(folder, [row("N1", category="anyone")])
    with pytest.raises(NotAllowed, match="none of its lines can be used, of 1; first line 2: "):
        await site.bring(folder)
    assert await references(site) == ["N1", "N2"]
    assert await site.count("SELECT count(*) FROM watchlist") == 1
    assert await site.count("SELECT count(*) FROM entry") == 2


async def test_progress_counts_entries_and_begins_where_it_was_broken_off(
    site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_csv(folder, people(folder, 9))
    told: list[tuple[int, int]] = []

    async def bring() -> None:
        await import_list(
            site.watchlists,
            site.deployment,
            PLAN,
            site.source(folder),
            site.pack,
            site.enroller(),
            OPERATOR,
            dim=kit.DIM,
            progress=lambda *at: told.append(at),
            batch=4,
        )

    await broken_off(site, folder, monkeypatch)
    await bring()
    assert told == [(9, 9)]
    told.clear()
    await bring()
    assert told == [(0, 9), (4, 9), (8, 9), (9, 9)]


async def test_a_pack_that_cannot_say_who_is_alike_is_refused_before_the_work(
    site: Site, folder: Path
) -> None:
    write_csv(folder, people(folder, 2))
    manifest = msgspec.structs.replace(site.pack.manifest, calibration=())
    site.pack = type(site.pack)(site.pack.folder, manifest)
    with pytest.raises(CalibrationError):
        await site.bring(folder)
    assert site.eyes.seen == 0
    by_hand = msgspec.structs.replace(PLAN, threshold=0.7)
    assert (await site.bring(folder, plan=by_hand)).levels.same_face == 0.7


@pytest.mark.parametrize("stage", ["active", "paused", "suspended", "closed", "destroyed"])
async def test_the_list_of_a_deployment_that_has_started_is_frozen(
    site: Site, folder: Path, stage: str
) -> None:
    write_csv(folder, people(folder, 2))
    draw(folder / "N3.png", 3, kit.TURNED)
    write_csv(folder, [*people(folder, 2), row("N3")])
    await site.bring(folder)
    async with site.db.write() as tx:
        await tx.execute("UPDATE deployment SET stage = ?", stage)
    with pytest.raises(NotAllowed, match="started or ended"):
        await site.bring(folder)
    with pytest.raises(NotAllowed, match="started or ended"):
        await site.watchlists.approve(3, Need.LOW_QUALITY, SUPERINTENDENT, "the only one")


@pytest.mark.parametrize("actor", [kit.SUPERINTENDENT, kit.AUDITOR, kit.ENGINEER])
async def test_only_an_operator_imports(site: Site, folder: Path, actor: Actor) -> None:
    write_csv(folder, people(folder, 2))
    with pytest.raises(NotAllowed, match="operator"):
        await site.bring(folder, actor)


async def test_a_list_that_was_destroyed_before_the_start_can_be_imported_again(
    site: Site, folder: Path
) -> None:
    write_csv(folder, people(folder, 2))
    await site.bring(folder)
    await Destruction(site.db, site.keys, site.clock).watchlist(site.deployment, OPERATOR)
    assert await site.watchlists.summary(site.deployment) is None
    await site.bring(folder)
    assert await references(site) == ["N1", "N2"]
