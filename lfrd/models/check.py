"""Looks a pack over before anyone relies on it: digests, the ONNX files, and a blank run through them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort

from lfrd.errors import DigestError, LfrdError
from lfrd.models.batch import FixedBatchError, make_batch_dynamic
from lfrd.types import F32
from lfrd.vision.adapters import Runner
from lfrd.vision.pack import Pack, make_detector, make_recogniser

PICTURE = (192, 256)  # rows and columns of the blank picture that goes through the detector
FACES = 2  # blank faces that go through the recogniser together


def problems(pack: Pack) -> list[str]:
    """What is wrong with a pack's files, a line each; none where it is good."""
    found: list[str] = []
    runners: dict[str, Runner] = {}
    for role, path in pack.files.items():
        try:
            runners[role] = _runner(path, pack.digests[role], free=role == "recogniser")
        except LfrdError as error:
            found.append(str(error))
    if not found:
        recogniser = runners.pop("recogniser")
        found += _blank_run(lambda: _detect(pack, runners), pack.folder, "detector")
        found += _blank_run(lambda: _embed(pack, recogniser), pack.folder, "recogniser")
    return found


class _UnsoundError(LfrdError):
    """A file that ONNX Runtime cannot work with."""


def _runner(path: Path, wanted: str, *, free: bool) -> Runner:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _UnsoundError(f"{path}: cannot be read ({error.strerror}); install the pack again") from None
    digest = hashlib.sha256(content).hexdigest()
    if digest != wanted:
        raise DigestError(path, wanted, digest)
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's own errors, by version
        raise _UnsoundError(f"{path}: not a whole ONNX file ({type(error).__name__})") from None
    if any(weight.data_location == onnx.TensorProto.EXTERNAL for weight in model.graph.initializer):
        raise _UnsoundError(f"{path}: keeps weights in another file, which no digest covers; save it as one")
    try:
        onnx.checker.check_model(model)
        if free:
            content = make_batch_dynamic(content)
        options = ort.SessionOptions()
        options.log_severity_level = 4
        session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except FixedBatchError as error:
        raise _UnsoundError(f"{path}: takes one face at a time ({error})") from None
    except Exception as error:
        raise _UnsoundError(f"{path}: not a sound ONNX file ({_first_line(error)})") from None
    if len(session.get_inputs()) != 1:
        raise _UnsoundError(f"{path}: has {len(session.get_inputs())} inputs; one picture is all it will get")
    entry, outputs = session.get_inputs()[0].name, [output.name for output in session.get_outputs()]

    def run(inputs: Mapping[str, F32]) -> dict[str, F32]:
        return dict(zip(outputs, session.run(outputs, {entry: inputs["input"]}), strict=True))

    return run


def _detect(pack: Pack, runners: Mapping[str, Runner]) -> None:
    make_detector(pack.manifest, runners).detect(np.full((*PICTURE, 3), 127, np.uint8), 0.5)


def _embed(pack: Pack, runner: Runner) -> None:
    recogniser = make_recogniser(pack.manifest, runner)
    recogniser.embed(np.full((FACES, recogniser.size, recogniser.size, 3), 127, np.uint8))


def _blank_run(run: Callable[[], None], folder: Path, part: str) -> list[str]:
    try:
        run()
    except Exception as error:  # whatever ONNX Runtime or a decoder makes of a file that does not fit
        return [f"{folder}: {part}: does not run as pack.toml describes it ({_first_line(error)})"]
    return []


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
