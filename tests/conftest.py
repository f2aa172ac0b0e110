"""What every test may use: the material beside the project, and people drawn at run time."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

from lfrd.evaluation.locating import located_with
from lfrd.evaluation.street import Walker, make_clip
from lfrd.models import library
from lfrd.types import U8, Detections

# No time limits in tests. In CI the same examples each time: new ones are for whoever can look at them.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("LFRD_REQUIRE_ALL") else "here")

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of clips, faces and models beside the project; the test is skipped where it is absent."""
    if not (SHARED / "models" / "field" / "pack.toml").exists():
        pytest.skip("needs ../shared (models, faces, clips), which is not beside this checkout")
    return SHARED


def installed_file(package: str, path: str) -> Path:
    """A file that an installed package carries, without importing the package."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        pytest.skip(f"needs the package {package} (install lfrd[demo])")
    return Path(spec.submodule_search_locations[0]) / path


@pytest.fixture(scope="session")
def astronaut() -> Path:
    """A public-domain portrait of one person, from scikit-image."""
    return installed_file("skimage", "data/astronaut.png")


@pytest.fixture(scope="session")
def admiral() -> Path:
    """A public-domain portrait of another person, from matplotlib."""
    return installed_file("matplotlib", "mpl-data/sample_data/grace_hopper.jpg")


@pytest.fixture(scope="session")
def packs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the builtin pack in it, made once for all tests."""
    data = tmp_path_factory.mktemp("packs")
    library.ensure_builtin(data, lambda share, what: None)
    return data


@pytest.fixture(scope="session")
def builtin(packs: Path) -> Path:
    """The builtin pack's folder."""
    return library.open_pack("builtin", packs).folder


@pytest.fixture(scope="session")
def locate(builtin: Path) -> Callable[[U8], Detections]:
    """Finds the faces of a picture, to place people in clips; the builtin pack's detector."""
    return located_with(library.open_pack(str(builtin), builtin.parent))


@pytest.fixture(scope="session")
def street_clip(
    tmp_path_factory: pytest.TempPathFactory, astronaut: Path, locate: Callable[[U8], Detections]
) -> Path:
    """Seven seconds in which one person, the astronaut, walks by."""
    clip = tmp_path_factory.mktemp("clips") / "street.mp4"
    walker = Walker("astronaut", astronaut, enter=0.2, speed=1.3, far=30, near=110, lane=0.0)
    make_clip(clip, [walker], seconds=7.0, locate=locate, size=(960, 540), seed=3)
    return clip


def unavailable(reason: str) -> NoReturn:
    """Skip for want of a browser or an RTSP server; fail where all must run (LFRD_REQUIRE_ALL)."""
    if os.environ.get("LFRD_REQUIRE_ALL"):
        pytest.fail(reason)
    pytest.skip(reason)
