"""The rules of one phone's connection, without I/O: fed messages and times, it answers with what to do.

A connection opens with `hello`, which proves the device; then the server may send events while fewer than
`window` are unreceipted, and gives the phone `receipt_seconds` for each. The shell in `socket.py` reads,
writes and waits.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from lfrd import wire
from lfrd.types import Role
from lfrd.web.limits import Bucket
from lfrd.web.rules import PICTURES, message_refusal

HELLO_SECONDS = 10.0
"""How long a new connection may take to say hello."""
BAD_MESSAGES = 5
"""So many messages that cannot be read are answered; the next one closes the connection."""
BUDGET_RATE = 200.0
"""What a phone may spend a second: a receipt or a heartbeat costs 1, a request costs `REQUEST_COST`."""
BUDGET_BURST = 400.0
REQUEST_COST = 10.0


@dataclass(frozen=True, slots=True)
class Greet:
    """The phone said hello: where its proof is good send `welcome`, then the state, then what comes after
    `resume`."""

    resume: int
    proof: str


@dataclass(frozen=True, slots=True)
class Do:
    """A request for the services behind the connection."""

    message: wire.OnPost | wire.OffPost | wire.Beat | wire.AlertRequest


@dataclass(frozen=True, slots=True)
class Receipted:
    """The window has moved: more events may be sent."""

    seq: int


@dataclass(frozen=True, slots=True)
class Refuse:
    """Say so to the phone; the connection goes on. audit: the message's kind, where the audit must hear that
    somebody asked for what their role does not allow; empty elsewhere."""

    refused: wire.Refused
    audit: str = ""


@dataclass(frozen=True, slots=True)
class Close:
    code: int
    reason: str
    refused: wire.Refused | None = None
    """To be sent before closing."""


Action: TypeAlias = Greet | Do | Receipted | Refuse | Close


class SessionCore:
    """One connection's state. Every `at` is in seconds of one clock that does not go back."""

    def __init__(self, role: Role, *, window: int, receipt_seconds: float, at: float) -> None:
        if window < 1 or receipt_seconds <= 0:
            raise ValueError(f"window and receipt_seconds must be above 0, not {window}, {receipt_seconds}")
        self._role = role
        self._window = window
        self._receipt_seconds = receipt_seconds
        self._greeted = False
        self._hello_due = at + HELLO_SECONDS
        self._floor = 0  # of events up to here the phone is told only which alerts were deleted
        self._cursor = 0  # the last event sent, or receipted in an earlier connection
        self._receipted = 0  # the last event that the phone has receipted, in this connection or earlier
        self._owed: deque[tuple[int, float]] = deque()  # (number, due) of what was sent; window at the most
        self._bad = 0  # messages that could not be read
        self._audited: set[str] = set()  # kinds of messages whose refusal the audit has heard of
        self._budget = Bucket.full(BUDGET_RATE, BUDGET_BURST, at)

    # ---- what the phone says ---------------------------------------------------------------------------

    def received(self, text: str, *, on_post: bool, at: float) -> Action:
        """The phone's message, checked. `on_post`: whether its officer stands on post now."""
        try:
            message = wire.phone_decoder.decode(text)
        except msgspec.DecodeError as error:  # ValidationError is one too
            self._budget.spend(REQUEST_COST, at)
            return self._unreadable(str(error)[:200])
        except RecursionError:
            self._budget.spend(REQUEST_COST, at)
            return self._unreadable("nested too deeply")
        self._budget.spend(1.0 if isinstance(message, wire.Receipt | wire.Beat) else REQUEST_COST, at)
        if isinstance(message, wire.Hello):
            return self._hello(message)
        if not self._greeted:
            return _protocol("say hello first")
        if isinstance(message, wire.Receipt):
            return self._receipt(message)
        if code := message_refusal(type(message), self._role, on_post=on_post):
            return self._refused(message, code)
        return Do(message)

    def pause(self, at: float) -> float:
        """Seconds to wait before the phone's next message is read: a flood is slowed down, not dropped."""
        return self._budget.spend(0.0, at)

    def _hello(self, message: wire.Hello) -> Action:
        if self._greeted:
            return self._unreadable("hello was said already")
        if message.protocol != wire.PROTOCOL:
            return _protocol(
                f"this server speaks protocol {wire.PROTOCOL}, the page {message.protocol}; reload the page"
            )
        if code := message_refusal(wire.Hello, self._role, on_post=False):
            refused = wire.Refused(code, "your role gets no alerts")
            return Close(wire.CLOSE_BAD_MESSAGE, refused.message, refused)
        self._greeted = True
        return Greet(message.resume, message.proof)

    def _refused(self, message: wire.FromPhone, code: str) -> Refuse:
        alert = message.alert if isinstance(message, wire.AlertRequest) else ""
        if code != "role":
            return Refuse(wire.Refused(code, "go on post first, then act on the alert", alert))
        kind = str(message.__struct_config__.tag)
        first = kind not in self._audited  # once a connection: a page that tries again tells nothing new
        self._audited.add(kind)
        return Refuse(wire.Refused(code, "your role may not do this", alert), kind if first else "")

    def _receipt(self, message: wire.Receipt) -> Action:
        if message.seq > self._cursor:
            return self._unreadable("receipt for an event that was not sent")
        while self._owed and self._owed[0][0] <= message.seq:
            self._owed.popleft()
        self._receipted = max(self._receipted, message.seq)
        return Receipted(self._receipted)

    def _unreadable(self, problem: str) -> Action:
        self._bad += 1
        refused = wire.Refused("bad_message", problem)
        if self._bad > BAD_MESSAGES:
            return Close(wire.CLOSE_BAD_MESSAGE, "too many messages that cannot be read", refused)
        return Refuse(refused)

    # ---- what the server sends -------------------------------------------------------------------------

    def start(self, resume: int, latest: int, beginning: int) -> int:
        """The number that `welcome` is to name as the newest one.

        latest: the log's newest number. A phone that says it has more knows another log; it starts like one
        that has nothing, at `beginning`. Nor does one that says it has less get what came before that.
        """
        known = 0 < resume <= latest
        self._receipted = resume if known else 0
        self._floor = min(beginning, latest)
        self._cursor = resume if known else self._floor
        if not self.events_allowed:
            return 0
        return latest if latest > max(self._cursor, self._floor) else self._receipted

    def may_tell(self, seq: int, *, erased: bool) -> bool:
        """Whether the phone's session may be told this event at all."""
        return erased or seq > self._floor

    def passed(self, seq: int) -> None:
        """The event is not for this phone."""
        self._cursor = seq

    @property
    def events_allowed(self) -> bool:
        """Whether this role sees identities. The others are told the state of the box and nothing else."""
        return self._role in PICTURES

    @property
    def cursor(self) -> int:
        """Events after this number are to be sent."""
        return self._cursor

    @property
    def receipted(self) -> int:
        return self._receipted

    def allowance(self) -> int:
        """How many events may be sent now."""
        return self._window - len(self._owed) if self.events_allowed else 0

    def sent(self, seq: int, at: float) -> None:
        if seq <= self._cursor or not self.allowance():
            raise ValueError(
                f"event {seq} must not be sent now: cursor {self._cursor}, {len(self._owed)} owed"
            )
        self._cursor = seq
        self._owed.append((seq, at + self._receipt_seconds))

    # ---- what time brings ------------------------------------------------------------------------------

    def overdue(self, at: float) -> Close | None:
        """Why the connection must be closed now, if it must."""
        if not self._greeted:
            return _protocol("no hello in time") if at >= self._hello_due else None
        if self._owed and at >= self._owed[0][1]:
            return Close(wire.CLOSE_SLOW, "receipts are owed: resume after the last one")
        return None


def _protocol(problem: str) -> Close:
    return Close(wire.CLOSE_BAD_MESSAGE, problem, wire.Refused("protocol", problem))
