"""Settings: each declared once, each explained, each refused by the path of its key when it is wrong."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lfrd import config
from lfrd.errors import MissingError, SettingError

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("raw", "key", "says"),
    [
        ({"web": {"prot": 1}}, "web.prot", "did you mean 'port'?"),
        ({"wbe": {}}, "wbe", "did you mean 'web'?"),
        ({"web": {"port": -1}}, "web.port", ">= 0"),
        ({"web": {"port": 70000}}, "web.port", "<= 65535"),
        ({"web": {"port": "8443"}}, "web.port", "whole number, got text"),
        ({"decision": {"fpir": 0}}, "decision.fpir", "> 0"),
        ({"decision": {"threshold": 1.5}}, "decision.threshold", "between -1 and 1"),
        ({"decision": {"least_shots": 20}}, "decision.least_shots", "tracking.shots"),
        ({"inference": {"provider": "gpu"}}, "inference.provider", "gpu"),
        ({"inference": {"precision": "bfloat16"}}, "inference.precision", "openvino"),
        ({"post": {"heartbeat_seconds": 15.0}}, "post.grace_seconds", "twice"),
        ({"web": {"certificate": "a.pem"}}, "web.key", "go together"),
        ({"analysis": {"darkest": 200.0, "brightest": 100.0}}, "analysis.darkest", "brightest"),
        ({"push": {"enabled": True}}, "push.contact", "is needed"),
        ({"push": {"contact": "lfr@force.example"}}, "push.contact", "mailto:"),
        ({"push": {"contact": "https://force.example/lfr"}}, "push.contact", "without a path"),
        ({"push": {"contact": "http://force.example"}}, "push.contact", "https://"),
        (
            {"push": {"enabled": True, "contact": "mailto:a@b.example", "services": []}},
            "push.services",
            "empty",
        ),
        ({"push": {"services": ["*"]}}, "push.services[0]", "a host"),
        ({"push": {"services": ["push.example.org", "*.com"]}}, "push.services[1]", "a host"),
        ({"push": {"services": ["https://push.example.org"]}}, "push.services[0]", "a host"),
        ({"push": {"services": ["10.0.0.1"]}}, "push.services[0]", "a host"),
        ({"push": {"services": ["push.*.org"]}}, "push.services[0]", "a host"),
        ({"analysis": {"sharpness": float("inf")}}, "analysis.sharpness", "finite"),
        ({"decision": {"fpir": float("nan")}}, "decision.fpir", "finite"),
        ({"decision": {"threshold": "0.5"}}, "decision.threshold", "expected number, got text"),
        (
            {"cameras": [{"name": "a", "source": "x", "eye_distance_pixels": float("nan")}]},
            "cameras[0].eye_distance_pixels",
            "finite",
        ),
        (
            {"cameras": [{"name": "a", "source": "x", "eye_distance_pixels": -1}]},
            "cameras[0].eye_distance_pixels",
            "between 0 and 500",
        ),
        ({"cameras": [{"name": "a"}]}, "cameras[0].source", "is missing"),
        ({"cameras": ["x"]}, "cameras[0]", "expected table"),
        ({"cameras": [{"name": "a", "source": "x", "lop": 1}]}, "cameras[0].lop", "did you mean 'loop'?"),
        ({"cameras": [{"name": "", "source": "x"}]}, "cameras[0].name", "length"),
        (
            {"cameras": [{"name": "a", "source": "x"}, {"name": "a", "source": "y"}]},
            "cameras[1].name",
            "another camera",
        ),
        *(
            ({"cameras": [{"name": "a", "source": "x", "at": at}]}, "cameras[0].at", "two shares from 0 to 1")
            for at in ([0.5], [0.1, 1.1], [0.1, 0.2, 0.3])
        ),
        ({"cameras": [{"name": "a", "source": "x", "facing": 361}]}, "cameras[0].facing", "-360 and 360"),
    ],
)
def test_a_wrong_setting_is_refused_by_the_path_of_its_key(raw: dict[str, Any], key: str, says: str) -> None:
    with pytest.raises(SettingError) as caught:
        config.parse(raw)
    assert caught.value.key == key
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "source",
    [
        "rtsp://admin:hunter2@cam/1",
        "rtsp://admin:hunter2/x@cam/1",
        "RTSP://admin:hunter2@cam/1",
        "http://admin:hunter2@cam/video.mjpeg",
        "rtsp://[hunter2/1",
        "rtsp:///hunter2",
        "rtsp://cam:99999/hunter2",
        "rtsp://cam:0/hunter2",
        "rtsp://cam hunter2/1",
        "rtsp://cam/\nhunter2",
        "rtsp:/cam/hunter2",
        "file:///clips/hunter2.mp4",
        "udp://cam:1234/hunter2",
    ],
)
def test_an_address_that_cannot_be_read_or_holds_a_password_is_refused_and_not_repeated(source: str) -> None:
    with pytest.raises(SettingError) as caught:
        config.parse({"cameras": [{"name": "a", "source": source}]})
    assert caught.value.key == "cameras[0].source"
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "source",
    [
        "rtsp://cam/1",
        "rtsp://cam:65535/a b",
        "rtsps://[::1]:322/1?a=b@c",
        "rtsp://[fe80::1%25eth0]/1",
        "/dev/video0",
        "clips/a.mp4",
        "noon:12.mp4",
    ],
)
def test_an_address_a_device_and_a_path_are_taken(source: str) -> None:
    assert config.parse({"cameras": [{"name": "a", "source": source}]}).cameras[0].source == source


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_no_number_of_any_setting_may_be_infinite_or_none_at_all(value: float) -> None:
    tried = 0
    for table, default, _ in config.settings():
        kind = config.Camera if table == "cameras" else type(default)
        for name, _, _ in config.settings(kind):
            one = {name: value} if table != "cameras" else [{"name": "a", "source": "x"} | {name: value}]
            with pytest.raises(SettingError, match="must be a finite number") as caught:
                config.parse({table: one})
            assert caught.value.key.endswith(f".{name}")
            tried += 1
    assert tried > 40


def test_a_password_that_is_not_text_is_refused_without_being_quoted(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"hunter\xe9")
    camera = config.Camera(name="a", source="rtsp://cam/1", password_file="secret")
    with pytest.raises(SettingError, match="not UTF-8 text") as caught:
        config.camera_password(camera, config.Config().at(tmp_path))
    assert "hunter" not in str(caught.value)


def test_a_password_comes_from_a_file_or_the_environment_and_never_shows(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2\n")
    by_file = config.Camera(name="a", source="rtsp://cam/1", user="u", password_file="secret")
    by_env = config.Camera(name="b", source="rtsp://cam/2", user="u", password_env="CAM_B")
    placed = config.Config(cameras=[by_file, by_env]).at(tmp_path)
    first = config.camera_password(by_file, placed, {})
    second = config.camera_password(by_env, placed, {"CAM_B": "hunter2"})
    assert first is not None
    assert first.reveal() == "hunter2"
    assert first == second
    assert "hunter2" not in f"{first!r} {first} {[first]}"
    with pytest.raises(SettingError, match="CAM_B is not set"):
        config.camera_password(by_env, placed, {})


@pytest.mark.parametrize(
    ("text", "says"),
    [("[web\n", "not valid TOML"), ("[web]\nport = 1\nport = 2\n", "not valid TOML")],
)
def test_a_file_that_is_not_toml_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(SettingError, match=says):
        config.load(path)


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="lfrd config >"):
        config.load(tmp_path / "config.toml")


def test_paths_start_from_the_file_that_names_them(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[site]\ndata = "kept"\n')
    assert config.load(path).data == (tmp_path / "kept").resolve()


@pytest.mark.parametrize(
    ("name", "there", "says"), [("plan.svg", False, "is not a file"), ("plan.pdf", True, "give a drawing")]
)
def test_a_drawing_of_the_site_is_a_file_that_is_there(
    name: str, there: bool, says: str, tmp_path: Path
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f'[site]\nplan = "{name}"\n')
    if there:
        (tmp_path / name).write_text("<svg/>")
    with pytest.raises(SettingError, match=says) as caught:
        config.load(path)
    assert caught.value.key == "site.plan"


def test_config_toml_in_the_repository_is_what_the_settings_say() -> None:
    assert (ROOT / "config.toml").read_text(encoding="utf-8") == config.commented()


def test_every_setting_explains_itself_and_the_commented_defaults_are_the_defaults() -> None:
    for table, default, help_text in config.settings():
        assert help_text, table
        kind = config.Camera if table == "cameras" else type(default)
        for name, _, text in config.settings(kind):
            assert text.endswith("."), f"{table}.{name} has no help"
    uncommented: list[str] = []
    for line in config.commented().splitlines():
        bare = line.removeprefix("# ")
        is_setting = line.startswith("# ") and " = " in bare and bare.split(" = ")[0].isidentifier()
        uncommented.append(bare if is_setting or bare == "[[cameras]]" else line)
    assert config.parse(tomllib.loads("\n".join(uncommented))) == config.parse(
        {"cameras": [{"name": "High Street 1", "source": "rtsp://camera.example/stream"}]}
    )


def test_a_secret_is_not_pickled_or_encoded() -> None:
    with pytest.raises(TypeError):
        msgspec.json.encode(config.Secret("x"))
