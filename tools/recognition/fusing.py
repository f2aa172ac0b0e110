"""How much each shot of a track weighs in its fused template: the ways on trial."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from lfrd.tracking.shots import LEAST_WORTH
from lfrd.types import F32, F64

LENGTH_POWER = 2.0


@dataclass(frozen=True, slots=True)
class Shots:
    """The kept shots of one track, one row each. templates: float32 [n, dim], length 1. lengths: of the plain
    cut's vector before it was brought to 1. worth, eyes, sharpness: as `lfrd.types.Quality` has them."""

    templates: F32 = field(repr=False)
    lengths: F64
    worth: F64
    eyes: F64
    sharpness: F64


Weighing = Callable[[Shots], F64]
"""Weights [n], of any scale."""


def by_worth(power: float) -> Weighing:
    def weigh(shots: Shots) -> F64:
        worth = np.maximum(shots.worth, LEAST_WORTH)
        return np.asarray((worth / worth.max()) ** power, np.float64)

    return weigh


def by_length(shots: Shots) -> F64:
    """A vector is the longer the surer the network: Meng and others, "MagFace", 2021, for one trained so."""
    return np.asarray((shots.lengths / shots.lengths.max()) ** LENGTH_POWER, np.float64)


def by_worth_and_length(shots: Shots) -> F64:
    return by_worth(2)(shots) * by_length(shots)


def by_size(shots: Shots) -> F64:
    return shots.eyes**2


def by_sharpness(shots: Shots) -> F64:
    return np.maximum(shots.sharpness, 1.0)


def by_consent(shots: Shots) -> F64:
    """A shot that is unlike the mean of all, itself among them, says less: its worth times the cosine's
    fourth power."""
    first = by_worth(2)(shots)
    mean = first @ shots.templates
    mean /= max(float(np.linalg.norm(mean)), 1e-12)
    return first * np.clip(shots.templates @ mean, 0.01, 1.0) ** 4


WEIGHINGS: Mapping[str, Weighing] = {
    "worth squared": by_worth(2),
    "all alike": by_worth(0),
    "worth": by_worth(1),
    "worth cubed": by_worth(3),
    "worth to the 4th": by_worth(4),
    "length squared": by_length,
    "worth and length": by_worth_and_length,
    "size squared": by_size,
    "sharpness": by_sharpness,
    "consent": by_consent,
}


def fused(shots: Shots, weighing: Weighing) -> F32:
    """float32 [dim], length 1."""
    mean = (weighing(shots) @ shots.templates).astype(np.float32)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), np.float32)
