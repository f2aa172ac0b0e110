"""One wake-up to one push service (RFC 8030, signed by RFC 8292), and what its answer means."""

from __future__ import annotations

import email.utils
from collections.abc import Callable
from typing import Any, cast

import aiohttp
import structlog
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02, VapidException
from pywebpush import WebPushException, webpush_async

from lfrd.push.endpoints import host_of
from lfrd.push.line import Inside, Line
from lfrd.push.outcome import Answer, Outcome

log = structlog.get_logger(__name__)

TOPIC = "lfrd"
"""The same for all: of those that wait for a sleeping phone its service keeps the newest (RFC 8030, 5.4)."""
SIGNED_SECONDS = 3600
"""How long a signature is good; 24 h at the most (RFC 8292, 2)."""


class Sender:
    """Sends wake-ups over a line. contact: `push.contact`; clock: Unix seconds."""

    def __init__(
        self, line: Line, key: ec.EllipticCurvePrivateKey, contact: str, clock: Callable[[], float]
    ) -> None:
        self._line = line
        self._vapid = Vapid02(private_key=key)
        self._contact = contact
        self._clock = clock

    async def send(self, endpoint: str, ttl: int) -> Answer:
        """One try. ttl: seconds for which the service keeps it for a phone that it cannot reach. Raises
        nothing: a library that fails costs a wake-up and never an alert."""
        claims: dict[str, str | int] = {
            "aud": f"https://{host_of(endpoint)}",
            "sub": self._contact,
            "exp": int(self._clock()) + SIGNED_SECONDS,
        }
        try:
            reply = await webpush_async(
                {"endpoint": endpoint},  # without the browser's keys: there is nothing to encrypt
                vapid_private_key=self._vapid,
                vapid_claims=claims,
                ttl=ttl,
                headers={"urgency": "high", "topic": TOPIC},
                aiohttp_session=cast(Any, self._line),
            )
        except WebPushException as error:  # its text quotes the answer: not for a log
            return _judged(error.status_code or 0, error.retry_after or "", self._clock())
        except Inside:
            return Answer(Outcome.INSIDE)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            inside = isinstance(getattr(error, "os_error", None), Inside)  # as aiohttp wraps it
            return Answer(Outcome.INSIDE if inside else Outcome.UNREACHABLE)
        except (VapidException, ValueError) as error:
            log.error("wake_up_not_signed", error=type(error).__name__)
            return Answer(Outcome.REFUSED)
        return _judged(reply.status, "", self._clock())


def _judged(status: int, retry_after: str, now: float) -> Answer:
    if 200 <= status < 300:
        return Answer(Outcome.TAKEN)
    if status in (404, 410):
        return Answer(Outcome.GONE)
    if status == 429 or status >= 500:
        return Answer(Outcome.BUSY, _seconds(retry_after, now))
    return Answer(Outcome.REFUSED)  # a redirect too: push services send none


def _seconds(retry_after: str, now: float) -> float:
    """A Retry-After header (RFC 9110, 10.2.3): seconds or a date; 0 where it is neither."""
    if retry_after.strip().isascii() and retry_after.strip().isdigit():
        return float(retry_after)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(retry_after).timestamp() - now)
    except (TypeError, ValueError, OverflowError):
        return 0.0
