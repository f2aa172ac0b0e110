"""What a model pack's manifest may say, checked, and the detector and recogniser that it describes."""

from __future__ import annotations

import difflib
import hashlib
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np
from msgspec import Meta, Struct

from lfrd.errors import CorruptError
from lfrd.types import F32
from lfrd.vision import scrfd, yunet
from lfrd.vision.adapters import Detector, Recogniser, Runner
from lfrd.vision.alignment import ARCFACE_112
from lfrd.vision.dense import DenseDetector, Input
from lfrd.vision.mtcnn import MtcnnDetector
from lfrd.vision.recognition import ArcfaceRecogniser

MANIFEST = "pack.toml"

FileName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$")]
"""A plain name inside the pack's folder: no separators, so that no manifest reaches outside it."""
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$")]
Text = Annotated[str, Meta(min_length=1)]
Colour = Literal["bgr", "rgb"]
Three = tuple[float, float, float]
Share = Annotated[float, Meta(ge=0, le=1)]
Side = Annotated[int, Meta(ge=16, le=8192)]
Point = tuple[float, float]
Kind = Literal["picture", "track"]


class Table(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of the manifest. A key that it does not have is an error, never ignored."""


class NamedFile(Table, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One network's file and the SHA-256 of its bytes, in lower-case hexadecimal."""

    file: FileName
    sha256: Sha256


class YunetPart(Table, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="yunet"):
    """[detector] kind = "yunet": libfacedetection's one-stage detector, one ONNX file.

    The network is given (pixel - mean) x scale in the order `colour`. Faces whose score reaches `score` are
    certain; overlaps above `nms_iou` are one face. `fixed_size` [width, height] is set where the file takes
    one input size only.
    """

    file: FileName
    sha256: Sha256
    colour: Colour = "bgr"
    mean: Three = (0.0, 0.0, 0.0)
    scale: float = 1.0
    score: Share = 0.6
    nms_iou: Share = 0.3
    fixed_size: tuple[Side, Side] | None = None


class ScrfdPart(Table, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="scrfd"):
    """[detector] kind = "scrfd": InsightFace's one-stage detector with points; keys as for yunet."""

    file: FileName
    sha256: Sha256
    colour: Colour = "rgb"
    mean: Three = (127.5, 127.5, 127.5)
    scale: float = 1 / 128
    score: Share = 0.5
    nms_iou: Share = 0.4
    fixed_size: tuple[Side, Side] | None = None


class MtcnnPart(Table, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="mtcnn"):
    """[detector] kind = "mtcnn": a cascade of three networks, [detector.files.pnet], rnet and onet."""

    files: dict[str, NamedFile]
    colour: Colour = "rgb"
    mean: Three = (127.5, 127.5, 127.5)
    scale: float = 1 / 128
    score: Share = 0.7
    nms_iou: Share = 0.7

    NETWORKS: ClassVar[tuple[str, ...]] = ("pnet", "rnet", "onet")


DetectorPart = YunetPart | ScrfdPart | MtcnnPart


class RecogniserPart(Table, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[recogniser]: an aligned face in, `dim` numbers out.

    The network is given (pixel - mean) / std of a `size` x `size` face in the order `colour`, mean and std in
    that same order. alignment: "arcface-112" (its five points, scaled to `size`) or "points" with `points`
    five [x, y] in pixels of the aligned face, left to right as in `types.Detections`. mirror: the template is
    that of the face and its mirror image together.
    """

    kind: Literal["arcface"]
    file: FileName
    sha256: Sha256
    colour: Colour
    size: Annotated[int, Meta(ge=16, le=1024)]
    mean: Three
    std: Three
    alignment: Literal["arcface-112", "points"]
    points: tuple[Point, Point, Point, Point, Point] | None = None
    mirror: bool = False
    dim: Annotated[int, Meta(ge=2, le=8192)]

    @property
    def template_points(self) -> F32:
        """float32 [5, 2]: where the five points lie in an aligned face, pixels."""
        if self.points is not None:
            return np.array(self.points, np.float32)
        return np.asarray(ARCFACE_112 * (self.size / 112), np.float32)


class Calibration(Table, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[[calibration]]: the score at which `non_mated` searches of a list of `n` reached an FPIR.

    kind: what was searched with: a single picture's template, or a whole track as `decision.rule` judges it.
    people: on no list who stand behind the searches, 0 where it is not said; lists: how many the searches
    were shared out to. data: whose pictures, in words; digest: SHA-256 of them. points: [FPIR, score] as
    measured, FPIR falling and score rising; intervals: [low, high] of each point's score, 95 %. extrapolated:
    [FPIR, score, low, high] beyond what was measured; tail: how those were had, in words. tpir: [FPIR, TPIR],
    FPIR falling: of `mated` searches of the same lists, how many found the right person at the score that
    keeps that FPIR. Live use needs it (policy.card); a pack that lacks it can be tried out and measured.
    """

    n: Annotated[int, Meta(ge=1)]
    non_mated: Annotated[int, Meta(ge=1)]
    data: Text
    points: Annotated[tuple[Point, ...], Meta(min_length=1)]
    kind: Kind = "picture"
    people: Annotated[int, Meta(ge=0)] = 0
    lists: Annotated[int, Meta(ge=1)] = 1
    digest: Sha256 | Literal[""] = ""
    intervals: tuple[Point, ...] = ()
    extrapolated: tuple[tuple[float, float, float, float], ...] = ()
    tail: str = ""
    mated: Annotated[int, Meta(ge=0)] = 0
    tpir: tuple[Point, ...] = ()


class Manifest(Table, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """pack.toml as a whole. `card` is free text on what the pack is fit for."""

    schema: Literal[1]
    name: Name
    version: Text
    licence: Text
    origin: Text
    detector: DetectorPart
    recogniser: RecogniserPart
    card: str = ""
    calibration: tuple[Calibration, ...] = ()

    @property
    def files(self) -> dict[str, NamedFile]:
        """Each network's file by role: detector (or pnet, rnet, onet) and recogniser."""
        part, end = self.detector, self.recogniser
        if isinstance(part, MtcnnPart):
            found = {role: part.files[role] for role in part.NETWORKS}
        else:
            found = {"detector": NamedFile(file=part.file, sha256=part.sha256)}
        return {**found, "recogniser": NamedFile(file=end.file, sha256=end.sha256)}

    @property
    def digest(self) -> str:
        """SHA-256 of everything that decides a score: the files' digests and the numbers around them.

        Scores, thresholds and calibrations belong to one such digest. The card, the calibration and the
        pack's name can change without it.
        """
        return hashlib.sha256(msgspec.json.encode([self.detector, self.recogniser])).hexdigest()


@dataclass(frozen=True, slots=True)
class Pack:
    """A manifest and the folder that its files lie in."""

    folder: Path
    manifest: Manifest

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def files(self) -> dict[str, Path]:
        """Each network's path by role; the roles of `Manifest.files`."""
        return {role: self.folder / named.file for role, named in self.manifest.files.items()}

    @property
    def digests(self) -> dict[str, str]:
        """Each network's SHA-256 by role, as the manifest wants it."""
        return {role: named.sha256 for role, named in self.manifest.files.items()}


def parse_manifest(text: str, path: Path) -> Manifest:
    """Read and check a manifest. `path` only names it in errors. Raises CorruptError("key: problem")."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CorruptError(path, f"not valid TOML: {error}") from None
    try:
        manifest = msgspec.convert(raw, Manifest)
    except msgspec.ValidationError as error:
        raise CorruptError(path, _explained(str(error), raw)) from None
    for problem in _problems(manifest):
        raise CorruptError(path, problem)
    return manifest


def calibration_toml(calibration: Calibration) -> str:
    """A [[calibration]] table, to be appended to a manifest's text. Keys that say nothing are left out."""
    rows = [("n", str(calibration.n)), ("non_mated", str(calibration.non_mated))]
    for field in msgspec.structs.fields(Calibration):
        value = getattr(calibration, field.name)
        if field.name in ("n", "non_mated") or value == field.default:
            continue
        rows.append((field.name, _toml(value)))
    return "\n[[calibration]]\n" + "".join(f"{key} = {value}\n" for key, value in rows)


def _toml(value: object) -> str:
    """A text, a whole number, or numbers in lists of lists."""
    if isinstance(value, str):
        return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")  # JSON lets it stand
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return repr(value)


def make_detector(manifest: Manifest, runners: Mapping[str, Runner]) -> Detector:
    """The detector that the manifest describes. `runners`: a network for each role of `Manifest.files`, each
    taking its single input under the key "input"."""
    part = manifest.detector
    if isinstance(part, MtcnnPart):
        return MtcnnDetector(
            runners["pnet"],
            runners["rnet"],
            runners["onet"],
            nms_iou=part.nms_iou,
            colour=part.colour,
            mean=part.mean,
            scale=part.scale,
        )
    prepared = Input(rgb=part.colour == "rgb", mean=part.mean, scale=part.scale, fixed_size=part.fixed_size)
    decode = yunet.decoded if isinstance(part, YunetPart) else scrfd.decoded
    return DenseDetector(runners["detector"], prepared, decode, nms_iou=part.nms_iou)


def make_recogniser(manifest: Manifest, runner: Runner) -> Recogniser:
    """The recogniser that the manifest describes; `runner` takes its input under the key "input"."""
    part = manifest.recogniser
    return ArcfaceRecogniser(
        runner,
        size=part.size,
        dim=part.dim,
        rgb=part.colour == "rgb",
        mean=part.mean,
        std=part.std,
        mirror=part.mirror,
        template_points=part.template_points,
    )


def _problems(manifest: Manifest) -> Iterator[str]:
    """Rules between keys, which a type cannot say."""
    part, end = manifest.detector, manifest.recogniser
    if isinstance(part, MtcnnPart):
        for role in part.NETWORKS:
            if role not in part.files:
                yield f"detector.files.{role}: missing"
        for role in part.files:
            if role not in part.NETWORKS:
                yield f"detector.files.{role}: unknown key{_near(role, part.NETWORKS)}"
    for key, values in (
        ("detector.mean", part.mean),
        ("detector.scale", (part.scale,)),
        ("recogniser.mean", end.mean),
        ("recogniser.std", end.std),
        ("recogniser.points", [side for point in end.points or () for side in point]),
    ):
        if not all(map(math.isfinite, values)):
            yield f"{key}: must be finite numbers"
    if part.scale <= 0:
        yield "detector.scale: must be above 0"
    if min(end.std) <= 0:
        yield "recogniser.std: each must be above 0"
    if end.alignment == "points" and end.points is None:
        yield 'recogniser.points: missing; alignment = "points" needs five [x, y]'
    if end.alignment != "points" and end.points is not None:
        yield 'recogniser.points: only goes with alignment = "points"'
    if end.points is not None and len(set(end.points)) < len(end.points):
        yield "recogniser.points: two points are the same"
    for number, calibration in enumerate(manifest.calibration):
        key = f"calibration[{number}].points"
        fpirs = [fpir for fpir, _ in calibration.points]
        scores = [score for _, score in calibration.points]
        if not all(0 < fpir <= 1 for fpir in fpirs):
            yield f"{key}: each FPIR must be above 0 and at most 1"
        if not all(-1 <= score <= 1 for score in scores):
            yield f"{key}: each score must lie between -1 and 1"
        if any(b >= a for a, b in pairwise(fpirs)):
            yield f"{key}: FPIR must fall from point to point"
        if any(b < a for a, b in pairwise(scores)):
            yield f"{key}: the score must rise from point to point"
        yield from _beyond_problems(calibration, f"calibration[{number}]")
        yield from _tpir_problems(calibration, f"calibration[{number}]")


def _beyond_problems(calibration: Calibration, key: str) -> Iterator[str]:
    """What does not fit of the intervals and of the points beyond those measured."""
    intervals = calibration.intervals
    if intervals and len(intervals) != len(calibration.points):
        yield f"{key}.intervals: must be as many as points"
    spans = [
        (low, score, high) for (_, score), (low, high) in zip(calibration.points, intervals, strict=False)
    ]
    if not all(-1 <= low <= score <= high <= 1 for low, score, high in spans):
        yield f"{key}.intervals: each must hold its point's score, between -1 and 1"
    beyond = calibration.extrapolated
    if not all(fpir > 0 and -1 <= low <= score <= high <= 1 for fpir, score, low, high in beyond):
        yield f"{key}.extrapolated: each must be an FPIR above 0 and a score with its interval round it"
    row = [calibration.points[-1], *((fpir, score) for fpir, score, _, _ in beyond)]
    if any(b[0] >= a[0] or b[1] < a[1] for a, b in pairwise(row)):
        yield f"{key}.extrapolated: FPIR must fall and the score rise, on from the last of points"


def _tpir_problems(calibration: Calibration, key: str) -> Iterator[str]:
    if bool(calibration.tpir) != bool(calibration.mated):
        yield f"{key}.tpir: goes with mated, the number of searches behind it; one of them is missing"
    if not all(0 < fpir <= 1 and 0 <= tpir <= 1 for fpir, tpir in calibration.tpir):
        yield f"{key}.tpir: each FPIR must be above 0 and at most 1, each TPIR between 0 and 1"
    if any(b >= a for (a, _), (b, _) in pairwise(calibration.tpir)):
        yield f"{key}.tpir: FPIR must fall from point to point"
    if any(b > a for (_, a), (_, b) in pairwise(calibration.tpir)):
        yield f"{key}.tpir: a lower FPIR cannot have a higher TPIR"


_PARTS: dict[str, type[Table]] = {"yunet": YunetPart, "scrfd": ScrfdPart, "mtcnn": MtcnnPart}


def _explained(message: str, raw: dict[str, object]) -> str:
    """msgspec's words as "key: problem", with the nearest known key beside an unknown one."""
    found = re.fullmatch(r"(.*?)(?: - at `\$\.?(.*)`)?", message, re.S)
    assert found is not None
    problem, where = found.group(1), found.group(2) or ""
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", problem)
    missing = re.fullmatch(r"Object missing required field `(.*)`", problem)
    for match in (unknown, missing):
        if match is not None:
            where = f"{where}.{match.group(1)}" if where else match.group(1)
    if missing:
        return f"{where}: missing"
    if unknown:
        return f"{where}: unknown key{_near(unknown.group(1), _keys(where, raw))}"
    problem = re.sub(r"^Expected", "expected", problem).replace("`", "")
    problem = re.sub(r"^(Invalid enum|Invalid) value", "unknown value", problem)
    problem = re.sub(r"\b(array|object)\b", lambda m: {"array": "list", "object": "table"}[m[1]], problem)
    problem = re.sub(r"\bstr\b", "text", problem)
    problem = re.sub(r"\bint\b", "whole number", problem)
    problem = re.sub(r"\bfloat\b", "number", problem)
    if where.endswith((".file", ".sha256")) and "matching regex" in problem:
        if where.endswith(".file"):
            problem = "must be a plain file name in the pack's own folder"
        else:
            problem = "must be 64 hexadecimal digits, in lower case"
    if where == "name" and "matching regex" in problem:
        problem = "must be letters, digits, dots, dashes and underscores, and at most 60"
    return f"{where or MANIFEST}: {problem}"


def _keys(where: str, raw: dict[str, object]) -> list[str]:
    """The keys that the table of this unknown key does have."""
    table = where.rpartition(".")[0]
    tables: dict[str, type[Table]] = {"recogniser": RecogniserPart, "": Manifest}
    kind = tables.get(table, NamedFile)
    if table.startswith("calibration"):
        kind = Calibration
    if table == "detector":
        detector = raw.get("detector")
        tag = detector.get("kind") if isinstance(detector, dict) else None
        kind = _PARTS.get(str(tag), YunetPart)
    keys = [field.encode_name for field in msgspec.structs.fields(kind)]
    return ["kind", *keys] if table == "detector" else keys


def _near(key: str, known: tuple[str, ...] | list[str]) -> str:
    near = difflib.get_close_matches(key, known, 1)
    return f"; did you mean '{near[0]}'?" if near else f"; known here: {', '.join(known)}"
