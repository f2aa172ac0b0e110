from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.config import Analysis
from lfrd.models import library
from lfrd.networks.onnx_runtime import Network
from lfrd.types import F32, U8, Detections, Quality, Refusal
from lfrd.vision.adapters import Detector
from lfrd.vision.alignment import ARCFACE_112
from lfrd.vision.dense import DenseDetector, Input
from lfrd.vision.pack import make_detector
from lfrd.vision.picture import Picture
from lfrd.vision.quality import Limits, examine, measure
from lfrd.vision.yunet import decoded
from tests.unit.vision import networks

LIMITS = Limits.of(Analysis())
ANYTHING = Limits(eye_distance=0, sharpness=0, pose=1, darkest=0, brightest=255, cut=1)
FRONTAL = np.array([[100, 100], [140, 100], [120, 122], [104, 144], [136, 144]], np.float32)
BOX = np.array([80, 60, 80, 110], np.float32)
FRAME = (640, 480)
RIGHT = np.array([200, 0], np.float32)


def detailed(n: int = 1, level: int = 128, spread: int = 60) -> U8:
    rng = np.random.default_rng(2)
    return np.clip(level + rng.integers(-spread, spread + 1, (n, 112, 112, 3)), 0, 255).astype(np.uint8)


def one(points: F32 = FRONTAL, box: F32 = BOX, aligned: U8 | None = None, limits: Limits = LIMITS) -> Quality:
    aligned = detailed() if aligned is None else aligned
    return measure(box[None], points[None], aligned, FRAME, limits)[0]


def test_a_frontal_face_of_good_light_and_detail_passes() -> None:
    quality = one()
    assert quality.refusal is None
    assert quality.eye_distance == 40
    assert quality.yaw == 0
    assert abs(quality.pitch) < 0.01
    assert quality.roll == 0
    assert quality.cut == 0
    assert 120 < quality.exposure < 136


def test_a_nose_under_an_eye_is_a_yaw_of_one() -> None:
    turned = FRONTAL.copy()
    turned[2, 0] = 140
    assert one(turned).yaw == 1
    turned[2, 0] = 110
    assert one(turned).yaw == pytest.approx(-0.5)
    turned[2, 0] = 90
    assert one(turned).yaw == -1


def test_a_nose_near_the_eyes_looks_up_and_near_the_mouth_down() -> None:
    tilted = FRONTAL.copy()
    tilted[2, 1] = 100
    assert one(tilted).pitch == -1
    tilted[2, 1] = 144
    assert one(tilted).pitch == 1


@given(st.floats(-80, 80), st.floats(0.2, 20), st.floats(-0.9, 0.9), st.floats(-0.9, 0.9))
def test_yaw_and_pitch_do_not_change_with_roll_and_size(
    degrees: float, scale: float, yaw: float, pitch: float
) -> None:
    face = FRONTAL.astype(np.float64).copy()
    face[2] = 120 + yaw * 20, 100 + (pitch + 1) / 2 * 44
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    quality = one(((face - face.mean(0)) @ turn.T * scale + 300).astype(np.float32), limits=ANYTHING)
    assert quality.yaw == pytest.approx(yaw, abs=1e-3)
    assert quality.pitch == pytest.approx(pitch, abs=1e-3)
    assert quality.roll == pytest.approx(degrees / 90, abs=1e-3)
    assert quality.eye_distance == pytest.approx(40 * scale, rel=1e-3)


def test_a_mirrored_face_has_the_opposite_yaw() -> None:
    turned = FRONTAL.copy()
    turned[2, 0] = 127
    mirrored = turned[[1, 0, 2, 4, 3]] * (-1, 1) + (640, 0)
    assert one(mirrored.astype(np.float32)).yaw == pytest.approx(-one(turned).yaw)


def test_an_upside_down_face_is_refused_for_its_pose() -> None:
    assert one((FRONTAL * (1, -1) + (0, 300)).astype(np.float32)).refusal is Refusal.POSE


@pytest.mark.parametrize(
    ("box", "share"),
    [
        ([80, 60, 80, 110], 0.0),
        ([-40, 0, 80, 100], 0.5),
        ([600, 430, 80, 100], 0.75),
        ([700, 0, 10, 10], 1.0),
    ],
)
def test_cut_is_the_share_of_the_box_outside_the_frame(box: list[float], share: float) -> None:
    assert one(box=np.array(box, np.float32)).cut == pytest.approx(share)


