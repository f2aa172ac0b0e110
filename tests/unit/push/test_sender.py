"""One wake-up, to a real push service on the loopback: what it is sent, and what its answers mean."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator

import pytest
from aiohttp.abc import ResolveResult
from cryptography.hazmat.primitives.asymmetric import ec

from lfrd.push import line
from lfrd.push.line import Inside, Line, Outside, Ways, opened
from lfrd.push.outcome import Answer as Said
from lfrd.push.outcome import Outcome
from lfrd.push.sender import Sender
from tests.push_service import CONTACT, HOST, Answer, OnlyHere, PushService, push_service


@pytest.fixture
async def service() -> AsyncIterator[PushService]:
    async with push_service() as service:
        yield service


@pytest.fixture
async def sender(service: PushService) -> AsyncIterator[Sender]:
    async with opened(service.ways) as way:
        yield Sender(way, ec.generate_private_key(ec.SECP256R1()), CONTACT, time.time)


async def test_a_wake_up_is_signed_says_nothing_and_tells_how_long_it_is_of_use(
    service: PushService, sender: Sender
) -> None:
    assert await sender.send(service.endpoint("a"), ttl=77) == Said(Outcome.TAKEN)
    (taken,) = service.taken
    assert taken.problems == []
    assert taken.path == "/wake/a"
    assert taken.body == b""
    assert taken.headers["ttl"] == "77"
    # Nothing else is told: not which software, which version, which page.
    assert set(taken.headers) == {
        *("host", "user-agent", "ttl", "urgency", "topic", "authorization", "content-length")
    }
    assert taken.headers["user-agent"] == "lfrd"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.TAKEN),
        (202, Outcome.TAKEN),
        (404, Outcome.GONE),
        (410, Outcome.GONE),
        (400, Outcome.REFUSED),
        (403, Outcome.REFUSED),
        (413, Outcome.REFUSED),
        (429, Outcome.BUSY),
        (500, Outcome.BUSY),
        (503, Outcome.BUSY),
    ],
)
async def test_each_answer_has_one_meaning(
    service: PushService, sender: Sender, status: int, outcome: Outcome
) -> None:
    service.answers = [Answer(status)]
    assert (await sender.send(service.endpoint(), ttl=10)).outcome is outcome


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("17", 17.0), ("", 0.0), ("soon", 0.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0), ("-5", 0.0)],
)
async def test_a_busy_service_says_how_long_it_wants_to_be_left_alone(
    service: PushService, sender: Sender, header: str, seconds: float
) -> None:
    service.answers = [Answer(429, {"Retry-After": header})]
    assert await sender.send(service.endpoint(), ttl=10) == Said(Outcome.BUSY, seconds)


async def test_a_retry_after_may_be_a_date(service: PushService, sender: Sender) -> None:
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 40))
    service.answers = [Answer(503, {"Retry-After": date})]
    assert (await sender.send(service.endpoint(), ttl=10)).retry_after == pytest.approx(40, abs=3)


async def test_no_redirect_is_followed(service: PushService, sender: Sender) -> None:
    for status in (301, 302, 303, 307, 308):
        service.answers = [Answer(status, {"Location": f"https://{HOST}/elsewhere"})]
        assert (await sender.send(service.endpoint(), ttl=10)).outcome is Outcome.REFUSED
    assert {taken.path for taken in service.taken} == {"/wake/phone"}


async def test_a_service_that_hangs_is_given_up(
    service: PushService, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "WHOLE_SECONDS", 0.2)
    service.answers = [Answer(hang=True)]
    assert (await sender.send(service.endpoint(), ttl=10)).outcome is Outcome.UNREACHABLE


async def test_a_connection_that_is_cut_is_to_be_tried_again(service: PushService, sender: Sender) -> None:
    service.answers = [Answer(0)]
    assert (await sender.send(service.endpoint(), ttl=10)).outcome is Outcome.UNREACHABLE


async def test_a_certificate_that_the_system_does_not_believe_ends_it(service: PushService) -> None:
    async with opened(Ways(lambda: OnlyHere(service.port))) as way:
        sender = Sender(way, ec.generate_private_key(ec.SECP256R1()), CONTACT, time.time)
        assert (await sender.send(service.endpoint(), ttl=10)).outcome is Outcome.UNREACHABLE
    assert service.taken == []


async def test_proxies_of_the_environment_are_not_used(
    service: PushService, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    assert (await sender.send(service.endpoint(), ttl=10)).outcome is Outcome.TAKEN


class Names(OnlyHere):
    """Somebody's name server, who answers as he likes."""

    def __init__(self, *addresses: str) -> None:
        super().__init__(443)
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        (found,) = await super().resolve(HOST, 443, family)
        return [{**found, "host": address} for address in self._addresses]


INSIDE = [
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
    *(
        "224.0.0.1",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:10.0.0.1",
        "2002:a00:1::",
        "64:ff9b::a00:1",
    ),
]


@pytest.mark.parametrize("address", INSIDE)
async def test_a_name_that_leads_into_this_network_is_not_called(address: str) -> None:
    with pytest.raises(Inside):
        await Outside(Names("142.250.1.1", address)).resolve(HOST, 443)
    async with opened(Ways(lambda: Outside(Names(address)))) as way:
        sender = Sender(way, ec.generate_private_key(ec.SECP256R1()), CONTACT, time.time)
        assert (await sender.send(f"https://{HOST}/wake/a", ttl=10)).outcome is Outcome.INSIDE


async def test_an_address_of_the_internet_is_called() -> None:
    found = await Outside(Names("142.250.1.1", "2a00:1450:4009::1")).resolve(HOST, 443)
    assert [one["host"] for one in found] == ["142.250.1.1", "2a00:1450:4009::1"]


async def test_the_line_carries_no_contents_and_nothing_in_the_clear(service: PushService) -> None:
    async with opened(service.ways) as way:
        assert isinstance(way, Line)
        with pytest.raises(ValueError, match="no contents"):
            await way.post(service.endpoint(), data=b"a name", headers={})
        with pytest.raises(ValueError, match="TLS"):
            await way.post(f"http://{HOST}/wake/a", headers={})
    assert service.taken == []
