"""The builtin pack's manifest: its numbers, its licences, and what was measured of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lfrd.vision.pack import Calibration, calibration_toml

NAME: Final = "builtin"
VERSION: Final = "3"
"""Raised with every change of the manifest: a pack of another version on the shelf is made anew."""

# Where eye centres, nose tip and mouth corners lie in an upright face, in units of dlib's face box.
FACE_POINTS: Final = ((0.2273, 0.2214), (0.7528, 0.2212), (0.490, 0.5156), (0.2541, 0.7802), (0.7261, 0.7802))
MARGIN: Final = 0.2
"""Room around the box, in its units. On the photographs of `CALIBRATIONS`, of each the face nearest the
centre, on a list of 999, it gave TPIRs of 0.875, 0.762, 0.570 and 0.421 at FPIR 0.1, 0.03, 0.01 and 0.003;
0.25, with which dlib itself frames, 0.857, 0.757, 0.576 and 0.240; 0.15, 0.869, 0.719, 0.572 and 0.311."""
SIZE: Final = 150

CALIBRATIONS: Final = (
    Calibration(
        kind="picture",
        n=796,
        non_mated=6332,
        people=970,
        lists=20,
        data="1,658 photographs of 996 people, 250 x 250 pixels; one picture a person on the list",
        digest="3f740c58a5611f709cd76b7c9084bbe676e8a3c8823234904ed82a562433b6fd",
        points=((0.1, 0.9383), (0.03, 0.9468), (0.01, 0.9529), (0.003, 0.9586)),
        intervals=((0.9371, 0.9394), (0.9445, 0.9485), (0.9498, 0.9563), (0.9557, 0.96)),
        extrapolated=(
            (0.001, 0.9674, 0.9589, 0.972),
            (0.0003, 0.975, 0.9616, 0.9805),
            (0.0001, 0.9819, 0.9637, 0.9884),
            (1e-05, 0.9965, 0.9663, 1.0),
        ),
        tail="exponential tail of 633 scores of 173 people above 0.9382; the generalised Pareto's shape is "
        "-0.08 (-0.26 to 0.06)",
        mated=10584,
        tpir=(
            (0.1, 0.8543),
            (0.03, 0.7619),
            (0.01, 0.6611),
            (0.003, 0.5291),
            (0.001, 0.2777),
            (0.0003, 0.0939),
            (0.0001, 0.0316),
            (1e-05, 0.0),
        ),
    ),
    Calibration(
        kind="track",
        n=724,
        non_mated=465,
        people=246,
        lists=1,
        data="368 passages of 250 of them through drawn clips: lfrd bench street --clips 10 --seconds 20 "
        "--seed 5 --sought 150 --strangers 100 --list 800",
        digest="9f7a2ad64d64c1ce984eaf4d3da8cb87f8ca340af07e348b37459a4d00cd7991",
        points=((0.1, 0.9448), (0.03, 0.951), (0.01, 0.9556)),
        intervals=((0.943, 0.9466), (0.9482, 0.9542), (0.9516, 0.9587)),
        extrapolated=(
            (0.003, 0.962, 0.9534, 0.9671),
            (0.001, 0.9675, 0.9544, 0.974),
            (0.0003, 0.9734, 0.955, 0.9815),
            (0.0001, 0.9789, 0.9555, 0.9884),
            (1e-05, 0.9904, 0.9556, 1.0),
        ),
        tail="exponential tail of 59 scores of 50 people above 0.9433; the generalised Pareto's shape is "
        "-0.20 (-0.59 to 0.02)",
        mated=212,
        tpir=(
            (0.1, 0.6085),
            (0.03, 0.4858),
            (0.01, 0.4151),
            (0.003, 0.2311),
            (0.001, 0.1274),
            (0.0003, 0.0472),
            (0.0001, 0.0236),
            (1e-05, 0.0),
        ),
    ),
)
"""What `lfrd calibrate --faces FACES --street CLIPS --seed 1` measured. Four people whom a second folder
seems to show as well are left out of both (docs/accuracy.md)."""


def template_points(margin: float = MARGIN) -> list[list[float]]:
    """The five points in pixels of the aligned face."""
    return [[round((v + margin) / (1 + 2 * margin) * SIZE, 4) for v in point] for point in FACE_POINTS]


def manifest(digests: Mapping[str, str]) -> str:
    """pack.toml. digests: SHA-256 by file name."""
    files = "".join(
        f'\n[detector.files.{stage}]\nfile = "{stage}.onnx"\nsha256 = "{digests[f"{stage}.onnx"]}"\n'
        for stage in ("pnet", "rnet", "onet")
    )
    pictures, tracks = CALIBRATIONS
    return f'''\
# Made by lfrd from weights that its dependencies carry; `lfrd models verify builtin` checks the digests.
schema = 1
name = "{NAME}"
version = "{VERSION}"
licence = "MIT (MTCNN); public domain, CC0 1.0 (dlib's face ResNet)"
origin = "PyPI: mtcnn 1.0.0; face-recognition-models 0.3.0 (dlib_face_recognition_resnet_model_v1.dat)"
card = """
Weaker than the zoo's pack, whose recogniser is newer: for a first run, for demonstrations, and where no other
pack may be used. TPIR of single photographs on a list of {pictures.n}: {_rates(pictures)}.
TPIR of passages through drawn street clips, list of {tracks.n}: {_rates(tracks)}.
Scores for rarer false alerts are extrapolated. Not measured on a real street, nor by age, sex or skin tone.
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
''' + "".join(map(calibration_toml, CALIBRATIONS))


def _rates(measured: Calibration) -> str:
    """TPIR at the FPIRs that were measured."""
    found = dict(measured.tpir)
    return ", ".join(f"{found[fpir]:.3f} at FPIR {fpir:g}" for fpir, _ in measured.points)
