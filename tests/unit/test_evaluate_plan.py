"""`lfrd evaluate plan` says in plain words, and in JSON, how large a trial must be."""

from __future__ import annotations

import json
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from lfrd.commands.evaluate_plan import plan

app = typer.Typer()
app.command()(plan)


def printed(*words: str) -> str:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    return result.stdout


def answered(*words: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(printed(*words, "--json"))
    return answer


def refused(*words: str) -> str:
    result = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert result.stdout == ""
    return result.stderr


def test_it_says_how_many_people_walk_past_for_both_rates() -> None:
    text = printed()
    assert "a rate of about 90 % to within 5 percentage points, with 95 % confidence" in text
    assert "196 different people walk past once each, all of them on the list." in text
    assert "fewer than 1 in 1,000" in text
    assert ["0", "2,995", "1", "in", "13,400", "or", "better"] in [line.split() for line in text.splitlines()]
    assert "cohort" not in text


def test_what_it_says_is_what_its_json_holds() -> None:
    answer = answered("--tpir", "0.8", "--margin", "0.1", "--fpir", "0.01")
    text = printed("--tpir", "0.8", "--margin", "0.1", "--fpir", "0.01")
    assert answer["cohorts"] is None
    assert f"{answer['tpir']['people']} different people walk past once each" in text
    assert [trial["searches"] for trial in answer["fpir"]["trials"]][:2] == [299, 473]
    for trial in answer["fpir"]["trials"]:
        assert f"{trial['searches']:,}" in text


def test_several_passages_by_each_need_fewer_people_and_more_passages() -> None:
    once, often = answered(), answered("--passages", "4")
    assert often["tpir"]["people"] == 123 < once["tpir"]["people"] == 196 < often["tpir"]["passages"] == 492
    alike = answered("--passages", "4", "--agreement", "1")
    assert alike["tpir"]["people"] == 196
    text = printed("--passages", "4")
    assert "123 different people walk past 4 times each" in text
    assert "tell as much as 196 people" in text


def test_cohorts_are_compared_when_asked_for_and_a_small_trial_is_no_proof_of_equality() -> None:
    compared = answered("--cohorts", "4", "--difference", "0.05", "--power", "0.8")["cohorts"]
    assert compared == {
        "cohorts": 4,
        "pairs": 6,
        "difference": 0.05,
        "people_each_to_see_it": 1098,
        "people_each_to_rule_it_out": 1035,
    }
    text = printed("--cohorts", "4")
    assert "1,098 different people walk past once each, in every cohort; 4,392 in all." in text
    assert "1,035 different people walk past once each, in every cohort; 4,140 in all." in text
    assert "has not shown that there is none" in text
    assert answered("--cohorts", "4", "--power", "0.9")["cohorts"]["people_each_to_see_it"] > 1098


@pytest.mark.parametrize("confidence", ["0.8", "0.99"])
def test_more_confidence_needs_more_people_everywhere(confidence: str) -> None:
    usual, other = answered("--cohorts", "3"), answered("--cohorts", "3", "--confidence", confidence)
    more = float(confidence) > 0.95
    assert (other["tpir"]["people"] > usual["tpir"]["people"]) is more
    assert (other["fpir"]["trials"][0]["searches"] > usual["fpir"]["trials"][0]["searches"]) is more
    for key in ("people_each_to_see_it", "people_each_to_rule_it_out"):
        assert (other["cohorts"][key] > usual["cohorts"][key]) is more


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--tpir", "90"), "'--tpir'"),
        (("--margin", "0"), "'--margin'"),
        (("--fpir", "0"), "'--fpir'"),
        (("--cohorts", "1"), "'--cohorts'"),
        (("--passages", "0"), "'--passages'"),
        (("--cohorts", "2", "--tpir", "0.1", "--difference", "0.2"), "must be at most the TPIR, 0.1"),
    ],
)
def test_what_cannot_be_planned_is_refused_by_the_options_name(words: tuple[str, ...], said: str) -> None:
    assert said in refused(*words)


@pytest.mark.parametrize(
    "words",
    [
        ("--tpir", "0.999", "--margin", "0.001", "--cohorts", "100", "--difference", "0.001"),
        ("--tpir", "0.01", "--margin", "0.5", "--cohorts", "2", "--difference", "0.01"),
        ("--fpir", "0.5", "--power", "0.5", "--confidence", "0.5"),
        ("--fpir", "0.0000001", "--power", "0.99", "--confidence", "0.999"),
    ],
)
def test_the_ends_of_what_may_be_asked_have_an_answer(words: tuple[str, ...]) -> None:
    assert "nan" not in printed(*words)
    assert all(trial["passing_fpir"] > 0 for trial in answered(*words)["fpir"]["trials"])
