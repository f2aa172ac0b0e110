"""Reads a deployment's plan from TOML or JSON, and says what is wrong with it by field and line."""

from __future__ import annotations

import datetime
import difflib
import json
import re
import tomllib
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from lfrd.errors import CorruptError, MissingError
from lfrd.policy.plan import DOCUMENTS, CameraPlan, Plan

LARGEST = 1 << 20
"""Bytes of a plan's file at the most."""

TIMES = ("starts_at", "ends_at")

TEMPLATE = f"""\
# A deployment's plan: fill it in, then `lfrd deployment new FILE --as YOUR-NAME`.
# A draft may lack anything; `lfrd deployment show` says what is still missing, and for which step.

name = "High Street, Saturday"
# What it is for, and the use case of the policy that it comes under.
purpose = ""
use_case = ""
# Where the cameras look, in the words of the public notice.
place = ""
# ISO 8601, with a zone (2026-12-05T10:00:00Z) or in this machine's own time.
# It starts no earlier than starts_at, and ends by itself at ends_at.
# starts_at = 2026-12-05T10:00:00
# ends_at = 2026-12-05T16:00:00
# Why nothing that intrudes less would do, and why the good outweighs the intrusion.
necessity = ""
proportionality = ""
# Categories of people who may be on the watchlist; entries of any other are refused.
categories = []
# False positive identification rate wanted: the threshold is derived from it, for the list and the model.
fpir = 0.001
# Or a score set by hand, -1 to 1, which belongs to one model only.
# threshold = 0.6
# Whether an engagement needs a second, blind reviewer.
second_review = false
# Seconds until an alert that nobody has claimed is escalated, and until one expires.
escalate_seconds = 20
expire_seconds = 300
# False alerts a face seen, and the blue list's recognition rate, at which it is suspended (0: no blue list).
accepted_false_alerts = 0.001
blue_tpir = 0.0

# The version of each document that the authorisation rests on.
[documents]
{chr(10).join(f'{key} = ""{" " * (14 - len(key))}# {name}' for key, name in DOCUMENTS.items())}

# One table a camera, under its name in config.toml. zone: corners as shares of the picture, from the top
# left; it can be drawn on the desk, too. Faces whose centre lies outside are neither compared nor counted.
# [[cameras]]
# name = "High Street 1"
# zone = [[0.1, 0.2], [0.9, 0.2], [0.9, 1.0], [0.1, 1.0]]
# eye_distance_pixels = 24     # least pixels between the eyes; without it config.toml's holds
"""

T = TypeVar("T", bound=Struct)

_WORDS = {
    "Expected": "must be",
    "array": "a list",
    "object": "a table",
    "str": "text",
    "float": "a number",
    "int": "a whole number",
    "bool": "true or false",
    "null": "nothing",
    "datetime": "a moment",
}
"""msgspec's words for types, in those of people who write plans."""


class _Cameras(Struct, forbid_unknown_fields=True):
    cameras: list[CameraPlan]


def read_plan(path: Path) -> Plan:
    """A plan from a .json file, or TOML. Raises MissingError or CorruptError, with field and line."""
    text, raw = _read(path)
    for key in TIMES:
        if key in raw:
            raw[key] = _seconds(raw[key], key, path, text)
    return _converted(raw, Plan, path, text)


def read_cameras(path: Path) -> list[CameraPlan]:
    """The [[cameras]] of a file that holds nothing else, for an amendment."""
    text, raw = _read(path)
    return _converted(raw, _Cameras, path, text).cameras


def seconds_of(value: str) -> float:
    """Unix seconds of an ISO 8601 moment, with a zone or in this machine's. Raises ValueError."""
    return _of_moment(datetime.datetime.fromisoformat(value))


