"""OpenVINO in a process of its own, which says whatever that would tell somebody."""

from __future__ import annotations

import sys
from pathlib import Path

TELLING = ("socket.", "os.fork", "os.posix_spawn", "subprocess.Popen")


def main() -> None:
    sys.addaudithook(lambda event, _: print(event) if event.startswith(TELLING) else None)

    from lfrd.networks.openvino_runtime import Network
    from tests.unit.networks import forgetting_child as child

    Network(Path("layers.onnx"), child.layers(), "float32", 1)({"input": child.picture(32)})
    print("ran")


if __name__ == "__main__":
    main()
