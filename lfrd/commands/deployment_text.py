"""A deployment in words and as plain values, for `lfrd deployment`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from lfrd.commands.failure import one_line
from lfrd.commands.shared import print_table
from lfrd.policy.life import SUSPENDED_FOR, moment
from lfrd.types import Stage

if TYPE_CHECKING:
    from lfrd.policy.plan import Plan
    from lfrd.store.deployments import Authorisation, Deployment, Segment
    from lfrd.store.entries import ListSummary

_NEXT = {
    Stage.DRAFT: "an authorising officer authorises it: lfrd deployment authorise {id} --as NAME",
    Stage.AUTHORISED: "with zones and list, an operator makes it ready: lfrd deployment ready {id} --as NAME",
    Stage.READY: "an operator starts it: lfrd deployment start {id} --as NAME",
    Stage.SUSPENDED: "an authorising officer authorises it again: lfrd deployment resume --as NAME",
}
_REASONS = {
    "no_officer": "no officer on post",
    "degraded": "degraded",
    **SUSPENDED_FOR,  # 'ordered' is also why one was closed
    "ended": "its time was up",
    "revoked": "revoked",
}


def as_dict(one: Deployment) -> dict[str, Any]:
    """What JSON says of a deployment; the plan's times are Unix seconds, as all are."""
    row = msgspec.to_builtins(one)
    del row["life"]
    return {**row, "planners": sorted(one.life.planners), "authorised_by": one.life.authorised_by}


def summary(one: Deployment) -> str:
    """One line: what it is now, and what comes next."""
    line = f"{one.id} '{one.name}': {_stage(one)}"
    following = _NEXT.get(one.stage)
    return f"{line}; next, {following.format(id=one.id)}" if following else line


def print_list(deployments: Sequence[Deployment]) -> None:
    print_table(
        ("ID", "STAGE", "NAME", "FROM", "UNTIL"),
        [
            (one.id, _stage(one), one.name, _time(one.plan.starts_at), _time(one.plan.ends_at))
            for one in deployments
        ],
    )


def document(receipt: str) -> Any:
    """A signed receipt as values."""
    return msgspec.json.decode(receipt)


@dataclass(frozen=True)
class Shown:
    """What `lfrd deployment show` shows. step: the next one, '' where none is a person's to prepare.
    zones_drawn_by: who drew zones after the authorisation, '' where they are as it has them."""

    deployment: Deployment
    authorisations: list[Authorisation]
    segments: list[Segment]
    zones_drawn_by: str
    watchlist: ListSummary | None
    step: str
    missing: list[str]

    def as_dict(self) -> dict[str, Any]:
        return {
            **as_dict(self.deployment),
            "authorisations": msgspec.to_builtins(self.authorisations),
            "segments": msgspec.to_builtins(self.segments),
            "zones_drawn_by": self.zones_drawn_by,
            "watchlist": msgspec.to_builtins(self.watchlist),
            "next": self.step,
            "missing": self.missing,
        }

    def print(self) -> None:
        one, plan = self.deployment, self.deployment.plan
        _line("deployment", f"{one.id} '{one.name}'")
        _line("stage", _stage(one))
        for field in ("purpose", "use_case", "place", "necessity", "proportionality"):
            _line(field.replace("_", " "), getattr(plan, field) or "-")
        _line("time", f"{_time(plan.starts_at)} to {_time(plan.ends_at)}")
        _line("categories", ", ".join(plan.categories) or "-")
        _line(
            "documents", ", ".join(f"{key} {value}" for key, value in plan.documents.items() if value) or "-"
        )
        _line("threshold", _wanted(plan))
        for camera in plan.cameras:
            zone = f"a zone of {len(camera.zone)} corners" if camera.zone else "no zone"
            eyes = camera.eye_distance_pixels
            _line(
                "camera", f"{camera.name}: {zone}{'' if eyes is None else f', {eyes:g} px between the eyes'}"
            )
        if self.watchlist is not None:
            _line("watchlist", f"{self.watchlist.listed:,} listed, {self.watchlist.waiting:,} waiting")
        for given in self.authorisations:
            said = f": {given.reason}" if given.reason else ""
            _line("authorised", f"{moment(given.at)}, {given.kind}, by {given.name}, {given.rank}{said}")
        if self.zones_drawn_by:
            _line("zones", f"drawn after the authorisation by {self.zones_drawn_by}")
        for segment in self.segments:
            _line(
                f"segment {segment.number}",
                f"{moment(segment.at)}, threshold {segment.threshold:.4f}, N = {segment.n:,}, "
                f"pack {segment.pack} ({segment.model[:12]}…) in {segment.precision}, "
                f"by {segment.authorised_by}",
            )
        if self.missing:
            print(f"before it can be {self.step}:")
            for lack in self.missing:
                print(f"  {one_line(lack)}")
        elif (following := _NEXT.get(one.stage)) is not None:
            print(f"next, {following.format(id=one.id)}")


def _line(label: str, value: str) -> None:
    print(f"{label:<16}{one_line(value)}")


def _stage(one: Deployment) -> str:
    reason = _REASONS.get(one.reason, one.reason)
    return f"{one.stage.value} ({reason})" if reason else one.stage.value


def _time(at: float | None) -> str:
    return "-" if at is None else moment(at)


def _wanted(plan: Plan) -> str:
    if plan.threshold is not None:
        return f"{plan.threshold:g}, set by hand"
    return f"derived for an FPIR of {plan.fpir:g}"
