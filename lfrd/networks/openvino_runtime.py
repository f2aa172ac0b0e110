"""A network in OpenVINO, Intel's own runtime: in bfloat16 where the processor has units for it.

Measured choices: docs/providers.md.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import LifoQueue
from types import ModuleType
from typing import Any

import numpy as np

from lfrd.config import Precision
from lfrd.errors import ProviderError, SettingError
from lfrd.networks.refusal import not_loaded, not_run
from lfrd.networks.workspace import Workspace
from lfrd.types import F32

NAME = "openvino"

_HINTS: dict[Precision, str] = {"float32": "f32", "bfloat16": "bf16"}
_CAPABILITY = "BF16"
_UNWANTED = ("openvino_telemetry", "openvino.tools.ovc")
"""What counts users at its maker's, and the converter that loads it."""


class Network:
    """One ONNX file: a `Runner` whose single input is called `input` whatever the file calls it. As many
    calls run at once as there are workers, each in its caller's own thread; another one waits.

    workspace: what activations lie in. Inputs are the caller's own memory; outputs are copied, and
    overwritten where OpenVINO keeps them for the next call.
    """

    def __init__(self, path: Path, network: bytes, precision: Precision, workers: int) -> None:
        """network: the file's bytes; path: where they came from, for errors.

        Raises ProviderError where OpenVINO is not installed, SettingError where this processor does not
        compute in `precision`, or CorruptError.
        """
        openvino, core = library(), _core()
        if precision == "bfloat16":
            require_bfloat16(_capabilities())
        options = {
            # Left to itself, OpenVINO takes bfloat16 wherever it can: scores would depend on the machine.
            "INFERENCE_PRECISION_HINT": _HINTS[precision],
            # No threads of its own. With streams, a call is handed to another thread and back, and an error
            # reached whoever else was calling (docs/providers.md); so each worker has a compilation instead.
            "NUM_STREAMS": 0,
            "INFERENCE_NUM_THREADS": 1,
            "ENABLE_CPU_PINNING": False,  # decoders want the cores as well
        }
        self._path = path
        try:
            read = core.read_model(network)
            compiled = functools.partial(core.compile_model, read, "CPU", options)
            self._outputs = [output.get_any_name() for output in read.outputs]
            self._lanes = [_Lane(compiled, openvino.Tensor, len(self._outputs)) for _ in range(workers)]
        except Exception as error:
            raise not_loaded(path, "OpenVINO", error) from None
        self._free: LifoQueue[_Lane] = LifoQueue()  # the one used last comes first: it is warm
        for lane in self._lanes:
            self._free.put(lane)
        self.workspace = Workspace(self._empty)

    def __call__(self, inputs: Mapping[str, F32]) -> dict[str, F32]:
        """Raises CorruptError where the network refuses its input: the manifest describes another one."""
        try:
            with self.workspace.call():
                lane = self._free.get()
                try:
                    return dict(zip(self._outputs, lane.run(inputs["input"]), strict=True))
                finally:
                    self._free.put(lane)
        except Exception as error:  # OpenVINO's are RuntimeErrors
            raise not_run(self._path, error) from None

    def _empty(self) -> None:
        failures = []
        for lane in self._lanes:
            try:
                lane.empty()
            except Exception as error:
                failures.append(error)
        if failures:
            raise failures[0]


class _Lane:
    """One compilation of a network and its infer request: for one call at a time."""

    def __init__(self, compiled: Callable[[], Any], tensor: Any, outputs: int) -> None:
        self._compiled = compiled
        self._tensor = tensor  # OpenVINO's
        self._outputs = outputs  # how many
        self._request = compiled().create_infer_request()
        self._seen: tuple[int, ...] = ()  # largest sides of inputs since it was emptied; none: it is empty

    def run(self, batch: F32) -> list[F32]:
        """Outputs in the network's order."""
        batch = np.ascontiguousarray(batch)
        self._seen = tuple(map(max, batch.shape, self._seen or batch.shape))
        try:
            self._request.set_input_tensor(self._tensor(batch, shared_memory=True))
            self._request.infer(share_outputs=True)  # or it makes copies of them that nobody wipes
        except Exception:
            # Where a call failed inside, the next one of a shape seen before fails as well.
            self._request = self._compiled().create_infer_request()
            self._seen = ()
            raise
        return [self._taken(number) for number in range(self._outputs)]

    def _taken(self, number: int) -> F32:
        output = self._request.get_output_tensor(number).data
        copy = np.array(output, np.float32)
        output.fill(0)
        return copy

    def empty(self) -> None:
        """Give back what activations lie in, which the C library overwrites (docs/erasure.md)."""
        if not self._seen:
            return
        # What is not given back, and what is too small for the C library to overwrite, is written anew in the
        # next call: in a blank one, as large as any before. In bfloat16 that is rows of the input, which
        # kernels keep; a template, in any precision.
        self.run(np.zeros(self._seen, np.float32))
        self._request.get_compiled_model().release_memory()
        self._seen = ()


def library() -> ModuleType:
    """OpenVINO's Python package. Raises ProviderError where it is not installed."""
    # Importing it starts a process that reports to its maker. It does without these where they cannot be
    # loaded, and nothing may leave the box (rule 30).
    for name in _UNWANTED:
        sys.modules[name] = None  # type: ignore[assignment]  # Python's own way to forbid an import
    try:
        import openvino
    except ImportError as error:
        raise ProviderError(
            NAME, f"the package openvino is not here ({error}); `make openvino` installs it"
        ) from None
    module: ModuleType = openvino
    return module


def require_bfloat16(capabilities: list[str]) -> None:
    """capabilities: what OpenVINO says that the processor computes in. Raises SettingError."""
    if _CAPABILITY not in capabilities:
        raise SettingError(
            "inference.precision",
            f"is 'bfloat16', which this processor does not compute (it has: {', '.join(capabilities)}); "
            "set 'float32'",
        )


def computes_bfloat16() -> bool:
    """Whether this processor does. Raises ProviderError where OpenVINO is not installed."""
    return _CAPABILITY in _capabilities()


def _capabilities() -> list[str]:
    found: list[str] = _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return found


@functools.cache
def _core() -> Any:
    """OpenVINO's device plug-ins, loaded once a process."""
    return library().Core()
