"""Where live pictures come from: an RTSP camera or a V4L2 webcam, each opened and explained in its way."""

from __future__ import annotations

import errno
import socket
from typing import Protocol
from urllib.parse import quote, urlsplit

import av
from av.container import InputContainer

from lfrd.config import Camera, Secret
from lfrd.errors import SettingError

LONGEST_LOGIN = 127
"""Bytes of user, colon and password, percent-encoded: FFmpeg's RTSP client cuts off what exceeds it."""

ASKING_SECONDS = 1.0
"""Longest wait of one step when a camera is asked once more, to say why FFmpeg could not read its answer."""

NO_RTSP = "answers, but not as an RTSP camera does; check cameras.source"

RTSP_PORT, RTSPS_PORT = 554, 322  # those of RFC 2326 and of FFmpeg, where an address has none

READING_SLACK = 0.5
"""Seconds over stall_seconds that a read may take: the supervisor calls it a stall before the read fails."""


class Origin(Protocol):
    """Opens one live camera. Neither its repr nor its explanations hold anything that must stay hidden."""

    def open(self) -> InputContainer:
        """Raises SettingError, or av.FFmpegError whose text may quote the address: for `explain` only."""
        ...

    def explain(self, error: Exception, waited: float) -> str:
        """One line for people on why opening or reading failed after `waited` seconds."""
        ...


