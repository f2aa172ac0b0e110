"""Model cards: a pack's own words, what was measured of it, and no report on another pack."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from lfrd.errors import CorruptError, LfrdError, MissingError
from lfrd.evaluation.report import card, page
from lfrd.evaluation.report.source import Source
from lfrd.models.library import facts
from tests.commands import lfrd
from tests.unit.evaluation.report.made import HOSTILE, report
from tests.unit.evaluation.report.test_page import Seen, names_in
from tests.unit.models import packs

POINT = {"fpir": 0.01, "threshold": 0.4, "tpir": 0.9, "tpir_low": 0.88, "tpir_high": 0.92}
RESULTS = {
    "det": {"fpir": [0.001, 0.01, 0.1], "fnir": [0.3, 0.2, 0.1]},
    "sizes": [{"gallery": 100, "points": [POINT]}, {"gallery": 1000, "points": [POINT]}],
}
CALIBRATION = {
    "n": 1000,
    "non_mated": 8406,
    "data": "portraits",
    "points": [[0.01, 0.468]],
    "mated": 3827,
    "tpir": [[0.01, 0.923]],
}


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return packs.make(tmp_path / "packs" / "small")


def facts_of(pack: Path, **changed: Any) -> dict[str, Any]:
    return {**facts(str(pack), pack.parent), **changed}


def written(folder: Path, digest: str, name: str = "Women", command: str = "identify") -> Path:
    """A report's JSON on a pack of this digest."""
    made = report(name, RESULTS)
    typed = f"lfrd evaluate {command} GALLERY PROBES"
    made = dataclasses.replace(
        made, provenance=dataclasses.replace(made.provenance, pack_digest=digest, command=typed)
    )
    path = folder / f"{command}.json"
    path.write_bytes(page.json_bytes(made))
    return path


def words(html: str) -> str:
    return " ".join(Seen(html).text.split()).replace("\N{NO-BREAK SPACE}", " ")


def test_a_card_says_what_the_pack_is_and_what_was_measured(tmp_path: Path, pack: Path) -> None:
    known = facts_of(pack, calibration=[CALIBRATION], card="Weak.\n\nFor trials.")
    source = Source.read(written(tmp_path, known["digest"]))
    text = words(card.html(card.card(known, [source])))
    for wanted in (
        known["licence"],
        known["origin"],
        known["digest"],
        *known["files"],
        *known["files"].values(),
        "Weak.",
        "For trials.",
        "portraits: 8,406 searches for people who were not on the list, 3,827 for people who were.",
        "0.4680",
        "92.3 %",
        "Women: 82.5 % were found.",
        "Says nothing of others than Women.",
        source.sha256,
        "Detection error trade-off",
        "Recognition by the size of the list",
    ):
        assert wanted in text, wanted


def test_scores_beyond_what_was_measured_are_marked(pack: Path) -> None:
    row = {
        **CALIBRATION,
        "intervals": [[0.46, 0.475]],
        "extrapolated": [[0.0001, 0.61, 0.58, 0.66]],
        "tail": "a fit of the tail",
        "people": 4000,
        "lists": 3,
        "kind": "track",
        "digest": "ef" * 32,
    }
    made = card.card(facts_of(pack, calibration=[row]), [])
    (table,) = made.measured[0].tables
    assert table.caption == "Scores of whole tracks on a list of 1,000"
    assert table.rows[0] == ("0.01", "0.4680", "0.4600 to 0.4750", "92.3 %", "measured")
    assert table.rows[1] == ("0.0001", "0.6100", "0.5800 to 0.6600", "–", "extrapolated")
    for wanted in ("a fit of the tail", "4,000 people", "3 lists", "ef" * 32):
        assert wanted in table.note


def test_a_card_without_a_calibration_says_that_live_use_is_refused(pack: Path) -> None:
    text = words(card.html(card.card(facts_of(pack, calibration=[]), [])))
    assert "lfrd refuses it for live use" in text
    assert "Nothing: the pack has not been measured." in text


def test_a_card_says_that_groups_were_not_compared_until_a_report_did(tmp_path: Path, pack: Path) -> None:
    known = facts_of(pack)
    missing = "is not known from this card"
    assert missing in words(card.html(card.card(known, [])))
    compared = Source.read(written(tmp_path, known["digest"], command="equity"))
    assert missing not in words(card.html(card.card(known, [compared])))


def test_a_report_on_another_pack_is_refused(tmp_path: Path, pack: Path) -> None:
    source = Source.read(written(tmp_path, "f" * 64))
    with pytest.raises(LfrdError, match=r"was made with another pack \('field' 1, digest ffffffffffff…\)"):
        card.card(facts_of(pack), [source])


