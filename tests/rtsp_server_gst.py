"""An RTSP camera by GStreamer, run under the system's Python: plays a bare H.264 file for ever.

    /usr/bin/python3 rtsp_server_gst.py --port 8554 --clip clip.h264 [--user U --password P --digest]

The clip's access units must be delimited (see clips.write_stream). Serves rtsp://127.0.0.1:PORT/stream and
prints "ready PORT" once it listens.
"""

from __future__ import annotations

import argparse
import re
import signal
import sys
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

LAUNCH = (
    "( appsrc name=units format=time is-live=true block=false max-bytes=0 "
    "caps=video/x-h264,stream-format=byte-stream,alignment=au,framerate={rate}/1 "
    "! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96 )"
)


class Loop:
    """Gives a pipeline one access unit whenever it asks; time stamps go on across the clip's end."""

    def __init__(self, units: list[bytes], rate: int) -> None:
        self.units = units
        self.rate = rate
        self.next = 0

    def need(self, source: Any, length: int) -> None:
        buffer = Gst.Buffer.new_wrapped(self.units[self.next % len(self.units)])
        buffer.pts = buffer.dts = self.next * Gst.SECOND // self.rate
        buffer.duration = Gst.SECOND // self.rate
        self.next += 1
        source.emit("push-buffer", buffer)


def access_units(clip: str) -> list[bytes]:
    """The file cut at its access unit delimiters (NAL type 9)."""
    data = Path(clip).read_bytes()
    starts = [found.start() for found in re.finditer(rb"\x00\x00\x00\x01\x09", data)]
    if not starts:
        sys.exit(f"{clip}: no access unit delimiters")
    return [data[a:b] for a, b in zip(starts, [*starts[1:], len(data)])]  # noqa: B905


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", required=True)
    parser.add_argument("--clip", required=True)
    parser.add_argument("--rate", type=int, default=25)
    parser.add_argument("--user", default="")
    parser.add_argument("--password", default="")
    parser.add_argument("--digest", action="store_true")
    asked = parser.parse_args()

    Gst.init(None)
    units = access_units(asked.clip)
    server = GstRtspServer.RTSPServer(address="127.0.0.1", service=asked.port)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(LAUNCH.format(rate=asked.rate))
    loops: list[Loop] = []  # keeps the callbacks' owners alive

    def configure(_factory: Any, media: Any) -> None:
        loop = Loop(units, asked.rate)
        loops.append(loop)
        media.get_element().get_by_name_recurse_up("units").connect("need-data", loop.need)

    factory.connect("media-configure", configure)
    if asked.user:
        auth = GstRtspServer.RTSPAuth()
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "viewer")
        if asked.digest:
            auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
            auth.add_digest(asked.user, asked.password, token)
        else:
            auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
            auth.add_basic(GstRtspServer.RTSPAuth.make_basic(asked.user, asked.password), token)
        server.set_auth(auth)
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("viewer", "media.factory.access", True)
        permissions.add_permission_for_role("viewer", "media.factory.construct", True)
        factory.set_permissions(permissions)
    server.get_mount_points().add_factory("/stream", factory)
    if not server.attach(None):
        sys.exit(f"cannot listen on port {asked.port}")
    loop = GLib.MainLoop()
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGTERM, loop.quit)
    print(f"ready {server.get_bound_port()}", flush=True)
    loop.run()


main()
