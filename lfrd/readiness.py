"""Gathers what a deployment's steps are judged by: the settings, the model pack's card and the watchlist."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from lfrd import wire
from lfrd.config import Config, Placed
from lfrd.decision.threshold import by_hand, expected, points_of, threshold_for
from lfrd.errors import CalibrationError, LfrdError, SettingError
from lfrd.models import library, measured
from lfrd.policy.card import lacks
from lfrd.policy.life import Facts, ListFacts, PackFacts
from lfrd.policy.plan import Plan
from lfrd.store.deployment_rows import Segment
from lfrd.types import DeploymentId
from lfrd.vision.pack import Pack

FROZEN = ("analysis", "tracking", "decision")
"""The settings' tables that a segment freezes; `frozen` gives the Config that was."""
_OF_THE_PLAN = ("fpir", "threshold")  # of [decision]: a live deployment has its own


class Summary(Protocol):
    """What is asked of `store.watchlists.ListSummary`."""

    @property
    def pack(self) -> str: ...
    @property
    def built_at(self) -> float | None: ...
    @property
    def listed(self) -> int: ...
    @property
    def pictures(self) -> int: ...
    @property
    def digest(self) -> str: ...
    @property
    def composition(self) -> Mapping[str, int]: ...


class Lists(Protocol):
    """What is asked of `store.watchlists.Watchlists`."""

    async def summary(self, deployment: DeploymentId) -> Summary | None: ...


async def facts(
    placed: Placed,
    plan: Plan,
    deployment: DeploymentId,
    watchlists: Lists,
    pack_or_problem: Pack | LfrdError,
    clock: Callable[[], float],
) -> Facts:
    """The facts for this plan, as they are now. pack_or_problem: of `pack_in_use`. clock: the Ratchet's now.

    Gather them anew for each step: a store refuses facts of another plan, of another list, or old ones."""
    summary = await watchlists.summary(deployment)
    pictures = summary.pictures if summary is not None else 0
    threshold, source = None, ""
    problem = ""
    if isinstance(pack_or_problem, Pack) and pictures:
        try:
            threshold, source = _threshold(pack_or_problem, plan, pictures)
        except CalibrationError as error:
            problem = str(error)
    pack = None
    if isinstance(pack_or_problem, Pack):
        manifest = pack_or_problem.manifest
        pack = PackFacts(
            manifest.name, manifest.digest, tuple(lacks(manifest, measured.calibrations(manifest)))
        )
    return Facts(
        plan=plan,
        gathered_at=clock(),
        cameras=frozenset(camera.name for camera in placed.config.cameras),
        pack=pack,
        pack_problem="" if pack is not None else str(pack_or_problem),
        watchlist=None
        if summary is None
        else ListFacts(
            summary.pack, summary.built_at, summary.listed, summary.digest, dict(summary.composition)
        ),
        threshold=threshold,
        threshold_problem=problem,
        settings=settings(placed.config, plan, source, pictures),
    )


async def pack_in_use(
    placed: Placed, built: Callable[[float, str], None] = lambda share, what: None
) -> Pack | LfrdError:
    """The pack that `inference.pack` names, its files checked; or why there is none. `builtin` is made where
    it is not there yet, with its progress told to `built`."""
    name = placed.config.inference.pack
    folder = placed.path(name)
    where = str(folder) if (folder / "pack.toml").exists() else name
    try:
        if name == library.BUILTIN:
            return await asyncio.to_thread(library.ensure_builtin, placed.data, built)
        return await asyncio.to_thread(library.open_pack, where, placed.data)
    except LfrdError as error:
        return error


def settings(config: Config, plan: Plan, source: str, pictures: int) -> dict[str, Any]:
    """What a segment freezes beside its threshold, as plain values. source: where the threshold comes from,
    in words; pictures: those on the list, which it is for."""
    kept = {name: msgspec.to_builtins(getattr(config, name)) for name in FROZEN}
    for key in _OF_THE_PLAN:
        del kept["decision"][key]
    kept["inference"] = {
        "precision": config.inference.precision
    }  # decides scores, as the model's digest does
    rate = None if plan.threshold is not None else plan.fpir
    return {**kept, "threshold": {"fpir": rate, "source": source, "pictures": pictures}}


def frozen(config: Config, kept: Mapping[str, Any]) -> Config:
    """The settings with what a segment has frozen put back: what a running deployment is run with, whatever
    config.toml says by now. kept: `Segment.settings`."""
    for name in FROZEN:
        table = getattr(config, name)
        config = msgspec.structs.replace(config, **{name: msgspec.structs.replace(table, **kept[name])})
    return config


def require_frozen_model(pack: Pack, config: Config, name: str, segment: Segment) -> None:
    """Raises SettingError where a running server's networks are not those that the segment of the deployment
    `name` has frozen, or compute in another precision."""
    precision = config.inference.precision
    if pack.manifest.digest != segment.model:
        key, here, wanted = "pack", pack.name, segment.pack
    elif precision != segment.precision:
        key, here, wanted = "precision", precision, segment.precision
    else:
        return
    raise SettingError(
        f"inference.{key}",
        f"is '{here}', but the open deployment '{name}' is frozen to '{wanted}': set that one, or close the "
        "deployment",
    )


def false_alerts(pack: Pack, model: str, threshold: float, pictures: int) -> wire.FalseAlertsView | None:
    """What the pack's card says of a segment's threshold on its list of so many pictures, to two digits.

    model: the digest that the segment is frozen to; the card of another pack says nothing of it. None where
    the card cannot say.
    """
    if model != pack.manifest.digest or pictures < 1:
        return None
    found = expected(points_of(pack.manifest.calibration), threshold, pictures)
    if found is None:
        return None
    return wire.FalseAlertsView(
        one_in=max(1, round(float(f"{1 / found.fpir:.2g}"))),
        bound=found.bound,
        extrapolated=found.extrapolated,
        of_tracks=found.kind == "track",
    )


def _threshold(pack: Pack, plan: Plan, pictures: int) -> tuple[float, str]:
    """The plan's own score, or that for its FPIR on a list of so many pictures; and where it comes from."""
    if plan.threshold is not None:
        by_hand(plan.threshold)
        return plan.threshold, "set by hand in the plan"
    derived = threshold_for(points_of(pack.manifest.calibration), plan.fpir, pictures)
    return derived.score, derived.source
