"""Every setting, declared once: its default, its unit in its name, its limits and its help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

PHONE = "phone"
"""The `source` of a camera whose picture a browser sends."""
PUSH_SERVICES = (
    "fcm.googleapis.com",
    "*.push.services.mozilla.com",
    "*.push.apple.com",
    "*.notify.windows.com",
)
"""Chrome's and Android's, Firefox', Safari's and iOS', Windows'."""

Precision = Literal["float32", "bfloat16"]
"""What networks compute in."""


class Site(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    name: Annotated[str, Meta(min_length=1, description="What phones show as the place.")] = "lfrd site"
    data: Annotated[
        str, Meta(description="Folder of the database and the installed model packs. Relative to this file.")
    ] = "data"
    plan: Annotated[
        str,
        Meta(
            description="A drawing of the site (PNG, JPEG or SVG), shown at the desk with the cameras on it; "
            "empty for none. Relative to this file."
        ),
    ] = ""


class Sealing(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    key_file: Annotated[
        str,
        Meta(
            min_length=1,
            description="The site key's file, outside the data folder; keep a copy off the machine. Relative "
            "to this file. systemd's credential lfrd-site-key goes before it.",
        ),
    ] = "site.key"


class Web(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    host: Annotated[
        str, Meta(description="Address to listen on; 0.0.0.0 or :: for every one of this machine.")
    ] = "0.0.0.0"  # noqa: S104 - phones reach it over the network, under TLS
    port: Annotated[
        int, Meta(ge=0, le=65535, description="Port to listen on; 0 lets the system choose one.")
    ] = 8443
    certificate: Annotated[
        str,
        Meta(
            description="PEM file with a certificate chain of your own; empty for one by the site's own "
            "authority, made at the first start."
        ),
    ] = ""
    key: Annotated[str, Meta(description="PEM file with the private key of your own certificate.")] = ""
    allow_plain_http: Annotated[
        bool,
        Meta(
            description="Serve without TLS. Faces and sessions would cross the network in the clear: only "
            "for tests, and for a demonstration with pictures that are public."
        ),
    ] = False
    window: Annotated[
        int,
        Meta(ge=1, le=1000, description="Events that a phone may hold before its first receipt."),
    ] = 32
    receipt_seconds: Annotated[
        float,
        Meta(gt=0, le=600, description="A phone that owes a receipt for longer is closed, to resume later."),
    ] = 10.0


class Tls(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    folder: Annotated[
        str,
        Meta(
            min_length=1,
            description="Folder of the site's own certificate authority and certificate, outside the data "
            "folder. Relative to this file.",
        ),
    ] = "tls"
    names: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=253)]],
        Meta(description="Further names and addresses under which phones open this box; its own are known."),
    ] = []
    onboarding_port: Annotated[
        int,
        Meta(
            ge=0,
            le=65535,
            description="Port of the page, without TLS, that gives a new phone the authority's certificate "
            "and nothing else; 0 for none.",
        ),
    ] = 8080


class Webrtc(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    turn: Annotated[
        str,
        Meta(
            description="turn:host:3478 or turns:host:5349, where phones reach the box only through a relay; "
            "empty on one network, where nothing else is asked."
        ),
    ] = ""
    turn_user: Annotated[str, Meta(description="TURN user, if any.")] = ""
    turn_password_file: Annotated[str, Meta(description="File that holds the TURN password.")] = ""


class Preview(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    max_side: Annotated[
        int, Meta(ge=160, le=1920, description="Pixels of the live picture's longer side at the most.")
    ] = 640
    kilobits: Annotated[
        int,
        Meta(ge=50, le=20000, description="Kilobits a second of a camera's live picture, for each viewer."),
    ] = 800
    viewers: Annotated[
        int, Meta(ge=0, le=200, description="Who may watch at once, all cameras together; 0 for nobody.")
    ] = 20


class Push(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    enabled: Annotated[
        bool,
        Meta(
            description="Wake locked phones through their makers' push services, with a message that says "
            "nothing. The only traffic that leaves the site, and only where this is true."
        ),
    ] = False
    contact: Annotated[
        str,
        Meta(description="mailto:… or https://… under which a push service reaches whoever runs this box."),
    ] = ""
    services: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=253)]],
        Meta(description="Hosts of push services that may be asked; *.example.org takes each one below."),
    ] = field(default_factory=lambda: list(PUSH_SERVICES))


class Post(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    heartbeat_seconds: Annotated[
        float, Meta(gt=0, le=60, description="A phone on post says so this often.")
    ] = 5.0
    grace_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=600,
            description="Cameras stop when no officer on post has been heard for this long.",
        ),
    ] = 20.0


class Watchlists(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    senders: Annotated[
        list[Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]],
        Meta(
            description="Public keys (64 hexadecimal digits) of sites whose watchlist packages are taken; "
            "`lfrd watchlist address` prints a site's own."
        ),
    ] = []


class Inference(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    pack: Annotated[
        str, Meta(min_length=1, description="The model pack: an installed one's name, or a folder.")
    ] = "builtin"
    provider: Annotated[
        Literal["cpu", "cuda", "tensorrt", "openvino", "coreml"],
        Meta(description="Execution provider. One that is not there is an error, never a fall to the CPU."),
    ] = "cpu"
    precision: Annotated[
        Precision,
        Meta(
            description="What the networks compute in. bfloat16 goes with provider openvino and takes a "
            "fraction of the time where the processor has units for it; scores differ a little. A "
            "deployment keeps what it was authorised with."
        ),
    ] = "float32"
    workers: Annotated[
        int, Meta(ge=0, le=256, description="Worker threads; 0 for one a core that this process may use.")
    ] = 0
    batch: Annotated[
        int, Meta(ge=1, le=256, description="Faces embedded in one call at the most, across cameras.")
    ] = 4


class Analysis(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    rate: Annotated[
        float, Meta(gt=0, le=120, description="Frames analysed a second and camera at the most.")
    ] = 6.25
    least_rate: Annotated[
        float,
        Meta(
            gt=0,
            le=120,
            description="A camera of which fewer frames a second are analysed is said to be degraded; "
            "`rate` where that is less.",
        ),
    ] = 4.0
    max_side: Annotated[
        int, Meta(ge=160, le=4096, description="Frames are scaled to this many pixels on their longer side.")
    ] = 960
    least_side: Annotated[
        int,
        Meta(
            ge=160,
            le=4096,
            description="The same at the least, when the box has too much to do, before it looks less "
            "often; sizes between are tried first; `max_side` where that is less.",
        ),
    ] = 640
    whole_view_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=10,
            description="Between two searches of the whole view, so long at the most, only the part is "
            "searched where faces came lately; 0 searches all of it each time.",
        ),
    ] = 0.6
    eye_distance_pixels: Annotated[
        float, Meta(ge=0, le=500, description="Faces with fewer pixels between the eyes are not compared.")
    ] = 15.0
    sharpness: Annotated[
        float,
        Meta(ge=0, description="Least variance of the Laplacian of a face at aligned size; 0 takes all."),
    ] = 6.0
    pose: Annotated[
        float,
        Meta(ge=0, le=1, description="How far a face may be turned: 0 frontal only, 1 takes profiles."),
    ] = 0.65
    darkest: Annotated[float, Meta(ge=0, le=255, description="Least mean brightness of a face.")] = 25.0
    brightest: Annotated[float, Meta(ge=0, le=255, description="Greatest mean brightness of a face.")] = 235.0
    cut: Annotated[float, Meta(ge=0, le=1, description="Greatest share of a face outside the frame.")] = 0.15


class Tracking(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    lost_seconds: Annotated[
        float, Meta(gt=0, le=30, description="A track ends when its face has not been seen for this long.")
    ] = 1.0
    longest_seconds: Annotated[
        float, Meta(gt=0, le=3600, description="A track is ended, and begun anew, after this long.")
    ] = 60.0
    most: Annotated[int, Meta(ge=1, le=10000, description="Tracks a camera may hold at once.")] = 200
    shots: Annotated[int, Meta(ge=1, le=64, description="Best shots kept a track.")] = 6


class DecisionSettings(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    fpir: Annotated[
        float,
        Meta(
            gt=0,
            le=0.5,
            description="Wanted false positive identification rate at the loaded list: false alerts a face "
            "seen. The threshold is derived from the pack's calibration. "
            "A deployment has its own, in its plan.",
        ),
    ] = 0.001
    threshold: Annotated[
        float | None,
        Meta(
            description="A score set by hand, instead of `fpir`; of one model pack only. A plan has its own."
        ),
    ] = None
    least_shots: Annotated[
        int, Meta(ge=1, le=64, description="Shots of a track that must be there before it may alert.")
    ] = 3
    agreement: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="Share of a track's shots that must themselves point to the same person.",
        ),
    ] = 0.5
    repeat_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=86400,
            description="The same person seen again within this time is a sighting of the same alert.",
        ),
    ] = 300.0


class Camera(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """One [[cameras]] table."""

    name: Annotated[
        str,
        Meta(min_length=1, max_length=60, pattern=r"^[\w .-]+$", description="Unique; officers see it."),
    ]
    source: Annotated[
        str,
        Meta(
            min_length=1,
            description="rtsp://host/path, rtsps://…, /dev/video0, a video file, a folder of pictures, or "
            "'phone': an engineer's phone or laptop, over the page /camera.",
        ),
    ]
    user: Annotated[str, Meta(description="RTSP user, if any.")] = ""
    password_file: Annotated[str, Meta(description="File that holds the RTSP password.")] = ""
    password_env: Annotated[str, Meta(description="Or the environment variable that does.")] = ""
    transport: Annotated[Literal["tcp", "udp"], Meta(description="RTSP over TCP or UDP.")] = "tcp"
    loop: Annotated[bool, Meta(description="Play a recording again and again.")] = False
    paced: Annotated[bool, Meta(description="A recording at its own speed, or as fast as it goes.")] = True
    open_seconds: Annotated[float, Meta(gt=0, le=120, description="Longest wait for it to open.")] = 10.0
    stall_seconds: Annotated[
        float, Meta(gt=0, le=120, description="Without a frame for so long, it is opened anew.")
    ] = 5.0
    retry_seconds: Annotated[float, Meta(gt=0, le=600, description="First pause after failing; doubles.")] = (
        1.0
    )
    retry_longest_seconds: Annotated[float, Meta(gt=0, le=3600, description="Longest pause.")] = 30.0
    width: Annotated[int, Meta(ge=0, le=16384, description="Webcam: pixels wanted; 0 for its default.")] = 0
    height: Annotated[int, Meta(ge=0, le=16384, description="Webcam: pixels wanted; 0 for its default.")] = 0
    fps: Annotated[
        float, Meta(ge=0, le=240, description="Pictures a second: 0 for a webcam's own, and 1 of a folder.")
    ] = 0.0
    eye_distance_pixels: Annotated[
        float | None, Meta(description="Overrides analysis.eye_distance_pixels for this camera.")
    ] = None
    at: Annotated[
        list[float],
        Meta(
            description="Where it stands on the site's plan: [across, down], each a share 0..1 of the "
            "drawing; empty where that is not known."
        ),
    ] = []
    facing: Annotated[
        float | None,
        Meta(description="Where it looks on the plan, degrees clockwise from straight up."),
    ] = None

    @property
    def is_network(self) -> bool:
        return self.source.startswith(("rtsp://", "rtsps://"))

    @property
    def is_live(self) -> bool:
        """Whether time passes by itself; not so in a recording that is played as fast as it goes."""
        return self.paced or self.is_network or self.is_device or self.is_phone

    @property
    def is_phone(self) -> bool:
        """Whether its picture comes over WebRTC from a page that an engineer has opened."""
        return self.source == PHONE

    @property
    def is_device(self) -> bool:
        return self.source.startswith("/dev/")


class SignIn(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    engagement_hours: Annotated[
        float, Meta(gt=0, le=24, description="An engagement officer's phone is signed out after a shift.")
    ] = 12.0
    desk_hours: Annotated[
        float, Meta(gt=0, le=24, description="Somebody at the desk signs in again after this long.")
    ] = 8.0
    desk_idle_minutes: Annotated[
        float, Meta(gt=0, le=480, description="Or after this long in which nothing was done at the desk.")
    ] = 30.0


class Notice(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    force: Annotated[str, Meta(description="Who runs the deployments, as the public knows them.")] = ""
    contact: Annotated[
        str, Meta(description="Whom the public may ask: a telephone number, an address, a page.")
    ] = ""
    results: Annotated[str, Meta(description="Where the record of each deployment will be published.")] = ""
    rights: Annotated[str, Meta(description="Where people read of their rights and how to use them.")] = ""
    complaints: Annotated[
        str, Meta(description="The authority that hears complaints, and how to reach it.")
    ] = ""


class Log(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    level: Annotated[Literal["debug", "info", "warning", "error"], Meta(description="Least shown.")] = "info"
    format: Annotated[
        Literal["auto", "text", "json"], Meta(description="auto: text on a terminal, JSON elsewhere.")
    ] = "auto"


class Config(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    site: Annotated[Site, Meta(description="The box and what it keeps.")] = Site()
    sealing: Annotated[Sealing, Meta(description="What is kept is sealed.")] = Sealing()
    web: Annotated[Web, Meta(description="The server that phones and the desk reach.")] = Web()
    tls: Annotated[
        Tls, Meta(description="The site's own certificates, and how a phone comes to trust them.")
    ] = Tls()
    webrtc: Annotated[Webrtc, Meta(description="Live pictures, to and from browsers.")] = Webrtc()
    preview: Annotated[Preview, Meta(description="The live picture, with faces blurred.")] = Preview()
    push: Annotated[Push, Meta(description="Waking phones that sleep.")] = Push()
    post: Annotated[Post, Meta(description="No officer, no camera.")] = Post()
    watchlists: Annotated[Watchlists, Meta(description="Lists from other sites.")] = Watchlists()
    inference: Annotated[Inference, Meta(description="The models and where they run.")] = Inference()
    analysis: Annotated[Analysis, Meta(description="Which frames and faces are looked at.")] = Analysis()
    tracking: Annotated[Tracking, Meta(description="Following a face through a camera's view.")] = Tracking()
    decision: Annotated[DecisionSettings, Meta(description="When a possible match becomes an alert.")] = (
        DecisionSettings()
    )
    sign_in: Annotated[SignIn, Meta(description="How long officers stay signed in.")] = SignIn()
    notice: Annotated[
        Notice, Meta(description="What the public is told, on the notice and above each record.")
    ] = Notice()
    log: Annotated[Log, Meta(description="What the process says on standard error.")] = Log()
    cameras: Annotated[list[Camera], Meta(description="One table a camera.")] = []

    def at(self, folder: Path) -> Placed:
        return Placed(self, folder)


class Placed:
    """A configuration together with the folder that its relative paths start from."""

    def __init__(self, config: Config, folder: Path) -> None:
        self.config = config
        self.folder = folder

    def path(self, value: str) -> Path:
        return (self.folder / Path(value).expanduser()).resolve()

    @property
    def data(self) -> Path:
        return self.path(self.config.site.data)
