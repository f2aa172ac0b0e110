"""`lfrd evaluate`: the laboratory. How well a model pack recognises, for whom, and how sure that is."""

from __future__ import annotations

from lfrd.commands import (
    evaluate_detect,
    evaluate_equity,
    evaluate_identify,
    evaluate_plan,
    evaluate_street,
    evaluate_verify,
)
from lfrd.commands.shared import group

app = group(
    "The laboratory: how well a model pack recognises, for whom, and how sure that is. Nothing of anybody's "
    "face is kept; reports hold counts, rates and digests."
)


@app.callback()
def group_of_commands() -> None:
    """The laboratory: how well a model pack recognises, for whom, and how sure that is."""


app.command(short_help="Who is found on a list, and who is left alone.")(evaluate_identify.identify)
app.command(short_help="Two pictures: one person or two?")(evaluate_verify.verify)
app.command(short_help="Passages in clips against their truth.")(evaluate_street.street)
app.command(short_help="The detector on marked pictures.")(evaluate_detect.detect)
app.command(short_help="For whom it works, and for whom less.")(evaluate_equity.equity)
app.command(short_help="How large a trial must be.")(evaluate_plan.plan)
