"""A package goes from one site to another whole, signed by a known sender, or not at all."""

from __future__ import annotations

import datetime
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.errors import CorruptError, MissingError, StoreError
from lfrd.listing import scratch
from lfrd.listing.manifest import PackageError, PackageManifest
from lfrd.listing.packing import of_source, write_package
from lfrd.listing.scratch import PREFIX
from lfrd.listing.source import read_source
from lfrd.listing.unpacking import is_package, unpacked
from lfrd.sealing.sitekey import SiteKey
from tests.unit.listing.kit import NOW, PLAN, people, write_csv

TODAY = datetime.date(2025, 10, 9)
SENDER, RECEIVER, THIRD = SiteKey.generate(), SiteKey.generate(), SiteKey.generate()
TRUSTED = (SENDER.signer.public_key.hex(),)


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's memory file system, as far as a test may look into it."""
    place = tmp_path / "memory"
    place.mkdir()
    monkeypatch.setattr(scratch, "MEMORY", (place,))
    return place


def packed(tmp_path: Path, folder: Path, *, to: SiteKey = RECEIVER, built_at: float = NOW) -> Path:
    path = tmp_path / "list.age"
    source = read_source(folder, PLAN.categories, TODAY)
    write_package(
        path,
        list(of_source(source.entries)),
        recipient=to.recipient,
        signer=SENDER.signer,
        created_at=built_at,
        built_at=built_at,
    )
    return path


def taken(
    path: Path,
    tmp_path: Path,
    *,
    key: SiteKey = RECEIVER,
    senders: tuple[str, ...] = TRUSTED,
    now: float = NOW,
) -> dict[str, bytes]:
    """Every file of the package, by name."""
    fallback = tmp_path / "disk"
    fallback.mkdir(exist_ok=True)
    with unpacked(path, key, senders, now, fallback) as inside:
        return {
            str(file.relative_to(inside.folder)): file.read_bytes()
            for file in sorted(inside.folder.rglob("*"))
            if file.is_file() and file.name != "lock"
        }


def refused(path: Path, tmp_path: Path, problem: str, **change: object) -> None:
    with pytest.raises(PackageError, match=problem) as caught:
        taken(path, tmp_path, **change)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith("nothing was changed")


@pytest.fixture
def package(tmp_path: Path, folder: Path, memory: Path) -> Path:
    write_csv(folder, people(folder, 4))
    return packed(tmp_path, folder)


def rewritten(path: Path, change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]) -> Path:
    """The package with its tar changed, encrypted to the receiver again as anybody can."""
    plain = pyrage.decrypt(path.read_bytes(), [RECEIVER.identity])
    members = []
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        for member in tar:
            file = tar.extractfile(member)
            assert file is not None
            members.append((member, file.read()))
    change(members)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for member, data in members:
            if member.isreg():
                member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    to = pyrage.x25519.Recipient.from_str(RECEIVER.recipient)
    path.write_bytes(pyrage.encrypt(out.getvalue(), [to]))
    return path


def test_a_package_arrives_as_it_was_sent(package: Path, tmp_path: Path, folder: Path) -> None:
    inside = taken(package, tmp_path)
    assert is_package(package)
    assert not is_package(folder)
    assert sorted(inside) == ["entries.json", *(f"pictures/00000{n}-01.png" for n in range(1, 5))]
    assert inside["pictures/000002-01.png"] == (folder / "N2.png").read_bytes()
    assert package.stat().st_mode & 0o777 == 0o600


def test_the_same_list_at_the_same_moment_gives_the_same_tar(
    package: Path, tmp_path: Path, folder: Path
) -> None:
    (tmp_path / "again").mkdir()
    again = packed(tmp_path / "again", folder)
    tars = [pyrage.decrypt(path.read_bytes(), [RECEIVER.identity]) for path in (package, again)]
    assert tars[0] == tars[1]


def test_nothing_of_a_package_stays_in_memory_or_on_disk(package: Path, tmp_path: Path, memory: Path) -> None:
    taken(package, tmp_path)
    assert list(memory.iterdir()) == list((tmp_path / "disk").iterdir()) == []
    refused(package, tmp_path, "not known", senders=())
    assert list(memory.iterdir()) == list((tmp_path / "disk").iterdir()) == []


def test_while_it_is_open_only_its_owner_may_read_it(package: Path, tmp_path: Path, memory: Path) -> None:
    (tmp_path / "disk").mkdir()
    with unpacked(package, RECEIVER, TRUSTED, NOW, tmp_path / "disk") as inside:
        assert inside.folder.parent == memory
        assert inside.folder.stat().st_mode & 0o777 == 0o700


