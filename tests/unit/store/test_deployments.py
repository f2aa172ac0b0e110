"""Deployments: every step by the right person, in one transaction with its record, and an end that comes."""

from __future__ import annotations

import asyncio
import multiprocessing
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lfrd.audit import kinds
from lfrd.errors import NotAllowed, NotReady
from lfrd.policy import life
from lfrd.policy.life import Act, Facts, PackFacts
from lfrd.policy.plan import CameraPlan, Change, Plan
from lfrd.sealing.signing import read_signed
from lfrd.sealing.sitekey import SiteKey
from lfrd.store.clock import Ratchet
from lfrd.store.database import Database
from lfrd.store.deployments import Deployment, Deployments
from lfrd.store.destruction import Destruction
from lfrd.store.keys import Keys, Purpose
from lfrd.types import CONSOLE, SYSTEM, Actor, DeploymentId, Role, Stage
from tests.unit.policy.plans import HOUR, NOW, PLAN, ZONE, facts, planned
from tests.unit.store.conftest import Clock, Store, opened

NEARER = [CameraPlan(name="High Street 1", zone=ZONE, eye_distance_pixels=30)]


class Office:
    """A box with its people and no deployment, and the steps that lead to one that runs."""

    def __init__(self, store: Store, people: dict[Role, Actor]) -> None:
        self.store = store
        self.clock = store.clock
        self.people = people
        self.deployments = Deployments(store.db, store.keys, store.clock)
        self.operator = people[Role.OPERATOR]
        self.authorising = people[Role.AUTHORISING]

    async def listed(self, deployment: DeploymentId, people: int = 2) -> None:
        """A watchlist as rows: its import has tests of its own."""
        async with self.store.db.write() as tx:
            await tx.execute(
                "INSERT INTO watchlist (deployment, pack, source, begun_at, built_at, digest) "
                "VALUES (?, ?, 'made', ?, ?, ?)",
                *(deployment, "a" * 64, NOW - HOUR, NOW - HOUR, "d" * 64),
            )
            await tx.execute_each(
                "INSERT INTO entry (deployment, reference, category, blue, state, reasons, needs, digest, "
                "sealed) VALUES (?, ?, 'wanted on warrant', 0, 'listed', '[]', '[]', '', x'00')",
                [(deployment, f"p{number}") for number in range(people)],
            )

    def facts(self, plan: Plan = PLAN, **change: Any) -> Facts:
        return facts(plan, **{"gathered_at": self.clock(), **change})

    async def drafted(self, plan: Plan = PLAN) -> Deployment:
        return await self.deployments.draft(plan, self.operator)

    async def authorised(self, plan: Plan = PLAN) -> Deployment:
        drafted = await self.drafted(plan)
        return await self.deployments.authorise(drafted.id, self.authorising, "Inspector", "")

    async def ready(self, plan: Plan = PLAN) -> Deployment:
        authorised = await self.authorised(plan)
        await self.listed(authorised.id)
        return await self.deployments.make_ready(authorised.id, self.operator, self.facts(plan))

    async def started(self, plan: Plan = PLAN) -> Deployment:
        ready = await self.ready(plan)
        return await self.deployments.start(ready.id, self.operator, self.facts(plan))

    async def told(self, deployment: Deployment) -> list[str]:
        """The audit's kinds of records for this deployment."""
        bodies = await self.store.audited()
        return [
            str(body.__struct_config__.tag)
            for body in bodies
            if getattr(body, "deployment", "") == deployment.id
        ]


@pytest.fixture
async def office(path: Path, clock: Clock, site_key: SiteKey) -> AsyncIterator[Office]:
    async with opened(path, clock, site_key, begin=False) as store:
        yield Office(store, {role: (await store.phone(f"The {role}", role)).actor for role in Role})


# ---- planning and authorising --------------------------------------------------------------------------


async def test_a_draft_has_a_plan_and_keys_of_its_own(office: Office) -> None:
    drafted = await office.drafted()
    assert (drafted.stage, drafted.plan, drafted.name) == (Stage.DRAFT, PLAN, "Market day")
    assert (drafted.drafted_by, drafted.drafted_at) == (office.operator.id, NOW)
    async with office.store.db.read() as tx:
        assert all([await office.store.keys.has(tx, drafted.id, purpose) for purpose in Purpose])
    assert await office.deployments.all() == [drafted]
    assert await office.deployments.get(drafted.id) == drafted
    assert await office.deployments.current() is None


