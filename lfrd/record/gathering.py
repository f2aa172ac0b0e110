"""Where a record's figures come from: the audit in the database, or an export that is verified on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from lfrd.audit.chain import Record
from lfrd.audit.counting import Counting
from lfrd.audit.export import Check, Line, verify
from lfrd.audit.figures import DeploymentFigures, Figures
from lfrd.errors import MissingError
from lfrd.store.audit import Audit

_PIECE = 1000
"""Records read at a time."""

_line: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


async def from_audit(audit: Audit, deployment: str = "") -> Figures:
    """The figures of all deployments, or of the one with this id, by every record there is."""
    counting = Counting(deployment)
    after = 0
    while records := await audit.records(after, _PIECE):
        for record in records:
            counting.add(record)
        after = records[-1].seq
    return counting.figures()


def from_export(
    lines: Iterable[bytes], check: Check, *, trusted: str | None = None, deployment: str = ""
) -> Figures:
    """The same from an export's lines, in one pass that also verifies it (`audit.export.verify`).

    Raises export.Broken where the export cannot be believed: then there are no figures.
    """
    counting = Counting(deployment)
    verify(_counted(lines, counting), check, trusted=trusted)
    return counting.figures()


def _counted(lines: Iterable[bytes], counting: Counting) -> Iterator[bytes]:
    for line in lines:
        yield line
        read = _line.decode(line)  # it has been verified: the next one is asked for
        if isinstance(read, Record):
            counting.add(read)


def chosen(figures: Figures, wanted: str | None) -> DeploymentFigures:
    """The deployment of this id, of the beginning of one, or of this name; without any, the newest that was
    started, or else the newest. Raises MissingError where there is none, or more than one."""
    deployments = figures.deployments
    if not deployments:
        raise MissingError("no deployment: the audit tells of none so far")
    if wanted is None:
        started = [deployment for deployment in deployments if deployment.started_at is not None]
        return max(started, key=lambda d: d.started_at or 0.0) if started else deployments[-1]
    found = (
        [d for d in deployments if d.id == wanted]
        or [d for d in deployments if d.name == wanted]
        or [d for d in deployments if wanted and d.id.startswith(wanted)]
    )
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(deployment.id for deployment in found)
        raise MissingError(f"deployment '{wanted}': there are {len(found)} of that name; give an id: {ids}")
    raise MissingError(f"deployment '{wanted}': the audit has none; `lfrd record --list` shows them")
