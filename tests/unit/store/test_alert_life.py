"""Whatever cameras, officers and time do to alerts, the store and the phones keep the rules."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Awaitable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from lfrd import wire
from lfrd.errors import NotAllowed
from lfrd.policy.adjudication import CAUTION
from lfrd.sealing.sitekey import SiteKey
from lfrd.types import CONSOLE, AlertId, ArrestClass, CameraId, Decision, Outcome, Stage, TrackId
from tests.unit.store.conftest import Clock, Phone, new_alert, opened

T = TypeVar("T")
KEY = SiteKey.generate()
ADDED_TO = ("sighting", "adjudication", "withdrawal", "engagement", "outcome", "event", "audit")
"""Tables in which nothing is ever changed."""
OUTCOMES: tuple[Outcome, ...] = ("confirmed_true", "confirmed_false", "no_engagement", "arrest")
REFUSALS = {
    "claimed", "adjudicated", "not_claimed", "not_adjudicated", "same_reviewer", "reason_missing", "engaged",
    "not_engaged", "blue", "not_viable", "expired", "arrest_class", "correction_missing", "outcome_missing",
    "closed", "no_deployment",
}  # fmt: skip

which, who = st.integers(0, 2), st.integers(0, 2)


class AlertLife(RuleBasedStateMachine):
    """Three officers, a few alerts, and a phone that is cut off and resumes."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.clock = Clock()
        self.run(self._open())
        self.filed: list[AlertId] = []
        self.shown: dict[str, wire.AlertView] = {}  # what the phone shows
        self.seq = 0  # what the phone has receipted
        self.erased: set[str] = set()
        self.rows: dict[str, list[tuple[Any, ...]]] = {}  # the tables as they were after the last step
        self.made = 0  # events

    async def _open(self) -> None:
        path = self.folder / "data" / "lfrd.sqlite3"
        self.store = await self.stack.enter_async_context(opened(path, self.clock, KEY, readers=1))
        self.officers: list[Phone] = [await self.store.phone(name) for name in ("Adams", "Baker", "Clark")]

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.run(self.stack.aclose())
        self.runner.close()
        shutil.rmtree(self.folder)

    def attempt(self, work: Awaitable[wire.Event | None]) -> None:
        async def carry_out() -> None:
            before = await self.store.alerts.latest()
            try:
                event = await work
            except NotAllowed as error:
                code = error.code
            else:
                code = ""
                assert event is None or event.seq <= before + 1
            after = await self.store.alerts.latest()
            assert code in REFUSALS or not code
            assert after == before or not code, "a refusal has changed something"
            self.made += after - before

        self.run(carry_out())

    def at(self, number: int) -> AlertId:
        return self.filed[number % len(self.filed)]

    # ---- what happens ----------------------------------------------------------------------------------

    @precondition(lambda self: len(self.filed) < 3)
    @rule(reviews=st.sampled_from([1, 2]), blue=st.booleans())
    def a_camera_sees_somebody(self, reviews: int, blue: bool) -> None:
        async def file() -> wire.Event:
            alert = new_alert(self.store.deployment, reviews_needed=reviews, blue=blue)
            event = await self.store.alerts.file(alert)
            self.filed.append(AlertId(event.alert.id))
            return event

        self.attempt(file())

    @precondition(lambda self: self.filed)
    @rule(number=which)
    def a_camera_sees_them_again(self, number: int) -> None:
        alerts = self.store.alerts
        self.attempt(alerts.sighting(self.at(number), CameraId("gate"), self.clock.now, 0.5, TrackId(1)))

    @precondition(lambda self: self.filed)
    @rule(number=which, officer=who, give_back=st.booleans())
    def an_officer_claims_or_gives_back(self, number: int, officer: int, give_back: bool) -> None:
        act = self.store.acts.release if give_back else self.store.acts.claim
        self.attempt(act(self.at(number), self.officers[officer].actor))

    @precondition(lambda self: self.filed)
    @rule(number=which, officer=who, decision=st.sampled_from(CAUTION))
    def an_officer_decides(self, number: int, officer: int, decision: Decision) -> None:
        actor = self.officers[officer].actor
        self.attempt(self.store.acts.adjudicate(self.at(number), actor, decision, "because"))

    @precondition(lambda self: self.filed)
    @rule(number=which, officer=who)
    def an_officer_finds_it_viable_and_engages(self, number: int, officer: int) -> None:
        actor = self.officers[officer].actor
        self.attempt(self.store.acts.adjudicate(self.at(number), actor, "viable"))
        self.attempt(self.store.acts.engage(self.at(number), actor))

    @precondition(lambda self: self.filed)
    @rule(number=which, officer=who)
    def an_officer_decides_against_and_closes(self, number: int, officer: int) -> None:
        alert, actor, acts = self.at(number), self.officers[officer].actor, self.store.acts
        self.attempt(acts.adjudicate(alert, actor, "not_viable", "another ear"))
        self.attempt(acts.code(alert, actor, "no_engagement"))
        self.attempt(acts.close(alert, actor))

    @precondition(lambda self: self.filed)
    @rule(number=which, officer=who)
    def an_officer_withdraws(self, number: int, officer: int) -> None:
        self.attempt(self.store.acts.withdraw(self.at(number), self.officers[officer].actor, "wrong card"))

    @precondition(lambda self: self.filed)
    @rule(
        number=which,
        officer=who,
        outcome=st.sampled_from(OUTCOMES),
        arrest_class=st.sampled_from(["", "warrant"]),
        correction=st.sampled_from(["", "fingerprints"]),
    )
    def an_officer_codes(
        self, number: int, officer: int, outcome: Outcome, arrest_class: ArrestClass, correction: str
    ) -> None:
        actor = self.officers[officer].actor
        self.attempt(self.store.acts.code(self.at(number), actor, outcome, arrest_class, correction))

    @precondition(lambda self: self.filed)
    @rule(number=which, officer=who)
    def an_officer_closes(self, number: int, officer: int) -> None:
        self.attempt(self.store.acts.close(self.at(number), self.officers[officer].actor))

    @precondition(lambda self: self.filed)
    @rule(number=which, seconds=st.sampled_from([1.0, 30.0, 301.0]))
    def time_passes(self, number: int, seconds: float) -> None:
        self.clock.now += seconds
        self.attempt(self.store.acts.expire(self.at(number)))
        self.attempt(self.store.acts.escalate(self.at(number)))

    @rule(stage=st.sampled_from([Stage.ACTIVE, Stage.ACTIVE, Stage.PAUSED]))
    def the_deployment_pauses_or_goes_on(self, stage: Stage) -> None:
        self.run(self.store.stage(stage))

    @precondition(lambda self: len(self.filed) > 1)
    @rule()
    def retention_deletes_the_oldest(self) -> None:
        alert = self.filed.pop(0)
        self.run(self.store.destruction.alerts([alert], "test", CONSOLE))
        self.erased.add(alert)
        self.rows.clear()  # rows of that alert have gone

    @rule(limit=st.integers(1, 4))
    def the_phone_reads_a_page_and_is_cut_off(self, limit: int) -> None:
        self.seq = self._read(self.seq, self.shown, limit)

    def _read(self, seq: int, shown: dict[str, wire.AlertView], limit: int) -> int:
        """Show what comes after `seq`; returns the last number."""
        for event in self.run(self.store.alerts.after(seq, limit)):
            assert event.seq > seq, "told twice or out of order"
            seq = event.seq
            if event.what == "erased":
                shown.pop(event.alert.id, None)
            else:
                shown[event.alert.id] = event.alert
        return seq

    def _resumed(self) -> dict[str, wire.AlertView]:
        """What the phone shows when it has caught up from where it was cut off."""
        shown, seq, newest = dict(self.shown), -1, self.seq
        while newest > seq:
            seq, newest = newest, self._read(newest, shown, 7)
        return shown

    # ---- what always holds -----------------------------------------------------------------------------

    @invariant()
    def nothing_recorded_is_ever_edited(self) -> None:
        async def read() -> dict[str, list[tuple[Any, ...]]]:
            async with self.store.db.read() as tx:
                return {
                    table: [tuple(row) for row in await tx.rows(f"SELECT * FROM {table} ORDER BY 1")]
                    for table in ADDED_TO
                }

        rows = self.run(read())
        for table, before in self.rows.items():
            assert set(before) <= set(rows[table]), f"a row of {table} was changed or deleted"
        self.rows = rows

    @invariant()
    def what_the_phone_is_told_equals_the_stores_state(self) -> None:
        shown = self._resumed()
        views = self.run(self.store.alerts.views(self.store.deployment))
        assert shown == {view.id: view for view in views}
        assert not self.erased & set(shown)

    @invariant()
    def the_rules_of_adjudication_hold(self) -> None:
        for view in self._resumed().values():
            if view.engaged_by:
                assert view.decision == "viable"
                assert view.reviews == view.reviews_needed
                assert not view.blue
                assert view.engaged_at < view.expires_at
            if view.reviews < view.reviews_needed:
                assert (view.decision, view.decided_by, view.reason) == ("", "", "")
            assert view.reviews <= view.reviews_needed
            assert (view.outcome == "arrest") == bool(view.arrest_class)
            if view.closed:
                assert view.outcome
                assert bool(view.engaged_by) == (view.outcome != "no_engagement")

    @invariant()
    def every_event_has_its_record_in_the_audit(self) -> None:
        audited = Counter(type(body).__name__ for body in self.run(self.store.audited()))
        del audited["Deleted"]
        assert audited.total() == self.made


AlertLife.TestCase.settings = settings(max_examples=12, stateful_step_count=25, deadline=None)
TestAlertLife = AlertLife.TestCase
