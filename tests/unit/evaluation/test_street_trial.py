"""A street trial counts what the pipeline does, and the evidence judged again says the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.config import Analysis, Config
from lfrd.decision.rule import Rule
from lfrd.errors import CorruptError, MissingError
from lfrd.evaluation.looks import EVERY_FACE, Judgement, Seen, follow, look, refusal
from lfrd.evaluation.passages import Raised, loss, outcomes, owners, wrong
from lfrd.evaluation.street import Passage, Truth, Walker, make_clip
from lfrd.evaluation.street_plan import Plan, clear_subject, draw, key, make_plan
from lfrd.evaluation.street_trial import Result, run, share
from lfrd.inference import opened
from lfrd.models import library
from lfrd.types import U8, Box, Candidate, Detections, NominalId, Quality, Refusal, TrackId
from lfrd.vision.quality import Limits, measure

GOOD = Quality(30.0, 40.0, 0.0, 0.0, 0.0, 120.0, 0.0)
ONE, TWO = TrackId(1), TrackId(2)
RULE = Rule(threshold=0.55, least_shots=1, agreement=0.5)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Forty people, the first sixteen with three pictures: empty files, for nobody opens them."""
    folder = tmp_path / "people"
    for number in range(40):
        person = folder / f"p{number:02}"
        person.mkdir(parents=True)
        for picture in range(3 if number < 16 else 1):
            (person / f"{picture}.jpg").touch()
    return folder


def small_plan(people: Path, seed: int = 1, **changed: object) -> Plan:
    chosen = {"sought": 5, "strangers": 6, "nominals": 12, "crowd": 4} | changed
    return make_plan(people, lambda picture: True, seed=seed, **chosen)  # type: ignore[arg-type]


def nobody_in(picture: U8) -> Detections:
    return Detections.none()


def seen(at: float, x: float, why: Refusal | None = None) -> Seen:
    return Seen(at, Box(x, 10, 40, 50), GOOD, why, np.ones(4, np.float32))


def passage(person: str, x: float, times: list[float]) -> Passage:
    return Passage(person, [(at, x, 10.0, 40.0, 50.0) for at in times])


def judged(person: str | None, score: float, shots: int = 3, at: float = 1.0) -> Judgement:
    if person is None:
        return Judgement(at, None, np.zeros(shots, np.float32), [None] * shots)
    nominal = NominalId(person)
    return Judgement(at, Candidate(nominal, score), np.full(shots, score, np.float32), [nominal] * shots)


def test_a_seed_draws_the_same_walks_and_another_seed_draws_others(people: Path) -> None:
    assert small_plan(people, 1) == small_plan(people, 1)
    assert small_plan(people, 1) != small_plan(people, 2)


def test_sought_people_walk_in_another_picture_than_the_list_s_and_strangers_are_not_on_it(
    people: Path,
) -> None:
    plan = small_plan(people)
    walking = {walker.name: walker.picture for clip in plan.clips for walker in clip}
    assert len(walking) == 11
    assert len(plan.sought) == 5
    assert len(plan.listed) == 12
    assert plan.sought == walking.keys() & plan.listed.keys()
    assert all(plan.listed[name] != walking[name] for name in plan.sought)
    assert [len(clip) for clip in plan.clips] == [4, 4, 3]


def test_the_two_halves_have_no_walker_in_common(people: Path) -> None:
    tune, report = (
        {walker.name for clip in small_plan(people, half=half).clips for walker in clip}
        for half in ("tune", "report")
    )
    assert len(tune) == len(report) == 11
    assert not tune & report


def test_people_without_a_clear_picture_do_not_walk(people: Path) -> None:
    plan = make_plan(
        people,
        lambda picture: picture.parent.name > "p05",
        seed=1,
        sought=5,
        strangers=6,
        nominals=12,
        leave_out=["p06", "p07"],
    )
    names = {walker.name for clip in plan.clips for walker in clip}
    assert min(names) > "p07"
    assert not {"p06", "p07"} & plan.listed.keys()


def test_too_few_people_are_refused_in_one_line(people: Path) -> None:
    with pytest.raises(MissingError, match=r"40 people are in it: too few for 5 who are sought.*list of 99"):
        small_plan(people, nominals=99)


