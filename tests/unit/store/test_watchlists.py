"""A watchlist in the store: sealed, shown to few, approved by another, answerable for when it is gone."""

from __future__ import annotations

import datetime
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from lfrd.audit.kinds import (
    AnyBody,
    EntryApproved,
    ListAsked,
    ListImported,
    ListViewed,
    PictureViewed,
    decode,
)
from lfrd.errors import NotAllowed, SealError
from lfrd.store.destruction import Destruction
from lfrd.store.entries import EntryState, Facts, Need, NewEntry, NewPicture
from lfrd.types import Actor, NominalId, OfficerId, Role
from tests.unit.listing import kit
from tests.unit.listing.kit import AUDITOR, ENGINEER, NOW, OPERATOR, SUPERINTENDENT, Site

MARK = "the marked name of a nominal"
FACE = b"\xff\xd8\xff the marked face of a nominal "
DAY = datetime.datetime.fromtimestamp(NOW).astimezone().date()


def entry(
    reference: str, *needs: Need, blue: bool = False, reason: str = "", category: str = "wanted on warrant"
) -> NewEntry:
    flags = {need.value: True for need in needs if need in ("under_18", "vulnerable", "third_party")}
    facts = Facts(
        name=MARK,
        image_source="custody image",
        lawful_basis="warrant",
        image_date="2025-01-31",
        rationale="failed to appear",
        instruction="arrest",
        under_18=flags.get("under_18", False),
        vulnerable=flags.get("vulnerable", False),
        third_party=flags.get("third_party", False),
    )
    digest = reference.encode().hex().ljust(64, "0")
    if reason:
        return NewEntry(reference, category, blue, facts, [NewPicture(1, digest, reason)], needs)
    template = np.random.default_rng(len(reference)).standard_normal((1, 8)).astype(np.float32)
    pictures = [
        NewPicture(1, digest, "", (), 1.0, FACE + b"1", template.copy()),
        NewPicture(2, digest[::-1], "", (), 2.0, FACE + b"2", template * 2),
        NewPicture(3, "", "unreadable"),
    ]
    return NewEntry(reference, category, blue, facts, pictures, needs)


async def build(
    site: Site,
    *entries: NewEntry,
    pairs: tuple[tuple[int, int, str, float], ...] = (),
    actor: Actor = OPERATOR,
) -> None:
    writing = site.watchlists.importing
    begun = await writing.begin(site.deployment, pack="p", source="folder", basis="b", actor=actor)
    await writing.add(site.deployment, begun.run, entries)
    await writing.finish(
        site.deployment,
        begun.run,
        pairs=pairs,
        refused=2,
        reasons={"bad_date": 2},
        settings={"lookalike": 0.5, "same_face": 0.6},
        built_at=None,
        actor=actor,
    )


@pytest.fixture
async def site(tmp_path: Path, builtin: Path) -> AsyncIterator[Site]:
    async with kit.site(tmp_path / "box", builtin) as opened:
        yield opened


async def numbers(site: Site) -> dict[str, int]:
    return {view.reference: view.id for view in await site.watchlists.entries(site.deployment, OPERATOR)}


async def bodies(site: Site, what: str) -> list[AnyBody]:
    return [decode(text) for text in await site.audit(what)]


async def test_a_deployment_without_a_list_has_no_summary(site: Site) -> None:
    assert await site.watchlists.summary(site.deployment) is None
    assert await site.watchlists.listed(site.deployment) == []


async def test_the_summary_counts_and_names_nobody(site: Site) -> None:
    await build(
        site,
        entry("N1"),
        entry("N2", blue=True),
        entry("N3", Need.UNDER_18, category="missing person"),
        entry("N4", reason="no_face"),
        pairs=((1, 2, "lookalike", 0.55),),
    )
    summary = await site.watchlists.summary(site.deployment)
    assert summary is not None
    assert (summary.listed, summary.waiting, summary.refused) == (2, 1, 3)
    assert summary.pictures == 4, "two of each of the listed: what the threshold is for"
    assert summary.composition == {"blue list": 1, "wanted on warrant": 1}
    assert summary.needs == {"under_18": 1}
    assert summary.reasons == {"bad_date": 2, "no_face": 1, "unreadable": 3}
    assert summary.pairs == {"lookalike": 1}
    assert (summary.importing, summary.imported_by) == (None, OPERATOR.id)
    assert "N1" not in repr(summary)


