"""Comparisons of two from templates: whose is compared with whose, how many, and what stays in the count."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from lfrd.config import Config
from lfrd.errors import MissingError
from lfrd.evaluation.acquire import Templates
from lfrd.evaluation.people import Cast, Role
from lfrd.evaluation.report.page import html
from lfrd.evaluation.searches import NO_CANDIDATE
from lfrd.evaluation.verify import MOST, Verification, compared
from lfrd.evaluation.verify_report import figures_of, report_of, results_of
from lfrd.gallery.reading import Reason
from lfrd.models import library
from tests.unit.evaluation.made_up import CROWD, GALLERY, PROBES, WALKERS, Pictures, face, people


def measured(
    gallery: Pictures, probes: Pictures, *, most: int = MOST, seed: int = 1
) -> tuple[Cast, Verification]:
    listed, entries = people(Role.GALLERY, gallery)
    searched, taken = people(Role.PROBES, probes)
    templates = Templates({Role.GALLERY: entries, Role.PROBES: taken})
    cast = Cast(listed, searched)
    return cast, compared(cast, templates, most=most, seed=seed)


def test_each_probe_is_compared_with_its_own_entry_and_with_every_other() -> None:
    _, found = measured({"a": [face(1), face(2)], "b": [face(3)], "c": [face(4)]}, {"a": [face(2, 0.8, 4)]})
    assert found.comparisons.genuine == pytest.approx([0.8])
    assert sorted(found.comparisons.impostor) == pytest.approx([0, 0.6])
    assert found.comparisons.impostor_person.tolist() == [0, 0]
    assert (found.others, found.drawn) == (2, 2)


def test_failures_stay_in_the_count_as_rejections() -> None:
    _, found = measured(GALLERY, PROBES)  # "c" is not enrolled, and one picture of "a" has no template
    assert found.comparisons.genuine == pytest.approx([0.9, NO_CANDIDATE, 0.6, NO_CANDIDATE])
    assert found.fte == pytest.approx(1 / 3)
    assert found.probe_failures == 1
    np.testing.assert_allclose(found.comparisons.impostor, [0, NO_CANDIDATE, 0.8, 0], atol=1e-6)
    np.testing.assert_array_equal(found.comparisons.impostor_person, [0, 0, 1, 2])
    assert found.compared.genuine == pytest.approx([0.9, 0.6])
    assert len(found.compared.impostor) == 3


def test_of_too_many_comparisons_as_many_are_drawn_for_each_probe_and_never_with_its_own() -> None:
    probes: Pictures = {name: [one] for name, ones in CROWD.items() for one in ones}
    _, found = measured(CROWD, probes, most=50)
    assert found.drawn == 50 // 12
    assert np.bincount(found.comparisons.impostor_person).tolist() == [4] * 12
    assert found.comparisons.impostor == pytest.approx(0)
    assert found.comparisons.genuine == pytest.approx(1)


def test_what_is_drawn_is_the_seeds() -> None:
    rng = np.random.default_rng(0)
    gallery: Pictures = {
        f"p{number}": [np.asarray(rng.standard_normal(16), np.float32)] for number in range(30)
    }
    drawn = [measured(gallery, gallery, most=60, seed=seed)[1].comparisons.impostor for seed in (1, 1, 2)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert (drawn[0] != drawn[2]).any()


@pytest.mark.parametrize(
    ("gallery", "probes"),
    [
        pytest.param(CROWD, WALKERS, id="half of the probes refused"),
        pytest.param({"a": [face(1)]}, {"a": [face(1, 0.9)]}, id="one person"),
        pytest.param(GALLERY, {"a": [Reason.POSE]}, id="every probe refused"),
        pytest.param(GALLERY, {"c": [face(3)]}, id="nobody who is enrolled"),
    ],
)
def test_json_and_page_say_what_the_data_can(builtin: Path, gallery: Pictures, probes: Pictures) -> None:
    pack = library.open_pack(str(builtin), builtin.parent)
    cast, found = measured(gallery, probes)
    figures = figures_of(found, seed=1)
    results = results_of(found, figures, cast, pack, seed=1, confidence=0.95)
    page = html(report_of(found, figures, results, cast, pack, Config(), seed=1, confidence=0.95))
    read = json.loads(msgspec.json.encode(results))
    assert (read["genuine"], read["impostor"]) == (
        len(found.comparisons.genuine),
        len(found.comparisons.impostor),
    )
    assert ("no threshold can be chosen" in page) == (not read["points"])
    for point in read["points"]:
        assert point["tar_low"] <= point["tar"] <= point["tar_high"]
    assert "nan" not in page.lower()


def test_a_gallery_of_which_nobody_is_enrolled_is_refused() -> None:
    with pytest.raises(MissingError, match="none of its 1 people could be enrolled"):
        measured({"a": [Reason.NO_FACE]}, {"a": [face(1)]})
