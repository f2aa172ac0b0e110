"""Control limits of a running deployment: when its false alerts, or its blue list, say that it must stop.

Both are looked at after every event, so a limit that is right for one look would be crossed by chance sooner
or later. What is used instead is evidence that may be looked at as often as one likes: likelihood ratios,
mixed over how bad it may have become and since when (a weighted Shiryaev-Roberts statistic). While the rate
is what was accepted, or better, such a mixture is a non-negative supermartingale that begins at 1, and by
Ville's inequality ever reaches 1 / ERROR with a probability of at most ERROR, however long the deployment
lasts. J. Ville, "Étude critique de la notion de collectif" (1939); M. Pollak, "Optimal detection of a change
in distribution", Annals of Statistics 13 (1985), 206-227. docs/record.md has the derivation, the simulations
and what was rejected.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from lfrd.audit.kinds import AlertRaised, AnyBody, Authorised, BluePassage, Counted, SegmentBegan
from lfrd.audit.standing import Alert, AlertBody
from lfrd.types import F64

ERROR = 0.01
"""Probability at the most that a deployment, or a run of one, is suspended at the accepted rate; the same
again for the blue list."""
TIMES_WORSE = (2.0, 4.0, 10.0)
"""False alert rates, in multiples of the accepted one, that are looked for. Any rate beyond is found too."""
TIMES_FOUND = (0.9, 0.7, 0.4)
"""Blue-list recognition rates, in multiples of the least allowed, that are looked for."""
STEP = 0.1
"""A change may have begun at any multiple of so many expected false alerts."""
MOST_BEGINNINGS = 100_000
"""Later beginnings get no weight: 10 million faces on, at 1 in 1,000. A change after that is only
seen against all that went before it."""
FROM_THE_START = 0.5
"""Share of the weight on 'bad from the start'; the rest lies on later beginnings, thinner the later."""


class Breach(NamedTuple):
    """reason: 'false_alert_rate' or 'blue_tpir', as `audit.kinds.Suspended` has it. detail: in words, with
    the figures."""

    reason: Literal["false_alert_rate", "blue_tpir"]
    detail: str


class Evidence(NamedTuple):
    """value: how many times likelier the history is if the rate is beyond the limit; begun: since when, the
    likeliest beginning, as an expected number of false alerts or as a passage's index."""

    value: float
    begun: float


class Control:
    """The control limits of one deployment (rule 29).

    Fed with what happens, in its order, by hand or from the audit's records (`feed`); asked for `breach`
    after each. A run goes from the start, an amendment or a renewed authorisation to the next: `restart`.

    accepted_false_alerts: false alerts a face seen, (0, 1]. blue_tpir: recognition rate at the least, 0..1;
    0: no blue list is used and nothing is asked of it.
    """

    def __init__(self, accepted_false_alerts: float, blue_tpir: float) -> None:
        if not 0.0 < accepted_false_alerts <= 1.0 or not 0.0 <= blue_tpir <= 1.0:
            raise ValueError(
                f"an accepted rate lies within (0, 1] and a TPIR within 0..1, not {accepted_false_alerts}, "
                f"{blue_tpir}"
            )
        self.accepted_false_alerts = accepted_false_alerts
        self.blue_tpir = blue_tpir
        self.faces_seen = 0  # of this run
        self._false: dict[str, int] = {}  # false alerts of this run: faces seen when each became one
        self._passages: dict[str, bool] = {}  # blue-list passages of this run, in order: found or not
        self._earlier: set[str] = set()  # false alerts and passages of earlier runs, which count no more
        self._alerts: dict[str, Alert] = {}  # operational alerts, of all runs, for `feed`
        self._breaches: tuple[Breach | None, Breach | None] = (None, None)  # false alerts, blue list

    def faces(self, n: int) -> None:
        """So many more faces were seen. An alert's own face is counted before the alert is judged."""
        self.faces_seen += n

    def judged(self, alert: str, *, false: bool) -> None:
        """An operational alert has turned out to be false, or, corrected, not to be false after all."""
        if alert in self._earlier:
            return
        if false == (alert in self._false):
            return
        if false:
            self._false[alert] = self.faces_seen
        else:
            del self._false[alert]
        self._breaches = self._false_alert_breach(), self._breaches[1]

    def blue(self, passage: str, found: bool | None) -> None:
        """A volunteer of the blue list walked through the zone, and was found or was not; None: it does not
        count after all. The newest word on a passage counts."""
        if self.blue_tpir == 0.0 or passage in self._earlier or self._passages.get(passage) is found:
            return
        if found is None:
            del self._passages[passage]
        else:
            self._passages[passage] = found
        self._breaches = self._breaches[0], self._blue_breach()

    @property
    def breach(self) -> Breach | None:
        """The limit that is crossed, as of the newest false alert or passage; None while none is."""
        return self._breaches[0] or self._breaches[1]

    @property
    def false_alerts(self) -> int:
        """Of this run."""
        return len(self._false)

    def restart(self) -> None:
        """A new run: an authorising officer has looked at it, or the terms have changed."""
        self._earlier.update(self._false, self._passages)
        self._false.clear()
        self._passages.clear()
        self.faces_seen = 0
        self._breaches = None, None

    def feed(self, body: AnyBody, actor: str) -> None:
        """Take one audit record of the deployment, with the id of whoever did it; records of other kinds mean
        nothing here."""
        match body:
            case Counted():
                self.faces(body.faces_seen)
            case BluePassage():
                self.blue(body.passage, None if body.void else body.found)
            case SegmentBegan() | Authorised(kind="resume"):
                self.restart()
            case AlertRaised():
                if not body.blue:
                    self._alerts[body.alert] = Alert.raised(body, 0.0)
            case _:
                if isinstance(body, AlertBody) and (alert := self._alerts.get(body.alert)) is not None:
                    alert.follow(body, actor, 0.0)
                    self.judged(body.alert, false=alert.truth.is_false)

    def _false_alert_breach(self) -> Breach | None:
        if not self._false:
            return None
        rate = self.accepted_false_alerts
        positions = np.sort(np.fromiter(self._false.values(), np.float64)) * rate
        evidence = excess(positions)
        if evidence.value * ERROR < 1.0:
            return None
        newest = round(positions[-1] / rate)
        since = round(evidence.begun / rate)
        recent = int(np.sum(positions >= evidence.begun))
        words = f"{recent:,} false alerts among the newest {newest - since:,} faces seen"
        if since > 0:
            words += f" ({len(positions):,} among {newest:,} in all)"
        return Breach("false_alert_rate", f"{words}; accepted is 1 in {1 / rate:,.0f}")

    def _blue_breach(self) -> Breach | None:
        results = list(self._passages.values())
        while results and results[-1]:  # as of the newest one missed
            results.pop()
        evidence = misses(results, self.blue_tpir)
        if evidence.value * ERROR < 1.0:
            return None
        recent = results[int(evidence.begun) :]
        words = f"{sum(recent):,} of the newest {len(recent):,} blue-list passages found"
        if len(recent) < len(results):
            words += f" ({sum(results):,} of {len(results):,} in all)"
        return Breach("blue_tpir", f"{words}; at least {self.blue_tpir:.0%} is wanted")


