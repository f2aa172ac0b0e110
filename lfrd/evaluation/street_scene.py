"""One clip's passages against what was seen of it: whose alert is right, and why a passage raised none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lfrd.config import Config
from lfrd.decision.rule import Reason, Rule
from lfrd.evaluation.counting import SLACK
from lfrd.evaluation.looks import Judgement, Seen, gather
from lfrd.evaluation.passages import (
    NOT_DETECTED,
    OVERLAP,
    SOMEBODY_NEARER,
    Owners,
    Raised,
    overlap,
    owners,
)
from lfrd.evaluation.street import Passage, Truth
from lfrd.evaluation.street_trial import verdicts
from lfrd.gallery.index import Gallery
from lfrd.types import Box, Refusal, TrackId

BROKEN = "broken"
GLUED = "glued"
NOT_EXPLAINED = "not_explained"
CAUSES: dict[str, tuple[str, ...]] = {
    "detection": (NOT_DETECTED,),
    "quality": (*Refusal, Reason.TOO_FEW_SHOTS),
    "tracking": (BROKEN, GLUED),
    "decision": (Reason.BELOW_THRESHOLD, Reason.DISAGREEMENT, SOMEBODY_NEARER),
    "not_explained": (NOT_EXPLAINED,),
}
"""What a passage was lost to, by the part of the way; `cause` says what each means."""


@dataclass(frozen=True, slots=True)
class Alert(Raised):
    """One finding of the pipeline. box: the face in the decisive frame, pixels of the clip."""

    box: Box


@dataclass(frozen=True, slots=True)
class Crossing:
    """What became of one passage. person: a number, the same in all clips.

    sought: the person is on the list and could be enrolled. refused: on the list, and not a picture could be
    enrolled. to_alert: seconds from the first moment that the face is visible to the right alert, None where
    none came. cause: why none came, of CAUSES; None where one came or none was due. tracks: that hold the
    face, and nobody's more often. width: of the largest true face, pixels; turned: the larger of yaw and
    pitch of the best face found, 0..1, and exposure: its mean brightness, 0..255; None where it is not known.
    crowd: see `crowd`.
    """

    person: int
    sought: bool
    refused: bool
    to_alert: float | None
    cause: str | None
    tracks: int
    width: float | None
    turned: float | None
    exposure: float | None
    crowd: float


@dataclass(frozen=True, slots=True)
class Row:
    """The same evidence at another threshold. found: whether each passage raised the right alert; non_mated:
    tracks that alerted on the list without the people whom they follow."""

    found: list[bool]
    non_mated: int


class Scene:
    """One clip's truth, and what was seen of it in a second look. For as long as the gallery is leased."""

    def __init__(
        self,
        truth: Truth,
        tracks: Mapping[TrackId, Sequence[Seen]],
        gallery: Gallery,
        settings: Config,
        rule: Rule,
        split_below: float,
    ) -> None:
        """tracks, rule, split_below: as `looks.follow` and the pipeline have them with these settings."""
        self.truth = truth
        self.tracks = tracks
        self.owner: dict[TrackId, Owners] = owners(truth, tracks)
        self._gallery = gallery
        self._settings = settings
        self._rule = rule
        self._split_below = split_below
        self.judged = {track: self._judge(seen, rule) for track, seen in tracks.items()}

    def _judge(self, seen: Sequence[Seen], rule: Rule, without: Collection[str] = ()) -> list[Judgement]:
        return gather(
            seen, self._gallery, self._settings, self._split_below, rule, without=without
        ).judgements

    def is_right(self, alert: Raised) -> bool:
        """Whether whom the alert is for passes there: see `crossing`."""
        return any(self._is_of(alert, passage) for passage in self.truth.passages)

    def _is_of(self, alert: Raised, passage: Passage) -> bool:
        """By the decisive face, which lies on the person's own, or by its track, which has followed that
        face; a passage without boxes goes by name and time."""
        if alert.nominal != passage.person:
            return False
        near = passage.enter - SLACK <= alert.at <= passage.leave + SLACK
        if not passage.boxes:
            return near
        if any(one is passage for one in self.owner.get(alert.track, [])):
            return True
        if not near or not isinstance(alert, Alert):
            return False
        _, *sides = min(passage.boxes, key=lambda box: abs(box[0] - alert.at))
        return overlap(alert.box, Box(*sides)) >= OVERLAP

    def crossing(
        self,
        passage: Passage,
        raised: Sequence[Raised],
        listed: frozenset[str],
        refused: frozenset[str],
        numbers: dict[str, int],
    ) -> Crossing:
        """What became of a passage. numbers: of people; who is new gets the next."""
        right = [alert.at for alert in raised if self._is_of(alert, passage)]
        faces = self._faces(passage)
        best = max(
            (face for held in faces.values() for face in held),
            key=lambda face: (face.refusal is None, face.quality.worth),
            default=None,
        )
        sought = passage.person in listed
        return Crossing(
            person=numbers.setdefault(passage.person, len(numbers)),
            sought=sought,
            refused=passage.person in refused,
            to_alert=max(0.0, min(right) - passage.enter) if right else None,
            cause=self._cause(passage, faces) if sought and not right else None,
            tracks=sum(people[0] is passage for people in self.owner.values() if people),
            width=max((box[3] for box in passage.boxes), default=None),
            turned=None if best is None else max(abs(best.quality.yaw), abs(best.quality.pitch)),
            exposure=None if best is None else best.quality.exposure,
            crowd=crowd(passage, self.truth.passages),
        )

    def _faces(self, passage: Passage) -> dict[TrackId, list[Seen]]:
        """The faces of a passage, by the track that held them."""
        shown = {round(at, 2): Box(*sides) for at, *sides in passage.boxes}
        found: dict[TrackId, list[Seen]] = {}
        for track, people in self.owner.items():
            if not any(one is passage for one in people):
                continue
            for face in self.tracks[track]:
                box = shown.get(round(face.at, 2))
                if box is not None and overlap(box, face.box) >= OVERLAP:
                    found.setdefault(track, []).append(face)
        return found

    def _cause(self, passage: Passage, faces: Mapping[TrackId, Sequence[Seen]]) -> str:
        """Why no right alert came, of CAUSES.

        not_detected: no track held the face. A quality code: every face was refused, most of them for it.
        broken, glued: the same faces, followed as one track and with nobody else's, do give the alert.
        too_few_shots: even so there are not enough for a verdict. somebody_nearer: even so the person is
        never the nearest on the list. disagreement, below_threshold: the rule's own reasons. not_explained:
        the truth has no boxes, or the second look does give the alert.
        """
        if not passage.boxes:
            return NOT_EXPLAINED
        if not faces:
            return NOT_DETECTED
        mine = [j for track in faces for j in self.judged[track]]
        if any(_alerts_for(passage.person, j, self._rule) for j in mine):
            return NOT_EXPLAINED
        together = sorted((face for held in faces.values() for face in held), key=lambda face: face.at)
        refused = Counter(face.refusal for face in together if face.refusal is not None)
        if sum(refused.values()) == len(together):
            return str(refused.most_common(1)[0][0])
        whole = self._judge(together, self._rule)
        if any(_alerts_for(passage.person, j, self._rule) for j in whole):
            alone = all(len(self.owner[track]) == 1 for track in faces)
            return BROKEN if alone and len(faces) > 1 else GLUED
        if not whole:
            return str(Reason.TOO_FEW_SHOTS)
        reasons = {j.verdict(self._rule).reason for j in whole if j.best and j.best.nominal == passage.person}
        if not reasons:
            return SOMEBODY_NEARER
        return str(Reason.DISAGREEMENT if Reason.DISAGREEMENT in reasons else Reason.BELOW_THRESHOLD)

    def row(self, score: float, listed: frozenset[str]) -> Row:
        """The second look's faces judged anew at another threshold, by which tracks settle."""
        rule = Rule(score, self._settings.decision.least_shots, self._settings.decision.agreement)
        judged = {track: self._judge(seen, rule) for track, seen in self.tracks.items()}
        non_mated = {
            track: self._judge(self.tracks[track], rule, own) if (own := self._own(track)) & listed else made
            for track, made in judged.items()
        }
        raised = verdicts(judged, rule)
        return Row(
            found=[any(self._is_of(alert, passage) for alert in raised) for passage in self.truth.passages],
            non_mated=len({alert.track for alert in verdicts(non_mated, rule)}),
        )

    def _own(self, track: TrackId) -> set[str]:
        """The people whom a track follows; where the truth has no boxes, all who pass meanwhile."""
        seen = self.tracks[track]
        return {passage.person for passage in self.owner[track]} | {
            passage.person
            for passage in self.truth.passages
            if not passage.boxes
            and passage.enter - SLACK <= seen[-1].at
            and seen[0].at <= passage.leave + SLACK
        }


def _alerts_for(person: str, made: Judgement, rule: Rule) -> bool:
    return made.best is not None and made.best.nominal == person and made.verdict(rule).alert


def crowd(passage: Passage, passages: Sequence[Passage]) -> float:
    """People in view at once, the mean over a passage: everybody between first and last visible moment."""
    spans = np.array([(one.enter, one.leave) for one in passages if one is not passage]).reshape(-1, 2)
    shared = np.minimum(spans[:, 1], passage.leave) - np.maximum(spans[:, 0], passage.enter)
    lasts = passage.leave - passage.enter
    if lasts <= 0:
        return 1.0 + float(np.count_nonzero(shared >= 0))
    return 1.0 + float(np.maximum(shared, 0).sum()) / lasts
