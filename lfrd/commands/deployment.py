"""`lfrd deployment`: planned, authorised, made ready and started from the command line, beside the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lfrd import config
from lfrd.commands import deployment_running as running
from lfrd.commands import deployment_text as text
from lfrd.commands.acting import AsOption, PasswordFileOption
from lfrd.commands.deployment_step import (
    CONFIG,
    FileArgument,
    RankOption,
    ReasonOption,
    WhichArgument,
    do,
    facts_for,
    missing,
    run,
    which_one,
)
from lfrd.commands.shared import ConfigOption, JsonOption, group, print_json
from lfrd.types import Actor

if TYPE_CHECKING:
    from lfrd.config import Placed
    from lfrd.records import Records
    from lfrd.store.deployments import Deployment

app = group("Deployments: plan, authorise, start, suspend, extend, amend, close, revoke.")


@app.command(short_help="Print a plan to fill in.")
def template() -> None:
    """Print a commented plan to start from."""
    from lfrd.commands.plan_file import TEMPLATE

    print(TEMPLATE, end="")


@app.command(short_help="Draft a deployment from a plan.")
def new(
    file: FileArgument,
    name: AsOption = None,
    password_file: PasswordFileOption = None,
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Draft a deployment from a plan's file. Who drafts is an operator."""
    from lfrd.commands.plan_file import read_plan

    plan = read_plan(file)

    async def act(site: Records, actor: Actor, placed: Placed) -> Deployment:
        return await site.deployments.draft(plan, actor)

    do(act, name, password_file, config_file, as_json)


@app.command(short_help="Replace the plan, before the start.")
def edit(
    which: WhichArgument,
    file: FileArgument,
    name: AsOption = None,
    password_file: PasswordFileOption = None,
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Replace the plan. It is a draft again and needs a new authorisation, unless only zones have changed."""
    from lfrd.commands.plan_file import read_plan

    plan = read_plan(file)

    async def act(site: Records, actor: Actor, placed: Placed) -> Deployment:
        return await site.deployments.change((await which_one(site, which)).id, plan, actor)

    do(act, name, password_file, config_file, as_json)


@app.command("list", short_help="All deployments, by stage and time.")
def list_all(config_file: ConfigOption = CONFIG, as_json: JsonOption = False) -> None:
    """All deployments, the oldest first."""

    async def read(site: Records) -> list[Deployment]:
        return await site.deployments.all()

    found = run(config_file, read)
    if as_json:
        print_json([text.as_dict(one) for one in found])
    else:
        text.print_list(found)


@app.command(short_help="One deployment, and what its next step lacks.")
def show(
    which: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="The id, its beginning, or the name. [default: the newest]"),
    ] = None,
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """A deployment's plan, authorisations and terms, and what is missing for its next step."""
    placed = config.load(config_file)

    async def read(site: Records) -> text.Shown:
        one = await which_one(site, which, newest=True)
        return text.Shown(
            one,
            await site.deployments.authorisations(one.id),
            await site.deployments.segments(one.id),
            await site.deployments.zones_drawn_by(one.id),
            await site.watchlists.summary(one.id),
            *await missing(site, placed, one),
        )

    shown = run(config_file, read)
    print_json(shown.as_dict()) if as_json else shown.print()


@app.command(short_help="Put your name and rank to the plan.")
def authorise(
    which: WhichArgument,
    rank: RankOption = "",
    reason: ReasonOption = "",
    name: AsOption = None,
    password_file: PasswordFileOption = None,
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Authorise a draft as it stands. Who authorises is an authorising officer, and did not plan it."""

    async def act(site: Records, actor: Actor, placed: Placed) -> Deployment:
        return await site.deployments.authorise((await which_one(site, which)).id, actor, rank, reason)

    do(act, name, password_file, config_file, as_json)


@app.command(short_help="Say that everything is in place.")
def ready(
    which: WhichArgument,
    name: AsOption = None,
    password_file: PasswordFileOption = None,
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Make an authorised deployment ready: cameras, zones, watchlist and model pack are looked at."""

    async def act(site: Records, actor: Actor, placed: Placed) -> Deployment:
        one = await which_one(site, which)
        facts = await facts_for(site, placed, one.plan, one.id)
        return await site.deployments.make_ready(one.id, actor, facts)

    do(act, name, password_file, config_file, as_json)


@app.command(short_help="Start it: the server looks for people.")
def start(
    which: WhichArgument,
    name: AsOption = None,
    password_file: PasswordFileOption = None,
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Start a deployment that is ready. Refused with all that is missing, one line each."""

    async def act(site: Records, actor: Actor, placed: Placed) -> Deployment:
        one = await which_one(site, which)
        return await site.deployments.start(one.id, actor, await facts_for(site, placed, one.plan, one.id))

    do(act, name, password_file, config_file, as_json)


app.command(short_help="Note that a blue-list volunteer passed.")(running.passage)
app.command(short_help="Stop it until it is authorised again.")(running.suspend)
app.command(short_help="Authorise it again after a suspension.")(running.resume)
app.command(short_help="A later end, as a new authorisation.")(running.extend)
app.command(short_help="Change threshold, rate or cameras while it runs.")(running.amend)
app.command(short_help="End it, started or not.")(running.close)
app.command(short_help="Stop it and delete everything of it.")(running.revoke)
