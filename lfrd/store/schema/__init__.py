"""The tables, as an ordered tuple of migrations; a database's `user_version` is how many it has had.

A migration that has been released is never edited; the next one alters what it made.
"""

from __future__ import annotations

from lfrd.store.schema import first, fourth, second, third
from lfrd.store.schema.first import APPLICATION_ID, LEAST_SQLITE

MIGRATIONS: tuple[str, ...] = (first.SCRIPT, second.SCRIPT, third.SCRIPT, fourth.SCRIPT)
"""Each runs once, in one transaction together with the new `user_version`."""

__all__ = ["APPLICATION_ID", "LEAST_SQLITE", "MIGRATIONS"]
