"""Device proofs: each request is signed with a key that cannot leave the browser, so that a stolen cookie
opens nothing.

The shape is that of RFC 9449 (DPoP), without its tokens: the browser makes a P-256 key pair whose private key
cannot be exported and gives the public key when it signs in. A proof is

    <milliseconds>.<nonce>.<signature>

where the signature (ECDSA with SHA-256, r and s of 32 bytes each, base64url without padding) covers the lines
`lfrd-proof-1`, method, target, milliseconds and nonce, joined by line feeds. The target is path and query as
sent; milliseconds are Unix time by the server's clock, which every answer carries in `lfrd-time`; the nonce
makes a proof good for one request. A WebSocket's proof has the method WS and the target /ws.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from lfrd.errors import NotAllowed

HEADER = "lfrd-proof"
TIME_HEADER = "lfrd-time"
"""In every answer: the server's clock, Unix milliseconds."""
WINDOW = 60.0
"""Seconds that a proof's time may lie before or after the server's."""
MOST_A_KEY, MOST = 2048, 65536
"""Proofs remembered while they could be used again, of one key and of all: 17 requests a second for each
device. Beyond that proofs are refused; forgetting one would let it pass a second time."""

Problem = Literal["", "proof", "proof_time"]
"""Empty where the proof is good. proof_time: signed well, at another time than the server's; the browser may
correct itself by `lfrd-time` and try again."""

_FORM = re.compile(r"(\d{1,16})\.([\w-]{16,64})\.([\w-]{86})", re.ASCII)


def text(method: str, target: str, milliseconds: int, nonce: str) -> bytes:
    """What is signed. None of its parts can hold a line feed: a target is as an HTTP request line has it."""
    return f"lfrd-proof-1\n{method}\n{target}\n{milliseconds}\n{nonce}".encode()


def read_key(encoded: str) -> bytes:
    """A browser's public key (SubjectPublicKeyInfo, base64url) as DER. Raises NotAllowed('device_key')."""
    try:
        key = load_der_public_key(_decoded(encoded))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise NotAllowed("device_key", "this browser's device key is no P-256 key: reload the page")
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@dataclass(frozen=True, slots=True)
class ProofsStatistics:
    held: int
    """Proofs that could still be used again, and are refused if they are."""
    checked: int
    refused: int


class Proofs:
    """Checks proofs, and takes each once."""

    def __init__(self) -> None:
        self._taken: dict[bytes, OrderedDict[str, float]] = {}  # by key: nonces, and when each is too old
        self._held = 0  # nonces of all keys
        self._checked = self._refused = 0

    def check(
        self, key: bytes | None, proof: str, method: str, target: str, *, now: float, tls: bool
    ) -> Problem:
        """Whether a session's device signed this request. now: Unix seconds.

        key: the session's, None where the browser had none to give, which passes on a server without TLS
        only (tls=False).
        """
        self._checked += 1
        problem: Problem = self._judged(key, proof, method, target, now) if key is not None else ""
        if key is None and tls:
            problem = "proof"
        self._refused += problem != ""
        return problem

    def statistics(self) -> ProofsStatistics:
        return ProofsStatistics(self._held, self._checked, self._refused)

    def _judged(self, key: bytes, proof: str, method: str, target: str, now: float) -> Problem:
        found = _FORM.fullmatch(proof)
        if found is None:
            return "proof"
        milliseconds, nonce = int(found[1]), found[2]
        if not _signed(key, found[3], text(method, target, milliseconds, nonce)):
            return "proof"
        if not abs(milliseconds / 1000 - now) <= WINDOW:
            return "proof_time"
        return "" if self._take(key, nonce, milliseconds / 1000 + WINDOW, now) else "proof"

    def _take(self, key: bytes, nonce: str, until: float, now: float) -> bool:
        """False where it was taken before, or no more can be remembered."""
        self._forget(key, now)
        if self._held >= MOST:
            for other in list(self._taken):
                self._forget(other, now)
        taken = self._taken.setdefault(key, OrderedDict())
        if nonce in taken or len(taken) >= MOST_A_KEY or self._held >= MOST:
            return False
        taken[nonce] = until
        self._held += 1
        return True

    def _forget(self, key: bytes, now: float) -> None:
        """Drop what is too old to be used again; the oldest are about the first."""
        taken = self._taken.get(key, OrderedDict())
        while taken and next(iter(taken.values())) < now:
            taken.popitem(last=False)
            self._held -= 1
        if not taken:
            self._taken.pop(key, None)


class DeviceKey:
    """A device's own key, for clients that are no browser: it is made anew each time and never stored."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def public(self) -> str:
        """SubjectPublicKeyInfo, base64url: what `read_key` reads."""
        key = self._key.public_key()
        return _encoded(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

    def prove(self, method: str, target: str, at: float) -> str:
        """at: Unix seconds by the server's clock."""
        milliseconds, nonce = math.floor(at * 1000), secrets.token_urlsafe(16)
        signature = self._key.sign(text(method, target, milliseconds, nonce), ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(signature)
        return f"{milliseconds}.{nonce}.{_encoded(r.to_bytes(32) + s.to_bytes(32))}"


def _signed(key: bytes, signature: str, signed: bytes) -> bool:
    raw = _decoded(signature)
    public = load_der_public_key(key)
    assert isinstance(public, ec.EllipticCurvePublicKey)
    r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
    try:
        public.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    """Raises ValueError."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
