"""`lfrd bench street`: clips of a street with truth and a watchlist, for the benches that play them."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Annotated

import typer

from lfrd.commands.bars import bar
from lfrd.commands.shared import (
    DataOption,
    JsonOption,
    PackOption,
    counted,
    data_folder,
    open_or_build,
    print_json,
    print_table,
)

LEAST = 320, 180
MOST = 3840, 2160


def street(
    faces: Annotated[
        Path, typer.Option(metavar="DIR", help="A folder of pictures a person, who then walk by.")
    ],
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where the clips go; new, or to be gone on with.")
    ],
    clips: Annotated[int, typer.Option(metavar="N", min=1, max=99, help="Clips.")] = 4,
    seconds: Annotated[float, typer.Option(metavar="S", min=5, max=3600, help="Length of each.")] = 60.0,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Of the street and its people.")] = 1,
    sought: Annotated[
        int, typer.Option(metavar="N", min=0, help="Who walk and are listed with another picture.")
    ] = 100,
    strangers: Annotated[int, typer.Option(metavar="N", min=0, help="Who walk and are on no list.")] = 100,
    listed: Annotated[int, typer.Option("--list", metavar="N", min=1, help="Length of the watchlist.")] = 800,
    size: Annotated[str, typer.Option(metavar="WxH", help="Pixels of a frame.")] = "1920x1080",
    pack: PackOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw clips in which people walk by, with truth: who passes when and where.

    25 frames a second. Faces are 40 to 200 pixels wide in 1920, at several distances and speeds, behind posts
    and one another, blurred by motion, in sun and shade, compressed. After an interruption the same command
    goes on. What is drawn shows how fast and complete the way from camera to alert is, not how well a model
    does on a real street. The pack finds the faces in the portraits.
    """
    wide, high = _sides(size)

    from lfrd.evaluation.locating import located_with
    from lfrd.evaluation.machine import machine
    from lfrd.evaluation.street_set import describe, make_set

    opened = open_or_build(pack, data_folder(data), bar)
    clock = _Clock()
    with bar("Drawing the street") as shown:

        def progress(done: int, total: int) -> None:
            clock(done)
            shown(done, total)

        made = make_set(
            faces,
            out,
            clips=clips,
            seconds=seconds,
            seed=seed,
            size=(wide, high),
            sought=sought,
            strangers=strangers,
            nominals=listed,
            locate=located_with(opened),
            progress=progress,
        )
    result = {"machine": machine(), **describe(made), "drawn": clock.frames, "drawn_per_second": clock.rate()}
    if as_json:
        print_json(result)
        return
    print(result["machine"])
    print_table(
        ("CLIP", "SECONDS", "PASSAGES", "SOUGHT", "MB /MIN"),
        [
            (
                row["file"],
                f"{row['seconds']:g}",
                row["passages"],
                row["sought"],
                f"{row['bytes'] / row['seconds'] * 60 / 1e6:.1f}",
            )
            for row in result["clips"]
        ],
    )
    widths, widest = result["face_pixels"], result["widest_face_pixels"]
    print(f"{result['faces_in_view']:.1f} faces in view on average")
    if widths["p50"] is not None:
        parts = ", ".join(f"{share} {widths[share]:.0f}" for share in ("p5", "p50", "p95"))
        print(f"widths of faces in pixels: {parts}; the widest of a passage: p50 {widest['p50']:.0f}")
    print(
        f"{counted(result['sought'], 'person', 'people')} sought, {result['list']:,} listed; "
        + (f"{clock.frames:,} frames drawn, {clock.rate():.1f} a second" if clock.frames else "all was there")
    )


class _Clock:
    """Frames drawn by this call, and how fast; what was there from an earlier one is left out."""

    def __init__(self) -> None:
        self._began = 0.0  # monotonic, of the first report
        self._first: int | None = None  # frames that were there
        self._last = 0.0
        self.frames = 0

    def __call__(self, done: int) -> None:
        self._last = time.monotonic()
        if self._first is None:
            self._first, self._began = done, self._last
        self.frames = max(self.frames, done - self._first)

    def rate(self) -> float | None:
        return round(self.frames / (self._last - self._began), 1) if self.frames else None


def _sides(size: str) -> tuple[int, int]:
    """Raises typer.BadParameter."""
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", size)
    sides = (int(found[1]), int(found[2])) if found else (0, 0)
    if any(side % 2 or not low <= side <= most for side, low, most in zip(sides, LEAST, MOST, strict=True)):
        least, most = ("x".join(map(str, pair)) for pair in (LEAST, MOST))
        raise typer.BadParameter(
            f"must be even sides from {least} to {most}, like 1920x1080", param_hint="'--size'"
        )
    return sides
