"""The parts of the recognition trial: known answers, and the product's own verdicts met."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.config import Config
from lfrd.decision.rule import Rule
from lfrd.decision.threshold import lowest_score
from lfrd.evaluation.looks import Seen, gather
from lfrd.evaluation.searches import NO_CANDIDATE, Searches
from lfrd.evaluation.street_set import StreetSet
from lfrd.gallery.index import Gallery
from lfrd.models import library
from lfrd.types import F32, F64, Box, Candidate, NominalId, Quality
from lfrd.vision.picture import Picture
from lfrd.watching import calibrations
from tools.recognition import judging
from tools.recognition.__main__ import outcome
from tools.recognition.comparing import compared, thresholds
from tools.recognition.cuts import CUTS, MIRRORED, PLAIN, SMALL, Mix, cut_all, embedded, refined
from tools.recognition.fusing import WEIGHINGS, Shots, fused
from tools.recognition.judging import Listed, by_cohort, level, without
from tools.recognition.networks import Networks, open_networks
from tools.recognition.people import cast_of, half_of
from tools.recognition.several import list_rows
from tools.recognition.still_trial import by_quality, see
from tools.recognition.still_trial import searches as still_searches
from tools.recognition.stills import enrolled, portrait, seed_of, walk
from tools.recognition.street import Street, judged_track
from tools.recognition.ways import ways


def searches(own: F64, top: F64) -> Searches:
    """One person a search."""
    m, k = len(own), len(top)
    return Searches(
        own, np.full(m, NO_CANDIDATE), np.arange(m), top, np.arange(m, m + k, dtype=np.intp), entries=100
    )


def units(seed: int, *shape: int) -> F32:
    rows = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True), np.float32)


def leaning(seed: int, n: int, share: float) -> F32:
    """Rows of length 1 that all have a share of one direction."""
    rows = units(seed, n, 64)
    rows[:, 0] += share
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@pytest.fixture(scope="module")
def networks(packs: Path) -> Networks:
    return open_networks(library.open_pack("builtin", packs))


# Thresholds and comparison


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=60), st.sampled_from([0.001, 0.01, 0.1, 0.5, 0.9]))
def test_a_threshold_lets_no_more_than_the_rate_through_and_the_next_lower_score_would(
    tops: list[float], fpir: float
) -> None:
    found = searches(np.zeros(1), np.array(tops))
    (threshold,) = thresholds(found, [fpir])
    assert found.false(float(threshold)).mean() <= fpir
    lower = max(score for score in tops if score < threshold)
    assert found.false(lower).mean() > fpir


def test_a_way_that_only_raises_every_score_gains_nothing() -> None:
    rng = np.random.default_rng(2)
    base = searches(rng.normal(0.6, 0.1, 200), rng.normal(0.3, 0.1, 500))
    gain = compared(base, searches(base.own + 0.2, base.top + 0.2))
    assert gain.gain == pytest.approx([0.0] * 5)
    assert gain.won == gain.lost == [0, 0, 0, 0]
    assert gain.false_unchanged > gain.false_at_base
    assert gain.p[-1] == 1.0


def test_a_better_way_is_seen_and_its_interval_holds_the_truth() -> None:
    rng = np.random.default_rng(3)
    own, top = rng.normal(0.45, 0.1, 600), rng.normal(0.25, 0.08, 1500)
    gain = compared(searches(own, top), searches(own + 0.05, top), fpirs=(0.03, 0.01))
    # Normal scores: the TPIR that a threshold at these quantiles gives with and without 0.05 more.
    assert gain.gain[-1] == pytest.approx(0.18, abs=0.04)
    assert 0 < gain.low[-1] < 0.18 < gain.high[-1]
    assert gain.false_at_base[0] < 0.03


def test_ways_are_compared_on_the_same_searches_only() -> None:
    with pytest.raises(ValueError, match="same searches"):
        compared(searches(np.zeros(2), np.zeros(3)), searches(np.zeros(3), np.zeros(3)))


# Judging


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 7),
    st.integers(1, 6),
    st.sampled_from([0.0, 0.3, 0.5, 1.0]),
    st.floats(-0.95, 0.95),
)
def test_the_level_is_where_the_products_rule_stops_alerting(
    seed: int, people: int, shots: int, agreement: float, threshold: float
) -> None:
    scores = np.random.default_rng(seed).uniform(-1, 1, (1 + shots, people)).astype(np.float32)
    first, reached = level(scores, agreement)
    names = [NominalId(str(number)) for number in range(people)]
    rule = Rule(threshold, least_shots=1, agreement=agreement)
    verdict = rule.judge(
        Candidate(names[first], float(scores[0, first])),
        scores[1:, first],
        [names[int(number)] for number in scores[1:].argmax(axis=1)],
    )
    if abs(reached - threshold) > 1e-6:
        assert verdict.alert == (threshold < reached)


def test_a_person_with_several_templates_scores_by_the_nearest_of_them() -> None:
    listed = Listed(units(1, 5, 3, 8), ("a", "b", "c", "d", "e"))
    query = units(2, 1, 8)
    assert listed.scores(query)[0, 3] == pytest.approx(float((listed.rows[3] @ query[0]).max()))


def test_who_is_taken_off_the_list_is_nobodys_candidate() -> None:
    scores = np.array([[0.9, 0.2, 0.1], [0.8, 0.3, 0.1]], np.float32)
    assert level(scores, 0.5)[0] == 0
    first, reached = level(without(scores, [0]), 0.5)
    assert first == 1
    assert reached == pytest.approx(0.2685)
    assert scores[0, 0] == np.float32(0.9)


@pytest.mark.parametrize("strangers", [True, False], ids=["by strangers", "by the list"])
def test_a_normalised_score_keeps_its_scale_and_a_probe_that_resembles_everybody_loses_its_lead(
    strangers: bool,
) -> None:
    listed = Listed(leaning(1, 300, 0.5)[:, None], tuple(str(n) for n in range(300)))
    norm = by_cohort(listed, leaning(2, 200, 0.5) if strangers else None, probe=True, entry=True)

    def highest(lean: float) -> tuple[float, float]:
        """Of probes that lean so far towards what all faces share: the mean of their best scores."""
        queries = leaning(3, 40, lean)
        scores = listed.scores(queries)
        return float(scores.max(axis=1).mean()), float(norm(queries, scores).max(axis=1).mean())

    (as_others, made), (like_everybody, levelled) = highest(0.5), highest(1.5)
    assert made == pytest.approx(as_others, abs=0.05)
    assert like_everybody > as_others + 0.1
    assert levelled < made + (like_everybody - as_others) / 2


# Fusing, cuts and walks


def test_every_weighing_gives_a_template_of_length_1_and_equal_shots_weigh_the_same() -> None:
    templates = units(4, 5, 16)
    alike = np.ones(5)
    mean = templates.mean(axis=0) / np.linalg.norm(templates.mean(axis=0))
    for name, weighing in WEIGHINGS.items():
        made = fused(Shots(templates, alike, 20 * alike, 20 * alike, 30 * alike), weighing)
        assert float(np.linalg.norm(made)) == pytest.approx(1, abs=1e-5)
        if name != "consent":
            assert made == pytest.approx(mean, abs=1e-5)


def test_a_mix_is_the_direction_of_the_sum_and_nothing_stays_nothing() -> None:
    rows = {PLAIN: np.array([[3, 0], [0, 0]], np.float32), MIRRORED: np.array([[0, 4], [0, 0]], np.float32)}
    assert Mix((PLAIN, MIRRORED)).of(rows) == pytest.approx(np.array([[0.6, 0.8], [0, 0]]))


def test_every_cut_of_a_portrait_is_still_of_the_same_person(
    networks: Networks, astronaut: Path, admiral: Path
) -> None:
    who, other = portrait(networks, astronaut), portrait(networks, admiral)
    assert who is not None
    assert other is not None
    made = enrolled(networks, who, [*CUTS, *SMALL])
    stranger = Mix().of(enrolled(networks, other, [PLAIN]))[0]
    plain = Mix().of(made)[0]
    for name, vector in made.items():
        unit = vector[0] / np.linalg.norm(vector[0])
        assert unit @ plain > stranger @ plain + 0.02, name


def test_the_packs_own_mirroring_is_the_mix_of_two_cuts(
    networks: Networks, astronaut: Path, packs: Path
) -> None:
    from lfrd.config import Inference
    from lfrd.networks.loading import load

    who = portrait(networks, astronaut)
    assert who is not None
    picture = Picture(who.pixels.copy(), planar=False)
    aligned = cut_all(networks, picture, who.points[None], [PLAIN, MIRRORED])
    mixed = Mix((PLAIN, MIRRORED)).of(embedded(networks, aligned))
    assert networks.mirrored
    recogniser = load(library.open_pack("builtin", packs), library.networks, Inference(), 1).recogniser
    assert recogniser.embed(aligned[PLAIN]) == pytest.approx(mixed, abs=1e-4)


def test_points_looked_for_again_lie_near_those_of_a_large_face_and_stay_where_there_is_none(
    networks: Networks, astronaut: Path
) -> None:
    who = portrait(networks, astronaut)
    assert who is not None
    eyes = float(np.hypot(*(who.points[1] - who.points[0])))
    again = refined(networks, Picture(who.pixels.copy(), planar=False), who.points[None])
    assert np.abs(again[0] - who.points).max() < 0.2 * eyes
    blank = Picture(np.full_like(who.pixels, 90), planar=False)
    assert refined(networks, blank, who.points[None])[0] == pytest.approx(who.points)


def test_a_walk_is_the_same_from_the_same_seed_and_its_faces_grow(
    networks: Networks, astronaut: Path
) -> None:
    who = portrait(networks, astronaut)
    assert who is not None
    one, again, other = (walk(networks, who, [PLAIN], seed_of(1, astronaut, number)) for number in (0, 0, 1))
    assert one.vectors[PLAIN] == pytest.approx(again.vectors[PLAIN])
    assert one.vectors[PLAIN].shape != other.vectors[PLAIN].shape or not np.allclose(
        one.vectors[PLAIN], other.vectors[PLAIN]
    )
    assert one.qualities
    eyes = [quality.eye_distance for quality in one.qualities]
    assert eyes[-1] > eyes[0]
    assert len(one.vectors[PLAIN]) == len(eyes)


def test_a_track_on_trial_alerts_up_to_the_threshold_where_the_products_judgements_end(
    shared: Path, tmp_path: Path
) -> None:
    field = open_networks(library.open_pack(str(shared / "models" / "field"), tmp_path))
    names = tuple(str(number) for number in range(30))
    templates = units(6, 30, field.recogniser.dim)
    rng = np.random.default_rng(7)
    faces = [
        Seen(
            0.16 * step,
            Box(0, 0, 50, 50),
            Quality(20 + step, 30.0, 0.0, 0.0, 0.0, 100.0, 0.0),
            None,
            (templates[4] + 0.08 * rng.standard_normal(field.recogniser.dim)).astype(np.float32),
        )
        for step in range(12)
    ]
    gallery = Gallery({NominalId(n): row[None] for n, row in zip(names, templates, strict=True)}, dim=128)
    street = Street(
        StreetSet(tmp_path, 1, [], [], tmp_path, frozenset(), (1920, 1080), 25.0, 20.0),
        (PLAIN,),
        names,
        {},
        {},
        [],
    )
    way = ways(mirrored=False)["product"]
    right, wrong = judged_track(
        field, street, faces, way, Listed(templates[:, None], names), judging.plain, [4]
    )
    split = lowest_score(calibrations(field.pack))
    assert split is not None
    for without_own, level_reached in ((False, max(score for _, score in right)), (True, wrong)):
        made = gather(faces, gallery, Config(), split, without={"4"} if without_own else ()).judgements
        assert len(made) == len(right) > 3
        for threshold, expected in ((level_reached - 1e-4, True), (level_reached + 1e-4, False)):
            rule = Rule(threshold, Config().decision.least_shots, Config().decision.agreement)
            assert any(one.verdict(rule).alert for one in made) == expected
    assert {name for name, _ in right} == {"4"}


def test_a_small_trial_with_stills_counts_everybody_and_names_nobody(shared: Path, tmp_path: Path) -> None:
    people = sorted((shared / "faces").iterdir())
    for person in [*people[:16], *people[400:420]]:
        (tmp_path / person.name).symlink_to(person)
    field = open_networks(library.open_pack(str(shared / "models" / "field"), tmp_path))
    cast = cast_of(tmp_path, "tune", cohort=4, leave_out=())
    chosen = {name: way for name, way in ways(mirrored=False).items() if name in {"product", "refined"}}
    seen = see(field, cast, chosen, walks=1, seed=1, progress=lambda what, done, of: None)
    found = {name: still_searches(seen, way) for name, way in chosen.items()}
    found["threshold by quality"] = by_quality(seen, chosen["product"], found["product"])
    assert set(seen.names) <= set(cast.listed)
    assert len(found["product"].top) == len(seen.walks)
    assert 0 < len(found["product"].own) < len(seen.walks)
    assert np.isfinite(found["refined"].own).any()
    said = json.dumps(outcome(found))
    assert not any(person.name in said for person in people)


# Who takes part, and what is on trial


def test_halves_and_cohort_share_nobody_and_halves_are_about_equal(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / f"p{number:04}").mkdir()
        for picture in range(1 + (number < 80)):
            (tmp_path / f"p{number:04}" / f"{picture}.jpg").touch()
    tune, report = (cast_of(tmp_path, half, cohort=30, leave_out={"p0003"}) for half in ("tune", "report"))
    assert not tune.probes.keys() & report.probes.keys()
    assert tune.cohort == report.cohort
    assert tune.listed == report.listed
    assert len(tune.cohort) == 30
    assert not tune.cohort.keys() & (tune.listed.keys() | tune.probes.keys() | report.probes.keys())
    assert "p0003" not in tune.listed.keys() | tune.probes.keys() | report.probes.keys()
    assert 60 < len(tune.probes) < 110
    for name, pictures in tune.probes.items():
        assert half_of(name) == "tune"
        if len(list((tmp_path / name).iterdir())) > 1:
            assert tune.listed[name] not in pictures


def test_several_pictures_make_rows_of_length_1_and_the_better_one_is_by_worth() -> None:
    pictures = units(5, 4, 2, 16)
    rows = list_rows(pictures, np.array([[1.0, 2.0]] * 4))
    assert rows["the better one"][:, 0] == pytest.approx(pictures[:, 1])
    for made in rows.values():
        assert np.linalg.norm(made, axis=2) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("mirrored", [True, False])
def test_the_product_comes_first_and_every_way_differs_from_it(mirrored: bool) -> None:
    first, *others = ways(mirrored).items()
    assert first[0] == "product"
    assert (first[1].probe.cuts == (PLAIN, MIRRORED)) == mirrored
    assert first[1].score is judging.product
    for _, way in others:
        assert way != first[1]
