"""The record and the public notice as pages: for the screen, for paper, and as files of their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from lfrd.audit.figures import Basis, DeploymentFigures
from lfrd.config import Notice
from lfrd.errors import NotAllowed, SettingError
from lfrd.policy.plan import DOCUMENTS
from lfrd.policy.retention import RETENTION, in_words
from lfrd.record import charts, words
from lfrd.types import Stage

_FOLDER = Path(__file__).parent / "templates"
_STYLESHEET = "record.css"


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes, for both pages. site: the box's name. notice: the settings of that name."""

    site: str = ""
    notice: Notice = field(default_factory=Notice)


def stylesheet() -> str:
    """The pages' one stylesheet, for whoever serves them."""
    return (_FOLDER / _STYLESHEET).read_text(encoding="utf-8")


def record_page(
    figures: DeploymentFigures,
    basis: Basis,
    publisher: Publisher,
    clock: words.Clock,
    *,
    style: str | None = None,
    home: str | None = None,
) -> str:
    """A deployment's record. style: the stylesheet's address where the page is served; None puts it into the
    page, which is then a file of its own. home: where a link leads back to."""
    series = charts.bars(figures.hours)
    until = basis.as_of_at or 0.0
    rows = [(f"Segment {segment.number}", segment.counts) for segment in figures.segments]
    if len(rows) != 1:
        rows.append(("Whole deployment", figures.total))
    else:
        rows = [("Whole deployment", figures.total)]
    return _render(
        "record.html",
        style,
        figures=figures,
        total=figures.total,
        basis=basis,
        publisher=publisher,
        home=home,
        clock=clock,
        rows=rows,
        series=series,
        outcomes_chart=charts.outcomes(figures.total),
        faces_chart=charts.faces_by_hour(series, clock),
        alerts_chart=charts.alerts_by_hour(series, clock),
        course_chart=charts.course(figures, until, clock),
        false_chart=charts.false_alert_rates(
            [(name, counts.alerts.false_per_faces) for name, counts in rows], figures.accepted_false_alerts
        ),
        recognition_chart=charts.recognition(
            [(name, counts.blue.tpir) for name, counts in rows], figures.blue_tpir_wanted
        ),
    )


def notice_page(
    figures: DeploymentFigures, publisher: Publisher, clock: words.Clock, *, style: str | None = None
) -> str:
    """The public notice of a deployment. style: as for `record_page`.

    Raises SettingError where the notice could not say whom to ask or where results will stand, NotAllowed
    ('not_authorised') for a deployment that nobody has authorised.
    """
    for key in ("force", "contact", "results"):
        if not getattr(publisher.notice, key).strip():
            raise SettingError(f"notice.{key}", "is empty; a public notice says so: fill it in")
    if figures.authorised is None or figures.stage == Stage.DRAFT:
        raise NotAllowed(
            "not_authorised",
            f"deployment '{figures.name}' is not authorised: the public is told of it when it is",
        )
    return _render(
        "notice.html",
        style,
        figures=figures,
        authorised=figures.authorised,
        publisher=publisher,
        clock=clock,
        kept=in_words(RETENTION["alerts"].after),
        kept_with_outcome=in_words(RETENTION["alerts_with_outcome"].after),
        list_gone=in_words(RETENTION["watchlists"].ceiling),
    )


def _render(template: str, style: str | None, **values: Any) -> str:
    embedded = Markup(stylesheet()) if style is None else None  # noqa: S704 - a file of this package
    return _environment().get_template(template).render(style=style, embedded=embedded, **values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": words.number,
        "duration": words.duration,
        "one_in": words.one_in,
        "percent": words.percent,
    }
    environment.globals |= {"rate": words.rate, "dash": words.NONE, "documents": DOCUMENTS}
    return environment
