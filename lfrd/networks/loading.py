"""A pack's networks, ready to run as the settings say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from lfrd.config import Inference as InferenceSettings
from lfrd.networks import onnx_runtime, openvino_runtime
from lfrd.networks.workspace import Workspace
from lfrd.vision.adapters import Detector, Recogniser, Runner
from lfrd.vision.pack import Pack, make_detector, make_recogniser


class Loaded(NamedTuple):
    """workspaces: what the networks work in, for `forgetting` to empty."""

    detector: Detector
    recogniser: Recogniser
    workspaces: tuple[Workspace, ...]


def load(
    pack: Pack, networks: Callable[[Pack], Mapping[str, bytes]], settings: InferenceSettings, workers: int
) -> Loaded:
    """A pack's networks in sessions of their own. networks: reads and checks their files, by role. workers:
    threads that will call them. Blocks.

    Raises what `networks` raises, and ProviderError, SettingError or CorruptError.
    """
    runners: dict[str, Runner] = {}
    workspaces: tuple[Workspace, ...] = ()
    # On the CPU each worker runs one call on one core: load comes from many cameras, not from large calls.
    if settings.provider == openvino_runtime.NAME:
        for role, network in networks(pack).items():
            made = openvino_runtime.Network(pack.files[role], network, settings.precision, workers)
            runners[role], workspaces = made, (*workspaces, made.workspace)
    else:
        on_processor = settings.provider == "cpu"
        threads, arena = (1, onnx_runtime.arena()) if on_processor else (0, None)
        for role, network in networks(pack).items():
            runners[role] = onnx_runtime.Network(pack.files[role], network, settings.provider, threads, arena)
        workspaces = (arena,) if arena else ()
    recogniser = make_recogniser(pack.manifest, runners.pop("recogniser"))
    return Loaded(make_detector(pack.manifest, runners), recogniser, workspaces)
