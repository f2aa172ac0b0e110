"""lfrd: live facial recognition that a police force can trust and the public can check."""

import os

__version__ = "0.1.0"

# ONNX Runtime's Linux builds report to their maker, and keep what they could not send in ~/.cache, unless
# this is set before the library is loaded; its own call to turn that off comes too late. Nothing may leave
# the box (rule 30).
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
