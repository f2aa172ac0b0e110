"""What libraries would tell their makers is turned off before they are loaded (rule 30)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

LOADED = """
import lfrd
import onnxruntime
onnxruntime.SessionOptions()
"""


def test_onnxruntime_keeps_no_report_for_its_maker_and_no_number_of_this_machine(tmp_path: Path) -> None:
    # Nothing else of the environment: where CI is set, the library reports nothing by itself.
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", LOADED], env=environment, cwd=tmp_path, check=True)
    assert list(tmp_path.rglob("*")) == []
