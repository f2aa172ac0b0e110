"""Sends a watchlist to another site: a folder's or a deployment's entries, recorded, then packed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lfrd.errors import NotAllowed
from lfrd.listing.bringing import day_of
from lfrd.listing.manifest import PackageManifest
from lfrd.listing.packing import Content, Packed, of_source, recipient_of, write_package
from lfrd.listing.scratch import scratch
from lfrd.listing.source import Source, read_source
from lfrd.sealing.sitekey import SiteKey
from lfrd.store.watchlists import Watchlists
from lfrd.types import Actor, DeploymentId

Progress = Callable[[int, int], object]
_FACE_BYTES = 64 << 10  # that a face as it is shown takes at the most, for the room to ask for


@dataclass(frozen=True, slots=True)
class Sent:
    """source: of a folder, with what is wrong with what was left out; None for a deployment's list."""

    manifest: PackageManifest
    source: Source | None = field(repr=False, default=None)


async def send_folder(
    folder: Path,
    watchlists: Watchlists,
    site_key: SiteKey,
    recipient: str,
    output: Path,
    now: float,
    actor: Actor,
    progress: Progress = lambda done, total: None,
) -> Sent:
    """Pack a folder's entries, with whatever category they have: the receiver's authorisation decides. now:
    Unix seconds. Raises what `write_package` does, and NotAllowed where no entry is good."""
    recipient_of(recipient)
    source = await asyncio.to_thread(read_source, folder, None, day_of(now))
    if not source.entries:
        raise NotAllowed("empty_list", source.unusable())
    await watchlists.export.record(DeploymentId(""), recipient, actor, number=len(source.entries))
    manifest = await asyncio.to_thread(
        write_package,
        output,
        list(of_source(source.entries)),
        recipient=recipient,
        signer=site_key.signer,
        created_at=now,
        built_at=now,
        progress=progress,
    )
    return Sent(manifest, source)


async def send_list(
    deployment: DeploymentId,
    watchlists: Watchlists,
    site_key: SiteKey,
    recipient: str,
    output: Path,
    now: float,
    actor: Actor,
    progress: Progress = lambda done, total: None,
) -> Sent:
    """Pack a deployment's list, those waiting too, with the faces that it enrolled; built when the list was,
    so that passing it on makes it no younger. Approvals do not go along: the receiver gives its own."""
    recipient_of(recipient)
    summary = await watchlists.summary(deployment)
    if summary is None or summary.built_at is None:
        raise NotAllowed("empty_list", "this deployment has no list in force; import one first")
    number = await watchlists.export.record(deployment, recipient, actor)
    with scratch(number * _FACE_BYTES, output.parent) as private:
        entries: list[Packed] = []
        async for one in watchlists.export.entries(deployment):
            readers: list[Content] = []
            for face in one.faces:
                path = private / f"{len(entries):06}-{len(readers):02}"
                path.write_bytes(face)
                readers.append(path.read_bytes)
            entries.append(Packed(one.reference, one.category, one.blue, one.facts, readers))
        manifest = await asyncio.to_thread(
            write_package,
            output,
            entries,
            recipient=recipient,
            signer=site_key.signer,
            created_at=now,
            built_at=summary.built_at,
            progress=progress,
        )
    return Sent(manifest)
