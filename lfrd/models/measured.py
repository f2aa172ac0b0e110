"""Recognition rates that were measured of packs whose own manifest does not state them, by model digest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from lfrd.vision.pack import Calibration, Manifest


@dataclass(frozen=True, slots=True)
class Rates:
    """Of `mated` searches of a list of `n`, the share that found the right person: (FPIR, TPIR)."""

    n: int
    mated: int
    tpir: tuple[tuple[float, float], ...]


RATES: Final = {
    # YuNet-n with MobileFaceNet (128-D), the pack `field` of the development material: LFW, one picture a
    # person on the list, the same test as its manifest's calibration (8,406 non-mated searches).
    "7d06b7d5531f940100f0c7d93af584b1cda2a5cfce4422142b5881f56128927d": Rates(
        n=1000, mated=3827, tpir=((0.01, 0.923), (0.001, 0.811))
    ),
}


def calibrations(manifest: Manifest) -> tuple[Calibration, ...]:
    """The manifest's calibrations, each with its TPIR where the manifest or a measurement gives one.

    A measurement is of one digest, so of these very files and numbers around them, and goes with the
    calibration at the same list size.
    """
    rates = RATES.get(manifest.digest)
    if rates is None:
        return manifest.calibration
    return tuple(
        msgspec.structs.replace(row, mated=rates.mated, tpir=rates.tpir)
        if row.n == rates.n and not row.tpir
        else row
        for row in manifest.calibration
    )
