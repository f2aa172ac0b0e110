"""`lfrd evaluate`: the laboratory. How well a model pack recognises, for whom, and how sure that is."""

from __future__ import annotations

from lfrd.commands.shared import group

app = group(
    "The laboratory: how well a model pack recognises, for whom, and how sure that is. Nothing of anybody's "
    "face is kept; reports hold counts, rates and digests."
)


@app.callback()
def group_of_commands() -> None:
    """The laboratory: how well a model pack recognises, for whom, and how sure that is."""
