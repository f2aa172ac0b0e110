from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import cast
from urllib.parse import unquote

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.capture.origin import DeviceOrigin, RtspOrigin
from lfrd.capture.source import make_source
from lfrd.config import Camera, Config, Secret
from lfrd.errors import SettingError, SourceError

PASSWORD = "p@ss:wo/rd?%&"


def rtsp(source: str = "rtsp://camera.example:8554/live?token=hidden", **settings: object) -> Camera:
    return Camera(name="gate", source=source, **settings)  # type: ignore[arg-type]


def opened(camera: Camera, **environment: str) -> str:
    """The line that opening the camera fails with."""
    source = make_source(camera, Config().at(Path()), environment=environment)
    with pytest.raises(SourceError) as caught, source:
        pass
    assert caught.value.__context__ is None, "FFmpeg's error, which quotes the address, must not be chained"
    return str(caught.value)


@given(st.text(min_size=1, max_size=8), st.text(max_size=8))
def test_credentials_are_encoded_so_that_nothing_of_them_is_taken_for_the_address(
    user: str, password: str
) -> None:
    try:
        user.encode()
        password.encode()
    except UnicodeEncodeError:
        return
    origin = RtspOrigin(rtsp(user=user), Secret(password))
    try:
        address = origin._url().reveal()
    except SettingError:
        return
    login, _, rest = address.removeprefix("rtsp://").partition("@")
    assert rest == "camera.example:8554/live?token=hidden"
    assert [unquote(part) for part in login.split(":")] == [user, password]


def test_neither_credentials_nor_the_path_show_in_a_repr_or_an_explanation() -> None:
    origin = RtspOrigin(rtsp(user="viewer"), Secret(PASSWORD))
    address = origin._url().reveal()
    classes = cast(dict[int, type[av.FFmpegError]], av.error.classes)
    errors = [kind(number, "words", address) for number, kind in classes.items()]
    assert len(errors) > 20
    texts = [repr(origin), repr(vars(origin)), *(origin.explain(error, 0.1) for error in errors)]
    for text in texts:
        assert PASSWORD not in text
        assert "hidden" not in text
        assert "p%40ss" not in text
        assert "\n" not in text


def test_credentials_that_ffmpeg_would_cut_off_are_refused_as_a_setting() -> None:
    origin = RtspOrigin(rtsp(user="viewer"), Secret("%" * 60))
    with pytest.raises(SettingError, match="longer than FFmpeg's RTSP client takes") as caught:
        origin.open()
    assert caught.value.key == 'cameras["gate"].user'


def test_a_camera_without_a_login_is_opened_without_one() -> None:
    assert RtspOrigin(rtsp(), None)._url().reveal() == "rtsp://camera.example:8554/live?token=hidden"


def test_the_transport_and_the_limits_reach_ffmpeg() -> None:
    camera = rtsp(transport="udp", open_seconds=3.0, stall_seconds=2.0)
    options = RtspOrigin(camera, None).options
    assert options["rtsp_transport"] == "udp"
    assert options["timeout"] == "5500000"


def test_a_name_that_nobody_knows_is_one_clear_line() -> None:
    assert opened(rtsp("rtsp://nowhere.invalid/a?pw=hidden")) == (
        "camera 'gate': the name 'nowhere.invalid' is not known to this network"
    )


def test_a_refused_connection_is_one_clear_line() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    assert opened(rtsp(f"rtsp://127.0.0.1:{port}/a")) == (
        f"camera 'gate': 127.0.0.1:{port} refuses the connection; is the camera on, and is the port right?"
    )


@pytest.fixture
def answers() -> Iterator[tuple[list[bytes], int]]:
    """A server on a port that gives each request the next of these answers; with none left it is silent. It
    closes the connection after one that is no RTSP, or empty, and takes the next connection."""
    left: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection, suppress(ConnectionError):
                    while request := connection.recv(4096):
                        number = request.partition(b"CSeq: ")[2].split(b"\r\n")[0]
                        if not left:
                            continue
                        answer = left.pop(0)
                        connection.sendall(answer.replace(b"\r\n", b"\r\nCSeq: " + number + b"\r\n", 1))
                        if not answer.startswith(b"RTSP/"):
                            break

        thread = threading.Thread(target=serve)
        thread.start()
        yield left, server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"RTSP/1.0 404 Not Found\r\n\r\n", "has no stream at this path; check the end of cameras.source"),
        (b"RTSP/1.0 403 Forbidden\r\n\r\n", "forbids this user the stream"),
        (
            b'RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"\r\n\r\n',
            "asks for a password; set user and password_file",
        ),
    ],
)
def test_a_refusal_is_one_clear_line(
    answers: tuple[list[bytes], int], answer: bytes, problem: str, capfd: pytest.CaptureFixture[str]
) -> None:
    left, port = answers
    left += [answer] * 3
    assert opened(rtsp(f"rtsp://127.0.0.1:{port}/a")) == f"camera 'gate': 127.0.0.1:{port} {problem}"
    assert capfd.readouterr() == ("", "")