def test_a_picture_of_two_people_of_one_size_is_not_clear(astronaut: Path) -> None:
    boxes = np.array([[0, 0, 50, 50], [60, 0, 40, 40]], np.float32)

    def locate(count: int) -> Callable[[U8], Detections]:
        rows = Detections(boxes[:count], np.zeros((count, 5, 2), np.float32), np.ones(count, np.float32))
        return lambda picture: rows

    assert clear_subject(locate(1))(astronaut)
    assert not clear_subject(locate(2))(astronaut)
    assert not clear_subject(locate(0))(astronaut)


def test_a_clip_that_is_there_is_not_drawn_again(people: Path, tmp_path: Path) -> None:
    plan, clips = small_plan(people), tmp_path
    truth = Truth([passage("a", 10, [0.0])])
    for number in range(len(plan.clips)):
        (clips / f"{key(plan, number)}.mp4").touch()
        truth.save(clips / f"{key(plan, number)}.json")
    assert [kept for _, kept in draw(plan, clips, nobody_in)] == [truth] * 3


def test_a_clip_that_cannot_be_drawn_leaves_nothing_behind(people: Path, tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    with pytest.raises(CorruptError):  # the picture is an empty file
        next(draw(small_plan(people), clips, nobody_in))
    assert not list(clips.iterdir())


def test_a_track_belongs_to_the_passage_that_most_of_its_faces_lie_on() -> None:
    truth = Truth([passage("a", 10, [0.0, 0.1, 0.2]), passage("b", 200, [0.0, 0.1, 0.2])])
    tracks = {
        ONE: [seen(0.0, 12), seen(0.1, 12), seen(0.2, 199)],
        TWO: [seen(0.0, 400), seen(0.1, 400)],
    }
    found = owners(truth, tracks)
    assert [[p.person for p in found[track]] for track in (ONE, TWO)] == [["a", "b"], []]


def test_an_alert_for_either_of_two_people_on_one_track_is_right_and_for_a_third_wrong() -> None:
    truth = Truth([passage("a", 10, [0.0]), passage("b", 200, [0.0])])
    owner = {ONE: truth.passages, TWO: []}
    raised = [
        Raised(NominalId("b"), ONE, 1.5, 0.7),
        Raised(NominalId("b"), ONE, 1.0, 0.7),
        Raised(NominalId("c"), ONE, 2.0, 0.6),
        Raised(NominalId("c"), ONE, 3.0, 0.6),
        Raised(NominalId("a"), TWO, 2.0, 0.6),
    ]
    a, b = outcomes(truth, frozenset({"a", "b"}), owner, raised)
    assert (a.found_at, b.found_at) == (None, 1.0)
    assert b.seconds_to_alert == 1.0
    assert (a.tracks, b.tracks) == ([ONE], [])
    assert [(alert.track, alert.nominal, alert.at) for alert in wrong(raised, owner)] == [
        (ONE, "c", 2.0),
        (TWO, "a", 2.0),
    ]


@pytest.mark.parametrize(
    ("faces", "made", "why"),
    [
        ([], [], "not_detected"),
        ([seen(0.0, 10, Refusal.SMALL), seen(0.1, 10, Refusal.SMALL)], [], "small"),
        ([seen(0.0, 10, Refusal.SMALL), seen(0.1, 10)], [], "too_few_shots"),
        ([seen(0.0, 10)], [judged("b", 0.6), judged(None, 0.0)], "somebody_nearer"),
        ([seen(0.0, 10)], [judged("a", 0.5), judged("b", 0.6)], "below_threshold"),
    ],
)
def test_a_passage_is_lost_at_its_last_hurdle(faces: list[Seen], made: list[Judgement], why: str) -> None:
    truth = Truth([passage("a", 10, [0.0, 0.1])])
    tracks = {ONE: faces} if faces else {}
    (one,) = outcomes(truth, frozenset({"a"}), owners(truth, tracks), [])
    assert loss(one, tracks, {ONE: made}, RULE) == why


def test_a_passage_whose_shots_object_is_lost_to_disagreement() -> None:
    truth = Truth([passage("a", 10, [0.0])])
    made = judged("a", 0.6)
    object_ = Judgement(1.0, made.best, made.shot_scores, [NominalId("b")] * 3)
    tracks = {ONE: [seen(0.0, 10)]}
    (one,) = outcomes(truth, frozenset({"a"}), owners(truth, tracks), [])
    assert loss(one, tracks, {ONE: [object_, judged("a", 0.3)]}, RULE) == "disagreement"


@given(
    eyes=st.floats(5, 40),
    x=st.floats(-40, 130),
    turn=st.floats(-0.8, 0.8),
    grey=st.integers(20, 200),
    failed=st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_a_face_seen_without_limits_is_refused_as_the_pipeline_would_have(
    eyes: float, x: float, turn: float, grey: int, failed: list[bool]
) -> None:
    box = np.array([[x, 20, 2.5 * eyes, 3 * eyes]], np.float32)
    shape = [[0, 0], [1, 0.2 * turn], [0.5 + 0.5 * turn, 0.6], [0.1, 1.1], [0.9, 1.1]]
    points = (np.array([shape]) * eyes + [x, 30]).astype(np.float32)
    noise = np.random.default_rng(1).integers(0, 30, (1, 112, 112, 3))
    aligned = (noise + grey).astype(np.uint8)
    (free,) = measure(box, points, aligned, (160, 120), EVERY_FACE)
    turned = max(abs(free.yaw), abs(free.pitch), abs(free.roll))
    slack = [-0.01 if fails else 0.01 for fails in failed]  # beyond the limit, or just within it
    wanted = Limits(
        eye_distance=free.eye_distance - slack[0],
        sharpness=free.sharpness - slack[1],
        pose=turned + slack[2],
        darkest=free.exposure - slack[3],
        brightest=free.exposure + slack[4],
        cut=free.cut + slack[5],
    )
    (held,) = measure(box, points, aligned, (160, 120), wanted)
    assert (held.refusal is not None) == any(failed)
    assert refusal(free, wanted) == held.refusal


def test_shares_carry_their_interval() -> None:
    assert share(3, 10)["interval"] == [0.10779, 0.60322]  # Wilson's score interval, 95 %
    assert share(0, 0) == {"count": 0, "of": 0, "share": None, "interval": None}


async def trial(clip: Path, truth: Truth, plan: Plan, builtin: Path, settings: Config) -> Result:
    pack = library.open_pack(str(builtin), builtin.parent)
    return await run(plan, iter([(clip, truth)]), pack, settings, fpirs=[0.1])


async def test_the_pipeline_and_its_evidence_judged_again_come_to_the_same(
    tmp_path: Path, astronaut: Path, admiral: Path, builtin: Path, locate: Callable[[U8], Detections]
) -> None:
    walkers = [
        Walker("astronaut", astronaut, enter=-1.0, speed=1.5, far=45, near=110, lane=-0.3),
        Walker("admiral", admiral, enter=-0.5, speed=1.5, far=45, near=110, lane=0.4),
    ]
    clip = tmp_path / "street.mp4"
    truth = make_clip(clip, walkers, seconds=4.0, locate=locate, size=(640, 360), seed=3)
    plan = Plan({"astronaut": astronaut}, [walkers], frozenset({"astronaut"}), 3)

    result = await trial(clip, truth, plan, builtin, Config())
    assert (result.found, result.sought, result.strangers, result.wrong) == (1, 1, 1, 0)
    assert [(row.found, row.wrong) for row in result.rows] == [(1, 0), (1, 0)]
    assert result.differ == 0
    assert result.tracks >= 2

    pack = library.open_pack(str(builtin), builtin.parent)
    async with opened(pack, library.networks, Config().inference) as inference:
        looks = await look(clip, inference, rate=10.0, max_side=960)
        high = inference.high
    tracks = follow(looks, Config(), high)
    assert len(tracks) == result.tracks
    # Fewer frames a second of the same looks: no new look is needed.
    fast = msgspec.structs.replace(Config(), analysis=Analysis(rate=5.0))
    assert sum(map(len, follow(looks, fast, high).values())) < sum(map(len, tracks.values()))

    strict = msgspec.structs.replace(
        Config(), decision=msgspec.structs.replace(Config().decision, threshold=0.9999)
    )
    lost = await trial(clip, truth, plan, builtin, strict)
    assert (lost.found, dict(lost.losses)) == (0, {"below_threshold": 1})
    assert lost.as_dict()["tpir"]["share"] == 0.0
