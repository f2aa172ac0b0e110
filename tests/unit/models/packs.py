"""Whole packs made in a test's own folder, from networks with known answers."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from tests.unit.vision import networks


def detector() -> bytes:
    """A YuNet for 192 rows of 256 pixels that finds nothing."""
    return networks.answers(
        {
            f"{part}_{stride}": np.zeros((1, (256 // stride) * (192 // stride), sides), np.float32)
            for stride in (8, 16, 32)
            for part, sides in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10))
        }
    )


def manifest(files: dict[str, bytes], name: str = "small") -> str:
    digests = {role: hashlib.sha256(content).hexdigest() for role, content in files.items()}
    return f"""
schema = 1
name = "{name}"
version = "1"
licence = "MIT"
origin = "made for a test"
card = "for tests"

[detector]
kind = "yunet"
file = "detector.onnx"
sha256 = "{digests["detector"]}"

[recogniser]
kind = "arcface"
file = "recogniser.onnx"
sha256 = "{digests["recogniser"]}"
colour = "rgb"
size = 16
mean = [127.5, 127.5, 127.5]
std = [128, 128, 128]
alignment = "arcface-112"
dim = 8
"""


def make(folder: Path, name: str = "small", **replaced: bytes) -> Path:
    """A pack in `folder`; keywords replace its networks, with digests to fit."""
    files = {"detector": detector(), "recogniser": networks.recogniser(batch=1), **replaced}
    folder.mkdir(parents=True)
    for role, content in files.items():
        (folder / f"{role}.onnx").write_bytes(content)
    (folder / "pack.toml").write_text(manifest(files, name), encoding="utf-8")
    return folder
