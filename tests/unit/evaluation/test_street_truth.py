"""A clip's truth as a person notes it is read, and one that does not belong to the clip is refused."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.errors import CorruptError, MissingError
from lfrd.evaluation.street import Passage, Truth
from lfrd.evaluation.street_truth import Noted, read_clip, read_noted
from lfrd.types import U8


def noted(tmp_path: Path, text: str) -> list[Passage]:
    path = tmp_path / "truth"
    path.write_text(text, encoding="utf-8")
    return read_noted(path).passages


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Two seconds of grey, 320 x 240."""
    path = tmp_path / "grey.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        picture: U8 = np.full((240, 320, 3), 120, np.uint8)
        for _ in range(20):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def test_a_table_of_people_and_times_is_read_in_the_order_of_appearance(tmp_path: Path) -> None:
    found = noted(
        tmp_path,
        "\ufeffNote,Person, enter ,leave\nback turned,B2,1:02.5,1:10\n\n,A1,3.2,9\n,A1,1:00:00,1:00:01\n",
    )
    assert [(one.person, one.enter, one.leave) for one in found] == [
        ("A1", 3.2, 9),
        ("B2", 62.5, 70),
        ("A1", 3600, 3601),
    ]
    assert not any(one.boxes for one in found)


def test_what_drawn_clips_carry_is_read_as_it_was(tmp_path: Path) -> None:
    truth = Truth([Passage("a", [(0.0, 1, 2, 3, 4), (0.04, 2, 2, 3, 4)]), Passage("b", [(1.0, 5, 5, 9, 9)])])
    truth.save(tmp_path / "truth.json")
    assert read_noted(tmp_path / "truth.json") == truth


def test_a_list_of_passages_may_leave_the_boxes_out(tmp_path: Path) -> None:
    rows = [
        {"person": "b", "enter": 5, "leave": 6},
        {"person": "a", "boxes": [[2, 1, 1, 9, 9], [1, 0, 0, 9, 9]]},
    ]
    first, second = noted(tmp_path, json.dumps(rows))
    assert (first.person, first.enter, first.leave) == ("a", 1, 2)
    assert isinstance(second, Noted)
    assert (second.enter, second.leave) == (5, 6)
    assert noted(tmp_path, "[]") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no column 'person'"),
        ("name,enter,leave\n", "no column 'person'"),
        ("person,enter\n", "no column 'leave'"),
        ("person,enter,leave\nA,1,\n", "line 2: enter and leave must be seconds"),
        ("person,enter,leave\nA,1,2\nB,one,2\n", "line 3: enter and leave"),
        ("person,enter,leave\nA,1:75,2:00\n", "line 2: enter and leave"),
        ("person,enter,leave\nA,1.5:10,2:00\n", "line 2: enter and leave"),
        ("person,enter,leave\nA,-1,2\n", "line 2: enter and leave"),
        ("person,enter,leave\nA,nan,2\n", "line 2: enter and leave"),
        ("person,enter,leave\nA,5,2\n", "line 2: leaves at 2 s, before it enters at 5 s"),
        ("person,enter,leave\n,1,2\n", "line 2: no person"),
        ("[{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"person": "A"}', "not a list of passages"),
        ('[{"enter": 1, "leave": 2}]', "passage 1: no person"),
        ('[{"person": "A", "enter": 1}]', "passage 1: enter and leave"),
        ('[{"person": "A", "boxes": 7}]', "passage 1: boxes are no list"),
        ('[{"person": "A", "boxes": [[1, 2, 3, 4]]}]', "passage 1: a box is five numbers"),
        ('[{"person": "A", "boxes": [[1, 2, 3, -4, 5]]}]', "passage 1: a box is five numbers"),
    ],
)
def test_a_malformed_truth_is_refused_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(CorruptError, match=words):
        noted(tmp_path, text)


def test_a_truth_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="give the clip's truth"):
        read_noted(tmp_path / "none.csv")
    (tmp_path / "truth.csv").write_bytes(b"person\xff\xfe")
    with pytest.raises(CorruptError, match="not text"):
        read_noted(tmp_path / "truth.csv")


@given(hours=st.integers(0, 3), minutes=st.integers(0, 59), seconds=st.floats(0, 59.9))
def test_a_player_s_time_is_the_seconds_that_it_stands_for(
    tmp_path_factory: pytest.TempPathFactory, hours: int, minutes: int, seconds: float
) -> None:
    at = 3600 * hours + 60 * minutes + seconds
    text = f"person,enter,leave\nA,{hours}:{minutes:02}:{seconds:.3f},{at + 1}\n"
    (one,) = noted(tmp_path_factory.mktemp("clock"), text)
    assert one.enter == pytest.approx(at, abs=0.001)


def test_a_truth_that_fits_its_clip_comes_with_the_clip_s_size_and_length(tmp_path: Path, clip: Path) -> None:
    told = tmp_path / "truth.csv"
    told.write_text("person,enter,leave\nA,0.5,2.3\n")
    made = read_clip(clip, told)
    assert made.size == (320, 240)
    assert made.seconds == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"person": "A", "enter": 0, "leave": 30}], r"passage 1 lasts until 30 s, and .* ends at 2\.0 s"),
        ([{"person": "A", "boxes": [[1, 900, 10, 40, 50]]}], r"a face at 900, 10 \(1 s\), outside"),
        ([{"person": "A", "boxes": [[1, 10, -60, 40, 50]]}], "outside the 320 x 240 pixels"),
    ],
)
def test_another_clip_s_truth_is_refused(
    tmp_path: Path, clip: Path, rows: list[dict[str, object]], words: str
) -> None:
    told = tmp_path / "truth.json"
    told.write_text(json.dumps(rows))
    with pytest.raises(CorruptError, match=words):
        read_clip(clip, told)


def test_a_clip_of_another_size_than_its_set_is_refused(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "truth.json").write_text("[]")
    with pytest.raises(CorruptError, match=r"of 640 x 480 pixels, and the clip grey\.mp4 has 320 x 240"):
        read_clip(clip, tmp_path / "truth.json", (640, 480))


def test_what_is_no_clip_is_refused_in_a_line(tmp_path: Path) -> None:
    told = tmp_path / "truth.json"
    told.write_text("[]")
    with pytest.raises(MissingError, match="no such file"):
        read_clip(tmp_path / "none.mp4", told)
    with pytest.raises(CorruptError, match="not a video"):
        read_clip(told, told)