async def test_who_is_looked_for_comes_with_all_templates_and_the_best_face(site: Site) -> None:
    await build(site, entry("N1"), entry("N2", Need.VULNERABLE))
    (one,) = await site.watchlists.listed(site.deployment)
    assert one.templates.shape == (2, 8)
    assert one.templates.dtype == np.float32
    assert one.face_jpeg == FACE + b"2"
    assert (one.name, one.image_date, one.blue) == (MARK, "2025-01-31", False)
    (bare,) = await site.watchlists.listed(site.deployment, faces=False)
    assert bare.face_jpeg == b""
    assert await site.watchlists.candidate(site.deployment, one.reference) == FACE + b"2"
    with pytest.raises(KeyError):
        await site.watchlists.candidate(site.deployment, NominalId("N2"))


async def test_templates_faces_and_facts_lie_on_the_disk_sealed_only(site: Site) -> None:
    await build(site, entry("N1"))
    (one,) = await site.watchlists.listed(site.deployment)
    folder = site.db.path.parent
    kept = b"".join(path.read_bytes() for path in folder.iterdir())
    for secret in (MARK.encode(), FACE, one.templates[0].tobytes(), b"failed to appear", b"custody image"):
        assert secret not in kept
    assert b"N1" in kept


async def test_batches_overwrite_the_templates_that_they_were_given(site: Site) -> None:
    given = entry("N1")
    await build(site, given)
    assert all(not picture.template.any() for picture in given.pictures if picture.template is not None)


@pytest.mark.parametrize("actor", [ENGINEER, AUDITOR, Actor(OfficerId("p1"), "PC", Role.ENGAGEMENT)])
async def test_an_engineer_an_auditor_and_a_phone_see_no_entry_pair_or_face(site: Site, actor: Actor) -> None:
    await build(site, entry("N1"))
    lists = site.watchlists
    for look in (
        lists.entries(site.deployment, actor),
        lists.entry(1, actor),
        lists.pairs(site.deployment, actor),
        lists.face(1, actor),
        lists.export.findings(site.deployment, actor),
    ):
        with pytest.raises(NotAllowed, match="for the role"):
            await look


async def test_every_view_of_the_list_is_audited_without_a_reference(site: Site) -> None:
    await build(site, entry("N1"), entry("N2"), pairs=((1, 2, "lookalike", 0.5),))
    lists = site.watchlists
    await lists.entries(site.deployment, SUPERINTENDENT)
    await lists.pairs(site.deployment, OPERATOR)
    assert await lists.face(1, OPERATOR) == FACE + b"2"
    assert await bodies(site, "list_viewed") == [
        ListViewed(site.deployment, "entries"),
        ListViewed(site.deployment, "pairs"),
    ]
    assert await bodies(site, "picture_viewed") == [PictureViewed(site.deployment, "entry", "1")]
    async with site.db.read() as tx:
        rows = await tx.rows("SELECT body FROM audit")
    assert not any("N1" in row["body"] or MARK in row["body"] for row in rows)


async def test_entries_are_paged_in_order_of_number_and_by_state(site: Site) -> None:
    await build(site, *(entry(f"N{n}", *((Need.VULNERABLE,) if n % 2 else ())) for n in range(1, 8)))
    first = await site.watchlists.entries(site.deployment, OPERATOR, limit=3)
    rest = await site.watchlists.entries(site.deployment, OPERATOR, after=first[-1].id)
    assert [view.reference for view in first + rest] == [f"N{n}" for n in range(1, 8)]
    listed = await site.watchlists.entries(site.deployment, OPERATOR, state=EntryState.LISTED)
    assert [view.reference for view in listed] == ["N2", "N4", "N6"]
    assert [picture.reason for picture in listed[0].pictures] == ["", "", "unreadable"]


async def test_an_entry_is_looked_for_once_every_need_is_approved_by_an_authorising_officer(
    site: Site,
) -> None:
    await build(site, entry("N1"), entry("N2", Need.UNDER_18, Need.LOW_QUALITY))
    before = await site.watchlists.summary(site.deployment)
    number = (await numbers(site))["N2"]
    approve = site.watchlists.approve
    assert await approve(number, Need.UNDER_18, SUPERINTENDENT, "court order") == EntryState.WAITING
    assert await approve(number, Need.UNDER_18, SUPERINTENDENT, "court order") == EntryState.WAITING
    assert len(await site.watchlists.listed(site.deployment)) == 1
    assert await approve(number, Need.LOW_QUALITY, SUPERINTENDENT, "only one") == EntryState.LISTED
    assert len(await site.watchlists.listed(site.deployment)) == 2
    after = await site.watchlists.summary(site.deployment)
    assert before is not None
    assert after is not None
    assert (after.listed, after.waiting, after.needs) == (2, 0, {})
    assert after.digest != before.digest
    assert await bodies(site, "entry_approved") == [
        EntryApproved(site.deployment, number, "under_18", "court order"),
        EntryApproved(site.deployment, number, "low_quality", "only one"),
    ]