async def test_an_authorisation_names_officer_rank_and_plan(office: Office) -> None:
    authorised = await office.authorised()
    (given,) = await office.deployments.authorisations(authorised.id)
    assert (given.kind, given.name, given.rank, given.at) == ("start", "The authorising", "Inspector", NOW)
    assert given.plan == PLAN
    assert await office.told(authorised) == ["drafted", "authorised"]


async def test_an_authorisation_takes_the_rank_of_the_account_and_never_none(office: Office) -> None:
    drafted = await office.drafted()
    with pytest.raises(NotReady, match="rank: is empty"):
        await office.deployments.authorise(drafted.id, office.authorising, " ", "")
    async with office.store.db.write() as tx:
        await tx.execute("UPDATE officer SET rank = 'Superintendent' WHERE id = ?", office.authorising.id)
    await office.deployments.authorise(drafted.id, office.authorising, "", "")
    (given,) = await office.deployments.authorisations(drafted.id)
    assert given.rank == "Superintendent"


async def test_nobody_authorises_with_another_rank_than_their_account_has(office: Office) -> None:
    drafted = await office.drafted()
    async with office.store.db.write() as tx:
        await tx.execute("UPDATE officer SET rank = 'Inspector' WHERE id = ?", office.authorising.id)
    with pytest.raises(NotAllowed, match=r"'Chief Constable' is not the rank .* 'Inspector'") as refused:
        await office.deployments.authorise(drafted.id, office.authorising, "Chief Constable", "")
    assert refused.value.code == "rank"
    assert await office.deployments.authorisations(drafted.id) == []
    await office.deployments.authorise(drafted.id, office.authorising, " inspector ", "")
    (given,) = await office.deployments.authorisations(drafted.id)
    assert given.rank == "Inspector"


async def test_a_draft_that_lacks_a_field_cannot_be_authorised(office: Office) -> None:
    drafted = await office.drafted(planned(purpose="", documents={}))
    with pytest.raises(NotReady) as refused:
        await office.deployments.authorise(drafted.id, office.authorising, "Inspector", "")
    assert [line.split(":")[0] for line in refused.value.missing] == [
        "purpose", "documents.policy", "documents.dpia", "documents.equality", "documents.community",
        "documents.authorisation",
    ]  # fmt: skip
    assert await office.deployments.authorisations(drafted.id) == []


async def test_an_account_that_was_disabled_authorises_nothing(office: Office) -> None:
    drafted = await office.drafted()
    async with office.store.db.write() as tx:
        await tx.execute("UPDATE officer SET disabled_at = ? WHERE id = ?", NOW, office.authorising.id)
    with pytest.raises(NotAllowed, match="no account here"):
        await office.deployments.authorise(drafted.id, office.authorising, "Inspector", "")


async def test_a_change_of_the_plan_after_the_authorisation_needs_a_new_authorisation(office: Office) -> None:
    ready = await office.ready()
    changed = await office.deployments.change(ready.id, planned(fpir=0.01), office.operator)
    assert (changed.stage, changed.plan.fpir) == (Stage.DRAFT, 0.01)
    with pytest.raises(NotReady, match="authorising officer: nobody has authorised it"):
        await office.deployments.start(ready.id, office.operator, office.facts(changed.plan))
    again = await office.deployments.authorise(ready.id, office.authorising, "Inspector", "")
    assert again.stage is Stage.AUTHORISED


async def test_zones_may_be_drawn_after_the_authorisation(office: Office) -> None:
    undrawn = planned(cameras=[CameraPlan(name="High Street 1")])
    authorised = await office.authorised(undrawn)
    drawn = await office.deployments.change(authorised.id, PLAN, office.operator)
    assert (drawn.stage, drawn.plan) == (Stage.AUTHORISED, PLAN)
    await office.listed(drawn.id)
    await office.deployments.make_ready(drawn.id, office.operator, office.facts())
    started = await office.deployments.start(drawn.id, office.operator, office.facts())
    assert started.stage is Stage.ACTIVE


