"""Signed statements: Ed25519 signatures of the site, over JSON that anybody can verify."""

from __future__ import annotations

from typing import Any, NoReturn

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lfrd.errors import SealError

_STATEMENT = b"lfrd statement 1\n"
"""Before a statement's bytes, so that its signature is good for nothing else that the key signs."""


class Signer:
    """Signs for the site. seed: 32 bytes, the private key of RFC 8032. Never printed, never pickled."""

    __slots__ = ("_private", "public_key")

    def __init__(self, seed: bytes | bytearray) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        """32 bytes."""

    def sign(self, data: bytes) -> bytes:
        """64 bytes. The same data gives the same signature."""
        return self._private.sign(data)

    def __repr__(self) -> str:
        return f"Signer(public_key={self.public_key.hex()})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signer is never pickled")


def verify(public_key: bytes, data: bytes, signature: bytes) -> bool:
    """Whether `signature` over `data` is by the owner of `public_key` (32 bytes)."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, data)
    except (InvalidSignature, ValueError):  # ValueError: no key at all
        return False
    return True


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    statement: dict[str, Any]
    public_key: str
    signature: str


def signed(statement: dict[str, Any], signer: Signer) -> str:
    """A JSON document of the statement, the public key and the signature (hexadecimal).

    The signature covers the line 'lfrd statement 1', then the statement as JSON with its keys sorted and no
    spaces, in UTF-8: the document may be indented or its keys moved, and still verifies.
    """
    document = _Document(statement, signer.public_key.hex(), signer.sign(_covered(statement)).hex())
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def read_signed(document: str | bytes, trusted: bytes | None = None) -> dict[str, Any]:
    """The statement of a signed document whose signature is good.

    trusted: the public key (32 bytes) that must have signed; None takes the document's own, which shows that
    nothing was changed since and not who signed. Raises SealError.
    """
    try:
        read = msgspec.json.decode(document, type=_Document)
        public_key, signature = bytes.fromhex(read.public_key), bytes.fromhex(read.signature)
    except (msgspec.DecodeError, ValueError):
        raise SealError("not a signed document: it needs a statement, a public_key and a signature") from None
    if trusted is not None and public_key != trusted:
        raise SealError(f"signed with another key ({read.public_key[:16]}…) than the one to be trusted")
    if not verify(public_key, _covered(read.statement), signature):
        raise SealError("the signature does not fit: the statement was changed after it was signed")
    return read.statement


def _covered(statement: dict[str, Any]) -> bytes:
    return _STATEMENT + msgspec.json.encode(statement, order="sorted")
