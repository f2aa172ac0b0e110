"""Passages of blue-list volunteers: noted and paired in the audit, and nowhere else."""

from __future__ import annotations

import pytest

from lfrd.audit import kinds
from lfrd.errors import NotAllowed
from lfrd.policy.limits import Control
from lfrd.policy.pairing import SAME_SECONDS, WINDOW_SECONDS
from lfrd.store.audit import append
from lfrd.store.passages import PASSAGES, VOLUNTEERS, Passages
from lfrd.types import SYSTEM, Actor, CameraId, Role, Stage, TrackId
from tests.unit.store.conftest import Store
from tests.unit.store.police import list_people


@pytest.fixture
async def listed(store: Store) -> Store:
    """A deployment that is active, with two volunteers on its list: N1 and N3 are numbers 1 and 2."""
    await list_people(store, 4)
    async with store.db.write() as tx:
        await tx.execute("UPDATE entry SET blue = 1 WHERE reference IN ('N1', 'N3')")
        await tx.execute(
            "INSERT INTO segment (deployment, number, at, threshold, pack, model, n, settings, cameras, "
            "authorised_by, reason) VALUES (?, 1, 0, 0.5, 'p', 'm', 2, '{}', '[]', '', '')",
            store.deployment,
        )
    return store


def of(store: Store) -> Passages:
    """As a process has it that has just started."""
    return Passages(store.db, store.keys, store.clock)


async def noted(store: Store) -> list[kinds.BluePassage]:
    return [body for body in await store.audited() if isinstance(body, kinds.BluePassage)]


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ENGAGEMENT])
async def test_an_observer_notes_that_a_volunteer_passed_and_was_found_or_missed(
    listed: Store, role: Role
) -> None:
    passages, observer = of(listed), (await listed.phone("PC Adams", role)).actor
    first = await passages.note(listed.deployment, observer, found=True)
    second = await passages.note(listed.deployment, observer, found=False)
    assert [(body.passage, body.found, body.segment) for body in await noted(listed)] == [
        (first, True, 1),
        (second, False, 1),
    ]


async def test_a_passage_is_corrected_under_its_name_and_the_newest_word_counts(listed: Store) -> None:
    passages, observer = of(listed), (await listed.phone("PC Adams")).actor
    name = await passages.note(listed.deployment, observer, found=False)
    assert await passages.note(listed.deployment, observer, found=True, passage=name) == name
    control = Control(0.001, 1.0)  # a single passage that is missed breaches a limit of 1
    for body in await noted(listed):
        control.feed(body, observer.id)
    assert control.breach is None
    with pytest.raises(NotAllowed, match="no passage"):
        await passages.note(listed.deployment, observer, found=True, passage="elsewhere")


@pytest.mark.parametrize("role", [Role.AUTHORISING, Role.ENGINEER, Role.AUDITOR])
async def test_nobody_else_notes_a_passage(listed: Store, role: Role) -> None:
    actor = (await listed.phone("Somebody", role)).actor
    with pytest.raises(NotAllowed) as refused:
        await of(listed).note(listed.deployment, actor, found=True)
    assert refused.value.code == "role"
    assert await noted(listed) == []


async def test_passages_count_only_while_the_deployment_is_active_and_lists_a_volunteer(
    listed: Store,
) -> None:
    passages, observer = of(listed), (await listed.phone("PC Adams")).actor
    async with listed.db.write() as tx:
        await tx.execute("UPDATE entry SET blue = 0")
    with pytest.raises(NotAllowed) as refused:
        await passages.note(listed.deployment, observer, found=True)
    assert refused.value.code == "no_blue_list"
    await listed.stage(Stage.PAUSED)
    with pytest.raises(NotAllowed) as refused:
        await passages.note(listed.deployment, observer, found=True)
    assert refused.value.code == "stage"
    assert await noted(listed) == []


# ---- walks, paired with what the cameras bring ---------------------------------------------------------


