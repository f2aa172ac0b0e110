"""Makes the builtin pack: reads the weights, builds and checks the graphs, puts the folder in place."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from lfrd.errors import CorruptError, StoreError
from lfrd.models.builtin import card, graphs, reference
from lfrd.models.builtin.agreement import TOLERANCE, disagreement, noise
from lfrd.models.builtin.dlib import read_face_resnet
from lfrd.models.builtin.mtcnn_weights import read_onet, read_pnet, read_rnet
from lfrd.models.builtin.sources import FACE_RESNET, ONET, PNET, RNET
from lfrd.types import F32

Progress = Callable[[float, str], None]
"""Told how much is done (0..1) and what is being done."""


def build(folder: Path, progress: Progress) -> None:
    """Write pnet.onnx, rnet.onnx, onet.onnx, recogniser.onnx and pack.toml into `folder`, replacing it.

    The folder appears complete or not at all: everything is written and synced beside it and then renamed.
    What a killed build left is removed by the next one. One process builds at a time; another one waits.
    The same packages and the same version of onnx give the same bytes.

    Raises MissingError (a package is not installed), CorruptError (its weights are not the expected ones, or
    ONNX Runtime does not compute on this machine what they say), StoreError (the folder cannot be written).
    """
    try:
        with _only_builder(folder), _workshop(folder) as workshop:
            _fill(workshop, progress)
            _put_in_place(workshop, folder)
    except OSError as error:
        raise StoreError(
            f"{folder}: the builtin model pack cannot be written ({error.strerror}); "
            "free some space or choose another folder for site.data"
        ) from error
    progress(1.0, "ready")


def _fill(workshop: Path, progress: Progress) -> None:
    digests: dict[str, str] = {}

    def write(
        name: str, graph: bytes, plain: Callable[[F32], dict[str, F32]], picture: F32, origin: Path
    ) -> None:
        if not disagreement(graph, plain, picture) <= TOLERANCE:
            raise CorruptError(
                origin,
                f"the {name} network made from it gives other values in ONNX Runtime than in NumPy; "
                "the installed onnxruntime does not suit this machine",
            )
        data = f"{name}.onnx"
        digests[data] = hashlib.sha256(graph).hexdigest()
        _write_synced(workshop / data, graph)

    progress(0.0, "reading MTCNN")
    pnet, rnet, onet = read_pnet(), read_rnet(), read_onet()
    progress(0.1, "converting the detector")
    # Odd sides: the pool's last window is then a part of one.
    write("pnet", graphs.pnet(pnet), partial(reference.pnet, pnet), noise((2, 3, 37, 51), 1), PNET.locate())
    write("rnet", graphs.rnet(rnet), partial(reference.rnet, rnet), noise((2, 3, 24, 24), 1), RNET.locate())
    write("onet", graphs.onet(onet), partial(reference.onet, onet), noise((2, 3, 48, 48), 1), ONET.locate())
    progress(0.2, "reading dlib's face ResNet")
    network = read_face_resnet()
    progress(0.4, "converting the recogniser")
    graph = graphs.recogniser(network)
    progress(0.6, "checking the recogniser")
    face = noise((1, 3, card.SIZE, card.SIZE), 0.5)
    write("recogniser", graph, partial(reference.recogniser, network), face, FACE_RESNET.locate())
    _write_synced(workshop / "pack.toml", card.manifest(digests).encode())
    _sync(workshop)


@contextlib.contextmanager
def _only_builder(folder: Path) -> Iterator[None]:
    """Wait for any other process that builds this folder. The lock dies with its process."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _workshop(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder`, thus on its filesystem; removed at the end if it is still there."""
    workshop = folder.parent / f".{folder.name}.building"
    for left in (workshop, _replaced(folder)):
        if left.exists():
            shutil.rmtree(left)
    workshop.mkdir()
    try:
        yield workshop
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _replaced(folder: Path) -> Path:
    """Where an older pack waits to be removed while the new one takes its name."""
    return folder.parent / f".{folder.name}.replaced"


def _put_in_place(workshop: Path, folder: Path) -> None:
    old = _replaced(folder)
    if folder.exists():
        folder.rename(old)
    workshop.rename(folder)
    _sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Make the folder's own entries last."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
