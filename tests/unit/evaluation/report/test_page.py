"""Reports: one file that asks for nothing else, the same each time, and its JSON, both or neither."""

from __future__ import annotations

import dataclasses
import errno
import json
import math
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.errors import MissingError
from lfrd.evaluation.report import page, placing
from lfrd.evaluation.report.document import Report, Table
from tests.unit.evaluation.report.made import DIGEST, HOSTILE, report

VOID = {"meta", "br"}


class Seen(HTMLParser):
    """What a browser would see: tags with their attributes, ids, text; every tag is closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    @property
    def ids(self) -> list[str]:
        return [attributes["id"] or "" for _, attributes in self.tags if "id" in attributes]


@pytest.fixture(scope="module")
def html() -> str:
    return page.html(report())


@pytest.fixture(scope="module")
def hostile() -> str:
    return page.html(report(HOSTILE))


def test_a_page_has_no_script_and_asks_for_nothing_else(html: str) -> None:
    seen = Seen(html)
    tags = {tag for tag, _ in seen.tags}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "image", "base", "form", "a"}
    assert [tag for tag, _ in seen.tags].count("style") == 1
    assert "metadata" not in tags
    for _, attributes in seen.tags:
        assert not [key for key in attributes if key.startswith("on") or key == "src"]
        assert (attributes.get("href") or "#").startswith("#")
    assert "//" not in html
    assert "@import" not in html
    assert set(re.findall(r"url\((.)", html)) == {"#"}


def test_hostile_names_are_text_wherever_they_stand(hostile: str) -> None:
    seen = Seen(hostile)
    assert not [tag for tag, _ in seen.tags if tag in ("script", "img")]
    assert HOSTILE in seen.text
    assert seen.text.count("alert(1)") > 10  # headings, tables, and the words of figures


def test_commands_in_words_are_set_as_such_and_no_other_markup_is_read() -> None:
    made = dataclasses.replace(plain_report(), limits=["Use `lfrd <b>run` <i>for</i> 95 % and `more"])
    shown = (
        "<li>Use <code>lfrd &lt;b&gt;run</code> &lt;i&gt;for&lt;/i&gt; 95\N{NO-BREAK SPACE}% and `more</li>"
    )
    assert shown in page.html(made)


def test_ids_are_unique_and_every_reference_leads_to_one(html: str) -> None:
    seen = Seen(html)
    assert len(seen.ids) == len(set(seen.ids))
    wanted = set(re.findall(r"url\(#([^)]+)\)", html))
    for _, attributes in seen.tags:
        for key in ("aria-labelledby", "aria-describedby"):
            wanted.update((attributes.get(key) or "").split())
        wanted.update(filter(None, [(attributes.get("href") or "").removeprefix("#")]))
    assert len(wanted) > 40
    assert wanted <= set(seen.ids)


def test_every_figure_says_what_it_shows_and_stands_there_for_a_desk_and_for_a_phone(html: str) -> None:
    seen = Seen(html)
    drawings = [attributes for tag, attributes in seen.tags if tag == "svg"]
    assert len(drawings) == 2 * len(report().sections[1].figures)
    assert all(attributes["role"] == "img" for attributes in drawings)
    for figure in report().sections[1].figures:
        assert figure.text in seen.text
        assert figure.caption in seen.text


def test_text_in_figures_stays_text(html: str) -> None:
    assert ">False positive identifications (FPIR)</text>" in html


def test_the_page_names_what_a_second_person_needs(html: str) -> None:
    text = " ".join(Seen(html).text.split()).replace("\N{NO-BREAK SPACE}", " ")
    for wanted in (
        "Women: 82.5 % were found.",
        "Says nothing of others than Women.",
        "lfrd 0.1.0",
        DIGEST,
        "ab" * 32,
        "cd" * 32,
        "1,000 people, 1,663 pictures",
        "lfrd evaluate identify GALLERY PROBES --seed 7",
        "decision.fpir",
        "2026-03-14",
        "a machine",
    ):
        assert wanted in text, wanted


def test_the_same_report_gives_the_same_bytes(html: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the time, and whatever the machine's own settings of matplotlib."""
    import matplotlib as mpl

    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    with mpl.rc_context({"font.size": 20, "xtick.direction": "in", "axes.xmargin": 0.3}):
        assert page.html(report()) == html
        assert mpl.rcParams["font.size"] == 20
    assert page.json_bytes(report()) == page.json_bytes(report())


