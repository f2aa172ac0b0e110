from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.errors import CorruptError
from lfrd.vision.pack import (
    Calibration,
    Manifest,
    MtcnnPart,
    Pack,
    YunetPart,
    calibration_toml,
    make_detector,
    make_recogniser,
    parse_manifest,
)
from tests.unit.vision import networks

DIGEST = "a" * 64
WHERE = Path("packs/small/pack.toml")

GOOD = f"""
schema = 1
name = "small"
version = "1"
licence = "MIT"
origin = "made for a test"

[detector]
kind = "yunet"
file = "detector.onnx"
sha256 = "{DIGEST}"
colour = "bgr"
mean = [0, 0, 0]
scale = 1
score = 0.6
nms_iou = 0.3

[recogniser]
kind = "arcface"
file = "recogniser.onnx"
sha256 = "{DIGEST}"
colour = "rgb"
size = 112
mean = [127.5, 127.5, 127.5]
std = [128, 128, 128]
alignment = "arcface-112"
mirror = false
dim = 128

[[calibration]]
n = 1000
non_mated = 5000
data = "people"
points = [[0.1, 0.4], [0.01, 0.5]]
"""

MTCNN = "".join(
    f'[detector.files.{name}]\nfile = "{name}.onnx"\nsha256 = "{DIGEST}"\n'
    for name in ("pnet", "rnet", "onet")
)


def parsed(text: str = GOOD) -> Manifest:
    return parse_manifest(text, WHERE)


def problem(old: str, new: str) -> str:
    """What is said about the good manifest with one thing changed."""
    assert old in GOOD
    with pytest.raises(CorruptError) as caught:
        parsed(GOOD.replace(old, new, 1))
    assert str(caught.value).startswith(f"{WHERE}: ")
    assert "\n" not in str(caught.value)
    return caught.value.problem


def test_a_good_manifest_is_read_with_its_numbers() -> None:
    manifest = parsed()
    assert isinstance(manifest.detector, YunetPart)
    assert manifest.detector.score == 0.6
    assert manifest.recogniser.std == (128.0, 128.0, 128.0)
    assert manifest.calibration[0].points == ((0.1, 0.4), (0.01, 0.5))
    pack = Pack(Path("somewhere"), manifest)
    assert pack.files == {
        "detector": Path("somewhere/detector.onnx"),
        "recogniser": Path("somewhere/recogniser.onnx"),
    }
    assert pack.digests == {"detector": DIGEST, "recogniser": DIGEST}


def test_the_field_pack_s_manifest_is_valid(shared: Path) -> None:
    path = shared / "models" / "field" / "pack.toml"
    manifest = parse_manifest(path.read_text(encoding="utf-8"), path)
    assert manifest.name == "field"
    assert manifest.calibration[0].points[-1] == (0.001, 0.551)


