from __future__ import annotations

import functools
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lfrd.errors import DigestError, DownloadError, MissingError
from lfrd.models import library, zoo
from lfrd.models.download import Wanted
from lfrd.models.shelf import shelf
from lfrd.vision.pack import Pack, YunetPart
from tests.unit.models import packs

NOWHERE = "https://models.invalid"


def quiet(share: float, what: str) -> None:
    assert 0 <= share <= 1


def files(folder: Path) -> tuple[Wanted, ...]:
    """A small pack's networks as a download lists them."""
    return tuple(
        Wanted(name, f"{NOWHERE}/{name}", len(content), hashlib.sha256(content).hexdigest())
        for name in ("detector.onnx", "recogniser.onnx")
        for content in [(folder / name).read_bytes()]
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return packs.make(tmp_path / "source")


@pytest.fixture
def install(tmp_path: Path, source: Path) -> functools.partial[Pack]:
    text = (source / "pack.toml").read_text(encoding="utf-8")
    return functools.partial(zoo.install_zoo, tmp_path / "data", files=files(source), text=text)


@pytest.fixture
def mirror(source: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(source))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_address[1]}"
        finally:
            listening.shutdown()
            thread.join()


def test_the_zoo_s_manifest_is_valid_and_lists_the_files_that_are_fetched() -> None:
    manifest = zoo.manifest()
    listed = {named.file: named.sha256 for named in manifest.files.values()}
    assert listed == {wanted.name: wanted.sha256 for wanted in zoo.FILES}
    assert isinstance(manifest.detector, YunetPart)
    assert manifest.detector.fixed_size == (640, 640)
    assert manifest.calibration == ()
    assert "calibration" in manifest.card
    assert all(wanted.url.startswith("https://") and wanted.url.endswith(wanted.name) for wanted in zoo.FILES)


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_mirror_serves_the_pack(
    install: functools.partial[Pack], mirror: str, tmp_path: Path, slash: str
) -> None:
    told: list[float] = []
    install(mirror + slash, lambda share, what: told.append(share))
    assert library.open_pack("small", tmp_path / "data").name == "small"
    assert library.problems("small", tmp_path / "data") == []
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0, 1)
    assert sorted(p.name for p in shelf(tmp_path / "data").iterdir()) == [".lock", "small"]


def test_a_folder_serves_the_pack(install: functools.partial[Pack], source: Path, tmp_path: Path) -> None:
    install(str(source), quiet)
    assert library.open_pack("small", tmp_path / "data").name == "small"


def test_a_folder_with_another_file_installs_nothing(
    install: functools.partial[Pack], source: Path, tmp_path: Path
) -> None:
    (source / "recogniser.onnx").write_bytes(b"something else")
    with pytest.raises(DigestError, match=r"source/recogniser\.onnx"):
        install(str(source), quiet)
    (source / "recogniser.onnx").unlink()
    with pytest.raises(MissingError, match=r"--from needs recogniser\.onnx"):
        install(str(source), quiet)
    with pytest.raises(MissingError, match="no such folder"):
        install(str(source / "nowhere"), quiet)
    assert library.installed(tmp_path / "data") == []


def test_a_mirror_that_lies_installs_nothing_and_the_next_one_may_serve(
    install: functools.partial[Pack], mirror: str, source: Path, tmp_path: Path
) -> None:
    good = (source / "recogniser.onnx").read_bytes()
    (source / "recogniser.onnx").write_bytes(good[::-1])
    with pytest.raises(DownloadError, match="not the file that was wanted"):
        install(mirror, quiet)
    assert library.installed(tmp_path / "data") == []
    (source / "recogniser.onnx").write_bytes(good)
    (source / "detector.onnx").unlink()  # has been fetched already
    install(mirror, quiet)
    assert library.open_pack("small", tmp_path / "data").name == "small"


def test_a_mirror_on_the_network_must_use_https(install: functools.partial[Pack]) -> None:
    with pytest.raises(DownloadError, match="plain HTTP is only allowed to this machine"):
        install("http://mirror.example/zoo", quiet)
