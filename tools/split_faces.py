"""Splits a folder of faces into the folders that `lfrd evaluate` takes, by links: no picture is copied.

    python -m tools.split_faces FACES OUT --leave-out p0841 p0443 p0500 p0137

FACES holds a folder of pictures per person. Of a person with several, the first by name goes to OUT/gallery
and the others to OUT/probes; a person with one picture goes to OUT/non-mates. docs/laboratory.md quotes
figures of such a split.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lfrd.errors import LfrdError, MissingError
from lfrd.gallery.folder import read_folder


def split(faces: Path, out: Path, leave_out: frozenset[str]) -> dict[str, int]:
    """Pictures linked, by folder. Raises MissingError where FACES has nobody or OUT is there already."""
    if out.exists():
        raise MissingError(f"{out}: is there already; name a new folder")
    counts = {"gallery": 0, "probes": 0, "non-mates": 0}
    for entry in read_folder(faces):
        if entry.nominal in leave_out:
            continue
        several = len(entry.pictures) > 1
        for number, picture in enumerate(entry.pictures):
            role = ("probes" if number else "gallery") if several else "non-mates"
            folder = out / role / entry.nominal
            folder.mkdir(parents=True, exist_ok=True)
            (folder / picture.name).symlink_to(picture.absolute())
            counts[role] += 1
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description="Split a folder of faces for lfrd evaluate.")
    parser.add_argument("faces", type=Path, metavar="FACES")
    parser.add_argument("out", type=Path, metavar="OUT", help="a new folder")
    parser.add_argument(
        "--leave-out", nargs="*", default=[], metavar="NAME", help="folders that show another one's person"
    )
    options = parser.parse_args()
    try:
        counts = split(options.faces, options.out, frozenset(options.leave_out))
    except LfrdError as error:
        print(error, file=sys.stderr)
        return 1
    print(", ".join(f"{count:,} pictures in {role}" for role, count in counts.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