async def test_who_drew_zones_after_the_authorisation_is_told_until_they_are_authorised(
    office: Office,
) -> None:
    authorised = await office.authorised(planned(cameras=[CameraPlan(name="High Street 1")]))
    assert await office.deployments.zones_drawn_by(authorised.id) == ""
    await office.deployments.change(authorised.id, PLAN, office.operator)
    assert await office.deployments.zones_drawn_by(authorised.id) == office.operator.name
    await office.deployments.change(authorised.id, planned(purpose="Another"), office.operator)
    assert await office.deployments.zones_drawn_by(authorised.id) == ""  # a draft: nothing stands
    await office.deployments.authorise(authorised.id, office.authorising, "Inspector", "")
    assert await office.deployments.zones_drawn_by(authorised.id) == ""


async def test_a_plan_that_is_what_it_was_changes_nothing(office: Office) -> None:
    authorised = await office.authorised()
    assert await office.deployments.change(authorised.id, PLAN, office.operator) == authorised
    assert await office.told(authorised) == ["drafted", "authorised"]


async def test_a_plan_that_is_over_is_not_drafted(office: Office) -> None:
    with pytest.raises(NotAllowed, match=r"ends_at: .* has passed"):
        await office.drafted(planned(ends_at=NOW))
    assert await office.deployments.all() == []


# ---- who may what --------------------------------------------------------------------------------------

Steps = dict[str, tuple[Stage, set[Role], Callable[[Office, DeploymentId, Actor], Awaitable[object]]]]

STEPS: Steps = {
    "draft": (
        Stage.DRAFT,
        {Role.OPERATOR},
        lambda o, d, actor: o.deployments.draft(PLAN, actor),
    ),
    "change": (
        Stage.DRAFT,
        {Role.OPERATOR},
        lambda o, d, actor: o.deployments.change(d, planned(fpir=0.01), actor),
    ),
    "authorise": (
        Stage.DRAFT,
        {Role.AUTHORISING},
        lambda o, d, actor: o.deployments.authorise(d, actor, "Inspector", ""),
    ),
    "make ready": (
        Stage.AUTHORISED,
        {Role.OPERATOR},
        lambda o, d, actor: o.deployments.make_ready(d, actor, o.facts()),
    ),
    "start": (
        Stage.READY,
        {Role.OPERATOR},
        lambda o, d, actor: o.deployments.start(d, actor, o.facts()),
    ),
    "suspend": (
        Stage.ACTIVE,
        {Role.OPERATOR, Role.AUTHORISING},
        lambda o, d, actor: o.deployments.suspend(d, actor, "ordered"),
    ),
    "reauthorise": (
        Stage.SUSPENDED,
        {Role.AUTHORISING},
        lambda o, d, actor: o.deployments.reauthorise(d, actor, "Inspector", "looked into"),
    ),
    "extend": (
        Stage.ACTIVE,
        {Role.AUTHORISING},
        lambda o, d, actor: o.deployments.extend(d, actor, "Inspector", NOW + 9 * HOUR, "still needed"),
    ),
    "amend": (
        Stage.ACTIVE,
        {Role.AUTHORISING},
        lambda o, d, actor: o.deployments.amend(
            d, actor, "Inspector", Change(fpir=0.01), "too few", o.facts(planned(fpir=0.01))
        ),
    ),
    "close": (
        Stage.ACTIVE,
        {Role.OPERATOR, Role.AUTHORISING},
        lambda o, d, actor: o.deployments.close(d, actor),
    ),
    "revoke": (
        Stage.ACTIVE,
        {Role.OPERATOR, Role.AUTHORISING},
        lambda o, d, actor: o.deployments.revoke(d, actor, "ordered by the court"),
    ),
}


async def brought_to(office: Office, stage: Stage) -> Deployment:
    match stage:
        case Stage.DRAFT:
            return await office.drafted()
        case Stage.AUTHORISED:
            authorised = await office.authorised()
            await office.listed(authorised.id)
            return authorised
        case Stage.READY:
            return await office.ready()
        case Stage.SUSPENDED:
            return await office.deployments.suspend((await office.started()).id, SYSTEM, "blue_tpir", "")
    return await office.started()


@pytest.mark.parametrize("step", STEPS)
async def test_each_step_is_refused_to_every_role_but_its_own(office: Office, step: str) -> None:
    stage, allowed, take = STEPS[step]
    one = await brought_to(office, stage)
    told = await office.told(one)
    for actor in (*(office.people[role] for role in Role if role not in allowed), CONSOLE):
        with pytest.raises(NotAllowed) as refused:
            await take(office, one.id, actor)
        assert refused.value.code == "role"
    assert await office.deployments.get(one.id) == one
    assert await office.told(one) == told
    await take(office, one.id, office.people[min(allowed)])


