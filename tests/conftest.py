"""What every test may use: the material beside the project, and people drawn at run time."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


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
