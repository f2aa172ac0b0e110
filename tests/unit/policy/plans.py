"""A plan that lacks nothing, and facts under which it may start, for tests that take something away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from lfrd.policy.life import Facts, ListFacts, PackFacts
from lfrd.policy.plan import DOCUMENTS, CameraPlan, Plan
from lfrd.types import Actor, OfficerId, Role

NOW = 1_760_000_000.0
HOUR = 3600.0

ZONE = [(0.1, 0.2), (0.9, 0.2), (0.9, 1.0), (0.1, 1.0)]

PLAN = Plan(
    name="Market day",
    purpose="To find people wanted by the courts",
    use_case="Crime hotspot",
    place="High Street, by the market",
    starts_at=NOW - HOUR,
    ends_at=NOW + 5 * HOUR,
    necessity="Other means have been tried",
    proportionality="A list of those wanted for serious offences only",
    documents=dict.fromkeys(DOCUMENTS, "2.1"),
    cameras=[CameraPlan(name="High Street 1", zone=ZONE)],
    categories=["wanted on warrant"],
)

FACTS = Facts(
    plan=PLAN,
    gathered_at=NOW,
    cameras=frozenset({"High Street 1", "High Street 2"}),
    pack=PackFacts("small", "a" * 64),
    pack_problem="",
    watchlist=ListFacts("a" * 64, NOW - HOUR, 2, "d" * 64, {"wanted on warrant": 2}),
    threshold=0.42,
    threshold_problem="",
    settings={"analysis": {"rate": 10.0}, "threshold": {"fpir": 0.001, "source": "measured"}},
)


def planned(**change: Any) -> Plan:
    return msgspec.structs.replace(PLAN, **change)


def facts(plan: Plan = PLAN, **change: Any) -> Facts:
    return replace(FACTS, plan=plan, **change)


def person(name: str, role: Role | None) -> Actor:
    return Actor(OfficerId(f"id of {name}"), name, role)


OPERATOR = person("Olsen", Role.OPERATOR)
SECOND_OPERATOR = person("Okafor", Role.OPERATOR)
AUTHORISING = person("Adams", Role.AUTHORISING)
ENGAGEMENT = person("Evans", Role.ENGAGEMENT)
ENGINEER = person("Engel", Role.ENGINEER)
AUDITOR = person("Aziz", Role.AUDITOR)
PEOPLE = (OPERATOR, SECOND_OPERATOR, AUTHORISING, ENGAGEMENT, ENGINEER, AUDITOR)
