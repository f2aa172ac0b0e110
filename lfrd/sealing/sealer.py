"""Seals bytes at rest: AES-256-GCM under one key, each bound by its context to the row that it belongs to."""

from __future__ import annotations

import os
from typing import NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lfrd.errors import SealError

KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_VERSION = b"\x01"
"""Of the format: version (1 byte), nonce (12), ciphertext, tag (16)."""

OVERHEAD = len(_VERSION) + _NONCE_BYTES + _TAG_BYTES
"""Bytes by which sealed data is longer than what was sealed."""


class Sealer:
    """Seals and unseals under one key of 32 bytes, which it does not keep: OpenSSL's cipher has its own copy
    and clears that when the sealer is dropped, so a caller may wipe the key at once.

    Nonces are random (96 bits): one key is good for 2^32 seals (NIST SP 800-38D, 8.3), and a deployment makes
    some hundred thousand. Never printed, never pickled.
    """

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes | bytearray) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(key)}")
        self._cipher = AESGCM(key)

    def seal(self, plain: bytes | bytearray | memoryview, context: str) -> bytes:
        """`plain`, sealed; it opens under the same context only. The context itself is not part of it."""
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, plain, _bound(context))

    def unseal(self, sealed: bytes | bytearray | memoryview, context: str) -> bytes:
        """What was sealed. Raises SealError where a bit, the context or the key is another one."""
        view = memoryview(sealed)
        if len(view) < OVERHEAD or view[:1] != _VERSION:
            raise SealError("sealed data is cut short, or of a form that this lfrd does not know")
        try:
            return self._cipher.decrypt(view[1 : 1 + _NONCE_BYTES], view[1 + _NONCE_BYTES :], _bound(context))
        except InvalidTag:
            raise SealError(
                "sealed data does not open: changed, moved from another row, or sealed with another key"
            ) from None

    def __repr__(self) -> str:
        return "Sealer(**********)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a sealer is never pickled")


def wipe(key: bytearray) -> None:
    """Overwrite a key that is no longer needed."""
    key[:] = bytes(len(key))


def _bound(context: str) -> bytes:
    """The associated data: the format's name keeps it apart from any other use of the same key."""
    return b"lfrd sealed 1\x00" + context.encode()
