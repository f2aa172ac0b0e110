"""Open-set searches as the metrics see them: scores, whose they are, and nothing of any face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lfrd.types import F64

NO_CANDIDATE: Final = -np.inf
"""The score of a search without a candidate: no usable face in the probe, or nobody on the list."""


@dataclass(frozen=True, slots=True)
class Searches:
    """What one list answered to mated and non-mated probes.

    own: float64 [m], each mated probe's score to its own person's entry; NO_CANDIDATE where the probe gave no
    template or the person could not be enrolled: such a search is a miss and stays in the count (the
    generalised rates of ISO/IEC 19795-1). other: float64 [m], its highest score to anybody else. mated:
    int [m], the probe's person by a number. top: float64 [k], each non-mated probe's highest score.
    non_mated: int [k], its person by a number; people of the two arrays are different ones unless a probe was
    searched without its own entry. entries: people on the list, N. NaN is refused: ValueError.
    """

    own: F64
    other: F64
    mated: NDArray[np.intp]
    top: F64
    non_mated: NDArray[np.intp]
    entries: int

    def __post_init__(self) -> None:
        if not len(self.own) == len(self.other) == len(self.mated) or len(self.top) != len(self.non_mated):
            raise ValueError(
                "each mated search has own, other and a person; each non-mated one top and a person"
            )
        if any(np.isnan(scores).any() for scores in (self.own, self.other, self.top)):
            raise ValueError("a score is not a number")

    def found(self, threshold: float) -> NDArray[np.bool_]:
        """Bool [m]: the right person's entry is the best by itself and reaches the threshold. A tie with
        somebody else's entry is no find: which of the two an officer would be shown is chance."""
        return (self.own > self.other) & (self.own >= threshold)

    def false(self, threshold: float) -> NDArray[np.bool_]:
        """Bool [k]: somebody on the list reaches the threshold for a person who is not."""
        return self.top >= threshold
