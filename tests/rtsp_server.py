"""A real RTSP camera for tests: GStreamer's server in a process of its own, on 127.0.0.1."""

from __future__ import annotations

import functools
import signal
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.conftest import unavailable

SYSTEM_PYTHON = Path("/usr/bin/python3")
SCRIPT = Path(__file__).with_name("rtsp_server_gst.py")


@functools.cache
def installed() -> bool:
    """Whether the system's Python has GStreamer's RTSP server."""
    probe = (
        "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import Gst; "
        "Gst.init(None); assert all(map(Gst.ElementFactory.find, ('appsrc', 'h264parse', 'rtph264pay')))"
    )
    if not SYSTEM_PYTHON.exists():
        return False
    return subprocess.run([SYSTEM_PYTHON, "-c", probe], capture_output=True).returncode == 0


class RtspServer:
    """Serves `clip` (see clips.write_stream) in a loop at `url`; every client sees it from its start.

    port: 0 takes a free one, which `restart` keeps. Where GStreamer is not installed, the test is
    skipped, or fails if all must run.
    """

    def __init__(
        self, clip: Path, *, port: int = 0, user: str = "", password: str = "", digest: bool = False
    ) -> None:
        self.clip = clip
        self.port = port
        self._login = ["--user", user, "--password", password] if user else []
        if digest:
            self._login.append("--digest")
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/stream"

    def __enter__(self) -> Self:
        if not installed():
            unavailable(
                "needs GStreamer's RTSP server: apt install python3-gi gir1.2-gst-rtsp-server-1.0 "
                "gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
            )
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Listen, on the port of before if there was one."""
        command = [str(SYSTEM_PYTHON), str(SCRIPT), "--port", str(self.port), "--clip", str(self.clip)]
        self._process = subprocess.Popen([*command, *self._login], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        said = self._process.stdout.readline().split()
        assert said[:1] == ["ready"], "the RTSP server did not start"
        self.port = int(said[1])

    def kill(self) -> None:
        """As when the power fails: nothing is said to the clients."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    def freeze(self) -> None:
        """Stop sending, with every connection left open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
