"""The builtin pack's manifest: its numbers, its licences, and what was measured of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

NAME: Final = "builtin"
VERSION: Final = "1"

# Where eye centres, nose tip and mouth corners lie in dlib's face chip, in units of the face's box. The mean over
# training faces of the pairs of dlib's five-point shape, its nose and its 68-point shape's mouth corners.
FACE_POINTS: Final = ((0.2273, 0.2214), (0.7528, 0.2212), (0.490, 0.5156), (0.2541, 0.7802), (0.7261, 0.7802))
MARGIN: Final = 0.2
"""Room around the box, in its units. dlib itself frames with 0.25; see `Measured`."""
SIZE: Final = 150


@dataclass(frozen=True, slots=True)
class Measured:
    """One calibration: what `tools/calibrate_builtin.py` printed.

    points: (FPIR, score, TPIR there).
    """

    n: int
    non_mated: int
    mated: int
    data: str
    points: tuple[tuple[float, float, float], ...]


MEASURED: Final = Measured(
    n=500,
    non_mated=0,
    mated=0,
    data="",
    points=((0.1, 0.0, 0.0),),
)


def template_points() -> list[list[float]]:
    """The five points in pixels of the aligned face."""
    return [[round((v + MARGIN) / (1 + 2 * MARGIN) * SIZE, 4) for v in point] for point in FACE_POINTS]


def manifest(digests: Mapping[str, str]) -> str:
    """pack.toml. digests: SHA-256 by file name."""
    files = "".join(
        f'\n[detector.files.{stage}]\nfile = "{stage}.onnx"\nsha256 = "{digests[f"{stage}.onnx"]}"\n'
        for stage in ("pnet", "rnet", "onet")
    )
    measured = MEASURED
    rates = ", ".join(f"{tpir:.3f} at FPIR {fpir:g}" for fpir, _, tpir in measured.points)
    points = ", ".join(f"[{fpir:g}, {score:.4f}]" for fpir, score, _ in measured.points)
    return f"""\
# Made by lfrd from weights that its dependencies carry; `lfrd models verify builtin` checks the digests.
schema = 1
name = "{NAME}"
version = "{VERSION}"
licence = "MIT (MTCNN); public domain, CC0 1.0 (dlib's face ResNet)"
origin = "PyPI: mtcnn 1.0.0; face-recognition-models 0.3.0 (dlib_face_recognition_resnet_model_v1.dat)"

[detector]
kind = "mtcnn"
colour = "rgb"
mean = [127.5, 127.5, 127.5]
scale = 0.0078125              # (pixel - mean) x scale
score = 0.8
nms_iou = 0.7
{files}
[recogniser]
kind = "arcface"               # an aligned face in, a template out
file = "recogniser.onnx"
sha256 = "{digests["recogniser.onnx"]}"
colour = "rgb"
size = {SIZE}
mean = [122.782, 117.001, 104.298]
std = [256.0, 256.0, 256.0]    # (pixel - mean) / std
alignment = "points"           # where the five points lie in the aligned face, pixels
points = {template_points()}
mirror = true                  # average with the mirrored face
dim = 128

# Weaker than the zoo's pack: for a first run, a demonstration, and sites that accept these rates.
# Found (TPIR): {rates}, of {measured.mated} mated searches.
[[calibration]]
n = {measured.n}
non_mated = {measured.non_mated}
data = "{measured.data}"
points = [{points}]   # [FPIR, score]
"""
