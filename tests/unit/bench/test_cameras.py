"""What the cameras bench makes of a run: passages by media time, what was lost or grew, and what is held."""

from __future__ import annotations

from pathlib import Path

import av
import msgspec
import pytest

from lfrd.bench import cameras as cameras_bench
from lfrd.bench.cameras_counting import (
    Played,
    latencies,
    later_thirds,
    lost,
    reasons,
    slope,
    tallied,
    until,
    whole_loops,
)
from lfrd.bench.cameras_site import CameraRun, Measured, Note
from lfrd.bench.push_phones import Told
from lfrd.evaluation.counting import Hit, Tally
from lfrd.evaluation.street import Passage, Truth
from lfrd.evaluation.street_set import StreetSet
from lfrd.models import library
from lfrd.types import Box
from lfrd.vision.pack import Pack
from tests.clips import write_clip

HERE, THERE = (100.0, 100.0, 50.0, 60.0), (400.0, 100.0, 50.0, 60.0)
TRUTH = Truth(
    [Passage("A", [(1.0, *HERE), (2.0, *HERE)]), Passage("B", [(7.0, *THERE), (8.0, *THERE)])],
)
SOUGHT = frozenset({"A", "B"})


def note(person: str, camera: str, at: float, box: tuple[float, float, float, float] = HERE) -> Note:
    return Note(person, camera, at, box, None)


def run(name: str = "one", **changed: object) -> CameraRun:
    made = CameraRun(
        name, 0.0, decoded=250, due=100, analysed=100, dropped=0, spared=0, lag_first=0.1, lag_last=0.1
    )
    return msgspec.structs.replace(made, **changed)


def measured(*cameras: CameraRun, **changed: object) -> Measured:
    made = Measured(
        cameras=list(cameras) or [run()],
        until=10.0,
        ended=True,
        seconds=10.0,
        processor=5.0,
        others=1.0,
        peak_rss_mb=400.0,
        memory=[(float(at), 300.0) for at in range(10)],
        sides={"960": 0.75, "640": 0.25},
        threads={"decoders": 2.0, "workers": 2.5, "event loop": 0.4, "others": 0.1},
        embedded=240,
        waiting=(0.0, 0.0),
        degraded="",
        stored=[],
    )
    return msgspec.structs.replace(made, **changed)


# ---- passages -------------------------------------------------------------------------------------------


def counted(*notes: Note, loops: int = 1) -> tuple[int, int, int]:
    played = {"one": Played(TRUTH, 10.0, loops), "two": Played(TRUTH, 10.0, loops)}
    tally = tallied(played, {"one": 500.0, "two": 503.0}, notes, SOUGHT)
    return tally.sought, tally.found, tally.false_alerts


def test_a_finding_is_of_the_moment_of_its_own_cameras_recording() -> None:
    assert counted() == (4, 0, 0)
    assert counted(note("A", "one", 501.5)) == (4, 1, 0)
    assert counted(note("A", "two", 504.5)) == (4, 1, 0)
    assert counted(note("A", "two", 501.5)) == (4, 0, 1)  # before anybody is there
    assert counted(note("A", "one", 501.5), note("A", "two", 504.5)) == (4, 2, 0)


def test_each_whole_pass_of_a_recording_counts_by_itself() -> None:
    again = [note("A", "one", 501.5), note("A", "one", 511.5)]
    assert counted(*again, loops=2) == (8, 2, 0)
    assert counted(again[1], loops=2) == (8, 1, 0)
    assert counted(note("A", "one", 501.5), note("A", "one", 502.0), loops=2) == (8, 1, 0)


def test_a_pass_that_was_cut_off_counts_neither_for_nor_against() -> None:
    assert counted(note("A", "one", 511.5), note("C", "one", 512.0)) == (4, 0, 0)
    assert whole_loops(run(began=100.0), 129.9, 10.0) == 2
    assert whole_loops(run(began=100.0), 99.0, 10.0) == 0


def test_truth_of_a_shortened_clip_ends_with_it() -> None:
    assert [passage.person for passage in until(TRUTH, 7.0).passages] == ["A"]
    (first,) = until(TRUTH, 1.5).passages
    assert (first.enter, first.leave) == (1.0, 1.0)


# ---- phones ---------------------------------------------------------------------------------------------


def test_latency_runs_from_the_decisive_frame_of_new_alerts_to_each_phone() -> None:
    notes = [Note("A", "one", 5.0, HERE, 1), note("A", "one", 6.0), Note("B", "one", 7.0, THERE, 3)]
    told = [Told([1, 2, 3], [5.25, 6.5, 7.5]), Told([1], [5.5])]
    assert latencies(notes, told) == [0.25, 0.5, 0.5]


def test_what_the_store_has_and_a_phone_has_not_is_lost_once_a_phone() -> None:
    assert lost([1, 2], [Told([1, 2], [0.0, 0.0]), Told([2], [0.0]), Told([], [])]) == 3


# ---- memory ---------------------------------------------------------------------------------------------


def test_memory_of_a_soak_is_judged_after_its_first_third() -> None:
    flat = [(float(at), 300.0 + min(at, 600)) for at in range(0, 1801, 10)]
    assert slope(flat) == pytest.approx(0.0, abs=1e-6)
    assert slope([(float(at), at / 36) for at in range(0, 1801, 10)]) == pytest.approx(100.0)
    assert slope([]) is None
    assert slope([(0.0, 1.0), (10.0, 1.0)]) is None


