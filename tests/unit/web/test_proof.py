"""Device proofs: what is signed, what is taken once, and that a stolen cookie opens nothing."""

from __future__ import annotations

import base64
import time
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from lfrd import wire
from lfrd.audit import kinds
from lfrd.errors import NotAllowed
from lfrd.types import CONSOLE, Role
from lfrd.web import proof
from lfrd.web.proof import HEADER, MOST_A_KEY, TIME_HEADER, WINDOW, DeviceKey, Proofs, read_key, text
from lfrd.web.server import make_app
from tests.phone import Phone
from tests.unit.web.staff import staffed, visitor

NOW = 1_760_000_000.0
ORDER = int("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551", 16)
"""Of P-256 (FIPS 186-5)."""


@pytest.fixture(scope="module")
def device() -> DeviceKey:
    return DeviceKey()


def judged(
    device: DeviceKey,
    said: str,
    method: str = "GET",
    target: str = "/api/me",
    *,
    proofs: Proofs | None = None,
) -> str:
    key = read_key(device.public)
    return (proofs or Proofs()).check(key, said, method, target, now=NOW, tls=True)


# ---- one proof --------------------------------------------------------------------------------------------


@given(
    st.sampled_from(["GET", "POST", "DELETE", "WS"]),
    st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=80),
)
def test_a_device_proves_each_request_of_its_own(method: str, target: str) -> None:
    device = DeviceKey()
    assert judged(device, device.prove(method, target, NOW), method, target) == ""


def test_a_proof_is_good_for_one_method_one_target_and_one_device(device: DeviceKey) -> None:
    said = device.prove("GET", "/api/me?a=1", NOW)
    assert judged(device, said, "POST", "/api/me?a=1") == "proof"
    assert judged(device, said, "GET", "/api/me?a=2") == "proof"
    assert judged(device, said, "GET", "/api/me") == "proof"
    assert judged(DeviceKey(), said, "GET", "/api/me?a=1") == "proof"
    assert judged(device, said, "GET", "/api/me?a=1") == ""


def test_a_proof_is_good_once(device: DeviceKey) -> None:
    proofs, said = Proofs(), device.prove("GET", "/api/me", NOW)
    assert judged(device, said, proofs=proofs) == ""
    assert judged(device, said, proofs=proofs) == "proof"


def test_the_other_signature_that_ecdsa_allows_is_no_second_proof(device: DeviceKey) -> None:
    proofs, said = Proofs(), device.prove("GET", "/api/me", NOW)
    assert judged(device, said, proofs=proofs) == ""
    at, nonce, signature = said.split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    twin = raw[:32] + (ORDER - int.from_bytes(raw[32:])).to_bytes(32)
    again = f"{at}.{nonce}.{base64.urlsafe_b64encode(twin).rstrip(b'=').decode()}"
    assert judged(device, again) == ""  # a good signature it is
    assert judged(device, again, proofs=proofs) == "proof"


@pytest.mark.parametrize("off", [-WINDOW - 1, WINDOW + 1, -1e6, 1e6])
def test_a_proof_of_another_time_is_told_apart_so_that_a_wrong_clock_can_be_set(
    device: DeviceKey, off: float
) -> None:
    assert judged(device, device.prove("GET", "/api/me", NOW + off)) == "proof_time"
    assert judged(device, device.prove("GET", "/api/you", NOW + off)) == "proof"


@pytest.mark.parametrize("off", [-WINDOW, WINDOW])
def test_a_clock_may_be_a_minute_off(device: DeviceKey, off: float) -> None:
    assert judged(device, device.prove("GET", "/api/me", NOW + off)) == ""


@given(st.text(max_size=200))
def test_what_is_no_proof_is_refused(said: str) -> None:
    device = DeviceKey()
    assert judged(device, said) == "proof"
    assert judged(device, f"1760000000000.{'n' * 16}.{said}") == "proof"


def test_a_signature_of_nothing_is_refused(device: DeviceKey) -> None:
    for raw in (bytes(64), b"\xff" * 64):
        signature = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        assert judged(device, f"{int(NOW * 1000)}.{'n' * 16}.{signature}") == "proof"


