"""Which track is whose, and what became of each passage: found, or lost to what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lfrd.decision.rule import Reason, Rule
from lfrd.evaluation.looks import Judgement, Seen
from lfrd.evaluation.street import Passage, Truth
from lfrd.types import Box, NominalId, TrackId

OVERLAP = 0.3
"""A detected face is a walker's where intersection over union of its box and the true one reaches this."""

Owners = list[Passage]
"""The passages whose faces one track holds, most faces first: several where the tracker glued people
together (whoever it then alerts for is there), none where it follows what is nobody's face."""

NOT_DETECTED = "not_detected"
SOMEBODY_NEARER = "somebody_nearer"


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert of one clip. at: seconds of the clip."""

    nominal: NominalId
    track: TrackId
    at: float
    score: float


@dataclass(slots=True)
class Outcome:
    """One passage of a sought person, or a stranger's.

    found_at: when the right alert came; None for strangers, and where none came: then `loss` says why.
    """

    passage: Passage
    sought: bool
    tracks: list[TrackId] = field(default_factory=list)
    found_at: float | None = None
    loss: str | None = None

    @property
    def seconds_to_alert(self) -> float | None:
        return None if self.found_at is None else self.found_at - self.passage.enter


def owners(truth: Truth, tracks: Mapping[TrackId, Sequence[Seen]]) -> dict[TrackId, Owners]:
    """Who each track follows. Times are compared to a hundredth of a second."""
    shown: dict[float, list[tuple[int, Box]]] = {}
    for number, passage in enumerate(truth.passages):
        for at, *sides in passage.boxes:
            shown.setdefault(round(at, 2), []).append((number, Box(*sides)))
    owner: dict[TrackId, Owners] = {}
    for track, faces in tracks.items():
        votes: Counter[int] = Counter()
        for face in faces:
            near = [(overlap(box, face.box), number) for number, box in shown.get(round(face.at, 2), [])]
            share, number = max(near, default=(0.0, -1))
            if share >= OVERLAP:
                votes[number] += 1
        owner[track] = [truth.passages[number] for number, _ in votes.most_common()]
    return owner


def outcomes(
    truth: Truth,
    sought: frozenset[str],
    owner: Mapping[TrackId, Owners],
    raised: Sequence[Raised],
) -> list[Outcome]:
    """Each passage, and when it was found. `loss` is still to be said."""
    made = []
    for passage in truth.passages:
        tracks = [track for track, of in owner.items() if of and of[0] is passage]
        right = [a.at for a in raised if a.nominal == passage.person and passage in owner.get(a.track, [])]
        made.append(Outcome(passage, passage.person in sought, tracks, min(right, default=None)))
    return made


def wrong(raised: Sequence[Raised], owner: Mapping[TrackId, Owners]) -> list[Raised]:
    """The first alert of each track for each nominal whom it never followed."""
    made: dict[tuple[TrackId, NominalId], Raised] = {}
    for alert in raised:
        if alert.nominal not in {passage.person for passage in owner.get(alert.track, [])}:
            made.setdefault((alert.track, alert.nominal), alert)
    return list(made.values())


def loss(
    outcome: Outcome,
    tracks: Mapping[TrackId, Sequence[Seen]],
    judged: Mapping[TrackId, Sequence[Judgement]],
    rule: Rule,
) -> str:
    """The last hurdle before which a sought person's passage was lost.

    In the order of the journey: not_detected (no track), a quality refusal's code (no usable face; the most
    frequent reason), too_few_shots, somebody_nearer (no fused template was nearest to its own person),
    below_threshold, disagreement.
    """
    faces = [face for track in outcome.tracks for face in tracks[track]]
    if not faces:
        return NOT_DETECTED
    refused = Counter(face.refusal for face in faces if face.refusal is not None)
    if sum(refused.values()) == len(faces):
        return str(refused.most_common(1)[0][0])
    made = [j for track in outcome.tracks for j in judged[track]]
    if not made:
        return str(Reason.TOO_FEW_SHOTS)
    own = [j for j in made if j.best is not None and j.best.nominal == outcome.passage.person]
    if not own:
        return SOMEBODY_NEARER
    reasons = {j.verdict(rule).reason for j in own}
    return str(Reason.DISAGREEMENT if Reason.DISAGREEMENT in reasons else Reason.BELOW_THRESHOLD)


def overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    shared = max(0.0, width) * max(0.0, height)
    return shared / (a.area + b.area - shared) if shared else 0.0
