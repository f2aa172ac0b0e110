"""`lfrd deployment`: what is done to a deployment that runs, and how it ends."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lfrd import config
from lfrd.commands import deployment_text as text
from lfrd.commands.acting import AsOption, PasswordFileOption, acting, password_of
from lfrd.commands.deployment_step import (
    CONFIG,
    OpenArgument,
    RankOption,
    ReasonOption,
    do,
    facts_for,
    opened,
    which_one,
)
from lfrd.commands.failure import say
from lfrd.commands.shared import ConfigOption, JsonOption, print_json
from lfrd.errors import LfrdError
from lfrd.types import Actor, DeploymentId

if TYPE_CHECKING:
    from lfrd.config import Placed
    from lfrd.policy.plan import Change
    from lfrd.records import Records
    from lfrd.store.deployments import Deployment

WIPED_SECONDS = 10.0
"""How long a revocation waits for the server to confirm that it has wiped its memory."""
_LOOK_SECONDS = 0.2


def suspend(
    which: OpenArgument = None,
    reason: ReasonOption = "",
    name: AsOption = None,
    password_file: PasswordFileOption = None,
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Suspend a running deployment until an authorising officer authorises it again."""

    async def act(site: Records, actor: Actor, placed: Placed) -> Deployment:
        return await site.deployments.suspend((await which_one(site, which)).id, actor, "ordered", reason)

    do(act, name, password_file, config_file, as_json)