def _of_moment(value: datetime.datetime) -> float:
    try:
        return value.timestamp()  # one without a zone is taken as this machine's time
    except (OverflowError, OSError):
        raise ValueError("out of range") from None


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise MissingError(f"{path}: cannot be read ({error.strerror})") from None
    if len(data) > LARGEST:
        raise CorruptError(path, "is larger than a plan can be (1 MiB)")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise CorruptError(path, "is not UTF-8 text; a plan is TOML or JSON") from None
    try:
        raw = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except json.JSONDecodeError as error:
        raise CorruptError(path, f"line {error.lineno}: not valid JSON: {error.msg}") from None
    except RecursionError:
        raise CorruptError(path, "is nested more deeply than a plan is") from None
    except tomllib.TOMLDecodeError as error:
        raise CorruptError(path, f"not valid TOML: {error}") from None
    if not isinstance(raw, dict):
        raise CorruptError(path, 'must hold one object, {"name": …}')
    return text, raw


def _seconds(value: object, key: str, path: Path, text: str) -> object:
    try:
        if isinstance(value, str):
            return seconds_of(value)
        if isinstance(value, datetime.datetime):
            return _of_moment(value)
    except ValueError:
        pass
    else:
        if not isinstance(value, datetime.date | datetime.time):
            return value  # Unix seconds, as `lfrd deployment show --json` has them; or what the types refuse
    raise CorruptError(
        path, f"{_at(text, key, path)}{key}: must be a moment as in 2026-12-05T10:00:00Z, date and time"
    )


def _converted(raw: dict[str, Any], kind: type[T], path: Path, text: str) -> T:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        field, problem = _explained(str(error), kind)
    raise CorruptError(path, f"{_at(text, field, path)}{field}: {problem}")


def _explained(message: str, kind: type[Struct]) -> tuple[str, str]:
    """msgspec's "Expected `float` - at `$.cameras[0].zone`" as a field and words for people."""
    found = re.fullmatch(r"(.*?)(?: - at `\$\.?(.*)`)?", message, re.S)
    assert found is not None
    problem, field = found[1], (found[2] or "").replace("[...]", "")
    own = re.fullmatch(r"([a-z_]+(?:\.\w+)?): (.*)", problem, re.S)
    if own is not None:  # of `Plan.__post_init__`
        return own[1], own[2]
    missing = re.fullmatch(r"Object missing required field `(.*)`", problem)
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", problem)
    for match in (missing, unknown):
        if match is not None:
            parent, field = field, f"{field}.{match[1]}" if field else match[1]
            if match is missing:
                return field, "is missing"
            inner = CameraPlan if parent.startswith("cameras") else kind
            return field, f"unknown{_near(match[1], inner)}"
    problem = problem.replace(" | null", "").replace("`", "")
    problem = re.sub(r"\w+", lambda word: _WORDS.get(word[0], word[0]), problem)
    problem = problem.replace("length >=", "length at least").replace("length <=", "length at most")
    problem = problem.replace(">=", "at least").replace("<=", "at most").replace(" >", " above")
    return field or "the plan", problem


def _near(key: str, kind: type[Struct]) -> str:
    known = [field.encode_name for field in msgspec.structs.fields(kind)]
    near = difflib.get_close_matches(key, known, 1)
    return f"; did you mean '{near[0]}'?" if near else f"; known here: {', '.join(known)}"


def _at(text: str, field: str, path: Path) -> str:
    """ "line 12: " where the field, or the table that should have it, is found in the file; else nothing."""
    position, found = 0, -1
    as_json = path.suffix.lower() == ".json"
    for part in field.split("."):
        name, _, index = part.partition("[")
        number = int(index.partition("]")[0]) if index[:1].isdigit() else 0
        key = re.escape(name)
        if as_json:
            pattern, skip = rf'"{key}"\s*:', 0
        else:
            table = re.search(rf"^\s*\[\[\s*{key}\s*\]\]", text[position:], re.M)
            pattern = (
                rf"^\s*\[\[\s*{key}\s*\]\]" if table else rf"^\s*(?:\[\s*{key}\s*\]|[\"']?{key}[\"']?\s*=)"
            )
            skip = number if table else 0
        hits = list(re.finditer(pattern, text[position:], re.M))
        if len(hits) <= skip:
            break
        hit = hits[skip]
        found = position + hit.start() + len(hit[0]) - len(hit[0].lstrip())
        position += hit.end()
    return "" if found < 0 else f"line {text.count(chr(10), 0, found) + 1}: "
