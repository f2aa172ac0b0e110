"""A certificate that was brought: refused where no phone could take it, and what phones say of the rest."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lfrd.certificates.authority import Authority, Pair, make_authority
from lfrd.certificates.brought import Brought, read, tried
from lfrd.certificates.names import parse
from lfrd.errors import LfrdError, SettingError

NOW = 1_790_000_000.0
DAY = 86400.0
NAMES = parse(["lfr.force.example", "192.168.7.20"])


@pytest.fixture(scope="module")
def signer() -> Authority:
    return make_authority(NAMES, NOW)


@pytest.fixture(scope="module")
def pair(signer: Authority) -> Pair:
    return signer.issue(NAMES, NOW)


def written(folder: Path, chain: Sequence[Pair], key: Pair) -> tuple[Path, Path]:
    certificate, secret = folder / "cert.pem", folder / "key.pem"
    certificate.write_bytes(b"".join(each.certificate_pem() for each in chain))
    secret.write_bytes(key.pem())
    return certificate, secret


def odd(days: int = 2000, bits: int = 1024, serves: bool = False, name: str = "") -> tuple[bytes, bytes]:
    """One that phones find fault with: RSA, self-signed; with what is wrong in PEM, and its key."""
    key = rsa.generate_private_key(65537, bits)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody")])
    since = datetime.datetime.fromtimestamp(NOW, datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(since)
        .not_valid_after(since + datetime.timedelta(days=days))
    )
    if serves:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
    if name:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
    made = builder.sign(key, hashes.SHA256())
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM), secret


def oddly(folder: Path, **kind: object) -> Brought:
    certificate, secret = odd(**kind)  # type: ignore[arg-type]
    (folder / "cert.pem").write_bytes(certificate)
    (folder / "key.pem").write_bytes(secret)
    return read(folder / "cert.pem", folder / "key.pem")


def test_a_good_chain_is_taken_without_a_word(tmp_path: Path, signer: Authority, pair: Pair) -> None:
    found = read(*written(tmp_path, [pair, signer], pair))
    found.refuse(NOW)
    assert list(found.warnings(NOW, NAMES)) == []
    assert found.names == NAMES
    assert found.digest == pair.digest
    assert found.issuer == found.root == signer.name


def test_a_key_of_another_certificate_is_refused(tmp_path: Path, signer: Authority, pair: Pair) -> None:
    found = read(*written(tmp_path, [pair], signer.issue(NAMES, NOW)))
    with pytest.raises(SettingError, match=r"web\.certificate: .* do not belong together"):
        found.refuse(NOW)


def test_a_chain_out_of_order_is_refused_with_the_order(
    tmp_path: Path, signer: Authority, pair: Pair
) -> None:
    found = read(*written(tmp_path, [pair, signer.issue(NAMES, NOW)], pair))
    with pytest.raises(SettingError, match=r"out of order: certificate 1 .* put the server's first"):
        found.refuse(NOW)


def test_one_that_has_ended_or_not_begun_is_refused_with_the_day(
    tmp_path: Path, signer: Authority, pair: Pair
) -> None:
    found = read(*written(tmp_path, [pair], pair))
    with pytest.raises(SettingError, match=r"ended on 2027-\d\d-\d\d; bring a new one, or empty"):
        found.refuse(found.until)
    with pytest.raises(SettingError, match=r"begins on 2026-\d\d-\d\d only, by the clock"):
        found.refuse(NOW - 2 * DAY)


def test_its_end_is_spoken_of_three_weeks_before(tmp_path: Path, signer: Authority, pair: Pair) -> None:
    found = read(*written(tmp_path, [pair], pair))
    assert list(found.warnings(found.until - 22 * DAY)) == []
    (warning,) = found.warnings(found.until - 20 * DAY)
    assert "bring the next one in time" in warning


def test_a_name_in_our_links_that_it_is_not_for_is_told(tmp_path: Path, pair: Pair) -> None:
    found = read(*written(tmp_path, [pair], pair))
    (warning,) = found.warnings(NOW, parse(["10.0.0.9"]))
    assert "10.0.0.9" in warning
    assert "tls.names" in warning


def test_a_wildcard_covers_one_label(tmp_path: Path) -> None:
    found = oddly(tmp_path, name="*.force.example")
    assert found.covers("lfr.force.example")
    assert not found.covers("a.lfr.force.example")
    assert not found.covers("force.example")


def test_what_phones_refuse_for_its_make_is_told(tmp_path: Path) -> None:
    said = "; ".join(oddly(tmp_path).warnings(NOW))
    for wanted in ("names no host", "lacks serverAuth", "2000 days: iOS refuses", "RSA key has 1024 bits"):
        assert wanted in said
    fine = oddly(tmp_path, days=300, bits=2048, serves=True, name="lfr.force.example")
    assert list(fine.warnings(NOW)) == []


@pytest.mark.parametrize("content", [b"", b"no PEM", b"\x00\xff", b"-----BEGIN CERTIFICATE-----\nx"])
def test_files_that_are_no_pem_are_told_by_their_setting(tmp_path: Path, pair: Pair, content: bytes) -> None:
    certificate, key = written(tmp_path, [pair], pair)
    key.write_bytes(content)
    with pytest.raises(SettingError, match=r"web\.key: .*key\.pem is no PEM file with a private key"):
        read(certificate, key)
    certificate.write_bytes(content)
    with pytest.raises(SettingError, match=r"web\.certificate: .*cert\.pem is no PEM file"):
        read(certificate, key)


def test_a_key_with_a_password_is_told(tmp_path: Path, pair: Pair) -> None:
    certificate, key = written(tmp_path, [pair], pair)
    key.write_bytes(
        pair.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(SettingError, match=r"web\.key: .*wants a password"):
        read(certificate, key)


def test_on_the_command_line_no_setting_is_blamed(tmp_path: Path) -> None:
    with pytest.raises(LfrdError) as told:
        tried(tmp_path / "none.pem", tmp_path / "key.pem")
    assert str(told.value) == f"{tmp_path / 'none.pem'} cannot be read (No such file or directory)"
