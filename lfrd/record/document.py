"""The record as JSON, for programs: stable keys, times in ISO 8601 (UTC), None where there is no figure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from lfrd.audit.figures import Basis, DeploymentFigures

FORMAT = "lfrd-record-1"
"""Changes when a key changes its meaning or goes; new keys may come."""

_AS_THEY_ARE = frozenset(("settings", "documents", "composition", "reasons", "arrests_by_class"))
"""Keys whose values are somebody's own words: nothing in them is a time of ours."""


def document(figures: DeploymentFigures, basis: Basis) -> dict[str, Any]:
    """The record as plain values. `basis` says from how many audit records it was computed, and which hash
    the last one had: whoever has an export of the audit up to there gets the same."""
    return {"format": FORMAT, "basis": _dated(basis), "deployment": _dated(figures)}


def json_text(figures: DeploymentFigures, basis: Basis) -> str:
    encoded = msgspec.json.encode(document(figures, basis))
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


def iso(at: float) -> str:
    """Unix seconds as 2026-03-14T09:00:21.250Z."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _dated(value: object) -> Any:
    return _with_times(msgspec.to_builtins(value))


def _with_times(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_times(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: iso(item)
        if key.endswith("_at") and isinstance(item, float)
        else item
        if key in _AS_THEY_ARE
        else _with_times(item)
        for key, item in value.items()
    }