# ---- starting ------------------------------------------------------------------------------------------


async def test_a_started_deployment_has_its_terms_frozen_in_a_segment(office: Office) -> None:
    started = await office.started()
    assert (started.stage, started.started_by, started.started_at) == (Stage.ACTIVE, office.operator.id, NOW)
    assert await office.deployments.current() == started
    (segment,) = await office.deployments.segments(started.id)
    assert (segment.number, segment.threshold, segment.pack, segment.model) == (1, 0.42, "small", "a" * 64)
    assert (segment.n, segment.cameras) == (2, PLAN.cameras)
    assert segment.settings == facts().settings
    assert segment.authorised_by == "The authorising, Inspector"
    assert await office.told(started) == ["drafted", "authorised", "made_ready", "started", "segment_began"]


async def test_the_start_is_refused_with_all_that_is_missing(office: Office) -> None:
    empty = Plan(name="Empty")
    drafted = await office.drafted(empty)
    lacking = office.facts(empty, watchlist=None)
    with pytest.raises(NotReady) as refused:
        await office.deployments.start(drafted.id, office.operator, lacking)
    fields = [line.split(":")[0] for line in refused.value.missing]
    assert {"authorising officer", "rank", "purpose", "cameras", "ends_at", "watchlist", "ready"} <= set(
        fields
    )
    assert refused.value.missing == await office.deployments.missing(drafted.id, Act.START, lacking)
    assert await office.told(drafted) == ["drafted"]


async def test_facts_of_another_plan_another_list_or_another_hour_start_nothing(office: Office) -> None:
    ready = await office.ready()
    built = facts().watchlist
    assert built is not None
    for stale in (
        office.facts(planned(fpir=0.01)),
        office.facts(watchlist=replace(built, digest="e" * 64)),
        office.facts(watchlist=replace(built, listed=3)),
        office.facts(gathered_at=NOW - HOUR),
    ):
        with pytest.raises(NotAllowed, match="changed meanwhile") as refused:
            await office.deployments.start(ready.id, office.operator, stale)
        assert refused.value.code == "changed"
    assert (await office.deployments.get(ready.id)).stage is Stage.READY


async def test_a_plan_that_was_changed_behind_the_authorisations_back_does_not_start(office: Office) -> None:
    ready = await office.ready()
    altered = planned(purpose="Something else")
    async with office.store.db.write() as tx:
        await tx.execute("UPDATE deployment SET plan = ?", msgspec.json.encode(altered).decode())
    with pytest.raises(NotReady, match="authorisation: the plan is not the one that was authorised"):
        await office.deployments.start(ready.id, office.operator, office.facts(altered))


async def test_while_one_deployment_is_open_no_other_starts(office: Office) -> None:
    await office.started()
    second = await office.ready(planned(name="Evening"))
    with pytest.raises(NotReady, match="another deployment: 'Market day' is open"):
        await office.deployments.start(second.id, office.operator, office.facts(planned(name="Evening")))


async def test_of_two_starts_at_once_one_wins(office: Office, path: Path, clock: Clock) -> None:
    first, second = await office.ready(), await office.ready(planned(name="Evening"))
    async with Database.open(path, beside=True) as db:
        beside = Deployments(db, Keys(db, office.store.keys.site_key), clock)
        results = await asyncio.gather(
            office.deployments.start(first.id, office.operator, office.facts()),
            beside.start(second.id, office.operator, office.facts(planned(name="Evening"))),
            return_exceptions=True,
        )
    (won,) = [one for one in results if isinstance(one, Deployment)]
    (lost,) = [one for one in results if isinstance(one, NotReady)]
    assert lost.missing == [f"another deployment: '{won.name}' is open; close it first"]
    assert await office.deployments.current() == won


def start_beside(path: str, secret: str, deployment: str, operator: Actor, plan: bytes, go: Any) -> None:
    """A process of its own that starts a deployment when all are told to; exits with 0 where it won."""

    async def begin() -> None:
        async with Database.open(Path(path), beside=True) as db:
            deployments = Deployments(db, Keys(db, SiteKey(secret)), lambda: NOW)
            own = msgspec.json.decode(plan, type=Plan)
            go.wait(20)
            await deployments.start(DeploymentId(deployment), operator, facts(own))

    try:
        asyncio.run(begin())
    except NotReady as refused:
        raise SystemExit(3 if "another deployment" in str(refused) else 4) from None


