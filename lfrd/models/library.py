"""The packs that this box has: opened, installed, described and removed; what `lfrd models` stands on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from lfrd.errors import CorruptError, DigestError, LfrdError, MissingError, SettingError
from lfrd.models import check, measured, zoo
from lfrd.models.batch import FixedBatchError, make_batch_dynamic
from lfrd.models.builtin import card
from lfrd.models.heads import join_heads
from lfrd.models.shelf import (
    Progress,
    changing,
    checked,
    copy_checked,
    described,
    folders,
    is_name,
    put_in_place,
    shelf,
    staged,
    take_away,
)
from lfrd.vision.pack import MANIFEST, MtcnnPart, Pack, YunetPart

BUILTIN = "builtin"
"""The pack that lfrd makes from installed packages."""


@dataclass(frozen=True, slots=True)
class Installed:
    """One folder on the shelf: the pack, or the reason why it is none."""

    name: str
    folder: Path
    pack: Pack | None
    problem: str | None


def open_pack(name_or_folder: str, data: Path) -> Pack:
    """An installed pack by name, or one in any folder; every file's digest is checked.

    A value with a path separator, or that names a folder with a pack.toml, is a folder. Raises MissingError,
    CorruptError (the manifest) or DigestError (another file, or a damaged one).
    """
    return checked(_locate(name_or_folder, data))


def networks(pack: Pack) -> dict[str, bytes]:
    """Each network's bytes by role as lfrd runs them: `originals`, rewritten where the same numbers can be
    had in less time. Raises what that raises."""
    loaded = originals(pack)
    if isinstance(pack.manifest.detector, YunetPart):
        loaded["detector"] = join_heads(loaded["detector"])
    return loaded


def originals(pack: Pack) -> dict[str, bytes]:
    """Each network's bytes by role as its author made it, ready for a session: those that were checked, not
    those that lie in the folder a moment later, and the recogniser's with a free batch dimension.

    Raises MissingError, DigestError, or CorruptError where the recogniser takes one face only and cannot be
    made to take more.
    """
    loaded = {role: _read(path, pack.digests[role]) for role, path in pack.files.items()}
    try:
        loaded["recogniser"] = make_batch_dynamic(loaded["recogniser"])
    except FixedBatchError as error:
        raise CorruptError(
            pack.files["recogniser"],
            f"takes one face at a time and cannot be made to take several: {error}; "
            "export it with a free batch dimension",
        ) from None
    return loaded


def installed(data: Path) -> list[Installed]:
    """Every pack on the shelf, by name. Manifests are read; the files' digests are `problems`' to check."""
    found = []
    for folder in folders(data):
        try:
            pack = described(folder)
        except LfrdError as error:
            found.append(Installed(folder.name, folder, None, str(error)))
        else:
            found.append(Installed(folder.name, folder, pack, None))
    return found


def install(what: str, data: Path, source: str | None, progress: Progress) -> Pack:
    """Install `builtin`, `zoo` (from its own address, or from `source`, a folder or a mirror's address), or
    the pack in a folder. Raises what those do, or SettingError where `source` goes with none."""
    if what == zoo.NAME:
        return zoo.install_zoo(data, source, progress)
    if source is not None:
        raise SettingError("--from", f"only goes with {zoo.NAME}; give the folder itself to install from it")
    if what == BUILTIN:
        return ensure_builtin(data, progress)
    pack = install_folder(Path(what).expanduser(), data)
    progress(1.0, "ready")
    return pack


def install_folder(source: Path, data: Path) -> Pack:
    """Copy a pack onto the shelf under its manifest's name, in place of an earlier one of that name.

    Only the listed files are taken, and nothing can be seen before every digest is right. Raises
    MissingError, CorruptError, DigestError, or StoreError (a full disk).
    """
    pack = described(source)
    if pack.name == BUILTIN:
        raise CorruptError(
            source / MANIFEST, f"name: '{BUILTIN}' is kept for the pack that lfrd makes itself"
        )
    with changing(data), staged(pack.name, data) as stage:
        for role, path in pack.files.items():
            copy_checked(path, stage / path.name, pack.digests[role])
        copy_checked(source / MANIFEST, stage / MANIFEST, None)
        return put_in_place(stage, pack.name, data)


def ensure_builtin(data: Path, progress: Progress) -> Pack:
    """The builtin pack, made first where it is not there or not whole.

    Two processes may ask at once: one makes it, the other waits and finds it. Raises MissingError or
    CorruptError (the packages that it is made from), or StoreError.
    """
    target = shelf(data) / BUILTIN
    whole = _if_whole(target)
    if whole is not None:
        return whole
    with changing(data):
        whole = _if_whole(target)
        if whole is not None:
            return whole
        from lfrd.models.builtin import convert  # joblib, onnx's helpers: for this once

        convert.build(target, progress)
        return checked(target)


def remove(name: str, data: Path) -> None:
    """Take a pack off the shelf. Raises MissingError where there is none of that name."""
    with changing(data):
        if not is_name(name) or not (shelf(data) / name).is_dir():
            raise _unknown(name, data)
        take_away(name, data)


def listing(data: Path) -> list[dict[str, str]]:
    """A row a pack (name, state, version, licence), those that can be installed by name included. state:
    "installed", "available", or what is wrong."""
    rows = []
    for entry in installed(data):
        manifest = entry.pack.manifest if entry.pack else None
        rows.append(
            {
                "name": entry.name,
                "state": entry.problem or "installed",
                "version": manifest.version if manifest else "",
                "licence": manifest.licence if manifest else "",
            }
        )
    known = zoo.manifest()
    offers = {BUILTIN: ("", "MIT and public domain"), known.name: (known.version, known.licence)}
    there = {row["name"] for row in rows}
    rows += [
        {"name": name, "state": "available", "version": version, "licence": licence}
        for name, (version, licence) in offers.items()
        if name not in there
    ]
    return sorted(rows, key=lambda row: row["name"])


def problems(name_or_folder: str, data: Path) -> list[str]:
    """What is wrong with a pack, a line each; none where it is good. Raises MissingError where there is no
    such pack."""
    folder = _locate(name_or_folder, data)
    try:
        return check.problems(described(folder))
    except CorruptError as error:
        return [str(error)]


def facts(name_or_folder: str, data: Path) -> dict[str, object]:
    """What a pack says of itself, as plain values. Raises MissingError or CorruptError."""
    pack = described(_locate(name_or_folder, data))
    manifest = pack.manifest
    kind = (
        "mtcnn" if isinstance(manifest.detector, MtcnnPart) else type(manifest.detector).__struct_config__.tag
    )
    return {
        "name": manifest.name,
        "version": manifest.version,
        "licence": manifest.licence,
        "origin": manifest.origin,
        "folder": str(pack.folder),
        "digest": manifest.digest,
        "detector": str(kind),
        "recogniser": f"{manifest.recogniser.size} x {manifest.recogniser.size}, {manifest.recogniser.dim}-D",
        "files": {path.name: pack.digests[role] for role, path in pack.files.items()},
        "calibration": [msgspec.to_builtins(row) for row in measured.calibrations(manifest)],
        "card": manifest.card.strip(),
    }


def _read(path: Path, wanted: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MissingError(f"{path}: cannot be read ({error.strerror}); install the pack again") from None
    found = hashlib.sha256(content).hexdigest()
    if found != wanted:
        raise DigestError(path, wanted, found)
    return content


def _if_whole(folder: Path) -> Pack | None:
    """The builtin pack that lies there, as this lfrd makes it; None where there is none, or a damaged one."""
    try:
        pack = checked(folder)
    except LfrdError:
        return None
    return pack if pack.manifest.version == card.VERSION else None


def _locate(name_or_folder: str, data: Path) -> Path:
    folder = Path(name_or_folder).expanduser()
    if "/" in name_or_folder or (folder / MANIFEST).is_file():
        return folder
    if not is_name(name_or_folder) or not (shelf(data) / name_or_folder).is_dir():
        raise _unknown(name_or_folder, data)
    return shelf(data) / name_or_folder


def _unknown(name: str, data: Path) -> MissingError:
    names = [folder.name for folder in folders(data)]
    there = f"installed: {', '.join(names)}" if names else "none is installed"
    which = name if name in (BUILTIN, zoo.NAME) else "FOLDER"
    return MissingError(
        f"model pack '{name}' is not installed in {shelf(data)} ({there}); "
        f"`lfrd models install {which} --data {data}` installs one"
    )
