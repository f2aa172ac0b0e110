"""The command `lfrd`: each sub-command says what went wrong in one line and exits non-zero."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from lfrd import __version__, config, logs, memory
from lfrd.errors import LfrdError, MissingError, SettingError
from lfrd.models import library

app = typer.Typer(
    name="lfrd",
    help="Live facial recognition that a police force can trust and the public can check.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
models = typer.Typer(help="Model packs: which are here, installing, checking.", no_args_is_help=True)
watchlists = typer.Typer(help="Watchlists.", no_args_is_help=True)
bench = typer.Typer(
    help="Benches: what this machine does, measured again at each call.", no_args_is_help=True
)
app.add_typer(models, name="models")
app.add_typer(watchlists, name="watchlist")
app.add_typer(bench, name="bench")

ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The settings' file.")]
PackOption = Annotated[
    str | None, typer.Option("--pack", help="An installed pack's name, or a folder with pack.toml.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="Folder of installed packs. [default: $LFRD_DATA or ~/.local/share/lfrd]"),
]

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def main() -> NoReturn:
    """The console script. Every LfrdError is one line on standard error and exit code 1."""
    try:
        app(standalone_mode=False)
    except LfrdError as error:
        print(f"lfrd: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except ExceptionGroup as group:
        first = _first_known(group)
        if first is None:
            raise
        print(f"lfrd: {first}", file=sys.stderr)
        raise SystemExit(1) from None
    except (KeyboardInterrupt, typer.Abort):
        print("lfrd: stopped", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except Exception as error:
        usage = getattr(error, "format_message", None)  # click's own errors: a wrong option, a missing file
        if usage is None:
            raise
        print(f"lfrd: {usage()} (lfrd --help lists what there is)", file=sys.stderr)
        raise SystemExit(getattr(error, "exit_code", 2)) from None
    raise SystemExit(0)


def _first_known(group: ExceptionGroup[Exception]) -> LfrdError | None:
    for error in group.exceptions:
        if isinstance(error, LfrdError):
            return error
        if isinstance(error, ExceptionGroup) and (found := _first_known(error)) is not None:
            return found
    return None


@app.callback(invoke_without_command=True)
def top(
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    if version:
        print(f"lfrd {__version__}")
        raise typer.Exit


@app.command()
def run(config_file: ConfigOption = Path("config.toml")) -> None:
    """The server: cameras, alerts and phones as config.toml says."""
    from lfrd.app import serve

    placed = config.load(config_file)
    logs.configure(placed.config.log)
    asyncio.run(serve(placed, _progress))


@app.command()
def demo(
    once: Annotated[
        bool,
        typer.Option("--once", help="A headless officer goes on post, answers the alert, and that is it."),
    ] = False,
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8443,
    host: Annotated[
        str, typer.Option(help="Address to listen on; phones need one that they can reach.")
    ] = "0.0.0.0",  # noqa: S104
    pack: PackOption = None,
    data: DataOption = None,
) -> None:
    """Everything on this machine, with no configuration: a street clip, one person listed, your phone."""
    from lfrd.demo import run_demo

    logs.configure(config.Log(level="warning"))
    asyncio.run(
        run_demo(
            once=once, host=host, port=port, pack=pack or "builtin", data=_data(data), progress=_progress
        )
    )


@app.command()
def replay(
    videos: Annotated[list[Path], typer.Argument(help="Recorded files, each a recording of its own.")],
    watchlist: Annotated[
        Path, typer.Option("--watchlist", help="A folder of pictures per person, or one picture each.")
    ],
    pack: PackOption = None,
    threshold: Annotated[
        float | None, typer.Option(help="Score that raises an alert, instead of the pack's calibration.")
    ] = None,
    fpir: Annotated[
        float | None, typer.Option(help="Wanted false positive identification rate; sets the threshold.")
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Frames analysed a second of film.")] = None,
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """The same pipeline over recorded files, as fast as it goes: each alert a line, then a summary."""
    from lfrd.replay import replay as replay_files
    from lfrd.watching import watching

    memory.harden()
    logs.configure(config.Log(level="warning"))
    for video in videos:
        if not video.exists():
            raise MissingError(f"{video}: no such file")
    settings = _settings(threshold=threshold, fpir=fpir, rate=rate)
    opened = _pack(pack, data)

    async def go() -> bool:
        with _progress("Enrolling the watchlist") as report:
            async with watching(opened, watchlist, settings, report) as watch:
                report(1, 0)
                _say_enrolment(watch.enrolment, watch.threshold, quiet=as_json)
                summary = await replay_files(videos, watch, settings, _emitter(as_json))
        return not summary.problems

    if not asyncio.run(go()):
        raise typer.Exit(1)


@app.command("config")
def show_config() -> None:
    """Print a config.toml with every setting at its default, explained."""
    print(config.commented(), end="")


@app.command()
def invite(
    name: Annotated[str, typer.Argument(help="The officer's name or collar number, as others will see it.")],
    config_file: ConfigOption = Path("config.toml"),
    address: Annotated[
        str | None, typer.Option(help="Address that the phone will open. [default: web.host and web.port]")
    ] = None,
    hours: Annotated[
        float, typer.Option(min=0.01, max=72, help="How long the invitation may be used.")
    ] = 1.0,
) -> None:
    """Make a one-time invitation for an officer's phone, and show it as a QR code."""
    from lfrd.app import invite_officer

    placed = config.load(config_file)
    logs.configure(placed.config.log)
    link = asyncio.run(invite_officer(placed, name, hours * 3600, address))
    print_invitation(link, f"For {name}, once, within {hours:g} h")


