"""A network in ONNX Runtime, and the one memory that its networks work in on the processor."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper

from lfrd import memory
from lfrd.errors import ProviderError
from lfrd.networks.refusal import not_loaded, not_run
from lfrd.networks.workspace import Workspace
from lfrd.types import F32

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}

_SAME_AS_REQUESTED = 1  # OrtArenaCfg, arena_extend_strategy
_DEFAULT = -1

_one = threading.Lock()  # the arena is made once
_arena: list[Workspace] = []  # the process's, once it has been made


class Network:
    """One ONNX file in a session: a `Runner` whose single input is called `input` whatever the file calls it.

    Outputs whose shape is known beforehand (all but the first side fixed) are written straight into an array
    of ours, so that no copy of a template stays behind in blocks too small for the C library to overwrite.
    """

    def __init__(
        self, path: Path, network: bytes, provider: str, threads: int, workspace: Workspace | None = None
    ) -> None:
        """network: the file's bytes, ready for a session; path: where they came from, for errors. workspace:
        `arena()` for a network on the processor whose owner sees to it that it is emptied; without it, what
        a call took is given back at its end, which takes an eighth to a quarter more time.

        Raises ProviderError or CorruptError.
        """
        wanted = PROVIDERS[provider]
        available = ort.get_available_providers()
        if wanted not in available:
            raise _lacking(provider, available)
        options = _options(threads)
        if workspace is None:
            options.enable_cpu_mem_arena = False
        else:
            _work_in_arena(options)
        try:
            self._session = ort.InferenceSession(network, options, providers=[wanted])
        except Exception as error:
            raise not_loaded(path, "ONNX Runtime", error) from None
        if wanted not in self._session.get_providers():
            # ONNX Runtime falls to the CPU where a provider's libraries are missing; a force that asked for a
            # GPU would learn of it from a crowd that is not looked at.
            raise _lacking(provider, [name for name in available if name != wanted])
        self._path = path
        self._workspace = workspace
        self._input = self._session.get_inputs()[0].name
        outputs = self._session.get_outputs()
        self._outputs = [output.name for output in outputs]
        self._fixed: list[tuple[int, ...]] | None = [tuple(o.shape[1:]) for o in outputs]
        if any(not isinstance(side, int) for shape in self._fixed for side in shape) or provider != "cpu":
            self._fixed = None

    def __call__(self, inputs: Mapping[str, F32]) -> dict[str, F32]:
        """Raises CorruptError where the network refuses its input: the manifest describes another one."""
        try:
            with self._workspace.call() if self._workspace else nullcontext():
                return self._run(inputs["input"])
        except Exception as error:  # ONNX Runtime's own kinds, and RuntimeError
            raise not_run(self._path, error) from None

    def _run(self, batch: F32) -> dict[str, F32]:
        if self._fixed is None:
            found = self._session.run(self._outputs, {self._input: batch})
            if self._workspace is not None:  # they lie in it, and may not after the call
                found = [np.array(output) for output in found]
            return dict(zip(self._outputs, found, strict=True))
        binding = self._session.io_binding()
        batch = np.ascontiguousarray(batch)
        binding.bind_cpu_input(self._input, batch)
        results: dict[str, F32] = {}
        for name, shape in zip(self._outputs, self._fixed, strict=True):
            result = np.empty((len(batch), *shape), np.float32)
            binding.bind_output(name, "cpu", 0, np.float32, result.shape, result.ctypes.data)
            results[name] = result
        self._session.run_with_iobinding(binding)
        return results


def arena() -> Workspace | None:
    """ONNX Runtime's arena of this process, for networks on the processor; None where the C library could
    not overwrite what it gives back."""
    if not memory.can_overwrite_freed():
        return None
    with _one:
        if not _arena:
            _arena.append(_made())
        return _arena[0]


def _made() -> Workspace:
    """The process's arena. A session's own cannot be emptied: its first piece is never given back, and the
    CPU provider heeds no setting of it. One that grows by what is asked for gives back every piece that
    nobody holds.
    """
    keys = ("initial_chunk_size_bytes", "initial_growth_chunk_size_bytes", "max_dead_bytes_per_chunk")
    grown = ort.OrtArenaCfg(
        {"arena_extend_strategy": _SAME_AS_REQUESTED, "max_mem": 0, **dict.fromkeys(keys, _DEFAULT)}
    )
    place = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
    ort.create_and_register_allocator(place, grown)

    # It is emptied at the end of a run that asks for it. This run's own input and output lie elsewhere: a
    # block that it held itself would keep the piece that it stands in.
    options = _options(1)
    _work_in_arena(options)
    session = ort.InferenceSession(_nothing(), options, providers=["CPUExecutionProvider"])
    asking = ort.RunOptions()
    asking.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    given, got = np.zeros(1, np.float32), np.zeros(1, np.float32)
    binding = session.io_binding()
    binding.bind_cpu_input("given", given)
    binding.bind_output("got", "cpu", 0, np.float32, got.shape, got.ctypes.data)

    def empty() -> None:
        # `got` is named here so that it lives as long as what writes into it.
        session.run_with_iobinding(binding, asking)
        got.fill(0)

    return Workspace(empty)


def _nothing() -> bytes:
    """A network that does as good as nothing."""
    given, got = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("given", "got"))
    graph = helper.make_graph([helper.make_node("Neg", ["given"], ["got"])], "nothing", [given], [got])
    model: onnx.ModelProto = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10
    )
    saved: bytes = model.SerializeToString()
    return saved


def _options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _work_in_arena(options: ort.SessionOptions) -> None:
    options.add_session_config_entry("session.use_env_allocators", "1")
    # Weights lie elsewhere: nothing that stays for long keeps a piece of the arena.
    options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")


def _lacking(provider: str, available: list[str]) -> ProviderError:
    names = ", ".join(name for name, theirs in PROVIDERS.items() if theirs in available)
    return ProviderError(
        provider,
        f"this installation of ONNX Runtime lacks it (it has: {names}); install the build that carries it",
    )
