"""A street's tracks as a calibration's sample: each is judged on the list without whom it follows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from lfrd.config import Config
from lfrd.decision.rule import LOOSER, LUCK
from lfrd.decision.threshold import lowest_score
from lfrd.errors import CalibrationError
from lfrd.evaluation.calibration import Sample
from lfrd.evaluation.digests import digest_of
from lfrd.evaluation.looks import Judgement, Seen, follow, gather, look
from lfrd.evaluation.passages import owners
from lfrd.evaluation.people import Progress
from lfrd.evaluation.searches import NO_CANDIDATE, Searches
from lfrd.evaluation.street import Truth
from lfrd.evaluation.street_set import StreetSet
from lfrd.inference import opened
from lfrd.models import library
from lfrd.types import TrackId
from lfrd.vision.pack import Pack
from lfrd.watching import calibrations, enrol_folder


async def of_street(
    pack: Pack,
    street: StreetSet,
    settings: Config,
    *,
    about: str,
    left_out: Collection[str] = (),
    progress: Progress = lambda done, total: None,
) -> Sample:
    """Look at the clips and judge each track as the pipeline would with these settings.

    A non-mated search is a whole track, searched on the list without whoever it follows: its score is the
    highest threshold at which any of its judgements is an alert. It is -inf where no threshold would do, as
    for a track without enough usable shots: such a face was seen and counts. A mated search is a passage of
    somebody on the list, over all tracks that hold their face; one that was never detected is a miss.

    left_out: people who are taken off the list and whose passages are left out. about: whose clips they are,
    in words. progress: clips. Templates stay in memory. Raises CalibrationError where the pack has no
    calibration of single pictures yet (the tracks are split by it), and what reading clips and pack raises.
    """
    split = lowest_score(calibrations(pack))
    if split is None:
        raise CalibrationError(
            f"the card of '{pack.name}' has no calibration to tell two people on one track apart by; give "
            "--faces as well"
        )

    counted = _Counted()
    async with opened(pack, library.networks, settings.inference) as inference:
        enrolment = await enrol_folder(inference, street.watchlist, settings, lambda done, total: None)
        listed = frozenset(enrolment.enrolled) - frozenset(left_out)
        with ExitStack() as kept:
            gallery = enrolment.gallery
            kept.callback(gallery.wipe)

            def judged(faces: Sequence[Seen], without: Collection[str]) -> list[Judgement]:
                return gather(faces, gallery, settings, split, without={*without, *left_out}).judgements

            for done, (clip, truth) in enumerate(zip(street.clips, street.truths, strict=True)):
                progress(done, len(street.clips))
                looks = await look(
                    clip,
                    inference,
                    rate=settings.analysis.rate,
                    max_side=settings.analysis.max_side,
                    least_eyes=settings.analysis.eye_distance_pixels,
                )
                for one in looks:
                    kept.callback(one.templates.fill, 0)
                tracks = follow(looks, settings, inference.high)
                shown = Truth([passage for passage in truth.passages if passage.person not in left_out])
                counted.add(
                    done, truth, shown, tracks, street.sought & listed, judged, settings.decision.agreement
                )
    progress(len(street.clips), len(street.clips))
    return Sample(
        "track",
        counted.searches(len(listed)),
        1,
        about,
        digest_of((str(path.relative_to(street.folder)), path) for path in _files(street)),
    )


Judge = Callable[[Sequence[Seen], Collection[str]], list[Judgement]]
"""The judgements of a track's faces on the list without these people."""


class _Counted:
    """Scores of all tracks and passages so far."""

    def __init__(self) -> None:
        self._top: list[float] = []
        self._followed: list[int] = []  # one a score of `_top`: whom the track mostly follows
        self._own: list[float] = []
        self._mated: list[int] = []
        self._numbers: dict[str, int] = {}  # of people, and of tracks that follow nobody who is known

    def add(
        self,
        clip: int,
        truth: Truth,
        shown: Truth,
        tracks: Mapping[TrackId, Sequence[Seen]],
        sought: Collection[str],
        judge: Judge,
        agreement: float,
    ) -> None:
        """One clip. shown: the passages that count; a track with anybody else's face on it does not."""
        whose = owners(truth, tracks)
        found = dict.fromkeys(range(len(shown.passages)), NO_CANDIDATE)
        for track, faces in tracks.items():
            if any(passage not in shown.passages for passage in whose[track]):
                continue
            people = {passage.person for passage in whose[track]}
            self._top.append(_highest(judge(faces, people), agreement))
            first = whose[track][0].person if people else f"\0{clip} {track}"
            self._followed.append(self._number(first))
            if not people & set(sought):
                continue
            made = judge(faces, ())
            for number, passage in enumerate(shown.passages):
                if passage in whose[track]:
                    right = [j for j in made if j.best is not None and j.best.nominal == passage.person]
                    found[number] = max(found[number], _highest(right, agreement))
        for number, score in found.items():
            if shown.passages[number].person in sought:
                self._own.append(score)
                self._mated.append(self._number(shown.passages[number].person))

    def searches(self, entries: int) -> Searches:
        return Searches(
            np.array(self._own),
            np.full(len(self._own), NO_CANDIDATE),
            np.array(self._mated, np.intp),
            np.array(self._top),
            np.array(self._followed, np.intp),
            entries,
        )

    def _number(self, who: str) -> int:
        return self._numbers.setdefault(who, len(self._numbers))


def reaches(judgement: Judgement, agreement: float) -> float:
    """The highest threshold at which `Rule.judge` makes an alert of this; -inf where none would.

    Two things must hold: the track's score reaches the threshold t, and as many shots as `agreement` asks for
    point to the candidate and score at least 1 - LOOSER x (1 - t) to them. What is asked of the shots loosens
    as t falls, so the second holds up to 1 - (1 - s) / LOOSER, with s the least of the best shots needed.
    """
    best, scores = judgement.best, judgement.shot_scores
    if best is None or not len(scores):
        return NO_CANDIDATE
    own = np.sort(scores[[nominal == best.nominal for nominal in judgement.shot_best]])[::-1].astype(
        np.float64
    )
    score = max([best.score, *(1 - LUCK * (1 - own[:1]))])
    needed = next(k for k in range(len(scores) + 1) if k / len(scores) >= agreement)
    if needed == 0:
        return float(score)
    if needed > len(own):
        return NO_CANDIDATE
    return float(min(score, 1 - (1 - own[needed - 1]) / LOOSER))


def _highest(made: Sequence[Judgement], agreement: float) -> float:
    return max((reaches(one, agreement) for one in made), default=NO_CANDIDATE)


def _files(street: StreetSet) -> list[Path]:
    """Clips, truths and the list's pictures."""
    listed = sorted(path for path in street.watchlist.rglob("*") if path.is_file())
    return [*street.clips, *(clip.with_suffix(".json") for clip in street.clips), *listed]