def test_memory_of_a_short_run_is_compared_once_its_buffers_have_filled() -> None:
    assert later_thirds([(float(at), (100.0, 200.0, 300.0)[at // 3]) for at in range(9)]) == (200.0, 300.0)
    assert later_thirds([]) is None
    assert later_thirds([(0.0, 1.0)]) is None


# ---- held -----------------------------------------------------------------------------------------------


def why(
    run_of_it: Measured, found: int = 50, exhaustive: int = 50, *, lost: int = 0, soak: bool = False
) -> str:
    tallies = (Tally(sought=100, found=found), Tally(sought=100, found=exhaustive))
    return " ".join(reasons(run_of_it, *tallies, events_lost=lost, soak=soak))


def test_a_run_in_which_nothing_is_amiss_is_held() -> None:
    assert why(measured(run("one"), run("two"))) == ""


def test_a_point_of_a_hundred_passages_is_forgiven_and_two_are_not() -> None:
    assert why(measured(), 49, 50) == ""
    assert why(measured(), 48, 50) == "TPIR is 0.480, the exhaustive run's 0.500."


def test_one_passage_of_fewer_than_a_hundred_is_not_forgiven_unless_another_makes_up_for_it() -> None:
    short = Tally(sought=60, found=30)
    assert reasons(measured(), Tally(60, 29), short, events_lost=0, soak=False) != []
    assert reasons(measured(), Tally(60, 30), short, events_lost=0, soak=False) == []


def test_a_soak_is_compared_by_shares_of_its_many_passes() -> None:
    once = Tally(sought=10, found=5)
    assert reasons(measured(), Tally(1000, 491), once, events_lost=0, soak=True) == []
    assert reasons(measured(), Tally(1000, 489), once, events_lost=0, soak=True) != []


@pytest.mark.parametrize(
    ("amiss", "said"),
    [
        (measured(run(lag_last=0.5)), "one's lag grew from 0.10 to 0.50 s."),
        (measured(run(lag_last=None)), "one was not analysed throughout."),
        (measured(waiting=(0.0, 4.0)), "Findings that wait to be filed grew from 0.0 to 4.0."),
        (measured(run("one"), run("two", analysed=30)), "two starved: 30 frames analysed, 65 in the mean."),
        (measured(memory=[(float(at), 100.0 * at) for at in range(9)]), "Memory grew from 400 to 700 MB."),
        (measured(ended=False), "Not all recordings came to their end in time."),
    ],
)
def test_what_grows_or_starves_is_not_held_and_said_so(amiss: Measured, said: str) -> None:
    assert why(amiss) == said


def test_an_event_that_a_phone_was_not_told_is_not_held() -> None:
    assert why(measured(), lost=2) == "2 stored events did not reach a phone."


def test_a_soak_need_not_end_by_itself_and_its_memory_is_judged_by_the_hour() -> None:
    leaking = [(float(at), 300 + at / 36) for at in range(0, 1801, 10)]
    assert why(measured(ended=False), soak=True) == ""
    assert why(measured(memory=leaking), soak=True) == "Memory grew by 100 MB an hour."


# ---- the result -----------------------------------------------------------------------------------------


def result(pack: Pack, *cameras: CameraRun) -> cameras_bench.Result:
    """Of two clips; the second is empty."""
    clips = [Path("clip-01.mp4"), Path("clip-02.mp4")]
    truths = [TRUTH, Truth([])]
    street = StreetSet(Path(), 1, clips, truths, Path("watchlist"), SOUGHT, (640, 360), 25.0, 10.0)
    hits = [Hit("A", 1.5, Box(*HERE))]
    exhaustive = [hits if number % 2 == 0 else [] for number in range(len(cameras))]
    notes = [Note("A", "one", 1.5, HERE, 1)]
    told = [Told([1], [1.75])]
    return cameras_bench.result(
        pack, street, 0.5, exhaustive, measured(*cameras, stored=[1]), notes, told, soak=False
    )


@pytest.fixture
def pack(builtin: Path) -> Pack:
    return library.open_pack(str(builtin), builtin.parent)


def test_the_result_has_what_scripts_rely_on(pack: Pack) -> None:
    found = result(pack, run("one"), run("two", decoded=240, dropped=7))
    relied = {
        "cameras": 2,
        "held": True,
        "tpir": 0.5,
        "tpir_exhaustive": 0.5,
        "false_alerts": 0,
        "frames_decoded": 490,
        "frames_analysed": 200,
        "frames_dropped": 7,
        "latency_ms": {"p50": 250.0, "p95": 250.0, "p99": 250.0},
        "cpu_cores": 0.5,
        "peak_rss_mb": 400.0,
    }
    assert relied.items() <= found.items()
    assert list(found)[: len(relied)] == list(relied)
    assert (found["passages"], found["found"], found["alerts"], found["lost"]) == (2, 1, 1, 0)
    assert (found["templates"], found["threads_ms"]["workers"]) == (240, 250.0)
    assert found["sides"] == {"960": 0.75, "640": 0.25}


def test_a_clip_on_two_cameras_has_its_passages_twice(pack: Pack) -> None:
    found = result(pack, run("one"), run("two"), run("three"))
    assert (found["passages"], found["found"], found["found_exhaustive"]) == (4, 1, 2)
    assert not found["held"]
    assert found["why_not"] == ["TPIR is 0.250, the exhaustive run's 0.500."]


def test_a_shortened_clip_has_the_frames_before_its_new_end(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", range(50))
    cut = cameras_bench.cut(clip, 1.2, tmp_path / "cut.mp4")
    with av.open(str(cut)) as container:
        assert [round(float(frame.time or 0), 2) for frame in container.decode(video=0)] == [
            round(number / 25, 2) for number in range(30)
        ]
