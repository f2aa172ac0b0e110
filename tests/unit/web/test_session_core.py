"""The rules of one phone's connection."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd import wire
from lfrd.types import Role
from lfrd.web.rules import MESSAGES, PICTURES, message_refusal
from lfrd.web.session_core import (
    BAD_MESSAGES,
    HELLO_SECONDS,
    Action,
    Close,
    Do,
    Greet,
    Receipted,
    Refuse,
    SessionCore,
)


def core(
    window: int = 4, receipt_seconds: float = 10.0, at: float = 0.0, role: Role = Role.ENGAGEMENT
) -> SessionCore:
    return SessionCore(role, window=window, receipt_seconds=receipt_seconds, at=at)


def greeted(resume: int = 0, latest: int = 100, window: int = 4, role: Role = Role.ENGAGEMENT) -> SessionCore:
    session = core(window, role=role)
    assert say(session, wire.Hello(wire.PROTOCOL, resume, "signed")) == Greet(resume, "signed")
    session.start(resume, latest, 0)
    return session


def say(session: SessionCore, message: wire.FromPhone, *, on_post: bool = True, at: float = 0.0) -> Action:
    return session.received(wire.encode(message).decode(), on_post=on_post, at=at)


def test_hello_opens_the_connection() -> None:
    session = greeted(resume=7)
    assert session.cursor == session.receipted == 7
    assert session.allowance() == 4


def test_a_phone_that_knows_more_than_the_log_starts_from_the_beginning() -> None:
    assert greeted(resume=500, latest=100).cursor == 0


def test_a_phone_that_has_nothing_yet_begins_where_it_is_of_concern() -> None:
    session = core()
    say(session, wire.Hello(wire.PROTOCOL))
    assert session.start(0, 100, 40) == 100
    assert (session.cursor, session.receipted) == (40, 0)


def test_a_phone_that_claims_to_know_less_than_its_session_may_is_told_no_more_than_that() -> None:
    session = core()
    say(session, wire.Hello(wire.PROTOCOL))
    assert session.start(1, 100, 40) == 100
    assert [seq for seq in (2, 40, 41, 100) if session.may_tell(seq, erased=False)] == [41, 100]
    assert session.may_tell(2, erased=True)
    session.passed(40)
    assert (session.cursor, session.allowance()) == (40, 4), "what is not told is not owed"
    assert session.start(1, 100, 100) == 1, "nothing that waits will be told"


def test_a_phone_for_which_nothing_waits_has_caught_up() -> None:
    session = core()
    say(session, wire.Hello(wire.PROTOCOL))
    assert session.start(0, 100, 100) == 0


def test_anything_before_hello_closes_the_connection() -> None:
    action = say(core(), wire.Beat())
    assert isinstance(action, Close)
    assert action.code == wire.CLOSE_BAD_MESSAGE
    assert action.refused is not None
    assert action.refused.code == "protocol"


def test_another_protocol_closes_the_connection_and_says_so() -> None:
    action = say(core(), wire.Hello(wire.PROTOCOL + 1))
    assert isinstance(action, Close)
    assert action.refused is not None
    assert action.refused.code == "protocol"
    assert "reload" in action.refused.message


def test_a_connection_without_hello_is_closed_in_time() -> None:
    session = core(at=5)
    assert session.overdue(5 + HELLO_SECONDS - 0.1) is None
    close = session.overdue(5 + HELLO_SECONDS)
    assert close is not None
    assert close.code == wire.CLOSE_BAD_MESSAGE


def test_a_second_hello_is_refused() -> None:
    action = say(greeted(), wire.Hello(wire.PROTOCOL))
    assert isinstance(action, Refuse)
    assert action.refused.code == "bad_message"


def test_the_window_closes_after_as_many_events_as_it_has_places() -> None:
    session = greeted(window=2)
    session.sent(1, at=0)
    session.sent(2, at=0)
    assert session.allowance() == 0
    with pytest.raises(ValueError, match="must not be sent"):
        session.sent(3, at=0)


def test_a_receipt_opens_the_window_for_all_events_up_to_it() -> None:
    session = greeted(window=3)
    for seq in (3, 5, 8):
        session.sent(seq, at=0)
    assert say(session, wire.Receipt(5)) == Receipted(5)
    assert session.allowance() == 2
    assert say(session, wire.Receipt(8)) == Receipted(8)
    assert session.allowance() == 3


def test_a_receipt_never_goes_back() -> None:
    session = greeted()
    session.sent(1, at=0)
    session.sent(2, at=0)
    say(session, wire.Receipt(2))
    assert say(session, wire.Receipt(1)) == Receipted(2)


def test_a_receipt_for_what_was_not_sent_is_refused_and_moves_nothing() -> None:
    session = greeted()
    session.sent(1, at=0)
    action = say(session, wire.Receipt(2))
    assert isinstance(action, Refuse)
    assert session.receipted == 0
    assert session.allowance() == 3


def test_an_event_is_never_sent_twice_or_out_of_order() -> None:
    session = greeted(resume=7)
    with pytest.raises(ValueError, match="must not be sent"):
        session.sent(7, at=0)


def test_a_phone_that_owes_a_receipt_for_too_long_is_closed_as_slow() -> None:
    session = greeted()
    session.sent(1, at=100)
    session.sent(2, at=105)
    assert session.overdue(109.9) is None
    close = session.overdue(110)
    assert close is not None
    assert close.code == wire.CLOSE_SLOW


def test_a_receipt_in_time_moves_the_deadline_to_the_next_event() -> None:
    session = greeted()
    session.sent(1, at=100)
    session.sent(2, at=105)
    say(session, wire.Receipt(1), at=109)
    assert session.overdue(114.9) is None
    assert session.overdue(115) is not None
    say(session, wire.Receipt(2), at=114)
    assert session.overdue(1000) is None


REQUESTS: list[wire.FromPhone] = [
    wire.Claim("a1"),
    wire.Release("a1"),
    wire.Adjudicate("a1", "viable"),
    wire.Withdraw("a1", "wrong card"),
    wire.Engage("a1"),
    wire.Code("a1", "no_engagement"),
    wire.CloseAlert("a1"),
]


@pytest.mark.parametrize("message", REQUESTS, ids=lambda message: type(message).__name__)
def test_an_engagement_officer_acts_on_an_alert_on_post_only(message: wire.FromPhone) -> None:
    action = say(greeted(), message, on_post=False)
    assert isinstance(action, Refuse)
    assert (action.refused.code, action.refused.alert, action.audit) == ("not_on_post", "a1", "")
    assert say(greeted(), message, on_post=True) == Do(message)  # type: ignore[arg-type]


@pytest.mark.parametrize("message", REQUESTS, ids=lambda message: type(message).__name__)
def test_an_operator_adjudicates_at_the_desk_and_engages_nobody(message: wire.FromPhone) -> None:
    action = say(greeted(role=Role.OPERATOR), message, on_post=False)
    if isinstance(message, wire.Engage):
        assert isinstance(action, Refuse)
        assert (action.refused.code, action.audit) == ("role", "engage")
    else:
        assert action == Do(message)  # type: ignore[arg-type]


def test_an_operator_does_not_go_on_post() -> None:
    action = say(greeted(role=Role.OPERATOR), wire.OnPost())
    assert isinstance(action, Refuse)
    assert action.refused.code == "role"


def test_the_audit_hears_once_a_connection_of_a_request_that_the_role_does_not_allow() -> None:
    session = greeted(role=Role.OPERATOR)
    actions = [say(session, message) for message in (wire.OnPost(), wire.OnPost(), wire.Engage("a1"))]
    assert [action.audit for action in actions if isinstance(action, Refuse)] == ["on_post", "", "engage"]


@pytest.mark.parametrize("role", sorted(set(Role) - PICTURES))
def test_a_role_that_sees_no_identities_gets_no_events(role: Role) -> None:
    session = core(role=role)
    assert session.start(0, 100, 0) == 0, "nothing to catch up with"
    assert session.allowance() == 0
    with pytest.raises(ValueError, match="must not be sent"):
        session.sent(1, at=0)
    action = say(session, wire.Hello(wire.PROTOCOL))
    if message_refusal(wire.Hello, role, on_post=False):
        assert isinstance(action, Close)
        assert action.refused is not None
        assert action.refused.code == "role"


def test_every_message_has_its_rule() -> None:
    assert set(MESSAGES) == set(wire.FromPhone.__subclasses__())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"type":"dance"}',
        '{"type":"receipt","seq":-1}',
        '{"type":"beat","extra":1}',
        '{"type":"adjudicate","alert":"a","decision":"arrest"}',
        '{"type":"claim","alert":"' + "a" * 65 + '"}',
        "[" * 8000,
    ],
)
def test_what_cannot_be_read_is_refused_and_the_connection_goes_on(text: str) -> None:
    session = greeted()
    action = session.received(text, on_post=True, at=0)
    assert isinstance(action, Refuse)
    assert action.refused.code == "bad_message"
    assert len(action.refused.message) <= 200
    assert say(session, wire.Beat()) == Do(wire.Beat())


def test_repeated_bad_messages_close_the_connection() -> None:
    session = greeted()
    actions = [session.received("{", on_post=True, at=0) for _ in range(BAD_MESSAGES + 1)]
    assert all(isinstance(action, Refuse) for action in actions[:-1])
    assert isinstance(actions[-1], Close)
    assert actions[-1].code == wire.CLOSE_BAD_MESSAGE


def test_a_flood_is_slowed_down_and_a_busy_officer_is_not() -> None:
    session = greeted()
    for number in range(20):
        say(session, wire.Claim("a1"), at=number / 10)
    assert session.pause(2) == 0
    for _ in range(1000):
        say(session, wire.Claim("a1"), at=2)
    assert session.pause(2) > 1


@given(st.text(max_size=300))
def test_no_text_breaks_the_core(text: str) -> None:
    assert isinstance(greeted().received(text, on_post=True, at=0), Do | Receipted | Refuse | Close)


@given(
    window=st.integers(1, 5),
    steps=st.lists(st.tuples(st.booleans(), st.integers(0, 40), st.floats(0, 3)), max_size=60),
)
def test_a_phone_never_holds_more_than_its_window_and_owes_exactly_what_it_has_not_receipted(
    window: int, steps: list[tuple[bool, int, float]]
) -> None:
    session = greeted(window=window)
    owed: dict[int, float] = {}
    sent, now = 0, 0.0
    for send, seq, pause in steps:
        now += pause
        if send:
            if session.allowance():
                sent += 1
                session.sent(sent, now)
                owed[sent] = now
        else:
            action = say(session, wire.Receipt(seq), at=now)
            if isinstance(action, Close):
                return
            assert isinstance(action, Refuse) == (seq > sent)
            if seq <= sent:
                owed = {event: at for event, at in owed.items() if event > seq}
        assert session.allowance() == window - len(owed)
        assert (session.overdue(now) is not None) == any(now >= at + 10 for at in owed.values())
