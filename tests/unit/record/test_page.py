"""The record and the notice as pages: whole, escaped, readable without colours, and never saying too much."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfrd.audit import kinds
from lfrd.audit.counting import compute
from lfrd.config import Notice
from lfrd.errors import NotAllowed, SettingError
from lfrd.record.charts import MOST_BARS, bars
from lfrd.record.page import Publisher, notice_page, record_page, stylesheet
from lfrd.record.words import Clock, number
from tests.unit.audit.diary import Diary, market_day, plan_of
from tests.unit.audit.test_figures import random_history

LONDON = Clock(ZoneInfo("Europe/London"))
NOTICE = Notice(
    force="Example Police",
    contact="0300 000 0000",
    results="police.example/lfr",
    rights="police.example/privacy",
    complaints="the Information Commissioner's Office",
)
PUBLISHER = Publisher("Croydon North", NOTICE)
VOID = {"meta", "link", "br"}


class Seen(HTMLParser):
    """What a browser would see: text, tags, ids; and whether every tag is closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    @property
    def words(self) -> str:
        return " ".join(self.text.split())


def seen(page: str) -> Seen:
    parser = Seen()
    parser.feed(page)
    parser.close()
    assert not parser.open
    ids = [attributes["id"] for _, attributes in parser.tags if "id" in attributes]
    assert len(ids) == len(set(ids)), "an id stands twice"
    return parser


def page_of(diary: Diary, **options: str) -> str:
    figures = compute(diary.records)
    return record_page(figures.deployments[0], figures.basis, PUBLISHER, LONDON, **options)


def notice_of(diary: Diary, publisher: Publisher = PUBLISHER) -> str:
    return notice_page(compute(diary.records).deployments[0], publisher, LONDON)


def test_the_page_states_everything_that_rule_26_names() -> None:
    diary = market_day()
    figures = compute(diary.records)
    deployment = figures.deployments[0]
    said = seen(page_of(diary)).words
    for wanted in (
        "Saturday 14 March 2026, 09:00 to 17:00 GMT",
        "High Street, from the clock tower to the station",
        "Policing a hotspot of violence",
        "A. Osei",
        "Superintendent",
        "data protection impact assessment",
        "10,312: wanted by the courts 9,060, missing 1,240, blue list 12",
        "0.4200",
        "abababab",
        "North, South",
        number(deployment.total.faces_seen),
        "no officer on post",
        "Camera South down",
        "95 % interval",
        "76.2 % (16 of 21 passages",
        "r-5f2c",
        figures.basis.last_hash,
    ):
        assert wanted in said, wanted


def test_the_page_says_alert_and_never_match() -> None:
    for page in (page_of(market_day()), notice_of(market_day())):
        assert "alert" in page
        assert not re.search(r"\bmatch", page, re.IGNORECASE)


def test_a_deployment_with_no_alert_gets_an_upper_bound_and_is_never_called_free_of_errors() -> None:
    diary = Diary()
    diary.start()
    diary.count("d1", 1, 5000)
    said = seen(page_of(diary)).words
    assert "none in 5,000 faces seen; the true rate may be up to 1 in 1,360 (95 % interval)" in said
    assert "no alerts: nothing can be said" in said
    assert not re.search(r"no errors|error-free|100 % accura", said)


def test_a_deployment_that_nobody_started_has_a_page_too() -> None:
    diary = Diary()
    diary.add(kinds.Drafted("d9", {"name": "Only a plan"}))
    said = seen(page_of(diary)).words
    assert "Not started." in said
    assert "no faces seen: nothing can be said" in said


def test_a_page_of_a_running_deployment_says_that_it_is_not_final() -> None:
    diary = Diary()
    diary.start()
    assert "Not final:" in seen(page_of(diary)).words
    diary.add(kinds.Closed("d1", "ended"))
    assert "Not final:" not in seen(page_of(diary)).words


def test_no_blue_list_is_said_to_be_none_rather_than_good() -> None:
    diary = Diary()
    diary.start()
    assert "says nothing of how many sought people passed unnoticed" in seen(page_of(diary)).words


