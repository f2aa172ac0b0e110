"""Whether a reason names the person that it is about: the audit keeps reasons for good, and names nobody."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

LEAST = 4
"""Letters of one part of a name that is looked for by itself; shorter ones are words of any language."""


def names(reason: str, people: Iterable[tuple[str, str]]) -> bool:
    """Whether the reason has one of these people's reference, whole name, or part of a name.

    people: reference and name; the name may be empty. References and whole names are found in capitals or
    not. A part of a name is found only where it begins with a capital, so that somebody called Young does not
    forbid the word. What is written in other words, or misspelt, is not found: this stops a slip, not a will.
    """
    text = unicodedata.normalize("NFKC", reason)
    for reference, name in people:
        for whole in (reference, name):
            if len(whole) >= 3 and _has(text.casefold(), unicodedata.normalize("NFKC", whole).casefold()):
                return True
        parts = re.findall(rf"[^\W\d_]{{{LEAST},}}", unicodedata.normalize("NFKC", name))
        if any(_has(text, form) for part in parts for form in (part.capitalize(), part.upper())):
            return True
    return False


def _has(text: str, wanted: str) -> bool:
    """As a word or words of their own."""
    return re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", text) is not None
