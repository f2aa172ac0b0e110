"""`lfrd run`, `demo` and `config`: a site and its settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lfrd import config
from lfrd.commands.bars import bar
from lfrd.commands.shared import (
    ConfigOption,
    DataOption,
    JsonOption,
    PackOption,
    data_folder,
    event_line,
    open_or_build,
    print_json,
)

CONFIG = Path("config.toml")


def run(config_file: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """The server: cameras, alerts and phones as config.toml says. Ctrl+C or SIGTERM ends it.

    Its log goes to standard error; --json prints where it listens as a line of JSON.
    """
    placed = config.load(config_file)

    from lfrd import logs, loop
    from lfrd.app import serve

    logs.configure(placed.config.log)

    def listening(address: str) -> None:
        if as_json:
            event_line({"event": "listening", "address": address})
            return
        print(f"lfrd: listening on {address}", flush=True)
        print("lfrd: `lfrd invite NAME` lets an officer's phone in", flush=True)

    loop.run(serve(placed, bar, listening))


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Without a phone: print the first alert, answer it, and end.")
    ] = False,
    port: Annotated[int, typer.Option(metavar="PORT", min=0, max=65535, help="Port to listen on.")] = 8443,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen on; phones must be able to reach it.")
    ] = "0.0.0.0",  # noqa: S104
    http: Annotated[
        bool, typer.Option("--http", help="Without TLS: for a browser on this machine only.")
    ] = False,
    webcam: Annotated[
        bool, typer.Option("--webcam", help="A phone or this laptop is the camera, in place of the street.")
    ] = False,
    watchlist: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="With --webcam: whom to find, a folder of pictures a person."),
    ] = None,
    pack: PackOption = None,
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Everything on this machine with no configuration: a drawn street, one person listed, your phone."""
    if watchlist is not None and not webcam:
        raise typer.BadParameter("goes with --webcam: others walk down the street", param_hint="--watchlist")
    if webcam and once:
        raise typer.BadParameter("needs somebody before the camera; leave --once out", param_hint="--webcam")

    from lfrd import logs, loop
    from lfrd.commands.demonstration import demo_in_json, demo_in_words
    from lfrd.demo import run_demo

    logs.configure(config.Log(level="warning"))
    folder = data_folder(data)
    opened = open_or_build(pack, folder, bar)
    tell = demo_in_json if as_json else demo_in_words
    loop.run(
        run_demo(
            once=once,
            host="127.0.0.1" if http else host,
            port=port,
            plain=http,
            pack=opened,
            data=folder,
            progress=bar,
            tell=tell,
            webcam=webcam,
            watchlist=watchlist,
        )
    )


def show_config(as_json: JsonOption = False) -> None:
    """Print a config.toml with every setting at its default, explained."""
    if as_json:
        print_json(config.Config())
        return
    print(config.commented(), end="")
