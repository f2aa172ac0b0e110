"""The tree of commands, and one run through it."""

from __future__ import annotations

import contextlib
import sys
from typing import Annotated, Any

import typer

from lfrd import __version__
from lfrd.commands import (
    audit,
    bench,
    calibrate,
    deployment,
    evaluate,
    failure,
    keys,
    models,
    people,
    record,
    replaying,
    retention,
    site,
    tls,
    watchlists,
)

EXAMPLES = """\b
Examples:
  lfrd demo
  lfrd replay clip.mp4 --watchlist people/
  lfrd config > config.toml
  lfrd users add "Supt Jones" --role authorising
  lfrd deployment template > plan.toml
  lfrd deployment new plan.toml --as "Sgt Patel"
  lfrd deployment authorise Market --as "Supt Jones"
  lfrd watchlist import people/ Market --as "Sgt Patel"
  lfrd run
  lfrd invite "PC 1234"
  lfrd officers
  lfrd revoke "PC 1234"
  lfrd deployment start Market --as "Sgt Patel"
  lfrd record Market --output record.html
  lfrd audit verify
  lfrd retention dry-run
  lfrd key show
  lfrd tls show
  lfrd models list
  lfrd evaluate identify --gallery people/ --probes more/
  lfrd calibrate --faces people/ --pack zoo --write
  lfrd bench search
"""

app = typer.Typer(
    name="lfrd",
    help="Live facial recognition that a police force can trust and the public can check.",
    epilog=EXAMPLES,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def top(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    if version:
        print(f"lfrd {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


app.command(short_help="Try it all here, nothing to configure.")(site.demo)
app.command(short_help="Recorded files through the live pipeline.")(replaying.replay)
app.command(short_help="The server: cameras, alerts, phones.")(site.run)
app.add_typer(deployment.app, name="deployment", short_help="Plan, authorise, run and end deployments.")
app.add_typer(watchlists.app, name="watchlist", short_help="Import, check, approve and destroy watchlists.")
app.command(short_help="Let an officer's phone in: link and QR code.")(people.invite)
app.command(short_help="Who is signed in.")(people.officers)
app.command(short_help="Sign an officer's phones out, as for a lost one.")(people.revoke)
app.command("config", short_help="Print a config.toml that explains itself.")(site.show_config)
app.add_typer(people.app, name="users", short_help="Who may use this site, in which role.")
app.command(short_help="A deployment's published record and notice.")(record.record)
app.add_typer(audit.app, name="audit", short_help="Verify, export and show the audit.")
app.add_typer(retention.app, name="retention", short_help="What is deleted when; legal holds; receipts.")
app.add_typer(keys.app, name="key", short_help="The site's key.")
app.add_typer(tls.app, name="tls", short_help="The certificates that phones are shown.")
app.add_typer(models.app, name="models", short_help="Model packs: list, install, verify, show.")
app.command(short_help="A model pack's scores for wanted false alerts.")(calibrate.calibrate)
app.add_typer(evaluate.app, name="evaluate", short_help="The laboratory: error rates, and how sure they are.")
app.add_typer(bench.app, name="bench", short_help="Measure this machine.")


def run() -> int:
    """Do what the command line says, and return the exit code. Every failure is one line."""
    try:
        code = app(standalone_mode=False, prog_name="lfrd")
    except SystemExit as end:  # typer's own answer to a reader that has gone
        return end.code if isinstance(end.code, int) else failure.FAILED
    except typer.TyperException as error:
        return _misused(error)
    except Exception as error:
        return failure.told(error)
    if code == failure.STOPPED:  # what typer makes of Ctrl+C
        raise KeyboardInterrupt
    return code if isinstance(code, int) else 0


def _misused(error: Any) -> int:
    """The command line's own errors: one line, and where to read on. A group named alone shows its help."""
    context = getattr(error, "ctx", None)
    text = error.format_message().strip()
    if "\n" in text and text.startswith("Usage:"):
        with contextlib.suppress(OSError):
            print(text, file=sys.stderr)
    else:
        where = context.command_path if context is not None else "lfrd"
        text = text.partition(", unable to parse")[0].rstrip(".").replace("Value error, ", "")
        failure.say(f"{text}; see {where} --help")
    return failure.MISUSED
