"""Whose pictures a measurement has: a folder a person, checked and counted before any face is looked for."""

from __future__ import annotations

import enum
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lfrd.errors import CorruptError, MissingError
from lfrd.evaluation.report.document import Data
from lfrd.gallery.folder import NOT_OURS, natural, reference_of, shown
from lfrd.gallery.reading import MOST_BYTES

Progress = Callable[[int, int], object]
"""Told (done, total) pictures."""

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
"""Endings, in lower case, by which a picture is known that lies where a person's folder should."""


class Role(enum.StrEnum):
    """What a folder of people is for, as the command line calls it."""

    GALLERY = "gallery"
    """People on the list."""
    PROBES = "probes"
    """Other pictures of people on the list: mated searches."""
    NON_MATES = "non-mates"
    """People on no list: non-mated searches."""
    FILLER = "filler"
    """More people on the list, of whom there are no probes."""


@dataclass(frozen=True, slots=True)
class PictureFile:
    """digest: SHA-256 of the contents, hexadecimal; '' for what is no file, cannot be read, or is larger than
    any picture that is read. Such a file is kept: acquiring it says why it gives nothing."""

    path: Path = field(repr=False)
    digest: str


@dataclass(frozen=True, slots=True)
class People:
    """One folder of people. names and pictures have one row a person, in natural order (p2 before p10); a
    person may have no picture. digest: SHA-256 over everyone's name, their pictures' names and contents: it
    tells whether two measurements had the same data."""

    role: Role
    folder: Path = field(repr=False)
    names: tuple[str, ...] = field(repr=False)
    pictures: tuple[tuple[PictureFile, ...], ...] = field(repr=False)
    digest: str

    def __len__(self) -> int:
        return len(self.names)

    @property
    def files(self) -> Iterator[tuple[int, PictureFile]]:
        """Every picture, with its person's place in `names`."""
        return ((person, file) for person, files in enumerate(self.pictures) for file in files)

    @property
    def counts(self) -> dict[str, int]:
        return {"people": len(self), "pictures": sum(map(len, self.pictures))}

    def as_data(self) -> Data:
        """For a report's provenance."""
        return Data(self.role.value, self.digest, self.counts)


@dataclass(frozen=True, slots=True)
class Cast:
    """All people of one measurement, checked against each other by `read_cast`."""

    gallery: People
    probes: People
    non_mates: People | None = None
    filler: People | None = None

    def __iter__(self) -> Iterator[People]:
        return iter([one for one in (self.gallery, self.probes, self.non_mates, self.filler) if one])


def read_people(folder: Path, role: Role, progress: Progress = lambda done, total: None) -> People:
    """The people of a folder that holds one folder of pictures each. Blocks; reads every file once.

    Folders inside a person's folder are not entered, hidden files and what file managers leave are passed
    over, and so are other files beside the people's folders, such as a list of them. Raises MissingError
    where the folder is not there, cannot be read, or holds nobody or not a single file, and CorruptError
    where pictures lie beside the people's folders (whose they are would be a guess) or two folders have one
    name.
    """
    if not folder.is_dir():
        what = "is not a folder" if os.path.lexists(folder) else "no such folder"
        raise MissingError(
            f"{role} {shown(folder)}: {what}; give a folder with one folder of pictures a person"
        )
    found: dict[str, tuple[Path, ...]] = {}
    for path in _listed(folder, role):
        if path.is_dir():
            name = reference_of(path.name)
            if name in found:
                raise CorruptError(
                    folder, f"two folders are called '{name}'; put them into one, or rename one"
                )
            found[name] = tuple(file for file in _listed(path, role) if not file.is_dir())
        elif path.suffix.lower() in PICTURES:
            raise CorruptError(
                folder,
                f"'{shown(path.name)}' lies beside the people's folders; put each person's pictures into a "
                "folder of theirs",
            )
    if not found:
        raise MissingError(
            f"{role} {shown(folder)}: nobody is in it; add a folder of pictures for each person"
        )
    total = sum(map(len, found.values()))
    if not total:
        raise MissingError(f"{role} {shown(folder)}: all {len(found)} folders in it are empty; add pictures")
    whole = hashlib.sha256()
    pictures = []
    done = 0
    for name, paths in found.items():
        whole.update(f"{name}\0".encode())
        files = []
        for path in paths:
            files.append(PictureFile(path, _digest(path)))
            whole.update(f"{shown(path.name)}\0{files[-1].digest}\n".encode())
            done += 1
            progress(done, total)
        pictures.append(tuple(files))
    return People(role, folder, tuple(found), tuple(pictures), whole.hexdigest())


