"""What every kind of audit record is."""

from __future__ import annotations

from msgspec import Struct


class Body(Struct, tag_field="what", frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The part of a record that belongs to its kind. Its tag is the kind's stable name."""