def passage(
    found: Annotated[
        bool, typer.Option("--found/--missed", help="Whether the volunteer's alert was raised.")
    ],
    which: OpenArgument = None,
    correct: Annotated[
        str, typer.Option("--correct", metavar="PASSAGE", help="One noted before: the newest word counts.")
    ] = "",
    name: AsOption = None,
    password_file: PasswordFileOption = None,
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Note that a volunteer of the blue list walked through the zone. It names nobody."""
    placed = config.load(config_file)
    password = password_of(name, password_file)

    async def noting() -> str:
        async with opened(placed) as site:
            actor = await acting(site.db, name, password, console=False)
            one = await which_one(site, which)
            return await site.passages.note(one.id, actor, found=found, passage=correct)

    noted = asyncio.run(noting())
    if as_json:
        print_json({"passage": noted, "found": found})
    else:
        print(f"passage {noted}: {'found' if found else 'missed'}; --correct {noted} corrects it")


def resume(
    which: OpenArgument = None,
    rank: RankOption = "",
    reason: ReasonOption = "",
    name: AsOption = None,
    password_file: PasswordFileOption = None,
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Authorise a suspended deployment again, until its end as it stands."""

    async def act(site: Records, actor: Actor, placed: Placed) -> Deployment:
        return await site.deployments.reauthorise((await which_one(site, which)).id, actor, rank, reason)

    do(act, name, password_file, config_file, as_json)


def extend(
    until: Annotated[str, typer.Option("--until", metavar="TIME", help="The new end, ISO 8601.")],
    which: OpenArgument = None,
    rank: RankOption = "",
    reason: ReasonOption = "",
    name: AsOption = None,
    password_file: PasswordFileOption = None,
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Authorise a later end of an open deployment."""
    from lfrd.commands.plan_file import seconds_of

    try:
        ends_at = seconds_of(until)
    except ValueError:
        raise typer.BadParameter(
            "must be a moment as in 2026-12-05T18:00:00Z", param_hint="'--until'"
        ) from None

    async def act(site: Records, actor: Actor, placed: Placed) -> Deployment:
        return await site.deployments.extend((await which_one(site, which)).id, actor, rank, ends_at, reason)

    do(act, name, password_file, config_file, as_json)


def amend(
    which: OpenArgument = None,
    threshold: Annotated[
        float | None, typer.Option(metavar="SCORE", min=-1, max=1, help="A score set by hand.")
    ] = None,
    fpir: Annotated[
        float | None, typer.Option(metavar="RATE", help="Or the FPIR to derive the score for, 0 to 0.5.")
    ] = None,
    cameras: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="[[cameras]] with zones, in place of all that there are."),
    ] = None,
    eye_distance: Annotated[
        list[str] | None,
        typer.Option("--eye-distance", metavar="CAMERA=PIXELS", help="Least pixels between the eyes."),
    ] = None,
    rank: RankOption = "",
    reason: ReasonOption = "",
    name: AsOption = None,
    password_file: PasswordFileOption = None,
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Authorise other terms for an open deployment. The statistics after it stand apart from those before."""

    async def act(site: Records, actor: Actor, placed: Placed) -> Deployment:
        one = await which_one(site, which)
        change = _change(one, threshold, fpir, cameras, eye_distance or [])
        facts = await facts_for(site, placed, change.applied(one.plan), one.id)
        return await site.deployments.amend(one.id, actor, rank, change, reason, facts)

    do(act, name, password_file, config_file, as_json)


def close(
    which: OpenArgument = None,
    name: AsOption = None,
    password_file: PasswordFileOption = None,
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """End a deployment for good. Its watchlist is destroyed within 24 hours, its alerts as retention says."""

    async def act(site: Records, actor: Actor, placed: Placed) -> Deployment:
        return await site.deployments.close((await which_one(site, which)).id, actor)

    do(act, name, password_file, config_file, as_json)


def revoke(
    which: OpenArgument = None,
    reason: ReasonOption = "",
    receipt: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the signed receipt is kept, too.")
    ] = None,
    name: AsOption = None,
    password_file: PasswordFileOption = None,
    config_file: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Stop a deployment and delete its watchlist, templates, pictures and alerts. Prints a signed receipt.

    Works in every stage and while the server runs, which wipes its memory and confirms that.
    """
    placed = config.load(config_file)
    password = password_of(name, password_file)
    if receipt is not None and receipt.exists():
        raise LfrdError(f"{receipt}: is there already; name another file for the receipt")

    async def act() -> tuple[DeploymentId, str, bool | None]:
        async with opened(placed) as site:
            actor = await acting(site.db, name, password, console=False)
            one = await which_one(site, which)
            document = await site.deployments.revoke(one.id, actor, reason)
            held = not site.db.alone and one.started_at is not None  # another process has the folder
            return one.id, document, await _wiped(site, one.id) if held else None

    deployment, document, wiped = asyncio.run(act())
    if receipt is not None:
        receipt.write_text(f"{document}\n", encoding="utf-8")
    if as_json:
        print_json({"deployment": deployment, "memory_wiped": wiped, "receipt": text.document(document)})
    else:
        print(document)
    if wiped is False:
        say(
            f"the data is deleted, but the server has not confirmed within {WIPED_SECONDS:g} s that its "
            "memory is wiped: stop it, which wipes it as well"
        )
        raise typer.Exit(1)
    if not as_json:
        print("the server has wiped its memory" if wiped else "no server held anything of it in memory")


def _change(
    one: Deployment,
    threshold: float | None,
    fpir: float | None,
    cameras: Path | None,
    eye_distance: list[str],
) -> Change:
    """The amendment that the options describe. Raises typer.BadParameter, naming the option."""
    import msgspec

    from lfrd.commands.plan_file import read_cameras
    from lfrd.policy.plan import Change

    if threshold is not None and fpir is not None:
        raise typer.BadParameter("--fpir is given as well; keep one of them", param_hint="'--threshold'")
    if fpir is not None and not 0 < fpir <= 0.5:
        raise typer.BadParameter("must be above 0 and at most 0.5", param_hint="'--fpir'")
    wanted = list(one.plan.cameras) if cameras is None else read_cameras(cameras)
    for pair in eye_distance:
        camera, _, pixels = pair.rpartition("=")
        places = [place for place, planned in enumerate(wanted) if planned.name == camera]
        try:
            least = float(pixels)
        except ValueError:
            least = -1.0
        if not places or not 0 <= least <= 500:
            raise typer.BadParameter(
                f"'{pair}' is not CAMERA=PIXELS, with a camera of the deployment and 0 to 500 pixels",
                param_hint="'--eye-distance'",
            )
        wanted[places[0]] = msgspec.structs.replace(wanted[places[0]], eye_distance_pixels=least)
    changed = cameras is not None or bool(eye_distance)
    return Change(threshold=threshold, fpir=fpir, cameras=wanted if changed else None)


async def _wiped(site: Records, deployment: DeploymentId) -> bool:
    """Whether the server confirms in time that its memory is wiped."""
    for _ in range(round(WIPED_SECONDS / _LOOK_SECONDS)):
        if await site.deployments.memory_wiped(deployment):
            return True
        await asyncio.sleep(_LOOK_SECONDS)
    return await site.deployments.memory_wiped(deployment)
