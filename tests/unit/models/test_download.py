from __future__ import annotations

import errno
import hashlib
import http.server
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lfrd.errors import DownloadError
from lfrd.models import download
from lfrd.models.download import TRIES, Wanted, check_address, fetch

CONTENT = os.urandom(300_000)


@dataclass
class Behaviour:
    """What the server does, and what it was asked."""

    content: bytes = CONTENT
    etag: str | None = '"one"'
    break_after: list[int] = field(default_factory=list)
    """Bytes of the body after which each of the next answers breaks off."""
    ignore_range: bool = False
    wrong_start: bool = False
    status: int = 200
    redirect: str | None = None
    garbage: bool = False
    asked: list[tuple[str | None, str | None]] = field(default_factory=list)
    """Range and If-Range of each request."""


class Handler(http.server.BaseHTTPRequestHandler):
    behaviour: Behaviour

    def do_GET(self) -> None:
        told = self.behaviour
        asked, condition = self.headers["Range"], self.headers["If-Range"]
        told.asked.append((asked, condition))
        if told.garbage:
            self.wfile.write(b"\x00\x01 this is not HTTP\r\n\r\n")
            return
        if told.redirect:
            self.send_response(302)
            self.send_header("Location", told.redirect)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if told.status != 200:
            self.send_error(told.status)
            return
        start = 0
        if asked and not told.ignore_range and condition in (None, told.etag):
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(told.content):
                self.send_error(416)
                return
            self.send_response(206)
            shown = 0 if told.wrong_start else start
            self.send_header("Content-Range", f"bytes {shown}-{len(told.content) - 1}/{len(told.content)}")
        else:
            self.send_response(200)
        body = told.content[start:]
        self.send_header("Content-Length", str(len(body)))
        if told.etag:
            self.send_header("ETag", told.etag)
        self.end_headers()
        self.wfile.write(body[: told.break_after.pop(0)] if told.break_after else body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@dataclass
class Server:
    behaviour: Behaviour
    address: str

    def wanted(self, content: bytes = CONTENT) -> Wanted:
        return Wanted(
            "model.onnx", f"{self.address}/model.onnx", len(content), hashlib.sha256(content).hexdigest()
        )


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    behaviour = Behaviour()
    handler = type("Told", (Handler,), {"behaviour": behaviour})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Server(behaviour, f"http://127.0.0.1:{listening.server_address[1]}")
        finally:
            listening.shutdown()
            thread.join()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_arrives_whole_and_tells_of_its_progress(server: Server, tmp_path: Path) -> None:
    told: list[int] = []
    path = fetch(server.wanted(), tmp_path, lambda name, done: told.append(done))
    assert path.read_bytes() == CONTENT
    assert names(tmp_path) == ["model.onnx"]
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0, len(CONTENT))


def test_a_file_that_is_there_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(CONTENT)
    fetch(server.wanted(), tmp_path)
    assert server.behaviour.asked == []
    (tmp_path / "model.onnx").write_bytes(b"damaged")
    assert fetch(server.wanted(), tmp_path).read_bytes() == CONTENT


def test_a_connection_that_breaks_off_is_taken_up_where_it_ended(server: Server, tmp_path: Path) -> None:
    server.behaviour.break_after = [100_000, 50_000]
    assert fetch(server.wanted(), tmp_path).read_bytes() == CONTENT
    assert server.behaviour.asked == [
        (None, None),
        ("bytes=100000-", '"one"'),
        ("bytes=150000-", '"one"'),
    ]
    assert names(tmp_path) == ["model.onnx"]


def test_a_later_call_goes_on_from_what_an_earlier_one_kept(server: Server, tmp_path: Path) -> None:
    server.behaviour.break_after = [1000] * TRIES
    with pytest.raises(DownloadError, match="ended after 4000 of 300000 bytes; run it again"):
        fetch(server.wanted(), tmp_path)
    assert names(tmp_path) == ["model.onnx.part", "model.onnx.part.etag"]
    assert fetch(server.wanted(), tmp_path).read_bytes() == CONTENT
    assert server.behaviour.asked[-1] == ("bytes=4000-", '"one"')


