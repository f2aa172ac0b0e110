"""`python -m lfrd.commands.bench_cameras_site`: the site that `lfrd bench cameras` measures beside itself."""

from __future__ import annotations

import contextlib
import sys
from contextlib import AbstractAsyncContextManager

from lfrd import config, logs, loop
from lfrd.app import Site, running
from lfrd.bench.cameras_site import serve
from lfrd.commands.failure import told


def _run(placed: config.Placed) -> AbstractAsyncContextManager[Site]:
    return running(placed, lambda title: contextlib.nullcontext(lambda done, total: None))


def main() -> int:
    logs.configure(config.Log(level="error"))
    try:
        loop.run(serve(_run))
    except Exception as error:
        return told(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
