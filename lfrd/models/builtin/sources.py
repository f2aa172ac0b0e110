"""Where the builtin pack's weights come from: files of two installed packages, known by their digests."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from lfrd.errors import CorruptError, MissingError


@dataclass(frozen=True, slots=True)
class Source:
    """One file of weights inside an installed package."""

    package: str
    """Its import name."""
    requirement: str
    """What to ask pip for."""
    path: str
    """The file, relative to the package's folder."""
    sha256: str

    def locate(self) -> Path:
        """The file, found without importing its package. Raises MissingError."""
        try:
            spec = importlib.util.find_spec(self.package)
        except (ImportError, ValueError):
            spec = None
        if spec is None or not spec.submodule_search_locations:
            raise MissingError(
                f"the builtin model pack needs the package {self.requirement}, which is not installed; "
                f"run: pip install {self.requirement}"
            )
        file = Path(next(iter(spec.submodule_search_locations))) / self.path
        if not file.is_file():
            raise MissingError(
                f"{file}: missing from the package {self.requirement}; "
                f"run: pip install --force-reinstall {self.requirement}"
            )
        return file

    def read(self) -> bytes:
        """The file's bytes. Raises MissingError, or CorruptError where they are not the expected ones.

        The digest is checked before anything is decoded: MTCNN's files are pickles inside, and unpickling
        foreign bytes would run them.
        """
        file = self.locate()
        try:
            data = file.read_bytes()
        except OSError as error:
            raise CorruptError(file, f"cannot be read ({error.strerror})") from None
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise CorruptError(
                file,
                "not the weights that the builtin pack is made from; "
                f"run: pip install --force-reinstall {self.requirement}",
            )
        return data


_MTCNN = ("mtcnn", "mtcnn==1.0.0")

PNET = Source(
    *_MTCNN,
    "assets/weights/pnet.lz4",
    "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
)
RNET = Source(
    *_MTCNN,
    "assets/weights/rnet.lz4",
    "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
)
ONET = Source(
    *_MTCNN,
    "assets/weights/onet.lz4",
    "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
)
FACE_RESNET = Source(
    "face_recognition_models",
    "face-recognition-models==0.3.0",
    "models/dlib_face_recognition_resnet_model_v1.dat",
    "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
)