@pytest.mark.parametrize(
    ("shift", "share"),
    [
        ([0, 0], 0.0),
        ([-120, 0], 0.5),  # the eyes' middle on the left edge
        ([520, 0], 0.5),
        ([0, -115], 0.5),
        ([0, 365], 0.5),
        ([-120, -115], 0.75),
    ],
)
def test_a_box_that_ends_at_the_frame_hides_no_cut_from_the_points(shift: list[int], share: float) -> None:
    points = (FRONTAL + shift).astype(np.float32)
    low, high = np.clip([BOX[:2] + shift, BOX[:2] + BOX[2:] + shift], 0, FRAME)
    seen = np.concatenate([low, high - low]).astype(np.float32)
    assert one(points, seen).cut == pytest.approx(share, abs=0.02)


@given(st.floats(-180, 180), st.floats(-1, 1), st.floats(-1, 1), st.floats(0.1, 1))
def test_no_head_in_the_middle_of_the_frame_is_cut_however_it_is_turned(
    degrees: float, yaw: float, pitch: float, narrow: float
) -> None:
    face = FRONTAL.astype(np.float64) - FRONTAL.mean(axis=0)
    face[2] += yaw * 20, pitch * 22
    face[:, 0] *= narrow
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert one((face @ turn.T + (320, 240)).astype(np.float32)).cut == 0


def test_each_reason_is_given_for_what_it_says() -> None:
    turned = FRONTAL.copy()
    turned[2, 0] = 138
    small = ((FRONTAL - 120) * 0.3 + 120).astype(np.float32)
    assert one(turned).refusal is Refusal.POSE
    assert one(small).refusal is Refusal.SMALL
    assert one(box=np.array([-40, 60, 80, 110], np.float32)).refusal is Refusal.CUT
    assert one(aligned=detailed(level=10, spread=9)).refusal is Refusal.DARK
    assert one(aligned=detailed(level=246, spread=9)).refusal is Refusal.BRIGHT
    assert one(aligned=np.full((1, 112, 112, 3), 128, np.uint8)).refusal is Refusal.BLURRED


def test_a_turned_head_is_refused_for_its_pose_although_its_eyes_are_close() -> None:
    profile = FRONTAL.copy()
    profile[:, 0] = [100, 106, 118, 104, 108]
    quality = one(profile)
    assert quality.eye_distance < LIMITS.eye_distance
    assert quality.refusal is Refusal.POSE


def test_a_dark_face_is_called_dark_and_not_blurred() -> None:
    assert one(aligned=np.full((1, 112, 112, 3), 5, np.uint8)).refusal is Refusal.DARK


def test_blurring_a_face_lowers_its_sharpness() -> None:
    face = detailed()
    found = [one(aligned=face).sharpness]
    for _ in range(4):
        face = cv2.GaussianBlur(face[0], (0, 0), 1.0)[None].astype(np.uint8)
        found.append(one(aligned=face).sharpness)
    assert found == sorted(found, reverse=True)
    assert found[-1] < found[0] / 10


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, 1e20])
def test_points_of_no_face_are_refused_and_not_a_crash(value: float) -> None:
    points = np.stack([np.full((5, 2), value, np.float32), FRONTAL])
    found = Detections(np.stack([BOX, BOX]), points, np.array([0.9, 0.8], np.float32))
    image = cv2.resize(detailed()[0], FRAME).astype(np.uint8)
    bad, good = examine(Picture(image, planar=False), found, 112, ARCFACE_112, ANYTHING)
    assert bad.quality.refusal is Refusal.POSE
    assert bad.aligned is None
    assert good.quality.refusal is None


def test_only_faces_that_pass_are_aligned_and_each_has_a_buffer_of_its_own() -> None:
    small = ((FRONTAL - 120) * 0.2 + 120).astype(np.float32)
    found = Detections(
        np.stack([BOX, BOX, BOX + np.append(RIGHT, [0, 0])]).astype(np.float32),
        np.stack([FRONTAL, small, FRONTAL + RIGHT]).astype(np.float32),
        np.array([0.9, 0.8, 0.7], np.float32),
    )
    image = np.random.default_rng(4).integers(60, 200, (480, 640, 3), dtype=np.uint8)
    first, refused, last = examine(Picture(image, planar=False), found, 112, ARCFACE_112, LIMITS)
    assert [f.quality.refusal for f in (first, refused, last)] == [None, Refusal.SMALL, None]
    assert refused.aligned is None
    assert first.aligned is not None
    assert last.aligned is not None
    kept = last.aligned.copy()
    first.wipe()
    assert np.array_equal(last.aligned, kept)
    assert first.score == pytest.approx(0.9)
    assert first.box.width == 80


def test_a_picture_without_faces_gives_none() -> None:
    picture = Picture(np.zeros((48, 64, 3), np.uint8), planar=False)
    assert examine(picture, Detections.none(), 112, ARCFACE_112, LIMITS) == []


def test_a_camera_s_own_eye_distance_stands_above_the_site_s() -> None:
    assert Limits.of(Analysis()).eye_distance == Analysis().eye_distance_pixels
    assert Limits.of(Analysis(), 40.0).eye_distance == 40.0
    assert Limits.of(Analysis(), 0.0).eye_distance == 0.0


