"""`lfrd replay`: recorded files through the live pipeline, each alert a line."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lfrd.commands.bars import Bar, bar
from lfrd.commands.failure import note, one_line, say
from lfrd.commands.shared import (
    DataOption,
    JsonOption,
    PackOption,
    SettingsOption,
    WatchlistFolder,
    adjusted,
    counted,
    data_folder,
    event_line,
    open_or_build,
)
from lfrd.errors import CalibrationError, MissingError

if TYPE_CHECKING:
    from lfrd.config import Config
    from lfrd.vision.pack import Pack

MOST_LINES = 20  # about pictures, before a replay


def replay(
    videos: Annotated[
        list[Path], typer.Argument(metavar="VIDEO", help="Recorded files, or folders of pictures.")
    ],
    watchlist: Annotated[Path, typer.Option("--watchlist", "-w", metavar="DIR", help=WatchlistFolder)],
    config_file: SettingsOption = None,
    pack: PackOption = None,
    threshold: Annotated[
        float | None,
        typer.Option(metavar="SCORE", help="Score that raises an alert, instead of the pack's calibration."),
    ] = None,
    fpir: Annotated[
        float | None,
        typer.Option(
            metavar="RATE",
            help="False alerts wanted a face seen, at most. [default: the settings', 0.001]",
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(metavar="N", help="Frames analysed a second of film. [default: the settings', 6.25]"),
    ] = None,
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """The live pipeline over recorded files, as fast as it goes: each alert a line, last a summary.

    Exits with 1 where a file could not be read to its end.
    """
    settings = adjusted(config_file, threshold=threshold, fpir=fpir, rate=rate)
    for video in videos:
        if re.match(r"[A-Za-z]+:/", str(video)):  # may hold credentials: not quoted
            raise typer.BadParameter(
                "this is an address; replay reads files, and cameras belong in config.toml",
                param_hint="'VIDEO'",
            )
    if not any(video.exists() for video in videos):
        raise MissingError(f"{videos[0]}: no such file or folder")

    from lfrd import config, logs, memory

    memory.harden()
    logs.configure(config.Log(level="warning"))
    opened = open_or_build(pack, data_folder(data), bar)
    if not asyncio.run(_replay(videos, opened, watchlist, settings, as_json)):
        raise typer.Exit(1)


async def _replay(videos: list[Path], pack: Pack, watchlist: Path, settings: Config, as_json: bool) -> bool:
    """Whether every file could be read to its end."""
    from lfrd.replay import film_seconds, replay
    from lfrd.watching import derive, watching

    try:
        derive(pack, settings, 1)  # before a long list is enrolled for nothing
    except CalibrationError as error:
        raise CalibrationError(f"{error} (here: --threshold SCORE)") from None
    async with AsyncExitStack() as stack:
        with bar("Enrolling the watchlist") as report:
            watch = await stack.enter_async_context(watching(pack, watchlist, settings, report))
        lines = list(watch.enrolment.lines())
        for line in lines[:MOST_LINES]:
            note(line)
        if len(lines) > MOST_LINES:
            note(f"and {len(lines) - MOST_LINES:,} more; `lfrd watchlist check` shows all")
        listed = len(watch.enrolment.gallery)
        if not listed:
            raise MissingError(
                f"watchlist {watchlist}: nobody can be looked for; `lfrd watchlist check` tells why"
            )
        if not as_json:
            note(
                f"{counted(listed, 'person', 'people')} listed; an alert needs a score of "
                f"{watch.threshold.score:.3f}; {watch.threshold.source}"
            )
        with bar("Replaying") as shown:
            # In a thread, one by one: Ctrl+C is heard between two of them.
            total = sum([await asyncio.to_thread(film_seconds, video) for video in videos])
            summary = await replay(
                videos,
                watch,
                settings,
                _emitter(as_json, shown),
                lambda seconds: shown(round(seconds * 10), round(total * 10)),
            )
    return not summary.problems


def _emitter(as_json: bool, shown: Bar) -> Callable[[dict[str, Any]], None]:
    def emit(event: dict[str, Any]) -> None:
        if event["event"] == "error":
            say(event["problem"])
        with shown.aside():
            if as_json:
                event_line(event)
            elif event["event"] != "error":
                print(one_line(_text(event)), flush=True)

    return emit


def _text(event: dict[str, Any]) -> str:
    if event["event"] == "summary":
        return (
            f"{counted(event['frames'], 'frame')}, {event['frames_analysed']:,} analysed; "
            f"{counted(event['faces'], 'face')} in {counted(event['tracks'], 'track')}; "
            f"{counted(event['alerts'], 'alert')}, {counted(event['sightings'], 'sighting')}; "
            f"{event['seconds']:.1f} s, {event['fps']:.0f} frames a second"
        )
    return (
        f"{clock(event['t'])}  {event['camera']}  {event['event']}: possibly {event['person']}, "
        f"score {event['score']:.3f}"
    )


def clock(seconds: float) -> str:
    """Seconds of film as a player shows them: 1:02:03.4."""
    tenths = round(seconds * 10)
    return f"{tenths // 36000}:{tenths // 600 % 60:02}:{tenths // 10 % 60:02}.{tenths % 10}"
