"""The site's own certificate authority, which vouches for this box and can vouch for nothing outside.

Its certificate is what a phone is asked to trust, so it is limited as far as certificates can be: no
authority below it (path length 0), and name constraints (RFC 5280, 4.2.1.10) that permit the names the box
has when it is made, and addresses of private networks. docs/tls.md says who enforces them.
"""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lfrd.certificates.names import Address, Names

AUTHORITY_DAYS = 3652
"""Ten years: each new authority has to be carried to every phone."""
CERTIFICATE_DAYS = 180
"""iOS refuses more than 825 days from any authority (Apple support 103769), and renewing costs nothing."""
BACKDATED_SECONDS = 3600
"""For phones whose clocks are behind the box's."""

_LOCAL: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),  # RFC 1918
        *("127.0.0.0/8", "169.254.0.0/16"),  # this machine, and without a router
        "100.64.0.0/10",  # carriers' and VPNs' (RFC 6598)
        *("fc00::/7", "::1/128", "fe80::/10"),  # the same of IPv6
    )
)
_MARK = b"-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True)
class Pair:
    """A private key and the certificate of its public half."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @cached_property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the certificate, hexadecimal."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    @property
    def since(self) -> float:
        """Unix seconds."""
        return self.certificate.not_valid_before_utc.timestamp()

    @property
    def until(self) -> float:
        """Unix seconds."""
        return self.certificate.not_valid_after_utc.timestamp()

    def pem(self) -> bytes:
        """Key and certificate in one text, so that one step replaces both."""
        return (
            self.key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + self.certificate_pem()
        )

    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.digest[:16]})"


@dataclass(frozen=True, repr=False)
class Authority(Pair):
    """What signs the box's certificates."""

    @property
    def name(self) -> str:
        """What a phone's list of authorities shows."""
        return str(self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)

    @cached_property
    def constraints(self) -> tuple[x509.GeneralName, ...]:
        found = self.certificate.extensions.get_extension_for_class(x509.NameConstraints)
        return tuple(found.value.permitted_subtrees or ())

    def permits(self, name: str | Address) -> bool:
        """Whether a certificate for this name, signed by this authority, would be taken."""
        for permitted in self.constraints:
            value = permitted.value
            if isinstance(name, str):
                if isinstance(permitted, x509.DNSName) and (name == value or name.endswith(f".{value}")):
                    return True
            elif isinstance(value, ipaddress.IPv4Network | ipaddress.IPv6Network) and name in value:
                return True
        return False

    def split(self, names: Names) -> tuple[Names, tuple[str, ...]]:
        """Those of the names that it may vouch for, and the others."""
        dns = tuple(name for name in names.dns if self.permits(name))
        addresses = tuple(address for address in names.addresses if self.permits(address))
        kept = Names(dns, addresses)
        return kept, tuple(word for word in names.words() if word not in set(kept.words()))

    def signed(self, certificate: x509.Certificate) -> bool:
        try:
            certificate.verify_directly_issued_by(self.certificate)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def trusting(self) -> ssl.SSLContext:
        """For a client that takes certificates by this authority, and by no other."""
        return ssl.create_default_context(cadata=self.certificate_pem().decode("ascii"))

    def issue(self, names: Names, now: float) -> Pair:
        """A new key and a certificate of this box, for at most `CERTIFICATE_DAYS`. names: permitted ones."""
        key = ec.generate_private_key(ec.SECP256R1())
        since, until = _span(now, CERTIFICATE_DAYS)
        shown = (names.dns or ("this box",))[0]
        certificate = (
            x509.CertificateBuilder()
            # A sentence, no host name: what a client might take for a name is in the extension alone.
            .subject_name(_subject(f"lfrd on {shown}"))
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(min(until, self.certificate.not_valid_after_utc))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            # Critical only where the subject is empty (RFC 5280, 4.2.1.6).
            .add_extension(x509.SubjectAlternativeName(_general(names)), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(_issuer(self.certificate), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return Pair(key, certificate)


def make_authority(names: Names, now: float) -> Authority:
    """A new authority, on P-256, which every phone's TLS knows. now: Unix seconds."""
    key = ec.generate_private_key(ec.SECP256R1())
    since, until = _span(now, AUTHORITY_DAYS)
    day = datetime.datetime.fromtimestamp(now, datetime.UTC).date()
    subject = _subject(f"lfrd authority of {(names.dns or ('this box',))[0]}, {day}")
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.NameConstraints(_permitted(names), None), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(key, certificate)


def read_pair(text: bytes) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """What `Pair.pem` wrote. Raises ValueError where it is damaged or the two do not belong together."""
    key = serialization.load_pem_private_key(text.partition(_MARK)[0], None)
    certificate = x509.load_pem_x509_certificate(text)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise ValueError("the key is another one's")
    return key, certificate


def names_of(certificate: x509.Certificate) -> Names:
    """What a certificate is for; of names with a wildcard, the text."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return Names((), ())
    return Names(
        tuple(found.get_values_for_type(x509.DNSName)),
        tuple(
            address
            for address in found.get_values_for_type(x509.IPAddress)
            if isinstance(address, ipaddress.IPv4Address | ipaddress.IPv6Address)
        ),
    )


def _permitted(names: Names) -> list[x509.GeneralName]:
    """The names themselves, private networks, and of public addresses those that the box has. Both kinds
    have to be there: a kind without a permitted name is not limited at all."""
    outside = [a for a in names.addresses if not any(a in network for network in _LOCAL)]
    return [
        *map(x509.DNSName, names.dns or ("localhost",)),
        *map(x509.IPAddress, _LOCAL),
        *(x509.IPAddress(ipaddress.ip_network(address)) for address in outside),
    ]


def _general(names: Names) -> list[x509.GeneralName]:
    return [*map(x509.DNSName, names.dns), *map(x509.IPAddress, names.addresses)]


def _subject(text: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "lfrd"),
            x509.NameAttribute(NameOID.COMMON_NAME, text if len(text) <= 64 else f"{text[:61]}..."),
        ]
    )


def _issuer(certificate: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    found = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found.value)


def _span(now: float, days: int) -> tuple[datetime.datetime, datetime.datetime]:
    start = datetime.datetime.fromtimestamp(int(now) - BACKDATED_SECONDS, datetime.UTC)
    return start, start + datetime.timedelta(days=days)


def _usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )
