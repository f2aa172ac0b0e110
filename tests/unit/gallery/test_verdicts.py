"""All tracks of a frame are searched at once, and each is judged as if it were alone."""

from __future__ import annotations

import numpy as np
import pytest

from lfrd.decision.rule import Reason, Rule
from lfrd.gallery.index import Gallery
from lfrd.gallery.verdicts import judge
from lfrd.tracking.shots import Evidence, Shot
from lfrd.types import F32, NominalId
from lfrd.vision.template import Template

DIM = 8
RULE = Rule(threshold=0.8, least_shots=2, agreement=0.5)


def axis(number: int, other: int | None = None, share: float = 0.0) -> F32:
    """A template: along one axis, leaning towards another by `share`."""
    vector = np.zeros(DIM, np.float32)
    vector[number] = 1.0
    if other is not None:
        vector[other] = share
    return vector / np.float32(np.linalg.norm(vector))


def listed(revision: int = 1, **nominals: int) -> Gallery:
    return Gallery(
        {NominalId(name): axis(number)[None] for name, number in nominals.items()},
        dim=DIM,
        revision=revision,
    )


def evidence(*vectors: F32) -> Evidence:
    kept = Evidence(10, split_below=-1.0)
    for number, vector in enumerate(vectors):
        kept.add(Shot(Template(vector.copy()), 10.0, float(number)))
    return kept


def test_each_track_is_judged_by_its_own_shots() -> None:
    found = judge(
        listed(ada=0, ben=1),
        RULE,
        [evidence(axis(1), axis(1)), evidence(axis(0), axis(0)), evidence(axis(5), axis(5))],
    )
    assert [best and best.nominal for best, _ in found][:2] == ["ben", "ada"]
    assert [verdict.reason for _, verdict in found] == [Reason.ALERT, Reason.ALERT, Reason.BELOW_THRESHOLD]


def test_a_shot_that_resembles_somebody_else_more_does_not_support() -> None:
    """The fused template is ada's by two strong shots; the two others are each nearer to ben."""
    doubtful = axis(1, 0, 0.9)
    ((best, verdict),) = judge(
        listed(ada=0, ben=1),
        Rule(threshold=0.6, least_shots=2, agreement=0.6),
        [evidence(axis(0), axis(0), doubtful, doubtful)],
    )
    assert best is not None
    assert best.nominal == "ada"
    assert (verdict.reason, verdict.support) == (Reason.DISAGREEMENT, 0.5)


def test_a_shot_is_searched_once_under_one_revision_of_the_list_and_again_under_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []
    search = Gallery.search

    def noted(self: Gallery, queries: F32, count: int = 2) -> object:
        asked.append(len(queries))
        return search(self, queries, count)

    monkeypatch.setattr(Gallery, "search", noted)
    kept = evidence(axis(0), axis(0))
    judge(listed(ada=0), RULE, [kept])
    kept.add(Shot(Template(axis(0)), 10.0, 5.0))
    ((_, second),) = judge(listed(ada=0), RULE, [kept])
    ((best, third),) = judge(listed(revision=2, eve=0, ada=3), RULE, [kept])
    assert asked == [1 + 2, 1 + 1, 1 + 3]
    assert second.support == 1.0
    assert best is not None
    assert (best.nominal, third.support) == ("eve", 1.0)


def test_nobody_on_the_list_or_nothing_kept_is_no_candidate() -> None:
    for people in ([evidence()], [evidence(axis(0), axis(1))]):
        ((best, verdict),) = judge(Gallery({}, dim=DIM), RULE, people)
        assert best is None
        assert verdict.reason is Reason.TOO_FEW_SHOTS


def test_the_fused_templates_are_wiped_and_the_kept_ones_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Template] = []
    fused = Evidence.fused

    def noted(self: Evidence) -> Template | None:
        made.append(template := fused(self))  # type: ignore[arg-type]
        return template

    monkeypatch.setattr(Evidence, "fused", noted)
    kept = evidence(axis(0), axis(0))
    judge(listed(ada=0), RULE, [kept])
    assert len(made) == 1
    assert not made[0].vector.any()
    assert kept.matrix().any()


def test_each_verdict_settles_its_own_track_and_the_next_one_may_unsettle_it() -> None:
    def leaning(**shares: float) -> F32:
        vector = np.zeros(DIM, np.float32)
        for name, share in shares.items():
            vector[int(name[1:])] = share
        return vector / np.float32(np.linalg.norm(vector))

    found, hopeful, far, one_like = everybody = [Evidence(6, split_below=0.5) for _ in range(4)]
    for number in range(3):
        for kept, vector in (
            (found, axis(0)),
            (hopeful, leaning(a1=0.6, a7=0.8)),
            (far, leaning(a2=0.4, a6=0.6, a7=0.69)),
            (one_like, leaning(a3=0.6, a7=0.8) if number == 1 else axis(7)),
        ):
            kept.add(Shot(Template(vector.copy()), 10.0, float(number)))

    def judged(gallery: Gallery) -> list[Reason]:
        return [verdict.reason for _, verdict in judge(gallery, RULE, everybody)]

    assert judged(listed(ada=0, ben=1, cem=2, dua=3)) == [Reason.ALERT, *[Reason.BELOW_THRESHOLD] * 3]
    assert [kept.settled for kept in everybody] == [True, False, True, False]
    # Another list: whom the first resembles has been taken off, whom the third does has come.
    assert judged(listed(revision=2, ben=1, eve=6)) == [Reason.BELOW_THRESHOLD] * 4
    assert [kept.settled for kept in everybody] == [True, False, False, True]
