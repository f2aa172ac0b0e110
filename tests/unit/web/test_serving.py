"""Binding, TLS, and the end of the server."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import signal
import socket
import ssl
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from lfrd.config import Config, Placed, Web
from lfrd.errors import BusyError, SettingError
from lfrd.web.serving import Bound, check, is_loopback, serving, tls_context


async def hello(_request: object) -> PlainTextResponse:
    return PlainTextResponse("hello")


APP = Starlette(routes=[Route("/", hello)])


def placed(folder: Path, **web: object) -> Placed:
    return Config(web=Web(**{"port": 0, **web})).at(folder)  # type: ignore[arg-type]


def certificate(folder: Path) -> None:
    """A self-signed certificate for the loopback."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lfrd test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


async def test_the_block_runs_while_the_server_answers_and_the_port_is_free_after_it(tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as group:
        async with serving(APP, placed(tmp_path), group) as bound, httpx.AsyncClient() as client:
            assert (await client.get(bound.url)).text == "hello"
        async with serving(APP, placed(tmp_path, port=bound.port), group) as again:
            assert again.port == bound.port


async def test_signals_stay_with_the_app(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    async with asyncio.TaskGroup() as group, serving(APP, placed(tmp_path), group):
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


async def test_a_failure_elsewhere_in_the_group_ends_the_server_in_order(tmp_path: Path) -> None:
    async def fail(ready: asyncio.Event) -> None:
        await ready.wait()
        raise RuntimeError("the camera's supervisor has a bug")

    async def run() -> None:
        ready = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(fail(ready))
            async with serving(APP, placed(tmp_path), group) as bound:
                addresses.append(bound)
                ready.set()
                await asyncio.Event().wait()

    addresses: list[Bound] = []
    with pytest.raises(ExceptionGroup) as ended:
        await run()
    assert ended.group_contains(RuntimeError, match="bug")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(addresses[0].host, addresses[0].port)


async def test_a_port_in_use_is_told_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ExceptionGroup) as refused:
            async with asyncio.TaskGroup() as group, serving(APP, placed(tmp_path, port=port), group):
                pass
    assert refused.group_contains(BusyError, match=rf"port {port} on 127\.0\.0\.1 is in use.*web\.port")


async def test_an_address_of_another_machine_is_told_with_its_key(tmp_path: Path) -> None:
    web = placed(tmp_path, host="192.0.2.1", allow_plain_http=True)
    with pytest.raises(ExceptionGroup) as refused:
        async with asyncio.TaskGroup() as group, serving(APP, web, group):
            pass
    assert refused.group_contains(SettingError, match=r"web\.host: 192\.0\.2\.1 is no address")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "box.example"])
def test_a_network_address_without_a_certificate_is_refused(host: str) -> None:
    with pytest.raises(SettingError) as refused:
        check(Web(host=host))
    assert refused.value.key == "web.certificate"
    check(Web(host=host, allow_plain_http=True))
    check(Web(host=host, certificate="cert.pem", key="key.pem"))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_the_loopback_needs_no_certificate(host: str) -> None:
    assert is_loopback(host)
    check(Web(host=host))


async def test_the_server_speaks_tls_with_a_certificate(tmp_path: Path) -> None:
    certificate(tmp_path)
    web = placed(tmp_path, certificate="cert.pem", key="key.pem")
    trust = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    async with asyncio.TaskGroup() as group, serving(APP, web, group) as bound:
        assert bound.url.startswith("https://127.0.0.1:")
        async with httpx.AsyncClient(verify=trust) as client:
            assert (await client.get(bound.url)).text == "hello"


def test_a_certificate_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"web\.certificate: .*cert\.pem cannot be read"):
        tls_context(placed(tmp_path, certificate="cert.pem", key="key.pem"))


def test_a_key_that_does_not_belong_to_the_certificate_is_told(tmp_path: Path) -> None:
    certificate(tmp_path)
    first = (tmp_path / "cert.pem").read_bytes()
    certificate(tmp_path)
    (tmp_path / "cert.pem").write_bytes(first)
    with pytest.raises(SettingError, match=r"web\.certificate: .*do not work together"):
        tls_context(placed(tmp_path, certificate="cert.pem", key="key.pem"))


def test_an_ipv6_address_stands_in_brackets() -> None:
    assert Bound("::1", 8443, True).url == "https://[::1]:8443"