def test_what_is_signed_is_as_the_documentation_has_it() -> None:
    assert text("GET", "/api/me?a=1", 17, "nonce") == b"lfrd-proof-1\nGET\n/api/me?a=1\n17\nnonce"


def test_a_session_without_a_key_passes_only_where_the_server_has_no_tls() -> None:
    proofs = Proofs()
    assert proofs.check(None, "", "GET", "/", now=NOW, tls=False) == ""
    assert proofs.check(None, "", "GET", "/", now=NOW, tls=True) == "proof"


# ---- what is remembered -----------------------------------------------------------------------------------


def test_a_proof_is_forgotten_only_once_it_is_too_old_to_be_used() -> None:
    proofs, device = Proofs(), DeviceKey()
    key, said = read_key(device.public), device.prove("GET", "/", NOW + WINDOW)
    assert proofs.check(key, said, "GET", "/", now=NOW, tls=True) == ""
    assert proofs.check(key, said, "GET", "/", now=NOW + 2 * WINDOW, tls=True) == "proof"
    late = device.prove("GET", "/", NOW + 3 * WINDOW)
    assert proofs.check(key, late, "GET", "/", now=NOW + 3 * WINDOW, tls=True) == ""
    assert proofs.statistics().held == 1


def test_memory_is_bounded_for_each_device_and_one_cannot_use_up_anothers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proof, "MOST_A_KEY", 3)
    proofs, busy, other = Proofs(), DeviceKey(), DeviceKey()
    said = [busy.prove("GET", "/api/me", NOW) for _ in range(4)]
    assert [judged(busy, one, proofs=proofs) for one in said] == ["", "", "", "proof"]
    assert judged(busy, said[0], proofs=proofs) == "proof"  # nothing was forgotten for the fourth
    assert judged(other, other.prove("GET", "/api/me", NOW), proofs=proofs) == ""
    assert MOST_A_KEY >= 16 * 2 * WINDOW  # sixteen requests a second


def test_the_memory_of_all_devices_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "MOST", 2)
    proofs, devices = Proofs(), [DeviceKey() for _ in range(3)]
    said = [judged(each, each.prove("GET", "/api/me", NOW), proofs=proofs) for each in devices]
    assert said == ["", "", "proof"]
    last = devices[2]
    later = proofs.check(
        read_key(last.public),
        last.prove("GET", "/", NOW + 200),
        "GET",
        "/",
        now=NOW + 200,
        tls=True,
    )
    assert later == ""
    assert proofs.statistics().held == 1


# ---- keys ------------------------------------------------------------------------------------------------


def spki(key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey) -> str:
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.urlsafe_b64encode(der).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "encoded",
    [
        *("", "a", "not a key", "é", "AAAA"),
        spki(ec.generate_private_key(ec.SECP384R1()).public_key()),
        spki(ed25519.Ed25519PrivateKey.generate().public_key()),
    ],
    ids=[
        "empty",
        "short",
        "words",
        "no ASCII",
        "no key",
        "P-384",
        "Ed25519",
    ],  # a key's own text is another each time
)
def test_only_a_p256_key_is_taken(encoded: str) -> None:
    with pytest.raises(NotAllowed) as caught:
        read_key(encoded)
    assert caught.value.code == "device_key"


def test_a_signature_is_as_webcrypto_has_it(device: DeviceKey) -> None:
    """r and s of 32 bytes each, not ASN.1."""
    signature = base64.urlsafe_b64decode(device.prove("GET", "/", NOW).split(".")[2] + "==")
    assert len(signature) == 64
    with pytest.raises(ValueError, match=r".*"):
        decode_dss_signature(signature)


# ---- over the network -------------------------------------------------------------------------------------