async def test_of_two_processes_that_start_two_deployments_one_wins(office: Office, path: Path) -> None:
    ready = [await office.ready(planned(name=f"Number {number}")) for number in range(2)]
    context = multiprocessing.get_context("spawn")
    go = context.Barrier(len(ready))
    secret = office.store.keys.site_key.reveal()
    processes = [
        context.Process(
            target=start_beside,
            args=(str(path), secret, one.id, office.operator, msgspec.json.encode(one.plan), go),
        )
        for one in ready
    ]
    for process in processes:
        process.start()
    for process in processes:
        await asyncio.to_thread(process.join, 60)
    assert sorted(process.exitcode or 0 for process in processes) == [0, 3]
    assert [one.stage for one in await office.deployments.all()].count(Stage.ACTIVE) == 1


async def test_the_database_itself_holds_one_open_deployment_at_the_most(office: Office) -> None:
    started, second = await office.started(), await office.ready(planned(name="Evening"))
    with sqlite3.connect(office.store.db.path) as raw, pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        raw.execute("UPDATE deployment SET stage = 'active' WHERE id = ?", (second.id,))
    raw.close()
    assert await office.deployments.current() == started


# ---- running -------------------------------------------------------------------------------------------


async def test_the_server_pauses_and_takes_up_again(office: Office) -> None:
    started = await office.started()
    paused = await office.deployments.pause(started.id, "no_officer", "nobody on post")
    assert (paused.stage, paused.reason) == (Stage.PAUSED, "no_officer")
    assert await office.deployments.pause(started.id, "no_officer") == paused
    assert (await office.deployments.pause(started.id, "degraded", "no camera")).reason == "degraded"
    resumed = await office.deployments.resume(started.id)
    assert (resumed.stage, resumed.reason) == (Stage.ACTIVE, "")
    assert (await office.told(started))[5:] == ["paused", "paused", "resumed"]


async def test_a_suspended_deployment_waits_for_an_authorising_officer(office: Office) -> None:
    started = await office.started()
    suspended = await office.deployments.suspend(started.id, SYSTEM, "false_alert_rate", "3 in 100 faces")
    assert (suspended.stage, suspended.reason) == (Stage.SUSPENDED, "false_alert_rate")
    with pytest.raises(NotAllowed, match="suspended until an authorising officer"):
        await office.deployments.resume(started.id)
    with pytest.raises(NotReady, match="reason: is empty"):
        await office.deployments.reauthorise(started.id, office.authorising, "Inspector", " ")
    again = await office.deployments.reauthorise(started.id, office.authorising, "Inspector", "one bad zone")
    assert (again.stage, again.reason) == (Stage.ACTIVE, "")
    kind = [given.kind for given in await office.deployments.authorisations(started.id)]
    assert kind == ["start", "resume"]


async def test_extending_needs_a_new_authorisation_and_a_later_end(office: Office) -> None:
    started = await office.started()
    assert PLAN.ends_at is not None
    for end in (PLAN.ends_at, NOW, float("nan")):
        with pytest.raises(NotAllowed, match="ends_at: must be later"):
            await office.deployments.extend(started.id, office.authorising, "Inspector", end, "still needed")
    later = await office.deployments.extend(
        started.id, office.authorising, "Inspector", PLAN.ends_at + HOUR, "still needed"
    )
    assert later.plan.ends_at == PLAN.ends_at + HOUR
    given = (await office.deployments.authorisations(started.id))[-1]
    assert (given.kind, given.reason, given.plan) == ("extend", "still needed", later.plan)
    office.clock.now = PLAN.ends_at
    assert await office.deployments.close_overdue() == []


async def test_no_deployment_is_extended_beyond_three_days_after_its_start(office: Office) -> None:
    started = await office.started()
    assert started.started_at is not None
    latest = started.started_at + life.LONGEST_HOURS * HOUR
    for end in (latest + 1, 1e300):
        with pytest.raises(NotAllowed, match="72 h after its start") as refused:
            await office.deployments.extend(started.id, office.authorising, "Inspector", end, "needed")
        assert refused.value.code == "too_long"
    assert await office.deployments.get(started.id) == started
    later = await office.deployments.extend(started.id, office.authorising, "Inspector", latest, "needed")
    assert later.plan.ends_at == latest


