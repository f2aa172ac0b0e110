"""A desk for tests: real stores and the real server, with people, a deployment, a watchlist and alerts."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import httpx
import numpy as np

from lfrd import wire
from lfrd.assembly import Office, make_office, working
from lfrd.config import Camera, Config, Placed, Site, Web
from lfrd.operation.alerts import Finding, InForce
from lfrd.operation.board import Status
from lfrd.policy.life import Facts, ListFacts, PackFacts
from lfrd.policy.plan import DOCUMENTS, CameraPlan, Plan
from lfrd.records import Records, records
from lfrd.store.entries import Facts as EntryFacts
from lfrd.store.entries import Need, NewEntry, NewPicture
from lfrd.types import (
    CONSOLE,
    U8,
    Actor,
    Box,
    CameraId,
    CameraState,
    DeploymentId,
    NominalId,
    Role,
    TrackId,
)
from lfrd.web.presented import presented
from lfrd.web.server import make_app, static_folder
from lfrd.web.serving import serving

CAMERAS = ("High Street 1", "Market Square")
PASSWORD = "seven tall herons wade"
"""Of people who exist in these tests only."""
PACK = "f" * 64
SITE_PLAN = """<svg xmlns="http://www.w3.org/2000/svg" width="1000" height="600" viewBox="0 0 1000 600">
<rect width="1000" height="600" fill="#e9e6df"/>
<path d="M0 370 H1000 M660 0 V600" stroke="#fff" stroke-width="110"/>
<path d="M0 370 H1000 M660 0 V600" stroke="#c9c4b8" stroke-width="2" stroke-dasharray="24 18"/>
<g fill="#cfc8b8" stroke="#a9a18e" stroke-width="2">
<rect x="40" y="40" width="230" height="230"/><rect x="310" y="40" width="250" height="230"/>
<rect x="760" y="40" width="200" height="230"/><rect x="40" y="470" width="520" height="100"/>
<rect x="760" y="470" width="200" height="100"/></g>
<g font-family="sans-serif" font-size="26" fill="#5b5546"><text x="60" y="420">High Street</text>
<text x="330" y="160">Market hall</text></g></svg>
"""
PEOPLE = {
    Role.AUTHORISING: ("Amara Okafor", "Superintendent"),
    Role.OPERATOR: ("Tom Hale", "Sergeant"),
    Role.ENGINEER: ("Eve Marsh", ""),
    Role.AUDITOR: ("Anna Lindqvist", ""),
    Role.ENGAGEMENT: ("PC 4127 Adams", "Constable"),
}


def plan(now: float, **change: object) -> Plan:
    """A plan that lacks nothing."""
    values: dict[str, object] = {
        "name": "Saturday market",
        "purpose": "Find people wanted on warrant for violent offences who are known to visit the market.",
        "use_case": "Wanted on warrant",
        "place": "High Street and Market Square, Ashby",
        "starts_at": now - 60,
        "ends_at": now + 4 * 3600,
        "necessity": "Three operations with officers alone have found none of the eleven people sought.",
        "proportionality": "Short, signed at every entrance, and nobody without an alert is kept.",
        "documents": dict.fromkeys(DOCUMENTS, "2026-03"),
        "cameras": [
            CameraPlan(name=name, zone=[(0.1, 0.3), (0.9, 0.3), (0.95, 0.95), (0.05, 0.95)])
            for name in CAMERAS
        ],
        "categories": ["wanted on warrant", "missing person"],
    }
    return Plan(**(values | change))  # type: ignore[arg-type]


def cartoon(seed: int, *, width: int = 240, height: int = 300, soft: float = 0.0) -> bytes:
    """A JPEG file of a face that is nobody's: drawn, and another one for each seed. soft: how much it is out
    of focus, in pixels."""
    random = np.random.default_rng(seed)
    picture: U8 = np.full((height, width, 3), random.integers(120, 220, 3), np.uint8)
    tone = random.uniform(0.45, 1.0)
    skin = tuple(int(v * tone) for v in (165, 195, 235))
    hair = tuple(int(v) for v in random.integers(10, 110, 3))
    centre = (width // 2, int(height * 0.45))
    long, broad = int(height * 0.3), int(width * (0.27 + 0.07 * random.random()))
    cv2.ellipse(picture, (width // 2, height), (int(width * 0.45), int(height * 0.3)), 0, 0, 360, hair, -1)
    cv2.ellipse(picture, (centre[0], centre[1] - 18), (broad + 14, long + 8), 0, 150, 390, hair, -1)
    cv2.ellipse(picture, centre, (broad, long), 0, 0, 360, skin, -1)
    apart = int(broad * (0.4 + 0.12 * random.random()))
    for side in (-1, 1):
        eye = (centre[0] + side * apart, centre[1] - 12)
        cv2.ellipse(picture, eye, (14, 8), 0, 0, 360, (250, 250, 250), -1)
        cv2.circle(picture, eye, 6, (40, 30, 20), -1)
        cv2.line(picture, (eye[0] - 17, eye[1] - 20), (eye[0] + 17, eye[1] - 22), hair, 5)
    cv2.line(picture, centre, (centre[0] - 6, centre[1] + 32), (60, 80, 110), 3)
    mouth = (centre[0], centre[1] + int(long * 0.58))
    cv2.ellipse(picture, mouth, (24, 8 + int(8 * random.random())), 0, 0, 180, (60, 50, 130), 4)
    if soft:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), soft), np.uint8)
    return cv2.imencode(".jpg", picture)[1].tobytes()


def street_view() -> bytes:
    """A JPEG file of a drawn street, with blurred patches where faces would be."""
    picture: U8 = np.full((540, 960, 3), (200, 190, 180), np.uint8)
    cv2.rectangle(picture, (0, 320), (960, 540), (120, 120, 125), -1)
    for left, top in ((0, 120), (230, 60), (520, 100), (760, 40)):
        cv2.rectangle(picture, (left, top), (left + 190, 330), (90, 110 + left // 12, 150), -1)
        for window in range(3):
            cv2.rectangle(
                picture,
                (left + 20 + window * 56, top + 24),
                (left + 56 + window * 56, top + 70),
                (225, 215, 190),
                -1,
            )
    for x, y in ((320, 380), (540, 430), (690, 360)):
        cv2.ellipse(picture, (x, y + 90), (34, 80), 0, 0, 360, (70, 60, 50), -1)
        cv2.circle(picture, (x, y), 24, (150, 170, 195), -1)
        patch = picture[y - 30 : y + 30, x - 30 : x + 30]
        patch[:] = cv2.GaussianBlur(patch, (0, 0), 14)
    return cv2.imencode(".jpg", picture)[1].tobytes()


@dataclass
class Desk:
    """A running server and those who work on it."""

    url: str
    office: Office
    people: dict[Role, Actor]
    status: list[Status]
    """What the box says of itself: one, which a test may exchange."""
    _tracks: Iterator[int] = field(default_factory=itertools.count)

    @asynccontextmanager
    async def client(self, role: Role) -> AsyncIterator[httpx.AsyncClient]:
        """Requests of somebody in this role, handed to the application without a network."""
        token = await self.records.officers.sign_in(PEOPLE[role][0], PASSWORD)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(self.office.app),
            base_url="http://desk.test",
            headers={"origin": "http://desk.test"},
            cookies={"lfrd": token},
        ) as client:
            yield client

    @property
    def records(self) -> Records:
        return self.office.records

    async def drafted(self, **change: object) -> DeploymentId:
        made = plan(self.records.clock.now(), **change)
        return (await self.records.deployments.draft(made, self.people[Role.OPERATOR])).id

    async def authorised(self, **change: object) -> DeploymentId:
        id = await self.drafted(**change)
        reason = "The list is short, the place is signed, and the time is bounded."
        await self.records.deployments.authorise(id, self.people[Role.AUTHORISING], "Superintendent", reason)
        return id

    async def started(self, **change: object) -> DeploymentId:
        """An active deployment with a watchlist, one officer on post, and alerts in force."""
        id = await self.authorised(**change)
        await self.imported(id)
        deployments, operator = self.records.deployments, self.people[Role.OPERATOR]
        made = (await deployments.get(id)).plan
        await deployments.make_ready(id, operator, await self.office.services.facts(made, id))
        await deployments.start(id, operator, await self.office.services.facts(made, id))
        await self.on_post()
        await self.office.alerts.open(InForce.of(id, 1, made))
        self.office.board.refresh()
        return id

    async def on_post(self) -> None:
        """The engagement officer joins with a phone, and takes a post."""
        name, officers = PEOPLE[Role.ENGAGEMENT][0], self.records.officers
        code = await officers.invite(name, 1, 600, actor=self.people[Role.OPERATOR])
        session = await officers.session(await officers.join(code))
        assert session is not None
        self.office.duty.take(session.id, session.name)

    async def imported(self, id: DeploymentId) -> None:
        """A list of eight: some wait for an approval, one is refused, and two look alike."""
        operator, importing = self.people[Role.OPERATOR], self.records.watchlists.importing
        random = np.random.default_rng(7)

        def entry(
            number: int,
            category: str = "wanted on warrant",
            *needs: Need,
            reason: str = "",
            blue: bool = False,
        ) -> NewEntry:
            template = None if reason else random.standard_normal((1, 16)).astype(np.float32)
            facts = EntryFacts(
                image_source="custody picture" if Need.THIRD_PARTY not in needs else "family",
                lawful_basis="Police and Criminal Evidence Act 1984, s 64A",
                image_date=f"202{number % 6}-0{number % 8 + 1}-17",
                rationale="Warrant of the Crown Court, seen at the market in May",
                instruction="Arrest; may be violent"
                if category != "missing person"
                else "Speak kindly, tell the family",
                name=f"Person {number}",
                **{
                    need.value: True
                    for need in needs
                    if need in (Need.UNDER_18, Need.VULNERABLE, Need.THIRD_PARTY)
                },
            )
            picture = NewPicture(
                1,
                f"{number:064x}",
                reason,
                worth=20.0,
                face=b"" if reason else cartoon(number),
                template=template,
            )
            return NewEntry(f"W-{2040 + number}", category, blue, facts, [picture], needs)

        begun = await importing.begin(id, pack=PACK, source="warrants.csv", basis="b", actor=operator)
        entries = [
            *(entry(number) for number in range(1, 5)),
            entry(5, "missing person", Need.UNDER_18, Need.THIRD_PARTY),
            entry(6, "wanted on warrant", Need.LOW_QUALITY),
            entry(7, "wanted on warrant", reason="no_face"),
            entry(8, "wanted on warrant", blue=True),
        ]
        await importing.add(id, begun.run, entries)
        ids = [number async for number, template in importing.templates(id)]
        await importing.finish(
            id,
            begun.run,
            pairs=[(ids[0], ids[2], "lookalike", 0.61)],
            refused=2,
            reasons={"missing_lawful_basis": 1, "unknown_category": 1},
            settings={"lookalike": 0.55, "same_face": 0.75},
            built_at=None,
            actor=operator,
        )

    async def alert(
        self, nominal: str = "W-2041", camera: str = CAMERAS[0], **change: object
    ) -> wire.AlertView:
        """An alert with drawn pictures, stored and published."""
        number = int(nominal.removeprefix("W-")) - 2040
        values: dict[str, object] = {
            "nominal": NominalId(nominal),
            "name": f"Person {number}",
            "category": "wanted on warrant",
            "instruction": "Arrest; may be violent",
            "image_date": "2023-05-17",
            "score": 0.71,
            "threshold": 0.6,
            "camera": CameraId(camera),
            "track": TrackId(next(self._tracks)),
            "seen_at": time.time() - 1.2,
            "captured_monotonic": time.monotonic() - 1.2,
            "quality": {"eye_distance": 46.0, "sharpness": 160.0, "yaw": 0.05, "pitch": 0.02},
            "worth": 30.0,
            "shots": 5,
            "box": Box(100, 80, 120, 150),
            "probe_jpeg": cartoon(number, soft=2.0),
            "candidate_jpeg": cartoon(number),
        }
        event = await self.office.alerts.report(Finding(**(values | change)))  # type: ignore[arg-type]
        assert event is not None
        return event.alert


@asynccontextmanager
async def desk(folder: Path, *, tls: bool = False, drawn: bool = False) -> AsyncIterator[Desk]:
    """A box without cameras and models: what stands around a plan is said by the test. tls: under the site's
    own authority. drawn: with a drawing of the site and the cameras' places on it."""
    cameras = [
        Camera(name=name, source="rtsp://192.0.2.7/stream", at=at if drawn else [], facing=facing)
        for name, at, facing in zip(CAMERAS, ([0.16, 0.62], [0.68, 0.3]), (75.0, 200.0), strict=True)
    ]
    if drawn:
        (folder / "site.svg").write_text(SITE_PLAN)
    placed = Config(
        site=Site(name="Ashby town centre", plan="site.svg" if drawn else ""),
        web=Web(host="127.0.0.1", port=0, allow_plain_http=not tls),
        cameras=cameras,
    ).at(folder)
    certificate, _ = presented(placed, time.time())
    context = None if certificate is None else certificate.context
    async with records(placed) as kept:
        await kept.audit.begin("Ashby town centre", "0.0")
        people = await _people(kept)
        status = Status(
            cameras=(
                wire.CameraView(CAMERAS[0], CameraState.LIVE, lag=0.2),
                wire.CameraView(CAMERAS[1], CameraState.RETRYING, problem="no answer within 10 s"),
            ),
            faces_seen=12482,
            paces={CAMERAS[0]: 41.6, CAMERAS[1]: None},
        )
        told = [status]
        office = await make_office(
            placed, kept, status=lambda: told[0], static=static_folder(), certificate=certificate
        )

        async def facts(plan: Plan, deployment: DeploymentId) -> Facts:
            return await _facts(kept, placed, plan, deployment)

        async def still(_camera: CameraId) -> bytes:
            return street_view()

        services = dataclasses.replace(office.services, facts=facts, still=still)
        office = dataclasses.replace(office, services=services, app=make_app(services))
        async with working(office) as group, serving(office.app, placed, group, context) as bound:
            yield Desk(bound.url, office, people, told)