def excess(positions: F64) -> Evidence:
    """The evidence, at the newest false alert, that there are more of them than accepted.

    positions: float64 [k], rising: where each happened, in expected false alerts, that is faces seen by then
    times the accepted rate. Of a Poisson process with `times` the accepted rate since g the likelihood ratio
    is times^(false alerts since g) x exp(-(times - 1) (now - g)).
    """
    if len(positions) == 0:
        return Evidence(0.0, 0.0)
    now = positions[-1]
    begun: F64 = np.arange(min(int(now / STEP) + 1, MOST_BEGINNINGS), dtype=np.float64) * STEP
    since = len(positions) - np.searchsorted(positions, begun, side="left")
    ratios = [since * math.log(times) - (times - 1.0) * (now - begun) for times in TIMES_WORSE]
    return _mixed(ratios, begun, STEP)


def misses(results: Sequence[bool], least: float) -> Evidence:
    """The evidence, at the newest passage, that fewer than the share `least` are found.

    results: passages in order, True where found. least: (0, 1]; at 1 a single miss is all the evidence that
    there can be. For a true rate of `least` x times the likelihood ratio is times for one found, and
    (1 - least x times) / (1 - least) for one missed.
    """
    if not results:
        return Evidence(0.0, 0.0)
    found = np.array(results)
    if least == 1.0:
        return Evidence(0.0 if found.all() else math.inf, 0.0)
    begun = np.arange(len(found), dtype=np.float64)
    ratios = []
    for times in TIMES_FOUND:
        steps = np.where(found, math.log(times), math.log((1.0 - least * times) / (1.0 - least)))
        ratios.append(np.cumsum(steps[::-1])[::-1])  # of everything from each passage on
    return _mixed(ratios, begun, 1.0)


def _mixed(ratios: Sequence[F64], begun: F64, step: float) -> Evidence:
    """Log likelihood ratios by alternative and beginning, weighted and summed. The weights of all beginnings
    that can ever be, 1 / (1 + begun) - 1 / (1 + begun + step), telescope to 1."""
    weights = (1.0 - FROM_THE_START) * (1.0 / (1.0 + begun) - 1.0 / (1.0 + begun + step))
    weights[0] += FROM_THE_START
    logs = np.logaddexp.reduce(np.stack(ratios), axis=0) - math.log(len(ratios)) + np.log(weights)
    likeliest = int(np.argmax(logs))
    with np.errstate(over="ignore"):
        return Evidence(float(np.exp(np.logaddexp.reduce(logs))), float(begun[likeliest]))