async def test_who_imported_the_list_approves_nothing_on_it(site: Site) -> None:
    await build(site, entry("N1"), entry("N2", Need.UNDER_18))
    async with site.db.write() as tx:
        await tx.execute("UPDATE watchlist SET imported_by = ?", SUPERINTENDENT.id)
    with pytest.raises(NotAllowed, match="who imported"):
        await site.watchlists.approve(2, Need.UNDER_18, SUPERINTENDENT, "court order")


@pytest.mark.parametrize("actor", [OPERATOR, AUDITOR, ENGINEER])
async def test_only_an_authorising_officer_approves(site: Site, actor: Actor) -> None:
    await build(site, entry("N1"), entry("N2", Need.UNDER_18))
    with pytest.raises(NotAllowed, match="authorising"):
        await site.watchlists.approve(2, Need.UNDER_18, actor, "court order")
    assert await site.audit("entry_approved") == []


async def test_an_approval_needs_a_reason_and_something_to_approve(site: Site) -> None:
    await build(site, entry("N1"), entry("N2", Need.UNDER_18), entry("N3", Need.UNDER_18, reason="no_face"))
    for number, need, reason, problem in (
        (2, Need.UNDER_18, "  ", "needs a reason"),
        (2, Need.VULNERABLE, "why", "needs no approval"),
        (3, Need.UNDER_18, "why", "needs no approval"),
        (99, Need.UNDER_18, "why", "no watchlist has an entry 99"),
    ):
        with pytest.raises(NotAllowed, match=problem):
            await site.watchlists.approve(number, need, SUPERINTENDENT, reason)


@pytest.mark.parametrize("reason", ["N22 is under a court order", "Marked absconded", "twin of n33"])
async def test_a_reason_that_names_a_person_on_the_list_never_reaches_the_audit(
    site: Site, reason: str
) -> None:
    await build(site, entry("N11"), entry("N22"), entry("N33"), pairs=((2, 3, "same_face", 0.9),))
    with pytest.raises(NotAllowed, match="names a person") as refused:
        await site.watchlists.approve(2, Need.SAME_FACE, SUPERINTENDENT, reason)
    assert refused.value.code == "names_person"
    assert await site.audit("entry_approved") == []
    approved = await site.watchlists.approve(2, Need.SAME_FACE, SUPERINTENDENT, "they are twins")
    assert approved == EntryState.LISTED


async def test_approvals_outlast_an_import_only_where_facts_and_pictures_are_the_same(site: Site) -> None:
    await build(site, entry("N1", Need.UNDER_18), entry("N2", Need.UNDER_18), entry("N3", Need.LOW_QUALITY))
    for number, need in ((1, Need.UNDER_18), (2, Need.UNDER_18), (3, Need.LOW_QUALITY)):
        await site.watchlists.approve(number, need, SUPERINTENDENT, "court order")
    await build(
        site,
        entry("N1", Need.UNDER_18),
        entry("N2", Need.UNDER_18, category="missing person"),
        entry("N3", Need.LOW_QUALITY),
    )
    assert [one.reference for one in await site.watchlists.listed(site.deployment)] == ["N1"]
    views = await site.watchlists.entries(site.deployment, OPERATOR)
    assert [view.approved for view in views] == [{"under_18": SUPERINTENDENT.id}, {}, {}]
    imports = await bodies(site, "list_imported")
    assert [body.carried for body in imports if isinstance(body, ListImported)] == [0, 1]


async def test_a_person_who_asks_is_told_on_which_days_lists_the_reference_was_also_after_destruction(
    site: Site,
) -> None:
    await build(site, entry("N1"), entry("N2", Need.UNDER_18))
    lists = site.watchlists
    (found,) = await lists.asked(" n1 ", DAY, AUDITOR)
    assert (found.name, found.category, found.listed_at) == ("Market day", "wanted on warrant", NOW)
    assert found.destroyed_at is None
    assert await lists.asked("N2", DAY, AUDITOR) == []
    assert await lists.asked("N1", DAY - datetime.timedelta(days=1), AUDITOR) == []
    site.clock.now += 3 * 86400
    await Destruction(site.db, site.keys, site.clock).watchlist(site.deployment, OPERATOR)
    for later, number in ((0, 1), (3, 1), (4, 0)):
        day = DAY + datetime.timedelta(days=later)
        assert len(await lists.asked("N1", day, AUDITOR)) == number, later
    assert (await lists.asked("N1", DAY, AUDITOR))[0].destroyed_at == NOW + 3 * 86400


