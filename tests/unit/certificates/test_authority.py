"""The site's authority and what it signs, as phones want them and as far as they can be limited."""

from __future__ import annotations

import datetime
import ssl
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store

from lfrd.certificates.authority import Authority, Pair, make_authority, names_of, read_pair
from lfrd.certificates.names import Names, parse

NOW = 1_790_000_000.0
NAMES = parse(["box7", "box7.local", "localhost", "127.0.0.1", "192.168.7.20", "fd00::7"])


def utc(at: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(at, datetime.UTC)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return make_authority(NAMES, NOW)


@pytest.fixture(scope="module")
def box(authority: Authority) -> Pair:
    return authority.issue(NAMES, NOW)


def test_the_authority_signs_certificates_and_nothing_below_it_does(authority: Authority) -> None:
    extensions = authority.certificate.extensions
    basic = extensions.get_extension_for_class(x509.BasicConstraints)
    assert basic.critical
    assert (basic.value.ca, basic.value.path_length) == (True, 0)
    usage = extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.key_cert_sign
    assert not usage.value.digital_signature


def test_the_authority_is_limited_to_the_boxs_names_and_private_networks(authority: Authority) -> None:
    constraints = authority.certificate.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    for allowed in ("box7", "box7.local", "a.box7.local", "localhost"):
        assert authority.permits(allowed)
    for allowed in ("10.1.2.3", "172.20.0.1", "192.168.99.1", "100.64.0.1", "fd12::9", "127.0.0.1"):
        assert authority.permits(ip_address(allowed))
    for refused in ("www.example.org", "local", "other.local", "notbox7", "box7.local.example.org"):
        assert not authority.permits(refused)
    for refused in ("198.51.100.7", "172.32.0.1", "2001:db8::1", "8.8.8.8"):
        assert not authority.permits(ip_address(refused))


def test_a_public_address_of_the_box_is_permitted_alone() -> None:
    made = make_authority(parse(["box7", "203.0.113.5"]), NOW)
    assert made.permits(ip_address("203.0.113.5"))
    assert not made.permits(ip_address("203.0.113.6"))


def test_without_a_name_of_its_own_the_authority_still_permits_no_public_one() -> None:
    """A kind of name of which none is permitted would be permitted altogether."""
    made = make_authority(Names((), (ip_address("192.168.7.20"),)), NOW)
    assert not made.permits("www.example.org")


def test_the_certificate_is_as_ios_wants_it(box: Pair) -> None:
    """Apple support 103769: names in the extension, serverAuth, SHA-2, at most 825 days."""
    extensions = box.certificate.extensions
    assert names_of(box.certificate) == NAMES
    assert not extensions.get_extension_for_class(x509.SubjectAlternativeName).critical
    usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert isinstance(box.certificate.signature_hash_algorithm, hashes.SHA256)
    assert isinstance(box.certificate.public_key(), ec.EllipticCurvePublicKey)
    assert box.until - box.since <= 825 * 86400


def test_both_begin_an_hour_ago_for_phones_whose_clocks_are_behind(authority: Authority, box: Pair) -> None:
    assert authority.since == box.since == NOW - 3600


def test_no_certificate_outlives_its_authority(authority: Authority) -> None:
    assert authority.issue(NAMES, authority.until - 86400).until == authority.until


def test_an_independent_verifier_takes_the_chain_and_no_forged_one(authority: Authority, box: Pair) -> None:
    """The verifier of the cryptography package, which is written in Rust and strict; it knows names."""
    store = Store([authority.certificate])
    verify = PolicyBuilder().store(store).time(utc(NOW)).build_server_verifier
    subjects: list[x509.DNSName | x509.IPAddress] = [
        *map(x509.DNSName, NAMES.dns),
        *map(x509.IPAddress, NAMES.addresses),
    ]
    for subject in subjects:
        assert len(verify(subject).verify(box.certificate, [])) == 2
    forged = authority.issue(parse(["www.example.org"]), NOW)
    with pytest.raises(x509.verification.VerificationError):
        verify(x509.DNSName("www.example.org")).verify(forged.certificate, [])
    with pytest.raises(x509.verification.VerificationError):
        verify(x509.DNSName("box7")).verify(make_authority(NAMES, NOW).issue(NAMES, NOW).certificate, [])


def test_a_client_of_the_authority_trusts_it_alone(authority: Authority) -> None:
    context = authority.trusting()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    numbers = [int(str(found["serialNumber"]), 16) for found in context.get_ca_certs()]
    assert numbers == [authority.certificate.serial_number]


def test_names_outside_are_told_apart_from_those_it_may_vouch_for(authority: Authority) -> None:
    kept, left = authority.split(parse(["box7", "new.example", "192.168.7.21", "203.0.113.5"]))
    assert kept.words() == ["box7", "192.168.7.21"]
    assert left == ("new.example", "203.0.113.5")


def test_key_and_certificate_are_read_together_or_not_at_all(authority: Authority, box: Pair) -> None:
    assert Pair(*read_pair(box.pem())).digest == box.digest
    mixed = authority.pem().partition(b"-----BEGIN CERT")[0] + box.certificate_pem()
    for damaged in (mixed, box.certificate_pem(), box.pem()[:-40], b"", b"\x00" * 50):
        with pytest.raises(ValueError, match=r".*"):
            read_pair(damaged)


def test_the_key_is_in_no_representation(authority: Authority, box: Pair) -> None:
    assert repr(box) == f"Pair({box.digest[:16]})"
    assert repr(authority) == f"Authority({authority.digest[:16]})"


def test_a_long_host_name_fits_into_the_subject() -> None:
    made = make_authority(parse([f"{'a' * 60}.{'b' * 60}.example"]), NOW)
    assert len(made.name) == 64
