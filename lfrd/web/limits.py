"""How often somebody may ask: token buckets that are told the time."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass


@dataclass(slots=True)
class Bucket:
    """`burst` requests at once, then `rate` a second. `at` is in seconds of a clock that does not go back."""

    rate: float
    burst: float
    tokens: float
    since: float

    @classmethod
    def full(cls, rate: float, burst: float, at: float) -> Bucket:
        if rate <= 0 or burst < 1:
            raise ValueError(f"rate must be above 0 and burst at least 1, not {rate} and {burst}")
        return cls(rate, burst, burst, at)

    def take(self, at: float) -> float:
        """0.0 if the request may pass, else the seconds to wait; a refused request costs nothing."""
        self.tokens = min(self.burst, self.tokens + max(0.0, at - self.since) * self.rate)
        self.since = max(self.since, at)
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) / self.rate

    def spend(self, cost: float, at: float) -> float:
        """Takes `cost` at once, on credit where need be; returns the seconds to wait before the next one.

        For a sender who is slowed down and not refused.
        """
        self.tokens = min(self.burst, self.tokens + max(0.0, at - self.since) * self.rate) - cost
        self.since = max(self.since, at)
        return max(0.0, -self.tokens / self.rate)


class Buckets:
    """A bucket for each address, for the `most` addresses that asked last.

    Memory is bounded whoever asks: the address that was silent longest is forgotten first. A bucket for all
    addresses together stands behind them, so that asking from many addresses gains `overall` times the
    rate of one and no more.
    """

    def __init__(self, rate: float, burst: float, *, most: int = 4096, overall: float = 20.0) -> None:
        if most < 1 or overall < 1:
            raise ValueError(f"most and overall must be at least 1, not {most} and {overall}")
        self._rate = rate
        self._burst = burst
        self._most = most
        self._overall = overall
        self._all: Bucket | None = None  # made by the first request, which tells the time
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()  # by subject, the latest asker last
        self._refused = 0

    def take(self, address: str, at: float) -> float:
        """0.0 if a request from this address may pass, else the seconds to wait."""
        key = subject(address)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket.full(self._rate, self._burst, at)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        if self._all is None:
            self._all = Bucket.full(self._rate * self._overall, self._burst * self._overall, at)
        wait = bucket.take(at) or self._all.take(at)
        self._refused += wait > 0
        return wait

    @property
    def refused(self) -> int:
        return self._refused

    def __len__(self) -> int:
        return len(self._buckets)


def subject(address: str) -> str:
    """Whom an address stands for: itself, or its /64 network, since one IPv6 customer owns a whole /64."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.IPv6Network((parsed, 64), strict=False))
    return str(parsed)