def plain_report() -> Report:
    """Without figures, which take their time."""
    return dataclasses.replace(report(), sections=[])


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def numbers(value: Any) -> list[float]:
    """All of them, in order."""
    if isinstance(value, dict):
        return [number for item in value.values() for number in numbers(item)]
    if isinstance(value, list):
        return [number for item in value for number in numbers(item)]
    return [value] if isinstance(value, (int, float)) else []


tree = st.recursive(
    st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=5), tree, max_size=5))
def test_every_number_of_the_results_stands_in_the_json(results: dict[str, object]) -> None:
    made = json.loads(page.json_bytes(report(results=results)))["results"]
    assert made == results
    assert numbers(made) == numbers(results)


def test_numbers_of_numpy_are_numbers_and_what_is_not_finite_is_null() -> None:
    results: dict[str, object] = {
        "k": np.int64(3),
        "rate": np.float64(0.1),
        "curve": np.array([0.5, math.inf]),
        "none": math.nan,
        "sure": np.bool_(True),
        "rows": (np.float32(0.5),),
    }
    made = json.loads(page.json_bytes(report(results=results)))["results"]
    assert made == {"k": 3, "rate": 0.1, "curve": [0.5, None], "none": None, "sure": True, "rows": [0.5]}


def test_the_json_has_the_provenance_the_words_and_the_tables() -> None:
    made = json.loads(page.json_bytes(report()))
    assert made["schema"] == page.SCHEMA
    assert made["provenance"] == json.loads(json.dumps(dataclasses.asdict(report().provenance)))
    assert made["summary"] == ["Women: 82.5 % were found."]
    assert made["sections"][1]["tables"][0]["rows"] == [["Women", "0.91"]]


def test_page_and_json_are_written_beside_one_another_for_all_to_read(tmp_path: Path) -> None:
    path = tmp_path / "trial.html"
    before = os.umask(0o022)
    try:
        page.write(plain_report(), path)
    finally:
        os.umask(before)
    assert names_in(tmp_path) == ["trial.html", "trial.json"]
    assert path.read_text(encoding="utf-8") == page.html(plain_report())
    assert page.beside(path).read_bytes() == page.json_bytes(plain_report())
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("there", ["trial.html", "trial.json"])
def test_what_is_there_already_is_not_overwritten(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("published")
    with pytest.raises(MissingError, match=rf"{there}: is there already; name another file, or remove it"):
        page.require_place(tmp_path / "trial.html")
    with pytest.raises(MissingError, match=there):
        page.write(report(), tmp_path / "trial.html")
    assert names_in(tmp_path) == [there]
    assert (tmp_path / there).read_text() == "published"


def test_a_missing_folder_and_a_name_that_is_no_page_are_told_before_the_measurement(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no such folder"):
        page.require_place(tmp_path / "nowhere" / "trial.html")
    with pytest.raises(MissingError, match=r"give it a name that ends in \.html"):
        page.require_place(tmp_path / "trial.json")


def test_a_full_disk_leaves_neither_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second of them is the one that finds no room."""
    real, calls = os.fsync, []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as raised:
        placing.place({tmp_path / "a.html": b"a", tmp_path / "a.json": b"b"})
    assert raised.value.filename == str(tmp_path / "a.json")
    assert names_in(tmp_path) == []


def test_a_memory_stick_without_second_names_is_written_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(half: Path, path: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    placing.place({tmp_path / "a.html": b"a", tmp_path / "a.json": b"b"})
    assert names_in(tmp_path) == ["a.html", "a.json"]


def test_a_file_that_appears_meanwhile_keeps_its_place_and_leaves_the_other_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.link

    def late(half: Path, path: Path) -> None:
        if path.suffix == ".json":
            path.write_text("somebody else's")
        real(half, path)

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(MissingError, match=r"a\.json: is there already"):
        placing.place({tmp_path / "a.html": b"a", tmp_path / "a.json": b"b"})
    assert names_in(tmp_path) == ["a.json"]
    assert (tmp_path / "a.json").read_text() == "somebody else's"


def test_columns_of_figures_stand_to_the_right_and_columns_of_words_to_the_left() -> None:
    rows = [("a", "0.91 to 1.00", "measured", "–"), ("b", "none seen", "see below", "−12 to 40")]
    assert page.figure_columns(Table("", ("", "", "", ""), rows)) == [False, True, False, True]