def test_a_card_is_the_same_each_time_and_hostile_words_are_text(tmp_path: Path, pack: Path) -> None:
    known = facts_of(pack, card=HOSTILE, origin=HOSTILE, calibration=[{**CALIBRATION, "data": HOSTILE}])
    made = card.card(known, [Source.read(written(tmp_path, known["digest"], HOSTILE))])
    html = card.html(made)
    assert card.html(made) == html
    seen = Seen(html)
    assert not [tag for tag, _ in seen.tags if tag in ("script", "img", "a", "link")]
    assert len(seen.ids) == len(set(seen.ids))


def test_the_card_s_json_has_the_facts_without_the_folder_and_each_report(tmp_path: Path, pack: Path) -> None:
    known = facts_of(pack)
    source = Source.read(written(tmp_path, known["digest"]))
    made = json.loads(card.json_bytes(card.card(known, [source])))
    assert made["pack"]["digest"] == known["digest"]
    assert "folder" not in made["pack"]
    assert made["reports"][0]["results"] == RESULTS
    assert made["reports"][0]["sha256"] == source.sha256
    assert str(tmp_path) not in json.dumps(made)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\xff\xfe", "is no report of the laboratory"),
        (b"[]", "is no report of the laboratory"),
        (b'{"schema": 1, "title": "x"}', "missing required field"),
        (b"<!doctype html>", "give the JSON that stands beside a report's page"),
    ],
)
def test_a_file_that_is_no_report_is_told_in_one_line(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(CorruptError, match=problem) as raised:
        Source.read(tmp_path / "x.json")
    assert "\n" not in str(raised.value)


def test_a_report_of_another_form_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "0" * 64)
    path.write_bytes(path.read_bytes().replace(b'"schema": 1', b'"schema": 2'))
    with pytest.raises(CorruptError, match="a report of form 2, this lfrd reads form 1"):
        Source.read(path)


@pytest.mark.parametrize(
    "results",
    [
        {"det": [1, 2]},
        {"det": {"fpir": [0.1], "fnir": [0.1, 0.2]}},
        {"det": {"fpir": ["a"], "fnir": [True]}},
        {"det": {"fpir": [None], "fnir": [None]}},
        {"sizes": 3},
        {"sizes": [{"gallery": "x", "points": [POINT]}, {"gallery": 10, "points": [{"fpir": 0.1}]}, 4]},
    ],
)
def test_results_of_another_shape_are_told_without_a_drawing(
    tmp_path: Path, pack: Path, results: dict[str, object]
) -> None:
    known = facts_of(pack)
    path = written(tmp_path, known["digest"])
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "results": results}))
    made = card.card(known, [Source.read(path)])
    assert not made.measured[1].figures


def test_the_command_writes_a_card_and_its_json_once(tmp_path: Path, pack: Path) -> None:
    source = written(tmp_path, facts_of(pack)["digest"])
    output = tmp_path / "out" / "card.html"
    command = ("models", "card", pack, "--output", output, "--from", source)
    assert lfrd(*command).line() == f"lfrd: {output}: no such folder to write it to"
    output.parent.mkdir()
    ended = lfrd(*command)
    assert (ended.code, ended.out) == (0, f"{output}: the card of small, from 1 report\n")
    assert names_in(output.parent) == ["card.html", "card.json"]
    again = lfrd(*command)
    assert again.code == 1
    assert again.line() == f"lfrd: {output}: is there already; name another file, or remove it"


def test_the_command_refuses_a_report_on_another_pack_and_writes_nothing(tmp_path: Path, pack: Path) -> None:
    source = written(tmp_path, "f" * 64)
    ended = lfrd("models", "card", pack, "--output", tmp_path / "card.html", "--from", source)
    assert ended.code == 1
    assert "was made with another pack" in ended.line()
    assert not (tmp_path / "card.html").exists()


def test_the_command_names_a_report_that_is_not_there(tmp_path: Path, pack: Path) -> None:
    gone = tmp_path / "gone.json"
    ended = lfrd("models", "card", pack, "--output", tmp_path / "card.html", "--from", gone)
    assert ended.line() == f"lfrd: {gone}: no such file; `lfrd evaluate ... --report` writes one"
    with pytest.raises(MissingError):
        Source.read(gone)


def test_a_pack_whose_files_are_damaged_gets_no_card(tmp_path: Path, pack: Path) -> None:
    damaged = next(path for path in pack.iterdir() if path.suffix == ".onnx")
    damaged.write_bytes(b"other")
    ended = lfrd("models", "card", pack, "--output", tmp_path / "card.html")
    assert ended.code == 1
    assert "not the file that the manifest names" in ended.line()
