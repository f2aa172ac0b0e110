"""The blue list's live trial, for phones and the desk: volunteers by number, and what became of them."""

from __future__ import annotations

from typing import Annotated, Any, Final

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from lfrd.audit.blue import Passage
from lfrd.errors import NotAllowed
from lfrd.policy.pairing import WINDOW_SECONDS
from lfrd.store.officers import Session
from lfrd.store.passages import Trial, Word
from lfrd.types import DeploymentId, Role
from lfrd.web.answers import Endpoint, json, read
from lfrd.web.desk_words import deployment_of, names_of
from lfrd.web.services import Services

SHOWN = 200
"""Passages in an answer, the newest."""


class Walks(Struct, forbid_unknown_fields=True, frozen=True):
    """'Volunteer so-and-so walks now.'"""

    volunteer: Annotated[int, Meta(ge=1, le=1_000_000)]


class Says(Struct, forbid_unknown_fields=True, frozen=True):
    """The observer's word on a passage: it takes the place of any before it."""

    word: Word


async def trial(_request: Request, services: Services, _session: Session | None) -> Response:
    """Of the deployment that is open. It names no volunteer."""
    return await _answer(services, await services.passages.trial())


async def trial_of(request: Request, services: Services, _session: Session | None) -> Response:
    return await _answer(services, await services.passages.trial(deployment_of(request)))


async def walks(request: Request, services: Services, session: Session | None) -> Response:
    """{passage, until}: by what it can be taken back, and when its window closes."""
    assert session is not None
    _on_post(services, session)
    body = await read(request, Walks)
    noted = await services.passages.walks(await _open(services), session.actor, body.volunteer)
    await services.trial.look()
    return json({"passage": noted.passage, "until": noted.until, "now": services.clock()})


async def says(request: Request, services: Services, session: Session | None) -> Response:
    assert session is not None
    _on_post(services, session)
    body = await read(request, Says)
    passage = str(request.path_params["passage"])
    await services.passages.correct(await _open(services), session.actor, passage, body.word)
    await services.trial.look()
    return json({"passage": passage})


def _on_post(services: Services, session: Session) -> None:
    """An engagement officer observes on post only; the desk has none."""
    if session.role is Role.ENGAGEMENT and not services.duty.is_on(session.id):
        raise NotAllowed("not_on_post", "go on post first: passages are noted by officers on post")


async def _open(services: Services) -> DeploymentId:
    deployment = await services.deployments.current()
    if deployment is None:
        raise NotAllowed("stage", "no deployment is open: there is nothing to be found by")
    return deployment.id


async def _answer(services: Services, trial: Trial | None) -> Response:
    answer: dict[str, Any] = {"now": services.clock(), "window_seconds": WINDOW_SECONDS, "trial": None}
    if trial is not None:
        names = await names_of(services)
        figures = trial.tally.figures()
        answer["trial"] = {
            "deployment": trial.deployment.id,
            "name": trial.deployment.name,
            "stage": trial.deployment.stage,
            "wanted": trial.deployment.plan.blue_tpir,
            "volunteers": trial.volunteers,
            "figures": figures,
            "passages": [_passage(one, names) for one in trial.passages[:SHOWN]],
        }
    return json(answer)


def _passage(one: Passage, names: dict[str, str]) -> dict[str, Any]:
    """word: 'walking', 'found', 'missed' or 'void'. by: the name of the observer whose word it is; empty
    where it is the server's."""
    word = "walking" if one.walking else "void" if one.void else "found" if one.word else "missed"
    return {
        "passage": one.name,
        "volunteer": one.volunteer,
        "at": one.at,
        "until": one.until,
        "word": word,
        "why": one.why,
        "by": "" if one.walking or one.why else names.get(one.by, one.by),
        "corrected": one.corrected,
    }


ENDPOINTS: Final[dict[str, Endpoint]] = {
    "passages": trial,
    "passage_walks": walks,
    "passage_says": says,
    "desk_passages": trial_of,
}