async def test_what_is_over_cannot_be_extended_or_taken_up_again(office: Office) -> None:
    started = await office.started()
    await office.deployments.suspend(started.id, office.operator, "ordered")
    office.clock.now = NOW + 5 * HOUR
    for step in (
        office.deployments.extend(started.id, office.authorising, "Inspector", NOW + 9 * HOUR, "late"),
        office.deployments.reauthorise(started.id, office.authorising, "Inspector", "late"),
    ):
        with pytest.raises(NotAllowed, match="its time is over"):
            await step


async def test_an_amendment_names_who_authorised_it_and_begins_a_new_segment(office: Office) -> None:
    started = await office.started()
    amended = planned(fpir=0.01)
    around = office.facts(
        amended, threshold=0.37, settings={"analysis": {"rate": 2.0}, "threshold": {"fpir": 0.01}}
    )
    office.clock.now += 60
    await office.deployments.amend(
        started.id, office.authorising, "Inspector", Change(fpir=0.01), "too few", around
    )
    first, second = await office.deployments.segments(started.id)
    assert (first.number, first.threshold, second.number, second.threshold) == (1, 0.42, 2, 0.37)
    assert (second.at, second.reason) == (NOW + 60, "too few")
    assert second.authorised_by == "The authorising, Inspector"
    # What nobody amended stays as it was, though config.toml says otherwise by now.
    assert second.settings == {"analysis": {"rate": 10.0}, "threshold": {"fpir": 0.01}}
    assert (await office.told(started))[5:] == ["authorised", "segment_began"]
    assert (await office.deployments.get(started.id)).plan == amended


async def test_an_amendment_of_a_camera_leaves_the_threshold_frozen(office: Office) -> None:
    started = await office.started()
    around = office.facts(planned(cameras=NEARER), threshold=0.9)
    await office.deployments.amend(
        started.id, office.authorising, "Inspector", Change(cameras=NEARER), "too small", around
    )
    second = (await office.deployments.segments(started.id))[-1]
    assert (second.threshold, second.cameras, second.settings) == (0.42, NEARER, facts().settings)


async def test_an_amendment_leaves_a_paused_deployment_paused(office: Office) -> None:
    started = await office.started()
    await office.deployments.pause(started.id, "no_officer")
    amended = await office.deployments.amend(
        started.id, office.authorising, "Inspector", Change(cameras=NEARER), "too small",
        office.facts(planned(cameras=NEARER)),
    )  # fmt: skip
    assert (amended.stage, amended.reason) == (Stage.PAUSED, "no_officer")


async def test_an_amendment_without_reason_of_nothing_or_of_an_unknown_camera_is_refused(
    office: Office,
) -> None:
    started = await office.started()
    elsewhere = [CameraPlan(name="Elsewhere", zone=ZONE)]
    for change, reason, around, says in (
        (Change(fpir=0.01), " ", office.facts(planned(fpir=0.01)), "reason: is empty"),
        (Change(fpir=PLAN.fpir), "so", office.facts(), "changes nothing"),
        (Change(cameras=elsewhere), "so", office.facts(planned(cameras=elsewhere)), "not in config.toml"),
        (
            Change(fpir=0.01),
            "so",
            office.facts(planned(fpir=0.01), pack=PackFacts("other", "b" * 64)),
            "not the pack that it was started with",
        ),
        (Change(fpir=0.01), "so", office.facts(), "changed meanwhile"),
    ):
        with pytest.raises(NotAllowed, match=says):
            await office.deployments.amend(
                started.id, office.authorising, "Inspector", change, reason, around
            )
    assert len(await office.deployments.segments(started.id)) == 1


# ---- ending --------------------------------------------------------------------------------------------


async def test_a_deployment_ends_itself_at_its_end_time(office: Office) -> None:
    started = await office.started()
    office.clock.now = NOW + 5 * HOUR - 1
    assert await office.deployments.close_overdue() == []
    office.clock.now = NOW + 6 * HOUR  # as after a night in which the server was off
    (closed,) = await office.deployments.close_overdue()
    assert (closed.stage, closed.reason, closed.closed_at) == (Stage.CLOSED, "ended", NOW + 5 * HOUR)
    assert await office.deployments.current() is None
    assert await office.deployments.close_overdue() == []
    assert (await office.told(started))[-1] == "closed"


