"""A push service on the loopback, over real TLS: it checks each wake-up as a browser's maker would."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime
import json
import socket
import ssl
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from lfrd.push.line import Ways

HOST = "push.test"
CONTACT = "mailto:lfr@force.test"


@dataclass
class Taken:
    """A request that was signed by RFC 8292; `problems` says what is wrong with it."""

    path: str
    headers: dict[str, str]
    body: bytes
    key: str
    claims: dict[str, object]
    problems: list[str]


@dataclass
class Answer:
    """hang: never answer. status 0: cut the connection instead."""

    status: int = 201
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False


@dataclass
class PushService:
    """`answers` are given in their order, then 201 for whatever comes."""

    port: int = 0
    taken: list[Taken] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    certificate: bytes = b""
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    under_way: int = 0
    most: int = 0
    """Requests that were under way together at the most."""

    @property
    def ways(self) -> Ways:
        """The world with this service in it, and nothing else."""
        return Ways(lambda: OnlyHere(self.port), self.trust)

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.certificate.decode())

    def endpoint(self, name: str = "phone") -> str:
        return f"https://{HOST}/wake/{name}"

    async def count(self, wanted: int) -> None:
        """Returns when so many have arrived."""
        async with asyncio.timeout(30), self.arrived:
            await self.arrived.wait_for(lambda: len(self.taken) >= wanted)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            method, path, _ = first.split(" ")
            answer = self.answers.pop(0) if self.answers else Answer()
            async with self.arrived:
                self.taken.append(checked(method, path, headers, body))
                self.arrived.notify_all()
            if answer.hang:
                await reader.read()  # until the sender gives up
            elif answer.status:
                more = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
                text = (
                    f"HTTP/1.1 {answer.status} said\r\ncontent-length: 0\r\n{more}connection: close\r\n\r\n"
                )
                writer.write(text.encode())
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.under_way -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


class OnlyHere(AbstractResolver):
    """The loopback for the service's name, no answer for any other."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        if host != HOST or port != 443:
            raise OSError(f"{host}:{port} is not known here")
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=self._port, family=socket.AF_INET, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        pass


@asynccontextmanager
async def push_service() -> AsyncIterator[PushService]:
    service = PushService()
    service.certificate, key = _certificate()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        chain = Path(folder) / "chain.pem"
        chain.write_bytes(service.certificate + key)
        context.load_cert_chain(chain)
    server = await asyncio.start_server(service._serve, "127.0.0.1", 0, ssl=context)
    service.port = server.sockets[0].getsockname()[1]
    async with server:
        yield service


def checked(method: str, path: str, headers: dict[str, str], body: bytes) -> Taken:
    """The request as a push service reads it (RFC 8030 and 8292)."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    problems: list[str] = []
    token, key = parts.get("t", ".."), parts.get("k", "")
    signed, _, signature = token.rpartition(".")
    header, claims = (json.loads(_decoded(part)) for part in signed.split("."))
    raw = _decoded(signature)
    both = (int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _decoded(key))
    public.verify(encode_dss_signature(*both), signed.encode(), ec.ECDSA(SHA256()))
    expected = {
        "scheme": scheme == "vapid",
        "alg": header.get("alg") == "ES256",
        "method": method == "POST",
        "host": headers.get("host") == HOST,
        "aud": claims.get("aud") == f"https://{HOST}",
        "exp": time.time() < claims.get("exp", 0) <= time.time() + 86400,
        "sub": claims.get("sub") == CONTACT,
        "body": body == b"" and "content-encoding" not in headers,
        "ttl": headers.get("ttl", "").isdigit(),
        "urgency": headers.get("urgency") == "high",
        "topic": headers.get("topic") == "lfrd",
        "cookie": "cookie" not in headers,
    }
    problems += [name for name, right in expected.items() if not right]
    return Taken(path, headers, body, key, claims, problems)


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _certificate() -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return built.public_bytes(Encoding.PEM), private
