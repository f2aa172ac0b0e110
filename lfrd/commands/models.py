"""`lfrd models`: which model packs are here, what they are, and installing others."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Annotated, Any

import typer

from lfrd.commands.bars import bar
from lfrd.commands.failure import one_line, say
from lfrd.commands.shared import (
    DataOption,
    JsonOption,
    PackArgument,
    counted,
    data_folder,
    group,
    print_json,
    print_table,
    share_of,
)
from lfrd.errors import DownloadError, SettingError

app = group("Model packs: which are here, installing, checking.")


@app.command("list", short_help="Packs that are here, or can be had.")
def list_packs(as_json: JsonOption = False, data: DataOption = None) -> None:
    """Packs that are installed, and those that can be by name."""
    from lfrd.models import library, shelf

    folder = data_folder(data)
    rows = library.listing(folder)
    if as_json:
        print_json(rows)
        return
    print_table(
        ("PACK", "STATE", "VERSION", "LICENCE"),
        [(row["name"], _state(row), row["version"] or "-", row["licence"] or "-") for row in rows],
    )
    for row in rows:
        if _state(row) == "damaged":
            say(row["state"])
    print(f"in {one_line(str(shelf.shelf(folder)))}")


def _state(row: dict[str, str]) -> str:
    return row["state"] if row["state"] in ("installed", "available") else "damaged"


@app.command(short_help="Install builtin, zoo or a folder.")
def install(
    what: Annotated[
        str, typer.Argument(metavar="PACK", help="builtin, zoo, or a folder that holds a pack.toml.")
    ],
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="PLACE",
            help="For zoo: a folder that holds its files, or a mirror's https:// address.",
        ),
    ] = None,
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Install a pack. Its files are checked against their digests before it can be used."""
    from lfrd.models import library, zoo

    try:
        with bar(f"Installing {what}") as shown:
            pack = library.install(what, data_folder(data), source, share_of(shown))
    except SettingError as error:
        raise typer.BadParameter(error.problem, param_hint="'--from'") from None
    except DownloadError as error:
        if source is not None:
            raise
        files = " and ".join(wanted.name for wanted in zoo.FILES)
        raise DownloadError(
            error.url, f"{error.problem}; without internet, put {files} into a folder and add --from FOLDER"
        ) from None
    manifest = pack.manifest
    if as_json:
        print_json(
            {
                "name": manifest.name,
                "version": manifest.version,
                "licence": manifest.licence,
                "folder": str(pack.folder),
                "digest": manifest.digest,
                "calibrated": bool(manifest.calibration),
            }
        )
        return
    print(f"installed {manifest.name} {manifest.version} ({manifest.licence})")
    if not manifest.calibration:
        print("it has no calibration: measure one (lfrd calibrate), or give a threshold by hand until then")


@app.command(short_help="Check a pack's files and run them once.")
def verify(name: PackArgument, as_json: JsonOption = False, data: DataOption = None) -> None:
    """Check a pack's files against their digests, and pass a blank picture through each network."""
    from lfrd.models import library

    problems = library.problems(name, data_folder(data))
    if as_json:
        print_json({"pack": name, "problems": problems})
    else:
        for problem in problems:
            say(problem)
        print(f"{one_line(name)}: {counted(len(problems), 'problem') if problems else 'good'}")
    if problems:
        raise typer.Exit(1)


@app.command(short_help="A pack's card as a page.")
def card(
    name: PackArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The page; its JSON stands beside it.")
    ],
    sources: Annotated[
        list[Path] | None,
        typer.Option("--from", metavar="REPORT.json", help="A report of `lfrd evaluate`; may be repeated."),
    ] = None,
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Make a pack's card for those who decide on its use: from its manifest, and from reports on it.

    Each report is the JSON beside a page of `lfrd evaluate ... --report`; one that was made with another pack
    is refused.
    """
    from lfrd.evaluation.report import card as cards
    from lfrd.evaluation.report import page
    from lfrd.evaluation.report.source import Source
    from lfrd.models import library

    page.require_place(output)
    reports = [Source.read(path) for path in sources or []]
    library.open_pack(name, data_folder(data))  # a card of files that are not there would say too much
    made = cards.card(library.facts(name, data_folder(data)), reports)
    cards.write(made, output)
    if as_json:
        print_json({"page": str(output), "json": str(page.beside(output)), "reports": len(reports)})
    else:
        print(f"{output}: the card of {made.facts['name']}, from {counted(len(reports), 'report')}")


@app.command(short_help="What a pack is, and how well it does.")
def show(name: PackArgument, as_json: JsonOption = False, data: DataOption = None) -> None:
    """What a pack is: origin, licence, networks, calibration, card."""
    from lfrd.models import library

    facts: dict[str, Any] = library.facts(name, data_folder(data))
    if as_json:
        print_json(facts)
        return
    for key in ("name", "version", "licence", "origin", "folder", "digest", "detector", "recogniser"):
        print(f"{key:<12}{one_line(facts[key])}")
    for label, (file, digest) in zip(
        ["files", *[""] * len(facts["files"])], facts["files"].items(), strict=False
    ):
        print(f"{label:<12}{file}  SHA-256 {digest[:12]}…")
    print("\ncalibration")
    for row in facts["calibration"]:
        of = "tracks" if row["kind"] == "track" else "single pictures"
        about = f"{of}: {one_line(row['data'])}; {row['non_mated']:,} searches of a list of {row['n']:,}"
        print(textwrap.indent(textwrap.fill(about, 76), "  "))
        print("   FPIR    score that keeps it")
        for fpir, score in row["points"]:
            print(f"  {fpir:<7g} {score:.4f}")
        for fpir, score, low, high in row["extrapolated"]:
            print(f"  {fpir:<7g} {score:.4f}  extrapolated, {low:.4f} to {high:.4f}")
    if not facts["calibration"]:
        print("  none: measure one (lfrd calibrate); until then a threshold has to be given by hand")
    print("\ncard")
    paragraphs = (facts["card"] or "none").split("\n\n")
    print(
        "\n\n".join(
            textwrap.indent(textwrap.fill(one_line(" ".join(p.split())), 76), "  ") for p in paragraphs
        )
    )