class RtspOrigin:
    """An IP camera. Its path and query are never shown: some cameras want credentials there."""

    def __init__(self, camera: Camera, password: Secret | None) -> None:
        parts = urlsplit(camera.source)
        self.shown = parts.netloc.rpartition("@")[2]  # host and port
        self._camera = camera.name
        self._host = parts.hostname or ""
        self._port = parts.port
        self._scheme = parts.scheme
        self._rest = Secret(camera.source.split("//", 1)[1][len(parts.netloc) :])
        self._user = camera.user
        self._password = password
        self._transport = camera.transport
        self._open_seconds = camera.open_seconds
        self._read_seconds = camera.stall_seconds + READING_SLACK

    def __repr__(self) -> str:
        return f"RtspOrigin({self.shown!r})"

    @property
    def options(self) -> dict[str, str]:
        """FFmpeg's. `timeout`, in microseconds, is its own limit of one wait on a socket. It stands behind
        the two of `open`, which are shorter and hold in every state of the client."""
        return {
            "rtsp_transport": self._transport,
            "timeout": str(int((self._open_seconds + self._read_seconds) * 1_000_000)),
            "allowed_media_types": "video",
            # A key frame arrives as a burst that the default UDP buffer loses the end of.
            "buffer_size": str(1 << 20),
        }

    def open(self) -> InputContainer:
        return av.open(
            self._url().reveal(),
            mode="r",
            format="rtsp",
            options=self.options,
            timeout=(self._open_seconds, self._read_seconds),
        )

    def _url(self) -> Secret:
        login = ""
        if self._user or self._password is not None:
            password = "" if self._password is None else self._password.reveal()
            login = f"{quote(self._user, safe='')}:{quote(password, safe='')}"
            if len(login) > LONGEST_LOGIN:
                raise SettingError(
                    f'cameras["{self._camera}"].user',
                    f"user and password together are longer than FFmpeg's RTSP client takes ({LONGEST_LOGIN} "
                    "characters, with signs that are not letters or digits counted as three)",
                )
            login += "@"
        return Secret(f"{self._scheme}://{login}{self.shown}{self._rest.reveal()}")

    def explain(self, error: Exception, waited: float) -> str:
        at = self.shown
        number = getattr(error, "errno", None)
        if isinstance(error, av.error.HTTPUnauthorizedError):
            if self._password is None:
                return f"{at} asks for a password; set user and password_file"
            return f"{at} refuses the user or the password"
        if isinstance(error, av.error.HTTPForbiddenError):
            return f"{at} forbids this user the stream"
        if isinstance(error, av.error.HTTPNotFoundError):
            return f"{at} has no stream at this path; check the end of cameras.source"
        if isinstance(error, av.error.HTTPClientError | av.error.HTTPError):
            return f"{at} refuses the request ({_said(error)}); try the other transport"
        if isinstance(error, ConnectionRefusedError):
            return f"{at} refuses the connection; is the camera on, and is the port right?"
        if number in (errno.EHOSTUNREACH, errno.ENETUNREACH):
            return f"{at} cannot be reached on this network"
        # An interrupted request may also come back as invalid data: the time tells them apart.
        if isinstance(error, TimeoutError | av.error.ExitError) or waited >= self._open_seconds:
            return f"{at} did not answer within {round(waited, 1):g} s"
        if number == errno.EIO and not _resolves(self._host):
            return f"the name '{self._host}' is not known to this network"
        if isinstance(error, av.error.InvalidDataError):
            return f"{at} {self._heard()}"
        return f"the connection to {at} broke ({_said(error)})"

    def _heard(self) -> str:
        """What comes of asking once more, without credentials and for 2 x ASKING_SECONDS at the most. FFmpeg
        calls it invalid data where an answer is no RTSP, and also where there was no answer at all."""
        encrypted = self._scheme == "rtsps"
        port = self._port or (RTSPS_PORT if encrypted else RTSP_PORT)
        try:
            with socket.create_connection((self._host, port), timeout=ASKING_SECONDS) as asked:
                if encrypted:
                    return NO_RTSP
                asked.sendall(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
                first = asked.recv(5)
        except (ConnectionResetError, BrokenPipeError):
            first = b""
        except TimeoutError:
            return "did not answer when asked again"
        except OSError as error:
            return f"cannot be reached ({_said(error)})"
        if first == b"RTSP/":
            return "speaks RTSP, but sends what cannot be read; try the other transport"
        if first == b"HTTP/":
            return (
                "is answered by a web server or a proxy, not by an RTSP camera; check the port, and whether "
                "a gateway stands between"
            )
        if first:
            return NO_RTSP
        return (
            "closes the connection without an answer; check the port, and whether a gateway or a firewall "
            "stands between"
        )


class DeviceOrigin:
    """A webcam, by Video4Linux2."""

    def __init__(self, camera: Camera) -> None:
        self.path = camera.source
        self._size = (camera.width, camera.height)
        self._fps = camera.fps
        self._open_seconds = camera.open_seconds
        self._read_seconds = camera.stall_seconds + READING_SLACK

    def __repr__(self) -> str:
        return f"DeviceOrigin({self.path!r})"

    @property
    def options(self) -> dict[str, str]:
        options = {}
        if all(self._size):
            options["video_size"] = f"{self._size[0]}x{self._size[1]}"
        if self._fps:
            options["framerate"] = f"{self._fps:g}"
        return options

    def open(self) -> InputContainer:
        return av.open(
            self.path,
            mode="r",
            format="v4l2",
            options=self.options,
            timeout=(self._open_seconds, self._read_seconds),
        )

    def explain(self, error: Exception, waited: float) -> str:
        number = getattr(error, "errno", None)
        if isinstance(error, FileNotFoundError) or number in (errno.ENODEV, errno.ENXIO):
            return f"{self.path} is not there; is the webcam plugged in?"
        if isinstance(error, PermissionError):
            return f"{self.path} may not be read by this user; add the user to the group 'video'"
        if number == errno.EBUSY:
            return f"{self.path} is in use by another program"
        if number == errno.ENOTTY:
            return f"{self.path} is not a video device"
        if number == errno.EINVAL:
            return f"{self.path} does not offer this width, height or fps; set them to 0 for its default"
        if isinstance(error, TimeoutError | av.error.ExitError) or waited >= self._open_seconds:
            return f"{self.path} gave no picture within {round(waited, 1):g} s"
        return f"{self.path} failed ({_said(error)})"


def _said(error: Exception) -> str:
    """FFmpeg's or the system's words for its error number; never the text that quotes the address."""
    return str(getattr(error, "strerror", None) or type(error).__name__).lower()


def _resolves(host: str) -> bool:
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        return False
    return True
