"""The fourth version: blue-list passages and volunteers are found without reading all that is not of them."""

from __future__ import annotations

SCRIPT = """
-- A walk is decided within seconds of its window's end: whether one is open is asked twice a second.
CREATE INDEX audit_of_passages ON audit (deployment, seq) WHERE what IN ('blue_walk', 'blue_passage');
CREATE INDEX entry_of_volunteer ON entry (deployment, reference) WHERE generation = 0 AND blue;
"""
