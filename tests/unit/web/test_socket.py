"""Phones on the real server: delivery, resumption, claims, posts and closing."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from lfrd import wire
from lfrd.config import Web
from lfrd.housekeeping import catch_up
from lfrd.operation.alerts import InForce
from lfrd.operation.board import Status
from lfrd.store.sessions import Session
from lfrd.types import CONSOLE, SYSTEM, Actor, AlertId, CameraState, Role
from lfrd.web.proof import DeviceKey
from lfrd.web.session_core import BAD_MESSAGES
from tests.phone import Phone
from tests.unit.web.box import opened
from tests.unit.web.staff import person


async def test_a_phone_is_welcomed_told_the_state_and_then_the_events(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        first = await box.alert()
        phone = await box.phone("Asha")
        async with phone.connected():
            assert phone.welcome is not None
            assert (phone.welcome.officer, phone.welcome.latest) == ("Asha", first.seq)
            assert isinstance(await phone.read(), wire.State)
            assert await phone.read() == first
            second = await box.alert()
            await phone.caught_up(second.seq)
        assert phone.events == [first, second]


async def test_a_phone_that_was_away_gets_what_it_missed_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        phone = await box.phone("Asha")
        async with phone.connected():
            event = await box.alert()
            await phone.caught_up(event.seq)
        missed = [await box.alert() for _ in range(5)]
        async with phone.connected():
            await phone.caught_up(missed[-1].seq)
        assert phone.seqs == [event.seq, *(late.seq for late in missed)]
        assert phone.again == 0


async def test_a_backlog_longer_than_ring_and_window_arrives_whole(tmp_path: Path) -> None:
    async with opened(tmp_path, web=Web(host="127.0.0.1", allow_plain_http=True, port=0, window=3)) as box:
        events = [await box.alert() for _ in range(300)]
        phone = await box.phone("Asha")
        async with phone.connected():
            await phone.caught_up(events[-1].seq)
        assert phone.seqs == [event.seq for event in events]
        assert box.services.hub.statistics().from_log > 0
        assert box.services.hub.statistics().from_ring > 0


async def test_no_more_than_the_window_is_sent_before_a_receipt(tmp_path: Path) -> None:
    async with opened(tmp_path, web=Web(host="127.0.0.1", allow_plain_http=True, port=0, window=3)) as box:
        events = [await box.alert() for _ in range(5)]
        phone = await box.phone("Asha")
        async with phone.connected():
            await phone.until(lambda: len(phone.events) == 3, receipts=False)
            await phone.say(wire.Beat())  # its answer comes after whatever else was sent
            await phone.until(lambda: bool(phone.pulses), receipts=False)
            assert phone.seqs == [event.seq for event in events[:3]]
            await phone.receipt()
            await phone.caught_up(events[-1].seq)


async def test_a_slow_phone_is_closed_and_resumes_without_loss(tmp_path: Path) -> None:
    async with opened(
        tmp_path, web=Web(host="127.0.0.1", allow_plain_http=True, port=0, window=4, receipt_seconds=0.2)
    ) as box:
        box.clock.stop()
        events = [await box.alert() for _ in range(10)]
        phone = await box.phone("Asha")
        async with phone.connected():
            await phone.until(lambda: len(phone.events) == 4, receipts=False)
            box.clock.ahead += 0.2
            assert await phone.closed() == wire.CLOSE_SLOW
        assert phone.seqs == [event.seq for event in events[:4]]
        async with phone.connected():
            await phone.caught_up(events[-1].seq)
        assert phone.seqs == [event.seq for event in events]
        assert phone.again == 4
        assert box.services.phones.statistics().slow == 1


async def test_a_phone_of_another_log_gets_everything_there_is(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        event = await box.alert()
        phone = await box.phone("Asha")
        async with phone.connected(resume=500):
            assert phone.welcome is not None
            assert phone.welcome.latest == event.seq
            await phone.caught_up(event.seq)


async def test_two_officers_claim_at_once_and_one_wins_and_both_see_who(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        alert = await box.alert()
        asha, ben = await box.phone("Asha"), await box.phone("Ben")
        async with asha.connected(), ben.connected():
            for phone in (asha, ben):
                await phone.caught_up(alert.seq)
                await phone.say(wire.OnPost())
            await asyncio.gather(*(phone.say(wire.Claim(alert.alert.id)) for phone in (asha, ben)))
            for phone in (asha, ben):
                await phone.caught_up(alert.seq + 1)
            winner, loser = (asha, ben) if asha.events[-1].alert.claimed_by == "Asha" else (ben, asha)
            await loser.until(lambda: bool(loser.refused))
        assert [phone.events[-1].what for phone in (asha, ben)] == ["claimed", "claimed"]
        assert {phone.events[-1].alert.claimed_by for phone in (asha, ben)} == {winner.name}
        assert (loser.refused[0].code, loser.refused[0].alert) == ("claimed", alert.alert.id)
        assert winner.name in loser.refused[0].message
        assert not winner.refused


async def test_an_adjudication_reaches_every_phone_and_needs_its_reason(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        alert = await box.alert()
        asha, ben = await box.phone("Asha"), await box.phone("Ben")
        async with asha.connected(), ben.connected():
            await asha.say(wire.OnPost())
            await asha.say(wire.Adjudicate(alert.alert.id, "not_viable"))
            await asha.until(lambda: bool(asha.refused))
            assert asha.refused[0].code == "reason_missing"
            await asha.say(wire.Adjudicate(alert.alert.id, "not_viable", "another person"))
            await ben.caught_up(alert.seq + 1)
        view = ben.events[-1].alert
        assert (view.decision, view.decided_by, view.reason) == ("not_viable", "Asha", "another person")


async def test_an_officer_off_post_claims_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        alert = await box.alert()
        phone = await box.phone("Asha")
        async with phone.connected():
            await phone.say(wire.Claim(alert.alert.id))
            await phone.until(lambda: bool(phone.refused))
        assert phone.refused[0].code == "not_on_post"
        assert await box.services.log.latest() == alert.seq


async def test_an_alert_is_seen_through_from_the_claim_to_the_correction(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        alert = (await box.alert()).alert.id
        asha, ben = await box.phone("Asha"), await box.phone("Ben")
        async with asha.connected(), ben.connected():
            await asha.say(wire.OnPost())
            requests = (
                wire.Claim(alert),
                wire.Release(alert),
                wire.Adjudicate(alert, "insufficient", "far away"),
                wire.Withdraw(alert, "came closer"),
                wire.Adjudicate(alert, "viable"),
                wire.Engage(alert),
                wire.Code(alert, "arrest", "warrant"),
                wire.CloseAlert(alert),
                wire.Code(alert, "confirmed_false", correction="fingerprints"),
            )
            for request in requests:
                await asha.say(request)
            await ben.caught_up(1 + len(requests))
            await asha.caught_up(1 + len(requests))
        assert not asha.refused
        assert asha.events == ben.events == await box.services.log.after(0, 20)
        whats = "alert claimed released adjudicated withdrawn adjudicated engaged outcome closed outcome"
        assert [event.what for event in ben.events] == whats.split()
        view = ben.events[-1].alert
        assert (view.engaged_by, view.outcome, view.closed) == ("Asha", "confirmed_false", True)


async def test_what_the_rules_forbid_is_answered_with_its_code_and_its_alert(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        alert = await box.alert()
        phone = await box.phone("Asha")
        async with phone.connected():
            await phone.say(wire.OnPost())
            await phone.say(wire.Engage(alert.alert.id))
            await phone.say(wire.CloseAlert(alert.alert.id))
            await phone.say(wire.Claim("nothing"))
            await phone.until(lambda: len(phone.refused) == 3)
        assert [(refused.code, refused.alert) for refused in phone.refused] == [
            ("not_adjudicated", alert.alert.id),
            ("outcome_missing", alert.alert.id),
            ("unknown_alert", "nothing"),
        ]


async def test_the_second_reviewer_is_told_nothing_of_the_first_ones_decision(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        await box.services.alerts.open(InForce(box.served.deployment, 1, 20.0, 300.0, reviews_needed=2))
        alert = await box.alert()
        asha, ben = [await box.phone(name, named=True) for name in ("Asha", "Ben")]
        async with asha.connected(), ben.connected():
            for phone in (asha, ben):
                await phone.say(wire.OnPost())
            await asha.say(wire.Adjudicate(alert.alert.id, "insufficient", "marked reason"))
            await ben.caught_up(alert.seq + 1)
            event = ben.events[-1]
            assert (event.what, event.alert.reviews) == ("reviewed", 1)
            for secret in (b"Asha", b"insufficient", b"marked"):
                assert secret not in wire.encode(ben.events)
            await ben.say(wire.Adjudicate(alert.alert.id, "viable"))
            await asha.caught_up(alert.seq + 2)
        view = asha.events[-1].alert
        assert (view.decision, view.decided_by) == ("insufficient", "Asha and Ben")


async def test_an_operator_adjudicates_at_the_desk_and_is_refused_what_is_the_officers(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as box:
        alert = await box.alert()
        desk = await person(box.services.officers, box.url, Role.OPERATOR, "Olu")
        async with desk.connected():
            assert desk.welcome is not None
            assert desk.welcome.role == "operator"
            await desk.say(wire.Adjudicate(alert.alert.id, "viable"))
            await desk.caught_up(alert.seq + 1)
            for message in (wire.Engage(alert.alert.id), wire.OnPost(), wire.OnPost()):
                await desk.say(message)
            await desk.until(lambda: len(desk.refused) == 3)
        assert desk.events[-1].alert.decided_by == "Olu"
        assert {refused.code for refused in desk.refused} == {"role"}
        records = await box.services.audit.records(what="refused")
        assert [(record.actor == "system", record.body) for record in records] == [
            (False, '{"what":"refused","path":"engage","code":"role"}'),
            (False, '{"what":"refused","path":"on_post","code":"role"}'),
        ]


async def test_a_stolen_cookie_without_its_device_is_told_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        await box.alert()
        phone = await box.phone("Asha")
        for key in (None, DeviceKey()):
            thief = type(phone)(phone.url, phone.cookie, phone.name, key)
            async with thief.connected(hello=False):
                await thief.say(wire.Hello(wire.PROTOCOL, 0, thief.proof("WS", "/ws")))
                assert await thief.closed() == wire.CLOSE_PROOF
            assert (thief.welcome, thief.events, thief.states) == (None, [], [])
            assert [refused.code for refused in thief.refused] == ["proof"]
        assert len(await box.services.audit.records(what="refused")) == 2


async def test_a_phone_that_was_away_learns_that_an_alert_is_erased_and_sees_nothing_of_it_again(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as box:
        first, second = await box.alert(), await box.alert()
        phone, late = await box.phone("Asha"), await box.phone("Ben")
        async with phone.connected():
            await phone.caught_up(second.seq)
        await box.served.office.records.destruction.alerts([AlertId(first.alert.id)], "test", CONSOLE)
        await catch_up(box.served.office.records, box.services.hub)
        for each in (phone, late):
            async with each.connected():
                await each.caught_up(second.seq + 1)
            assert each.events[-1].what == "erased"
            assert each.events[-1].alert.id == first.alert.id
        assert late.seqs == [second.seq, second.seq + 1]


async def test_a_phone_that_asks_for_earlier_deployments_is_told_nobody_who_was_sought_in_them(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as box:
        records, acts = box.served.office.records, box.services.log.acts
        over, erased = await box.alert("sought last week"), await box.alert()
        officer = await records.officers.add("Sgt Hale", Role.OPERATOR, "", CONSOLE)
        hale = Actor(officer, "Sgt Hale", Role.OPERATOR)
        for alert in (over, erased):
            await acts.adjudicate(AlertId(alert.alert.id), hale, "not_viable", "another ear")
            await acts.code(AlertId(alert.alert.id), hale, "no_engagement")
            await acts.close(AlertId(alert.alert.id), hale)
        await records.deployments.close(box.served.deployment, SYSTEM)
        await records.destruction.alerts([AlertId(erased.alert.id)], "test", CONSOLE)
        await catch_up(records, box.services.hub)
        phone = await box.phone("Asha")
        async with phone.connected(resume=1):
            await phone.until(lambda: bool(phone.events))
        assert [(event.what, event.alert.nominal) for event in phone.events] == [("erased", "")]


async def test_cameras_are_wanted_while_an_officer_is_on_post(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        phone = await box.phone("Asha")
        async with phone.connected():
            await phone.until(lambda: bool(phone.states))
            assert not phone.state().on_post
            assert not phone.state().protected
            await phone.say(wire.OnPost())
            await box.services.duty.wanted()
            await phone.until(lambda: phone.state().on_post)
            assert phone.state().officers == ["Asha"]
            assert phone.state().protected
            await phone.say(wire.OffPost())
            await box.services.duty.unwanted()
            await phone.until(lambda: not phone.state().on_post)


async def test_cameras_stop_when_the_grace_has_passed_since_the_last_heartbeat(tmp_path: Path) -> None:
    async with opened(tmp_path, grace_seconds=20) as box:
        phone = await box.phone("Asha")
        async with phone.connected():
            await phone.say(wire.OnPost())
            await box.services.duty.wanted()
            box.clock.ahead += 15
            await phone.say(wire.Beat())
            await phone.until(lambda: bool(phone.pulses))
        duty = box.services.duty
        box.clock.ahead += 19
        assert duty.cameras_wanted(), "a cut connection alone stops nothing"
        box.clock.ahead += 1
        assert not duty.cameras_wanted()


async def test_a_phone_that_falls_silent_loses_its_post_and_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path, grace_seconds=0.2) as box:
        box.clock.stop()
        phone = await box.phone("Asha")
        async with phone.connected():
            await phone.say(wire.OnPost())
            await phone.until(lambda: bool(phone.states) and phone.state().on_post)
            box.clock.ahead += 0.2
            await box.services.duty.unwanted()
            await phone.until(lambda: not phone.state().on_post)


async def test_only_the_newest_state_is_sent_when_cameras_change(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        phone = await box.phone("Asha")
        async with phone.connected():
            await phone.until(lambda: bool(phone.states))
            for number in range(1, 6):
                box.status.append(Status((wire.CameraView("gate", CameraState.STALLED),), "", number))
                box.services.board.refresh()
            await phone.until(lambda: phone.state().faces_seen == 5)
        assert len(phone.states) == 2


async def test_a_newer_connection_of_a_session_closes_the_older(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        phone = await box.phone("Asha")
        async with phone.connected():
            other = type(phone)(phone.url, phone.cookie, phone.name, phone.key)
            async with other.connected():
                assert await phone.closed() == wire.CLOSE_REPLACED
                event = await box.alert()
                await other.caught_up(event.seq)


async def test_a_revoked_session_is_closed_and_opens_nothing_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        phone = await box.phone("Asha")
        async with phone.connected():
            (session,) = await box.services.officers.sessions()
            await box.services.officers.revoke(session.id)
            assert await phone.closed() == wire.CLOSE_REVOKED
        async with phone.connected(hello=False):
            assert await phone.closed() == wire.CLOSE_REVOKED


async def test_a_revoked_phone_is_off_post_at_once_and_keeps_no_camera_running(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        phone = await box.phone("Asha")
        async with phone.connected():
            await phone.say(wire.OnPost())
            await box.services.duty.wanted()
            (session,) = await box.services.officers.sessions()
            await box.services.officers.revoke(session.id)
            assert await phone.closed() == wire.CLOSE_REVOKED
            assert not box.services.duty.cameras_wanted()


async def test_a_phone_that_says_hello_while_sessions_are_looked_up_is_not_taken_for_one_that_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as box, AsyncExitStack() as stack:
        officers, phones = box.services.officers, box.services.phones
        look_up, joined = officers.sessions, list[Phone]()

        async def while_somebody_joins() -> list[Session]:
            standing = await look_up()
            if not joined:
                joined.append(await box.phone("Asha"))
                await stack.enter_async_context(joined[0].connected())
            return standing

        ended = await box.signed_in("Ben")
        async with ended.connected():
            monkeypatch.setattr(officers, "sessions", while_somebody_joins)
            await phones.sweep()
        assert joined
        event = await box.alert()
        await joined[0].caught_up(event.seq)
        await joined[0].say(wire.Beat())
        await joined[0].until(lambda: bool(joined[0].pulses))
        asha = next(session.id for session in await look_up() if session.name == "Asha")
        assert phones.reach.phones[asha].seconds.keys() == {event.alert.id}


async def test_a_phone_that_leaves_is_closed_and_off_post_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        phone = await box.phone("Asha")
        async with phone.connected(), phone.http() as http:
            await phone.say(wire.OnPost())
            await box.services.duty.wanted()
            assert (await http.post("/api/leave")).status_code == 200
            assert not box.services.duty.cameras_wanted()
            assert await phone.closed() == wire.CLOSE_REVOKED


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", None])
async def test_a_page_of_another_site_gets_no_connection(tmp_path: Path, origin: str | None) -> None:
    async with opened(tmp_path) as box:
        phone = await box.phone("Asha")
        phone.origin = origin
        with pytest.raises(InvalidStatus) as refused:
            async with phone.connected():
                pass
        assert refused.value.response.status_code == 403
        assert "content-security-policy" in refused.value.response.headers


async def test_bad_messages_are_answered_and_then_the_connection_is_closed(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        phone = await box.phone("Asha")
        async with phone.connected():
            for _ in range(BAD_MESSAGES // 2 + 1):
                await phone.say_raw("{")
                await phone.say_raw(b"\x00")
            assert await phone.closed() == wire.CLOSE_BAD_MESSAGE
        assert {refused.code for refused in phone.refused} == {"bad_message"}


async def test_a_message_that_is_too_large_closes_the_connection(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        phone = await box.phone("Asha")
        async with phone.connected():
            await phone.say_raw("x" * 10_000)
            assert await phone.closed() == 1009


async def test_the_longest_reason_fits_into_a_message(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        alert = await box.alert()
        phone = await box.phone("Asha")
        async with phone.connected():
            await phone.say(wire.OnPost())
            reason = r"\ud83d\ude00" * 500  # as an encoder may write it that escapes
            await phone.say_raw(
                f'{{"type":"adjudicate","alert":"{alert.alert.id}","decision":"insufficient",'
                f'"reason":"{reason}"}}'
            )
            await phone.caught_up(alert.seq + 1)
        assert phone.events[-1].alert.reason == "\U0001f600" * 500


async def test_receipts_are_written_down_for_the_record(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        events = [await box.alert() for _ in range(3)]
        phone = await box.phone("Asha")
        async with phone.connected():
            await phone.caught_up(events[-1].seq)
            await phone.say(wire.Beat())
            await phone.until(lambda: bool(phone.pulses))
            await box.services.receipts.write()
        assert list((await box.services.log.receipts()).values()) == [events[-1].seq]


async def test_phones_are_told_that_the_server_restarts(tmp_path: Path) -> None:
    async with opened(tmp_path) as box:
        phone = await box.phone("Asha")
        connection = phone.connected()
        await connection.__aenter__()
    with pytest.raises(ConnectionClosed) as closed:
        await phone.until(lambda: False)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    await connection.__aexit__(None, None, None)
