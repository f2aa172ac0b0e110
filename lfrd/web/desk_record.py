"""The deployment's record at the desk: its figures in rows, and the page, the notice and the files of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from lfrd.audit import kinds
from lfrd.audit.figures import Basis, Counts, DeploymentFigures
from lfrd.errors import NotAllowed, SettingError
from lfrd.record import words
from lfrd.record.document import json_text
from lfrd.record.gathering import from_audit
from lfrd.record.page import Publisher, notice_page, record_page, stylesheet
from lfrd.record.table import csv_text
from lfrd.store.officers import Session
from lfrd.types import DeploymentId
from lfrd.web.answers import Endpoint, Refusal, json
from lfrd.web.desk_words import deployment_of
from lfrd.web.services import Services

STYLE = "/desk/record.css"
HOME = "/desk#record"
HTML = "text/html; charset=utf-8"


class Row(Struct, frozen=True):
    """One figure in words, with its interval where it has one."""

    name: str
    value: str


class Group(Struct, frozen=True):
    """The figures of one segment, or of the whole deployment."""

    title: str
    rows: list[Row]


async def record(request: Request, services: Services, session: Session | None) -> Response:
    assert session is not None
    figures, basis = await _figures(services, deployment_of(request))
    await services.audit.record(kinds.RecordViewed(deployment_of(request)), session.actor)
    groups = [Group("The whole deployment", list(_rows(figures.total)))]
    if len(figures.segments) > 1:
        groups += [
            Group(f"Segment {segment.number}", list(_rows(segment.counts))) for segment in figures.segments
        ]
    return json({"records": basis.records, "last_record": basis.last_record, "groups": groups})


async def record_json(request: Request, services: Services, session: Session | None) -> Response:
    text = json_text(*await _figures(services, deployment_of(request)))
    return await _exported(request, services, session, "record", text, "application/json")


async def record_csv(request: Request, services: Services, session: Session | None) -> Response:
    text = csv_text(*await _figures(services, deployment_of(request)))
    return await _exported(request, services, session, "record", text, "text/csv; charset=utf-8")


async def record_html(request: Request, services: Services, session: Session | None) -> Response:
    """The page that prints, in a tab of its own: opened by a ticket."""
    figures, basis = await _figures(services, deployment_of(request))
    text = record_page(figures, basis, _publisher(services), words.Clock(), style=STYLE, home=HOME)
    return await _exported(request, services, session, "record", text, HTML)


async def notice_html(request: Request, services: Services, session: Session | None) -> Response:
    """The public notice. What the settings or the authorisation lack for it is said in its place."""
    figures, _ = await _figures(services, deployment_of(request))
    try:
        text = notice_page(figures, _publisher(services), words.Clock(), style=STYLE)
    except SettingError as error:
        raise Refusal(409, "setting", str(error)) from None
    return await _exported(request, services, session, "notice", text, HTML)


async def style(_request: Request, _services: Services, _session: Session | None) -> Response:
    return Response(stylesheet(), media_type="text/css")


def _publisher(services: Services) -> Publisher:
    return Publisher(services.config.site.name, services.config.notice)


async def _exported(
    request: Request, services: Services, session: Session | None, kind: str, text: str, media_type: str
) -> Response:
    assert session is not None
    await services.audit.record(kinds.Exported(kind, deployment_of(request)), session.actor)
    return Response(text.encode(), media_type=media_type)


async def _figures(services: Services, id: DeploymentId) -> tuple[DeploymentFigures, Basis]:
    await services.deployments.get(id)  # or it is unknown
    figures = await from_audit(services.audit, id)
    if not figures.deployments:
        raise NotAllowed("no_record", "the audit has nothing of this deployment yet")
    return figures.deployments[0], figures.basis


def _rows(counts: Counts) -> Iterator[Row]:
    alerts, outcomes = counts.alerts, counts.outcomes
    yield Row("Active", words.duration(counts.times.active_seconds))
    yield Row("Paused", words.duration(counts.times.paused_seconds))
    yield Row("Suspended", words.duration(counts.times.suspended_seconds))
    yield Row("Faces seen (tracks)", words.number(counts.faces_seen))
    yield Row("Alerts", words.number(alerts.raised))
    yield Row("True alerts", words.number(alerts.true))
    yield Row("False alerts", words.number(alerts.false))
    yield Row("Not determined", words.number(alerts.undetermined))
    yield Row("False alert rate by faces", words.rate(alerts.false_per_faces, "faces seen"))
    yield Row("False alert rate by alerts", words.rate(alerts.false_per_alerts, "alerts"))
    blue = counts.blue
    yield Row("Blue-list recognition rate", words.rate(blue.tpir, "passages"))
    if blue.tpir.of or blue.void or blue.alerts:
        yield Row("Blue-list passages decided by the server", words.number(blue.paired))
        yield Row("Blue-list passages corrected by an observer", words.number(blue.corrected))
        yield Row("Blue-list passages that do not count", words.number(blue.void))
        yield Row("Blue-list alerts", words.number(blue.alerts))
        yield Row("Blue-list alerts without a passage", words.number(blue.alerts_unpaired))
    yield Row("Median time to the first answer", words.duration(counts.time_to_answer.median_seconds))
    yield Row("Median time to the adjudication", words.duration(counts.adjudications.time.median_seconds))
    yield Row("Engagements", words.number(outcomes.engagements))
    yield Row("Arrests", words.number(outcomes.arrests))
    yield Row("Other disposals", words.number(outcomes.other_disposals))
    yield Row("Alerts without an outcome", words.number(outcomes.uncoded))


ENDPOINTS: Final[dict[str, Endpoint]] = {
    "desk_record": record,
    "desk_record_json": record_json,
    "desk_record_csv": record_csv,
    "desk_record_html": record_html,
    "desk_notice_html": notice_html,
    "desk_record_style": style,
}
