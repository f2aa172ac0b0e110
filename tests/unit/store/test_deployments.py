from __future__ import annotations

import dataclasses

import pytest

from lfrd.errors import NotAllowed
from lfrd.store.deployments import DeploymentState, Terms
from lfrd.types import NominalId
from tests.unit.store.conftest import TERMS, Store


async def test_a_deployment_keeps_what_was_frozen_at_its_start(store: Store) -> None:
    kept = await store.deployments.current()
    assert kept is not None
    assert (kept.id, kept.name, kept.state) == (store.deployment, "Market day", DeploymentState.OPEN)
    assert (kept.threshold, kept.model, kept.n) == (0.42, "a" * 64, 2)
    assert kept.settings == {"least_shots": 3, "agreement": 0.5}
    assert (kept.began_at, kept.ended_at) == (store.clock.now, None)


async def test_a_second_deployment_waits_for_the_end_of_the_first(store: Store) -> None:
    with pytest.raises(NotAllowed) as caught:
        await store.deployments.begin("Evening", TERMS)
    assert caught.value.code == "deployment_open"
    store.clock.now += 100
    await store.deployments.end(store.deployment)
    assert await store.deployments.current() is None
    await store.deployments.begin("Evening", TERMS)
    assert [(d.name, d.state.value, d.ended_at) for d in await store.deployments.all()] == [
        ("Market day", "ended", store.clock.now),
        ("Evening", "open", None),
    ]


async def test_a_deployment_ends_once(store: Store) -> None:
    await store.deployments.end(store.deployment)
    with pytest.raises(NotAllowed) as caught:
        await store.deployments.end(store.deployment)
    assert caught.value.code == "deployment_ended"


async def test_a_restart_on_the_same_terms_goes_on_with_the_deployment(store: Store) -> None:
    terms = Terms(
        0.42, "a" * 64, {"agreement": 0.5, "least_shots": 3}, frozenset(map(NominalId, ("p2", "p1")))
    )
    deployment, resumed = await store.deployments.resume_or_begin("Market day", terms)
    assert (deployment.id, resumed) == (store.deployment, True)


@pytest.mark.parametrize(
    "change",
    [
        {"threshold": 0.43},
        {"model": "b" * 64},
        {"settings": {"least_shots": 4, "agreement": 0.5}},
        {"nominals": frozenset({NominalId("p1"), NominalId("p3")})},
        {"nominals": frozenset({NominalId("p1")})},
    ],
)
async def test_a_change_of_any_term_is_another_deployment(store: Store, change: dict[str, object]) -> None:
    terms = dataclasses.replace(TERMS, **change)  # type: ignore[arg-type]
    deployment, resumed = await store.deployments.resume_or_begin("Market day", terms)
    assert resumed is False
    assert deployment.id != store.deployment
    assert [d.state.value for d in await store.deployments.all()] == ["ended", "open"]


async def test_a_new_name_is_another_deployment(store: Store) -> None:
    deployment, resumed = await store.deployments.resume_or_begin("Evening", TERMS)
    assert (deployment.name, resumed) == ("Evening", False)
