"""Reads config.toml and refuses what it does not know, by the path of its key."""

from __future__ import annotations

import difflib
import math
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from lfrd.config.secret import Secret
from lfrd.config.tables import Camera, Config, Placed, Push, Webrtc
from lfrd.errors import MissingError, SettingError


def load(path: Path, environment: Mapping[str, str] = os.environ) -> Placed:
    """Read and check config.toml. Raises MissingError or SettingError with the key's path."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise MissingError(f"{path}: no such file; `lfrd config > {path}` writes one to start from") from None
    except (OSError, UnicodeDecodeError) as error:
        problem = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise MissingError(f"{path}: cannot be read ({problem})") from None
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingError(str(path), f"not valid TOML: {error}") from None
    config = parse(raw)
    placed = config.at(path.parent.resolve())
    for camera in config.cameras:
        camera_password(camera, placed, environment)
    turn_password(config.webrtc, placed)
    _check_plan(placed)
    return placed


def parse(raw: dict[str, Any]) -> Config:
    """Check a configuration that is already a dictionary. Raises SettingError."""
    for path, problem in _unknown(raw, Config, ""):
        raise SettingError(path, problem)
    for path in _not_finite(raw, ""):  # no limit of a setting holds against nan, and few against inf
        raise SettingError(path, "must be a finite number")
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
        return _password_in(placed.path(camera.password_file), f"{key}.password_file")
    if camera.password_env:
        if camera.password_env not in environment:
            raise SettingError(
                f"{key}.password_env", f"the environment variable {camera.password_env} is not set"
            )
        return Secret(environment[camera.password_env])
    return None


def turn_password(settings: Webrtc, placed: Placed) -> Secret | None:
    """The TURN password from its file, or None. Raises SettingError where it is not there."""
    if not settings.turn_password_file:
        return None
    return _password_in(placed.path(settings.turn_password_file), "webrtc.turn_password_file")


def _password_in(file: Path, key: str) -> Secret:
    try:
        return Secret(file.read_text(encoding="utf-8").strip())
    except OSError as error:
        raise SettingError(key, f"{file} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:  # its own text quotes a part of the password
        raise SettingError(key, f"{file} is not UTF-8 text") from None


def _check_plan(placed: Placed) -> None:
    """Whether the drawing of the site is there, and named as one; its contents are looked at when the desk
    asks for it (`web.site_plan`)."""
    if not placed.config.site.plan:
        return
    path = placed.path(placed.config.site.plan)
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg", ".svg"):
        raise SettingError("site.plan", f"{path} is not named .png, .jpg, .jpeg or .svg: give a drawing")
    if not path.is_file():
        raise SettingError("site.plan", f"{path} is not a file; draw the site, or leave it empty for none")


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
        if problem := _address_problem(camera):
            raise SettingError(f"{key}.source", problem)
        if camera.at and (len(camera.at) != 2 or not all(0 <= share <= 1 for share in camera.at)):
            raise SettingError(f"{key}.at", "must be [across, down], two shares from 0 to 1, or empty")
        if camera.facing is not None and not -360 <= camera.facing <= 360:
            raise SettingError(f"{key}.facing", "must lie between -360 and 360 degrees")
        if camera.eye_distance_pixels is not None and not 0 <= camera.eye_distance_pixels <= 500:
            raise SettingError(f"{key}.eye_distance_pixels", "must lie between 0 and 500")
    if bool(config.web.certificate) != bool(config.web.key):
        raise SettingError("web.key", "certificate and key go together; one of them is empty")
    if config.web.certificate and config.web.allow_plain_http:
        raise SettingError("web.allow_plain_http", "web.certificate is set as well; keep one of them")
    if config.tls.onboarding_port and config.tls.onboarding_port == config.web.port:
        raise SettingError("tls.onboarding_port", "is web.port as well; name another port, or 0 for none")
    turn = config.webrtc.turn
    if turn and not re.fullmatch(r"turns?:[\w.-]+(:\d{1,5})?(\?transport=(udp|tcp))?", turn):
        raise SettingError(
            "webrtc.turn", "must be turn:host:port or turns:host:port, with ?transport=tcp where it is meant"
        )
    if turn.startswith("turns:") and turn.endswith("=udp"):
        raise SettingError("webrtc.turn", "turns: is TLS over TCP; leave ?transport=udp out")
    for key, problem in _push_problems(config.push):
        raise SettingError(key, problem)
    if config.inference.precision != "float32" and config.inference.provider != "openvino":
        raise SettingError(
            "inference.precision",
            f"'{config.inference.precision}' goes with inference.provider = \"openvino\" only",
        )
    if config.post.grace_seconds < 2 * config.post.heartbeat_seconds:
        raise SettingError("post.grace_seconds", "must be at least twice post.heartbeat_seconds")
    if config.decision.threshold is not None and not -1 <= config.decision.threshold <= 1:
        raise SettingError("decision.threshold", "must lie between -1 and 1")
    if config.decision.least_shots > config.tracking.shots:
        raise SettingError("decision.least_shots", "cannot be more than tracking.shots")
    if config.analysis.darkest >= config.analysis.brightest:
        raise SettingError("analysis.darkest", "must be less than analysis.brightest")


def _address_problem(camera: Camera) -> str:
    """What is wrong with a camera's address; nothing where it is good, or a path. Never quotes it: what is
    refused here would be shown as a file's name or a host's, with the password that somebody put into it."""
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", camera.source):
        return ""
    if not camera.is_network:
        return (
            "is an address of another kind; rtsp:// and rtsps:// are read, in small letters, and devices, "
            "files and folders by their paths"
        )
    if not camera.source.isprintable():
        return "holds a line break or another sign that no address has"
    login = "set user and password_file (or password_env) instead"
    if "@" in camera.source.split("//", 1)[1].split("/", 1)[0]:
        return f"holds a user or password; {login}"
    try:
        parts = urlsplit(camera.source)
        host = parts.hostname
    except ValueError:
        return f"has no host that can be read; if it holds a user or password, {login}"
    try:
        port = parts.port
    except ValueError:  # such as what stands before the slash in a password
        port = 0
    if port == 0:
        return f"has a port that is no number from 1 to 65535; if it holds a user or password, {login}"
    if not host:
        return "names no host"
    return "" if re.fullmatch(r"[\w.:%-]+", host) else "has a host with a sign in it that no name has"


def _push_problems(push: Push) -> Iterator[tuple[str, str]]:
    """Whom push services may reach (RFC 8292, 2.1), and hosts that are names; py_vapid takes no more."""
    for number, service in enumerate(push.services):
        # A star alone, or before a last part such as .com, would let a page send the box anywhere.
        if not re.fullmatch(r"(\*\.)?([A-Za-z0-9-]+\.)+[A-Za-z][A-Za-z0-9-]*", service):
            yield f"push.services[{number}]", "must be a host such as push.example.org or *.example.org"
    host = r"[\w-]+(\.[\w-]+)+"
    if push.contact and not re.fullmatch(rf"mailto:[^@\s]+@{host}|https://{host}", push.contact):
        yield "push.contact", "must be mailto:name@host, or https://host without a path"
    if push.enabled and not push.contact:
        yield "push.contact", "is needed with push.enabled: push services ask for it"
    if push.enabled and not push.services:
        yield "push.services", "is empty; with push.enabled it names the push services that may be asked"


def _unknown(raw: object, kind: Any, path: str) -> Iterator[tuple[str, str]]:
    """Keys that no setting has, each with the nearest that one has."""
    kind = bare(kind)
    if get_origin(kind) is list and isinstance(raw, list):
        for number, item in enumerate(raw):
            yield from _unknown(item, get_args(kind)[0], f"{path}[{number}]")
    elif isinstance(kind, type) and issubclass(kind, Struct) and isinstance(raw, dict):
        known = get_type_hints(kind, include_extras=True)
        for key, value in raw.items():
            where = f"{path}.{key}" if path else key
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                hint = f"; did you mean '{near[0]}'?" if near else f"; known here: {', '.join(known)}"
                yield where, f"unknown setting{hint}"
            else:
                yield from _unknown(value, known[key], where)


def _not_finite(raw: object, path: str) -> Iterator[str]:
    """Paths of the inf and nan that TOML can write."""
    if isinstance(raw, dict):
        for key, value in raw.items():
            yield from _not_finite(value, f"{path}.{key}" if path else key)
    elif isinstance(raw, list):
        for number, item in enumerate(raw):
            yield from _not_finite(item, f"{path}[{number}]")
    elif isinstance(raw, float) and not math.isfinite(raw):
        yield path


def bare(kind: Any) -> Any:
    """A type without its annotations."""
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _key_and_problem(message: str) -> tuple[str, str]:
    """msgspec's "Expected `int` >= 0 - at `$.web.port`" as ("web.port", "expected a number >= 0")."""
    found = re.fullmatch(r"(.*?)(?: - at `\$\.?(.*)`)?", message, re.S)
    assert found is not None
    problem, key = found.group(1), found.group(2) or "config"
    if missing := re.fullmatch(r"Object missing required field `(\w+)`", problem):
        return f"{key}.{missing.group(1)}", "is missing"
    problem = re.sub(r"^Expected", "expected", problem).replace("`", "")
    problem = re.sub(r"\bstr\b", "text", problem)
    problem = re.sub(r"\bint\b", "whole number", problem)
    problem = re.sub(r"\bfloat\b", "number", problem)
    problem = re.sub(r"\bobject\b", "table", problem).replace(" | null", "")
    problem = re.sub(
        r"^Invalid enum value (.*)", rf"must be one of {', '.join(_choices(key))}, not \1", problem
    )
    return key, problem


def _choices(key: str) -> tuple[str, ...]:
    """What a setting with a fixed set of values takes; none for any other."""
    kind: Any = Config
    for part in re.sub(r"\[.*?\]", "", key).split("."):
        if not (isinstance(kind, type) and issubclass(kind, Struct)):
            return ()
        kind = bare(get_type_hints(kind, include_extras=True).get(part))
        kind = get_args(kind)[0] if get_origin(kind) is list else kind
    return tuple(map(str, get_args(kind))) if get_origin(kind) is Literal else ()