async def test_a_stolen_session_cookie_opens_nothing_over_http(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff:
        owner = await staff.person(Role.OPERATOR)
        before = await staff.contents()
        async with visitor(staff.url, cookie=owner.cookie) as thief:
            for method, path in (("GET", "/api/me"), ("POST", "/api/leave"), ("GET", "/alerts/a/probe.jpg")):
                answer = await thief.request(method, path)
                assert (answer.status_code, answer.json()["code"]) == (401, "proof")
            other = DeviceKey()
            headers = {HEADER: other.prove("GET", "/api/me", time.time())}
            assert (await thief.get("/api/me", headers=headers)).status_code == 401
            ticket = await thief.post("/api/ticket", json={"path": "/metrics"})
            assert ticket.status_code == 401
        assert await staff.contents() == before
        async with owner.http() as client:
            assert (await client.get("/api/me")).json()["bound"] is True
        refused = await staff.audited(kinds.Refused)
        assert [body.code for body in refused] == ["proof"] * 5  # type: ignore[union-attr]


async def test_a_stolen_session_cookie_opens_no_websocket(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff:
        owner = await staff.person(Role.ENGAGEMENT)
        for key in (None, DeviceKey()):
            thief = Phone(staff.url, owner.cookie, "a thief", key)
            async with thief.connected(hello=False):
                await thief.say(wire.Hello(wire.PROTOCOL, 0, thief.proof("WS", "/ws")))
                assert await thief.closed() == wire.CLOSE_PROOF
            assert not thief.states
            assert thief.welcome is None
        async with owner.connected():
            assert owner.welcome is not None
        refused = await staff.audited(kinds.Refused)
        assert refused == [kinds.Refused("/ws", "proof")] * 2


async def test_a_proof_overheard_opens_nothing_a_second_time(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff:
        owner = await staff.person(Role.OPERATOR)
        async with visitor(staff.url, cookie=owner.cookie) as thief:
            overheard = {HEADER: owner.proof("GET", "/api/me")}
            assert (await thief.get("/api/me", headers=overheard)).status_code == 200
            assert (await thief.get("/api/me", headers=overheard)).status_code == 401
            assert (await thief.get("/metrics", headers=overheard)).status_code == 401


async def test_every_answer_tells_the_time_by_which_a_wrong_clock_is_set(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff:
        owner = await staff.person(Role.OPERATOR)
        assert owner.key is not None
        async with visitor(staff.url, cookie=owner.cookie) as client:
            wrong = {HEADER: owner.key.prove("GET", "/api/me", time.time() - 86400)}
            answer = await client.get("/api/me", headers=wrong)
            assert (answer.status_code, answer.json()["code"]) == (401, "proof_time")
            right = int(answer.headers[TIME_HEADER]) / 1000
            again = {HEADER: owner.key.prove("GET", "/api/me", right)}
            assert (await client.get("/api/me", headers=again)).status_code == 200


async def test_a_session_over_tls_needs_a_device_key(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff:
        unbound = await staff.officers.join(await staff.officers.invite("A", 1, 60, actor=CONSOLE))
        transport = httpx.ASGITransport(make_app(staff.office.services))
        headers = {"origin": "https://box"}
        async with httpx.AsyncClient(transport=transport, base_url="https://box", headers=headers) as client:
            code = await staff.officers.invite("PC Adams", 1, 60, actor=CONSOLE)
            answer = await client.post("/api/join", json={"code": code})
            assert (answer.status_code, answer.json()["code"]) == (422, "device_key")
            bound = await client.post("/api/join", json={"code": code, "device_key": DeviceKey().public})
            assert bound.json()["bound"] is True
            client.cookies.clear()
            stolen = await client.get("/api/me", headers={"cookie": f"__Host-lfrd={unbound}"})
            assert (stolen.status_code, stolen.json()["code"]) == (401, "proof")


async def test_a_page_without_tls_and_without_a_key_signs_in_as_unbound(tmp_path: Path) -> None:
    async with staffed(tmp_path) as staff, visitor(staff.url) as client:
        code = await staff.officers.invite("PC Adams", 1, 60, actor=CONSOLE)
        assert (await client.post("/api/join", json={"code": code})).json()["bound"] is False
        assert (await client.get("/api/me")).json()["bound"] is False
        signed_in = (await staff.audited(kinds.SignedIn))[-1]
        assert isinstance(signed_in, kinds.SignedIn)
        assert signed_in.bound is False
