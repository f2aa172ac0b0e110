"""Options that the laboratory's commands have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lfrd.evaluation.whose import Whose

GalleryOption = Annotated[
    Path, typer.Option(metavar="DIR", help="People on the list: a folder of pictures a person.")
]
ProbesOption = Annotated[
    Path,
    typer.Option(metavar="DIR", help="Other pictures of them, under the same names. They are searched with."),
]
NonMatesOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="People on no list. [default: each probe again, on the list without its own person]",
    ),
]
FillerOption = Annotated[
    Path | None, typer.Option(metavar="DIR", help="More people for the list, who are not searched for.")
]
SeedOption = Annotated[int, typer.Option(metavar="N", min=0, help="Of whatever is drawn by chance.")]
WhoseOption = Annotated[
    Whose,
    typer.Option(help="Of several faces in a picture: the one nearest its centre, or as enrolment decides."),
]
ConfidenceOption = Annotated[
    float, typer.Option(metavar="SHARE", min=0.5, max=0.999, help="Of the intervals.")
]
ReportOption = Annotated[
    Path | None, typer.Option(metavar="FILE.html", help="Write a page with curves, and its JSON beside it.")
]