def test_three_networks_of_a_cascade_are_listed_by_role() -> None:
    detector = GOOD.index("[detector]")
    recogniser = GOOD.index("[recogniser]")
    text = GOOD[:detector] + '[detector]\nkind = "mtcnn"\n' + MTCNN + GOOD[recogniser:]
    manifest = parsed(text)
    assert isinstance(manifest.detector, MtcnnPart)
    assert list(manifest.files) == ["pnet", "rnet", "onet", "recogniser"]
    with pytest.raises(CorruptError, match=r"detector\.files\.onet: missing"):
        parsed(text.replace("[detector.files.onet]", "[detector.files.pnet2]"))
    extra = '[detector.files.qnet]\nfile = "q.onnx"\nsha256 = "' + DIGEST + '"\n'
    with pytest.raises(CorruptError, match=r"detector\.files\.qnet: unknown key; did you mean"):
        parsed(text.replace("[recogniser]", extra + "[recogniser]"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("nms_iou", "nms_iuo", "detector.nms_iuo: unknown key; did you mean 'nms_iou'?"),
        ("mirror", "miror", "recogniser.miror: unknown key; did you mean 'mirror'?"),
        ("non_mated", "nonmated", "calibration[0].nonmated: unknown key; did you mean 'non_mated'?"),
        ("licence", "license", "license: unknown key; did you mean 'licence'?"),
        ('version = "1"\n', "", "version: missing"),
        ("dim = 128\n", "", "recogniser.dim: missing"),
        (f'sha256 = "{DIGEST}"\n', "", "detector.sha256: missing"),
        ("schema = 1", "schema = 2", "schema: unknown value 2"),
        ("mean = [0, 0, 0]", "mean = [0, 0]", "detector.mean: expected list of length 3"),
        ("mean = [0, 0, 0]", "mean = [0, 0, nan]", "detector.mean: must be finite numbers"),
        ("scale = 1", "scale = 0", "detector.scale: must be above 0"),
        ("score = 0.6", "score = 1.6", "detector.score: expected number <= 1.0"),
        ("std = [128, 128, 128]", "std = [128, 0, 128]", "recogniser.std: each must be above 0"),
        ('kind = "yunet"', 'kind = "retina"', "detector.kind: unknown value 'retina'"),
        ('alignment = "arcface-112"', 'alignment = "points"', "recogniser.points: missing"),
        (DIGEST, DIGEST[1:], "detector.sha256: must be 64 hexadecimal digits"),
        ("detector.onnx", "../detector.onnx", "detector.file: must be a plain file name"),
        ("detector.onnx", "/etc/passwd", "detector.file: must be a plain file name"),
        ("detector.onnx", ".hidden", "detector.file: must be a plain file name"),
        ('name = "small"', 'name = "../small"', "name: must be letters"),
        ("n = 1000", "n = 0", "calibration[0].n: expected whole number >= 1"),
        ("[0.01, 0.5]", "[0.1, 0.5]", "calibration[0].points: FPIR must fall"),
        ("[0.01, 0.5]", "[0.01, 0.3]", "calibration[0].points: the score must rise"),
        ("[0.01, 0.5]", "[0.0, 0.5]", "calibration[0].points: each FPIR must be above 0"),
        ("[0.01, 0.5]", "[0.01, 1.5]", "calibration[0].points: each score must lie between"),
        ("[0.01, 0.5]", "[0.01, nan]", "calibration[0].points: each score must lie between"),
        ("schema = 1", "schema = = 1", "not valid TOML"),
    ],
)
def test_each_mistake_is_named_by_its_key(old: str, new: str, said: str) -> None:
    assert problem(old, new).startswith(said)


def test_points_go_with_the_alignment_of_that_name_only() -> None:
    points = "points = [[20, 20], [60, 20], [40, 40], [25, 60], [55, 60]]\n"
    assert problem("mirror", points + "mirror").startswith("recogniser.points: only goes with")
    text = GOOD.replace('"arcface-112"', '"points"').replace("mirror", points + "mirror")
    assert parsed(text).recogniser.template_points.tolist()[2] == [40, 40]


def test_the_arcface_template_grows_with_the_face() -> None:
    half = parsed(GOOD.replace("size = 112", "size = 56"))
    np.testing.assert_allclose(
        half.recogniser.template_points * 2, parsed().recogniser.template_points, rtol=1e-6
    )


def test_the_digest_changes_with_what_decides_a_score_and_with_nothing_else() -> None:
    same = parsed(GOOD.replace("[0.01, 0.5]", "[0.01, 0.6]").replace('version = "1"', 'version = "2"'))
    assert same.digest == parsed().digest
    assert parsed(GOOD.replace('colour = "rgb"', 'colour = "bgr"')).digest != parsed().digest


