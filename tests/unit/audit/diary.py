"""Audits written by hand for tests: records with their true hashes, and a day on the high street."""

from __future__ import annotations

import random
from typing import Any

import msgspec

from lfrd.audit import chain, kinds
from lfrd.audit.chain import Record
from lfrd.audit.kinds import AnyBody
from lfrd.types import ArrestClass, Decision, Outcome

NINE = 1_773_478_800.0
"""14 March 2026, 09:00 UTC."""


class Diary:
    """Adds records one after the other; the clock stands at `at` (Unix seconds) until the test moves it."""

    def __init__(self, at: float = NINE) -> None:
        self.at = at
        self.records: list[Record] = []

    def add(self, *bodies: AnyBody, by: str = "system") -> None:
        for body in bodies:
            seq = len(self.records) + 1
            before = bytes.fromhex(self.records[-1].hash) if self.records else chain.START
            what = str(body.__struct_config__.tag)
            deployment: str = getattr(body, "deployment", "")
            text = msgspec.json.encode(body).decode()
            digest = chain.digest(before, seq, self.at, by, what, deployment, text)
            self.records.append(Record(seq, self.at, by, what, deployment, text, digest.hex()))

    def after(self, seconds: float) -> None:
        self.at += seconds

    # ---- steps that tests need again and again ----------------------------------------------------------

    def start(self, deployment: str = "d1", **change: Any) -> None:
        """Draft, authorise and start a deployment, with its first segment."""
        plan = plan_of(**change)
        self.add(kinds.Drafted(deployment, plan), by="olivia")
        self.add(kinds.Authorised(deployment, "start", "A. Osei", "Superintendent", "", plan), by="osei")
        self.add(kinds.MadeReady(deployment), kinds.Started(deployment), by="olivia")
        self.segment(deployment, 1)

    def segment(self, deployment: str, number: int, threshold: float = 0.42, n: int = 10_312) -> None:
        composition = {"wanted by the courts": n - 1_252, "missing": 1_240, "blue list": 12}
        self.add(
            kinds.SegmentBegan(
                deployment, number, threshold, "field", "ab" * 32, n, composition,
                {"rate": 10.0, "least_shots": 3}, plan_of()["cameras"], "Superintendent A. Osei",
            )
        )  # fmt: skip

    def count(
        self, deployment: str, segment: int, faces: int, camera: str = "North", down: float = 0.0
    ) -> None:
        self.add(kinds.Counted(deployment, segment, camera, 1500, 598, faces, 60.0 - down, down))

    def alert(
        self, name: str, *, deployment: str = "d1", segment: int = 1, blue: bool = False, reviews: int = 1
    ) -> None:
        """reviews: how many officers must have decided."""
        category = "blue list" if blue else "wanted by the courts"
        self.add(kinds.AlertRaised(deployment, segment, name, "North", category, blue, 0.61, 0.42, reviews))

    def judge(
        self, alert: str, decision: Decision, seconds: float = 9.0, by: str = "pc1", deployment: str = "d1"
    ) -> None:
        self.add(kinds.AlertClaimed(deployment, alert), by=by)
        self.add(kinds.AlertAdjudicated(deployment, alert, decision, 1, seconds), by=by)

    def code(
        self,
        alert: str,
        outcome: Outcome,
        arrest_class: ArrestClass | str = "",
        *,
        engaged: bool = True,
        deployment: str = "d1",
        correction: bool = False,
    ) -> None:
        if engaged and not correction:
            self.add(kinds.Engaged(deployment, alert), by="pc1")
        self.add(kinds.OutcomeCoded(deployment, alert, outcome, arrest_class, correction), by="pc1")


