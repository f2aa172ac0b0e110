"""Whether a camera is relieved of the frames that no other is made from. Pure."""

from __future__ import annotations

FASTER = 2.0
"""A camera is relieved where it gives so many times the frames that may be analysed."""
SETTLED = 2.0
"""Seconds after which the rate of what is left is known."""
SPARE = 1.1
"""What is left must be so many times the ceiling before relief is tried again: it lies in wait otherwise."""


class Relief:
    """One camera's. Fed every half second or so; says whether the camera is to be relieved from now on."""

    def __init__(self) -> None:
        self.on = False
        self._since = 0.0  # when it was turned on
        self._left: float | None = None  # frames a second that relief leaves, once it has been tried

    def update(self, at: float, fps: float, ceiling: float, *, pressed: bool) -> bool:
        """at: seconds. fps: frames that the camera decodes a second now, 0 where that is not known. ceiling:
        those that may be analysed. pressed: whether the box has too much to do (`Governor.pressed`)."""
        if self.on:
            if fps and at - self._since >= SETTLED:
                self._left = fps
            serves = self._left is None or self._left >= ceiling
            self.on = pressed and serves
        elif pressed and fps >= FASTER * ceiling and (self._left is None or self._left >= SPARE * ceiling):
            self.on, self._since = True, at
        return self.on