def test_a_server_that_sends_nothing_is_not_asked_for_ever(server: Server, tmp_path: Path) -> None:
    server.behaviour.break_after = [0] * 100
    with pytest.raises(DownloadError, match="ended after 0 of 300000 bytes"):
        fetch(server.wanted(), tmp_path)
    assert len(server.behaviour.asked) < TRIES


def test_a_server_that_ignores_ranges_is_read_from_the_start(server: Server, tmp_path: Path) -> None:
    server.behaviour.break_after = [100_000]
    server.behaviour.ignore_range = True
    assert fetch(server.wanted(), tmp_path).read_bytes() == CONTENT


def test_a_server_that_sends_another_part_than_asked_is_read_from_the_start(
    server: Server, tmp_path: Path
) -> None:
    server.behaviour.break_after = [100_000]
    server.behaviour.wrong_start = True
    assert fetch(server.wanted(), tmp_path).read_bytes() == CONTENT
    assert [asked for asked, _ in server.behaviour.asked] == [None, "bytes=100000-", None]


def test_a_file_that_changed_in_between_is_read_from_the_start(server: Server, tmp_path: Path) -> None:
    (tmp_path / "model.onnx.part").write_bytes(b"x" * 1000)
    (tmp_path / "model.onnx.part.etag").write_text('"of before"')
    assert fetch(server.wanted(), tmp_path).read_bytes() == CONTENT
    assert server.behaviour.asked == [("bytes=1000-", '"of before"')]


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_a_part_of_another_file_is_found_by_its_digest(
    server: Server, tmp_path: Path, etag: str | None
) -> None:
    server.behaviour.etag = etag
    (tmp_path / "model.onnx.part").write_bytes(b"x" * 1000)
    assert fetch(server.wanted(), tmp_path).read_bytes() == CONTENT
    assert server.behaviour.asked == [("bytes=1000-", None), (None, None)]


def test_a_part_beyond_the_file_s_end_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / "model.onnx.part").write_bytes(b"x" * (len(CONTENT) + 5))
    assert fetch(server.wanted(), tmp_path).read_bytes() == CONTENT
    server.behaviour.content = CONTENT[:2000]  # its file is shorter than our part: 416, then too short
    (tmp_path / "model.onnx").unlink()
    (tmp_path / "model.onnx.part").write_bytes(b"x" * 5000)
    with pytest.raises(DownloadError, match="ended after 2000 of 300000"):
        fetch(server.wanted(), tmp_path)
    assert server.behaviour.asked[1:3] == [("bytes=5000-", None), (None, None)]


def test_a_wrong_file_leaves_nothing_behind(server: Server, tmp_path: Path) -> None:
    server.behaviour.content = CONTENT[::-1]
    with pytest.raises(DownloadError, match="not the file that was wanted"):
        fetch(server.wanted(), tmp_path)
    assert names(tmp_path) == []


def test_a_file_longer_than_announced_is_not_taken_in(server: Server, tmp_path: Path) -> None:
    server.behaviour.content = CONTENT + b"more"
    with pytest.raises(DownloadError, match="longer than the 300000 bytes"):
        fetch(server.wanted(), tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (404, r"no such file on the server \(404\)"),
        (403, r"refuses access \(403\)"),
        (500, r"the server failed \(500\); try again later"),
        (503, r"the server failed \(503\)"),
        (418, r"the server answered 418"),
    ],
)
def test_a_server_s_refusal_is_said_in_words(server: Server, tmp_path: Path, status: int, said: str) -> None:
    server.behaviour.status = status
    with pytest.raises(DownloadError, match=said) as caught:
        fetch(server.wanted(), tmp_path)
    assert caught.value.url == f"{server.address}/model.onnx"


