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

from lfrd.certificates.keeping import read_authority
from lfrd.config import Config, Placed, Tls, Web
from lfrd.errors import BusyError, SettingError
from lfrd.web.serving import Bound, probe, serving, tls_context


async def hello(_request: object) -> PlainTextResponse:
    return PlainTextResponse("hello")


APP = Starlette(routes=[Route("/", hello)])


def placed(folder: Path, **web: object) -> Placed:
    """Plain HTTP on the loopback, unless `web` says something else."""
    plain = "certificate" not in web
    settings = {"host": "127.0.0.1", "port": 0, "allow_plain_http": plain, **web}
    return Config(web=Web(**settings), tls=Tls(onboarding_port=0)).at(folder)  # type: ignore[arg-type]


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


async def test_an_onboarding_port_in_use_is_told_before_a_long_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        settings = Config(web=Web(host="127.0.0.1", port=0), tls=Tls(onboarding_port=port))
        with pytest.raises(BusyError, match=rf"port {port} .*tls\.onboarding_port"):
            probe(settings.at(tmp_path))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
async def test_without_settings_the_loopback_too_speaks_tls_by_the_sites_own_authority(
    tmp_path: Path, host: str
) -> None:
    web = placed(tmp_path, host=host, allow_plain_http=False)
    async with asyncio.TaskGroup() as group, serving(APP, web, group) as bound:
        trust = ssl.create_default_context(cadata=authority(tmp_path))
        async with httpx.AsyncClient(verify=trust) as client:
            assert bound.url.startswith("https://")
            assert (await client.get(bound.url)).text == "hello"


def authority(folder: Path) -> str:
    found = read_authority(folder / "tls")
    assert found is not None
    return found.certificate_pem().decode()


@pytest.mark.parametrize(
    ("most", "ciphers"),
    [
        (ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0"),
        (ssl.TLSVersion.TLSv1_2, "AES128-SHA:AES256-GCM-SHA384:@SECLEVEL=0"),
        (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"),
    ],
    ids=["TLS 1.1", "no forward secrecy", "CBC"],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
async def test_what_is_too_old_to_be_safe_is_refused(
    tmp_path: Path, most: ssl.TLSVersion, ciphers: str
) -> None:
    web = placed(tmp_path, allow_plain_http=False)
    async with asyncio.TaskGroup() as group, serving(APP, web, group) as bound:
        old = ssl.create_default_context(cadata=authority(tmp_path))
        old.minimum_version, old.maximum_version = ssl.TLSVersion.MINIMUM_SUPPORTED, most
        old.set_ciphers(ciphers)
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            await asyncio.open_connection("127.0.0.1", bound.port, ssl=old)
        old.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
        if most is ssl.TLSVersion.TLSv1_2:
            _, writer = await asyncio.open_connection("127.0.0.1", bound.port, ssl=old)
            writer.close()
            await writer.wait_closed()


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
    with pytest.raises(SettingError, match=r"web\.certificate: .*do not belong together"):
        tls_context(placed(tmp_path, certificate="cert.pem", key="key.pem"))


def test_an_ipv6_address_stands_in_brackets() -> None:
    assert Bound("::1", 8443, True).url == "https://[::1]:8443"
