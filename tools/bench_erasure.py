"""What erasing freed memory costs: one detector and one recogniser call, with and without, turn by turn.

    python -m tools.bench_erasure PACK [--rounds 5]

PACK is a folder with pack.toml. Each measurement is a process of its own (the C library's setting cannot be
taken back), in the order A B A B …, so that what else the machine does falls on both. Prints the mean
milliseconds of processor time of each, and the ratios. The last two are ONNX Runtime without an arena, and
the site's way: the process's arena, which is emptied twice a second.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime as ort

from lfrd import memory
from lfrd.models import library
from lfrd.networks.onnx_runtime import Network, arena
from lfrd.networks.workspace import forgetting
from lfrd.vision.adapters import Runner
from lfrd.vision.pack import make_detector, make_recogniser

VARIANTS = ("as it comes", "freed is overwritten", "and no arena", "as the site does")


def session(network: bytes) -> Runner:
    """With an arena of its own, which keeps what was in it."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    loaded = ort.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    name = loaded.get_inputs()[0].name
    outputs = [output.name for output in loaded.get_outputs()]
    return lambda inputs: dict(zip(outputs, loaded.run(outputs, {name: inputs["input"]}), strict=True))


def measure(folder: Path, variant: str) -> dict[str, float]:
    if variant != "as it comes" and not memory.harden().overwrites_freed:
        raise SystemExit("this C library cannot overwrite freed memory")
    pack = library.open_pack(str(folder), folder)
    workspace = arena() if variant == "as the site does" else None
    runners: dict[str, Runner] = {}
    for role, network in library.networks(pack).items():
        if variant in ("and no arena", "as the site does"):
            runners[role] = Network(pack.files[role], network, "cpu", 1, workspace)
        else:
            runners[role] = session(network)
    recogniser = make_recogniser(pack.manifest, runners.pop("recogniser"))
    detector = make_detector(pack.manifest, runners)
    random = np.random.default_rng(1)
    picture = random.integers(0, 255, (544, 960, 3), np.uint8)
    faces = random.integers(0, 255, (4, recogniser.size, recogniser.size, 3), np.uint8)
    times: dict[str, list[float]] = {"detect": [], "embed 4": []}
    with forgetting([workspace] if workspace else []):
        for _ in range(60):
            began = time.process_time()
            detector.detect(picture, 0.5)
            middle = time.process_time()
            recogniser.embed(faces)
            times["detect"].append(middle - began)
            times["embed 4"].append(time.process_time() - middle)
    return {what: statistics.mean(values[3:]) * 1000 for what, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--variant", choices=VARIANTS, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.variant:
        print(json.dumps(measure(chosen.pack, chosen.variant)))
        return
    found: dict[str, list[dict[str, float]]] = {name: [] for name in VARIANTS}
    for _ in range(chosen.rounds):
        for name in VARIANTS:
            command = [sys.executable, "-m", "tools.bench_erasure", str(chosen.pack), "--variant", name]
            found[name].append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
    print(f"{platform.processor() or platform.machine()}, {platform.libc_ver()[1]}, {chosen.rounds} rounds")
    plain = {what: statistics.median(r[what] for r in found["as it comes"]) for what in ("detect", "embed 4")}
    for name, rows in found.items():
        for what, base in plain.items():
            value = statistics.median(row[what] for row in rows)
            print(f"{name:<22} {what:<8} {value:7.2f} ms   ratio {value / base:.2f}")


if __name__ == "__main__":
    main()
