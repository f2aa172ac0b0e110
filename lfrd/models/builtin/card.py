"""The builtin pack's manifest: its numbers, its licences, and what was measured of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

NAME: Final = "builtin"
VERSION: Final = "2"
"""Raised with every change of the manifest: a pack of another version on the shelf is made anew."""

# Where eye centres, nose tip and mouth corners lie in an upright face, in units of dlib's face box.
FACE_POINTS: Final = ((0.2273, 0.2214), (0.7528, 0.2212), (0.490, 0.5156), (0.2541, 0.7802), (0.7261, 0.7802))
MARGIN: Final = 0.2
"""Room around the box, in its units. dlib itself frames with 0.25, which on the data of `MEASURED` gives
TPIRs of 0.857, 0.757, 0.576 and 0.240 at the same four FPIRs; 0.15 gives 0.869, 0.719, 0.572 and 0.311."""
SIZE: Final = 150


@dataclass(frozen=True, slots=True)
class Measurement:
    """What `tools/calibrate_builtin.py` prints; its docstring says how each search was made.

    n: people on the list of a non-mated search. points: (FPIR, score, non-mated searches at or above the
    score, TPIR there).
    """

    n: int
    non_mated: int
    mated: int
    data: str
    points: tuple[tuple[float, float, int, float], ...]


MEASURED: Final = Measurement(
    n=999,
    non_mated=1663,
    mated=663,
    data="1,663 photographs of 1,000 people, 250 x 250 pixels; one picture a person on the list, "
    "each search on the list without the person searched for",
    points=(
        (0.1, 0.9395, 166, 0.875),
        (0.03, 0.9486, 49, 0.762),
        (0.01, 0.9568, 16, 0.570),
        (0.003, 0.9618, 4, 0.421),
    ),
)


def template_points(margin: float = MARGIN) -> list[list[float]]:
    """The five points in pixels of the aligned face."""
    return [[round((v + margin) / (1 + 2 * margin) * SIZE, 4) for v in point] for point in FACE_POINTS]


def manifest(digests: Mapping[str, str]) -> str:
    """pack.toml. digests: SHA-256 by file name."""
    files = "".join(
        f'\n[detector.files.{stage}]\nfile = "{stage}.onnx"\nsha256 = "{digests[f"{stage}.onnx"]}"\n'
        for stage in ("pnet", "rnet", "onet")
    )
    rates = ", ".join(f"{tpir:.3f} at FPIR {fpir:g}" for fpir, _, _, tpir in MEASURED.points)
    behind = ", ".join(str(alarms) for _, _, alarms, _ in MEASURED.points)
    points = ", ".join(f"[{fpir:g}, {score:.4f}]" for fpir, score, _, _ in MEASURED.points)
    found = ", ".join(f"[{fpir:g}, {tpir:.3f}]" for fpir, _, _, tpir in MEASURED.points)
    return f'''\
# Made by lfrd from weights that its dependencies carry; `lfrd models verify builtin` checks the digests.
schema = 1
name = "{NAME}"
version = "{VERSION}"
licence = "MIT (MTCNN); public domain, CC0 1.0 (dlib's face ResNet)"
origin = "PyPI: mtcnn 1.0.0; face-recognition-models 0.3.0 (dlib_face_recognition_resnet_model_v1.dat)"
card = """
Weaker than the zoo's pack, whose recogniser is newer: for a first run, for demonstrations, and where no other
pack may be used. TPIR, of {MEASURED.mated} mated searches of single
photographs on a list of {MEASURED.n + 1}: {rates}.
The calibration's scores were reached by {behind} of {MEASURED.non_mated} non-mated searches: the
last rest on few. Not measured on faces of a street, nor by age, sex or skin tone.
"""

[detector]
kind = "mtcnn"
colour = "rgb"
mean = [127.5, 127.5, 127.5]
scale = 0.0078125              # (pixel - mean) x scale
score = 0.7
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

[[calibration]]
n = {MEASURED.n}
non_mated = {MEASURED.non_mated}
data = "{MEASURED.data}"
points = [{points}]   # [FPIR, score]
mated = {MEASURED.mated}
tpir = [{found}]   # [FPIR, TPIR]
'''