def test_a_package_by_an_unknown_sender_is_refused_and_named(package: Path, tmp_path: Path) -> None:
    refused(package, tmp_path, f"sender {TRUSTED[0]} is not known", senders=(THIRD.signer.public_key.hex(),))


def test_a_package_for_another_site_is_refused(package: Path, tmp_path: Path) -> None:
    refused(package, tmp_path, "encrypted to another site", key=THIRD)


def test_a_package_passed_on_to_a_third_site_is_refused(package: Path, tmp_path: Path) -> None:
    plain = pyrage.decrypt(package.read_bytes(), [RECEIVER.identity])
    package.write_bytes(pyrage.encrypt(plain, [pyrage.x25519.Recipient.from_str(THIRD.recipient)]))
    refused(package, tmp_path, "made for another site", key=THIRD)


def test_a_package_older_than_24_hours_is_refused(package: Path, tmp_path: Path) -> None:
    assert taken(package, tmp_path, now=NOW + 24 * 3600)
    refused(package, tmp_path, "built 24 h ago", now=NOW + 24 * 3600 + 1)


def test_a_package_from_the_future_is_refused(package: Path, tmp_path: Path) -> None:
    refused(package, tmp_path, "after this machine's time", now=NOW - 301)


def test_a_package_with_a_flipped_bit_anywhere_is_refused(package: Path, tmp_path: Path) -> None:
    whole = package.read_bytes()

    @given(st.integers(0, len(whole) * 8 - 1))
    def flipped(bit: int) -> None:
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        package.write_bytes(changed)
        refused(package, tmp_path, ".")

    flipped()


def test_a_package_cut_short_anywhere_is_refused(package: Path, tmp_path: Path) -> None:
    whole = package.read_bytes()

    @given(st.integers(0, len(whole) - 1))
    def cut(length: int) -> None:
        package.write_bytes(whole[:length])
        refused(package, tmp_path, ".")

    cut()


