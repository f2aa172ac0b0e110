"""What a deployment's steps are judged by, gathered from settings, a real pack and a list in the database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from lfrd import config, readiness, wire
from lfrd.decision.threshold import threshold_for
from lfrd.errors import CorruptError, DigestError, LfrdError, MissingError
from lfrd.models import library
from lfrd.policy import life
from lfrd.policy.life import Act, Facts
from lfrd.policy.plan import Plan
from lfrd.sealing.sitekey import SiteKey
from lfrd.store.database import Database
from lfrd.store.deployments import Deployment, Deployments
from lfrd.store.keys import Keys
from lfrd.store.watchlists import Watchlists
from lfrd.types import DeploymentId
from lfrd.vision.pack import Pack, calibration_toml
from lfrd.watching import calibrations
from tests.unit.models import packs
from tests.unit.policy.plans import HOUR, NOW, OPERATOR, PLAN, planned
from tests.unit.policy.test_card import MEASURED


@dataclass
class Box:
    """A site with a small pack that has its card, two cameras, and one draft with a list of three."""

    placed: config.Placed
    pack: Pack
    watchlists: Watchlists
    db: Database
    drafted: Deployment

    async def listed(
        self, people: int, pack: str, built_at: float | None = NOW - HOUR, *, each: int = 1
    ) -> None:
        """each: pictures of a person."""
        async with self.db.write() as tx:
            await tx.execute(
                "INSERT INTO watchlist (deployment, pack, source, begun_at, built_at, digest) "
                "VALUES (?, ?, 'made', ?, ?, 'd')",
                *(self.drafted.id, pack, NOW - HOUR, built_at),
            )
            await tx.execute_each(
                "INSERT INTO entry (deployment, reference, category, blue, state, reasons, needs, digest, "
                "sealed) VALUES (?, ?, 'wanted on warrant', ?, 'listed', '[]', '[]', '', x'00')",
                [(self.drafted.id, f"p{number}", int(number == 0)) for number in range(people)],
            )
            await tx.execute_each(
                "INSERT INTO entry_picture (entry, number, digest, reason, warnings, worth, template) "
                "SELECT id, ?, '', '', '[]', 1, x'00' FROM entry",
                [(number,) for number in range(each)],
            )
            await tx.execute(  # one that was refused is compared with nobody
                "INSERT INTO entry_picture (entry, number, digest, reason, warnings, worth) "
                "SELECT id, 9, '', 'blurred', '[]', 0 FROM entry"
            )

    async def facts(self, plan: Plan = PLAN, pack: Pack | LfrdError | None = None) -> Facts:
        return await readiness.facts(
            self.placed, plan, self.drafted.id, self.watchlists, pack or self.pack, lambda: NOW
        )


def settings(**tables: object) -> config.Config:
    cameras = [{"name": f"High Street {number}", "source": "clip.mp4"} for number in (1, 2)]
    return config.parse({"cameras": cameras, **tables})


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    folder = packs.make(tmp_path / "small")
    with (folder / "pack.toml").open("a", encoding="utf-8") as manifest:
        manifest.write(calibration_toml(MEASURED))
    placed = settings(inference={"pack": "small"}).at(tmp_path)
    async with Database.open(tmp_path / "data" / "lfrd.sqlite3") as db:
        keys = Keys(db, SiteKey.generate())
        await keys.adopt()
        drafted = await Deployments(db, keys, lambda: NOW).draft(PLAN, OPERATOR)
        pack = library.open_pack(str(folder), tmp_path)
        yield Box(placed, pack, Watchlists(db, keys, lambda: NOW), db, drafted)


async def test_what_is_there_lacks_nothing(box: Box) -> None:
    await box.listed(3, box.pack.manifest.digest)
    facts = await box.facts()
    assert facts.cameras == {"High Street 1", "High Street 2"}
    assert facts.watchlist is not None
    assert (facts.watchlist.listed, facts.watchlist.composition) == (
        3, {"wanted on warrant": 2, life.BLUE: 1},
    )  # fmt: skip
    assert facts.threshold == threshold_for(calibrations(box.pack), PLAN.fpir, 3).score
    assert life.missing(PLAN, Act.START, NOW, facts=facts, officer="Adams", rank="Inspector") == []


async def test_the_threshold_is_for_the_pictures_on_the_list_not_for_its_people(box: Box) -> None:
    """Each picture is one more that a stranger may resemble: two of everybody, and twice as many would."""
    await box.listed(600, box.pack.manifest.digest, each=2)
    facts = await box.facts()
    assert facts.watchlist is not None
    assert facts.watchlist.listed == 600, "what is published stays the number of people"
    assert facts.threshold == threshold_for(calibrations(box.pack), PLAN.fpir, 1200).score
    assert facts.threshold > threshold_for(calibrations(box.pack), PLAN.fpir, 600).score
    assert facts.settings["threshold"]["pictures"] == 1200


async def test_without_a_list_nothing_is_derived_and_the_list_is_missing(box: Box) -> None:
    facts = await box.facts()
    assert (facts.watchlist, facts.threshold) == (None, None)
    lines = life.missing(PLAN, Act.START, NOW, facts=facts, officer="Adams", rank="Inspector")
    assert [line.split(":")[0] for line in lines] == ["watchlist"]


async def test_an_unfinished_import_is_no_list(box: Box) -> None:
    await box.listed(3, box.pack.manifest.digest, built_at=None)
    lines = life.missing(
        PLAN, Act.START, NOW, facts=await box.facts(), officer="Adams", rank="Inspector"
    )  # fmt: skip
    assert [line for line in lines if line.startswith("watchlist: its import is unfinished")]


async def test_a_list_of_another_pack_is_refused(box: Box) -> None:
    await box.listed(3, "b" * 64)
    lines = life.missing(
        PLAN, Act.START, NOW, facts=await box.facts(), officer="Adams", rank="Inspector"
    )  # fmt: skip
    assert [line.split(";")[0] for line in lines] == [
        "watchlist: was built with another model pack than 'small'"
    ]


async def test_a_model_without_its_card_refuses_live_use(box: Box, tmp_path: Path) -> None:
    bare = library.open_pack(str(packs.make(tmp_path / "bare", "bare")), tmp_path)
    await box.listed(3, bare.manifest.digest)
    facts = await box.facts(pack=bare)
    lines = life.missing(PLAN, Act.START, NOW, facts=facts, officer="Adams", rank="Inspector")
    assert [line.split(":")[0] for line in lines] == ["model pack", "threshold"]
    by_hand = await box.facts(planned(threshold=0.6), bare)
    assert by_hand.threshold == 0.6
    lines = life.missing(PLAN, Act.START, NOW, facts=by_hand, officer="Adams", rank="Inspector")
    assert [line.split(":")[0] for line in lines] == ["model pack"], "a score by hand is no card"


async def test_a_pack_that_cannot_be_opened_says_why(box: Box) -> None:
    missing = MissingError("model pack 'zoo' is not installed")
    facts = await box.facts(pack=missing)
    assert (facts.pack, facts.pack_problem) == (None, "model pack 'zoo' is not installed")


async def test_the_segments_settings_are_those_of_the_file_without_the_plans_own(box: Box) -> None:
    kept = (await box.facts(planned(threshold=0.6))).settings
    assert set(kept) == {"analysis", "tracking", "decision", "inference", "threshold"}
    assert kept["inference"] == {"precision": "float32"}
    assert "fpir" not in kept["decision"]
    assert msgspec.json.decode(msgspec.json.encode(kept)) == kept


async def test_frozen_settings_are_put_back_whatever_the_file_says_by_now(box: Box) -> None:
    then = settings(analysis={"eye_distance_pixels": 30}, decision={"least_shots": 4})
    now = settings(analysis={"eye_distance_pixels": 10}, decision={"least_shots": 1}, site={"name": "Now"})
    frozen = readiness.frozen(now, readiness.settings(then, PLAN, "measured", 3))
    assert (frozen.analysis, frozen.decision, frozen.site.name) == (then.analysis, then.decision, "Now")


async def test_the_pack_in_use_is_opened_and_its_files_checked(box: Box, tmp_path: Path) -> None:
    opened = await readiness.pack_in_use(box.placed)
    assert isinstance(opened, Pack)
    assert opened.manifest == box.pack.manifest
    (tmp_path / "small" / "recogniser.onnx").write_bytes(b"another file")
    assert isinstance(await readiness.pack_in_use(box.placed), DigestError)
    (tmp_path / "small" / "pack.toml").write_text("schema = 2", encoding="utf-8")
    assert isinstance(await readiness.pack_in_use(box.placed), CorruptError)
    nowhere = settings(inference={"pack": "nowhere"}).at(tmp_path)
    assert isinstance(await readiness.pack_in_use(nowhere), MissingError)


async def test_facts_are_of_the_deployment_asked_for(box: Box) -> None:
    await box.listed(3, box.pack.manifest.digest)
    other = await readiness.facts(
        box.placed, PLAN, DeploymentId("another"), box.watchlists, box.pack, lambda: NOW
    )
    assert other.watchlist is None


def test_a_segment_lets_expect_what_its_packs_card_says_of_its_threshold(box: Box) -> None:
    model, threshold = box.pack.manifest.digest, threshold_for(calibrations(box.pack), 0.001, 1000)
    found = readiness.false_alerts(box.pack, model, threshold.score, 1000)
    assert found == wire.FalseAlertsView(one_in=1000, bound="", extrapolated=False, of_tracks=False)
    longer = readiness.false_alerts(box.pack, model, threshold.score, 17_000)
    assert longer is not None
    assert longer.one_in == 59, "a list of seventeen times as many"
    by_hand = readiness.false_alerts(box.pack, model, 0.45, 1000)
    assert by_hand == wire.FalseAlertsView(100, "over", False, False)
    strict = readiness.false_alerts(box.pack, model, 0.68, 1000)
    assert strict is not None
    assert (strict.one_in, strict.extrapolated) == (6300, True)


def test_of_another_pack_or_without_a_card_nothing_is_expected(box: Box, tmp_path: Path) -> None:
    assert readiness.false_alerts(box.pack, "b" * 64, 0.6, 1000) is None
    bare = library.open_pack(str(packs.make(tmp_path / "bare", "bare")), tmp_path)
    assert readiness.false_alerts(bare, bare.manifest.digest, 0.6, 1000) is None
    assert readiness.false_alerts(box.pack, box.pack.manifest.digest, 0.6, 0) is None