def test_an_answer_that_is_not_http_is_said_in_words(server: Server, tmp_path: Path) -> None:
    server.behaviour.garbage = True
    with pytest.raises(DownloadError, match="is not HTTP"):
        fetch(server.wanted(), tmp_path)


def test_a_redirect_within_this_machine_is_followed_and_elsewhere_refused(
    server: Server, tmp_path: Path
) -> None:
    for place in ("http://example.org/model.onnx", "file:///etc/passwd", "ftp://example.org/x"):
        server.behaviour.redirect = place
        with pytest.raises(
            DownloadError, match=r"plain HTTP is only|must begin with https|redirects to where it must not"
        ):
            fetch(server.wanted(), tmp_path)
    assert names(tmp_path) == []


def test_a_server_that_falls_silent_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        wanted = Wanted("m", f"http://127.0.0.1:{silent.getsockname()[1]}/m", 5, "0" * 64)
        with pytest.raises(DownloadError, match="no answer in time"):
            fetch(wanted, tmp_path, timeout_seconds=0.05)


def test_a_closed_port_is_said_in_words(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
    with pytest.raises(DownloadError, match="nothing listens there"):
        fetch(Wanted("m", f"http://127.0.0.1:{port}/m", 5, "0" * 64), tmp_path)


def test_a_name_that_nobody_knows_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)

    def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(DownloadError, match="the name cannot be looked up: no network"):
        fetch(Wanted("m", "https://models.invalid/m", 5, "0" * 64), tmp_path)


def certificate(folder: Path) -> Path:
    """A self-signed certificate for 127.0.0.1 and its key, in one PEM file."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


def test_a_certificate_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    pem = certificate(tmp_path)
    folder = tmp_path / "folder"
    folder.mkdir()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    handler = type("Told", (Handler,), {"behaviour": Behaviour()})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        # The handshake belongs to the request's thread: one that fails must not end the server.
        listening.socket = context.wrap_socket(
            listening.socket, server_side=True, do_handshake_on_connect=False
        )
        listening.handle_error = lambda *args: None  # type: ignore[method-assign]
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            url = f"https://127.0.0.1:{listening.server_address[1]}/model.onnx"
            wanted = Wanted("model.onnx", url, len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
            with pytest.raises(DownloadError, match="TLS: the server's certificate is not trusted"):
                fetch(wanted, folder)
            trusting = ssl.create_default_context(cafile=str(pem))
            assert fetch(wanted, folder, context=trusting).read_bytes() == CONTENT
        finally:
            listening.shutdown()
            thread.join()


def test_a_full_disk_is_said_in_words(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download, "_receive", full)
    with pytest.raises(DownloadError, match="the disk is full"):
        fetch(server.wanted(), tmp_path)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://example.org/x", "plain HTTP is only allowed to this machine"),
        ("http://127.0.0.1.example.org/x", "plain HTTP is only allowed to this machine"),
        ("ftp://example.org/x", "must begin with https://"),
        ("https:///x", "must begin with https://"),
        ("https://officer:hunter2@example.org/x", "user or password is refused"),
        ("https://example.org:port/x", "not an address"),
    ],
)
def test_addresses_that_are_not_safe_are_refused(url: str, said: str) -> None:
    with pytest.raises(DownloadError, match=said) as caught:
        check_address(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://example.org/x", "http://127.0.0.1:8/x", "http://[::1]/x"])
def test_addresses_that_are_safe_pass(url: str) -> None:
    check_address(url)


def test_a_query_that_may_hold_a_token_is_not_shown(server: Server, tmp_path: Path) -> None:
    server.behaviour.status = 404
    wanted = Wanted("m", f"{server.address}/m?token=hunter2", 5, "0" * 64)
    with pytest.raises(DownloadError) as caught:
        fetch(wanted, tmp_path)
    assert "hunter2" not in str(caught.value)
