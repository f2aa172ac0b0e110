"""Files that belong together: all of them in place, each whole, or none."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from lfrd.errors import MissingError
from lfrd.sealing.lasting import sync

_NO_LINKS: Final = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)
"""What a file system says that knows no second name for a file, as on a memory stick."""


def require_room(*paths: Path) -> None:
    """Whether files can be put there, to be asked before long work. Raises MissingError where the folder is
    none, or where one of them is there already: it may be what somebody has published."""
    for path in paths:
        if not path.absolute().parent.is_dir():
            raise MissingError(f"{path}: no such folder to write it to")
        if os.path.lexists(path):
            raise MissingError(f"{path}: is there already; name another file, or remove it")


def place(contents: Mapping[Path, bytes]) -> None:
    """Write new files, each with its content.

    They take their names when all of them are on the disk, never another file's place. Raises as
    `require_room` does, and OSError, with the file's name, where one cannot be written; none is there then.
    """
    require_room(*contents)
    with ExitStack() as halves, ExitStack() as placed:
        ready = {}
        for path, content in contents.items():
            half = path.with_name(f".{path.name}.{os.getpid()}.half")
            halves.callback(half.unlink, missing_ok=True)
            try:
                _fill(half, content)
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(path)) from None
            ready[path] = half
        for path, half in ready.items():
            _name(half, path)
            placed.callback(path.unlink, missing_ok=True)
        for folder in {path.absolute().parent for path in contents}:
            sync(folder)
        placed.pop_all()


def _name(half: Path, path: Path) -> None:
    try:
        os.link(half, path)  # unlike a rename it never takes the place of what came there meanwhile
    except FileExistsError:
        require_room(path)
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise OSError(error.errno, error.strerror, str(path)) from None
        require_room(path)
        half.rename(path)


def _fill(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