def test_what_people_wrote_is_text_and_nothing_else() -> None:
    diary = Diary()
    bad = "<script>alert(1)</script>\"'&"
    cameras = [{"name": bad, "zone": []}]
    diary.start(name=bad, place=bad, purpose=bad, cameras=cameras, documents={"policy": bad})
    diary.add(kinds.Paused("d1", "degraded", bad), kinds.CameraFailed("d1", bad, bad), kinds.Resumed("d1"))
    for page in (page_of(diary), notice_of(diary)):
        assert "<script" not in page
        assert "&lt;script&gt;" in page
        seen(page)


def test_every_chart_has_a_title_a_description_and_its_figures_as_text() -> None:
    parser = seen(page_of(market_day()))
    charts = [attributes for tag, attributes in parser.tags if tag == "svg"]
    assert len(charts) == 6
    ids = {attributes.get("id") for _, attributes in parser.tags}
    for chart in charts:
        assert chart["role"] == "img"
        assert set((chart["aria-labelledby"] or "").split()) <= ids
    assert sum(1 for tag, _ in parser.tags if tag == "figcaption") == 6
    assert sum(1 for tag, _ in parser.tags if tag == "table") >= 6
    assert all("scope" in attributes for tag, attributes in parser.tags if tag == "th")


def test_a_served_page_has_no_inline_style_and_a_file_of_its_own_needs_nothing_else() -> None:
    served = page_of(market_day(), style="/desk/record.css", home="/desk/")
    tags = seen(served).tags
    assert all(tag != "style" and "style" not in attributes for tag, attributes in tags)
    assert ("link", {"rel": "stylesheet", "href": "/desk/record.css"}) in tags
    alone = page_of(market_day())
    assert stylesheet() in alone
    assert not re.search(r"(src|href)=", alone)
    for page in (served, alone):
        assert "<script" not in page
        assert not re.search(r"\son\w+=", page)
    assert "url(" not in stylesheet()


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32))
def test_any_history_makes_a_whole_page(seed: int) -> None:
    figures = compute(random_history(seed, 60).records)
    for deployment in figures.deployments:
        parser = seen(record_page(deployment, figures.basis, PUBLISHER, LONDON))
        assert number(deployment.total.faces_seen) in parser.words
        assert "nan" not in parser.words.split()


def test_a_season_is_drawn_in_as_few_bars_as_can_be_read() -> None:
    diary = Diary()
    diary.start()
    for _ in range(200):
        diary.after(3600)
        diary.count("d1", 1, 3)
    hours = compute(diary.records).deployments[0].hours
    drawn = bars(hours)
    assert len(drawn) <= MOST_BARS
    assert sum(bar.faces_seen for bar in drawn) == 600
    assert drawn[0].at == hours[0].at
    assert drawn[-1].until == hours[-1].at + 3600


# ---- the public notice ---------------------------------------------------------------------------------


def test_a_public_notice_says_what_where_when_why_and_whom_to_ask() -> None:
    said = seen(notice_of(market_day())).words
    for wanted in (
        "Live facial recognition is used here",
        "High Street, from the clock tower to the station",
        "Saturday 14 March 2026, 09:00 to 17:00 GMT",
        "To find people wanted by the courts and people who are missing.",
        "Authorised by A. Osei, Superintendent",
        "If your face raises no alert, it is deleted immediately",
        "An alert is not an identification.",
        "0300 000 0000",
        "police.example/lfr",
        "police.example/privacy",
        "the Information Commissioner's Office",
        "24 h",
        "31 days",
    ):
        assert wanted in said, wanted


@pytest.mark.parametrize("missing", ["force", "contact", "results"])
def test_a_notice_that_could_not_say_whom_to_ask_is_refused_with_the_setting_that_is_missing(
    missing: str,
) -> None:
    given = {"force": "a", "contact": "b", "results": "c"} | {missing: " "}
    with pytest.raises(SettingError, match=f"notice.{missing}"):
        notice_of(market_day(), Publisher("x", Notice(**given)))


def test_the_public_is_told_of_no_deployment_that_nobody_has_authorised() -> None:
    diary = Diary()
    diary.add(kinds.Drafted("d1", plan_of()))
    with pytest.raises(NotAllowed, match="not authorised"):
        notice_of(diary)
    diary.add(kinds.Authorised("d1", "start", "A. Osei", "Chief", "", plan_of()))
    assert "A. Osei, Chief" in seen(notice_of(diary)).words
    diary.add(kinds.PlanChanged("d1", plan_of(place="elsewhere")))
    with pytest.raises(NotAllowed, match="not authorised"):
        notice_of(diary)
