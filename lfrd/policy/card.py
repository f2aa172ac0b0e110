"""What a model pack's card must say before the pack may look for people in public (rule 28)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lfrd.vision.pack import Calibration, Manifest

_NONE = frozenset({"", "-", "?", "n/a", "none", "tbd", "todo", "unknown"})


def lacks(manifest: Manifest, calibrations: Sequence[Calibration]) -> Iterator[str]:
    """What the card does not say, one line each with what to do: none where live use is allowed.

    It must name its licence and its origin, and hold one measurement at least that gives, at its list size N
    and with the pictures that it was made from in words, the scores for FPIRs and the TPIRs there with the
    number of searches behind each. How good the numbers are is for the authorising officer to judge, who sees
    them; that they exist is judged here. calibrations: the manifest's, with rates that were measured
    elsewhere filled in.
    """
    card = f"the card of '{manifest.name}'"
    edit = "in its pack.toml"
    measure = (
        "measure one on other people's pictures, some of them with two: "
        f"lfrd calibrate --pack {manifest.name} --faces DIR --write"
    )
    if manifest.licence.strip().lower() in _NONE:
        yield f"{card} names no licence; say {edit} under what terms it may be used"
    if manifest.origin.strip().lower() in _NONE:
        yield f"{card} names no origin; say {edit} where it comes from"
    if not calibrations:
        yield f"{card} has no calibration; {measure}"
    elif all(row.data.strip().lower() in _NONE for row in _complete(calibrations)):
        yield f"{card} does not say what its calibration was measured on; name the data {edit}"
    if calibrations and not any(row.tpir for row in calibrations):
        yield f"{card} has no TPIR at any N; {measure}, or add mated and tpir to its [[calibration]] {edit}"


def _complete(calibrations: Sequence[Calibration]) -> Sequence[Calibration]:
    """Those with a TPIR, whose data it is that counts; all where none has one."""
    return [row for row in calibrations if row.tpir] or calibrations