GATEWAY = "check the port, and whether a gateway"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"", f"closes the connection without an answer; {GATEWAY} or a firewall stands between"),
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            f"is answered by a web server or a proxy, not by an RTSP camera; {GATEWAY} stands between",
        ),
        (b"SSH-2.0-x\r\n", "answers, but not as an RTSP camera does; check cameras.source"),
    ],
)
def test_what_is_no_camera_is_told_from_what_does_not_answer(
    answers: tuple[list[bytes], int], answer: bytes, problem: str
) -> None:
    left, port = answers
    left += [answer, answer]  # to FFmpeg, and when asked again
    camera = rtsp(f"rtsp://127.0.0.1:{port}/a?pw=hidden", user="viewer", password_env="PW")
    assert opened(camera, PW=PASSWORD) == f"camera 'gate': 127.0.0.1:{port} {problem}"


def invalid(origin: RtspOrigin) -> str:
    """What is said when FFmpeg could not read what came."""
    return origin.explain(av.error.InvalidDataError(1094995529, "words", "rtsp://u:hidden@cam/hidden"), 0.1)


def test_a_camera_that_speaks_rtsp_and_then_sends_what_cannot_be_read_is_said_to(
    answers: tuple[list[bytes], int],
) -> None:
    left, port = answers
    left.append(b"RTSP/1.0 200 OK\r\n\r\n")
    said = invalid(RtspOrigin(rtsp(f"rtsp://127.0.0.1:{port}/a"), None))
    assert said == f"127.0.0.1:{port} speaks RTSP, but sends what cannot be read; try the other transport"


def test_a_camera_that_is_gone_when_asked_again_is_not_said_to_answer() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    said = invalid(RtspOrigin(rtsp(f"rtsp://127.0.0.1:{port}/a"), None))
    assert said == f"127.0.0.1:{port} cannot be reached (connection refused)"


@pytest.mark.parametrize("number", [errno.ENETUNREACH, errno.EHOSTUNREACH])
def test_a_camera_without_a_route_to_it_cannot_be_reached(number: int) -> None:
    with pytest.raises(OSError) as caught:  # noqa: PT011 - FFmpeg's own, by number below
        av.error.err_check(-number, "rtsp://u:hidden@camera.example/hidden")
    assert RtspOrigin(rtsp(), None).explain(caught.value, 0.0) == (
        "camera.example:8554 cannot be reached on this network"
    )


def test_a_server_that_never_answers_is_given_up_after_the_time_to_open(
    answers: tuple[list[bytes], int],
) -> None:
    _, port = answers
    camera = rtsp(f"rtsp://127.0.0.1:{port}/a", open_seconds=0.3, user="viewer", password_env="PW")
    assert opened(camera, PW=PASSWORD) == f"camera 'gate': 127.0.0.1:{port} did not answer within 0.3 s"


def test_a_webcam_is_asked_for_its_size_and_rate() -> None:
    camera = Camera(name="desk", source="/dev/video7", width=1280, height=720, fps=15.0)
    assert DeviceOrigin(camera).options == {"video_size": "1280x720", "framerate": "15"}
    assert DeviceOrigin(Camera(name="desk", source="/dev/video7")).options == {}


def test_a_missing_webcam_is_one_clear_line() -> None:
    camera = Camera(name="desk", source="/dev/video97")
    assert opened(camera) == "camera 'desk': /dev/video97 is not there; is the webcam plugged in?"


def test_a_device_that_is_no_webcam_is_one_clear_line() -> None:
    assert opened(Camera(name="desk", source="/dev/null")) == "camera 'desk': /dev/null is not a video device"


@pytest.mark.parametrize(
    ("number", "problem"),
    [
        (errno.EACCES, "may not be read by this user; add the user to the group 'video'"),
        (errno.EBUSY, "is in use by another program"),
        (errno.EINVAL, "does not offer this width, height or fps; set them to 0 for its default"),
        (errno.ENODEV, "is not there; is the webcam plugged in?"),
        (errno.EIO, "failed (input/output error)"),
    ],
)
def test_what_is_wrong_with_a_webcam_is_said(number: int, problem: str) -> None:
    origin = DeviceOrigin(Camera(name="desk", source="/dev/video0"))
    with pytest.raises(av.FFmpegError) as caught:
        av.error.err_check(-number, "/dev/video0")
    assert origin.explain(caught.value, 0.1) == f"/dev/video0 {problem}"