def print_invitation(link: str, caption: str) -> None:
    """A link as text and, on a terminal, as a QR code."""
    import segno

    if sys.stdout.isatty():
        segno.make(link, error="m").terminal(compact=True)
    print(f"{caption}:\n  {link}")


# ---- models -----------------------------------------------------------------------------------------------


@models.command("list")
def models_list(as_json: JsonOption = False, data: DataOption = None) -> None:
    """Installed packs, and those that can be installed."""
    rows = library.listing(_data(data))
    if as_json:
        _print_json(rows)
        return
    for row in rows:
        print(f"{row['name']:<12} {row['state']:<14} {row['version']:<12} {row['licence']}")


@models.command("install")
def models_install(
    what: Annotated[str, typer.Argument(help="builtin, zoo, or a folder with pack.toml.")],
    source: Annotated[
        str | None, typer.Option("--from", help="zoo: a folder or a mirror's address instead of the zoo's.")
    ] = None,
    data: DataOption = None,
) -> None:
    """Install a pack; its files are checked against their digests before it can be used."""
    with _progress(f"Installing {what}") as report:
        pack = library.install(what, _data(data), source, _fraction(report))
    print(f"installed {pack.manifest.name} {pack.manifest.version} ({pack.manifest.licence})")


@models.command("verify")
def models_verify(
    name: Annotated[str, typer.Argument(help="An installed pack's name, or a folder.")],
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Check a pack's files against their digests and load each network."""
    problems = library.problems(name, _data(data))
    if as_json:
        _print_json({"pack": name, "problems": problems})
    else:
        for problem in problems:
            print(f"lfrd: {problem}", file=sys.stderr)
        print(f"{name}: {'good' if not problems else f'{len(problems)} problem(s)'}")
    if problems:
        raise typer.Exit(1)


@models.command("show")
def models_show(
    name: Annotated[str, typer.Argument(help="An installed pack's name, or a folder.")],
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """What a pack is: origin, licence, networks, calibration, card."""
    facts = library.facts(name, _data(data))
    if as_json:
        _print_json(facts)
        return
    for key, value in facts.items():
        print(f"{key:<12} {value}")


# ---- watchlists and benches -------------------------------------------------------------------------------


@watchlists.command("check")
def watchlist_check(
    folder: Annotated[Path, typer.Argument(help="A folder of pictures per person, or one picture each.")],
    pack: PackOption = None,
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Enrol a watchlist in memory and say which pictures are refused, and why. Nothing is kept."""
    from lfrd.watching import watching

    memory.harden()
    logs.configure(config.Log(level="warning"))
    settings = config.Config()
    opened = _pack(pack, data)

    async def go() -> bool:
        with _progress("Enrolling") as report:
            async with watching(opened, folder, settings, report) as watch:
                report(1, 0)
                enrolment = watch.enrolment
                if as_json:
                    _print_json(enrolment.as_dict())
                else:
                    _say_enrolment(enrolment, watch.threshold, quiet=False)
                return not enrolment.refused

    if not asyncio.run(go()):
        raise typer.Exit(1)


@bench.command("search")
def bench_search(
    entries: Annotated[list[int] | None, typer.Option(help="List sizes.")] = None,
    dim: Annotated[list[int] | None, typer.Option(help="Dimensions of a template.")] = None,
    queries: Annotated[list[int] | None, typer.Option(help="Queries at once.")] = None,
    seed: int = 1,
    as_json: JsonOption = False,
) -> None:
    """Time and recall of the watchlist's search, beside what else was tried."""
    from lfrd.evaluation import search_bench

    rows = search_bench.run(entries or [1000, 20000, 100000], dim or [128, 512], queries or [1, 16], seed)
    if as_json:
        _print_json(rows)
        return
    print(search_bench.machine())
    for row in rows:
        print(
            f"{row['method']:<14} N {row['entries']:>7,}  {row['dim']:>4}-D  {row['queries']:>3} queries  "
            f"p50 {row['p50_ms']:8.3f} ms  p99 {row['p99_ms']:8.3f} ms  recall {row['recall']:.4f}"
        )


# ---- shared -----------------------------------------------------------------------------------------------


def _data(chosen: Path | None) -> Path:
    if chosen is not None:
        return chosen.expanduser()
    if "LFRD_DATA" in os.environ:
        return Path(os.environ["LFRD_DATA"]).expanduser()
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "lfrd"


def _pack(name: str | None, data: Path | None) -> Any:
    return open_or_build(name or "builtin", _data(data), _progress)


def open_or_build(name: str, data: Path, progress: Callable[[str], Any]) -> Any:
    """The named pack; `builtin` is made first where it is not there yet."""
    if name == "builtin":
        with progress("Building the builtin model pack") as report:
            return library.ensure_builtin(data, _fraction(report))
    return library.open_pack(name, data)


def _fraction(report: Callable[[int, int], None]) -> Callable[[float, str], None]:
    return lambda share, _what: report(round(share * 100), 100)


def _settings(*, threshold: float | None, fpir: float | None, rate: float | None) -> config.Config:
    if threshold is not None and fpir is not None:
        raise SettingError("--threshold", "--fpir is given as well; keep one of them")
    raw: dict[str, dict[str, float]] = {"decision": {}, "analysis": {}}
    if threshold is not None:
        raw["decision"]["threshold"] = threshold
    if fpir is not None:
        raw["decision"]["fpir"] = fpir
    if rate is not None:
        raw["analysis"]["rate"] = rate
    return config.parse(raw)


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, which appears only when there is something to wait for."""
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=err, transient=True
    )
    task = bar.add_task(what, total=None, visible=False)
    started = False

    def report(done: int, total: int) -> None:
        nonlocal started
        if not started and total:
            started = True
            bar.start()
        bar.update(task, completed=done, total=total, visible=bool(total))
        if not total and started:
            bar.stop()
            started = False

    try:
        yield report
    finally:
        if started:
            bar.stop()


def _say_enrolment(enrolment: Any, threshold: Any, *, quiet: bool) -> None:
    for line in enrolment.lines():
        err.print(line, markup=False)
    if not quiet:
        err.print(
            f"{len(enrolment.gallery)} people listed; an alert needs a score of {threshold.score:.3f} "
            f"({threshold.source})",
            markup=False,
        )


def _emitter(as_json: bool) -> Callable[[dict[str, Any]], None]:
    def emit_json(event: dict[str, Any]) -> None:
        print(json.dumps(event), flush=True)

    def emit_text(event: dict[str, Any]) -> None:
        match event["event"]:
            case "alert" | "sighting" as kind:
                print(
                    f"{event['t']:9.2f} s  {event['camera']}  {kind}: possibly {event['person']}  "
                    f"score {event['score']:.3f}",
                    flush=True,
                )
            case "error":
                print(f"lfrd: {event['problem']}", file=sys.stderr)
            case "summary":
                print(
                    f"{event['frames']} frames, {event['frames_analysed']} analysed, {event['faces']} faces, "
                    f"{event['tracks']} people seen, {event['alerts']} alerts, {event['sightings']} sightings; "
                    f"{event['seconds']:.1f} s, {event['fps']:.0f} frames a second"
                )

    return emit_json if as_json else emit_text


def _print_json(value: object) -> None:
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
