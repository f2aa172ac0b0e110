"""Passages of blue-list volunteers: noted in the audit, and nowhere else."""

from __future__ import annotations

import pytest

from lfrd.audit import kinds
from lfrd.errors import NotAllowed
from lfrd.policy.limits import Control
from lfrd.store.passages import Passages
from lfrd.types import Role, Stage
from tests.unit.store.conftest import Store
from tests.unit.store.police import list_people


@pytest.fixture
async def listed(store: Store) -> Store:
    """A deployment that is active, with a volunteer on its list."""
    await list_people(store, 2)
    async with store.db.write() as tx:
        await tx.execute("UPDATE entry SET blue = 1 WHERE reference = 'N1'")
        await tx.execute(
            "INSERT INTO segment (deployment, number, at, threshold, pack, model, n, settings, cameras, "
            "authorised_by, reason) VALUES (?, 1, 0, 0.5, 'p', 'm', 2, '{}', '[]', '', '')",
            store.deployment,
        )
    return store


async def noted(store: Store) -> list[kinds.BluePassage]:
    return [body for body in await store.audited() if isinstance(body, kinds.BluePassage)]


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ENGAGEMENT])
async def test_an_observer_notes_that_a_volunteer_passed_and_was_found_or_missed(
    listed: Store, role: Role
) -> None:
    passages, observer = Passages(listed.db, listed.clock), (await listed.phone("PC Adams", role)).actor
    first = await passages.note(listed.deployment, observer, found=True)
    second = await passages.note(listed.deployment, observer, found=False)
    assert [(body.passage, body.found, body.segment) for body in await noted(listed)] == [
        (first, True, 1),
        (second, False, 1),
    ]


async def test_a_passage_is_corrected_under_its_name_and_the_newest_word_counts(listed: Store) -> None:
    passages, observer = Passages(listed.db, listed.clock), (await listed.phone("PC Adams")).actor
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
        await Passages(listed.db, listed.clock).note(listed.deployment, actor, found=True)
    assert refused.value.code == "role"
    assert await noted(listed) == []


async def test_passages_count_only_while_the_deployment_is_active_and_lists_a_volunteer(
    listed: Store,
) -> None:
    passages, observer = Passages(listed.db, listed.clock), (await listed.phone("PC Adams")).actor
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
