"""The command line as a person meets it: one clear line, the right exit code, and never a traceback."""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import pty
import resource
import shutil
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from lfrd.commands.failure import BUG, FAILED, MISUSED, STOPPED, first_known, one_line, told
from lfrd.commands.replaying import clock
from lfrd.commands.shared import counted
from lfrd.errors import MissingError
from tests.clips import write_clip
from tests.commands import Ended, anew, lfrd

COMMANDS = [
    [],
    ["demo"],
    ["replay"],
    ["run"],
    ["invite"],
    ["config"],
    ["watchlist"],
    ["watchlist", "check"],
    ["models"],
    ["models", "list"],
    ["models", "install"],
    ["models", "verify"],
    ["models", "show"],
    ["bench"],
    ["evaluate"],
    ["evaluate", "identify"],
    ["evaluate", "verify"],
    ["evaluate", "street"],
    ["evaluate", "detect"],
    ["evaluate", "equity"],
    ["evaluate", "plan"],
    ["calibrate"],
    ["models", "card"],
    ["bench", "cameras"],
    ["bench", "stages"],
    ["bench", "search"],
    ["bench", "push"],
    ["bench", "street"],
    ["bench", "naive"],
]


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second in which nobody is seen."""
    return write_clip(tmp_path_factory.mktemp("film") / "empty street.mp4", range(25))


@pytest.fixture
def watchlist(tmp_path: Path, astronaut: Path) -> Path:
    folder = tmp_path / "people"
    (folder / "astronaut").mkdir(parents=True)
    shutil.copy(astronaut, folder / "astronaut")
    return folder


@pytest.fixture
def replay(film: Path, watchlist: Path, packs: Path) -> Callable[..., Ended]:
    """`lfrd replay` of the film with the builtin pack; what is given stands instead or besides."""

    def run(*words: str | Path, videos: tuple[Path, ...] = (film,), people: Path = watchlist) -> Ended:
        return lfrd("replay", *videos, "--watchlist", people, "--data", packs, *words)

    return run


# ---- help and misuse --------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words) or "lfrd")
def test_every_command_explains_itself_within_a_narrow_terminal(words: list[str]) -> None:
    ended = lfrd(*words, "--help", environment={"COLUMNS": "60", "NO_COLOR": "1"})
    assert ended.code == 0
    assert ended.err == ""
    assert ended.out.startswith("Usage: lfrd")
    assert max(map(len, ended.out.splitlines())) <= 60
    assert "\x1b" not in ended.out
    assert "..." not in ended.out.partition("Commands:")[2]  # no description is cut short


def test_the_bare_command_shows_an_example_of_every_command() -> None:
    ended = anew()
    assert (ended.code, ended.err) == (0, "")
    examples = ended.out.partition("Examples:")[2]
    listed = ended.out.partition("Commands:")[2].partition("Examples:")[0]
    names = [line.split()[0] for line in listed.splitlines() if line.strip()]
    assert len(names) >= 8
    for name in names:
        assert f"lfrd {name}" in examples


@pytest.mark.parametrize("group", ["models", "watchlist", "bench"])
def test_a_group_named_alone_shows_its_help_and_fails(group: str) -> None:
    ended = lfrd(group)
    assert (ended.code, ended.out) == (MISUSED, "")
    assert ended.err.startswith(f"Usage: lfrd {group}")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["replya"], "replya"),
        (["models", "remove-all"], "lfrd models --help"),
        (["replay"], "VIDEO"),
        (["replay", "x.mp4"], "--watchlist"),
        (["replay", "x.mp4", "--watchlist", "w", "--loud"], "--loud"),
        (["replay", "x.mp4", "--watchlist", "w", "--threshold", "high"], "--threshold"),
        (["replay", "x.mp4", "--watchlist", "w", "--threshold", "2"], "between -1 and 1"),
        (["replay", "x.mp4", "--watchlist", "w", "--threshold", "nan"], "finite number"),
        (["replay", "x.mp4", "--watchlist", "w", "--fpir", "0"], "'--fpir': must be above 0"),
        (["replay", "x.mp4", "--watchlist", "w", "--fpir", "0.9"], "at most 0.5"),
        (["replay", "x.mp4", "--watchlist", "w", "--rate", "-1"], "'--rate': must be above 0"),
        (["replay", "x.mp4", "--watchlist", "w", "--fpir", "0.1", "--threshold", "0.3"], "keep one"),
        (["models", "install"], "PACK"),
        (["models", "install", "builtin", "--from", "x"], "'--from'"),
        (["invite"], "NAME"),
        (["invite", "x", "--hours", "100"], "--hours"),
        (["demo", "--port", "70000"], "--port"),
        (["bench", "search", "--entries", "0"], "--entries"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_line_is_one_line_and_exit_code_2(words: list[str], says: str) -> None:
    ended = lfrd(*words)
    assert ended.code == MISUSED
    assert says in ended.line()
    assert "--help" in ended.line()


def test_an_address_with_a_password_is_refused_without_being_quoted() -> None:
    ended = lfrd("replay", "rtsp://operator:hunter2@camera/1", "--watchlist", "w")
    assert ended.code == MISUSED
    assert "config.toml" in ended.line()
    assert "hunter2" not in ended.err


def test_help_loads_neither_networks_nor_pictures_nor_video() -> None:
    code = "import sys, lfrd.commands.tree; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"cv2", "onnxruntime", "onnx", "av", "numpy", "rich"} & set(done.stdout.split())


# ---- bad films, lists, packs and folders ------------------------------------------------------------------


def test_a_film_without_anyone_gives_one_summary(replay: Callable[..., Ended]) -> None:
    ended = replay("--json")
    assert (ended.code, ended.err) == (0, "")
    (summary,) = ended.events()
    assert summary["frames"] == 25
    assert set(summary) == {
        *("event", "frames", "frames_analysed", "faces", "tracks", "alerts", "sightings", "seconds", "fps")
    }


@pytest.mark.parametrize("content", [b"", b"not a film\n", bytes(5000), b"\x00\x00\x00\x18ftypisom"])
def test_a_file_that_is_no_film_is_one_line_one_error_event_and_one_summary(
    content: bytes, replay: Callable[..., Ended], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(content)
    ended = replay("--json", videos=(bad,))
    assert ended.code == FAILED
    error, summary = ended.events()
    assert (error["event"], error["camera"]) == ("error", "bad.mp4")
    assert (summary["event"], summary["frames"]) == ("summary", 0)
    assert ended.err == f"lfrd: {error['problem']}\n"


def test_a_film_that_is_missing_is_said_before_anything_is_loaded(replay: Callable[..., Ended]) -> None:
    ended = replay("--json", videos=(Path("gone.mp4"),))
    assert ended.code == FAILED
    assert "gone.mp4: no such file" in ended.line()


def test_a_missing_film_among_good_ones_does_not_stop_them(
    replay: Callable[..., Ended], film: Path, tmp_path: Path
) -> None:
    ended = replay("--json", videos=(tmp_path / "gone.mp4", film))
    assert ended.code == FAILED
    assert [event["event"] for event in ended.events()] == ["error", "summary"]
    assert ended.events()[-1]["frames"] == 25


def test_a_name_with_control_characters_cannot_write_to_the_terminal(
    replay: Callable[..., Ended], film: Path, tmp_path: Path
) -> None:
    odd = tmp_path / "a\x1b[31m\n.mp4"
    odd.write_bytes(b"")
    ended = replay(videos=(odd, film))
    assert ended.code == FAILED
    assert "\x1b" not in ended.err + ended.out
    assert "a\\x1b[31m\\n.mp4" in ended.err


@pytest.mark.parametrize("kind", ["missing", "empty", "a file"])
def test_a_watchlist_that_lists_nobody_is_one_line(
    kind: str, replay: Callable[..., Ended], film: Path, tmp_path: Path
) -> None:
    folder = {"missing": tmp_path / "gone", "empty": tmp_path / "empty", "a file": film}[kind]
    if kind == "empty":
        folder.mkdir()
    ended = replay("--json", people=folder)
    assert ended.code == FAILED
    assert "watchlist" in ended.line()


def test_a_watchlist_of_which_nothing_can_be_used_ends_the_replay(
    replay: Callable[..., Ended], film: Path, astronaut: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "poor"
    folder.mkdir()
    (folder / "document.jpg").write_bytes(b"%PDF-1.4")
    (folder / "text.jpg").write_text("a name")
    (folder / "cut.png").write_bytes(astronaut.read_bytes()[:2000])
    (folder / "nobody").mkdir()
    ended = replay("--json", people=folder)
    assert (ended.code, ended.out) == (FAILED, "")
    *lines, last = ended.err.splitlines()
    assert last.startswith("lfrd: ")
    assert "nobody can be looked for" in last
    for reason in ("a PDF document", "not_a_picture", "unreadable", "no_picture"):
        assert any(reason in line for line in lines)


def test_checking_a_watchlist_says_who_cannot_be_found_and_who_is_listed_twice(
    watchlist: Path, astronaut: Path, packs: Path
) -> None:
    import cv2

    picture = cv2.imread(str(astronaut))
    assert picture is not None
    cv2.imwrite(str(watchlist / "somebody.png"), picture[:, ::-1])
    cv2.imwrite(str(watchlist / "wall.png"), picture[:40, :40])
    text = lfrd("watchlist", "check", watchlist, "--data", packs)
    assert (text.code, text.err) == (FAILED, "")
    assert "wall.png: refused (no_face)" in text.out
    assert "astronaut and somebody: look alike" in text.out
    assert "2 of 3 people can be looked for" in text.out
    document = json.loads(lfrd("watchlist", "check", watchlist, "--data", packs, "--json").out)
    assert document["nominals"] == 2
    assert document["refused"] == ["wall"]
    assert document["lookalikes"][0]["nominals"] == ["astronaut", "somebody"]


def changed(packs: Path, folder: Path, manifest: Callable[[str], str] = str, **files: bytes | None) -> Path:
    """A copy of the builtin pack with another manifest, and with files replaced or (None) left out."""
    shutil.copytree(packs / "models" / "builtin", folder)
    path = folder / "pack.toml"
    path.write_text(manifest(path.read_text(encoding="utf-8")), encoding="utf-8")
    for name, content in files.items():
        if content is None:
            (folder / f"{name}.onnx").unlink()
        else:
            (folder / f"{name}.onnx").write_bytes(content)
    return folder


def uncalibrated(text: str) -> str:
    return text.partition("[[calibration]]")[0]


def test_a_pack_that_cannot_be_used_is_one_line_that_names_the_place(
    replay: Callable[..., Ended], packs: Path, tmp_path: Path
) -> None:
    half = (packs / "models" / "builtin" / "onet.onnx").read_bytes()[:1000]
    wrong = {
        "truncated": (changed(packs, tmp_path / "truncated", onet=half), "onet.onnx: not the file"),
        "gone": (changed(packs, tmp_path / "gone", onet=None), "onet.onnx: no such file"),
        "key": (
            changed(packs, tmp_path / "key", lambda text: text.replace("mirror =", "miror =")),
            "did you mean 'mirror'?",
        ),
        "toml": (changed(packs, tmp_path / "toml", lambda text: f"{text}[["), "not valid TOML"),
        "card": (changed(packs, tmp_path / "card", uncalibrated), "--threshold"),
        "folder": (tmp_path, "no pack.toml"),
        "unknown": (Path("nope"), "'nope' is not installed"),
    }
    for pack, says in wrong.values():
        ended = replay("--json", "--pack", pack)
        assert ended.code == FAILED
        assert says in ended.line()


def test_a_file_with_the_right_digest_that_is_no_network_is_one_line(
    replay: Callable[..., Ended], packs: Path, tmp_path: Path
) -> None:
    import hashlib

    whole = (packs / "models" / "builtin" / "onet.onnx").read_bytes()
    was, is_now = (hashlib.sha256(content).hexdigest() for content in (whole, whole[:1000]))
    folder = changed(packs, tmp_path / "half", lambda text: text.replace(was, is_now), onet=whole[:1000])
    ended = replay("--pack", folder)
    assert ended.code == FAILED
    assert "onet.onnx" in ended.line()
    verified = lfrd("models", "verify", folder, "--json")
    assert verified.code == FAILED
    assert len(json.loads(verified.out)["problems"]) == 1


def test_a_pack_without_calibration_works_with_a_threshold_by_hand(
    replay: Callable[..., Ended], packs: Path, tmp_path: Path
) -> None:
    folder = changed(packs, tmp_path / "card", uncalibrated)
    assert replay("--pack", folder, "--threshold", "0.9", "--json").code == 0


def test_a_provider_that_is_not_there_is_one_line(packs: Path, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        f'[site]\ndata = "{packs}"\n[inference]\nprovider = "tensorrt"\n[log]\nlevel = \'error\'\n'
    )
    ended = lfrd("run", "--config", path)
    assert ended.code == FAILED
    assert "inference.provider" in ended.line()


def test_a_setting_that_is_not_one_of_its_choices_is_answered_with_them(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[inference]\nprovider = "gpu"\n')
    assert "must be one of cpu, cuda" in lfrd("run", "--config", path).line()


@pytest.mark.parametrize("words", [["models", "install", "builtin"], ["demo", "--once"]])
def test_a_data_folder_that_cannot_be_written_is_one_line(words: list[str], film: Path) -> None:
    ended = lfrd(*words, "--data", film / "below a file")
    assert ended.code == FAILED
    assert "cannot be written" in ended.line()


def test_a_disk_that_takes_no_more_is_one_line_and_leaves_no_pack(packs: Path, tmp_path: Path) -> None:
    source = changed(packs, tmp_path / "mine", lambda text: text.replace('name = "builtin"', 'name = "mine"'))
    ended = anew(
        *("models", "install", source, "--data", tmp_path / "data"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    assert ended.code == FAILED
    assert "cannot be written" in ended.line()
    assert [row["state"] for row in json.loads(listed(tmp_path / "data"))] == ["available"] * 2


def listed(data: Path) -> str:
    return lfrd("models", "list", "--json", "--data", data).out


def test_the_zoo_without_internet_says_which_files_to_bring(tmp_path: Path) -> None:
    nowhere = {"https_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
    ended = lfrd("models", "install", "zoo", "--json", "--data", tmp_path, environment=nowhere)
    assert ended.code == FAILED
    for word in ("face_detection_yunet_2023mar.onnx", "face_recognition_sface_2021dec.onnx", "--from FOLDER"):
        assert word in ended.line()


def test_packs_are_listed_shown_and_verified_for_people_and_for_programs(packs: Path) -> None:
    heading, builtin, *_ = lfrd("models", "list", "--data", packs).out.splitlines()
    assert heading.index("STATE") == builtin.index("installed")
    shown = lfrd("models", "show", "builtin", "--data", packs).out
    for word in ("licence", "SHA-256", "FPIR", "searches of a list of", "Weaker than the zoo's pack"):
        assert word in shown
    assert max(map(len, shown.partition("calibration")[2].splitlines())) <= 80
    facts = json.loads(lfrd("models", "show", "builtin", "--data", packs, "--json").out)
    assert facts["calibration"][0]["points"]
    verified = lfrd("models", "verify", "builtin", "--data", packs)
    assert (verified.code, verified.out) == (0, "builtin: good\n")


# ---- pipes, terminals and Ctrl+C --------------------------------------------------------------------------


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["at the end", "at once"])
def test_a_reader_that_has_gone_ends_the_command_without_a_word(unbuffered: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        assert printing(pipe, unbuffered) == (FAILED, b"")


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["at the end", "at once"])
def test_a_full_disk_behind_standard_output_is_one_line(unbuffered: str) -> None:
    with Path("/dev/full").open("wb") as full:
        assert printing(full, unbuffered) == (FAILED, b"lfrd: the disk is full\n")


def printing(out: IO[bytes], unbuffered: str) -> tuple[int, bytes]:
    """Exit code and standard error of a command whose one line Python writes at once or at its end."""
    done = subprocess.run(
        [sys.executable, "-m", "lfrd", "--version"],
        stdout=out,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("closed", ["out", "err"])
def test_a_closed_stream_is_no_reason_to_fail(closed: str) -> None:
    redirected = {"out": ">&-", "err": "2>&-"}[closed]
    command = f'"{sys.executable}" -m lfrd --version {redirected}'
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("events", [0, 1], ids=["before the first event", "after the first event"])
def test_ctrl_c_is_one_line_and_exit_code_130(
    events: int, film: Path, watchlist: Path, packs: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"")
    films = [str(bad), *itertools.repeat(str(film), 400)]
    command = [sys.executable, "-m", "lfrd", "replay", *films]
    with subprocess.Popen(
        [*command, "--watchlist", str(watchlist), "--data", str(packs), "--json", "--rate", "25"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hears_ctrl_c,
    ) as process:
        assert process.stdout is not None
        if events:
            assert json.loads(process.stdout.readline())["event"] == "error"
        else:
            wait_until_it_imports(process.pid)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == STOPPED
    assert out == ""
    assert err.splitlines()[-1] == "lfrd: stopped"
    assert "Traceback" not in err


def hears_ctrl_c() -> None:
    """As at a terminal: a shell starts what it puts into the background deaf to it, and so would be this."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_until_it_imports(pid: int) -> None:
    """Until typer's code has been mapped or the process is further on: main() has begun by then."""
    while b"msgspec" not in Path(f"/proc/{pid}/maps").read_bytes():
        os.sched_yield()


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """A pseudo-terminal of 80 columns: (ours, theirs)."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    yield ours, theirs
    os.close(ours)


def test_a_terminal_sees_a_bar_and_standard_output_sees_nothing_of_it(
    terminal: tuple[int, int], film: Path, watchlist: Path, packs: Path
) -> None:
    ours, theirs = terminal
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "lfrd", "replay", str(film), "--watchlist", str(watchlist)),
            *("--data", str(packs), "--json"),
        ],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm"},
    ) as process:
        os.close(theirs)
        seen = b""
        while chunk := read(ours):
            seen += chunk
        assert process.stdout is not None
        out = process.stdout.read()
    assert process.returncode == 0
    assert b"Enrolling the watchlist" in seen
    assert b"Replaying" in seen
    assert seen.endswith(b"\x1b[2K")  # the bar is wiped away
    assert [json.loads(line)["event"] for line in out.splitlines()] == ["summary"]


def read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux's way to say that the other end of a terminal is closed
        return b""


# ---- words ------------------------------------------------------------------------------------------------


def test_a_bug_is_one_line_that_says_where_and_never_what_it_held(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(TypeError) as caught:
        clock("a secret")  # type: ignore[arg-type]
    assert told(caught.value) == BUG
    line = capsys.readouterr().err
    assert "TypeError in commands/replaying.py" in line
    assert "secret" not in line
    assert line.count("\n") == 1


def test_the_error_with_words_is_found_in_nested_groups() -> None:
    known = MissingError("x: no such file")
    group = ExceptionGroup("outer", [ValueError(), ExceptionGroup("inner", [KeyError(), known])])
    assert first_known(group) is known
    assert first_known(ExceptionGroup("outer", [ValueError()])) is None


@pytest.mark.parametrize(
    ("text", "line"),
    [("plain", "plain"), ("café 顔", "café 顔"), ("a\nb\x1b", "a\\nb\\x1b"), ("\udce9", "\\xe9")],
)
def test_one_line_spells_out_what_a_terminal_would_act_on(text: str, line: str) -> None:
    assert one_line(text) == line


def test_times_and_counts_are_written_as_people_read_them() -> None:
    assert [clock(t) for t in (0, 59.96, 3723.44)] == ["0:00:00.0", "0:01:00.0", "1:02:03.4"]
    assert [counted(n, "alert") for n in (0, 1, 2000)] == ["0 alerts", "1 alert", "2,000 alerts"]
    assert counted(2, "person", "people") == "2 people"
