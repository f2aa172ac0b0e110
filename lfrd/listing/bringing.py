"""Brings a watchlist in from where it lies, a folder or a package, with the deployment's own model pack."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from lfrd.config import Placed
from lfrd.errors import CorruptError, SettingError
from lfrd.inference import opened
from lfrd.listing.enrolling import Enroller
from lfrd.listing.importing import Imported, Progress, import_list
from lfrd.listing.source import Source, read_source
from lfrd.listing.unpacking import is_package, unpacked
from lfrd.models import library
from lfrd.policy.plan import Plan
from lfrd.sealing.sitekey import SiteKey
from lfrd.store.watchlists import Watchlists
from lfrd.types import Actor, DeploymentId
from lfrd.vision.pack import Pack

KEY_DIGITS = 64


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a list comes from. path: a folder with entries.csv or entries.json, or a package. senders: public
    keys (hexadecimal) whose packages are taken beside those of the settings."""

    path: Path
    senders: Collection[str] = ()


async def bring(
    placed: Placed,
    watchlists: Watchlists,
    deployment: DeploymentId,
    plan: Plan,
    origin: Origin,
    pack: Pack,
    site_key: SiteKey,
    now: float,
    actor: Actor,
    progress: Progress = lambda done, total: None,
) -> Imported:
    """Import a deployment's watchlist (`importing.import_list`). now: Unix seconds, of the Ratchet.

    A package lies open in a private folder only until this returns. Raises what reading, unpacking, the
    networks and the store raise; the list in force stays until the new one is whole.
    """
    with contextlib.ExitStack() as stack:
        source = await asyncio.to_thread(_source, stack, placed, origin, plan, site_key, now)
        try:
            async with opened(pack, library.networks, placed.config.inference) as inference:
                return await import_list(
                    watchlists,
                    deployment,
                    plan,
                    source,
                    pack,
                    Enroller.of(inference, placed.config),
                    actor,
                    dim=inference.dim,
                    progress=progress,
                )
        finally:
            await asyncio.to_thread(stack.close)


def _source(
    stack: contextlib.ExitStack, placed: Placed, origin: Origin, plan: Plan, site_key: SiteKey, now: float
) -> Source:
    today = day_of(now)
    if not is_package(origin.path):
        if origin.path.is_file():
            raise CorruptError(
                origin.path, "neither a folder nor a package of `lfrd watchlist export`; nothing was changed"
            )
        return read_source(origin.path, plan.categories, today)
    senders = {*origin.senders, *placed.config.watchlists.senders}
    inside = stack.enter_context(unpacked(origin.path, site_key, senders, now, placed.data))
    return read_source(
        inside.folder,
        plan.categories,
        today,
        what=inside.what,
        digest=inside.digest,
        built_at=inside.manifest.built_at,
    )


def day_of(now: float) -> datetime.date:
    """The box's own day at a moment in Unix seconds."""
    return datetime.datetime.fromtimestamp(now).astimezone().date()


def trusted(given: Collection[str]) -> set[str]:
    """Public keys from the command line: each a key of 64 hexadecimal digits, or a file with one a line, in
    which # begins a remark. Raises SettingError where one is neither."""
    keys: set[str] = set()
    for word in given:
        if _is_key(word):
            keys.add(word.lower())
            continue
        try:
            lines = Path(word).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            raise SettingError("--trust", f"'{word}' is neither a public key nor a file of them") from None
        found = [text for line in lines if (text := line.partition("#")[0].strip())]
        for text in found:
            if not _is_key(text):
                raise SettingError("--trust", f"{word}: a line is no public key (64 hexadecimal digits)")
            keys.add(text.lower())
    return keys


def _is_key(text: str) -> bool:
    return len(text) == KEY_DIGITS and all(c in "0123456789abcdefABCDEF" for c in text)
