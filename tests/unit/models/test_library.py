from __future__ import annotations

import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from lfrd.errors import CorruptError, DigestError, MissingError, SettingError, StoreError
from lfrd.models import library
from lfrd.models.shelf import changing, shelf
from tests.unit.models import packs
from tests.unit.models.yunets import yunet
from tests.unit.vision import networks


def quiet(share: float, what: str) -> None:
    assert 0 <= share <= 1


def left_on_the_shelf(data: Path) -> list[str]:
    return sorted(path.name for path in shelf(data).iterdir() if path.name != ".lock")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_an_installed_pack_opens_by_its_name(tmp_path: Path, data: Path) -> None:
    source = packs.make(tmp_path / "source")
    (source / "notes.txt").write_text("not listed, not taken")
    pack = library.install(str(source), data, None, quiet)
    assert pack.folder == shelf(data) / "small"
    assert library.open_pack("small", data) == pack
    assert sorted(path.name for path in pack.folder.iterdir()) == [
        "detector.onnx",
        "pack.toml",
        "recogniser.onnx",
    ]
    assert left_on_the_shelf(data) == ["small"]


def test_a_folder_opens_without_being_installed(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packs.make(tmp_path / "source")
    assert library.open_pack(str(tmp_path / "source"), data).name == "small"
    monkeypatch.chdir(tmp_path)
    assert library.open_pack("source", data).name == "small"
    assert library.open_pack("./source", data).name == "small"
    assert not data.exists()


def test_the_field_pack_opens_and_is_good(shared: Path, data: Path) -> None:
    field = str(shared / "models" / "field")
    assert library.open_pack(field, data).name == "field"
    assert library.problems(field, data) == []


def test_an_unknown_name_says_what_is_there_and_how_to_get_more(tmp_path: Path, data: Path) -> None:
    with pytest.raises(MissingError, match=r"'zoo' is not installed .*none is installed.*models install zoo"):
        library.open_pack("zoo", data)
    library.install_folder(packs.make(tmp_path / "source"), data)
    with pytest.raises(MissingError, match="installed: small"):
        library.open_pack("smal", data)
    for name in ("..", ".small.new", ""):
        with pytest.raises(MissingError):
            library.open_pack(name, data)


@pytest.mark.parametrize("damage", ["other", "truncated", "empty"])
def test_a_damaged_file_is_named_when_its_pack_is_opened(tmp_path: Path, data: Path, damage: str) -> None:
    pack = library.install_folder(packs.make(tmp_path / "source"), data)
    path = pack.files["recogniser"]
    content = path.read_bytes()
    path.write_bytes({"other": content[::-1], "truncated": content[:-9], "empty": b""}[damage])
    with pytest.raises(DigestError, match=r"recogniser\.onnx: not the file that the manifest names"):
        library.open_pack("small", data)
    with pytest.raises(DigestError):
        library.networks(pack)
    [problem] = library.problems("small", data)
    assert "recogniser.onnx: not the file" in problem


def test_a_missing_file_is_named_when_its_pack_is_opened(tmp_path: Path, data: Path) -> None:
    pack = library.install_folder(packs.make(tmp_path / "source"), data)
    pack.files["detector"].unlink()
    with pytest.raises(MissingError, match=r"detector\.onnx: no such file, but the pack lists it"):
        library.open_pack("small", data)
    with pytest.raises(MissingError, match=r"detector\.onnx"):
        library.networks(pack)
    (pack.folder / "pack.toml").unlink()
    with pytest.raises(MissingError, match=r"no pack\.toml in this folder"):
        library.open_pack("small", data)


@pytest.mark.parametrize("content", [b"schema = 1\nname = ", b"\xff\xfe", b"#" * ((1 << 20) + 1)])
def test_a_broken_manifest_is_named_and_listed_as_broken(tmp_path: Path, data: Path, content: bytes) -> None:
    pack = library.install_folder(packs.make(tmp_path / "source"), data)
    (pack.folder / "pack.toml").write_bytes(content)
    with pytest.raises(CorruptError):
        library.open_pack("small", data)
    [row] = [row for row in library.listing(data) if row["name"] == "small"]
    assert "pack.toml" in row["state"]
    assert len(library.problems("small", data)) == 1


def test_a_wrong_digest_installs_nothing_and_keeps_the_old_pack(tmp_path: Path, data: Path) -> None:
    old = library.install_folder(packs.make(tmp_path / "old"), data)
    new = packs.make(tmp_path / "new")
    (new / "recogniser.onnx").write_bytes(b"something else")
    with pytest.raises(DigestError, match=r"new/recogniser\.onnx"):
        library.install_folder(new, data)
    (new / "recogniser.onnx").unlink()
    with pytest.raises(MissingError, match=r"new/recogniser\.onnx"):
        library.install_folder(new, data)
    assert library.open_pack("small", data) == old
    assert left_on_the_shelf(data) == ["small"]


def test_a_newer_pack_takes_the_place_of_an_older_one(tmp_path: Path, data: Path) -> None:
    library.install_folder(packs.make(tmp_path / "old"), data)
    newer = packs.make(tmp_path / "new", recogniser=networks.recogniser(batch="n"))
    library.install_folder(newer, data)
    assert library.open_pack("small", data).digests == library.open_pack(str(newer), data).digests
    assert left_on_the_shelf(data) == ["small"]


def test_what_a_killed_install_left_is_put_right(tmp_path: Path, data: Path) -> None:
    library.install_folder(packs.make(tmp_path / "source"), data)
    # Killed between putting the old pack aside and the new one in its place.
    (shelf(data) / "small").rename(shelf(data) / ".small.old")
    (shelf(data) / ".other.new").mkdir()
    assert library.installed(data) == []
    library.install_folder(packs.make(tmp_path / "other", name="other"), data)
    assert left_on_the_shelf(data) == ["other", "small"]
    assert library.open_pack("small", data).name == "small"


def test_no_other_pack_takes_the_builtin_s_name(tmp_path: Path, data: Path) -> None:
    with pytest.raises(CorruptError, match="name: 'builtin' is kept"):
        library.install_folder(packs.make(tmp_path / "source", name="builtin"), data)
    with pytest.raises(SettingError, match="--from: only goes with zoo"):
        library.install("builtin", data, "https://mirror.example", quiet)
    with pytest.raises(MissingError, match="no such folder"):
        library.install(str(tmp_path / "nowhere"), data, None, quiet)


def test_a_data_folder_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file stands where the folder should be")
    with pytest.raises(StoreError, match="cannot be written"):
        library.install_folder(packs.make(tmp_path / "source"), tmp_path / "data")


def test_a_removed_pack_is_gone(tmp_path: Path, data: Path) -> None:
    library.install_folder(packs.make(tmp_path / "source"), data)
    library.remove("small", data)
    assert left_on_the_shelf(data) == []
    for name in ("small", "../small"):
        with pytest.raises(MissingError, match="is not installed"):
            library.remove(name, data)


def test_the_list_shows_what_is_here_and_what_can_be_had(tmp_path: Path, data: Path) -> None:
    assert [row["state"] for row in library.listing(data)] == ["available", "available"]
    library.install_folder(packs.make(tmp_path / "source"), data)
    rows = {row["name"]: row for row in library.listing(data)}
    assert list(rows) == ["builtin", "small", "zoo"]
    assert rows["small"] == {"name": "small", "state": "installed", "version": "1", "licence": "MIT"}


def test_a_pack_says_what_it_is(tmp_path: Path, data: Path) -> None:
    facts = library.facts(str(packs.make(tmp_path / "source")), data)
    assert facts["detector"] == "yunet"
    assert facts["recogniser"] == "16 x 16, 8-D"
    assert facts["card"] == "for tests"
    assert facts["calibration"] == []


def test_networks_come_ready_for_batches(tmp_path: Path, data: Path) -> None:
    pack = library.open_pack(str(packs.make(tmp_path / "source")), data)
    loaded = library.networks(pack)
    faces = np.zeros((5, 3, 16, 16), np.float32)
    assert networks.runner(loaded["recogniser"])({"input": faces})["template"].shape == (5, 8)
    assert loaded["detector"] == pack.files["detector"].read_bytes()
    other = packs.make(tmp_path / "one", recogniser=networks.of_one_picture_only())
    with pytest.raises(CorruptError, match="takes one face at a time"):
        library.networks(library.open_pack(str(other), data))


def test_a_detector_s_heads_are_joined_in_memory_and_its_file_stays_as_it_is(
    tmp_path: Path, data: Path
) -> None:
    pack = library.open_pack(str(packs.make(tmp_path / "source", detector=yunet())), data)
    assert networks.output_names(library.networks(pack)["detector"]) == ["map_8", "map_16", "map_32"]
    assert library.originals(pack)["detector"] == pack.files["detector"].read_bytes() == yunet()
    assert library.networks(pack)["recogniser"] == library.originals(pack)["recogniser"]
    assert library.open_pack(str(tmp_path / "source"), data) == pack


@pytest.mark.parametrize(
    ("replaced", "said"),
    [
        ({"detector": b"not a network"}, r"detector\.onnx: not a"),
        ({"detector": packs.detector()[:-200]}, r"detector\.onnx: not a"),
        ({"detector": networks.recogniser()}, "detector: does not run as pack.toml describes it"),
        ({"recogniser": networks.recogniser(dim=9)}, r"recogniser: does not run .*\[2, 9\]"),
        ({"recogniser": networks.of_one_picture_only()}, r"recogniser\.onnx: takes one face at a time"),
    ],
)
def test_a_file_of_the_right_digest_that_does_not_work_is_a_problem(
    tmp_path: Path, data: Path, replaced: dict[str, bytes], said: str
) -> None:
    folder = packs.make(tmp_path / "source", "small", **replaced)
    [problem] = library.problems(str(folder), data)
    assert "\n" not in problem
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(problem)


def _ensure(data: Path) -> None:
    library.ensure_builtin(data, quiet)


@pytest.mark.journey
def test_two_processes_that_need_the_builtin_pack_make_it_once(data: Path) -> None:
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=_ensure, args=(data,)) for _ in range(2)]
    with changing(data):  # both find it missing before either may begin
        for process in both:
            process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    pack = library.open_pack("builtin", data)
    made = pack.files["recogniser"].stat().st_ino
    assert library.ensure_builtin(data, quiet) == pack
    assert pack.files["recogniser"].stat().st_ino == made
    assert library.problems("builtin", data) == []
    pack.files["pnet"].write_bytes(b"damaged")
    assert library.ensure_builtin(data, quiet).digests == pack.digests