async def test_the_audit_keeps_that_it_was_asked_and_never_the_reference(site: Site) -> None:
    await build(site, entry("N1"))
    await site.watchlists.asked("N1", DAY, AUDITOR)
    await site.watchlists.asked("N9", DAY, AUDITOR)
    assert await bodies(site, "list_asked") == [ListAsked(1), ListAsked(0)]
    with pytest.raises(NotAllowed, match="role"):
        await site.watchlists.asked("N1", DAY, ENGINEER)


async def test_the_manifest_says_when_a_reference_left_the_list_and_came_back(site: Site) -> None:
    await build(site, entry("N1"), entry("N2"))
    site.clock.now += 100
    await build(site, entry("N2"))
    site.clock.now += 100
    await build(site, entry("N1"), entry("N2"))
    found = await site.watchlists.asked("N1", DAY, AUDITOR)
    assert [(one.listed_at - NOW, one.destroyed_at) for one in found] == [(0, NOW + 100), (200, None)]
    (stayed,) = await site.watchlists.asked("N2", DAY, AUDITOR)
    assert (stayed.listed_at, stayed.destroyed_at) == (NOW, None)


async def test_the_manifest_says_when_an_entry_changed(site: Site) -> None:
    await build(site, entry("N1"))
    site.clock.now += 100
    await build(site, entry("N1", category="missing person"))
    found = await site.watchlists.asked("N1", DAY, AUDITOR)
    assert [(one.category, one.listed_at - NOW, one.destroyed_at) for one in found] == [
        ("wanted on warrant", 0, NOW + 100),
        ("missing person", 100, None),
    ]


async def test_the_digest_is_of_references_categories_and_entries_in_whatever_order_they_came(
    site: Site,
) -> None:
    digests = []
    for entries in (
        ("N1", "N2"),
        ("N2", "N1"),
        ("N1",),
    ):
        await build(site, *(entry(reference) for reference in entries))
        summary = await site.watchlists.summary(site.deployment)
        assert summary is not None
        digests.append(summary.digest)
    assert digests[0] == digests[1] != digests[2]


async def test_an_entry_moved_to_another_row_does_not_open(site: Site) -> None:
    await build(site, entry("N1"), entry("N2"))
    async with site.db.write() as tx:
        await tx.execute(
            "UPDATE entry_picture SET template = "
            "(SELECT template FROM entry_picture WHERE entry = 2 AND number = 1) "
            "WHERE entry = 1 AND number = 1"
        )
    with pytest.raises(SealError, match="does not open"):
        await site.watchlists.listed(site.deployment)


async def test_what_was_replaced_is_deleted_also_after_a_power_cut_in_between(site: Site) -> None:
    await build(site, entry("N1"), entry("N2"), pairs=((1, 2, "lookalike", 0.5),))
    async with site.db.write() as tx:
        await tx.execute("UPDATE entry SET generation = 2 WHERE reference = 'N1'")
    assert [one.reference for one in await site.watchlists.listed(site.deployment)] == ["N2"]
    assert await site.watchlists.importing.purge() == 1
    with closing(sqlite3.connect(site.db.path)) as plain:
        assert plain.execute("SELECT count(*) FROM entry_picture").fetchone() == (3,)
        assert plain.execute("SELECT count(*) FROM pair").fetchone() == (0,)


async def test_findings_say_what_waits_and_which_pictures_are_refused_or_doubtful(site: Site) -> None:
    doubtful = entry("N2", Need.LOW_QUALITY)
    doubtful.pictures[0].warnings = ("pose",)
    await build(site, entry("N1"), doubtful)
    found = await site.watchlists.export.findings(site.deployment, OPERATOR)
    assert [(one.reference, one.kind, one.code, one.picture) for one in found] == [
        ("N2", "waiting", "low_quality", 0),
        ("N1", "refused", "unreadable", 3),
        ("N2", "doubtful", "pose", 1),
        ("N2", "refused", "unreadable", 3),
    ]