async def test_setting_the_clock_back_a_day_extends_nothing(office: Office) -> None:
    walls = [NOW, 100.0]
    ratchet = await Ratchet.opened(office.store.db, lambda: walls[0], lambda: walls[1], "boot")
    deployments = Deployments(office.store.db, office.store.keys, ratchet.now)
    await office.started()
    walls[0] -= 86400
    walls[0], walls[1] = walls[0] + 5 * HOUR, walls[1] + 5 * HOUR
    await ratchet.save()
    (closed,) = await deployments.close_overdue()
    assert closed.reason == "ended"
    assert kinds.ClockSetBack(86400.0) in await office.store.audited()


async def test_one_that_never_started_ends_too(office: Office) -> None:
    await office.authorised()
    office.clock.now = NOW + 5 * HOUR
    (closed,) = await office.deployments.close_overdue()
    assert (closed.stage, closed.started_at) == (Stage.CLOSED, None)


@pytest.mark.parametrize("stage", [Stage.DRAFT, Stage.AUTHORISED, Stage.READY, Stage.ACTIVE, Stage.CLOSED])
async def test_revocation_deletes_everything_in_any_stage_and_gives_a_signed_receipt(
    office: Office, stage: Stage
) -> None:
    one = await brought_to(office, stage)
    if stage is Stage.CLOSED:
        await office.deployments.close(one.id, office.operator)
    document = await office.deployments.revoke(one.id, office.operator, "ordered by the court")
    statement = read_signed(document, office.store.keys.site_key.signer.public_key)
    assert one.id in str(statement)
    gone = await office.deployments.get(one.id)
    assert (gone.stage, gone.destroyed_at) == (Stage.DESTROYED, NOW)
    async with office.store.db.read() as tx:
        assert not any([await office.store.keys.has(tx, one.id, purpose) for purpose in Purpose])
        assert await tx.rows("SELECT * FROM entry") == []
    assert [kind for kind in await office.told(one) if kind in ("revoked", "destroyed")] == [
        "revoked", "destroyed",
    ]  # fmt: skip
    with pytest.raises(NotAllowed, match="cannot be revoked: it is destroyed"):
        await office.deployments.revoke(one.id, office.operator, "once more")


async def test_a_revocation_needs_a_reason(office: Office) -> None:
    started = await office.started()
    with pytest.raises(NotReady, match="reason: is empty"):
        await office.deployments.revoke(started.id, office.operator, "")
    assert await office.deployments.current() == started


async def test_a_revocation_that_a_crash_broke_off_is_finished_at_the_next_start(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = await office.started()

    async def dies(*_: object) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("lfrd.store.destruction.Destruction.everything", dies)
        with pytest.raises(KeyboardInterrupt):
            await office.deployments.revoke(started.id, office.operator, "ordered by the court")
    assert (await office.deployments.get(started.id)).stage is Stage.CLOSED
    destruction = Destruction(office.store.db, office.store.keys, office.clock)
    assert len(await destruction.finish()) == 1
    assert (await office.deployments.get(started.id)).stage is Stage.DESTROYED


async def test_the_server_confirms_that_its_memory_is_wiped(office: Office) -> None:
    started = await office.started()

    async def wiped() -> None:
        from lfrd.store.audit import append

        async with office.store.db.write() as tx:
            await append(tx, office.clock(), SYSTEM, kinds.MemoryWiped(started.id))

    await wiped()  # of an earlier pause
    await office.deployments.revoke(started.id, office.operator, "ordered by the court")
    assert not await office.deployments.memory_wiped(started.id)
    await wiped()
    assert await office.deployments.memory_wiped(started.id)


async def test_an_unknown_deployment_is_an_error(office: Office) -> None:
    with pytest.raises(NotAllowed, match="no such deployment") as refused:
        await office.deployments.get(DeploymentId("nowhere"))
    assert refused.value.code == "unknown_deployment"


async def test_what_fails_leaves_neither_a_step_nor_a_record(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = await office.ready()

    async def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    told = await office.told(ready)
    with monkeypatch.context() as patch:
        patch.setattr("lfrd.store.authorising.append", full)  # the segment's record, the last of the start
        with pytest.raises(OSError, match="No space"):
            await office.deployments.start(ready.id, office.operator, office.facts())
    assert await office.deployments.get(ready.id) == ready
    assert await office.told(ready) == told
    assert await office.deployments.segments(ready.id) == []
