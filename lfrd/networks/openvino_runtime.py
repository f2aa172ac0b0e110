"""A network in OpenVINO, Intel's own runtime: in bfloat16 where the processor has units for it.

Measured choices: docs/providers.md.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
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
            require_bfloat16(core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
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
        self._tensor = openvino.Tensor
        try:
            read = core.read_model(network)
            self._compiled = functools.partial(core.compile_model, read, "CPU", options)
            self._requests = [self._compiled().create_infer_request() for _ in range(workers)]
        except Exception as error:
            raise not_loaded(path, "OpenVINO", error) from None
        self._outputs = [output.get_any_name() for output in read.outputs]
        self._free: LifoQueue[int] = LifoQueue()  # which of the requests; the warm one first
        for number in range(workers):
            self._free.put(number)
        self.workspace = Workspace(self._empty)

    def __call__(self, inputs: Mapping[str, F32]) -> dict[str, F32]:
        """Raises CorruptError where the network refuses its input: the manifest describes another one."""
        try:
            with self.workspace.call():
                number = self._free.get()
                try:
                    return self._run(self._requests[number], inputs["input"])
                except Exception:
                    # Where a call failed inside, the next one of a shape seen before fails as well.
                    self._requests[number] = self._compiled().create_infer_request()
                    raise
                finally:
                    self._free.put(number)
        except Exception as error:  # OpenVINO's are RuntimeErrors
            raise not_run(self._path, error) from None

    def _run(self, request: Any, batch: F32) -> dict[str, F32]:
        batch = np.ascontiguousarray(batch)
        request.set_input_tensor(self._tensor(batch, shared_memory=True))
        request.infer()
        results: dict[str, F32] = {}
        for number, name in enumerate(self._outputs):
            output = request.get_output_tensor(number).data
            results[name] = np.array(output, np.float32)
            output.fill(0)
        return results

    def _empty(self) -> None:
        for request in self._requests:
            request.get_compiled_model().release_memory()


def library() -> ModuleType:
    """OpenVINO's Python package. Raises ProviderError where it is not installed."""
    # Importing it starts a process that reports to its maker. It does without these where they cannot be
    # loaded, and nothing may leave the box (rule 30).
    for name in _UNWANTED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # Python's own way to forbid an import
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


@functools.cache
def _core() -> Any:
    """OpenVINO's device plug-ins, loaded once a process."""
    return library().Core()