async def observer(store: Store) -> Actor:
    return (await store.phone("PC Adams")).actor


async def words(store: Store, passages: Passages) -> list[tuple[int, bool | None, str]]:
    """Volunteer, found and why of each passage, oldest first."""
    trial = await passages.trial(store.deployment)
    assert trial is not None
    return [(one.volunteer, one.word, one.why) for one in reversed(trial.passages)]


async def test_volunteers_are_numbered_in_the_order_of_references_whoever_waits(listed: Store) -> None:
    async with listed.db.write() as tx:
        await tx.execute("UPDATE entry SET blue = 1, state = 'waiting' WHERE reference = 'N2'")
    passages = of(listed)
    operator = (await listed.phone("Sgt Begum", Role.OPERATOR)).actor
    assert await passages.numbers(listed.deployment, operator) == {"N1": 1, "N2": 2, "N3": 3}
    assert (await listed.audited())[-1] == kinds.ListViewed(listed.deployment, "volunteers")
    trial = await passages.trial(listed.deployment)
    assert trial is not None
    assert trial.volunteers == (1, 3)
    with pytest.raises(NotAllowed) as refused:
        await passages.walks(listed.deployment, await observer(listed), 2)
    assert refused.value.code == "unknown_volunteer"


async def test_a_walk_is_found_by_that_volunteers_alert_and_by_no_other(listed: Store) -> None:
    passages, adams = of(listed), await observer(listed)
    for volunteer in (1, 2):
        await passages.walks(listed.deployment, adams, volunteer)
    listed.clock.now += 20
    alert = await listed.filed("N3", blue=True)
    await listed.filed("N2")
    assert await passages.settle() == 1
    assert await words(listed, passages) == [(1, None, ""), (2, True, "alert")]
    assert [body.alert for body in await noted(listed)] == [alert]
    listed.clock.now += 40
    assert await passages.settle() == 1
    assert await words(listed, passages) == [(1, False, "window"), (2, True, "alert")]
    assert await passages.settle() == 0
    assert len(await noted(listed)) == 2


async def test_a_sighting_of_the_alert_that_stands_finds_a_walk_too(listed: Store) -> None:
    passages, adams = of(listed), await observer(listed)
    alert = await listed.filed("N1", blue=True)
    await passages.walks(listed.deployment, adams, 1)
    assert await passages.settle() == 0, "an alert before the note is of an earlier walk"
    await listed.alerts.sighting(alert, CameraId("Gate"), listed.clock.now, 0.6, TrackId(7))
    assert await passages.settle() == 1
    assert await words(listed, passages) == [(1, True, "alert")]


async def test_what_was_noted_before_a_restart_is_decided_after_it_and_once(listed: Store) -> None:
    adams = await observer(listed)
    await of(listed).walks(listed.deployment, adams, 1)
    await listed.filed("N1", blue=True)
    first, second = of(listed), of(listed)
    assert (await first.settle(), await second.settle(), await of(listed).settle()) == (1, 0, 0)
    assert len(await noted(listed)) == 1


async def test_a_walk_during_which_the_server_was_away_is_not_counted(listed: Store) -> None:
    adams = await observer(listed)
    await of(listed).walks(listed.deployment, adams, 1)
    listed.clock.now += 300
    async with listed.db.write() as tx:
        await append(tx, listed.clock(), SYSTEM, kinds.ServerStarted("0.1.0"))
    passages = of(listed)
    assert await passages.settle() == 1
    assert [(body.void, body.why) for body in await noted(listed)] == [(True, "halted")]


async def test_a_walk_that_a_pause_breaks_off_is_not_counted_and_none_begins_in_it(listed: Store) -> None:
    passages, adams = of(listed), await observer(listed)
    await passages.walks(listed.deployment, adams, 1)
    listed.clock.now += 10
    await listed.stage(Stage.PAUSED)
    async with listed.db.write() as tx:
        await append(tx, listed.clock(), SYSTEM, kinds.Paused(listed.deployment, "no_officer"))
    assert await passages.settle() == 1
    assert [(body.void, body.why) for body in await noted(listed)] == [(True, "halted")]
    with pytest.raises(NotAllowed) as refused:
        await passages.walks(listed.deployment, adams, 1)
    assert refused.value.code == "stage"


