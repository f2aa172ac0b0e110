"""What the commands of `lfrd deployment` share: their options, the site opened, and one step by a person."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from lfrd import config
from lfrd.commands import deployment_text as text
from lfrd.commands.acting import acting, password_of
from lfrd.commands.bars import bar
from lfrd.commands.failure import FAILED, one_line, say
from lfrd.commands.shared import print_json, share_of
from lfrd.errors import NotAllowed, NotReady
from lfrd.types import Actor, DeploymentId, Stage

if TYPE_CHECKING:
    from lfrd.config import Placed
    from lfrd.policy.life import Facts
    from lfrd.policy.plan import Plan
    from lfrd.records import Records
    from lfrd.store.deployments import Deployment

CONFIG = Path("config.toml")

T = TypeVar("T")

FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="The plan: TOML, or JSON in a .json file.")
]
WhichArgument = Annotated[
    str,
    typer.Argument(metavar="ID", help="As `lfrd deployment list` shows it, its beginning, or the name."),
]
OpenArgument = Annotated[
    str | None,
    typer.Argument(metavar="[ID]", help="The id, its beginning, or the name. [default: the open one]"),
]
RankOption = Annotated[
    str, typer.Option("--rank", metavar="RANK", help="Your rank, where your account has none.")
]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept for good.")]


def run(config_file: Path, read: Callable[[Records], Awaitable[T]]) -> T:
    placed = config.load(config_file)

    async def reading() -> T:
        async with opened(placed) as site:
            return await read(site)

    return asyncio.run(reading())


def do(
    act: Callable[[Records, Actor, Placed], Coroutine[Any, Any, Deployment]],
    name: str | None,
    password_file: Path | None,
    config_file: Path,
    as_json: bool,
) -> None:
    """One step by a person, and what it has led to. What is missing is said one line each."""
    placed = config.load(config_file)
    password = password_of(name, password_file)

    async def step() -> Deployment:
        async with opened(placed) as site:
            return await act(site, await acting(site.db, name, password, console=False), placed)

    try:
        after = asyncio.run(step())
    except NotReady as refused:
        if as_json:
            print_json({"error": refused.code, "missing": refused.missing})
        for line in refused.missing:
            say(line)
        raise typer.Exit(FAILED) from None
    print_json(text.as_dict(after)) if as_json else print(one_line(text.summary(after)))


@asynccontextmanager
async def opened(placed: Placed) -> AsyncIterator[Records]:
    from lfrd import logs
    from lfrd.records import records

    logs.configure(config.Log(level="warning"))
    async with records(placed, beside=True) as site:
        yield site


async def which_one(site: Records, which: str | None, *, newest: bool = False) -> Deployment:
    """The deployment that is meant. Raises NotAllowed where none is, or several are."""
    if which is None:
        found = await site.deployments.current()
        if found is None and newest:
            found = next(reversed(await site.deployments.all()), None)
        if found is None:
            none = "there is no deployment yet: `lfrd deployment new` drafts one"
            told = none if newest else "no deployment is open: name one of `lfrd deployment list`"
            raise NotAllowed("unknown_deployment", told)
        return found
    everyone = await site.deployments.all()
    for meant in (
        [one for one in everyone if one.id == which],
        [one for one in everyone if one.name == which],
        [one for one in everyone if which and one.id.startswith(which)],
    ):
        if len(meant) == 1:
            return meant[0]
        if meant:
            ids = ", ".join(one.id for one in meant)
            raise NotAllowed("unknown_deployment", f"'{which}' can be {ids}: give one of these ids")
    raise NotAllowed(
        "unknown_deployment", f"there is no deployment '{which}'; `lfrd deployment list` has all"
    )


async def facts_for(site: Records, placed: Placed, plan: Plan, deployment: DeploymentId) -> Facts:
    from lfrd import readiness

    with bar("Opening the model pack") as shown:
        pack = await readiness.pack_in_use(placed, share_of(shown))
    return await readiness.facts(placed, plan, deployment, site.watchlists, pack, site.clock.now)


async def missing(site: Records, placed: Placed, one: Deployment) -> tuple[str, list[str]]:
    """The next step of a deployment that has not started, and what it lacks."""
    from lfrd.policy.life import Act

    step = {Stage.DRAFT: Act.AUTHORISE, Stage.AUTHORISED: Act.MAKE_READY, Stage.READY: Act.START}.get(
        one.stage
    )
    if step is None:
        return "", []
    facts = None if step is Act.AUTHORISE else await facts_for(site, placed, one.plan, one.id)
    return step.value, await site.deployments.missing(one.id, step, facts)
