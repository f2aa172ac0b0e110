"""Portraits in the public domain that installed packages carry: who walks by where nobody else is given."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from lfrd.errors import MissingError

ASTRONAUT = ("skimage", "data/astronaut.png")
ADMIRAL = ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg")


def portrait(package: str, path: str) -> Path:
    """The file, found without importing its package. Raises MissingError."""
    spec = importlib.util.find_spec(package)
    places = spec.submodule_search_locations if spec is not None else None
    found = Path(places[0]) / path if places else None
    if found is None or not found.exists():
        raise MissingError(f"a portrait from the package {package} is needed; pip install lfrd[demo]")
    return found