@given(
    st.lists(st.floats(1e-6, 1), min_size=1, max_size=6, unique=True),
    st.lists(st.floats(-1, 1), min_size=6, max_size=6),
    st.text(min_size=1, max_size=30),
)
def test_an_appended_calibration_is_read_back(fpirs: list[float], scores: list[float], data: str) -> None:
    points = tuple(zip(sorted(fpirs, reverse=True), sorted(scores), strict=False))
    added = Calibration(n=20000, non_mated=7, data=data, points=points)
    assert parsed(GOOD + calibration_toml(added)).calibration[1] == added


def test_what_is_made_of_a_manifest_works_with_its_networks() -> None:
    manifest = parsed(GOOD.replace("size = 112", "size = 16").replace("dim = 128", "dim = 8"))
    recogniser = make_recogniser(manifest, networks.runner(networks.recogniser()))
    assert (recogniser.size, recogniser.dim) == (16, 8)
    assert recogniser.embed(np.full((3, 16, 16, 3), 90, np.uint8)).shape == (3, 8)
    empty = {
        f"{part}_{stride}": np.zeros((1, (64 // stride) ** 2, sides), np.float32)
        for stride in (8, 16, 32)
        for part, sides in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10))
    }
    detector = make_detector(manifest, {"detector": networks.runner(networks.answers(empty))})
    assert len(detector.detect(np.zeros((60, 50, 3), np.uint8), 0.3)) == 0


def test_a_manifest_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        parsed().name = "other"  # type: ignore[misc]
    assert msgspec.structs.replace(parsed(), name="other").name == "other"


BEYOND = (
    GOOD
    + """kind = "track"
people = 240
lists = 20
digest = "DIGEST"
intervals = [[0.39, 0.41], [0.48, 0.55]]
extrapolated = [[0.001, 0.6, 0.55, 0.8], [0.0001, 0.6, 0.56, 0.9]]
tail = "exponential"
""".replace("DIGEST", "c" * 64)
)


def test_a_calibration_may_say_what_it_is_of_and_what_lies_beyond_it() -> None:
    (row,) = parsed(BEYOND).calibration
    assert (row.kind, row.people, row.lists, row.digest) == ("track", 240, 20, "c" * 64)
    assert row.extrapolated[0] == (0.001, 0.6, 0.55, 0.8)
    (plain,) = parsed(GOOD).calibration
    assert (plain.kind, plain.people, plain.extrapolated) == ("picture", 0, ())
    assert parsed(BEYOND).digest == parsed(GOOD).digest, "the model is the same"
    assert parsed(GOOD.partition("[[calibration]]")[0] + calibration_toml(row)).calibration == (row,)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"track"', '"walk"', "calibration[0].kind: unknown value"),
        ("c" * 64, "cc", "calibration[0].digest: "),
        ("intervals = [[0.39, 0.41], ", "intervals = [", "intervals: must be as many as points"),
        ("[0.39, 0.41]", "[0.41, 0.42]", "intervals: each must hold its point's score"),
        (
            "[0.001, 0.6, 0.55, 0.8]",
            "[0.01, 0.6, 0.55, 0.8]",
            "extrapolated: FPIR must fall and the score rise",
        ),
        ("[0.001, 0.6, 0.55, 0.8]", "[0.001, 0.49, 0.4, 0.8]", "extrapolated: FPIR must fall and the score"),
        ("[0.001, 0.6, 0.55, 0.8]", "[0.001, 0.6, 0.65, 0.8]", "extrapolated: each must be an FPIR above 0"),
        ("[0.001, 0.6, 0.55, 0.8]", "[0.001, 0.6, 0.55, nan]", "extrapolated: each must be an FPIR above 0"),
        ("[0.001, 0.6, 0.55, 0.8]", "[0.001, 0.6]", "calibration[0].extrapolated"),
        ("people = 240", "people = -1", "calibration[0].people"),
    ],
)
def test_a_calibration_that_cannot_be_is_refused_by_its_key(old: str, new: str, says: str) -> None:
    assert old in BEYOND
    with pytest.raises(CorruptError) as caught:
        parsed(BEYOND.replace(old, new, 1))
    assert says in caught.value.problem
