"""Authorisation and deployment, rules 1 to 5: real stores, and a real site where frames could be decoded."""

from __future__ import annotations

import functools
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import msgspec
import pytest

from lfrd import app, conducting, watching
from lfrd.audit import kinds
from lfrd.config import Analysis, Config, DecisionSettings
from lfrd.errors import NotAllowed, NotReady, SettingError
from lfrd.operation.alerts import InForce
from lfrd.policy.life import Facts, PackFacts
from lfrd.policy.plan import DOCUMENTS, CameraPlan, Change, Plan
from lfrd.record.gathering import from_audit
from lfrd.records import records
from lfrd.store.clock import since_boot
from lfrd.types import DeploymentId, Role, Stage
from lfrd.vision.pack import Pack
from tests.desk import CAMERAS, PEOPLE, Desk, desk
from tests.journeys.process import reach, see
from tests.rules.site import Ready, There, ready

HOUR = 3600.0


@pytest.fixture
async def site(
    tmp_path: Path, builtin: Path, street_clip: Path, admiral: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Ready]:
    async with ready(tmp_path, builtin, street_clip, admiral, monkeypatch) as made:
        yield made


# ---- rule 1 --------------------------------------------------------------------------------------------

EMPTY: dict[str, object] = {
    "purpose": "",
    "use_case": " ",
    "place": "",
    "necessity": "",
    "proportionality": "\n",
    "categories": [],
    "cameras": [],
    "starts_at": None,
    "ends_at": None,
}
MISSING: dict[str, dict[str, object]] = {
    **{field: {field: value} for field, value in EMPTY.items()},
    **{
        f"documents.{name}": {"documents": {one: "2026-03" for one in DOCUMENTS if one != name}}
        for name in DOCUMENTS
    },
}
"""What a plan may lack, as the refusal names it -> the change that takes it away."""


def fields(refused: pytest.ExceptionInfo[NotReady]) -> list[str]:
    return [line.partition(":")[0] for line in refused.value.missing]


@pytest.mark.parametrize("field", MISSING)
async def test_each_field_that_is_missing_refuses_authorisation_and_start_and_is_named(
    tmp_path: Path, field: str
) -> None:
    async with desk(tmp_path) as there:
        id = await there.drafted(**MISSING[field])
        await there.imported(id)
        deployments = there.records.deployments
        with pytest.raises(NotReady) as refused:
            await deployments.authorise(id, there.people[Role.AUTHORISING], "Superintendent", "")
        assert fields(refused) == [field]
        with pytest.raises(NotReady) as refused:
            await deployments.start(id, there.people[Role.OPERATOR], await gathered(there, id))
        assert field in fields(refused)
        assert await deployments.current() is None


async def test_a_start_without_authorising_officer_and_rank_is_refused_and_names_both(tmp_path: Path) -> None:
    async with desk(tmp_path) as there:
        id = await there.drafted()
        await there.imported(id)
        with pytest.raises(NotReady) as refused:
            await there.records.deployments.start(id, there.people[Role.OPERATOR], await gathered(there, id))
        assert fields(refused) == ["authorising officer", "rank", "ready"]


async def test_a_start_without_a_zone_for_each_camera_is_refused_and_names_the_camera(tmp_path: Path) -> None:
    async with desk(tmp_path) as there:
        drawn = [CameraPlan(name=CAMERAS[0], zone=[(0, 0), (1, 0), (1, 1)]), CameraPlan(name=CAMERAS[1])]
        id = await there.authorised(cameras=drawn)
        await there.imported(id)
        for step in (there.records.deployments.make_ready, there.records.deployments.start):
            with pytest.raises(NotReady) as refused:
                await step(id, there.people[Role.OPERATOR], await gathered(there, id))
            assert refused.value.missing[0].startswith(f"cameras: '{CAMERAS[1]}' has no zone")