def read_cast(
    gallery: Path,
    probes: Path,
    non_mates: Path | None = None,
    filler: Path | None = None,
    progress: Progress = lambda done, total: None,
) -> Cast:
    """All folders of a measurement, none of which may make it say more than is true. Blocks.

    Raises what `read_people` raises, and CorruptError where probes show people who are not in the gallery,
    where one person stands in two folders that exclude each other, or where the same picture lies in two of
    the folders: a picture that is searched against itself is always found, and one of a listed person that
    passes for a stranger's is always a false alert.
    """
    given = {
        Role.GALLERY: gallery,
        Role.PROBES: probes,
        Role.NON_MATES: non_mates,
        Role.FILLER: filler,
    }
    read = {role: read_people(folder, role, progress) for role, folder in given.items() if folder is not None}
    cast = Cast(read[Role.GALLERY], read[Role.PROBES], read.get(Role.NON_MATES), read.get(Role.FILLER))
    _refuse_unknown(cast.gallery, cast.probes)
    for first, second in (
        (cast.gallery, cast.non_mates),
        (cast.gallery, cast.filler),
        (cast.filler, cast.non_mates),
    ):
        if first and second:
            _refuse_shared_names(first, second)
    _refuse_shared_files(cast)
    return cast


def _refuse_unknown(gallery: People, probes: People) -> None:
    listed = set(gallery.names)
    unknown = [name for name in probes.names if name not in listed]
    if unknown:
        raise CorruptError(
            probes.folder,
            f"{len(unknown):,} of {len(probes):,} people in it have no folder in {shown(gallery.folder)} "
            f"(first '{unknown[0]}'); probes show people of the gallery under the same name, and others "
            "belong in --non-mates",
        )


def _refuse_shared_names(first: People, second: People) -> None:
    both = set(first.names)
    shared = [name for name in second.names if name in both]
    if shared:
        raise CorruptError(
            second.folder,
            f"{len(shared):,} of {len(second):,} people in it are in {shown(first.folder)} as well (first "
            f"'{shared[0]}'); {second.role} must be other people: remove them, or rename folders that only "
            "happen to be called the same",
        )


def _refuse_shared_files(cast: Cast) -> None:
    seen: dict[str, tuple[People, Path]] = {}
    for people in cast:
        shared: list[tuple[People, Path, Path]] = []
        for _, file in people.files:
            if file.digest:
                where, path = seen.setdefault(file.digest, (people, file.path))
                if where is not people:
                    shared.append((where, path, file.path))
        if shared:
            where, path, again = shared[0]
            raise CorruptError(
                people.folder,
                f"{len(shared):,} of {people.counts['pictures']:,} pictures in it are in another folder of "
                f"this measurement as well (first: {_within(people, again)} is {_within(where, path)} of the "
                f"{where.role}); a picture compared with itself proves nothing: keep it in one of them",
            )


def _within(people: People, path: Path) -> str:
    return shown(path.relative_to(people.folder))


def _listed(folder: Path, role: Role) -> list[Path]:
    try:
        found = [p for p in folder.iterdir() if not p.name.startswith(".") and p.name.lower() not in NOT_OURS]
    except OSError as error:
        raise MissingError(
            f"{role} {shown(folder)}: cannot be read ({error.strerror}); check its permissions"
        ) from None
    return sorted(found, key=lambda p: natural(p.name))


def _digest(path: Path) -> str:
    try:
        about = path.stat()  # before opening: a pipe would wait for its writer for ever
        if not stat.S_ISREG(about.st_mode) or about.st_size > MOST_BYTES:
            return ""
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
