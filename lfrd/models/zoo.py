"""The pack `zoo`: YuNet and SFace of the OpenCV Zoo, fetched from there, from a mirror or from a folder."""

from __future__ import annotations

from pathlib import Path

from lfrd.errors import MissingError
from lfrd.models.download import Wanted, check_address, fetch
from lfrd.models.shelf import Progress, changing, copy_checked, put_in_place, shelf, writing
from lfrd.vision.pack import MANIFEST, Manifest, Pack, parse_manifest

NAME = "zoo"

# The zoo keeps its files in Git LFS; this address serves the files themselves and not LFS's pointers to them.
ORIGIN = "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models"

DETECTOR = Wanted(
    "face_detection_yunet_2023mar.onnx",
    f"{ORIGIN}/face_detection_yunet/face_detection_yunet_2023mar.onnx",
    232_589,
    "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
)
RECOGNISER = Wanted(
    "face_recognition_sface_2021dec.onnx",
    f"{ORIGIN}/face_recognition_sface/face_recognition_sface_2021dec.onnx",
    38_696_353,
    "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
)
FILES = (DETECTOR, RECOGNISER)

TEXT = f"""\
# The OpenCV Zoo's face detector and recogniser, as a model pack of lfrd.
schema = 1
name = "{NAME}"
version = "2023mar-2021dec"
licence = "MIT (YuNet), Apache-2.0 (SFace)"
origin = "OpenCV Zoo, models/face_detection_yunet and models/face_recognition_sface"
card = \"\"\"
No calibration was measured for this pack: its scores say nothing yet about false alerts. Live use needs a
calibration on other people's pictures at the size of the list, or a threshold set by hand
(decision.threshold) by someone who answers for it. The detector's file takes 640 x 640 pixels only: larger
frames are scaled down to fit, so small faces are found later than with a detector of free size.
\"\"\"

[detector]
kind = "yunet"
file = "{DETECTOR.name}"
sha256 = "{DETECTOR.sha256}"
colour = "bgr"
mean = [0.0, 0.0, 0.0]
scale = 1.0
score = 0.6
nms_iou = 0.3
fixed_size = [640, 640]

[recogniser]
kind = "arcface"
file = "{RECOGNISER.name}"
sha256 = "{RECOGNISER.sha256}"
colour = "rgb"
size = 112
mean = [0.0, 0.0, 0.0]
std = [1.0, 1.0, 1.0]
alignment = "arcface-112"
mirror = false
dim = 128
"""


def manifest(text: str = TEXT) -> Manifest:
    """The pack's manifest, whether or not it is installed."""
    return parse_manifest(text, Path(MANIFEST))


def install_zoo(
    data: Path,
    source: str | None,
    progress: Progress,
    *,
    files: tuple[Wanted, ...] = FILES,
    text: str = TEXT,
) -> Pack:
    """Install the zoo's pack, or another whose manifest `text` lists exactly `files`.

    source: None for the zoo's own addresses; https://… of a mirror that serves the files under their names;
    or a folder that holds them. A download that broke off is resumed by the next call. Raises DownloadError,
    MissingError, DigestError or StoreError.
    """
    name = manifest(text).name
    whole = sum(wanted.size for wanted in files)
    with changing(data):
        stage = shelf(data) / f".{name}.download"  # outlives a failure, so that the rest can be fetched later
        with writing(stage):
            stage.mkdir(exist_ok=True)
            for stray in stage.iterdir():
                if not any(stray.name.startswith(wanted.name) for wanted in files):
                    stray.unlink()
        before = 0
        for wanted in files:

            def report(file: str, done: int, before: int = before) -> None:
                progress((before + done) / whole, file)

            if source is None or "://" in source:
                fetch(wanted if source is None else _mirrored(wanted, source), stage, report)
            else:
                _copy(wanted, Path(source).expanduser(), stage)
                report(wanted.name, wanted.size)
            before += wanted.size
        with writing(stage):
            (stage / MANIFEST).write_text(text, encoding="utf-8")
        return put_in_place(stage, name, data)


def _mirrored(wanted: Wanted, base: str) -> Wanted:
    check_address(base)
    return Wanted(wanted.name, f"{base.rstrip('/')}/{wanted.name}", wanted.size, wanted.sha256)


def _copy(wanted: Wanted, folder: Path, stage: Path) -> None:
    if not folder.is_dir():
        raise MissingError(f"{folder}: no such folder; --from takes a folder or an https:// address")
    if not (folder / wanted.name).is_file():
        raise MissingError(f"{folder / wanted.name}: no such file; --from needs {wanted.name} in that folder")
    copy_checked(folder / wanted.name, stage / wanted.name, wanted.sha256)