def test_packs_of_different_framing_measure_the_same_sharpness(astronaut: Path) -> None:
    image = cv2.imread(str(astronaut))
    assert image is not None
    picture = Picture(image.astype(np.uint8), planar=False)
    points = np.array([[[206, 113], [245, 109], [229, 138], [210, 150], [245, 148]]], np.float32)
    found = Detections(np.array([[180, 60, 90, 120]], np.float32), points, np.ones(1, np.float32))
    other = (ARCFACE_112 * 1.5 - (9, 18)).astype(np.float32)
    one_pack = examine(picture, found, 112, ARCFACE_112, ANYTHING)[0].quality
    other_pack = examine(picture, found, 150, other, ANYTHING)[0].quality
    assert other_pack.sharpness == pytest.approx(one_pack.sharpness, rel=0.35)
    assert other_pack.exposure == pytest.approx(one_pack.exposure, rel=0.05)


def largest(image: U8, detector: Detector) -> Quality:
    found = detector.detect(image, 0.6)
    faces = examine(Picture(image, planar=False), found, 112, ARCFACE_112, LIMITS)
    return max(faces, key=lambda face: face.box.area).quality


@pytest.fixture(scope="module")
def detector(shared: Path) -> DenseDetector:
    content = (shared / "models" / "field" / "yunet_n_dynamic.onnx").read_bytes()
    return DenseDetector(networks.runner(content), Input(False, (0, 0, 0), 1.0), decoded, nms_iou=0.3)


def test_the_default_limits_pass_nearly_all_portraits(shared: Path, detector: DenseDetector) -> None:
    pictures = sorted((shared / "faces").glob("*/1.jpg"))[::20]
    refusals = []
    for path in pictures:
        image = cv2.imread(str(path))
        assert image is not None
        refusals.append(largest(image.astype(np.uint8), detector).refusal)
    assert len(pictures) - refusals.count(None) <= 0.06 * len(pictures)
    assert Refusal.CUT not in refusals


@pytest.fixture(scope="module")
def mtcnn(builtin: Path) -> Detector:
    pack = library.open_pack(str(builtin), builtin.parent)
    networks = library.networks(pack)
    runners = {role: Network(pack.files[role], data, "cpu", 1) for role, data in networks.items()}
    return make_detector(pack.manifest, runners)


def cropped(image: U8, box: F32, side: str, share: float) -> U8:
    """The picture, ended where it cuts off this share of the box's width or height."""
    x, y, width, height = (float(value) for value in box)
    sides = {
        "left": (slice(None), slice(max(0, round(x + share * width)), None)),
        "right": (slice(None), slice(0, round(x + width - share * width))),
        "top": (slice(max(0, round(y + share * height)), None), slice(None)),
        "bottom": (slice(0, round(y + height - share * height)), slice(None)),
    }
    return np.ascontiguousarray(image[sides[side]])


@pytest.mark.parametrize("pack", ["detector", "mtcnn"])
def test_a_portrait_that_the_frame_cuts_is_refused_and_one_that_it_touches_is_not(
    shared: Path, pack: str, request: pytest.FixtureRequest
) -> None:
    """Either detector, every side: 30 % and more of the face's box gone, and 5 %."""
    finder: Detector = request.getfixturevalue(pack)
    cut: dict[tuple[str, float], list[bool]] = {}
    for path in sorted((shared / "faces").glob("*/1.jpg"))[::40]:
        image = cv2.imread(str(path))
        assert image is not None
        found = finder.detect(image.astype(np.uint8), 0.6)
        middle = found.boxes[:, :2] + found.boxes[:, 2:] / 2 - np.array(image.shape[1::-1]) / 2
        box = found.boxes[np.argmin(np.hypot(*middle.T))]
        for side, share in itertools.product(("left", "right", "top", "bottom"), (0.05, 0.3, 0.4)):
            part = cropped(image.astype(np.uint8), box, side, share)
            if len(finder.detect(part, 0.6)):
                cut.setdefault((side, share), []).append(largest(part, finder).refusal is Refusal.CUT)
    for (side, share), refused in cut.items():
        assert len(refused) >= 10, (side, share)
        if share == 0.05:
            assert sum(refused) <= 2, (side, share, refused)
        else:
            assert len(refused) - sum(refused) <= 1, (side, share, refused)


def test_the_default_limits_pass_person_a_near_and_far(shared: Path, detector: DenseDetector) -> None:
    clip = cv2.VideoCapture(str(shared / "video" / "stage.mp4"))
    try:
        for number in range(181):
            read, image = clip.read()
            assert read
            if number in (0, 10, 90, 120, 150, 180):
                assert largest(image.astype(np.uint8), detector).refusal is None, number
    finally:
        clip.release()
