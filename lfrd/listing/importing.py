"""Imports a watchlist: enrolled and stored batch by batch, compared with itself, then in force at once."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import msgspec

from lfrd.errors import NotAllowed
from lfrd.gallery.index import Gallery
from lfrd.listing.enrolling import Enroller
from lfrd.listing.levels import Levels, levels
from lfrd.listing.source import Source
from lfrd.policy.plan import Plan
from lfrd.store.entries import ListSummary
from lfrd.store.watchlists import Watchlists
from lfrd.types import F32, Actor, DeploymentId, NominalId
from lfrd.vision.pack import Pack

BATCH = 64
"""Entries a batch: what a broken import does again at the most, and what is in memory at once."""
MOST_PAIRS = 1000
"""Pairs that are kept, the most alike; more say that something else is wrong with the list."""

Progress = Callable[[int, int], object]
"""Told (done, total) entries."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of an import. resumed: it went on from where it had been broken off. changed: a broken-off
    one was thrown away, because it was of something else."""

    source: Source = field(repr=False)
    summary: ListSummary
    levels: Levels
    resumed: bool
    changed: bool


async def import_list(
    watchlists: Watchlists,
    deployment: DeploymentId,
    plan: Plan,
    source: Source,
    pack: Pack,
    enroller: Enroller,
    actor: Actor,
    *,
    dim: int,
    progress: Progress = lambda done, total: None,
    batch: int = BATCH,
) -> Imported:
    """Import `source` as the deployment's list. The one in force, if any, stays until this is whole.

    Broken off anywhere, the same call goes on with the first entry that is not stored yet. plan: the
    deployment's, for its categories and threshold. dim: of the pack's templates. Raises NotAllowed where the
    deployment has started or nobody can be looked for, CalibrationError where the pack does not say from
    which score faces are alike, and what the store and the networks raise.
    """
    if not source.entries:
        raise NotAllowed("empty_list", f"{source.unusable()}; nothing is changed")
    # A pack that cannot say so is an error before the work, not after.
    levels(pack, plan, len(source.entries))
    writing = watchlists.importing
    begun = await writing.begin(
        deployment,
        pack=pack.manifest.digest,
        source=source.what,
        basis=_basis(source, plan, pack, enroller),
        actor=actor,
    )
    total = len(source.entries)
    left = [entry for entry in source.entries if entry.reference not in begun.done]
    digests = dict(begun.digests)
    progress(total - len(left), total)
    for start in range(0, len(left), batch):
        some = left[start : start + batch]
        await writing.add(deployment, begun.run, await enroller.enrol(some, digests))
        progress(total - len(left) + start + len(some), total)
    found, pairs = await _compared(watchlists, deployment, plan, pack, dim)
    try:
        await writing.finish(
            deployment,
            begun.run,
            pairs=pairs,
            refused=source.wrong_lines,
            reasons=Counter(problem.code.value for problem in source.problems),
            settings={"lookalike": found.lookalike, "same_face": found.same_face},
            built_at=source.built_at,
            actor=actor,
        )
    except NotAllowed as error:
        if error.code == "empty_list":
            await writing.discard(deployment, begun.run, actor)
        raise
    summary = await watchlists.summary(deployment)
    assert summary is not None  # it has just been put in force
    return Imported(source, summary, found, begun.resumed, begun.changed)


async def _compared(
    watchlists: Watchlists, deployment: DeploymentId, plan: Plan, pack: Pack, dim: int
) -> tuple[Levels, list[tuple[int, int, str, float]]]:
    """The list against itself: numbers of two entries, the kind of pair, and the score."""
    templates: dict[NominalId, F32] = {}
    gallery: Gallery | None = None
    try:
        async for number, rows in watchlists.importing.templates(deployment):
            templates[NominalId(str(number))] = rows
        found = levels(pack, plan, sum(map(len, templates.values())))
        gallery = Gallery(templates, dim=dim)
        alike = await asyncio.to_thread(gallery.lookalikes, found.lookalike, MOST_PAIRS)
    finally:
        for rows in templates.values():
            rows.fill(0)
        if gallery is not None:
            gallery.wipe()
    if len(alike) == MOST_PAIRS and alike[-1][2] >= found.same_face:
        raise NotAllowed(
            "too_many_pairs",
            f"more than {MOST_PAIRS:,} pairs of entries show the same face: the list's pictures or "
            "the pack are wrong; the list in force stays",
        )
    return found, [
        (int(a), int(b), "same_face" if score >= found.same_face else "lookalike", score)
        for a, b, score in alike
    ]


def _basis(source: Source, plan: Plan, pack: Pack, enroller: Enroller) -> str:
    """All that decides what becomes of an entry: the same again gives the same list."""
    decides = [source.digest, pack.manifest.digest, sorted(plan.categories), asdict(enroller.limits)]
    return hashlib.sha256(msgspec.json.encode(decides)).hexdigest()
