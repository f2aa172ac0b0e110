"""Figures in words: never without what bounds them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from lfrd.audit.figures import per_face, share
from lfrd.record import words
from tests.unit.audit.diary import NINE

LONDON = words.Clock(ZoneInfo("Europe/London"))


def test_a_rate_is_told_with_its_interval() -> None:
    assert words.rate(per_face(4, 47_000), "faces seen") == (
        "1 in 11,800 faces seen (4 of 47,000; 95 % interval 1 in 43,100 to 1 in 4,590)"
    )
    assert words.rate(share(41, 46), "passages") == (
        "89.1 % (41 of 46 passages; 95 % interval 77.0 % to 95.3 %)"
    )


def test_no_event_is_told_with_its_upper_bound_and_never_as_no_errors() -> None:
    said = words.rate(per_face(0, 470_000), "faces seen")
    assert said == "none in 470,000 faces seen; the true rate may be up to 1 in 127,000 (95 % interval)"


def test_where_nothing_was_seen_nothing_is_said() -> None:
    assert words.rate(per_face(0, 0), "faces seen") == "no faces seen: nothing can be said"
    assert words.rate(share(0, 0), "alerts") == "no alerts: nothing can be said"


@pytest.mark.parametrize(
    ("rate", "said"),
    [(0.0001, "1 in 10,000"), (0.25, "1 in 4"), (0.4, "1 in 2.5"), (3.7, "1 in 0.27"), (0.0, "none")],
)
def test_a_rate_is_one_in_so_many(rate: float, said: str) -> None:
    assert words.one_in(rate) == said


@pytest.mark.parametrize(
    ("share", "said"), [(0.0, "0.0 %"), (1.0, "100.0 %"), (0.891, "89.1 %"), (0.00042, "0.042 %")]
)
def test_a_share_is_percent(share: float, said: str) -> None:
    assert words.percent(share) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "0 s"),
        (12.44, "12.4 s"),
        (60.0, "1 min"),
        (200.0, "3 min 20 s"),
        (3599.7, "1 h"),
        (27_720.0, "7 h 42 min"),
        (None, words.NONE),
    ],
)
def test_a_duration_is_told_in_its_own_size(seconds: float | None, said: str) -> None:
    assert words.duration(seconds) == said


def test_times_stand_in_the_zone_of_the_place() -> None:
    assert LONDON.moment(NINE) == "14 March 2026, 09:00 GMT"
    assert LONDON.moment(NINE + 120 * 86400) == "12 July 2026, 10:00 BST"
    assert LONDON.span(NINE, NINE + 3600) == "Saturday 14 March 2026, 09:00 to 10:00 GMT"
    assert LONDON.span(NINE, NINE + 86400).endswith("to Sunday 15 March 2026, 09:00 GMT")
    assert LONDON.span(None, None) == LONDON.moment(None) == LONDON.exact(None) == words.NONE
