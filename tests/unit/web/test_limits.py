"""Token buckets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.web.limits import Bucket, Buckets, subject


def test_a_burst_passes_and_the_next_one_is_told_how_long_to_wait() -> None:
    bucket = Bucket.full(rate=0.5, burst=3, at=0)
    assert [bucket.take(0) for _ in range(3)] == [0, 0, 0]
    assert bucket.take(0) == pytest.approx(2)
    assert bucket.take(1) == pytest.approx(1)
    assert bucket.take(2) == 0


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket = Bucket.full(rate=1, burst=1, at=100)
    assert bucket.take(100) == 0
    assert bucket.take(50) > 0
    assert bucket.take(100.5) > 0


def test_what_is_spent_on_credit_is_waited_for() -> None:
    bucket = Bucket.full(rate=10, burst=20, at=0)
    assert bucket.spend(20, 0) == 0
    assert bucket.spend(5, 0) == pytest.approx(0.5)
    assert bucket.spend(0, 0.5) == pytest.approx(0)


@given(
    st.floats(0.1, 100),
    st.floats(1, 50),
    st.lists(st.floats(0, 10, allow_nan=False), max_size=60),
)
def test_never_more_pass_than_burst_and_rate_allow(rate: float, burst: float, pauses: list[float]) -> None:
    bucket = Bucket.full(rate, burst, at=0)
    now, passed = 0.0, 0
    for pause in pauses:
        now += pause
        passed += bucket.take(now) == 0
        assert passed <= burst + rate * now + 1e-6


def test_addresses_do_not_spend_one_anothers_tokens() -> None:
    buckets = Buckets(rate=1, burst=1)
    assert buckets.take("192.0.2.1", 0) == 0
    assert buckets.take("192.0.2.1", 0) > 0
    assert buckets.take("192.0.2.2", 0) == 0
    assert buckets.refused == 1


def test_many_addresses_together_are_limited_too() -> None:
    buckets = Buckets(rate=1, burst=1, overall=5)
    passed = sum(buckets.take(f"192.0.2.{host}", 0) == 0 for host in range(50))
    assert passed == 5


def test_the_memory_of_addresses_is_bounded() -> None:
    buckets = Buckets(rate=1, burst=1, most=10, overall=1000)
    for host in range(100):
        buckets.take(f"192.0.2.{host}", 0)
    assert len(buckets) == 10


def test_an_ipv6_network_counts_as_one() -> None:
    assert subject("2001:db8::1") == subject("2001:db8::ffff:2") != subject("2001:db8:0:1::1")
    assert subject("::ffff:192.0.2.1") == "192.0.2.1"
    assert subject("fe80::1%eth0") == subject("fe80::2")
    assert subject("testclient") == "testclient"
