"""A pack's networks, ready to run as the settings say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from lfrd.config import Inference as InferenceSettings
from lfrd.networks.onnx_runtime import Network, arena
from lfrd.networks.workspace import Workspace
from lfrd.vision.adapters import Detector, Recogniser, Runner
from lfrd.vision.pack import Pack, make_detector, make_recogniser


class Loaded(NamedTuple):
    """workspaces: what the networks work in, for `forgetting` to empty."""

    detector: Detector
    recogniser: Recogniser
    workspaces: tuple[Workspace, ...]


def load(pack: Pack, networks: Callable[[Pack], Mapping[str, bytes]], settings: InferenceSettings) -> Loaded:
    """A pack's networks in sessions of their own. networks: reads and checks their files, by role.
    Blocks. Raises what that raises, and ProviderError or CorruptError."""
    # On the CPU each worker runs one call on one core: load comes from many cameras, not from large calls.
    on_processor = settings.provider == "cpu"
    threads, workspace = (1, arena()) if on_processor else (0, None)
    runners: dict[str, Runner] = {
        role: Network(pack.files[role], network, settings.provider, threads, workspace)
        for role, network in networks(pack).items()
    }
    recogniser = make_recogniser(pack.manifest, runners.pop("recogniser"))
    detector = make_detector(pack.manifest, runners)
    return Loaded(detector, recogniser, (workspace,) if workspace else ())
