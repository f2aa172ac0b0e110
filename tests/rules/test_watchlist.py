"""The watchlist, rules 6 to 12: what a real import lists, refuses, holds back and reports."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lfrd.errors import NotAllowed, NotReady
from lfrd.gallery.reading import Reason
from lfrd.listing.codes import ADVICE, Code
from lfrd.policy.retention import RETENTION
from lfrd.record.gathering import from_audit
from lfrd.sealing.signing import read_signed
from lfrd.store.entries import EntryState, Need
from lfrd.types import AlertId, DeploymentId, Role
from tests.desk import Desk, desk
from tests.unit.listing import kit
from tests.unit.listing.kit import NOW, OPERATOR, PEOPLE, SUPERINTENDENT, draw, people, row, write_csv
from tests.unit.store.police import found_in

DAY = 24 * 3600.0


@pytest.fixture
async def site(tmp_path: Path, builtin: Path) -> AsyncIterator[kit.Site]:
    async with kit.site(tmp_path / "box", builtin) as opened:
        yield opened


async def references(site: kit.Site) -> list[str]:
    """Who is looked for."""
    return [one.reference for one in await site.watchlists.listed(site.deployment)]


# ---- rule 6 --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "code"),
    [
        ("reference", "missing_reference"),
        ("category", "missing_category"),
        ("image_source", "missing_image_source"),
        ("lawful_basis", "missing_lawful_basis"),
        ("image_date", "missing_image_date"),
        ("rationale", "missing_rationale"),
        ("instruction", "missing_instruction"),
    ],
)
async def test_an_entry_without_any_one_of_its_facts_is_rejected_with_the_reason_and_not_looked_for(
    site: kit.Site, tmp_path: Path, column: str, code: str
) -> None:
    rows = people(tmp_path / "list", 2)
    rows[1][column] = " "
    write_csv(tmp_path / "list", rows)
    done = await site.bring(tmp_path / "list")
    assert await references(site) == ["N1"]
    assert done.summary.refused == 1
    assert done.summary.reasons == {code: 1}
    (problem,) = done.source.problems
    assert problem.text().startswith(f"line 3: {code}: {ADVICE[Code(code)]}")


@pytest.mark.parametrize("category", ["anyone", "wanted", "wanted on warrant, missing person"])
async def test_no_category_is_free_text_only_those_of_the_authorisation_are_taken(
    site: kit.Site, tmp_path: Path, category: str
) -> None:
    rows = people(tmp_path / "list", 3)
    rows[0]["category"] = "Missing  Person"
    rows[1]["category"] = category
    write_csv(tmp_path / "list", rows)
    done = await site.bring(tmp_path / "list")
    assert await references(site) == ["N1", "N3"]
    assert done.summary.reasons == {"unknown_category": 1}
    assert done.summary.composition == {"missing person": 1, "wanted on warrant": 1}


# ---- rule 7 --------------------------------------------------------------------------------------------


async def test_a_list_built_more_than_24_hours_ago_starts_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as there:
        id = await there.authorised()
        await there.imported(id)
        await aged(there, id, DAY + 1)
        deployments = there.records.deployments
        for step in (deployments.make_ready, deployments.start):
            plan = (await deployments.get(id)).plan
            with pytest.raises(NotReady) as refused:
                await step(id, there.people[Role.OPERATOR], await there.office.services.facts(plan, id))
            (line,) = [line for line in refused.value.missing if not line.startswith("ready")]
            assert line.startswith("watchlist: was built on")
            assert "more than 24 h ago; import it again" in line


async def aged(there: Desk, id: DeploymentId, seconds: float) -> None:
    async with there.records.db.write() as tx:
        await tx.execute("UPDATE watchlist SET built_at = built_at - ? WHERE deployment = ?", seconds, id)


# ---- rule 8 and rule 9's low quality -------------------------------------------------------------------


@pytest.mark.parametrize("need", [Need.UNDER_18, Need.VULNERABLE, Need.THIRD_PARTY, Need.LOW_QUALITY])
async def test_a_special_entry_is_looked_for_only_after_an_authorising_officer_approved_it(
    site: kit.Site, tmp_path: Path, need: Need
) -> None:
    folder = tmp_path / "list"
    rows = people(folder, 2)
    if need is Need.LOW_QUALITY:
        draw(folder / "N2.png", 2, kit.TURNED)
    else:
        rows[1][need.value] = "yes"
    write_csv(folder, rows)
    await site.bring(folder)
    assert await references(site) == ["N1"]
    (waits,) = await site.watchlists.entries(site.deployment, OPERATOR, state=EntryState.WAITING)
    assert waits.needs == (need,)
    for somebody in PEOPLE:
        if somebody.role is not Role.AUTHORISING:
            with pytest.raises(NotAllowed) as refused:
                await site.watchlists.approve(waits.id, need, somebody, "because")
            assert refused.value.code == "role"
    assert await references(site) == ["N1"]
    await site.watchlists.approve(waits.id, need, SUPERINTENDENT, "seen with the family")
    assert await references(site) == ["N1", "N2"]
    (told,) = await site.audit("entry_approved")
    assert need.value in told
    assert "N2" not in told


# ---- rule 9 --------------------------------------------------------------------------------------------


def test_the_codes_of_refused_entries_and_pictures_never_change() -> None:
    """Reports, the audit and other programs quote them: they may be added to, and nothing else."""
    assert {code.value for code in Code} >= {
        "missing_reference", "bad_reference", "duplicate_reference", "missing_category", "unknown_category",
        "missing_image_source", "missing_lawful_basis", "missing_image_date", "bad_date", "future_date",
        "missing_rationale", "missing_instruction", "too_long", "bad_flag", "missing_pictures",
        "too_many_pictures", "picture_missing", "picture_outside", "wrong_columns", "wrong_type",
    }  # fmt: skip
    assert {reason.value for reason in Reason} >= {
        "not_a_picture", "unreadable", "too_large", "no_face", "several_faces", "duplicate_picture", "small",
        "blurred", "pose", "dark", "bright", "cut",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("scene", "code"),
    [
        (kit.NOBODY, "no_face"),
        (kit.TWO_FACES, "several_faces"),
        (kit.SMALL, "small"),
        (None, "not_a_picture"),
    ],
)
async def test_a_picture_without_exactly_one_face_that_is_good_enough_is_refused_with_its_code(
    site: kit.Site, tmp_path: Path, scene: int | None, code: str
) -> None:
    rows = people(tmp_path / "list", 2)
    if scene is None:
        (tmp_path / "list" / "N2.png").write_bytes(b"%PDF-1.7")
    else:
        draw(tmp_path / "list" / "N2.png", 2, scene)
    write_csv(tmp_path / "list", rows)
    done = await site.bring(tmp_path / "list")
    assert await references(site) == ["N1"]
    assert done.summary.reasons == {code: 1}


async def test_one_picture_under_two_nominals_and_one_face_under_two_nominals_are_noticed(
    site: kit.Site, tmp_path: Path
) -> None:
    folder = tmp_path / "list"
    rows = people(folder, 2)
    shutil.copy(folder / "N1.png", folder / "N3.png")
    draw(folder / "N4.png", 2, shade=9)
    write_csv(folder, [*rows, row("N3"), row("N4")])
    done = await site.bring(folder)
    assert await references(site) == ["N1"]
    assert done.summary.reasons == {"duplicate_picture": 1}
    assert done.summary.needs == {"same_face": 2}
    (pair,) = await site.watchlists.pairs(site.deployment, OPERATOR, kind="same_face")
    assert pair.references == ("N2", "N4")


# ---- rule 11 -------------------------------------------------------------------------------------------


async def test_after_the_deployment_nothing_biometric_is_left_and_a_question_is_still_answered(
    tmp_path: Path,
) -> None:
    """By the sweep alone, which the server does at its start and every minute."""
    async with desk(tmp_path) as there:
        id = await there.started()
        records = there.records
        faces = [entry.face_jpeg for entry in await records.watchlists.listed(id)]
        assert faces
        assert all(faces)
        await records.deployments.close(id, there.people[Role.OPERATOR])
        (document,) = await records.retention.sweep(there.people[Role.AUTHORISING])
        assert read_signed(document)["destroyed"]["entries"] == 8
        with pytest.raises(NotAllowed, match="destroyed"):
            await records.watchlists.listed(id)
        today = datetime.datetime.fromtimestamp(records.clock.now()).date()  # noqa: DTZ006  # the box's own
        (asked,) = await records.watchlists.asked("W-2041", today, there.people[Role.AUDITOR])
        assert (asked.name, asked.category) == ("Saturday market", "wanted on warrant")
        assert asked.destroyed_at is not None
        assert await records.watchlists.asked("W-9999", today, there.people[Role.AUDITOR]) == []
        async with records.db.read() as tx:
            for table in ("entry", "entry_picture", "pair"):
                assert await tx.rows(f"SELECT * FROM {table}") == []
            (manifest, *_) = await tx.rows("SELECT * FROM manifest")
        assert not [value for value in tuple(manifest) if isinstance(value, bytes)]
        assert found_in(tmp_path / "data", faces) == []


def test_a_watchlist_is_due_at_the_end_and_late_24_hours_after_it() -> None:
    rule = RETENTION["watchlists"]
    assert rule.due_at(NOW) == NOW
    assert not rule.is_late(NOW, NOW + DAY)
    assert rule.is_late(NOW, NOW + DAY + 1)


# ---- rule 12 -------------------------------------------------------------------------------------------


async def test_an_alert_for_a_volunteer_of_the_blue_list_is_in_no_operational_figure_and_engages_nobody(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as there:
        id = await there.started()
        acts, officer = there.records.alerts.acts, there.people[Role.ENGAGEMENT]
        operational = await there.alert("W-2041")
        blue = await there.alert("W-2048", blue=True)
        assert blue.blue
        for alert in (operational, blue):
            await acts.adjudicate(AlertId(alert.id), officer, "viable")
        with pytest.raises(NotAllowed) as refused:
            await acts.engage(AlertId(blue.id), officer)
        assert refused.value.code == "blue"
        await acts.engage(AlertId(operational.id), officer)
        await acts.code(AlertId(operational.id), officer, "confirmed_true")
        await acts.code(AlertId(blue.id), officer, "no_engagement")
        total = (await from_audit(there.records.audit, id)).deployments[0].total
        assert (total.alerts.raised, total.alerts.true, total.alerts.false) == (1, 1, 0)
        assert (total.adjudications.viable, total.outcomes.engagements) == (1, 1)
        assert (total.outcomes.no_engagements, total.alerts.false_per_alerts.of) == (0, 1)
        assert total.blue.alerts == 1
