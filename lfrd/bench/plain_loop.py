"""The loop that anybody would write first, to compare with: every frame searched, every face compared.

OpenCV decodes and converts whole frames, the detector sees each of them at 960 x 540, every face is aligned
and embedded by itself and compared with the list, and one face above the threshold is an alert. Nothing is
tracked, chosen, batched, dropped or erased.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort

from lfrd.errors import MissingError
from lfrd.evaluation.counting import Hit
from lfrd.gallery.index import Gallery
from lfrd.types import F32, U8, Box
from lfrd.vision.adapters import Runner
from lfrd.vision.alignment import align
from lfrd.vision.pack import Pack, make_detector, make_recogniser
from lfrd.vision.picture import Picture

SIZE = 960, 540
"""Width and height at which the detector sees a frame."""


@dataclass(slots=True)
class Run:
    """seconds: of this machine's clock."""

    frames: int = 0
    faces: int = 0
    seconds: float = 0.0
    hits: list[Hit] = field(default_factory=list)


class PlainLoop:
    def __init__(self, pack: Pack, networks: Mapping[str, bytes], threads: int = 2) -> None:
        """networks: the pack's `library.originals`. threads: of each ONNX Runtime session."""
        runners = {role: _runner(network, threads) for role, network in networks.items()}
        self._recogniser = make_recogniser(pack.manifest, runners.pop("recogniser"))
        self._detector = make_detector(pack.manifest, runners)
        self._score = pack.manifest.detector.score

    def run(
        self, clip: Path, gallery: Gallery, threshold: float, progress: Callable[[int], object] = id
    ) -> Run:
        """Every frame of a clip. progress: told the frames so far. Raises MissingError where OpenCV cannot
        read it."""
        made = Run()
        video = cv2.VideoCapture(str(clip))
        try:
            began = time.perf_counter()
            while True:
                at = made.frames / (video.get(cv2.CAP_PROP_FPS) or 25.0)
                there, frame = video.read()
                if not there:
                    break
                made.frames += 1
                self._look(np.asarray(frame, np.uint8), at, gallery, threshold, made)
                progress(made.frames)
            made.seconds = time.perf_counter() - began
        finally:
            video.release()
        if not made.frames:
            raise MissingError(f"{clip}: not a video that OpenCV can read")
        return made

    def _look(self, frame: U8, at: float, gallery: Gallery, threshold: float, made: Run) -> None:
        stretch = np.array([frame.shape[1] / SIZE[0], frame.shape[0] / SIZE[1]], np.float32)
        small = np.asarray(cv2.resize(frame, SIZE), np.uint8)
        found = self._detector.detect(small, self._score)
        target, size = self._recogniser.template_points, self._recogniser.size
        aligned = align(Picture(frame, planar=False), found.points * stretch, target, size)
        for face, box in zip(aligned, found.boxes * np.tile(stretch, 2), strict=True):
            made.faces += 1
            vector = self._recogniser.embed(face[None])
            if not vector.any():
                continue
            for best in gallery.search(vector, count=1)[0]:
                if best.score >= threshold:
                    made.hits.append(Hit(best.nominal, at, Box(*(float(side) for side in box))))


def _runner(network: bytes, threads: int) -> Runner:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = ort.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    outputs = [output.name for output in session.get_outputs()]

    def run(inputs: Mapping[str, F32]) -> dict[str, F32]:
        return dict(zip(outputs, session.run(outputs, {name: inputs["input"]}), strict=True))

    return run
