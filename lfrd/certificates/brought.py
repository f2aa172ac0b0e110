"""A certificate that somebody brought: whether it can be served, and what phones will say to it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lfrd.certificates.authority import names_of
from lfrd.certificates.names import Address, Names
from lfrd.config import Placed
from lfrd.errors import LfrdError, SettingError

LONGEST_DAYS = 825
"""iOS refuses certificates that are for longer, whoever signed them."""
SOON_SECONDS = 21 * 86400.0
"""So long before its end it is spoken of: nothing here can renew what was brought."""
CERTIFICATE, KEY = "web.certificate", "web.key"
_LONGEST = 1 << 20
"""Bytes of a file at the most."""


@dataclass(frozen=True)
class Brought:
    """A chain, the server's certificate first, and whether a key belongs to it."""

    file: Path
    chain: tuple[x509.Certificate, ...]
    fits: bool
    """Whether the key is the first certificate's."""

    @property
    def certificate(self) -> x509.Certificate:
        return self.chain[0]

    @property
    def digest(self) -> str:
        """SHA-256, hexadecimal."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    @property
    def until(self) -> float:
        """Unix seconds: the first end in the chain."""
        return min(each.not_valid_after_utc.timestamp() for each in self.chain)

    @property
    def names(self) -> Names:
        return names_of(self.certificate)

    @property
    def issuer(self) -> str:
        return _named(self.certificate.issuer)

    @property
    def root(self) -> str:
        """Whom phones have to trust: the issuer of the chain's last certificate."""
        return _named(self.chain[-1].issuer)

    def refuse(self, now: float) -> None:
        """Raises SettingError where no phone could take it. now: Unix seconds."""
        for problem in self.refusals(now):
            raise SettingError(CERTIFICATE, f"{self.file} {problem}")

    def refusals(self, now: float) -> Iterator[str]:
        """Why it cannot be served at all."""
        if not self.fits:
            yield "and the key do not belong together"
        for number, (each, above) in enumerate(zip(self.chain, self.chain[1:], strict=False), 1):
            if not _signed(each, above):
                yield (
                    f"is out of order: certificate {number} is not signed by the one after it; "
                    "put the server's first, then each one's issuer"
                )
        if now >= self.until:
            yield (
                f"ended on {_day(self.until)}; bring a new one, or empty web.certificate and web.key "
                "for one by the site's own authority"
            )
        begins = max(each.not_valid_before_utc.timestamp() for each in self.chain)
        if now < begins:
            yield f"begins on {_day(begins)} only, by the clock of this machine"

    def warnings(self, now: float, wanted: Names | None = None) -> Iterator[str]:
        """What some phones will say. wanted: names and addresses under which the box is opened."""
        if not len(self.names):
            yield "it names no host (no subjectAltName): every browser refuses it"
        missing = (
            [] if wanted is None else [w for w in [*wanted.dns, *wanted.addresses] if not self.covers(w)]
        )
        if missing:
            yield (
                f"it is not for {', '.join(map(str, missing))}, which the links have that lfrd hands out: "
                "write a name that it is for into tls.names, the first"
            )
        if not _serves(self.certificate):
            yield "it is not for servers (extendedKeyUsage lacks serverAuth): phones refuse it"
        life = self.certificate.not_valid_after_utc - self.certificate.not_valid_before_utc
        if life.days > LONGEST_DAYS:
            yield f"it is for {life.days} days: iOS refuses more than {LONGEST_DAYS}"
        if weakness := _weakness(self.certificate):
            yield weakness
        if 0 < self.until - now < SOON_SECONDS:
            yield f"it ends on {_day(self.until)}: bring the next one in time"

    def covers(self, name: str | Address) -> bool:
        if not isinstance(name, str):
            return name in self.names.addresses
        wild = f"*.{name.partition('.')[2]}"
        return any(each.lower() in (name, wild) for each in self.names.dns)


def paths(placed: Placed) -> tuple[Path, Path]:
    """The files that web.certificate and web.key name."""
    return placed.path(placed.config.web.certificate), placed.path(placed.config.web.key)


def read(certificate: Path, key: Path) -> Brought:
    """Both files. Raises SettingError where one is not there, or not PEM, or the key wants a password."""
    texts: list[bytes] = []
    for name, path in ((CERTIFICATE, certificate), (KEY, key)):
        try:
            with path.open("rb") as file:
                texts.append(file.read(_LONGEST))
        except OSError as error:
            raise SettingError(name, f"{path} cannot be read ({error.strerror})") from None
    try:
        chain = tuple(x509.load_pem_x509_certificates(texts[0]))
    except (ValueError, UnsupportedAlgorithm):
        raise SettingError(CERTIFICATE, f"{certificate} is no PEM file with certificates") from None
    try:
        secret = serialization.load_pem_private_key(texts[1], None)
    except TypeError:
        raise SettingError(KEY, f"{key} wants a password; give a key without one, mode 0600") from None
    except (ValueError, UnsupportedAlgorithm):
        raise SettingError(KEY, f"{key} is no PEM file with a private key") from None
    return Brought(certificate, chain, secret.public_key() == chain[0].public_key())


def tried(certificate: Path, key: Path) -> Brought:
    """The same for files named on the command line. Raises LfrdError without a setting's name."""
    try:
        return read(certificate, key)
    except SettingError as error:
        raise LfrdError(error.problem) from None


def _signed(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _serves(certificate: x509.Certificate) -> bool:
    try:
        found = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return ExtendedKeyUsageOID.SERVER_AUTH in found


def _weakness(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < 2048:
        return f"its RSA key has {key.key_size} bits: phones want 2048"
    if isinstance(key, ec.EllipticCurvePublicKey) and key.key_size < 256:
        return f"its key has {key.key_size} bits: phones want 256"
    if isinstance(certificate.signature_hash_algorithm, hashes.SHA1 | hashes.MD5):
        return f"it is signed with {certificate.signature_hash_algorithm.name}: phones refuse that"
    return ""


def _named(name: x509.Name) -> str:
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        if found := name.get_attributes_for_oid(kind):
            return str(found[0].value)
    return name.rfc4514_string() or "nobody"


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at))
