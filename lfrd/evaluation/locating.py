"""Finds the faces of portraits, so that their owners can walk in drawn clips."""

from __future__ import annotations

from lfrd.evaluation.cutout import Locate
from lfrd.inference import Inference
from lfrd.models import library
from lfrd.networks.onnx_runtime import Network
from lfrd.types import U8, Detections
from lfrd.vision.pack import Pack, make_detector
from lfrd.vision.picture import Picture


def located_by(inference: Inference) -> Locate:
    """By the detector that is open anyhow: the faces that are certain."""

    def locate(image: U8) -> Detections:
        found = inference.detect(Picture(image.copy(), planar=False), max(image.shape[:2]))
        return found[found.scores >= inference.high]

    return locate


def located_with(pack: Pack) -> Locate:
    """By the pack's detector alone, on one core. Raises what reading the pack does."""
    networks = {
        role: Network(pack.files[role], network, "cpu", 1)
        for role, network in library.networks(pack).items()
        if role != "recogniser"
    }
    detector = make_detector(pack.manifest, networks)
    return lambda picture: detector.detect(picture, pack.manifest.detector.score)
