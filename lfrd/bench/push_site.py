"""The server that the push bench measures: a whole site but for its cameras, with an open deployment."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import msgspec
import numpy as np

from lfrd import wire
from lfrd.assembly import Office, make_office, working
from lfrd.certificates.keeping import read_authority
from lfrd.config import Camera, Config, Placed, Post, Site, Tls, Web
from lfrd.operation.alerts import Finding, InForce
from lfrd.operation.board import Status
from lfrd.policy.life import Facts, ListFacts, PackFacts
from lfrd.policy.plan import Plan
from lfrd.records import Records, records
from lfrd.rehearsal import CATEGORY, cast, plan_for
from lfrd.store.entries import Facts as Sought
from lfrd.store.entries import NewEntry, NewPicture
from lfrd.types import CONSOLE, Box, CameraId, DeploymentId, NominalId, Role, TrackId
from lfrd.web.presented import presented
from lfrd.web.proof import read_key
from lfrd.web.server import static_folder
from lfrd.web.serving import serving

CAMERAS = [f"Camera {number}" for number in range(1, 11)]
PACK = "0" * 64
"""The digest of a model pack that is not there: nobody is looked for."""
THRESHOLD = 0.6


@dataclass(frozen=True)
class PushSite:
    """A running site. authority: the certificate that its phones trust, PEM; empty without TLS."""

    address: str
    authority: str
    office: Office
    file: Callable[[], Finding]
    """What a camera would report of somebody who has not been seen yet."""

    async def signed_in(self, keys: Sequence[str]) -> list[str]:
        """A session's token for each device key, past the limit of sign-ins from one address."""
        officers = self.office.records.officers
        code = await officers.invite(None, len(keys), 3600, role=Role.ENGAGEMENT, actor=CONSOLE)
        return [
            await officers.join(code, f"Officer {number}", read_key(key))
            for number, key in enumerate(keys, 1)
        ]


@asynccontextmanager
async def push_site(folder: Path, *, seed: int, tls: bool) -> AsyncIterator[PushSite]:
    """Serve a site in `folder` while the block runs: the real store on the disk, alerts, posts and phones.

    Its ten cameras are made up. They have another lag every second, as cameras have, so that each phone is
    told of the box's state once a second besides its alerts. Raises LfrdErrors.
    """
    placed = Config(
        site=Site(name="Push bench"),
        web=Web(host="127.0.0.1", port=0, allow_plain_http=not tls),
        tls=Tls(onboarding_port=0),
        post=Post(grace_seconds=600.0),
        cameras=[Camera(name=name, source="rtsp://192.0.2.7/stream") for name in CAMERAS],
    ).at(folder)
    certificate, _ = presented(placed, time.time())
    authority = read_authority(placed.path(placed.config.tls.folder)) if tls else None
    random = np.random.default_rng(seed)

    def status() -> Status:
        lags = random.uniform(0.1, 0.5, len(CAMERAS)).tolist()
        return Status(
            tuple(wire.CameraView(name, "live", lag=lag) for name, lag in zip(CAMERAS, lags, strict=True))
        )

    async with records(placed) as kept:
        in_force = await _open(kept, placed)
        office = await make_office(
            placed, kept, status=status, static=static_folder(), certificate=certificate
        )
        await office.alerts.open(in_force)
        context = None if certificate is None else certificate.context
        async with working(office) as group, serving(office.app, placed, group, context) as bound:
            yield PushSite(
                bound.url,
                "" if authority is None else authority.certificate_pem().decode(),
                office,
                _findings(random),
            )


async def _open(kept: Records, placed: Placed) -> InForce:
    """A deployment by the same steps as in earnest. On its list is one made-up entry without a face."""
    people = await cast(kept)
    plan = plan_for("Push bench", CAMERAS, kept.clock.now())
    plan = msgspec.structs.replace(plan, threshold=THRESHOLD, escalate_seconds=3600.0, expire_seconds=3600.0)
    drafted = await kept.deployments.draft(plan, people.operator)
    await kept.deployments.authorise(drafted.id, people.authorising, "", "a measurement")
    importing = kept.watchlists.importing
    begun = await importing.begin(
        drafted.id, pack=PACK, source="made up", basis="made up", actor=people.operator
    )
    await importing.add(drafted.id, begun.run, [_entry()])
    await importing.finish(
        drafted.id,
        begun.run,
        pairs=[],
        refused=0,
        reasons={},
        settings={},
        built_at=None,
        actor=people.operator,
    )
    facts = await _facts(kept, plan, drafted.id)
    await kept.deployments.make_ready(drafted.id, people.operator, facts)
    await kept.deployments.start(drafted.id, people.operator, facts)
    return InForce.of(drafted.id, 1, plan)


def _entry() -> NewEntry:
    sought = Sought(
        image_source="made up",
        lawful_basis="measurement",
        image_date="2020-01-01",
        rationale="a deployment needs a list",
        instruction="Nobody is to be stopped: this is a measurement",
    )
    picture = NewPicture(1, "0" * 64, worth=1.0, face=_noise(1), template=np.eye(1, 16, dtype=np.float32))
    return NewEntry("made up", CATEGORY, False, sought, [picture])


async def _facts(kept: Records, plan: Plan, deployment: DeploymentId) -> Facts:
    built = await kept.watchlists.summary(deployment)
    assert built is not None
    return Facts(
        plan=plan,
        gathered_at=kept.clock.now(),
        cameras=frozenset(CAMERAS),
        pack=PackFacts("none", PACK),
        pack_problem="",
        watchlist=ListFacts(built.pack, built.built_at, built.listed, built.digest, built.composition),
        threshold=THRESHOLD,
        threshold_problem="",
        settings={
            "analysis": {},
            "tracking": {},
            "decision": {},
            "threshold": {"fpir": plan.fpir, "source": ""},
        },
    )


def _findings(random: np.random.Generator) -> Callable[[], Finding]:
    probe, candidate = _noise(2), _noise(3)
    numbers = itertools.count(1)

    def next_one() -> Finding:
        number = next(numbers)
        return Finding(
            nominal=NominalId(f"N-{number}"),
            name=f"Person {number}",
            category=CATEGORY,
            instruction="Nobody is to be stopped: this is a measurement",
            image_date="2020-01-01",
            score=float(random.uniform(THRESHOLD, 0.9)),
            threshold=THRESHOLD,
            camera=CameraId(CAMERAS[number % len(CAMERAS)]),
            track=TrackId(number),
            seen_at=time.time(),
            captured_monotonic=time.monotonic(),
            quality={"eye_distance": 46.0, "sharpness": 160.0, "yaw": 0.05, "pitch": 0.02},
            worth=30.0,
            shots=5,
            box=Box(100, 80, 120, 150),
            probe_jpeg=probe,
            candidate_jpeg=candidate,
        )

    return next_one


def _noise(seed: int) -> bytes:
    """A JPEG file of about the size that a face's picture has, 20 kB, and nobody's face."""
    pixels = np.random.default_rng(seed).integers(0, 256, (160, 160, 3), dtype=np.uint8)
    return bytes(cv2.imencode(".jpg", pixels)[1])
