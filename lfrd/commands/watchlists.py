"""`lfrd watchlist`: lists brought in, looked over, approved, sent, asked about and destroyed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lfrd.commands import watchlist_bring, watchlist_look
from lfrd.commands.bars import bar
from lfrd.commands.failure import one_line, say
from lfrd.commands.shared import (
    DataOption,
    JsonOption,
    PackOption,
    WatchlistFolder,
    counted,
    data_folder,
    group,
    open_or_build,
    print_json,
)
from lfrd.errors import CalibrationError

if TYPE_CHECKING:
    from lfrd.decision.threshold import Threshold
    from lfrd.gallery.enrol import Enrolment
    from lfrd.vision.pack import Pack

MOST_PAIRS = 1000  # of people who look alike; more say that the threshold is wrong, and not who

app = group("Watchlists: import, report, approve, export, destroy, and who was asked about.")
app.command("import", short_help="Bring a deployment's list in.")(watchlist_bring.import_)
app.command("list", short_help="All lists, in figures.")(watchlist_look.list_)
app.command(short_help="What waits, who looks alike.")(watchlist_look.report)
app.command(short_help="Approve an entry that needs it.")(watchlist_look.approve)
app.command(short_help="A signed, encrypted package for a site.")(watchlist_bring.export)
app.command(short_help="Destroy a list, with a receipt.")(watchlist_bring.destroy)
app.command(short_help="Was a reference on a list that day?")(watchlist_look.asked)
app.command(short_help="What other sites need to send here.")(watchlist_look.address)


@app.command(short_help="Print an entries.csv to begin with.")
def template() -> None:
    """Print an entries.csv: the heading, and one line that is made up."""
    from lfrd.listing.reading import template

    print(template(), end="")


@app.command(short_help="Who can be found, who not, and why.")
def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help=WatchlistFolder)],
    pack: PackOption = None,
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Enrol a watchlist in memory: which pictures are refused and why, and who looks like whom.

    Nothing is kept. Exits with 1 where somebody on it cannot be looked for.
    """
    from lfrd import config, logs, memory

    memory.harden()
    logs.configure(config.Log(level="warning"))
    opened = open_or_build(pack, data_folder(data), bar)
    if not asyncio.run(_check(opened, folder, as_json)):
        raise typer.Exit(1)


async def _check(pack: Pack, folder: Path, as_json: bool) -> bool:
    """Whether everyone can be looked for."""
    from lfrd import config
    from lfrd.inference import opened
    from lfrd.models import library
    from lfrd.watching import derive, enrol_folder

    settings = config.Config()
    async with opened(pack, library.networks, settings.inference) as inference:
        with bar("Enrolling the watchlist") as shown:
            enrolment = await enrol_folder(inference, folder, settings, shown)
    gallery = enrolment.gallery
    try:
        threshold = None
        try:
            threshold = derive(pack, settings, gallery.pictures) if len(gallery) else None
        except CalibrationError as error:
            say(str(error))
        alike = gallery.lookalikes(threshold.score, MOST_PAIRS) if threshold is not None else []
        if as_json:
            print_json(enrolment.as_dict() | _as_dict(threshold, alike))
        else:
            _print(enrolment, threshold, alike)
    finally:
        gallery.wipe()
    return not enrolment.refused


def _as_dict(threshold: Threshold | None, alike: list[Any]) -> dict[str, Any]:
    return {
        "threshold": None if threshold is None else round(threshold.score, 4),
        "lookalikes": [
            {"nominals": [first, second], "score": round(score, 4)} for first, second, score in alike
        ],
    }


def _print(enrolment: Enrolment, threshold: Threshold | None, alike: list[Any]) -> None:
    for line in enrolment.lines():
        print(one_line(line))
    for first, second, score in alike:
        print(
            one_line(
                f"{first} and {second}: look alike, score {score:.3f}; either may be taken for the other"
            )
        )
    refused = sum(1 for report in enrolment.reports if report.reason is not None and report.path)
    doubtful = sum(1 for report in enrolment.reports if report.reason is None and report.warnings)
    listed, missing = len(enrolment.gallery), len(enrolment.refused)
    print(
        f"{listed:,} of {counted(listed + missing, 'person', 'people')} can be looked for, with "
        f"{counted(enrolment.gallery.pictures, 'picture')} ({doubtful:,} doubtful); "
        f"{counted(refused, 'picture')} refused"
    )
    if threshold is not None:
        print(f"an alert needs a score of {threshold.score:.3f}; {threshold.source}")
