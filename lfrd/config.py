"""Settings: each declared once, with its default, its unit in its name, its limits and its help.

`load` reads config.toml, refuses what it does not know with the key's path, and takes secrets from a file or
the environment. `commented` writes the file that explains itself; a test keeps config.toml equal to it.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from lfrd.errors import MissingError, SettingError


class Secret:
    """A value that never shows: not in a log, a traceback or a message."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(**********)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str:
        raise TypeError("a secret is never pickled")


class Site(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    name: Annotated[str, Meta(min_length=1, description="What phones show as the place.")] = "lfrd site"
    data: Annotated[
        str, Meta(description="Folder of the database and the installed model packs. Relative to this file.")
    ] = "data"


class Web(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    host: Annotated[
        str, Meta(description="Address to listen on. Any other than loopback needs a certificate, below.")
    ] = "127.0.0.1"
    port: Annotated[
        int, Meta(ge=0, le=65535, description="Port to listen on; 0 lets the system choose one.")
    ] = 8443
    certificate: Annotated[str, Meta(description="PEM file with the certificate chain; empty for none.")] = ""
    key: Annotated[str, Meta(description="PEM file with its private key; empty for none.")] = ""
    allow_plain_http: Annotated[
        bool,
        Meta(
            description="Serve the network without a certificate. Faces and sessions would cross it in the "
            "clear: only for a demonstration with pictures that are public."
        ),
    ] = False
    window: Annotated[
        int,
        Meta(ge=1, le=1000, description="Events that a phone may hold before its first receipt."),
    ] = 32
    receipt_seconds: Annotated[
        float,
        Meta(gt=0, le=600, description="A phone that owes a receipt for longer is closed, to resume later."),
    ] = 10.0


class Post(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    heartbeat_seconds: Annotated[
        float, Meta(gt=0, le=60, description="A phone on post says so this often.")
    ] = 5.0
    grace_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=600,
            description="Cameras stop when no officer on post has been heard for this long.",
        ),
    ] = 20.0


class Watchlist(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    folder: Annotated[
        str,
        Meta(description="A folder of pictures per person (or one picture each). Relative to this file."),
    ] = ""


class Inference(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    pack: Annotated[
        str, Meta(min_length=1, description="The model pack: an installed one's name, or a folder.")
    ] = "builtin"
    provider: Annotated[
        Literal["cpu", "cuda", "tensorrt", "openvino", "coreml"],
        Meta(description="Execution provider. One that is not there is an error, never a fall to the CPU."),
    ] = "cpu"
    workers: Annotated[
        int, Meta(ge=0, le=256, description="Worker threads; 0 for one a core that this process may use.")
    ] = 0
    batch: Annotated[
        int, Meta(ge=1, le=256, description="Faces embedded in one call at the most, across cameras.")
    ] = 16


class Analysis(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    rate: Annotated[
        float, Meta(gt=0, le=120, description="Frames analysed a second and camera at the most.")
    ] = 10.0
    max_side: Annotated[
        int, Meta(ge=160, le=4096, description="Frames are scaled to this many pixels on their longer side.")
    ] = 960
    eye_distance_pixels: Annotated[
        float, Meta(ge=0, le=500, description="Faces with fewer pixels between the eyes are not compared.")
    ] = 15.0
    sharpness: Annotated[
        float,
        Meta(ge=0, description="Least variance of the Laplacian of a face at aligned size; 0 takes all."),
    ] = 6.0
    pose: Annotated[
        float,
        Meta(ge=0, le=1, description="How far a face may be turned: 0 frontal only, 1 takes profiles."),
    ] = 0.65
    darkest: Annotated[float, Meta(ge=0, le=255, description="Least mean brightness of a face.")] = 25.0
    brightest: Annotated[float, Meta(ge=0, le=255, description="Greatest mean brightness of a face.")] = 235.0
    cut: Annotated[float, Meta(ge=0, le=1, description="Greatest share of a face outside the frame.")] = 0.15


class Tracking(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    lost_seconds: Annotated[
        float, Meta(gt=0, le=30, description="A track ends when its face has not been seen for this long.")
    ] = 1.0
    longest_seconds: Annotated[
        float, Meta(gt=0, le=3600, description="A track is ended, and begun anew, after this long.")
    ] = 60.0
    most: Annotated[int, Meta(ge=1, le=10000, description="Tracks a camera may hold at once.")] = 200
    shots: Annotated[int, Meta(ge=1, le=64, description="Best shots kept a track.")] = 10


class DecisionSettings(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    fpir: Annotated[
        float,
        Meta(
            gt=0,
            le=0.5,
            description="Wanted false positive identification rate at the loaded list: false alerts a face "
            "seen. The threshold is derived from the pack's calibration.",
        ),
    ] = 0.001
    threshold: Annotated[
        float | None,
        Meta(description="A score set by hand, instead of `fpir`. Belongs to one model pack only."),
    ] = None
    least_shots: Annotated[
        int, Meta(ge=1, le=64, description="Shots of a track that must be there before it may alert.")
    ] = 3
    agreement: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="Share of a track's shots that must themselves point to the same person.",
        ),
    ] = 0.5
    repeat_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=86400,
            description="The same person seen again within this time is a sighting of the same alert.",
        ),
    ] = 300.0


class Camera(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """One [[cameras]] table."""

    name: Annotated[
        str,
        Meta(min_length=1, max_length=60, pattern=r"^[\w .-]+$", description="Unique; officers see it."),
    ]
    source: Annotated[
        str,
        Meta(
            min_length=1,
            description="rtsp://host/path, rtsps://…, /dev/video0, a video file, or a folder of pictures.",
        ),
    ]
    user: Annotated[str, Meta(description="RTSP user, if any.")] = ""
    password_file: Annotated[str, Meta(description="File that holds the RTSP password.")] = ""
    password_env: Annotated[str, Meta(description="Or the environment variable that does.")] = ""
    transport: Annotated[Literal["tcp", "udp"], Meta(description="RTSP over TCP or UDP.")] = "tcp"
    loop: Annotated[bool, Meta(description="Play a recording again and again.")] = False
    paced: Annotated[bool, Meta(description="A recording at its own speed, or as fast as it goes.")] = True
    open_seconds: Annotated[float, Meta(gt=0, le=120, description="Longest wait for it to open.")] = 10.0
    stall_seconds: Annotated[
        float, Meta(gt=0, le=120, description="Without a frame for so long, it is opened anew.")
    ] = 5.0
    retry_seconds: Annotated[float, Meta(gt=0, le=600, description="First pause after failing; doubles.")] = (
        1.0
    )
    retry_longest_seconds: Annotated[float, Meta(gt=0, le=3600, description="Longest pause.")] = 30.0
    width: Annotated[int, Meta(ge=0, le=16384, description="Webcam: pixels wanted; 0 for its default.")] = 0
    height: Annotated[int, Meta(ge=0, le=16384, description="Webcam: pixels wanted; 0 for its default.")] = 0
    fps: Annotated[
        float, Meta(ge=0, le=240, description="Webcam and folder: pictures a second; 0 for the default.")
    ] = 0.0
    eye_distance_pixels: Annotated[
        float | None, Meta(description="Overrides analysis.eye_distance_pixels for this camera.")
    ] = None

    @property
    def is_network(self) -> bool:
        return self.source.startswith(("rtsp://", "rtsps://"))

    @property
    def is_device(self) -> bool:
        return self.source.startswith("/dev/")


class Log(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    level: Annotated[Literal["debug", "info", "warning", "error"], Meta(description="Least shown.")] = "info"
    format: Annotated[
        Literal["auto", "text", "json"], Meta(description="auto: text on a terminal, JSON elsewhere.")
    ] = "auto"


class Config(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    site: Annotated[Site, Meta(description="The box and what it keeps.")] = Site()
    web: Annotated[Web, Meta(description="The server that phones and the desk reach.")] = Web()
    post: Annotated[Post, Meta(description="No officer, no camera.")] = Post()
    watchlist: Annotated[Watchlist, Meta(description="Who is sought.")] = Watchlist()
    inference: Annotated[Inference, Meta(description="The models and where they run.")] = Inference()
    analysis: Annotated[Analysis, Meta(description="Which frames and faces are looked at.")] = Analysis()
    tracking: Annotated[Tracking, Meta(description="Following a face through a camera's view.")] = Tracking()
    decision: Annotated[DecisionSettings, Meta(description="When a possible match becomes an alert.")] = (
        DecisionSettings()
    )
    log: Annotated[Log, Meta(description="What the process says on standard error.")] = Log()
    cameras: Annotated[list[Camera], Meta(description="One table a camera.")] = []

    def at(self, folder: Path) -> Placed:
        return Placed(self, folder)


class Placed:
    """A configuration together with the folder that its relative paths start from."""

    def __init__(self, config: Config, folder: Path) -> None:
        self.config = config
        self.folder = folder

    def path(self, value: str) -> Path:
        return (self.folder / Path(value).expanduser()).resolve()

    @property
    def data(self) -> Path:
        return self.path(self.config.site.data)


def load(path: Path, environment: Mapping[str, str] = os.environ) -> Placed:
    """Read and check config.toml. Raises MissingError or SettingError with the key's path."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise MissingError(f"{path}: no such file; `lfrd config > {path}` writes one to start from") from None
    except (OSError, UnicodeDecodeError) as error:
        raise MissingError(f"{path}: cannot be read ({error})") from None
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingError(str(path), f"not valid TOML: {error}") from None
    config = parse(raw)
    placed = config.at(path.parent.resolve())
    for camera in config.cameras:
        camera_password(camera, placed, environment)
    return placed


def parse(raw: dict[str, Any]) -> Config:
    """Check a configuration that is already a dictionary. Raises SettingError."""
    for path, problem in _unknown(raw, Config, ""):
        raise SettingError(path, problem)
    try:
        config = msgspec.convert(raw, Config)
    except msgspec.ValidationError as error:
        raise SettingError(*_key_and_problem(str(error))) from None
    _check(config)
    return config


def camera_password(
    camera: Camera, placed: Placed, environment: Mapping[str, str] = os.environ
) -> Secret | None:
    """The camera's password from its file or variable, or None. Raises SettingError where it is not there."""
    key = f'cameras["{camera.name}"]'
    if camera.password_file:
        file = placed.path(camera.password_file)
        try:
            return Secret(file.read_text(encoding="utf-8").strip())
        except OSError as error:
            raise SettingError(f"{key}.password_file", f"{file} cannot be read ({error.strerror})") from None
    if camera.password_env:
        if camera.password_env not in environment:
            raise SettingError(
                f"{key}.password_env", f"the environment variable {camera.password_env} is not set"
            )
        return Secret(environment[camera.password_env])
    return None


def _check(config: Config) -> None:
    """Rules between settings, which a type cannot say."""
    seen: set[str] = set()
    for number, camera in enumerate(config.cameras):
        key = f"cameras[{number}]"
        if camera.name in seen:
            raise SettingError(f"{key}.name", f"'{camera.name}' is already the name of another camera")
        seen.add(camera.name)
        if camera.password_file and camera.password_env:
            raise SettingError(f"{key}.password_env", "password_file is set as well; keep one of them")
        if camera.is_network and "@" in camera.source.split("//", 1)[1].split("/", 1)[0]:
            raise SettingError(
                f"{key}.source",
                "holds a user or password; set user and password_file (or password_env) instead",
            )
        if camera.eye_distance_pixels is not None and camera.eye_distance_pixels < 0:
            raise SettingError(f"{key}.eye_distance_pixels", "must not be negative")
    if bool(config.web.certificate) != bool(config.web.key):
        raise SettingError("web.key", "certificate and key go together; one of them is empty")
    if config.post.grace_seconds < 2 * config.post.heartbeat_seconds:
        raise SettingError("post.grace_seconds", "must be at least twice post.heartbeat_seconds")
    if config.decision.threshold is not None and not -1 <= config.decision.threshold <= 1:
        raise SettingError("decision.threshold", "must lie between -1 and 1")
    if config.decision.least_shots > config.tracking.shots:
        raise SettingError("decision.least_shots", "cannot be more than tracking.shots")
    if config.analysis.darkest >= config.analysis.brightest:
        raise SettingError("analysis.darkest", "must be less than analysis.brightest")


def _unknown(raw: object, kind: Any, path: str) -> Iterator[tuple[str, str]]:
    """Keys that no setting has, each with the nearest that one has."""
    kind = _bare(kind)
    if get_origin(kind) is list and isinstance(raw, list):
        for number, item in enumerate(raw):
            yield from _unknown(item, get_args(kind)[0], f"{path}[{number}]")
    elif isinstance(kind, type) and issubclass(kind, Struct) and isinstance(raw, dict):
        known = get_type_hints(kind, include_extras=True)
        for key, value in raw.items():
            where = f"{path}.{key}" if path else key
            if key not in known:
                import difflib

                near = difflib.get_close_matches(key, known, 1)
                hint = f"; did you mean '{near[0]}'?" if near else f"; known here: {', '.join(known)}"
                yield where, f"unknown setting{hint}"
            else:
                yield from _unknown(value, known[key], where)


def _bare(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _key_and_problem(message: str) -> tuple[str, str]:
    """msgspec's "Expected `int` >= 0 - at `$.web.port`" as ("web.port", "expected a number >= 0")."""
    found = re.fullmatch(r"(.*?)(?: - at `\$\.?(.*)`)?", message, re.S)
    assert found is not None
    problem, key = found.group(1), found.group(2) or "config"
    problem = re.sub(r"^Expected", "expected", problem).replace("`", "")
    problem = re.sub(r"\bstr\b", "text", problem)
    problem = re.sub(r"\bint\b", "whole number", problem)
    problem = re.sub(r"\bfloat\b", "number", problem)
    return key, problem


def settings(kind: type[Struct] = Config) -> Iterator[tuple[str, Any, str]]:
    """(name, default or msgspec.NODEFAULT, help) of each setting of one table, in order."""
    hints = get_type_hints(kind, include_extras=True)
    for field in msgspec.structs.fields(kind):
        hint = hints[field.name]
        help_text = next((m.description for m in getattr(hint, "__metadata__", ()) if m.description), "")
        default = field.default
        if default is msgspec.NODEFAULT and field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        yield field.name, default, help_text


def commented() -> str:
    """config.toml with every setting at its default, commented out, and explained."""
    lines = [
        "# lfrd's settings. Each line that is commented out shows the default.",
        "# `lfrd config` prints this file; `lfrd run --config FILE` reads one.",
    ]
    for name, default, help_text in settings(Config):
        if name == "cameras":
            lines += ["", f"# {help_text}", "# [[cameras]]"]
            lines += _table(Camera)
            continue
        lines += ["", f"# {help_text}", f"[{name}]", *_table(type(default))]
    return "\n".join(lines) + "\n"


def _table(kind: type[Struct]) -> Iterator[str]:
    import textwrap

    for name, default, help_text in settings(kind):
        example = {"name": "High Street 1", "source": "rtsp://camera.example/stream"}.get(name)
        hints = get_type_hints(kind, include_extras=True)
        choices = _bare(hints[name])
        if get_origin(choices) is Literal:
            help_text += f" One of: {', '.join(get_args(choices))}."
        yield from (f"# {line}" for line in textwrap.wrap(help_text, 100))
        if default is None:
            yield f"# {name} ="
        elif default is msgspec.NODEFAULT:
            yield f'# {name} = "{example}"'
        else:
            yield f"# {name} = {msgspec.json.encode(default).decode()}"
