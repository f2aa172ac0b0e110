"""A deployment's life: no step that the table does not have, and no start that lacks anything."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lfrd.errors import NotAllowed
from lfrd.policy import life
from lfrd.policy.life import STEPS, Act, Life, ListFacts, PackFacts
from lfrd.policy.plan import DOCUMENTS, CameraPlan, Change, Plan
from lfrd.policy.polygon import area
from lfrd.types import CONSOLE, SYSTEM, Actor, OfficerId, Role, Stage
from tests.unit.policy.plans import (
    AUDITOR,
    AUTHORISING,
    ENGAGEMENT,
    ENGINEER,
    HOUR,
    NOW,
    OPERATOR,
    PEOPLE,
    PLAN,
    ZONE,
    facts,
    planned,
)

# Two accounts that one hand might hold: the ids are the same, the roles are not.
BOTH = [Actor(OfficerId("both"), "Both", role) for role in (Role.OPERATOR, Role.AUTHORISING)]
EVERYBODY = (*PEOPLE, *BOTH, SYSTEM, CONSOLE)


class Lives(RuleBasedStateMachine):
    """Any steps by anybody, legal or not."""

    @initialize(actor=st.sampled_from([p for p in EVERYBODY if p.role is Role.OPERATOR]))
    def draft(self, actor: Actor) -> None:
        self.life = life.begun(actor)
        self.planners = {actor.id}
        self.authorised_by: OfficerId | None = None
        self.started = False

    @rule(act=st.sampled_from(list(Act)), actor=st.sampled_from(EVERYBODY))
    def step(self, act: Act, actor: Actor) -> None:
        before = self.life
        legal = before.stage in STEPS[act].leads and life.may(act, actor)
        refused = ""
        try:
            self.life = before.after(act, actor)
        except NotAllowed as error:
            refused = error.code
        if refused:
            assert self.life == before
            assert refused == "same_person" or not legal
            return
        assert legal
        assert self.life.stage is STEPS[act].leads[before.stage]
        if act is Act.CHANGE:
            self.planners.add(actor.id)
            self.authorised_by = None
        if act is Act.DRAW_ZONES:
            self.planners.add(actor.id)
        if act is Act.AUTHORISE:
            self.authorised_by = actor.id
        if act is Act.START:
            self.started = True

    @invariant()
    def what_runs_was_authorised_by_another_person_than_planned_prepared_or_started_it(self) -> None:
        if not hasattr(self, "life") or not self.started:
            return
        now = self.life
        assert self.authorised_by is not None
        assert now.authorised_by is not None
        assert self.authorised_by not in self.planners
        assert self.authorised_by not in {now.ready_by, now.started_by}
        assert now.authorised_by not in self.planners | {now.ready_by, now.started_by}

    @invariant()
    def nothing_is_open_that_was_not_started(self) -> None:
        if hasattr(self, "life") and self.life.stage.is_open:
            assert self.started


TestLives = Lives.TestCase


def test_a_deployment_runs_through_its_life_by_two_people() -> None:
    now = life.begun(OPERATOR)
    for act, actor, stage in (
        (Act.AUTHORISE, AUTHORISING, Stage.AUTHORISED),
        (Act.MAKE_READY, OPERATOR, Stage.READY),
        (Act.START, OPERATOR, Stage.ACTIVE),
        (Act.PAUSE, SYSTEM, Stage.PAUSED),
        (Act.RESUME, SYSTEM, Stage.ACTIVE),
        (Act.SUSPEND, SYSTEM, Stage.SUSPENDED),
        (Act.REAUTHORISE, AUTHORISING, Stage.ACTIVE),
        (Act.EXTEND, AUTHORISING, Stage.ACTIVE),
        (Act.CLOSE, SYSTEM, Stage.CLOSED),
        (Act.DESTROY, SYSTEM, Stage.DESTROYED),
    ):
        now = now.after(act, actor)
        assert now.stage is stage


@pytest.mark.parametrize(
    ("act", "allowed"),
    [
        (Act.CHANGE, {"Olsen", "Okafor"}),
        (Act.DRAW_ZONES, {"Olsen", "Okafor"}),
        (Act.AUTHORISE, {"Adams"}),
        (Act.MAKE_READY, {"Olsen", "Okafor"}),
        (Act.START, {"Olsen", "Okafor"}),
        (Act.PAUSE, {"lfrd"}),
        (Act.RESUME, {"lfrd"}),
        (Act.SUSPEND, {"Olsen", "Okafor", "Adams", "lfrd"}),
        (Act.REAUTHORISE, {"Adams"}),
        (Act.EXTEND, {"Adams"}),
        (Act.AMEND, {"Adams"}),
        (Act.CLOSE, {"Olsen", "Okafor", "Adams", "lfrd"}),
        (Act.REVOKE, {"Olsen", "Okafor", "Adams"}),
        (Act.DESTROY, {"Olsen", "Okafor", "Adams", "lfrd"}),
    ],
)
def test_an_operator_cannot_authorise_and_an_authorising_officer_cannot_operate(
    act: Act, allowed: set[str]
) -> None:
    assert {actor.name for actor in (*PEOPLE, SYSTEM, CONSOLE) if life.may(act, actor)} == allowed


@pytest.mark.parametrize("actor", [AUTHORISING, ENGAGEMENT, ENGINEER, AUDITOR, SYSTEM, CONSOLE])
def test_only_an_operator_drafts(actor: Actor) -> None:
    with pytest.raises(NotAllowed, match="drafted by an operator") as refused:
        life.begun(actor)
    assert refused.value.code == "role"


def test_whoever_planned_it_cannot_authorise_it_under_another_role() -> None:
    operator, authorising = BOTH
    with pytest.raises(NotAllowed, match="another authorising officer") as refused:
        life.begun(operator).after(Act.AUTHORISE, authorising)
    assert refused.value.code == "same_person"


def test_whoever_authorised_it_cannot_start_it_under_another_role() -> None:
    operator, authorising = BOTH
    authorised = life.begun(OPERATOR).after(Act.AUTHORISE, authorising)
    with pytest.raises(NotAllowed, match="whoever authorised it"):
        authorised.after(Act.MAKE_READY, operator)
    with pytest.raises(NotAllowed, match="whoever authorised it"):
        authorised.after(Act.MAKE_READY, OPERATOR).after(Act.START, operator)


def test_a_change_of_the_plan_after_the_authorisation_needs_a_new_one() -> None:
    ready = life.begun(OPERATOR).after(Act.AUTHORISE, AUTHORISING).after(Act.MAKE_READY, OPERATOR)
    changed = ready.after(Act.CHANGE, OPERATOR)
    assert (changed.stage, changed.authorised_by, changed.ready_by) == (Stage.DRAFT, None, None)


def test_drawing_zones_after_the_authorisation_leaves_it_standing() -> None:
    ready = life.begun(OPERATOR).after(Act.AUTHORISE, AUTHORISING).after(Act.MAKE_READY, OPERATOR)
    assert ready.after(Act.DRAW_ZONES, OPERATOR) == ready


@pytest.mark.parametrize(
    ("stage", "act", "actor", "says"),
    [
        (Stage.DRAFT, Act.START, OPERATOR, "cannot be started: it is a draft that nobody has authorised"),
        (Stage.AUTHORISED, Act.AUTHORISE, AUTHORISING, "it is authorised and .*; only a draft needs it"),
        (Stage.READY, Act.EXTEND, AUTHORISING, "cannot be extended: .*; change its plan before the start"),
        (Stage.ACTIVE, Act.CHANGE, OPERATOR, "it is running; an authorising officer may amend or extend it"),
        (Stage.ACTIVE, Act.RESUME, SYSTEM, "cannot be taken up again: it is running"),
        (Stage.SUSPENDED, Act.RESUME, SYSTEM, "suspended until an authorising officer authorises it again"),
        (Stage.PAUSED, Act.REAUTHORISE, AUTHORISING, "cannot be authorised again: it is running, and paused"),
        (Stage.CLOSED, Act.START, OPERATOR, "cannot be started: it is closed, for good"),
        (Stage.DESTROYED, Act.REVOKE, OPERATOR, "cannot be revoked: it is destroyed"),
    ],
)
def test_an_illegal_step_is_an_error_that_says_why_not(
    stage: Stage, act: Act, actor: Actor, says: str
) -> None:
    with pytest.raises(NotAllowed, match=says) as refused:
        Life(stage, frozenset({OPERATOR.id})).after(act, actor)
    assert refused.value.code == "stage"


LIST = ListFacts("a" * 64, NOW - HOUR, 2, "d" * 64, {"wanted on warrant": 2})

# ---- what is missing -----------------------------------------------------------------------------------


def lacking(plan: Plan = PLAN, act: Act = Act.START, **change: Any) -> list[str]:
    around: dict[str, Any] = {"facts": facts(plan), "officer": "Adams", "rank": "Inspector", **change}
    return life.missing(plan, act, around.pop("now", NOW), **around)


def test_a_plan_that_lacks_nothing_may_start() -> None:
    assert lacking() == []


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"purpose": " "}, "purpose: is empty"),
        ({"use_case": ""}, "use_case: is empty"),
        ({"place": ""}, "place: is empty"),
        ({"necessity": ""}, "necessity: is empty"),
        ({"proportionality": "\n"}, "proportionality: is empty"),
        ({"categories": []}, "categories: none"),
        ({"cameras": []}, "cameras: none"),
        ({"cameras": [CameraPlan(name="High Street 1")]}, "cameras: 'High Street 1' has no zone"),
        (
            {"cameras": [CameraPlan(name="High Street 1", zone=ZONE[:2])]},
            "cameras: the zone of 'High Street 1'",
        ),
        (
            {"cameras": [CameraPlan(name="High Street 1", zone=[(0, 0), (0.5, 0.5), (1, 1)])]},
            "cameras: the zone of 'High Street 1' is no good: the zone's edge crosses",
        ),
        (
            {"cameras": [CameraPlan(name="Elsewhere", zone=ZONE)]},
            "cameras: 'Elsewhere' is not in config.toml (cameras there: High Street 1, High Street 2)",
        ),
        ({"cameras": [PLAN.cameras[0], PLAN.cameras[0]]}, "cameras: 'High Street 1' stands there twice"),
        ({"starts_at": None}, "starts_at: is missing"),
        ({"ends_at": None}, "ends_at: is missing"),
        ({"starts_at": NOW + HOUR}, "starts_at: it is too early"),
        ({"ends_at": NOW}, "ends_at: its time is over"),
        ({"starts_at": NOW - HOUR, "ends_at": NOW - 2 * HOUR}, "ends_at: is not after starts_at"),
        ({"ends_at": NOW + 71 * HOUR + 1}, "ends_at: is more than 72 h after starts_at"),
        *(
            ({"documents": {k: v for k, v in PLAN.documents.items() if k != name}}, f"documents.{name}: ")
            for name in DOCUMENTS
        ),
    ],
)
def test_each_missing_field_refuses_the_start_and_says_which(change: dict[str, Any], line: str) -> None:
    lines = lacking(planned(**change))
    assert [one for one in lines if one.startswith(line)], lines
    assert all("; " in one or "correct" in one or "may start from" in one for one in lines)


def test_no_deployment_is_authorised_for_longer_than_three_days() -> None:
    longest = planned(ends_at=NOW - HOUR + life.LONGEST_HOURS * HOUR)
    longer = planned(ends_at=NOW - HOUR + life.LONGEST_HOURS * HOUR + 1)
    assert life.missing(longest, Act.AUTHORISE, NOW) == []
    (line,) = life.missing(longer, Act.AUTHORISE, NOW)
    assert line == "ends_at: is more than 72 h after starts_at; plan a shorter deployment"
    assert life.missing(longer, Act.AMEND, NOW) == []  # it was extended after a late start


def test_the_start_is_refused_with_the_whole_list() -> None:
    lines = life.missing(Plan(name="Empty"), Act.START, NOW, facts=facts(Plan(name="Empty")))
    fields = [line.split(":")[0] for line in lines]
    assert fields == [
        "authorising officer", "rank", "purpose", "use_case", "place", "necessity", "proportionality",
        *(f"documents.{name}" for name in DOCUMENTS),
        "categories", "starts_at", "ends_at", "cameras", "watchlist",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"watchlist": None}, "watchlist: none"),
        ({"watchlist": replace(LIST, built_at=None)}, "watchlist: its import is unfinished"),
        ({"watchlist": replace(LIST, listed=0, composition={})}, "watchlist: nobody on it"),
        ({"watchlist": replace(LIST, pack="b" * 64)}, "watchlist: was built with another model pack"),
        (
            {"watchlist": replace(LIST, composition={"shoplifting": 2, life.BLUE: 1})},
            "watchlist: has entries of shoplifting, which",
        ),
        ({"pack": None, "pack_problem": "the pack is not there"}, "model pack: the pack is not there"),
        (
            {"pack": PackFacts("small", "a" * 64, ("its card has no TPIR",))},
            "model pack: its card has no TPIR",
        ),
        ({"threshold": None, "threshold_problem": "no calibration"}, "threshold: no calibration"),
    ],
)
def test_the_start_is_refused_where_what_stands_around_the_plan_is_not_good(
    change: dict[str, Any], line: str
) -> None:
    assert [one for one in lacking(facts=facts(**change)) if one.startswith(line)]


def test_a_build_older_than_24_h_at_the_start_is_refused() -> None:
    built = replace(LIST, built_at=NOW - 24 * HOUR)
    assert lacking(facts=facts(watchlist=built)) == []
    lines = lacking(facts=facts(watchlist=replace(built, built_at=NOW - 24 * HOUR - 1)))
    assert len(lines) == 1
    assert "more than 24 h ago" in lines[0]


def test_the_start_is_refused_without_the_authorising_officer_and_rank() -> None:
    assert [line.split(":")[0] for line in lacking(officer="", rank="")] == ["authorising officer", "rank"]


def test_the_start_is_refused_while_another_deployment_is_open() -> None:
    assert lacking(other="Evening") == ["another deployment: 'Evening' is open; close it first"]


def test_zones_may_be_drawn_after_the_authorisation_and_before_the_start() -> None:
    undrawn = planned(cameras=[CameraPlan(name="High Street 1")])
    assert life.missing(undrawn, Act.AUTHORISE, NOW) == []
    assert lacking(undrawn, Act.MAKE_READY) != []


def test_a_deployment_may_be_made_ready_before_its_time_and_started_only_in_it() -> None:
    early = planned(starts_at=NOW + HOUR)
    assert lacking(early, Act.MAKE_READY) == []
    assert lacking(early, now=NOW + HOUR) == []
    assert lacking(now=NOW + 5 * HOUR) != []


def test_an_amendment_asks_nothing_of_the_lists_age() -> None:
    old = replace(LIST, built_at=NOW - 30 * HOUR)
    assert lacking(act=Act.AMEND, facts=facts(watchlist=old)) == []


# ---- the plan ------------------------------------------------------------------------------------------


def test_the_plan_without_zones_is_what_was_authorised() -> None:
    drawn = planned(cameras=[CameraPlan(name="High Street 1", zone=ZONE[:3])])
    assert drawn != PLAN
    assert drawn.without_zones == PLAN.without_zones
    nearer = planned(cameras=[CameraPlan(name="High Street 1", zone=ZONE, eye_distance_pixels=24)])
    assert nearer.without_zones != PLAN.without_zones


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": 1.5},
        {"threshold": float("nan")},
        {"ends_at": float("inf")},
        {"starts_at": -1.0},
        {"documents": {"dpai": "1"}},
        {"cameras": [{"name": "A", "zone": [[0, float("nan")], [1, 0], [1, 1]]}]},
        {"cameras": [{"name": "A", "zone": [[0, 0], [1, 0], [1, 2]]}]},
        {"fpir": float("nan")},
    ],
)
def test_a_plan_with_an_impossible_value_is_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"name": "A", **wrong}, Plan)


def test_a_threshold_set_by_hand_and_a_rate_replace_one_another() -> None:
    by_hand = Change(threshold=0.6).applied(PLAN)
    assert (by_hand.threshold, by_hand.fpir) == (0.6, PLAN.fpir)
    derived = Change(fpir=0.01).applied(by_hand)
    assert (derived.threshold, derived.fpir) == (None, 0.01)
    with pytest.raises(ValueError, match="keep one"):
        Change(threshold=0.6, fpir=0.01).applied(PLAN)


corner = st.tuples(st.floats(0, 1), st.floats(0, 1))


@given(st.lists(corner, max_size=8), st.integers(0, 7))
def test_a_zone_has_the_same_share_of_the_picture_whatever_corner_it_begins_with(
    zone: list[tuple[float, float]], turn: int
) -> None:
    turned = zone[turn:] + zone[:turn]
    assert area(turned) == pytest.approx(area(zone), abs=1e-9)
    assert area(zone[::-1]) == pytest.approx(area(zone), abs=1e-9)
    assert 0 <= area(zone) <= 4


def test_the_area_of_a_zone_is_its_share_of_the_picture() -> None:
    assert area([(0, 0), (1, 0), (1, 1), (0, 1)]) == 1
    assert area([(0, 0), (1, 0), (0, 1)]) == 0.5
    assert area(ZONE) == pytest.approx(0.64)