async def test_said_twice_within_seconds_it_is_one_walk_and_later_it_ends_the_first(listed: Store) -> None:
    passages, adams = of(listed), await observer(listed)
    first = await passages.walks(listed.deployment, adams, 1)
    listed.clock.now += SAME_SECONDS / 2
    assert await passages.walks(listed.deployment, adams, 1) == first
    listed.clock.now += SAME_SECONDS
    second = await passages.walks(listed.deployment, adams, 1)
    assert second.passage != first.passage
    await listed.filed("N1", blue=True)
    assert await passages.settle() == 2
    assert await words(listed, passages) == [(1, False, "again"), (1, True, "alert")]


async def test_a_slip_is_taken_back_and_no_alert_is_paired_with_it(listed: Store) -> None:
    passages, adams = of(listed), await observer(listed)
    walk = await passages.walks(listed.deployment, adams, 1)
    for word in ("found", "missed"):
        with pytest.raises(NotAllowed) as refused:
            await passages.correct(listed.deployment, adams, walk.passage, word)
        assert refused.value.code == "walking"
    await passages.correct(listed.deployment, adams, walk.passage, "void")
    await listed.filed("N1", blue=True)
    assert await passages.settle() == 0
    trial = await passages.trial()
    assert trial is not None
    figures = trial.tally.figures()
    assert (figures.tpir.of, figures.void, figures.corrected) == (0, 1, 0)
    assert (figures.alerts, figures.alerts_unpaired) == (1, 1)


async def test_what_was_decided_is_corrected_by_an_observer_under_their_name(listed: Store) -> None:
    passages, adams = of(listed), await observer(listed)
    walk = await passages.walks(listed.deployment, adams, 1)
    listed.clock.now += WINDOW_SECONDS
    await passages.settle()
    await passages.correct(listed.deployment, adams, walk.passage, "found")
    trial = await passages.trial()
    assert trial is not None
    (one,) = trial.passages
    assert (one.word, one.by, one.corrected, one.paired) == (True, adams.id, True, False)
    assert (trial.tally.figures().tpir.events, trial.tally.figures().corrected) == (1, 1)


async def test_a_correction_belongs_to_the_segment_in_which_they_walked(listed: Store) -> None:
    passages, adams = of(listed), await observer(listed)
    name = await passages.note(listed.deployment, adams, found=False)
    async with listed.db.write() as tx:
        await tx.execute(
            "INSERT INTO segment SELECT deployment, 2, at, threshold, pack, model, n, settings, cameras, "
            "authorised_by, reason FROM segment"
        )
    await passages.note(listed.deployment, adams, found=True, passage=name)
    assert [(body.segment, body.found) for body in await noted(listed)] == [(1, False), (1, True)]


async def test_where_no_deployment_is_open_there_is_no_trial(listed: Store) -> None:
    await listed.stage(Stage.CLOSED)
    assert await of(listed).trial() is None


async def test_what_is_looked_for_twice_a_second_is_found_by_an_index(listed: Store) -> None:
    async with listed.db.read() as tx:
        for asked in ("seq > 7", "deployment = 'd1'"):
            plan = await tx.rows(f"EXPLAIN QUERY PLAN SELECT seq FROM {PASSAGES} AND {asked}")
            assert "audit_of_passages" in plan[0]["detail"]
        volunteers = f"SELECT reference FROM {VOLUNTEERS} AND deployment = 'd1' ORDER BY reference"
        (only,) = await tx.rows(f"EXPLAIN QUERY PLAN {volunteers}")
        assert "entry_of_volunteer" in only["detail"]