async def _people(kept: Records) -> dict[Role, Actor]:
    """One of each role, named by whoever may: the auditor by the authorising officer, the rest by the
    console."""
    people: dict[Role, Actor] = {}
    for role, (name, rank) in PEOPLE.items():
        by = people[Role.AUTHORISING] if role is Role.AUDITOR else CONSOLE
        id = await kept.officers.add(name, role, rank, by)
        if role is not Role.ENGAGEMENT:
            await kept.officers.set_password(id, PASSWORD, by)
        people[role] = Actor(id, name, role)
    return people


async def _facts(kept: Records, placed: Placed, plan: Plan, deployment: DeploymentId) -> Facts:
    summary = await kept.watchlists.summary(deployment)
    return Facts(
        plan=plan,
        cameras=frozenset(camera.name for camera in placed.config.cameras),
        pack=PackFacts("field", PACK),
        pack_problem="",
        watchlist=None
        if summary is None
        else ListFacts(summary.pack, summary.built_at, summary.listed, summary.digest, summary.composition),
        threshold=0.6 if plan.threshold is None else plan.threshold,
        threshold_problem="",
        settings={
            "analysis": {},
            "tracking": {},
            "decision": {},
            "threshold": {"fpir": plan.fpir, "source": ""},
        },
        gathered_at=kept.clock.now(),
    )
