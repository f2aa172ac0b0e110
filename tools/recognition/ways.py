"""The ways to recognise that are on trial, each one step away from the product's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from lfrd.types import F32
from tools.recognition import judging
from tools.recognition.cuts import MIRRORED, PLAIN, SMALL, Mix
from tools.recognition.fusing import WEIGHINGS, Weighing, by_worth
from tools.recognition.judging import Listed, Norm, Score

Cohort = Literal["strangers", "list"]

PLAINLY = Mix()
AS_THE_PRODUCT = by_worth(2)


@dataclass(frozen=True, slots=True)
class Way:
    """probe: what a shot's template is made of; entries: the templates that a listed person has (`probe`'s
    alone if empty); joined: these are averaged to one. cohort: whose scores normalise, if any's, on the
    probe's side, the entry's, or both."""

    probe: Mix = PLAINLY
    entries: tuple[Mix, ...] = ()
    joined: bool = False
    weighing: Weighing = AS_THE_PRODUCT
    score: Score = judging.product
    cohort: Cohort | None = None
    sides: tuple[bool, bool] = (True, True)
    top: int = judging.TOP

    @property
    def listed(self) -> tuple[Mix, ...]:
        return self.entries or (self.probe,)

    def list_of(self, names: tuple[str, ...], vectors: Mapping[str, F32]) -> Listed:
        """vectors: each cut's of the listed people, float32 [n, dim]."""
        rows = np.stack([mix.of(vectors) for mix in self.listed], axis=1)
        if self.joined:
            rows = rows.mean(axis=1, keepdims=True)
            rows /= np.linalg.norm(rows, axis=2, keepdims=True)
        return Listed(np.ascontiguousarray(rows), names)

    def norm(self, listed: Listed, strangers: Mapping[str, F32]) -> Norm:
        if self.cohort is None:
            return judging.plain
        cohort = self.probe.of(strangers) if self.cohort == "strangers" else None
        return judging.by_cohort(listed, cohort, probe=self.sides[0], entry=self.sides[1], top=self.top)

    def cuts(self) -> tuple[set[str], set[str]]:
        """Needed of a probe's shots, and of the list."""
        return set(self.probe.cuts) | {PLAIN}, {cut for mix in self.listed for cut in mix.cuts}


SHIFTS = ("right", "left", "down", "up")


def ways(mirrored: bool) -> dict[str, Way]:
    """By name; "product" first. mirrored: the pack averages each face with its mirror image already."""
    own = (PLAIN, MIRRORED) if mirrored else (PLAIN,)
    base = Way(probe=Mix(own))
    made: dict[str, Way] = {"product": base}
    if mirrored:
        made["not mirrored"] = Way()
    else:
        made["mirrored"] = Way(probe=Mix((PLAIN, MIRRORED)))
    made |= {
        "shifted crops": replace(base, probe=Mix((*own, *SHIFTS))),
        "scaled crops": replace(base, probe=Mix((*own, "tight", "loose"))),
        "all crops": replace(base, probe=Mix((PLAIN, MIRRORED, *SHIFTS, "tight", "loose"))),
    }
    made |= {
        name: replace(base, probe=Mix((name,)))
        for name in ("tight", "loose", "down", "up", "without nose", "soft", "sharp", "levelled")
    }
    made["small enlarged"] = replace(base, probe=Mix(("enlarged",)), entries=(Mix(own),))
    made["probes sharpened"] = replace(base, probe=Mix(("sharp",)), entries=(Mix(own),))
    again = Mix(("refined", "refined mirrored") if mirrored else ("refined",))
    made["refined"] = replace(base, probe=again)
    made["probes refined"] = replace(base, probe=again, entries=(Mix(own),))
    made["refined and mirrored"] = replace(base, probe=Mix(("refined", MIRRORED)))
    made["list softened"] = replace(base, entries=(Mix(("soft",)),))
    small = {name: Mix((name,)) for name in SMALL}
    made |= {f"list {name}": replace(base, entries=(mix,)) for name, mix in small.items()}
    made |= {
        f"list also {name}, nearest": replace(base, entries=(Mix(own), mix)) for name, mix in small.items()
    }
    made |= {
        f"list also {name}, mean": replace(base, entries=(Mix(own), mix), joined=True)
        for name, mix in small.items()
    }
    made["list in all sizes, nearest"] = replace(base, entries=(Mix(own), *small.values()))
    made["list in all sizes, mean"] = replace(base, entries=(Mix(own), *small.values()), joined=True)
    made |= {
        f"weights: {name}": replace(base, weighing=weighing)
        for name, weighing in WEIGHINGS.items()
        if name != "worth squared"
    }
    made["weights: best alone"] = replace(base, weighing=by_worth(50))
    made |= {
        f"score: {name}": replace(base, score=score)
        for name, score in {
            "fused alone": judging.fused_alone,
            "best shot": judging.best_shot,
            "mixed": judging.mixed,
        }.items()
    }
    made |= {
        f"margin {share:g}": replace(base, score=judging.less_runner_up(share)) for share in (0.15, 0.3, 0.6)
    }
    for cohort in ("strangers", "list"):
        for name, sides in {"t": (True, False), "z": (False, True), "s": (True, True)}.items():
            made[f"{name}-norm by {cohort}"] = replace(base, cohort=cohort, sides=sides)
    made["s-norm by list, 30"] = replace(base, cohort="list", top=30)
    made["s-norm by list, 300"] = replace(base, cohort="list", top=300)
    return made