def test_a_replaced_manifest_is_refused(package: Path, tmp_path: Path) -> None:
    def newer(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        manifest = msgspec.json.decode(members[0][1], type=PackageManifest)
        changed = msgspec.structs.replace(manifest, built_at=NOW + 200)
        members[0] = (members[0][0], msgspec.json.encode(changed))

    refused(rewritten(package, newer), tmp_path, "signature does not fit")


def test_a_manifest_signed_by_somebody_else_is_refused(package: Path, tmp_path: Path) -> None:
    def forged(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        members[1] = (members[1][0], THIRD.signer.sign(members[0][1]))

    refused(rewritten(package, forged), tmp_path, "signature does not fit")


@pytest.mark.parametrize("which", [2, 3])
def test_a_replaced_file_is_refused(package: Path, tmp_path: Path, which: int) -> None:
    def other(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        member, data = members[which]
        members[which] = (member, bytes([data[0] ^ 1]) + data[1:])

    refused(rewritten(package, other), tmp_path, "not the one that was signed")


def test_a_longer_file_than_was_signed_is_refused(package: Path, tmp_path: Path) -> None:
    def longer(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        members[3] = (members[3][0], members[3][1] + bytes(100))

    refused(rewritten(package, longer), tmp_path, "not the one that was signed")


def test_a_file_that_is_missing_is_noticed(package: Path, tmp_path: Path) -> None:
    refused(rewritten(package, lambda members: members.pop() and None), tmp_path, "is not in it")


def _named(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member


@pytest.mark.parametrize(
    "strange",
    [
        _named("../../outside"),
        _named("/tmp/outside"),
        _named("pictures/../../outside"),
        _named("pictures/000003-01.png", tarfile.SYMTYPE, "/etc/passwd"),
        _named("pictures/000003-01.png", tarfile.LNKTYPE, "entries.json"),
        _named("pictures/000003-01.png", tarfile.FIFOTYPE),
        _named("pictures/000003-01.png", tarfile.CHRTYPE),
        _named("pictures", tarfile.DIRTYPE),
    ],
    ids=lambda member: f"{member.name} {member.type!r}",
)
def test_a_hostile_tar_is_refused_and_writes_nowhere(
    package: Path, tmp_path: Path, strange: tarfile.TarInfo
) -> None:
    before = {path for path in tmp_path.rglob("*") if path != tmp_path / "disk"}

    def add(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        members.insert(5, (strange, b""))

    refused(rewritten(package, add), tmp_path, "does not belong into a package")
    assert {path for path in tmp_path.rglob("*") if path != tmp_path / "disk"} == before


def test_a_tar_that_holds_more_than_was_signed_is_refused(package: Path, tmp_path: Path) -> None:
    def more(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        members.append((_named("pictures/000009-01.png"), bytes(10)))

    refused(rewritten(package, more), tmp_path, "more in it than its manifest names")


@pytest.mark.parametrize("first", [True, False], ids=["before the manifest", "after it"])
def test_a_bomb_is_refused_before_it_fills_anything(
    package: Path, tmp_path: Path, memory: Path, first: bool
) -> None:
    def bomb(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        size = 70 << 20 if first else 4 << 20
        member = _named("pictures/000001-01.png", tarfile.GNUTYPE_LONGNAME)
        member.size = size
        members.insert(0 if first else 3, (member, bytes(size)))

    plain_size = package.stat().st_size
    assert plain_size < 1 << 20
    refused(rewritten_raw(package, bomb), tmp_path, "more in it than its manifest names")


def rewritten_raw(path: Path, change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]) -> Path:
    """As `rewritten`, for members of kinds that tarfile itself would not write so."""
    plain = pyrage.decrypt(path.read_bytes(), [RECEIVER.identity])
    members = []
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        for member in tar:
            file = tar.extractfile(member)
            assert file is not None
            members.append((member, file.read()))
    change(members)
    out = b"".join(member.tobuf() + data + bytes(-len(data) % 512) for member, data in members) + bytes(1024)
    to = pyrage.x25519.Recipient.from_str(RECEIVER.recipient)
    path.write_bytes(pyrage.encrypt(out, [to]))
    return path


@pytest.mark.parametrize("content", [b"", b"age-encryption.org/v1\n", b"%PDF-1.7 and so on", bytes(5000)])
def test_what_is_no_package_is_refused(tmp_path: Path, memory: Path, content: bytes) -> None:
    (tmp_path / "list.age").write_bytes(content)
    refused(tmp_path / "list.age", tmp_path, "damaged, cut short, or no package")


def test_an_encrypted_file_that_holds_no_tar_is_refused(package: Path, tmp_path: Path) -> None:
    to = pyrage.x25519.Recipient.from_str(RECEIVER.recipient)
    package.write_bytes(pyrage.encrypt(b"hello" * 1000, [to]))
    refused(package, tmp_path, "no list as lfrd writes them")


def test_a_folder_left_by_a_killed_process_is_removed_and_one_in_use_stays(
    package: Path, tmp_path: Path, memory: Path
) -> None:
    left = memory / f"{PREFIX}left"
    (left / "pictures").mkdir(parents=True)
    (left / "pictures" / "1.png").write_bytes(b"somebody")
    (tmp_path / "disk").mkdir()
    with unpacked(package, RECEIVER, TRUSTED, NOW, tmp_path / "disk") as first:
        assert not left.exists()
        assert taken(package, tmp_path)
        assert (first.folder / "entries.json").exists()


def test_a_file_is_overwritten_before_it_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "scratch"
    folder.mkdir()
    (folder / "1.png").write_bytes(b"somebody" * 1000)
    os.link(folder / "1.png", tmp_path / "kept")
    scratch.destroy(folder)
    assert (tmp_path / "kept").read_bytes() == bytes(8000)
    assert not folder.exists()


def test_a_machine_without_room_for_the_pictures_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no room"), scratch.scratch(1 << 60, tmp_path):
        pass


def test_a_recipient_that_is_none_and_a_file_that_is_there_are_one_line(
    tmp_path: Path, folder: Path, package: Path
) -> None:
    before = package.read_bytes()
    with pytest.raises(MissingError, match="is there already"):
        packed(tmp_path, folder)
    assert package.read_bytes() == before
    with pytest.raises(MissingError, match="begins with age1"):
        write_package(
            tmp_path / "x", [], recipient="age1x", signer=SENDER.signer, created_at=NOW, built_at=NOW
        )
    assert not (tmp_path / "x").exists()


def test_a_picture_that_is_none_ends_the_export_with_its_line(tmp_path: Path, folder: Path) -> None:
    rows = people(folder, 2)
    (folder / "N2.png").write_bytes(b"%PDF-1.7")
    write_csv(folder, rows)
    with pytest.raises(CorruptError, match=r"line 3: a PDF document"):
        packed(tmp_path, folder)
    assert not list(tmp_path.glob("*.age*"))
