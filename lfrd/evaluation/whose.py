"""Which face of a picture with several is meant, where a folder of pictures says whose they are."""

from __future__ import annotations

import enum
from typing import Final


class Whose(enum.StrEnum):
    """Which face of a picture with several is the person's after whom its folder is named."""

    CENTRE = "centre"
    """The one nearest the middle: collections of portraits are cut so, and bystanders stand at the side."""
    CLEAR = "clear"
    """As enrolment decides: the largest where it is clearly the largest, else none, and the picture fails."""


WHOSE_WORDS: Final = {
    Whose.CENTRE: "of several faces in a picture the one nearest its middle is meant",
    Whose.CLEAR: "of several faces in a picture the largest is meant where it is clearly the largest, as in "
    "enrolment; where none is, the picture gives no template",
}
