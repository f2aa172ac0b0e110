"""Searches from templates: who is mated, who is not, what stays in the count, and what is never told."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import numpy as np
import pytest

from lfrd.config import Config
from lfrd.errors import MissingError
from lfrd.evaluation import openset
from lfrd.evaluation.acquire import Templates
from lfrd.evaluation.identify import Identification, identify, searched
from lfrd.evaluation.identify_report import report_of
from lfrd.evaluation.identify_results import figures_of, results_of
from lfrd.evaluation.people import Cast, Role
from lfrd.evaluation.report.page import html
from lfrd.evaluation.searches import NO_CANDIDATE
from lfrd.gallery.reading import Reason
from lfrd.models import library
from lfrd.vision.pack import Pack
from tests.unit.evaluation.made_up import (
    CROWD,
    DIM,
    GALLERY,
    PASSERS_BY,
    PROBES,
    STRANGERS,
    WALKERS,
    Pictures,
    face,
    people,
)


@pytest.fixture(scope="module")
def pack(builtin: Path) -> Pack:
    return library.open_pack(str(builtin), builtin.parent)


def measured(
    gallery: Pictures,
    probes: Pictures,
    non_mates: Pictures | None = None,
    filler: Pictures | None = None,
    sizes: list[int] | None = None,
) -> tuple[Cast, Identification]:
    given = {Role.GALLERY: gallery, Role.PROBES: probes, Role.NON_MATES: non_mates, Role.FILLER: filler}
    made = {role: people(role, pictures) for role, pictures in given.items() if pictures is not None}
    folders = {role: folder for role, (folder, _) in made.items()}
    cast = Cast(
        folders[Role.GALLERY], folders[Role.PROBES], folders.get(Role.NON_MATES), folders.get(Role.FILLER)
    )
    return cast, searched(cast, Templates({role: taken for role, (_, taken) in made.items()}), sizes=sizes)


def test_failures_stay_in_the_count_of_searches() -> None:
    _, found = measured(GALLERY, PROBES, STRANGERS)
    searches = found.searches
    assert searches.entries == 2
    np.testing.assert_allclose(searches.own, [0.9, NO_CANDIDATE, 0.6, NO_CANDIDATE], atol=1e-6)
    np.testing.assert_allclose(searches.other, [0, NO_CANDIDATE, 0.8, 0], atol=1e-6)
    np.testing.assert_allclose(searches.top, [0.5, NO_CANDIDATE, 0.3, 0], atol=1e-6)
    assert found.fte == pytest.approx(1 / 3)
    assert (found.mated_failures, found.non_mated_failures) == (1, 1)
    assert found.failures == {
        "gallery": {"no_face": 1},
        "probes": {"pose": 1},
        "non-mates": {"several_faces": 1},
    }
    assert openset.rank1(searches) == (1, 4)
    assert searches.found(0.6).tolist() == [True, False, False, False]
    assert searches.false(0.3).tolist() == [True, False, True, False]


def test_the_second_figure_has_only_searches_in_which_faces_were_compared() -> None:
    _, found = measured(GALLERY, PROBES, STRANGERS)
    np.testing.assert_allclose(found.compared.own, [0.9, 0.6], atol=1e-6)
    np.testing.assert_allclose(found.compared.top, [0.5, 0.3, 0], atol=1e-6)


def test_people_are_told_apart_by_numbers_that_lead_to_their_names() -> None:
    _, found = measured(GALLERY, PROBES, STRANGERS, {"f": [face(7)]})
    assert [found.names[number] for number in found.searches.mated] == ["a", "a", "b", "c"]
    assert [found.names[number] for number in found.searches.non_mated] == ["x", "y", "z", "z"]
    assert found.names == ("a", "b", "c", "f", "x", "y", "z")
    assert "names" not in repr(found)


def test_without_strangers_each_probe_is_searched_on_the_list_without_its_own_person() -> None:
    _, found = measured(GALLERY, PROBES)
    assert found.own_left_out
    np.testing.assert_allclose(found.searches.top, [0, NO_CANDIDATE, 0.8, 0], atol=1e-6)
    np.testing.assert_array_equal(found.searches.non_mated, found.searches.mated)


def test_without_the_only_person_there_is_no_list_to_search() -> None:
    _, found = measured({"a": [face(1)]}, {"a": [face(1, 0.9)]})
    assert (len(found.searches.own), len(found.searches.top)) == (1, 0)
    assert found.searches.other.tolist() == [NO_CANDIDATE]


def test_a_persons_score_is_the_best_over_their_pictures() -> None:
    _, found = measured({"a": [face(1), face(2), Reason.SMALL], "b": [face(3)]}, {"a": [face(2, 0.7, 3)]})
    assert found.searches.own == pytest.approx([0.7])
    assert found.searches.other == pytest.approx([math.sqrt(0.51)])
    assert found.idle == 1


def test_a_picture_that_is_there_twice_is_no_second_search() -> None:
    _, found = measured(GALLERY, {"a": [face(1), Reason.DUPLICATE_PICTURE]}, STRANGERS)
    assert len(found.searches.own) == 1
    assert found.mated_failures == 0
    assert found.failures["probes"] == {"duplicate_picture": 1}


def test_filler_lengthens_the_list_and_is_not_counted_as_failing_to_enrol() -> None:
    _, found = measured(GALLERY, PROBES, STRANGERS, {"f": [face(5)], "g": [Reason.SMALL]})
    assert found.searches.entries == 3
    assert (found.filler, found.filler_enrolled) == (2, 1)
    assert found.fte == pytest.approx(1 / 3)
    assert found.searches.top[-1] == pytest.approx(1)


def test_shorter_lists_are_parts_of_longer_ones() -> None:
    gallery: Pictures = {f"p{number}": [face(number)] for number in range(10)}
    probes: Pictures = {f"p{number}": [face(number, 0.9, (number + 1) % 10)] for number in range(10)}
    _, found = measured(gallery, probes, {"x": [np.full(DIM, 0.25, np.float32)]}, sizes=[1, 4, 10])
    assert [one.entries for one in (*found.shorter, found.searches)] == [1, 4, 10]
    assert all(openset.rank1(one) == (10, 10) for one in found.shorter)
    tops = np.array([one.other for one in (*found.shorter, found.searches)])
    assert (np.diff(tops, axis=0) >= 0).all()
    assert (tops[0] == NO_CANDIDATE).all()
    assert (found.shorter[1].other > 0.1).sum() < 10 == (found.searches.other > 0.1).sum()


def test_lengths_that_nobody_asked_for_are_tried_as_far_as_there_are_people() -> None:
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((101, DIM)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    gallery: Pictures = {f"p{number}": [row] for number, row in enumerate(rows)}
    _, found = measured(gallery, {"p1": [rows[1]]}, {"x": [rows[2]]})
    assert [one.entries for one in found.shorter] == [100]
    assert found.sizes_left_out == ()


def test_a_list_that_enrolment_left_too_short_is_named() -> None:
    _, found = measured(GALLERY, PROBES, STRANGERS, sizes=[1, 3])
    assert [one.entries for one in found.shorter] == [1]
    assert found.sizes_left_out == (3,)


async def test_a_list_longer_than_all_people_is_refused_before_any_work(pack: Pack) -> None:
    cast, _ = measured(GALLERY, PROBES)

    def unexpected(title: str) -> NoReturn:
        raise AssertionError(title)

    with pytest.raises(MissingError, match="a list of 40 is wanted, and gallery and filler have 3 people"):
        await identify(cast, pack, Config(), sizes=[2, 40], progress=unexpected)


def test_a_gallery_of_which_nobody_is_enrolled_is_refused_with_the_reasons() -> None:
    refused: Pictures = {"a": [Reason.NO_FACE, Reason.NOT_A_PICTURE], "b": [Reason.NO_FACE]}
    with pytest.raises(MissingError, match=r"none of its 2 people .*no_face 2, not_a_picture 1"):
        measured(refused, {"a": [face(1)]})


def told(cast: Cast, found: Identification, pack: Pack) -> tuple[dict[str, Any], str]:
    """The JSON that is printed, as a script reads it, and the page."""
    figures = figures_of(found, pack, seed=1)
    results = results_of(found, figures, cast, pack, seed=1, confidence=0.95)
    report = report_of(found, figures, results, cast, pack, Config(), seed=1, confidence=0.95)
    return json.loads(msgspec.json.encode(results)), html(report)


def test_the_json_has_the_keys_that_scripts_rely_on(pack: Pack) -> None:
    results, _ = told(*measured(CROWD, WALKERS, PASSERS_BY, sizes=[5]), pack)
    assert results.keys() >= {"gallery", "mated", "non_mated", "fte", "rank1", "points"}
    assert (results["gallery"], results["mated"], results["non_mated"]) == (12, 24, 40)
    assert (results["fte"], results["fta"], results["non_mated_fta"]) == (0, 0.5, 0)
    assert [point["fpir"] for point in results["points"]] == [0.1, 0.03]
    for point in results["points"]:
        assert point.keys() >= {"fpir", "threshold", "tpir", "tpir_low", "tpir_high"}
        assert point["tpir_low"] <= point["tpir"] <= point["tpir_high"]
        assert point["fpir_reached"] <= point["fpir"]
        assert point["tpir"] + point["fnir"] == pytest.approx(1)
    assert results["resolvable_fpir"] == 1 / 40
    assert results["unresolved_fpirs"] == [0.01, 0.003, 0.001, 0.0003, 0.0001]
    assert [one["gallery"] for one in results["sizes"]] == [5, 12]
    assert results["sizes"][1]["points"] == results["points"]
    assert results["compared"]["mated"] == 12
    assert results["pack"]["digest"] == pack.manifest.digest
    assert results["data"]["probes"]["people"] == 12


def test_the_same_seed_gives_the_same_figures(pack: Pack) -> None:
    first, second = (told(*measured(CROWD, WALKERS, PASSERS_BY, sizes=[5]), pack) for _ in range(2))
    assert first == second


def test_the_cards_promise_is_held_against_what_came(pack: Pack) -> None:
    results, page = told(*measured(CROWD, WALKERS, PASSERS_BY), pack)
    scores = [point["threshold"] for point in results["card"]]
    assert len(scores) == 7
    assert scores == sorted(scores)
    assert [point["fpir"] for point in results["card"]] == list(openset.DEFAULT_FPIRS)
    assert "Does the pack&#39;s card hold here?" in page


def test_the_page_says_where_strangers_look_like_the_listed(pack: Pack) -> None:
    cast, found = measured(CROWD, WALKERS, {"x": [face(1, 0.3)], "twin": [face(3)]})
    results, page = told(cast, found, pack)
    assert results["non_mated_alike"] == 1
    assert "Look whether one person lies in two folders" in page


def test_no_name_and_no_picture_of_anybody_is_told(pack: Pack) -> None:
    def named(pictures: Pictures) -> Pictures:
        return {f"secret-{name}": ones for name, ones in pictures.items()}

    results, page = told(*measured(named(CROWD), named(WALKERS), named(PASSERS_BY)), pack)
    assert "secret" not in json.dumps(results) + page
    assert ".jpg" not in json.dumps(results) + page


@pytest.mark.parametrize(
    ("gallery", "probes", "non_mates", "points"),
    [
        pytest.param({"a": [face(1)]}, {"a": [face(1, 0.9)]}, None, 0, id="one person and nobody else"),
        pytest.param({"a": [face(1)]}, {"a": [face(1, 0.9)]}, PASSERS_BY, 2, id="one person"),
        pytest.param(GALLERY, {"a": [Reason.POSE]}, None, 0, id="every probe refused"),
        pytest.param(GALLERY, {"a": [Reason.POSE]}, PASSERS_BY, 2, id="every probe of the listed refused"),
        pytest.param(GALLERY, PROBES, {"x": [Reason.NO_FACE] * 20}, 0, id="every stranger refused"),
        pytest.param(GALLERY, {"c": [face(3)]}, PASSERS_BY, 2, id="only people who are not enrolled"),
        pytest.param(GALLERY, PROBES, STRANGERS, 0, id="too few for any rate"),
    ],
)
def test_data_that_can_say_little_give_a_page_that_says_so(
    pack: Pack, gallery: Pictures, probes: Pictures, non_mates: Pictures | None, points: int
) -> None:
    results, page = told(*measured(gallery, probes, non_mates), pack)
    assert len(results["points"]) == points
    assert ("no threshold can be chosen" in page) == (points == 0)
    assert "nan" not in page.lower().replace("&nbsp;", "")
