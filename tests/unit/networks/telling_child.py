"""OpenVINO in a process of its own, which says whatever it begins besides computing."""

from __future__ import annotations

import sys
from pathlib import Path

TELLING = ("socket.", "os.fork", "os.posix_spawn", "subprocess.Popen")


def main() -> None:
    sys.addaudithook(lambda event, _: print(event) if event.startswith(TELLING) else None)

    from lfrd.networks.openvino_runtime import Network
    from tests.unit.networks import forgetting_child as child

    threads = _threads()
    Network(Path("layers.onnx"), child.layers(), "float32", 2)({"input": child.picture(32)})
    if _threads() > threads:
        print("threads of its own")
    print("ran")


def _threads() -> int:
    """Those of the whole process, by Linux's count; 0 elsewhere."""
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.exists() else 0


if __name__ == "__main__":
    main()