def plan_of(**change: Any) -> dict[str, Any]:
    plan: dict[str, Any] = {
        "name": "Market day",
        "purpose": "To find people wanted by the courts and people who are missing.",
        "use_case": "Policing a hotspot of violence",
        "place": "High Street, from the clock tower to the station",
        "starts_at": NINE,
        "ends_at": NINE + 8 * 3600,
        "necessity": "Those sought have not been found at their addresses.",
        "proportionality": "Faces that raise no alert are deleted at once.",
        "documents": {"policy": "4.1", "dpia": "2026-02", "authorisation": "LFR/2026/031"},
        "cameras": [{"name": "North", "zone": [[0, 0], [1, 0], [1, 1]]}, {"name": "South", "zone": []}],
        "categories": ["wanted by the courts", "missing"],
        "accepted_false_alerts": 0.001,
        "blue_tpir": 0.85,
    }
    return plan | change


def market_day(seed: int = 1) -> Diary:
    """Eight hours in two segments, with everything that a record can tell of."""
    rng = random.Random(seed)
    diary = Diary(NINE - 900)
    diary.add(kinds.ChainBegan("Croydon North", "0.1.0", "cd" * 32), kinds.ServerStarted("0.1.0"))
    diary.add(
        kinds.ListImported("d1", "folder", 10_312, 3, 41, {"no_face": 30, "two_faces": 11}, 7, "ef" * 32)
    )
    diary.add(kinds.EntryApproved("d1", 17, "under_18", "approved by the superintendent"), by="osei")
    diary.at = NINE
    diary.start()
    outcomes: list[tuple[Decision, Outcome, str, bool]] = [
        ("viable", "arrest", "warrant", True),
        ("viable", "arrest", "offence", True),
        ("viable", "confirmed_true", "", True),
        ("viable", "other_disposal", "", True),
        ("viable", "confirmed_false", "", True),
        ("viable", "no_engagement", "", False),
        ("not_viable", "no_engagement", "", False),
        ("insufficient", "no_engagement", "", False),
    ]
    raised = passages = 0
    for minute in range(480):
        segment = 1 if minute < 300 else 2
        if minute == 300:
            plan = plan_of(threshold=0.45)
            diary.add(
                kinds.Authorised(
                    "d1", "amend", "A. Osei", "Superintendent", "fewer alerts judged not viable", plan
                ),
                by="osei",
            )
            diary.segment("d1", 2, 0.45)
        if minute == 130:
            diary.add(kinds.Paused("d1", "no_officer"))
        if minute == 141:
            diary.add(kinds.Resumed("d1"))
        if 130 <= minute < 141:
            diary.after(60)
            continue
        if minute == 200:
            diary.add(kinds.CameraFailed("d1", "South", "timed out"))
        if minute == 223:
            diary.add(kinds.CameraBack("d1", "South"))
        if minute in (97, 190, 260, 350, 430):
            raised += 1
            diary.alert(f"a{raised}", segment=segment)
            diary.after(6)
            decision, outcome, arrest, engaged = outcomes[(raised - 1) % len(outcomes)]
            diary.judge(f"a{raised}", decision, 6 + rng.random() * 20)
            diary.code(f"a{raised}", outcome, arrest, engaged=engaged)
            diary.add(kinds.AlertClosed("d1", f"a{raised}"), by="pc1")
        if minute % 23 == 11:
            passages += 1
            found = rng.random() < 0.9
            diary.add(kinds.BluePassage("d1", segment, f"p{passages}", found), by="observer")
            if found:
                diary.alert(f"b{passages}", segment=segment, blue=True)
        diary.after(60)
        busy = 20 + 45 * (1 - abs(minute - 250) / 260)
        diary.count("d1", segment, int(rng.gauss(busy, 4)))
        diary.count(
            "d1", segment, max(0, int(rng.gauss(busy / 2, 4))), "South", 60.0 if 200 <= minute < 223 else 0.0
        )
    diary.add(kinds.Closed("d1", "ended"))
    diary.after(40)
    diary.add(kinds.Destroyed("d1", "watchlist", 10_312, 14_870, 0, "r-5f2c"))
    return diary
