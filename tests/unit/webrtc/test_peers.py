"""One browser at the other end: offers answered or refused, nobody outside asked, nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection
from hypothesis import given, settings
from hypothesis import strategies as st

from lfrd.config import Config, Webrtc
from lfrd.config.reading import parse
from lfrd.errors import NotAllowed, SettingError
from lfrd.webrtc import peers
from lfrd.webrtc.peers import LARGEST_OFFER, Peer, configuration, strip
from lfrd.webrtc.viewer import H264, Pictures
from tests.watcher import MovingPicture, watcher

HERE = Path()


def settings_of(folder: Path = HERE, **values: str) -> Webrtc:
    return parse({"webrtc": values}).webrtc


def no_relay() -> RTCConfiguration:
    return configuration(Webrtc(), Config().at(HERE))


@pytest.fixture
async def offer() -> AsyncIterator[str]:
    async with watcher(boxes=True) as page:
        yield await page.offer()


# ---- whom it asks ---------------------------------------------------------------------------------------


def test_without_a_setting_there_is_no_outside_server_and_not_aiortcs_own_either() -> None:
    assert no_relay().iceServers == []


def test_a_turn_server_comes_with_its_user_and_the_password_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "turn").write_text("open sesame\n")
    chosen = settings_of(turn="turn:relay.example:3478", turn_user="box", turn_password_file="turn")
    (relay,) = configuration(chosen, Config().at(tmp_path)).iceServers or []
    assert (relay.urls, relay.username, relay.credential) == ("turn:relay.example:3478", "box", "open sesame")


def test_a_turn_password_stands_in_no_representation(tmp_path: Path) -> None:
    (tmp_path / "turn").write_text("open sesame")
    chosen = settings_of(turn="turn:relay.example", turn_user="box", turn_password_file="turn")
    made = configuration(chosen, Config().at(tmp_path))
    assert "sesame" not in repr(made) + str(made) + repr(made.iceServers)


def test_a_missing_turn_password_is_one_line_that_names_the_setting(tmp_path: Path) -> None:
    chosen = settings_of(turn="turn:relay.example", turn_password_file="nowhere")
    with pytest.raises(SettingError, match=r"webrtc\.turn_password_file: .*nowhere cannot be read"):
        configuration(chosen, Config().at(tmp_path))


@pytest.mark.parametrize(
    "address", ["stun:stun.example", "relay.example", "turn:", "turn:a b", "turns:a.example?transport=udp"]
)
def test_an_address_that_is_no_turn_servers_is_refused_with_its_setting(address: str) -> None:
    with pytest.raises(SettingError, match=r"webrtc\.turn"):
        settings_of(turn=address)


# ---- addresses in an offer ------------------------------------------------------------------------------


def line(address: str, kind: str = "host", transport: str = "udp") -> str:
    return f"a=candidate:1 1 {transport} 2122260223 {address} 54321 typ {kind}"


@pytest.mark.parametrize("address", ["192.168.1.20", "10.0.0.4", "fd00::12", "127.0.0.1"])
def test_an_address_of_a_private_network_is_kept(address: str) -> None:
    assert strip(line(address)) == line(address)


@pytest.mark.parametrize(
    "address",
    [
        "0c1d-4f.local",
        "tracker.example",
        "8.8.8.8",
        "2001:4860:4860::8888",
        "224.0.0.251",
        "ff02::fb",
        "0.0.0.0",
        "255.255.255.255",
        "fe80::1%eth0",
        "",
    ],
)
def test_a_name_a_public_address_and_everybodys_are_dropped(address: str) -> None:
    assert strip(line(address)) == ""


def test_a_relayed_address_is_kept_where_there_is_a_turn_server_and_a_name_is_not() -> None:
    assert strip(line("8.8.8.8", "relay"), relayed=True) == line("8.8.8.8", "relay")
    assert strip(line("0c1d-4f.local"), relayed=True) == ""
    assert strip(line("224.0.0.251"), relayed=True) == ""


def test_candidates_over_tcp_are_dropped() -> None:
    assert strip(line("192.168.1.20", transport="tcp")) == ""


def test_no_more_addresses_are_tried_than_a_browser_has() -> None:
    many = "\r\n".join(line(f"10.0.{n}.1") for n in range(200))
    assert len(strip(many).split("\r\n")) == peers.MOST_CANDIDATES


def test_an_offer_never_says_that_all_its_addresses_are_known() -> None:
    assert strip("a=mid:0\r\na=end-of-candidates\r\na=rtcp-mux\r\n") == "a=mid:0\r\na=rtcp-mux\r\n"


@given(st.text())
def test_whatever_is_stripped_holds_no_name_that_is_asked_for_by_multicast(text: str) -> None:
    sdp = f"v=0\r\n{text}\r\na=candidate:{text} x.local\r\n{line('x-y.local')}\r\n"
    kept = [line for line in strip(sdp).split("\r\n") if line.startswith("a=candidate")]
    assert not [line for line in kept if ".local" in line]


# ---- offers ---------------------------------------------------------------------------------------------


async def refused(offer: str, *, sends: bool = True) -> NotAllowed:
    async with Peer(no_relay()) as peer:
        if sends:
            peer.sends(Pictures(MovingPicture()), H264)
        with pytest.raises(NotAllowed) as caught:
            await peer.answer(offer)
        return caught.value


@pytest.mark.parametrize("text", ["", "hello", "v=0", "v=0\r\nm=video\r\n", "v=x\r\n", "\x00" * 50])
async def test_what_is_no_offer_is_refused_in_one_line(text: str) -> None:
    error = await refused(text)
    assert error.code == "bad_offer"
    assert "\n" not in str(error)


async def test_an_offer_of_two_pictures_of_sound_or_of_none_is_refused(offer: str) -> None:
    head, _, media = offer.partition("m=video")
    picture, _, data = ("m=video" + media).partition("m=application")
    assert (await refused(head + picture + picture)).code == "bad_offer"
    assert (await refused(head + picture + picture.replace("m=video", "m=audio"))).code == "bad_offer"
    assert (await refused(head + "m=application" + data)).code == "bad_offer"


async def test_an_offer_without_a_key_to_know_the_browser_by_is_refused(offer: str) -> None:
    lines = [line for line in offer.split("\r\n") if "fingerprint" not in line]
    assert (await refused("\r\n".join(lines))).code == "bad_offer"


async def test_an_offer_that_is_too_long_is_not_read(offer: str) -> None:
    assert (await refused(offer + "a" * LARGEST_OFFER)).code == "bad_offer"


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_an_offer_with_any_line_damaged_is_answered_or_refused_and_never_fails(data: st.DataObject) -> None:
    async def tried() -> None:
        async with watcher(boxes=True) as page:
            lines = (await page.offer()).split("\r\n")
            at = data.draw(st.integers(0, len(lines) - 1))
            lines[at] = data.draw(
                st.one_of(st.just(""), st.text(max_size=20), st.just(lines[at][: len(lines[at]) // 2]))
            )
            async with Peer(no_relay()) as peer:
                peer.sends(Pictures(MovingPicture()), H264)
                with contextlib.suppress(NotAllowed):
                    assert (await peer.answer("\r\n".join(lines))).startswith("v=0")

    async def watched() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, fault: faults.append(fault))
        await tried()
        gc.collect()  # the fault of a task that nobody waits for is told when it goes

    faults: list[object] = []
    asyncio.run(watched())
    assert faults == []


async def test_a_browser_without_h264_is_told_so() -> None:
    async with watcher(codecs="video/VP8") as page:
        assert (await refused(await page.offer())).code == "no_codec"


async def test_an_answer_names_h264_only_and_the_boxs_own_addresses() -> None:
    async with watcher() as page, Peer(no_relay()) as peer:
        peer.sends(Pictures(MovingPicture()), H264)
        answer = await peer.answer(await page.offer())
    codecs = {line.split()[1].split("/")[0] for line in answer.split("\r\n") if line.startswith("a=rtpmap")}
    assert codecs == {"H264", "rtx"}
    kinds = {line.split()[7] for line in answer.split("\r\n") if line.startswith("a=candidate")}
    assert kinds == {"host"}


# ---- from one end to the other --------------------------------------------------------------------------


async def test_a_browser_whose_addresses_are_hidden_is_found_all_the_same() -> None:
    async with watcher() as page, Peer(no_relay()) as peer:
        offer = await page.offer()
        hidden = [line for line in offer.split("\r\n") if "candidate" not in line]
        peer.sends(Pictures(MovingPicture()), H264)
        await page.take(await peer.answer("\r\n".join(hidden)))
        assert await peer.connected()


async def test_strangers_that_an_offer_names_are_not_sent_to() -> None:
    async with watcher() as page, Peer(no_relay()) as peer:
        offer = await page.offer()
        strangers = "".join(
            f"{line(name)}\r\n" for name in ("8.8.8.8", "a1.local", "a.example", "224.0.0.251")
        )
        peer.sends(Pictures(MovingPicture()), H264)
        await page.take(await peer.answer(offer.replace("a=candidate", f"{strangers}a=candidate", 1)))
        assert await peer.connected()


async def test_a_browser_that_never_comes_is_given_up(offer: str) -> None:
    async with Peer(no_relay(), connect_seconds=0.05) as peer:
        peer.sends(Pictures(MovingPicture()), H264)
        await peer.answer(offer)
        assert not await peer.connected()


async def test_the_end_is_noticed_where_a_page_closes() -> None:
    async with watcher() as page, Peer(no_relay()) as peer:
        peer.sends(Pictures(MovingPicture()), H264)
        await page.take(await peer.answer(await page.offer()))
        assert await peer.connected()
        await page.connection.close()
        await peer.ended()


async def test_a_browser_with_another_key_than_it_said_is_not_served(offer: str) -> None:
    async with watcher() as page, Peer(no_relay()) as peer:
        said = await page.offer()
        other = next(line for line in offer.split("\r\n") if "fingerprint:sha-256" in line)
        lines = [line for line in said.split("\r\n") if "fingerprint" not in line or "sha-256" in line]
        swapped = [other if "fingerprint" in line else line for line in lines]
        peer.sends(Pictures(MovingPicture()), H264)
        await page.take(await peer.answer("\r\n".join(swapped)))
        assert not await peer.connected()


async def test_what_a_browser_sends_is_received() -> None:
    page = RTCPeerConnection(no_relay())
    page.addTransceiver(Pictures(MovingPicture()), direction="sendonly")
    async with Peer(no_relay()) as peer:
        receiver = peer.receives()
        await page.setLocalDescription()
        answer = await peer.answer(page.localDescription.sdp)
        assert receiver.track.kind == "video"
        assert "a=recvonly" in answer
    await page.close()


# ---- what is left ---------------------------------------------------------------------------------------


def held() -> tuple[int, int]:
    """Descriptors and tasks, once the loop has let go of what it is done with."""
    gc.collect()
    return len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks())  # noqa: PTH208


async def once(how: str) -> None:
    async with watcher(boxes=True) as page, Peer(no_relay(), connect_seconds=0.05) as peer:
        if how == "never answered":
            return
        peer.sends(Pictures(MovingPicture()), H264)
        if how == "refused":
            with pytest.raises(NotAllowed):
                await peer.answer("v=0\r\n")
            return
        answer = await peer.answer(await page.offer())
        if how == "connected":
            await page.take(answer)
        await peer.connected()


@pytest.mark.parametrize("how", ["never answered", "refused", "never came", "connected"])
async def test_a_connection_that_is_over_leaves_no_task_and_no_socket(how: str) -> None:
    await once(how)  # libraries open what they keep
    await settled()
    before = held()
    for _ in range(3):
        await once(how)
    await settled()
    assert held() <= before


async def test_a_connection_may_be_closed_at_any_moment_of_its_beginning() -> None:
    """aiortc by itself starts a sender after the close, if the keys were being agreed at that moment."""
    for milliseconds in range(0, 80, 2):
        async with watcher(boxes=True) as page, Peer(no_relay(), connect_seconds=milliseconds / 1000) as peer:
            peer.sends(Pictures(MovingPicture()), H264)
            await page.take(await peer.answer(await page.offer()))
            await peer.connected()
    await settled()


async def settled() -> None:
    """Until only this test's task runs: what has been closed ends within a few turns of the loop."""
    try:
        async with asyncio.timeout(10):
            while len(asyncio.all_tasks()) > 1:
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"still running: {asyncio.all_tasks()}") from None