async def test_no_frame_is_decoded_without_an_open_deployment(
    site: Ready, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An officer is on post all the while; what opens the camera's file is counted."""
    opened_files: list[str] = []
    real = av.open

    def counted(file: str, *args: Any, **options: Any) -> Any:
        opened_files.append(file)
        return real(file, *args, **options)

    monkeypatch.setattr(av, "open", counted)
    async with site.running() as there:
        phone, kept, deployment = there.phone, there.records, site.deployment
        stages = []

        async def stage() -> None:
            found = await kept.deployments.get(deployment)
            stages.append((found.stage, phone.state().deployment is not None, bool(opened_files)))

        assert await kept.deployments.current() is None
        await stage()
        plan = msgspec.structs.replace((await kept.deployments.get(deployment)).plan, purpose="Another one")
        await kept.deployments.change(deployment, plan, there.people.operator)
        await there.looked()
        await stage()
        await kept.deployments.authorise(deployment, there.people.authorising, "", "")
        await there.looked()
        await stage()
        await there.start(plan)
        await see(phone, Street="live")
        await stage()
        await kept.deployments.suspend(deployment, there.people.operator, "ordered", "")
        await see(phone, Street="off")
        opened_files.clear()
        await there.looked()
        await stage()
        await kept.deployments.reauthorise(deployment, there.people.authorising, "", "looked at")
        await see(phone, Street="live")
        await stage()
        await kept.deployments.close(deployment, there.people.operator)
        await reach(phone, lambda: phone.state().deployment is None)
        await see(phone, Street="off")
        opened_files.clear()
        await there.looked()
        await stage()
    assert stages == [
        (Stage.READY, False, False),
        (Stage.DRAFT, False, False),
        (Stage.AUTHORISED, False, False),
        (Stage.ACTIVE, True, True),
        (Stage.SUSPENDED, True, False),
        (Stage.ACTIVE, True, True),
        (Stage.CLOSED, False, False),
    ]


# ---- rule 2 --------------------------------------------------------------------------------------------


async def test_a_running_deployment_ends_itself_at_its_end_time_and_a_clock_set_back_extends_nothing(
    site: Ready, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = Moved(time.time)
    monotonic = Moved(since_boot)
    kept_by = functools.partial(records, wall=wall, monotonic=monotonic)
    monkeypatch.setattr(app, "records", kept_by)
    async with site.running() as there:
        phone, kept = there.phone, there.records
        before = (await kept.deployments.get(site.deployment)).plan
        await there.start(before)
        await see(phone, Street="live")
        monotonic.ahead, wall.ahead = 3 * HOUR, -24 * HOUR
        await there.looked()
        assert (await kept.deployments.get(site.deployment)).stage is Stage.ACTIVE
        monotonic.ahead = 4 * HOUR + 1  # the plan is for 4 h, and the wall clock says yesterday
        await reach(phone, lambda: phone.state().deployment is None)
        ended = await kept.deployments.get(site.deployment)
        assert (ended.stage, ended.reason, ended.closed_at) == (Stage.CLOSED, "ended", before.ends_at)
        await see(phone, Street="off")
        with pytest.raises(NotAllowed) as refused:
            await kept.deployments.extend(
                site.deployment, there.people.authorising, "", kept.clock.now() + HOUR, "too late"
            )
        assert refused.value.code == "stage"
        await kept.clock.save()
        assert any(
            isinstance(kinds.decode(record.body), kinds.ClockSetBack) for record in await kept.audit.records()
        )


async def test_extending_needs_a_new_authorisation_that_nobody_else_can_give(tmp_path: Path) -> None:
    async with desk(tmp_path) as there:
        id = await there.started()
        deployments = there.records.deployments
        ends_at = (await deployments.get(id)).plan.ends_at
        assert ends_at is not None
        for role in set(Role) - {Role.AUTHORISING}:
            with pytest.raises(NotAllowed) as refused:
                await deployments.extend(id, there.people[role], "Inspector", ends_at + HOUR, "more time")
            assert refused.value.code == "role"
        assert (await deployments.get(id)).plan.ends_at == ends_at
        await deployments.extend(
            id, there.people[Role.AUTHORISING], "Superintendent", ends_at + HOUR, "the fair goes on"
        )
        assert (await deployments.get(id)).plan.ends_at == ends_at + HOUR
        assert [one.kind for one in await deployments.authorisations(id)] == ["start", "extend"]


# ---- rule 5 --------------------------------------------------------------------------------------------


async def test_threshold_model_digest_n_and_quality_settings_are_frozen_at_the_start(tmp_path: Path) -> None:
    """Another value of each is what the box would start with by now; the deployment keeps its own."""
    async with desk(tmp_path) as there:
        id = await there.started()
        deployments, authorising = there.records.deployments, there.people[Role.AUTHORISING]
        (frozen,) = await deployments.segments(id)
        assert (frozen.threshold, frozen.model, frozen.n) == (0.6, "f" * 64, 5)
        assert frozen.authorised_by == f"{PEOPLE[Role.AUTHORISING][0]}, Superintendent"

        with pytest.raises(NotAllowed) as refused:
            await there.imported(id)
        assert refused.value.code == "list_frozen"

        nearer = [CameraPlan(name=CAMERAS[0], zone=[(0, 0), (1, 0), (1, 1)], eye_distance_pixels=30.0)]
        change = Change(cameras=nearer)
        plan = change.applied((await deployments.get(id)).plan)
        now = await gathered(there, id, plan)
        with pytest.raises(NotReady, match="is not the pack that it was started with"):
            await deployments.amend(
                id, authorising, "", change, "nearer", replace(now, pack=PackFacts("newer", "e" * 64))
            )
        await deployments.amend(
            id,
            authorising,
            "",
            change,
            "nearer",
            replace(now, threshold=0.3, settings={"analysis": {"rate": 1.0}}),
        )
        first, second = await deployments.segments(id)
        assert first == frozen
        assert (second.threshold, second.model, second.n, second.settings) == (
            frozen.threshold, frozen.model, frozen.n, frozen.settings,
        )  # fmt: skip
        assert (second.number, second.authorised_by, second.reason) == (2, frozen.authorised_by, "nearer")


async def test_a_change_of_frozen_terms_names_who_authorised_it_and_splits_the_statistics(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as there:
        id = await there.started()
        deployments = there.records.deployments
        change = Change(threshold=0.7)
        plan = change.applied((await deployments.get(id)).plan)
        for role in set(Role) - {Role.AUTHORISING}:
            found = await gathered(there, id, plan)
            with pytest.raises(NotAllowed) as refused:
                await deployments.amend(id, there.people[role], "Inspector", change, "fewer alerts", found)
            assert refused.value.code == "role"
        assert len(await deployments.segments(id)) == 1
        await there.alert("W-2041")
        found = await gathered(there, id, plan)
        await deployments.amend(id, there.people[Role.AUTHORISING], "", change, "fewer alerts", found)
        await there.office.alerts.open(InForce.of(id, 2, plan))
        await there.alert("W-2042")
        await there.alert("W-2043")
        figures = (await from_audit(there.records.audit, id)).deployments[0]
        name = PEOPLE[Role.AUTHORISING][0]
        assert [(one.threshold, one.authorised_by, one.counts.alerts.raised) for one in figures.segments] == [
            (0.6, f"{name}, Superintendent", 1),
            (0.7, f"{name}, Superintendent", 2),
        ]
        assert [(one.kind, one.name, one.reason) for one in figures.approvals][-1] == (
            "amend", name, "fewer alerts",
        )  # fmt: skip


async def test_settings_changed_after_the_start_change_nothing_of_what_runs(
    site: Ready, monkeypatch: pytest.MonkeyPatch
) -> None:
    """config.toml is edited and the server started again while the deployment is open."""
    given: list[tuple[float, Config]] = []
    real = watching.pipeline_of

    def pipeline_of(*args: Any) -> Any:
        given.append((args[3], args[4]))
        return real(*args)

    monkeypatch.setattr(conducting, "pipeline_of", pipeline_of)
    async with site.running() as there:
        await began(there)
    edited = msgspec.structs.replace(
        site.settings,
        analysis=Analysis(rate=2.0, eye_distance_pixels=60.0, max_side=640),
        decision=DecisionSettings(threshold=0.99, least_shots=1, agreement=0.0),
    )
    site.settings, before = edited, site.settings
    async with site.running() as there:
        await see(there.phone, Street="live")
    (threshold, settings), (again, after) = given
    assert again == threshold != 0.99
    assert after.analysis == settings.analysis == before.analysis
    assert (after.decision.least_shots, after.decision.agreement) == (
        before.decision.least_shots, before.decision.agreement,
    )  # fmt: skip


async def test_a_server_with_another_model_than_the_frozen_one_does_not_run_the_deployment(
    site: Ready,
) -> None:
    async with site.running() as there:
        await began(there)
    recogniser = msgspec.structs.replace(site.pack.manifest.recogniser, mirror=False)
    manifest = msgspec.structs.replace(site.pack.manifest, recogniser=recogniser)
    site.pack = Pack(site.pack.folder, manifest)
    with pytest.raises(ExceptionGroup) as ended:
        async with site.running() as there:
            await reach(there.phone, lambda: False)
    assert ended.group_contains(SettingError, match="is frozen to 'builtin'")


async def test_a_server_that_computes_in_another_precision_than_the_frozen_one_does_not_run_the_deployment(
    site: Ready,
) -> None:
    async with site.running() as there:
        await began(there)
        async with there.records.db.write() as tx:  # not every machine computes in it, and none needs to here
            await tx.execute(
                "UPDATE segment SET settings = json_set(settings, '$.inference.precision', 'bfloat16')"
            )
    with pytest.raises(ExceptionGroup) as ended:
        async with site.running() as there:
            await reach(there.phone, lambda: False)
    assert ended.group_contains(SettingError, match="is 'float32', but .* is frozen to 'bfloat16'")


# ---- what they stand on --------------------------------------------------------------------------------


async def began(there: There) -> None:
    """Started as it was planned, and its camera live."""
    await there.start((await there.records.deployments.get(there.deployment)).plan)
    await see(there.phone, Street="live")


class Moved:
    """A clock, moved by `ahead` seconds."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.ahead = 0.0

    def __call__(self) -> float:
        return float(self._real() + self.ahead)


async def gathered(there: Desk, id: DeploymentId, plan: Plan | None = None) -> Facts:
    plan = plan or (await there.records.deployments.get(id)).plan
    return await there.office.services.facts(plan, id)
